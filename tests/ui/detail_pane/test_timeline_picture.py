"""The picture of a link's last day: what it says, how it is walked, and that it keeps up."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QAccessible, QImage, QPainter
from PySide6.QtTest import QSignalSpy, QTest

from app.domain.actions import ActionName
from app.domain.link_status import LinkState, LinkStatus, Reason, Trigger
from app.domain.provider import Connected, Lost
from app.domain.repositories import Transition
from app.domain.uptime import Kind, TimeRange
from app.text.status import texts
from app.text.translator import LANGUAGES
from app.text.uptime import kind_word, length
from app.ui.detail_pane.uptime_chart import UptimeChart
from app.ui.theme.theme import DARK, LIGHT, Theme
from app.ui.widgets.history_bar import paint_kind
from tests.clock import settle
from tests.ui.controls import read_aloud
from tests.ui.detail_pane.harness import LUIZA, THIAGO, PaneHarness, pane_harness

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

S, R = LinkState, Reason
A_DAY = ((S.CONNECTED, R.NONE, 30), (S.RECONNECTING, R.NETWORK_DOWN, 4), (S.CONNECTED, R.NONE, 3.8))
"""A fall of twelve minutes, four hours ago; hours ago each."""


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def live(harness: PaneHarness, *stands: tuple[LinkState, Reason, float]) -> None:
    """Write down that Thiago's link stood so, and let the last be true now."""
    link = harness.mentorados.get(THIAGO).link
    statuses = [LinkStatus(since=harness.ago(days=20))]
    statuses += [LinkStatus(state=state, reason=reason, since=harness.ago(hours=ago)) for state, reason, ago in stands]
    for before, after in itertools.pairwise(statuses):
        move = Transition(link_id=link.id, at=after.since, trigger=Trigger.CONNECT, before=before, after=after)
        harness.log.lines.append(move)
    harness.put(stands[-1][0], stands[-1][1], ago=stands[-1][2] * 3600)


async def open_pane(harness: PaneHarness) -> UptimeChart:
    harness.pane.resize(364, 1200)
    harness.pane.show_mentorado(THIAGO)
    harness.pane.show()
    await settle()
    return harness.pane._content.picture


def caption(picture: UptimeChart) -> str:
    return read_aloud(picture.caption.text())


def spoken(picture: UptimeChart) -> str:
    interface = QAccessible.queryAccessibleInterface(picture.band)
    assert interface is not None
    return read_aloud(interface.text(QAccessible.Text.Name) + ": " + interface.text(QAccessible.Text.Description))


async def test_the_day_is_said_in_words_beside_the_picture_and_aloud(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        live(harness, *A_DAY)
        picture = await open_pane(harness)
        assert caption(picture) == "Conectado 99 % do tempo, 1 queda de 12 min."
        assert read_aloud(picture.band.toolTip()) == caption(picture)
        assert spoken(picture) == f"Linha do tempo das últimas 24 horas: {caption(picture)}"
        texts.set_language("en")
        assert caption(picture) == "Connected 99 % of the time, 1 fall of 12 min."


@pytest.mark.parametrize(
    ("stands", "words"),
    [
        ([(S.CONNECTED, R.NONE, 30)], "Conectado o tempo todo."),
        ([(S.BLOCKED, R.LOGGED_OUT, 30)], "Não esteve conectado neste período."),
        ([(S.OFF, R.PROGRAM_CLOSED, 30), (S.OFF, R.PROGRAM_CLOSED, 29)], "Nada foi registrado neste período. Conecta "),
        ([(S.CONNECTED, R.NONE, 30), (S.OFF, R.NONE, 12)], "Conectado 50 % do tempo, nenhuma queda."),
        (
            [*A_DAY, (S.BLOCKED, R.LOGGED_OUT, 2), (S.CONNECTED, R.NONE, 1.5), (S.OFF, R.PROGRAM_CLOSED, 1)],
            "Conectado 96 % do tempo, 2 quedas, a mais longa 30 min. Conecta fechado por 1 h.",
        ),
    ],
)
async def test_each_kind_of_day_has_its_sentence(
    theme: Theme, stands: list[tuple[LinkState, Reason, float]], words: str
) -> None:
    async with pane_harness(theme) as harness:
        live(harness, *stands)
        assert caption(await open_pane(harness)).startswith(words)


async def test_arrows_walk_the_stretches_and_each_says_what_it_was(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        live(harness, *A_DAY)
        picture = await open_pane(harness)
        height = picture.height()
        harness.pane.activateWindow()
        picture.band.setFocus(Qt.FocusReason.TabFocusReason)
        assert caption(picture) == "Conectado: 31/12 20:12 a 01/01 00:00, 3 h 48 min."
        QTest.keyClick(picture.band, Qt.Key.Key_Left)
        assert caption(picture) == "Reconectando (Sem internet): 20:00 a 20:12, 12 min."
        assert spoken(picture).endswith(f"{caption(picture)} Conectado 99 % do tempo, 1 queda de 12 min.")
        QTest.keyClick(picture.band, Qt.Key.Key_Home)
        assert caption(picture) == "Conectado: 00:00 a 20:00, 20 h."
        QTest.keyClick(picture.band, Qt.Key.Key_Left)
        assert caption(picture) == "Conectado: 00:00 a 20:00, 20 h."
        assert picture.height() == height
        picture.band.clearFocus()
        assert caption(picture) == "Conectado 99 % do tempo, 1 queda de 12 min."


async def test_the_mouse_finds_a_fall_that_is_a_few_pixels_wide(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        live(harness, (S.CONNECTED, R.NONE, 30), (S.BLOCKED, R.LOGGED_OUT, 12), (S.CONNECTED, R.NONE, 11.99))
        picture = await open_pane(harness)
        band = picture.band
        QTest.mouseMove(band, QPoint(band.width() // 2, 12))
        assert caption(picture) == "Saiu da conta: 12:00 a 12:00, 36 s."
        QTest.mouseMove(band, QPoint(5, 12))
        assert caption(picture).startswith("Conectado: 00:00")


async def test_a_week_is_chosen_with_the_keyboard_and_told_once(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        live(harness, (S.CONNECTED, R.NONE, 24 * 8), (S.BLOCKED, R.LOGGED_OUT, 24 * 3), (S.CONNECTED, R.NONE, 24 * 2))
        picture = await open_pane(harness)
        assert caption(picture) == "Conectado o tempo todo."
        picked = QSignalSpy(harness.pane.span_selected)
        QTest.keyClick(picture.choice.button(TimeRange.WEEK), Qt.Key.Key_Space)
        assert caption(picture) == "Conectado 85 % do tempo, 1 queda de 1 d."
        assert picked.count() == 1
        assert picked.at(0) == [TimeRange.WEEK]
        assert spoken(picture).startswith("Linha do tempo dos últimos 7 dias")


async def test_the_picture_keeps_up_with_the_link(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        picture = await open_pane(harness)
        assert [each.state for each in picture.band.segments] == [S.OFF]
        await harness.actions.run(ActionName.CONNECT, THIAGO, _yes)
        await settle()
        harness.provider.line.say(Connected(None))
        await settle()
        await harness.clock.advance(3600)
        harness.provider.line.say(Lost(R.KEEPALIVE_TIMEOUT))
        await settle()
        await harness.clock.advance(1)
        harness.provider.line.say(Connected(None))
        await settle()
        await harness.clock.advance(60)
        harness.pane._refresh()  # as its timer does
        states = [each.state for each in picture.band.segments]
        assert states[-3:] == [S.CONNECTED, S.RECONNECTING, S.CONNECTED]
        assert picture.band.segments[-1].end == harness.clock.now()
        logged = await harness.log.since(harness.mentorados.get(THIAGO).link.id, harness.ago(days=7))
        picture.show_moves([])  # as if the log had been slow
        assert [segment.state for segment in picture.band.segments] == states
        assert len(logged) == 4


async def _yes(*_what: object) -> bool:
    return True


async def test_nothing_of_one_link_is_seen_under_another_name(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        live(harness, *A_DAY)
        picture = await open_pane(harness)
        harness.pane.show_mentorado(LUIZA)
        assert not picture.band.segments
        assert caption(picture) == ""
        await settle()
        assert [each.state for each in picture.band.segments] == [S.OFF]


async def test_before_somebody_was_enrolled_nothing_is_claimed(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        picture = await open_pane(harness)
        status, now = harness.status(), harness.clock.now()
        picture.show_live(status, now - timedelta(hours=2), now + timedelta(minutes=1))
        assert picture.band.segments[0].begin == now - timedelta(hours=2)
        picture.show_live(status, now + timedelta(days=1), now + timedelta(minutes=2))  # the clock went back
        assert not picture.band.segments
        harness.pane.grab()


@pytest.mark.parametrize("span", [TimeRange.DAY, TimeRange.WEEK])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_only_what_is_in_the_picture_is_explained(theme: Theme, span: TimeRange, language: str) -> None:
    theme.set_text_scale(200)
    texts.set_language(language)
    async with pane_harness(theme) as harness:
        live(harness, *A_DAY)
        harness.pane.show_span(span)
        picture = await open_pane(harness)
        shown = [key.word.text() for key in picture.legend.keys if key.isVisible()]
        wanted = [Kind.CONNECTED, Kind.PROGRESS] + ([Kind.OFF] if span is TimeRange.WEEK else [])
        assert shown == [kind_word(kind) for kind in wanted]
        assert picture.band.height() >= picture.band.sizeHint().height()
        assert not picture.grab().isNull()


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_every_kind_has_a_pattern_of_its_own_whatever_its_colour(theme: Theme, tokens: object) -> None:
    patterns = {kind: _pattern(kind, dark=tokens is DARK) for kind in Kind}
    assert [pair for pair in itertools.combinations(Kind, 2) if patterns[pair[0]] == patterns[pair[1]]] == []


def _pattern(kind: Kind, *, dark: bool) -> tuple[bool, ...]:
    image = QImage(60, 22, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    paint_kind(painter, QRectF(0, 0, 60, 22), kind, DARK if dark else LIGHT)
    painter.end()
    pixels = [image.pixel(x, y) for y in range(22) for x in range(60)]
    ((ground, _count),) = Counter(pixels).most_common(1)
    return tuple(pixel == ground for pixel in pixels)


def test_lengths_are_said_in_two_units_at_the_most() -> None:
    texts.set_language("pt-BR")
    seconds = (0, 59, 60, 3599, 3600, 7800, 86_400, 3 * 86_400 + 4 * 3600 + 59 * 60)
    spoken_ = [read_aloud(length(timedelta(seconds=each))) for each in seconds]
    assert spoken_ == ["0 s", "59 s", "1 min", "59 min", "1 h", "2 h 10 min", "1 d", "3 d 4 h"]
