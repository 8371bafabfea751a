"""In which time zones the owner of a phone number may live."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.domain.messages import Address, AddressKind


def zones_of(address: Address) -> Sequence[tzinfo]:
    """Every zone that the area code of a number lies in; this computer's own where that is not known."""
    found = _of_number(address.value) if address.kind is AddressKind.PHONE else []
    local = datetime.now(UTC).astimezone().tzinfo or UTC
    return found or [local]


def _of_number(number: str) -> list[tzinfo]:
    import phonenumbers.timezone  # a second table of all countries: only a campaign needs it

    try:
        names = phonenumbers.timezone.time_zones_for_number(phonenumbers.parse(number))
        return [ZoneInfo(name) for name in names if name != "Etc/Unknown"]
    except (phonenumbers.NumberParseException, ZoneInfoNotFoundError):
        return []
