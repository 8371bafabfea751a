"""An open connection to one number: asked from time to time, told of by webhooks, and ended when Meta says stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from app.domain.link_status import Reason, SendCapability
from app.domain.messages import DeliveryReceipt, DeliveryStatus, MessageUpdate
from app.domain.phone import PhoneNumber
from app.domain.provider import ActivitySeen, Blocked, Connected, ConnectionEvent, Unreachable
from app.domain.repositories import Clock
from app.domain.sending import NotSent
from app.providers.meta_cloud.client import GraphError, number
from app.providers.meta_cloud.errors import RULES, rule_for
from app.providers.meta_cloud.health import HealthProbe
from app.providers.meta_cloud.sender import DeliveryPoller
from app.providers.polled_connection import PolledConnection

RATE_ERRORS: Final = frozenset(str(code) for code, meaning in RULES.items() if meaning.reason is Reason.RATE_LIMITED)
"""After these the next round waits for longer than after silence."""

LOOK_AGAIN_SECONDS: Final = 60.0
"""The next round is due by the wall clock: a computer that slept would otherwise wait for all of it again."""

LATE: Final = timedelta(minutes=2)
"""A failure older than the connection by more than this was told before: somebody has connected the number since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollIntervals:
    """Seconds between questions. A round is four requests; an account without a registered number has 200 an hour."""

    regular: float = 600.0
    after_silence: float = 30.0  # doubled with each silence, up to the regular
    when_limited: float = 1800.0  # after Meta said that we ask too often
    at_most_every: float = 10.0  # whoever presses "check now"


class MetaConnection(PolledConnection):
    """Asks by itself, in its rhythm."""

    def __init__(self, inquiry: HealthProbe, history: DeliveryPoller, clock: Clock, rhythm: PollIntervals) -> None:
        super().__init__(clock)
        self.history = history
        self.account: PhoneNumber | None = None  # whose number it is, once Meta said so
        self.stopped: NotSent | None = None  # what sending ends in since Meta said stop
        self._inquiry = inquiry
        self._opened_at = clock.now()
        self._rhythm = rhythm
        self._last: Connected | None = None  # as Meta confirmed it, without what we know of limits
        self._limited_until: datetime | None = None
        self._silences = 0

    def handle(self, facts: Sequence[MessageUpdate], check: bool, confirm: Callable[[], None]) -> None:
        """Emit what a webhook told; a failed delivery may be what stops the number."""
        super().handle(facts, check, confirm)
        for fact in facts:
            if isinstance(fact, DeliveryReceipt):
                self.history.resolve(fact.provider_ids)
                self._on_failure_receipt(fact)

    def set_limited(self, until: datetime) -> None:
        """Meta slowed the number down until then; the connection stays open and shows it."""
        self._limited_until = until
        if self._last is not None:
            self.emit(self._last)
        self._wake()

    def stop(self, result: NotSent, refused: Blocked) -> None:
        """Nothing goes out from this number until a person connects it again: whoever tries is told *result*."""
        self.stopped = result
        self.emit(refused)

    def sent(self) -> None:
        """Meta took a message: a sign of life."""
        self.emit(ActivitySeen(self._clock.now(), inbound=False))

    async def keep_asking(self) -> None:
        """Ask at once and then in the rhythm, until the connection is over."""
        while not self.over:
            self._asked = False
            verdict = await self._inquiry.verdict()
            self.emit(verdict)
            if isinstance(verdict, Connected):
                receipts = await self.history.poll()
                if receipts:
                    self._emit_messages(receipts, _no_confirm)
            await self._rest(self._pause_after(verdict), self._inquiry.take_pause())

    def _pause_after(self, verdict: ConnectionEvent) -> float:
        if not isinstance(verdict, Unreachable):
            self._silences = 0
            return self._rhythm.regular
        self._silences += 1
        if verdict.detail.partition(":")[0] in RATE_ERRORS:
            return self._rhythm.when_limited
        return min(self._rhythm.regular, self._rhythm.after_silence * 2.0 ** min(self._silences - 1, 16))

    async def _rest(self, seconds: float, at_least: float) -> None:
        """Wait until the next round is due or somebody wants one, and show the end of a limit when it comes.

        Before *at_least* seconds nothing is asked, whoever wants it: Meta asked for quiet.
        """
        began = self._clock.now()
        while not self.over:
            now = self._clock.now()
            began = min(began, now)  # somebody may set the clock back
            passed = (now - began).total_seconds()
            left = max(self._rhythm.at_most_every if self._asked else seconds, at_least) - passed
            if left <= 0:
                return
            relief = self._limited_until
            if relief is not None and relief <= now:
                self._limited_until = None
                if self._last is not None:
                    self.emit(self._last)
                continue
            soon = left if relief is None else min(left, (relief - now).total_seconds())
            await self._sleep(min(soon, LOOK_AGAIN_SECONDS))

    def emit(self, event: ConnectionEvent) -> None:
        if self.over:
            return
        if isinstance(event, Connected):
            self._last, self.account = event, event.account
            event = self._apply_limit(event)
        elif isinstance(event, Unreachable):
            self._last = None  # what could not be confirmed is not repeated
        super().emit(event)

    def _apply_limit(self, opened: Connected) -> Connected:
        until = self._limited_until
        if until is None or until <= self._clock.now() or opened.capability is not SendCapability.OK:
            return opened
        return replace(opened, capability=SendCapability.RESTRICTED, reason=Reason.RATE_LIMITED, until=until, detail="")

    def _on_failure_receipt(self, receipt: DeliveryReceipt) -> None:
        """A failure may come later than the answer to the request; what stops a number, stops it then, too."""
        code = number(receipt.code) if receipt.delivery is DeliveryStatus.FAILED else None
        if code is not None:
            meaning = rule_for(GraphError(code=code))
            if meaning.stops and receipt.at < self._opened_at - LATE:
                self.check_now()
            elif meaning.stops:
                self.stop(
                    NotSent(trouble=meaning.trouble, code=receipt.code), Blocked(meaning.reason, detail=receipt.code)
                )


def _no_confirm() -> None:
    """What was asked for needs no confirmation: it is asked for again."""
