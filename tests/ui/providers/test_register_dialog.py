"""Registering a number: six digits that are kept nowhere, and tries that are counted before one is used."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import ProviderKind
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.providers.register_dialog import RegisterDialog
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.ui.controls import nameless, out_of_reach
from tests.ui.providers.harness import Harness, Play

META = ProviderKind.META_CLOUD


async def opened(harness: Harness, used: int = 0) -> RegisterDialog:
    link, now = harness.mentorado(META).link.id, harness.window_harness.clock.now()
    harness.tries.made.extend((link, now - timedelta(hours=60 - number)) for number in range(used))
    return await harness.open(META, ActionName.REGISTER, RegisterDialog)


def words(sheet: RegisterDialog | ConfirmDialog) -> str:
    return " | ".join(label.text() for label in sheet.findChildren(QLabel) if label.isVisible())


def test_a_number_is_registered_with_its_pin_and_connects(play: Play) -> None:
    async def act(harness: Harness) -> None:
        status = LinkStatus(
            state=LinkState.BLOCKED, reason=Reason.NOT_REGISTERED, since=harness.window_harness.clock.now()
        )
        harness.window_harness.observe(harness.mentorado(META), status)
        sheet = await opened(harness)
        assert "Restam 10 das 10 tentativas" in words(sheet)
        assert sheet.pin.hasFocus()
        assert not sheet.register.isEnabled()
        QTest.keyClicks(sheet.pin, "12a3 456789")
        assert sheet.pin.text() == "123456"
        assert sheet.pin.echoMode() is QLineEdit.EchoMode.Password
        QTest.keyClick(sheet.pin, Qt.Key.Key_Return)
        await settle()
        assert harness.meta.registered == ["123456"]
        assert harness.shown() == []
        assert harness.meta.lines, "it only waited for that"
        assert "123456" not in repr(harness.window_harness.audit.outcomes)

    play(act)


def test_a_try_that_failed_is_counted_and_its_reason_said(play: Play) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness, 2)
        assert "Restam 8 das 10 tentativas" in words(sheet)
        harness.meta.problem = Problem(ProblemCode.PROVIDER_REFUSED, detail="Two step verification PIN mismatch")
        QTest.keyClicks(sheet.pin, "123456")
        sheet.register.click()
        await settle()
        assert "PIN mismatch" in sheet.trouble.text()
        assert "Restam 7 das 10 tentativas" in words(sheet)
        assert sheet.register.isEnabled()
        assert sheet.pin.hasFocus()

    play(act)


def test_without_a_try_left_nothing_can_be_asked(play: Play) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness, 10)
        assert "Não resta nenhuma das 10 tentativas" in words(sheet)
        assert "A próxima é liberada em" in words(sheet)
        QTest.keyClicks(sheet.pin, "123456")
        assert not sheet.register.isEnabled()
        assert harness.meta.registered == []

    play(act)


def test_deregistering_takes_the_name_and_says_what_is_lost(play: Play) -> None:
    async def act(harness: Harness) -> None:
        sheet = await harness.open(META, ActionName.DEREGISTER, ConfirmDialog)
        assert "precisa ser registrado de novo" in words(sheet)
        assert "conta como uma tentativa" in words(sheet)
        assert "Restam 10 das 10 tentativas" in words(sheet)
        (field,) = sheet.findChildren(QLineEdit)
        assert field.hasFocus()
        assert not sheet.confirm.isEnabled()
        QTest.keyClicks(field, "luiza prates")
        sheet.confirm.click()
        await settle()
        assert harness.meta.deregistered == 1
        assert len(harness.tries.made) == 1

    play(act)


def test_who_gives_up_uses_no_try(play: Play) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness)
        QTest.keyClicks(sheet.pin, "123456")
        QTest.keyClick(sheet, Qt.Key.Key_Escape)
        question = await harness.open(META, ActionName.DEREGISTER, ConfirmDialog)
        question.cancel.click()
        await settle()
        assert harness.tries.made == []
        assert harness.meta.registered == []
        assert harness.meta.deregistered == 0

    play(act)


@pytest.mark.parametrize("scale", [100, 200])
def test_everything_has_a_name_and_can_be_reached(play: Play, theme: Theme, scale: int) -> None:
    async def act(harness: Harness) -> None:
        theme.set_text_scale(scale)
        sheet = await opened(harness)
        sheet.reveal.click()
        assert sheet.pin.echoMode() is QLineEdit.EchoMode.Normal
        assert nameless(sheet) == []
        assert out_of_reach(sheet) == []
        assert sheet.height() <= harness.window.height()

    play(act)


def test_a_try_that_is_under_way_is_not_walked_away_from(play: Play) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness)
        harness.meta.asking = asyncio.Event()
        QTest.keyClicks(sheet.pin, "123456")
        sheet.register.click()
        await settle()
        assert not sheet.cancel.isEnabled()
        QTest.keyClick(sheet, Qt.Key.Key_Escape)
        assert sheet.isVisible()
        harness.meta.asking.set()
        await settle()
        assert harness.meta.registered == ["123456"]
        assert harness.shown() == []

    play(act)
