"""Each setting as a person finds it: what it says, what it does, and what it says when that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton, QWidget

from app.core.bus import Bus
from app.core.enrolments import Enrolments
from app.core.scribe import Scribe
from app.core.witness import Witness
from app.domain.connection import LinkState, LinkStatus
from app.domain.deeds import DeedName
from app.domain.erasure import CopyKind
from app.domain.errors import Code, Problem
from app.domain.events import StatusChanged
from app.domain.mentorado import ProviderKind
from app.domain.secrets import SecretsPlace
from app.ui.dialogs.question import QuestionSheet
from app.ui.loop import cancel_asked
from app.ui.providers.comparison_sheet import ComparisonSheet
from app.ui.settings_page.about import AboutSection
from app.ui.settings_page.appearance import AppearanceSection
from app.ui.settings_page.diagnosis import OFF, DiagnosisSection
from app.ui.settings_page.history import HistorySection
from app.ui.settings_page.operator_name import OperatorSection
from app.ui.settings_page.page import SettingsPage
from app.ui.settings_page.personal import PersonalSection
from app.ui.settings_page.providers import ProvidersSection
from app.ui.settings_page.secrets_place import SecretsSection
from app.ui.settings_page.section import Section
from app.ui.settings_page.sessions import SessionsSection
from app.ui.text import texts
from app.ui.theme import Mode, Theme
from tests.clock import StillClock, settle
from tests.conftest import OnQt
from tests.core.archive import BIA, COPY
from tests.played import PlayedAudit, PlayedRoster, somebody, witness_of
from tests.ui.controls import nameless, out_of_reach
from tests.ui.settings_page.desk import Copy, Desk
from tests.ui.stage import NOON, person

PEOPLE = [person(number) for number in range(1, 4)]


@dataclass
class Office:
    """The page, and everything below it."""

    page: SettingsPage
    desk: Desk
    audit: PlayedAudit
    clock: StillClock

    def section(self, kind: type[Section]) -> Section:
        return next(each for each in self.page.sections if isinstance(each, kind))

    @property
    def operator(self) -> OperatorSection:
        return next(each for each in self.page.sections if isinstance(each, OperatorSection))

    @property
    def secrets(self) -> SecretsSection:
        return next(each for each in self.page.sections if isinstance(each, SecretsSection))

    @property
    def history(self) -> HistorySection:
        return next(each for each in self.page.sections if isinstance(each, HistorySection))

    @property
    def personal(self) -> PersonalSection:
        return next(each for each in self.page.sections if isinstance(each, PersonalSection))

    @property
    def diagnosis(self) -> DiagnosisSection:
        return next(each for each in self.page.sections if isinstance(each, DiagnosisSection))

    @property
    def sessions(self) -> SessionsSection:
        return next(each for each in self.page.sections if isinstance(each, SessionsSection))

    async def settle(self) -> None:
        """Let slots run to their end; some of them pass through a thread."""
        for _ in range(6):
            await asyncio.sleep(0.02)

    def deeds(self) -> list[str]:
        return [entry.deed.action for entry in self.audit.outcomes]

    def outcomes(self) -> list[tuple[str, str]]:
        return [(entry.deed.action, entry.deed.outcome.value) for entry in self.audit.outcomes]

    async def answer(self, *, accept: bool, typed: str = "") -> str:
        """Answer the question that is open, and return all it said."""
        await self.settle()
        (sheet,) = self.page.findChildren(QuestionSheet)
        words = f"{sheet.windowTitle()} | {said(sheet)}"
        for field in sheet.findChildren(QLineEdit):
            field.setText(typed)
        (sheet.confirm if accept else sheet.cancel).click()
        await self.settle()
        return words


def said(widget: QWidget) -> str:
    shown = [each for each in widget.findChildren(QWidget) if each.isVisible()]
    return " | ".join(each.text() for each in shown if isinstance(each, (QLabel, QPushButton)))


Use = Callable[[Office], Awaitable[None]]
InOffice = Callable[[Use], None]


@pytest.fixture
def in_office(on_qt: OnQt, theme: Theme, tmp_path: Path) -> InOffice:
    """Open the page over the core's own desks, use it, and close it."""

    def play(use: Use) -> None:
        async def main() -> None:
            bus, clock, audit = Bus(), StillClock(NOON), PlayedAudit()
            enrolments = Enrolments(bus=bus, roster=PlayedRoster(*PEOPLE), clock=clock, witness=witness_of(audit))
            await enrolments.load()
            scribe = Scribe(bus=bus, clock=clock)
            scribing = asyncio.get_running_loop().create_task(scribe.run())
            witness = Witness(audit=audit, scribe=scribe, clock=clock, actor=somebody)
            desk = Desk(folder=tmp_path, bus=bus, clock=clock, enrolments=enrolments, witness=witness)
            page = SettingsPage(theme=theme, parts=desk.parts)
            page.resize(1180, 800)
            page.show()
            office = Office(page, desk, audit, clock)
            try:
                await office.settle()
                await use(office)
            finally:
                await cancel_asked()
                scribing.cancel()
                with suppress(asyncio.CancelledError):
                    await scribing
                page.close()
                page.deleteLater()

        on_qt(main, within=30)
        QApplication.processEvents()

    return play


def test_the_operators_name_is_taken_on_enter_and_written_down(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        field = office.operator.field
        field.setText("  Rosa   Prado ")
        QTest.keyClick(field, Qt.Key.Key_Return)
        await office.settle()
        assert office.desk.store.kept.operator_name == "Rosa Prado"
        assert field.text() == "Rosa Prado"
        assert office.operator.said == "Salvo."
        assert office.deeds() == [DeedName.SET_OPERATOR_NAME]

    in_office(use)


def test_what_cannot_be_stored_is_told_where_it_was_asked(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        office.desk.store.problem = Problem(Code.DATABASE_DISK_FULL)
        office.operator.field.setText("Rosa")
        office.operator.save()
        await office.settle()
        assert office.operator.said.startswith("O disco está cheio.")
        assert "Libere espaço" in office.operator.said
        texts.set_language("en")
        assert office.operator.said.startswith("The disk is full.")

    in_office(use)


def test_without_a_keyring_one_can_choose_memory(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        section = office.secrets
        assert section.place == "none"
        assert "Em lugar nenhum" in section.badge.accessibleName()
        section.memory_button.click()
        await office.settle()
        assert section.place == "memory"
        assert "Somem quando o Conecta fechar" in said(section)
        assert not section.memory_button.isVisible()
        section.keyring_button.click()
        await office.settle()
        assert "Nenhum cofre de senhas respondeu." in section.said

    in_office(use)


def test_a_file_wants_its_passphrase_twice_and_forgets_what_was_typed(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        section = office.secrets
        section.phrase.setText("quatro palavras quaisquer bastam")
        assert not section.keep_button.isEnabled()
        section.again.setText("quatro palavras quaisquer")
        assert not section.keep_button.isEnabled()
        section.again.setText("quatro palavras quaisquer bastam")
        section.keep_button.click()
        await office.settle()
        assert section.place == "encrypted_file"
        assert section.phrase.text() == section.again.text() == ""
        assert "secrets.enc" in said(section)
        assert not section._file.isVisible()
        lines = {part: line.isVisible() for part, line in section._lines.items()}
        assert lines == {section._now: True, section._file: False, section._other: True}, "no line over nothing"

    in_office(use)


def test_a_short_passphrase_is_told_to_be(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        for field in (office.secrets.phrase, office.secrets.again):
            field.setText("curta")
        office.secrets.keep_button.click()
        await office.settle()
        assert "A frase secreta tem menos de" in office.secrets.said
        assert office.secrets.phrase.text() == "curta"  # so that it can be made longer

    in_office(use)


def test_a_locked_file_is_opened_or_set_aside(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        await office.desk.vault.keep_in_file("quatro palavras quaisquer bastam")
        page = SettingsPage(theme=office.page._theme, parts=office.desk.parts_with(office.desk.new_vault()))
        page.resize(1180, 800)
        page.show()
        office.page = page
        await office.settle()
        section = office.secrets
        assert section.place == "locked_file"
        assert not section.again.isVisible()
        section.phrase.setText("outra frase que não é esta")
        section.keep_button.click()
        await office.settle()
        assert "não abre o arquivo" in section.said
        section.aside_button.click()
        assert "outro nome" in await office.answer(accept=False)
        assert section.place == "locked_file"
        assert office.outcomes()[-1] == (DeedName.SET_SECRETS_PLACE, "declined")
        section.phrase.setText("quatro palavras quaisquer bastam")
        QTest.keyClick(section.phrase, Qt.Key.Key_Return)
        await office.settle()
        assert section.place == "encrypted_file"
        page.close()
        page.deleteLater()

    in_office(use)


@pytest.mark.parametrize("place", SecretsPlace)
@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_every_place_of_secrets_says_what_it_means(in_office: InOffice, place: SecretsPlace, language: str) -> None:
    async def use(office: Office) -> None:
        texts.set_language(language)
        office.secrets._show(place)
        assert office.secrets._now.line.text().endswith(".")

    in_office(use)


def test_how_much_is_kept_is_counted_over_everybody(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        assert office.history.line.startswith("9 mensagens em 6 conversas, desde ")
        assert office.history.retention.text() == "Guardar tudo"

    in_office(use)


def test_keeping_less_must_be_confirmed_in_writing_and_keeping_more_not(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        section = office.history

        def kept() -> int | None:
            return office.desk.store.kept.retention_days

        section.retention._pick(365)
        words = await office.answer(accept=False)
        assert "Apagar mensagens com mais de 365 dias?" in words
        assert "Não dá para desfazer" in words
        assert kept() is None
        assert office.outcomes() == [(DeedName.SET_RETENTION, "declined")]
        assert section.retention.text() == "Guardar tudo"
        section.retention._pick(365)
        await office.answer(accept=True, typed="365")  # not what was asked for: the button stays shut
        assert kept() is None
        await office.answer(accept=True, typed="365 dias")
        assert kept() == 365
        section.retention._pick(730)
        await office.settle()
        assert kept() == 730
        section.retention._pick(None)
        await office.settle()
        assert kept() is None
        assert [outcome for _, outcome in office.outcomes()] == ["declined", "done", "done", "done"]

    in_office(use)


def test_all_that_is_kept_of_somebody_is_exported(in_office: InOffice, tmp_path: Path) -> None:
    async def use(office: Office) -> None:
        section = office.personal
        assert not section.export_button.isEnabled()
        section.whom._pick(PEOPLE[0].mentorado.id)
        assert section.export_button.isEnabled()
        await section.export_to(tmp_path / "out", PEOPLE[0].mentorado.id, None)
        (folder,) = (tmp_path / "out").iterdir()
        assert f"3 mensagens em {folder.name}." in section.said
        assert office.desk.opened == [folder]
        assert not section.bar.isVisible()
        await office.settle()
        assert office.deeds() == [DeedName.EXPORT_MENTORADO]

    in_office(use)


def test_an_export_that_is_given_up_leaves_nothing(in_office: InOffice, tmp_path: Path) -> None:
    async def use(office: Office) -> None:
        section = office.personal
        section.bar.setVisible(False)
        loop = asyncio.get_running_loop()
        exporting = loop.create_task(section.export_to(tmp_path / "out", PEOPLE[0].mentorado.id, None))
        while not section.cancel_button.isVisible():
            await asyncio.sleep(0)
        section.cancel_button.click()
        await exporting
        assert "Exportação cancelada." in section.said
        assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
        assert not section.cancel_button.isVisible()

    in_office(use)


def test_a_contact_is_erased_once_the_number_was_typed_again(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        section = office.personal
        section.whom._pick(PEOPLE[0].mentorado.id)
        assert not section.erase_button.isEnabled()
        section.contact.setText(BIA.value)
        section.erase_button.click()
        await office.answer(accept=False)
        assert office.outcomes() == [(DeedName.ERASE_CONTACT, "declined")]
        assert office.desk.archive.erased == []
        section.erase_button.click()
        words = await office.answer(accept=True, typed="+55 21 98765-0001")
        assert PEOPLE[0].mentorado.name in words
        assert "Não dá para desfazer" in words
        assert len(office.desk.archive.erased) == 1
        assert "apagados" in section.said
        assert section.contact.text() == ""

    in_office(use)


@pytest.mark.parametrize("removed", [True, False])
def test_older_copies_are_named_with_their_dates_and_stay_unless_somebody_removes_them(
    in_office: InOffice, removed: bool
) -> None:
    async def use(office: Office) -> None:
        office.desk.leftovers.held = [COPY, replace(COPY, kind=CopyKind.DATABASE, encrypted=True)]
        section = office.personal
        section.whom._pick(PEOPLE[0].mentorado.id)
        section.contact.setText(BIA.value)
        section.erase_button.click()
        await office.answer(accept=True, typed="+55 21 98765-0001")
        words = await office.answer(accept=removed)
        assert "Backup de 01/01/2026" in words or "Backup de 31/12/2025" in words
        assert "(com frase secreta)" in words
        assert texts("question.kept") not in words  # what may be removed is not said to be kept
        assert office.desk.leftovers.held == (
            [] if removed else [COPY, replace(COPY, kind=CopyKind.DATABASE, encrypted=True)]
        )
        assert ("2 cópias foram removidas." in section.said) is removed

    in_office(use)


def test_what_there_was_no_room_for_is_told_and_the_number_stays_to_ask_again(
    in_office: InOffice, caplog: pytest.LogCaptureFixture
) -> None:
    async def use(office: Office) -> None:
        office.desk.archive.no_room = Problem(Code.DATABASE_DISK_FULL, path="/data/conecta.db")
        section = office.personal
        section.whom._pick(PEOPLE[0].mentorado.id)
        section.contact.setText(BIA.value)
        section.erase_button.click()
        await office.answer(accept=True, typed="+55 21 98765-0001")
        assert "apagados" in section.said
        assert "conclui na hora" in section.said
        assert section.contact.text() == BIA.value

    in_office(use)
    assert "is due" in caplog.text


@pytest.mark.parametrize(("typed", "sentence"), [("12", "não é um número de telefone"), ("11900000000", "Não há")])
def test_a_number_nobody_knows_is_told(in_office: InOffice, typed: str, sentence: str) -> None:
    async def use(office: Office) -> None:
        section = office.personal
        section.whom._pick(PEOPLE[0].mentorado.id)
        section.contact.setText(typed)
        section.erase_button.click()
        await office.settle()
        for sheet in office.page.findChildren(QuestionSheet):
            sheet.findChildren(QLineEdit)[0].setText(sheet._typed)
            sheet.confirm.click()
        await office.settle()
        assert sentence in section.said
        assert office.desk.archive.erased == []

    in_office(use)


def test_the_detailed_log_says_how_long_it_will_be_on(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        section = office.diagnosis
        section.choice.button(timedelta(hours=1)).click()
        await office.settle()
        assert office.desk.store.kept.provider_log_until == NOON + timedelta(hours=1)
        assert "Faltam 60 min." in section.line
        office.clock.time += timedelta(minutes=50)
        section._again.timeout.emit()
        assert "Faltam 10 min." in section.line
        office.clock.time += timedelta(minutes=11)
        section._again.timeout.emit()
        assert "Desliga sozinho." in section.line
        assert section.choice.chosen == OFF
        section.choice.button(timedelta(minutes=15)).click()
        await office.settle()
        section.choice.button(OFF).click()
        await office.settle()
        assert section.choice.chosen == OFF
        assert office.deeds() == [DeedName.SET_PROVIDER_LOG] * 3

    in_office(use)


def test_places_are_shown_and_opened(in_office: InOffice, tmp_path: Path) -> None:
    async def use(office: Office) -> None:
        for button in office.page.findChildren(QPushButton):
            if button.text() == "Abrir pasta":
                button.click()
        assert office.desk.opened == [tmp_path / "logs", tmp_path / "sessions", tmp_path / "backups", tmp_path]
        words = said(office.page).replace("\u200b", "")
        assert str(tmp_path / "sessions") in words
        assert "Conecta 0.3.0" in said(office.section(AboutSection))

    in_office(use)


def test_sessions_without_a_copy_come_first(in_office: InOffice, tmp_path: Path) -> None:
    async def use(office: Office) -> None:
        assert "Nenhum número foi conectado ainda." in said(office.sessions)
        for enrolment in PEOPLE:
            from dataclasses import replace

            await office.desk.enrolments.save_link(replace(enrolment.link, wanted=True))
        for age, enrolment in zip((2, 50), PEOPLE, strict=False):
            office.desk.copies[enrolment.link.id] = [Copy(NOON - timedelta(hours=age), tmp_path)] * age
        office.sessions.refresh()
        await office.settle()
        words = said(office.sessions)
        names = [PEOPLE[place].mentorado.name for place in (2, 1, 0)]
        assert [words.index(name) for name in names] == sorted(words.index(name) for name in names)
        assert "sem cópia" in words
        assert "há 2 dias · 50 cópias" in words
        assert "2 de 3 sessões têm cópia" in words

    in_office(use)


def test_the_look_and_the_language_change_at_once_and_follow(in_office: InOffice, theme: Theme) -> None:
    async def use(office: Office) -> None:
        look = next(each for each in office.page.sections if isinstance(each, AppearanceSection))
        look.mode.button(Mode.DARK).click()
        assert theme.mode is Mode.DARK
        look.scale.button(150).click()
        assert theme.text_scale == 150
        look.language.button("en").click()
        assert texts.language == "en"
        assert "Settings" in said(office.page)
        portuguese = [word for word in ("Operador", "Segredos", "Guardar", "Cópias") if word in said(office.page)]
        assert portuguese == []
        theme.set_text_scale(100)  # by its shortcut
        assert look.scale.chosen == 100

    in_office(use)


def test_everything_has_a_name_and_can_be_reached(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        assert nameless(office.page) == []
        assert out_of_reach(office.page) == []

    in_office(use)


@pytest.mark.parametrize("width", [580, 1180])
def test_text_twice_as_large_is_not_clipped(in_office: InOffice, theme: Theme, width: int) -> None:
    async def use(office: Office) -> None:
        theme.set_text_scale(200)
        office.page.resize(width, 700)
        await office.settle()
        for label in office.page.area.findChildren(QLabel):
            if label.isVisible() and label.wordWrap():
                assert label.height() >= label.heightForWidth(label.width()), label.text()
        for button in office.page.area.findChildren(QPushButton):
            if button.isVisible():
                assert button.width() >= button.minimumSizeHint().width(), button.text()
        assert office.page._column.width() <= office.page.area.viewport().width()

    in_office(use)


def test_the_list_of_sections_leads_to_each_and_marks_where_one_is(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        page = office.page
        assert [link.property("here") for link in page._links] == [True] + [False] * (len(page.sections) - 1)
        page._links[4].click()
        await settle()
        assert page.area.verticalScrollBar().value() > 0
        assert page._links[4].property("here") is True
        page.resize(700, 600)
        await settle()
        assert not page._links[0].isVisible()

    in_office(use)


def test_providers_in_use_are_counted_and_compared(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        section = office.section(ProvidersSection)
        assert isinstance(section, ProvidersSection)
        assert "Meta Cloud" in said(section)
        counted = {kind: badge.accessibleName() for kind, (_row, badge) in section._kinds.items()}
        assert counted[ProviderKind.META_CLOUD] == "nenhum mentorado"
        assert counted[ProviderKind.WHATSAPP_WEB] == "2 mentorados, 0 com conexão"
        enrolment = next(each for each in PEOPLE if each.link.provider is ProviderKind.WHATSAPP_WEB)
        status = LinkStatus(state=LinkState.CONNECTED, since=NOON)
        office.desk.statuses[enrolment.link.id] = status
        office.desk.bus.publish(StatusChanged(enrolment.mentorado.id, enrolment.link.id, status, status))
        await asyncio.sleep(0.3)
        assert section._kinds[ProviderKind.WHATSAPP_WEB][1].accessibleName() == "2 mentorados, 1 com conexão"
        section.compare.click()
        await office.settle()
        (sheet,) = office.page.findChildren(ComparisonSheet)
        assert sheet.isVisible()
        assert sheet.comparison.buttons == {}
        sheet.back.click()
        await office.settle()

    in_office(use)
