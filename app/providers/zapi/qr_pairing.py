"""Codes for the phone, until it is linked (instance/qrcode: every 10 to 20 seconds, three tries, then stop)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from app.domain.link_status import Reason
from app.domain.provider import Blocked, QrIssued
from app.domain.repositories import Clock
from app.providers.zapi.poller import SessionPoller
from app.providers.zapi.responses import (
    AccessDenied,
    Code,
    PasskeyChallenge,
    QrImage,
    Restorable,
    SessionConnected,
    UnexpectedResponse,
    Unlinked,
)

CODES: Final = 3


class QrPairing:
    """What comes before a connection's course while no phone is linked."""

    def __init__(self, poller: SessionPoller, clock: Clock) -> None:
        self._poller = poller
        self._connection = poller.connection
        self._pace = poller.pace
        self._clock = clock
        self._shown = 0
        self._last = ""
        poller.pairing = True

    async def pair(self) -> None:
        """Show codes until a phone is linked, then watch. What can be restored needs none."""
        while not (self._connection.over or self._poller.opened):
            await self._connection.sleep(await self._step())
        await self._poller.run()

    async def _step(self) -> float:
        """Ask how it stands and do what is next; returns after how long to ask again."""
        poller = self._poller
        match await poller.instance.status():
            case SessionConnected() as connected:
                return await poller.on_connected(connected)
            case AccessDenied() as denied:
                poller.block(denied)
            case UnexpectedResponse(why):
                poller.on_no_answer(why)
            case Restorable() if poller.steps:
                await poller.restore()
            case Restorable() | Unlinked():
                await self._show_codes()
                self._connection.showing_code = False
        return self._pace.again

    async def _show_codes(self) -> None:
        """Show one after the other; returns early when something else is to be asked first."""
        while self._shown < CODES:
            if not await self._poller.queue_is_safe():
                return
            wait = await self._show_one()
            if wait is None or await self._something_happened(wait):
                return
        while (until := self._connection.typed_code_until) is not None and until > self._clock.now():
            if await self._something_happened((until - self._clock.now()).total_seconds()):
                return
        self._connection.emit(Blocked(Reason.QR_EXPIRED))

    async def _show_one(self) -> float | None:
        """Show the next code; returns for how long, and None when there was none."""
        match await self._poller.instance.qr():
            case Code(text):
                return self._show(text)
            case SessionConnected():
                await self._already()
            case QrImage():
                detail = "a picture of the code came instead of its text"
                self._connection.emit(Blocked(Reason.PAIRING_FAILED, detail=detail))
            case PasskeyChallenge():
                self._connection.emit(Blocked(Reason.PASSKEY_REQUIRED))
            case AccessDenied() as denied:
                self._poller.block(denied)
            case UnexpectedResponse(why):
                self._poller.on_no_answer(why)
        return None

    def _show(self, text: str) -> float:
        self._poller.answered()
        same, self._last = text == self._last, text
        self._shown += 1
        lifetime = self._pace.lifetime - self._pace.code if same else self._pace.lifetime
        self._connection.emit(QrIssued(text, self._shown, CODES, lifetime))
        self._connection.showing_code = True
        if self._shown == CODES:
            return lifetime
        return self._pace.same_code if same else self._pace.code

    async def _already(self) -> None:
        """No code, because it is connected; whether that is so, its status says."""
        match await self._poller.instance.status():
            case SessionConnected() as connected:
                await self._poller.on_connected(connected)
            case _:
                self._poller.on_no_answer("it shows no code, and is not connected")

    async def _something_happened(self, within: float) -> bool:
        """Whether the phone was linked, or the connection ended, while a code was shown."""
        end = self._clock.now() + timedelta(seconds=within)
        while (left := (end - self._clock.now()).total_seconds()) > 0:
            await self._connection.sleep(min(self._pace.scan, left))
            if self._connection.over:
                return True
            match await self._poller.instance.status():
                case SessionConnected() as connected:
                    await self._poller.on_connected(connected)
                    return True
                case AccessDenied() as denied:
                    self._poller.block(denied)
                    return True
                case _:
                    pass  # not scanned yet; and a code that is shown is not taken away because nobody answered
        return False
