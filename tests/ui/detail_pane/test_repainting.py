"""What is painted again when something changes: the part that shows it, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget

from app.domain.link_status import LinkState, LinkStatus, Reason, Retry
from app.text.status import texts
from app.ui.detail_pane.evidence import SupportDetails
from app.ui.detail_pane.summary import ProfileHeader, SummaryView
from app.ui.theme.theme import Mode, Theme
from tests.clock import settle
from tests.ui.detail_pane.harness import THIAGO, PaneHarness, pane_harness

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


class PaintCounter(QObject):
    """Remembers which widgets of a pane were painted."""

    def __init__(self, pane: QWidget) -> None:
        super().__init__(pane)
        self._pane = pane
        self.painted: set[QWidget] = set()
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Paint and isinstance(watched, QWidget) and self._pane.isAncestorOf(watched):
            self.painted.add(watched)
        return False


@asynccontextmanager
async def connected(theme: Theme) -> AsyncIterator[tuple[PaneHarness, PaintCounter]]:
    """A pane at rest: its link is connected, and everything is painted."""
    async with pane_harness(theme) as harness:
        pane = harness.pane
        pane.resize(420, 2200)  # all of it is in view, also with large text
        pane.show_mentorado(THIAGO)
        signs = harness.evidence(connected_since=7200, last_inbound=130, last_ack=30, host_answered=9)
        harness.put(LinkState.CONNECTED, ago=7200, evidence=replace(signs, last_observation=harness.ago(seconds=9)))
        pane.show()
        pane._timer.stop()  # it is the test that lets time pass
        counter = PaintCounter(pane)
        await at_rest(counter)
        try:
            yield harness, counter
        finally:
            QApplication.instance().removeEventFilter(counter)  # type: ignore[union-attr]


async def at_rest(counter: PaintCounter) -> set[QWidget]:
    """What was painted by the time that nothing is left to paint."""
    painted: set[QWidget] = set()
    for _ in range(100):
        counter.painted.clear()
        await settle(5)
        await asyncio.sleep(0.03)
        if not counter.painted:
            return painted
        painted |= counter.painted
    raise AssertionError(f"never at rest: {counter.painted}")


def outside(painted: set[QWidget], *parts: QWidget) -> list[QWidget]:
    """What was painted besides *parts*, and besides the ground they stand on, which shows through.

    Qt paints a label whose text can be selected whenever the layout around it is made anew; that is not counted.
    """
    (head,) = parts[0].window().findChildren(ProfileHeader)
    (details,) = parts[0].window().findChildren(SupportDetails)
    expected = (*parts, head._number, details.line)
    return [
        each
        for each in painted
        if not any(each is part or part.isAncestorOf(each) or each.isAncestorOf(part) for part in expected)
    ]


def parts_of(content: SummaryView) -> list[QWidget]:
    parts = (content.who, content.state, content.lead, content.evidence, content.action_cards, content.picture)
    return [*parts, content.timeline, content.details]


def signs_of_life(harness: PaneHarness) -> LinkStatus:
    """Seen again, seconds later: the words stay what they are."""
    status = harness.status()
    seen = replace(status.evidence, last_ack=harness.ago(seconds=2), host_answered=harness.clock.now())
    return replace(status, evidence=replace(seen, last_observation=harness.clock.now()))


def same_again(harness: PaneHarness) -> LinkStatus:
    return replace(harness.status())


def unseen_try(harness: PaneHarness) -> LinkStatus:
    """A connected link tries nothing, so nothing is said of a try."""
    return replace(harness.status(), retry=Retry(1, None))


@pytest.mark.parametrize("change", [signs_of_life, same_again, unseen_try])
async def test_a_status_that_alters_nothing_visible_repaints_nothing(
    theme: Theme, change: Callable[[PaneHarness], LinkStatus]
) -> None:
    async with connected(theme) as (harness, counter):
        link = harness.mentorados.get(THIAGO).link
        harness.supervisor._board.restore(link, change(harness))
        assert await at_rest(counter) == set()


async def test_a_second_in_which_nothing_ages_repaints_nothing(theme: Theme) -> None:
    async with connected(theme) as (harness, counter):
        harness.clock.time += timedelta(seconds=1)
        harness.pane._tick()
        assert await at_rest(counter) == set()


async def test_a_message_repaints_how_long_ago_it_was_and_nothing_else(theme: Theme) -> None:
    async with connected(theme) as (harness, counter):
        content, status = harness.pane._content, harness.status()
        seen = replace(status.evidence, last_inbound=harness.clock.now())
        harness.supervisor._board.update(harness.mentorados.get(THIAGO).link, evidence=seen)
        painted = await at_rest(counter)
        assert content.evidence._values["last_inbound"] in painted
        assert content.evidence._values["last_inbound"].text() == "agora"
        assert outside(painted, content.evidence, content.lead) == []


async def test_an_edited_name_repaints_the_head_and_who_edited_it_alone(theme: Theme) -> None:
    async with connected(theme) as (harness, counter):
        content = harness.pane._content
        await harness.mentorados.edit(THIAGO, "Thiago Tavares", "+5598983015662", "Turma 12 · Tráfego")
        painted = await at_rest(counter)
        assert {content.who._name, content.who._avatar} <= painted
        below = (content.timeline, content._headings["details"], content.details)
        assert outside(painted, content.who, *below) == []


async def test_a_locked_action_repaints_the_cards_alone(theme: Theme) -> None:
    async with connected(theme) as (harness, counter):
        content = harness.pane._content
        harness.pane._update(busy=True)
        painted = await at_rest(counter)
        assert set(content.action_cards.cards) & painted
        assert outside(painted, content.action_cards) == []


async def test_time_repaints_ages_and_nothing_else(theme: Theme) -> None:
    async with connected(theme) as (harness, counter):
        content = harness.pane._content
        harness.clock.time += timedelta(minutes=1)
        harness.pane._tick()
        painted = await at_rest(counter)
        assert content.evidence._values["last_ack"].text() == "há 1 min"
        assert {content.evidence._values["last_ack"], content.state._observed, content.picture.band} <= painted
        assert outside(painted, content.state, content.lead, content.evidence, content.picture) == []


async def test_another_state_repaints_what_depends_on_it_and_leaves_the_name(theme: Theme) -> None:
    async with connected(theme) as (harness, counter):
        content = harness.pane._content
        harness.put(LinkState.BLOCKED, Reason.LOGGED_OUT)
        painted = await at_rest(counter)
        for part in (content.state, content.lead, content.action_cards, content.picture, content.details):
            assert part in painted
        assert not painted & {content.who._name, content.who._avatar}


@pytest.mark.parametrize(
    "change",
    [
        lambda _theme: texts.set_language("en"),
        lambda theme: theme.set_mode(Mode.DARK),
        lambda theme: theme.set_text_scale(150),
    ],
    ids=["language", "colours", "text size"],
)
async def test_everything_is_repainted_in_another_look_or_language(
    theme: Theme, change: Callable[[Theme], None]
) -> None:
    async with connected(theme) as (harness, counter):
        content = harness.pane._content
        harness.put(LinkState.CONNECTED, ago=60)  # so that there is a past to tell
        await at_rest(counter)
        change(theme)
        painted = await at_rest(counter)
        assert [part for part in parts_of(content) if part.isVisible() and part not in painted] == []


async def test_a_hidden_pane_lets_no_time_pass_and_is_right_when_it_is_shown_again(theme: Theme) -> None:
    async with connected(theme) as (harness, _counter):
        pane = harness.pane
        pane._timer.start()
        pane.hide()
        assert not pane._timer.isActive()
        harness.clock.time += timedelta(minutes=5)
        pane.show()
        assert pane._timer.isActive()
        assert pane._content.evidence._values["last_ack"].text() == "há 5 min"
