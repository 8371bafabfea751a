"""A link is left alone from the row's menu, the palette or the pane; each shows until when, and ends it."""

from __future__ import annotations

import asyncio

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.notifications import SnoozeLength
from app.text.status import texts
from app.ui.detail_pane.summary import SummaryView
from app.ui.dialogs.command_palette import CommandPalette
from app.ui.snoozing import SnoozeLine
from tests.ui.controls import nameless, text_in
from tests.ui.window_checks import InWindow
from tests.ui.window_harness import NOON, WindowHarness, person
from tests.waiting import until

LOGGED_OUT = LinkStatus(state=LinkState.BLOCKED, reason=Reason.LOGGED_OUT, since=NOON)
ANA = person(9)
"""Logged out; everybody whose number is 1 is connected."""


def entries(harness: WindowHarness, number: int) -> dict[str, QAction]:
    menu = harness.window.controller.menu(harness.runner, person(number).id)
    found = {action.text(): action for action in menu.actions()}
    lengths = found.get("Adiar os avisos")
    inner = lengths.menu() if lengths is not None else None
    return {**found, **({f"› {each.text()}": each for each in inner.actions()} if inner is not None else {})}  # type: ignore[attr-defined]


def line_of(harness: WindowHarness) -> SnoozeLine:
    pane = harness.window._pane
    assert pane is not None
    return pane.findChildren(SummaryView)[0].snooze


def spoken(harness: WindowHarness) -> str:
    harness.model.flush()
    place = harness.model.row_of(ANA.id)
    return str(harness.model.data(harness.model.index(place or 0), Qt.ItemDataRole.AccessibleTextRole))


def test_from_the_menu_of_the_row_and_back(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        snoozes = harness.core.services.snoozes
        offered = entries(harness, 9)
        assert [each for each in offered if each.startswith("› ")] == [
            "› Por 1 hora",
            "› Até amanhã, 08:00",
            "› Até a conexão voltar",
        ]
        offered["› Até a conexão voltar"].trigger()
        await until(lambda: snoozes.snooze_of(ANA.id))
        assert spoken(harness).endswith("avisos adiados")
        offered = entries(harness, 9)
        assert not any("Adiar" in each for each in offered)
        offered["Voltar a avisar · Avisos adiados até a conexão voltar"].trigger()
        await until(lambda: snoozes.snooze_of(ANA.id) is None)
        assert not spoken(harness).endswith("avisos adiados")
        assert not any("avis" in each for each in entries(harness, 1)), "there is nothing to be told of"

    in_window(use)


def test_from_the_palette_and_back(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window, snoozes = harness.window, harness.core.services.snoozes
        window.choose(ANA.id)
        await pick(harness, "Adiar os avisos: Por 1 hora")
        await until(lambda: snoozes.snooze_of(ANA.id))
        await pick(harness, "Voltar a avisar")
        await until(lambda: snoozes.snooze_of(ANA.id) is None)

    in_window(use)


async def pick(harness: WindowHarness, title: str) -> None:
    harness.window.controller.open_palette()
    await until(lambda: [each for each in harness.window.findChildren(CommandPalette) if each.isVisible()])
    (palette,) = [each for each in harness.window.findChildren(CommandPalette) if each.isVisible()]
    palette.picked = next(each for each in palette._entries if each.title.startswith(title))
    palette.accept()
    await asyncio.sleep(0.02)


def test_from_the_pane_which_shows_until_when(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window, snoozes = harness.window, harness.core.services.snoozes
        window.choose(person(1).id)
        line = line_of(harness)
        assert line.isHidden()
        window.choose(ANA.id)
        assert line.isVisible()
        assert line.button.text() == "Adiar os avisos"
        menu = line.menu()
        menu.actions()[0].trigger()
        await until(lambda: snoozes.snooze_of(ANA.id))
        end = snoozes.next_end
        assert end is not None
        assert text_in(line) == f"Avisos adiados até {end.astimezone():%H:%M} | Voltar a avisar"
        assert nameless(line) == []
        texts.set_language("en")
        assert "Snoozed until" in text_in(line)
        line.button.click()
        await until(lambda: snoozes.snooze_of(ANA.id) is None)
        assert text_in(line) == "Snooze notifications"

    in_window(use)


def test_the_button_of_the_pane_opens_the_choices(in_window: InWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(harness: WindowHarness) -> None:
        opened: list[list[str]] = []
        monkeypatch.setattr(
            "app.ui.snoozing.pop_up", lambda menu, _where: opened.append([each.text() for each in menu.actions()])
        )
        harness.window.choose(ANA.id)
        line_of(harness).button.click()
        assert opened == [["Por 1 hora", "Até amanhã, 08:00", "Até a conexão voltar"]]

    in_window(use)


def test_the_row_shows_a_bell_and_keeps_it_when_the_mentorado_is_edited(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        await harness.core.services.snoozes.begin(ANA.id, SnoozeLength.RECOVERY)
        harness.model.flush()
        table, place = harness.window.list.table, harness.model.row_of(ANA.id)
        assert place is not None
        before = table.viewport().grab(table.visualRect(harness.model.index(place))).toImage()
        await harness.mentorados.edit(ANA.id, ANA.name, ANA.phone, ANA.cohort)
        assert harness.model.find_row(ANA.id).snoozed
        await harness.mentorados.load()
        assert harness.model.find_row(ANA.id).snoozed
        await harness.core.services.snoozes.end(ANA.id)
        harness.model.flush()
        after = table.viewport().grab(table.visualRect(harness.model.index(place))).toImage()
        assert before != after

    in_window(use)


def test_what_cannot_be_stored_is_said_in_the_pane(in_window: InWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(harness: WindowHarness) -> None:
        async def refuse(*_what: object) -> None:
            raise Problem(ProblemCode.QUIET_TIME_INVALID)

        snoozes = harness.core.services.snoozes
        monkeypatch.setattr(snoozes._repository, "save", refuse)
        harness.window.choose(ANA.id)
        line = line_of(harness)
        line.chosen.emit(SnoozeLength.HOUR)
        pane = harness.window._pane
        assert pane is not None
        sentence = texts("problem.quiet_time_invalid.sentence")
        await until(lambda: sentence in text_in(pane))
        assert line.button.text() == "Adiar os avisos"

    in_window(use)
