"""Every message can be laid out and painted, whatever is in it, at every size."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtGui import QPixmap

from app.domain.messages import DeliveryStatus, Media, MessageKind
from app.ui.conversations.bubbles import Bubble, BubbleStyle, lay_out
from app.ui.conversations.thread_model import MessagePage, ThreadModel, ThreadRow
from app.ui.conversations.thread_view import ThreadView
from app.ui.theme.theme import Mode, Theme
from tests.clock import StillClock
from tests.ui.conversations.harness import HOSTILE
from tests.ui.conversations.talk import NOW
from tests.ui.conversations.test_texts import MESSAGE
from tests.ui.conversations.test_thread_model import message

WIDTHS = (120, 352, 864, 3000)


def bubble(theme: Theme, *, width: int = 352, in_group: bool = False, searched: str = "", **details: Any) -> Bubble:
    row = ThreadRow(replace(MESSAGE, **details), NOW.date(), leads=True)
    return lay_out(row, width, BubbleStyle(theme), day="hoje", in_group=in_group, searched=searched)


def painted(theme: Theme, *messages: Any) -> QPixmap:
    model = ThreadModel(StillClock(NOW))
    model.show_piece(MessagePage(messages=messages, first=True, last=True), "Bia", is_group=True)
    view = ThreadView(model, theme)
    view.resize(364, 900)
    view.begin_at_end()
    picture = view.grab()
    view.deleteLater()
    return picture


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_that_is_sent_breaks_out_of_its_bubble(theme: Theme, text: str, width: int) -> None:
    for scale in (100, 200):
        theme.set_text_scale(scale)
        made = bubble(theme, width=width, text=text, quoted_text=text, sender_name=text, in_group=True, searched="a")
        assert made.height > made.frame.bottom()
        if width > 200:
            assert made.height < 4000, "nobody scrolls through a single message for ever"
            assert 0 <= made.frame.left() < made.frame.right() <= width
        assert made.text is not None
        assert made.text.width <= made.frame.width()


@pytest.mark.parametrize("mode", [Mode.LIGHT, Mode.DARK])
def test_strangers_words_are_painted_in_every_look(theme: Theme, mode: Mode) -> None:
    theme.set_mode(mode)
    messages = [message(n, text=text, quoted_text=text, sender_name=text) for n, text in enumerate(HOSTILE, 1)]
    assert not painted(theme, *messages).isNull()


@pytest.mark.parametrize("kind", MessageKind)
def test_every_kind_is_shown_with_its_word_and_its_sign(theme: Theme, kind: MessageKind) -> None:
    media = Media(name="contrato.pdf", seconds=12)
    for text in ("", "legenda"):
        made = bubble(theme, kind=kind, text=text, media=media)
        if kind is not MessageKind.TEXT:
            assert made.kind is not None
            assert "contrato.pdf" in made.kind.layout.text()
            assert made.kind_icon
        assert (made.text is not None) is (bool(text) or kind is MessageKind.TEXT)
    assert not painted(theme, message(1, kind=kind, media=media)).isNull()


def test_deliveries_are_told_apart_without_their_colour(theme: Theme) -> None:
    seen = set()
    for delivery in DeliveryStatus:
        marks = bubble(theme, from_me=True, delivery=delivery).marks
        seen.add(tuple((mark.icon, mark.text, mark.filled) for mark in marks))
    assert len(seen) == len(DeliveryStatus)
    incoming = bubble(theme, delivery=None).marks
    assert [mark.icon for mark in incoming] == [""], "what came in has only its time"


def test_a_failure_is_said(theme: Theme) -> None:
    marks = bubble(theme, from_me=True, delivery=DeliveryStatus.FAILED).marks
    assert "não enviada" in [mark.text for mark in marks]


def test_what_may_have_been_sent_and_what_others_asked_to_delete_are_said(theme: Theme) -> None:
    made = bubble(theme, from_me=True, delivery=DeliveryStatus.UNCERTAIN, revocation_asked=True)
    assert {"pode ter sido enviada", "pediram para apagar"} <= {mark.text for mark in made.marks}
    assert not made.quiet, "it is not known to be deleted"


def test_edits_and_revocations_are_said_and_the_text_stays(theme: Theme) -> None:
    made = bubble(theme, text="Meu cartão", edited_at=NOW, revoked_at=NOW)
    assert {"editada", "apagada"} <= {mark.text for mark in made.marks}
    assert made.text is not None
    assert made.text.layout.text() == "Meu cartão"
    assert made.quiet


def test_words_that_were_searched_for_are_marked_where_they_stand(theme: Theme) -> None:
    made = bubble(theme, text="😍 a Ação\ncomeça", searched="acao comeca")
    assert made.text is not None
    marked = [(each.start, each.length) for each in made.text.layout.formats()]
    assert marked == [(5, 4), (10, 6)], "Qt counts an emoji twice"


def test_reactions_hang_over_the_edge_and_take_room(theme: Theme) -> None:
    without, with_signs = bubble(theme), bubble(theme, reactions=("👍", "👍", "❤"))
    assert with_signs.signs == "👍 2  ❤"
    assert with_signs.height > without.height


def test_what_came_stands_left_and_what_went_right(theme: Theme) -> None:
    came, went = bubble(theme), bubble(theme, from_me=True)
    assert came.frame.left() == 352 - went.frame.right()


def test_several_voices_are_named_in_their_own_colours(theme: Theme) -> None:
    names = [bubble(theme, in_group=True, sender_name=name) for name in ("Beatriz Nóbrega", "Caio")]
    assert [made.name for made in names] == ["Beatriz Nóbrega", "Caio"]
    assert bubble(theme, in_group=True, from_me=True).name == ""
    assert bubble(theme, in_group=False).name == ""
