"""A message to one contact, written where their conversation is read: sent once, and never without saying what became
of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.domain.consent import ConsentChange
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import SendCapability
from app.domain.messages import Address, AddressKind, DeliveryStatus, ProviderMessage
from app.domain.outbound import HoldReason, OutboundLimits
from app.domain.sending import NotSent, SendErrorKind, Uncertain
from app.text import outbound as outbound_text
from app.text.status import texts
from app.ui.conversations.reply_box import LONGEST
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.theme.theme import Theme
from tests.core.outbound.harness import NOON
from tests.ui.conversations.reply_harness import BIA, CAIO, ReplyHarness, open_reply

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


@pytest.fixture
def folder(fast_dir: Path) -> Path:
    return fast_dir


async def ready(h: ReplyHarness) -> None:
    await h.until(lambda: not h.box.field.isReadOnly() and not h.box.line.isVisible())


async def test_enter_sends_and_the_message_is_in_the_conversation(theme: Theme, folder: Path) -> None:
    async with open_reply(theme, folder) as h:
        await ready(h)
        assert not h.box.button.isEnabled()
        QTest.keyClicks(h.box.field, "Pode sim")
        QTest.keyClick(h.box.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
        QTest.keyClicks(h.box.field, "Ate quinta")
        assert h.s.provider.sent == []
        QTest.keyClick(h.box.field, Qt.Key.Key_Return)
        await h.until(lambda: h.texts()[-1] == "Pode sim\nAte quinta")
        assert [each.text for each in h.s.provider.sent] == ["Pode sim\nAte quinta"]
        assert h.box.field.toPlainText() == ""
        assert h.panel.page.model.messages[-1].delivery is DeliveryStatus.ACCEPTED


async def test_while_it_is_sent_it_says_so_and_cannot_be_sent_twice(theme: Theme, folder: Path) -> None:
    async with open_reply(theme, folder) as h:
        await ready(h)
        h.s.provider.holding = asyncio.Event()
        h.write("Pode sim")
        for _ in range(3):
            QTest.keyClick(h.box.field, Qt.Key.Key_Return)
        await h.until(lambda: h.s.provider.sent)
        assert h.box.line.text() == texts("reply.sending")
        assert h.box.field.isReadOnly()
        assert not h.box.button.isEnabled()
        h.s.provider.holding.set()
        await h.until(lambda: h.texts()[-1] == "Pode sim")
        assert len(h.s.provider.sent) == 1


async def test_what_holds_a_message_back_is_said_with_the_next_step(theme: Theme, folder: Path) -> None:
    async with open_reply(theme, folder) as h:
        await ready(h)
        await h.s.say(BIA, ConsentChange.OPTED_OUT)
        h.write("Pode sim")
        QTest.keyClick(h.box.field, Qt.Key.Key_Return)
        words = "Este contato pediu para não receber mensagens. Dá para responder se ele escrever de novo."
        await h.until(lambda: h.box.line.text() == words)
        assert h.box.field.isReadOnly()
        assert h.box.field.toPlainText() == "Pode sim"  # nothing that was typed is lost
        assert h.s.provider.sent == []


async def test_a_limit_names_the_time_and_is_over_by_itself(theme: Theme, folder: Path) -> None:
    async with open_reply(theme, folder) as h:
        h.s.limits = OutboundLimits(per_recipient_hour=1)
        await ready(h)
        h.write("Um")
        h.box.button.click()
        await h.until(h.box.line.isVisible)
        until = (NOON + timedelta(hours=1)).astimezone()
        await h.until(lambda: f"{until:%H:%M}" in h.box.line.text())
        assert not h.box.field.isReadOnly()  # it can be written meanwhile
        assert h.box._again.isActive()
        h.write("Dois")
        assert not h.box.button.isEnabled()
        await h.s.later(hours=1)
        h.box._again.timeout.emit()
        await ready(h)
        assert h.box.button.isEnabled()


async def test_a_refusal_says_why_and_keeps_the_text(theme: Theme, folder: Path) -> None:
    async with open_reply(theme, folder) as h:
        await ready(h)
        h.s.provider.answers = [NotSent(trouble=SendErrorKind.RECIPIENT_INVALID)]
        h.write("Pode sim")
        h.box.button.click()
        await h.until(h.box.line.isVisible)
        await h.until(lambda: h.box.line.text().startswith("Não enviada. Este número não está no WhatsApp"))
        assert h.box.field.toPlainText() == "Pode sim"
        assert h.texts()[-1] != "Pode sim"
        h.write("Pode sim.")
        assert not h.box.line.isVisible()


@pytest.mark.parametrize("raised", [False, True])
async def test_what_may_have_gone_out_is_not_sent_again_but_can_be_put_back_by_a_person(
    theme: Theme, folder: Path, raised: bool
) -> None:
    async with open_reply(theme, folder) as h:
        await ready(h)
        h.s.provider.answers = [Problem(ProblemCode.REQUEST_TIMED_OUT, seconds="5") if raised else Uncertain()]
        h.write("Pode sim")
        h.box.button.click()
        await h.until(lambda: h.texts()[-1] == "Pode sim")
        assert h.panel.page.model.messages[-1].delivery is DeliveryStatus.UNCERTAIN
        await h.until(lambda: h.box.line.text() == texts("reply.uncertain"))
        assert h.box.field.toPlainText() == ""
        assert h.panel.home.trouble.isHidden() is not raised
        h.box.other.click()
        assert h.box.field.toPlainText() == "Pode sim"
        assert not h.box.other.isVisible()
        assert len(h.s.provider.sent) == 1


@pytest.mark.parametrize("yes", [True, False])
async def test_a_stopped_number_is_released_only_after_a_person_read_why(theme: Theme, folder: Path, yes: bool) -> None:
    async with open_reply(theme, folder) as h:
        await ready(h)
        h.s.provider.answers = [NotSent(trouble=SendErrorKind.POLICY_BLOCK, code="463")]
        h.write("Pode sim")
        h.box.button.click()
        await h.until(h.box.other.isVisible)
        assert h.box.line.text().startswith("Nada sai deste número")
        h.box.other.click()
        await h.until(lambda: h.panel.window().findChildren(ConfirmDialog))
        (dialog,) = h.panel.window().findChildren(ConfirmDialog)
        assert "O WhatsApp recusou a mensagem pelas suas regras." in dialog.accessibleDescription()
        (dialog.confirm if yes else dialog.cancel).click()
        if yes:
            await ready(h)
        await h.until(lambda: (h.s.service.stopped(h.s.ana.id) is None) is yes)
        await h.until(lambda: h.box.other.isVisible() is not yes)


async def test_what_was_typed_stays_with_its_conversation(theme: Theme, folder: Path) -> None:
    async with open_reply(theme, folder) as h:
        await ready(h)
        h.write("Para a Bia")
        h.panel.leave_thread()
        await h.open(CAIO)
        assert h.box.field.toPlainText() == ""
        h.write("Para o Caio")
        h.panel.leave_thread()
        await h.open(BIA)
        assert h.box.field.toPlainText() == "Para a Bia"


async def test_an_answer_for_a_conversation_that_was_left_meanwhile_is_shown_there_only(
    theme: Theme, folder: Path
) -> None:
    async with open_reply(theme, folder) as h:
        await ready(h)
        h.s.provider.holding = asyncio.Event()
        h.s.provider.answers = [NotSent(trouble=SendErrorKind.TRANSIENT)]
        h.write("Para a Bia")
        h.box.button.click()
        await h.until(lambda: h.s.provider.sent)
        h.panel.leave_thread()
        await h.open(CAIO)
        h.s.provider.holding.set()
        await h.until(lambda: not h.box.line.isVisible())
        assert h.box.field.toPlainText() == ""
        h.panel.leave_thread()
        await h.open(BIA)
        assert h.box.field.toPlainText() == "Para a Bia"


async def test_it_follows_the_link_and_the_contact(theme: Theme, folder: Path) -> None:
    async with open_reply(theme, folder) as h:
        await ready(h)
        await h.s.restrict(SendCapability.BLOCKED)
        await h.until(h.box.line.isVisible)
        assert h.box.line.text().startswith("O WhatsApp restringiu este número.")
        await h.s.restrict(SendCapability.OK)
        await ready(h)
        await h.s.core.supervisor.disconnect(h.s.ana.id)
        await h.until(lambda: h.box.line.text().startswith("Esta conexão está desligada ou caiu."))


async def test_a_group_has_no_place_to_write(theme: Theme, folder: Path) -> None:
    async with open_reply(theme, folder, talk=False) as h:
        group = Address(AddressKind.GROUP, "120363000000009999")
        message = ProviderMessage(
            provider_id="G", chat=(group,), sender=(BIA,), from_me=False, text="Oi", sent_at=NOON, received_at=NOON
        )
        await h.s.history.store(h.s.ana, [message], NOON)
        h.panel.home.read_soon()
        await h.until(lambda: h.panel.home.conversations.rowCount() == 3)
        await h.open(group)
        assert not h.box.isVisible()


async def test_a_text_that_is_too_long_is_counted_and_the_box_grows_with_its_lines(theme: Theme, folder: Path) -> None:
    async with open_reply(theme, folder) as h:
        await ready(h)
        low = h.box.field.height()
        h.write("a\n" * 3 + "a")
        assert h.box.field.height() > low
        high = h.box.field.height()
        h.write("a\n" * 30)
        assert h.box.field.height() < 2 * high
        h.write("a" * (LONGEST + 1))
        assert h.box.line.text() == "4.097 de 4.096 caracteres"
        assert not h.box.button.isEnabled()
        h.write("a" * LONGEST)
        assert h.box.button.isEnabled()


def test_every_reason_has_words_in_both_languages(theme: Theme) -> None:
    from app.domain.outbound import Hold

    for language in ("pt-BR", "en"):
        texts.set_language(language)
        for reason in HoldReason:
            for until in (None, NOON + timedelta(hours=3)):
                assert all(words.endswith(".") for words in outbound_text.hold(Hold(reason, until), NOON))
        for trouble in SendErrorKind:
            assert all(words.endswith(".") for words in outbound_text.send_error(trouble))
