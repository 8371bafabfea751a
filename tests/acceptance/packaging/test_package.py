"""The packaged program, in bare systems and against the emulators. Slow: `make accept WHAT=packaging`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import statistics
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from app import __version__
from tests.acceptance.connect.harness import Harness
from tests.acceptance.connect.terminal import started
from tests.acceptance.packaging.harness import BareSystem, command, for_the_emulator
from tests.emulators.whatsapp_web.process import EmulatorProcess

THIRD_PARTY = re.compile(r"libQt6|libicu|QtCore")


def test_it_is_small(package: Path, unpacked: Path) -> None:
    """ "installed ≤ 165 MB" """
    installed = sum(each.lstat().st_size for each in unpacked.rglob("*") if each.is_file() and not each.is_symlink())
    assert installed <= 165 * 1024 * 1024


def test_it_is_a_good_neighbour_in_the_menu(unpacked: Path) -> None:
    """ "`appstreamcli validate`, `desktop-file-validate`" """
    if not (shutil.which("desktop-file-validate") and shutil.which("appstreamcli")):
        pytest.skip("needs desktop-file-utils and appstream")
    command("desktop-file-validate", unpacked / "usr/share/applications/conecta.desktop")
    (about,) = (unpacked / "usr/share/metainfo").iterdir()
    command("appstreamcli", "validate", "--no-net", about)


def test_lintian_has_nothing_to_say_but_what_is_overridden_with_a_reason(package: Path) -> None:
    """ "lintian with documented overrides only" """
    if not shutil.which("lintian"):
        pytest.skip("needs lintian")
    found = command("lintian", "--fail-on=error,warning", "--no-tag-display-limit", package, check=False)
    assert found.returncode == 0, found.stdout


def test_the_texts_of_all_licences_are_in_it(unpacked: Path) -> None:
    """Decision 0006: GPL-3, LGPL-3, MPL-2.0, Apache-2.0, OFL-1.1, our own, and an offer of the source."""
    folder = unpacked / "usr/lib/conecta/_internal/licences"
    assert {"GPL-3", "LGPL-3", "MPL-2.0", "Apache-2.0", "LICENSE", "NOTICE", "SOURCE"} <= {
        each.name for each in folder.iterdir()
    }
    assert "SIL OPEN FONT LICENSE" in "".join(
        each.read_text(errors="replace").upper() for each in folder.glob("fontpkg_inter/*")
    )


def test_an_ordinary_user_of_a_bare_system_can_use_it(installed: BareSystem) -> None:
    """ "as an ordinary user: `--version`, `status --json` on an empty account" """
    assert installed.as_user("conecta", "--version").stdout == f"Conecta {__version__}\n"
    assert json.loads(installed.as_user("conecta", "status", "--json").stdout) == {"mentorados": []}
    folder = installed.root / "home/ana/.local/share/conecta"
    assert folder.stat().st_mode & 0o777 == 0o700
    installed.as_user("conecta", "mentorado", "add", "Ana", "11 98765-4321")
    assert len(json.loads(installed.as_user("conecta", "status", "--json").stdout)["mentorados"]) == 1


def test_every_part_of_the_installation_works(installed: BareSystem) -> None:
    """ "`conecta self-test`: inside any installation" """
    found = json.loads(installed.as_user("conecta", "self-test", "--json").stdout)
    assert found["works"], found
    assert not list((installed.root / "tmp").glob("conecta-self-test-*"))


def test_it_knows_the_versions_of_what_it_brings(installed: BareSystem) -> None:
    """Support asks for them, and they cannot be looked up beside the program."""
    (found,) = json.loads(installed.as_user("conecta", "doctor", "--only", "versions", "--json").stdout)["checks"]
    assert re.search(r"PySide6 6\.\d+", found["sentence"]), found


def test_a_part_that_is_missing_is_named(installed: BareSystem) -> None:
    """What an installation lacks is found before somebody needs it."""
    folder = installed.root / "usr/lib/conecta/_internal/neonize"
    aside = folder.rename(folder.with_name("aside"))
    try:
        ended = installed.as_user("conecta", "self-test", "--json", check=False)
    finally:
        aside.rename(folder)
    broken = [each["part"] for each in json.loads(ended.stdout)["parts"] if not each["works"]]
    assert (ended.returncode, broken) == (1, ["session_host"])


def test_the_window_opens_without_a_screen(installed: BareSystem) -> None:
    """ "window offscreen": it is still there after some seconds, and wrote no error."""
    ended = installed.as_user("timeout", "8", "conecta", check=False, QT_QPA_PLATFORM="offscreen")
    assert ended.returncode == 124, ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_a_display_it_says_what_is_missing(installed: BareSystem) -> None:
    """Where no screen is there, a sentence; never Qt's abort."""
    ended = installed.as_user("conecta", check=False)
    assert (ended.returncode, len(ended.stderr.strip().splitlines())) == (1, 3), ended.stderr


def test_nothing_of_it_needs_a_library_that_is_not_installed(installed: BareSystem) -> None:
    """Every library of the folder finds what it needs."""
    script = "find /usr/lib/conecta -name '*.so*' -type f -exec ldd {} + 2>/dev/null | grep 'not found' | sort -u; true"
    missing = installed.run("sh", "-c", script).stdout
    assert missing == ""


def test_removing_it_leaves_the_data_of_the_user_and_nothing_else(
    package: Path, installed: BareSystem, tmp_path: Path
) -> None:
    """ "purge leaves only the user's data" """
    installed.as_user("conecta", "status", "--json")
    installed.run("apt-get", "purge", "--yes", "conecta")
    left = {each for place in ("usr", "etc", "var/lib/conecta", "opt") for each in installed.files(place)}
    assert not {each for each in left if "conecta" in each.lower() and "/doc/" not in each}
    assert any("conecta.db" in each for each in installed.files("home/ana"))
    installed.run("apt-get", "install", "--yes", "--no-install-recommends", f"/srv/{package.name}")
    assert "Conecta" in installed.as_user("conecta", "--version").stdout


@pytest.mark.within(90)
async def test_a_phone_is_paired_through_the_packaged_program(
    unpacked: Path, harness: Harness, emulator: EmulatorProcess, fast_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "pairing with the emulator": the QR is read off the terminal, and the second time it needs none."""
    folder = unpacked / "usr/lib/conecta"
    monkeypatch.setattr(
        harness,
        "settings",
        harness.settings.__class__(
            data_dir=fast_dir / "data",
            session_dir=fast_dir / "sessions",
            session_host=tuple(for_the_emulator(folder, fast_dir, emulator.directory)),
        ),
    )
    async with harness.running() as run:
        ana = await run.add_mentorado("Ana Prates")
    program = (str(folder / "conecta"),)
    async with started(fast_dir, harness.environment(), "connect", "ana", "--json", program=program) as connecting:
        code = await connecting.code(60)
        await asyncio.to_thread(emulator.control.scan, ana.digits, code)
        ended = await connecting.finished(60)
    assert ended.exit_code == 0, ended.error
    assert ended.events[-1]["account"] == ana.phone
    async with started(fast_dir, harness.environment(), "connect", "ana", "--json", program=program) as again:
        ended = await again.finished(60)
    assert (ended.exit_code, ended.events[-1]["state"]) == (0, "connected")


def test_what_is_first_needed_after_an_update_is_still_there(unpacked: Path, tmp_path: Path) -> None:
    """A program that runs while its file is replaced or removed imports the rest from the file that it was."""
    folder, clean = tmp_path / "conecta", {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    shutil.copytree(unpacked / "usr/lib/conecta", folder, symlinks=True)
    program = folder / "conecta"
    subprocess.run([program, "mentorado", "add", "Ana", "11 98765-4321"], env=clean, check=True, capture_output=True)
    for replaced in (True, False):
        waiting = subprocess.Popen(
            [program, "backup", "--passphrase-stdin", "Ana"],
            env=clean,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(3)
        program.rename(tmp_path / "before")
        if replaced:
            program.write_bytes(b"another program" * 1_000_000)
        out, errors = waiting.communicate("four words that test\n", timeout=60)
        assert (waiting.returncode, errors) == (0, ""), out
        (tmp_path / "before").rename(program)


def test_hosts_load_no_qt_and_are_small(unpacked: Path) -> None:
    """ "Session hosts without Qt: ≤ 17.5 MB private each, three at once" """
    host = unpacked / "usr/lib/conecta/conecta-host"
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(psutil.Popen([host, "--session-host"], stdin=-1, stdout=-1)) for _ in range(3)]
        for each in running:
            stack.callback(each.kill)
            assert each.stdout is not None
            assert b'"ready"' in each.stdout.readline()
        time.sleep(0.5)
        for each in running:
            mapped = {entry.path for entry in each.memory_maps()}
            assert not [path for path in mapped if THIRD_PARTY.search(path)]
        private = [each.memory_full_info().uss / 1e6 for each in running]
    assert statistics.median(private) <= 17.5, private  # from one look to the next they differ by 0.3
