"""What the library reports of messages, built with the library's own protobuf, as the history gets it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.messages import (
    Address,
    AddressKind,
    DeliveryReceipt,
    DeliveryStatus,
    MessageKind,
    MessageUpdate,
    ProviderMessage,
)
from app.providers.whatsapp_web.host.engine import messages
from app.providers.whatsapp_web.host.event_mapping import Event, ignored_message
from app.providers.whatsapp_web.host.message_mapping import IGNORED, UnreadableRecord, messages_from
from app.providers.whatsapp_web.host.message_parts import TEXT_LIMIT
from app.providers.whatsapp_web.host.spool import SpoolRecord

pb: Any = messages()
E2E: Any = type(pb.Message().Message)

_K = MessageKind
BIA_PHONE, BIA_LID = Address(AddressKind.PHONE, "+5511987654321"), Address(AddressKind.LID, "222")
SENT, RECEIVED = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC), datetime(2026, 11, 22, 12, 0, 1, tzinfo=UTC)


def jid(text: str = "") -> Any:
    user, _, server = text.partition("@")
    user, _, device = user.partition(":")
    return pb.JID(User=user, Server=server, Device=int(device or 0), RawAgent=0, Integrator=0)


def source(chat: str, sender: str, *, sender_alt: str = "", recipient_alt: str = "", own: bool = False) -> Any:
    return pb.MessageSource(
        Chat=jid(chat),
        Sender=jid(sender),
        IsFromMe=own,
        IsGroup=chat.endswith(("@g.us", "@broadcast")),
        SenderAlt=jid(sender_alt),
        RecipientAlt=jid(recipient_alt),
        BroadcastListOwner=jid(),
    )


FROM_BIA = source("222@lid", "222@lid", sender_alt="5511987654321@s.whatsapp.net")


def info(where: Any = FROM_BIA, message_id: str = "3EB0", at: datetime | None = SENT) -> Any:
    return pb.MessageInfo(
        MessageSource=where,
        ID=message_id,
        ServerID=0,
        Type="text",
        Pushname="Bia",
        Timestamp=int(at.timestamp() * 1000) if at else 0,
        Category="",
        Multicast=False,
        MediaType="",
        Edit="",
    )


def record(code: int, event: Any) -> SpoolRecord:
    payload = event if isinstance(event, bytes) else event.SerializeToString()
    return SpoolRecord(1, RECEIVED.timestamp(), code, payload)


def updates_of(value: Any, of: Any = None) -> list[MessageUpdate]:
    """What becomes of a message that says *value*, as neonize reports it."""
    flags = ("IsEphemeral", "IsViewOnce", "IsViewOnceV2", "IsViewOnceV2Extension", "IsDocumentWithCaption")
    event = pb.Message(
        Info=of or info(),
        Message=value,
        Raw=value,
        UnavailableRequestID="",
        RetryCount=0,
        **dict.fromkeys([*flags, "IsLottieSticker", "IsEdit"], False),
    )
    return list(messages_from(record(Event.MESSAGE, event), pb))


def message(value: Any, of: Any = None) -> ProviderMessage:
    (fact,) = updates_of(value, of)
    assert isinstance(fact, ProviderMessage)
    return fact


def fill(**content: Any) -> Any:
    """A message of one content, given as nested dictionaries."""
    payload = E2E()

    def put(into: Any, values: dict[str, Any]) -> None:
        for name, value in values.items():
            match value:
                case dict():
                    getattr(into, name).SetInParent()
                    put(getattr(into, name), value)
                case list():
                    for each in value:
                        put(getattr(into, name).add(), each)
                case _:
                    setattr(into, name, value)

    put(payload, content)
    return payload


QUOTE = {"contextInfo": {"stanzaID": "QUOTED"}}
KEY = {"key": {"ID": "TARGET", "remoteJID": "222@lid", "fromMe": True}}


def test_a_text_from_a_contact() -> None:
    assert message(fill(conversation="olá 👋")) == ProviderMessage(
        provider_id="3EB0",
        chat=(BIA_LID, BIA_PHONE),
        sender=(BIA_LID, BIA_PHONE),
        from_me=False,
        kind=_K.TEXT,
        text="olá 👋",
        sender_name="Bia",
        sent_at=SENT,
        received_at=RECEIVED,
    )


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        ({"extendedTextMessage": {"text": "oi"}}, _K.TEXT, "oi"),
        ({"imageMessage": {"caption": "praia", "mimetype": "image/jpeg"}}, _K.IMAGE, "praia"),
        ({"videoMessage": {"caption": "onda"}}, _K.VIDEO, "onda"),
        ({"ptvMessage": {"seconds": 3}}, _K.VIDEO, ""),
        ({"audioMessage": {"seconds": 3}}, _K.AUDIO, ""),
        ({"audioMessage": {"seconds": 3, "PTT": True}}, _K.VOICE, ""),
        ({"documentMessage": {"fileName": "a.pdf", "caption": "leia"}}, _K.DOCUMENT, "leia"),
        ({"stickerMessage": {"mimetype": "image/webp"}}, _K.STICKER, ""),
        ({"contactMessage": {"displayName": "Caio", "vcard": "BEGIN"}}, _K.CONTACT, "Caio"),
        (
            {"contactsArrayMessage": {"contacts": [{"displayName": "Caio"}, {"displayName": "Dora"}]}},
            _K.CONTACT,
            "Caio, Dora",
        ),
        (
            {"locationMessage": {"degreesLatitude": -23.5, "degreesLongitude": -46.6, "name": "Sé"}},
            _K.LOCATION,
            "Sé (-23.500000, -46.600000)",
        ),
        (
            {"liveLocationMessage": {"degreesLatitude": 1.0, "degreesLongitude": 2.0}},
            _K.LOCATION,
            "1.000000, 2.000000",
        ),
        (
            {"pollCreationMessageV3": {"name": "Quando?", "options": [{"optionName": "seg"}, {"optionName": "ter"}]}},
            _K.POLL,
            "Quando?\n- seg\n- ter",
        ),
        ({"buttonsResponseMessage": {"selectedDisplayText": "Sim"}}, _K.TEXT, "Sim"),
        ({"interactiveMessage": {"body": {"text": "Escolha"}}}, _K.TEXT, "Escolha"),
        ({"templateMessage": {"hydratedTemplate": {"hydratedContentText": "Olá"}}}, _K.TEXT, "Olá"),
        ({"eventMessage": {"name": "Reunião"}}, _K.EVENT, "Reunião"),
        ({"callLogMesssage": {"isVideo": True}}, _K.CALL, ""),
        ({"callLogMesssage": {"callOutcome": 1}}, _K.MISSED_CALL, ""),
    ],
)
def test_every_kind_has_its_words(content: dict[str, Any], kind: MessageKind, text: str) -> None:
    incoming = message(fill(**content))
    assert (incoming.kind, incoming.text) == (kind, text)


def test_a_file_is_described() -> None:
    file = {"fileName": "contrato.pdf", "mimetype": "application/pdf", "fileLength": 4096, **QUOTE}
    incoming = message(fill(documentMessage=file))
    assert incoming.media is not None
    assert (incoming.media.name, incoming.media.mime, incoming.media.size, incoming.media.seconds) == (
        *("contrato.pdf", "application/pdf", 4096),
        None,
    )
    assert incoming.refers_to == "QUOTED"
    voice = message(fill(audioMessage={"seconds": 7, "PTT": True, "mimetype": "audio/ogg"})).media
    assert voice is not None
    assert voice.seconds == 7


@pytest.mark.parametrize(
    "wrapper",
    [
        "ephemeralMessage",
        "viewOnceMessage",
        "viewOnceMessageV2",
        "viewOnceMessageV2Extension",
        "documentWithCaptionMessage",
        "deviceSentMessage",
        "groupMentionedMessage",
        "lottieStickerMessage",
        "associatedChildMessage",
    ],
)
def test_wrappers_are_opened(wrapper: str) -> None:
    inner = {"message": {"imageMessage": {"caption": "praia", **QUOTE}}}
    incoming = message(fill(ephemeralMessage={"message": {wrapper: inner}}))
    assert (incoming.kind, incoming.text, incoming.refers_to) == (_K.IMAGE, "praia", "QUOTED")


def test_reactions_edits_and_revocations_refer_to_their_message() -> None:
    edited = {"protocolMessage": {**KEY, "type": 14, "editedMessage": {"conversation": "olá!"}}}
    for content, kind, text in (
        ({"reactionMessage": {**KEY, "text": "👍"}}, _K.REACTION, "👍"),
        ({"reactionMessage": {**KEY, "text": ""}}, _K.REACTION, ""),
        (edited, _K.EDIT, "olá!"),
        ({"editedMessage": {"message": edited}}, _K.EDIT, "olá!"),
        ({"protocolMessage": {**KEY, "type": 0}}, _K.REVOCATION, ""),
        ({"encReactionMessage": {"targetMessageKey": KEY["key"]}}, _K.OTHER, ""),
        ({"pollUpdateMessage": {"pollCreationMessageKey": KEY["key"]}}, _K.OTHER, ""),
    ):
        incoming = message(fill(**content))
        assert (incoming.provider_id, incoming.kind, incoming.text, incoming.refers_to) == (
            "3EB0",
            kind,
            text,
            "TARGET",
        )


def test_an_edit_that_has_its_target_s_id_is_not_taken_for_it() -> None:
    revoked = fill(protocolMessage={**KEY, "type": 0})
    assert message(revoked, info(message_id="TARGET")).provider_id == "TARGET-revocation"


@pytest.mark.parametrize(
    "content",
    [
        {"protocolMessage": {"type": 5, "historySyncNotification": {"chunkOrder": 1}}},
        {"protocolMessage": {"type": 6, "appStateSyncKeyShare": {"keys": []}}},
        {"protocolMessage": {"type": 3, "ephemeralExpiration": 86400}},
        {"senderKeyDistributionMessage": {"groupID": "1@g.us"}},
        {"messageContextInfo": {"messageSecret": b"s"}},
        {},
    ],
)
def test_what_keeps_devices_in_step_is_no_message(content: dict[str, Any]) -> None:
    assert updates_of(fill(**content)) == []


def test_a_group_s_keys_do_not_hide_what_travels_with_them() -> None:
    incoming = message(fill(senderKeyDistributionMessage={"groupID": "1@g.us"}, conversation="oi"))
    assert incoming.text == "oi"


def test_content_newer_than_the_protobuf_is_kept_as_other() -> None:
    unknown = E2E.FromString(b"\xfa\x7f\x03abc")  # field 2047
    assert message(unknown).kind is _K.OTHER


def test_a_text_without_end_is_cut() -> None:
    assert len(message(fill(conversation="x" * 3 * TEXT_LIMIT)).text) == TEXT_LIMIT + 1


@pytest.mark.parametrize(
    ("where", "chat", "sender"),
    [
        (
            source("222@lid", "111:3@lid", recipient_alt="5511987654321@s.whatsapp.net", own=True),
            (BIA_LID, BIA_PHONE),
            (Address(AddressKind.LID, "111"),),
        ),
        (source("5511987654321@s.whatsapp.net", "5511987654321:9@s.whatsapp.net"), (BIA_PHONE,), (BIA_PHONE,)),
        (
            source("120363-1@g.us", "222@lid", sender_alt="5511987654321@s.whatsapp.net"),
            (Address(AddressKind.GROUP, "120363-1"),),
            (BIA_LID, BIA_PHONE),
        ),
        (source("777@broadcast", "222@lid"), (BIA_LID,), (BIA_LID,)),
        (
            source("777@broadcast", "111@lid", own=True),
            (Address(AddressKind.OTHER, "777@broadcast"),),
            (Address(AddressKind.LID, "111"),),
        ),
        (
            source("0@s.whatsapp.net", "0@s.whatsapp.net"),
            (Address(AddressKind.OTHER, "0@s.whatsapp.net"),),
            (Address(AddressKind.OTHER, "0@s.whatsapp.net"),),
        ),
        (
            source("13135550002@bot", "13135550002@bot"),
            (Address(AddressKind.OTHER, "13135550002@bot"),),
            (Address(AddressKind.OTHER, "13135550002@bot"),),
        ),
    ],
    ids=["from-the-phone-itself", "phone-only", "group", "broadcast", "own-broadcast", "whatsapp", "bot"],
)
def test_who_it_is_from_and_where(where: Any, chat: tuple[Address, ...], sender: tuple[Address, ...]) -> None:
    incoming = message(fill(conversation="oi"), info(where))
    assert (incoming.chat, incoming.sender) == (chat, sender)
    assert incoming.from_me is where.IsFromMe


@pytest.mark.parametrize("chat", ["status@broadcast", "120363@newsletter"])
def test_what_is_published_is_not_a_conversation(chat: str) -> None:
    where = source(chat, "222@lid")
    assert updates_of(fill(conversation="oi"), info(where)) == []
    assert unreadable(where) == []


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_a_time_in_any_unit_is_the_same_time(unit: int) -> None:
    count = int(SENT.timestamp()) * unit
    sent_at = SENT.replace(microsecond=0)
    value = info()
    value.Timestamp = count
    assert message(fill(conversation="oi"), value).sent_at == sent_at
    event = pb.Receipt(MessageSource=FROM_BIA, MessageIDs=["A"], Timestamp=count, Type=pb.Receipt.READ)
    (seen,) = messages_from(record(Event.RECEIPT, event), pb)
    assert isinstance(seen, DeliveryReceipt)
    assert seen.at == sent_at


@pytest.mark.parametrize("count", [-62_135_596_800_000, 0, -1])
def test_a_time_that_is_none_sets_nothing_aside(count: int) -> None:
    value = info()
    value.Timestamp = count
    assert message(fill(conversation="oi"), value).sent_at == RECEIVED


@given(st.integers(-5_000, 5_000), st.lists(st.integers(0, 900), min_size=2, max_size=4, unique=True))
def test_changes_within_a_second_keep_the_order_of_their_author_s_clock(off: int, typed: list[int]) -> None:
    """Whatever their clock is off by: the server tells whole seconds only."""
    second = int(SENT.timestamp()) * 1000
    for kind in ("edit", "reaction"):
        moments = []
        for at in sorted(typed):
            stamp = second + at + off
            changed = {
                "protocolMessage": {**KEY, "type": 14, "editedMessage": {"conversation": "x"}, "timestampMS": stamp}
            }
            content = (
                changed if kind == "edit" else {"reactionMessage": {**KEY, "text": "👍", "senderTimestampMS": stamp}}
            )
            moments.append(message(fill(**content), info(at=SENT.replace(microsecond=0))).sent_at)
        assert moments == sorted(moments)
        assert {each.replace(microsecond=0) for each in moments} == {SENT.replace(microsecond=0)}
        if not off:
            assert len(set(moments)) == len(moments)


def test_a_message_without_a_time_was_sent_when_it_came() -> None:
    assert message(fill(conversation="oi"), info(at=None)).sent_at == RECEIVED


def unreadable(where: Any = FROM_BIA, mode: int = 1) -> list[MessageUpdate]:
    event = pb.UndecryptableMessage(Info=info(where), IsUnavailable=False, DecryptFailMode=mode)
    return list(messages_from(record(Event.UNDECRYPTABLE_MESSAGE, event), pb))


def test_what_could_not_be_decrypted_is_kept_as_that() -> None:
    (fact,) = unreadable()
    assert isinstance(fact, ProviderMessage)
    assert (fact.provider_id, fact.kind, fact.chat) == ("3EB0", _K.UNREADABLE, (BIA_LID, BIA_PHONE))
    assert unreadable(mode=2) == [], "its sender says that it is nothing to be seen"


def receipts(kind: int, where: Any = FROM_BIA, ids: tuple[str, ...] = ("A", "B")) -> list[MessageUpdate]:
    event = pb.Receipt(MessageSource=where, MessageIDs=ids, Timestamp=int(SENT.timestamp()), Type=kind)
    return list(messages_from(record(Event.RECEIPT, event), pb))


@pytest.mark.parametrize(
    ("kind", "delivery"),
    [("DELIVERED", "delivered"), ("INACTIVE", "delivered"), ("READ", "read"), ("PLAYED", "read")],
)
def test_receipts_say_how_far_it_got(kind: str, delivery: str) -> None:
    assert receipts(pb.Receipt.ReceiptType.Value(kind)) == [
        DeliveryReceipt(
            provider_ids=("A", "B"),
            chat=(BIA_LID, BIA_PHONE),
            delivery=DeliveryStatus(delivery),
            at=SENT.replace(microsecond=0),
        )
    ]


@pytest.mark.parametrize(
    "kind", ["SENDER", "RETRY", "READ_SELF", "PLAYED_SELF", "SERVER_ERROR", "PEER_MSG", "HISTORY_SYNC"]
)
def test_other_receipts_say_nothing(kind: str) -> None:
    assert receipts(pb.Receipt.ReceiptType.Value(kind)) == []


def test_what_the_mentorado_reads_is_no_receipt_of_ours() -> None:
    assert receipts(pb.Receipt.READ, source("222@lid", "111@lid", own=True)) == []
    assert receipts(pb.Receipt.READ, ids=()) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Ignoring message 3EB0 from 222@lid: failed: received message with old counter", (False, "222", "222")),
        ("Ignoring message 3EB0 from 222:4@lid in 222@lid: x: old counter", (False, "222", "222")),
        ("Ignoring message 3EB0 from 111@lid in 222@lid: old counter", (True, "222", "111")),
        ("Ignoring message 3EB0 from 111@lid: old counter", None),
        ("Ignoring message 3EB0 from 222@lid: event was already processed", None),
        ("Got 503 stream error", None),
    ],
)
def test_a_message_that_the_library_ignores_is_kept_as_unreadable(
    line: str, expected: tuple[bool, str, str] | None
) -> None:
    kept = ignored_message("WARN", line, {"111", "5511900000001"})
    if expected is None:
        assert kept is None
        return
    assert kept is not None
    (fact,) = messages_from(record(IGNORED, kept), pb)
    assert isinstance(fact, ProviderMessage)
    own, chat, sender = expected
    assert (fact.provider_id, fact.kind, fact.from_me) == ("3EB0", _K.UNREADABLE, own)
    assert fact.chat == (Address(AddressKind.LID, chat),)
    assert fact.sender == (Address(AddressKind.LID, sender),)
    assert ignored_message("INFO", line, set()) is None


@pytest.mark.parametrize(
    "broken",
    [
        lambda: record(Event.MESSAGE, b"\xff\xff"),
        lambda: record(Event.RECEIPT, b"\x0a\x05"),
        lambda: record(IGNORED, b"{"),
        lambda: record(99, b""),
    ],
)
def test_what_nobody_understands_is_an_error_that_repeats_nothing(broken: Callable[[], SpoolRecord]) -> None:
    with pytest.raises(UnreadableRecord) as error:
        messages_from(broken(), pb)
    assert len(str(error.value)) < 30
