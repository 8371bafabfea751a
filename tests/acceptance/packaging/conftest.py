"""The package is built once, and only where somebody asks for it: that takes minutes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import __version__
from tests.acceptance.connect.conftest import harness as harness
from tests.acceptance.packaging.harness import ROOT, BareSystem, bare_system, command


@pytest.fixture(scope="session")
def package() -> Path:
    """The .deb: what CONECTA_DEB names, or one that is built now."""
    if named := os.environ.get("CONECTA_DEB"):
        return Path(named)
    if os.environ.get("CONECTA_ACCEPT") != "packaging":
        pytest.skip("takes minutes: `make accept WHAT=packaging` builds the package and tries it")
    if missing := [tool for tool in ("dpkg-shlibdeps", "objdump") if not shutil.which(tool)]:
        pytest.skip(f"cannot build here without {', '.join(missing)}")
    command("python3", ROOT / "packaging/build.py", "--fast")
    (built,) = (ROOT / "dist").glob(f"conecta_{__version__}_*.deb")  # those of earlier versions may lie beside it
    return built


@pytest.fixture(scope="session")
def unpacked(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the package puts into a system, in a folder."""
    place = tmp_path_factory.mktemp("unpacked")
    command("dpkg-deb", "--extract", package, place)
    return place


@pytest.fixture(scope="session", params=["bookworm", "trixie"])
def installed(
    request: pytest.FixtureRequest, package: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BareSystem]:
    """A bare system into which the package was installed as anybody would, with nothing recommended."""
    if os.geteuid() or not shutil.which("debootstrap"):
        pytest.skip("needs root and debootstrap")
    with bare_system(request.param, tmp_path_factory.mktemp("system")) as system:
        file = system.put(package)
        system.run("apt-get", "update")
        system.run("apt-get", "install", "--yes", "--no-install-recommends", file)
        yield system
