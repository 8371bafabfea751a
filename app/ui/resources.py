"""Where icons and translations lie: inside the installed package, or beside `app` in a checkout. Qt-free."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_APP = Path(__file__).resolve().parent.parent


@cache
def folder() -> Path:
    """The folder that holds `icons` and `translations`."""
    packaged = _APP / "_resources"
    return packaged if packaged.is_dir() else _APP.parent / "resources"
