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


def test_a_problem_that_begins_has_the_program_looked_at_at_once_and_closely_for_a_while(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updated, "_CLOSELY_MILLISECONDS", 10)
    file = tmp_path / "conecta"
    file.write_bytes(b"1")
    banners = Banners(Theme(Mode.LIGHT))
    qtbot.addWidget(banners)
    notice = UpdateNotice(banners, lambda: None, ProgramFile(file), banners)
    notice.look_closely()
    assert banners.isHidden(), "it is as it was"
    (tmp_path / "new").write_bytes(b"22")
    (tmp_path / "new").rename(file)
    words = texts("updated.notice")
    qtbot.waitUntil(lambda: words in [label.text() for label in banners.findChildren(QLabel)], timeout=3000)
    notice.look_closely()
    assert [label.text() for label in banners.findChildren(QLabel)].count(words) == 1


def test_closer_looks_end(qtbot: QtBot, tmp_path: Path) -> None:
    banners = Banners(Theme(Mode.LIGHT))
    qtbot.addWidget(banners)
    notice = UpdateNotice(banners, lambda: None, ProgramFile(tmp_path), banners)
    notice.look_closely()
    assert notice._timer.interval() == updated._CLOSELY_MILLISECONDS
    for _ in range(updated._CLOSE_LOOKS):
        notice.look()
    assert notice._timer.interval() == updated._LOOK_MILLISECONDS


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
