"""The notice that the date of this computer is not believed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.core.audit_service import AuditService
from app.core.background import BackgroundTasks
from app.core.event_bus import EventBus
from app.core.trusted_time import ClockCheck, TrustedClock
from app.core.write_queue import WriteQueue
from app.domain.errors import Problem, ProblemCode
from app.domain.events import ClockDoubted
from app.domain.trusted_time import TimeMark
from app.text.status import texts
from app.ui.banners import Banners
from app.ui.notices import ClockNotice
from app.ui.theme.theme import Mode, Theme
from tests.clock import DAWN, ManualClock, settle
from tests.conftest import OnQt
from tests.fake_audit import FakeAuditLog, somebody
from tests.fakes import FakeProviderTime, FakeTimeRecords

YEARS = timedelta(days=1100)


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    texts.set_language("en")
    yield
    texts.set_language("pt-BR")


class NoticeHarness:
    """A computer that is years ahead of the last run, and what is shown of that."""

    def __init__(self, qtbot: QtBot) -> None:
        self.bus, self.computer, self.audit = EventBus(), ManualClock(), FakeAuditLog()
        self.records, self.provider = FakeTimeRecords(TimeMark(at=DAWN - YEARS)), FakeProviderTime()
        self.clock = TrustedClock(self.computer, records=self.records, provider_time=self.provider)
        self.write_queue = WriteQueue(bus=self.bus, clock=self.computer)
        audit_service = AuditService(
            bus=self.bus, audit=self.audit, write_queue=self.write_queue, clock=self.clock, actor=somebody
        )
        self.check = ClockCheck(bus=self.bus, clock=self.clock, audit_service=audit_service)
        self.banners = Banners(Theme(Mode.LIGHT))
        qtbot.addWidget(self.banners)
        self.notice = ClockNotice(self.banners, self.check)
        self.bus.subscribe(ClockDoubted, self.notice.on_doubted)

    def shown(self) -> list[str]:
        return [label.text() for label in self.banners.findChildren(QLabel) if label.text() and not label.isHidden()]

    def button(self, words: str) -> QPushButton | None:
        return next((each for each in self.banners.findChildren(QPushButton) if each.text() == words), None)


def test_the_doubt_is_told_with_both_dates_and_a_person_can_end_it(
    qtbot: QtBot, on_qt: OnQt, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        harness = NoticeHarness(qtbot)
        await harness.clock.load()
        async with BackgroundTasks(harness.write_queue.run):
            await harness.check.check()
            (words,) = harness.shown()
            assert "2022" in words
            assert "2026" in words
            assert "nothing old is removed" in words
            harness.records.problem = Problem(ProblemCode.DATABASE_LOCKED)
            confirm = harness.button("The date is right")
            assert confirm is not None
            confirm.click()
            await settle()
            assert len(harness.shown()) == 2  # what went wrong stands beside it
            harness.records.problem = None
            confirm.click()
            await settle()
            assert words not in harness.shown()
            await harness.write_queue.flush()
        assert harness.audit.outcomes[-1].record.action == "confirm_date"

    on_qt(main)
    assert "is used instead" in caplog.text
    assert "failed" not in caplog.text


def test_what_a_provider_denies_cannot_be_confirmed_and_goes_once_it_is_corrected(
    qtbot: QtBot, on_qt: OnQt, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        harness = NoticeHarness(qtbot)
        harness.provider.says = DAWN - YEARS
        await harness.clock.load()
        await harness.check.check()
        assert "the providers' servers say" in harness.shown()[0]
        assert harness.button("The date is right") is None
        harness.computer.time = DAWN - YEARS
        look = harness.button("Check again")
        assert look is not None
        look.click()
        await settle()
        assert harness.shown() == []

    on_qt(main)
    assert "is used instead" in caplog.text
