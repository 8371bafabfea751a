"""What the provider tells of a number is asked by a button, shown in words, and says its age."""

from __future__ import annotations

from datetime import timedelta

from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import ProviderKind
from app.domain.sending import NumberDetails, Template
from app.text.providers import fact_name, fact_value
from app.text.status import texts
from app.ui.providers.number_section import NumberSection
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.ui.controls import nameless
from tests.ui.providers.harness import Harness, Play

META = ProviderKind.META_CLOUD


async def section(harness: Harness, kind: ProviderKind = META) -> NumberSection:
    harness.window.choose(harness.mentorado(kind).id)
    await settle()
    pane = harness.window._pane
    assert pane is not None
    found = pane._content.number
    assert found is not None
    return found


def words(shown: QWidget) -> str:
    lines = [label.text() for label in shown.findChildren(QLabel) if not label.isHidden()]
    return " | ".join([*lines, *(each.accessibleName() for each in shown.findChildren(QWidget))]).replace("\u200b", "")


def test_only_a_provider_that_tells_something_has_the_section(play: Play) -> None:
    async def act(harness: Harness) -> None:
        for kind in (ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI):
            assert not (await section(harness, kind)).isVisible()
        shown = await section(harness)
        assert shown.isVisible()
        assert texts("number.never") in words(shown)
        assert nameless(shown) == []

    play(act)


def test_what_is_told_is_said_in_words_with_its_age(play: Play) -> None:
    async def act(harness: Harness) -> None:
        harness.meta.answer = NumberDetails(
            facts={"quality": "yellow", "tier": "tier_2k", "pin": "yes", "next_name_status": "none", "moon": "full"},
            templates=tuple(
                Template(name=f"aviso_{n}", language="pt_BR", category="UTILITY", status=status, usable=n == 0)
                for n, status in enumerate(("APPROVED", "REJECTED", "PENDING", "PAUSED", "SOMETHING_NEW"))
            ),
        )
        shown = await section(harness)
        shown.ask_button.click()
        await settle()
        text = words(shown)
        for wanted in ("Qualidade: Média", "Novos contatos em 24 h: até 2.000", "PIN definido: sim", "moon: full"):
            assert wanted in text
        assert "5 modelos de mensagem · prontos: 1" in text
        assert "aviso_0, pt_BR: Aprovado" in text
        assert "aviso_4" not in text
        assert fact_name("next_name_status") not in text
        harness.window_harness.clock.time += timedelta(minutes=3)
        harness.window._pane._refresh()  # type: ignore[union-attr]
        assert "Consultado há 3 min" in words(shown)
        (more,) = [each for each in shown.findChildren(QPushButton) if each.text() == "Ver todos"]
        more.click()
        assert "aviso_4, pt_BR: SOMETHING_NEW" in words(shown)

    play(act)


def test_a_provider_that_does_not_answer_leaves_what_it_said_before(play: Play) -> None:
    async def act(harness: Harness) -> None:
        shown = await section(harness)
        shown.ask_button.click()
        await settle()
        assert "Qualidade" in words(shown)
        harness.meta.problem = Problem(ProblemCode.PROVIDER_SILENT)
        shown.ask_button.click()
        await settle()
        assert "Qualidade" in words(shown)
        pane = harness.window._pane
        assert pane is not None
        assert texts("problem.provider_silent.sentence") in pane._content.trouble.accessibleName()
        assert shown.ask_button.isEnabled()

    play(act)


def test_a_code_that_nobody_knows_yet_is_shown_as_it_is(theme: Theme) -> None:
    assert fact_value("quality", "purple") == "purple"
    assert fact_value("due", "2026-12-03") == "03/12/2026"
    assert fact_value("due", "soon") == "soon"
    assert fact_name("verified_name") == "Nome verificado"
