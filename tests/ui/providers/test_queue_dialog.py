"""What waits at the provider is seen first; leaving it is what Enter does, and removing it takes a typed name."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.provider import Connected
from app.text.status import texts
from app.ui.providers.queue_dialog import MOST, QueueDialog, masked_recipient, shorten
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.fake_providers import waiting
from tests.ui.controls import nameless, out_of_reach, read_aloud
from tests.ui.providers.harness import Harness, Play

ZAPI = ProviderKind.ZAPI


async def opened(harness: Harness, count: int = 3) -> QueueDialog:
    """The sheet of a link that waits for a decision about *count* messages."""
    harness.zapi.waiting[:] = [waiting(number) for number in range(1, count + 1)]
    status = LinkStatus(state=LinkState.BLOCKED, reason=Reason.QUEUE_PENDING, since=harness.window_harness.clock.now())
    harness.window_harness.observe(harness.mentorado(ZAPI), status)
    return await harness.open(ZAPI, ActionName.DECIDE_QUEUE, QueueDialog)


def words(sheet: QueueDialog) -> str:
    return read_aloud(" | ".join(label.text() for label in sheet.findChildren(QLabel) if label.isVisible()))


def state(harness: Harness) -> LinkState:
    return harness.window_harness.supervisor.status(harness.mentorado(ZAPI).link.id).state


async def decisions(harness: Harness) -> list[str]:
    await settle()
    audited_actions = [
        entry.record for entry in harness.window_harness.audit.outcomes if entry.record.action == "decide_queue"
    ]
    return [f"{record.after['queue']} {record.after['messages']} {record.outcome}" for record in audited_actions]


def test_what_waits_is_shown_and_enter_leaves_it(play: Play) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness)
        assert sheet.title.text() == "3 mensagens esperam para sair do número de Thiago Torquato"
        assert "+55 11 •••••-0001" in words(sheet)
        assert "Oi, tudo bem?" in words(sheet)
        assert "98765" not in words(sheet)
        assert sheet.leave.hasFocus()
        QTest.keyClick(sheet.leave, Qt.Key.Key_Return)
        assert await decisions(harness) == ["leave 3 declined"]
        assert len(harness.zapi.waiting) == 3
        assert state(harness) is LinkState.BLOCKED

    play(act)


def test_what_was_seen_is_sent_and_the_link_connects(play: Play) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness)
        QTest.mouseClick(sheet.send, Qt.MouseButton.LeftButton)
        assert await decisions(harness) == ["send 3 done"]
        assert len(harness.zapi.flows) == 1
        assert state(harness) is LinkState.CONNECTING
        assert harness.shown() == []

    play(act)


def test_removing_takes_the_name_and_can_be_gone_back_from(play: Play) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness)
        sheet.remove.click()
        await settle()
        assert sheet.title.text() == "Apagar 3 mensagens de Thiago Torquato?"
        assert not sheet.remove.isEnabled()
        assert not sheet.send.isVisible()
        QTest.keyClicks(sheet.typed, "thiago")
        assert not sheet.remove.isEnabled()
        sheet.leave.click()
        await settle()
        assert sheet.send.isVisible()
        assert sheet.leave.hasFocus()
        sheet.remove.click()
        await settle()
        assert sheet.typed.text() == ""
        QTest.keyClicks(sheet.typed, "thiago torquato")
        sheet.remove.click()
        assert await decisions(harness) == ["purge 3 done"]
        assert harness.zapi.waiting == []
        assert state(harness) is LinkState.CONNECTING

    play(act)


def test_a_queue_that_grew_is_shown_again_before_anything_goes(play: Play) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness, 1)
        harness.zapi.waiting.append(waiting(9, text="A quarta"))
        sheet.send.click()
        await settle()
        assert texts("problem.queue_changed.sentence") in sheet.trouble.text()
        assert "A quarta" in words(sheet)
        assert harness.zapi.flows == []
        sheet.send.click()
        assert await decisions(harness) == ["send 1 failed", "send 2 done"]

    play(act)


def test_a_link_that_runs_can_only_be_relieved_of_what_waits(play: Play) -> None:
    async def act(harness: Harness) -> None:
        mentorado_id = harness.mentorado(ZAPI).id
        await harness.window_harness.supervisor.connect(mentorado_id)
        await settle()
        harness.zapi.line.say(Connected(PhoneNumber("+5598983015662")))
        await settle()
        harness.zapi.waiting[:] = [waiting(1)]
        sheet = await harness.open(ZAPI, ActionName.DECIDE_QUEUE, QueueDialog)
        assert not sheet.send.isVisible()
        assert "Já está conectado." in words(sheet)
        assert sheet.remove.text() == texts("queue.remove_only")

    play(act)


def test_an_empty_queue_says_so(play: Play) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness, 0)
        assert "não guarda nada" in words(sheet)
        assert not sheet.remove.isVisible()
        assert sheet.send.text() == "Conectar"
        sheet.leave.click()
        assert await decisions(harness) == [], "there was nothing to decide"

    play(act)


def test_a_provider_that_cannot_be_asked_is_said_in_the_pane(play: Play) -> None:
    async def act(harness: Harness) -> None:
        harness.zapi.problem = Problem(ProblemCode.PROVIDER_SILENT)
        mentorado_id = harness.mentorado(ZAPI).id
        harness.window.choose(mentorado_id)
        harness.window.controller.perform(ActionName.DECIDE_QUEUE, mentorado_id)
        await settle()
        assert harness.shown() == []
        assert [problem.code for problem in harness.window.banners.problems()] == [ProblemCode.PROVIDER_SILENT]

    play(act)


def test_many_are_counted_and_long_ones_cut(play: Play) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness, MOST + 12)
        assert "e mais 12 mensagens" in words(sheet)
        assert sheet.height() <= harness.window.height()

    play(act)
    assert shorten("a  b\nc") == "a b c"
    assert len(shorten("palavra " * 100)) < 190


@pytest.mark.parametrize(
    ("to", "text"),
    [
        ("5511987650001", "+55 11 •••••-0001"),
        ("551187650001", "+55 11 •••••-0001"),
        ("16502530000", "+16 •••••0000"),
        ("120363000000004321@g.us", "Grupo …4321"),
        ("5511987650001-1623281429", "Grupo …1429"),
        ("999999999991234@lid", "Contato …1234"),
        ("Carla", "Contato …arla"),
    ],
)
def test_whose_message_it_is_can_be_known_without_the_whole_number(theme: Theme, to: str, text: str) -> None:
    assert read_aloud(masked_recipient(to)) == text


@pytest.mark.parametrize("scale", [100, 200])
def test_everything_has_a_name_and_can_be_reached(play: Play, theme: Theme, scale: int) -> None:
    async def act(harness: Harness) -> None:
        theme.set_text_scale(scale)
        sheet = await opened(harness)
        sheet.remove.click()
        await settle()
        assert nameless(sheet) == []
        assert out_of_reach(sheet) == []
        QTest.keyClick(sheet, Qt.Key.Key_Escape)
        assert await decisions(harness) == ["leave 3 declined"]

    play(act)
