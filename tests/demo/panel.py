"""The second window of the demo: buttons for what happens outside of Conecta, on phones and in the network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from app.domain.errors import Problem
from app.domain.link_status import LinkState
from app.domain.mentorado import Mentorado
from app.services import Services
from app.text.status import problem as words_of
from app.text.status import texts
from app.ui.async_slots import async_slot
from app.ui.main_window import MainWindow
from app.ui.theme.theme import SPACE_2, SPACE_3, SPACE_4
from tests.demo.people import STRANGER
from tests.demo.phones import Phones
from tests.demo.screenshots import read_codes
from tests.demo.words import say
from tests.emulators.whatsapp_web.control import EmulatorRefused

NETWORK_SECONDS = 10
_WIDTH = 300
_MARGIN = 16


class PhonePanel(QWidget):
    """Scans what *window* shows by reading its pixels, and does to the chosen mentorado what a phone can do."""

    def __init__(self, window: MainWindow, core: Services, phones: Phones) -> None:
        flags = Qt.WindowType
        super().__init__(
            None,  # a window of its own: a sheet over Conecta must not lock the phone
            flags.Window | flags.CustomizeWindowHint | flags.WindowTitleHint | flags.WindowStaysOnTopHint,
        )
        self._conecta = window
        self._core = core
        self._phones = phones
        self._title, self._about, self._message = (
            QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText) for _ in range(3)
        )
        self._title.setProperty("role", "heading")
        self._about.setProperty("role", "secondary")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_4, SPACE_4, SPACE_4, SPACE_4)
        layout.setSpacing(SPACE_2)
        layout.addWidget(self._title)
        layout.addWidget(self._about)
        layout.addSpacing(SPACE_2)
        self.buttons: dict[str, QPushButton] = {}
        for key, do in self._audited_actions().items():
            self.buttons[key] = button = QPushButton()
            button.clicked.connect(lambda _checked=False, do=do: do())
            layout.addWidget(button)
        self.buttons["scan"].setProperty("role", "primary")
        layout.addSpacing(SPACE_3)
        layout.addWidget(self._message, 1, Qt.AlignmentFlag.AlignTop)
        self._undo_words = texts.on_change(self._retranslate)
        self._retranslate()
        self._message.setMinimumHeight(3 * self._message.fontMetrics().height())
        self.setFixedWidth(_WIDTH)

    def show_in_corner(self) -> None:
        """Stand where Conecta's window is least in the way: at its lower right."""
        self.show()
        room = self.screen().availableGeometry()
        beside = self._conecta.frameGeometry().right() + _MARGIN
        left = min(beside, room.right() - self.frameGeometry().width() - _MARGIN)
        self.move(left, room.bottom() - self.frameGeometry().height() - _MARGIN)

    def finish(self) -> None:
        self._undo_words()
        self.close()
        self.deleteLater()

    def show_problem(self, problem: Problem) -> None:
        self._message.setText(" ".join(words_of(problem)))

    def show_crash(self, error: Exception) -> None:
        self._message.setText(say("failed", why=str(error)))

    def _audited_actions(self) -> dict[str, Callable[[], None]]:
        return {
            "scan": self._scan,
            "stranger": self._let_stranger_scan,
            "log_out": self._log_out,
            "suspend": self._suspend,
            "network": self._drop_network,
        }

    def _retranslate(self) -> None:
        self.setWindowTitle(f"{texts('app.name')} · {say('title')}")
        self._title.setText(say("title"))
        self._about.setText(say("about"))
        self._message.setText(say("hint"))
        for key, button in self.buttons.items():
            button.setText(say(key))

    @async_slot
    async def _scan(self) -> None:
        mentorado, code = self._being_paired(), self._code_in_pixels()
        if mentorado is None or code is None:
            self._message.setText(say("no_code"))
            return
        if await self._let_scan(mentorado.expected_account.lstrip("+"), code):
            self._message.setText(say("scanned", name=mentorado.name))

    @async_slot
    async def _let_stranger_scan(self) -> None:
        code = self._code_in_pixels()
        if code is None:
            self._message.setText(say("no_code"))
        elif await self._let_scan(STRANGER, code):
            self._message.setText(say("scanned_stranger"))

    async def _let_scan(self, digits: str, code: str) -> bool:
        try:
            await self._phones.scan(digits, code)
        except EmulatorRefused as no:  # the code was cancelled while the phone was looking at it
            self._message.setText(say("failed", why=str(no)))
            return False
        return True

    @async_slot
    async def _log_out(self) -> None:
        if (mentorado := self._chosen_and_connected()) is None:
            self._message.setText(say("nobody"))
            return
        await self._phones.log_out(_account(mentorado))
        self._message.setText(say("logged_out", name=mentorado.name))

    @async_slot
    async def _suspend(self) -> None:
        if (mentorado := self._chosen_and_connected()) is None:
            self._message.setText(say("nobody"))
            return
        await self._phones.suspend(_account(mentorado))
        self._message.setText(say("suspended", name=mentorado.name))

    @async_slot
    async def _drop_network(self) -> None:
        button = self.buttons["network"]
        button.setEnabled(False)
        try:
            await self._phones.network(up=False)
            self._message.setText(say("network_down"))
            await asyncio.sleep(NETWORK_SECONDS)
            await self._phones.network(up=True)
            self._message.setText(say("network_up"))
        finally:
            button.setEnabled(True)

    def _code_in_pixels(self) -> str | None:
        return next(iter(read_codes(self._conecta)), None)

    def _being_paired(self) -> Mentorado | None:
        current = self._core.supervisor.pairing.current
        return self._core.mentorados.through(current) if current is not None else None

    def _chosen_and_connected(self) -> Mentorado | None:
        chosen = self._conecta.list.table.chosen_id
        mentorado = self._core.mentorados.get(chosen) if chosen is not None else None
        if mentorado is None or self._core.supervisor.status(mentorado.link.id).state is not LinkState.CONNECTED:
            return None
        return mentorado


def _account(mentorado: Mentorado) -> str:
    return (mentorado.link.account or mentorado.expected_account).lstrip("+")
