"""Updates through a signed repository, in a bare system. Slow: `make accept WHAT=packaging`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.packaging.harness import ROOT, BareSystem, bare_system, command

SOURCES = """Types: deb
URIs: file:/srv/repo
Suites: ./
Signed-By: /usr/share/keyrings/conecta-archive-keyring.asc
"""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository that is published into a system, and the key that signs it."""

    system: BareSystem
    keys: Path
    fingerprint: str

    @property
    def folder(self) -> Path:
        return self.system.root / "srv/repo"

    def publish(self, package: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(package, self.folder)
        script = ROOT / "packaging/repository.sh"
        command(script, self.folder, self.fingerprint, GNUPGHOME=str(self.keys))

    def installed_version(self) -> str:
        return self.system.run("dpkg-query", "--show", "--showformat=${Version}", "conecta").stdout


def of_version(package: Path, version: str, place: Path) -> Path:
    """The same *package*, called *version*."""
    tree = place / "tree"
    command("dpkg-deb", "--raw-extract", package, tree)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*$", f"Version: {version}", control.read_text()))
    made = place / f"conecta_{version}_amd64.deb"
    command("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", tree, made)
    shutil.rmtree(tree)
    return made


def logged(system: BareSystem, line: str, within: float = 60) -> None:
    """Wait until ana's Conecta has written *line* into its log."""
    deadline = time.monotonic() + within
    while line not in (file.read_text() if (file := log_of(system)).exists() else ""):
        assert time.monotonic() < deadline, f"not logged: {line}"
        time.sleep(0.2)


def log_of(system: BareSystem) -> Path:
    return system.root / "home/ana/.local/share/conecta/logs/conecta.log"


@pytest.fixture(scope="module")
def repository(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """The package, installed from a repository."""
    tools = ("debootstrap", "apt-ftparchive", "gpg")
    if os.geteuid() or not all(map(shutil.which, tools)):
        pytest.skip(f"needs root, {', '.join(tools)}")
    keys = tmp_path_factory.mktemp("keys")
    keys.chmod(0o700)
    command(
        *("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "Conecta test", "ed25519", "sign", "1d"),
        GNUPGHOME=str(keys),
    )
    listed = command("gpg", "--list-keys", "--with-colons", GNUPGHOME=str(keys)).stdout
    fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))
    with bare_system("trixie", tmp_path_factory.mktemp("system")) as system:
        made = Repository(system, keys, fingerprint)
        made.publish(package)
        made.system.put(made.folder / "conecta-archive-keyring.asc", "usr/share/keyrings")
        (system.root / "etc/apt/sources.list.d/conecta.sources").write_text(SOURCES)
        system.run("apt-get", "update")
        system.run("apt-get", "install", "--yes", "--no-install-recommends", "conecta")
        yield made


def test_an_update_comes_through_the_signed_repository_while_the_window_is_open(
    repository: Repository, package: Path, tmp_path: Path
) -> None:
    """ "upgrade from the former version through the signed repository with the window open" """
    system, before = repository.system, repository.installed_version()
    system.as_user("conecta", "mentorado", "add", "Ana", "11 98765-4321")
    opening = system.words_as_user("conecta", QT_QPA_PLATFORM="offscreen")
    with subprocess.Popen(opening, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as window:
        try:
            logged(system, "The whole program is loaded")
            repository.publish(of_version(package, f"{before}+1", tmp_path))
            system.run("apt-get", "update")
            system.run("apt-get", "upgrade", "--yes")
            assert repository.installed_version() == f"{before}+1"
            logged(system, "The program was updated while it runs")
            assert window.poll() is None
        finally:
            window.terminate()
        _, errors = window.communicate(timeout=20)
    assert "Traceback" not in errors
    assert "Ana" in system.as_user("conecta", "status", "--json").stdout


def test_an_older_package_is_not_installed_unasked(repository: Repository, package: Path) -> None:
    """ "downgrade refused" """
    file = repository.system.put(package)
    refused = repository.system.run("apt-get", "install", "--yes", file, check=False)
    assert refused.returncode != 0
    assert "downgrade" in refused.stdout + refused.stderr


@pytest.mark.parametrize("name", ["Packages", "InRelease"])
def test_an_altered_repository_is_refused(repository: Repository, name: str) -> None:
    """ "altered repository refused" """
    file = repository.folder / name
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"conecta", b"conexta", 1).replace(b"Conecta", b"Conexta", 1))
    (repository.folder / "Packages.gz").rename(repository.folder / "aside.gz")
    try:
        lists = repository.system.root / "var/lib/apt/lists"
        shutil.rmtree(lists)
        refused = repository.system.run("apt-get", "update", check=False)
        assert refused.returncode != 0
        assert re.search("Hash Sum mismatch|not signed|invalid|BADSIG|unexpected size", refused.stdout + refused.stderr)
    finally:
        file.write_bytes(whole)
        (repository.folder / "aside.gz").rename(repository.folder / "Packages.gz")
