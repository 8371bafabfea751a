"""The whole window over a core in which all three providers are played, and switches are real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from PySide6.QtGui import QPixmap

from app.domain.actions import ActionName
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.messages import AddressKind
from app.domain.outbound import OutboundLimits
from app.domain.phone import PhoneNumber
from app.domain.procedure import Procedure
from app.domain.provider import Connected, Provider
from app.domain.provider_descriptor import CredentialField, dumps, secret_key
from app.domain.sending import Accepted, OutgoingMessage, SendResult
from app.domain.settings import OUTBOUND_LIMITS
from app.domain.smoke_test import SmokeTestSettings, SmokeTestTarget
from app.domain.switch import PlannedSwitch, SwitchDryRun, SwitchItem, SwitchPlan
from app.ui.detail_pane.pane import DetailPane
from app.ui.dialogs.base import BaseDialog
from app.ui.procedures.panel import ProcedurePanel
from app.ui.provider_switch.form import SwitchForm
from app.ui.theme.theme import Theme
from tests.clock import ManualClock, settle
from tests.fake_providers import FakeConnection, FakeMeta, FakeProvider, FakeZapi, right
from tests.ui.window_harness import NOON, WindowHarness, person, status
from tests.waiting import until

WHO = 0
"""At WhatsApp Web, connected."""


Planned = Callable[[SwitchPlan, MentoradoId], PlannedSwitch]


class _Sends:
    """Takes every message."""

    reaches: Sequence[AddressKind] = (AddressKind.PHONE,)
    echoes_sent = True
    window: timedelta | None = None

    async def send(self, mentorado: Mentorado, message: OutgoingMessage) -> SendResult:
        return Accepted(provider_id=f"sent to {mentorado.link.id}")


class SendingWeb(_Sends, FakeProvider):
    """WhatsApp Web, played."""


class SendingZapi(_Sends, FakeZapi):
    """Z-API, played."""


class SendingMeta(_Sends, FakeMeta):
    """Meta Cloud, played."""


class SwitchHarness:
    """The window, one mentorado chosen in it, and what a switch of theirs needs from the other side."""

    def __init__(self, harness: WindowHarness, web: SendingWeb, zapi: SendingZapi, meta: SendingMeta) -> None:
        self.window_harness, self.window, self.core = harness, harness.window, harness.core
        self.web, self.zapi, self.meta = web, zapi, meta
        self.planned: Planned | None = None  # what dry runs find from now on; None is what is really found
        planner = harness.core.services.switches._planner
        self._dry_run = planner.dry_run
        planner.dry_run = self._found  # type: ignore[method-assign,assignment]
        self.mentorados, self.supervisor, self.switches = harness.mentorados, harness.supervisor, harness.core.switches

    async def _found(self, plan: SwitchPlan, *progress: Callable[[int, int], None]) -> SwitchDryRun:
        made = await self._dry_run(plan, *progress)
        if self.planned is None:
            return made
        return replace(made, people=[self.planned(plan, each.mentorado_id) for each in made.people])

    @property
    def clock(self) -> ManualClock:
        clock = self.window_harness.clock
        assert isinstance(clock, ManualClock)
        return clock

    @property
    def who(self) -> Mentorado:
        return self.mentorados.get(person(WHO).id)

    @property
    def pane(self) -> DetailPane:
        pane = self.window._pane
        assert pane is not None
        return pane

    @property
    def sheet(self) -> ProcedurePanel:
        return self.pane._sides.panels[self.who.id]

    @property
    def form(self) -> SwitchForm:
        form = self.sheet.form
        assert isinstance(form, SwitchForm)
        return form

    @property
    def procedure(self) -> Procedure:
        procedure = self.core.procedures.active(self.who.id)
        assert procedure is not None
        return procedure

    @property
    def item(self) -> SwitchItem:
        item = self.switches.item_of(self.who.id)
        assert item is not None
        return item

    def perform(self, name: ActionName) -> None:
        """As the menu does."""
        self.window.controller.perform(name, self.who.id)

    async def prepare(self, kind: ProviderKind, **typed: str) -> LinkId:
        """Let the credentials of a provider beside the one in use be kept already."""
        link = await self.mentorados.prepare_link(self.who.id, kind)
        kept = {CredentialField(name): value for name, value in typed.items()}
        self.core.secrets.kept[secret_key(link.id)] = dumps(kept)
        return link.id

    async def open_form(self) -> SwitchForm:
        self.perform(ActionName.SWITCH_PROVIDER)
        await until(lambda: self.who.id in self.pane._sides.panels)
        await settle()
        return self.form

    async def checked(self, target: ProviderKind) -> SwitchForm:
        """The form with the dry run of a switch to *target*."""
        form = await self.open_form()
        form.targets[target].click()
        await until(form.report.isVisible)
        return form

    async def dialog(self) -> BaseDialog:
        await until(lambda: self.dialogs)
        await settle()
        return self.dialogs[0]

    @property
    def dialogs(self) -> list[BaseDialog]:
        return [each for each in self.window.findChildren(BaseDialog) if each.isVisible()]

    async def approve(self, target: ProviderKind) -> None:
        """Approve a switch without the sheet, as somebody else's program would."""
        made = await self.switches.dry_run(SwitchPlan(target=target, mentorados=(self.who.id,)))
        await self.switches.approve(made, self.who.name)

    async def line_of(self, provider: FakeProvider | FakeZapi | FakeMeta, known: int = 0) -> FakeConnection:
        """The line that is opened there, after *known* ones."""
        await until(lambda: len(provider.lines) > known)
        return provider.lines[-1]

    async def pass_time(self, done: Callable[[], object], within: float = 10) -> None:
        """Let the clock run until *done*."""
        async with asyncio.timeout(within):
            while not done():
                await self.clock.advance(1)
                await asyncio.sleep(0.002)

    async def switched_to_zapi(self) -> None:
        """Bring who is on show over, with the test and all."""
        await self.approve(ProviderKind.ZAPI)
        line = await self.line_of(self.zapi)
        line.say(Connected(self.who.phone))
        await self.pass_time(lambda: self.who.link.provider is ProviderKind.ZAPI)
        await self.pass_time(lambda: self.item.switched_at)
        await settle()

    def put(self, link_id: LinkId, state: LinkState, reason: Reason = Reason.NONE) -> None:
        """Let this be true of a link, in use or beside."""
        link = self.mentorados.through(link_id).link
        self.supervisor._board.restore(link, LinkStatus(state=state, reason=reason, since=self.clock.now()))

    def picture(self) -> QPixmap:
        """The window, with the dialog over it if there is one."""
        picture = self.window.grab()
        for modal in self.dialogs:
            at = modal.mapToGlobal(modal.rect().topLeft()) - self.window.mapToGlobal(self.window.rect().topLeft())
            modal.render(picture, at)
        return picture


def _paired(number: int) -> Mentorado:
    each = person(number)
    return replace(each, link=replace(each.link, account=each.phone, provider=ProviderKind.WHATSAPP_WEB))


@asynccontextmanager
async def open_switches(theme: Theme, folder: Path) -> AsyncIterator[SwitchHarness]:
    web, zapi, meta = SendingWeb(), SendingZapi(), SendingMeta()
    people = [_paired(number) for number in range(12)]
    web.paired.update(each.link.id for each in people)
    hosted: dict[ProviderKind, Provider] = {ProviderKind.ZAPI: zapi, ProviderKind.META_CLOUD: meta}
    harness = WindowHarness(folder, people, theme, ManualClock(NOON), provider=web, hosted=hosted)
    core, switches = harness.core, harness.core.switches
    harness.runner.procedures = core.procedures
    core.smoke_test_record.answered = True
    await harness.load(*(status(number) for number in range(12)))
    settings = core.services.settings_service
    limits = OutboundLimits(partly_confirmed_counts=True)
    await settings.change(OUTBOUND_LIMITS, limits, reason="a test of this window")
    number = PhoneNumber("+5511987650002")
    await core.smoke_tests.choose(SmokeTestSettings(target=SmokeTestTarget.NUMBER, number=number))
    harness.window.resize(1280, 720)
    await harness.show()
    async with core.running():
        await switches.load()
        following = asyncio.get_running_loop().create_task(switches.run())
        harness.window.choose(person(WHO).id)
        await settle()
        opened = SwitchHarness(harness, web, zapi, meta)
        zapi.report = right(str(person(WHO).phone))
        await opened.prepare(ProviderKind.ZAPI, instance_id="3C01", instance_token="a", client_token="b")
        try:
            yield opened
        finally:
            following.cancel()
            await harness.close()
            await asyncio.gather(following, return_exceptions=True)
