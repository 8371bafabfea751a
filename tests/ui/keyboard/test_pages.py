"""Every page by the keyboard alone: empty, as the whole program opens it, and with something on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from app.domain.cases import CaseKind
from app.domain.consent import Purpose
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.core.outbound.harness import phone
from tests.ui.campaigns.harness import open_campaigns
from tests.ui.cases.harness import open_cases
from tests.ui.consents.harness import open_consents
from tests.ui.keyboard.rules import check_order, check_spoken, check_typing, focused, unspoken
from tests.ui.procedures.test_program import program
from tests.ui.switches.harness import ZAPI, open_switches
from tests.waiting import until

pytestmark = [pytest.mark.usefixtures("on_qt"), pytest.mark.within(60)]

Opener = Callable[[Theme, Path], AbstractAsyncContextManager[QWidget]]
_SIZE = (1180, 620)
_READ_SECONDS = 0.3


async def check_page(page: QWidget) -> None:
    """The keyboard is somewhere in it, goes through all of it, and every stop has a name and a role."""
    assert focused(page) is not None, "nothing has the focus"
    check_spoken(page)
    await check_order(page)
    await check_typing(page)


def _is_spoken(page: QWidget) -> bool:
    return not unspoken(page)


async def test_a_keyboard_is_enough_on_every_page(qapp: QApplication, fast_dir: Path) -> None:
    async with program(qapp, fast_dir) as started:
        window = started.window
        window.resize(1280, 720)
        window.activateWindow()
        ana = await started.core.mentorados.add("Ana Prates", "11 98765-4321", "Turma 12")
        await started.core.mentorados.add("Bia Rocha", "21 98765-4321", "Turma 12")
        window.choose(ana.id)
        await until(lambda: window.list.table.chosen_id == ana.id)
        wrong = {}
        for name in window.places.icons:
            window.go(name)
            page = window.places.page or window
            await asyncio.sleep(_READ_SECONDS)
            with suppress(TimeoutError):
                await until(partial(_is_spoken, page))  # what a page reads from the database
            try:
                await check_page(page)
            except AssertionError as error:
                wrong[name] = str(error)
        window.close()
        assert wrong == {}


@asynccontextmanager
async def _switches(theme: Theme, _folder: Path) -> AsyncIterator[QWidget]:
    async with open_switches(theme) as harness:
        harness.page.resize(*_SIZE)
        await harness.core.people(3)
        harness.plan(ZAPI)
        await harness.dry_run()
        await harness.approve()
        yield harness.page


@asynccontextmanager
async def _dry_run(theme: Theme, _folder: Path) -> AsyncIterator[QWidget]:
    async with open_switches(theme) as harness:
        harness.page.resize(*_SIZE)
        await harness.core.people(3)
        harness.plan(ZAPI)
        await harness.dry_run()
        yield harness.page


@asynccontextmanager
async def _cases(theme: Theme, folder: Path) -> AsyncIterator[QWidget]:
    async with open_cases(theme, folder) as harness:
        harness.page.resize(*_SIZE)
        await harness.open(CaseKind.BAN, harness.bruno)
        harness.page.refresh()
        yield harness.page


@asynccontextmanager
async def _campaigns(theme: Theme, folder: Path) -> AsyncIterator[QWidget]:
    async with open_campaigns(theme, folder) as harness:
        harness.page.resize(*_SIZE)
        await harness.consenting(3)
        await harness.begin()
        yield harness.page


@asynccontextmanager
async def _consents(theme: Theme, folder: Path) -> AsyncIterator[QWidget]:
    async with open_consents(theme, folder) as harness:
        harness.page.resize(*_SIZE)
        await harness.p.core.consent.ledger.grant(
            harness.ana.id, phone(1), Purpose.CAMPAIGN, wording="Aceito", version="1"
        )
        await harness.shown(1)
        yield harness.page


WITH_CONTENT: Mapping[str, Opener] = {
    "a switch that runs": _switches,
    "a dry run of a switch": _dry_run,
    "a case": _cases,
    "a campaign": _campaigns,
    "consents": _consents,
}


@pytest.mark.parametrize("name", WITH_CONTENT)
async def test_a_keyboard_is_enough_where_there_is_something(theme: Theme, fast_dir: Path, name: str) -> None:
    async with WITH_CONTENT[name](theme, fast_dir) as page:
        await settle()
        page.window().activateWindow()
        page.take_focus()  # type: ignore[attr-defined]
        await settle()
        await check_page(page)
