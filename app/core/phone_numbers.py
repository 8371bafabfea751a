"""Turns what people type into a phone number."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from app.domain.errors import Code, Problem
from app.domain.phone import PhoneNumber

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber as Parsed

_LINK: Final = re.compile(r"(?:wa\.me/|[?&]phone=)\+?(?P<digits>\d+)", re.IGNORECASE)
_LABEL: Final = re.compile(
    r"(?:tel|telefone|fone|phone|cel|celular|mobile|whats|whatsapp|wpp|zap)\b[.:\s]*", re.IGNORECASE
)
_OPERATOR: Final = re.compile(r"^(\(?)0[\s-]*[x*]{2}[\s-]*", re.IGNORECASE)
"""As in ``0xx11``: the place of an operator's code, as Brazilian stationery prints it."""

_SEVERAL: Final = re.compile(r"[/;,|\n]|:::|\b(?:e|ou|or|and|y)\b")
_CARRIERS: Final = re.compile(r"1[245]|2[1-35]|31|4[13]|55|65|99")
"""Brazilian operators whose code follows 00 when a number abroad is dialled."""

_BRAZILIAN_GROUPS: Final = frozenset({(11,), (2, 9), (2, 5, 4), (2, 1, 4, 4), (2, 1, 8)})
"""How the digits of a mobile with its area code are grouped in Brazil."""

_OWN_REGION: Final = 55


def parse_phone(text: str) -> PhoneNumber:
    """Read *text* as a number of Brazil unless it names its own country, with + or 00; raise `Problem` otherwise.

    What can as well be a number of another country, written without its +, is not guessed: `PHONE_AMBIGUOUS`.
    """
    if not text.strip():
        raise Problem(Code.PHONE_MISSING)
    plain = _plain(text)
    if sum(sum(map(str.isdigit, part)) >= 8 for part in _SEVERAL.split(plain)) > 1:
        raise Problem(Code.PHONE_SEVERAL, typed=text)
    if any(map(str.isalpha, plain)):
        raise Problem(Code.PHONE_WORDS if sum(map(str.isdigit, plain)) >= 8 else Code.PHONE_INVALID, typed=text)
    digits = "".join(filter(str.isdigit, plain))
    if plain.lstrip(" (").startswith("+") or digits.startswith("00"):
        return _e164(_abroad(digits), text)
    return _e164(_at_home(plain, digits, text), text)


def is_landline(number: PhoneNumber) -> bool:
    """Whether *number* is a landline of Brazil, which has WhatsApp only with the Business app."""
    return re.fullmatch(r"\+55[1-9]\d[2-5]\d{7}", number) is not None


def _plain(text: str) -> str:
    """*text* with plain digits and signs, without what stands around the number."""
    shown = unicodedata.normalize("NFKC", text)
    kept = "".join(_sign(letter) for letter in shown if unicodedata.category(letter) != "Cf").strip()
    if link := _LINK.search(kept):
        return f"+{link['digits']}"
    kept = kept.removeprefix("=").strip("\"' ")
    kept = re.sub(r"^(\+?\d{8,15})[.,]0$", r"\1", kept)  # a number that a program took for an amount
    kept = _LABEL.sub("", kept, 1) if _LABEL.match(kept) else kept
    return _OPERATOR.sub(r"\g<1>0", kept).replace("(0)", "")


def _sign(letter: str) -> str:
    digit = unicodedata.decimal(letter, None)
    if digit is not None:
        return str(digit)
    return "-" if unicodedata.category(letter) == "Pd" else letter


def _abroad(digits: str) -> Parsed | None:
    """The number that *digits* are with their country code, perhaps after 00 and an operator's code."""
    rest = digits.removeprefix("00")
    found = _valid(f"+{rest}")
    if found is None and rest != digits and _CARRIERS.match(rest):
        found = _valid(f"+{rest[2:]}")
    return found


def _at_home(plain: str, digits: str, text: str) -> Parsed | None:
    """The number of Brazil that *digits* are. Raises `Problem` when they may be another country's."""
    import phonenumbers
    from phonenumbers import PhoneNumberFormat, PhoneNumberType

    found = _valid(digits, "BR")
    other = None if digits.startswith("0") else _valid(f"+{digits}")
    if other is not None and other.country_code == _OWN_REGION:
        other = None
    if other is None:
        return found
    foreign = phonenumbers.format_number(other, PhoneNumberFormat.INTERNATIONAL)
    if found is None:
        raise Problem(Code.PHONE_FOREIGN, typed=text, foreign=foreign)
    if re.match(r"\s*\(\d\d\)", plain):
        return found
    mobile = phonenumbers.number_type(other) in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
    if len(str(found.national_number)) > len(digits):  # the ninth digit was missing
        doubt = True
    elif len(digits) == 11:
        doubt = mobile and tuple(map(len, re.findall(r"\d+", plain))) not in _BRAZILIAN_GROUPS
    else:
        doubt = mobile
    if doubt:
        brazilian = phonenumbers.format_number(found, PhoneNumberFormat.INTERNATIONAL)
        raise Problem(Code.PHONE_AMBIGUOUS, typed=text, brazilian=brazilian, foreign=foreign)
    return found


def _e164(number: Parsed | None, text: str) -> PhoneNumber:
    import phonenumbers

    if number is None:
        raise Problem(Code.PHONE_INVALID, typed=text)
    return PhoneNumber(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _valid(digits: str, region: str | None = None) -> Parsed | None:
    """*digits* as a number that can exist, with what changed in its country's plan; None when it cannot."""
    import phonenumbers  # its tables take a moment to load, and only staff who add somebody need them

    digits = re.sub(r"^\+521(?=[2-9]\d{9}$)", "+52", digits)  # Mexico's mobiles lost the 1 in 2019
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        number = _with_ninth_digit(number)
    if number.country_code == _OWN_REGION and len(str(number.national_number)) < 10:
        return None  # the area code is missing; what is that short is a service of the operators
    return number if phonenumbers.is_valid_number(number) else None


def _with_ninth_digit(number: Parsed) -> Parsed:
    """Brazilian mobiles written as they were before 2016: eight digits after the area code, from 6 up."""
    import phonenumbers

    national = str(number.national_number)
    if number.country_code != _OWN_REGION or len(national) != 10 or national[2] < "6":
        return number
    return phonenumbers.PhoneNumber(country_code=_OWN_REGION, national_number=int(f"{national[:2]}9{national[2:]}"))
