"""The pane with everything behind it that is real; only the far ends and the clock are played."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from app.domain.link_status import (
    Evidence,
    LinkState,
    LinkStatus,
    QrCode,
    Reason,
)
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId
from app.domain.messages import LastMessages
from app.domain.phone import PhoneNumber
from app.ui.action_runner import ActionRunner
from app.ui.async_slots import cancel_slots
from app.ui.detail_pane.history_loader import HistorySources
from app.ui.detail_pane.pane import DetailPane
from app.ui.theme.theme import Theme
from tests.clock import DAWN, ManualClock
from tests.fakes import FakeMentoradoRepository, FakeSetAside
from tests.services import Core
from tests.ui.detail_pane.codes import LINK

THIAGO, LUIZA = MentoradoId("a" * 32), MentoradoId("b" * 32)
OTHER_NUMBER = PhoneNumber("+5511912344321")


def mentorado(mentorado_id: MentoradoId, name: str, phone: str, cohort: str = "", *, paired: bool = True) -> Mentorado:
    number = PhoneNumber(phone)
    created = DAWN - timedelta(days=90)
    return Mentorado(
        id=mentorado_id,
        name=name,
        phone=number,
        cohort=cohort,
        created_at=created,
        link=Link(id=LinkId(mentorado_id[::-1]), mentorado_id=mentorado_id, account=number if paired else None),
    )


def people() -> tuple[Mentorado, ...]:
    return (
        mentorado(THIAGO, "Thiago Torquato", "+5598983015662", "Turma 12 · Tráfego"),
        mentorado(LUIZA, "Luíza Prates", "+5594991792186", "Turma 9"),
    )


@dataclass
class PaneHarness:
    """The core and the pane over it, to play with."""

    core: Core
    pane: DetailPane
    set_aside: FakeSetAside

    def __post_init__(self) -> None:
        self.clock, self.bus, self.provider = self.core.clock, self.core.bus, self.core.provider
        self.mentorado_repository, self.log = self.core.mentorado_repository, self.core.log
        self.mentorados, self.supervisor, self.actions = self.core.mentorados, self.core.supervisor, self.core.actions

    def status(self, mentorado_id: MentoradoId = THIAGO) -> LinkStatus:
        return self.supervisor.status(self.mentorados.get(mentorado_id).link.id)

    def put(
        self,
        state: LinkState,
        reason: Reason = Reason.NONE,
        *,
        mentorado_id: MentoradoId = THIAGO,
        ago: float = 0,
        **shown: Any,
    ) -> None:
        """Make this the truth, without going through the life that leads there."""
        since = self.clock.now() - timedelta(seconds=ago)
        status = LinkStatus(state=state, reason=reason, since=since, **shown)
        self.supervisor._board.restore(self.mentorados.get(mentorado_id).link, status)

    def code(
        self, number: int = 1, *, total: int = 6, lifetime: float = 20, text: str = LINK, age: float = 0
    ) -> QrCode:
        issued = self.clock.now() - timedelta(seconds=age)
        return QrCode(
            text=text, number=number, total=total, issued_at=issued, expires_at=issued + timedelta(seconds=lifetime)
        )

    def show_code(self, code: QrCode) -> None:
        self.put(LinkState.QR_READY, qr=code)

    def ago(self, **delta: float) -> Any:
        return self.clock.now() - timedelta(**delta)

    def evidence(self, **ago: float) -> Evidence:
        """Each sign so many seconds ago."""
        return Evidence(**{name: self.ago(seconds=seconds) for name, seconds in ago.items()})


@asynccontextmanager
async def pane_harness(
    theme: Theme, *mentorados: Mentorado, time: datetime = DAWN, last: LastMessages | None = None
) -> AsyncIterator[PaneHarness]:
    everybody = mentorados or people()
    core = Core(ManualClock(time), mentorado_repository=FakeMentoradoRepository(*everybody))
    core.provider.paired.update(each.link.id for each in everybody if each.link.account)
    await core.mentorados.load()
    runner = ActionRunner(
        theme=theme,
        bus=core.bus,
        clock=core.clock,
        actions=core.actions,
        mentorados=core.mentorados,
        supervisor=core.supervisor,
        incidents=core.incidents,
        procedures=core.procedures,
        hosted=core.provider_setup,
        smoke_tests=core.smoke_tests,
        outbound=core.outbound,
        switches=core.switches,
        notes=core.notes,
        handlings=core.handlings,
    )
    async with core.running():
        aside = FakeSetAside()

        async def last_messages(_mentorado_id: MentoradoId) -> LastMessages:
            return last or LastMessages()

        pane = DetailPane(
            theme=theme,
            bus=core.bus,
            mentorados=core.mentorados,
            supervisor=core.supervisor,
            actions=core.actions,
            runner=runner,
            history=core.log,
            clock=core.clock,
            set_aside=aside,
            sources=HistorySources(last_messages, core.audit),
        )
        try:
            yield PaneHarness(core, pane, aside)
        finally:
            await cancel_slots()  # as the program does before its windows go
            pane.hide()
            pane.deleteLater()


def renamed(each: Mentorado, name: str) -> Mentorado:
    return replace(each, name=name)


def unpaired(each: Mentorado) -> Mentorado:
    return replace(each, link=replace(each.link, account=None))
