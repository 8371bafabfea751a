"""Draw the program's icon: ``draw_icons.py SVG FILE...``. A PNG is as large as its name says (``48.png``); an .ico
(Windows) and an .icns (macOS) have every size that their system asks for. Needs the program's environment."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image
from PySide6.QtGui import QGuiApplication, QIcon, QImage

SIZES = {".ico": (16, 20, 24, 32, 40, 48, 64, 128, 256), ".icns": (16, 32, 64, 128, 256, 512, 1024)}


def main(svg: str, *files: str) -> None:
    QGuiApplication([])
    icon = QIcon(svg)
    for file in map(Path, files):
        sizes = SIZES.get(file.suffix) or (int(file.stem),)
        drawn = [_drawn(icon, size) for size in sizes]  # each by itself: a small one is not a large one made smaller
        if file.suffix == ".png":
            drawn[0].save(file)
        elif file.suffix == ".ico":
            drawn[-1].save(file, sizes=[(size, size) for size in sizes], append_images=drawn[:-1])
        else:
            drawn[-1].save(file, append_images=drawn[:-1])


def _drawn(icon: QIcon, size: int) -> Image.Image:
    picture = icon.pixmap(size).toImage().convertToFormat(QImage.Format.Format_RGBA8888)
    return Image.frombytes("RGBA", (size, size), bytes(picture.constBits()))


if __name__ == "__main__":
    main(*sys.argv[1:])
