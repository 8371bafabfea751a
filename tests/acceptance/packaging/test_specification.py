"""What the specification asks of PyInstaller on each system, and who is named in a package. PyInstaller is played."""

from __future__ import annotations

import os
import plistlib
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from app import __version__
from tests.acceptance.packaging.harness import ROOT, command

PACKAGING = ROOT / "packaging"
SPECIFICATION = PACKAGING / "conecta.spec"
PUBLISHER = "Ana Prates <ana@example.org>"

KEPT = {
    "linux": ["PySide6/Qt/plugins/platforms/libqxcb.so", "libQt6Core.so.6", "neonize/neonize-linux-amd64.so"],
    "win32": [r"PySide6\plugins\platforms\qwindows.dll", r"PySide6\plugins\platforms\qoffscreen.dll"],
    "darwin": ["PySide6/Qt/plugins/platforms/libqcocoa.dylib", "PySide6/Qt/plugins/styles/libqmacstyle.dylib"],
}
DROPPED = {
    "linux": ["PySide6/Qt/plugins/tls/libqopensslbackend.so", "PySide6/Qt/lib/libQt6Quick.so.6"],
    "win32": [r"PySide6\plugins\platforms\qdirect2d.dll", r"PySide6\Qt6Qml.dll", r"PySide6\translations\qtbase_ar.qm"],
    "darwin": [
        *("PySide6/Qt/plugins/imageformats/libqwebp.dylib", "PySide6/Qt/lib/QtPdf.framework/Versions/A/QtPdf"),
        "PySide6/Qt/plugins/platforms/libqminimal.dylib",
    ],
}


class Asked:
    """What the specification asked for, by the name of what it called."""

    def __init__(self, system: str) -> None:
        self.calls: list[tuple[str, Sequence[Any], dict[str, Any]]] = []
        self._binaries = [(place, f"/site/{place}", "BINARY") for place in KEPT[system] + DROPPED[system]]

    def recorder(self, name: str) -> Any:
        def record(*given: Any, **named: Any) -> Any:
            self.calls.append((name, given, named))
            return SimpleNamespace(
                binaries=self._binaries, datas=[], pure=[], scripts=[("pyi_rth_qt", "", ""), ("host", "", "")]
            )

        return record

    def named(self, name: str) -> list[dict[str, Any]]:
        return [named for call, _, named in self.calls if call == name]


def asked_on(system: str, monkeypatch: pytest.MonkeyPatch, work: Path) -> Asked:
    """Read the specification as PyInstaller on *system* does."""
    hooks = ModuleType("PyInstaller.utils.hooks")
    for name in ("collect_data_files", "collect_submodules", "copy_metadata"):
        hooks.__dict__[name] = lambda _package: []
    for name in ("PyInstaller", "PyInstaller.utils"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, hooks.__name__, hooks)
    monkeypatch.delitem(sys.modules, "publisher", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("CONECTA_MAINTAINER", PUBLISHER)
    monkeypatch.setenv("CONECTA_APP_ID", "org.example.Conecta")
    monkeypatch.setenv("CONECTA_ICON", "icon of the system")
    asked = Asked(system)
    builders = {name: asked.recorder(name) for name in ("Analysis", "PYZ", "EXE", "COLLECT", "BUNDLE")}
    monkeypatch.setattr(sys, "platform", system)
    source = compile(SPECIFICATION.read_text(encoding="utf-8"), str(SPECIFICATION), "exec")
    exec(source, {**builders, "SPECPATH": str(PACKAGING), "workpath": str(work)})  # noqa: S102 - our own file
    monkeypatch.delitem(sys.modules, "publisher", raising=False)
    return asked


@pytest.mark.parametrize("system", ["linux", "win32", "darwin"])
def test_every_system_gets_both_programs_and_what_they_need(
    system: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = asked_on(system, monkeypatch, tmp_path)
    assert [each["name"] for each in asked.named("EXE")] == ["conecta", "conecta-host"]
    assert all(each["console"] for each in asked.named("EXE"))
    (collected,) = (given for name, given, _ in asked.calls if name == "COLLECT")
    assert [place for place, *_ in collected[2]] == KEPT[system]
    assert bool(asked.named("BUNDLE")) == (system == "darwin")


def test_on_windows_each_program_says_what_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The version resource, the icon, and a console that is hidden where it belongs to nobody."""
    asked = asked_on("win32", monkeypatch, tmp_path)
    program, host = asked.named("EXE")
    assert (program["hide_console"], "hide_console" in host) == ("hide-early", False)
    assert program["icon"] == host["icon"] == "icon of the system"
    values: dict[str, str] = {}
    kinds = ("VSVersionInfo", "FixedFileInfo", "StringFileInfo", "StringTable", "VarFileInfo", "VarStruct")
    names: dict[str, Any] = dict.fromkeys(kinds, SimpleNamespace)
    names.update(dict.fromkeys(kinds, lambda *_given, **named: named), StringStruct=values.__setitem__)
    fixed = eval(Path(program["version"]).read_text(encoding="utf-8"), names)  # noqa: S307 - what was just written
    assert fixed["ffi"]["filevers"][:3] == tuple(map(int, re.findall(r"\d+", __version__)[:3]))
    assert (values["CompanyName"], values["ProductVersion"]) == ("Ana Prates", __version__)
    assert values["OriginalFilename"] == "conecta.exe"


def test_on_macos_a_bundle_is_signed_and_shows_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CONECTA_SIGNING_IDENTITY", "Developer ID Application: Ana")
    asked = asked_on("darwin", monkeypatch, tmp_path)
    (bundle,) = asked.named("BUNDLE")
    assert (bundle["bundle_identifier"], bundle["version"]) == ("org.example.Conecta", __version__)
    assert bundle["info_plist"]["LSBackgroundOnly"] is False
    for each in asked.named("EXE"):
        assert each["codesign_identity"] == "Developer ID Application: Ana"
        assert all(plistlib.loads(Path(each["entitlements_file"]).read_bytes()).values())


@pytest.mark.parametrize(("name", "kind"), [("conecta.ico", "ICO"), ("conecta.icns", "ICNS"), ("48.png", "PNG")])
def test_the_icon_can_be_drawn_for_every_system(tmp_path: Path, name: str, kind: str) -> None:
    command(sys.executable, PACKAGING / "draw_icons.py", ROOT / "resources/icons/conecta.svg", tmp_path / name)
    with Image.open(tmp_path / name) as drawn:
        sizes = {tuple(size)[:2] for size in drawn.info.get("sizes", [drawn.size])}
        assert (drawn.format, (48, 48) in sizes or (512, 512) in sizes) == (kind, True)
        assert len(set(drawn.convert("RGBA").resize((16, 16)).tobytes())) > 4, "nothing was drawn"


@pytest.mark.parametrize(
    ("variable", "value", "refused"),
    [
        ("CONECTA_MAINTAINER", PUBLISHER, False),
        ("CONECTA_MAINTAINER", "", False),
        ("CONECTA_MAINTAINER", "ana@example.org", True),
        ("CONECTA_MAINTAINER", "Ana <ana>", True),
        ("CONECTA_MAINTAINER", "Ana\nDepends: x <a@b>", True),
        ("CONECTA_APP_ID", "org.example.Conecta", False),
        ("CONECTA_APP_ID", "Conecta", True),
        ("CONECTA_APP_ID", "org.example.<b>", True),
    ],
)
def test_a_publisher_who_cannot_be_named_in_a_package_is_refused(variable: str, value: str, refused: bool) -> None:
    ended = subprocess.run(
        [sys.executable, PACKAGING / "publisher.py"],
        env={**os.environ, variable: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode != 0, variable in ended.stderr) == (refused, refused)


def test_nobody_is_named_in_any_other_place() -> None:
    """One place each: whoever publishes packages looks nowhere else."""
    named = re.compile(r"@conecta\.invalid|app\.conecta\.Conecta")
    files = [each for each in PACKAGING.rglob("*") if each.is_file() and "__pycache__" not in each.parts]
    assert [each.name for each in files if named.search(each.read_text(encoding="utf-8"))] == ["publisher.py"]
