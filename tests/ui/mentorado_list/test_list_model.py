"""The list of mentorados as Qt sees it: right, quiet, and quick to find somebody."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPersistentModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester, QSignalSpy
from pytestqt.qtbot import QtBot

from app.domain.events import (
    HandlingChanged,
    MentoradoAdded,
    MentoradoChanged,
    MentoradosLoaded,
    NotesChanged,
    OutboundStopped,
    StatusChanged,
)
from app.domain.handling import Handling
from app.domain.link_status import LinkState, LinkStatus, QrCode, Reason
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.notes import Note, NoteId
from app.domain.outbound import OutboundStop
from app.domain.sending import SendErrorKind
from app.text.signs import badge_icon, tone_of
from app.text.status import row_badge, texts
from app.ui.mentorado_list.model import AGE_ROLE, MENTORADO_ROLE, STATUS_ROLE, MentoradoListModel
from app.ui.mentorado_list.narrowing import EVERYBODY, Narrowing
from app.ui.mentorado_list.order import SortOrder
from app.ui.mentorado_list.row import GROUP_OF, ListFilter
from app.ui.theme.theme import Theme
from tests.clock import StillClock
from tests.ui.window_harness import (
    CREDENTIAL,
    NOON,
    person,
    status,
)

OFF = LinkStatus(since=NOON)
CONNECTED = LinkStatus(state=LinkState.CONNECTED, since=NOON)
BLOCKED = LinkStatus(state=LinkState.BLOCKED, since=NOON)
LONG_AGO = NOON - timedelta(days=400)
STOP = OutboundStop(link_id=person(2).link.id, trouble=SendErrorKind.POLICY_BLOCK, code="463", at=NOON)
NARROWINGS = [
    EVERYBODY,
    Narrowing(cohort="Turma 13"),
    Narrowing(provider=ProviderKind.ZAPI),
    Narrowing(cohort="", never_connected=True),
]


def status_changed(mentorado: Mentorado, after: LinkStatus) -> StatusChanged:
    return StatusChanged(mentorado.id, mentorado.link.id, OFF, after)


def named(number: int, name: str) -> Mentorado:
    mentorado = person(number)
    return replace(mentorado, name=name, link=mentorado.link)


def archived(mentorado: Mentorado) -> Mentorado:
    return replace(mentorado, archived_at=NOON, link=mentorado.link)


def names(model: MentoradoListModel) -> list[str]:
    return [model.data(model.index(row)) for row in range(model.rowCount())]


@dataclass
class Watched:
    """A model that Qt's own tester watches, and everything it told its views."""

    model: MentoradoListModel = field(default_factory=lambda: MentoradoListModel(StillClock(NOON)))

    def __post_init__(self) -> None:
        self.tester = QAbstractItemModelTester(self.model, QAbstractItemModelTester.FailureReportingMode.Warning)
        self.changed = QSignalSpy(self.model.dataChanged)
        self.resets = QSignalSpy(self.model.modelReset)
        self.inserted = QSignalSpy(self.model.rowsInserted)
        self.removed = QSignalSpy(self.model.rowsRemoved)

    def load(self, *people: Mentorado) -> MentoradoListModel:
        self.model.on_loaded(MentoradosLoaded(people))
        return self.model


@pytest.fixture
def watched(theme: Theme) -> Watched:
    return Watched()


def test_people_stand_by_name_whatever_their_accents(watched: Watched) -> None:
    model = watched.load(named(1, "Érica"), named(2, "Zoé"), named(3, "ana"), named(4, "Élio"), named(5, "Bia"))
    assert names(model) == ["ana", "Bia", "Élio", "Érica", "Zoé"]


def test_somebody_new_appears_in_their_place(watched: Watched) -> None:
    model = watched.load(named(1, "Ana"), named(3, "Caio"))
    model.on_added(MentoradoAdded(named(2, "Bia")))
    assert names(model) == ["Ana", "Bia", "Caio"]
    assert watched.inserted.count() == 1
    assert watched.resets.count() == 1  # the load's own


def test_a_new_name_moves_its_row(watched: Watched) -> None:
    model = watched.load(named(1, "Ana"), named(2, "Bia"), named(3, "Caio"))
    model.on_changed(MentoradoChanged(named(1, "Davi")))
    assert names(model) == ["Bia", "Caio", "Davi"]


def test_an_edit_that_keeps_the_name_repaints_one_row(watched: Watched) -> None:
    model = watched.load(named(1, "Ana"), named(2, "Bia"))
    after = named(2, "Bia")
    model.on_changed(MentoradoChanged(replace(after, cohort="Nova", link=after.link)))
    assert watched.changed.count() == 1
    assert (watched.inserted.count(), watched.removed.count()) == (0, 0)
    assert model.data(model.index(1), MENTORADO_ROLE).cohort == "Nova"


def test_a_row_whose_new_status_keeps_it_where_it_is_stays_in_the_list_when_it_is_edited(watched: Watched) -> None:
    model = watched.load(named(1, "Ana"), named(2, "Bia"), named(3, "Caio"))
    model.sort_by(SortOrder.NEEDS_YOU)
    model.on_status(status_changed(person(1), BLOCKED))
    model.on_changed(MentoradoChanged(named(1, "Ana Lima")))
    assert names(model) == ["Ana Lima", "Bia", "Caio"]
    assert (watched.inserted.count(), watched.removed.count()) == (0, 0)
    model.on_status(status_changed(person(3), BLOCKED))
    model.on_changed(MentoradoChanged(named(3, "Caio Lima")))
    assert names(model) == ["Ana Lima", "Caio Lima", "Bia"]
    assert (watched.inserted.count(), watched.removed.count()) == (1, 1)


def test_many_statuses_are_one_repaint_and_no_reset(watched: Watched, qtbot: QtBot) -> None:
    people = [person(number) for number in range(50)]
    model = watched.load(*people)
    with qtbot.waitSignal(model.dataChanged, timeout=2000):
        for _ in range(20):
            for mentorado in people[10:20]:
                model.on_status(status_changed(mentorado, CONNECTED))
    assert watched.changed.count() == 1
    assert watched.resets.count() == 1
    _first, _last, roles = watched.changed.at(0)
    assert STATUS_ROLE in roles
    assert Qt.ItemDataRole.DisplayRole not in roles


def test_a_status_observed_before_the_list_was_read_is_not_lost(watched: Watched) -> None:
    watched.model.on_status(status_changed(person(1), CONNECTED))
    model = watched.load(person(1))
    assert model.data(model.index(0), STATUS_ROLE) == CONNECTED
    assert model.count(ListFilter.CONNECTED) == 1


def test_reading_the_list_again_keeps_what_is_known(watched: Watched) -> None:
    model = watched.load(person(1), person(2))
    model.on_status(status_changed(person(2), CONNECTED))
    watched.load(person(2), person(3))
    assert model.count(ListFilter.CONNECTED) == 1
    model.flush()


def test_search_ignores_accents_and_finds_numbers(watched: Watched) -> None:
    model = watched.load(named(1, "João"), named(2, "Joana"), named(3, "Zé"))
    model.search("joao")
    assert names(model) == ["João"]
    model.search("90000-0002")
    assert names(model) == ["Joana"]
    model.search("")
    assert len(names(model)) == 3


def test_a_search_that_changes_nothing_resets_nothing(watched: Watched) -> None:
    model = watched.load(named(1, "João"), named(2, "Joana"))
    model.search("jo")
    assert watched.resets.count() == 1


def test_under_a_filter_rows_come_and_go_with_their_status(watched: Watched) -> None:
    model = watched.load(named(1, "Ana"), named(2, "Bia"), named(3, "Caio"))
    model.show_group(ListFilter.CONNECTED)
    assert names(model) == []
    model.on_status(status_changed(person(2), CONNECTED))
    model.on_status(status_changed(person(1), CONNECTED))
    model.flush()
    assert names(model) == ["Ana", "Bia"]
    model.on_status(status_changed(person(1), BLOCKED))
    model.flush()
    assert names(model) == ["Bia"]


def test_archived_people_are_in_no_list_but_their_own(watched: Watched) -> None:
    spy = QSignalSpy(watched.model.archived)
    model = watched.load(named(1, "Ana"), named(2, "Bia"))
    model.on_changed(MentoradoChanged(archived(named(1, "Ana"))))
    assert names(model) == ["Bia"]
    assert spy.at(0) == [person(1).id]
    assert (model.count(ListFilter.ALL), model.count(ListFilter.ARCHIVED)) == (1, 1)
    model.show_group(ListFilter.ARCHIVED)
    assert names(model) == ["Ana"]
    model.on_changed(MentoradoChanged(named(1, "Ana")))
    assert names(model) == []
    assert model.count(ListFilter.ALL) == 2


def test_a_row_is_read_aloud_whole(watched: Watched) -> None:
    model = watched.load(named(1, "João Pedro"))
    model.on_status(status_changed(person(1), replace(CONNECTED, since=NOON.replace(minute=0, hour=13))))
    spoken = model.data(model.index(0), Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "João Pedro, +55 21 90000-0001, Turma 13, WhatsApp Web, Conectado, Envio não confirmado, há 2 h"


@pytest.mark.parametrize(
    ("language", "badge", "sentence"),
    [
        (
            "pt-BR",
            "Aguardando digitação",
            "Peça ao mentorado para digitar este código no WhatsApp do número final 0001.",
        ),
        (
            "en",
            "Waiting for typed code",
            "Ask the mentorado to type this code in the WhatsApp of the number ending in 0001.",
        ),
    ],
)
def test_who_types_a_code_does_not_wait_for_a_qr(watched: Watched, language: str, badge: str, sentence: str) -> None:
    texts.set_language(language)
    model = watched.load(person(1))
    code = QrCode(text=CREDENTIAL, typed="ABCD-0001", number=1, total=6, issued_at=NOON, expires_at=NOON)
    typing = LinkStatus(state=LinkState.QR_READY, since=NOON, qr=code)
    model.on_status(status_changed(person(1), typing))
    row = model.index(0)
    spoken, tip = (model.data(row, role) for role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole))
    assert badge in spoken
    assert sentence in tip
    assert "QR" not in spoken + tip
    assert "ABCD" not in spoken + tip + repr(typing)
    assert (row_badge(typing), badge_icon(typing)) == (badge, "key")
    without = replace(typing, qr=replace(code, typed=""))
    assert (row_badge(without), badge_icon(without)) == (texts("badge.qr_ready"), "qr")


def test_who_is_on_it_and_what_was_written_is_read_aloud_and_told_by_the_tip(watched: Watched) -> None:
    who = person(1).id
    handling = Handling(mentorado_id=who, operator="Bia", since=NOON - timedelta(minutes=20))
    notes = [
        Note(id=NoteId(letter * 32), mentorado_id=who, text=words, author="Carla", written_at=NOON)
        for letter, words in (("b", "Ligar à tarde. " * 20), ("a", "oi"))
    ]
    watched.model.on_handling(HandlingChanged(who, handling))  # before the roster was read
    watched.model.on_notes(NotesChanged(who, notes))
    model = watched.load(named(1, "João Pedro"))
    model.on_changed(MentoradoChanged(named(1, "João Paulo")))
    spoken, tip = (
        model.data(model.index(0), role) for role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole)
    )
    assert "Bia está cuidando desde " in spoken
    assert ", 2 anotações" in spoken
    assert "\nBia está cuidando desde " in tip
    assert "\n2 anotações · Carla · " in tip
    assert "Ligar à tarde. Ligar" in tip
    assert tip.endswith("…")
    row, _age, handled = model.painted(0)
    assert (row.handling, row.notes, handled[:14]) == (handling, notes, "Com Bia desde ")
    model.on_handling(HandlingChanged(who, None))
    model.on_notes(NotesChanged(who, ()))
    model.flush()
    tip = model.data(model.index(0), Qt.ItemDataRole.ToolTipRole)
    assert "Bia" not in tip
    assert "anotações" not in tip
    assert model.painted(0)[2] == ""
    model.on_handling(HandlingChanged(person(2).id, None))  # nobody here
    model.on_notes(NotesChanged(person(2).id, ()))


def test_a_stop_is_read_aloud_and_told_by_the_tip_until_it_is_released(watched: Watched) -> None:
    stop = OutboundStop(link_id=person(1).link.id, trouble=SendErrorKind.POLICY_BLOCK, code="463", at=NOON)
    watched.model.on_stopped(OutboundStopped(person(1).id, stop, known=True))  # before the roster was read
    model = watched.load(named(1, "João Pedro"))
    model.on_status(status_changed(person(1), CONNECTED))
    spoken = model.data(model.index(0), Qt.ItemDataRole.AccessibleTextRole)
    assert "Conectado · envio parado, Envio parado, agora" in spoken
    assert "Envio parado. Nada sai até uma pessoa liberar o número." in model.data(
        model.index(0), Qt.ItemDataRole.ToolTipRole
    )
    model.on_changed(MentoradoChanged(named(1, "João Paulo")))
    assert "Envio parado" in model.data(model.index(0), Qt.ItemDataRole.AccessibleTextRole)
    model.on_stopped(OutboundStopped(person(1).id, None))
    model.flush()
    assert "Envio parado" not in model.data(model.index(0), Qt.ItemDataRole.AccessibleTextRole)
    model.on_stopped(OutboundStopped(person(2).id, None))  # nobody here
    assert "\nEnvio não confirmado" in model.data(model.index(0), Qt.ItemDataRole.ToolTipRole)


def test_what_was_never_observed_has_no_age(watched: Watched) -> None:
    model = watched.load(person(1))
    assert model.data(model.index(0), AGE_ROLE) == ""
    assert model.data(model.index(0), STATUS_ROLE).state is LinkState.OFF


def test_no_text_of_a_row_holds_the_code(watched: Watched) -> None:
    model = watched.load(person(4))
    ready = status(4)
    assert ready is not None
    assert isinstance(ready.qr, QrCode)
    model.on_status(status_changed(person(4), ready))
    for role in range(Qt.ItemDataRole.UserRole + 8):
        shown = model.data(model.index(0), role)
        if role != STATUS_ROLE:  # the object itself, for the painter: it leaves the code out of its words
            assert CREDENTIAL not in str(shown)
    assert CREDENTIAL not in repr(model.data(model.index(0), STATUS_ROLE))


def test_ages_can_be_refreshed_without_anything_else(watched: Watched) -> None:
    model = watched.load(person(1), person(2))
    model.refresh_ages()
    _first, _last, roles = watched.changed.at(0)
    assert set(roles) == {AGE_ROLE, Qt.ItemDataRole.AccessibleTextRole}


def test_a_model_of_one_column_has_no_rows_below_its_rows(watched: Watched) -> None:
    model = watched.load(person(1))
    assert model.rowCount(model.index(0)) == 0
    assert model.data(model.index(7)) is None


def test_those_who_need_somebody_come_first_and_move_when_it_changes(watched: Watched) -> None:
    model = watched.load(named(1, "Ana"), named(2, "Bia"), named(3, "Caio"))
    model.sort_by(SortOrder.NEEDS_YOU)
    caio = QPersistentModelIndex(model.index(2))
    model.on_status(status_changed(person(3), BLOCKED))
    assert names(model) == ["Ana", "Bia", "Caio"]  # not under the hand
    model.flush()
    assert names(model) == ["Caio", "Ana", "Bia"]
    assert caio.row() == 0
    model.on_status(status_changed(person(3), CONNECTED))
    model.on_stopped(OutboundStopped(person(2).id, STOP))
    model.flush()
    assert names(model) == ["Bia", "Ana", "Caio"]
    assert watched.resets.count() == 1  # the load's own


def test_the_newest_come_first_and_cohorts_go_by_their_numbers(watched: Watched) -> None:
    young, old = (replace(named(n, name), created_at=at) for n, name, at in ((1, "Zoé", NOON), (2, "Ana", LONG_AGO)))
    model = watched.load(replace(young, cohort="Turma 10"), replace(old, cohort="turma 9"), cohortless(3, "Bia"))
    model.sort_by(SortOrder.NEWEST)
    assert names(model)[0] == "Zoé"
    model.sort_by(SortOrder.COHORT)
    assert names(model) == ["Ana", "Zoé", "Bia"]


def test_those_with_the_same_problem_stand_beside_each_other(watched: Watched) -> None:
    model = watched.load(*(named(n, name) for n, name in enumerate(("Ana", "Bia", "Caio", "Davi"))))
    for n, reason in ((0, Reason.LOGGED_OUT), (1, Reason.BANNED), (2, Reason.LOGGED_OUT)):
        model.on_status(status_changed(person(n), replace(BLOCKED, reason=reason)))
    model.flush()
    model.sort_by(SortOrder.PROBLEM)
    assert names(model) == ["Bia", "Ana", "Caio", "Davi"]


def test_who_connects_leaves_those_who_never_did(watched: Watched) -> None:
    model = watched.load(named(1, "Ana"), named(2, "Bia"))
    model.narrow(Narrowing(never_connected=True))
    model.on_status(status_changed(person(1), CONNECTED))
    model.flush()
    assert names(model) == ["Bia"]


def cohortless(number: int, name: str) -> Mentorado:
    return replace(named(number, name), cohort="")


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("status"), st.integers(0, 5), st.sampled_from(list(LinkState))),
        st.tuples(st.just("rename"), st.integers(0, 5), st.sampled_from(["Ana", "ãna", "Bia", "Zé", "João"])),
        st.tuples(st.just("archive"), st.integers(0, 5), st.booleans()),
        st.tuples(st.just("search"), st.just(0), st.sampled_from(["", "a", "an", "ana", "j", "jo", "9000"])),
        st.tuples(st.just("group"), st.just(0), st.sampled_from(list(ListFilter))),
        st.tuples(st.just("sort"), st.just(0), st.sampled_from(list(SortOrder))),
        st.tuples(st.just("narrow"), st.just(0), st.sampled_from(NARROWINGS)),
        st.tuples(st.just("add"), st.integers(6, 9), st.just("")),
        st.tuples(st.just("flush"), st.just(0), st.just("")),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_counts_and_rows_agree_with_counting_everybody(theme: Theme, steps: list[tuple[str, int, object]]) -> None:
    watched = Watched()
    people = {number: person(number) for number in range(6)}
    known: dict[int, LinkStatus] = {}
    model = watched.load(*people.values())
    typed, group, sort, narrowing = "", ListFilter.ALL, SortOrder.NAME, EVERYBODY
    for kind, number, value in steps:
        match kind, value:
            case "status", LinkState():
                known[number] = LinkStatus(state=value, since=NOON)
                model.on_status(status_changed(people[number], known[number]))
            case "rename" | "archive", _:
                before = people[number]
                change = {"name": value} if kind == "rename" else {"archived_at": NOON if value else None}
                people[number] = replace(before, **change, link=people[number].link)
                model.on_changed(MentoradoChanged(people[number]))
            case "search", str():
                typed = value
                model.search(typed)
            case "group", ListFilter():
                group = value
                model.show_group(group)
            case "sort", SortOrder():
                sort = value
                model.sort_by(sort)
            case "narrow", Narrowing():
                narrowing = value
                model.narrow(narrowing)
            case "add", _ if number not in people:
                people[number] = person(number)
                model.on_added(MentoradoAdded(people[number]))
            case _:
                model.flush()
    model.flush()

    fresh = MentoradoListModel(StillClock(NOON))
    fresh.on_loaded(MentoradosLoaded(tuple(people.values())))
    for number, observed in known.items():
        fresh.on_status(status_changed(people[number], observed))
    fresh.flush()
    fresh.sort_by(sort)
    fresh.narrow(narrowing)
    fresh.show_group(group)
    fresh.search(typed)
    assert names(model) == names(fresh)
    counted = Counter(
        ListFilter.ARCHIVED if e.archived else GROUP_OF[tone_of(known.get(number, OFF))] for number, e in people.items()
    )
    for each in ListFilter:
        expected = (
            sum(n for g, n in counted.items() if g is not ListFilter.ARCHIVED)
            if each is ListFilter.ALL
            else counted[each]
        )
        assert model.count(each) == expected
