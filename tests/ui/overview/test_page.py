"""The overview: what needs somebody, the pictures, and that each says in words what it shows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.domain.errors import Problem, ProblemCode
from app.domain.figures import LONGER, Figure, FigureKey, hour_of
from app.domain.link_status import LinkState, Reason
from app.domain.uptime import Kind, TimeRange
from app.text.status import texts
from app.text.translator import LANGUAGES
from app.ui.navigation import HOME
from app.ui.overview.alert_list import SHOWN
from app.ui.overview.charts import ROWS
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.ui.controls import nameless, out_of_reach, read_aloud
from tests.ui.overview.harness import OverviewHarness, begin_incident, open_overview, with_memory

pytestmark = pytest.mark.usefixtures("on_qt")

S, R = LinkState, Reason


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def headline(harness: OverviewHarness, name: str) -> str:
    return read_aloud(harness.page.cards[name].headline.text())


def caption(harness: OverviewHarness, name: str) -> str:
    return read_aloud(harness.page.cards[name].caption.text())


async def add(harness: OverviewHarness, figure: Figure, value: int, detail: str = "", *, hours: float = 1) -> None:
    """As if this had been counted so many hours ago."""
    hour = hour_of(harness.core.clock.now() - timedelta(hours=hours))
    await harness.core.figure_record.add({FigureKey(hour, figure, "whatsapp_web", detail): value})
    harness.core.services.figures.until = harness.core.clock.now()


async def test_before_anything_was_counted_no_number_is_claimed(theme: Theme) -> None:
    texts.set_language("pt-BR")
    async with open_overview(theme) as harness:
        await harness.show()
        assert [headline(harness, name) for name in ("connect", "reconnects", "failures", "messages")] == ["—"] * 4
        assert headline(harness, "memory") == "Sem medida agora"
        assert harness.page._summary.text() == "Os números ainda estão sendo contados."
        assert harness.page.alert_list.nothing.text() == "Verificando as conexões…"
        assert harness.page.all_links.caption.text().startswith("Ainda não há números")
        assert all(bucket.worst is Kind.UNRECORDED for bucket in harness.page.bar.buckets)
        assert not harness.page.grab().isNull()


async def test_numbers_are_grouped_and_tell_of_the_chosen_time(theme: Theme) -> None:
    texts.set_language("pt-BR")
    async with open_overview(theme) as harness:
        await add(harness, Figure.MESSAGE_IN, 12_431)
        await add(harness, Figure.MESSAGE_OUT, 3_210)
        await add(harness, Figure.RECONNECT, 1_000)
        await add(harness, Figure.RECONNECT, 2_500, hours=100)
        with_memory(harness, 3, 90_000_000)
        harness.put(0, S.CONNECTED)
        await harness.show()
        assert headline(harness, "messages") == "12.431 recebidas · 3.210 enviadas"
        assert headline(harness, "reconnects") == "1.000"
        assert headline(harness, "memory") == "85,8 MB em 3 processos agora"
        assert headline(harness, "connected") == "1 de 12 agora"
        assert harness.page._summary.text() == "Contado até agora"
        QTest.keyClick(harness.page.choice.button(TimeRange.WEEK), Qt.Key.Key_Space)
        await settle()
        assert headline(harness, "reconnects") == "3.500"
        assert len(harness.page.bar.buckets) == 42
        texts.set_language("en")
        assert headline(harness, "messages") == "12,431 received · 3,210 sent"


async def test_columns_are_walked_by_arrows_and_say_their_values(theme: Theme) -> None:
    texts.set_language("pt-BR")
    async with open_overview(theme) as harness:
        await add(harness, Figure.MESSAGE_IN, 12, hours=1)
        await add(harness, Figure.MEMORY_MOST, 5_000_000, hours=1)
        await add(harness, Figure.TIME, 3_600_000 * 3 // 2, "connected", hours=1)
        await add(harness, Figure.RECONNECT, 1, hours=1)
        await harness.show()
        harness.page.activateWindow()
        chart = harness.page.messages
        chart.setFocus(Qt.FocusReason.TabFocusReason)
        assert caption(harness, "messages") == "22/11 14:00 a 15:00: 12 recebidas, 0 enviadas."
        QTest.keyClick(chart, Qt.Key.Key_Left)
        assert caption(harness, "messages").startswith("22/11 13:00")
        QTest.keyClick(chart, Qt.Key.Key_Home)
        assert chart.at == 0
        assert chart.accessibleName() == "Mensagens"
        assert chart.accessibleDescription().startswith(harness.page.cards["messages"].caption.text())
        expected = {
            "connected": "22/11 14:00 a 15:00: 1,5 conectados em média.",
            "reconnects": "22/11 14:00 a 15:00: 1 reconexão.",
            "memory": "22/11 14:00 a 15:00: até 4,8 MB.",
        }
        for name, words in expected.items():
            harness.page.cards[name].picture.setFocus(Qt.FocusReason.TabFocusReason)
            assert caption(harness, name) == words
            QTest.keyClick(harness.page.cards[name].picture, Qt.Key.Key_Home)
        assert caption(harness, "memory") == "21/11 15:00 a 16:00: sem registro."
        assert caption(harness, "connected") == "Quantas conexões estavam abertas, em média."


async def test_the_mouse_finds_a_column_and_a_row(theme: Theme) -> None:
    texts.set_language("pt-BR")
    async with open_overview(theme) as harness:
        await add(harness, Figure.FAILURE, 3, R.NETWORK_DOWN)
        await add(harness, Figure.FAILURE, 1, R.LOGGED_OUT)
        await add(harness, Figure.MESSAGE_IN, 5)
        await harness.show()
        QTest.mouseMove(harness.page.failures, QPoint(10, 30))
        assert caption(harness, "failures") == "Saiu da conta: 1 de 4 quedas."
        QTest.mouseMove(harness.page.failures, QPoint(10, 120))
        assert caption(harness, "failures") == "Conexões que caíram ou pararam à espera de alguém."
        chart = harness.page.messages
        harness.page.area.ensureWidgetVisible(chart)
        await settle()
        QTest.mouseMove(chart, QPoint(chart.width() - 2, 50))
        assert chart.at == 23
        assert not harness.page.grab().isNull()


async def test_the_reasons_are_ranked_and_the_small_ones_added_up(theme: Theme) -> None:
    texts.set_language("pt-BR")
    async with open_overview(theme) as harness:
        reasons = (R.NETWORK_DOWN, R.KEEPALIVE_TIMEOUT, R.LOGGED_OUT, R.BANNED, R.STREAM_ERROR, R.FLAPPING, R.NONE)
        for number, reason in enumerate(reasons):
            await add(harness, Figure.FAILURE, 2_000 - number, reason)
        await harness.show()
        rows = harness.page.failures.rows
        assert len(rows) == ROWS + 1
        assert (rows[0].name, rows[0].shown) == ("Sem internet", "2.000")
        assert (rows[-1].name, rows[-1].value) == ("Outros motivos", 3_989)
        harness.page.activateWindow()
        harness.page.failures.setFocus(Qt.FocusReason.TabFocusReason)
        assert caption(harness, "failures") == "Sem internet: 2.000 de 13.979 quedas."
        QTest.keyClick(harness.page.failures, Qt.Key.Key_Down)
        assert caption(harness, "failures").startswith("Sem resposta")
        QTest.keyClick(harness.page.failures, Qt.Key.Key_Up)
        assert harness.page.failures.at == 0


@pytest.mark.parametrize(
    ("counts", "words", "about"),
    [
        ({"2": 8, "5": 1, "300": 1}, "9 de cada 10 em até 5 s", "10 conexões abertas sem código, em 3,5 s na média."),
        ({"60": 1}, "9 de cada 10 em até 1 min", "1 conexão aberta sem código, em 35 s."),
        ({LONGER: 2}, "Mais de 1 em cada 10 acima de 5 min", "2 conexões abertas sem código, em 18 s na média."),
        ({}, "—", "Nada neste período."),
    ],
)
async def test_how_long_connecting_took_is_told_for_most(
    theme: Theme, counts: dict[str, int], words: str, about: str
) -> None:
    texts.set_language("pt-BR")
    async with open_overview(theme) as harness:
        for bound, value in counts.items():
            await add(harness, Figure.CONNECT, value, bound)
        await add(harness, Figure.CONNECT_TIME, 35_000 if counts else 0)
        await harness.show()
        assert (headline(harness, "connect"), caption(harness, "connect")) == (words, about)
        harness.page.activateWindow()
        harness.page.connect_times.setFocus(Qt.FocusReason.TabFocusReason)
        assert caption(harness, "connect").startswith("Mais de 5 min: ")
        QTest.keyClick(harness.page.connect_times, Qt.Key.Key_Home)
        assert caption(harness, "connect") == "Até 1 s: 0 conexões."


async def test_the_bar_of_all_links_tells_its_worst_and_why_how_many_fell(theme: Theme) -> None:
    texts.set_language("pt-BR")
    async with open_overview(theme) as harness:
        await add(harness, Figure.TIME, 990, Kind.CONNECTED)
        await add(harness, Figure.TIME, 10, Kind.BLOCKED)
        reasons = (R.NETWORK_DOWN, R.KEEPALIVE_TIMEOUT, R.LOGGED_OUT, R.BANNED)
        for number, reason in enumerate(reasons):
            await add(harness, Figure.FAILURE, 9 - number, reason)
        await harness.show()
        harness.page.activateWindow()
        harness.page.bar.setFocus(Qt.FocusReason.TabFocusReason)
        assert read_aloud(harness.page.all_links.caption.text()) == (
            "22/11 14:00 a 15:00: Parado 1 % do tempo, conectado 99 %. "
            "30 quedas: Sem internet 9, Sem resposta 8, Saiu da conta 7 e mais 6."
        )


async def test_each_alert_has_its_step_and_leads_to_whom_it_is_about(theme: Theme) -> None:
    texts.set_language("pt-BR")
    async with open_overview(theme) as harness:
        harness.put(0, S.BLOCKED, R.LOGGED_OUT)
        await harness.show()
        await harness.look()
        (row,) = harness.page.alert_list.rows
        assert row.button.accessibleName() == f"Mostrar: {harness.people[0].name}: Saiu da conta, desde 14:00."
        assert row.button.accessibleDescription()
        row.button.click()
        assert harness.led_to == [harness.people[0].id]
        harness.put(0, S.CONNECTED)
        await harness.look()
        assert harness.page.alert_list.rows == []
        assert harness.page.alert_list.nothing.text() == "Nada precisa de você agora."


async def test_an_incident_leads_to_whom_it_hit_and_home_once_it_is_over(theme: Theme) -> None:
    async with open_overview(theme) as harness:
        incident = begin_incident(harness, range(4))
        await harness.look()
        await harness.show()
        (row,) = harness.page.alert_list.rows
        row.button.click()
        harness.core.incidents._by_provider[incident.provider].incident = None
        row.button.click()
        assert harness.led_to == [set(incident.affected), HOME]


async def test_of_many_alerts_the_first_are_shown_and_the_list_has_all(theme: Theme) -> None:
    texts.set_language("en")
    async with open_overview(theme) as harness:
        for number in range(SHOWN + 3):
            harness.put(number, S.BLOCKED, R.LOGGED_OUT)
        incident = begin_incident(harness, range(8, 10))
        await harness.look()
        await harness.show()
        alerts = harness.page.alert_list
        assert len(alerts.rows) == SHOWN
        assert alerts.accessibleName() == f"{SHOWN + 4} matters need you now"
        assert alerts.more.text() == "Show all in the list, with the other 4"
        alerts.more.click()
        assert harness.led_to == [{person.id for person in harness.people[: SHOWN + 3]} | set(incident.affected)]


async def test_the_keyboard_stays_in_the_list_when_an_alert_goes(theme: Theme) -> None:
    async with open_overview(theme) as harness:
        for number in range(3):
            harness.put(number, S.BLOCKED, R.LOGGED_OUT, ago=timedelta(hours=3 - number))
        await harness.look()
        await harness.show()
        harness.page.activateWindow()
        harness.page.alert_list.rows[2].button.setFocus()
        harness.put(0, S.CONNECTED)
        await harness.look()
        assert harness.page.alert_list.rows[1].button.hasFocus()


async def test_it_is_read_anew_every_minute_while_it_is_looked_at(theme: Theme) -> None:
    async with open_overview(theme) as harness:
        await harness.show()
        await add(harness, Figure.RECONNECT, 7)
        harness.page._minute.timeout.emit()
        await settle()
        assert headline(harness, "reconnects") == "7"
        harness.page.hide()
        assert not harness.page._minute.isActive()


async def test_counting_that_is_behind_says_up_to_when(theme: Theme) -> None:
    texts.set_language("en")
    async with open_overview(theme) as harness:
        await add(harness, Figure.RECONNECT, 7)
        harness.core.services.figures.until = harness.core.clock.now() - timedelta(hours=2)
        await harness.show()
        assert harness.page._summary.text() == "Counted up to 13:00; the rest is being counted"


async def test_what_is_read_for_a_time_that_nobody_looks_at_any_more_is_not_shown(theme: Theme) -> None:
    async with open_overview(theme) as harness:
        await harness.show()
        harness.page.show_span(TimeRange.WEEK)
        harness.page.show_span(TimeRange.MONTH)
        await settle()
        assert len(harness.page.bar.buckets) == 30


async def test_a_database_that_cannot_be_read_is_told_and_what_was_read_stays(theme: Theme) -> None:
    async with open_overview(theme) as harness:
        await add(harness, Figure.RECONNECT, 7)
        await harness.show()
        harness.core.figure_record.unreadable = Problem(ProblemCode.DATABASE_LOCKED)
        harness.page.refresh()
        await settle()
        assert harness.page.banners.isVisible()
        assert headline(harness, "reconnects") == "7"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("width", "columns"), [(1220, 2), (640, 1)])
async def test_everything_has_a_name_and_is_reached_at_every_size(
    theme: Theme, language: str, width: int, columns: int
) -> None:
    texts.set_language(language)
    async with open_overview(theme) as harness:
        await harness.add_past(timedelta(days=2))
        harness.put(0, S.BLOCKED, R.LOGGED_OUT)
        await harness.look()
        harness.page.resize(width, 620)
        await harness.show()
        harness.page.take_focus()
        assert nameless(harness.page) == []
        options = [harness.page.choice.button(span) for span in TimeRange]  # arrows walk them
        assert [each for each in out_of_reach(harness.page) if each not in options] == []
        assert harness.page._columns == columns
        for card in (harness.page.all_links, *harness.page.cards.values()):
            assert card.picture.accessibleName()
            assert card.picture.accessibleDescription()
            assert card.picture.focusPolicy() & Qt.FocusPolicy.TabFocus
        inside = harness.page.area.widget()
        assert inside is not None
        assert inside.minimumSizeHint().width() <= width
        for span in TimeRange:
            harness.page.show_span(span)
            await settle()
            assert not harness.page.grab().isNull()
