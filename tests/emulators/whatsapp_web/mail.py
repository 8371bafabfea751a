"""Messages and receipts: carried between devices, kept for those who are away, written and read by phones."""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from tests.emulators.whatsapp_web.accounts import Account, Accounts, Device
from tests.emulators.whatsapp_web.faults import ArmedFaults, SendFault
from tests.emulators.whatsapp_web.iq import read_key
from tests.emulators.whatsapp_web.message_builders import (
    Letter,
    read_letter,
    write_app_state_keys,
    write_copy,
    write_history,
    write_text,
)
from tests.emulators.whatsapp_web.nodes import LID_SERVER, PHONE_SERVER, Jid, Node, leaf
from tests.emulators.whatsapp_web.signal_end import OPENING, Bundle

_DELIVERED: Final = frozenset({"", "inactive"})
_RETRY: Final = "retry"
PEER: Final = "peer"  # the category of what a phone and its devices say to each other


class Line(Protocol):
    """Where a device can be reached."""

    def send(self, node: Node) -> None:
        """Say one node."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message that a phone has read, or failed to; *own* ones were sent by another device of its account."""

    id: str
    sender: str
    device: int
    letter: Letter
    own: bool
    at: float
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a device said about a message: an empty kind means delivered, and so does ``inactive``."""

    id: str
    phone: str
    device: int
    kind: str
    at: float


class Mail:
    """Who wrote what to whom, and who said so."""

    def __init__(self, accounts: Accounts, faults: ArmedFaults, line_of: Callable[[Device], Line | None]) -> None:
        self.inboxes: dict[str, list[Received]] = {}
        self.receipts: list[Receipt] = []
        self.answers: dict[str, str] = {}  # phones that answer every text, and with what
        self.silent: set[str] = set()  # phones that read and say nothing
        self._accounts = accounts
        self._faults = faults
        self._line_of = line_of
        self._written: dict[str, tuple[Account, bytes, Mapping[str, str | Jid]]] = {}
        self._of_peers: set[str] = set()  # ids of what phones told their devices

    @property
    def acknowledged(self) -> list[str]:
        """Messages that a device has said it has, in the order in which they first were."""
        return list(dict.fromkeys(receipt.id for receipt in self.receipts if receipt.kind in _DELIVERED))

    def send_text(self, sender: Account, to: Account, text: str, device: int | None = None) -> str:
        """Let a phone write *text* to everybody's devices, or to one *device* only; return the message's id."""
        message_id = _new_id()
        plain = write_text(text)
        for each in self._chosen(to, device):
            self._seal(sender, each, message_id, plain)
        if to is not sender:
            self._keep(to, Received(message_id, sender.number, 0, Letter("text", text), own=False, at=time.monotonic()))
            copy = write_copy(to.lid, plain)
            for each in self._chosen(sender, None if device is None else 0):
                self._seal(sender, each, message_id, copy, recipient=to.lid, peer_recipient_pn=to.jid)
        return message_id

    def send_first_sync(self, sender: Account, device: Device) -> None:
        """Let a phone send a newly linked device the key of the shared settings, and word of its history."""
        keys = write_app_state_keys(sender.phone.raw_id, list(sender.devices))
        for plain in (keys, write_history(inline=device.inline_history)):
            message_id = _new_id()
            self._of_peers.add(message_id)
            self._seal(sender, device, message_id, plain, category=PEER)

    def read(self, reader: Account, message_id: str) -> None:
        """Let a phone tell the writer that it has read a message."""
        received = next((each for each in self.inboxes.get(reader.number, []) if each.id == message_id), None)
        if received is None:
            raise LookupError(f"{reader.number} has no message {message_id}")
        writer = self._accounts.get(received.sender).devices.get(received.device)
        if writer is not None:
            self._tell(writer, reader.lid, message_id, "read")

    def from_device(self, writer: Device, node: Node) -> Iterator[Node]:
        """Carry a device's message, after what the service says to the device about it."""
        ack: dict[str, str | Jid] = {
            "class": "message",
            "id": node.text("id"),
            "from": node.jid("to"),
            "t": _now(),
        }
        fault = self._faults.take(SendFault, phone=writer.jid.user)
        if fault is not None and fault.error:
            yield Node("ack", {**ack, "error": fault.error})
            return
        if fault is None:
            yield Node("ack", ack)
        for to, sealed in _parts(node):
            self._carry(writer, node, to, sealed)

    def receipt_from_device(self, reader: Device, node: Node) -> Node:
        """Take a device's receipt to the writer of the message; return what the service says to the device."""
        kind = node.text("type")
        ids = [node.text("id"), *(item.text("id") for group in node.all("list") for item in group.children)]
        writer = self._accounts.device(node.jid("to"))
        for message_id in ids:
            reader.waiting.pop(message_id, None)
            if message_id in self._of_peers:
                self._repeat_on_retry(reader, message_id, kind, node)
                continue
            number = reader.jid.device
            self.receipts.append(Receipt(message_id, reader.jid.user, number, kind, time.monotonic()))
            if writer is not None:
                self._tell(writer, reader.lid, message_id, kind, node.children)
            else:
                self._repeat_on_retry(reader, message_id, kind, node)
        return Node(
            "ack", {"class": "receipt", "id": ids[0], "from": node.jid("to"), **({"type": kind} if kind else {})}
        )

    def _repeat_on_retry(self, reader: Device, message_id: str, kind: str, node: Node) -> None:
        """Let the phone that wrote a message seal it again for a device which could not read it."""
        if kind == _RETRY and message_id in self._written:
            sender, plain, more = self._written[message_id]
            sender.phone.signal.open(reader.lid, _offered(node) or reader.bundle())
            self._seal(sender, reader, message_id, plain, **more)

    def _carry(self, writer: Device, node: Node, to: Jid, sealed: Node) -> None:
        account, device = self._accounts.find(to), self._accounts.device(to)
        if device is not None:
            self._deliver(device, _forwarded(writer, node, to, sealed))
        elif account is not None and not to.device:
            self._read_on_phone(account, writer, node, sealed)

    def _read_on_phone(self, account: Account, writer: Device, node: Node, sealed: Node) -> None:
        message_id, own = node.text("id"), writer.jid.user == account.number
        letter, problem = Letter("", ""), ""
        try:
            letter = read_letter(account.phone.signal.decrypt(writer.lid, sealed.text("type"), sealed.data))
        except (ValueError, LookupError) as error:
            problem = str(error)
        number = writer.jid.device
        self._keep(account, Received(message_id, writer.jid.user, number, letter, own, time.monotonic(), problem))
        if own or problem or account.number in self.silent:
            return
        self._tell(writer, account.lid, message_id, "")
        if (answer := self.answers.get(account.number)) is not None and letter.kind == "text":
            self.send_text(account, self._accounts.get(writer.jid.user), answer)

    def _seal(self, sender: Account, device: Device, message_id: str, plain: bytes, **more: str | Jid) -> None:
        signal = sender.phone.signal
        if not signal.knows(device.lid, device.identity):
            signal.open(device.lid, device.bundle())
        kind, raw = signal.encrypt(device.lid, plain)
        self._written[message_id] = sender, plain, more
        attrs: dict[str, str | Jid] = {
            "from": sender.lid,
            "id": message_id,
            "t": _now(),
            "type": "text",
            "notify": f"Phone {sender.number}",
            "addressing_mode": "lid",
            "sender_pn": sender.jid,
            **more,
        }
        self._deliver(device, Node("message", attrs, (leaf("enc", raw, v=2, type=kind),)))

    def _tell(self, writer: Device, reader: Jid, message_id: str, kind: str, inside: tuple[Node, ...] = ()) -> None:
        attrs: dict[str, str | Jid] = {"from": reader, "id": message_id, "t": _now()}
        line = self._line_of(writer)
        if line is not None:
            line.send(Node("receipt", {**attrs, **({"type": kind} if kind else {})}, inside or None))

    def _deliver(self, device: Device, message: Node) -> None:
        device.waiting[message.text("id")] = message
        if (line := self._line_of(device)) is not None:
            line.send(message)

    def _keep(self, account: Account, received: Received) -> None:
        self.inboxes.setdefault(account.number, []).append(received)

    @staticmethod
    def _chosen(account: Account, device: int | None) -> list[Device]:
        return [each for number, each in account.devices.items() if device in (None, number)]


def _offered(retry: Node) -> Bundle | None:
    """The keys that a device asks to be written to with, after it could not read a message twice."""
    keys = retry.child("keys")
    return Bundle(keys.at("identity").data, read_key(keys.at("skey")), read_key(keys.at("key"))) if keys else None


def _parts(node: Node) -> Iterator[tuple[Jid, Node]]:
    """Who a message is for, and what is sealed for each."""
    for to in node.at("participants").children if node.child("participants") else ():
        yield to.jid("jid"), to.at("enc")
    for sealed in node.all("enc"):
        yield node.jid("to"), sealed


def _forwarded(writer: Device, node: Node, to: Jid, sealed: Node) -> Node:
    hidden = to.server == LID_SERVER
    attrs: dict[str, str | Jid] = {
        "from": writer.lid if hidden else writer.jid,
        "id": node.text("id"),
        "t": _now(),
        "type": node.text("type"),
        "notify": f"Device {writer.jid}",
        **_names(writer, hidden),
    }
    if to.user in (writer.jid.user, writer.lid.user):
        attrs["recipient"] = node.jid("to")
        if isinstance(number := node.attrs.get("peer_recipient_pn"), Jid):
            attrs["peer_recipient_pn"] = number
    vouched = (leaf("device-identity", writer.vouched),) if sealed.text("type") == OPENING else ()
    return Node("message", attrs, (sealed, *vouched))


def _names(writer: Device, hidden: bool) -> Mapping[str, str | Jid]:
    if hidden:
        return {"addressing_mode": "lid", "sender_pn": Jid(writer.jid.user, PHONE_SERVER)}
    return {"addressing_mode": "pn", "sender_lid": writer.lid.bare}


def _new_id() -> str:
    return f"3EB0{secrets.token_hex(9).upper()}"


def _now() -> str:
    return str(int(time.time()))
