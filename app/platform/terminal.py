"""What commands write: text of others cannot steer the terminal it is read in."""

from __future__ import annotations

import json
import re
import sys
from typing import Any, TextIO

from app.domain.errors import Problem, ProblemCode
from app.domain.names import visible


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
    """*value* as one line of JSON, with what `visible` would replace escaped: a machine gets it unchanged."""
    line = json.dumps(value, ensure_ascii=False)
    return re.sub(r"[^\n -~]", lambda found: found[0] if visible(found[0]) == found[0] else _escaped(found[0]), line)


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}"
