"""What a camera sees of the plate: the code, sharp and on white, at every scale; nothing of an expired one."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.ui.detail_pane.qr import LEAST_SIDE, PLATE_SIDE, QUIET_MODULES, QrView, encode
from app.ui.theme.theme import Mode, Theme
from tests.ui.detail_pane.codes import LINK, decode, pixels, qr_text


def picture(widget: QWidget, ratio: float) -> QImage:
    """What a screen with that device pixel *ratio* shows."""
    image = QImage(round(widget.width() * ratio), round(widget.height() * ratio), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.black)
    painter = QPainter(image)
    widget.render(painter, QPoint())
    painter.end()
    return image


@pytest.mark.parametrize("mode", [Mode.LIGHT, Mode.DARK])
@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 2.0])
@pytest.mark.parametrize("side", [LEAST_SIDE, PLATE_SIDE, 560])
def test_a_code_is_read_back_from_the_pixels(theme: Theme, mode: Mode, ratio: float, side: int) -> None:
    theme.set_mode(mode)
    plate = QrView(theme, side)
    plate.show_matrix(encode(LINK))
    assert decode(picture(plate, ratio)) == [LINK]


@pytest.mark.parametrize("mode", [Mode.LIGHT, Mode.DARK])
def test_the_plate_is_white_and_its_modules_are_black(theme: Theme, mode: Mode) -> None:
    theme.set_mode(mode)
    plate = QrView(theme)
    plate.show_matrix(encode(LINK))
    inner = pixels(picture(plate, 1.0))[16:-16, 16:-16]
    assert set(np.unique(inner).tolist()) == {0, 255}, "nothing is smoothed"


@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 2.0])
def test_every_module_has_the_same_whole_number_of_pixels(theme: Theme, ratio: float) -> None:
    matrix = encode(LINK)
    plate = QrView(theme)
    plate.show_matrix(matrix)
    seen = pixels(picture(plate, ratio))
    edge = round(16 * ratio)
    dark = np.argwhere(seen[edge:-edge, edge:-edge] == 0) + edge
    (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0) + 1
    assert bottom - top == right - left
    module, rest = divmod(right - left, matrix.size)
    assert rest == 0
    assert left >= QUIET_MODULES * module
    assert seen.shape[1] - right >= QUIET_MODULES * module
    shrunk = seen[top:bottom, left:right].reshape(matrix.size, module, matrix.size, module)
    assert (shrunk == shrunk[:, :1, :, :1]).all(), "a module is one colour"
    assert shrunk[:, 0, :, 0].tobytes() == matrix.modules


def test_what_expired_is_read_by_no_camera(theme: Theme) -> None:
    plate = QrView(theme)
    plate.show_matrix(encode(LINK))
    plate.show_expired()
    faint = pixels(picture(plate, 2.0))
    stretched = np.where(faint > 240, 255, 0).astype(np.uint8)  # as a camera with good contrast would see it
    assert decode(faint) == []
    assert decode(stretched) == []


def test_while_the_next_code_is_computed_there_is_nothing_to_read(theme: Theme) -> None:
    plate = QrView(theme)
    plate.show_matrix(encode(LINK))
    plate.show_blank()
    assert set(np.unique(pixels(picture(plate, 1.0))[16:-16, 16:-16]).tolist()) == {255}


def test_a_fresh_code_takes_the_place_of_an_expired_one_at_once(theme: Theme) -> None:
    plate = QrView(theme)
    plate.show_expired()
    plate.show_matrix(encode(qr_text(7)))
    assert decode(plate.grab().toImage()) == [qr_text(7)]


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space])
def test_a_key_or_a_click_asks_to_enlarge_a_code(theme: Theme, key: Qt.Key) -> None:
    plate = QrView(theme)
    clicks: list[str] = []
    plate.clicked.connect(lambda: clicks.append("clicked"))
    plate.show_matrix(encode(LINK))
    QTest.keyClick(plate, key)
    QTest.mouseClick(plate, Qt.MouseButton.LeftButton)
    assert len(clicks) == 2
    plate.show_expired()
    QTest.keyClick(plate, key)
    QTest.mouseClick(plate, Qt.MouseButton.LeftButton)
    assert len(clicks) == 2
    assert plate.focusPolicy() is Qt.FocusPolicy.NoFocus


AT_SCALE = """
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from app.ui.detail_pane.qr import encode
from app.ui.detail_pane.qr import QrView
from app.ui.theme.theme import Mode, Theme
from tests.ui.detail_pane.codes import LINK, decode
app = QApplication([])
theme = Theme(Mode.DARK)
theme.apply(app)
window = QWidget()
layout = QVBoxLayout(window)
layout.setContentsMargins(13, 7, 5, 3)
plate = QrView(theme)
plate.show_matrix(encode(LINK))
layout.addWidget(plate)
window.show()
assert decode(window.grab().toImage()) == [LINK]
print(window.devicePixelRatio())
"""


@pytest.mark.parametrize("factor", ["1.25", "2"])
def test_a_code_is_read_back_where_the_whole_screen_is_scaled(factor: str) -> None:
    environment = {**os.environ, "QT_SCALE_FACTOR": factor, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", AT_SCALE], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == str(float(factor)), done.stderr
