"""The rows of a dumped history, and the validation of each before a merge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from app.domain.consent import ConsentChange, ConsentSource, Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import ProviderKind, is_id
from app.domain.messages import Address, AddressKind, DeliveryStatus, MessageKind
from app.domain.notes import MOST_NOTE

_LONGEST: Final = 4 << 20
"""Letters of one text. What people can send is far shorter; a limit below that would make a good backup a bad one."""


MOST: Final = 500_000
"""People, conversations or erasures in one dump: what is remembered of it takes memory."""


RowValues = Mapping[str, Any]


WHERE: Final = "history.jsonl"
"""The file in a backup that holds the rows, named when it was altered."""


@dataclass(frozen=True, slots=True)
class ContactRow:
    id: str
    many: bool
    name: str
    named_at: datetime | None
    created_at: datetime
    last_at: datetime | None  # when the last message was sent that would go with their erasure
    addresses: tuple[Address, ...]

    @classmethod
    def read(cls, row: RowValues) -> ContactRow:
        addresses = [Address(AddressKind(kind), _text(value)) for kind, value in row["addresses"]]
        if not addresses:
            raise ValueError("nobody is without an address")
        return cls(
            _id(row["id"]),
            _flag(row["many"]),
            _text(row["name"]),
            _maybe_time(row["named_at"]),
            _time(row["created_at"]),
            _maybe_time(row["last_at"]),
            tuple(dict.fromkeys(addresses)),
        )


@dataclass(frozen=True, slots=True)
class ConversationRow:
    id: str
    contact_id: str
    created_at: datetime

    @classmethod
    def read(cls, row: RowValues) -> ConversationRow:
        return cls(_id(row["id"]), _id(row["contact_id"]), _time(row["created_at"]))


@dataclass(frozen=True, slots=True)
class FormerIdRow:
    """An id that leads to another since both turned out to be one."""

    id: str
    now: str
    created_at: datetime

    @classmethod
    def read(cls, row: RowValues) -> FormerIdRow:
        return cls(_id(row["id"]), _id(row["now"]), _time(row["created_at"]))


MessageKey = tuple[bool, str]
"""Equal for the same message, whichever link it came through; only Meta names it by an id of its own."""


def message_key(provider: str, provider_id: str) -> MessageKey:
    return provider == ProviderKind.META_CLOUD, provider_id


@dataclass(frozen=True, slots=True)
class AliasRow:
    """The id under which another link reported a message."""

    link_id: str
    provider: str
    provider_id: str
    stored_at: datetime

    @property
    def key(self) -> MessageKey:
        return message_key(self.provider, self.provider_id)

    @classmethod
    def read(cls, row: RowValues) -> AliasRow:
        provider, provider_id = ProviderKind(row["provider"]).value, _text(row["provider_id"])
        return cls(_id(row["link_id"]), provider, provider_id, _time(row["stored_at"]))


@dataclass(frozen=True, slots=True)
class MessageRow:
    """*columns* are those of the table that are stored as they were dumped."""

    conversation_id: str
    link_id: str
    sender_id: str | None
    delivery: DeliveryStatus | None
    columns: dict[str, Any]
    aliases: tuple[AliasRow, ...] = ()

    @property
    def key(self) -> MessageKey:
        return message_key(self.columns["provider"], self.columns["provider_id"])

    @property
    def keys(self) -> tuple[MessageKey, ...]:
        """Its own first."""
        return self.key, *(each.key for each in self.aliases)

    @property
    def kind(self) -> MessageKind:
        return MessageKind(self.columns["kind"])

    @classmethod
    def read(cls, row: RowValues) -> MessageRow:
        delivery, sender_id = row["delivery"], row["sender_id"]
        columns = {
            "provider": ProviderKind(row["provider"]).value,
            "provider_id": _text(row["provider_id"]),
            "from_me": _flag(row["from_me"]),
            "sender_name": _text(row["sender_name"]),
            "kind": MessageKind(row["type"]).value,
            "text": _text(row["text"]),
            **_media(row["media"]),
            "refers_to": None if row["refers_to"] is None else _text(row["refers_to"]),
            **{name: _time(row[name]) for name in ("sent_at", "received_at", "stored_at")},
            "edited_text": None if row["edited_text"] is None else _text(row["edited_text"]),
            "failure": _failure(row),
            **{name: _maybe_time(row[name]) for name in ("edited_at", "revoked_at")},
        }
        return cls(
            _id(row["conversation_id"]),
            _id(row["link_id"]),
            None if sender_id is None else _id(sender_id),
            None if delivery is None else DeliveryStatus(delivery),
            columns,
            tuple(map(AliasRow.read, row.get("aliases", ()))),  # earlier versions stored none
        )


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    link_id: str
    provider: str
    provider_id: str
    delivery: DeliveryStatus
    at: datetime
    failure: str | None

    @property
    def key(self) -> MessageKey:
        return message_key(self.provider, self.provider_id)

    @classmethod
    def read(cls, row: RowValues) -> ReceiptRow:
        provider, provider_id = ProviderKind(row["provider"]).value, _text(row["provider_id"])
        delivery, at = DeliveryStatus(row["delivery"]), _time(row["at"])
        return cls(_id(row["link_id"]), provider, provider_id, delivery, at, _failure(row))


@dataclass(frozen=True, slots=True)
class SuppressionRow:
    hash: str
    erased_at: datetime

    @classmethod
    def read(cls, row: RowValues) -> SuppressionRow:
        return cls(_hash(row["hash"]), _time(row["erased_at"]))


@dataclass(frozen=True, slots=True)
class DumpedEntry:
    """An entry of the ledger of consent; its *values* are those of a `ConsentEntry`."""

    hash: str
    address: Address | None  # None for a contact who was erased
    values: dict[str, Any]

    @classmethod
    def read(cls, row: RowValues) -> DumpedEntry:
        purpose, address = row["purpose"], None
        if row["address"] is not None:
            kind, value = row["address"]
            address = Address(AddressKind(kind), _text(value))
        values = {
            "change": ConsentChange(row["change"]),
            "purpose": None if purpose is None else Purpose(purpose),
            "source": ConsentSource(row["source"]),
            "at": _time(row["at"]),
            **{name: _text(row[name]) for name in ("recorded_by", "wording", "version", "note", "import_id")},
        }
        return cls(_hash(row["hash"]), address, values)


@dataclass(frozen=True, slots=True)
class ConsentsRow:
    """What the ledger has of one contact, in the order of recording."""

    entries: tuple[DumpedEntry, ...]

    @classmethod
    def read(cls, row: RowValues) -> ConsentsRow:
        return cls(tuple(map(DumpedEntry.read, row["entries"])))


@dataclass(frozen=True, slots=True)
class NoteRow:
    """What staff wrote about the mentorado."""

    id: str
    text: str
    author: str
    written_at: datetime
    edited_by: str
    edited_at: datetime | None

    @classmethod
    def read(cls, row: RowValues) -> NoteRow:
        text = _text(row["text"])
        if len(text) > MOST_NOTE:
            raise ValueError("longer than a note")
        return cls(
            _id(row["id"]),
            text,
            _text(row["author"]),
            _time(row["written_at"]),
            _text(row["edited_by"]),
            _maybe_time(row["edited_at"]),
        )


@dataclass(frozen=True, slots=True)
class DumpedRows:
    """The rows of one batch, by kind."""

    contacts: list[ContactRow] = field(default_factory=list)
    former_contacts: list[FormerIdRow] = field(default_factory=list)
    conversations: list[ConversationRow] = field(default_factory=list)
    former_conversations: list[FormerIdRow] = field(default_factory=list)
    messages: list[MessageRow] = field(default_factory=list)
    suppressions: list[SuppressionRow] = field(default_factory=list)
    early_receipts: list[ReceiptRow] = field(default_factory=list)
    consents: list[ConsentsRow] = field(default_factory=list)
    notes: list[NoteRow] = field(default_factory=list)


def read(rows: Iterable[Mapping[str, object]]) -> DumpedRows:
    """Raises `Problem(BACKUP_ALTERED)` for the first row that no dump would hold."""
    dumped_rows = DumpedRows()
    try:
        for row in rows:
            _read(dumped_rows, row)
    except (KeyError, TypeError, ValueError, OverflowError) as error:  # one of each is what hostile values lead to
        why = f"not a row of a dump: {type(error).__name__}"
        raise Problem(ProblemCode.BACKUP_ALTERED, path="", detail=WHERE, why=why) from error
    return dumped_rows


class DumpCheck:
    """Checks the batches of one dump in their order: their rows, and that each is about what was told before it.

    What it lets pass can be merged into any history.
    """

    def __init__(self) -> None:
        self._contact_ids: set[bytes] = set()
        self._conversation_ids: set[bytes] = set()
        self._providers: dict[bytes, str] = {}  # by link
        self._erasures = 0

    def __call__(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Raises `Problem(BACKUP_ALTERED)`."""
        dumped_rows = read(rows)
        self._erasures += len(dumped_rows.suppressions)
        self._contact_ids.update(bytes.fromhex(each.id) for each in dumped_rows.contacts)
        self._learn_former(self._contact_ids, dumped_rows.former_contacts)
        for talk in dumped_rows.conversations:
            self._require(talk.contact_id, self._contact_ids)
            self._conversation_ids.add(bytes.fromhex(talk.id))
        self._learn_former(self._conversation_ids, dumped_rows.former_conversations)
        for row in dumped_rows.messages:
            self._require(row.conversation_id, self._conversation_ids)
            if row.sender_id is not None:
                self._require(row.sender_id, self._contact_ids)
            self._learn_link(row.link_id, row.columns["provider"])
            for alias in row.aliases:
                self._learn_link(alias.link_id, alias.provider)
        for each in dumped_rows.early_receipts:
            self._learn_link(each.link_id, each.provider)
        if max(len(self._contact_ids), len(self._conversation_ids), len(self._providers), self._erasures) > MOST:
            raise _altered_problem("more people than anybody knows")

    def _learn_former(self, known: set[bytes], rows: Iterable[FormerIdRow]) -> None:
        for each in rows:
            former = bytes.fromhex(each.id)
            if former not in known:
                self._require(each.now, known)
                known.add(former)

    def _learn_link(self, link_id: str, provider: str) -> None:
        if self._providers.setdefault(bytes.fromhex(link_id), provider) != provider:
            raise _altered_problem("a link that has two providers")

    @staticmethod
    def _require(text: str, known: set[bytes]) -> None:
        if bytes.fromhex(text) not in known:
            raise _altered_problem("a row without an owner")


def _altered_problem(why: str) -> Problem:
    return Problem(ProblemCode.BACKUP_ALTERED, path="", detail=WHERE, why=why)


def _read(rows: DumpedRows, row: RowValues) -> None:
    match row["kind"]:
        case "contact":
            rows.contacts.append(ContactRow.read(row))
        case "former_contact":
            rows.former_contacts.append(FormerIdRow.read(row))
        case "conversation":
            rows.conversations.append(ConversationRow.read(row))
        case "former_conversation":
            rows.former_conversations.append(FormerIdRow.read(row))
        case "message":
            rows.messages.append(MessageRow.read(row))
        case "suppression":
            rows.suppressions.append(SuppressionRow.read(row))
        case "early_receipt":
            rows.early_receipts.append(ReceiptRow.read(row))
        case "consents":
            rows.consents.append(ConsentsRow.read(row))
        case "note":
            rows.notes.append(NoteRow.read(row))
        case _:
            raise ValueError("a row of another kind")


def _media(media: RowValues | None) -> dict[str, Any]:
    fields: RowValues = {"mime": "", "name": "", "size": None, "seconds": None} if media is None else media
    return {
        "has_media": media is not None,
        "media_mime": _text(fields["mime"]),
        "media_name": _text(fields["name"]),
        "media_size": _number(fields["size"]),
        "media_seconds": _number(fields["seconds"]),
    }


def _id(value: object) -> str:
    text = _text(value)
    if not is_id(text):
        raise ValueError("not an id")
    return text


def _hash(value: object) -> str:
    hashed = _text(value)
    if len(hashed) != 64 or not set(hashed) <= set("0123456789abcdef"):
        raise ValueError("not a hash")
    return hashed


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    value.encode()  # half characters cannot be stored
    if len(value) > _LONGEST:
        raise ValueError("too long")
    return value


def _failure(row: RowValues) -> str | None:
    """The reason of a failure; earlier versions did not store it."""
    failure = row.get("failure")
    return None if failure is None else _text(failure)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("neither true nor false")
    return value


def _number(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("not a number")
    if not -(2**63) <= value < 2**63:
        raise ValueError("more than a column holds")
    return value


def _time(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC)


def _maybe_time(value: object) -> datetime | None:
    return None if value is None else _time(value)
