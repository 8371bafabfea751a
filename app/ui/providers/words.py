"""What providers tell, in words. A code that a provider adds later shows as it is. Qt-free."""

from __future__ import annotations

from datetime import date
from types import MappingProxyType
from typing import Final

from app.domain.names import visible
from app.ui.text import texts
from app.ui.tokens import Tone

FACT_TONES: Final = MappingProxyType(
    {
        "green": Tone.CONNECTED,
        "approved": Tone.CONNECTED,
        "available_without_review": Tone.CONNECTED,
        "verified": Tone.CONNECTED,
        "connected": Tone.CONNECTED,
        "yellow": Tone.WAITING,
        "pending": Tone.WAITING,
        "pending_review": Tone.WAITING,
        "flagged": Tone.WAITING,
        "rate_limited": Tone.WAITING,
        "paused": Tone.WAITING,
        "red": Tone.ERROR,
        "banned": Tone.ERROR,
        "restricted": Tone.ERROR,
        "rejected": Tone.ERROR,
        "declined": Tone.ERROR,
        "disabled": Tone.ERROR,
    }
)
"""How a value is to be taken; what is not here is neither good nor bad."""


def fact_name(name: str) -> str:
    key = f"number.fact.{name}"
    return texts(key) if texts.has(key) else name.replace("_", " ")


def fact_value(name: str, value: str) -> str:
    """*value* in words; switches are yes or no, days are written as people write them."""
    for key in (f"number.value.{name}.{value}", f"number.value.any.{value}"):
        if texts.has(key):
            return texts(key)
    if name == "due":
        return _day(value)
    return visible(value)


def template_status(status: str) -> str:
    key = f"number.template.{status.lower()}"
    return texts(key) if texts.has(key) else status


def tone(value: str) -> Tone:
    return FACT_TONES.get(value.lower(), Tone.IDLE)


def _day(written: str) -> str:
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return written
    return texts("number.day", day=f"{day.day:02}", month=texts(f"date.months.{day.month}"), year=day.year)
