from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from app.domain.errors import Problem, ProblemCode
from app.platform.display import check_display, check_platform_libraries, library_missing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only here Qt needs libraries its wheel does not bring")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)


def test_a_library_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "libqxcb.so"
    broken.write_bytes(b"no library at all")
    with pytest.raises(Problem) as caught:
        check_platform_libraries(broken)
    assert caught.value.code is ProblemCode.SYSTEM_LIBRARY_BROKEN
    assert caught.value.context["detail"] == "file too short"
    assert "libqxcb.so" in caught.value.context["library"]


@pytest.mark.parametrize(
    ("text", "package"),
    [
        ("libxcb-cursor.so.0: cannot open shared object file: No such file or directory", "libxcb-cursor0"),
        ("libEGL.so.1: cannot open shared object file", "libegl1"),
        ("libxkbcommon-x11.so.0: cannot open shared object file", "libxkbcommon-x11-0"),
        ("libdbus-1.so.3: cannot open shared object file", "libdbus-1-3"),
        ("libglib-2.0.so.0: cannot open shared object file", "libglib2.0-0"),
    ],
)
def test_the_package_that_brings_a_library_is_named(text: str, package: str) -> None:
    assert library_missing(OSError(text)).context == {"library": text.split(":", maxsplit=1)[0], "package": package}


def no_display() -> str:
    with pytest.raises(Problem) as caught:
        check_display()
    assert caught.value.code is ProblemCode.NO_DISPLAY
    return caught.value.context["displays"]


def test_a_display_is_asked_for_only_where_one_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert no_display() == "DISPLAY"
    for platform in ("xcb", "wayland", "wayland;xcb"):
        monkeypatch.setenv("QT_QPA_PLATFORM", platform)
        no_display()
    for platform in ("vnc:size=800x600", "xcb;offscreen", "offscreen"):
        monkeypatch.setenv("QT_QPA_PLATFORM", platform)
        check_display()
    check_platform_libraries(Path("nowhere"))
    monkeypatch.setenv("QT_QPA_PLATFORM", "windows")
    with pytest.raises(Problem) as caught:
        check_display()
    assert (caught.value.code, caught.value.context["setting"]) == (ProblemCode.SETTING_INVALID, "QT_QPA_PLATFORM")


@contextmanager
def listening(path: Path, answer: bytes | None) -> Iterator[None]:
    """A server at *path* that answers the first request, or (None) hangs up at once."""

    def serve() -> None:
        with suppress(OSError):
            client, _ = server.accept()
            with client:
                if answer is not None:
                    client.recv(64)
                    client.sendall(answer)

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        yield
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_wayland_that_answers_is_a_display(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    for name in ("wayland-0", str(tmp_path / "wayland-1")):
        monkeypatch.setenv("WAYLAND_DISPLAY", name)
        with listening(tmp_path / name, b"\2\0\0\0\0\0\14\0\0\0\0\0"):
            check_display()
        assert os.environ["WAYLAND_DISPLAY"] == name


def nothing(_path: Path) -> None:
    """No file."""


def left_behind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


@pytest.mark.parametrize("what", [nothing, left_behind, Path.touch, Path.mkdir])
@pytest.mark.parametrize("name", ["wayland-0", "w" * 200])
def test_a_dead_wayland_is_no_display_and_out_of_the_way_of_one_that_lives(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: Callable[[Path], None], name: str
) -> None:
    if not (what is left_behind and len(name) > 100):
        what(tmp_path / name)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("WAYLAND_DISPLAY", name)
    assert no_display() == f"WAYLAND_DISPLAY={name}"
    assert "WAYLAND_DISPLAY" not in os.environ


def test_a_wayland_that_hangs_up_is_no_display(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", str(tmp_path / "w"))
    with listening(tmp_path / "w", None):
        assert no_display() == f"WAYLAND_DISPLAY={tmp_path / 'w'}"


@pytest.mark.parametrize(
    "display", [":9871", ":99999", "garbage", "::", ":", "localhost:977", "nobody.invalid:0", ":1.x"]
)
def test_a_dead_x_display_is_none(monkeypatch: pytest.MonkeyPatch, display: str) -> None:
    monkeypatch.setenv("DISPLAY", display)
    assert no_display() == f"DISPLAY={display}"


def test_an_x_display_that_never_answers_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("app.platform.display.ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1] - 6000
        monkeypatch.setenv("DISPLAY", f"127.0.0.1:{number}")
        assert no_display() == f"DISPLAY=127.0.0.1:{number}"
