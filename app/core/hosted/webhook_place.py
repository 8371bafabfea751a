"""Where webhooks are listened for and how they reach us, as somebody types it. Raises `Problem` for what cannot be."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from app.domain.errors import Code, Problem

LEAST_PORT: Final = 1
MOST_PORT: Final = 65_535


def address(typed: str) -> str:
    """An address of this machine, or ``localhost``."""
    said = typed.strip()
    try:
        return str(ipaddress.ip_address("127.0.0.1" if said.lower() == "localhost" else said))
    except ValueError:
        raise Problem(Code.WEBHOOK_ADDRESS_UNUSABLE, address=said or "—") from None


def port(typed: str) -> int:
    digits = typed.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 6 and LEAST_PORT <= int(digits) <= MOST_PORT):
        raise Problem(Code.WEBHOOK_PORT_INVALID, least=str(LEAST_PORT), most=str(MOST_PORT))
    return int(digits)


def public_url(typed: str) -> str:
    """Without its last slash; empty when there is none yet. Secrets go there, so that it has to be ``https``."""
    url = typed.strip().rstrip("/")
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if (
        not host
        or parts.scheme != "https"
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
        or len(url.split()) > 1
    ):
        raise Problem(Code.WEBHOOK_URL_INVALID)
    return url
