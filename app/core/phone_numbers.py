"""Turns what people type into a phone number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.errors import Code, Problem
from app.domain.phone import PhoneNumber

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber as Parsed


def parse_phone(text: str, region: str = "BR") -> PhoneNumber:
    """Read *text* as a number of *region* unless it names its own country; raise `Problem` otherwise."""
    if not text.strip():
        raise Problem(Code.PHONE_MISSING)
    import phonenumbers  # its tables take a moment to load, and only staff who add somebody need them

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise Problem(Code.PHONE_INVALID, typed=text) from None
    if not phonenumbers.is_valid_number(number):
        number = _with_ninth_digit(number)
    if not phonenumbers.is_valid_number(number):
        raise Problem(Code.PHONE_INVALID, typed=text)
    return PhoneNumber(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _with_ninth_digit(number: Parsed) -> Parsed:
    """Brazilian mobiles written as they were before 2016: eight digits after the area code, from 6 up."""
    import phonenumbers

    national = str(number.national_number)
    if number.country_code != 55 or len(national) != 10 or national[2] < "6":
        return number
    return phonenumbers.PhoneNumber(country_code=55, national_number=int(f"{national[:2]}9{national[2:]}"))
