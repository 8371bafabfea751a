"""The uptime chart as text: its segments and their summary."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from app.domain.history_bar import Bucket
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.uptime import Kind, Outage, Segment, TimeRange, UptimeSummary, kind_of
from app.text.status import date_time, state_badge, texts

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def kind_word(kind: Kind) -> str:
    return texts(f"span.kind.{kind}")


def length(delta: timedelta) -> str:
    """``40 s``, ``12 min``, ``2 h 10 min``, ``3 d 4 h``: two units at the most, cut off rather than rounded."""
    if delta < _MINUTE:
        return texts("span.length.seconds", count=int(delta.total_seconds()))
    if delta < _HOUR:
        return texts("span.length.minutes", count=delta // _MINUTE)
    larger, smaller, units = (
        (_HOUR, _MINUTE, ("hours", "minutes")) if delta < _DAY else (_DAY, _HOUR, ("days", "hours"))
    )
    words = [texts(f"span.length.{units[0]}", count=delta // larger)]
    if rest := delta % larger // smaller:
        words.append(texts(f"span.length.{units[1]}", count=rest))
    return "\u00a0".join(words)


def stretch(segment: Segment) -> str:
    """Return a segment's status, reason, times and duration."""
    begin, end = segment.begin.astimezone(), segment.end.astimezone()
    today = end.date() if begin.date() == end.date() else None
    return texts(
        "span.stretch",
        what=_segment_text(segment),
        begin=date_time(begin, today),
        end=date_time(end, today),
        length=length(segment.length),
    )


def whole(summed: UptimeSummary) -> str:
    """Summarize the whole span in one or two sentences."""
    return " ".join((_falls_line(summed), *_gaps(summed)))


def name(span: TimeRange) -> str:
    return texts(f"span.name.{span}")


LISTED: Final = 4
"""So many outages of a bucket are told one by one."""


def bucket_words(bucket: Bucket, span: TimeRange) -> str:
    """Say how bad a bucket was at its worst, for how much of it, and which outages fell in it."""
    when, worst = bucket_time(bucket.begin, bucket.end, span), bucket.worst
    share, connected = bucket.share(worst), bucket.share(Kind.CONNECTED)
    if share in (0.0, 1.0):
        sentences = [texts("span.bucket.whole", when=when, what=kind_word(worst))]
    elif worst is Kind.CONNECTED or not connected:
        sentences = [texts("span.bucket.part", when=when, what=kind_word(worst), percent=percent(share))]
    else:
        both = {"percent": percent(share), "connected": percent(connected)}
        sentences = [texts("span.bucket.worst", when=when, what=kind_word(worst), **both)]
    if falls := bucket.outages:
        listed = "; ".join(_outage(fall) for fall in falls[:LISTED])
        sentences.append(texts.plural("span.bucket.falls", len(falls), falls=listed))
        if len(falls) > LISTED:
            sentences.append(texts("span.bucket.more", count=len(falls) - LISTED))
    return " ".join(sentences)


def bucket_time(begin: datetime, end: datetime, span: TimeRange) -> str:
    """Return the day of a bucket, or its hours."""
    first, last = begin.astimezone(), end.astimezone()
    if span in (TimeRange.DAY, TimeRange.WEEK):
        return texts("span.bucket.hours", begin=date_time(first), end=f"{last:%H:%M}")
    return texts("span.day_tick", day=first.day, month=texts(f"date.months.{first.month}"))


def percent(share: float) -> str:
    """``99 %``: 100 or 0 only where it is exactly so."""
    if 0 < share < 0.01:
        return texts("span.least_percent")
    return texts("span.percent", number=int(100 * share + 1e-9))


def _outage(fall: Outage) -> str:
    begin, end = fall.begin.astimezone(), fall.end.astimezone()
    today = end.date() if begin.date() == end.date() else None
    times = {"begin": date_time(begin, today), "end": date_time(end, today), "length": length(fall.length)}
    if fall.reason is Reason.NONE:
        return texts("span.outage", **times)
    return texts("span.outage_because", why=texts(f"badge.blocked.{fall.reason}"), **times)


def _falls_line(summed: UptimeSummary) -> str:
    if not summed.observed:
        return texts("span.nothing")
    if not summed.connected:
        return texts("span.never")
    if summed.connected == summed.observed:
        return texts("span.always")
    if not summed.falls:
        return texts("span.no_fall", percent=summed.percent)
    longest = length(max(summed.falls))
    return texts.plural("span.falls", len(summed.falls), percent=summed.percent, longest=longest)


def _gaps(summed: UptimeSummary) -> list[str]:
    gaps = (("span.closed", summed.closed), ("span.unrecorded", summed.unrecorded))
    return [texts(key, length=length(gap)) for key, gap in gaps if gap >= _MINUTE]


def _segment_text(segment: Segment) -> str:
    kind = kind_of(segment)
    if segment.state is None or kind is Kind.CLOSED:
        return kind_word(kind)
    status = LinkStatus(state=segment.state, reason=segment.reason, since=segment.begin)
    what = state_badge(status)
    if segment.state in (LinkState.RECONNECTING, LinkState.UNKNOWN) and segment.reason is not Reason.NONE:
        return texts("span.because", what=what, why=texts(f"badge.blocked.{segment.reason}"))
    return what
