"""The settings page, and everything below it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from PySide6.QtWidgets import QLineEdit

from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.settings.data import HistorySection, PersonalSection
from app.ui.settings.general import DiagnosisSection, OperatorSection
from app.ui.settings.page import SettingsPage
from app.ui.settings.secrets import SecretsSection
from app.ui.settings.section import Section
from app.ui.settings.storage import SessionsSection
from tests.clock import StillClock
from tests.fake_audit import FakeAuditLog
from tests.ui.controls import text_in
from tests.ui.settings.harness import SettingsHarness
from tests.ui.window_harness import person

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
        words = f"{sheet.windowTitle()} | {text_in(sheet)}"
        for field in sheet.findChildren(QLineEdit):
            field.setText(typed)
        (sheet.confirm if accept else sheet.cancel).click()
        await self.settle()
        return words


Use = Callable[[Harness], Awaitable[None]]
InHarness = Callable[[Use], None]
