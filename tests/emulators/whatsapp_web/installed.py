"""Where the installed WhatsApp engine keeps its parts, found without loading it."""

import importlib
import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import Any


@cache
def engine_directory() -> Path:
    """The directory of the installed neonize package, which is not imported: that would start its Go runtime."""
    spec = importlib.util.find_spec("neonize")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("neonize is not installed")
    return Path(spec.origin).parent


@cache
def library_path() -> Path:
    """The shared library of the real client."""
    found = sorted(engine_directory().glob("*.so"))
    if len(found) != 1:
        raise FileNotFoundError(f"expected one shared library beside neonize, found {len(found)}")
    return found[0]


@cache
def protobuf(module: str) -> Any:
    """Import a generated protobuf module of the engine, such as ``waAdv.WAAdv_pb2``, without the engine itself."""
    directory = str(engine_directory() / "proto")
    if directory not in sys.path:
        sys.path.append(directory)
    return importlib.import_module(module)
