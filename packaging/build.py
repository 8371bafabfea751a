"""Make the packages: ``make package``. Needs Debian's or Ubuntu's binutils and dpkg-dev, and Python with its library.

It builds with Debian's own Python where that is there (`/usr/bin/python3.11`), whose library is small and known to
every later Debian; the oldest system that a package should run on is the one to build it on.

On Windows and macOS, ``python packaging/build.py`` makes a self-contained folder. Nobody has tried that yet.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import prepare_environment
import publisher

ROOT = Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "packaging"
BUILD, DIST = ROOT / "build", ROOT / "dist"
LINUX, WINDOWS, MACOS = (sys.platform == each for each in ("linux", "win32", "darwin"))
OLDEST = Path("/usr/bin/python3.11")
VENV_PYTHON = BUILD / "venv" / ("Scripts/python.exe" if WINDOWS else "bin/python")
UV = re.search(r'"(uv==[\d.]+)"', (PACKAGING / "prepare_environment.py").read_text(encoding="utf-8"))[1]  # type: ignore[index]
VERSION = re.search(r'__version__ = "([^"]+)"', (ROOT / "app/__init__.py").read_text(encoding="utf-8"))[1]  # type: ignore[index]
TOOLS = {"objdump": "binutils", "strip": "binutils", "dpkg-deb": "dpkg", "dpkg-shlibdeps": "dpkg-dev"}
WAYLAND_LIBRARIES = {"libwayland-cursor.so.0": "libwayland-cursor0", "libwayland-egl.so.1": "libwayland-egl1"}
"""What Qt's Wayland loads, which must be there for `dpkg-shlibdeps` to name it."""

COMMON_LICENCES = Path("/usr/share/common-licenses")
TEXTS = ("GPL-3", "LGPL-3", "MPL-2.0", "Apache-2.0")
STRIPPED = re.compile(r"libpython3|lib-dynload/|sqlalchemy/|greenlet/|pillow\.libs/|PIL/")
"""Where symbols are left in that nobody needs; Qt and the Go library come without, and are not touched."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="also a self-contained folder as .tar.xz")
    parser.add_argument("--fast", action="store_true", help="compress quickly: for tests, not for people")
    asked = parser.parse_args()
    if LINUX:
        require_system()
    python = environment()
    licences = collect_licences(python)
    DIST.mkdir(exist_ok=True)
    if not LINUX:
        say(f"{archive(freeze(python, lean=False, licences=licences))}")
        return
    lean = freeze(python, lean=True, licences=licences)
    say(f"{debian_package(lean, fast=asked.fast)}")
    if asked.full:
        say(f"{archive(freeze(python, lean=False, licences=licences))}")
    if publisher.MAINTAINER == publisher.NOBODY:
        say("To be given away, it needs a name: CONECTA_MAINTAINER and CONECTA_APP_ID, see packaging/README.md.")


def require_system() -> None:
    """Install what the build needs of the system, where that takes nobody's password; end, naming it, where not."""
    for _attempt in range(2):
        missing = {package for tool, package in TOOLS.items() if not shutil.which(tool)}
        missing.update(prepare_environment.missing_packages(prepare_environment.QT_LIBRARIES | WAYLAND_LIBRARIES))
        if not missing:
            return
        prepare_environment.install(sorted(missing))
    names = sorted(missing)
    sys.exit(f"\nThe build needs these system packages: {', '.join(names)}.\n{prepare_environment.advice(names)}")


# --- the folder ------------------------------------------------------------------------------------------------------


def environment() -> Path:
    """An environment of its own with what uv.lock names for the program and for packaging; returns its Python."""
    venv, python = BUILD / "venv", VENV_PYTHON
    base = OLDEST if OLDEST.exists() else Path(sys.executable)
    if not python.exists():
        say(f"Creating {venv.relative_to(ROOT)} with {base}")
        run([base, "-m", "venv", "--clear", venv])
    run([python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", UV])
    sync = ["sync", "--quiet", "--locked", "--no-default-groups", "--group", "package", "--inexact"]
    run([python, "-m", "uv", *sync, "--python", python], also={"UV_PROJECT_ENVIRONMENT": str(venv)})
    return python


def freeze(python: Path, *, lean: bool, licences: Path) -> Path:
    """The folder with both programs, tried; *lean* leaves out what a Debian package depends on."""
    kind = "lean" if lean else "full"
    say(f"Collecting the {kind} folder")
    command: list[str | Path] = [
        python,
        "-m",
        "PyInstaller",
        "--noconfirm",
        "--log-level",
        "WARN",
        "--distpath",
        BUILD / kind,
    ]
    drawn = "" if LINUX else str(draw_icon(BUILD / ("conecta.ico" if WINDOWS else "conecta.icns")))
    chosen = {"CONECTA_LEAN": "1" if lean else "", "CONECTA_LICENCES": str(licences), "CONECTA_ICON": drawn}
    run([*command, "--workpath", BUILD / f"{kind}-work", PACKAGING / "conecta.spec"], also=chosen)
    folder = BUILD / kind / "conecta"
    if lean:
        for file in folder.rglob("*.so*"):
            if STRIPPED.search(str(file)) and not file.is_symlink():
                run(["strip", "--strip-unneeded", file])
    try_out(folder)
    return folder


def collect_licences(python: Path) -> Path:
    """The texts of the licences of everything in the folder, each under the name of what it is for."""
    place = BUILD / "licences"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    site = Path(run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip())
    for info in sorted(site.glob("*.dist-info")):
        name = info.name.partition("-")[0]
        if name in ("pip", "uv", "setuptools", "pyinstaller", "pyinstaller_hooks_contrib", "altgraph", "conecta"):
            continue
        for text in info.rglob("*"):
            if text.is_file() and re.match(r"(?i)(licen[cs]e|copying|notice|authors|ofl)", text.name):
                target = place / name / text.name
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(text, target)
    for name in TEXTS:
        if (COMMON_LICENCES / name).exists():
            shutil.copyfile(COMMON_LICENCES / name, place / name)
    return place


def try_out(folder: Path) -> None:
    """Whether it starts at all, on an empty account: what is not collected is often missed only then."""
    program, host = (folder / f"{name}{'.exe' if WINDOWS else ''}" for name in ("conecta", "conecta-host"))
    with tempfile.TemporaryDirectory() as home:
        alone = {"HOME": home, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "QT_QPA_PLATFORM": "offscreen"}
        if WINDOWS:
            alone |= {name: os.environ[name] for name in ("SYSTEMROOT", "PATH")}
            alone |= dict.fromkeys(("USERPROFILE", "APPDATA", "LOCALAPPDATA", "TEMP"), home)
        version = run([program, "--version"], clean=alone).strip()
        if version != f"Conecta {VERSION}":
            sys.exit(f"{program} --version says {version!r}")
        status = json.loads(run([program, "status", "--json"], clean=alone))
        if status != {"mentorados": []}:
            sys.exit(f"{program} status --json says {status!r}")
        for flag in ("--session-host", "--webhooks-host"):
            hello = run([host, flag], clean=alone, stdin="")
            if flag == "--session-host" and '"ready"' not in hello:
                sys.exit(f"{host} {flag} says {hello!r}")


def archive(folder: Path) -> Path:
    """The folder in one file that needs no installation: a .tar.xz, or what the system opens by itself."""
    named = DIST / f"conecta-{VERSION}-{platform.system().lower()}-{machine()}"
    if WINDOWS:
        return Path(shutil.make_archive(str(named), "zip", folder.parent, folder.name))
    if MACOS:
        target = named.with_name(f"{named.name}.zip")
        run(["ditto", "-c", "-k", "--keepParent", folder.with_name("Conecta.app"), target])  # with links and signatures
        return target
    target = named.with_name(f"{named.name}.tar.xz")
    with tarfile.open(target, "w:xz") as packed:
        packed.add(folder, f"conecta-{VERSION}")
    return target


def draw_icon(*files: Path) -> Path:
    """Draw the icon into *files*, each as large or as manifold as its name says; returns the first."""
    svg = ROOT / "resources/icons/conecta.svg"
    run([VENV_PYTHON, PACKAGING / "draw_icons.py", svg, *files], also={"QT_QPA_PLATFORM": "offscreen"})
    return files[0]


# --- the Debian package ----------------------------------------------------------------------------------------------


def debian_package(folder: Path, *, fast: bool) -> Path:
    """A .deb of the lean *folder*, with its place in the menu; depends on the system libraries that are in use."""
    say("Making the Debian package")
    tree = BUILD / "deb"
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(folder, tree / "usr/lib/conecta", symlinks=True)
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin/conecta").symlink_to("../lib/conecta/conecta")
    for source, place_in_system in FILES.items():
        text = (PACKAGING / "debian" / source).read_text(encoding="utf-8").replace("@VERSION@", VERSION)
        text = text.replace("@DATE@", f"{datetime.now(UTC):%Y-%m-%d}").replace("@APP_ID@", publisher.APP_ID)
        write(tree / place_in_system, text)
    shutil.copyfile(ROOT / "NOTICE", tree / "usr/share/doc/conecta/NOTICE")
    write(tree / "usr/share/bash-completion/completions/conecta", completion())
    icons(tree)
    compressed(tree / "usr/share/man/man1/conecta.1")
    changelog = tree / "usr/share/doc/conecta/changelog"
    signed = f" -- {publisher.MAINTAINER}  {format_datetime(datetime.now(UTC))}\n"
    write(changelog, f"conecta ({VERSION}) stable; urgency=medium\n\n  * See CHANGELOG.md of the project.\n\n{signed}")
    compressed(changelog)
    for place in tree.rglob("*"):
        if not place.is_symlink():
            runs = place.is_dir() or place.parent == tree / "usr/lib/conecta"
            place.chmod(0o755 if runs and (place.is_dir() or place.name.startswith("conecta")) else 0o644)
    size = sum(each.lstat().st_size for each in tree.rglob("*") if not each.is_dir()) // 1024
    control = (PACKAGING / "debian/control.in").read_text(encoding="utf-8")
    values = {"VERSION": VERSION, "ARCH": machine(), "SIZE": str(size), "DEPENDS": libraries(tree)}
    values["MAINTAINER"] = publisher.MAINTAINER
    for placeholder, value in values.items():
        control = control.replace(f"@{placeholder}@", value)
    write(tree / "DEBIAN/control", control)
    target = DIST / f"conecta_{VERSION}_{machine()}.deb"
    pressed = ["-Zgzip", "-z1"] if fast else ["-Zxz", "-z6"]
    run(["dpkg-deb", "--root-owner-group", *pressed, "--build", tree, target])
    return target


FILES: Mapping[str, str] = {
    "conecta.desktop": "usr/share/applications/conecta.desktop",
    "conecta.metainfo.xml": f"usr/share/metainfo/{publisher.APP_ID}.metainfo.xml",
    "conecta.1": "usr/share/man/man1/conecta.1",
    "copyright": "usr/share/doc/conecta/copyright",
    "lintian-overrides": "usr/share/lintian/overrides/conecta",
}


def libraries(tree: Path) -> str:
    """What the binaries in *tree* need of the system, as `Depends` says it."""
    place = BUILD / "shlibdeps"
    write(place / "debian/control", "Source: conecta\n\nPackage: conecta\nArchitecture: any\n")
    binaries = [each for each in (tree / "usr/lib/conecta").rglob("*") if is_binary(each)]
    folders = sorted({each.parent for each in binaries})
    found = run(
        [
            "dpkg-shlibdeps",
            "-O",
            "--ignore-missing-info",
            "--warnings=0",
            *(f"-l{folder}" for folder in folders),
            *(f"-e{binary}" for binary in binaries),
        ],
        cwd=place,
    )
    return found.partition("shlibs:Depends=")[2].strip()


def is_binary(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as opened:
        return opened.read(4) == b"\x7fELF"


def icons(tree: Path) -> None:
    """The icon as it is drawn, and in the sizes that menus ask for."""
    svg = ROOT / "resources/icons/conecta.svg"
    write(tree / "usr/share/icons/hicolor/scalable/apps/conecta.svg", svg.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as place:
        sizes = ("48", "128", "256")
        draw_icon(*(Path(place) / f"{size}.png" for size in sizes))
        for size in sizes:
            target = tree / f"usr/share/icons/hicolor/{size}x{size}/apps/conecta.png"
            target.parent.mkdir(parents=True)
            shutil.copyfile(Path(place) / f"{size}.png", target)


def completion() -> str:
    """What bash completes after ``conecta``."""
    script = "import shtab; from app.__main__ import _parser; print(shtab.complete(_parser(), 'bash'))"
    return run([VENV_PYTHON, "-c", script], also={"LANG": "C.UTF-8"})


def compressed(file: Path) -> None:
    """As Debian's policy wants manuals and changelogs: compressed as far as it goes, without a time."""
    run(["gzip", "-9n", file])


def machine() -> str:
    return run(["dpkg", "--print-architecture"]).strip() if LINUX else platform.machine().lower()


# --- commands --------------------------------------------------------------------------------------------------------


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def run(
    command: Iterable[str | Path],
    *,
    clean: Mapping[str, str] | None = None,
    stdin: str | None = None,
    cwd: Path = ROOT,
    also: Mapping[str, str] | None = None,
) -> str:
    """Run *command* and return what it wrote; with *clean*, in that environment alone, and with *also* in addition to
    it. Ends the build if it fails."""
    words = [*map(str, command)]
    done = subprocess.run(  # noqa: S603 - every command is written in this file
        words,
        cwd=cwd,
        env={**(os.environ if clean is None else clean), **(also or {})},
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}\nThis failed: {shlex.join(words)[:500]}")
    return done.stdout


if __name__ == "__main__":
    main()
