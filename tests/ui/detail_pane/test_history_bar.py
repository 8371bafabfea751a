"""The history of a link over months: a bar of days, how bad each was, and which outages fell in it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QSignalSpy, QTest

from app.domain.history_bar import Bucket
from app.domain.link_status import LinkState, Reason
from app.domain.uptime import Kind, Outage, TimeRange
from app.text.status import texts
from app.text.translator import LANGUAGES
from app.text.uptime import LISTED, bucket_words, percent
from app.ui.detail_pane.uptime_chart import UptimeChart
from app.ui.theme.theme import Theme
from app.ui.widgets.history_bar import HistoryBar
from app.ui.widgets.walked_picture import time_marks
from tests.clock import DAWN, settle
from tests.ui.controls import read_aloud
from tests.ui.detail_pane.harness import LUIZA, PaneHarness, pane_harness
from tests.ui.detail_pane.test_timeline_picture import caption, live, open_pane

pytestmark = pytest.mark.usefixtures("on_qt")

S, R = LinkState, Reason
DAYS = 24
SIXTY_DAYS = (
    (S.CONNECTED, R.NONE, 60 * DAYS),
    (S.BLOCKED, R.LOGGED_OUT, 50 * DAYS),
    (S.CONNECTED, R.NONE, 50 * DAYS - 12),
    (S.RECONNECTING, R.NETWORK_DOWN, 10 * DAYS - 6),
    (S.CONNECTED, R.NONE, 10 * DAYS - 6.5),
)
"""A logout 50 days ago, and half an hour without internet ten days ago."""


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


async def open_long(harness: PaneHarness, span: TimeRange) -> UptimeChart:
    picture = await open_pane(harness)
    QTest.keyClick(picture.choice.button(span), Qt.Key.Key_Space)
    await settle()
    return picture


def days_shown(picture: UptimeChart) -> int:
    return len(picture.bar.buckets)


async def test_ninety_days_are_read_when_they_are_looked_at(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        live(harness, *SIXTY_DAYS)
        picture = await open_pane(harness)
        assert not picture.bar.isVisible()
        chosen = QSignalSpy(harness.pane.span_selected)
        QTest.keyClick(picture.choice.button(TimeRange.QUARTER), Qt.Key.Key_Space)
        assert days_shown(picture) == 0  # not known yet, and nothing is claimed
        await settle()
        assert chosen.at(0) == [TimeRange.QUARTER]
        assert not picture.band.isVisible()
        assert days_shown(picture) == 90
        assert caption(picture) == "Conectado 66 % do tempo, 2 quedas, a mais longa 12 h."
        worst = [bucket.worst for bucket in picture.bar.buckets]
        assert (worst.count(Kind.BLOCKED), worst.count(Kind.PROGRESS)) == (1, 1)


async def test_each_day_says_its_worst_its_share_and_its_outages(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        live(harness, *SIXTY_DAYS)
        picture = await open_long(harness, TimeRange.MONTH)
        harness.pane.activateWindow()
        picture.bar.setFocus(Qt.FocusReason.TabFocusReason)
        assert caption(picture) == "31/12: Conectado o tempo todo."
        for _ in range(9):
            QTest.keyClick(picture.bar, Qt.Key.Key_Left)
        assert caption(picture) == (
            "22/12: Conectando 2 % do tempo, conectado 97 %. 1 queda: 06:00 a 06:30, 30 min (Sem internet)."
        )
        assert picture.bar.accessibleDescription().startswith(picture.caption.text())
        assert picture.bar.accessibleName() == "Histórico dos últimos 30 dias"
        texts.set_language("en")
        assert caption(picture).startswith("22 Dec: Connecting 2 % of the time, connected 97 %. 1 fall: 06:00 to 06:30")


async def test_the_mouse_finds_each_day_and_leaves_it(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        live(harness, *SIXTY_DAYS)
        picture = await open_long(harness, TimeRange.MONTH)
        bar = picture.bar
        QTest.mouseMove(bar, QPoint(2, 12))
        assert bar.pointed_at == bar.buckets[0]
        QTest.mouseMove(bar, QPoint(bar.width() - 2, 12))
        assert bar.pointed_at == bar.buckets[-1]
        assert not bar.grab().isNull()
        before = bar.pointed_at
        await harness.clock.advance(40)
        harness.pane._refresh()
        assert bar.pointed_at is not None
        assert bar.pointed_at.begin == before.begin


async def test_a_long_history_of_one_is_never_seen_under_another_name(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        live(harness, *SIXTY_DAYS)
        picture = await open_long(harness, TimeRange.QUARTER)
        harness.pane.show_mentorado(LUIZA)
        assert days_shown(picture) == 0
        assert not picture.bar.grab().isNull()
        await settle()
        assert {bucket.worst for bucket in picture.bar.buckets} <= {Kind.OFF, Kind.UNRECORDED}


def _bucket(spent: dict[Kind, float], *outages: Outage) -> Bucket:
    lengths = {kind: timedelta(hours=hours) for kind, hours in spent.items()}
    return Bucket(begin=DAWN, end=DAWN + timedelta(days=1), spent=lengths, outages=outages)


@pytest.mark.parametrize(
    ("spent", "words"),
    [
        ({Kind.CONNECTED: 24.0}, "01/01: Conectado o tempo todo."),
        ({}, "01/01: Sem registro o tempo todo."),
        ({Kind.CONNECTED: 12.0, Kind.CLOSED: 12.0}, "01/01: Conectado 50 % do tempo."),
        ({Kind.CONNECTED: 23.99, Kind.BLOCKED: 0.01}, "01/01: Parado menos de 1 % do tempo, conectado 99 %."),
        ({Kind.PROGRESS: 1.0, Kind.UNRECORDED: 23.0}, "01/01: Conectando 4 % do tempo."),
    ],
)
def test_every_kind_of_day_has_its_words(spent: dict[Kind, float], words: str) -> None:
    texts.set_language("pt-BR")
    assert read_aloud(bucket_words(_bucket(spent), TimeRange.MONTH)) == words


def test_of_many_outages_the_first_are_listed_and_the_others_counted() -> None:
    texts.set_language("pt-BR")
    minute = timedelta(minutes=1)
    falls = [
        Outage(DAWN + each * timedelta(hours=1), DAWN + each * timedelta(hours=1) + minute, R.NONE)
        for each in range(LISTED + 2)
    ]
    words = read_aloud(bucket_words(_bucket({Kind.CONNECTED: 24.0}, *falls), TimeRange.DAY))
    assert words.startswith("01/01 00:00 a 00:00: Conectado o tempo todo. 6 quedas: 00:00 a 00:01, 1 min; ")
    assert words.endswith("E mais 2.")


def test_a_share_is_whole_or_nothing_only_where_it_is_so() -> None:
    texts.set_language("en")
    assert [read_aloud(percent(share)) for share in (0, 0.001, 0.29, 0.9999, 1)] == [
        "0 %",
        "under 1 %",
        "29 %",
        "99 %",
        "100 %",
    ]


@pytest.mark.parametrize("span", TimeRange)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_marks_of_a_span_are_few_and_inside_it(span: TimeRange, language: str) -> None:
    texts.set_language(language)
    end = DAWN + timedelta(hours=5)
    marks = list(time_marks(span, end - span.length, end))
    assert 3 <= len(marks) <= 8
    assert all(end - span.length < mark < end for mark in marks)


def test_a_minute_of_trouble_is_seen_in_the_column_of_a_day(theme: Theme) -> None:
    bar = HistoryBar(theme)
    bar.resize(300, bar.sizeHint().height())
    good = _bucket({Kind.CONNECTED: 24.0})
    bad = _bucket({Kind.CONNECTED: 23.98, Kind.BLOCKED: 0.02})
    pictures = [_column(bar, each) for each in (good, bad)]
    assert pictures[0] != pictures[1]
    bar.deleteLater()


def _column(bar: HistoryBar, bucket: Bucket) -> QImage:
    image = QImage(20, 36, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    bar._paint_bucket(painter, QRectF(0, 0, 20, 36), bucket)
    painter.end()
    return image
