"""The dialog of a smoke test: it begins by itself, shows each stage, and can be given up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.domain.actions import ActionName
from app.domain.link_status import Evidence, LinkState, LinkStatus, SendCapability, SmokeTestOutcome
from app.domain.smoke_test import SmokeTestStage
from app.text.status import texts
from app.ui.dialogs.smoke_test import SmokeTestDialog
from app.ui.theme.theme import Theme
from app.ui.widgets.action_menu import CARDS, row_menu
from tests.clock import settle
from tests.conftest import OnQt
from tests.ui.controls import nameless, out_of_reach
from tests.ui.smoke_test.views import VIEWS, Dialogs
from tests.ui.window_harness import NOON, WindowHarness, person, status
from tests.waiting import until

ANA = person(0)
Use = Callable[[WindowHarness], Awaitable[None]]


@pytest.fixture(autouse=True)
def in_portuguese_afterwards() -> Iterator[None]:
    yield
    texts.set_language("pt-BR")


@pytest.fixture
def use_window(on_qt: OnQt, tmp_path: Path, theme: Theme) -> Callable[[Use], None]:
    def play(use: Use) -> None:
        async def main() -> None:
            harness = WindowHarness(tmp_path, [person(number) for number in range(4)], theme)
            await harness.load(*(status(number) for number in range(4)))
            harness.window.resize(1280, 720)
            await harness.show()
            async with harness.supervisor:
                try:
                    await use(harness)
                finally:
                    await harness.close()

        on_qt(main, within=30)

    return play


def row_names(dialog: SmokeTestDialog) -> list[str]:
    return [row.accessibleName() for row in dialog.rows.values()]


async def opened(harness: WindowHarness) -> SmokeTestDialog:
    """As the first card of the pane does."""
    harness.window.choose(ANA.id)
    harness.window.controller.perform(ActionName.SMOKE_TEST, ANA.id)
    await until(lambda: [each for each in harness.window.findChildren(SmokeTestDialog) if each.isVisible()])
    return harness.window.findChildren(SmokeTestDialog)[0]


def test_it_is_the_first_thing_to_do_with_a_connected_link() -> None:
    assert CARDS[0] == (ActionName.SMOKE_TEST,)


def test_a_link_that_cannot_send_says_so_and_a_new_one_is_told_to_test(use_window: Callable[[Use], None]) -> None:
    async def act(harness: WindowHarness) -> None:
        harness.window.choose(ANA.id)
        await settle()
        (lead,) = [each for each in harness.window.findChildren(QWidget) if type(each).__name__ == "RecommendationCard"]
        assert lead.button.text() == "Smoke test"  # type: ignore[attr-defined]
        menu = row_menu(
            harness.window, harness.theme, harness.actions, person(3).id,
            perform=lambda _name, _whose: None, edit=lambda _whose: None, consents=lambda _whose: None,
        )  # fmt: skip
        assert menu.actions()[0].text() == "Smoke test · Conecte primeiro"
        menu.deleteLater()
        harness.observe(
            ANA,
            LinkStatus(
                state=LinkState.CONNECTED,
                since=NOON,
                capability=SendCapability.RESTRICTED,
                evidence=Evidence(smoke_test=SmokeTestOutcome.PASSED, last_smoke_test=NOON),
            ),
        )
        reasons = harness.actions.availability(ANA.id)
        assert reasons[ActionName.SMOKE_TEST] == "send_restricted"

    use_window(act)


def test_it_begins_when_it_opens_and_says_how_it_ended(use_window: Callable[[Use], None]) -> None:
    async def act(harness: WindowHarness) -> None:
        dialog = await opened(harness)
        await until(dialog.close_button.isVisible)
        assert dialog.outcome.sentence.text() == "Ainda não é possível enviar por este provedor."
        assert row_names(dialog)[0] == "Entregue ao provedor: não aconteceu"
        assert row_names(dialog)[2] == "Chegou ao destino: não dá para ver aqui"
        assert dialog.close_button.hasFocus()
        assert not dialog.cancel.isVisible()
        dialog.again.click()
        await until(dialog.close_button.isVisible)
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        await settle()

    use_window(act)


def test_who_wants_another_recipient_is_led_to_the_settings(use_window: Callable[[Use], None]) -> None:
    async def act(harness: WindowHarness) -> None:
        dialog = await opened(harness)
        await until(dialog.settings.isVisible)
        pages: list[tuple[str, str]] = []
        harness.runner.page_requested.connect(lambda *requested: pages.append(requested))
        dialog.settings.click()
        await settle()
        assert pages == [("settings", "smoke")], "not at the top of a long page"

    use_window(act)


def test_given_up_the_test_is_cancelled(use_window: Callable[[Use], None]) -> None:
    async def act(harness: WindowHarness) -> None:
        waiting = asyncio.Event()

        async def never(*_arguments: object) -> None:
            waiting.set()
            await asyncio.Event().wait()

        harness.core.smoke_tests._perform = never  # type: ignore[method-assign, assignment]
        dialog = await opened(harness)
        await waiting.wait()
        assert dialog.cancel.hasFocus()
        assert harness.core.smoke_tests.current(ANA.id) is not None
        QTest.keyClick(dialog.cancel, Qt.Key.Key_Return)
        await until(dialog.close_button.isVisible)
        assert dialog.outcome.sentence.text() == "Cancelado. O teste não prova nada."
        waiting.clear()
        dialog.again.click()
        await waiting.wait()
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        await until(lambda: harness.core.smoke_tests.current(ANA.id) is None)

    use_window(act)


@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_every_state_has_names_is_reached_by_keyboard_and_fits(
    use_window: Callable[[Use], None], language: str
) -> None:
    async def act(harness: WindowHarness) -> None:
        for name, dialog in Dialogs(harness).all():
            await settle()
            assert nameless(dialog) == [], name
            assert out_of_reach(dialog) == [], name
            assert dialog.height() <= harness.window.height(), name
            assert all("{" not in row for row in row_names(dialog)), name
            over = VIEWS[name].over
            assert dialog.close_button.isVisible() is over, name
            assert dialog.cancel.isVisible() is not over, name
            assert len(dialog.rows) == len(SmokeTestStage)

    texts.set_language(language)
    use_window(act)


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("03-accepted", ["feito, na hora", "feito, 1 s", "aguardando", "ainda não"]),
        ("05-passed", ["feito, na hora", "feito, 1 s", "feito, 3 s", "feito, 6 s"]),
        ("06-own", ["feito, na hora", "feito, 1 s", "não dá para ver aqui", "não dá para ver aqui"]),
        ("09-cancelled", ["feito, na hora", "feito, 1 s", "ainda não", "ainda não"]),
        ("15-no-answer", ["feito, na hora", "feito, 1 s", "feito, 3 s", "não aconteceu"]),
    ],
)
def test_each_stage_says_how_it_stands(use_window: Callable[[Use], None], name: str, rows: list[str]) -> None:
    async def act(harness: WindowHarness) -> None:
        dialog = Dialogs(harness).shown(VIEWS[name])
        assert [row.partition(": ")[2] for row in row_names(dialog)] == rows
        dialog.reject()

    use_window(act)


def test_a_number_that_was_refused_is_not_tested_again_from_here(use_window: Callable[[Use], None]) -> None:
    async def act(harness: WindowHarness) -> None:
        dialogs = Dialogs(harness)
        for name, again in (("10-restricted", False), ("12-policy", False), ("14-not-delivered", True)):
            dialog = dialogs.shown(VIEWS[name])
            assert dialog.again.isVisible() is again
            dialog.reject()
        dialog = dialogs.shown(VIEWS["12-policy"])
        assert dialog.outcome.code.text() == "Código do provedor: 463"
        dialog.reject()
        assert "Possível de novo 17:00." in dialogs.shown(VIEWS["10-restricted"]).outcome.step.text()

    use_window(act)
