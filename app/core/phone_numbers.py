"""Turns what people type into a phone number."""

from __future__ import annotations

from app.domain.errors import Code, Problem
from app.domain.phone import PhoneNumber


def parse_phone(text: str, region: str = "BR") -> PhoneNumber:
    """Read *text* as a number of *region* unless it names its own country; raise `Problem(PHONE_INVALID)` otherwise."""
    import phonenumbers  # its tables take a moment to load, and only staff who add somebody need them

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise Problem(Code.PHONE_INVALID, typed=text) from None
    if not phonenumbers.is_valid_number(number):
        raise Problem(Code.PHONE_INVALID, typed=text)
    return PhoneNumber(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
