"""The overview as text: figures, what their pictures show, and up to when all is counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from app.domain.figures import CONNECT_BOUNDS, LONGER, Figure, Overview, connected_within
from app.domain.history_bar import Bucket
from app.domain.uptime import TimeRange
from app.text.conversation import size
from app.text.status import date_time, texts
from app.text.uptime import bucket_time, bucket_words, length

BOUNDS: Final = (*map(str, CONNECT_BOUNDS), LONGER)
_MOST: Final = 0.9
_LISTED: Final = 3
_TENTHS_BELOW: Final = 10

Words = Callable[[int], str]
"""Tells of one column of a picture."""


def amount(value: float) -> str:
    """``12.431``; of a few, with tenths."""
    if value >= _TENTHS_BELOW or round(value, 1) == round(value):
        return texts.number(round(value))
    return f"{value:.1f}".replace(".", texts("conversation.decimal"))


def counted(until: datetime | None, now: datetime) -> str:
    """Say up to when all is counted, where that is not now."""
    if until is None:
        return texts("overview.counting")
    if now - until < timedelta(minutes=5):
        return texts("overview.counted_now")
    return texts("overview.counted", at=date_time(until.astimezone(), now.astimezone().date()))


def reason(name: str) -> str:
    """Return a failure's reason."""
    return texts("overview.no_reason") if name == "none" else texts(f"badge.blocked.{name}")


def bound(name: str) -> str:
    """Return how long connecting took at most, short enough to stand below a column."""
    if name == LONGER:
        return texts("overview.connect.longer")
    return length(timedelta(seconds=int(name)))


def connected_words(found: Overview, span: TimeRange) -> Words:
    connected, when = found.connected(), _times(found, span)

    def words(place: int) -> str:
        value = connected[place]
        if value is None:
            return texts("overview.unseen", when=when(place))
        return texts("overview.connected.column", when=when(place), links=amount(value))

    return words


def count_words(found: Overview, span: TimeRange, figure: Figure, key: str) -> Words:
    """Of a figure that is a number of things; *key* has the forms of its sentence."""
    values, when = found.series(figure), _times(found, span)
    return lambda place: texts.plural(key, values[place], when=when(place))


def message_words(found: Overview, span: TimeRange) -> Words:
    came, went, when = found.series(Figure.MESSAGE_IN), found.series(Figure.MESSAGE_OUT), _times(found, span)
    return lambda place: texts(
        "overview.messages.column",
        when=when(place),
        came=texts.number(came[place]),
        went=texts.number(went[place]),
    )


def memory_words(found: Overview, span: TimeRange) -> Words:
    most, when = found.series(Figure.MEMORY_MOST), _times(found, span)

    def words(place: int) -> str:
        if not most[place]:
            return texts("overview.unseen", when=when(place))
        return texts("overview.memory.column", when=when(place), size=size(most[place]))

    return words


def connect_words(counts: Mapping[str, int]) -> Words:
    """Of the connections by how long they took."""

    def words(place: int) -> str:
        name = BOUNDS[place]
        if name == LONGER:
            longest = length(timedelta(seconds=CONNECT_BOUNDS[-1]))
            return texts.plural("overview.connect.column_longer", counts.get(name, 0), bound=longest)
        return texts.plural("overview.connect.column", counts.get(name, 0), bound=bound(name))

    return words


def connect_headline(found: Overview) -> str:
    """Say within which time nine of ten connections were there."""
    within = connected_within(found.by_detail(Figure.CONNECT), _MOST)
    if not within:
        return "—"
    if within == LONGER:
        return texts("overview.connect.headline_longer", bound=length(timedelta(seconds=CONNECT_BOUNDS[-1])))
    return texts("overview.connect.headline", bound=bound(within))


def connect_about(found: Overview) -> str:
    """Say how many connections were opened, and how long they took on average."""
    count = found.total(Figure.CONNECT)
    if not count:
        return texts("overview.nothing")
    average = found.total(Figure.CONNECT_TIME) / count / 1000
    return texts.plural("overview.connect.about", count, average=amount(average))


def bar_words(bucket: Bucket, counts: Mapping[tuple[Figure, str], int], span: TimeRange) -> str:
    """Say how all links were in a bucket at the worst, and by its *counts* why how many fell."""
    failures = {name: value for (figure, name), value in counts.items() if figure is Figure.FAILURE}
    first = sorted(failures.items(), key=lambda each: (-each[1], each[0]))[:_LISTED]
    if not first:
        return bucket_words(bucket, span)
    listed = ", ".join(f"{reason(name)} {texts.number(value)}" for name, value in first)
    rest = sum(failures.values()) - sum(value for _, value in first)
    if rest:
        listed = texts("overview.bar.more", listed=listed, count=rest)
    total = sum(failures.values())
    return f"{bucket_words(bucket, span)} {texts.plural('overview.bar.failures', total, listed=listed)}"


def _times(found: Overview, span: TimeRange) -> Words:
    return partial(_time, found.edges, span)


def _time(edges: tuple[datetime, ...], span: TimeRange, place: int) -> str:
    return bucket_time(edges[place], edges[place + 1], span)
