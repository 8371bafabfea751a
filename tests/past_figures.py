"""Figures of the past, as many links leave them behind; the same in every run."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from random import Random

from app.domain.figures import CONNECT_BOUNDS, HOUR, Figure, FigureKey, hour_of
from app.domain.link_status import Reason
from app.domain.mentorado import ProviderKind
from app.domain.uptime import Kind

_SHARES = {ProviderKind.WHATSAPP_WEB: 0.8, ProviderKind.ZAPI: 0.14, ProviderKind.META_CLOUD: 0.06}
_FALLS = (
    (Reason.NETWORK_DOWN, 6),
    (Reason.KEEPALIVE_TIMEOUT, 4),
    (Reason.STREAM_ERROR, 3),
    (Reason.LOGGED_OUT, 1),
    (Reason.PHONE_OFFLINE, 1),
    (Reason.TEMPORARY_BAN, 0.3),
    (Reason.STREAM_REPLACED, 0.3),
    (Reason.TOKEN_INVALID, 0.2),
)


def past_figures(now: datetime, length: timedelta, *, links: int) -> dict[FigureKey, int]:
    """What *links* links did in the hours of *length* before *now*."""
    random = Random(14)  # noqa: S311 - the same in every run
    found: defaultdict[FigureKey, int] = defaultdict(int)
    hour = hour_of(now - length)
    while hour < now:
        milliseconds = min(now - hour, HOUR) // timedelta(milliseconds=1)
        trouble = random.choices((0.004, 0.03, 0.35), (30, 4, 0.4))[0]
        for kind, share in _SHARES.items():
            theirs = max(1, round(links * share))
            _one_hour(found, random, hour, kind, theirs, trouble, milliseconds)
        used = round(links * _SHARES[ProviderKind.WHATSAPP_WEB] * 22e6 * random.uniform(0.95, 1.1))
        for figure, value in ((Figure.MEMORY, 60 * used), (Figure.MEMORY_SAMPLES, 60), (Figure.MEMORY_MOST, used)):
            found[FigureKey(hour, figure, "", "")] = value
        hour += HOUR
    return dict(found)


def _one_hour(
    found: defaultdict[FigureKey, int],
    random: Random,
    hour: datetime,
    provider: ProviderKind,
    links: int,
    trouble: float,
    milliseconds: int,
) -> None:
    def count(figure: Figure, detail: str, value: float) -> None:
        found[FigureKey(hour, figure, provider, detail)] += round(value)

    whole = links * milliseconds
    shares = {Kind.BLOCKED: trouble * 0.2, Kind.PROGRESS: trouble * 0.5, Kind.WAITING: 0.003, Kind.UNKNOWN: 0.002}
    shares[Kind.OFF] = 0.06
    shares[Kind.CONNECTED] = 1 - sum(shares.values())
    for spent, share in shares.items():
        count(Figure.TIME, spent, whole * share)
    falls = round(links * trouble * random.uniform(0.5, 2))
    for reason in random.choices([each for each, _ in _FALLS], [weight for _, weight in _FALLS], k=falls):
        count(Figure.FAILURE, reason, 1)
    count(Figure.RECONNECT, "", falls * 0.9)
    for bound in random.choices(CONNECT_BOUNDS, (5, 20, 12, 5, 3, 2, 1, 0.3, 0.1), k=max(1, falls)):
        count(Figure.CONNECT, str(bound), 1)
        count(Figure.CONNECT_TIME, "", bound * 700)
    awake = 1.0 if 8 <= hour.hour < 22 else 0.15
    count(Figure.MESSAGE_IN, "", links * 9 * awake * random.uniform(0.7, 1.3))
    count(Figure.MESSAGE_OUT, "", links * 4 * awake * random.uniform(0.7, 1.3))
