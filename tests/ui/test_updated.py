"""An update under the running window is announced once, and its button asks for a restart."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.platform.installation import ProgramFile
from app.text.status import texts
from app.ui import updated
from app.ui.banners import Banners
from app.ui.theme import icons
from app.ui.theme.theme import Mode, Theme
from app.ui.updated import UpdateNotice, load_the_rest


def test_a_replaced_program_is_announced_with_a_button_to_restart(qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "conecta"
    file.write_bytes(b"1")
    banners = Banners(Theme(Mode.LIGHT))
    qtbot.addWidget(banners)
    closed: list[bool] = []
    notice = UpdateNotice(banners, lambda: closed.append(notice.restarts), ProgramFile(file), banners)
    notice.look()
    assert banners.isHidden()
    (tmp_path / "new").write_bytes(b"22")
    (tmp_path / "new").rename(file)
    notice.look()
    assert texts("updated.notice") in [label.text() for label in banners.findChildren(QLabel)]
    button = next(each for each in banners.findChildren(QPushButton) if each.text() == texts("updated.restart"))
    button.click()
    assert closed == [True]


async def test_the_rest_of_a_package_is_loaded_in_idle_time(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def load(name: str) -> None:
        loaded.append(name)
        if name == "app.b":
            raise ImportError(name)

    monkeypatch.setattr(updated, "load", load)
    monkeypatch.setattr(updated, "unloaded_modules", lambda: iter(["app.a", "app.b", "app.c"]))
    monkeypatch.setattr(updated, "_BEGIN_SECONDS", 0)
    monkeypatch.setattr(updated, "_PAUSE_SECONDS", 0)
    await load_the_rest()
    assert loaded == [], "a checkout is left alone"
    monkeypatch.setattr(updated, "is_frozen", lambda: True)
    icons._source.cache_clear()
    await load_the_rest()
    assert loaded == ["app.a", "app.b", "app.c"]
    assert icons._source.cache_info().currsize > 50, "what is painted later cannot be read then"
