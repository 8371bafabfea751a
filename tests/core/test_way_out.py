"""Whatever happens, and whatever people do meanwhile: every link can be brought back in the end, with its keys."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.core.background import BackgroundTasks
from app.domain.actions import ActionName
from app.domain.errors import Problem
from app.domain.events import IncidentBegan, IncidentEnded
from app.domain.guidance import RECOMMENDED_ACTION, recommend
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.phone import PhoneNumber
from app.domain.procedure import ProcedureState
from app.domain.provider import ActivitySeen, Blocked, Connected, ConnectionEvent, Failed, Lost, QrIssued, QrScanned
from tests.clock import DAWN, settle
from tests.core.links.many_links import ManyLinks

LINKS = 4
FALLBACKS = (
    ActionName.BRING_BACK,
    ActionName.CONNECT,
    ActionName.NEW_CODE,
    ActionName.REAUTHENTICATE,
    ActionName.CANCEL,
    ActionName.DISCONNECT,
)
SHEETS = {  # these ask for more than a yes, elsewhere
    ActionName.SMOKE_TEST,
    ActionName.RECOVER,
    ActionName.BACK_UP,
    ActionName.RESTORE,
    ActionName.ENTER_CREDENTIALS,
    ActionName.DECIDE_QUEUE,
    ActionName.REGISTER,
    ActionName.DEREGISTER,
    ActionName.RELEASE_SENDING,
    ActionName.SWITCH_PROVIDER,
    ActionName.ROLL_BACK,
    ActionName.RELEASE_FORMER,
    ActionName.TROUBLESHOOT,
}
ACTIONS = [name for name in ActionName if name not in SHEETS]
STRANGER = PhoneNumber("+5521912345678")
CODE = QrIssued("x", 1, 6, 60)

reasons = st.sampled_from([reason for reason in Reason if reason is not Reason.NONE])
signals: st.SearchStrategy[ConnectionEvent] = st.one_of(
    st.builds(Lost, reasons),
    st.builds(Failed, reasons),
    st.builds(Blocked, reasons, st.sampled_from([None, DAWN + timedelta(hours=1)])),
    st.sampled_from(
        [CODE, QrScanned(STRANGER), Connected(None), Connected(STRANGER), ActivitySeen(DAWN, inbound=True)]
    ),
)
who = st.integers(0, LINKS - 1)
steps = st.one_of(
    st.tuples(st.just("say"), who, signals),
    st.tuples(st.just("do"), who, st.sampled_from(ACTIONS)),
    st.tuples(st.just("wait"), st.sampled_from([1, 20, 61, 130, 700]), st.none()),
    st.tuples(st.just("away"), st.booleans(), st.none()),
    st.tuples(st.just("all fall"), st.just(0), st.none()),
)


@pytest.mark.slow
@example(
    sequence=[("say", 2, Blocked(Reason.NETWORK_DOWN)), ("do", 2, ActionName.REAUTHENTICATE)], sure=True
)  # left in the middle, it is a procedure that waits to be undone
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=st.lists(steps, min_size=3, max_size=25), sure=st.booleans())
def test_no_sequence_of_events_and_actions_ends_without_a_way_out(
    sequence: list[tuple[str, int, ConnectionEvent | ActionName | None]], sure: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)  # what a provider must never say breaks its link, and that is logged

    async def main() -> None:
        links = ManyLinks(LINKS)
        async with links.connected(), BackgroundTasks(links.incidents.run):
            for kind, number, what in sequence:
                await play(links, kind, number, what, sure)
                for mentorado_id in links.ids:
                    assert has_a_way_out(links, mentorado_id)
            links.served.away = False
            await links.clock.advance(2 * 3600)
            for mentorado_id in links.ids:
                await repair(links, mentorado_id)
            await links.clock.advance(600)
            assert links.count(LinkState.CONNECTED) == LINKS
            turns = [type(event) for event in links.listener.events if isinstance(event, IncidentBegan | IncidentEnded)]
            assert turns == [IncidentBegan, IncidentEnded] * (len(turns) // 2)

    asyncio.run(main())


async def play(links: ManyLinks, kind: str, number: int, what: ConnectionEvent | ActionName | None, sure: bool) -> None:
    if kind == "wait":
        await links.clock.advance(number)
    elif kind == "away":
        links.served.away = bool(number)
    elif kind == "all fall":
        links.served.fall()
    elif isinstance(what, ActionName):
        try:
            await links.do(what, links.mentorados.get(links.ids[number]), answer=sure)
        except Problem:  # it did not fit
            return
    elif what is not None:
        links.served.open[links.ids[number]].say(what)
    await settle()


def has_a_way_out(links: ManyLinks, mentorado_id: MentoradoId) -> bool:
    """Something comes by itself, a person can do something, or a time is named after which they can."""
    mentorado = links.mentorados.get(mentorado_id)
    status = links.status(mentorado)
    if status.state in (LinkState.CONNECTING, LinkState.RECONNECTING, LinkState.QR_READY):
        assert mentorado.link.id in links.supervisor.running()  # nothing waits for a task that is gone
    possible = {name for name in ActionName if links.actions.unavailable_reason(name, mentorado_id) is None}
    waits_for_a_time = (
        status.reason is Reason.TEMPORARY_BAN or links.incidents.for_provider(mentorado.link.provider) is not None
    )
    return bool(possible - {ActionName.ARCHIVE}) or waits_for_a_time


async def repair(links: ManyLinks, mentorado_id: MentoradoId) -> None:
    """Do what is recommended, or else what is possible, until the link is connected."""
    for _ in range(6):
        mentorado = links.mentorados.get(mentorado_id)
        status = links.status(mentorado)
        if status.state is LinkState.CONNECTED:
            return
        procedure = links.procedures.active(mentorado_id)
        if procedure is not None and procedure.state in (ProcedureState.PAUSED, ProcedureState.FAILED):
            await links.procedures.undo(procedure.head.id)
        await one_step(links, mentorado)
        if links.supervisor.pairing.current == mentorado.link.id:
            phone = mentorado.expected_account
            links.provider.line.say(CODE, QrScanned(phone), Connected(phone))
        await settle()
        await links.clock.advance(130)


async def one_step(links: ManyLinks, mentorado: Mentorado) -> None:
    status = links.status(mentorado)
    recommended = RECOMMENDED_ACTION[recommend(status.state, status.reason)]
    for name in (*([recommended] if recommended else []), *FALLBACKS):
        if links.actions.unavailable_reason(name, mentorado.id) is None:
            await links.do(name, mentorado)
            return
