"""Every kind, state, step and finding has words in both languages."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from app.domain.audit import Actor
from app.domain.errors import ProblemCode
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import ProviderKind
from app.domain.procedure import (
    ENDS_CONNECTION,
    POINT_OF_NO_RETURN,
    STEPS,
    EntryKind,
    JournalEntry,
    Procedure,
    ProcedureId,
    ProcedureInfo,
    ProcedureKind,
    ProcedureState,
    StepData,
    StepName,
    StepRecord,
    StepState,
    replay,
)
from app.text import procedure as procedure_text
from app.text.status import texts
from app.ui.procedures.commands import other_commands, primary_command
from tests.ui.window_harness import NOON, person

pytestmark = pytest.mark.usefixtures("language")


def head(kind: ProcedureKind) -> ProcedureInfo:
    return ProcedureInfo(
        id=ProcedureId("f" * 32),
        kind=kind,
        mentorado_id=person(1).id,
        actor=Actor(user="staff"),
        began_at=NOON - timedelta(minutes=3),
    )


def at(kind: ProcedureKind, state: ProcedureState, place: int, facts: StepData | None = None) -> Procedure:
    """All before *place* is done, and that step is as *state* has it."""
    now = {ProcedureState.RUNNING: StepState.RUNNING, ProcedureState.FAILED: StepState.FAILED}
    steps = [
        StepRecord(
            name=name,
            state=StepState.DONE if number < place else now.get(state, StepState.WAITING),
            facts=facts or {},
        )
        if number <= place
        else StepRecord(name=name)
        for number, name in enumerate(STEPS[kind])
    ]
    return Procedure(head=head(kind), state=state, steps=tuple(steps))


def test_a_reconnect_that_was_not_even_tried_is_not_said_to_have_failed(language: str) -> None:
    ana = person(1)
    tried, untried = (
        procedure_text.summary_text(
            at(ProcedureKind.RECOVERY, ProcedureState.ASKING, 3, {"came_back": "no", "tries": tries}), ana
        )
        for tries in ("3", "0")
    )
    assert tried.line == texts("procedure.asking_line.recovery", name=ana.name)
    assert untried.line == texts("procedure.asking_gone", name=ana.name)


def test_every_state_of_every_kind_at_every_step_can_be_said() -> None:
    for kind, state in itertools.product(ProcedureKind, ProcedureState):
        for place in range(len(STEPS[kind])):
            if state is ProcedureState.ASKING and kind not in POINT_OF_NO_RETURN:
                continue  # it replaces nothing
            procedure = at(kind, state, place)
            shown = procedure_text.summary_text(procedure, person(1))
            assert shown.sentence.endswith((".", "…", "?")), (kind, state, place)
            assert "{" not in shown.sentence + shown.line
            assert procedure_text.progress(procedure, NOON)
            assert bool(procedure_text.if_closed(procedure)) is not procedure.ended
            for step in procedure.steps:
                line = procedure_text.step_line(step, state, is_next=step == procedure.next_step)
                assert procedure_text.spoken_step(procedure, step, line)
            if not procedure.ended:
                assert procedure_text.mark(procedure)
            for offer in other_commands(procedure):
                assert offer.label
            assert (primary_command(procedure) is None) is (
                state in (ProcedureState.RUNNING, ProcedureState.ASKING, ProcedureState.UNDOING)
            )


def test_every_reason_a_link_did_not_come_back_for_is_said_with_a_next_step() -> None:
    for reason in Reason:
        facts = {"code": ProblemCode.LINK_NOT_BACK, "reason": reason}
        procedure = at(ProcedureKind.RECOVERY, ProcedureState.FAILED, 3, facts)
        shown = procedure_text.summary_text(procedure, person(1))
        assert shown.sentence.endswith((".", "…"))
        assert shown.line.endswith(".")


def test_every_problem_of_a_step_is_said() -> None:
    for code in ProblemCode:
        shown = procedure_text.summary_text(
            at(ProcedureKind.BACKUP, ProcedureState.FAILED, 0, {"code": code}), person(1)
        )
        assert shown.sentence.endswith(".")
        assert "{" not in shown.sentence + shown.line


def test_a_bug_in_a_step_is_said_without_its_innards() -> None:
    shown = procedure_text.summary_text(
        at(ProcedureKind.BACKUP, ProcedureState.FAILED, 0, {"code": "unexpected"}), person(1)
    )
    assert shown.sentence == texts("detail.crash")


@pytest.mark.parametrize(
    ("name", "facts", "text"),
    [
        (StepName.SCOPE, {"links": "many", "affected": "8", "of": "14"}, "procedure.found.many"),
        (StepName.SOFT_RECONNECT, {"came_back": "no", "tries": "0"}, "procedure.found.gone"),
        (StepName.SOFT_RECONNECT, {"came_back": "no", "tries": "3"}, "procedure.found.not_back"),
        (StepName.SOFT_RECONNECT, {"came_back": "yes", "tries": "1"}, "procedure.done.soft_reconnect"),
        (StepName.MERGE_HISTORY, {"new": "0"}, "procedure.found.merged_zero"),
    ],
)
def test_what_a_step_found_is_said(name: StepName, facts: StepData, text: str) -> None:
    step = StepRecord(name=name, state=StepState.DONE, facts=facts)
    assert procedure_text.step_line(step, ProcedureState.RUNNING, is_next=False) == texts(text, **facts)


@pytest.mark.parametrize(
    "why",
    [
        "came_back",
        "no_pairing",
        "cannot_send",
        "not_to_itself",
        "no_session",
        "another_account",
        "session_used_since",
        "session_corrupt",
    ],
)
def test_why_a_step_was_not_needed_is_said(why: str) -> None:
    step = StepRecord(name=StepName.PAIR, state=StepState.SKIPPED, facts={"why": why})
    assert procedure_text.step_line(step, ProcedureState.RUNNING, is_next=False) == texts(f"procedure.skipped.{why}")


def ended(kind: ProcedureKind, *lines: tuple[EntryKind, StepName, StepData]) -> Procedure:
    made = head(kind)
    journal = [
        JournalEntry(procedure_id=made.id, number=number, at=NOON, kind=what, step=step, facts=facts)
        for number, (what, step, facts) in enumerate(lines, 1)
    ]
    last = JournalEntry(procedure_id=made.id, number=len(journal) + 1, at=NOON, kind=EntryKind.ENDED)
    return replay(made, [*journal, last])


def test_an_end_that_could_not_be_proven_is_not_called_a_success() -> None:
    left_out = {"code": ProblemCode.LINK_NOT_BACK, "reason": Reason.NETWORK_DOWN, "left_out": "yes"}
    procedure = ended(
        ProcedureKind.RECOVERY,
        (EntryKind.STEP_DONE, StepName.PAIR, {}),
        (EntryKind.STEP_SKIPPED, StepName.VERIFY_ACCOUNT, left_out),
    )
    name = person(1).name
    assert procedure_text.is_unproven(procedure)
    assert procedure_text.summary_text(procedure, person(1)).sentence == texts("procedure.outcome.not_back", name=name)
    unsent = {"code": ProblemCode.SMOKE_CHECK_FAILED, "left_out": "yes"}
    procedure = ended(ProcedureKind.REAUTHENTICATION, (EntryKind.STEP_SKIPPED, StepName.SMOKE_CHECK, unsent))
    assert procedure_text.is_unproven(procedure)
    assert texts("procedure.outcome_line.unproven") in procedure_text.summary_text(procedure, person(1)).line


def test_a_link_that_came_back_by_itself_is_said_to_have() -> None:
    procedure = ended(ProcedureKind.RECOVERY, (EntryKind.STEP_SKIPPED, StepName.PAIR, {"why": "came_back"}))
    soft = texts("procedure.outcome.recovery_soft", name=person(1).name)
    assert procedure_text.summary_text(procedure, person(1)).sentence == soft
    assert not procedure_text.is_unproven(procedure)


def test_a_restore_tells_what_came_back_and_what_did_not() -> None:
    merged = (EntryKind.STEP_DONE, StepName.MERGE_HISTORY, {"new": "0"})
    back = ended(ProcedureKind.RESTORE, merged, (EntryKind.STEP_DONE, StepName.RESTORE_SESSION, {}))
    text = procedure_text.summary_text(back, person(1)).line
    assert text == f"{texts('procedure.outcome_merged_zero')} {texts('procedure.outcome_line.session_back')}"
    for why in ("no_session", "another_account", "session_used_since", "session_corrupt"):
        kept = ended(ProcedureKind.RESTORE, (EntryKind.STEP_SKIPPED, StepName.RESTORE_SESSION, {"why": why}))
        assert texts(f"procedure.session_stays.{why}") in procedure_text.summary_text(kept, person(1)).line
    failed = {"code": ProblemCode.SESSION_IN_USE, "left_out": "yes"}
    kept = ended(ProcedureKind.RESTORE, (EntryKind.STEP_SKIPPED, StepName.RESTORE_SESSION, failed))
    assert texts("problem.session_in_use.sentence").split("{")[0] in procedure_text.summary_text(kept, person(1)).line


def test_a_backup_whose_passphrase_is_gone_asks_for_it_and_not_for_another() -> None:
    procedure = at(
        ProcedureKind.BACKUP, ProcedureState.FAILED, 0, {"code": ProblemCode.BACKUP_LOCKED, "path": "f" * 32}
    )
    shown = procedure_text.summary_text(procedure, person(1))
    assert shown.sentence == texts("procedure.phrase_gone")
    assert "f" * 32 not in shown.sentence + shown.line


def test_the_code_names_the_number_that_must_scan_it() -> None:
    assert person(1).phone[-4:] in procedure_text.scan(person(1))


def test_a_file_goes_by_its_name_and_a_folder_by_its_place() -> None:
    file = {"code": ProblemCode.BACKUP_UNREADABLE, "path": "/srv/staff/data/backups/Conecta Ana.conecta"}
    text = procedure_text.summary_text(at(ProcedureKind.RESTORE, ProcedureState.FAILED, 0, file), person(1)).sentence
    assert "Conecta Ana.conecta" in text
    assert "/home" not in text
    folder = {"code": ProblemCode.BACKUP_FOLDER_UNUSABLE, "path": "/srv/staff/data/backups"}
    text = procedure_text.summary_text(at(ProcedureKind.BACKUP, ProcedureState.FAILED, 0, folder), person(1)).sentence
    assert "/srv/staff/data/backups" in text


@pytest.mark.parametrize(("encrypted", "mark"), [("yes", "protected"), ("no", "unprotected")])
def test_whether_a_passphrase_protects_a_file_is_said_at_every_step_and_at_the_end(encrypted: str, mark: str) -> None:
    facts = {"encrypted": encrypted, "messages": "3", "size": "2048", "path": "/a/b.conecta"}
    steps = [name for name in STEPS[ProcedureKind.BACKUP] if name is not StepName.RECORD]
    procedure = ended(ProcedureKind.BACKUP, *((EntryKind.STEP_DONE, name, facts) for name in steps))
    assert texts(f"archive.{mark}_line") in procedure_text.summary_text(procedure, person(1)).line
    for name in (*steps, StepName.BACK_UP, StepName.CHECK_ARCHIVE):
        step = StepRecord(name=name, state=StepState.DONE, facts=facts)
        line = procedure_text.step_line(step, ProcedureState.RUNNING, is_next=False)
        assert line.endswith(f" · {texts(f'archive.{mark}')}"), line


def test_a_switch_that_was_taken_back_says_why_and_that_the_current_provider_stays() -> None:
    ana = person(1)
    for reason in Reason:
        facts = {"code": ProblemCode.LINK_NOT_BACK, "reason": reason}
        shown = procedure_text.summary_text(at(ProcedureKind.SWITCH, ProcedureState.UNDONE, 1, facts), ana)
        assert shown.sentence.endswith(".")
        assert shown.line.endswith(".")
        assert "{" not in shown.sentence + shown.line
    for code in ProblemCode:
        shown = procedure_text.summary_text(at(ProcedureKind.SWITCH, ProcedureState.UNDONE, 0, {"code": code}), ana)
        assert shown.line.startswith(texts("procedure.switch.stays"))
        assert "{" not in shown.sentence + shown.line
    failed = {"code": ProblemCode.SMOKE_TEST_FAILED, "trouble": "no_ack"}
    shown = procedure_text.summary_text(at(ProcedureKind.SWITCH, ProcedureState.UNDONE, 2, failed), ana)
    assert shown.sentence == texts("smoke.result.no_ack.sentence")
    unknown = at(ProcedureKind.SWITCH, ProcedureState.UNDONE, 2, {"code": "crash"})
    assert procedure_text.summary_text(unknown, ana).sentence == texts("detail.crash")


def test_a_switch_with_the_wrong_phone_says_what_became_of_that_phone() -> None:
    ana = person(1)
    facts = {"code": ProblemCode.LINK_NOT_BACK, "reason": Reason.WRONG_ACCOUNT}
    stays = at(ProcedureKind.SWITCH, ProcedureState.UNDONE, 1, facts)
    gone = at(ProcedureKind.SWITCH, ProcedureState.UNDONE, 1, {**facts, "other_phone": "unlinked"})
    known = {"digits": "0001", "name": ana.name}
    assert procedure_text.summary_text(stays, ana).line == texts("procedure.switch.wrong_phone_stays", **known)
    assert procedure_text.summary_text(gone, ana).line == texts("procedure.switch.wrong_phone", **known)
    at_meta = ana.through(replace(ana.link, provider=ProviderKind.META_CLOUD))
    shown = procedure_text.summary_text(stays, at_meta, LinkStatus(since=NOON, account=person(2).phone))
    assert shown.sentence.startswith(texts("sentence.other_credentials", account="")[:10])


def test_a_switch_names_both_providers_and_asks_for_no_code_where_there_is_none() -> None:
    switch = at(ProcedureKind.SWITCH, ProcedureState.RUNNING, 1)
    for target, key in ((ProviderKind.ZAPI, "pair"), (ProviderKind.META_CLOUD, "running")):
        facts = {"from": ProviderKind.WHATSAPP_WEB, "to": target}
        procedure = replace(switch, head=replace(switch.head, facts=facts))
        assert procedure_text.if_closed(procedure) == texts(f"procedure.if_closed.{key}")
        assert procedure_text.progress(procedure, NOON).startswith("WhatsApp Web → ")


def test_the_news_of_a_link_stand_in_place_of_what_failed() -> None:
    ana, news = person(1), procedure_text.LinkNews
    for kind, place in ((ProcedureKind.RECOVERY, 3), (ProcedureKind.SWITCH, 1)):
        facts = {"code": ProblemCode.LINK_NOT_BACK, "reason": Reason.WRONG_ACCOUNT, "to_link": "x"}
        failed = at(kind, ProcedureState.FAILED, place, facts)
        for state in LinkState:
            status = LinkStatus(state=state, reason=Reason.NONE, since=NOON)
            found = procedure_text.link_news(failed, status)
            shown = procedure_text.summary_text(failed, ana, status)
            assert shown.sentence.endswith(".")
            assert "{" not in shown.sentence + shown.line
            if found is not None:
                assert shown.sentence == texts(f"procedure.news.{found}")
            decided = {LinkState.OFF: news.REJECTED if kind is ProcedureKind.RECOVERY else None}
            assert state not in decided or found is decided[state]


def test_what_is_to_end_a_connection_does_not_call_that_connection_news() -> None:
    for code in (ProblemCode.LINK_NOT_BACK, ProblemCode.NOT_POSSIBLE_NOW):
        facts = {"code": code, "reason": Reason.QR_EXPIRED}
        failed = at(ProcedureKind.REAUTHENTICATION, ProcedureState.FAILED, 1, facts)
        ends = replace(failed, head=replace(failed.head, facts={ENDS_CONNECTION: "yes"}))
        there = LinkStatus(state=LinkState.CONNECTED, since=NOON)
        assert procedure_text.link_news(failed, there) is procedure_text.LinkNews.CONNECTED
        assert procedure_text.link_news(ends, there) is None


def test_once_its_link_is_on_the_way_no_step_failed_and_nothing_waits_for_a_person() -> None:
    facts = {"code": ProblemCode.LINK_NOT_BACK, "reason": Reason.WRONG_ACCOUNT}
    failed = at(ProcedureKind.RECOVERY, ProcedureState.FAILED, 3, facts)
    for state, key, step_key in (
        (LinkState.CONNECTING, "connecting", "now_step"),
        (LinkState.CONNECTED, "waiting", "stopped_step"),
        (LinkState.OFF, "waiting", "stopped_step"),
        (LinkState.BLOCKED, "waiting", "failed_step"),
    ):
        news = procedure_text.link_news(failed, LinkStatus(state=state, since=NOON))
        stands = procedure_text.as_it_stands(failed, news)
        step = stands.next_step
        assert step is not None
        assert procedure_text.step_line(step, stands.state, is_next=True) == texts(f"procedure.{step_key}")
        assert procedure_text.if_closed(failed, news) == texts(f"procedure.if_closed.{key}")
