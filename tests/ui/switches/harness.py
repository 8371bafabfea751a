"""The page of provider switches over the real services; the providers and the clock are played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from PySide6.QtWidgets import QWidget

from app.domain.mentorado import LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.settings import SMOKE_TEST, WEBHOOKS
from app.domain.smoke_test import SmokeTestSettings, SmokeTestTarget
from app.domain.switch import SwitchRun
from app.ui.action_runner import ActionRunner
from app.ui.async_slots import cancel_slots
from app.ui.switches.cards import CardView
from app.ui.switches.page import SwitchesPage
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import SegmentedControl
from tests.clock import ManualClock, settle
from tests.core.provider_switch.switching import ALL, TESTER, EverySecret, Switching
from tests.ui.controls import nameless, out_of_reach

WEB, ZAPI, META = ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI, ProviderKind.META_CLOUD


class SomeSecrets(EverySecret):
    """Credentials for every link but those in *lacking*."""

    def __init__(self) -> None:
        super().__init__()
        self.lacking: set[LinkId] = set()
        self.opened = asyncio.Event()  # clear it to make reading wait
        self.opened.set()

    async def get(self, name: str) -> str | None:
        await self.opened.wait()
        return None if any(link_id in name for link_id in self.lacking) else await super().get(name)


@dataclass
class SwitchesHarness:
    """A page that is on the screen. The services run as in the program."""

    core: Switching
    secrets: SomeSecrets
    page: SwitchesPage
    opened: list[MentoradoId] = field(default_factory=list)

    def plan(self, target: ProviderKind = ZAPI, people: Sequence[Mentorado] = (), cohort: str = "2026") -> None:
        """Fill the form in."""
        self.page.compose()
        form = self.page.form
        form.target.button(target).click()
        if people:
            form.whom.button("people").click()
            form.people.model.choose([each.id for each in people])
        else:
            form.whom.button("cohort").click()
            form.cohort._select(cohort)

    async def lacks(self, mentorado: Mentorado, target: ProviderKind = ZAPI) -> None:
        """Nobody entered credentials for the target."""
        link = await self.core.mentorados.prepare_link(mentorado.id, target)
        self.secrets.lacking.add(link.id)

    async def dry_run(self) -> None:
        """Press the button, and wait for the report."""
        before = self.page.report.made
        self.page.form.run.click()
        await self.later(lambda: self.page.report.made not in (None, before))

    async def approve(self) -> SwitchRun:
        """Approve what the report found, as the dialog does."""
        made = self.page.report.made
        assert made is not None
        run = await self.core.switches.approve(made, self.core.switches.confirmation(made))
        self.page.form.clear()
        self.page.show_run(run.id)
        return run

    async def later(self, condition: Callable[[], object], turns: int = 4000) -> None:
        """Let everything that can move move, until *condition* is true."""
        for _ in range(turns):
            if condition():
                return
            await settle(1)
        raise TimeoutError

    async def moved(self) -> None:
        """Until nothing moves by itself any more, and the page shows it."""
        await self.core.moved()
        self.page.refresh()


@asynccontextmanager
async def open_switches(theme: Theme) -> AsyncIterator[SwitchesHarness]:
    """The page over nobody yet."""
    secrets = SomeSecrets()
    core = Switching(clock=ManualClock(), secrets=secrets)
    opened: list[MentoradoId] = []
    services = core.services
    async with core.supervisor, core.procedures:
        await core.mentorados.load()
        for each in (services.procedures, services.outbound, services.smoke_tests, services.cases, services.switches):
            await each.load()
        settings = services.settings_service
        await settings.change(SMOKE_TEST, SmokeTestSettings(target=SmokeTestTarget.NUMBER, number=TESTER))
        await settings.change(WEBHOOKS, replace(settings.settings.webhooks, on=True))
        running = asyncio.get_running_loop().create_task(core.switches.run())
        runner = ActionRunner(
            theme=theme,
            bus=core.bus,
            clock=core.clock,
            actions=core.actions,
            mentorados=core.mentorados,
            supervisor=core.supervisor,
            incidents=core.incidents,
            hosted=core.provider_setup,
            procedures=core.procedures,
            switches=core.switches,
        )
        page = SwitchesPage(
            theme=theme,
            bus=core.bus,
            switches=core.switches,
            procedures=core.procedures,
            supervisor=core.supervisor,
            mentorados=core.mentorados,
            runner=runner,
            settings_service=services.settings_service,
            audit_service=core.audit_service,
            clock=core.clock,
            kinds=ALL,
            show_mentorado=opened.append,
        )
        page.resize(1220, 720)
        page.show()
        try:
            yield SwitchesHarness(core, secrets, page, opened)
        finally:
            await cancel_slots()
            running.cancel()
            await asyncio.wait({running})
            page.hide()
            page.deleteLater()


def shut_out(page: QWidget) -> list[QWidget]:
    """Controls without a name, and those that Tab does not reach; in a choice and among cards the arrows go on."""
    beyond = [
        each
        for each in out_of_reach(page)
        if not isinstance(each, CardView) and not isinstance(each.parent(), SegmentedControl)
    ]
    return nameless(page) + beyond
