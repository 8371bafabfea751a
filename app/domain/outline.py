"""What may leave this computer of a log message, an exception or a stack: only what the program itself wrote.

A value is kept because of what it is (a number that is too short for a phone, a code of ours), never because of how it
looks. Texts, paths, ids and the words of exceptions are replaced by `HIDDEN`.
"""

from __future__ import annotations

import builtins
import errno
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import Enum
from types import FrameType
from typing import Final

HIDDEN: Final = "[…]"
OTHER: Final = "[other code]"
"""A module, or a class of one, that is neither ours nor one of the packages that we use."""

LARGEST_NUMBER: Final = 10_000_000
"""A whole number from here on may be a telephone number."""

MOST_FRAMES: Final = 40
MOST_CAUSES: Final = 5
MOST_TEXT: Final = 500

OURS: Final = "app"
PACKAGES: Final = frozenset(
    {
        OURS, "PySide6", "shiboken6", "qasync", "neonize", "google", "qrcode", "PIL", "keyring", "cryptography",
        "sqlalchemy", "alembic", "phonenumbers", "platformdirs", "dotenv", "httpx", "httpcore", "anyio", "certifi",
        "uvicorn", "h11", "__main__",
    }
)  # fmt: skip

_CONVERSION: Final = re.compile(r"%(?:\((?P<name>\w+)\))?(?P<how>[-#0 +]*\d*(?:\.\d+)?)(?P<kind>[a-zA-Z%])")
_NUMERIC: Final = frozenset("diouxXeEfFgG")
_SQLITE: Final = re.compile(r"SQLITE_[A-Z_]{2,40}")


def message_outline(template: object, values: object = ()) -> str:
    """The message of a log entry: the *template* that the program wrote, with those *values* that may be shown."""
    if not isinstance(template, str):
        return HIDDEN
    named = values if isinstance(values, Mapping) else {}
    left = iter(values if isinstance(values, tuple) else (values,))

    def fill(match: re.Match[str]) -> str:
        if match["kind"] == "%":
            return "%"
        name = match["name"]
        return _formatted(match, next(left, None) if name is None else named.get(name))

    return _CONVERSION.sub(fill, template)[:MOST_TEXT]


def _formatted(match: re.Match[str], value: object) -> str:
    if match["kind"] in _NUMERIC and isinstance(value, int | float) and not isinstance(value, bool):
        return f"%{match['how']}{match['kind']}" % value if abs(value) < LARGEST_NUMBER else HIDDEN
    return value_outline(value)


def value_outline(value: object) -> str:
    """*value* when it can be nothing but a flag, a small number, a time or a code of ours; else `HIDDEN`."""
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, Enum):
        return str(value.value) if _package(type(value).__module__) == OURS else HIDDEN
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g} s"
    if isinstance(value, int | float):
        return f"{value:g}" if abs(value) < LARGEST_NUMBER else HIDDEN
    if isinstance(value, BaseException):
        return _error_name(value)
    return class_outline(value) if isinstance(value, type) else HIDDEN


def class_outline(kind: type) -> str:
    """The name of a class, with its module unless Python always has it."""
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}" if _is_known(kind.__module__) else OTHER


def exception_outline(error: BaseException) -> tuple[str, ...]:
    """Where *error* was raised and of which class it and its causes are, the first cause first, without any words."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain and len(chain) < MOST_CAUSES:
        chain.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    lines: list[str] = []
    for each in reversed(chain):
        lines += _cut([_place(frame, line) for frame, line in _raised_in(each)])
        lines.append(_error_name(each))
        if isinstance(each, BaseExceptionGroup):
            lines += [f"  | {line}" for inner in each.exceptions[:MOST_CAUSES] for line in exception_outline(inner)]
    return tuple(lines)


def stack_outline(frame: FrameType | None) -> tuple[str, ...]:
    """Where a thread is that executes *frame*, the outermost call first."""
    places: list[str] = []
    while frame is not None:
        places.append(_place(frame, frame.f_lineno))
        frame = frame.f_back
    return tuple(_cut(places[::-1]))


def _raised_in(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def _place(frame: FrameType, line: int) -> str:
    module = frame.f_globals.get("__name__")
    if not isinstance(module, str) or not _is_known(module):
        return f"  {OTHER}"
    return f"  {module}:{line} {frame.f_code.co_qualname}"


def _cut(places: Sequence[str]) -> list[str]:
    """Both ends of *places*: a recursion has a thousand."""
    if len(places) <= MOST_FRAMES:
        return list(places)
    half = MOST_FRAMES // 2
    return [*places[:half], f"  … {len(places) - MOST_FRAMES} more", *places[-half:]]


def _error_name(error: BaseException) -> str:
    """The class of *error*, with its code where that is one of ours, of the system's or of SQLite's."""
    code = getattr(error, "code", None)
    number = getattr(error, "errno", None)
    sqlite = getattr(error, "sqlite_errorname", None)
    known = [
        value_outline(code) if isinstance(code, Enum) else "",
        errno.errorcode.get(number, "") if isinstance(number, int) else "",
        sqlite if isinstance(sqlite, str) and _SQLITE.fullmatch(sqlite) else "",
    ]
    return " ".join([class_outline(type(error)), *filter(None, known)])


def _is_known(module: str) -> bool:
    package = _package(module)
    return package in PACKAGES or package in sys.stdlib_module_names


def _package(module: str) -> str:
    return module.partition(".")[0]


_CLASS: Final = re.compile(r"(?P<module>(?:[A-Za-z_]\w*\.)*)(?P<name>[A-Za-z_]\w*)(?: [A-Z_a-z]{2,40}){0,2}")
_INNER: Final = re.compile(r"\A(?:  \| )+")  # of an exception in a group
_PLACED: Final = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):\d{1,6} [\w.<>]{1,160}")


def is_outline(line: object) -> bool:
    """Whether *line*, read from a file or a pipe, has the shape of a line of `exception_outline` or `stack_outline`."""
    if not isinstance(line, str) or len(line) > MOST_TEXT:
        return False
    inner = _INNER.sub("", line)
    place = inner.removeprefix("  ")
    if place != inner:
        match = _PLACED.fullmatch(place)
        return place == OTHER or re.fullmatch(r"… \d{1,9} more", place) is not None or _is_of_known(match)
    match = _CLASS.fullmatch(inner)
    return inner == OTHER or (
        hasattr(builtins, match["name"]) if match is not None and not match["module"] else _is_of_known(match)
    )


def _is_of_known(match: re.Match[str] | None) -> bool:
    return match is not None and _is_known(match["module"])
