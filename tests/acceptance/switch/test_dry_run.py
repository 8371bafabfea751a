"""A dry run against played providers at the far end of real HTTP: it asks for everything, and writes nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.bootstrap import build_services
from app.domain.link_status import LinkState
from app.domain.mentorado import LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.provider_descriptor import CredentialField, Credentials
from app.domain.switch import FindingCode, PlannedSwitch, SwitchDryRun, SwitchPlan
from app.services import Services
from app.settings import Settings
from tests.acceptance.program import SOON, new_number
from tests.clock import DAWN, ManualClock
from tests.emulators.meta_cloud.graph import MetaCloud
from tests.emulators.meta_cloud.state import NUMBER_ID, TOKEN, WABA_ID, MetaState
from tests.emulators.serving import Served
from tests.emulators.zapi.emulator import ZapiEmulator
from tests.emulators.zapi.instance import Instance
from tests.waiting import until

C, F = FindingCode, CredentialField
WEB, HOSTED, OFFICIAL = ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI, ProviderKind.META_CLOUD
META = {F.ACCESS_TOKEN: TOKEN, F.PHONE_NUMBER_ID: NUMBER_ID, F.WABA_ID: WABA_ID}
READS = {"GET status", "GET device", "GET me", "POST queue"}
"""What a dry run may ask of Z-API, whose queue is read by POST."""


@dataclass
class TwoProviders:
    """Data on disk, both hosted providers, and a program that is opened over them."""

    home: Path
    zapi: ZapiEmulator
    cloud: MetaCloud
    settings: Settings
    kept: dict[str, str] = field(default_factory=dict)

    @asynccontextmanager
    async def program(self, *, running: bool) -> AsyncIterator[Services]:
        """Without *running* nothing of it works by itself, and so nothing else writes."""
        core = build_services(self.settings, clock=ManualClock(), policy=SOON)
        core.secrets._trusted = frozenset()  # never this machine's own keyring
        await core.secrets.use_memory()
        for name, value in self.kept.items():
            await core.secrets.set(name, value)
        await core.open()
        try:
            if running:
                async with core.running():
                    await core.supervisor.restore()
                    yield core
            else:
                async with core.supervisor:
                    await core.supervisor.restore()
                    yield core
        finally:
            await core.close()

    async def enter(self, core: Services, mentorado: Mentorado, kind: ProviderKind, typed: Credentials) -> LinkId:
        """Keep credentials for a link of *mentorado*, in use or beside it."""
        link, beside = mentorado.link, None
        if kind is not link.provider:
            link = await core.mentorados.prepare_link(mentorado.id, kind)
            beside = link.id
        await core.hosted.credentials.save(mentorado.id, typed, None, beside)
        key = f"link/{link.id}/credentials"
        self.kept[key] = await core.secrets.get(key) or ""
        return link.id

    def instance(self, digits: str) -> tuple[Instance, Credentials]:
        """An instance to which the phone of *digits* is linked."""
        instance = self.zapi.add_instance()
        instance.link(digits)
        return instance, {F.INSTANCE_ID: instance.id, F.INSTANCE_TOKEN: instance.token}

    def files(self) -> dict[str, bytes]:
        """Every byte on disk, but for what SQLite notes of who reads just now."""
        found = (file for file in self.home.rglob("*") if file.is_file() and not file.name.endswith("-shm"))
        return {str(file.relative_to(self.home)): file.read_bytes() for file in found}

    def rows(self) -> dict[str, list[object]]:
        """Every row of the database, but for the audit's."""
        with closing(sqlite3.connect(f"file:{self.settings.database}?mode=ro", uri=True)) as database:
            tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
            names = [name for (name,) in tables if not name.startswith(("audit", "sqlite_"))]
            return {name: database.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}


@pytest.fixture
def both(fast_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoProviders]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    zapi, cloud = ZapiEmulator(), MetaCloud(MetaState(lambda: DAWN))
    with Served(zapi) as at_zapi, Served(cloud) as at_meta:
        settings = Settings(
            data_dir=fast_dir / "data", session_dir=fast_dir / "sessions", zapi_url=at_zapi.url, meta_url=at_meta.url
        )
        yield TwoProviders(fast_dir, zapi, cloud, settings)


def of(made: SwitchDryRun) -> dict[FindingCode, dict[str, str]]:
    (person,) = made.people
    return {each.code: dict(each.values) for each in person.findings}


async def test_a_dry_run_in_every_direction_leaves_every_byte_where_it_was(both: TwoProviders) -> None:
    digits, other = both.cloud.world.number.digits, new_number()
    async with both.program(running=True) as core:
        ana = await core.mentorados.add("Ana", f"+{digits}", provider=HOSTED)
        instance, typed = both.instance(digits)
        await both.enter(core, ana, HOSTED, typed)
        await both.enter(core, ana, OFFICIAL, META)
        bia = await core.mentorados.add("Bia", f"+{other}")
        _, typed = both.instance(other)
        await both.enter(core, bia, HOSTED, typed)
        await core.supervisor.connect(ana.id)
        await until(lambda: core.supervisor.status(ana.link.id).state is LinkState.CONNECTED)
        await core.write_queue.flush()
    async with both.program(running=False) as core:
        await core.write_queue.flush()
        instance.asked.clear()
        both.zapi.requested.clear()
        both.cloud.requests.clear()
        before, rows = both.files(), both.rows()
        found: dict[tuple[str, ProviderKind], PlannedSwitch] = {}
        for who in (ana, bia):
            for target in {WEB, HOSTED, OFFICIAL} - {who.link.provider}:
                made = await core.switches._planner.dry_run(SwitchPlan(target=target, mentorados=(who.id,)))
                found[who.name, target] = made.people[0]
        assert both.files() == before
        assert both.rows() == rows
        assert set(both.zapi.requested) <= READS
        assert {request.method for request in both.cloud.requests} == {"GET"}
        asked = [bool(each) for each in (both.zapi.requested, both.cloud.requests)]
        assert asked == [True, True]
        to_meta = {each.code for each in found["Ana", OFFICIAL].findings}
        assert C.LEAVES_PHONE_APP in to_meta, "the number is at Meta without the Business app"
        assert not to_meta & {C.CREDENTIALS_REFUSED, C.CREDENTIALS_SILENT, C.OTHER_NUMBER, C.TARGET_NOT_READY}
        assert C.CREDENTIALS_MISSING in {each.code for each in found["Bia", OFFICIAL].findings}
        assert C.NEEDS_QR not in {each.code for each in found["Bia", HOSTED].findings}, "a phone is linked there"
        assert C.NEEDS_QR in {each.code for each in found["Ana", WEB].findings}


async def test_the_report_of_a_dry_run_is_all_that_is_written(both: TwoProviders) -> None:
    digits = both.cloud.world.number.digits
    async with both.program(running=True) as core:
        ana = await core.mentorados.add("Ana", f"+{digits}", provider=HOSTED)
        _, typed = both.instance(digits)
        await both.enter(core, ana, HOSTED, typed)
        await both.enter(core, ana, OFFICIAL, META)
        await core.supervisor.connect(ana.id)
        await until(lambda: core.supervisor.status(ana.link.id).state is LinkState.CONNECTED)
        await core.write_queue.flush()
        before = both.rows()
        made = await core.switches.dry_run(SwitchPlan(target=OFFICIAL, mentorados=(ana.id,)))
        await core.write_queue.flush()
        assert both.rows() == before
        newest = (await core.audit.entries(limit=1))[0].record
        assert (newest.action, newest.after["dry_run"]) == ("dry_run_switch", made.digest)


async def test_what_the_providers_say_is_what_a_dry_run_finds(both: TwoProviders) -> None:
    digits = both.cloud.world.number.digits
    async with both.program(running=False) as core:
        ana = await core.mentorados.add("Ana", f"+{digits}")
        instance, typed = both.instance(digits)
        await both.enter(core, ana, HOSTED, typed)
        await both.enter(core, ana, OFFICIAL, META)

        async def found(target: ProviderKind) -> dict[FindingCode, dict[str, str]]:
            plan = SwitchPlan(target=target, mentorados=(MentoradoId(ana.id),))
            return of(await core.switches._planner.dry_run(plan))

        assert C.NEEDS_QR not in await found(HOSTED)
        instance.paid = False
        assert (await found(HOSTED))[C.CREDENTIALS_REFUSED] == {"reason": "billing"}
        instance.paid = True
        instance.link(new_number())
        assert C.OTHER_NUMBER in await found(HOSTED)
        number = both.cloud.world.number
        number.fields["is_on_biz_app"] = True
        assert {C.STAYS_IN_PHONE_APP, C.COEXISTENCE} <= set(await found(OFFICIAL))
        del number.fields["is_on_biz_app"]
        assert C.PHONE_APP_UNKNOWN in await found(OFFICIAL)
        number.fields["status"] = "DISCONNECTED"
        assert (await found(OFFICIAL))[C.TARGET_NOT_READY] == {"reason": "not_registered"}
        both.cloud.world.tokens.clear()
        assert (await found(OFFICIAL))[C.CREDENTIALS_REFUSED] == {"reason": "token_invalid"}
