"""Facts that already happened, in the past tense, carrying all a listener needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.alert import Alert
from app.domain.backup import BackupProgress
from app.domain.campaign import CampaignId
from app.domain.consent import Purpose
from app.domain.errors import Problem
from app.domain.handling import Handling
from app.domain.incident import Incident
from app.domain.link_status import LinkStatus
from app.domain.mentorado import LinkId, Mentorado, MentoradoId
from app.domain.messages import Address, ConversationId
from app.domain.notes import Note
from app.domain.notifications import Notification
from app.domain.outbound import OutboundStop
from app.domain.procedure import Procedure, ProcedureId
from app.domain.settings import OperatorSettings
from app.domain.smoke_test import SmokeTest
from app.domain.switch import SwitchRunId
from app.domain.trusted_time import ClockDoubt


@dataclass(frozen=True, slots=True)
class MentoradosLoaded:
    """The mentorados were read from storage."""

    mentorados: tuple[Mentorado, ...]


@dataclass(frozen=True, slots=True)
class MentoradoAdded:
    mentorado: Mentorado


@dataclass(frozen=True, slots=True)
class MentoradoChanged:
    """A mentorado was edited, archived or unarchived, or its link was configured."""

    mentorado: Mentorado


@dataclass(frozen=True, slots=True)
class NotesChanged:
    """The notes about a mentorado, the latest first, are others than before."""

    mentorado_id: MentoradoId
    notes: Sequence[Note]


@dataclass(frozen=True, slots=True)
class HandlingChanged:
    """Somebody is on a mentorado from now on, or (None) nobody is any more."""

    mentorado_id: MentoradoId
    handling: Handling | None


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A link moved, or something shown of it (code, retry, evidence) did."""

    mentorado_id: MentoradoId
    link_id: LinkId
    before: LinkStatus
    after: LinkStatus


@dataclass(frozen=True, slots=True)
class StandbyStatusChanged:
    """A link beside the one in use moved: the target of a provider switch, or the former provider after it."""

    mentorado_id: MentoradoId
    link_id: LinkId
    before: LinkStatus
    after: LinkStatus


@dataclass(frozen=True, slots=True)
class SwitchesChanged:
    """A provider switch was planned, approved, moved or ended; None when many were read anew."""

    run_id: SwitchRunId | None


@dataclass(frozen=True, slots=True)
class PairingQueueChanged:
    """The link being paired, and those waiting, in order."""

    current: LinkId | None
    waiting: tuple[LinkId, ...]


@dataclass(frozen=True, slots=True)
class MessagesStored:
    """Messages or receipts were stored and changed *conversations*."""

    mentorado_id: MentoradoId
    conversations: tuple[ConversationId, ...]


@dataclass(frozen=True, slots=True)
class DeliverySetAside:
    """Something that was delivered to a link was not taken into the history; it is counted and kept apart."""

    mentorado_id: MentoradoId
    link_id: LinkId


@dataclass(frozen=True, slots=True)
class MessagesErased:
    """Messages were erased: of one mentorado, or of all (by retention)."""

    mentorado_id: MentoradoId | None


@dataclass(frozen=True, slots=True)
class OperatorSettingsChanged:
    """Operator settings were loaded or changed, or the detailed log expired."""

    settings: OperatorSettings


@dataclass(frozen=True, slots=True)
class WebhooksChanged:
    """The webhook service started, stopped or received something. At most two a second."""


@dataclass(frozen=True, slots=True)
class MetricsEndpointChanged:
    """The metrics are offered now, or no more, or cannot be."""


@dataclass(frozen=True, slots=True)
class ProcedureChanged:
    """A recovery, re-authentication, backup or restore began, moved a step, waits for somebody, or ended."""

    procedure: Procedure


@dataclass(frozen=True, slots=True)
class BackupProgressed:
    """Progress of a procedure's archive, several times a second."""

    procedure_id: ProcedureId
    progress: BackupProgress


@dataclass(frozen=True, slots=True)
class OutboundStopped:
    """Nothing is sent for a mentorado any more, because of *stop*, or (None) a person released it.

    *known*: it was read from the database, and is no news.
    """

    mentorado_id: MentoradoId
    stop: OutboundStop | None
    known: bool = False


@dataclass(frozen=True, slots=True)
class SmokeTestChanged:
    """A smoke test began, reached a stage, or ended."""

    test: SmokeTest


@dataclass(frozen=True, slots=True)
class MessageUncertain:
    """A message of ours may have gone out; nobody will say."""

    mentorado_id: MentoradoId
    reference: str
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class ContactOptedOut:
    """A contact asked to be left alone. *number* is that of the entry in the ledger."""

    mentorado_id: MentoradoId
    number: int
    contact: Address


@dataclass(frozen=True, slots=True)
class ConsentsChanged:
    """Something was recorded in the ledger of consent; None where it may be of anybody."""

    mentorado_id: MentoradoId | None


@dataclass(frozen=True, slots=True)
class CasesChanged:
    """Cases were read, opened, changed or closed."""


@dataclass(frozen=True, slots=True)
class CampaignsChanged:
    """A campaign, or all of them, were read, approved, or came further."""

    campaign_id: CampaignId | None


@dataclass(frozen=True, slots=True)
class StorageFailed:
    """Something could not be written down. It is kept in memory and tried again."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class StorageRecovered:
    """Everything that waited is on disk now."""


@dataclass(frozen=True, slots=True)
class AuditRecorded:
    """The audit log has another entry of what came of an act; None where it is about no mentorado."""

    mentorado_id: MentoradoId | None


@dataclass(frozen=True, slots=True)
class ClockDoubted:
    """The computer's clock is doubted, or (None) trusted again."""

    doubt: ClockDoubt | None


@dataclass(frozen=True, slots=True)
class IncidentBegan:
    """Many links of one provider fell together. New codes are locked until it ends."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class IncidentChanged:
    """More links fell, or the connectivity checks have results."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class IncidentEnded:
    """*back* are connected again; *away* are not, and are repaired one by one from now on."""

    incident: Incident
    at: datetime
    back: tuple[MentoradoId, ...]
    away: tuple[MentoradoId, ...]


@dataclass(frozen=True, slots=True)
class AlertsChanged:
    """What needs an admin changed. Each matter is in *begun* once, however often it comes and goes."""

    alerts: tuple[Alert, ...]
    begun: tuple[Alert, ...]
    ended: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class SnoozesChanged:
    """A link was snoozed, or its snooze ended; None when they were read anew."""

    mentorado_id: MentoradoId | None


@dataclass(frozen=True, slots=True)
class BulkWorkChanged:
    """Work on several mentorados was read, begun, went on or ended."""


@dataclass(frozen=True, slots=True)
class NotificationDue:
    """The desktop is to be told."""

    notification: Notification


@dataclass(frozen=True, slots=True)
class NotificationOver:
    """What the notification with this *key* was about is over."""

    key: str


Event = (
    MentoradosLoaded
    | MentoradoAdded
    | MentoradoChanged
    | NotesChanged
    | HandlingChanged
    | StatusChanged
    | StandbyStatusChanged
    | SwitchesChanged
    | PairingQueueChanged
    | MessagesStored
    | DeliverySetAside
    | MessagesErased
    | OperatorSettingsChanged
    | WebhooksChanged
    | MetricsEndpointChanged
    | ProcedureChanged
    | BackupProgressed
    | OutboundStopped
    | SmokeTestChanged
    | MessageUncertain
    | ContactOptedOut
    | ConsentsChanged
    | CasesChanged
    | CampaignsChanged
    | StorageFailed
    | StorageRecovered
    | AuditRecorded
    | ClockDoubted
    | IncidentBegan
    | IncidentChanged
    | IncidentEnded
    | AlertsChanged
    | SnoozesChanged
    | BulkWorkChanged
    | NotificationDue
    | NotificationOver
)
