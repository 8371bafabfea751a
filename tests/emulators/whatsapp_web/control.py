"""A test's hand on the emulator: every operation as a method, over a line that any thread may use."""

import asyncio
import json
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")
_MARGIN: Final = 10.0  # the emulator gives up before we do


class EmulatorRefused(Exception):
    """The emulator refused an operation, or a wait was in vain."""


@dataclass(frozen=True, slots=True)
class LinkedDevice:
    """A device of a simulated phone."""

    device: int
    jid: str
    lid: str
    keys: int


@dataclass(frozen=True, slots=True)
class Dialed:
    """One attempt of a client to connect; times are ``time.monotonic()``, the same in every process."""

    number: int
    began: float
    kind: str
    phone: str
    device: int
    outcome: str
    online: float | None
    ended: float | None


@dataclass(frozen=True, slots=True)
class PhoneMessage:
    """A message that a simulated phone has; *kind* is ``text`` or the name of what else it is."""

    id: str
    sender: str
    device: int
    kind: str
    text: str
    own: bool
    at: float
    problem: str


@dataclass(frozen=True, slots=True)
class DeviceReceipt:
    """What a linked device said about a message; delivered is an empty kind, or ``inactive``."""

    id: str
    phone: str
    device: int
    kind: str
    at: float


class EmulatorControl:
    """Asks the emulator that runs in *directory*. Each question has its own connection and an end in time."""

    def __init__(self, directory: Path) -> None:
        state = json.loads((directory / "emulator.json").read_text())
        self._address = ("127.0.0.1", int(state["control"]))
        self.pid = int(state["pid"])

    async def off_loop(self, do: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Call one of the methods below from a coroutine without stopping the loop."""
        return await asyncio.to_thread(do, *args, **kwargs)

    # Phones and devices

    def add_account(self, phone: str) -> str:
        """Make a phone with that number; return its hidden address."""
        return str(self._ask("add_account", phone=phone)["lid"])

    def scan(self, phone: str, qr_text: str) -> LinkedDevice:
        """Let the phone scan a code; returns once the client is linked (it logs in a moment later)."""
        return LinkedDevice(**self._ask("scan", phone=phone, qr_text=qr_text))

    def type_pairing_code(self, phone: str, code: str) -> LinkedDevice:
        """Let the phone type the eight letters that a client shows for its number."""
        return LinkedDevice(**self._ask("type_pairing_code", phone=phone, code=code))

    def forge_session(self, phone: str) -> dict[str, str | int]:
        """Link a device without a client; return what its client would keep, with keys in base64 (see `forged`)."""
        kept: dict[str, str | int] = self._ask("forge_session", phone=phone)["session"]
        return kept

    def devices(self, phone: str) -> list[LinkedDevice]:
        """The devices linked to the phone."""
        return [LinkedDevice(**each) for each in self._ask("devices", phone=phone)["devices"]]

    def remove_device(self, phone: str, device: int) -> bool:
        """Unlink a device on the phone; whether it was online to hear of it."""
        return bool(self._ask("remove_device", phone=phone, device=device)["told"])

    # Messages

    def send_text(self, sender: str, to: str, text: str, device: int | None = None) -> str:
        """Let the phone *sender* write to the account *to*, or to one device of it; return the message's id."""
        return str(self._ask("send_text", sender=sender, to=to, text=text, device=device)["id"])

    def stream_texts(self, sender: str, to: str, count: int, prefix: str = "text ", within: float = 60.0) -> list[str]:
        """Let the phone write *count* numbered texts as fast as it can; return their ids in order."""
        asked = {"sender": sender, "to": to, "count": count, "prefix": prefix}
        return list(self._ask("stream_texts", timeouts=within, **asked)["ids"])

    def answer_texts(self, phone: str, text: str | None) -> None:
        """Let the phone answer every text with this one from now on; None ends it."""
        self._ask("answer_texts", phone=phone, text=text)

    def silence(self, phone: str, silent: bool = True) -> None:
        """Let the phone keep receipts and answers to itself."""
        self._ask("silence", phone=phone, silent=silent)

    def read(self, phone: str, message: str) -> None:
        """Let the phone say that it has read a message."""
        self._ask("read", phone=phone, message=message)

    def inbox(self, phone: str) -> list[PhoneMessage]:
        """What the phone has received and opened, oldest first."""
        return _messages(self._ask("inbox", phone=phone))

    def receipts(self) -> list[DeviceReceipt]:
        """Everything that linked devices said about messages, oldest first."""
        return [DeviceReceipt(**each) for each in self._ask("receipts")["receipts"]]

    def acknowledged(self) -> list[str]:
        """The ids of messages that linked devices said they have, in order."""
        return list(self._ask("acknowledged")["ids"])

    def waiting(self, phone: str) -> dict[int, list[str]]:
        """By device, the ids of messages that it has not acknowledged; they are sent again at its next login."""
        return {int(device): ids for device, ids in self._ask("waiting", phone=phone)["ids"].items()}

    # Connections

    def attempts(self) -> list[Dialed]:
        """Every attempt to connect since the start, oldest first."""
        return [Dialed(**each) for each in self._ask("attempts")["attempts"]]

    def connections(self) -> list[Dialed]:
        """The attempts that are open connections now."""
        return [each for each in self.attempts() if each.ended is None]

    # Waiting; each raises EmulatorRefused when it was in vain

    def wait_online(self, phone: str, within: float = 20.0, since: float | None = None) -> Dialed:
        """Wait until a device of the phone has logged in, after *since* if given, and is still there."""
        return Dialed(**self._ask("wait_online", timeouts=within, phone=phone, within=within, since=since))

    def wait_received(self, phone: str, count: int = 1, within: float = 20.0) -> list[PhoneMessage]:
        """Wait until the phone has *count* messages in all."""
        return _messages(self._ask("wait_received", timeouts=within, phone=phone, count=count, within=within))

    def wait_acknowledged(self, count: int, within: float = 20.0) -> list[str]:
        """Wait until linked devices have acknowledged *count* messages in all."""
        return list(self._ask("wait_acknowledged", timeouts=within, count=count, within=within)["ids"])

    # Bad days

    def fault(self, name: str, phone: str | None = None, *, times: int | None = 1, linking: bool = False) -> int:
        """Let a fault of the table in `faults` happen; return how many open lines it struck.

        Faults of open lines happen now. The others wait for their moment, *times* times, or with None until they
        are cleared; a failure strikes logins, or with *linking* clients that are not linked yet.
        """
        return int(self._ask("fault", name=name, phone=phone, times=times, linking=linking)["struck"])

    def clear_faults(self, phone: str | None = None) -> None:
        """Forget what waits: a phone's faults, or everything, and then behave well and quickly again too."""
        self._ask("clear_faults", phone=phone)

    def set_latency(self, seconds: float) -> None:
        """Think this long before each answer."""
        self._ask("behave", latency=seconds)

    def set_ref_count(self, count: int) -> None:
        """How many codes a client may show from the next registration on; six is what the real service gives."""
        self._ask("behave", refs=count)

    def more_refs(self, count: int = 6) -> int:
        """Give every client that waits to be linked a new set of codes now; return how many clients wait."""
        return int(self._ask("more_refs", count=count)["clients"])

    def answer_pings(self, answered: bool) -> None:
        """Whether keep-alive pings are answered."""
        self._ask("behave", pings=answered)

    def answer_iqs(self, answered: bool) -> None:
        """Whether other questions are answered."""
        self._ask("behave", iqs=answered)

    def network(self, up: bool) -> None:
        """Cut every line and let nobody in, or let them in again."""
        self._ask("behave", network=up)

    def _ask(self, do: str, timeouts: float = 30.0, **arguments: Any) -> dict[str, Any]:
        limit = timeouts + _MARGIN
        with socket.create_connection(self._address, limit) as line, line.makefile("rwb") as file:
            line.settimeout(limit)
            file.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
            file.flush()
            answer: dict[str, Any] = json.loads(file.readline() or b'{"ok": false, "error": "the emulator has gone"}')
        if not answer.pop("ok"):
            raise EmulatorRefused(f"{do}: {answer['error']}")
        return answer


def _messages(answer: dict[str, Any]) -> list[PhoneMessage]:
    messages: Sequence[dict[str, Any]] = answer["messages"]
    return [PhoneMessage(**{key: each[key] for key in each if key != "letter"}, **each["letter"]) for each in messages]
