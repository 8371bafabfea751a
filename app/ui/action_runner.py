"""Runs actions through `ActionService`, or opens the dialog that `ACTION_DIALOGS` names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.core.actions import ActionService
from app.core.event_bus import EventBus
from app.core.handling_service import HandlingService
from app.core.links.incident_detector import IncidentDetector
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.note_service import NoteService
from app.core.outbound.service import OutboundService
from app.core.outbound.smoke_test import SmokeTestService
from app.core.provider_setup.credentials import StoredCredentials
from app.core.provider_setup.services import ProviderSetup
from app.core.secret_service import SecretService
from app.domain.actions import ActionName, UnavailableReason
from app.domain.errors import Problem, ProblemCode
from app.domain.incident import Incident
from app.domain.mentorado import LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.provider_descriptor import CredentialField
from app.domain.repositories import Clock
from app.domain.troubleshooting import suggested_trouble
from app.text.status import date_time, provider, texts, unbroken
from app.ui.async_slots import show_dialog
from app.ui.dialogs.base import BaseDialog
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.navigation import SETTINGS
from app.ui.providers.credentials_dialog import CredentialsDialog, DialogResult
from app.ui.providers.queue_dialog import QueueDialog
from app.ui.providers.register_dialog import RegisterDialog, tries_left
from app.ui.theme.theme import Theme

if TYPE_CHECKING:
    from app.core.backups import BackupService
    from app.core.bulk_work import BulkWorkService
    from app.core.diagnostics.passkey import PasskeyService
    from app.core.diagnostics.troubleshooting import TroubleshootingService
    from app.core.notifications.snooze_service import SnoozeService
    from app.core.procedures.service import ProcedureService
    from app.core.provider_switch.service import SwitchService


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequest:
    """An action, its mentorado, and the widget that requested it; a modal dialog opens over that widget's window."""

    name: ActionName
    mentorado_id: MentoradoId
    over: QWidget
    override_reason: str = ""  # typed to pass the lock of an incident


class ActionRunner(QObject):
    """Runs every action there is. An opener raises `Problem` when its dialog cannot be opened."""

    procedure_requested = Signal(object)
    """An `ActionRequest` that begins a procedure. The pane shows it, so that the QR code stays in view."""

    procedure_begun = Signal(object)
    """An `ActionRequest` whose procedure was begun just now."""

    confirmed = Signal(object)
    """An `ActionRequest` that a person said yes to, and that is performed from now on."""

    finished = Signal(object)
    """A confirmed `ActionRequest` that was performed, or failed."""

    page_requested = Signal(str, str)
    """The name of a page to show, and of its section."""

    def __init__(
        self,
        *,
        theme: Theme,
        bus: EventBus,
        clock: Clock,
        actions: ActionService,
        mentorados: MentoradoService,
        supervisor: Supervisor,
        incidents: IncidentDetector,
        hosted: ProviderSetup,
        procedures: ProcedureService | None = None,
        backups: BackupService | None = None,
        smoke_tests: SmokeTestService | None = None,
        troubleshooting: TroubleshootingService | None = None,
        passkeys: PasskeyService | None = None,
        outbound: OutboundService | None = None,
        switches: SwitchService | None = None,
        secret_service: SecretService | None = None,
        notes: NoteService | None = None,
        handlings: HandlingService | None = None,
        bulk_work: BulkWorkService | None = None,
        snoozes: SnoozeService | None = None,
        open_folder: Callable[[Path], object] = lambda _folder: None,
        parent: QObject | None = None,
    ) -> None:
        """Take the services that the dialogs need."""
        super().__init__(parent)
        self.theme, self.bus, self.clock = theme, bus, clock
        self.actions, self.mentorados, self.supervisor, self.incidents = actions, mentorados, supervisor, incidents
        self.hosted, self.procedures, self.backups, self.open_folder = hosted, procedures, backups, open_folder
        self.smoke_tests, self.outbound, self.switches = smoke_tests, outbound, switches
        self.secret_service, self.notes, self.handlings, self.snoozes = secret_service, notes, handlings, snoozes
        self.troubleshooting, self.passkeys, self.bulk_work = troubleshooting, passkeys, bulk_work
        self.drafts: dict[LinkId, Mapping[CredentialField, str]] = {}
        """Credentials that were typed and not saved by who went to the settings first."""

    async def run(self, name: ActionName, mentorado_id: MentoradoId, over: QWidget) -> None:
        """Run *name* with the confirmations it needs; a reason overrides the lock of an incident. Raises `Problem`."""
        request = ActionRequest(name=name, mentorado_id=mentorado_id, over=over)
        if (
            self._incident(request)
            and self.actions.unavailable_reason(name, mentorado_id) is UnavailableReason.INCIDENT
        ):
            request = replace(request, override_reason=await self._ask_override_reason(request))
            if not request.override_reason:
                return
        if self.actions.needs_dialog(name):
            self.actions.require(name, mentorado_id, override_reason=request.override_reason)
            await ACTION_DIALOGS[name](self, request)
            return
        from app.ui.dialogs.confirm import Confirmations

        ask = Confirmations(self.theme, over, self.supervisor.status).confirm

        agreed = False

        async def confirm(name: ActionName, mentorado: Mentorado) -> bool:
            nonlocal agreed
            if agreed := await ask(name, mentorado):
                self.confirmed.emit(request)
            return agreed

        try:
            await self.actions.run(name, mentorado_id, confirm, override_reason=request.override_reason)
        finally:
            if agreed:
                self.finished.emit(request)

    def mentorado(self, request: ActionRequest) -> Mentorado:
        """The mentorado of *request*."""
        return self.mentorados.get(request.mentorado_id)

    async def _ask_override_reason(self, request: ActionRequest) -> str:
        from app.ui.dialogs.confirm import ask_override_reason

        mentorado, incident = self.mentorado(request), self._incident(request)
        return await ask_override_reason(self.theme, request.over, request.name, mentorado, incident, self.clock)

    def _incident(self, request: ActionRequest) -> Incident | None:
        return self.incidents.for_provider(self.mentorado(request).link.provider)


Opener = Callable[[ActionRunner, ActionRequest], Awaitable[None]]


async def _procedure(runner: ActionRunner, request: ActionRequest) -> None:
    runner.procedure_requested.emit(request)


async def enter_credentials(runner: ActionRunner, request: ActionRequest) -> None:
    """Enter and store credentials, and connect when that button was pressed."""
    match await _ask_credentials(runner, runner.mentorado(request), request.over):
        case DialogResult.CONNECT:
            await runner.run(ActionName.CONNECT, request.mentorado_id, request.over)
        case DialogResult.FORGET:
            await _forget(runner, request)
        case DialogResult.SAVED | DialogResult.NOTHING | DialogResult.SETTINGS:
            pass


async def prepare_credentials(
    runner: ActionRunner, mentorado_id: MentoradoId, kind: ProviderKind, over: QWidget
) -> bool:
    """Enter and store credentials of a provider beside the one in use; whether any were stored. Raises `Problem`."""
    link = await runner.mentorados.prepare_link(mentorado_id, kind)
    return await _ask_credentials(runner, runner.mentorados.through(link.id), over) is DialogResult.SAVED


async def _ask_credentials(runner: ActionRunner, mentorado: Mentorado, over: QWidget) -> DialogResult:
    """The credentials of the link of *mentorado*."""
    service, drafts, link_id = runner.hosted.credentials, runner.drafts, mentorado.link.id
    known, locked = StoredCredentials(plain={}, secret=frozenset()), None
    try:
        known = await service.known(mentorado.id, link_id)
    except Problem as problem:
        if problem.code is not ProblemCode.SECRETS_UNAVAILABLE or runner.secret_service is None:
            locked = problem  # else a place is offered once there is something to keep
    draft = drafts.pop(link_id, None)
    secrets = runner.secret_service
    dialog = CredentialsDialog(
        runner.theme, over, mentorado, service, runner.actions, known, draft=draft, secret_service=secrets
    )
    if locked is not None:
        dialog.show_problem(locked)
    if await show_dialog(dialog) is not BaseDialog.DialogCode.Accepted:
        return DialogResult.NOTHING
    if dialog.ending is DialogResult.SETTINGS:
        drafts[link_id] = dialog.form.typed
        runner.page_requested.emit(SETTINGS, "secrets")
    return dialog.ending


async def _forget(runner: ActionRunner, request: ActionRequest) -> None:
    known = {"name": runner.mentorado(request).name}
    known["provider"] = provider(runner.mentorado(request).link.provider)
    title, verb = texts("credentials.forget_title", **known), texts("credentials.forget_confirm")
    dialog = ConfirmDialog(runner.theme, request.over, title, verb)
    dialog.add_aspect("kept", texts("credentials.forget_kept", **known))
    dialog.add_aspect("changes", texts("credentials.forget_changes", **known))
    if await show_dialog(dialog) is BaseDialog.DialogCode.Accepted:
        await runner.hosted.credentials.forget(request.mentorado_id)


async def decide_queue(runner: ActionRunner, request: ActionRequest) -> None:
    """Show the provider's queue, and apply the decision. Raises `Problem` when the provider does not answer."""
    service = runner.hosted.queue
    messages = await service.list(request.mentorado_id)
    dialog = QueueDialog(
        runner.theme, request.over, runner.mentorado(request), service, runner.actions, runner.clock, messages
    )
    await show_dialog(dialog)
    if not dialog.decided and dialog.messages:
        service.keep(request.mentorado_id, dialog.messages)


async def register(runner: ActionRunner, request: ActionRequest) -> None:
    """Enter the PIN, with the remaining attempts shown."""
    registration = runner.hosted.registration
    dialog = RegisterDialog(runner.theme, request.over, runner.mentorado(request), registration, runner.clock)
    dialog.show_allowance(await registration.allowance(request.mentorado_id))
    await show_dialog(dialog)


async def deregister(runner: ActionRunner, request: ActionRequest) -> None:
    """Deregister the number after its name was typed; counts as an attempt. Raises `Problem`."""
    registration = runner.hosted.registration
    mentorado = runner.mentorado(request)
    name = mentorado.name
    known = {"name": name, "phone": unbroken(mentorado.expected_account)}
    left = await registration.allowance(request.mentorado_id)
    title, verb = texts("question.deregister.title", **known), texts("question.deregister.confirm")
    dialog = ConfirmDialog(runner.theme, request.over, title, verb, typed=name)
    for aspect in ("kept", "changes", "lost"):
        dialog.add_aspect(aspect, texts(f"question.deregister.{aspect}", **known))
    dialog.add_line(tries_left(left, runner.clock.now()))
    dialog.ask_for_name()
    if await show_dialog(dialog) is BaseDialog.DialogCode.Accepted:
        await registration.deregister(request.mentorado_id)


async def smoke_test(runner: ActionRunner, request: ActionRequest) -> None:
    """Run a smoke test, and show where it stands; it begins when the dialog opens."""
    from app.ui.dialogs.smoke_test import SmokeTestDialog

    service = runner.smoke_tests
    assert service is not None  # noqa: S101 - the program has one
    chosen = service.chosen
    partner = runner.mentorados.get(MentoradoId(chosen.partner)).name if chosen.partner else ""
    dialog = SmokeTestDialog(
        runner.theme, request.over, runner.mentorado(request), service, runner.bus, runner.clock, partner
    )
    await show_dialog(dialog)
    if dialog.wants_settings:
        runner.page_requested.emit(SETTINGS, "smoke")


async def troubleshoot(runner: ActionRunner, request: ActionRequest) -> None:
    """Check what is wrong, and run the action that the check ends with, if the person wants it."""
    from app.ui.dialogs.troubleshooting import TroubleshootingDialog

    service, passkeys = runner.troubleshooting, runner.passkeys
    assert service is not None  # noqa: S101 - the program has both
    assert passkeys is not None  # noqa: S101
    mentorado = runner.mentorado(request)
    status = runner.supervisor.status(mentorado.link.id)
    dialog = TroubleshootingDialog(
        runner.theme, request.over, mentorado, service, passkeys, runner.clock, suggested_trouble(status)
    )
    await show_dialog(dialog)
    if dialog.wanted is not None:
        await runner.run(dialog.wanted, request.mentorado_id, request.over)


async def release_sending(runner: ActionRunner, request: ActionRequest) -> None:
    """Let a number send again, after its reason was shown. Raises `Problem`."""
    from app.ui.dialogs.confirm import ask_release

    outbound = runner.outbound
    assert outbound is not None  # noqa: S101 - the program has one
    stop = next(iter(outbound.stops_of(request.mentorado_id)), None)
    if stop is not None and await ask_release(
        runner.theme, request.over, runner.mentorado(request), stop, runner.clock.now()
    ):
        await outbound.release(request.mentorado_id)


async def roll_back(runner: ActionRunner, request: ActionRequest) -> None:
    """Go back to the former provider, after what that means was read. Raises `Problem`."""
    if await _asks_about_former(runner, request):
        await _switches(runner).roll_back(request.mentorado_id)
        runner.procedure_begun.emit(request)


async def release_former(runner: ActionRunner, request: ActionRequest) -> None:
    """Let the former provider go, after what that means was read. Raises `Problem`."""
    if await _asks_about_former(runner, request):
        await _switches(runner).release(request.mentorado_id)


async def _asks_about_former(runner: ActionRunner, request: ActionRequest) -> bool:
    switches, mentorado = _switches(runner), runner.mentorado(request)
    item = switches.item_of(request.mentorado_id)
    if item is None:
        raise Problem(ProblemCode.NOT_POSSIBLE_NOW, action=request.name, why=UnavailableReason.NO_FORMER_PROVIDER)
    known = {"name": mentorado.name, "former": provider(item.source), "current": provider(item.target)}
    section = f"question.{request.name}"
    dialog = ConfirmDialog(
        runner.theme, request.over, texts(f"{section}.title", **known), texts(f"{section}.confirm", **known)
    )
    for aspect in ("kept", "changes"):
        dialog.add_aspect(aspect, texts(f"{section}.{aspect}", **known))
    run = next((each for each in switches.runs if each.id == item.run_id), None)
    ends, now = None if run is None else run.grace_ends(item), runner.clock.now()
    if request.name is ActionName.RELEASE_FORMER and ends is not None and ends > now:
        until = date_time(ends.astimezone(), now.astimezone().date())
        dialog.add_line(texts(f"{section}.early", until=until, **known))
    return await show_dialog(dialog) is BaseDialog.DialogCode.Accepted


def _switches(runner: ActionRunner) -> SwitchService:
    switches = runner.switches
    assert switches is not None  # noqa: S101 - the program has one
    return switches


ACTION_DIALOGS: Final[Mapping[ActionName, Opener]] = MappingProxyType(
    {
        ActionName.SMOKE_TEST: smoke_test,
        ActionName.TROUBLESHOOT: troubleshoot,
        ActionName.RELEASE_SENDING: release_sending,
        ActionName.RECOVER: _procedure,
        ActionName.REAUTHENTICATE: _procedure,
        ActionName.BACK_UP: _procedure,
        ActionName.RESTORE: _procedure,
        ActionName.SWITCH_PROVIDER: _procedure,
        ActionName.ROLL_BACK: roll_back,
        ActionName.RELEASE_FORMER: release_former,
        ActionName.ENTER_CREDENTIALS: enter_credentials,
        ActionName.DECIDE_QUEUE: decide_queue,
        ActionName.REGISTER: register,
        ActionName.DEREGISTER: deregister,
    }
)
