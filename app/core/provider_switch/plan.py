"""The dry run of a provider switch: who would move, who not and why, what stays, and what it costs."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Final, Protocol

from app.core.case_service import CaseService
from app.core.links.incident_detector import IncidentDetector
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.outbound.service import OutboundService
from app.core.outbound.smoke_test import SmokeTestService
from app.core.procedures.impact import Counted
from app.core.provider_setup.credentials import Accounts
from app.core.settings_service import SettingsService
from app.domain.consent import ContactConsents, Purpose, state_for
from app.domain.errors import Problem, ProblemCode
from app.domain.guidance import REASONS
from app.domain.link_status import LinkState, LinkStatus, Reason, SendCapability
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.messages import Address
from app.domain.names import fold_accents
from app.domain.phone import last_digits, masked, same_account
from app.domain.prices import PRICES_LISTED_AT, TemplateCategory, price_of
from app.domain.procedure import Procedure
from app.domain.provider import HasNumberDetails, HasQueue, Provider, UsesCredentials
from app.domain.provider_descriptor import (
    DESCRIPTORS,
    CredentialReport,
    Credentials,
    ProviderDescriptor,
    loads,
    secret_key,
)
from app.domain.repositories import Clock, SecretStore
from app.domain.switch import (
    MOST_IN_WAVE,
    PRICE_DAYS,
    FindingCode,
    MonthlyPrice,
    PlannedSwitch,
    Severity,
    SwitchDryRun,
    SwitchFinding,
    SwitchPlan,
    SwitchRepository,
)

BESIDE_DOWNTIME: Final = timedelta(seconds=10)
"""Without sending, where both providers are connected beside each other: messages that are on their way are awaited."""

APART_DOWNTIME: Final = timedelta(minutes=15)
"""The same where the number cannot be at both, and a person has to register it."""

AT_ONCE: Final = 5
"""So many mentorados are asked about at the same time: a provider takes a second for each, and may limit who asks."""

_ASKED_FOR: Final = (Purpose.CONVERSATION, Purpose.CAMPAIGN)
_OF_THE_SWITCH: Final = frozenset({FindingCode.PROCEDURE_UNDER_WAY, FindingCode.SWITCH_UNDER_WAY})
"""What a switch that is under way finds of itself."""

_NO_SECRETS: Final = frozenset({ProblemCode.SECRETS_LOCKED, ProblemCode.SECRETS_UNAVAILABLE})
_F = FindingCode


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    """One mentorado, and the link that they would move to; it may not be stored yet."""

    mentorado: Mentorado
    to: Link
    prepared: bool

    @property
    def link(self) -> Link:
        return self.mentorado.link

    @property
    def source(self) -> ProviderDescriptor:
        return DESCRIPTORS[self.link.provider]

    @property
    def target(self) -> ProviderDescriptor:
        return DESCRIPTORS[self.to.provider]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Access:
    """What was found out about the target's credentials. *report* is None when nobody could be asked about them."""

    findings: Sequence[SwitchFinding] = ()
    report: CredentialReport | None = None
    account: str = ""  # a hash of what names it

    @property
    def right(self) -> bool:
        return self.report is not None and self.report.valid is True


class RecordedConsents(Protocol):
    """The ledger of consents."""

    async def contacts(self, mentorado_id: MentoradoId) -> Sequence[ContactConsents]: ...


class SwitchPlanner:
    """Makes dry runs. Every read and check of a switch, and no write."""

    def __init__(
        self,
        *,
        mentorados: MentoradoService,
        supervisor: Supervisor,
        outbound: OutboundService,
        smoke_tests: SmokeTestService,
        incidents: IncidentDetector,
        providers: Mapping[ProviderKind, Provider],
        secrets: SecretStore,
        accounts: Accounts,
        cases: CaseService,
        repository: SwitchRepository,
        counts: Counted,
        settings_service: SettingsService,
        consents: RecordedConsents,
        clock: Clock,
    ) -> None:
        self._mentorados = mentorados
        self._supervisor = supervisor
        self._outbound = outbound
        self._smoke_tests = smoke_tests
        self._incidents = incidents
        self._providers = providers
        self._secrets = secrets
        self._accounts = accounts
        self._cases = cases
        self._repository = repository
        self._counts = counts
        self._settings_service = settings_service
        self._consents = consents
        self._clock = clock

    def attach(
        self, *, under_way: Callable[[MentoradoId], Procedure | None], switching: Callable[[MentoradoId], bool]
    ) -> None:
        """Connect what is built over this, before any dry run.

        *under_way* is the procedure that is not finished, *switching* whether a switch of theirs is open.
        """
        self._under_way, self._switching = under_way, switching

    async def dry_run(
        self, plan: SwitchPlan, on_progress: Callable[[int, int], None] = lambda _done, _all: None
    ) -> SwitchDryRun:
        """What *plan* would do now; nothing is sent or stored. *on_progress* is given mentorados done and of how many.

        Raises `Problem`: `SWITCH_NOBODY`, `SWITCH_WAVE_INVALID`.
        """
        chosen = self._chosen(plan)
        if not chosen:
            raise Problem(ProblemCode.SWITCH_NOBODY, cohort=plan.cohort)
        _require_sound(plan, chosen)
        gate, done = asyncio.Semaphore(AT_ONCE), itertools.count(1)

        async def planned(mentorado_id: MentoradoId) -> PlannedSwitch:
            async with gate:
                one = await self._plan_one(mentorado_id, plan.target)
            on_progress(next(done), len(chosen))
            return one

        on_progress(0, len(chosen))
        self._accounts.forget_all()  # and then each is read once, however many are asked about
        people = await asyncio.gather(*map(planned, plan.ordered(chosen)))
        return SwitchDryRun(plan=plan, at=self._clock.now(), people=people)

    async def require(self, mentorado_id: MentoradoId, target: ProviderKind, basis: str = "") -> None:
        """Raise `Problem(SWITCH_NOT_POSSIBLE)` with what stands in the way now, as the switch that is under way asks,
        and `Problem(SWITCH_CHANGED)` when it relies on more than the *basis* that was approved.

        That the switch itself is under way is nothing in its way.
        """
        self._accounts.forget_all()
        planned = await self._plan_one(mentorado_id, target)
        planned = replace(planned, findings=[each for each in planned.findings if each.code not in _OF_THE_SWITCH])
        for each in planned.with_severity(Severity.BLOCKS):
            name = self._mentorados.get(mentorado_id).name
            raise Problem(ProblemCode.SWITCH_NOT_POSSIBLE, name=name, finding=each.code)
        if basis and not planned.holds_by(basis):
            raise Problem(ProblemCode.SWITCH_CHANGED)

    def _chosen(self, plan: SwitchPlan) -> Sequence[MentoradoId]:
        if plan.mentorados:
            return [self._mentorados.get(each).id for each in dict.fromkeys(plan.mentorados)]
        everybody = [each for each in self._mentorados.all() if not each.archived and each.cohort == plan.cohort]
        return [each.id for each in sorted(everybody, key=lambda each: (fold_accents(each.name), each.id))]

    def _move(self, mentorado: Mentorado, target: ProviderKind) -> _Move:
        to = self._mentorados.link_for(mentorado.id, target)
        return _Move(mentorado=mentorado, to=to, prepared=to in self._mentorados.links_beside(mentorado.id))

    async def _plan_one(self, mentorado_id: MentoradoId, target: ProviderKind) -> PlannedSwitch:
        mentorado = self._mentorados.get(mentorado_id)
        source = mentorado.link.provider
        if found := self._at_first_sight(mentorado, target):
            return PlannedSwitch(mentorado_id=mentorado_id, source=source, findings=found)
        move = self._move(mentorado, target)
        access = await self._access(move)
        phone_app, apart = await self._phone_app(move, access)
        findings = [
            *self._standing(move),
            *access.findings,
            *await self._queues(move, access),
            *self._test_of(move),
            *phone_app,
            *await self._lost(move),
            *self._tests(move),
            *await self._kept(move),
            _found(_F.PRICE),
            _found(_F.DOWNTIME),
        ]
        return PlannedSwitch(
            mentorado_id=mentorado_id,
            source=source,
            findings=findings,
            account=access.account,
            prices=await self._prices(move),
            downtime=APART_DOWNTIME if apart else BESIDE_DOWNTIME,
        )

    # --- what stands in the way -----------------------------------------------------------------------------------

    def _at_first_sight(self, mentorado: Mentorado, target: ProviderKind) -> Sequence[SwitchFinding]:
        """Findings that make every other check needless."""
        if mentorado.archived:
            return [_found(_F.ARCHIVED)]
        if mentorado.link.provider is target:
            return [_found(_F.SAME_PROVIDER)]
        return [] if self._outbound.can_send(target) else [_found(_F.TARGET_UNAVAILABLE)]

    def _standing(self, move: _Move) -> Sequence[SwitchFinding]:
        """Findings about the mentorado and both links, from what is stored here."""
        mentorado, status = move.mentorado, self._supervisor.status(move.link.id)
        found = [*self._forbidden(move), *_restricted(status)]
        for link in (move.link, move.to):
            if stop := self._outbound.stop_of(link.id):
                found.append(_found(_F.STOPPED, provider=link.provider, trouble=stop.trouble))
        if procedure := self._under_way(mentorado.id):
            found.append(_found(_F.PROCEDURE_UNDER_WAY, kind=procedure.head.kind))
        if self._switching(mentorado.id):
            found.append(_found(_F.SWITCH_UNDER_WAY))
        if self._incidents.for_provider(move.to.provider):
            found.append(_found(_F.INCIDENT))
        if self._incidents.for_provider(move.link.provider):
            found.append(_found(_F.INCIDENT_CURRENT))
        cases = Counter(each.kind.value for each in self._cases.open_cases if each.mentorado_id == mentorado.id)
        if cases:
            found.append(_found(_F.CASES_OPEN, count=str(cases.total()), kinds=",".join(sorted(cases))))
        if status.state is not LinkState.CONNECTED:
            found.append(_found(_F.CURRENT_NOT_CONNECTED, state=status.state, reason=status.reason))
        return found

    def _forbidden(self, move: _Move) -> Sequence[SwitchFinding]:
        """A ban counts for every link of the number, a lost phone for one link only."""
        ban = self._supervisor.ban(move.mentorado.id)
        return [] if ban is None else [_found(_F.FORBIDDEN, reason=ban.reason, **_until(ban))]

    def _test_of(self, move: _Move) -> Sequence[SwitchFinding]:
        possible = self._smoke_tests.can_pass(move.mentorado.through(move.to))
        return [] if possible else [_found(_F.SMOKE_TEST_IMPOSSIBLE)]

    # --- the account at the target --------------------------------------------------------------------------------

    async def _access(self, move: _Move) -> _Access:
        """Whether the target can be signed in to, and as whom."""
        report: CredentialReport | None = None
        account = ""
        findings: list[SwitchFinding] = []
        if move.target.fields:
            try:
                kept = loads(await self._secrets.get(secret_key(move.to.id)))
            except Problem as problem:
                return _Access(findings=[_found(_F.SECRETS_LOCKED, reason=problem.code)])
            if missing := move.target.missing(kept):
                return _Access(findings=[_found(_F.CREDENTIALS_MISSING, fields=",".join(missing))])
            report = await self._report(move.to.provider, kept)
            account = sha256(move.target.account_id(kept).encode()).hexdigest()
            findings += await self._origin(move), *_judged(report, move.mentorado), *await self._taken(move, kept)
        if move.target.pairs_by_code and await self._needs_code(move, report):
            findings.append(_found(_F.NEEDS_QR, digits=last_digits(move.mentorado.expected_account)))
        return _Access(findings=findings, report=report, account=account)

    async def _report(self, kind: ProviderKind, credentials: Credentials) -> CredentialReport:
        provider: object = self._providers[kind]
        assert isinstance(provider, UsesCredentials)  # noqa: S101 - it has fields for them
        try:
            return await provider.check(credentials)
        except Problem:
            return CredentialReport(valid=None, reason=Reason.UNREACHABLE)

    async def _origin(self, move: _Move) -> SwitchFinding:
        since = "entered" if move.to.account is None else "earlier"
        return _found(_F.CREDENTIALS_FROM, since=since, place=await self._secrets.place())

    async def _taken(self, move: _Move, kept: Credentials) -> Sequence[SwitchFinding]:
        try:
            await self._accounts.require_alone(move.to, kept, fresh=False)
        except Problem as problem:
            if problem.code in _NO_SECRETS:
                return [_found(_F.SECRETS_LOCKED, reason=problem.code)]
            return [_found(_F.ACCOUNT_TAKEN, name=problem.context["name"])]
        return []

    async def _needs_code(self, move: _Move, report: CredentialReport | None) -> bool:
        """Whether a phone has to scan a code: unless it is linked there, or was and is not known to be gone."""
        if report is not None:
            if report.valid is not True or report.account is not None:
                return False
        elif REASONS[self._supervisor.status(move.to.id).reason].keys_gone:
            return True
        try:
            return not await self._providers[move.to.provider].has_credentials(move.to)
        except Problem:
            return True

    async def _queues(self, move: _Move, access: _Access) -> Sequence[SwitchFinding]:
        """What waits at either provider: it would go out as soon as that one is connected, beside the other."""
        asked = [move.link, *([move.to] if access.right else [])]
        found = [await self._queue(link) for link in asked]
        return [each for each in found if each is not None]

    async def _queue(self, link: Link) -> SwitchFinding | None:
        provider: object = self._providers.get(link.provider)
        if not isinstance(provider, HasQueue):
            return None
        try:
            waiting = await provider.queue(link)
        except Problem:
            return _found(_F.QUEUE_UNKNOWN, provider=link.provider)
        return _found(_F.QUEUE_PENDING, provider=link.provider, count=str(len(waiting))) if waiting else None

    # --- what changes for the number ------------------------------------------------------------------------------

    async def _phone_app(self, move: _Move, access: _Access) -> tuple[Sequence[SwitchFinding], bool]:
        """What becomes of the number in the phone app, and whether it cannot be at both providers at once."""
        if move.target.registers_numbers:
            in_app = access.report.facts.get("on_business_app") if access.report else None
            alone = _F.LEAVES_PHONE_APP
        elif move.source.registers_numbers:
            in_app, alone = await self._in_phone_app(move.link), _F.REGISTER_ON_PHONE
        else:
            return [], False
        if in_app == "yes":
            stays = [_found(_F.STAYS_IN_PHONE_APP)]
            return ([*stays, _found(_F.COEXISTENCE)] if move.target.registers_numbers else stays), False
        return [_found(alone if in_app == "no" else _F.PHONE_APP_UNKNOWN)], True

    async def _in_phone_app(self, link: Link) -> str | None:
        provider: object = self._providers.get(link.provider)
        if isinstance(provider, HasNumberDetails):
            with suppress(Problem):  # then it is not known
                return (await provider.details(link)).facts.get("on_business_app")
        return None

    async def _lost(self, move: _Move) -> Sequence[SwitchFinding]:
        """What will not be seen any more, or not before something is set up."""
        found = []
        if move.target.webhooks is not None and not self._settings_service.settings.webhooks.on:
            found.append(_found(_F.WEBHOOKS_OFF))
        if move.target.official:
            groups = await self._repository.groups(move.mentorado.id, self._clock.now() - timedelta(days=PRICE_DAYS))
            if groups:
                found.append(_found(_F.GROUPS_NOT_REACHED, count=str(groups)))
        return found

    # --- what was proven, what stays, what it costs ---------------------------------------------------------------

    def _tests(self, move: _Move) -> Sequence[SwitchFinding]:
        current = self._tested(move.mentorado.id, None)
        code = _F.CURRENT_TEST_GOOD if current["outcome"] == "good" else _F.CURRENT_TEST
        target = self._tested(move.mentorado.id, move.to.id) if move.prepared else {"outcome": "missing"}
        return [_found(code, **current), _found(_F.TARGET_TEST, **target)]

    def _tested(self, mentorado_id: MentoradoId, link_id: LinkId | None) -> dict[str, str]:
        """How the last smoke test of a link counts now, and when it was."""
        hold, last = self._smoke_tests.bulk_hold(mentorado_id, link_id), self._smoke_tests.last(mentorado_id, link_id)
        outcome = "good" if hold is None else hold.code.removeprefix("smoke_test_")
        at = {} if last is None or last.ended_at is None else {"at": last.ended_at.isoformat()}
        return {"outcome": outcome, **at}

    async def _kept(self, move: _Move) -> Sequence[SwitchFinding]:
        extent = await self._counts.extent(move.mentorado.id)
        kept = _found(_F.KEPT, conversations=str(extent.conversations), messages=str(extent.messages))
        contacts = await self._consents.contacts(move.mentorado.id)
        agreed = sum(any(state_for(each.entries, one).granted for one in _ASKED_FOR) for each in contacts)
        return [kept, _found(_F.CONSENT_KEPT, count=str(agreed)) if agreed else _found(_F.CONSENT_NONE)]

    async def _prices(self, move: _Move) -> Sequence[MonthlyPrice]:
        since = self._clock.now() - timedelta(days=PRICE_DAYS)
        sent = await self._repository.outside_window(move.mentorado.id, since)
        return [_price(each.provider, sent) for each in (move.link, move.to)]


def _require_sound(plan: SwitchPlan, chosen: Sequence[MentoradoId]) -> None:
    sizes = 1 <= plan.wave_size <= MOST_IN_WAVE and 1 <= plan.stop_at_percent <= 100
    pause = plan.pause_minutes is None or plan.pause_minutes >= 0
    if not (sizes and pause and (plan.canary is None or plan.canary in chosen)):
        raise Problem(ProblemCode.SWITCH_WAVE_INVALID, most=str(MOST_IN_WAVE))


def _found(code: FindingCode, **values: str) -> SwitchFinding:
    return SwitchFinding(code=code, values={name: str(value) for name, value in values.items()})


def _until(status: LinkStatus) -> dict[str, str]:
    return {} if status.until is None else {"until": status.until.isoformat()}


def _restricted(status: LinkStatus) -> Sequence[SwitchFinding]:
    """A restriction of the number by WhatsApp or Meta, which no other provider lifts."""
    held = status.capability in (SendCapability.RESTRICTED, SendCapability.BLOCKED)
    if status.reason is Reason.POLICY_RESTRICTED or (status.state is LinkState.CONNECTED and held):
        return [_found(_F.RESTRICTED, reason=status.reason, **_until(status))]
    return []


def _judged(report: CredentialReport, mentorado: Mentorado) -> Sequence[SwitchFinding]:
    """What the provider's answer about the credentials means."""
    if report.valid is None:
        return [_found(_F.CREDENTIALS_SILENT, reason=report.reason)]
    if not report.valid:
        return [_found(_F.CREDENTIALS_REFUSED, reason=report.reason)]
    found = []
    if report.account is not None and not same_account(report.account, mentorado.expected_account):
        found.append(
            _found(_F.OTHER_NUMBER, number=masked(report.account), expected=masked(mentorado.expected_account))
        )
    if report.reason is not Reason.NONE:
        works = REASONS[report.reason].warns  # whatever else it says, a smoke test would not be let through
        found.append(_found(_F.TARGET_WARNS if works else _F.TARGET_NOT_READY, reason=report.reason))
    return found


def _price(kind: ProviderKind, sent: Sequence[Address]) -> MonthlyPrice:
    """What *sent*, a month's messages outside the window, would cost through *kind*."""
    descriptor = DESCRIPTORS[kind]
    if not descriptor.official:  # a hosted one has a contract, and no public price that is known here
        own = Decimal(0) if descriptor.keeps_session else None
        return MonthlyPrice(provider=kind, amount=own, messages=len(sent))
    rates = [price_of(each, TemplateCategory.UTILITY) for each in sent]
    amount = sum((rate for rate in rates if rate is not None), Decimal(0))
    return MonthlyPrice(
        provider=kind, amount=amount, listed_at=PRICES_LISTED_AT, messages=len(sent), unknown=rates.count(None)
    )
