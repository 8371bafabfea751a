"""An update under a running window: what could still be needed is loaded before, and a notice asks to restart."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from app.platform.installation import ProgramFile, is_frozen, load, unloaded_modules
from app.text.status import texts
from app.ui.banners import Banners
from app.ui.theme import icons

log = logging.getLogger(__name__)

_CAUSE = "updated"
_LOOK_MILLISECONDS = 15_000
_CLOSELY_MILLISECONDS, _CLOSE_LOOKS = 1_000, 15
_BEGIN_SECONDS, _PAUSE_SECONDS = 3.0, 0.03


class UpdateNotice(QObject):
    """Looks now and then whether the program on disk is another one, and offers to start that.

    *close* asks for the end of this one; `restarts` says that the other is wanted then.
    """

    def __init__(
        self, banners: Banners, close: Callable[[], None], program: ProgramFile, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.restarts = False
        self._close = close
        self._banners = banners
        self._program = program
        self._timer = QTimer(self, interval=_LOOK_MILLISECONDS)
        self._timer.timeout.connect(self.look)
        self._timer.start()
        self._close_looks = 0

    def look_closely(self) -> None:
        """Look at once, and every second for a while: what began to fail may be between two releases, and an update
        replaces one file after the other."""
        if self._timer.isActive():
            self._close_looks = _CLOSE_LOOKS
            self._timer.start(_CLOSELY_MILLISECONDS)
            self.look()

    def look(self) -> None:
        """Say so when the program was replaced; once is enough."""
        if not self._program.replaced():
            self._close_looks -= 1
            if self._close_looks == 0:
                self._timer.start(_LOOK_MILLISECONDS)
            return
        self._timer.stop()
        log.info("The program was updated while it runs")
        restart = (lambda: texts("updated.restart"), self._restart)
        self._banners.show_words(lambda: texts("updated.notice"), _CAUSE, quiet=True, choices=[restart])

    def _restart(self) -> None:
        self.restarts = True
        self._close()


async def load_the_rest() -> None:
    """Load what a window may still need, a part at a time: after an update the packaged files are those of another.

    A checkout is left alone: nobody replaces it behind the program, and it starts with less memory.
    """
    if not is_frozen():
        return
    await asyncio.sleep(_BEGIN_SECONDS)
    await asyncio.to_thread(icons.read_all)
    for module in list(unloaded_modules()):
        try:
            load(module)
        except ImportError as error:
            log.info("A part of the program cannot be loaded: %s", error)
        await asyncio.sleep(_PAUSE_SECONDS)
    log.info("The whole program is loaded")
