"""The messages between app and host: every one survives the trip, and nothing else is taken for one."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from app.domain.link_status import Reason
from app.domain.messages import (
    Address,
    AddressKind,
    DeliveryReceipt,
    DeliveryStatus,
    Media,
    MessageKind,
    MessageUpdate,
    ProviderMessage,
    WireUnknown,
)
from app.providers.hosts.codec import Ping, Pong, ProtocolError, encode, read_update
from app.providers.whatsapp_web.protocol import (
    Account,
    Answer,
    Close,
    Confirm,
    Facts,
    FromHost,
    LoginStatus,
    LogLine,
    LogOut,
    Open,
    OpenMode,
    PairPhone,
    QrText,
    Ready,
    SendText,
    SessionState,
    SetLogging,
    SignOfLife,
    StateChanged,
    ToHost,
    Unable,
    decode_from_host,
    decode_to_host,
)

TO_HOST: list[ToHost] = [
    Open(
        session="s1",
        mode=OpenMode.PAIR,
        file="/sessões/a b.db",
        device_name="Conecta",
        proxy="http://ana:pa55@127.0.0.1:1",
    ),
    SendText(session="s1", request=1, to="5511987654321", text="olá\n👋"),
    PairPhone(session="s1", request=2, phone="5511987654321"),
    LogOut(session="s1", request=3),
    Close(session="s1"),
    SetLogging(enabled=True),
    Ping(number=7),
    Confirm(session="s1", up_to=70_000),
]
WHEN = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
PHONE = Address(AddressKind.PHONE, "+5511987654321")
FACTS: tuple[MessageUpdate, ...] = (
    ProviderMessage(
        provider_id="3EB0",
        chat=(Address(AddressKind.LID, "9"), PHONE),
        sender=(PHONE,),
        from_me=False,
        kind=MessageKind.DOCUMENT,
        text="olá 👋\n",
        media=Media(mime="application/pdf", name="relatório.pdf", size=1, seconds=None),
        refers_to="3EAF",
        sender_name="Bia",
        sent_at=WHEN,
        received_at=WHEN,
    ),
    ProviderMessage(provider_id="3EB1", chat=(), sender=(), from_me=True, sent_at=WHEN, received_at=WHEN),
    DeliveryReceipt(provider_ids=("3EB0", "3EB1"), chat=(PHONE,), delivery=DeliveryStatus.READ, at=WHEN),
)
FROM_HOST: list[FromHost] = [
    Ready(protocol=1, engine="0.5.2", pid=7),
    Unable(reason=Reason.ENGINE_MISSING, detail="gone"),
    QrText(session="s1", text="https://wa.me/x#2@abc,def", number=1, total=6, lifetime=60.0),
    LoginStatus(session="s1", status="success"),
    Account(session="s1", jid="5511987654321:3@s.whatsapp.net", lid="9:3@lid"),
    StateChanged(session="s1", state=SessionState.REFUSED, reason=Reason.TEMPORARY_BAN, detail="x", lasts=3600.0),
    StateChanged(session="s1", state=SessionState.CONNECTED),
    SignOfLife(session="s1", inbound=True),
    Facts(session="s1", up_to=7, facts=FACTS),
    Facts(session="s1", up_to=8, facts=()),
    Answer(session="s1", request=2, code="ABCD-EFGH"),
    LogLine(session="s1", level="WARN", source="Client", text="…"),
    Pong(number=7),
]


@pytest.mark.parametrize("message", TO_HOST, ids=lambda message: type(message).__name__)
def test_what_the_app_asks_arrives(message: ToHost) -> None:
    line = encode(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode_to_host(line) == message


@pytest.mark.parametrize("message", FROM_HOST, ids=lambda message: type(message).__name__)
def test_what_the_host_tells_arrives(message: FromHost) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode_from_host(line) == message


def test_fields_of_a_later_version_are_ignored() -> None:
    line = json.dumps({"type": "close", "session": "s1", "gently": True}).encode()
    assert decode_to_host(line) == Close(session="s1")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"Login event: timeout", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not an object"),
        (b"{}", "unknown type"),
        (b'{"type": ["close"]}', "unknown type"),
        (b'{"type": "dance", "session": "s1"}', "unknown type"),
        (b'{"type": "ready", "protocol": 1, "engine": "", "pid": 1}', "unknown type"),  # that is the host's to say
        (b'{"type": "close"}', "session is missing"),
        (b'{"type": "close", "session": 1}', "session is not of type str"),
        (b'{"type": "log_out", "session": "s1", "request": true}', "request is not of type int"),
        (b'{"type": "open", "session": "s", "mode": "steal", "file": "", "device_name": ""}', "mode has an unknown"),
    ],
)
def test_anything_else_is_an_error_that_does_not_repeat_it(line: bytes, complaint: str) -> None:
    with pytest.raises(ProtocolError, match=complaint) as error:
        decode_to_host(line)
    assert "steal" not in str(error.value)
    assert "dance" not in str(error.value)


A_MESSAGE = {"type": "provider_message", "provider_id": "a", "chat": [], "sender": [], "from_me": True}
AT = {"sent_at": 1, "received_at": 1}
MEDIA = {"mime": "", "name": "", "size": "olá", "seconds": 1}
A_RECEIPT = {"type": "delivery_receipt", "provider_ids": ["a"], "chat": []}


def test_a_fact_without_what_has_a_default_is_read() -> None:
    assert read_update({**A_MESSAGE, **AT}).kind is MessageKind.TEXT  # type: ignore[union-attr]
    assert read_update({**A_RECEIPT, "delivery": "read", "at": 1}).code == ""  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "fact",
    [
        "olá",
        {},
        {"type": "olá"},
        {**A_MESSAGE, **AT, "provider_id": 1},
        {**A_MESSAGE, **AT, "kind": "shout"},
        {**A_MESSAGE, **AT, "sent_at": 1e300},
        {**A_MESSAGE, **AT, "sent_at": "olá"},
        {**A_MESSAGE, **AT, "media": MEDIA},
        {**A_MESSAGE, **AT, "media": ["", "", 1, 1]},
        {**A_MESSAGE, **AT, "chat": [{"kind": "phone"}]},
        {**A_MESSAGE, **AT, "chat": [["phone", "olá"]]},
        {**A_MESSAGE, **AT, "chat": {"kind": "phone", "value": "olá"}},
        {**A_MESSAGE, **AT, "from_me": 1},
        {**A_RECEIPT, "delivery": "eaten", "at": 1},
        {**A_RECEIPT, "delivery": "read"},
    ],
)
def test_a_fact_that_is_none_is_unknown_and_repeated_nowhere_but_in_its_payload(fact: object) -> None:
    line = json.dumps({"type": "facts", "session": "s1", "up_to": 1, "facts": [fact]}).encode()
    ready = decode_from_host(line)
    assert isinstance(ready, Facts)
    (unknown,) = ready.facts
    assert isinstance(unknown, WireUnknown)
    assert json.loads(unknown.payload) == fact
    assert "olá" not in repr(unknown)


def test_credentials_and_texts_stay_out_of_representations() -> None:
    shown = " ".join(repr(message) for message in (*TO_HOST, *FROM_HOST))
    for secret in ("2@abc", "olá", "ABCD", "pa55"):
        assert secret not in shown
