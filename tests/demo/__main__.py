"""``python -m tests.demo``: with a screen to be played with, without one it plays itself."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from pathlib import Path

INTERRUPTED = 130


def main() -> int:
    arguments = _parser().parse_args()
    try:
        if arguments.pictures is not None:
            return _offscreen(arguments.pictures, for_readme=True)
        if arguments.offscreen or not _has_screen():
            return _offscreen(arguments.into, for_readme=False)
        from tests.demo.onscreen import play_onscreen

        return play_onscreen()
    except KeyboardInterrupt:
        return INTERRUPTED


def _offscreen(folder: Path, *, for_readme: bool) -> int:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from tests.demo.offscreen import play_offscreen

    return play_offscreen(folder, for_readme=for_readme)


def _has_screen() -> bool:
    """Whether the real window could open here, by the program's own word."""
    from app.domain.errors import Problem
    from app.platform.display import check_display

    if os.environ.get("QT_QPA_PLATFORM") in ("offscreen", "minimal"):
        return False
    try:
        check_display()
    except Problem:
        return False
    return True


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m tests.demo", description=__doc__)
    parser.add_argument("--offscreen", action="store_true", help="play it without a screen although there is one")
    parser.add_argument(
        "--into", type=Path, metavar="DIR", default=Path("build/demo"), help="where its pictures go (%(default)s)"
    )
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="play it, and take only the README's pictures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
