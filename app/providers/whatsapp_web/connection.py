"""One open connection to a session host, saying in the core's words what the host said in the protocol's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import HostPlacement, Reason
from app.domain.mentorado import LinkId
from app.domain.messages import AddressKind
from app.domain.phone import PhoneNumber, is_e164
from app.domain.provider import (
    ActivitySeen,
    Blocked,
    Connected,
    ConnectionEvent,
    Failed,
    HostAnswered,
    Lost,
    MessagesReceived,
    QrIssued,
    QrScanned,
)
from app.domain.repositories import Clock
from app.domain.sending import Accepted, NotSent, OutgoingMessage, SendErrorKind, SendResult, Uncertain
from app.providers.hosts.codec import Pong
from app.providers.hosts.process import HostExited
from app.providers.whatsapp_web import protocol
from app.providers.whatsapp_web.host_pool import HostedSession, HostPool
from app.providers.whatsapp_web.host_process import MoveRequested
from app.providers.whatsapp_web.protocol import (
    BUSY,
    NOT_OPEN,
    Account,
    Answer,
    Closed,
    Confirm,
    Facts,
    FromHost,
    LoginStatus,
    LogLine,
    LogOut,
    OpenMode,
    PairPhone,
    QrText,
    Ready,
    SendText,
    SessionState,
    SignOfLife,
    StateChanged,
    Unable,
    refusal,
)

log = logging.getLogger(__name__)
library_log = logging.getLogger("app.whatsmeow")  # below "app", whose log is the one that is written

_COMES_BACK_AFTER: Final = 60.0
"""Seconds that a session must have been open before it comes back by itself from a host that ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTimeouts:
    """Seconds after which a silent host is given up. The library bounds most of its waits itself; these are longer."""

    first_code: float = 30.0
    code_lifetime_and: float = 15.0
    sign_in: float = 90.0
    send: float = 80.0  # the library waits 75 s for an acknowledgement, and its word is better than ours
    request: float = 30.0


@dataclass(frozen=True, slots=True)
class SentText:
    """What the server said of a text it took."""

    message_id: str
    at: datetime


class SessionConnection(AsyncIterator[ConnectionEvent]):
    """A `Connection`, and requests to the session behind it."""

    def __init__(
        self,
        session: HostedSession,
        pool: HostPool,
        clock: Clock,
        timeouts: SessionTimeouts,
        *,
        device_name: str = "",
        proxy: str = "",
    ) -> None:
        """*device_name* is what the phone lists under its linked devices."""
        self._session: HostedSession | None = session
        self._pool = pool
        self._mode = mode = session.mode
        self._file = session.file
        self._device_name = device_name
        self._proxy = proxy
        self._reopens = False  # before the next event, in another host
        self._connected = False
        self._reopened_at: float | None = None  # by the loop's clock
        self._active_at = 0.0
        self._asking = 0
        self._clock = clock
        self._timeouts = timeouts
        self._account: PhoneNumber | None = None
        self._wait: float | None = timeouts.first_code if mode is OpenMode.PAIR else timeouts.sign_in
        self._deadline: float | None = None  # when `_wait` is over, once it has begun
        self._over = False

    def events(self) -> AsyncIterator[ConnectionEvent]:
        """Yield what the host says, until the connection is over."""
        return self

    async def __anext__(self) -> ConnectionEvent:
        # No generator: the core leaves off in the middle, and a generator would then be closed by a task of nobody's.
        if self._over:
            raise StopAsyncIteration
        signal = None
        while signal is None:
            signal = await self._next()
        self._over = isinstance(signal, Blocked | Failed)
        if not isinstance(signal, HostAnswered):  # a host that lives is not a connection that gets on
            self._wait, self._deadline = self._timeout_after(signal), None
        return signal

    async def _next(self) -> ConnectionEvent | None:
        if self._reopens:
            await self._reopen()
        session = self._session
        if session is None:
            return Failed(Reason.HOST_CRASHED)
        if self._wait is not None and self._deadline is None:
            self._deadline = asyncio.get_running_loop().time() + self._wait
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await session.incoming.get()
        except TimeoutError:
            return Failed(Reason.NETWORK_DOWN, f"nothing was heard for {self._wait:g} s")
        return self._signal_of(message)

    def open(self) -> None:
        """Let the host begin."""
        if self._session is not None:
            self._session.open(device_name=self._device_name, proxy=self._proxy)

    async def close(self) -> None:
        """Close the session wherever it is by now; its files are free afterwards."""
        session, self._session = self._session, None
        if session is not None:
            await self._pool.release(session)

    async def _reopen(self) -> None:
        """Open the session in another host than the one it is, or was, in. Raises `Problem`."""
        self._reopens = False
        await self.close()
        self._mode = OpenMode.CONNECT
        self._session = await self._pool.place(self._file, self._mode)
        self._wait, self._deadline = self._timeouts.sign_in, None
        self._reopened_at = asyncio.get_running_loop().time()
        self.open()

    def placement(self) -> HostPlacement | None:
        """Where the session is; None on its way from one host to another."""
        return None if self._session is None else self._pool.placement(self._session)

    def request_move(self, quiet: float) -> None:
        """Move to a host that is shared, if there is one and nothing was heard or asked for *quiet* seconds."""
        session = self._session
        if session is None or not self._connected or self._asking:
            return
        if asyncio.get_running_loop().time() - self._active_at >= quiet and self._pool.should_move(session):
            session.move()

    async def confirm(self, up_to: int) -> None:
        """Let the host forget what it kept; a host that is gone hears it from the next connection."""
        if (session := self._session) is not None:
            session.host.process.send(Confirm(session=session.id, up_to=up_to))

    def ping(self) -> None:
        """Ask the host for a sign of life, which comes as `HostAnswered`."""
        if self._session is not None:
            self._session.host.process.ping_now()

    async def send_text(self, to: PhoneNumber, text: str) -> SentText:
        """Send *text*; raises `Problem` when the server refuses it or is not heard of."""
        answer = await self._ask(
            lambda session, request: SendText(session=session, request=request, to=to.lstrip("+"), text=text),
            self._timeouts.send,
        )
        return SentText(answer.message_id, datetime.fromtimestamp(answer.sent_at, UTC))

    async def pairing_code(self, phone: PhoneNumber) -> str:
        """A code to type on the phone instead of scanning. Possible once a QR is shown."""
        answer = await self._ask(
            lambda session, request: PairPhone(session=session, request=request, phone=phone.lstrip("+")),
            self._timeouts.request,
        )
        return answer.code

    async def log_out(self) -> None:
        """Unlink from the phone, for good."""
        await self._ask(lambda session, request: LogOut(session=session, request=request), self._timeouts.request)

    async def _ask(self, question: Callable[[str, int], SendText | PairPhone | LogOut], within: float) -> Answer:
        session = self._session
        if session is None:
            raise Problem(ProblemCode.REQUEST_REFUSED, why=NOT_OPEN)
        self._asking += 1
        try:
            return await session.host.process.ask(session.id, lambda request: question(session.id, request), within)
        finally:
            self._asking -= 1

    def _timeout_after(self, signal: ConnectionEvent) -> float | None:
        match signal:
            case QrIssued(lifetime=lifetime):
                return lifetime + self._timeouts.code_lifetime_and
            case QrScanned():
                return self._timeouts.sign_in
            case _:
                return None  # the library watches the connection from here on

    def _signal_of(self, message: FromHost | HostExited | MoveRequested) -> ConnectionEvent | None:
        match message:
            case MoveRequested():
                self._reopens = True
                return Lost(Reason.HOST_MOVED)
            case HostExited() | Ready() | Unable() | Pong():
                return self._of_host(message)
            case QrText(text=text, number=number, total=total, lifetime=lifetime):
                return QrIssued(text, number, total, lifetime)
            case Account(jid=jid):
                return self._on_account(jid)
            case StateChanged():
                return self._on_state(message)
            case SignOfLife(inbound=inbound):
                self._active_at = asyncio.get_running_loop().time()
                return ActivitySeen(self._clock.now(), inbound)
            case Facts(facts=facts, up_to=up_to):
                return MessagesReceived(facts, up_to)
            case LoginStatus(status=status):
                log.info("WhatsApp says of the pairing: %s", status)
            case LogLine():
                _write_down(message)
            case Answer() | Closed():
                pass
        return None

    def _of_host(self, message: HostExited | Ready | Unable | Pong) -> ConnectionEvent | None:
        """What a message says of the host itself."""
        match message:
            case HostExited(detail, reason):
                if not self._comes_back():
                    return Failed(reason, detail)
                self._reopens = True
                return Lost(reason, detail)
            case Ready(protocol=version):
                detail = f"the host speaks protocol {version}"
                return None if version == protocol.VERSION else Blocked(Reason.ENGINE_MISMATCH, detail=detail)
            case Unable(reason=Reason.TOO_MANY_OPEN_FILES as reason, detail=detail):
                return Failed(reason, detail)
            case Unable(reason=reason, detail=detail):
                return Blocked(reason, detail=detail)
            case Pong():
                return HostAnswered(self._clock.now(), self.placement())

    def _comes_back(self) -> bool:
        """Whether a session whose host ended is opened in another at once: one that held, but not twice in a row."""
        if not self._connected:
            return False
        at, self._connected = self._reopened_at, False
        return at is None or asyncio.get_running_loop().time() - at >= _COMES_BACK_AFTER

    def _on_account(self, jid: str) -> ConnectionEvent | None:
        number = "+" + jid.partition("@")[0].partition(":")[0]
        if not is_e164(number):
            return Failed(Reason.UNEXPECTED, "the account is not a number")
        self._account = PhoneNumber(number)
        return QrScanned(self._account) if self._mode is OpenMode.PAIR else None

    def _on_state(self, news: StateChanged) -> ConnectionEvent | None:
        if news.ends_host and self._session is not None:
            self._session.ends_host = True
        match news.state:
            case SessionState.FAILED if news.detail == BUSY:
                self._reopens = True
                return None
            case SessionState.CONNECTED:
                self._connected = True
                self._active_at = asyncio.get_running_loop().time()
                return Connected(self._account)
            case SessionState.LOST:
                return Lost(news.reason, news.detail)
            case SessionState.REFUSED:
                until = None if news.lasts is None else self._clock.now() + timedelta(seconds=news.lasts)
                return Blocked(news.reason, until, news.detail)
            case SessionState.FAILED:
                return Failed(news.reason, news.detail)


class ClosedConnection(AsyncIterator[ConnectionEvent]):
    """A connection that was over before a host was needed."""

    def __init__(self, signal: Blocked) -> None:
        self._signals: list[ConnectionEvent] = [signal]

    async def confirm(self, up_to: int) -> None:
        """Nothing arrives over this connection that the host would keep."""

    def events(self) -> AsyncIterator[ConnectionEvent]:
        """Yield the one thing there is to say."""
        return self

    async def __anext__(self) -> ConnectionEvent:
        if not self._signals:
            raise StopAsyncIteration
        return self._signals.pop()


def _write_down(line: LogLine) -> None:
    if line.level == protocol.NOTICE:
        log.warning("The session host says of its %s: %s", line.source, line.text)
    else:
        library_log.log(_LEVELS.get(line.level, logging.DEBUG), "%s: %s", line.source, line.text)


# The library's errors are its own view of things that we report as signals; in our log they are background.
_LEVELS: Final = {"ERROR": logging.INFO, "WARN": logging.INFO, "INFO": logging.INFO}


class ConnectionRegistry:
    """The connections that are open now, by their links."""

    def __init__(self) -> None:
        self._connections: dict[LinkId, SessionConnection] = {}

    @contextmanager
    def register(self, link_id: LinkId, connection: SessionConnection) -> Iterator[None]:
        """*connection* can be sent over inside."""
        self._connections[link_id] = connection
        try:
            yield
        finally:
            if self._connections.get(link_id) is connection:
                del self._connections[link_id]

    def ping(self) -> tuple[LinkId, ...]:
        """Ask the host of every connection for a sign of life; returns whose they are."""
        for connection in self._connections.values():
            connection.ping()
        return tuple(self._connections)

    async def pairing_code(self, link_id: LinkId, phone: PhoneNumber) -> str:
        """A code to type instead of scanning. Raises `Problem`, also where no connection is open that shows one."""
        connection = self._connections.get(link_id)
        if connection is None:
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW, why="no code is shown")
        return await connection.pairing_code(phone)

    async def send(self, link_id: LinkId, message: OutgoingMessage) -> SendResult:
        """Returns once the server took it, or did not. What ends in silence is `Uncertain`."""
        connection = self._connections.get(link_id)
        if message.template is not None or not message.text:
            return NotSent(trouble=SendErrorKind.REQUEST, detail="only texts can be sent")
        if message.to.kind is not AddressKind.PHONE:
            return NotSent(trouble=SendErrorKind.RECIPIENT_INVALID)
        if connection is None:
            return NotSent(trouble=SendErrorKind.NOT_CONNECTED)
        try:
            sent = await connection.send_text(PhoneNumber(message.to.value), message.text)
        except Problem as problem:
            return _unsent(problem)
        return Accepted(provider_id=sent.message_id, to=message.to)


def _unsent(problem: Problem) -> SendResult:
    """Whoever does not say that it did not leave may have sent it."""
    why = problem.context.get("why", "")
    if problem.code is not ProblemCode.REQUEST_REFUSED:
        return Uncertain(detail=str(problem.code))
    return refusal(why) or Uncertain(detail=why)
