"""One instance at Z-API: which phone is linked to it, what waits in its queue, and what went out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Any, Final
from uuid import uuid4

QR_SECONDS: Final = 20
QUEUE_HOLDS: Final = 1000

Post = Callable[[str, dict[str, Any]], None]


class Pairing(StrEnum):
    """Where the instance stands with its phone."""

    DISCONNECTED = "disconnected"
    CONNECTED = "connected"
    NEEDS_RESTORE = "needs_restore"
    PASSKEY = "passkey"  # its phone wants a passkey before it links


@dataclass
class Waiting:
    """One message in the queue; without *leaves*, it waits for the phone."""

    zaap_id: str
    message_id: str
    phone: str
    message: str
    created: datetime
    leaves: datetime | None = None


@dataclass
class Instance:
    """State, and the hooks a test pulls. Times are those of the clock it is given."""

    id: str
    token: str
    now: Callable[[], datetime]
    post: Post
    pairing: Pairing = Pairing.DISCONNECTED
    phone: str = ""  # the number that is linked, or was
    smartphone_online: bool = True
    paid: bool = True
    restore_works: bool = True
    restart_works: bool = True
    takes: float = 0.0  # seconds from a restore or restart to being connected
    disable_enqueue: bool = False
    acknowledges: bool = True  # else what is accepted never reaches WhatsApp, and nobody is told
    phone_code_key: str = "value"
    qr_picture: bool = False  # some answer with a drawn code where its text was asked for
    qr_total: int = 0  # how many were fetched
    queue: list[Waiting] = field(default_factory=list)
    sent: list[Waiting] = field(default_factory=list)  # what WhatsApp has
    without_nine: set[str] = field(default_factory=set)  # accounts whose number lacks the ninth digit
    asked: list[str] = field(default_factory=list)  # "GET status" and so on, in order
    webhooks: dict[str, str] = field(default_factory=dict)
    notify_sent_by_me: bool = False
    statuses: tuple[str, ...] = ("SENT", "RECEIVED")  # what is told of a message after it left; some say DELIVERED
    tokens: int = 0  # how many were given for the extension
    passkey_error: str = ""  # why the last answer to a passkey was not taken
    _token: tuple[str, datetime] | None = None
    _qr_from: datetime | None = None
    _back_at: datetime | None = None
    _random: Random = field(default_factory=lambda: Random(7))  # noqa: S311 - when messages leave

    # --- what a test does

    def link(self, phone: str) -> None:
        """It is connected, and was all along."""
        self.pairing, self.phone = Pairing.CONNECTED, phone

    def scan(self, phone: str, code: str) -> None:
        """*phone* scans *code*, which must be the present one."""
        if code != self.qr():
            raise ValueError("that code is not the present one")
        self._connect(phone)

    def type_code(self, phone: str) -> None:
        """*phone* types the code it was given."""
        self._connect(phone)

    def extension_token(self) -> tuple[str, datetime]:
        """The token for the browser extension and when it expires; each is good once, for five minutes."""
        self.tokens += 1
        self._token = (f"FA48-HS{self.tokens:02}", self.now() + timedelta(minutes=5))
        return self._token

    def answer_passkey(self, token: str, *, error: str = "") -> None:
        """The extension, given *token*, answers the passkey; with *error*, WhatsApp does not take its answer."""
        if self._token is None or token != self._token[0] or self.now() >= self._token[1]:
            raise ValueError("that token is not the present one")
        self._token = None
        self.passkey_error = error
        if not error:
            self.pairing = Pairing.DISCONNECTED

    def drop(self, *, restorable: bool = True, result: bool = True) -> None:
        """The session drops while the phone is alive, or is unlinked on the phone."""
        self.pairing = Pairing.NEEDS_RESTORE if restorable else Pairing.DISCONNECTED
        self._back_at = self._qr_from = None
        if result:
            moment = int(self.now().timestamp())  # in seconds, here
            self.post(
                "disconnected",
                {
                    "type": "DisconnectedCallback",
                    "disconnected": True,
                    "error": "Device has been disconnected",
                    "momment": moment,
                    "instanceId": self.id,
                },
            )

    def enqueue(self, phone: str, message: str) -> Waiting:
        """Somebody, perhaps another program, hands a message over."""
        made = Waiting(uuid4().hex.upper(), uuid4().hex.upper()[:20], phone, message, self.now())
        if self.pairing is Pairing.CONNECTED:
            self._schedule([made])
        self.queue.append(made)
        return made

    # --- what it does

    def settle(self) -> None:
        """Let happen what was due since it was last looked at."""
        now = self.now()
        if self._back_at is not None and self._back_at <= now:
            self._back_at = None
            self._connect(self.phone)
        if self.pairing is not Pairing.CONNECTED or not self.acknowledges:
            return
        due = [waiting for waiting in self.queue if waiting.leaves is not None and waiting.leaves <= now]
        for waiting in due:
            self.queue.remove(waiting)
            self.sent.append(waiting)
            self._tell_delivery(waiting)

    def qr(self) -> str:
        """The text of the present code; it changes every twenty seconds from when it was first asked for."""
        self._qr_from = self._qr_from or self.now()
        number = int((self.now() - self._qr_from).total_seconds() // QR_SECONDS)
        return f"2@{self.id[:8]}{number:04d}AbCdEfGhIjKlMnOpQr,Key{self.id[8:16]}=,Id{number:04d}=,Adv="

    def come_back(self, works: bool) -> None:
        """After a restore or a restart."""
        if works and self.pairing is Pairing.NEEDS_RESTORE:
            self._back_at = self.now() + timedelta(seconds=self.takes)

    def unlink(self) -> None:
        self.drop(restorable=False)
        self.phone = ""

    def purge(self, zaap_id: str | None = None) -> None:
        self.queue = [waiting for waiting in self.queue if zaap_id not in (None, waiting.zaap_id)]

    def _connect(self, phone: str) -> None:
        """Whatever waits goes out now: that is what connecting does."""
        self.pairing, self.phone, self._qr_from = Pairing.CONNECTED, phone, None
        self._schedule(self.queue)
        moment = int(self.now().timestamp() * 1000)
        self.post(
            "connected",
            {
                "type": "ConnectedCallback",
                "connected": True,
                "phone": phone,
                "momment": moment,
                "instanceId": self.id,
            },
        )

    def _schedule(self, waiting: list[Waiting]) -> None:
        last = max((each.leaves for each in self.queue if each.leaves is not None), default=self.now())
        for each in waiting:
            last = each.leaves = max(last, self.now()) + timedelta(seconds=self._random.uniform(1, 3))

    def _tell_delivery(self, waiting: Waiting) -> None:
        moment = int(self.now().timestamp() * 1000)
        fields = {"phone": waiting.phone, "instanceId": self.id, "momment": moment}
        self.post(
            "delivery",
            {"type": "DeliveryCallback", "zaapId": waiting.zaap_id, "messageId": waiting.message_id, **fields},
        )
        for status in self.statuses:
            self.post(
                "message-status",
                {"type": "MessageStatusCallback", "status": status, "ids": [waiting.message_id], **fields},
            )
        if self.notify_sent_by_me:
            self._echo(waiting, moment)

    def _echo(self, waiting: Waiting, moment: int) -> None:
        """What was sent comes back as a message of our own, with its state at that moment."""
        group = waiting.phone.endswith("-group")
        self.post(
            "received",
            {
                "type": "ReceivedCallback",
                "instanceId": self.id,
                "messageId": waiting.message_id,
                "phone": waiting.phone,
                "connectedPhone": self.phone,
                "fromMe": True,
                "fromApi": True,
                "isGroup": group,
                "isNewsletter": False,
                "isEdit": False,
                "broadcast": waiting.phone.endswith("-broadcast"),
                "momment": moment,
                "status": "SENT",
                "chatName": "Turma" if group else "Bia",
                "senderName": "Ana",
                "text": {"message": waiting.message},
            },
        )
