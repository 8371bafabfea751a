"""Bodies that nobody would send on purpose: true ones, broken in every way that a wire or a stranger breaks them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final

EACH: Final = 10_000
"""Bodies for each endpoint."""

_STRANGE: Final[Sequence[Any]] = (
    None, True, False, "true", "false", "", " ", 0, 1, -1, 1e308, 10**40, "x" * 3000, [], {}, [[]], {"a": {"b": []}},
    "\ud800", "\0", "null not allowed", "2@", "data:image/png;base64,xx", [True], {"connected": True}, "+5511987654321",
)  # fmt: skip
_PIECES: Final = (b"<html>", b"\xff\xfe", b"[" * 5000, b"}", b"null", b'"')


def garbage(true: Sequence[object], *, seed: int = 1, count: int = EACH) -> Iterator[bytes]:
    """*count* bodies made of *true* answers; the same in every run."""
    random = Random(seed)  # noqa: S311 - repeatable on purpose
    for _ in range(count):
        value = random.choice(true)
        if random.random() < 0.6:
            value = _strange(value, random)
        body = json.dumps(value).encode()
        yield body if random.random() < 0.5 else _broken(body, random)


def _strange(fields: Any, random: Random) -> Any:
    """*fields* with one of its values replaced, left out, or put under another name."""
    if isinstance(fields, dict) and fields:
        name = random.choice(list(fields))
        others = {key: value for key, value in fields.items() if key != name}
        match random.randrange(4):
            case 0:
                return others
            case 1:
                return {**others, random.choice([name.upper(), name[:-1], "error", "value"]): fields[name]}
            case 2:
                return {**fields, name: _strange(fields[name], random)}
            case _:
                pass
    if isinstance(fields, list) and fields and random.random() < 0.7:
        index = random.randrange(len(fields))
        return [*fields[:index], _strange(fields[index], random), *fields[index + 1 :]]
    return random.choice(_STRANGE)


def _broken(body: bytes, random: Random) -> bytes:
    for _ in range(random.randint(1, 4)):
        start = random.randrange(len(body) + 1)
        end = min(len(body), start + random.randrange(8))
        match random.randrange(5):
            case 0:
                body = body[:start]
            case 1:
                body = body[:start] + body[end:]
            case 2:
                body = body[:start] + body[start:end] * 3 + body[end:]
            case 3:
                body = body[:start] + random.randbytes(end - start) + body[end:]
            case _:
                body = body[:start] + random.choice(_PIECES) + body[end:]
    return body
