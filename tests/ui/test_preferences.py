"""What a person likes to see survives a restart, and a damaged file only costs the preferences."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray

from app.domain.uptime import TimeRange
from app.ui.appearance import Preferences
from app.ui.mentorado_list.order import SortOrder
from app.ui.mentorado_list.row import ListFilter
from app.ui.theme.theme import Mode


def test_everything_comes_back(tmp_path: Path) -> None:
    kept = Preferences(tmp_path / "window.ini")
    kept.language, kept.mode, kept.text_scale, kept.group = "en", Mode.DARK, 150, ListFilter.ERROR
    kept.sort = SortOrder.COHORT
    kept.geometry = QByteArray(b"\x01\x00somewhere")
    kept.save()
    again = Preferences(tmp_path / "window.ini")
    assert (again.language, again.mode, again.text_scale, again.group) == ("en", Mode.DARK, 150, ListFilter.ERROR)
    assert again.sort is SortOrder.COHORT
    assert again.geometry == QByteArray(b"\x01\x00somewhere")


def test_at_first_the_system_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "pt_BR.UTF-8")
    fresh = Preferences(tmp_path / "window.ini")
    assert (fresh.language, fresh.mode, fresh.text_scale, fresh.group) == ("pt-BR", Mode.SYSTEM, 100, ListFilter.ALL)
    assert (fresh.sort, fresh.geometry) == (SortOrder.NEEDS_YOU, None)


def test_what_cannot_be_read_was_never_chosen(tmp_path: Path) -> None:
    file = tmp_path / "window.ini"
    file.write_text("[General]\nlanguage=xx\ntheme=mauve\ntext_scale=huge\nfilter=nobody\nsort=fate\ngeometry=left\n")
    odd = Preferences(file)
    assert odd.language in ("pt-BR", "en")
    assert (odd.mode, odd.text_scale, odd.group, odd.geometry) == (Mode.SYSTEM, 100, ListFilter.ALL, None)
    assert odd.sort is SortOrder.NEEDS_YOU


@pytest.mark.parametrize("kept", ["[", "7", "[7]", '[{"provider": "pigeon"}]', "{}"])
def test_views_that_cannot_be_read_were_never_kept(tmp_path: Path, kept: str) -> None:
    preferences = Preferences(tmp_path / "window.ini")
    preferences._settings.setValue("views", kept)
    assert preferences.views == []


@pytest.mark.parametrize(("kept", "used"), [("50", 100), ("400", 200), ("125", 125)])
def test_text_sizes_stay_within_bounds(tmp_path: Path, kept: str, used: int) -> None:
    file = tmp_path / "window.ini"
    file.write_text(f"[General]\ntext_scale={kept}\n")
    assert Preferences(file).text_scale == used


def test_how_far_back_the_timeline_looks_is_remembered(tmp_path: Path) -> None:
    kept = Preferences(file := tmp_path / "window.ini")
    assert kept.span is TimeRange.DAY
    kept.span = TimeRange.WEEK
    kept.save()
    assert Preferences(file).span is TimeRange.WEEK
    file.write_text("[General]\nspan=century\n")
    assert Preferences(file).span is TimeRange.DAY
