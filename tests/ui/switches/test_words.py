"""Every state of a switch and every reason of a failure can be told, in both languages."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from app.domain.actions import UnavailableReason
from app.domain.errors import ProblemCode
from app.domain.link_status import Reason
from app.domain.mentorado import LinkId, MentoradoId, ProviderKind
from app.domain.smoke_test import SmokeTestTrouble
from app.domain.switch import (
    FindingCode,
    SwitchItem,
    SwitchItemState,
    SwitchPause,
    SwitchPlan,
    SwitchRun,
    SwitchRunId,
    SwitchState,
)
from app.text import switch_run as run_text
from tests.clock import DAWN

ENDED = (SwitchState.STOPPED, SwitchState.FINISHED)
CODES = sorted({*Reason, *ProblemCode, *SmokeTestTrouble, *FindingCode, *UnavailableReason, "undone", "other", ""})


pytestmark = pytest.mark.usefixtures("language")


def one(number: int = 1, state: SwitchItemState = SwitchItemState.WAITING, reason: str = "") -> SwitchItem:
    return SwitchItem(
        run_id=SwitchRunId("r"),
        number=number,
        wave=number,
        mentorado_id=MentoradoId(f"m{number}"),
        source=ProviderKind.ZAPI,
        target=ProviderKind.META_CLOUD,
        from_link=LinkId(f"l{number}"),
        state=state,
        reason=reason,
        switched_at=DAWN if state is SwitchItemState.SWITCHED else None,
    )


def run_of(state: SwitchState, pause: SwitchPause | None = None, *items: SwitchItem, minutes: int = 0) -> SwitchRun:
    return SwitchRun(
        id=SwitchRunId("r"),
        plan=SwitchPlan(target=ProviderKind.META_CLOUD, cohort="Turma 1", canary=MentoradoId("m1")),
        digest="d",
        approved_at=DAWN,
        approved_by="Rosa",
        state=state,
        pause=pause,
        pause_until=DAWN + timedelta(minutes=minutes) if minutes else None,
        ended_at=DAWN if state in ENDED else None,
        items=items or (one(),),
    )


def test_every_state_of_a_run_says_what_it_means_and_what_to_do_next() -> None:
    runs = [run_of(state) for state in SwitchState if state is not SwitchState.PAUSED]
    runs += [run_of(SwitchState.PAUSED, pause) for pause in SwitchPause]
    runs += [run_of(SwitchState.PAUSED, SwitchPause.WAVE, minutes=5)]
    runs += [run_of(state, None, one(state=kind)) for state, kind in product(ENDED, SwitchItemState)]
    for run in runs:
        sentence, step = run_text.sentence(run, DAWN)
        assert sentence.endswith(".")
        assert step.endswith(".")
        assert "{" not in sentence + step + run_text.announcement(run, str) + run_text.approved(run, DAWN)
        assert run_text.look(run)[1]


@pytest.mark.parametrize("state", SwitchItemState)
def test_every_state_of_a_mentorado_fits_on_a_card(state: SwitchItemState) -> None:
    run = run_of(SwitchState.RUNNING, None, one(state=state, reason="undone"))
    for now in (DAWN, DAWN + timedelta(days=30)):
        words = run_text.item(run, run.items[0], None, now, scan=False)
        assert words.state
        assert words.line.endswith(".")
        assert 0 < len(words.brief) <= 60
        assert "{" not in words.line + words.brief


def test_every_reason_of_a_failure_is_a_sentence() -> None:
    for code in CODES:
        sentence, step = run_text.failure(one(state=SwitchItemState.FAILED, reason=code))
        assert sentence.endswith((".", "…")), code
        assert "{" not in sentence + step, code


def test_counts_name_only_what_there_is_any_of(language: str) -> None:
    kinds = (SwitchItemState.SWITCHED, SwitchItemState.RELEASED, SwitchItemState.FAILED)
    run = run_of(SwitchState.FINISHED, None, *(one(number, state) for number, state in enumerate(kinds, 1)))
    expected = {"pt-BR": "2 de 3 trocados · 1 falhou", "en": "2 of 3 switched · 1 failed"}
    assert run_text.progress(run) == expected[language]
    assert run_text.name(run, str) == "Turma 1 → Meta Cloud"
    assert not run_text.needs_person(run)
    assert run_text.needs_person(run_of(SwitchState.AWAITING_SECOND))
    assert not run_text.needs_person(run_of(SwitchState.PAUSED, SwitchPause.WAVE, minutes=5))
