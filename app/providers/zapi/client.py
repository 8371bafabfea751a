"""One Z-API instance: every endpoint we use, each a question with a typed answer.

Its id and token are part of every address, and the account's Client-Token, where it is switched on, is a header
(security/introduction, security/client-token).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from app.domain.link_status import Reason
from app.domain.phone import PhoneNumber
from app.domain.provider_descriptor import CredentialField, Credentials
from app.domain.sending import QueuedMessage, SendResult
from app.providers.http_client import (
    Answer,
    HttpClient,
    Timeouts,
    open_client,
)
from app.providers.zapi import responses as answers
from app.providers.zapi.responses import (
    AccessDenied,
    Code,
    Done,
    ExtensionToken,
    PasskeyChallenge,
    PasskeyReset,
    PhoneDevice,
    QrImage,
    QueuePage,
    SessionConnected,
    Status,
    UnexpectedResponse,
)
from app.providers.zapi.sender import result_of

_ID: Final = CredentialField.INSTANCE_ID
_TOKEN: Final = CredentialField.INSTANCE_TOKEN

LONGEST_PAUSE: Final = 86_400.0
"""Seconds of quiet that are granted at most: nobody would see for how long nothing is known."""

PAGE: Final = 100
PAGES: Final = 20
"""At most; the queue of a phone that is away holds a thousand messages (queue/introduction)."""

_CODE_SECONDS: Final = 30.0  # a code is made while we wait
_PATH_PART: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")
_HEADER: Final = re.compile(r"[!-~]{1,400}")


class ZapiClient:
    """Asks one instance. Nothing is asked again by itself."""

    def __init__(self, wire: HttpClient) -> None:
        self._wire = wire
        self.pause = 0.0
        """Seconds for which answers to questions asked us to be quiet, and nobody was quiet yet."""

    async def _ask(self, method: str, path: str, **how: Any) -> Answer:
        answer = await self._wire.request(method, path, **how)
        self.pause = max(self.pause, min(answer.retry_after or 0.0, LONGEST_PAUSE))
        return answer

    def take_pause(self) -> float:
        """The `pause` since this was called last."""
        pause, self.pause = self.pause, 0.0
        return pause

    async def status(self) -> Status:
        return answers.parse_status(await self._ask("GET", "status"))

    async def device(self) -> PhoneDevice | AccessDenied | UnexpectedResponse:
        return answers.parse_device(await self._ask("GET", "device"))

    async def facts(self) -> Mapping[str, str]:
        """What is told of the account; nothing when it cannot be asked."""
        return answers.parse_facts(await self._ask("GET", "me"))

    async def qr(self) -> Code | QrImage | PasskeyChallenge | SessionConnected | AccessDenied | UnexpectedResponse:
        return answers.parse_qr(await self._ask("GET", "qr-code", within=_CODE_SECONDS))

    async def phone_code(self, phone: PhoneNumber) -> Code | PasskeyChallenge | AccessDenied | UnexpectedResponse:
        path = f"phone-code/{phone.removeprefix('+')}"
        return answers.parse_phone_code(await self._ask("GET", path, within=_CODE_SECONDS))

    async def extension_token(self) -> ExtensionToken | AccessDenied | UnexpectedResponse:
        """A token for the browser extension, good for some minutes (partner/extension-token)."""
        return answers.parse_extension_token(await self._ask("GET", "extension-token"))

    async def reset_passkey(self) -> PasskeyReset | AccessDenied | UnexpectedResponse:
        """Let a passkey be answered anew (instance/reset-passkey-challenge)."""
        return answers.parse_passkey_reset(await self._ask("POST", "reset-passkey-challenge"))

    async def restore(self) -> Done | AccessDenied | UnexpectedResponse:
        """Bring a dropped session back. What waits in the queue is sent then."""
        return answers.parse_done(await self._ask("GET", "restore-session"))

    async def restart(self) -> Done | AccessDenied | UnexpectedResponse:
        """Start the instance anew; needs no code. What waits in the queue is sent then."""
        return answers.parse_done(await self._ask("GET", "restart"))

    async def disconnect(self) -> Done | AccessDenied | UnexpectedResponse:
        """Unlink the phone."""
        return answers.parse_done(await self._ask("GET", "disconnect"))

    async def refuse_queueing(self) -> None:
        """Have sends fail while the phone is away, instead of waiting and going out together when it is back.

        The verb is not documented; an instance that does not know it queues as before, and the queue is looked at.
        """
        settings = {"disableEnqueueWhenDisconnected": True}
        await self._ask("PUT", "update-queue-settings", json=settings)

    async def queue_page(self, cursor: str | None = None) -> QueuePage | AccessDenied | UnexpectedResponse:
        asked: dict[str, object] = {"pageSize": PAGE}
        if cursor is not None:
            asked["pagingState"] = cursor
        return answers.parse_queue(await self._ask("POST", "queue", json=asked))

    async def queue(self) -> tuple[QueuedMessage, ...] | AccessDenied | UnexpectedResponse:
        """All that waits, the oldest first; never only some of it."""
        waiting: dict[str, QueuedMessage] = {}
        cursor, seen = None, set[str | None]()
        while len(seen) < PAGES and cursor not in seen:
            seen.add(cursor)
            page = await self.queue_page(cursor)
            if not isinstance(page, QueuePage):
                return page
            waiting.update((message.id, message) for message in page.messages)
            cursor = page.cursor
            if cursor is None:
                return tuple(sorted(waiting.values(), key=_age))
        return UnexpectedResponse("the queue has no end")

    async def purge(self) -> Done | AccessDenied | UnexpectedResponse:
        return answers.parse_purged(await self._ask("DELETE", "queue"))

    async def send_text(self, phone: str, message: str) -> tuple[SendResult, Reason | None]:
        """Hand *message* over; the reason is why the whole number must stop, where it must."""
        return result_of(await self._wire.request("POST", "send-text", json={"phone": phone, "message": message}))


@asynccontextmanager
async def open_zapi_client(base_url: str, credentials: Credentials, timeouts: Timeouts) -> AsyncIterator[ZapiClient]:
    """The instance these *credentials* lead to, which must be `usable`. Nothing is asked yet."""
    path = f"instances/{credentials[_ID]}/token/{credentials[_TOKEN]}/"
    headers = {"Content-Type": "application/json"}
    if client_token := credentials.get(CredentialField.CLIENT_TOKEN):
        headers["Client-Token"] = client_token
    async with open_client(f"{base_url.rstrip('/')}/{path}", headers=headers, timeouts=timeouts) as wire:
        yield ZapiClient(wire)


def usable(credentials: Credentials) -> bool:
    """Whether they can stand in an address and in a header at all."""
    client_token = credentials.get(CredentialField.CLIENT_TOKEN, "")
    in_path = (credentials.get(_ID, ""), credentials.get(_TOKEN, ""))
    return all(map(_PATH_PART.fullmatch, in_path)) and (not client_token or bool(_HEADER.fullmatch(client_token)))


def _age(message: QueuedMessage) -> float:
    return message.since.timestamp() if message.since else 0.0
