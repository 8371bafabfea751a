"""Codes for the phone, until it is linked (instance/qrcode: every 10 to 20 seconds, three tries, then stop)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from app.domain.connection import Reason
from app.domain.ports import Clock
from app.domain.provider import CodeIssued, Refused
from app.providers.zapi.answers import Challenge, Code, Connected, Denied, Picture, Restorable, Unclear, Unlinked
from app.providers.zapi.course import Course

CODES: Final = 3


class Pairing:
    """What comes before a line's course while no phone is linked."""

    def __init__(self, course: Course, clock: Clock) -> None:
        self._course = course
        self._line = course.line
        self._pace = course.pace
        self._clock = clock
        self._shown = 0
        self._last = ""
        course.pairing = True

    async def pair(self) -> None:
        """Show codes until a phone is linked, then watch. What can be restored needs none."""
        while not (self._line.over or self._course.opened):
            await self._line.rest(await self._step())
        await self._course.watch()

    async def _step(self) -> float:
        """Ask how it stands and do what is next; returns after how long to ask again."""
        course = self._course
        match await course.instance.status():
            case Connected() as connected:
                return await course.up(connected)
            case Denied() as denied:
                course.refuse(denied)
            case Unclear(why):
                course.missed(why)
            case Restorable() if course.steps:
                await course.bring_back()
            case Restorable() | Unlinked():
                await self._show_codes()
                self._line.showing_code = False
        return self._pace.again

    async def _show_codes(self) -> None:
        """Show one after the other; returns early when something else is to be asked first."""
        while self._shown < CODES:
            if not await self._course.gate_open():
                return
            wait = await self._show_one()
            if wait is None or await self._something_happened(wait):
                return
        while (until := self._line.typed_code_until) is not None and until > self._clock.now():
            if await self._something_happened((until - self._clock.now()).total_seconds()):
                return
        self._line.say(Refused(Reason.QR_EXPIRED))

    async def _show_one(self) -> float | None:
        """Show the next code; returns for how long, and None when there was none."""
        match await self._course.instance.qr():
            case Code(text):
                return self._show(text)
            case Connected():
                await self._already()
            case Picture():
                detail = "a picture of the code came instead of its text"
                self._line.say(Refused(Reason.PAIRING_FAILED, detail=detail))
            case Challenge():
                self._line.say(Refused(Reason.PASSKEY_REQUIRED))
            case Denied() as denied:
                self._course.refuse(denied)
            case Unclear(why):
                self._course.missed(why)
        return None

    def _show(self, text: str) -> float:
        self._course.answered()
        same, self._last = text == self._last, text
        self._shown += 1
        lifetime = self._pace.lifetime - self._pace.code if same else self._pace.lifetime
        self._line.say(CodeIssued(text, self._shown, CODES, lifetime))
        self._line.showing_code = True
        if self._shown == CODES:
            return lifetime
        return self._pace.same_code if same else self._pace.code

    async def _already(self) -> None:
        """No code, because it is connected; whether that is so, its status says."""
        match await self._course.instance.status():
            case Connected() as connected:
                await self._course.up(connected)
            case _:
                self._course.missed("it shows no code, and is not connected")

    async def _something_happened(self, within: float) -> bool:
        """Whether the phone was linked, or the line ended, while a code was shown."""
        end = self._clock.now() + timedelta(seconds=within)
        while (left := (end - self._clock.now()).total_seconds()) > 0:
            await self._line.rest(min(self._pace.scan, left))
            if self._line.over:
                return True
            match await self._course.instance.status():
                case Connected() as connected:
                    await self._course.up(connected)
                    return True
                case Denied() as denied:
                    self._course.refuse(denied)
                    return True
                case _:
                    pass  # not scanned yet; and a code that is shown is not taken away because nobody answered
        return False
