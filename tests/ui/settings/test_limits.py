"""The sending limits: to tighten one is free, to loosen one asks for a reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.domain.audit import AuditOutcome
from app.domain.outbound import OutboundLimits
from app.text.status import texts
from app.ui.dialogs.confirm import ReasonDialog
from app.ui.settings.limits import LimitsSection
from tests.ui.controls import nameless, out_of_reach
from tests.ui.settings.page_harness import Harness, InHarness


def section_of(harness: Harness) -> LimitsSection:
    found = harness.section(LimitsSection)
    assert isinstance(found, LimitsSection)
    return found


async def type_in(harness: Harness, name: str, typed: str) -> None:
    field = section_of(harness).fields[name]
    field.setText(typed)
    QTest.keyClick(field, Qt.Key.Key_Return)
    await harness.settle()


async def answer(harness: Harness, reason: str | None) -> str:
    (sheet,) = [each for each in harness.page.findChildren(ReasonDialog) if each.isVisible()]
    words = sheet.accessibleDescription()
    assert not sheet.confirm.isEnabled()
    assert sheet.field.hasFocus()
    if reason is None:
        sheet.cancel.click()
    else:
        sheet.field.setPlainText(reason)
        sheet.confirm.click()
    await harness.settle()
    return words


def test_a_tighter_limit_is_taken_at_once(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = section_of(harness)
        assert section.fields["per_day"].text() == "200"
        assert section.rows["per_day"].line.text().endswith("Padrão 200; de 1 a 10.000.")
        assert section._reset_row.isHidden()
        await type_in(harness, "per_day", "50")
        await type_in(harness, "quiet_from", "19h30")
        assert section.limits == OutboundLimits(per_day=50, quiet_from=time(19, 30))
        assert section.message == texts("settings.saved")
        assert section._reset_row.line.text() == "2 limites são diferentes dos padrões."
        assert harness.audited_actions() == ["set_outbound_limits"] * 2
        assert nameless(section) == []
        assert out_of_reach(section) == []

    in_harness(use)


def test_a_looser_limit_asks_for_a_reason_which_the_audit_keeps(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = section_of(harness)
        await type_in(harness, "per_day", "500")
        assert "Mensagens por dia: 200 → 500" in await answer(harness, None)
        assert section.limits == OutboundLimits()
        assert section.fields["per_day"].text() == "200"
        await type_in(harness, "per_day", "500")
        await answer(harness, "A Meta liberou o nível")
        assert section.limits == OutboundLimits(per_day=500)
        declined, done = (entry.record for entry in harness.audit.outcomes)
        assert (declined.outcome, declined.after["value"]) == (AuditOutcome.DECLINED, "per_day=500")
        assert (done.outcome, done.reason) == (AuditOutcome.DONE, "A Meta liberou o nível")
        section.partly.button(True).click()
        await harness.settle()
        assert "vale: Não → Sim" in await answer(harness, None)
        assert section.partly.chosen is False
        section.reset.click()
        await harness.settle()
        assert section.limits == OutboundLimits(), "the defaults are tighter here"

    in_harness(use)


@pytest.mark.parametrize(
    ("name", "typed", "expected"),
    [
        ("per_day", "0", "Mensagens por dia: este valor não é aceito. Escolha um número inteiro de 1 a 10.000."),
        ("per_minute", "muitas", "Mensagens por minuto: este valor não é aceito."),
        ("longest_gap", "2", "Escolha um número inteiro de 3 a 3.600."),
        ("quiet_to", "25:00", "Fim do horário de silêncio: isto não é uma hora do dia. Escreva horas e minutos"),
        ("quiet_to", "cedo", "Fim do horário de silêncio: isto não é uma hora do dia."),
    ],
)
def test_what_is_out_of_range_is_refused_beside_its_field(
    in_harness: InHarness, name: str, typed: str, expected: str
) -> None:
    async def use(harness: Harness) -> None:
        section = section_of(harness)
        before = section.fields[name].text()
        await type_in(harness, name, typed)
        assert expected in section.message
        rows = section._rows
        assert rows.indexOf(section._message) == rows.indexOf(section.rows[name]) + 1
        assert section.fields[name].text() == before
        assert section.limits == OutboundLimits()
        assert harness.audited_actions() == []

    in_harness(use)


def test_what_another_program_changed_is_shown(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = section_of(harness)
        store = harness.settings_harness.settings_service
        await store._store.save(
            replace(store.settings, outbound_limits=OutboundLimits(per_hour=9)), harness.clock.now()
        )
        await store.follow()
        assert section.fields["per_hour"].text() == "9"

    in_harness(use)


@pytest.mark.parametrize(("language", "thousand"), [("pt-BR", "1.000"), ("en", "1,000")])
def test_numbers_are_grouped_where_they_are_read_and_not_where_they_are_typed(
    in_harness: InHarness, language: str, thousand: str
) -> None:
    async def use(harness: Harness) -> None:
        texts.set_language(language)
        section = section_of(harness)
        large = [name for name in section.fields if section.fields[name].text() == "1000"]
        assert large, "there is one to look at"
        for name in large:
            assert thousand in section.rows[name].line.text()
            sheet = section.sheet(section._with(name, 2000), [name])
            assert thousand in sheet.accessibleDescription()
            sheet.deleteLater()

    try:
        in_harness(use)
    finally:
        texts.set_language("pt-BR")
