"""The page Diagnostics: what it shows while it checks, what stands on top, and what a button puts right."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel

from app.domain.diagnosis import CheckName, CheckOutcome, Diagnosis, DiagnosisCode, diagnosed
from app.domain.errors import Problem, ProblemCode
from app.text import diagnosis as words
from app.text.status import texts
from app.ui.banners import Banners
from app.ui.diagnostics.page import AT_START, CheckCard, DiagnosticsPage, check_at_start
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.conftest import OnQt
from tests.ui.diagnostics.views import FINE, OPEN, TROUBLE, Findings, open_page
from tests.ui.keyboard.rules import check_order, check_typing
from tests.waiting import until

N = CheckName


def order(page: DiagnosticsPage) -> list[CheckName]:
    """The checks from top to bottom."""
    cards = (page._cards.itemAt(place).widget() for place in range(page._cards.count()))  # type: ignore[union-attr]
    return [card.check for card in cards if isinstance(card, CheckCard)]


def texts_on(card: CheckCard) -> str:
    return " ".join(label.text() for label in card.findChildren(QLabel) if not label.isHidden())


async def checked(page: DiagnosticsPage) -> None:
    await until(lambda: not page._running and page._checked_at is not None)


def test_it_checks_when_it_is_first_shown_and_says_so_meanwhile(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        findings = Findings()
        findings.may_end.clear()
        async with open_page(theme, findings) as page:
            await until(lambda: len(findings.asked) == len(FINE) - 1)  # the loop is measured after them
            assert page._summary.text() == texts("doctor.page.running")
            assert all(card.outcome is None for card in page.cards.values())
            assert not page.copy.isEnabled()
            page.check()  # once is enough
            findings.may_end.set()
            await checked(page)
            assert len(findings.asked) == len(FINE)
            assert page._summary.text().startswith(texts("doctor.cli.fine"))
            assert page.report.outcome is CheckOutcome.OK
            assert order(page) == list(FINE)
            page.hide()
            page.show()
            assert len(findings.asked) == len(FINE), "what was found stays until somebody asks again"

    on_qt(main)


def test_what_needs_somebody_stands_on_top_with_one_next_step(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        findings = Findings()
        findings.found |= TROUBLE
        async with open_page(theme, findings) as page:
            await checked(page)
            ordered = order(page)
            assert ordered[:4] == [N.DATA_FOLDER, N.CLOCK, N.NETWORK, N.CHANNEL]
            assert set(ordered[4:6]) == {N.DATABASE, N.LEFTOVERS}
            assert ordered[6] is N.ENGINE
            for name, found in TROUBLE.items():
                shown = texts_on(page.cards[name])
                for each in found:
                    assert words.sentence(each) in shown
                    assert words.next_step(each) in shown
                    assert words.sentence(each) in page.cards[name].accessibleName()
            summary = texts("doctor.cli.summary", failed=4, warnings=2, unknown=1)
            assert page._summary.text().startswith(summary)

    on_qt(main)


def test_a_button_puts_right_what_can_be_and_the_keyboard_is_not_lost(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        findings = Findings()
        findings.found |= TROUBLE
        async with open_page(theme, findings) as page:
            page.activateWindow()
            await checked(page)
            fixable = {name for name, card in page.cards.items() if card.fixes}
            assert fixable == {N.DATA_FOLDER, N.LEFTOVERS}, "only what loses nothing"
            (button,) = page.cards[N.DATA_FOLDER].fixes
            assert button.text() == texts("doctor.fix.make_private")
            button.setFocus()
            button.click()
            await until(lambda: page.cards[N.DATA_FOLDER].outcome is CheckOutcome.OK)
            assert findings.fixed == [OPEN]
            assert order(page)[0] is N.CLOCK
            assert page.again.hasFocus()

    on_qt(main)


def test_what_cannot_be_put_right_says_why(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        findings = Findings()
        findings.found |= TROUBLE
        findings.refusal = Problem(ProblemCode.DATABASE_NOT_WRITABLE, path="x", detail="read-only")
        async with open_page(theme, findings) as page:
            await checked(page)
            page.cards[N.DATA_FOLDER].fixes[0].click()
            await until(lambda: bool(page.banners.problems()))
            assert [each.code for each in page.banners.problems()] == [ProblemCode.DATABASE_NOT_WRITABLE]
            assert page.cards[N.DATA_FOLDER].outcome is CheckOutcome.FAILED

    on_qt(main)


def test_the_report_is_copied_as_text(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        findings = Findings()
        findings.found |= TROUBLE
        async with open_page(theme, findings) as page:
            await checked(page)
            page.copy.click()
            copied = QGuiApplication.clipboard().text()
            assert copied == words.report_text(page.report)
            assert "[proxy_refuses]" in copied
            assert page.copy.text() == texts("doctor.page.copied")
            page._copied.timeout.emit()
            assert page.copy.text() == texts("doctor.page.copy")

    on_qt(main)


@pytest.mark.parametrize("trouble", [False, True], ids=["fine", "trouble"])
def test_a_keyboard_is_enough(on_qt: OnQt, theme: Theme, trouble: bool) -> None:
    async def main() -> None:
        findings = Findings()
        if trouble:
            findings.found |= TROUBLE
        async with open_page(theme, findings) as page:
            page.activateWindow()
            await checked(page)
            await settle()
            page.take_focus()
            await check_order(page)
            await check_typing(page)

    on_qt(main)


def test_it_follows_the_language(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        findings = Findings()
        findings.found |= TROUBLE
        before = texts.language
        async with open_page(theme, findings) as page:
            await checked(page)
            try:
                for language in ("en", "pt-BR"):
                    texts.set_language(language)
                    await settle()
                    assert texts("doctor.found.clock_wrong", computer="", trusted="", minutes="")[:6] in texts_on(
                        page.cards[N.CLOCK]
                    )
            finally:
                texts.set_language(before)

    on_qt(main)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_at_the_start_only_what_failed_is_mentioned(on_qt: OnQt, theme: Theme, count: int) -> None:
    """ "Run quietly at start": a healthy computer hears nothing of it, and no keyring is asked."""

    async def main() -> None:
        findings = Findings()
        findings.found[N.LEFTOVERS] = TROUBLE[N.LEFTOVERS]  # a warning is no reason to interrupt
        for name in (N.DATA_FOLDER, N.SPACE)[:count]:
            findings.found[name] = [OPEN]
        banners, seen = Banners(theme), list[str]()
        await check_at_start(findings.service(), banners, lambda: seen.append("page"))
        assert set(findings.asked) == set(AT_START)
        assert N.SECRETS not in findings.asked
        shown = banners._by_cause.get("doctor")
        if not count:
            assert shown is None
            return
        assert shown is not None
        assert shown.accessibleName() == texts.plural("doctor.start", count, sentence=words.sentence(OPEN))
        shown._choices[0][0].click()  # type: ignore[attr-defined]
        assert seen == ["page"]
        assert "doctor" not in banners._by_cause
        banners.deleteLater()

    on_qt(main)


def test_a_support_bundle_is_asked_for_from_the_page(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        async with open_page(theme, Findings()) as page:
            await checked(page)
            asked: list[object] = []
            page.bundle_requested.connect(asked.append)
            page.bundle.click()
            assert asked == [()], "no crash report is checked for it"
            assert page.bundle.text() == texts("doctor.page.bundle")

    on_qt(main)


def test_what_there_is_nothing_to_say_about_is_left_out() -> None:
    fine = diagnosed(DiagnosisCode.SETTINGS_FINE, path="/etc/conecta/.env", changed="")
    assert words.sentence(fine) == "As configurações podem ser usadas (/etc/conecta/.env)."
    changed = diagnosed(DiagnosisCode.SETTINGS_FINE, path="x", changed="LOG_LEVEL")
    assert words.sentence(changed).endswith(" Fora do padrão: LOG_LEVEL.")
    nowhere = Diagnosis(check=N.SETTINGS, code=DiagnosisCode.COULD_NOT_LOOK, evidence={"path": "", "detail": "x"})
    assert words.sentence(nowhere).startswith("Não foi possível verificar um arquivo ou uma pasta (")
    lacking = diagnosed(DiagnosisCode.SHIBOKEN_DIFFERS, python="3.11.7", pyside="6.11.3", shiboken="", wanted="")
    assert words.sentence(lacking).endswith("shiboken6: não instalado.")
