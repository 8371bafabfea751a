from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.display import require_display, require_platform_libraries
from app.domain.errors import Code, Problem

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only here Qt needs libraries its wheel does not bring")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)


def test_a_library_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "libqxcb.so"
    broken.write_bytes(b"no library at all")
    with pytest.raises(Problem) as caught:
        require_platform_libraries(broken)
    assert caught.value.code is Code.SYSTEM_LIBRARY_MISSING
    assert "libqxcb.so" in caught.value.context["library"]


def test_a_display_is_asked_for_only_where_one_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Problem) as caught:
        require_display()
    assert caught.value.code is Code.NO_DISPLAY
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    require_display()
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    require_display()
    require_platform_libraries(Path("nowhere"))
