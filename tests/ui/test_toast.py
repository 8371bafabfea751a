"""A toast never covers a code that a phone reads, and is never cut."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QWidget

from app.domain.link_status import LinkState, LinkStatus, QrCode
from app.ui.theme.theme import Theme
from app.ui.widgets.toast import LIVE_CODE, Toast
from tests.ui.window_checks import InWindow, settle
from tests.ui.window_harness import CREDENTIAL, NOON, WindowHarness, person
from tests.waiting import until

WHO = 3
WORDS = "Maria Aparecida Albuquerque foi para o arquivo."
SIZES = ((1240, 860, 100), (1240, 860, 200), (760, 700, 100), (760, 700, 200), (700, 520, 200))


def show_code(harness: WindowHarness) -> None:
    soon = NOON + timedelta(seconds=14)
    code = QrCode(text=CREDENTIAL, number=2, total=6, issued_at=NOON - timedelta(seconds=6), expires_at=soon)
    harness.observe(person(WHO), LinkStatus(state=LinkState.QR_READY, since=NOON, qr=code))


def type_code(harness: WindowHarness) -> None:
    status = harness.supervisor.status(person(WHO).link.id)
    assert status.qr is not None
    harness.observe(person(WHO), replace(status, qr=replace(status.qr, typed="ABCD-0001")))


async def open_at(harness: WindowHarness, width: int, height: int) -> None:
    window = harness.window
    window.resize(width, height)
    window.choose(person(WHO).id)
    await settle()


def place(widget: QWidget) -> QRect:
    return QRect(widget.mapTo(widget.window(), QPoint()), widget.size())


def codes(harness: WindowHarness) -> list[QWidget]:
    return [each for each in harness.window.findChildren(QWidget, LIVE_CODE) if each.isVisible()]


def covers(toast: Toast, harness: WindowHarness) -> bool:
    shown = codes(harness)
    assert shown, "there is a code"
    return toast.isVisible() and any(place(toast).intersects(place(code)) for code in shown)


def shows_whole(toast: Toast) -> bool:
    words, parent = toast._words, toast.parentWidget()
    inside = parent is not None and parent.rect().contains(toast.geometry())
    return (
        inside
        and words.height() >= words.heightForWidth(words.width())
        and words.width() >= words.minimumSizeHint().width()
    )


@pytest.mark.parametrize(("width", "height", "scale"), SIZES)
@pytest.mark.parametrize("typed", [False, True])
def test_a_toast_makes_room_for_a_code_at_any_size(
    in_window: InWindow, theme: Theme, width: int, height: int, scale: int, typed: bool
) -> None:
    async def use(harness: WindowHarness) -> None:
        toast = harness.window.toast
        await open_at(harness, width, height)
        show_code(harness)
        if typed:
            type_code(harness)
        await settle()
        toast.show_message(WORDS, "Desfazer", lambda: None)
        assert not covers(toast, harness)
        assert not toast.isVisible() or shows_whole(toast)
        toast.hide()
        harness.observe(person(WHO), LinkStatus(state=LinkState.OFF, since=NOON))
        await settle()
        toast.show_message(WORDS, "Desfazer", lambda: None)
        assert toast.isVisible()
        assert shows_whole(toast)

    theme.set_text_scale(scale)
    in_window(use)


def large_code(harness: WindowHarness) -> QWidget:
    """One that leaves no room, as in a window that is hardly larger than it."""
    code = QWidget(harness.window)
    code.setObjectName(LIVE_CODE)
    code.setGeometry(harness.window.rect())
    return code


def test_where_there_is_no_room_a_toast_waits_until_the_code_is_gone(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        toast, closed = harness.window.toast, []
        toast.closed.connect(lambda: closed.append(True))
        toast.show_message(WORDS, "Desfazer", lambda: None)
        code = large_code(harness)
        code.show()
        await until(lambda: not toast.isVisible(), within=3)
        assert closed == [], "nobody closed it"
        assert not toast._timer.isActive(), "its time does not run while it waits"
        code.hide()
        await until(toast.isVisible, within=3)
        assert toast._timer.isActive()
        toast.button.click()
        assert closed == [True]

    in_window(use)


def test_a_toast_that_waits_can_be_taken_back(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        toast, closed = harness.window.toast, []
        toast.closed.connect(lambda: closed.append(True))
        code = large_code(harness)
        code.show()
        toast.show_message(WORDS, "Desfazer", lambda: None)
        assert not toast.isVisible()
        toast.hide()
        assert closed == [True]
        code.hide()
        await asyncio.sleep(0.4)
        assert not toast.isVisible()

    in_window(use)
