"""A provider switch: planned by a dry run, approved by a person, carried out one mentorado after the other in waves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import Final, NewType, Protocol

from app.domain.link_status import Reason
from app.domain.mentorado import LinkId, MentoradoId, ProviderKind
from app.domain.messages import Address
from app.domain.names import fold_accents
from app.domain.procedure import Procedure, ProcedureId, ProcedureKind, ProcedureState, StepName, StepState

SwitchRunId = NewType("SwitchRunId", str)

DEFAULT_WAVE: Final = 5
MOST_IN_WAVE: Final = 50
DEFAULT_STOP_PERCENT: Final = 20
DEFAULT_GRACE: Final = timedelta(hours=72)
PRICE_DAYS: Final = 30
"""Days of history that the price of a month is reckoned from."""


class FindingCode(StrEnum):
    """What a dry run found out about one mentorado. Stored: values may be added, never renamed."""

    # nothing can be done before this is put right
    ARCHIVED = "archived"
    SAME_PROVIDER = "same_provider"
    TARGET_UNAVAILABLE = "target_unavailable"
    CREDENTIALS_MISSING = "credentials_missing"
    CREDENTIALS_REFUSED = "credentials_refused"
    CREDENTIALS_SILENT = "credentials_silent"  # the provider could not be asked
    SECRETS_LOCKED = "secrets_locked"  # nothing that is kept can be read now
    TARGET_NOT_READY = "target_not_ready"  # the credentials are right, and the account behind them cannot be used
    ACCOUNT_TAKEN = "account_taken"
    OTHER_NUMBER = "other_number"
    FORBIDDEN = "forbidden"  # WhatsApp banned or suspended the number
    RESTRICTED = "restricted"
    STOPPED = "stopped"  # nothing is sent from the number until a person releases it
    PROCEDURE_UNDER_WAY = "procedure_under_way"
    SWITCH_UNDER_WAY = "switch_under_way"  # another one, or one whose former provider was not released yet
    INCIDENT = "incident"
    QUEUE_PENDING = "queue_pending"
    SMOKE_TEST_IMPOSSIBLE = "smoke_test_impossible"  # on the target, as the recipient of tests is chosen now
    # worth knowing before it is approved
    QUEUE_UNKNOWN = "queue_unknown"
    CASES_OPEN = "cases_open"
    CURRENT_NOT_CONNECTED = "current_not_connected"
    CURRENT_TEST = "current_test"  # missing, failed or old
    INCIDENT_CURRENT = "incident_current"  # many links of the provider in use fell together
    TARGET_WARNS = "target_warns"  # it works, and somebody should look
    WEBHOOKS_OFF = "webhooks_off"
    LEAVES_PHONE_APP = "leaves_phone_app"  # the number cannot be used in the phone app any more
    REGISTER_ON_PHONE = "register_on_phone"  # before a code can be scanned: the number is at Meta alone
    PHONE_APP_UNKNOWN = "phone_app_unknown"  # whether the number works in the phone app beside Meta
    GROUPS_NOT_REACHED = "groups_not_reached"
    CONSENT_NONE = "consent_none"
    # facts
    NEEDS_QR = "needs_qr"
    STAYS_IN_PHONE_APP = "stays_in_phone_app"
    COEXISTENCE = "coexistence"
    CREDENTIALS_FROM = "credentials_from"
    CURRENT_TEST_GOOD = "current_test_good"
    TARGET_TEST = "target_test"
    KEPT = "kept"
    CONSENT_KEPT = "consent_kept"
    PRICE = "price"
    DOWNTIME = "downtime"


class Severity(StrEnum):
    """What a finding means for the switch of its mentorado."""

    BLOCKS = "blocks"
    WARNS = "warns"
    TELLS = "tells"


_F = FindingCode

SEVERITY: Final[Mapping[FindingCode, Severity]] = MappingProxyType(
    {
        **dict.fromkeys(_F, Severity.TELLS),
        **dict.fromkeys(
            (
                _F.ARCHIVED,
                _F.SAME_PROVIDER,
                _F.TARGET_UNAVAILABLE,
                _F.CREDENTIALS_MISSING,
                _F.CREDENTIALS_REFUSED,
                _F.CREDENTIALS_SILENT,
                _F.SECRETS_LOCKED,
                _F.TARGET_NOT_READY,
                _F.ACCOUNT_TAKEN,
                _F.OTHER_NUMBER,
                _F.FORBIDDEN,
                _F.RESTRICTED,
                _F.STOPPED,
                _F.PROCEDURE_UNDER_WAY,
                _F.SWITCH_UNDER_WAY,
                _F.INCIDENT,
                _F.QUEUE_PENDING,
                _F.SMOKE_TEST_IMPOSSIBLE,
            ),
            Severity.BLOCKS,
        ),
        **dict.fromkeys(
            (
                _F.QUEUE_UNKNOWN,
                _F.CASES_OPEN,
                _F.CURRENT_NOT_CONNECTED,
                _F.CURRENT_TEST,
                _F.INCIDENT_CURRENT,
                _F.TARGET_WARNS,
                _F.WEBHOOKS_OFF,
                _F.LEAVES_PHONE_APP,
                _F.REGISTER_ON_PHONE,
                _F.PHONE_APP_UNKNOWN,
                _F.GROUPS_NOT_REACHED,
                _F.CONSENT_NONE,
            ),
            Severity.WARNS,
        ),
    }
)

PASSING: Final = frozenset(
    {
        _F.KEPT,
        _F.CONSENT_KEPT,
        _F.PRICE,
        _F.DOWNTIME,
        _F.TARGET_TEST,
        _F.CREDENTIALS_FROM,
        _F.GROUPS_NOT_REACHED,
        _F.CURRENT_NOT_CONNECTED,
    }
)
"""Findings whose values change all the time and decide nothing: an approval does not depend on them."""

UNRELIED: Final = frozenset({_F.CURRENT_TEST, _F.CURRENT_TEST_GOOD, _F.CASES_OPEN, _F.NEEDS_QR})
"""Findings that come and go by themselves, as a test grows old, one that failed opens a case, or a try that failed has
linked the phone: an approval does not depend on them at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchFinding:
    """One finding; *values* fill its sentence and are plain: never a secret, never a whole phone number."""

    code: FindingCode
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        return SEVERITY[self.code]


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchPlan:
    """Who moves where, in which order and how fast.

    Everybody of *cohort* by name, unless *mentorados* names some, in that order. The *canary* goes first and alone.
    After each wave the run waits *pause_minutes*, or for a person where that is None.
    """

    target: ProviderKind
    cohort: str = ""
    mentorados: tuple[MentoradoId, ...] = ()
    canary: MentoradoId | None = None
    wave_size: int = DEFAULT_WAVE
    pause_minutes: int | None = None
    stop_at_percent: int = DEFAULT_STOP_PERCENT
    grace: timedelta = DEFAULT_GRACE

    def ordered(self, among: Sequence[MentoradoId]) -> Sequence[MentoradoId]:
        """*among* with the canary first."""
        return sorted(among, key=lambda each: each != self.canary)

    def too_many_failed(self, failed: int, tried: int) -> bool:
        """Whether so many failures among so many who were tried reach the share at which the run pauses."""
        return failed > 0 and failed * 100 >= self.stop_at_percent * tried

    def wave_of(self, place: int, *, with_canary: bool) -> int:
        """The wave, counted from 1, of who is at *place*, counted from 0; the canary is a wave of its own."""
        return 1 + (place + self.wave_size - 1 if with_canary else place) // self.wave_size


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyPrice:
    """What a month costs on one provider at the volume of the last `PRICE_DAYS` days.

    *amount* is in US dollars, and None where no public price is known; *listed_at* is the date of its price list.
    *unknown* messages went to countries that are not in the list.
    """

    provider: ProviderKind
    amount: Decimal | None
    listed_at: datetime | None = None
    messages: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSwitch:
    """One mentorado in a dry run."""

    mentorado_id: MentoradoId
    source: ProviderKind
    findings: Sequence[SwitchFinding] = ()
    account: str = ""  # a hash of what names the account at the target
    prices: Sequence[MonthlyPrice] = ()
    downtime: timedelta = timedelta()  # in which nothing is sent, as expected

    @property
    def will_switch(self) -> bool:
        return all(each.severity is not Severity.BLOCKS for each in self.findings)

    @property
    def basis(self) -> str:
        """All that the switch of this mentorado relies on, a line each."""
        relied = [one for one in self.findings if one.code not in UNRELIED]
        values = [{} if one.code in PASSING else one.values for one in relied]
        found = (f"{one.code} {sorted(map(str, each.items()))}" for one, each in zip(relied, values, strict=True))
        return "\n".join((f"{self.mentorado_id} {self.source} {self.account}", *sorted(found)))

    def holds_by(self, approved: str) -> bool:
        """Whether nothing came up since this *approved* basis; what has gone since asks nobody again."""
        return set(self.basis.splitlines()) <= set(approved.splitlines())

    def with_severity(self, severity: Severity) -> Sequence[SwitchFinding]:
        return [each for each in self.findings if each.severity is severity]


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchDryRun:
    """What a switch would do at *at*, in the order in which it would. Nothing was written, and nothing sent."""

    plan: SwitchPlan
    at: datetime
    people: Sequence[PlannedSwitch]

    @property
    def switching(self) -> Sequence[PlannedSwitch]:
        """Who would be switched."""
        return [each for each in self.people if each.will_switch]

    @property
    def counts(self) -> Mapping[str, str]:
        """How many would be switched and how many not, as the audit has it."""
        moving = len(self.switching)
        return {"mentorados": str(moving), "left_out": str(len(self.people) - moving)}

    @property
    def digest(self) -> str:
        """A hash of the plan and of all it relied on. An approval is for this, and for nothing else."""
        lines = [repr(self.plan), *(each.basis for each in self.people)]
        return sha256("\n".join(lines).encode()).hexdigest()


class SwitchState(StrEnum):
    """Stored: values may be added, never renamed."""

    AWAITING_SECOND = "awaiting_second"  # a second person must approve it
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"  # by a person: who waits stays where they are
    FINISHED = "finished"


class SwitchPause(StrEnum):
    """Why a run is paused. Stored."""

    WAVE = "wave"  # between waves
    PERSON = "person"
    INTERRUPTED = "interrupted"  # the program ended
    CANARY = "canary"  # the first one failed
    FAILURES = "failures"  # too many failed
    WRONG_PHONE = "wrong_phone"  # scanned a code, and a person must say what becomes of it


class SwitchItemState(StrEnum):
    """How far one mentorado is. Stored."""

    WAITING = "waiting"
    RUNNING = "running"
    SWITCHED = "switched"  # the former provider is kept signed in, and silent
    RELEASED = "released"  # a person let the former provider go
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"  # the former provider never stopped being the one in use
    LEFT_OUT = "left_out"  # the run was stopped before


OPEN_ITEMS: Final = frozenset({SwitchItemState.WAITING, SwitchItemState.RUNNING, SwitchItemState.SWITCHED})
"""While a mentorado is in one of these, no other switch of theirs is planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchItem:
    """One mentorado of a run."""

    run_id: SwitchRunId
    number: int  # counted from 1, in the order of the run
    wave: int
    mentorado_id: MentoradoId
    source: ProviderKind
    target: ProviderKind
    from_link: LinkId
    basis: str = ""  # what was approved relied on it: see `PlannedSwitch.basis`
    to_link: LinkId | None = None  # once it was prepared
    state: SwitchItemState = SwitchItemState.WAITING
    procedure_id: ProcedureId | None = None  # the last one: the switch, or the roll-back
    reason: str = ""  # a `ProblemCode`, `Reason` or other code of why it failed
    at: datetime | None = None  # when the state became known
    switched_at: datetime | None = None

    @property
    def awaits_decision(self) -> bool:
        """Whether another phone scanned the code of the target: unlinking it is for a person to say."""
        return self.state is SwitchItemState.RUNNING and self.reason == Reason.WRONG_ACCOUNT

    @property
    def mark(self) -> Mapping[str, str]:
        """The facts by which a procedure is known to be of this item."""
        return {"switch": self.run_id, "number": str(self.number)}

    def is_of(self, procedure: Procedure) -> bool:
        """Whether *procedure* switches this item, or rolls it back."""
        return self.mark.items() <= procedure.head.facts.items()

    def needs_person(self, procedure: Procedure) -> bool:
        """Whether the switch that *procedure* makes does not go on, or back, by itself."""
        if procedure.state is ProcedureState.FAILED:
            return procedure.undoing or self.awaits_decision
        return procedure.state is ProcedureState.PAUSED

    def updated_by(self, procedure: Procedure) -> SwitchItem:
        """The item by what *procedure*, which is of it, has come to."""
        if procedure.head.kind is ProcedureKind.ROLL_BACK:
            kept = procedure.state is ProcedureState.UNDONE and "kept" in procedure.step(StepName.CUT_BACK).facts
            done = kept or procedure.state is ProcedureState.DONE
            return replace(self, state=SwitchItemState.ROLLED_BACK, at=_last_change(procedure)) if done else self
        if self.state is SwitchItemState.WAITING and procedure.state is ProcedureState.UNDONE:
            return self  # it failed before, and is to be tried again
        prepared = procedure.step(StepName.CHECK_SWITCH).facts.get("to_link")
        to_link = self.to_link if prepared is None else LinkId(prepared)
        item = replace(self, procedure_id=procedure.head.id, to_link=to_link)
        match procedure.state:
            case ProcedureState.DONE:
                at = procedure.step(StepName.CUT_OVER).since
                return replace(item, state=SwitchItemState.SWITCHED, reason="", at=at, switched_at=at)
            case ProcedureState.UNDONE if "kept" in procedure.step(StepName.CUT_OVER).facts:
                at = procedure.step(StepName.CUT_OVER).since  # the former provider was gone, and the target stayed
                return replace(item, state=SwitchItemState.SWITCHED, reason="", at=at, switched_at=at)
            case ProcedureState.UNDONE:
                reason = self.reason or "undone"
                return replace(item, state=SwitchItemState.FAILED, reason=reason, at=_last_change(procedure))
            case ProcedureState.FAILED if not procedure.undoing:
                return replace(item, state=SwitchItemState.RUNNING, reason=_failure(procedure))
            case ProcedureState.FAILED | ProcedureState.UNDOING:
                return replace(item, state=SwitchItemState.RUNNING)  # what failed first is why
            case _:
                return replace(item, state=SwitchItemState.RUNNING, reason="")


def _failure(procedure: Procedure) -> str:
    """The most telling code of why a step failed."""
    facts = next(step.facts for step in procedure.steps if step.state is StepState.FAILED)
    names = ("finding", "trouble", "reason", "code")
    return next(facts[name] for name in names if facts.get(name, "none") != "none")


def _last_change(procedure: Procedure) -> datetime | None:
    return max((step.since for step in procedure.steps if step.since is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchRun:
    """A switch that was approved, with everybody in it."""

    id: SwitchRunId
    plan: SwitchPlan
    digest: str  # of the dry run that was approved
    approved_at: datetime
    approved_by: str
    second_approver: str = ""
    state: SwitchState = SwitchState.RUNNING
    pause: SwitchPause | None = None
    pause_until: datetime | None = None  # when the next wave begins by itself
    wave: int = 1  # the one under way, or the next
    ended_at: datetime | None = None
    items: tuple[SwitchItem, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.state not in (SwitchState.STOPPED, SwitchState.FINISHED)

    @property
    def next_item(self) -> SwitchItem | None:
        """Who is under way, or else waits first."""
        moving = (SwitchItemState.RUNNING, SwitchItemState.WAITING)
        order = sorted(self.items, key=lambda item: (item.state is not moving[0], item.wave, item.number))
        return next((item for item in order if item.state in moving), None)

    def going_on(self) -> SwitchRun:
        """The run as it goes on with whoever is next, in whichever wave that is."""
        item = self.next_item
        wave = self.wave if item is None else max(self.wave, item.wave)
        return replace(self, state=SwitchState.RUNNING, pause=None, pause_until=None, wave=wave)

    def count(self, *states: SwitchItemState) -> int:
        return sum(each.state in states for each in self.items)

    def with_item(self, item: SwitchItem) -> SwitchRun:
        """The run with *item* in the place of the one of that number."""
        return replace(self, items=tuple(item if each.number == item.number else each for each in self.items))

    def grace_ends(self, item: SwitchItem) -> datetime | None:
        """Until when the former provider is kept at least; nothing happens by itself then."""
        return None if item.switched_at is None else item.switched_at + self.plan.grace


def same_person(one: str, other: str) -> bool:
    """Whether two names that were typed are the same person's, as far as spelling tells."""
    return fold_accents(" ".join(one.split())) == fold_accents(" ".join(other.split()))


class SwitchRepository(Protocol):
    """The switches that were approved, on disk. All raise `Problem`."""

    async def add(self, run: SwitchRun) -> None:
        """Store a run with its items, in one transaction."""
        ...

    async def all(self) -> Sequence[SwitchRun]:
        """The latest first."""
        ...

    async def save_run(self, run: SwitchRun) -> None:
        """Store all of *run* but its items."""
        ...

    async def save_item(self, item: SwitchItem) -> None: ...

    async def outside_window(self, mentorado_id: MentoradoId, since: datetime) -> Sequence[Address]:
        """To whom the messages went that were sent after *since* more than a day after the contact wrote last: Meta
        would have wanted a template for each. One address a message."""
        ...

    async def groups(self, mentorado_id: MentoradoId, since: datetime) -> int:
        """In how many groups and lists anything was written after *since*."""
        ...
