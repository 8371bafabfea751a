"""Phone numbers: one form inside (E.164), one comparison that knows the forms of one account, one masked for logs."""

from __future__ import annotations

import re
from typing import NewType

PhoneNumber = NewType("PhoneNumber", str)
"""E.164 with the leading plus, such as ``+5511987654321``."""

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_BRAZIL_MOBILE = re.compile(r"\+55(?P<area>[1-9]\d)9?(?P<rest>[6-9]\d{7})")

_MEXICO = re.compile(r"\+521?(?P<rest>[2-9]\d{9})")
_ARGENTINA = re.compile(r"\+549?(?P<rest>[1-3]\d{9})")


def is_e164(text: str) -> bool:
    return _E164.fullmatch(text) is not None


def same_account(one: PhoneNumber, other: PhoneNumber) -> bool:
    """Whether both numbers reach the same WhatsApp account.

    Brazilian mobiles gained a ninth digit; accounts opened before it still carry the shorter form on WhatsApp's side.
    Mexican mobiles lost a 1 after the country code, and Argentinian ones have a 9 there that is not always written;
    WhatsApp and Meta name the same account in either form.
    """
    return comparison_key(one) == comparison_key(other)


def comparison_key(number: PhoneNumber) -> str:
    """The form in which numbers of the same account are equal. It is stored; see `former_keys`."""
    if match := _BRAZIL_MOBILE.fullmatch(number):
        return f"+55{match['area']}{match['rest']}"
    if match := _MEXICO.fullmatch(number):
        return f"+52{match['rest']}"
    if match := _ARGENTINA.fullmatch(number):
        return f"+54{match['rest']}"
    return number


def former_keys(number: PhoneNumber) -> tuple[str, ...]:
    """The keys that earlier versions stored for *number*, besides its `comparison_key`."""
    if match := _MEXICO.fullmatch(number):
        return (f"+521{match['rest']}",)
    if match := _ARGENTINA.fullmatch(number):
        return (f"+549{match['rest']}",)
    return ()


def last_digits(number: PhoneNumber) -> str:
    """The four digits staff read aloud on the phone."""
    return number[-4:]


def masked(number: str) -> str:
    """*number* as a log may show it: country and the last two digits."""
    digits = number.lstrip("+")
    return f"+{digits[:2]}…{digits[-2:]}" if len(digits) > 4 else "+…"


def readable(number: PhoneNumber) -> str:
    """*number* as people in Brazil write it; numbers of other countries keep their plain form."""
    match = re.fullmatch(r"\+55(\d\d)(\d{4,5})(\d{4})", number)
    return f"+55 {match[1]} {match[2]}-{match[3]}" if match else number
