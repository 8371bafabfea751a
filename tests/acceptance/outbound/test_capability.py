"""Issue 11, item 7: the send capability beside the link state, and what may still be done."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from app.domain.actions import ActionName, UnavailableReason
from app.domain.cases import CaseKind
from app.domain.errors import Problem, ProblemCode
from app.domain.outbound import Hold, HoldReason, OutboundLimits, OutboundMessage
from app.domain.settings import OUTBOUND_LIMITS
from app.text.send_state import send_state
from app.text.status import texts
from tests.acceptance.meta_cloud.harness import Harness
from tests.acceptance.outbound.test_replies import talk_with_bia

PAYMENT = {"code": 131042, "message": "(#131042) Business eligibility payment issue", "type": "OAuthException"}


async def test_a_stop_is_shown_after_a_restart_too_and_only_a_person_ends_it(harness: Harness) -> None:
    """ "stops the link on ban, time-lock (463), policy or billing errors"; "what may still be done"."""
    async with harness.running() as run:
        ana, _url, talk = await talk_with_bia(run)
        core = run.core
        assert core.actions.unavailable_reason(ActionName.RELEASE_SENDING, ana.id) is UnavailableReason.NOTHING_STOPPED
        run.cloud.answer("messages", json.dumps({"error": PAYMENT}).encode(), 400)
        await core.replies.send(talk, "Pode, sim.")
        await core.write_queue.flush()
        (case,) = [each for each in core.cases.open_cases if each.kind is CaseKind.SENDING_STOPPED]
        await core.cases.close(case.id, "Pago")
    async with harness.running() as run:
        core = run.core
        stop = core.outbound.stopped(ana.id)
        assert stop is not None
        assert stop.code == "131042"
        shown = send_state(run.status(ana), stop, core.clock.now())
        assert (shown.what, shown.may) == (texts("sending.stopped.what"), texts("sending.stopped.may"))
        assert core.actions.unavailable_reason(ActionName.RELEASE_SENDING, ana.id) is None
        await core.write_queue.flush()
        assert core.cases.open_cases == [], "what is read from the database is no news"
        await core.outbound.release(ana.id)
        assert core.actions.unavailable_reason(ActionName.RELEASE_SENDING, ana.id) is UnavailableReason.NOTHING_STOPPED


async def test_limits_are_settings_that_hold_at_once_and_loosening_one_is_audited_with_its_reason(
    harness: Harness,
) -> None:
    """ "Conservative defaults; loosening one is guarded and audited"."""
    async with harness.running() as run:
        _ana, _url, talk = await talk_with_bia(run)
        settings = run.core.settings_service
        await settings.change(OUTBOUND_LIMITS, OutboundLimits(per_minute=1))
        assert isinstance(await run.core.replies.send(talk, "Pode, sim."), OutboundMessage)
        held = await run.core.replies.send(talk, "Às 10h.")
        assert isinstance(held, Hold)
        assert held.reason is HoldReason.LINK_LIMIT
        with pytest.raises(Problem) as refused:
            await settings.change(OUTBOUND_LIMITS, OutboundLimits(per_minute=2), reason=" curto ")
        assert refused.value.code is ProblemCode.REASON_MISSING
        assert settings.settings.outbound_limits.per_minute == 1
        await settings.change(OUTBOUND_LIMITS, OutboundLimits(per_minute=2), reason="Bia espera as respostas")
        harness.clock.time += timedelta(seconds=OutboundLimits().longest_gap)
        assert isinstance(await run.core.replies.send(talk, "Às 10h."), OutboundMessage)
        changes = [
            each.record for each in await run.core.audit.entries() if each.record.action == OUTBOUND_LIMITS.action
        ]
        assert sorted((each.after["value"], each.reason) for each in changes) == [
            ("per_minute=1", ""),
            ("per_minute=2", "Bia espera as respostas"),
        ]
    async with harness.running() as run:
        assert run.core.settings_service.settings.outbound_limits == OutboundLimits(per_minute=2)
