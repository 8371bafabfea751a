"""Every view of every procedure, one after the other: for pictures, and for what must hold in all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtTest import QTest

from app.core.event_bus import EventBus
from app.domain.actions import ActionName
from app.domain.backup import BackupPart, BackupProgress
from app.domain.errors import ProblemCode
from app.domain.incident import CheckResult, Finding, Incident
from app.domain.link_status import (
    LinkState,
    LinkStatus,
    QrCode,
    Reason,
)
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.procedure import EntryKind, Procedure, ProcedureKind, StepName
from app.ui.detail_pane.pane import DetailPane
from app.ui.dialogs.base import BaseDialog
from app.ui.notices import InterruptedBanner
from app.ui.procedures.forms import BackupForm, RestoreForm
from app.ui.procedures.panel import ProcedurePanel
from app.ui.theme.theme import Theme
from tests.clock import StillClock, settle
from tests.ui.detail_pane.codes import LINK
from tests.ui.procedures.fake_procedures import (
    FOUND,
    FakeBackupList,
    FakeProcedures,
    backup,
)
from tests.ui.window_harness import (
    NOON,
    WindowHarness,
    person,
    status,
)

WHO = 9
"""Logged out two days ago."""


def paired(number: int) -> Mentorado:
    each = person(number)
    return replace(each, link=replace(each.link, account=each.phone, provider=ProviderKind.WHATSAPP_WEB))


@dataclass
class Views:
    """A window with procedures that are played."""

    harness: WindowHarness
    procedures: FakeProcedures
    backup_list: FakeBackupList

    @classmethod
    @asynccontextmanager
    async def opened(cls, folder: Path, theme: Theme) -> AsyncIterator[Views]:
        bus, clock, backup_list = EventBus(), StillClock(NOON), FakeBackupList()
        procedures = FakeProcedures(bus, clock)
        everybody = [paired(number) for number in range(24)]
        harness = WindowHarness(folder, everybody, theme, clock, bus, procedures=procedures, backups=backup_list)
        try:
            await harness.load(*(status(number) for number in range(24)))
            harness.window.resize(1240, 860)
            await harness.show()
            yield cls(harness, procedures, backup_list)
        finally:
            await harness.close()

    @property
    def who(self) -> Mentorado:
        return self.harness.mentorados.get(person(WHO).id)

    @property
    def pane(self) -> DetailPane:
        pane = self.harness.window._pane
        assert pane is not None
        return pane

    @property
    def sheet(self) -> ProcedurePanel:
        sheet = self.pane._sides.panels.get(self.who.id)
        assert sheet is not None
        return sheet

    def picture(self) -> QPixmap:
        """The window, with the modal sheet over it if there is one."""
        window = self.harness.window
        picture = window.grab()
        for modal in window.findChildren(BaseDialog):
            if modal.isVisible():
                at = modal.mapToGlobal(modal.rect().topLeft()) - window.mapToGlobal(window.rect().topLeft())
                modal.render(picture, at)
        return picture

    def put(self, state: LinkState, reason: Reason = Reason.NONE, **shown: object) -> None:
        since = self.harness.clock.now()
        self.harness.observe(self.who, LinkStatus(state=state, reason=reason, since=since, **shown))  # type: ignore[arg-type]

    def log_out(self) -> None:
        self.put(LinkState.BLOCKED, Reason.LOGGED_OUT)

    def show_code(self) -> None:
        now = self.harness.clock.now()
        code = QrCode(
            text=LINK, number=2, total=6, issued_at=now - timedelta(seconds=6), expires_at=now + timedelta(seconds=14)
        )
        self.put(LinkState.QR_READY, qr=code)

    async def ask(self, name: ActionName) -> None:
        """Choose it from the menu."""
        self.harness.window.controller.perform(name, self.who.id)
        await settle()

    async def follow(self, kind: ProcedureKind) -> Procedure:
        """A procedure begun a moment ago, with its sheet open."""
        for each in self.procedures.unfinished():
            self.procedures.write(each.head.id, EntryKind.ENDED)
        self.pane._sides.close(self.who.id)
        procedure = self.procedures.put(kind, self.who.id, ago=83)
        self.harness.window.choose(self.who.id)
        self.pane.see_procedure()
        await settle()
        return procedure

    async def all(self) -> AsyncIterator[str]:
        """Set each scene and say its name."""
        async for view in self._questions():
            yield view
        async for view in self._recovery():
            yield view
        async for view in self._backup_and_restore():
            yield view
        async for view in self._pane():
            yield view

    async def _questions(self) -> AsyncIterator[str]:
        self.harness.window.choose(self.who.id)
        yield "10-pane"
        self.pane._content.action_cards.more.click()
        await settle()
        self.pane._pages.scroll.verticalScrollBar().setValue(420)
        yield "11-pane-more"
        self.pane._content.action_cards.more.click()
        await self.ask(ActionName.RECOVER)
        yield "12-ask-recover"
        await self.ask(ActionName.REAUTHENTICATE)
        yield "13-ask-reauthenticate"
        await self.ask(ActionName.BACK_UP)
        yield "14-ask-backup"
        form = self.sheet.form
        assert isinstance(form, BackupForm)
        QTest.keyClicks(form.phrase.first, "cavalo certo bateria")
        QTest.keyClicks(form.phrase.again, "cavalo")
        yield "15-ask-backup-phrase"
        await self.ask(ActionName.RESTORE)
        yield "16-ask-restore-none"
        now, who = self.harness.clock.now(), self.who.id
        self.backup_list.infos = [
            backup(who, now - timedelta(hours=20)),
            backup(who, now - timedelta(days=9), encrypted=True, messages=11002, size=4_004_019),
            backup(who, now - timedelta(days=40), account=None, messages=1, size=20_019),
        ]
        await self.ask(ActionName.RESTORE)
        form = self.sheet.form
        assert isinstance(form, RestoreForm)
        await settle()
        yield "17-ask-restore"
        form._buttons[1].click()
        yield "18-ask-restore-chosen"
        self.pane._sides.close(who)

    async def _recovery(self) -> AsyncIterator[str]:
        procedures = self.procedures
        procedure = await self.follow(ProcedureKind.RECOVERY)
        procedures.run_to(procedure, StepName.SCOPE)
        yield "20-scope"
        procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.SCOPE, FOUND[StepName.SCOPE])
        procedures.write(procedure.head.id, EntryKind.STEP_BEGAN, StepName.SOFT_RECONNECT)
        yield "21-soft-reconnect"
        found = FOUND[StepName.SOFT_RECONNECT]
        procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.SOFT_RECONNECT, found)
        procedures.write(procedure.head.id, EntryKind.STEP_BEGAN, StepName.BACK_UP)
        procedures.move(procedure, BackupProgress(part=BackupPart.HISTORY, done=8012, total=12345))
        yield "22-back-up"
        procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.BACK_UP, FOUND[StepName.BACK_UP])
        procedures.write(procedure.head.id, EntryKind.ASKED, StepName.PAIR)
        await settle()
        yield "23-asking"
        procedures.write(procedure.head.id, EntryKind.CONFIRMED)
        procedures.write(procedure.head.id, EntryKind.STEP_BEGAN, StepName.PAIR)
        self.put(LinkState.CONNECTING)
        yield "24-pair-preparing"
        self.show_code()
        await asyncio.sleep(0.2)
        yield "25-pair-code"
        self.harness.window.resize(900, 620)
        await asyncio.sleep(0.05)
        yield "26-pair-code-low"
        self.harness.window.resize(700, 620)
        self.harness.window.body.open_side_panel()
        await asyncio.sleep(0.05)
        yield "27-pair-code-drawer"
        self.harness.window.resize(1240, 860)
        self.put(LinkState.QR_READY, Reason.SIGNING_IN)
        yield "28-pair-signing-in"
        self.put(LinkState.CONNECTED)
        procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.PAIR)
        procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.VERIFY_ACCOUNT, {"account": "+55…62"})
        procedures.write(procedure.head.id, EntryKind.STEP_BEGAN, StepName.SMOKE_CHECK)
        yield "29-smoke-check"
        procedures.write(procedure.head.id, EntryKind.PAUSED)
        yield "30-paused-after"
        procedures.write(procedure.head.id, EntryKind.CONTINUED)
        procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.SMOKE_CHECK, {"sent": "yes"})
        procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.RECORD)
        procedures.write(procedure.head.id, EntryKind.ENDED)
        yield "31-done"
        self.log_out()
        procedure = await self.follow(ProcedureKind.REAUTHENTICATION)
        procedures.run_to(procedure, StepName.BACK_UP)
        procedures.write(
            procedure.head.id,
            EntryKind.STEP_FAILED,
            StepName.BACK_UP,
            {"code": ProblemCode.BACKUP_DISK_FULL, "path": "/backups"},
        )
        yield "32-failed"
        procedures.run_to(procedure, StepName.PAIR)
        self.put(LinkState.BLOCKED, Reason.QR_EXPIRED)
        procedures.write(
            procedure.head.id,
            EntryKind.STEP_FAILED,
            StepName.PAIR,
            {"code": ProblemCode.LINK_NOT_BACK, "reason": Reason.QR_EXPIRED},
        )
        yield "33-failed-code"
        self.put(LinkState.BLOCKED, Reason.WRONG_ACCOUNT, account=person(3).phone)
        procedures.write(
            procedure.head.id,
            EntryKind.STEP_FAILED,
            StepName.PAIR,
            {"code": ProblemCode.LINK_NOT_BACK, "reason": Reason.WRONG_ACCOUNT},
        )
        yield "34-wrong-account"
        self.put(LinkState.CONNECTING, account=person(3).phone)
        yield "34a-accepted"
        self.put(LinkState.OFF)
        yield "34b-rejected"
        procedures.write(procedure.head.id, EntryKind.PAUSED)
        yield "35-paused"
        procedures.write(procedure.head.id, EntryKind.UNDO_BEGAN)
        yield "36-undoing"
        procedures.write(procedure.head.id, EntryKind.STEP_UNDONE, StepName.PAIR)
        procedures.write(procedure.head.id, EntryKind.STEP_UNDONE, StepName.BACK_UP)
        procedures.write(procedure.head.id, EntryKind.ENDED)
        yield "37-undone"
        self.log_out()

    async def _backup_and_restore(self) -> AsyncIterator[str]:
        procedures = self.procedures
        procedure = await self.follow(ProcedureKind.BACKUP)
        procedures.run_to(procedure, StepName.COLLECT)
        procedures.move(procedure, BackupProgress(part=BackupPart.SESSION, done=120_000, total=None))
        yield "40-backup"
        procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.COLLECT, {"encrypted": "no"})
        found = {"messages": "12345", "size": "4404019", "encrypted": "no"}
        procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.VERIFY_ARCHIVE, found)
        file = "/backups/Conecta Fábio Sampaio 20261122T150000Z.conecta"
        made = {**found, "path": file}
        procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.PUT_IN_PLACE, made)
        procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.RECORD)
        procedures.write(procedure.head.id, EntryKind.ENDED)
        yield "41-backup-done"
        procedure = await self.follow(ProcedureKind.RESTORE)
        procedures.run_to(procedure, StepName.BACK_UP)
        procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.BACK_UP, FOUND[StepName.BACK_UP])
        procedures.write(procedure.head.id, EntryKind.ASKED, StepName.MERGE_HISTORY)
        await settle()
        yield "42-restore-asking"
        procedures.write(procedure.head.id, EntryKind.CONFIRMED)
        procedures.write(procedure.head.id, EntryKind.STEP_BEGAN, StepName.MERGE_HISTORY)
        procedures.move(procedure, BackupProgress(part=BackupPart.HISTORY, done=4000, total=12135))
        yield "43-restore-merging"
        procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.MERGE_HISTORY, {"new": "210"})
        procedures.write(
            procedure.head.id,
            EntryKind.STEP_SKIPPED,
            StepName.RESTORE_SESSION,
            {"why": ProblemCode.SESSION_USED_SINCE},
        )
        procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.RECORD)
        procedures.write(procedure.head.id, EntryKind.ENDED)
        yield "44-restore-done"
        procedure = await self.follow(ProcedureKind.RESTORE)
        procedures.run_to(procedure, StepName.CHECK_ARCHIVE)
        locked = {"code": ProblemCode.BACKUP_LOCKED, "path": "ana.conecta"}
        procedures.write(procedure.head.id, EntryKind.STEP_FAILED, StepName.CHECK_ARCHIVE, locked)
        yield "45-restore-locked"

    async def _pane(self) -> AsyncIterator[str]:
        procedures = self.procedures
        procedure = await self.follow(ProcedureKind.RECOVERY)
        procedures.run_to(procedure, StepName.BACK_UP)
        procedures.write(procedure.head.id, EntryKind.PAUSED)
        QTest.keyClick(self.sheet, Qt.Key.Key_Escape)
        await settle()
        yield "50-pane-mark"
        procedures.write(procedure.head.id, EntryKind.ENDED)
        incident = Incident(
            provider=ProviderKind.WHATSAPP_WEB,
            since=self.harness.clock.now() - timedelta(minutes=3),
            affected=tuple(person(n).id for n in range(8)),
            of=14,
            causes=((Reason.NETWORK_DOWN, 8),),
            findings=(Finding(CheckResult.NETWORK_DOWN), Finding(CheckResult.CLOCK_GOOD)),
        )
        self.harness.incidents._by_provider[ProviderKind.WHATSAPP_WEB].incident = incident
        self.pane._refresh()
        yield "51-pane-incident"
        await self.ask(ActionName.RECOVER)
        await asyncio.sleep(0.05)
        yield "52-override"
        for modal in self.harness.window.findChildren(BaseDialog):
            modal.reject()
        self.harness.incidents._by_provider[ProviderKind.WHATSAPP_WEB].incident = None
        procedure = self.procedures.put(ProcedureKind.RECOVERY, self.who.id, ago=7200)
        procedures.run_to(procedure, StepName.BACK_UP)
        window = self.harness.window
        window.choose(person(3).id)
        notice = InterruptedBanner(window.banners, lambda who: self.harness.mentorados.get(who).name, _nowhere)
        notice.offer([procedures.write(procedure.head.id, EntryKind.PAUSED)])
        await settle()
        yield "53-interrupted"
        window.banners.clear("interrupted")


def _nowhere(_mentorado_id: object, _go_on: bool) -> None:
    """Nobody presses it."""
