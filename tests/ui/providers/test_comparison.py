"""The providers side by side: all the plain facts, the recommendation, and a way to choose."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QWidget

from app.domain.mentorado import ProviderKind
from app.text.status import texts
from app.text.translator import LANGUAGES
from app.ui.dialogs.mentorado import MentoradoDialog
from app.ui.providers.comparison import ASPECTS, Comparison, ComparisonDialog, points
from app.ui.theme.theme import Mode, Theme
from tests.clock import settle
from tests.ui.controls import nameless, out_of_reach
from tests.ui.providers.harness import Harness, open_harness

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

KINDS = tuple(ProviderKind)


def words(widget: QWidget) -> str:
    return " | ".join(label.text() for label in widget.findChildren(QLabel))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_provider_has_something_to_say_in_every_band(theme: Theme, kind: ProviderKind, language: str) -> None:
    texts.set_language(language)
    for aspect in ASPECTS:
        lines = list(points(kind, aspect))
        assert lines
        assert len(lines) >= (2 if aspect.many else 1)


def test_the_risks_of_the_unofficial_protocol_are_said_plainly(theme: Theme) -> None:
    risks = next(aspect for aspect in ASPECTS if aspect.name == "risks")
    for kind in (ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI):
        text = " ".join(points(kind, risks))
        assert "protocolo" in text
        assert "Sessões longas são menos estáveis" in text
        assert "suspensão por regras de uso" in text
    costs = next(aspect for aspect in ASPECTS if aspect.name == "costs")
    assert "operar" in "".join(points(ProviderKind.WHATSAPP_WEB, costs))


def test_columns_become_one_where_it_is_narrow(theme: Theme) -> None:
    comparison = Comparison(theme, KINDS)
    comparison.resize(1000, 900)
    comparison.show()
    QTest.qWait(10)
    tops = {card.geometry().top() for card in comparison._cards.values()}
    assert len(tops) == 1
    comparison.resize(420, 900)
    QTest.qWait(10)
    lefts = {card.geometry().left() for card in comparison._cards.values()}
    assert len(lefts) == 1
    comparison.close()
    comparison.deleteLater()


async def test_the_official_one_is_recommended_and_one_can_be_chosen(theme: Theme, tmp_path: Path) -> None:
    async with open_harness(theme, tmp_path) as harness:
        form = await _form(harness)
        form.name.line.setText("Débora Falcão")
        form.phone.line.setText("98 98408-8104")
        assert form.provider is not None
        form.provider.compare.click()
        await settle()
        (sheet,) = harness.shown()
        assert isinstance(sheet, ComparisonDialog)
        assert "use a Meta Cloud" in words(sheet)
        assert "Alto volume e conformidade" in {each.accessibleName() for each in sheet.findChildren(QWidget)}
        sheet.comparison.buttons[ProviderKind.META_CLOUD].click()
        await settle()
        (again,) = harness.shown()
        assert isinstance(again, MentoradoDialog)
        assert again.draft.provider is ProviderKind.META_CLOUD
        assert again.draft.name == "Débora Falcão"
        assert again.main_button.text() == texts("dialog.add_and_enter")
        again.main_button.click()
        await settle()
        (credentials,) = harness.shown()
        assert credentials.title.text() == "Credenciais de Débora Falcão"
        credentials.reject()
        await settle()
        added = next(each for each in harness.window_harness.mentorados.all() if each.name == "Débora Falcão")
        assert added.link.provider is ProviderKind.META_CLOUD


async def test_going_back_changes_nothing(theme: Theme, tmp_path: Path) -> None:
    async with open_harness(theme, tmp_path) as harness:
        form = await _form(harness)
        assert form.provider is not None
        form.provider.choice.button(ProviderKind.ZAPI).click()
        form.provider.compare.click()
        await settle()
        (sheet,) = harness.shown()
        QTest.keyClick(sheet, Qt.Key.Key_Escape)
        await settle()
        (again,) = harness.shown()
        assert isinstance(again, MentoradoDialog)
        assert again.draft.provider is ProviderKind.ZAPI


@pytest.mark.parametrize("scale", [100, 200])
@pytest.mark.parametrize("mode", [Mode.LIGHT, Mode.DARK])
async def test_it_can_be_read_and_reached_in_every_look(theme: Theme, tmp_path: Path, scale: int, mode: Mode) -> None:
    theme.set_mode(mode)
    theme.set_text_scale(scale)
    async with open_harness(theme, tmp_path) as harness:
        sheet = ComparisonDialog(theme, harness.window, KINDS, chosen=ProviderKind.ZAPI, choosing=True)
        sheet.open()
        await asyncio.sleep(0.05)
        assert nameless(sheet) == []
        assert out_of_reach(sheet) == []
        assert sheet.height() <= harness.window.height()
        assert sheet.area.horizontalScrollBar().maximum() == 0
        sheet.reject()
        sheet.deleteLater()


async def _form(harness: Harness) -> MentoradoDialog:
    harness.window.controller.add()
    async with asyncio.timeout(5):
        while not (found := [each for each in harness.shown() if isinstance(each, MentoradoDialog)]):
            await asyncio.sleep(0.005)
    return found[0]
