"""What commands write: in letters that the terminal has, and text of others cannot steer the terminal it is read in."""

from __future__ import annotations

import codecs
import json
import os
import re
import stat
import sys
import unicodedata
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final, TextIO

from app.domain.errors import Problem, ProblemCode
from app.domain.names import visible
from app.platform.files import open_binary

_NEAREST: Final = str.maketrans(
    {"“": '"', "”": '"', "‘": "'", "’": "'", "—": "-", "–": "-", "−": "-", "→": "->", "×": "x", "·": "-"}
)
"""Signs of our texts that no decomposition leads to."""

_UNDERSTAND_COLOURS: Final = 0x4  # ENABLE_VIRTUAL_TERMINAL_PROCESSING


def prepare_streams() -> None:
    """Let standard output and error take every text, whatever letters the terminal has, and pass each line on at once.

    Windows gives pipes and files the letters of one part of the world. There they are UTF-8, as JSON has to be, unless
    ``PYTHONIOENCODING`` says otherwise; its console takes every letter.
    """
    if sys.stdin is None:  # closed by who started us
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - for as long as the program runs
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            if sys.platform == "win32" and not stream.isatty() and "PYTHONIOENCODING" not in os.environ:
                stream.reconfigure(encoding="utf-8")
            if stream is not sys.stdin:
                stream.reconfigure(errors="nearest", line_buffering=True)


def _nearest(error: UnicodeError) -> tuple[str, int]:
    """An error handler: the nearest letters that are ASCII, ``a`` for ``ã``; else an escape, as JSON has it."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(character: str) -> str:
    parts = unicodedata.normalize("NFKD", character.translate(_NEAREST))
    plain = "".join(part for part in parts if not unicodedata.combining(part))
    return plain if plain and plain.isascii() else _escaped(character)


codecs.register_error("nearest", _nearest)


def can_write(text: str, stream: TextIO | None) -> bool:
    """Whether *stream* has all the letters of *text*."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def understands_colours(stream: TextIO) -> bool:
    """Whether *stream* is a terminal that colours follow escape sequences in; Windows' console is asked to."""
    if sys.platform == "win32" and stream.isatty():
        import ctypes
        import msvcrt

        console, mode = ctypes.WinDLL("kernel32"), ctypes.c_uint32()
        handle = ctypes.c_void_p(msvcrt.get_osfhandle(stream.fileno()))
        known = console.GetConsoleMode(handle, ctypes.byref(mode))
        return bool(known and console.SetConsoleMode(handle, mode.value | _UNDERSTAND_COLOURS))
    return stream.isatty()


def discard_output() -> None:
    """Let standard output go nowhere, with what is still buffered: Python would write it once more, and complain."""
    with suppress(OSError, ValueError):
        nowhere = open_binary(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def discard_terminal() -> None:
    """Let standard output go nowhere if it went to a terminal, which is gone. A file or a pipe stays."""
    with suppress(OSError, ValueError):
        if stat.S_ISCHR(os.fstat(sys.stdout.fileno()).st_mode):
            discard_output()


def printed(*words: object, file: TextIO | None = None, flush: bool = False) -> None:
    """As `print` does, with control characters made visible. Modules of commands import it as ``print``."""
    print(*(visible(str(each)) for each in words), file=file, flush=flush)


def read_secret() -> str:
    """Return the first line of standard input. Raises `Problem(INPUT_UNREADABLE)` for bytes that are no text."""
    try:
        line = sys.stdin.readline()
        line.encode()  # undecoded bytes come as surrogates where the locale lets them through
    except UnicodeError:
        raise Problem(ProblemCode.INPUT_UNREADABLE) from None
    return line.rstrip("\r\n")


def json_line(value: dict[str, Any]) -> str:
    """*value* as one line of JSON. What `visible` would replace is escaped, and so is everything but ASCII where
    standard output has no letters for it: a machine gets it unchanged."""
    line = json.dumps(value, ensure_ascii=False)
    line = re.sub(r"[^\n -~]", lambda found: found[0] if visible(found[0]) == found[0] else _escaped(found[0]), line)
    return line if can_write(line, sys.stdout) else json.dumps(value)


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1]
