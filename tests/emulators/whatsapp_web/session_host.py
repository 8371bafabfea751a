"""The real session host, made to trust the emulator in a directory: ``python -m … DIRECTORY [arguments]``.

Nothing here imports more than it needs: what a host costs is measured through this wrapper.
"""

import ctypes
import importlib.util
import json
import os
import runpy
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

# The key that the client checks the service's Noise certificates with, and which only the real service can sign with.
_NOISE_ROOT: Final = bytes.fromhex("142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b")


def environment(directory: Path, base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment in which a Go program finds the emulator; it must be there when the process starts."""
    port = json.loads((directory / "emulator.json").read_text())["proxy"]
    kept = {name: value for name, value in base.items() if name.lower() not in ("no_proxy", "https_proxy")}
    return {**kept, "SSL_CERT_FILE": str(directory / "ca.pem"), "HTTPS_PROXY": f"http://127.0.0.1:{port}"}


def trust_emulator(directory: Path) -> None:
    """Load the client's library and give it the emulator's Noise root; whoever loads it later gets the same copy."""
    spec = importlib.util.find_spec("neonize")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("neonize is not installed")
    library = next(Path(spec.origin).parent.glob("*.so"))
    ctypes.CDLL(str(library))
    root = (directory / "noise-root.pub").read_bytes()
    found = [address for span in _writable(library) for address in _places(*span)]
    if len(found) != 1:
        raise LookupError(f"expected the Noise root once in the library, found it {len(found)} times")
    ctypes.memmove(found[0], root, len(root))


def _writable(library: Path) -> Iterator[tuple[int, int]]:
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, access, _, _, _, *path = line.split(maxsplit=5)
        if access.startswith("rw") and path and Path(path[0]) == library.resolve():
            start, end = (int(edge, 16) for edge in span.split("-"))
            yield start, end


def _places(start: int, end: int) -> Iterator[int]:
    image = ctypes.string_at(start, end - start)
    at = image.find(_NOISE_ROOT)
    while at >= 0:
        yield start + at
        at = image.find(_NOISE_ROOT, at + 1)


def main() -> None:
    """Become a process that sees the emulator, then be the session host."""
    directory = Path(sys.argv[1]).resolve()
    wanted = environment(directory)
    if os.environ.get("SSL_CERT_FILE") != wanted["SSL_CERT_FILE"]:
        os.execve(sys.executable, sys.orig_argv, wanted)  # noqa: S606 - Go reads the environment only at the start
    if "--fork-server" in sys.argv:
        os.register_at_fork(after_in_child=partial(trust_emulator, directory))  # the library's threads do not fork
    else:
        trust_emulator(directory)
    sys.argv = [sys.argv[0], *sys.argv[2:]]
    runpy.run_module("app.providers.whatsapp_web.host", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
