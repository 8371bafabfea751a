"""Notices over the list: every word of them can be read, however large the text and however many there are."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QListWidget, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.domain.events import IncidentChanged
from app.domain.incident import CheckResult, Finding, Incident
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import ProviderKind
from app.text.status import texts
from app.ui.banners import Banners
from app.ui.incident_card import IncidentBanner, IncidentCard
from app.ui.theme.theme import Theme
from tests.conftest import OnQt
from tests.ui.controls import nameless, out_of_reach
from tests.ui.window_harness import NOON, WindowHarness, person

LONG = "/home/ana/.local/share/conecta/conecta.db is missing, and what was kept before is in other folders. " * 3


def cut(banners: Banners) -> list[str]:
    """The labels and buttons that got less height than their words need."""
    words = [each for each in banners.findChildren(QLabel) if each.text() and each.isVisible()]
    return [each.text() for each in words if each.height() < each.heightForWidth(each.width())]


def covered(banners: Banners) -> list[tuple[str, str]]:
    """Notices that lie on one another."""
    notices = [each for each in banners.findChildren(QFrame) if "banner" in str(each.property("role") or "")]
    frames = [each for each in notices if isinstance(each, QFrame) and not isinstance(each, QLabel)]
    pairs = [(one, other) for place, one in enumerate(frames) for other in frames[place + 1 :]]
    return [
        (one.accessibleName(), other.accessibleName())
        for one, other in pairs
        if one.geometry().intersects(other.geometry())
    ]


@pytest.mark.parametrize("scale", [100, 200])
@pytest.mark.parametrize(("width", "height"), [(1280, 720), (700, 620)])
def test_every_word_of_every_notice_can_be_read(
    on_qt: OnQt, theme: Theme, tmp_path: Path, scale: int, width: int, height: int
) -> None:
    async def main() -> None:
        harness = WindowHarness(tmp_path, [person(n) for n in range(20)], theme)
        await harness.load()
        await harness.show()
        banners = harness.window.banners
        theme.set_text_scale(scale)
        harness.window.resize(width, height)
        choices = [(lambda: "Choose a copy…", lambda: None), (lambda: "Start empty…", lambda: None)]
        for number in range(3):
            banners.show_words(lambda: LONG, f"cause {number}", dismissible=number == 0, choices=choices[:number])
            await asyncio.sleep(0.02)
            assert cut(banners) == []
            assert covered(banners) == []
        bar = banners.area.verticalScrollBar()
        assert bar.value() == bar.maximum()  # the newest is in view
        assert banners.height() >= min(banners.sizeHint().height(), harness.window.height() // 3)
        assert bool(banners.area.focusPolicy() & Qt.FocusPolicy.TabFocus) is (bar.maximum() > 0)
        assert nameless(banners) == []
        assert out_of_reach(banners) == []
        for button in (each for each in banners.findChildren(QPushButton) if each.isVisible()):
            banners.area.ensureWidgetVisible(button)
            seen = button.mapTo(banners.area.viewport(), QPoint(0, 0))
            assert 0 <= seen.x() <= banners.area.viewport().width() - button.width()
        banners.clear("cause 0")
        banners.clear("cause 1")
        banners.clear("cause 2")
        banners.show_words(lambda: "Short.", "cause 3")
        await asyncio.sleep(0.02)
        assert bar.maximum() == 0
        assert banners.area.viewport().height() > 0
        assert cut(banners) == []
        await harness.close()

    on_qt(main)
    theme.set_text_scale(100)


WORDS = {
    "en": "WhatsApp's connections are opened by another command: /usr/local/lib/conecta/python -m elsewhere.host. "
    "Z-API is asked at http://127.0.0.1:33177, and not at https://api.z-api.io.",
    "pt-BR": "As conexões do WhatsApp são abertas por outro comando: /usr/local/lib/conecta/python -m elsewhere.host. "
    "A Z-API é consultada em http://127.0.0.1:33177, e não em https://api.z-api.io.",
}


@pytest.mark.parametrize("quiet", [True, False])
@pytest.mark.parametrize("buttons", [0, 1, 2])
def test_nothing_is_scrolled_where_there_is_room(qtbot: QtBot, theme: Theme, quiet: bool, buttons: int) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    layout = QVBoxLayout(window)
    banners = Banners(theme)
    layout.addWidget(banners)
    layout.addWidget(QListWidget(), 1)
    choices = [(lambda: texts("override.see"), lambda: None)] * buttons
    banners.show_words(lambda: WORDS[texts.language], "cause", quiet=quiet, choices=choices)
    window.show()
    scrolled = []
    try:
        for language in ("en", "pt-BR"):
            texts.set_language(language)
            for scale in (100, 150):
                theme.set_text_scale(scale)
                theme.changed.emit()
                for width in range(640, 960, 20):
                    window.resize(width, 760)
                    for _ in range(8):
                        QApplication.processEvents()
                    if banners.area.verticalScrollBar().maximum() or cut(banners):
                        scrolled.append((language, scale, width))
    finally:
        theme.set_text_scale(100)
    assert scrolled == []


@pytest.mark.parametrize("scale", [100, 200])
@pytest.mark.parametrize(("width", "height"), [(1280, 720), (640, 480)])
def test_every_word_of_an_incident_can_be_read(
    on_qt: OnQt, theme: Theme, tmp_path: Path, scale: int, width: int, height: int
) -> None:
    async def main() -> None:
        harness = WindowHarness(tmp_path, [person(n) for n in range(20)], theme)
        await harness.load()
        await harness.show()
        banners = harness.window.banners
        theme.set_text_scale(scale)
        harness.window.resize(width, height)
        down = LinkStatus(state=LinkState.RECONNECTING, since=NOON)
        card = IncidentCard(theme, harness.clock, lambda _who: down, show=len, try_all=len)
        IncidentBanner(banners, lambda: card).on_lasting(
            IncidentChanged(
                Incident(
                    provider=ProviderKind.WHATSAPP_WEB,
                    since=NOON,
                    affected=(person(1).id, person(2).id),
                    of=3,
                    causes=((Reason.NETWORK_DOWN, 2),),
                    findings=tuple(
                        Finding(each)
                        for each in (CheckResult.NETWORK_GOOD, CheckResult.CLOCK_UNKNOWN, CheckResult.VERSION_REFUSED)
                    ),
                )
            )
        )
        await asyncio.sleep(0.05)
        assert cut(banners) == []
        assert nameless(banners) == []
        assert out_of_reach(banners) == []
        await harness.close()

    on_qt(main)
    theme.set_text_scale(100)
