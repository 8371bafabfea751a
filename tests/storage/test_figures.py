"""What happened to the links, added up by the hour from the log of transitions and the history."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from app.domain.figures import KEPT, Figure, FigureKey, LinkInUse, RollUp
from app.domain.link_status import LinkState, LinkStatus, Reason, Trigger
from app.domain.mentorado import LinkId, Mentorado, ProviderKind
from app.domain.repositories import Transition
from app.domain.uptime import Kind
from app.storage.database import Database
from app.storage.figures import KEY, SqlFigures
from app.storage.history.repository import SqlMessageRepository
from app.storage.time_records import SqlTimeRecords
from app.storage.transitions import SqlTransitionRepository
from tests.clock import DAWN
from tests.storage.talk import a_message, add_mentorado, minutes, reaction, rows

S, R = LinkState, Reason
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
WEB = ProviderKind.WHATSAPP_WEB


def status(state: LinkState, reason: Reason = R.NONE, *, hour: float = 0) -> LinkStatus:
    return LinkStatus(state=state, reason=reason, since=DAWN + hour * HOUR)


async def live_through(database: Database, who: Mentorado, *stands: LinkStatus) -> None:
    """Store the moves from each to the next."""
    for before, after in itertools.pairwise(stands):
        await SqlTransitionRepository(database).append(
            Transition(link_id=who.link.id, at=after.since, trigger=Trigger.CONNECT, before=before, after=after)
        )


def in_use(who: Mentorado, live: LinkStatus, *, since: float = 0, until: float | None = None) -> LinkInUse:
    end = None if until is None else DAWN + until * HOUR
    return LinkInUse(who.link.id, who.link.provider, DAWN + since * HOUR, end, live)


async def totals(database: Database, figure: Figure, hours: int) -> list[dict[str, int]]:
    """Of each hour, by detail; of time, in minutes."""
    edges = [DAWN + hour * HOUR for hour in range(hours + 1)]
    unit = 60_000 if figure is Figure.TIME else 1
    found = await SqlFigures(database).totals(edges)
    return [{detail: value // unit for (name, detail), value in each.items() if name is figure} for each in found]


DAY = (
    status(S.OFF),
    status(S.CONNECTING, hour=0.5),
    status(S.CONNECTED, hour=0.51),
    status(S.RECONNECTING, R.NETWORK_DOWN, hour=1.5),
    status(S.CONNECTED, hour=1.75),
)


@pytest.mark.parametrize("passes", [1, 2, 5, 12])
async def test_it_does_not_matter_in_how_many_passes_it_was_counted(path: Path, passes: int) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        figures = SqlFigures(database)
        stored = 1
        for number in range(passes + 1):
            hour = 3 * number / passes
            while stored < len(DAY) and DAY[stored].since <= DAWN + hour * HOUR:
                await live_through(database, ana, *DAY[stored - 1 : stored + 1])
                stored += 1
            result = await figures.roll_up([in_use(ana, DAY[stored - 1])], DAWN + hour * HOUR)
            assert (result.until, result.caught_up) == (DAWN + hour * HOUR, True)
        times = await totals(database, Figure.TIME, 3)
        assert times[1] == {Kind.CONNECTED: 45, Kind.PROGRESS: 15}
        assert times[2] == {Kind.CONNECTED: 60}
        assert await totals(database, Figure.FAILURE, 3) == [{}, {R.NETWORK_DOWN: 1}, {}]
        assert await totals(database, Figure.RECONNECT, 3) == [{}, {"": 1}, {}]


async def test_a_long_time_before_counting_began_is_caught_up_with_a_day_at_a_time(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        figures, now = SqlFigures(database), DAWN + 100 * HOUR
        up = status(S.CONNECTED, hour=0.51)
        await live_through(database, ana, status(S.OFF), status(S.CONNECTING, hour=0.5), up)
        down = status(S.BLOCKED, R.LOGGED_OUT, hour=50.5)
        await live_through(database, ana, up, down)
        passes: list[RollUp] = []
        while not passes or not passes[-1].caught_up:
            passes.append(await figures.roll_up([in_use(ana, down)], now))
        assert len(passes) == 5
        times = await totals(database, Figure.TIME, 100)
        assert times[10] == times[40] == {Kind.CONNECTED: 60}
        assert times[50] == {Kind.CONNECTED: 30, Kind.BLOCKED: 30}
        assert times[99] == {Kind.BLOCKED: 60}
        assert (await totals(database, Figure.FAILURE, 100))[50] == {R.LOGGED_OUT: 1}
        assert await figures.first_hour() == DAWN


async def test_from_a_crash_until_the_program_was_back_nothing_is_known(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        figures = SqlFigures(database)
        up = status(S.CONNECTED, hour=0.5)
        await live_through(database, ana, status(S.CONNECTING, hour=0.25), up)
        await figures.roll_up([in_use(ana, up)], DAWN + HOUR)
        again = status(S.CONNECTING, hour=2)
        await live_through(database, ana, status(S.OFF, hour=2), again)
        await figures.roll_up([in_use(ana, again)], DAWN + 3 * HOUR)
        assert (await totals(database, Figure.TIME, 3))[1:] == [{Kind.UNRECORDED: 60}, {Kind.PROGRESS: 60}]


async def test_a_program_that_was_closed_is_neither_up_nor_down(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        up, closed = status(S.CONNECTED, hour=0.5), status(S.OFF, R.PROGRAM_CLOSED, hour=1)
        await live_through(database, ana, status(S.CONNECTING, hour=0.25), up, closed)
        await SqlFigures(database).roll_up([in_use(ana, status(S.OFF, hour=2))], DAWN + 2 * HOUR)
        await SqlFigures(database).roll_up([in_use(ana, status(S.OFF, hour=2))], DAWN + 2.5 * HOUR)
        assert (await totals(database, Figure.TIME, 3))[1:] == [{Kind.CLOSED: 60}, {Kind.OFF: 30}]


async def test_a_clock_that_was_ahead_does_not_make_the_time_count_twice(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        figures, up = SqlFigures(database), status(S.CONNECTED)
        await live_through(database, ana, status(S.CONNECTING), up)
        await figures.roll_up([in_use(ana, up)], DAWN + HOUR)
        await figures.roll_up([in_use(ana, up)], DAWN + 10 * HOUR)
        await SqlTimeRecords(database).correct(DAWN + 2 * HOUR)
        await figures.roll_up([in_use(ana, up)], DAWN + 2 * HOUR)
        await figures.roll_up([in_use(ana, up)], DAWN + 4 * HOUR)
        times = await totals(database, Figure.TIME, 10)
        assert times == [
            {Kind.CONNECTED: 60},
            {Kind.CONNECTED: 60},
            {Kind.CONNECTED: 120},
            {Kind.CONNECTED: 60},
            *[{}] * 6,
        ]


async def test_a_link_counts_from_when_to_when_it_was_in_use(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        figures, up = SqlFigures(database), status(S.CONNECTED, hour=0.2)
        down = status(S.RECONNECTING, R.NETWORK_DOWN, hour=0.4)
        await live_through(database, ana, status(S.CONNECTING), up, down, replace(up, since=DAWN + 0.6 * HOUR))
        link = in_use(ana, up, since=0.5, until=1.5)
        gone = in_use(ana, up, since=5, until=6)
        await figures.roll_up([link, gone], DAWN + 3 * HOUR)
        times = await totals(database, Figure.TIME, 3)
        assert times == [{Kind.PROGRESS: 6, Kind.CONNECTED: 24}, {Kind.CONNECTED: 30}, {}]
        assert (await totals(database, Figure.FAILURE, 3))[0] == {}


async def test_what_a_link_did_after_it_was_replaced_is_not_counted(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        up, off = status(S.CONNECTED, hour=0.2), status(S.OFF, hour=1.8)
        await live_through(database, ana, status(S.CONNECTING), up, off)
        await SqlFigures(database).roll_up([in_use(ana, off, until=1.5)], DAWN + 2 * HOUR)
        assert (await totals(database, Figure.TIME, 2))[1] == {Kind.CONNECTED: 30}


async def store(database: Database, who: Mentorado, *messages: object, minute: float) -> None:
    await SqlMessageRepository(database).store(who, messages, minutes(minute))  # type: ignore[arg-type]


async def messages_by_hour(database: Database, hours: int = 3) -> list[tuple[int, int]]:
    came, went = [await totals(database, figure, hours) for figure in (Figure.MESSAGE_IN, Figure.MESSAGE_OUT)]
    return [(one.get("", 0), other.get("", 0)) for one, other in zip(came, went, strict=True)]


async def test_messages_are_counted_in_the_hour_in_which_they_were_sent(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        figures = SqlFigures(database)
        await store(database, ana, a_message("1", minute=10), a_message("2", minute=20, from_me=True), minute=21)
        await figures.roll_up([], DAWN + 30 * MINUTE)
        await store(database, ana, a_message("3", minute=70), reaction("4", "1", "👍", minute=71), minute=72)
        await store(database, ana, a_message("5", minute=50, received_at=minutes(80)), minute=80)  # it waited
        await figures.roll_up([], DAWN + 2 * HOUR)
        await figures.roll_up([], DAWN + 2.5 * HOUR)
        assert await messages_by_hour(database) == [(2, 1), (1, 0), (0, 0)]


async def test_a_message_that_is_put_in_its_place_later_counts_once(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        figures = SqlFigures(database)
        await store(database, ana, a_message("1", minute=10), a_message("3", minute=30), minute=31)
        await figures.roll_up([], DAWN + HOUR)
        numbers = await rows(database, "SELECT max(number) FROM message")
        await store(database, ana, a_message("2", minute=20, received_at=minutes(61)), minute=62)
        assert await rows(database, "SELECT count(*) FROM message WHERE number > ?", *numbers[0]) == [(2,)]
        await figures.roll_up([], DAWN + 2 * HOUR)
        assert await messages_by_hour(database) == [(3, 0), (0, 0), (0, 0)]


async def test_messages_from_before_counting_began_are_counted_whatever_their_order(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.storage.figures.MESSAGES_AT_ONCE", 2)
    async with Database(path) as database:
        ana = await add_mentorado(database)
        figures = SqlFigures(database)
        ancient = a_message("0", sent_at=DAWN - KEPT - HOUR, received_at=minutes(1))
        await store(database, ana, ancient, *(a_message(str(each), minute=each) for each in (1, 5, 3, 2)), minute=6)
        passes = 1
        while not (await figures.roll_up([], DAWN + HOUR)).caught_up:
            passes += 1
        assert passes > 1
        assert await messages_by_hour(database) == [(4, 0), (0, 0), (0, 0)]


async def send_through_conecta(database: Database, who: Mentorado, provider_id: str, minute: float) -> None:
    await database.run(
        lambda connection: connection.execute(
            text(
                "INSERT INTO outbound_message (reference, link_id, recipient, purpose, campaign, reserved_at, state,"
                " provider_id, fingerprint, new_contact, code) VALUES (:id, :link, '', 'support', '', :at, 'sent', :id,"
                " 0, 0, '')"
            ),
            {"id": provider_id, "link": who.link.id, "at": minutes(minute).isoformat(timespec="microseconds")},
        )
    )


async def test_what_the_phone_sent_itself_proves_that_it_is_in_use(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        figures = SqlFigures(database)
        await store(database, ana, a_message("1", minute=10), minute=10)
        await send_through_conecta(database, ana, "2", 20)
        await store(database, ana, a_message("2", minute=20, from_me=True), minute=20)
        await figures.roll_up([], DAWN + HOUR)
        assert await figures.last_seen() == {}
        await store(database, ana, a_message("3", minute=61, from_me=True), minute=62)
        await figures.roll_up([], DAWN + 2 * HOUR)
        assert await figures.last_seen() == {ana.link.id: minutes(61)}
        await store(database, ana, a_message("4", minute=130), minute=130)
        await figures.roll_up([], DAWN + 3 * HOUR)
        assert await figures.last_seen() == {ana.link.id: minutes(61)}


async def test_a_code_that_was_scanned_proves_that_the_phone_is_in_use(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        up = status(S.CONNECTED, hour=0.5)
        await live_through(database, ana, status(S.CONNECTING), status(S.QR_READY, hour=0.1), up)
        await SqlFigures(database).roll_up([in_use(ana, up)], DAWN + HOUR)
        await SqlFigures(database).roll_up([in_use(ana, up)], DAWN + 2 * HOUR)
        assert await SqlFigures(database).last_seen() == {ana.link.id: up.since}


@pytest.mark.parametrize(("reason", "seen"), [(R.NONE, True), (R.PHONE_OFFLINE, False)])
async def test_zapi_says_itself_whether_the_phone_is_there(path: Path, reason: Reason, seen: bool) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        link = in_use(ana, status(S.CONNECTED, reason))._replace(provider=ProviderKind.ZAPI)
        await SqlFigures(database).roll_up([link], DAWN)
        await SqlFigures(database).roll_up([link], DAWN + HOUR)
        assert await SqlFigures(database).last_seen() == ({ana.link.id: DAWN + HOUR} if seen else {})


async def test_of_the_greatest_the_greatest_stays_and_what_nobody_knows_is_left_out(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Database(path) as database:
        figures = SqlFigures(database)
        keys = [FigureKey(DAWN, name, "", "") for name in (Figure.MEMORY, Figure.MEMORY_MOST)]
        for value in (30, 50, 40):
            await figures.add(dict.fromkeys(keys, value))
        await database.run(
            lambda connection: connection.exec_driver_sql(
                "INSERT INTO figure VALUES ('2026-01-01T00:00:00.000000+00:00', 'of_a_later_version', '', '', 5)"
            )
        )
        assert await figures.totals([DAWN, DAWN + HOUR]) == [{(Figure.MEMORY, ""): 120, (Figure.MEMORY_MOST, ""): 50}]
    assert "1 rows of figure are invalid" in caplog.text


@pytest.mark.parametrize("written", ["", "[]", "9", '{"at": "soon"}', '{"at": "2026-01-01T00:00:00+00:00", "odd": 1}'])
async def test_with_a_damaged_mark_everything_is_counted_anew(path: Path, written: str) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        figures, up = SqlFigures(database), status(S.CONNECTED, hour=0.5)
        await live_through(database, ana, status(S.CONNECTING, hour=0.5), up)
        await store(database, ana, a_message("1", minute=40), minute=40)
        for _ in range(2):
            await figures.roll_up([in_use(ana, up)], DAWN + HOUR)
            await _set_mark(database, written)
        await figures.roll_up([in_use(ana, up)], DAWN + HOUR)
        assert await totals(database, Figure.TIME, 1) == [{Kind.CONNECTED: 30}]
        assert await messages_by_hour(database, 1) == [(1, 0)]


async def _set_mark(database: Database, written: str) -> None:
    values = {"value": written, "key": KEY}
    statement = text("UPDATE setting SET value = :value WHERE key = :key")
    await database.run(lambda connection: connection.execute(statement, values))


async def test_what_is_older_than_a_year_is_removed(path: Path) -> None:
    async with Database(path) as database:
        figures = SqlFigures(database)
        await figures.roll_up([], DAWN)
        await figures.add({FigureKey(DAWN, Figure.RECONNECT, WEB, ""): 1})
        await figures.roll_up([], DAWN + KEPT)
        assert await figures.first_hour() == DAWN
        await figures.roll_up([], DAWN + KEPT + HOUR)
        assert await figures.first_hour() is None


async def test_a_phone_seen_in_the_future_was_seen_now(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        link = in_use(ana, status(S.CONNECTED))._replace(provider=ProviderKind.ZAPI)
        await SqlFigures(database).roll_up([link], DAWN + 5 * HOUR)
        await SqlFigures(database).roll_up([link], DAWN + 6 * HOUR)
        await SqlTimeRecords(database).correct(DAWN)
        assert await SqlFigures(database).last_seen() == {LinkId(ana.link.id): DAWN}
