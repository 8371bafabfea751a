"""However somebody scrolls, the loaded stretch has no gap and nothing twice, and Qt's own tester agrees."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester, QSignalSpy

from app.domain.messages import ConversationId, StoredMessage
from app.domain.repositories import MessageRepository
from app.ui.conversations import thread_model as reading
from app.ui.conversations.thread_model import KEPT, PIECE, MessagePage, ThreadModel
from app.ui.theme.theme import Theme
from tests.clock import StillClock
from tests.ui.conversations.talk import NOW, HistoryHarness, library, many
from tests.ui.conversations.test_texts import MESSAGE

COUNT = 1500


def message(number: int, **details: object) -> StoredMessage:
    fields = {"number": number, "provider_id": f"M{number}", "text": f"texto {number}"} | details
    return replace(MESSAGE, **fields)  # type: ignore[arg-type]


@pytest.fixture
def model(theme: Theme) -> ThreadModel:
    model = ThreadModel(StillClock(NOW))
    model._tester = QAbstractItemModelTester(  # type: ignore[attr-defined]
        model, QAbstractItemModelTester.FailureReportingMode.Warning
    )
    return model


def show(model: ThreadModel, *messages: StoredMessage, first: bool = True, last: bool = True) -> None:
    model.show_piece(MessagePage(messages=messages, first=first, last=last), "Bia", is_group=False)


def numbers(model: ThreadModel) -> list[int]:
    return [model.row(place).message.number for place in range(model.rowCount())]


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, HistoryHarness, ConversationId]]:
    """A long conversation in a real file."""
    with asyncio.Runner() as runner:
        scope = library(tmp_path_factory.mktemp("talk") / "conecta.db")
        kept = runner.run(scope.__aenter__())

        async def fill() -> ConversationId:
            ana = await kept.add_mentorado("Ana", "+5511900000009")
            await kept.tell(ana, *many(COUNT))
            return await kept.chat(ana)

        yield runner, kept, runner.run(fill())
        runner.run(scope.__aexit__(None, None, None))


class _Walk:
    """Somebody who scrolls."""

    def __init__(self, history: MessageRepository, conversation_id: ConversationId) -> None:
        self.history, self.conversation_id = history, conversation_id
        self.model = ThreadModel(StillClock(NOW))
        self.tester = QAbstractItemModelTester(self.model, QAbstractItemModelTester.FailureReportingMode.Warning)

    async def begin(self, at: int | None) -> None:
        if at is None:
            piece = await reading.newest(self.history, self.conversation_id)
        elif at == 0:
            piece = await reading.oldest(self.history, self.conversation_id)
        else:
            piece = await reading.around(self.history, self.conversation_id, at)
        self.model.show_piece(piece, "Bia", is_group=False)

    async def up(self) -> None:
        if not self.model.has_first:
            first = self.model.messages[0].number
            self.model.grow_upwards(await reading.older(self.history, self.conversation_id, first))

    async def down(self) -> None:
        if not self.model.has_last:
            last = self.model.messages[-1].number
            self.model.grow_downwards(await reading.newer(self.history, self.conversation_id, last))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    at=st.one_of(st.none(), st.integers(0, COUNT + 10)),
    steps=st.lists(st.booleans(), max_size=40),
)
def test_scrolling_leaves_no_gap_and_doubles_nothing(
    talk: tuple[asyncio.Runner, HistoryHarness, ConversationId], theme: Theme, at: int | None, steps: list[bool]
) -> None:
    runner, kept, conversation_id = talk
    walk = _Walk(kept.history, conversation_id)

    async def go() -> None:
        await walk.begin(at)
        for upwards in steps:
            await (walk.up() if upwards else walk.down())
            shown = numbers(walk.model)
            assert shown == list(range(shown[0], shown[-1] + 1))
            assert len(shown) <= KEPT
            assert walk.model.has_first is (shown[0] == 1) or len(shown) % PIECE == 0
            assert not walk.model.has_last or shown[-1] == COUNT

    runner.run(go())


def test_one_can_scroll_back_to_the_very_first(
    talk: tuple[asyncio.Runner, HistoryHarness, ConversationId], theme: Theme
) -> None:
    runner, kept, conversation_id = talk
    walk = _Walk(kept.history, conversation_id)
    seen: list[int] = []

    async def go() -> None:
        await walk.begin(None)
        seen.extend(reversed(numbers(walk.model)))
        while not walk.model.has_first:
            before = numbers(walk.model)[0]
            await walk.up()
            seen.extend(number for number in reversed(numbers(walk.model)) if number < before)

    runner.run(go())
    assert seen == list(range(COUNT, 0, -1))


def test_a_day_stands_above_its_first_message_only(model: ThreadModel) -> None:
    day = timedelta(days=1)
    show(model, message(3, sent_at=NOW - day), message(4, sent_at=NOW), message(5, sent_at=NOW))
    assert [model.row(place).day is not None for place in range(3)] == [True, True, False]
    spy = QSignalSpy(model.dataChanged)
    model.grow_upwards(MessagePage(messages=[message(1, sent_at=NOW - day), message(2, sent_at=NOW - day)], first=True))
    assert [model.row(place).day is not None for place in range(5)] == [True, False, False, True, False]
    assert spy.count() == 1, "only the row that was the first is painted anew"


def test_who_goes_on_speaking_is_not_named_again(model: ThreadModel) -> None:
    voices = ("Bia", "Bia", "Caio", "Bia")
    show(model, *(message(n, sender_name=name) for n, name in enumerate(voices, 1)))
    assert [model.row(place).leads for place in range(4)] == [True, False, True, True]


def test_only_what_changed_is_painted_anew(model: ThreadModel) -> None:
    before = [message(n) for n in range(1, 6)]
    show(model, *before)
    spy, gone = QSignalSpy(model.dataChanged), QSignalSpy(model.rowsRemoved)
    model.refresh(before)
    assert spy.count() == 0
    model.refresh([before[0], replace(before[1], text="outro", edited_at=NOW), *before[3:]])
    assert model.data(model.index(1)) == "outro"
    assert numbers(model) == [1, 2, 4, 5]
    assert (spy.count(), gone.count()) == (1, 1)


def test_tips_show_strangers_words_and_never_their_markup(model: ThreadModel) -> None:
    show(model, message(1, original_text="<img src=x onerror=alert(1)>", edited_at=NOW))
    tip = model.data(model.index(0), Qt.ItemDataRole.ToolTipRole)
    assert "&lt;img" in tip
    assert "<img" not in tip


def test_an_unknown_role_and_no_index_answer_nothing(model: ThreadModel) -> None:
    show(model, message(1))
    assert model.data(model.index(0), Qt.ItemDataRole.DecorationRole) is None
    assert model.data(model.index(5)) is None
    assert model.place_of(99) is None
