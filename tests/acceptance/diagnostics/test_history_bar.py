"""The history bar, over the real database: what months of a link say, and that they are read quickly."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.domain.history_bar import bucket_edges, link_buckets
from app.domain.link_status import LinkState, LinkStatus, Reason, Trigger
from app.domain.repositories import Transition
from app.domain.uptime import Kind, StateChange, TimeRange, segments
from app.storage.database import Database
from app.storage.mentorados import SqlMentoradoRepository
from app.storage.transitions import SqlTransitionRepository
from tests.clock import DAWN
from tests.ui.window_harness import person

S, R = LinkState, Reason


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("span", "buckets"), list(zip(TimeRange, (24, 42, 30, 90), strict=True)))
async def test_each_span_shows_its_worst_and_lists_its_outages(fast_dir: Path, span: TimeRange, buckets: int) -> None:
    """History bar per link for 24 h / 7 d / 30 d / 90 d (worst state per bucket and its share, … list the outages)."""
    async with Database(fast_dir / "conecta.db") as database:
        who = person(1)
        await SqlMentoradoRepository(database).add(who)
        log = SqlTransitionRepository(database)
        fell, back = span.length / 2, span.length / 2 - timedelta(minutes=20)
        ages = ((S.OFF, R.NONE, timedelta(days=100)), (S.CONNECTED, R.NONE, timedelta(days=99)))
        falls = ((S.RECONNECTING, R.NETWORK_DOWN, fell), (S.CONNECTED, R.NONE, back))
        statuses = [LinkStatus(state=state, reason=reason, since=DAWN - ago) for state, reason, ago in (*ages, *falls)]
        for before, after in itertools.pairwise(statuses):
            move = Transition(link_id=who.link.id, at=after.since, trigger=Trigger.CONNECT, before=before, after=after)
            await log.append(move)
        read = await log.since(who.link.id, DAWN - span.length)
        moves = [StateChange(each.at, each.before, each.after) for each in read]
        edges = bucket_edges(span, DAWN)
        found = link_buckets(segments(moves, begin=edges[0], end=DAWN, live=statuses[-1]), edges)
        assert len(found) == buckets
        (bad,) = [bucket for bucket in found if bucket.worst is not Kind.CONNECTED]
        length = bad.end - bad.begin
        assert bad.worst is Kind.PROGRESS
        assert bad.share(Kind.PROGRESS) == pytest.approx(timedelta(minutes=20) / length)
        assert [(fall.length, fall.reason) for fall in bad.outages] == [(timedelta(minutes=20), R.NETWORK_DOWN)]
