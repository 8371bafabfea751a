"""What Meta calls out about: payloads as its documentation shows them, signed as it signs them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any, Final

from tests.emulators.meta_cloud.state import APP_SECRET, NUMBER_ID, WABA_ID

Change = dict[str, Any]


def envelope(*changes: Change, waba_id: str = WABA_ID) -> bytes:
    """One delivery of any number of changes."""
    entry = {"id": waba_id, "time": 1_760_000_000, "changes": list(changes)}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def batch(bodies: Sequence[bytes]) -> bytes:
    """Several deliveries in one."""
    entries = [entry for body in bodies for entry in json.loads(body)["entry"]]
    return json.dumps({"object": "whatsapp_business_account", "entry": entries}).encode()


def signature(body: bytes, secret: str = APP_SECRET) -> str:
    """The value of ``X-Hub-Signature-256``."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


DISPLAY: Final = "5511987654321"


def messages(number_id: str = NUMBER_ID, display: str = DISPLAY, **value: Any) -> Change:
    """A change of the field ``messages``."""
    metadata = {"display_phone_number": display, "phone_number_id": number_id}
    return {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}


def inbound(
    wamid: str = "wamid.in.1",
    sender: str | None = "5521987650001",
    *,
    name: str = "Bia",
    user_id: str = "",
    at: int = 1_760_000_000,
    number_id: str = NUMBER_ID,
    display: str = DISPLAY,
    **content: Any,
) -> Change:
    """A message to us; without *content*, a text. With *user_id* and no *sender*, from somebody with a user name."""
    content = content or {"type": "text", "text": {"body": "oi"}}
    person: dict[str, Any] = {"profile": {"name": name}}
    person |= {"wa_id": sender} if sender else {}
    person |= {"user_id": user_id} if user_id else {}
    message = {"id": wamid, "timestamp": str(at), **({"from": sender} if sender else {}), **content}
    message |= {"from_user_id": user_id} if user_id else {}
    return messages(number_id, display, contacts=[person], messages=[message])


def status(
    wamid: str,
    state: str,
    recipient: str = "5521987650001",
    *,
    code: int | None = None,
    at: int = 1_760_000_000,
    number_id: str = NUMBER_ID,
    **more: Any,
) -> Change:
    """How far a message of ours got."""
    value: dict[str, Any] = {"id": wamid, "status": state, "timestamp": str(at), "recipient_id": recipient, **more}
    if code is not None:
        value["errors"] = [{"code": code, "title": "x", "message": "x", "error_data": {"details": "x"}}]
    return messages(number_id, statuses=[value])


def preference(value: str, person: str = "5521987650001", *, at: int = 1_760_000_000) -> Change:
    """What somebody wants of marketing messages: ``stop``, ``resume`` or ``signup``."""
    wish = {"wa_id": person, "detail": f"User requested to {value} marketing messages", "value": value, "timestamp": at}
    return {**messages(user_preferences=[{**wish, "category": "marketing_messages"}]), "field": "user_preferences"}


def account_update(event: str, **value: Any) -> Change:
    """About the whole account: restrictions, violations, bans."""
    return {"field": "account_update", "value": {"event": event, **value}}


def quality_update(event: str = "FLAGGED", limit: str = "TIER_2K") -> Change:
    value = {"display_phone_number": "5511987654321", "event": event, "current_limit": limit}
    return {"field": "phone_number_quality_update", "value": value}


def template_status(name: str, event: str) -> Change:
    value = {
        "event": event,
        "message_template_id": 594425479261596,
        "message_template_name": name,
        "message_template_language": "pt_BR",
        "reason": "NONE",
    }
    return {"field": "message_template_status_update", "value": value}


async def post(url: str, body: bytes, *, secret: str = APP_SECRET, times: int = 1) -> list[int]:
    """Deliver *body*, as often as it takes to see what duplicates do; returns the statuses that came back."""
    import httpx

    headers = {"X-Hub-Signature-256": signature(body, secret), "Content-Type": "application/json"}
    async with httpx.AsyncClient(trust_env=False) as client:
        return [(await client.post(url, content=body, headers=headers)).status_code for _ in range(times)]
