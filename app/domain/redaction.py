"""Takes out of a text what must not be read in a log, a crash report or anything else that is handed on.

`redacted` is the only function that does so. It removes QR texts, tokens and other credentials, pairing codes and the
parameters of database statements, and masks phone numbers however they are written.
"""

from __future__ import annotations

import re
from typing import Final

from app.domain.phone import masked

SECRET: Final = "[secret]"  # noqa: S105 - what stands in its place
QR: Final = "[QR]"
PAIRING_CODE: Final = "[code]"

_QR = re.compile(r"https://wa\.me/settings/linked_devices#\S+|(?<![0-9A-Za-z])\d@[\w+/=,@-]{8,}")

# What a name says of the value behind it: `token=…`, `"client_token": "…"`, `Client-Token: …`, `/token/…`.
_NAMED = re.compile(
    r"(?P<name>(?:token|secret|passw(?:or)?d|passphrase|senha|authorization|api[_-]?key|credential|\bpin)s?"
    r"""(?:["'\]]*\s*[:=/]\s*|%3D|["']\s*,\s*)(?:b(?=["']))?["']?(?:Bearer\s+|Basic\s+)?)"""
    r"""(?P<value>[^\s"',;&)}\]]+)""",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(?P<name>\b(?:Bearer|Basic)\s+)(?P<value>[\w.~+/=-]{6,})", re.IGNORECASE)

_META_TOKEN = re.compile(r"\bEA[A-Z][A-Za-z0-9]{16,}")
_UPPER_HEX = re.compile(r"(?<![0-9A-Za-z])(?=[0-9A-F]*[A-F])(?=[0-9A-F]*[0-9])[0-9A-F]{24,}(?![0-9A-Za-z])")
_LONG = re.compile(r"[A-Za-z0-9+/_-]{32,}={0,2}")

# Eight characters without 0, I, O and U, as WhatsApp makes them: `ABCD-1234`; a name before it or a digit in it
# tells a code without the dash from a word.
_CODE_LETTERS: Final = "1-9A-HJ-NP-TV-Z"
_CODE = re.compile(
    rf"(?<![0-9A-Za-z-])(?:[{_CODE_LETTERS}]{{4}}-(?=[{_CODE_LETTERS}]{{0,3}}[A-Z])[{_CODE_LETTERS}]{{4}}"
    rf"|(?=[{_CODE_LETTERS}]{{0,3}}[A-Z])[{_CODE_LETTERS}]{{4}}-[{_CODE_LETTERS}]{{4}}"
    rf"|(?=[A-Z]*[1-9])(?=[1-9]*[A-Z])[{_CODE_LETTERS}]{{8}})(?![0-9A-Za-z-])"
)
_NAMED_CODE = re.compile(
    rf"(?P<name>\b(?:code|c[óo]digo|pairing)\b\W{{1,4}})[{_CODE_LETTERS}]{{4}}-?[{_CODE_LETTERS}]{{4}}(?![0-9A-Za-z])",
    re.IGNORECASE,
)

_PARAMETERS = re.compile(r"\[parameters: .*?(?=\n\(Background|\n\[|\n\S|\Z)", re.DOTALL)

# Between two digits of a number: blanks, dots, dashes and brackets, also as a program writes them in a `repr` or a URL.
_BETWEEN: Final = (
    r"(?:[\s().\-/_\u00a0\u2007\u2009\u202f\u2010-\u2015\u2212]|\\xa0|\\u20[0-9a-f]{2}|\\[tnr]|%20|%2D|%28|%29){0,4}"
)
_KEPT_OR_NUMBER = re.compile(
    r"(?P<kept>"
    r"(?<![0-9A-Za-z])\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z])(?=[0-9a-f]*[a-f])[0-9a-f]{16,}(?![0-9A-Za-z])"  # an id of ours, or a hash
    r"|(?<![0-9A-Za-z.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![.\d])"
    r"|0x[0-9a-f]+"
    r")"
    rf"|(?P<number>(?:(?:\+|%2B|\\u002b|\\x2b){_BETWEEN}|\()?\d(?:{_BETWEEN}(?:[xX]{{2}}(?=\d))?\d){{7,}})",
    re.IGNORECASE,
)
_LEAST_DIGITS: Final = 10
_SHORT = re.compile(r"9?[2-9]\d{3}[ .\-\u2010-\u2015]\d{4}")  # without the area: 98765-4321, 3456-7890


def redacted(text: str) -> str:
    """*text* without credentials, codes and statement parameters, and with phone numbers masked."""
    text = _PARAMETERS.sub("[parameters hidden]", text)
    text = _QR.sub(QR, text)
    text = _NAMED.sub(_hidden, text)
    text = _BEARER.sub(_hidden, text)
    text = _META_TOKEN.sub(SECRET, text)
    text = _UPPER_HEX.sub(SECRET, text)
    text = _LONG.sub(lambda match: SECRET if _is_random(match[0]) else match[0], text)
    text = _NAMED_CODE.sub(lambda match: f"{match['name']}{PAIRING_CODE}", text)
    text = _CODE.sub(PAIRING_CODE, text)
    return _KEPT_OR_NUMBER.sub(_number, text)


def _hidden(match: re.Match[str]) -> str:
    return match["name"] + (match["value"] if match["value"].startswith("[") else SECRET)


def _is_random(word: str) -> bool:
    """Whether a long word is a key or a token rather than a path, a name or an id."""
    if word.endswith("="):
        return True
    return any(
        len(piece) >= 20 and re.search("[a-z]", piece) and re.search("[A-Z]", piece) and re.search("[0-9]", piece)
        for piece in word.split("/")
    )


def _number(match: re.Match[str]) -> str:
    found: str | None = match["number"]
    if found is None:
        return match[0]
    digits = re.sub(r"\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|%[0-9A-F]{2}|\D", "", found, flags=re.IGNORECASE)
    plus = found.startswith(("+", "%2B", "%2b", "\\u002b", "\\x2b"))
    if len(digits) < _LEAST_DIGITS and not plus and not _SHORT.fullmatch(found):
        return found
    return masked(digits)
