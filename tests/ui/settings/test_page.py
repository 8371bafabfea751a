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

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.write_queue import WriteQueue
from app.domain.audit import AuditAction
from app.domain.erasure import CopyKind
from app.domain.errors import Problem, ProblemCode
from app.domain.events import StatusChanged
from app.domain.link_status import LinkState, LinkStatus
from app.domain.mentorado import ProviderKind
from app.domain.settings import OPERATOR_NAME, PROVIDER_LOG, RETENTION, SecretBackendKind
from app.text.status import texts
from app.ui.async_slots import cancel_slots
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.providers.comparison import ComparisonDialog
from app.ui.settings.data import HistorySection, PersonalSection
from app.ui.settings.general import OFF, AboutSection, AppearanceSection, DiagnosisSection, OperatorSection
from app.ui.settings.page import SettingsPage
from app.ui.settings.providers import ProvidersSection
from app.ui.settings.secrets import SecretsSection
from app.ui.settings.section import Section
from app.ui.settings.storage import SessionsSection
from app.ui.theme.theme import Mode, Theme
from tests.clock import StillClock, settle
from tests.conftest import OnQt
from tests.core.archive import BIA, COPY
from tests.fakes import (
    FakeAuditLog,
    FakeMentoradoRepository,
    audit_service_of,
    somebody,
)
from tests.ui.controls import nameless, out_of_reach
from tests.ui.settings.harness import Copy, SettingsHarness
from tests.ui.window_harness import NOON, person

PEOPLE = [person(number) for number in range(1, 4)]


@dataclass
class Harness:
    """The page, and everything below it."""

    page: SettingsPage
    settings_harness: SettingsHarness
    audit: FakeAuditLog
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

    def audited_actions(self) -> list[str]:
        return [entry.record.action for entry in self.audit.outcomes]

    def outcomes(self) -> list[tuple[str, str]]:
        return [(entry.record.action, entry.record.outcome.value) for entry in self.audit.outcomes]

    async def answer(self, *, accept: bool, typed: str = "") -> str:
        """Answer the question that is open, and return all it said."""
        await self.settle()
        (sheet,) = self.page.findChildren(ConfirmDialog)
        words = f"{sheet.windowTitle()} | {message_of(sheet)}"
        for field in sheet.findChildren(QLineEdit):
            field.setText(typed)
        (sheet.confirm if accept else sheet.cancel).click()
        await self.settle()
        return words


def message_of(widget: QWidget) -> str:
    shown = [each for each in widget.findChildren(QWidget) if each.isVisible()]
    return " | ".join(each.text() for each in shown if isinstance(each, (QLabel, QPushButton)))


Use = Callable[[Harness], Awaitable[None]]
InHarness = Callable[[Use], None]


@pytest.fixture
def in_harness(on_qt: OnQt, theme: Theme, tmp_path: Path) -> InHarness:
    """Open the page over the core's own desks, use it, and close it."""

    def play(use: Use) -> None:
        async def main() -> None:
            bus, clock, audit = EventBus(), StillClock(NOON), FakeAuditLog()
            mentorados = MentoradoService(
                bus=bus,
                mentorado_repository=FakeMentoradoRepository(*PEOPLE),
                clock=clock,
                audit_service=audit_service_of(audit),
            )
            await mentorados.load()
            write_queue = WriteQueue(bus=bus, clock=clock)
            scribing = asyncio.get_running_loop().create_task(write_queue.run())
            audit_service = AuditService(audit=audit, write_queue=write_queue, clock=clock, actor=somebody)
            settings_harness = SettingsHarness(
                folder=tmp_path, bus=bus, clock=clock, mentorados=mentorados, audit_service=audit_service
            )
            page = SettingsPage(theme=theme, parts=settings_harness.parts)
            page.resize(1180, 800)
            page.show()
            harness = Harness(page, settings_harness, audit, clock)
            try:
                await harness.settle()
                await use(harness)
            finally:
                await cancel_slots()
                scribing.cancel()
                with suppress(asyncio.CancelledError):
                    await scribing
                page.close()
                page.deleteLater()

        on_qt(main, within=30)
        QApplication.processEvents()

    return play


def test_the_operators_name_is_taken_on_enter_and_written_down(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        field = harness.operator.field
        field.setText("  Rosa   Prado ")
        QTest.keyClick(field, Qt.Key.Key_Return)
        await harness.settle()
        assert harness.settings_harness.store.kept.operator_name == "Rosa Prado"
        assert field.text() == "Rosa Prado"
        assert harness.operator.message == "Salvo."
        assert harness.audited_actions() == [OPERATOR_NAME.action]

    in_harness(use)


def test_what_cannot_be_stored_is_told_where_it_was_asked(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        harness.settings_harness.store.problem = Problem(ProblemCode.DATABASE_DISK_FULL)
        harness.operator.field.setText("Rosa")
        harness.operator.save()
        await harness.settle()
        assert harness.operator.message.startswith("O disco está cheio.")
        assert "Libere espaço" in harness.operator.message
        texts.set_language("en")
        assert harness.operator.message.startswith("The disk is full.")

    in_harness(use)


def test_without_a_keyring_one_can_choose_memory(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = harness.secrets
        assert section.place == "none"
        assert "Em lugar nenhum" in section.badge.accessibleName()
        section.memory_button.click()
        await harness.settle()
        assert section.place == "memory"
        assert "Somem quando o Conecta fechar" in message_of(section)
        assert not section.memory_button.isVisible()
        section.keyring_button.click()
        await harness.settle()
        assert "Nenhum cofre de senhas respondeu." in section.message

    in_harness(use)


def test_a_file_wants_its_passphrase_twice_and_forgets_what_was_typed(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = harness.secrets
        section.phrase.setText("quatro palavras quaisquer bastam")
        assert not section.keep_button.isEnabled()
        section.again.setText("quatro palavras quaisquer")
        assert not section.keep_button.isEnabled()
        section.again.setText("quatro palavras quaisquer bastam")
        section.keep_button.click()
        await harness.settle()
        assert section.place == "encrypted_file"
        assert section.phrase.text() == section.again.text() == ""
        assert "secrets.enc" in message_of(section)
        assert not section._file.isVisible()
        lines = {part: line.isVisible() for part, line in section._lines.items()}
        assert lines == {section._now: True, section._file: False, section._other: True}, "no line over nothing"

    in_harness(use)


def test_a_short_passphrase_is_told_to_be(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        for field in (harness.secrets.phrase, harness.secrets.again):
            field.setText("curta")
        harness.secrets.keep_button.click()
        await harness.settle()
        assert "A frase secreta tem menos de" in harness.secrets.message
        assert harness.secrets.phrase.text() == "curta"  # so that it can be made longer

    in_harness(use)


def test_a_locked_file_is_opened_or_set_aside(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        await harness.settings_harness.secret_store.use_file("quatro palavras quaisquer bastam")
        page = SettingsPage(
            theme=harness.page._theme,
            parts=harness.settings_harness.parts_with(harness.settings_harness.new_secret_store()),
        )
        page.resize(1180, 800)
        page.show()
        harness.page = page
        await harness.settle()
        section = harness.secrets
        assert section.place == "locked_file"
        assert not section.again.isVisible()
        section.phrase.setText("outra frase que não é esta")
        section.keep_button.click()
        await harness.settle()
        assert "não abre o arquivo" in section.message
        section.aside_button.click()
        assert "outro nome" in await harness.answer(accept=False)
        assert section.place == "locked_file"
        assert harness.outcomes()[-1] == (AuditAction.SET_SECRETS_PLACE, "declined")
        section.phrase.setText("quatro palavras quaisquer bastam")
        QTest.keyClick(section.phrase, Qt.Key.Key_Return)
        await harness.settle()
        assert section.place == "encrypted_file"
        page.close()
        page.deleteLater()

    in_harness(use)


@pytest.mark.parametrize("place", SecretBackendKind)
@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_every_place_of_secrets_says_what_it_means(
    in_harness: InHarness, place: SecretBackendKind, language: str
) -> None:
    async def use(harness: Harness) -> None:
        texts.set_language(language)
        harness.secrets._show(place)
        assert harness.secrets._now.line.text().endswith(".")

    in_harness(use)


def test_how_much_is_kept_is_counted_over_everybody(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        assert harness.history.line.startswith("9 mensagens em 6 conversas, desde ")
        assert harness.history.retention.text() == "Guardar tudo"

    in_harness(use)


def test_keeping_less_must_be_confirmed_in_writing_and_keeping_more_not(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = harness.history

        def kept() -> int | None:
            return harness.settings_harness.store.kept.retention_days

        section.retention._select(365)
        words = await harness.answer(accept=False)
        assert "Apagar mensagens com mais de 365 dias?" in words
        assert "Não dá para desfazer" in words
        assert kept() is None
        assert harness.outcomes() == [(RETENTION.action, "declined")]
        assert section.retention.text() == "Guardar tudo"
        section.retention._select(365)
        await harness.answer(accept=True, typed="365")  # not what was asked for: the button stays shut
        assert kept() is None
        await harness.answer(accept=True, typed="365 dias")
        assert kept() == 365
        section.retention._select(730)
        await harness.settle()
        assert kept() == 730
        section.retention._select(None)
        await harness.settle()
        assert kept() is None
        assert [outcome for _, outcome in harness.outcomes()] == ["declined", "done", "done", "done"]

    in_harness(use)


def test_all_that_is_kept_of_somebody_is_exported(in_harness: InHarness, tmp_path: Path) -> None:
    async def use(harness: Harness) -> None:
        section = harness.personal
        assert not section.export_button.isEnabled()
        section.whom._select(PEOPLE[0].id)
        assert section.export_button.isEnabled()
        await section.export_to(tmp_path / "out", PEOPLE[0].id, None)
        (folder,) = (tmp_path / "out").iterdir()
        assert f"3 mensagens em {folder.name}." in section.message
        assert harness.settings_harness.opened == [folder]
        assert not section.bar.isVisible()
        await harness.settle()
        assert harness.audited_actions() == [AuditAction.EXPORT_MENTORADO]

    in_harness(use)


def test_an_export_that_is_given_up_leaves_nothing(in_harness: InHarness, tmp_path: Path) -> None:
    async def use(harness: Harness) -> None:
        section = harness.personal
        section.bar.setVisible(False)
        loop = asyncio.get_running_loop()
        exporting = loop.create_task(section.export_to(tmp_path / "out", PEOPLE[0].id, None))
        while not section.cancel_button.isVisible():
            await asyncio.sleep(0)
        section.cancel_button.click()
        await exporting
        assert "Exportação cancelada." in section.message
        assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
        assert not section.cancel_button.isVisible()

    in_harness(use)


def test_a_contact_is_erased_once_the_number_was_typed_again(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = harness.personal
        section.whom._select(PEOPLE[0].id)
        assert not section.erase_button.isEnabled()
        section.contact.setText(BIA.value)
        section.erase_button.click()
        await harness.answer(accept=False)
        assert harness.outcomes() == [(AuditAction.ERASE_CONTACT, "declined")]
        assert harness.settings_harness.archive.erased == []
        section.erase_button.click()
        words = await harness.answer(accept=True, typed="+55 21 98765-0001")
        assert PEOPLE[0].name in words
        assert "Não dá para desfazer" in words
        assert len(harness.settings_harness.archive.erased) == 1
        assert "apagados" in section.message
        assert section.contact.text() == ""

    in_harness(use)


@pytest.mark.parametrize("removed", [True, False])
def test_older_copies_are_named_with_their_dates_and_stay_unless_somebody_removes_them(
    in_harness: InHarness, removed: bool
) -> None:
    async def use(harness: Harness) -> None:
        harness.settings_harness.leftovers.held = [COPY, replace(COPY, kind=CopyKind.DATABASE, encrypted=True)]
        section = harness.personal
        section.whom._select(PEOPLE[0].id)
        section.contact.setText(BIA.value)
        section.erase_button.click()
        await harness.answer(accept=True, typed="+55 21 98765-0001")
        words = await harness.answer(accept=removed)
        assert "Backup de 01/01/2026" in words or "Backup de 31/12/2025" in words
        assert "(com frase secreta)" in words
        assert texts("question.kept") not in words  # what may be removed is not said to be kept
        assert harness.settings_harness.leftovers.held == (
            [] if removed else [COPY, replace(COPY, kind=CopyKind.DATABASE, encrypted=True)]
        )
        assert ("2 cópias foram removidas." in section.message) is removed

    in_harness(use)


def test_what_there_was_no_room_for_is_told_and_the_number_stays_to_ask_again(
    in_harness: InHarness, caplog: pytest.LogCaptureFixture
) -> None:
    async def use(harness: Harness) -> None:
        harness.settings_harness.archive.no_room = Problem(ProblemCode.DATABASE_DISK_FULL, path="/data/conecta.db")
        section = harness.personal
        section.whom._select(PEOPLE[0].id)
        section.contact.setText(BIA.value)
        section.erase_button.click()
        await harness.answer(accept=True, typed="+55 21 98765-0001")
        assert "apagados" in section.message
        assert "conclui na hora" in section.message
        assert section.contact.text() == BIA.value

    in_harness(use)
    assert "is due" in caplog.text


@pytest.mark.parametrize(("typed", "sentence"), [("12", "não é um número de telefone"), ("11900000000", "Não há")])
def test_a_number_nobody_knows_is_told(in_harness: InHarness, typed: str, sentence: str) -> None:
    async def use(harness: Harness) -> None:
        section = harness.personal
        section.whom._select(PEOPLE[0].id)
        section.contact.setText(typed)
        section.erase_button.click()
        await harness.settle()
        for sheet in harness.page.findChildren(ConfirmDialog):
            sheet.findChildren(QLineEdit)[0].setText(sheet._typed)
            sheet.confirm.click()
        await harness.settle()
        assert sentence in section.message
        assert harness.settings_harness.archive.erased == []

    in_harness(use)


def test_the_detailed_log_says_how_long_it_will_be_on(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = harness.diagnosis
        section.choice.button(timedelta(hours=1)).click()
        await harness.settle()
        assert harness.settings_harness.store.kept.provider_log_until == NOON + timedelta(hours=1)
        assert "Faltam 60 min." in section.line
        harness.clock.time += timedelta(minutes=50)
        section._again.timeout.emit()
        assert "Faltam 10 min." in section.line
        harness.clock.time += timedelta(minutes=11)
        section._again.timeout.emit()
        assert "Desliga sozinho." in section.line
        assert section.choice.chosen == OFF
        section.choice.button(timedelta(minutes=15)).click()
        await harness.settle()
        section.choice.button(OFF).click()
        await harness.settle()
        assert section.choice.chosen == OFF
        assert harness.audited_actions() == [PROVIDER_LOG.action] * 3

    in_harness(use)


def test_places_are_shown_and_opened(in_harness: InHarness, tmp_path: Path) -> None:
    async def use(harness: Harness) -> None:
        for button in harness.page.findChildren(QPushButton):
            if button.text() == "Abrir pasta":
                button.click()
        assert harness.settings_harness.opened == [
            tmp_path / "logs",
            tmp_path / "sessions",
            tmp_path / "backups",
            tmp_path,
        ]
        words = message_of(harness.page).replace("\u200b", "")
        assert str(tmp_path / "sessions") in words
        assert "Conecta 0.3.0" in message_of(harness.section(AboutSection))

    in_harness(use)


def test_sessions_without_a_copy_come_first(in_harness: InHarness, tmp_path: Path) -> None:
    async def use(harness: Harness) -> None:
        assert "Nenhum número foi conectado ainda." in message_of(harness.sessions)
        for mentorado in PEOPLE:
            from dataclasses import replace

            await harness.settings_harness.mentorados.save_link(replace(mentorado.link, enabled=True))
        for age, mentorado in zip((2, 50), PEOPLE, strict=False):
            harness.settings_harness.copies[mentorado.link.id] = [Copy(NOON - timedelta(hours=age), tmp_path)] * age
        harness.sessions.refresh()
        await harness.settle()
        words = message_of(harness.sessions)
        names = [PEOPLE[place].name for place in (2, 1, 0)]
        assert [words.index(name) for name in names] == sorted(words.index(name) for name in names)
        assert "sem cópia" in words
        assert "há 2 dias · 50 cópias" in words
        assert "2 de 3 sessões têm cópia" in words

    in_harness(use)


def test_the_look_and_the_language_change_at_once_and_follow(in_harness: InHarness, theme: Theme) -> None:
    async def use(harness: Harness) -> None:
        look = next(each for each in harness.page.sections if isinstance(each, AppearanceSection))
        look.mode.button(Mode.DARK).click()
        assert theme.mode is Mode.DARK
        look.scale.button(150).click()
        assert theme.text_scale == 150
        look.language.button("en").click()
        assert texts.language == "en"
        assert "Settings" in message_of(harness.page)
        portuguese = [
            word for word in ("Operador", "Senhas e tokens", "Guardar", "Cópias") if word in message_of(harness.page)
        ]
        assert portuguese == []
        theme.set_text_scale(100)  # by its shortcut
        assert look.scale.chosen == 100

    in_harness(use)


def test_everything_has_a_name_and_can_be_reached(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        assert nameless(harness.page) == []
        assert out_of_reach(harness.page) == []

    in_harness(use)


@pytest.mark.parametrize("width", [580, 1180])
def test_text_twice_as_large_is_not_clipped(in_harness: InHarness, theme: Theme, width: int) -> None:
    async def use(harness: Harness) -> None:
        theme.set_text_scale(200)
        harness.page.resize(width, 700)
        await harness.settle()
        for label in harness.page.area.findChildren(QLabel):
            if label.isVisible() and label.wordWrap():
                assert label.height() >= label.heightForWidth(label.width()), label.text()
        for button in harness.page.area.findChildren(QPushButton):
            if button.isVisible():
                assert button.width() >= button.minimumSizeHint().width(), button.text()
        assert harness.page._column.width() <= harness.page.area.viewport().width()

    in_harness(use)


def test_the_list_of_sections_leads_to_each_and_marks_where_one_is(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        page = harness.page
        assert [link.property("here") for link in page._links] == [True] + [False] * (len(page.sections) - 1)
        page._links[4].click()
        await settle()
        assert page.area.verticalScrollBar().value() > 0
        assert page._links[4].property("here") is True
        page.resize(700, 600)
        await settle()
        assert not page._links[0].isVisible()

    in_harness(use)


def test_providers_in_use_are_counted_and_compared(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = harness.section(ProvidersSection)
        assert isinstance(section, ProvidersSection)
        assert "Meta Cloud" in message_of(section)
        counted = {kind: badge.accessibleName() for kind, (_row, badge) in section._kinds.items()}
        assert counted[ProviderKind.META_CLOUD] == "nenhum mentorado"
        assert counted[ProviderKind.WHATSAPP_WEB] == "2 mentorados, 0 com conexão"
        mentorado = next(each for each in PEOPLE if each.link.provider is ProviderKind.WHATSAPP_WEB)
        status = LinkStatus(state=LinkState.CONNECTED, since=NOON)
        harness.settings_harness.statuses[mentorado.link.id] = status
        harness.settings_harness.bus.publish(StatusChanged(mentorado.id, mentorado.link.id, status, status))
        await asyncio.sleep(0.3)
        assert section._kinds[ProviderKind.WHATSAPP_WEB][1].accessibleName() == "2 mentorados, 1 com conexão"
        section.compare.click()
        await harness.settle()
        (sheet,) = harness.page.findChildren(ComparisonDialog)
        assert sheet.isVisible()
        assert sheet.comparison.buttons == {}
        sheet.back.click()
        await harness.settle()

    in_harness(use)
