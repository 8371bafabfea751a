"""The program in front of all three providers, with people whose number each of them can carry."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from app.bootstrap import build_services
from app.core.links.reconnect import ReconnectPolicy
from app.domain.actions import ActionName
from app.domain.events import StandbyStatusChanged
from app.domain.link_status import LinkState
from app.domain.mentorado import Link, LinkId, Mentorado, ProviderKind
from app.domain.messages import StoredMessage
from app.domain.phone import PhoneNumber
from app.domain.provider_descriptor import CredentialField, Credentials
from app.domain.settings import OUTBOUND_LIMITS
from app.domain.smoke_test import SmokeTestSettings, SmokeTestTarget
from app.domain.switch import SwitchItem, SwitchItemState, SwitchPlan, SwitchRun, SwitchState
from app.services import Services
from tests.acceptance.connect import harness as connect
from tests.acceptance.program import SOON, Person, new_number
from tests.acceptance.webhooks_on import switch_on, url_for
from tests.emulators.meta_cloud import webhooks
from tests.emulators.meta_cloud.graph import MetaCloud
from tests.emulators.meta_cloud.state import APP_SECRET, TOKEN, WABA_ID, CloudNumber
from tests.emulators.whatsapp_web.process import EmulatorProcess
from tests.emulators.zapi.emulator import ZapiEmulator
from tests.emulators.zapi.instance import Instance
from tests.providers.webhooks.harness import zapi_text
from tests.waiting import until

WEB, ZAPI, META = ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI, ProviderKind.META_CLOUD
PASSPHRASE: Final = "uma frase bem comprida"

_serial = itertools.count(1)


class Harness(connect.Harness):
    """Data, secrets in a file with a passphrase, and three providers' far ends."""

    def __init__(
        self, home: Path, emulator: EmulatorProcess, *, zapi: tuple[ZapiEmulator, str], meta: tuple[MetaCloud, str]
    ) -> None:
        super().__init__(home, emulator)
        (self.zapi, zapi_url), (self.cloud, meta_url) = zapi, meta
        passphrase = home / "passphrase"
        passphrase.write_text(PASSPHRASE, encoding="utf-8")
        passphrase.chmod(0o600)
        self.settings = replace(self.settings, zapi_url=zapi_url, meta_url=meta_url, passphrase_file=passphrase)

    def environment(self) -> dict[str, str]:
        return {
            **super().environment(),
            "CONECTA_ZAPI_URL": self.settings.zapi_url,
            "CONECTA_META_URL": self.settings.meta_url,
            "CONECTA_SECRETS_PASSPHRASE_FILE": str(self.settings.passphrase_file),
            "NO_PROXY": "127.0.0.1",
        }

    @asynccontextmanager
    async def at_work(self, *, starting: bool = False, policy: ReconnectPolicy = SOON) -> AsyncIterator[ProgramRun]:
        """The program as the window runs it."""
        core = build_services(self.settings, clock=self.clock, policy=policy)
        core.secrets._trusted = frozenset()  # never this machine's own keyring
        run = ProgramRun(self, core)
        async with core.running():
            await core.open()
            if not self.settings.secrets.exists():
                await core.secrets.use_memory()
                await core.secrets.use_file(PASSPHRASE)
            await (core.supervisor.start_enabled() if starting else core.supervisor.restore())
            yield run


@dataclass(frozen=True, slots=True)
class FarEnd:
    """What a hosted provider has of one person."""

    instance: Instance | None = None
    number: CloudNumber | None = None

    def credentials(self) -> Credentials:
        if self.instance is not None:
            return {
                CredentialField.INSTANCE_ID: self.instance.id,
                CredentialField.INSTANCE_TOKEN: self.instance.token,
            }
        assert self.number is not None
        return {
            CredentialField.ACCESS_TOKEN: TOKEN,
            CredentialField.PHONE_NUMBER_ID: self.number.id,
            CredentialField.WABA_ID: WABA_ID,
            CredentialField.APP_SECRET: APP_SECRET,
        }


class ProgramRun(connect.ProgramRun):
    """One run of the program, and a tester whose phone answers whichever provider wrote to it."""

    harness: Harness

    def __init__(self, harness: Harness, core: Services) -> None:
        super().__init__(harness, core)
        self.tester = ""
        core.bus.subscribe(StandbyStatusChanged, self._on_standby)

    def _on_standby(self, event: StandbyStatusChanged) -> None:
        self._seen[event.link_id].append(event.after)
        self._news.set()

    # --- people

    async def person(self, source: ProviderKind, name: str = "Ana") -> Person:
        """Somebody new, connected through *source*."""
        digits = new_number()
        await self.harness.emulator.control.off_loop(self.harness.emulator.control.add_account, digits)
        added = await self.core.mentorados.add(name, f"+{digits}", "2026", provider=source)
        person = Person(name, added.id, added.link.id, digits)
        if source is not WEB:
            await self._enter(person, added.link)
        await self.do(ActionName.CONNECT, person)
        if source is WEB:
            await self.pair(person)
        else:
            await self.until(person, LinkState.CONNECTED)
        return person

    async def prepare(self, person: Person, target: ProviderKind, *, linked: bool = True) -> FarEnd | None:
        """Enter the credentials of *target*, whose instance has the person's phone *linked* already."""
        if target is WEB:
            return None
        link = await self.core.mentorados.prepare_link(person.id, target)
        return await self._enter(person, link, linked=linked)

    async def _enter(self, person: Person, link: Link, *, linked: bool = True) -> FarEnd:
        if link.provider is ZAPI:
            end = FarEnd(instance=self.harness.zapi.add_instance())
            if linked and end.instance is not None:
                end.instance.link(person.digits)
        else:
            number = CloudNumber(id=f"1{next(_serial):014}", digits=person.digits, fields={"is_on_biz_app": True})
            end = FarEnd(number=self.harness.cloud.world.add_number(number))
        beside = None if link.in_use else link.id
        await self.core.hosted.credentials.save(person.id, end.credentials(), link_id=beside)
        if end.instance is not None and self.core.webhooks.settings.on:
            url = await url_for(self.core, link.id)
            kinds = ("received", "delivery", "message-status", "connected", "disconnected")
            end.instance.webhooks |= dict.fromkeys(kinds, url)
        return end

    def provider_of(self, person: Person) -> ProviderKind:
        return self.mentorado(person).link.provider

    def mentorado(self, person: Person) -> Mentorado:
        return self.core.mentorados.get(person.id)

    def state_of(self, link_id: LinkId | None) -> LinkState:
        assert link_id is not None
        return self.core.supervisor.status(link_id).state

    # --- the tester

    async def with_tester(self) -> None:
        """Every smoke test goes to a phone that answers, and webhooks tell of it."""
        control, self.tester = self.harness.emulator.control, new_number()
        await control.off_loop(control.add_account, self.tester)
        await control.off_loop(control.answer_texts, self.tester, "ok")
        chosen = SmokeTestSettings(
            target=SmokeTestTarget.NUMBER, number=PhoneNumber(f"+{self.tester}"), template="oi/pt_BR"
        )
        await self.core.smoke_tests.choose(chosen)
        await self.with_short_gaps()
        await switch_on(self.core)

    async def with_partial_tests(self) -> None:
        """No webhooks: a smoke test is confirmed by the provider's yes, and the operator lets that count."""
        self.tester = new_number()
        chosen = SmokeTestSettings(
            target=SmokeTestTarget.NUMBER, number=PhoneNumber(f"+{self.tester}"), template="oi/pt_BR"
        )
        await self.core.smoke_tests.choose(chosen)
        limits = replace(self.core.settings_service.settings.outbound_limits, partly_confirmed_counts=True)
        await self.core.settings_service.change(OUTBOUND_LIMITS, limits, reason="there are no webhooks here")

    async def with_short_gaps(self) -> None:
        """The shortest gaps that can be set: waiting is not the point here."""
        limits = replace(self.core.settings_service.settings.outbound_limits, shortest_gap=1, longest_gap=1)
        await self.core.settings_service.change(OUTBOUND_LIMITS, limits, reason="the tests wait for it")

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        """The tester answers what hosted providers send to it, for as long as the context lasts."""
        answering = asyncio.get_running_loop().create_task(self._answer())
        try:
            yield
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)

    async def _answer(self) -> None:
        answered = set[str]()
        while True:
            for instance in list(self.harness.zapi.instances.values()):
                instance.settle()
                for sent in [each for each in instance.sent if each.message_id not in answered]:
                    answered.add(sent.message_id)
                    if sent.phone == self.tester:
                        await self._answer_zapi(instance)
            for number in list(self.harness.cloud.world.numbers.values()):
                for message in [each for each in number.sent if each.wamid not in answered]:
                    answered.add(message.wamid)
                    if message.to == self.tester:
                        await self._answer_meta(number, message.wamid)
            await asyncio.sleep(0.05)

    async def _answer_zapi(self, instance: Instance) -> None:
        """The phone that is linked to the instance gets the answer, and every other device of its account, too."""
        control = self.harness.emulator.control
        message_id = await control.off_loop(control.send_text, self.tester, instance.phone, "ok")
        moment = int(datetime.now(UTC).timestamp() * 1000)
        instance.post(
            "received", zapi_text(message_id, "ok", instanceId=instance.id, phone=self.tester, momment=moment)
        )

    async def _answer_meta(self, number: CloudNumber, wamid: str) -> None:
        """Over the one address of the app, as Meta does."""
        url = f"http://127.0.0.1:{self.core.webhooks.settings.port}/meta"
        now = int(datetime.now(UTC).timestamp())
        display = number.fields["display_phone_number"]
        delivered = webhooks.status(wamid, "delivered", self.tester, at=now, number_id=number.id)
        delivered["value"]["metadata"]["display_phone_number"] = display
        control = self.harness.emulator.control
        await control.off_loop(control.send_text, self.tester, number.digits, "ok")
        came = webhooks.inbound(
            f"wamid.answer{next(_serial)}", self.tester, at=now, number_id=number.id, display=display,
            type="text", text={"body": "ok"},
        )  # fmt: skip
        for change in (delivered, came):
            await webhooks.post(url, webhooks.envelope(change))

    # --- a switch

    async def approve(self, plan: SwitchPlan) -> SwitchRun:
        """Approve *plan* as soon as its dry run is made, which must find nothing in the way."""
        made = await self.core.switches.dry_run(plan)
        blocked = [(each.mentorado_id, [one.code for one in each.findings]) for each in made.people]
        assert len(made.switching) == len(made.people), blocked
        return await self.core.switches.approve(made, self.core.switches.confirmation(made))

    def run_of(self, run: SwitchRun) -> SwitchRun:
        return next(each for each in self.core.switches.runs if each.id == run.id)

    def is_moving(self, run: SwitchRun) -> bool:
        """Whether somebody is being switched, or about to be."""
        now = self.run_of(run)
        return now.state is SwitchState.RUNNING or now.count(SwitchItemState.RUNNING) > 0

    def number_of(self, person: Person) -> CloudNumber:
        """What Meta has of the person."""
        return next(each for each in self.harness.cloud.world.numbers.values() if each.digits == person.digits)

    def item(self, person: Person) -> SwitchItem:
        items = (item for run in self.core.switches.runs for item in run.items if item.mentorado_id == person.id)
        return next(items)

    async def settled(self, person: Person, *states: SwitchItemState, within: float = 40) -> SwitchItem:
        """The person's switch, once it is in one of *states*."""
        try:
            await until(lambda: self.item(person).state in states, within=within)
        except TimeoutError:
            latest = (await self.core.procedures.latest(person.id))[:1]
            raise AssertionError(f"{self.item(person)}, {[each.steps for each in latest]}") from None
        return self.item(person)

    async def scan_target(self, person: Person) -> None:
        """The person's phone scans the code that the target shows."""
        await until(lambda: self.item(person).to_link is not None, within=20)
        link = self.item(person).to_link
        assert link is not None
        beside = Person(person.name, person.id, link, person.digits)
        code = await self.code(beside)
        if self.core.mentorados.through(link).link.provider is WEB:
            await self.scan(beside, code)
        else:
            instance = next(each for each in self.harness.zapi.instances.values() if each.qr() == code)
            instance.scan(person.digits, code)

    async def texts(self, person: Person) -> list[tuple[str, str]]:
        """The whole history, as ids of conversations and texts, in its order."""
        return [(message.conversation_id, message.text) for message in await self.messages(person)]

    async def messages(self, person: Person) -> Sequence[StoredMessage]:
        return [message async for batch in self.core.history.export(person.id) for message in batch]


async def rows(core: Services, *, besides: Sequence[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table but of those named."""

    def read(connection: Any) -> dict[str, list[tuple[Any, ...]]]:
        found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = [name for (name,) in found.all() if name not in besides]
        return {name: connection.exec_driver_sql(f'SELECT * FROM "{name}"').all() for name in names}

    return await core.database.read(read)
