"""The interface between the core and a provider: the events of a connection, and what a provider can do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from app.domain.link_status import HostPlacement, Reason, SendCapability
from app.domain.mentorado import Link, LinkId, Mentorado
from app.domain.messages import AddressKind, MessageUpdate
from app.domain.phone import PhoneNumber
from app.domain.provider_descriptor import CredentialReport, Credentials
from app.domain.sending import NumberDetails, OutgoingMessage, QueuedMessage, SendResult

# --- events of an open connection ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QrIssued:
    """A QR to show for *lifetime* seconds. Its text is a credential and stays out of every representation."""

    text: str = field(repr=False)
    number: int  # counted from 1
    total: int
    lifetime: float


@dataclass(frozen=True, slots=True)
class QrScanned:
    """The phone scanned the code and *account* is being linked; the first sign-in follows by itself."""

    account: PhoneNumber


@dataclass(frozen=True, slots=True)
class Connected:
    """The connection is through, signed in as *account*. Said again whenever a provider that is polled confirms it.

    A link that is connected may still send less than all, because of *reason* and perhaps until a time. *detail* is
    what the provider says about that, without contents or tokens.
    """

    account: PhoneNumber | None
    capability: SendCapability = SendCapability.OK
    reason: Reason = Reason.NONE
    until: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection dropped and the provider is restoring it, without a new connection being opened.

    The core waits *retry_after* seconds before it opens another one; None leaves that to the core.
    """

    reason: Reason
    detail: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A hosted provider did not answer, or not in a way that is understood. Polling goes on."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class Blocked:
    """The connection is over until a person acts; *until* when the provider named a time. *account* is the conflicting
    number, if that is the reason."""

    reason: Reason
    until: datetime | None = None
    detail: str = ""
    account: PhoneNumber | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """This connection is over, another may be tried: the host died, or the first dial did not get through."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ActivitySeen:
    """A sign of life: a server acknowledgement, or a message from outside when *inbound*."""

    at: datetime
    inbound: bool


@dataclass(frozen=True, slots=True)
class HostAnswered:
    """The process of ours that holds the connection answered its heartbeat. It says nothing about the far end."""

    at: datetime
    host: HostPlacement | None = None


@dataclass(frozen=True, slots=True)
class MessagesReceived:
    """Messages and receipts. The provider keeps them until `Connection.confirm` is called with *up_to*, and otherwise
    repeats them on the next connection."""

    facts: tuple[MessageUpdate, ...]
    up_to: int


ConnectionEvent = (
    QrIssued
    | QrScanned
    | Connected
    | Lost
    | Unreachable
    | Blocked
    | Failed
    | ActivitySeen
    | HostAnswered
    | MessagesReceived
)


class Connection(Protocol):
    """An open connection to a provider for one link; leaving its context closes it."""

    def events(self) -> AsyncIterator[ConnectionEvent]:
        """Yield the provider's events until the connection ends."""
        ...

    async def confirm(self, up_to: int) -> None:
        """Everything that arrived up to this mark is stored on our side."""
        ...


class Provider(Protocol):
    """Knows how to reach one messaging service. Raises `Problem` when a connection cannot even be tried."""

    def connect(self, mentorado: Mentorado) -> AbstractAsyncContextManager[Connection]:
        """Open a connection with the stored session or credentials of this link."""
        ...

    async def has_credentials(self, link: Link) -> bool:
        """Whether this link was paired before, so that it can connect without a person."""
        ...


@runtime_checkable
class CanPair(Protocol):
    """A provider whose links are paired with a QR code."""

    def pair(self, mentorado: Mentorado) -> AbstractAsyncContextManager[Connection]:
        """Open a connection that makes a new session. The old one stays untouched until `adopt`."""
        ...

    async def commit_pairing(self, link: Link) -> None:
        """The session that was just paired takes over; what it replaces is quarantined."""
        ...

    async def rollback_pairing(self, link: Link) -> None:
        """Give up the session that was just paired (the phone is told when it can be), and quarantine its file."""
        ...

    async def pending_account(self, link: Link) -> PhoneNumber | None:
        """The number of a paired session that a person has neither accepted nor given up, after a restart."""
        ...


@runtime_checkable
class HasSessionId(Protocol):
    """A provider that can tell sessions apart."""

    async def current_session_id(self, link: Link) -> str:
        """A name for the keys in use: another one after every pairing, empty when there are none. Not a secret."""
        ...


@runtime_checkable
class LocksSessions(Protocol):
    """A provider whose sessions are files that only one program may have open."""

    async def overrule_lock(self, link: Link) -> None:
        """Take the session of *link* from an owner that cannot be proven dead, at the word of a person.

        Raises `Problem(SESSION_IN_USE)` when its owner is known to be alive: then nothing is changed.
        """
        ...


class SessionHolder(StrEnum):
    """Who has the session of a link open."""

    NOBODY = "nobody"
    HERE = "here"
    ELSEWHERE = "elsewhere"  # a program that lives
    UNPROVEN = "unproven"  # a note says so, and nothing here proves or disproves it


@runtime_checkable
class HasSessionFile(Protocol):
    """A provider whose sessions are files, which can be looked at without opening a connection."""

    async def session_holder(self, link: Link) -> tuple[SessionHolder, str]:
        """Who has the session open, and their name for a person; of `NOBODY`, the one who died with it open."""
        ...

    async def read_session(self, link: Link) -> PhoneNumber | None:
        """Whose session the file holds; None when WhatsApp took the keys back. Raises `Problem` for one that cannot be
        used, and changes nothing."""
        ...


@runtime_checkable
class HasPasskeyExtension(Protocol):
    """A provider whose browser extension answers the passkey that WhatsApp asks for."""

    async def extension_token(self, link: Link) -> tuple[str, datetime]:
        """A token to enter in the extension, a credential, and when it expires. Raises `Problem`."""
        ...

    async def asks_for_passkey(self, link: Link) -> bool:
        """Whether the passkey is still awaited. Raises `Problem`."""
        ...

    async def reset_passkey(self, link: Link) -> str:
        """Begin anew after an answer that failed; returns what the provider says of the failure, or nothing. Raises
        `Problem(PROVIDER_SILENT)`."""
        ...


@runtime_checkable
class CanPairByCode(Protocol):
    """A provider whose links can be paired by typing a code on the phone instead of scanning one."""

    async def phone_code(self, link: Link, phone: PhoneNumber) -> str:
        """A code for *phone*, while a QR of *link* is shown. Raises `Problem`; the code is a credential."""
        ...


@runtime_checkable
class CanCheckNow(Protocol):
    """A connection that polls its provider, and can poll at once."""

    def check_now(self) -> None: ...


@runtime_checkable
class UsesCredentials(Protocol):
    """A provider that signs in with ids and tokens that an operator enters."""

    async def check(self, credentials: Credentials) -> CredentialReport:
        """Ask the provider whether *credentials* are valid. Does not raise: not reaching it is a report, too."""
        ...


@runtime_checkable
class HasQueue(Protocol):
    """A provider that keeps messages for a phone that is away, and sends them all as soon as it is back."""

    async def queue(self, link: Link) -> Sequence[QueuedMessage]:
        """The waiting messages, oldest first. Raises `Problem(PROVIDER_SILENT)` when the provider does not answer."""
        ...

    async def purge_queue(self, link: Link) -> int:
        """Delete the waiting messages; returns how many."""
        ...

    def allow_flush(self, link: Link) -> None:
        """The next connection of *link* may come back although messages wait, and will then send them. Holds once."""
        ...


class RegistrationLocked(Exception):
    """The provider counted too many tries and locked the number for a while; it does not say until when."""


@runtime_checkable
class CanRegister(Protocol):
    """A provider at which a number is registered with a PIN. Both may be tried a few times a day only.

    Both raise `Problem`, or `RegistrationLocked`.
    """

    async def register(self, link: Link, pin: str) -> None: ...

    async def deregister(self, link: Link) -> None: ...


@runtime_checkable
class HasNumberDetails(Protocol):
    """A provider with details about a number besides its state."""

    async def details(self, link: Link) -> NumberDetails:
        """Fetch the details. Raises `Problem(PROVIDER_SILENT)` when the provider does not answer."""
        ...


@runtime_checkable
class CanSend(Protocol):
    """A provider that messages can be sent through while a connection is open.

    *reaches* are the kinds of address it can write to, the best first. *echoes_sent* says that what was sent comes back
    as a fact of the connection, by which it gets into the history, also when its fate is uncertain. *window* is how
    long after a contact's last message anything but a template may be sent; None where there are no templates.
    """

    reaches: Sequence[AddressKind]
    echoes_sent: bool
    window: timedelta | None

    async def send(self, mentorado: Mentorado, message: OutgoingMessage) -> SendResult:
        """Send one message. Returns `Uncertain` when it may have been sent; such a message is never resent
        automatically."""
        ...


@runtime_checkable
class HasSessionBackup(Protocol):
    """A provider whose device keys are stored locally."""

    async def copy_session(self, link: Link, to: Path) -> PhoneNumber | None:
        """Copy the keys in use to the new file *to*, also while the connection is open; None when there are none.

        Raises `Problem` when they cannot be read.
        """
        ...

    async def restore_session(
        self, link: Link, file: Path, taken_at: datetime, *, used_since: bool, only_ask: bool = False
    ) -> None:
        """Let the keys in *file* take over; what they replace is quarantined. Asked again, it changes nothing more.

        With *only_ask* nothing is changed, but what would be refused is.

        Raises `Problem(SESSION_USED_SINCE)` unless it is certain that this device was not used after *taken_at*:
        older keys of a device that went on are worse than none. *used_since* is what the log of the link says, which
        says yes when it does not know; the files may know better still.
        """
        ...


@runtime_checkable
class HandlesWebhooks(Protocol):
    """A provider that calls us, where a team has a public address for its webhooks."""

    def handle(self, link_id: LinkId, facts: Sequence[MessageUpdate], check: bool, confirm: Callable[[], None]) -> bool:
        """Hand *facts* to the open connection of *link_id*, which yields `MessagesReceived` and calls *confirm* once
        they are stored; with *check* it asks its provider at once. Returns False, and does nothing, when none is open.

        What is not confirmed when its connection closes is forgotten here: whoever delivered it does so again.
        """
        ...


@runtime_checkable
class HasDebugLog(Protocol):
    """A provider that can write down all it does, for diagnosis."""

    def set_detailed_log(self, on: bool) -> None:
        """Switch the detailed log on or off, for open connections and later ones."""
        ...
