"""Every form, sheet and dialog, each opened as the program opens it, at 1280 × 720."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Literal

from PySide6.QtWidgets import QDialog, QWidget
from shiboken6 import isValid

from app.core.csv_import import CsvImportService, open_spreadsheet
from app.domain.actions import ActionName
from app.domain.audit import AuditEntry
from app.domain.bulk_work import BulkKind
from app.domain.cases import CaseKind
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import MentoradoId, ProviderKind
from app.domain.procedure import EntryKind, ProcedureKind, StepName
from app.ui.audit.model import AuditRow
from app.ui.audit.page import EntryDialog
from app.ui.consents.import_dialog import ConsentImportDialog
from app.ui.conversations.message_dialog import MessageDialog
from app.ui.crash import CrashSheet
from app.ui.detail_pane.qr import QrDialog
from app.ui.dialogs.confirm import Confirmations, ConfirmDialog, OverrideDialog
from app.ui.dialogs.csv_import import CsvImportDialog
from app.ui.dialogs.for_many import ForManyDialog, WorkForMany
from app.ui.dialogs.mentorado import MentoradoDialog
from app.ui.dialogs.support_bundle import SupportBundleDialog
from app.ui.procedures.forms import RestoreForm
from app.ui.providers.comparison import ComparisonDialog
from app.ui.providers.credentials_dialog import CredentialsDialog
from app.ui.providers.queue_dialog import QueueDialog
from app.ui.providers.register_dialog import RegisterDialog
from app.ui.settings.data import HistorySection
from app.ui.settings.providers import SwitchesSection
from app.ui.switches.dialogs import approval, release_question, second_approval, stop_question
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.core.archive import stored_message
from tests.crashes import crash_report
from tests.fake_providers import waiting
from tests.ui.audit.conftest import record
from tests.ui.campaigns.harness import open_campaigns
from tests.ui.cases.harness import open_cases
from tests.ui.consents.harness import open_consents
from tests.ui.dialogs.bundles import FakeBundles
from tests.ui.overview.harness import open_overview
from tests.ui.procedures.fake_procedures import backup
from tests.ui.procedures.views import Views
from tests.ui.provider_switch.harness import open_switches as open_switch_form
from tests.ui.providers.harness import Harness, open_harness
from tests.ui.switches.harness import ZAPI, open_switches
from tests.ui.troubleshooting.views import Dialogs as GuidedChecks
from tests.ui.window_harness import NOON, WindowHarness, person, status
from tests.waiting import until

SIZE = (1280, 720)
Opened = AsyncIterator[QWidget]
Opener = Callable[[Theme, Path], AbstractAsyncContextManager[QWidget]]

SPREADSHEET = b"nome;telefone;turma\nAna Lima;11987654321;T1\nBruno;123;\nCarla;21912345678;T2\n"
CONTACTS = b"Telefone;Data\n11 90000-0001;05/12/2025\n"


# --- the window of the mentorados


@asynccontextmanager
async def _window(theme: Theme, folder: Path) -> AsyncIterator[WindowHarness]:
    people = [replace(person(number), cohort="") for number in range(6)]  # a list of cohorts would take the keyboard
    harness = WindowHarness(folder, people, theme)
    await harness.load(*(status(number) for number in range(6)))
    harness.window.resize(*SIZE)
    await harness.show()
    harness.window.activateWindow()
    async with harness.supervisor:
        try:
            yield harness
        finally:
            await harness.close()


def _dialog(make: Callable[[WindowHarness], QDialog]) -> Opener:
    """A dialog that only has to be made, over the window."""

    @asynccontextmanager
    async def opened(theme: Theme, folder: Path) -> Opened:
        async with _window(theme, folder) as harness:
            dialog = make(harness)
            dialog.open()
            await settle()
            yield dialog
            _close(dialog)

    return opened


def _question(name: ActionName) -> Opener:
    def make(harness: WindowHarness) -> ConfirmDialog:
        questions = Confirmations(harness.theme, harness.window, harness.supervisor.status)
        return questions.sheet(name, harness.people[1])

    return _dialog(make)


def _override(harness: WindowHarness) -> OverrideDialog:
    window, somebody = harness.window, harness.people[1]
    return OverrideDialog(harness.theme, window, ActionName.CONNECT, somebody, "Três conexões caíram.")


def _add(harness: WindowHarness) -> MentoradoDialog:
    setup = harness.runner.hosted
    return MentoradoDialog(
        harness.theme,
        harness.window,
        harness.mentorados,
        None,
        choice=setup.choice,
        kinds=tuple(ProviderKind),
    )


def _edit(harness: WindowHarness) -> MentoradoDialog:
    return MentoradoDialog(harness.theme, harness.window, harness.mentorados, harness.people[1])


def _import(harness: WindowHarness) -> CsvImportDialog:
    service = CsvImportService(mentorados=harness.mentorados, audit_service=harness.audit_service)
    return CsvImportDialog(harness.theme, harness.window, service, open_spreadsheet(SPREADSHEET))


def _comparison(harness: WindowHarness, *, choosing: bool) -> ComparisonDialog:
    return ComparisonDialog(harness.theme, harness.window, tuple(ProviderKind), choosing=choosing)


def _message(harness: WindowHarness) -> MessageDialog:
    message = stored_message(1, "oi " * 900, edited_at=NOON)
    return MessageDialog(harness.theme, harness.window, message, "Bia")


def _entry(harness: WindowHarness) -> EntryDialog:
    entry = AuditEntry(number=1, record=record(1), previous_hash="a" * 64, hash="b" * 64)
    row = AuditRow(
        entry=entry,
        what="Desconectar",
        who="Rosa",
        when="hoje",
        outcome="feito",
        reason="",
        before=None,
        after=None,
        broken=False,
    )
    return EntryDialog(row, harness.theme, harness.window)


def _crash(harness: WindowHarness) -> CrashSheet:
    return CrashSheet(crash_report(*["  app.core.actions:12 run"] * 80, "ValueError"), harness.theme, harness.window)


def _bundle(harness: WindowHarness) -> SupportBundleDialog:
    return SupportBundleDialog(harness.theme, harness.window, FakeBundles(), lambda _folder: None)


def _qr(harness: WindowHarness) -> QrDialog:
    return QrDialog(harness.theme, harness.window, harness.people[1].phone)


def _plain_question(harness: WindowHarness) -> ConfirmDialog:
    dialog = ConfirmDialog(harness.theme, harness.window, "Fechar o Conecta?", "Fechar")
    dialog.add_line("Uma conexão para.")
    return dialog


def for_many(harness: WindowHarness, *, kind: BulkKind) -> ForManyDialog:
    """The dialog that does *kind* for everybody in the window."""

    async def do(_mentorado_id: MentoradoId, _typed: str) -> None:
        """Nothing is done before the button is pressed."""

    asks: Mapping[str, Literal["line", "passphrase"]] = {"cohort": "line", "back_up": "passphrase"}
    work = WorkForMany(kind=kind, people=harness.people, do=do, done=lambda _typed: "", asks=asks.get(kind, ""))
    return ForManyDialog(harness.theme, harness.window, work)


@asynccontextmanager
async def _performed(theme: Theme, folder: Path, *, name: str) -> Opened:
    """What a command of the window opens."""
    async with _window(theme, folder) as harness:
        harness.window.choose(harness.people[1].id)
        if name == "palette":
            harness.window.controller.open_palette()
        else:
            harness.window.controller.perform(ActionName(name), harness.people[1].id)
        await until(lambda: _dialogs(harness.window))
        await settle()
        yield _dialogs(harness.window)[0]
        for dialog in _dialogs(harness.window):
            dialog.reject()
        await settle()


def _close(dialog: QDialog) -> None:
    if isValid(dialog):
        dialog.reject()


def _dialogs(over: QWidget) -> list[QDialog]:
    return [each for each in over.findChildren(QDialog) if each.isVisible()]


@asynccontextmanager
async def _guided_check(theme: Theme, folder: Path, *, view: str) -> Opened:
    async with _window(theme, folder) as harness:
        for name, dialog in GuidedChecks(harness).all():
            if name == view:
                await settle()
                yield dialog


@asynccontextmanager
async def _setting(theme: Theme, folder: Path, *, name: str) -> Opened:
    """A question that a section of the settings asks."""
    async with _window(theme, folder) as harness:
        sections = {type(each): each for each in harness.settings_harness.sections(theme)}
        for section in sections.values():
            section.setParent(harness.window)
            section.hide()
        history, switches = sections[HistorySection], sections[SwitchesSection]
        assert isinstance(history, HistorySection)
        assert isinstance(switches, SwitchesSection)
        dialog = history.sheet(30) if name == "retention" else switches.sheet()
        dialog.open()
        await settle()
        yield dialog
        _close(dialog)


# --- hosted providers


@asynccontextmanager
async def _hosted(theme: Theme, folder: Path, *, name: str) -> Opened:
    async with open_harness(theme, folder) as harness:
        harness.window.resize(1280, 720)
        harness.window.activateWindow()
        dialog = await _hosted_dialog(harness, name)
        yield dialog
        _close(dialog)
        await settle()


async def _hosted_dialog(harness: Harness, name: str) -> QDialog:
    zapi, meta = ProviderKind.ZAPI, ProviderKind.META_CLOUD
    if name == "register":
        return await harness.open(meta, ActionName.REGISTER, RegisterDialog)
    if name == "deregister":
        return await harness.open(meta, ActionName.DEREGISTER, ConfirmDialog)
    if name.startswith("credentials"):
        kind = zapi if name.endswith("zapi") else meta
        return await harness.open(kind, ActionName.ENTER_CREDENTIALS, CredentialsDialog)
    if name == "keyring":
        harness.secret_store.lock(ProblemCode.SECRETS_UNAVAILABLE)
        sheet = await harness.open(zapi, ActionName.ENTER_CREDENTIALS, CredentialsDialog)
        sheet.show_problem(Problem(ProblemCode.SECRETS_UNAVAILABLE))
        await settle()
        return sheet
    harness.zapi.waiting[:] = [waiting(number) for number in range(1, 9)]
    since = harness.window_harness.clock.now()
    status = LinkStatus(state=LinkState.BLOCKED, reason=Reason.QUEUE_PENDING, since=since)
    harness.window_harness.observe(harness.mentorado(zapi), status)
    dialog = await harness.open(zapi, ActionName.DECIDE_QUEUE, QueueDialog)
    if name == "queue_removal":
        dialog.remove.click()
        await settle()
    return dialog


# --- procedures, beside the list


@asynccontextmanager
async def _procedure(theme: Theme, folder: Path, *, name: ActionName) -> Opened:
    async with Views.opened(folder, theme) as views:
        views.harness.window.resize(1280, 720)
        views.harness.window.activateWindow()
        now = views.harness.clock.now()
        views.backup_list.infos = [
            backup(views.who.id, now - timedelta(days=days), encrypted=True) for days in (1, 2, 3)
        ]
        if name is not ActionName.BACK_UP:
            views.log_out()
        await views.ask(name)
        await settle()
        if isinstance(form := views.sheet.form, RestoreForm):
            await until(lambda: form._buttons)
            form._buttons[0].click()
            views.sheet.take_focus()
        yield views.sheet


@asynccontextmanager
async def _asked_again(theme: Theme, folder: Path) -> Opened:
    """A procedure that needs its passphrase once more."""
    async with Views.opened(folder, theme) as views:
        views.harness.window.activateWindow()
        procedure = await views.follow(ProcedureKind.BACKUP)
        locked = {"code": ProblemCode.BACKUP_LOCKED, "path": "x"}
        views.procedures.write(procedure.head.id, EntryKind.STEP_FAILED, StepName.COLLECT, locked)
        views.sheet.take_focus()
        yield views.sheet


@asynccontextmanager
async def _switch_form(theme: Theme, folder: Path) -> Opened:
    async with open_switch_form(theme, folder) as harness:
        harness.window.activateWindow()
        await harness.checked(ProviderKind.ZAPI)
        yield harness.sheet


# --- pages


@asynccontextmanager
async def _campaign(theme: Theme, folder: Path, *, stop: bool = False) -> Opened:
    async with open_campaigns(theme, folder) as harness:
        harness.page.resize(1180, 620)
        if stop:
            await harness.consenting(3)
            dialog = harness.page.stop_dialog(await harness.begin())
            dialog.open()
            await settle()
            yield dialog
            _close(dialog)
            return
        harness.page.new_button.click()
        await settle()
        yield harness.page.composer


@asynccontextmanager
async def _switch(theme: Theme, _folder: Path, *, name: str) -> Opened:
    async with open_switches(theme) as harness:
        harness.page.resize(1180, 620)
        await harness.core.people(3)
        if name == "plan":
            harness.plan(ZAPI)
            harness.page.form.take_focus()
            yield harness.page.form
            return
        harness.plan(ZAPI)
        await harness.dry_run()
        made = harness.page.report.made
        assert made is not None
        called = {each.id: each.name for each in harness.core.mentorados.all()}
        if name == "approval":
            dialog: QDialog = approval(theme, harness.page, made, "3", called.__getitem__, second=True)
        else:
            run = await harness.approve()
            make = {"second": second_approval, "stop": stop_question}
            if name == "release":
                dialog = release_question(theme, harness.page, run.items, called.__getitem__)
            else:
                dialog = make[name](theme, harness.page, run, called.__getitem__)
        dialog.open()
        await settle()
        yield dialog
        _close(dialog)


@asynccontextmanager
async def _consent(theme: Theme, folder: Path, *, name: str) -> Opened:
    async with open_consents(theme, folder) as harness:
        if name == "import":
            imports = harness.p.core.consent.imports
            dialog: QDialog = ConsentImportDialog(theme, harness.page, imports, harness.ana, CONTACTS, "contatos.csv")
            dialog.open()
        else:
            asyncio.get_running_loop().call_soon(partial(harness.page.record, None))
            await until(lambda: _dialogs(harness.page))
            dialog = _dialogs(harness.page)[0]
        await settle()
        yield dialog
        _close(dialog)
        await settle()


@asynccontextmanager
async def _case(theme: Theme, folder: Path) -> Opened:
    async with open_cases(theme, folder) as harness:
        await harness.open(CaseKind.BAN, harness.bruno)
        harness.page.refresh()
        harness.page.view.field.setFocus()
        yield harness.page.view


@asynccontextmanager
async def _overview(theme: Theme, _folder: Path) -> Opened:
    async with open_overview(theme) as harness:
        await harness.add_past(timedelta(days=2))
        for number in range(8):
            harness.put(number, LinkState.BLOCKED, Reason.LOGGED_OUT)
        await harness.look()
        await harness.show()
        harness.page.activateWindow()
        harness.page.take_focus()
        yield harness.page


SURFACES: Mapping[str, Opener] = {
    "add a mentorado": _dialog(_add),
    "edit a mentorado": _dialog(_edit),
    "import mentorados": _dialog(_import),
    "compare providers": _dialog(partial(_comparison, choosing=False)),
    "choose a provider": _dialog(partial(_comparison, choosing=True)),
    "a message": _dialog(_message),
    "an audit entry": _dialog(_entry),
    "a crash": _dialog(_crash),
    "a support bundle": _dialog(_bundle),
    "a code": _dialog(_qr),
    "close the program": _dialog(_plain_question),
    "archive": _question(ActionName.ARCHIVE),
    "disconnect": _question(ActionName.DISCONNECT),
    "accept a number": _question(ActionName.ACCEPT_ACCOUNT),
    "overrule an incident": _dialog(_override),
    "archive many": _dialog(partial(for_many, kind=BulkKind.ARCHIVE)),
    "put many in a cohort": _dialog(partial(for_many, kind=BulkKind.COHORT)),
    "back many up": _dialog(partial(for_many, kind=BulkKind.BACK_UP)),
    "palette": partial(_performed, name="palette"),
    "smoke test": partial(_performed, name=ActionName.SMOKE_TEST),
    "guided check": partial(_performed, name=ActionName.TROUBLESHOOT),
    "guided check, ended": partial(_guided_check, view="05-damaged"),
    "guided check, passkey": partial(_guided_check, view="07-passkey"),
    "shorten the retention": partial(_setting, name="retention"),
    "one person decides": partial(_setting, name="second person"),
    "credentials of Z-API": partial(_hosted, name="credentials_zapi"),
    "credentials of Meta": partial(_hosted, name="credentials_meta"),
    "credentials without a keyring": partial(_hosted, name="keyring"),
    "a queue": partial(_hosted, name="queue"),
    "remove a queue": partial(_hosted, name="queue_removal"),
    "register": partial(_hosted, name="register"),
    "deregister": partial(_hosted, name="deregister"),
    "back up": partial(_procedure, name=ActionName.BACK_UP),
    "restore": partial(_procedure, name=ActionName.RESTORE),
    "recover": partial(_procedure, name=ActionName.RECOVER),
    "a passphrase asked again": _asked_again,
    "switch a provider": _switch_form,
    "a new campaign": _campaign,
    "stop a campaign": partial(_campaign, stop=True),
    "plan a switch": partial(_switch, name="plan"),
    "approve a switch": partial(_switch, name="approval"),
    "second approval": partial(_switch, name="second"),
    "stop a switch": partial(_switch, name="stop"),
    "release a former provider": partial(_switch, name="release"),
    "record a consent": partial(_consent, name="record"),
    "import consents": partial(_consent, name="import"),
    "a case": _case,
    "the overview": _overview,
}
