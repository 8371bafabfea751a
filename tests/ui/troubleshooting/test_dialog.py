"""The dialog of a guided check: it asks what is seen, shows what is found, and offers what helps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.core.diagnostics.passkey import ASK_EVERY
from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.incident import CheckResult, Finding
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import ProviderKind
from app.domain.provider import QrIssued
from app.domain.troubleshooting import CHANNEL_WITHIN, CHECKS_OF, CODE_WITHIN, FindingMark, Trouble, TroubleCheck
from app.text.status import texts
from app.ui.dialogs.troubleshooting import TroubleshootingDialog
from app.ui.theme.theme import Theme
from app.ui.widgets.radio_card import RadioCard
from tests.clock import ManualClock, settle
from tests.conftest import OnQt
from tests.ui.controls import nameless, out_of_reach
from tests.ui.troubleshooting.views import TOKEN, VIEWS, Dialogs, Extension
from tests.ui.window_harness import NOON, WindowHarness, person
from tests.waiting import until

ANA = replace(person(0), link=replace(person(0).link, account=None))
BIA = replace(person(1), link=replace(person(1).link, provider=ProviderKind.ZAPI))
ASKED = LinkStatus(state=LinkState.BLOCKED, reason=Reason.PASSKEY_REQUIRED, since=NOON)
Use = Callable[[WindowHarness], Awaitable[None]]
UseWindow = Callable[[Use], None]


@pytest.fixture(autouse=True)
def in_portuguese_afterwards() -> Iterator[None]:
    yield
    texts.set_language("pt-BR")


@pytest.fixture
def extension() -> Extension:
    return Extension()


@pytest.fixture
def use_window(on_qt: OnQt, tmp_path: Path, theme: Theme, extension: Extension) -> UseWindow:
    def play(use: Use) -> None:
        async def main() -> None:
            hosted = {ProviderKind.ZAPI: extension}
            harness = WindowHarness(tmp_path, [ANA, BIA, person(2)], theme, clock=ManualClock(NOON), hosted=hosted)
            harness.core.checks.findings = [Finding(CheckResult.NETWORK_GOOD), Finding(CheckResult.CLOCK_GOOD)]
            await harness.load()
            harness.window.resize(1280, 720)
            await harness.show()
            async with harness.supervisor:
                try:
                    await use(harness)
                finally:
                    await harness.close()

        on_qt(main, within=30)

    return play


async def opened(harness: WindowHarness, number: int = 0) -> TroubleshootingDialog:
    """As the pane's menu does."""
    whose = (ANA, BIA)[number].id
    harness.window.choose(whose)
    harness.window.controller.perform(ActionName.TROUBLESHOOT, whose)
    await until(lambda: visible(harness))
    return visible(harness)[0]


def visible(harness: WindowHarness) -> list[TroubleshootingDialog]:
    return [each for each in harness.window.findChildren(TroubleshootingDialog) if each.isVisible()]


def marks(dialog: TroubleshootingDialog) -> list[str]:
    return [str(row.state) for row in dialog.rows.values() if row.isVisible()]


def clock_of(harness: WindowHarness) -> ManualClock:
    assert isinstance(harness.clock, ManualClock)
    return harness.clock


def test_the_check_that_fits_is_chosen_and_nothing_runs_before_it_is_begun(use_window: UseWindow) -> None:
    async def act(harness: WindowHarness) -> None:
        dialog = await opened(harness)
        assert dialog.choices[Trouble.NO_CODE].isChecked()
        assert dialog.choices[Trouble.NO_CODE].hasFocus()
        assert dialog.begin.isVisible()
        assert harness.supervisor.status(ANA.link.id).state is LinkState.OFF
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        await settle()
        assert visible(harness) == []

    use_window(act)


def test_a_code_that_comes_ends_the_check_well(use_window: UseWindow) -> None:
    async def act(harness: WindowHarness) -> None:
        dialog = await opened(harness)
        dialog.begin.click()
        await until(lambda: dialog.rows[TroubleCheck.REQUEST].state == FindingMark.GOOD)
        assert dialog.cancel.hasFocus()
        harness.provider.line.say(QrIssued("2@harmless", 1, 6, 60))
        await until(dialog.close_button.isVisible)
        assert dialog.outcome.sentence.text() == "O código está na tela."
        assert marks(dialog) == ["good"] * 4
        assert not dialog.act.isVisible()

    use_window(act)


def test_a_silent_connection_is_named_after_thirty_seconds_and_can_be_cancelled(use_window: UseWindow) -> None:
    async def act(harness: WindowHarness) -> None:
        dialog = await opened(harness)
        dialog.begin.click()
        await until(lambda: dialog.rows[TroubleCheck.REQUEST].state == FindingMark.GOOD)
        await clock_of(harness).advance(CHANNEL_WITHIN)
        await clock_of(harness).advance(CODE_WITHIN)
        await until(dialog.close_button.isVisible)
        assert dialog.outcome.sentence.text() == "A conexão não responde."
        assert dialog.act.text() == texts("action.cancel.label")
        dialog.act.click()
        await until(lambda: harness.supervisor.status(ANA.link.id).state is LinkState.OFF)

    use_window(act)


def test_a_check_that_is_stopped_goes_back_to_the_choice(use_window: UseWindow) -> None:
    async def act(harness: WindowHarness) -> None:
        dialog = await opened(harness)
        dialog.begin.click()
        await until(dialog.cancel.hasFocus)
        QTest.keyClick(dialog.cancel, Qt.Key.Key_Return)
        await until(dialog.begin.isVisible)
        assert dialog.choices[Trouble.NO_CODE].hasFocus()
        dialog.choices[Trouble.DISCONNECTS].click()
        dialog.begin.click()
        await until(dialog.close_button.isVisible)
        assert {row for row, shown in dialog.rows.items() if shown.isVisible()} == set(CHECKS_OF[Trouble.DISCONNECTS])
        assert dialog.outcome.sentence.text() == "Nada de incomum: a conexão não caiu nas últimas 24 horas."
        dialog.other.click()
        assert dialog.begin.isVisible()

    use_window(act)


def test_closing_while_it_runs_stops_it(use_window: UseWindow) -> None:
    async def act(harness: WindowHarness) -> None:
        dialog = await opened(harness)
        dialog.begin.click()
        await until(dialog.cancel.hasFocus)
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        await until(lambda: not visible(harness))
        await clock_of(harness).advance(CODE_WITHIN * 2)
        assert harness.core.services.provider_log.until is None, "the watchdog was stopped with it"

    use_window(act)


def test_what_cannot_be_read_is_said_and_can_be_tried_again(use_window: UseWindow) -> None:
    async def act(harness: WindowHarness) -> None:
        dialog = await opened(harness)
        dialog.choose(Trouble.SESSION)

        async def fails(*_arguments: object) -> None:
            raise Problem(ProblemCode.SECRETS_UNAVAILABLE)

        service = harness.core.services.troubleshooting
        check, service.check = service.check, fails  # type: ignore[method-assign, assignment]
        dialog.begin.click()
        await until(dialog.again.isVisible)
        assert dialog.outcome.step.text(), "with its next step"
        service.check = check  # type: ignore[method-assign]
        dialog.again.click()
        await until(lambda: dialog.again.isVisible() and dialog.rows[TroubleCheck.HISTORY].state == FindingMark.GOOD)

    use_window(act)


def test_a_passkey_is_answered_with_a_token_and_the_link_connects(use_window: UseWindow, extension: Extension) -> None:
    async def act(harness: WindowHarness) -> None:
        harness.observe(BIA, ASKED)
        dialog = await opened(harness, 1)
        assert dialog.choices[Trouble.PASSKEY].isChecked()
        dialog.begin.click()
        await until(dialog.steps.isVisible)
        assert dialog.steps.token.text() == TOKEN
        assert dialog.close_button.hasFocus(), "whoever reads the steps presses nothing by mistake"
        dialog.steps.copy.click()
        assert QGuiApplication.clipboard().text() == TOKEN
        extension.asks = False
        await clock_of(harness).advance(ASK_EVERY)
        await until(lambda: dialog.steps.state.text() == texts("trouble.passkey.passed"))
        assert QGuiApplication.clipboard().text() != TOKEN
        assert dialog.steps.token.text() == ""
        assert not dialog.new_token.isVisible()

    use_window(act)


def test_a_token_that_expired_is_asked_for_anew_and_says_why_the_answer_failed(
    use_window: UseWindow, extension: Extension
) -> None:
    async def act(harness: WindowHarness) -> None:
        harness.observe(BIA, ASKED)
        dialog = await opened(harness, 1)
        dialog.begin.click()
        await until(dialog.steps.isVisible)
        for _ in range(27):
            await clock_of(harness).advance(ASK_EVERY)
        await until(dialog.new_token.isVisible)
        assert dialog.steps.state.text() == texts("trouble.passkey.no_answer_yet")
        extension.why = "NotAllowedError"
        dialog.new_token.click()
        await until(dialog.steps.failed.isVisible)
        assert "NotAllowedError" in dialog.steps.failed.text()
        assert extension.resets == 1

    use_window(act)


@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_every_state_has_names_is_reached_by_keyboard_and_fits(use_window: UseWindow, language: str) -> None:
    async def act(harness: WindowHarness) -> None:
        seen = set()
        for name, dialog in Dialogs(harness).all():
            await settle()
            seen.add(name)
            assert nameless(dialog) == [], name
            unreached = [each for each in out_of_reach(dialog) if not isinstance(each, RadioCard)]  # arrows do that
            assert unreached == [], name
            assert dialog.height() <= harness.window.height(), name
            shown = [each for each in dialog.findChildren(QWidget) if each.isVisible()]
            assert all("{" not in each.accessibleName() for each in shown), name
        assert len(seen) == 7

    texts.set_language(language)
    use_window(act)


def test_the_reasons_of_the_falls_are_bars_with_their_words(use_window: UseWindow) -> None:
    async def act(harness: WindowHarness) -> None:
        dialog = Dialogs(harness).shown(VIEWS["04-falls"])
        bars = dialog.rows[TroubleCheck.CLOSE_REASONS].bars
        assert bars.isVisible()
        assert bars.accessibleName().endswith(": 1")
        assert not bars.grab().isNull()

    use_window(act)
