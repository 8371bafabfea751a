"""A planner of switches over the real services: three providers that can send, all of them played."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from app.core.provider_setup.credentials import Accounts
from app.core.provider_switch.plan import SwitchPlanner
from app.domain.consent import ConsentChange, ConsentEntry, ConsentSource, Purpose
from app.domain.errors import Problem
from app.domain.events import StatusChanged
from app.domain.link_status import LinkState, LinkStatus, SmokeTestOutcome
from app.domain.mentorado import Link, Mentorado, MentoradoId, ProviderKind
from app.domain.messages import Address, AddressKind, HistoryStats
from app.domain.phone import PhoneNumber
from app.domain.procedure import Procedure, ProcedureId, ProcedureInfo, ProcedureKind, replay
from app.domain.provider import Blocked, Connected, ConnectionEvent, QrIssued, QrScanned
from app.domain.provider_descriptor import CredentialField, CredentialReport, Credentials, dumps, secret_key
from app.domain.sending import Accepted, NumberDetails, OutgoingMessage, SendResult
from app.domain.settings import SMOKE_TEST, WEBHOOKS
from app.domain.smoke_test import SmokeTest, SmokeTestSettings, SmokeTestTarget
from app.domain.switch import FindingCode, PlannedSwitch, SwitchDryRun, SwitchFinding, SwitchPlan
from app.domain.webhooks import WebhookSettings
from tests.clock import DAWN, ManualClock, settle
from tests.core.outbound.harness import SendingProvider
from tests.fake_audit import somebody
from tests.fake_outbound import FakeSwitches
from tests.fake_providers import FakeMeta, FakeZapi
from tests.fakes import FakeCounts
from tests.services import Core

F = CredentialField
KIND = ProviderKind
ZAPI = {F.INSTANCE_ID: "3C01ABCD", F.INSTANCE_TOKEN: "hush-token", F.CLIENT_TOKEN: "hush-client"}
META = {F.ACCESS_TOKEN: "EAAhush", F.PHONE_NUMBER_ID: "106540352242922", F.WABA_ID: "102290129340398"}
CREDENTIALS = {KIND.ZAPI: ZAPI, KIND.META_CLOUD: META}
COLLEAGUE = PhoneNumber("+5511955550000")


class SendingZapi(FakeZapi):
    reaches: Sequence[AddressKind] = (AddressKind.PHONE,)
    echoes_sent = False
    window: timedelta | None = None

    def __init__(self) -> None:
        super().__init__()
        self.on_check: Callable[[], None] = lambda: None  # happens while it is asked about credentials
        self.problem_of_session: Problem | None = None

    async def check(self, credentials: Credentials) -> CredentialReport:
        report = await super().check(credentials)
        self.on_check()
        return report

    async def has_credentials(self, link: Link) -> bool:
        if self.problem_of_session is not None:
            raise self.problem_of_session
        return await super().has_credentials(link)

    async def send(self, mentorado: Mentorado, message: OutgoingMessage) -> SendResult:
        return Accepted(provider_id="Z1")


class SendingMeta(FakeMeta):
    reaches: Sequence[AddressKind] = (AddressKind.PHONE,)
    echoes_sent = False
    window: timedelta | None = timedelta(hours=24)

    async def send(self, mentorado: Mentorado, message: OutgoingMessage) -> SendResult:
        return Accepted(provider_id="M1")


class GrowingCounts(FakeCounts):
    """A history to which messages can come."""

    more = 0

    async def extent(self, mentorado_id: MentoradoId) -> HistoryStats:
        extent = await super().extent(mentorado_id)
        return replace(extent, messages=extent.messages + self.more)


class Planning:
    """Three providers, a number that answers the smoke tests, and webhooks that are on."""

    def __init__(self) -> None:
        self.web, self.zapi, self.meta = SendingProvider(), SendingZapi(), SendingMeta()
        hosted = {KIND.ZAPI: self.zapi, KIND.META_CLOUD: self.meta}
        self.core = core = Core(ManualClock(), provider=self.web, hosted=hosted)
        self.clock, self.mentorados = core.clock, core.mentorados
        self.services, self.settings = core.services, core.services.settings_service
        self.switches, self.counts = FakeSwitches(), GrowingCounts()
        self.procedures: dict[MentoradoId, Procedure] = {}
        self.open_switches: set[MentoradoId] = set()
        self.planner = SwitchPlanner(
            mentorados=core.mentorados,
            supervisor=core.supervisor,
            outbound=core.outbound,
            smoke_tests=core.smoke_tests,
            incidents=core.incidents,
            providers=core.providers,
            secrets=core.secrets,
            accounts=Accounts(mentorados=core.mentorados, secrets=core.secrets),
            cases=core.services.cases,
            repository=self.switches,
            counts=self.counts,
            settings_service=self.settings,
            consents=core.outbound_record,
            clock=core.clock,
        )
        self.planner.attach(under_way=self.procedures.get, switching=lambda whose: whose in self.open_switches)
        self.zapi.report = self.meta.report = self.right("+5511987654321")

    def right(self, account: str | None, *, on_business_app: str = "yes") -> CredentialReport:
        number = PhoneNumber(account) if account else None
        return CredentialReport(valid=True, account=number, facts={"on_business_app": on_business_app})

    # --- people

    async def add(
        self, name: str = "Ana", phone: str = "11 98765-4321", kind: KIND = KIND.WHATSAPP_WEB, cohort: str = "T1"
    ) -> Mentorado:
        """Somebody who is connected, through *kind*."""
        added = await self.mentorados.add(name, phone, cohort, provider=kind)
        if kind in CREDENTIALS:
            self.core.secrets.kept[secret_key(added.link.id)] = dumps(_own(kind, name))
        await self.core.supervisor.connect(added.id)
        await settle()
        if kind is KIND.WHATSAPP_WEB:
            self.say(kind, QrIssued("code", 1, 6, 60.0), QrScanned(added.phone))
        self.say(kind, Connected(added.phone))
        await settle()
        return self.mentorados.get(added.id)

    def say(self, kind: KIND, *what: ConnectionEvent) -> None:
        line = {KIND.WHATSAPP_WEB: self.web.lines, KIND.ZAPI: self.zapi.lines, KIND.META_CLOUD: self.meta.lines}[kind][
            -1
        ]
        line.say(*what)

    async def prepare(
        self, mentorado: Mentorado, kind: KIND, credentials: Credentials | None = None, *, used: bool = False
    ) -> Link:
        """The link beside the one in use, with its credentials; *used* where it was connected before."""
        link = await self.mentorados.prepare_link(mentorado.id, kind)
        if used:
            link = replace(link, account=mentorado.phone)
            await self.mentorados.save_link(link)
        if kind in CREDENTIALS:
            self.core.secrets.kept[secret_key(link.id)] = dumps(credentials or CREDENTIALS[kind])
        else:
            self.web.paired.add(link.id)
        return link

    async def block(self, kind: KIND, blocked: Blocked) -> None:
        self.say(kind, blocked)
        await settle()

    async def tested(self, mentorado: Mentorado, link: Link, outcome: SmokeTestOutcome, at: datetime) -> None:
        """A smoke test of *link* ended *at* that time."""
        test = SmokeTest(
            mentorado_id=mentorado.id,
            link_id=link.id,
            target=SmokeTestTarget.NUMBER,
            began_at=at,
            to=COLLEAGUE,
            outcome=outcome,
            ended_at=at,
        )
        await self.core.smoke_test_record.add(test)
        await self.core.smoke_tests.load()

    def agree(self, mentorado: Mentorado, number: str, change: ConsentChange = ConsentChange.GRANTED) -> None:
        entry = ConsentEntry(
            mentorado_id=mentorado.id,
            contact=Address(AddressKind.PHONE, number),
            change=change,
            purpose=Purpose.CAMPAIGN,
            source=ConsentSource.TYPED,
            at=self.clock.now(),
            recorded_by="Bia",
        )
        self.core.outbound_record.ledger.append(entry)

    def fall_together(self, people: Sequence[Mentorado]) -> None:
        """The links of *people* were connected, and fell at once."""
        up = LinkStatus(state=LinkState.CONNECTED, since=self.clock.now())
        down = replace(up, state=LinkState.RECONNECTING)
        for before, after in ((LinkStatus(since=up.since), up), (up, down)):
            for each in people:
                self.core.bus.publish(StatusChanged(each.id, each.link.id, before, after))

    async def choose(self, target: SmokeTestTarget) -> None:
        """Whom the smoke tests write to from now on."""
        number = COLLEAGUE if target is SmokeTestTarget.NUMBER else PhoneNumber("")
        await self.settings.change(SMOKE_TEST, SmokeTestSettings(target=target, number=number))

    async def listen(self, on: bool) -> None:
        """Webhooks are on, or off."""
        await self.settings.change(WEBHOOKS, WebhookSettings(on=on))

    def tell_details(self, **facts: str) -> None:
        self.meta.answer = NumberDetails(facts=facts)

    # --- plans

    async def dry_run(self, target: KIND, *people: Mentorado, **how: object) -> SwitchDryRun:
        mentorados = tuple(each.id for each in people)
        plan = SwitchPlan(target=target, mentorados=mentorados, **how)  # type: ignore[arg-type]
        return await self.planner.dry_run(plan)

    async def plan(self, target: KIND, mentorado: Mentorado) -> PlannedSwitch:
        """The one person of a dry run."""
        (planned,) = (await self.dry_run(target, mentorado)).people
        return planned

    async def blocking(self, target: KIND, mentorado: Mentorado) -> list[FindingCode]:
        planned = await self.plan(target, mentorado)
        assert planned.will_switch is not bool(codes_that_block(planned))
        return codes_that_block(planned)


def codes_that_block(planned: PlannedSwitch) -> list[FindingCode]:
    return [each.code for each in planned.findings if each.severity == "blocks"]


def codes(planned: PlannedSwitch) -> set[FindingCode]:
    return {each.code for each in planned.findings}


def one(planned: PlannedSwitch, code: FindingCode) -> SwitchFinding:
    """The finding of that code; there is exactly one."""
    (found,) = [each for each in planned.findings if each.code is code]
    return found


def under_way(mentorado: Mentorado, kind: ProcedureKind) -> Procedure:
    """A procedure that was begun just now."""
    head = ProcedureInfo(id=ProcedureId("p1"), kind=kind, mentorado_id=mentorado.id, actor=somebody(), began_at=DAWN)
    return replay(head, [])


def _own(kind: KIND, name: str) -> Credentials:
    """Credentials of an account that nobody else has."""
    account = F.INSTANCE_ID if kind is KIND.ZAPI else F.PHONE_NUMBER_ID
    return {**CREDENTIALS[kind], account: f"{CREDENTIALS[kind][account]}{sum(map(ord, name))}"}


@asynccontextmanager
async def planning() -> AsyncIterator[Planning]:
    world = Planning()
    await world.choose(SmokeTestTarget.NUMBER)
    await world.listen(on=True)
    async with world.core.running():
        yield world
