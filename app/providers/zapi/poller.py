"""An open connection to one Z-API instance, and the poller that asks how it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.link_status import Reason, SendCapability
from app.domain.phone import PhoneNumber
from app.domain.provider import Blocked, Connected, ConnectionEvent, Failed, Lost, Unreachable
from app.domain.repositories import Clock
from app.providers.polled_connection import PolledConnection
from app.providers.zapi.client import ZapiClient
from app.providers.zapi.responses import (
    AccessDenied,
    PhoneDevice,
    QueuePage,
    Restorable,
    SessionConnected,
    UnexpectedResponse,
    Unlinked,
)


class ZapiConnection(PolledConnection):
    """Its poller emits into it; the core reads it."""

    def __init__(self, instance: ZapiClient, clock: Clock) -> None:
        super().__init__(clock)
        self.instance = instance
        self.through = False  # whether it was connected when it was last asked
        self.showing_code = False
        self.typed_code_until: datetime | None = None  # somebody is typing a code on the phone
        self.account_stale = True  # whether it should be asked again whose number is linked

    def emit(self, event: ConnectionEvent) -> None:
        if self.over:
            return
        if isinstance(event, Connected | Unreachable | Blocked | Failed):
            self.through = isinstance(event, Connected)
        super().emit(event)

    def check_now(self) -> None:
        self.account_stale = True
        super().check_now()

    async def sleep(self, seconds: float) -> None:
        """Let time pass until the next question is due, or somebody wants it now, but never before Z-API wants one."""
        quiet, began = self.instance.take_pause(), self._clock.now()
        await self._sleep(max(seconds, quiet))
        while quiet and not self.over:
            began = min(began, now := self._clock.now())  # somebody may set the clock back
            if (left := quiet - (now - began).total_seconds()) <= 0:
                return
            await self._sleep(left)

    async def _sleep(self, seconds: float) -> None:
        if not self._asked:
            await super()._sleep(seconds)
        self._asked = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PollSettings:
    """Seconds between questions, and how many of them."""

    status: float = 30.0
    again: float = 5.0  # what is odd is asked once more before anybody hears of it
    recheck: float = 5.0  # after a step that should bring the session back…
    rechecks: int = 6  # …so many times
    device_every: int = 10  # polls after which it is asked whose number is linked, too
    lifetime: float = 20.0  # of a code, at most: WhatsApp gives out another then
    code: float = 15.0  # until the next one; Z-API wants between 10 and 20
    same_code: float = 10.0  # until the next one, where it sent the same again
    scan: float = 3.0  # while a code is shown
    misses: int = 8  # a pairing that cannot ask so many times in a row is over: others wait for their turn
    typing: float = 160.0  # for a code to be typed on the phone
    permission: float = 600.0  # how long a person's word that the queue may be sent holds

    @property
    def restoring(self) -> float:
        """What bringing a session back may take in all, with slow answers."""
        return len(RestoreStep) * (self.rechecks + 1) * (self.recheck + 25)


class RestoreStep(StrEnum):
    """What brings a session back without a code, in the order it is tried (instance/restore-session, /restart)."""

    RESTORE = "restore-session"
    RESTART = "restart"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCallbacks:
    """What the provider keeps of a link between its connections."""

    may_flow: Callable[[], bool]  # whether a person let the queue be sent
    came_back: Callable[[], None]  # the session is up
    failed_tries: Callable[[], None]  # neither step brought it back


class SessionPoller:
    """Runs one connection until a person is needed."""

    def __init__(
        self, connection: ZapiConnection, *, pace: PollSettings, word: LinkCallbacks, linked_before: bool
    ) -> None:
        self.connection = connection
        self.instance = connection.instance
        self.pace = pace
        self.account: PhoneNumber | None = None  # whose number is linked, as far as was seen
        self.opened = False
        self.pairing = False
        self.steps = list(RestoreStep)
        self._word = word
        self._linked_before = linked_before
        self._polls = 0
        self._queueing_disabled = False  # not to queue for a phone that is away
        self._odd = 0  # answers in a row that did not say that all is well

    async def run(self) -> None:
        """Ask again and again, and bring the session back when it dropped."""
        while not self.connection.over:
            await self.connection.sleep(await self._poll())

    async def _poll(self) -> float:
        """Ask once; returns after how long to ask again."""
        match await self.instance.status():
            case SessionConnected() as connected:
                return await self.on_connected(connected)
            case AccessDenied() as denied:
                self.block(denied)
            case UnexpectedResponse(why):
                return self.on_no_answer(why)
            case Restorable() | Unlinked() if self.connection.through and self._first_odd():
                return self.pace.again
            case Unlinked():
                self._ended("no phone is linked")
            case Restorable():
                if await self.restore():
                    self._ended("neither restoring nor restarting it helped")
        return self.pace.status

    async def on_connected(self, connected: SessionConnected) -> float:
        """The session is up, which counts once it is known whose it is; returns after how long to ask again."""
        self._polls += 1
        if self.connection.account_stale or not self.connection.through or self._polls % self.pace.device_every == 0:
            match await self.instance.device():
                case PhoneDevice(phone):
                    self.account, self.connection.account_stale = phone, False
                case AccessDenied() as denied:
                    self.block(denied)
                    return self.pace.status
                case UnexpectedResponse(why):
                    return self.on_no_answer(f"whose number is linked cannot be told: {why}")
        self._word.came_back()
        self.connection.emit(self._opened(connected))
        self._odd, self.steps, self.pairing = 0, list(RestoreStep), False
        if self.opened and not self._queueing_disabled:  # not before the core has judged whose number it is
            self._queueing_disabled = True
            await self.instance.refuse_queueing()
        self.opened = True
        return self.pace.status

    def _opened(self, connected: SessionConnected) -> Connected:
        if connected.warning:
            reason = Reason.PROVIDER_WARNING
            return Connected(self.account, SendCapability.UNKNOWN, reason, detail=connected.warning)
        capability = SendCapability.UNKNOWN if connected.phone_online is None else SendCapability.OK
        offline = connected.phone_online is False
        return Connected(self.account, capability, Reason.PHONE_OFFLINE if offline else Reason.NONE)

    def answered(self) -> None:
        """It said something that can be understood."""
        self._odd = 0

    def on_no_answer(self, why: str) -> float:
        """It could not be asked, or gave no answer; returns after how long to ask again."""
        if self._first_odd() and self.connection.through and self.instance.pause <= self.pace.again:
            return self.pace.again
        if self.pairing and self._odd >= self.pace.misses:
            self.connection.emit(Blocked(Reason.UNREACHABLE, detail=why))
        else:
            self.connection.emit(Unreachable(why))
        return self.pace.again if self.pairing else self.pace.status

    def block(self, denied: AccessDenied) -> None:
        """A person must do something before Z-API lets us in again."""
        self.connection.emit(Blocked(denied.reason, detail=denied.text))

    async def queue_is_safe(self) -> bool:
        """Whether the session may come back now, which sends what waits. Says why when it may not."""
        if self._word.may_flow():
            return True
        match await self.instance.queue_page():
            case QueuePage((), None):
                return True
            case QueuePage(()):
                self.on_no_answer("the queue cannot be read: an empty page, and not the last")
            case QueuePage(messages, cursor):
                count = f"{len(messages)}{'' if cursor is None else ' or more'}"
                self.connection.emit(Blocked(Reason.QUEUE_PENDING, detail=f"{count} wait in the queue"))
            case AccessDenied() as denied:
                self.block(denied)
            case UnexpectedResponse(why):
                self.on_no_answer(f"the queue cannot be read: {why}")
        return False

    async def restore(self) -> bool:
        """Restore, then restart, each once until the session has been up again. True when both were in vain."""
        while self.steps:
            if not await self.queue_is_safe():
                return False
            step = self.steps.pop(0)
            self.connection.emit(Lost(Reason.SESSION_DROPPED, step, self.pace.restoring))
            done = await (self.instance.restore() if step is RestoreStep.RESTORE else self.instance.restart())
            if isinstance(done, AccessDenied):
                self.block(done)
            elif not self.connection.over and await self._still_down():
                continue
            return False
        self._word.failed_tries()
        return True

    async def _still_down(self) -> bool:
        """Whether the session is known to be down some time after a step."""
        known = why = ""
        for _ in range(self.pace.rechecks):
            await self.connection.sleep(self.pace.recheck)
            match await self.instance.status():
                case SessionConnected() as connected:
                    await self.on_connected(connected)
                    return False
                case AccessDenied() as denied:
                    self.block(denied)
                case UnexpectedResponse(text):
                    why = text
                case Restorable() | Unlinked():
                    known = "down"
            if self.connection.over:
                return False
        if not known:
            self.on_no_answer(why)
        return bool(known)

    def _first_odd(self) -> bool:
        self._odd += 1
        return self._odd == 1

    def _ended(self, detail: str) -> None:
        if self._linked_before or self.opened:
            self.connection.emit(Blocked(Reason.LOGGED_OUT, detail=detail))
        else:  # never linked, but that could not be asked when the connection was opened: the next one pairs
            self.connection.emit(Failed(Reason.LOGGED_OUT, detail))
