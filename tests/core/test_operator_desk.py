from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest

from app.core.chores import Chores
from app.core.operator_desk import LONGEST_LOG, OperatorDesk
from app.core.provider_log import ProviderLog
from app.core.retention import Retention
from app.core.trusted_time import TrustedClock
from app.core.witness import Witness
from app.domain.audit import Actor
from app.domain.errors import Code, Problem
from app.domain.events import HistoryShrank, OperatorSettingsChanged
from app.domain.mentorado import MentoradoId
from app.domain.operator_settings import OperatorSettings
from app.domain.trusted_time import TimeMark
from tests.clock import DAWN, settle
from tests.core.conftest import Core, Run
from tests.played import PlayedProvider, PlayedProviderTime, PlayedTimeRecords, counted


class PlayedSettings:
    """What was decided, in memory."""

    def __init__(self, settings: OperatorSettings | None = None) -> None:
        self.settings = settings or OperatorSettings()
        self.saved_at: datetime | None = None
        self.problem: Problem | None = None

    async def load(self) -> OperatorSettings:
        return self.settings

    async def save(self, settings: OperatorSettings, at: datetime) -> None:
        if self.problem is not None:
            raise self.problem
        self.settings, self.saved_at = settings, at


class TalkativeProvider(PlayedProvider):
    """One that can log in detail."""

    def __init__(self) -> None:
        super().__init__()
        self.switched: list[bool] = []

    def set_detailed_log(self, on: bool) -> None:
        self.switched.append(on)


class Forgetful:
    """A history of which only the forgetting is played."""

    def __init__(self, count: int = 0) -> None:
        self.count = count
        self.asked: list[datetime] = []
        self.stored = 0
        self.left = False
        self.at_most: list[int | None] = []
        self.problem: Problem | None = None

    async def total(self) -> int:
        return self.stored

    async def traces_left(self) -> bool:
        return self.left

    async def overwrite(self) -> None:
        if self.problem is not None:
            raise self.problem
        self.left = False

    async def forget_before(
        self, mentorado_id: MentoradoId | None, moment: datetime, *, at_most: int | None = None
    ) -> int:
        assert mentorado_id is None
        self.at_most.append(at_most)
        self.asked.append(moment)
        if self.problem is not None:
            raise self.problem
        return counted(self.count)


class Desk:
    """The operator's desk over a core's bus, clock and audit."""

    def __init__(self, core: Core, settings: OperatorSettings | None = None) -> None:
        self.core, self.clock = core, core.clock
        self.store = PlayedSettings(settings)
        self.told: list[OperatorSettings] = []
        core.bus.subscribe(OperatorSettingsChanged, lambda event: self.told.append(event.settings))
        self.witness = Witness(
            audit=core.audit,
            scribe=core.scribe,
            clock=core.clock,
            actor=lambda: Actor(user="staff", operator=self.desk.settings.operator_name),
        )
        self.desk = OperatorDesk(bus=core.bus, store=self.store, witness=self.witness, clock=core.clock)

    def deeds(self) -> list[tuple[str, str, str, str]]:
        """Action, who, before and after of each audit entry."""
        deeds = [entry.deed for entry in self.core.audit.outcomes]
        return [(d.action, d.actor.operator, d.before.get("value", ""), d.after.get("value", "")) for d in deeds]

    @asynccontextmanager
    async def doing(self, chore: Callable[[], object]) -> AsyncIterator[None]:
        async with self.core.running(), Chores(chore):  # type: ignore[arg-type]
            await settle()
            yield


def retention(desk: Desk, history: Forgetful, clock: TrustedClock | None = None) -> Retention:
    trusted = TrustedClock(desk.clock, records=PlayedTimeRecords(), provider_time=PlayedProviderTime())
    return Retention(
        bus=desk.core.bus,
        desk=desk.desk,
        history=history,  # type: ignore[arg-type] # no more of it is asked
        witness=desk.witness,
        clock=clock or trusted,
    )


def provider_log(desk: Desk, *providers: PlayedProvider, from_start: timedelta | None = None) -> ProviderLog:
    return ProviderLog(bus=desk.core.bus, desk=desk.desk, providers=providers, clock=desk.clock, from_start=from_start)


def test_decisions_of_former_runs_are_taken_up_and_told(core: Core, run: Run) -> None:
    async def main() -> None:
        decided = OperatorSettings(operator_name="Rosa", retention_days=90)
        desk = Desk(core, decided)
        assert desk.desk.settings == OperatorSettings()
        await desk.desk.load()
        assert (desk.desk.settings, desk.told) == (decided, [decided])

    run(main())


def test_the_name_is_stored_and_signs_deeds_from_the_next_one_on(core: Core, run: Run) -> None:
    async def main() -> None:
        desk = Desk(core)
        async with core.running():
            await desk.desk.set_operator_name("  Rosa   Dias ")
            await desk.desk.set_operator_name("Rosa Dias")  # no change
            await desk.desk.set_operator_name("Rui")
            await desk.desk.set_operator_name("R" * 200)
        assert [name for *_, name in desk.deeds()] == ["Rosa Dias", "Rui", "R" * 80]
        assert desk.deeds()[:2] == [
            ("set_operator_name", "", "", "Rosa Dias"),
            ("set_operator_name", "Rosa Dias", "Rosa Dias", "Rui"),
        ]
        assert desk.store.settings.operator_name == "R" * 80
        assert desk.store.saved_at == DAWN

    run(main())


def test_what_the_disk_refuses_is_not_true(core: Core, run: Run) -> None:
    async def main() -> None:
        desk = Desk(core)
        desk.store.problem = Problem(Code.DATABASE_DISK_FULL)
        async with core.running():
            with pytest.raises(Problem):
                await desk.desk.set_retention(30)
        assert desk.desk.settings == OperatorSettings()
        assert (desk.told, desk.deeds()) == ([], [])

    run(main())


@pytest.mark.parametrize("days", [0, -1, 36_501])
def test_a_retention_that_makes_no_sense_is_refused(core: Core, run: Run, days: int) -> None:
    async def main() -> None:
        with pytest.raises(Problem) as caught:
            await Desk(core).desk.set_retention(days)
        assert caught.value.code is Code.RETENTION_INVALID

    run(main())


def test_old_messages_go_once_a_day_and_only_when_asked(core: Core, run: Run) -> None:
    async def main() -> None:
        desk, history = Desk(core), Forgetful(count=7)
        told: list[HistoryShrank] = []
        core.bus.subscribe(HistoryShrank, told.append)
        async with desk.doing(retention(desk, history).run):
            await desk.desk.load()
            await core.clock.advance(86_400 * 2)
            assert history.asked == []  # off until somebody decides
            await desk.desk.set_retention(30)
            await settle()
            assert history.asked == []  # a slip can be undone until tomorrow
            await core.clock.advance(86_400)
            assert history.asked == [DAWN + timedelta(days=3 - 30)]
            await core.clock.advance(86_400 * 2)
            assert len(history.asked) == 3
            history.count = 0
            await core.clock.advance(86_400)
            await desk.desk.set_retention(None)
            await core.clock.advance(86_400 * 3)
            assert len(history.asked) == 4
        assert [deed[0] for deed in desk.deeds()] == ["set_retention", *["forget_old"] * 3, "set_retention"]
        assert core.audit.outcomes[1].deed.after == {"days": "30", "messages": "7"}
        assert desk.deeds()[0][2:] == ("off", "30")
        assert told == [HistoryShrank(None)] * 3

    run(main())


def test_at_the_start_old_messages_go_at_once(core: Core, run: Run) -> None:
    async def main() -> None:
        desk, history = Desk(core, OperatorSettings(retention_days=30)), Forgetful()
        async with desk.doing(retention(desk, history).run):
            assert history.asked == []  # nothing is known yet of what was decided
            await desk.desk.load()
            await settle()
            assert history.asked == [DAWN - timedelta(days=30)]

    run(main())


def test_what_could_not_be_removed_is_tried_again_within_the_hour(
    core: Core, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        desk, history = Desk(core, OperatorSettings(retention_days=30)), Forgetful()
        history.problem = Problem(Code.DATABASE_LOCKED)
        await desk.desk.load()
        async with desk.doing(retention(desk, history).run):
            history.problem = None
            await core.clock.advance(3600)
            assert len(history.asked) == 2
            await core.clock.advance(3600 * 5)
            assert len(history.asked) == 2

    run(main())
    assert "database_locked" in caplog.text


def test_nothing_goes_while_the_date_is_in_doubt_and_all_goes_on_once_it_is_not(core: Core, run: Run) -> None:
    async def main() -> None:
        desk, history = Desk(core, OperatorSettings(retention_days=30)), Forgetful()
        last_run = PlayedTimeRecords(TimeMark(at=DAWN - timedelta(days=1100)))
        clock = TrustedClock(core.clock, records=last_run, provider_time=PlayedProviderTime())
        await clock.load()
        await desk.desk.load()
        async with desk.doing(retention(desk, history, clock).run):
            await core.clock.advance(86_400 * 2)
            assert history.asked == []
            await clock.confirm()
            await core.clock.advance(3600)
            assert len(history.asked) == 1

    run(main())


def test_an_erasure_that_found_no_room_is_completed_within_the_hour(
    core: Core, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        desk, history = Desk(core), Forgetful()
        history.left, history.problem = True, Problem(Code.DATABASE_DISK_FULL)
        await desk.desk.load()
        async with desk.doing(retention(desk, history).run):
            assert history.left
            history.problem = None
            await core.clock.advance(3600)
            assert not history.left

    run(main())
    assert "is tried again" in caplog.text


@pytest.mark.parametrize(("stored", "goes"), [(0, 1000), (3000, 1000), (50_000, 10_000)])
def test_only_a_share_of_all_goes_in_one_day(core: Core, run: Run, stored: int, goes: int) -> None:
    async def main() -> None:
        desk, history = Desk(core, OperatorSettings(retention_days=30)), Forgetful()
        history.stored = stored
        await desk.desk.load()
        await retention(desk, history).forget_old()
        assert history.at_most == [goes]

    run(main())


def test_a_detailed_log_that_a_wrong_clock_switched_on_for_years_is_off(core: Core, run: Run) -> None:
    async def main() -> None:
        desk = Desk(core, OperatorSettings(provider_log_until=DAWN + timedelta(days=1100)))
        await desk.desk.load()
        assert provider_log(desk, TalkativeProvider()).until is None

    run(main())


def test_the_detailed_log_ends_by_itself(core: Core, run: Run) -> None:
    async def main() -> None:
        desk, provider = Desk(core), TalkativeProvider()
        switch = provider_log(desk, provider, PlayedProvider())
        async with desk.doing(switch.run):
            assert provider.switched == [False]
            await switch.switch_on(timedelta(minutes=30))
            await settle()
            assert provider.switched == [False, True]
            ends = [switch.until]
            told = len(desk.told)
            await core.clock.advance(30 * 60 - 1)
            assert provider.switched == [False, True]
            await core.clock.advance(1)
            assert provider.switched == [False, True, False]
            ends.append(switch.until)
            assert ends == [DAWN + timedelta(minutes=30), None]
            assert len(desk.told) == told + 1
        assert desk.deeds() == [
            ("set_provider_log", "", "off", f"until {DAWN + timedelta(minutes=30):%Y-%m-%dT%H:%M:%S+00:00}")
        ]

    run(main())


def test_the_detailed_log_can_last_longer_and_be_ended_at_once(core: Core, run: Run) -> None:
    async def main() -> None:
        desk, provider = Desk(core), TalkativeProvider()
        switch = provider_log(desk, provider)
        async with desk.doing(switch.run):
            await switch.switch_on(timedelta(minutes=30))
            await core.clock.advance(20 * 60)
            await switch.switch_on(timedelta(minutes=30))
            await core.clock.advance(20 * 60)
            assert provider.switched == [False, True]
            await switch.switch_off()
            await settle()
            assert provider.switched == [False, True, False]
        assert [(before[:5], after[:5]) for *_, before, after in desk.deeds()] == [
            ("off", "until"),
            ("until", "until"),
            ("until", "off"),
        ]

    run(main())


def test_a_computer_that_slept_does_not_log_for_longer(core: Core, run: Run) -> None:
    async def main() -> None:
        desk, provider = Desk(core), TalkativeProvider()
        async with desk.doing((switch := provider_log(desk, provider)).run):
            await switch.switch_on(timedelta(hours=2))
            await settle()
            core.clock.time += timedelta(hours=3)  # asleep: no alarm rang
            await core.clock.advance(60)
            assert provider.switched == [False, True, False]

    run(main())


def test_what_was_set_before_the_start_ends_by_itself_or_by_hand(core: Core, run: Run) -> None:
    async def main() -> None:
        desk = Desk(core)
        for end in (True, False):
            provider = TalkativeProvider()
            switch = provider_log(desk, provider, from_start=timedelta(hours=1))
            async with Chores(switch.run):
                await settle()
                assert provider.switched == [True]
                if end:
                    await switch.switch_off()
                else:
                    await core.clock.advance(3600)
                await settle()
                assert provider.switched == [True, False]

    run(main())


@pytest.mark.parametrize("duration", [timedelta(), -timedelta(minutes=1), LONGEST_LOG + timedelta(seconds=1)])
def test_detail_never_becomes_the_normal_state_of_things(core: Core, run: Run, duration: timedelta) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match=r"day|0:00"):
            await Desk(core).desk.switch_provider_log_on(duration)

    run(main())


def test_a_chore_that_breaks_is_told_of_and_ends_alone(core: Core, run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def breaks() -> None:
        raise RuntimeError("a bug")

    async def main() -> None:
        desk, provider = Desk(core), TalkativeProvider()
        async with Chores(breaks, provider_log(desk, provider).run):
            await settle()
            assert provider.switched == [False]

    run(main())
    assert "breaks broke" in caplog.text
