"""The service itself: who is connected, and what happens between a client's arrival and its leaving."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidTag

from tests.emulators.whatsapp_web import iq
from tests.emulators.whatsapp_web.accounts import Accounts, Device
from tests.emulators.whatsapp_web.binary_xml import BinaryXml
from tests.emulators.whatsapp_web.certificates import NoiseIdentity
from tests.emulators.whatsapp_web.connection import Attempt, Connection, UnknownDictionary, client_payload
from tests.emulators.whatsapp_web.faults import FAULTS, ArmedFaults, Ending, EntryFault, LineFault, UpgradeFault
from tests.emulators.whatsapp_web.linking import Linking
from tests.emulators.whatsapp_web.mail import Mail
from tests.emulators.whatsapp_web.nodes import SERVICE, Jid, Node, node
from tests.emulators.whatsapp_web.tokens import Tokens
from tests.emulators.whatsapp_web.websocket import WebSocket

_PATH: Final = "/ws/chat"
_PASSIVE: Final = "passive"
_PING: Final = "w:p"
_ANSWERED: Final = frozenset({"iq", "message"})  # what a client waits for an answer to
_HELLO_SECONDS: Final = 20.0
_ROUND_TRIP_SECONDS: Final = 0.1  # a client turned away faster than any network could may lose the event of it
_BAILEYS_6: Final = 2  # the version of its dictionaries
_KEYS_SECONDS: Final = 0.05  # Baileys 6 loses what arrives sooner after the handshake than over a network: it derives
# its transport keys in the background, and takes a frame before that for an unencrypted one


@dataclass(slots=True)
class ServiceBehaviour:
    """How the service behaves when it is not broken, and how slowly."""

    refs: int = 6
    latency: float = 0.0
    answers_pings: bool = True
    answers_iqs: bool = True


class Service:
    """Everything on the far side of the proxy."""

    def __init__(self, tokens: Mapping[int, Tokens], identity: NoiseIdentity) -> None:
        self.accounts = Accounts()
        self.faults = ArmedFaults()
        self.manners = ServiceBehaviour()
        self.attempts: list[Attempt] = []
        self.lines: list[Connection] = []
        self.mail = Mail(self.accounts, self.faults, self.line_of)
        self.linking = Linking(self.accounts, self.faults)
        self._identity = identity
        self._xml = {version: BinaryXml(words) for version, words in tokens.items()}
        self._numbers = itertools.count(1)

    def line_of(self, device: Device) -> Connection | None:
        """The open line of *device*, if it is online."""
        found = (line for line in self.lines if line.device is device and line.attempt.online and line.open)
        return next(found, None)

    def refused(self, outcome: str) -> None:
        """Remember a client that did not even get in."""
        now = time.monotonic()
        self.attempts.append(Attempt(len(self.attempts) + 1, now, "refused", outcome=outcome, ended=now))

    def strike(self, fault: LineFault, chosen: Callable[[Connection], bool]) -> int:
        """Let *fault* happen to the open lines that are *chosen*; return how many there were."""
        struck = [line for line in self.lines if line.open and chosen(line)]
        for line in struck:
            if fault.unlinks and line.device is not None:
                self.unlink(line.device)
            line.end(fault.ending, fault.stanza)
        return len(struck)

    def unlink(self, device: Device) -> None:
        """Forget *device*: it will be told so when it logs in."""
        self.accounts.get(device.jid.user).devices.pop(device.jid.device, None)
        self.tell_devices_changed(device.jid.user)

    def tell_devices_changed(self, number: str) -> None:
        """Make everybody who is online ask again which devices an account has."""
        account = self.accounts.get(number)
        for line in self.lines:
            if line.device is None:
                continue
            for jid in (account.jid, account.lid):
                now = int(time.time())
                line.send(node("notification", node("update"), from_=jid, type="devices", id=self.next_id(), t=now))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to one client until it has gone."""
        attempt = Attempt(len(self.attempts) + 1, time.monotonic())
        self.attempts.append(attempt)
        socket = WebSocket(reader, writer)
        line = Connection(attempt, socket, self._xml)
        self.lines.append(line)
        try:
            refusal = self.faults.take(UpgradeFault)
            if refusal is not None:
                attempt.outcome = f"upgrade-{refusal.status.value}"
            if await socket.upgrade(_PATH, refusal.status if refusal else None):
                with contextlib.suppress(InvalidTag, StopAsyncIteration, UnknownDictionary):
                    await self._converse(line)
        finally:
            self.lines.remove(line)
            line.finished()

    async def _converse(self, line: Connection) -> None:
        async with asyncio.timeout(_HELLO_SECONDS):
            noise, payload, nodes = await line.shake_hands(self._identity)
        if line.dictionary_version == _BAILEYS_6:
            await asyncio.sleep(_KEYS_SECONDS)
        registration, user, number = client_payload(payload)
        if registration is not None:
            line.attempt.kind, line.registration = "registration", registration
            registration.noise = noise
            if await self._let_in(line, self.faults.take(EntryFault, linking=True)):
                line.send(registration.offer(self.manners.refs, self.next_id()))
        else:
            await asyncio.sleep(self.manners.latency)
            await self._log_in(line, Jid(user, device=number), noise)
        await self._listen(line, nodes)

    async def _let_in(self, line: Connection, fault: EntryFault | None) -> bool:
        if fault is None:
            return True
        line.attempt.outcome = f"failure-{fault.attrs['reason']}"
        await asyncio.sleep(_ROUND_TRIP_SECONDS)
        line.end(Ending.CLOSE, fault.stanza)
        return False

    async def _log_in(self, line: Connection, jid: Jid, noise: bytes) -> None:
        attempt = line.attempt
        attempt.kind, attempt.phone, attempt.device = "login", jid.user, jid.device
        fault = self.faults.take(EntryFault, phone=jid.user)
        device = self.accounts.device(jid)
        if device is None or device.noise != noise:
            gone = FAULTS["failure-401"]
            fault = gone if isinstance(gone, EntryFault) else fault
        if not await self._let_in(line, fault) or device is None:
            return
        if (older := self.line_of(device)) is not None:
            older.end(Ending.CLOSE, node("stream:error", node("conflict", type="replaced")))
            older.device = None
        line.device = device
        line.send(node("success", t=int(time.time()), lid=device.lid, props="27", creation="1", location="emu"))
        attempt.online = time.monotonic()
        for waiting in device.waiting.values():
            line.send(Node(waiting.tag, {**waiting.attrs, "offline": "0"}, waiting.content))
        line.send(node("ib", node("offline", count=len(device.waiting)), from_=SERVICE))

    async def _listen(self, line: Connection, nodes: AsyncIterator[Node]) -> None:
        async for each in nodes:
            if self.manners.latency and each.tag in _ANSWERED:
                await asyncio.sleep(self.manners.latency)
            if (handle := _HANDLERS.get(each.tag)) is not None:
                handle(self, line, each)

    def next_id(self) -> str:
        """An id for a question of the service's own."""
        return f"emu-{next(self._numbers)}"

    def on_iq(self, line: Connection, stanza: Node) -> None:
        """Answer a question, or take an answer to one of ours."""
        if stanza.text("type") in ("result", "error"):
            line.answered(stanza)
            return
        answers = self.manners.answers_pings if stanza.text("xmlns") == _PING else self.manners.answers_iqs
        if not answers:
            return
        if line.registration is not None and stanza.child("link_code_companion_reg") is not None:
            line.send(iq.result(stanza, *self.linking.on_code(line.registration, stanza.at("link_code_companion_reg"))))
            return
        line.send(iq.answer(iq.Asked(stanza, line.device, self.accounts)))
        if stanza.text("xmlns") == _PASSIVE and stanza.child("active") is not None:
            self._on_active(line.device)
        if stanza.child("remove-companion-device") is not None and line.device is not None:
            self.unlink(line.device)
            line.end(Ending.CLOSE)

    def _on_active(self, device: Device | None) -> None:
        """The phone sends a newly linked device what it needs, when the device takes part for the first time."""
        if device is not None and device.sync_due:
            device.sync_due = False
            self.mail.send_first_sync(self.accounts.get(device.jid.user), device)

    def on_message(self, line: Connection, stanza: Node) -> None:
        """Carry a message of a client to whom it is for."""
        if line.device is not None:
            for answer in self.mail.from_device(line.device, stanza):
                line.send(answer)

    def on_receipt(self, line: Connection, stanza: Node) -> None:
        """Carry a receipt to the writer of the message."""
        if line.device is not None:
            line.send(self.mail.receipt_from_device(line.device, stanza))

    def on_ack(self, line: Connection, stanza: Node) -> None:
        """A client has seen something, even if it could not read it."""
        if line.device is not None and stanza.text("class") == "message":
            line.device.waiting.pop(stanza.text("id"), None)


_HANDLERS: Final[Mapping[str, Callable[[Service, Connection, Node], None]]] = MappingProxyType(
    {"iq": Service.on_iq, "message": Service.on_message, "receipt": Service.on_receipt, "ack": Service.on_ack}
)
