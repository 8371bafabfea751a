from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from app.core.audit_service import AuditService
from app.core.background import BackgroundTasks
from app.core.privacy_service import RetentionJob
from app.core.settings_service import DebugLogController, SettingsService
from app.core.trusted_time import TrustedClock
from app.domain.audit import Actor, AuditOutcome
from app.domain.errors import Problem, ProblemCode
from app.domain.events import MessagesErased, OperatorSettingsChanged
from app.domain.mentorado import MentoradoId
from app.domain.outbound import OutboundLimits
from app.domain.settings import LONGEST_LOG, OPERATOR_NAME, OUTBOUND_LIMITS, RETENTION, OperatorSettings, moment
from app.domain.trusted_time import TimeMark
from tests.clock import DAWN, settle
from tests.core.conftest import Run
from tests.fake_audit import counted
from tests.fake_providers import FakeProvider
from tests.fakes import FakeProviderTime, FakeTimeRecords
from tests.services import Core


class FakeSettings:
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


class TalkativeProvider(FakeProvider):
    """One that can log in detail."""

    def __init__(self) -> None:
        super().__init__()
        self.switched: list[bool] = []

    def set_detailed_log(self, on: bool) -> None:
        self.switched.append(on)


class FakeRetention:
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

    async def delete_before(
        self, mentorado_id: MentoradoId | None, moment: datetime, *, at_most: int | None = None
    ) -> int:
        assert mentorado_id is None
        self.at_most.append(at_most)
        self.asked.append(moment)
        if self.problem is not None:
            raise self.problem
        return counted(self.count)


class Harness:
    """The operator's desk over a core's bus, clock and audit."""

    def __init__(self, core: Core, settings: OperatorSettings | None = None) -> None:
        self.core, self.clock = core, core.clock
        self.store = FakeSettings(settings)
        self.changes: list[OperatorSettings] = []
        core.bus.subscribe(OperatorSettingsChanged, lambda event: self.changes.append(event.settings))
        self.audit_service = AuditService(
            bus=core.bus,
            audit=core.audit,
            write_queue=core.write_queue,
            clock=core.clock,
            actor=lambda: Actor(user="staff", operator=self.service.settings.operator_name),
        )
        self.service = SettingsService(
            bus=core.bus, store=self.store, audit_service=self.audit_service, clock=core.clock
        )

    def audited_actions(self) -> list[tuple[str, str, str, str]]:
        """Action, who, before and after of each audit entry."""
        audited_actions = [entry.record for entry in self.core.audit.outcomes]
        return [
            (d.action, d.actor.operator, d.before.get("value", ""), d.after.get("value", "")) for d in audited_actions
        ]

    @asynccontextmanager
    async def doing(self, background_task: Callable[[], object]) -> AsyncIterator[None]:
        async with self.core.running(), BackgroundTasks(background_task):  # type: ignore[arg-type]
            await settle()
            yield


def retention(harness: Harness, history: FakeRetention, clock: TrustedClock | None = None) -> RetentionJob:
    trusted = TrustedClock(harness.clock, records=FakeTimeRecords(), provider_time=FakeProviderTime())
    return RetentionJob(
        bus=harness.core.bus,
        settings_service=harness.service,
        history=history,  # type: ignore[arg-type] # no more of it is asked
        audit_service=harness.audit_service,
        clock=clock or trusted,
    )


def provider_log(harness: Harness, *providers: FakeProvider, from_start: timedelta | None = None) -> DebugLogController:
    return DebugLogController(
        bus=harness.core.bus,
        settings_service=harness.service,
        providers=providers,
        clock=harness.clock,
        from_start=from_start,
    )


async def test_decisions_of_former_runs_are_taken_up_and_told(core: Core) -> None:
    decided = OperatorSettings(operator_name="Rosa", retention_days=90)
    harness = Harness(core, decided)
    assert harness.service.settings == OperatorSettings()
    await harness.service.load()
    assert (harness.service.settings, harness.changes) == (decided, [decided])


async def test_the_name_is_stored_and_signs_acts_from_the_next_one_on(core: Core) -> None:
    harness = Harness(core)
    async with core.running():
        await harness.service.change(OPERATOR_NAME, "  Rosa   Dias ")
        await harness.service.change(OPERATOR_NAME, "Rosa Dias")  # no change
        await harness.service.change(OPERATOR_NAME, "Rui")
        await harness.service.change(OPERATOR_NAME, "R" * 200)
    assert [name for *_, name in harness.audited_actions()] == ["Rosa Dias", "Rui", "R" * 80]
    assert harness.audited_actions()[:2] == [
        ("set_operator_name", "", "", "Rosa Dias"),
        ("set_operator_name", "Rosa Dias", "Rosa Dias", "Rui"),
    ]
    assert harness.store.settings.operator_name == "R" * 80
    assert harness.store.saved_at == DAWN


async def test_what_the_disk_refuses_is_not_true(core: Core) -> None:
    harness = Harness(core)
    harness.store.problem = Problem(ProblemCode.DATABASE_DISK_FULL)
    async with core.running():
        with pytest.raises(Problem):
            await harness.service.change(RETENTION, 30)
    assert harness.service.settings == OperatorSettings()
    assert (harness.changes, harness.audited_actions()) == ([], [])


@pytest.mark.parametrize("days", [0, -1, 36_501])
async def test_a_retention_that_makes_no_sense_is_refused(core: Core, days: int) -> None:
    with pytest.raises(Problem) as caught:
        await Harness(core).service.change(RETENTION, days)
    assert caught.value.code is ProblemCode.RETENTION_INVALID


async def test_old_messages_go_once_a_day_and_only_when_asked(core: Core) -> None:
    harness, history = Harness(core), FakeRetention(count=7)
    eraseds: list[MessagesErased] = []
    core.bus.subscribe(MessagesErased, eraseds.append)
    async with harness.doing(retention(harness, history).run):
        await harness.service.load()
        await core.clock.advance(86_400 * 2)
        assert history.asked == []  # off until somebody decides
        await harness.service.change(RETENTION, 30)
        await settle()
        assert history.asked == []  # a slip can be undone until tomorrow
        await core.clock.advance(86_400)
        assert history.asked == [DAWN + timedelta(days=3 - 30)]
        await core.clock.advance(86_400 * 2)
        assert len(history.asked) == 3
        history.count = 0
        await core.clock.advance(86_400)
        await harness.service.change(RETENTION, None)
        await core.clock.advance(86_400 * 3)
        assert len(history.asked) == 4
    assert [record[0] for record in harness.audited_actions()] == [
        "set_retention",
        *["forget_old"] * 3,
        "set_retention",
    ]
    assert core.audit.outcomes[1].record.after == {"days": "30", "messages": "7"}
    assert harness.audited_actions()[0][2:] == ("off", "30")
    assert eraseds == [MessagesErased(None)] * 3


async def test_at_the_start_old_messages_go_at_once(core: Core) -> None:
    harness, history = Harness(core, OperatorSettings(retention_days=30)), FakeRetention()
    async with harness.doing(retention(harness, history).run):
        assert history.asked == []  # nothing is known yet of what was decided
        await harness.service.load()
        await settle()
        assert history.asked == [DAWN - timedelta(days=30)]


def test_what_could_not_be_removed_is_tried_again_within_the_hour(
    core: Core, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        harness, history = Harness(core, OperatorSettings(retention_days=30)), FakeRetention()
        history.problem = Problem(ProblemCode.DATABASE_LOCKED)
        await harness.service.load()
        async with harness.doing(retention(harness, history).run):
            history.problem = None
            await core.clock.advance(3600)
            assert len(history.asked) == 2
            await core.clock.advance(3600 * 5)
            assert len(history.asked) == 2

    run(main())
    assert "database_locked" in caplog.text


async def test_nothing_goes_while_the_date_is_in_doubt_and_all_goes_on_once_it_is_not(core: Core) -> None:
    harness, history = Harness(core, OperatorSettings(retention_days=30)), FakeRetention()
    last_run = FakeTimeRecords(TimeMark(at=DAWN - timedelta(days=1100)))
    clock = TrustedClock(core.clock, records=last_run, provider_time=FakeProviderTime())
    await clock.load()
    await harness.service.load()
    async with harness.doing(retention(harness, history, clock).run):
        await core.clock.advance(86_400 * 2)
        assert history.asked == []
        await clock.confirm()
        await core.clock.advance(3600)
        assert len(history.asked) == 1


def test_an_erasure_that_found_no_room_is_completed_within_the_hour(
    core: Core, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        harness, history = Harness(core), FakeRetention()
        history.left, history.problem = True, Problem(ProblemCode.DATABASE_DISK_FULL)
        await harness.service.load()
        async with harness.doing(retention(harness, history).run):
            assert history.left
            history.problem = None
            await core.clock.advance(3600)
            assert not history.left

    run(main())
    assert "is retried" in caplog.text


@pytest.mark.parametrize(("stored", "goes"), [(0, 1000), (3000, 1000), (50_000, 10_000)])
async def test_only_a_share_of_all_goes_in_one_day(core: Core, stored: int, goes: int) -> None:
    harness, history = Harness(core, OperatorSettings(retention_days=30)), FakeRetention()
    history.stored = stored
    await harness.service.load()
    await retention(harness, history).forget_old()
    assert history.at_most == [goes]


async def test_a_detailed_log_that_a_wrong_clock_switched_on_for_years_is_off(core: Core) -> None:
    harness = Harness(core, OperatorSettings(provider_log_until=DAWN + timedelta(days=1100)))
    await harness.service.load()
    assert provider_log(harness, TalkativeProvider()).until is None


async def test_the_detailed_log_ends_by_itself(core: Core) -> None:
    harness, provider = Harness(core), TalkativeProvider()
    switch = provider_log(harness, provider, FakeProvider())
    async with harness.doing(switch.run):
        assert provider.switched == [False]
        await switch.switch_on(timedelta(minutes=30))
        await settle()
        assert provider.switched == [False, True]
        ends = [switch.until]
        count = len(harness.changes)
        await core.clock.advance(30 * 60 - 1)
        assert provider.switched == [False, True]
        await core.clock.advance(1)
        assert provider.switched == [False, True, False]
        ends.append(switch.until)
        assert ends == [DAWN + timedelta(minutes=30), None]
        assert len(harness.changes) == count + 1
    assert harness.audited_actions() == [
        ("set_provider_log", "", "off", f"until {DAWN + timedelta(minutes=30):%Y-%m-%dT%H:%M:%S+00:00}")
    ]


async def test_the_detailed_log_can_last_longer_and_be_ended_at_once(core: Core) -> None:
    harness, provider = Harness(core), TalkativeProvider()
    switch = provider_log(harness, provider)
    async with harness.doing(switch.run):
        await switch.switch_on(timedelta(minutes=30))
        await core.clock.advance(20 * 60)
        await switch.switch_on(timedelta(minutes=30))
        await core.clock.advance(20 * 60)
        assert provider.switched == [False, True]
        await switch.switch_off()
        await settle()
        assert provider.switched == [False, True, False]
    assert [(before[:5], after[:5]) for *_, before, after in harness.audited_actions()] == [
        ("off", "until"),
        ("until", "until"),
        ("until", "off"),
    ]


async def test_a_computer_that_slept_does_not_log_for_longer(core: Core) -> None:
    harness, provider = Harness(core), TalkativeProvider()
    async with harness.doing((switch := provider_log(harness, provider)).run):
        await switch.switch_on(timedelta(hours=2))
        await settle()
        core.clock.time += timedelta(hours=3)  # asleep: no alarm rang
        await core.clock.advance(60)
        assert provider.switched == [False, True, False]


async def test_what_was_set_before_the_start_ends_by_itself_or_by_hand(core: Core) -> None:
    harness = Harness(core)
    for end in (True, False):
        provider = TalkativeProvider()
        switch = provider_log(harness, provider, from_start=timedelta(hours=1))
        async with BackgroundTasks(switch.run):
            await settle()
            assert provider.switched == [True]
            if end:
                await switch.switch_off()
            else:
                await core.clock.advance(3600)
            await settle()
            assert provider.switched == [True, False]


@pytest.mark.parametrize("duration", [timedelta(), -timedelta(minutes=1), LONGEST_LOG + timedelta(seconds=1)])
async def test_detail_never_becomes_the_normal_state_of_things(core: Core, duration: timedelta) -> None:
    with pytest.raises(ValueError, match=r"day|0:00"):
        await provider_log(Harness(core)).switch_on(duration)


def test_a_task_that_breaks_is_told_of_and_ends_alone(core: Core, run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def breaks() -> None:
        raise RuntimeError("a bug")

    async def main() -> None:
        harness, provider = Harness(core), TalkativeProvider()
        async with BackgroundTasks(breaks, provider_log(harness, provider).run):
            await settle()
            assert provider.switched == [False]

    run(main())
    assert "breaks failed" in caplog.text


async def test_a_change_that_is_given_up_is_written_down_and_changes_nothing(core: Core) -> None:
    harness = Harness(core)
    async with core.running():
        harness.service.decline(RETENTION, 30)
    assert harness.service.settings == OperatorSettings()
    (entry,) = core.audit.outcomes
    assert (entry.record.action, entry.record.outcome) == (RETENTION.action, AuditOutcome.DECLINED)
    assert entry.record.after["value"] == "30"


async def test_a_limit_is_loosened_with_a_reason_only(core: Core) -> None:
    harness = Harness(core)
    wider = replace(OutboundLimits(), per_day=500)
    async with core.running():
        with pytest.raises(Problem) as caught:
            await harness.service.change(OUTBOUND_LIMITS, wider, reason="so")
        assert caught.value.code is ProblemCode.REASON_MISSING
        assert core.audit.outcomes == []
        await harness.service.change(OUTBOUND_LIMITS, wider, reason="um evento em maio")
    assert harness.service.settings.outbound_limits == wider


async def test_a_time_is_stored_with_its_zone_and_one_without_is_not_read(core: Core) -> None:
    assert moment("2026-05-01T10:00:00-03:00") == moment("2026-05-01T13:00:00+00:00")
    assert moment("2026-05-01T10:00:00") is None
    assert moment("soon") is None
