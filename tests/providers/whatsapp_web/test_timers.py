"""What only time brings about. The waiting is done while the other tests run (`timers` in conftest)."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from app.domain.errors import ProblemCode
from app.domain.link_status import Reason
from app.domain.provider import Blocked, Connected, Lost, QrIssued
from tests.providers.conftest import Timed

pytestmark = pytest.mark.slow


@pytest.fixture
def timed(timers: Future[Timed]) -> Timed:
    return timers.result(120)


def test_unanswered_pings_are_a_fall_and_answered_ones_its_end(timed: Timed) -> None:
    fallen, back = timed.pings
    assert isinstance(fallen, Lost)
    assert fallen.reason is Reason.KEEPALIVE_TIMEOUT
    assert isinstance(back, Connected)


def test_codes_run_out(timed: Timed) -> None:
    issued, end = timed.codes
    assert isinstance(issued, QrIssued)
    assert isinstance(end, Blocked)
    assert end.reason is Reason.QR_EXPIRED


def test_a_send_nobody_answers_ends_by_the_library_s_own_timer(timed: Timed) -> None:
    assert timed.send is not None
    assert timed.send.code is ProblemCode.REQUEST_REFUSED
    assert 70 < timed.send_took < 80
