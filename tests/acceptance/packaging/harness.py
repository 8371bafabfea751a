"""A package that was built, and bare systems into which it is installed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.emulators.whatsapp_web.session_host import _NOISE_ROOT, environment

ROOT = Path(__file__).parents[3]
CHROOTS = Path(os.environ.get("CONECTA_CHROOTS", ROOT / "build" / "chroots"))
"""Where the bare systems are kept once they were made: a release is a folder in it."""

MIRROR = "http://deb.debian.org/debian"


def command(*words: str | Path, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run *words*; what they wrote is in the error when they fail."""
    done = subprocess.run(
        [*map(str, words)],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(
            f"{shlex.join(map(str, words))}: {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )
    return done


@dataclass(frozen=True, slots=True)
class BareSystem:
    """A Debian with nothing but its base in it, and an ordinary user called ana."""

    root: Path

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """As root."""
        quiet = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        return command("chroot", self.root, *words, check=check, **quiet)

    def as_user(self, *words: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """As ana, with her home and nothing else in the environment."""
        return command(*self.words_as_user(*words, **environment), check=check)

    def words_as_user(self, *words: str, **environment: str) -> list[str]:
        """The command that runs *words* as ana does."""
        clean = {"HOME": "/home/ana", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **environment}
        given = [f"{name}={value}" for name, value in clean.items()]
        user = ["setpriv", "--reuid=ana", "--regid=ana", "--clear-groups", "env", "-i"]
        return ["chroot", str(self.root), *user, *given, *words]

    def put(self, file: Path, place: str = "srv") -> str:
        """Copy *file* into the system; returns its path there."""
        target = self.root / place / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
        return f"/{place}/{file.name}"

    def files(self, place: str) -> set[str]:
        """Every file below *place*."""
        found = (self.root / place).rglob("*")
        return {str(each.relative_to(self.root)) for each in found if each.is_file() or each.is_symlink()}


@contextmanager
def bare_system(release: str, place: Path) -> Iterator[BareSystem]:
    """A copy of *release* in *place*, with `/proc` and `/dev` in it."""
    kept = CHROOTS / release
    if not (kept / "bin/sh").exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        command("debootstrap", "--variant=minbase", release, kept, MIRROR)
    root = place / release
    command("cp", "--archive", "--reflink=auto", kept, root)
    shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
    mounted: list[Path] = []
    try:
        for kind, name in (("proc", "proc"), ("devtmpfs", "dev"), ("tmpfs", "dev/shm")):
            (root / name).mkdir(exist_ok=True)
            command("mount", "-t", kind, kind, root / name)
            mounted.append(root / name)
        system = BareSystem(root)
        system.run("useradd", "--create-home", "ana")
        yield system
    finally:
        for each in reversed(mounted):
            command("umount", "--lazy", each, check=False)


def for_the_emulator(folder: Path, place: Path, directory: Path) -> Sequence[str]:
    """Copy the packaged *folder* to *place*, let its library trust the emulator in *directory*; the host's command."""
    copy = place / "packaged"
    shutil.copytree(folder, copy, symlinks=True)
    (library,) = (copy / "_internal/neonize").glob("*.so")
    content = library.read_bytes()
    assert content.count(_NOISE_ROOT) == 1
    library.write_bytes(content.replace(_NOISE_ROOT, (directory / "noise-root.pub").read_bytes()))
    script = place / "host"
    found = environment(directory, {})
    script.write_text(
        "#!/bin/sh\n"
        f"export {' '.join(f'{name}={shlex.quote(value)}' for name, value in found.items())}\n"
        f'exec {shlex.quote(str(copy / "conecta-host"))} --session-host "$@"\n'
    )
    script.chmod(0o700)
    return [str(script)]
