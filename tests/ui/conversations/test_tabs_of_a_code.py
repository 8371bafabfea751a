"""The tabs while a code lives: their room is the code's, unless a conversation is read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from app.domain.link_status import LinkState, LinkStatus, QrCode
from app.ui.theme.theme import Theme
from tests.ui.conversations.window import TALKER, ConversationWindow, open_conversation_window
from tests.ui.detail_pane.codes import LINK

pytestmark = pytest.mark.usefixtures("on_qt")


def put(harness: ConversationWindow, state: LinkState, *, code: bool = False) -> None:
    now = harness.clock.now()
    shown = QrCode(text=LINK, number=1, total=6, issued_at=now, expires_at=now + timedelta(seconds=60))
    status = LinkStatus(state=state, since=now, qr=shown if code else None)
    harness.supervisor._board.restore(harness.mentorados.get(TALKER.id).link, status)


async def test_the_tabs_make_room_for_a_code_and_come_back(theme: Theme, fast_dir: Path) -> None:
    async with open_conversation_window(theme, fast_dir) as harness:
        tabs = harness.pane._pages.tabs
        harness.window.activateWindow()
        tabs.setFocus()
        put(harness, LinkState.QR_READY, code=True)
        assert not tabs.isVisible()
        assert harness.window.focusWidget() is harness.pane._pages.scroll, "and never an action"
        put(harness, LinkState.CONNECTED)
        assert tabs.isVisible()


async def test_whoever_reads_a_conversation_keeps_the_tabs(theme: Theme, fast_dir: Path) -> None:
    async with open_conversation_window(theme, fast_dir) as harness:
        await harness.conversations()
        put(harness, LinkState.QR_READY, code=True)
        assert harness.pane._pages.tabs.isVisible()
        harness.pane._pages.tabs.setCurrentIndex(0)
        assert not harness.pane._pages.tabs.isVisible()
        assert harness.pane._content.pairing.isVisible()
