"""The program without a window: what it is made of, and how it begins and ends."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.bootstrap.hosted import HostedDesks, build_hosted_desks
from app.bootstrap.procedures import FileProcedureLocks, build_procedures
from app.bootstrap.providers import build_checks, build_providers, build_whatsapp_web
from app.clock import SystemClock, elapsed
from app.core.actions import Actions
from app.core.backup.backups import Backups
from app.core.backup.copies import BackupCopies
from app.core.backup.folder import ENDING
from app.core.backup.retention import BackupRetention
from app.core.bus import Bus
from app.core.chores import Chores
from app.core.database_follower import DatabaseFollower
from app.core.enrolments import Enrolments
from app.core.hosted.accounts import Accounts
from app.core.hosted.webhooks import WebhookDesk
from app.core.intake import HistoryKeeper
from app.core.links.backoff import ReconnectPolicy
from app.core.links.incident import IncidentPolicy, Incidents
from app.core.links.supervisor import Supervisor
from app.core.operator_desk import OperatorDesk
from app.core.personal_data import PersonalData
from app.core.procedure.procedures import Procedures
from app.core.provider_log import ProviderLog
from app.core.retention import Retention
from app.core.roster_import import RosterImport
from app.core.scribe import Scribe
from app.core.secrets_desk import SecretsDesk
from app.core.trusted_time import ClockCheck, TrustedClock
from app.core.witness import Witness
from app.domain.audit import Actor
from app.domain.deeds import DeedName
from app.domain.errors import Code, Problem
from app.domain.mentorado import ProviderKind
from app.domain.ports import Clock, ProviderTime
from app.domain.provider import Provider
from app.files import KNOWS_OWNERS
from app.providers.webhooks.leftovers import WebhookLeftovers
from app.providers.webhooks.reception import WebhookReceiver
from app.providers.whatsapp_web.leftovers import SessionLeftovers
from app.providers.whatsapp_web.provider import WhatsAppWebProvider
from app.settings import Settings
from app.storage import audit_heads
from app.storage.audit import SqlAudit
from app.storage.audit_heads import AuditHeads
from app.storage.audit_seals import AuditSeals
from app.storage.database import Database
from app.storage.history import SqlHistory
from app.storage.history_transfer import SqlHistoryTransfer
from app.storage.journal import SqlJournal
from app.storage.old_copies import DatabaseCopies
from app.storage.operator_settings import SqlOperatorSettings
from app.storage.registration_tries import SqlRegistrationTries
from app.storage.roster import SqlRoster
from app.storage.secrets.vault import Vault
from app.storage.set_aside import SqlSetAside
from app.storage.time_records import SqlTimeRecords
from app.storage.transitions import SqlTransitionLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The program without a window, wired. Nothing is opened yet: making one costs next to nothing."""

    settings: Settings
    clock: TrustedClock
    bus: Bus
    database: Database
    transitions: SqlTransitionLog
    history: SqlHistory
    set_aside: SqlSetAside
    audit: SqlAudit
    witness: Witness
    scribe: Scribe
    whatsapp_web: WhatsAppWebProvider
    enrolments: Enrolments
    supervisor: Supervisor
    incidents: Incidents
    actions: Actions
    desk: OperatorDesk
    provider_log: ProviderLog
    personal_data: PersonalData
    retention: Retention
    roster_import: RosterImport
    secrets: Vault
    secrets_desk: SecretsDesk
    providers: Mapping[ProviderKind, Provider]
    hosted: HostedDesks
    journal: SqlJournal
    procedures: Procedures
    backups: Backups
    backup_retention: BackupRetention
    webhooks: WebhookDesk
    clock_check: ClockCheck
    follower: DatabaseFollower

    async def open(self) -> None:
        """Open the database, read what operators decided and the roster. May be called again after a `Problem`."""
        if self.settings.passphrase_file is not None:
            read_passphrase(self.settings.passphrase_file)  # it is needed late, and what is wrong with it is said now
        await self.database.open()
        await self.follower.mark()
        await self.clock.load()
        await self.desk.load()
        await self.enrolments.load()
        await self.procedures.load()
        self.follower.begin()

    async def begin_anew(self) -> None:
        """Make a new database where one was lost; `open` comes after. Raises `Problem`."""
        await self.database.begin_anew()
        self.audit.begin_anew()
        await self.witness.write(DeedName.BEGIN_DATABASE, after={"value": str(self.settings.database)})

    async def use_copy(self, copy: Path) -> None:
        """Put a *copy* where the database was lost; `open` comes after. Raises `Problem`."""
        await self.database.use_copy(copy)
        self.audit.begin_anew()
        await self.witness.write(DeedName.USE_DATABASE_COPY, after={"value": str(copy)})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hold the links' tasks and the chores. Leaving closes every line, then the database."""
        try:
            async with (
                self.supervisor,
                self.procedures,
                Chores(
                    self.clock_check.run,
                    self.provider_log.run,
                    self.retention.run,
                    self.incidents.run,
                    self.webhooks.run,
                    self.backup_retention.run,
                    self.follower.run,
                ),
            ):
                yield
            with suppress(Problem):
                await self.clock.save()
        finally:
            await self.close()

    async def close(self) -> None:
        """Wait a little until the last audit entry is remembered outside the database, and close that."""
        try:
            await self.audit.settled()
        finally:
            await self.database.close()


def read_passphrase(file: Path) -> str:
    """The first line of *file*, which only this user may read. Raises `Problem(PASSPHRASE_FILE_UNUSABLE)`."""
    try:
        if KNOWS_OWNERS and file.stat().st_mode & 0o077:
            raise PermissionError(errno.EPERM, "others may read it")
        lines = file.read_text(encoding="utf-8").splitlines()
        if not lines or not lines[0]:
            raise OSError(errno.EINVAL, "empty")
    except (OSError, UnicodeDecodeError) as error:
        detail = getattr(error, "strerror", None) or "not UTF-8"
        raise Problem(Code.PASSPHRASE_FILE_UNUSABLE, path=str(file), detail=detail) from None
    return lines[0]


def signed_in(operator: str = "") -> Actor:
    """The user who is signed in to this computer, and the name the *operator* goes by."""
    import getpass

    try:
        return Actor(user=getpass.getuser(), operator=operator)
    except (KeyError, OSError):  # a user without a name
        return Actor(user=str(os.getuid()) if hasattr(os, "getuid") else "", operator=operator)


def _traces(settings: Settings) -> tuple[tuple[Path, str], ...]:
    """What shows that there was a database: sessions, backups, secrets, and copies of the database itself."""
    return (
        (settings.session_dir, "*/session-*.db"),
        (settings.session_dir, "*/snapshots/*"),
        (settings.backup_dir, f"*{ENDING}"),
        (settings.data_dir, settings.secrets.name),
        (settings.data_dir, f"{settings.database.stem}.*{settings.database.suffix}"),
    )


def build_core(
    settings: Settings,
    *,
    clock: Clock | None = None,
    policy: ReconnectPolicy | None = None,
    provider_time: ProviderTime | None = None,
) -> Core:
    """Wire the core for *settings*."""
    bus, database, computer = Bus(), Database(settings.database, traces=_traces(settings)), clock or SystemClock()
    checks = build_checks(settings, computer)
    trusted = TrustedClock(
        computer,
        records=SqlTimeRecords(database),
        provider_time=provider_time or checks,
        elapsed=elapsed if clock is None else None,
    )
    passphrase_file = settings.passphrase_file
    secrets = Vault(
        settings.secrets, passphrase=None if passphrase_file is None else partial(read_passphrase, passphrase_file)
    )
    heads = AuditHeads(settings.data_dir / audit_heads.NAME)
    audit, scribe = SqlAudit(database, heads, AuditSeals(secrets, settings.database)), Scribe(bus=bus, clock=trusted)
    witness = Witness(audit=audit, scribe=scribe, clock=trusted, actor=lambda: signed_in(desk.settings.operator_name))
    enrolments = Enrolments(bus=bus, roster=SqlRoster(database), clock=trusted, witness=witness)
    transitions = SqlTransitionLog(database)
    whatsapp_web = build_whatsapp_web(
        settings,
        trusted,
        on_taken_over=lambda whose, left_by: witness.record(
            DeedName.TAKE_OVER_SESSION, enrolments.get(whose), before={"owner": left_by}
        ),
        enrolled=enrolments.all,
    )
    accounts = Accounts(enrolments=enrolments, secrets=secrets)
    providers = build_providers(settings, trusted, whatsapp_web, secrets, accounts)
    history = SqlHistory(database)
    supervisor = Supervisor(
        bus=bus,
        providers=providers,
        enrolments=enrolments,
        transitions=transitions,
        keeper=HistoryKeeper(bus=bus, store=history, clock=trusted, latest=trusted.latest),
        clock=trusted,
        scribe=scribe,
        policy=policy,
    )
    desk = OperatorDesk(bus=bus, store=SqlOperatorSettings(database), witness=witness, clock=trusted)
    provider_log = ProviderLog(
        bus=bus,
        desk=desk,
        providers=[whatsapp_web],
        clock=trusted,
        from_start=settings.provider_logging_for if settings.provider_logging else None,
    )
    incidents = Incidents(
        bus=bus,
        enrolments=enrolments,
        checks=checks,
        clock=trusted,
        bring_back=supervisor.bring_back,
        policy=IncidentPolicy(share=settings.incident_share),
    )
    actions = Actions(
        enrolments=enrolments,
        supervisor=supervisor,
        clock=trusted,
        witness=witness,
        incidents=incidents,
        under_way=lambda mentorado_id: procedures.of(mentorado_id),  # noqa: PLW0108 - made below
        interrupt=lambda mentorado_id: procedures.pause_of(mentorado_id),  # noqa: PLW0108
    )
    journal, transfer = SqlJournal(database), SqlHistoryTransfer(database)
    backups = Backups(
        settings.backup_dir,
        enrolments=enrolments,
        providers=providers,
        transfer=transfer,
        clock=trusted,
        audit=audit,
    )
    procedures = build_procedures(
        enrolments=enrolments,
        supervisor=supervisor,
        incidents=incidents,
        actions=actions,
        providers=providers,
        backups=backups,
        journal=journal,
        transfer=transfer,
        history=history,
        transitions=transitions,
        audit=audit,
        witness=witness,
        locks=FileProcedureLocks(settings.data_dir / "procedures"),
        bus=bus,
        clock=trusted,
    )
    clock_check = ClockCheck(bus=bus, clock=trusted, witness=witness)
    return Core(
        settings=settings,
        clock=trusted,
        bus=bus,
        database=database,
        transitions=transitions,
        history=history,
        set_aside=SqlSetAside(database),
        audit=audit,
        witness=witness,
        scribe=scribe,
        whatsapp_web=whatsapp_web,
        enrolments=enrolments,
        supervisor=supervisor,
        incidents=incidents,
        actions=actions,
        desk=desk,
        provider_log=provider_log,
        personal_data=PersonalData(
            bus=bus,
            enrolments=enrolments,
            history=history,
            set_aside=SqlSetAside(database),
            witness=witness,
            clock=trusted,
            leftovers=(
                BackupCopies(backups),
                DatabaseCopies(settings.database),
                SessionLeftovers(settings.session_dir),
                WebhookLeftovers(settings.data_dir),
            ),
        ),
        roster_import=RosterImport(enrolments=enrolments, witness=witness),
        retention=Retention(bus=bus, desk=desk, history=history, witness=witness, clock=trusted),
        secrets=secrets,
        secrets_desk=SecretsDesk(secrets=secrets, witness=witness),
        providers=providers,
        hosted=build_hosted_desks(
            enrolments=enrolments,
            supervisor=supervisor,
            actions=actions,
            providers=providers,
            secrets=secrets,
            accounts=accounts,
            tries=SqlRegistrationTries(database),
            witness=witness,
            clock=trusted,
        ),
        journal=journal,
        procedures=procedures,
        backups=backups,
        backup_retention=BackupRetention(
            backups=backups,
            enrolments=enrolments,
            journal=journal,
            witness=witness,
            clock=trusted,
            under_way=procedures.of,
        ),
        webhooks=WebhookDesk(
            bus=bus,
            desk=desk,
            receiver=WebhookReceiver(settings.data_dir),
            enrolments=enrolments,
            providers=providers,
            secrets=secrets,
            clock=trusted,
        ),
        clock_check=clock_check,
        follower=DatabaseFollower(
            commits=database,
            enrolments=enrolments,
            supervisor=supervisor,
            desk=desk,
            procedures=procedures,
            clock_check=clock_check,
            accounts=accounts,
            clock=trusted,
        ),
    )
