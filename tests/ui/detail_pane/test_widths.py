"""Nothing in the pane is wider than its place in the narrowest window, at any text size, whatever there is to say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.domain.mentorado import ProviderKind
from app.text.status import LANGUAGES, texts
from app.ui.async_slots import show_error
from app.ui.detail_pane.pane import DetailPane
from app.ui.detail_pane.qr import LEAST_SIDE
from app.ui.theme.theme import Theme
from app.ui.widgets.labels import WrappingLabel, breakable
from tests.clock import settle
from tests.ui.detail_pane.harness import OTHER_NUMBER, THIAGO, PaneHarness, pane_harness, people, renamed
from tests.ui.detail_pane.pane_controls import PAIRS

pytestmark = pytest.mark.usefixtures("on_qt")

PLACES = ((100, 364), (200, 676))
"""A text size in per cent, and how wide the pane is then beside the rail of a window of 760 pixels."""
NAME = "Maria Aparecida Albuquerque-Vasconcelos Montenegro de Hollanda Constantinopolitano"
WHO = "recepcionista-do-turno-da-noite@computador-da-secretaria-02 · Maria Aparecida"
CODE = "a_code_that_has_no_blank_" * 4
HOLDER = "computador-da-secretaria-da-mentoria-no-segundo-andar, 2026-05-10 09:30 UTC, PID 4211"


@pytest.fixture(params=zip(LANGUAGES, (ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI), strict=True), ids=LANGUAGES)
def kind(request: pytest.FixtureRequest) -> Iterator[ProviderKind]:
    """A provider, with the language set that its texts are looked at in."""
    language, kind = request.param
    texts.set_language(language)
    yield kind
    texts.set_language("pt-BR")


def too_wide(pane: DetailPane) -> list[str]:
    """What reaches out of the pane, or has less room than its longest word needs."""
    view, found = pane._pages.scroll.viewport(), []
    for each in [pane._content, *pane._content.findChildren(QWidget)]:
        if not each.isVisible():
            continue
        left = each.mapTo(view, QPoint(0, 0)).x()
        text = each.text() if isinstance(each, (QLabel, QAbstractButton)) else ""
        if left < 0 or left + each.width() > view.width():
            found.append(f"{type(each).__name__} {left}+{each.width()} of {view.width()}: {text}")
        elif text and each.width() < each.minimumSizeHint().width():
            found.append(f"{type(each).__name__} is cut: {text}")
    return found


async def look(harness: PaneHarness, what: str) -> None:
    await settle()
    QApplication.processEvents()
    assert too_wide(harness.pane) == [], what


@pytest.mark.within(60)
@pytest.mark.parametrize(("scale", "width"), PLACES)
async def test_nothing_is_wider_than_the_pane_in_any_state(
    theme: Theme, scale: int, width: int, kind: ProviderKind
) -> None:
    theme.set_text_scale(scale)
    first, second = people()
    link = replace(first.link, provider=kind, accepted_account=OTHER_NUMBER)
    async with pane_harness(theme, replace(renamed(first, NAME), link=link), second) as harness:
        pane = harness.pane
        pane.resize(width, 640)
        pane.set_back_visible(True)
        pane.show_mentorado(THIAGO)
        pane.show()
        pane._content.who.show_accepted_by(WHO)
        await harness.core.notes.write(THIAGO, f"https://exemplo.com.br/{CODE}")
        for state, reason in PAIRS:
            detail = NAME if reason is Reason.ACCOUNT_TAKEN else CODE
            harness.put(state, reason, ago=300, account=OTHER_NUMBER, holder=HOLDER, detail=detail)
            await look(harness, f"{state} {reason}")
        harness.show_code(harness.code(2, age=6))
        await look(harness, "a code")
        harness.show_code(replace(harness.code(2, age=6), typed="ABCD-0001"))
        await look(harness, "a typed code")
        show_error(pane, Problem(ProblemCode.SESSION_DIR_NOT_WRITABLE, path=f"/srv/secretaria/{CODE}"))
        await look(harness, "an error about a path")


async def test_a_code_and_its_buttons_are_in_view_in_a_low_window(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        pane = harness.pane
        pane.resize(364, 628)  # below the header of a window of 760 by 700 pixels
        pane.set_back_visible(True)
        pane.show_mentorado(THIAGO)
        pane.show()
        harness.show_code(harness.code(2, age=6))
        await settle()
        view, buttons = pane._pages.scroll.viewport(), pane._content.pairing._choices
        assert buttons.isVisible()
        assert buttons.mapTo(view, QPoint(0, buttons.height())).y() <= view.height()


@pytest.mark.parametrize(("scale", "width", "height"), [(100, 364, 408), (200, 676, 576), (200, 556, 336)])
async def test_a_code_is_whole_in_a_low_window(theme: Theme, scale: int, width: int, height: int) -> None:
    theme.set_text_scale(scale)
    async with pane_harness(theme) as harness:
        pane = harness.pane
        pane.resize(width, height)
        pane.show_mentorado(THIAGO)
        pane.show()
        harness.show_code(harness.code(2, age=6))
        await settle()
        QApplication.processEvents()
        plate = pane._content.pairing._plate
        assert plate.visibleRegion().boundingRect() == plate.rect()
        assert plate.width() >= LEAST_SIDE
        bar = pane._pages.scroll.verticalScrollBar()
        bar.setValue(0)
        harness.show_code(harness.code(3, age=1))
        await settle()
        assert bar.value() == 0, "whoever scrolled is not taken back by every code"


@pytest.mark.parametrize(
    "words",
    ["Albuquerque", "+55\u00a011\u00a091234\u20114321", "", "um texto comum, com vírgulas e o número 12.345.678"],
)
def test_what_has_room_is_left_as_it_is(words: str) -> None:
    assert breakable(words) == words


@pytest.mark.parametrize("words", ["/srv/ana/.local/share/conecta", "x" * 50, "a_b" * 20, "secretaria@computador-02"])
def test_what_is_too_long_for_a_line_is_broken_and_read_as_it_was(words: str, theme: Theme) -> None:
    assert max(len(piece) for piece in breakable(words).split("\u200b")) <= 16
    assert WrappingLabel(words).text() == words
