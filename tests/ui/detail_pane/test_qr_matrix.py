"""The symbol: valid, small enough, computed quickly, and never written anywhere."""

from __future__ import annotations

import numpy as np
import pytest
import zxingcpp

from app.ui.detail_pane.qr import (
    LIGHT,
    QrMatrix,
    encode,
    placeholder,
)
from tests.ui.detail_pane.codes import LINK, Grey, decode, qr_text


def enlarged(matrix: QrMatrix, factor: int = 4, quiet: int = 5) -> Grey:
    modules = np.frombuffer(matrix.modules, dtype=np.uint8).reshape(matrix.size, matrix.size)
    return np.pad(modules, quiet, constant_values=LIGHT).repeat(factor, axis=0).repeat(factor, axis=1)


@pytest.mark.parametrize("seed", range(8))
def test_a_code_reads_back_as_its_text(seed: int) -> None:
    text = qr_text(seed)
    assert [found.text for found in zxingcpp.read_barcodes(enlarged(encode(text)))] == [text]


def test_a_whatsapp_code_needs_57_modules() -> None:
    assert len(LINK) == 257
    assert encode(LINK).size == 57


def test_the_image_has_one_pixel_per_module() -> None:
    matrix = encode(LINK)
    image = matrix.image()
    assert (image.width(), image.height()) == (57, 57)
    assert image.pixelColor(0, 0).lightness() == 0  # the corner of a finder pattern
    assert image.pixelColor(7, 7).lightness() == 255  # its separator
    row = bytes(image.pixelColor(column, 0).lightness() for column in range(57))
    assert row == matrix.modules[:57]


def test_the_text_is_in_no_representation() -> None:
    assert LINK not in repr(encode(LINK))
    assert "modules" not in repr(encode(LINK))


def test_a_ghost_is_the_size_of_a_code_and_reads_as_nothing() -> None:
    assert placeholder().size == encode(LINK).size
    assert decode(enlarged(placeholder())) == []
