"""Z-API's callbacks, and how they are read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from app.domain.messages import (
    Address,
    AddressKind,
    ProviderMessage,
)
from app.providers.zapi.webhook_parser import read_callback
from tests.clock import DAWN

BIA = (Address(AddressKind.LID, "81896604192873"), Address(AddressKind.PHONE, "+5544999999999"))
BASE: dict[str, Any] = {
    "isStatusReply": False,
    "senderLid": "81896604192873@lid",
    "connectedPhone": "554499999999",
    "waitingMessage": False,
    "isEdit": False,
    "isGroup": False,
    "isNewsletter": False,
    "instanceId": "A20DA9C0183A2D35A260F53F5D2B9244",
    "messageId": "3EB0796DC6B777C0C7CD",
    "phone": "5544999999999",
    "fromMe": False,
    "momment": 1632228638000,
    "status": "RECEIVED",
    "senderName": "Bia",
    "participantPhone": None,
    "participantLid": None,
    "referenceMessageId": None,
    "type": "ReceivedCallback",
}
SENT_AT = datetime(2021, 9, 21, 12, 50, 38, tzinfo=UTC)


def read(**fields: object) -> ProviderMessage:
    (callback,) = read_callback(json.dumps({**BASE, **fields}).encode(), DAWN)
    fact, *beside = callback.facts
    assert not any(isinstance(each, ProviderMessage) for each in beside)
    assert isinstance(fact, ProviderMessage)
    return fact


def facts(**fields: object) -> tuple[object, ...]:
    (callback,) = read_callback(json.dumps({**BASE, **fields}).encode(), DAWN)
    return callback.facts
