"""The ports through which the core reaches storage, secrets and time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.domain.audit import AuditEntry, AuditRecord, ChainBreak, Verification
from app.domain.link_status import LinkStatus, Trigger
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId
from app.domain.messages import (
    Address,
    ContactId,
    Conversation,
    ConversationId,
    ConversationRef,
    Correspondent,
    HistoryStats,
    MessageUpdate,
    StoredMessage,
)
from app.domain.phone import PhoneNumber
from app.domain.procedure import JournalEntry, ProcedureId, ProcedureInfo
from app.domain.provider_descriptor import Credentials
from app.domain.set_aside import SetAsideCount, SetAsideDelivery
from app.domain.settings import OperatorSettings, SecretBackendKind
from app.domain.trusted_time import TimeMark


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One line of a link's log: what moved it, from where to where, and why."""

    link_id: LinkId
    at: datetime
    trigger: Trigger
    before: LinkStatus
    after: LinkStatus


class MentoradoRepository(Protocol):
    """The mentorados and their links, on disk."""

    async def all(self) -> Sequence[Mentorado]:
        """All mentorados, archived ones too, sorted by name."""
        ...

    async def add(self, mentorado: Mentorado) -> None:
        """Store both; raises `Problem(PHONE_TAKEN)` when an active mentorado has that number."""
        ...

    async def save_mentorado(self, mentorado: Mentorado) -> None: ...

    async def save_link(self, link: Link) -> None:
        """Store how *link* is configured. Whether it is in use is changed by `put_in_use` alone."""
        ...

    async def links_beside(self) -> Sequence[Link]:
        """Every link that is not in use."""
        ...

    async def add_link(self, link: Link) -> None:
        """Store a link beside the one in use."""
        ...

    async def put_in_use(self, link: Link) -> None:
        """Make *link* the one in use, in one transaction with the end of the other's. Repeating it is safe."""
        ...

    async def save(self, mentorado: Mentorado) -> None:
        """Both in one transaction."""
        ...

    async def by_phone(self, phone: PhoneNumber) -> Mentorado | None:
        """The active mentorado with that number, in whatever form of it."""
        ...


class ForeignCommits(Protocol):
    """Notices that another program changed the database."""

    async def version(self) -> object:
        """Equal to the last answer as long as no other program committed anything. Raises `Problem`."""
        ...


class TransitionRepository(Protocol):
    """Every move of every link, append-only."""

    async def append(self, transition: Transition) -> None: ...

    async def for_mentorado(self, mentorado_id: MentoradoId, limit: int = 50) -> Sequence[Transition]:
        """The latest first."""
        ...

    async def since(self, link_id: LinkId, moment: datetime) -> Sequence[Transition]:
        """The moves from *moment* on in the order they happened, and before them the one that led there, if any."""
        ...

    async def latest(self) -> Mapping[LinkId, Transition]:
        """The last move of every link that ever moved."""
        ...

    async def forbidding(self) -> Mapping[LinkId, Transition]:
        """Of every link whose number WhatsApp forbade: the move that said so last, unless the link was connected or a
        person lifted it later."""
        ...


class AccountOwners(Protocol):
    """Which link an account belongs to: one account belongs to one link.

    All raise `Problem(ACCOUNT_TAKEN)`, which names the mentorado whose account it is.
    """

    async def require_alone(self, link: Link, credentials: Credentials) -> None:
        """No other link has the account that *credentials* lead to: before anything is done to it that cannot be
        undone."""
        ...

    async def require_first(self, link: Link, credentials: Credentials) -> None:
        """*link* may use the account: of two that kept the same one, the one that was connected with it may, or else
        the one that was enrolled first. Where both were connected, the number that signs in decides."""
        ...

    def require_nobodys(self, number: PhoneNumber, besides: LinkId) -> None:
        """*number* is no other link's WhatsApp number."""
        ...


class MessageWriter(Protocol):
    """Stores messages and receipts as they arrive."""

    async def store(
        self, mentorado: Mentorado, facts: Sequence[MessageUpdate], at: datetime
    ) -> Sequence[ConversationId]:
        """Store *facts* in one transaction, each exactly once; returns the conversations that changed.

        Raises `NotStorable` when it is one of the facts that is refused, and not the disk: nothing was stored then.
        """
        ...


class SetAsideDeliveries(Protocol):
    """Deliveries that were set aside instead of stored."""

    async def counts(self, mentorado_id: MentoradoId | None = None) -> Sequence[SetAsideCount]:
        """By link, kind and reason, the latest first; of everybody without *mentorado_id*."""
        ...

    async def latest(self, mentorado_id: MentoradoId | None = None, *, limit: int = 50) -> Sequence[SetAsideDelivery]:
        """The latest first."""
        ...


class PersonalDataRepository(Protocol):
    """The stored data of contacts, for export and erasure."""

    async def conversations(self, mentorado_id: MentoradoId) -> Sequence[Conversation]:
        """The latest first."""
        ...

    async def extent(self, mentorado_id: MentoradoId) -> HistoryStats: ...

    async def contacts(self, mentorado_id: MentoradoId) -> int:
        """The number of known people, groups and channels."""
        ...

    async def find_contact(self, mentorado_id: MentoradoId, address: Address) -> ContactId | None:
        """The contact with *address*, in any form of its number."""
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

        What is delivered again later, but was sent before *at*, is not stored. `overwrite` is due afterwards.
        """
        ...

    async def erase_recorded(self, mentorado_id: MentoradoId, address: Address, at: datetime) -> int:
        """Like `erase`, for a contact whom only the ledger of consent knows; returns 0, as there were no messages."""
        ...

    async def recorded(self, mentorado_id: MentoradoId, address: Address) -> Sequence[Address]:
        """The addresses by which the ledger of consent names who has *address*, in any form of its number."""
        ...

    async def addresses(self, mentorado_id: MentoradoId, contact_id: ContactId) -> Sequence[Address]:
        """All addresses of a contact."""
        ...

    async def was_erased(self, mentorado_id: MentoradoId, address: Address) -> bool:
        """Whether a contact with *address* was erased earlier."""
        ...

    async def traces_left(self) -> bool:
        """Whether something was erased since `overwrite` was done last."""
        ...

    async def overwrite(self) -> None:
        """Rewrite the database file so that no erased data remains in it. Needs its size as free disk space. Raises
        `Problem` and changes nothing then."""
        ...

    async def delete_before(
        self, mentorado_id: MentoradoId | None, moment: datetime, *, at_most: int | None = None
    ) -> int:
        """Delete messages sent before *moment*, of one mentorado or of all, the oldest stored first. Returns how many
        were deleted, at most *at_most*."""
        ...

    async def total(self) -> int:
        """The number of stored messages of all mentorados."""
        ...


class MessageRepository(MessageWriter, PersonalDataRepository, Protocol):
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

    async def names(self, conversation_ids: Collection[ConversationId]) -> Mapping[ConversationId, ConversationRef]:
        """The mentorado and title of each conversation; deleted ones are left out."""
        ...

    async def correspondent(self, conversation_id: ConversationId) -> Correspondent | None:
        """The contact or group of a conversation; None when it was deleted."""
        ...

    async def search(
        self, text: str, *, mentorado_id: MentoradoId | None = None, before: int | None = None, limit: int = 60
    ) -> Sequence[StoredMessage]:
        """Messages with all words of *text*, accents and case aside, the newest first."""
        ...

    async def index_pending(self) -> None:
        """Prepare the search for what was stored since; worth calling when nothing else is to be done."""
        ...


class AuditLog(Protocol):
    """The audit log, append-only."""

    def begin_anew(self) -> None:
        """Forget what is known of the log's last entry: the database was replaced by a person."""
        ...

    async def settled(self) -> None:
        """Wait briefly until the last entry is noted outside the database."""
        ...

    async def record(self, record: AuditRecord) -> AuditEntry:
        """Raises `Problem`, and nothing is written then."""
        ...

    def with_changes(self, make_record: Callable[[int], AuditRecord | None]) -> AbstractContextManager[None]:
        """Within this, a transaction of the caller also writes the entry of *make_record*: both are stored, or neither.

        *make_record* is given the number of rows, of those that people count, that went or came; None writes no entry.
        """
        ...

    async def entries(
        self, *, mentorado_id: MentoradoId | None = None, before: int | None = None, limit: int = 200
    ) -> Sequence[AuditEntry]:
        """The latest first."""
        ...

    async def head(self) -> tuple[int, str]:
        """The number and hash of the last entry; 0 and zeros while there is none."""
        ...

    async def verify(self) -> ChainBreak | None:
        """Walk the whole chain; None when it holds."""
        ...

    async def verification(self) -> Verification:
        """Walk the whole chain, with its seals and what the keyring remembers, if that answers in time."""
        ...


class ProcedureJournal(Protocol):
    """What procedures did, append-only. An entry is on disk when `append` returns."""

    async def begin(self, head: ProcedureInfo, first: JournalEntry) -> None:
        """Store a new procedure and its first entry in one transaction."""
        ...

    async def append(self, entry: JournalEntry) -> None: ...

    async def for_mentorado(self, procedure_id: ProcedureId) -> tuple[ProcedureInfo, Sequence[JournalEntry]]:
        """Raises `Problem(PROCEDURE_UNKNOWN)`."""
        ...

    async def unfinished(self) -> Sequence[tuple[ProcedureInfo, Sequence[JournalEntry]]]:
        """Procedures whose journal has no final entry, oldest first."""
        ...

    async def order(self, mentorado_id: MentoradoId) -> Mapping[ProcedureId, int]:
        """Every procedure of one mentorado, with a number that grows as they are begun, whatever the clock says."""
        ...

    async def latest(
        self, mentorado_id: MentoradoId, limit: int = 20
    ) -> Sequence[tuple[ProcedureInfo, Sequence[JournalEntry]]]:
        """The latest first."""
        ...


class ProcedureLocks(Protocol):
    """Which program moves a procedure: one at most. The system gives a lock back when its program dies."""

    def take(self, procedure_id: ProcedureId, *, overrule: bool = False) -> None:
        """Raises `Problem(PROCEDURE_HELD)` unless no other program holds it, or the one that did is proven dead.

        With *overrule*, one of which nothing can be proven from here is not believed either. Repeating it is safe.
        """
        ...

    def release(self, procedure_id: ProcedureId) -> None: ...

    def holder(self, procedure_id: ProcedureId) -> str:
        """The other program that holds the procedure, as text; empty when none that may be alive does."""
        ...


RowsCheck = Callable[[Sequence[Mapping[str, object]]], None]
"""Raises `Problem(BACKUP_ALTERED)` for rows that no dump would hold, or that speak of what was not told before them."""


class HistoryDump(Protocol):
    """Takes one mentorado's whole history out, and brings it in again without doubling anything."""

    async def counts(self, mentorado_id: MentoradoId) -> Mapping[str, int]:
        """The number of rows of each kind, by the names that `dump` uses."""
        ...

    def dump(self, mentorado_id: MentoradoId) -> AsyncIterator[Sequence[Mapping[str, object]]]:
        """Yield the whole history in batches of plain rows with a ``kind``; contacts come before their messages."""
        ...

    def checker(self) -> RowsCheck:
        """A check of one dump, from its first batch to its last; any thread may use it."""
        ...

    async def merge(
        self, mentorado_id: MentoradoId, batches: Iterable[Sequence[Mapping[str, object]]], *, keep: bool = True
    ) -> int:
        """Store what is not there yet, in its order; returns how many messages were new. Repeating it is safe.

        All batches are one transaction: what they raise, or `Problem(BACKUP_ALTERED)` for rows that no dump would hold,
        leaves the history as it was. They are asked for in the database's thread. What was erased since stays erased.
        Without *keep*, nothing is stored, and the answer says how many messages would be new.
        """
        ...


class RegistrationAttempts(Protocol):
    """When a number was registered or deregistered at its provider, which allows a few tries in some days only."""

    async def add(self, link_id: LinkId, at: datetime) -> None:
        """Store the attempt. It is on disk when this returns, so before the provider is asked."""
        ...

    async def since(self, link_id: LinkId, moment: datetime) -> Sequence[datetime]:
        """The tries after *moment*, the oldest first."""
        ...


class SettingsRepository(Protocol):
    """Stores the operator settings."""

    async def load(self) -> OperatorSettings: ...

    async def save(self, settings: OperatorSettings, at: datetime) -> None: ...


class SecretStore(Protocol):
    """Tokens and keys, outside the database: small texts by name. Never falls back to another place by itself.

    Everything but `place` raises `Problem(SECRETS_UNAVAILABLE)` while there is no place, and `Problem(SECRETS_LOCKED)`
    while a file waits for its passphrase.
    """

    async def place(self) -> SecretBackendKind:
        """Where they are now. The first time, the keyring is tried, which may ask the person to unlock it."""
        ...

    async def get(self, name: str) -> str | None: ...

    async def set(self, name: str, value: str) -> None:
        """Raises `Problem(SECRET_TOO_LONG)` for what not every keyring could hold."""
        ...

    async def delete(self, name: str) -> None:
        """Delete the secret; does nothing when there is none of that *name*."""
        ...


class SecretStoreSelector(SecretStore, Protocol):
    """A secret store whose backend a person can choose when there is no keyring."""

    async def use_memory(self) -> None:
        """Until the program ends; where there is another place, it stays in use."""
        ...

    async def use_file(self, passphrase: str) -> None:
        """Make the encrypted file with what is in memory now, or open the one that exists; a keyring stays in use.

        Raises `Problem(PASSPHRASE_SHORT)`, `Problem(PASSPHRASE_WRONG)` or `Problem(SECRETS_FILE_DAMAGED)`.
        """
        ...

    async def retire_file(self) -> None:
        """Rename a file that cannot be opened any more, and begin anew; nothing is deleted."""
        ...

    async def retry_keyring(self) -> SecretBackendKind:
        """After the person unlocked or installed one."""
        ...


class Clock(Protocol):
    """Time, injected: UTC now, and waiting."""

    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...


class CheckedClock(Clock, Protocol):
    """A clock that can be compared with a provider's."""

    async def checked_now(self) -> datetime:
        """The current time, bounded by a provider's time when one answers: anything sent from now on is dated later."""
        ...


class TimeRecords(Protocol):
    """Times recorded in the database, to judge the clock by."""

    async def mark(self) -> TimeMark | None:
        """The one stored last."""
        ...

    async def save(self, mark: TimeMark) -> None: ...

    async def newest(self) -> datetime | None:
        """The latest date that the program itself put on something; None when there is nothing."""
        ...

    async def correct(self, now: datetime) -> int:
        """Set dates that are later than *now*, and would have an effect until then, to *now*; returns how many."""
        ...


class ProviderTime(Protocol):
    """A clock that is not this computer's."""

    async def ask(self) -> datetime | None:
        """Ask a provider for the time; None when none answers within seconds. Never raises."""
        ...
