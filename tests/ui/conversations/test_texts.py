"""Every code of the history has a word, in both languages, and times are local."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from app.domain.mentorado import LinkId, ProviderKind
from app.domain.messages import ConversationId, DeliveryStatus, HistoryStats, Media, MessageKind, StoredMessage
from app.text import conversation as conversation_text
from app.text.status import texts
from app.ui.theme.theme import Theme
from tests.ui.conversations.talk import NOW

MESSAGE = StoredMessage(
    number=1,
    conversation_id=ConversationId("c" * 32),
    link_id=LinkId("d" * 32),
    provider=ProviderKind.WHATSAPP_WEB,
    provider_id="M1",
    from_me=False,
    sender_name="Bia",
    kind=MessageKind.TEXT,
    text="Oi",
    original_text="Oi",
    media=None,
    reactions=(),
    quoted_text=None,
    sent_at=NOW,
    received_at=NOW,
    stored_at=NOW,
    delivery=None,
    edited_at=None,
    revoked_at=None,
)


@pytest.fixture(params=["America/Sao_Paulo", "UTC", "Pacific/Kiritimati", "Asia/Kathmandu"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TZ", str(request.param))
    time.tzset()
    yield str(request.param)
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("kind", MessageKind)
def test_every_kind_has_a_word_and_a_sign(language: str, kind: MessageKind) -> None:
    media = Media(mime="a/b", name="contrato.pdf", size=1_290_000, seconds=12)
    text = conversation_text.kind(replace(MESSAGE, kind=kind, media=media))
    assert text.endswith(("contrato.pdf · 0:12 · 1,2 MB", "contrato.pdf · 0:12 · 1.2 MB"))
    assert kind is MessageKind.TEXT or kind in conversation_text.KIND_ICON


@pytest.mark.parametrize("delivery", DeliveryStatus)
def test_every_delivery_has_a_word_and_a_sign(language: str, delivery: DeliveryStatus) -> None:
    assert conversation_text.delivery(delivery) in conversation_text.states(
        replace(MESSAGE, from_me=True, delivery=delivery)
    )
    assert delivery in conversation_text.DELIVERY_ICON


def test_a_message_is_spoken_whole(theme: Theme) -> None:
    message = replace(
        MESSAGE,
        kind=MessageKind.VOICE,
        media=Media(seconds=12),
        quoted_text="Que dia?",
        reactions=("👍", "👍"),
        edited_at=NOW,
        revoked_at=NOW,
        text="<b>Terça</b>",
    )
    local = NOW.astimezone()
    assert conversation_text.spoken(message, local.date(), partner="?") == (
        f"Bia, hoje, {local:%H:%M}. em resposta a: Que dia?. Mensagem de voz · 0:12. <b>Terça</b>."
        " apagada. editada. reações: 👍 2"
    )
    assert conversation_text.spoken(replace(MESSAGE, sender_name=""), local.date(), partner="Rita").startswith(
        "Rita, hoje"
    )


def test_days_are_called_as_people_call_them(theme: Theme) -> None:
    today = date(2026, 5, 13)
    lines = [conversation_text.day(today - timedelta(days=ago), today) for ago in (0, 1, 2, 400)]
    assert lines == ["hoje", "ontem", "11 de maio", "8 de abril de 2025"]
    texts.set_language("en")
    assert [conversation_text.day(today - timedelta(days=ago), today) for ago in (0, 2, 400)] == [
        "today",
        "11 May",
        "8 April 2025",
    ]


def test_times_are_local(zone: str, theme: Theme) -> None:
    moment = datetime(2026, 5, 12, 1, 30, tzinfo=UTC)
    local = {
        "America/Sao_Paulo": (11, "22:30"),
        "UTC": (12, "01:30"),
        "Pacific/Kiritimati": (12, "15:30"),
        "Asia/Kathmandu": (12, "07:15"),
    }[zone]
    assert conversation_text.clock_time(moment) == local[1]
    assert conversation_text.moment(moment) == f"{local[0]}/05/2026 {local[1]}:00"
    assert conversation_text.short_time(moment, date(2026, 5, local[0])) == local[1]
    assert conversation_text.short_time(moment, date(2026, 5, local[0] + 1)) == "ontem"


def test_how_much_is_kept(theme: Theme) -> None:
    kept = HistoryStats(messages=12_431, conversations=3, since=datetime(2025, 5, 12, 12, tzinfo=UTC))
    assert conversation_text.extent(kept) == "Histórico guardado desde 12/05/2025 · 12.431 mensagens"
    assert conversation_text.extent(replace(kept, messages=1)) == "Histórico guardado desde 12/05/2025 · 1 mensagem"
    assert conversation_text.extent(replace(kept, messages=0, since=None)) == "Nenhuma mensagem guardada ainda"
    texts.set_language("en")
    assert conversation_text.extent(kept) == "History kept since 12 05 2025 · 12,431 messages".replace(" 05 ", " May ")


@pytest.mark.parametrize(
    ("title", "is_group", "shown"),
    [
        ("Bia", False, "Bia"),
        ("+5521900000001", False, "+55 21 90000-0001"),
        ("120363000000000009", True, "Grupo de final 0009"),
        ("200000000000001", False, "Contato de final 0001"),
        ("\u202e", False, "Sem nome"),
    ],
)
def test_who_has_no_name_is_told_apart_all_the_same(title: str, is_group: bool, shown: str, theme: Theme) -> None:
    assert conversation_text.title(title, is_group=is_group) == shown


@pytest.mark.parametrize(
    ("count", "text"), [(0, "1 KB"), (482_113, "471 KB"), (1_290_000, "1,2 MB"), (5 * 2**40, "5,0 TB"), (2**60, None)]
)
def test_sizes_are_short(count: int, text: str | None, theme: Theme) -> None:
    assert conversation_text.size(count) == (text or conversation_text.size(count))


def test_what_is_copied_says_who_and_when(theme: Theme) -> None:
    local = NOW.astimezone()
    assert conversation_text.copied(MESSAGE, "?") == f"[{local:%d/%m/%Y %H:%M}] Bia: Oi"
    photo = replace(MESSAGE, kind=MessageKind.IMAGE, text="")
    assert conversation_text.copied(photo, "?") == f"[{local:%d/%m/%Y %H:%M}] Bia: [Foto]"
