"""From the text of a code to its pixels: the panel of the program, and the usual way through a PNG."""

import asyncio
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from random import Random

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication, QLabel

from app.domain.link_status import QrCode
from app.domain.phone import PhoneNumber
from app.platform.system import SystemClock
from app.ui.async_slots import run
from app.ui.detail_pane.pairing import PairingPanel
from app.ui.detail_pane.qr import QrView
from app.ui.theme.theme import Mode, Theme
from tests.benchmarks.programs.marks import mark

_ACCOUNT = PhoneNumber("+5511987654321")
_WARM_UP = 3


class _Watch(QObject):
    """Says when the plate has painted a code that can be read."""

    def __init__(self, plate: QrView) -> None:
        super().__init__()
        self._plate = plate
        self.painted = asyncio.Event()
        plate.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Paint and self._plate.readable:
            QTimer.singleShot(0, self.painted.set)  # once this paint is over
        return super().eventFilter(watched, event)


def texts(count: int) -> Iterator[str]:
    """As long and as random as what WhatsApp asks to be shown."""
    random = Random(1)  # noqa: S311 - nothing depends on its being hard to guess
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    for _ in range(count):
        yield "2@" + "".join(random.choices(alphabet, k=243))


async def measure(count: int) -> None:
    theme = Theme(Mode.LIGHT)
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app)
    clock = SystemClock()
    panel = PairingPanel(theme, clock)
    watch = _Watch(panel.findChildren(QrView)[0])
    label = QLabel()
    panel.resize(364, 640)
    label.resize(364, 640)
    panel.show()
    label.show()
    panel.expect_code()
    await asyncio.sleep(0.5)
    for number, text in enumerate(texts(count + _WARM_UP)):
        now = clock.now()
        code = QrCode(text=text, number=1, total=6, issued_at=now, expires_at=now + timedelta(seconds=60))
        watch.painted.clear()
        began, busy = time.perf_counter(), time.thread_time()
        panel.show_code(code, _ACCOUNT)
        await watch.painted.wait()
        ours, on_gui = time.perf_counter() - began, time.thread_time() - busy
        await asyncio.sleep(0.01)
        began = time.perf_counter()
        _usual_way(text, label)
        usual = time.perf_counter() - began
        if number >= _WARM_UP:
            mark("code", f"{ours} {on_gui} {usual}")
    panel.close()
    label.close()


def _usual_way(text: str, label: QLabel) -> None:
    import qrcode

    png = BytesIO()
    qrcode.make(text).save(png)
    picture = QPixmap()
    picture.loadFromData(png.getvalue())
    label.setPixmap(picture)
    label.repaint()


if __name__ == "__main__":
    run(QApplication(sys.argv[:1]), lambda: measure(int(sys.argv[1])))
    mark("done")
