"""What the core needs from the outside world, in the core's own words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from app.domain.audit import AuditEntry, BrokenLink, Deed
from app.domain.connection import LinkStatus, Reason
from app.domain.incident import Finding
from app.domain.lifecycle import Trigger
from app.domain.mentorado import Enrolment, Link, LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.messages import (
    Address,
    ContactId,
    Conversation,
    ConversationId,
    ConversationName,
    HistoryExtent,
    StoredMessage,
    WireFact,
)
from app.domain.operator_settings import OperatorSettings
from app.domain.phone import PhoneNumber
from app.domain.secrets import SecretsPlace

# --- what a provider says about an open line ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CodeIssued:
    """A QR to show for *lifetime* seconds. Its text is a credential and stays out of every representation."""

    text: str = field(repr=False)
    number: int  # counted from 1
    total: int
    lifetime: float


@dataclass(frozen=True, slots=True)
class CodeAccepted:
    """The phone scanned the code and *account* is being linked; the first sign-in follows by itself."""

    account: PhoneNumber


@dataclass(frozen=True, slots=True)
class Opened:
    """The line is through, signed in as *account*."""

    account: PhoneNumber | None


@dataclass(frozen=True, slots=True)
class Lost:
    """The line fell and the provider is bringing it back by itself, without a new line being opened."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The line will not come back without a person; *until* when the far end named a time."""

    reason: Reason
    until: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """This line is over, another may be tried: the host died, or the first dial did not get through."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """A sign of life: a server acknowledgement, or a message from outside when *inbound*."""

    at: datetime
    inbound: bool


@dataclass(frozen=True, slots=True)
class Arrived:
    """Messages and receipts. The provider keeps them until `Line.confirm` was called with *up_to*, and repeats them
    on the next line otherwise."""

    facts: tuple[WireFact, ...]
    up_to: int


Signal = CodeIssued | CodeAccepted | Opened | Lost | Refused | Failed | Heard | Arrived


class Line(Protocol):
    """An open line to a provider for one link; leaving its context closes it."""

    def signals(self) -> AsyncIterator[Signal]:
        """Yield what the provider says, until the line is over."""
        ...

    async def confirm(self, up_to: int) -> None:
        """Everything that arrived up to this mark is stored on our side."""
        ...


class Provider(Protocol):
    """Knows how to reach one messaging service. Raises `Problem` when a line cannot even be tried."""

    def connect(self, enrolment: Enrolment) -> AbstractAsyncContextManager[Line]:
        """Open a line with the credentials that are kept for this link."""
        ...

    async def has_credentials(self, link: Link) -> bool:
        """Whether this link was paired before, so that it can connect without a person."""
        ...


@runtime_checkable
class CanPair(Protocol):
    """A provider whose links are paired by a QR."""

    def pair(self, enrolment: Enrolment) -> AbstractAsyncContextManager[Line]:
        """Open a line that makes a new session. The old one stays untouched until `adopt`."""
        ...

    async def adopt(self, link: Link) -> None:
        """The session that was just paired takes over; what it replaces is quarantined."""
        ...

    async def discard(self, link: Link) -> None:
        """Give up the session that was just paired (the phone is told when it can be), and quarantine its file."""
        ...

    async def undecided_account(self, link: Link) -> PhoneNumber | None:
        """The number of a paired session that a person has neither accepted nor given up, after a restart."""
        ...


@runtime_checkable
class CanLogInDetail(Protocol):
    """A provider that can write down all it does, for diagnosis."""

    def set_detailed_log(self, on: bool) -> None:
        """Begin or end it, on lines that are open and on those to come."""
        ...


class Checks(Protocol):
    """Looks at what all links of a provider share: the way to it, and the time it has."""

    async def look(self, provider: ProviderKind) -> Sequence[Finding]:
        """Takes seconds at most, and does not raise: what cannot be looked at is a finding, too."""
        ...


# --- storage -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One line of a link's log: what moved it, from where to where, and why."""

    link_id: LinkId
    at: datetime
    trigger: Trigger
    before: LinkStatus
    after: LinkStatus


class Roster(Protocol):
    """The mentorados and their links, on disk."""

    async def all(self) -> Sequence[Enrolment]:
        """Everybody, archived ones too, by name."""
        ...

    async def add(self, enrolment: Enrolment) -> None:
        """Store both; raises `Problem(PHONE_TAKEN)` when an active mentorado has that number."""
        ...

    async def save_mentorado(self, mentorado: Mentorado) -> None: ...

    async def save_link(self, link: Link) -> None: ...

    async def by_phone(self, phone: PhoneNumber) -> Mentorado | None:
        """The active mentorado with that number, Brazil's ninth digit aside."""
        ...


class TransitionLog(Protocol):
    """Every move of every link, append-only."""

    async def append(self, transition: Transition) -> None: ...

    async def of(self, mentorado_id: MentoradoId, limit: int = 50) -> Sequence[Transition]:
        """The latest first."""
        ...

    async def latest(self) -> Mapping[LinkId, Transition]:
        """The last move of every link that ever moved."""
        ...


class MessageStore(Protocol):
    """Where what arrives is put."""

    async def store(self, enrolment: Enrolment, facts: Sequence[WireFact], at: datetime) -> Sequence[ConversationId]:
        """Store *facts* in one transaction, each exactly once; returns the conversations that changed."""
        ...


class PersonalHistory(Protocol):
    """What is kept of people: to be handed over, and to be removed."""

    async def conversations(self, mentorado_id: MentoradoId) -> Sequence[Conversation]:
        """The latest first."""
        ...

    async def extent(self, mentorado_id: MentoradoId) -> HistoryExtent: ...

    async def find_contact(self, mentorado_id: MentoradoId, address: Address) -> ContactId | None:
        """Who is reached by *address*, Brazil's ninth digit aside."""
        ...

    def export(
        self, mentorado_id: MentoradoId, *, contact_id: ContactId | None = None
    ) -> AsyncIterator[Sequence[StoredMessage]]:
        """Everything that is kept, oldest first, in batches; of one contact, what they wrote and were written.

        Edits, reactions and revocations come as messages of their own too.
        """
        ...

    async def erase(self, mentorado_id: MentoradoId, contact_id: ContactId, at: datetime) -> int:
        """Remove one contact with every message and no way back; returns how many messages went.

        What is delivered again later, but was sent before *at*, is not stored. Asked again, it completes an erasure
        that a `Problem` interrupted.
        """
        ...

    async def forget_before(self, mentorado_id: MentoradoId | None, moment: datetime) -> int:
        """Remove what was sent before *moment*, of one mentorado or of all; returns how many messages went."""
        ...


class History(MessageStore, PersonalHistory, Protocol):
    """Every message of every link, kept whatever happens to the session or the provider."""

    async def messages(
        self, conversation_id: ConversationId, *, before: int | None = None, limit: int = 60
    ) -> Sequence[StoredMessage]:
        """The newest first, from below the number *before*."""
        ...

    async def messages_after(
        self, conversation_id: ConversationId, number: int, *, limit: int = 60
    ) -> Sequence[StoredMessage]:
        """The oldest first, from above *number*: what follows a message that was found."""
        ...

    async def names(self, conversation_ids: Collection[ConversationId]) -> Mapping[ConversationId, ConversationName]:
        """Who the conversations are with; those that are gone are left out."""
        ...

    async def search(
        self, text: str, *, mentorado_id: MentoradoId | None = None, before: int | None = None, limit: int = 60
    ) -> Sequence[StoredMessage]:
        """Messages with all words of *text*, accents and case aside, the newest first."""
        ...

    async def catch_up(self) -> None:
        """Prepare the search for what was stored since; worth calling when nothing else is to be done."""
        ...


class Audit(Protocol):
    """What people did, append-only."""

    async def record(self, deed: Deed) -> AuditEntry: ...

    async def entries(
        self, *, mentorado_id: MentoradoId | None = None, before: int | None = None, limit: int = 200
    ) -> Sequence[AuditEntry]:
        """The latest first."""
        ...

    async def verify(self) -> BrokenLink | None:
        """Walk the whole chain; None when it holds."""
        ...


class OperatorSettingsStore(Protocol):
    """What operators decided, on disk."""

    async def load(self) -> OperatorSettings: ...

    async def save(self, settings: OperatorSettings, at: datetime) -> None: ...


class Secrets(Protocol):
    """Tokens and keys, outside the database: small texts by name. Never falls back to another place by itself.

    Everything but `place` raises `Problem(SECRETS_UNAVAILABLE)` while there is no place, and `Problem(SECRETS_LOCKED)`
    while a file waits for its passphrase.
    """

    async def place(self) -> SecretsPlace:
        """Where they are now. The first time, the keyring is tried, which may ask the person to unlock it."""
        ...

    async def get(self, name: str) -> str | None: ...

    async def set(self, name: str, value: str) -> None:
        """Raises `Problem(SECRET_TOO_LONG)` for what not every keyring could hold."""
        ...

    async def delete(self, name: str) -> None:
        """Nothing happens when there is none of that *name*."""
        ...


class SecretsChoice(Secrets, Protocol):
    """Secrets whose place a person can choose when there is no keyring."""

    async def keep_in_memory(self) -> None:
        """Until the program ends; where there is another place, it stays in use."""
        ...

    async def keep_in_file(self, passphrase: str) -> None:
        """Make the encrypted file with what is in memory now, or open the one that exists; a keyring stays in use.

        Raises `Problem(PASSPHRASE_SHORT)`, `Problem(PASSPHRASE_WRONG)` or `Problem(SECRETS_FILE_DAMAGED)`.
        """
        ...

    async def set_file_aside(self) -> None:
        """Rename a file that cannot be opened any more, and begin anew; nothing is deleted."""
        ...

    async def try_keyring_again(self) -> SecretsPlace:
        """After the person unlocked or installed one."""
        ...


class Clock(Protocol):
    """Time, injected: UTC now, and waiting."""

    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...
