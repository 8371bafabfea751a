"""What Meta tells of a number besides its state, as codes and plain values."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.providers.meta_cloud.plain import mapping, text

ASKED_FOR: Final = (
    "verified_name",
    "quality_rating",
    "name_status",
    "new_name_status",
    "code_verification_status",
    "account_mode",
    "throughput",
    "is_pin_enabled",
    "is_on_biz_app",
    "is_official_business_account",
    "whatsapp_business_manager_messaging_limit",
)
"""Optional fields: what a version of the API does not know is left out."""

_KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "quality_rating": "quality",
        "new_name_status": "next_name_status",
        "code_verification_status": "ownership",
        "account_mode": "mode",
        "is_pin_enabled": "pin",
        "is_on_biz_app": "on_business_app",
        "is_official_business_account": "official",
        "whatsapp_business_manager_messaging_limit": "tier",
    }
)


def facts(values: Mapping[str, object]) -> dict[str, str]:
    """By our own names: ``quality``, ``tier``, ``throughput``, ``name_status``, ``verified_name``, ``pin``, …

    Codes stay as Meta writes them, in lower case; switches are ``yes`` or ``no``. What is empty or odd is left out.
    """
    found = {_KEYS.get(name, name): _plain(name, value) for name, value in values.items()}
    return {name: value for name, value in found.items() if value}


def _plain(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "throughput":
        return text(mapping(value).get("level")).lower()
    words = text(value).strip()
    return words if name == "verified_name" else words.lower()
