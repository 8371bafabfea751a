"""The look: what is written can be read, and what was chosen is what is shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QPushButton, QWidget

from app.text import translator
from app.ui.theme import icons
from app.ui.theme.theme import (
    DARK,
    LIGHT,
    Mode,
    Theme,
    Tokens,
)
from app.ui.widgets.choices import CheckBox, SegmentedControl
from app.ui.widgets.radio_card import RadioCard

READABLE = 4.5
VISIBLE = 3.0


def luminance(colour: str) -> float:
    channels = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def pairs(tokens: Tokens) -> list[tuple[str, str, str]]:
    """Every text colour with every ground it is written on."""
    grounds = {"bg": tokens.bg, "surface": tokens.surface, "raised": tokens.raised, "hover": tokens.hover}
    grounds |= {"selected": tokens.selected}
    written = {"text": tokens.text, "text2": tokens.text2, "text3": tokens.text3, "danger_text": tokens.danger_text}
    found = [(f"{w} on {g}", fg, bg) for w, fg in written.items() for g, bg in grounds.items()]
    found += [
        ("on accent", tokens.on_accent, tokens.accent),
        ("on accent hovered", tokens.on_accent, tokens.accent_hover),
        ("on soft accent", tokens.on_accent_soft, tokens.accent_soft),
        ("on danger", tokens.on_danger, tokens.danger),
        ("on danger hovered", tokens.on_danger, tokens.danger_hover),
        ("toast", tokens.surface, tokens.text),
        ("toast link", (LIGHT if tokens.dark else DARK).accent, tokens.text),
    ]
    found += [(f"link on {g}", tokens.on_accent_soft, bg) for g, bg in grounds.items()]
    found += [
        (f"{tone} on {g}", colours.fg, bg)  # words in the colour of a state, without its badge
        for tone, colours in tokens.badge.items()
        for g, bg in grounds.items()
    ]
    bubble = {"text": tokens.text, "marks": tokens.text2, "not sent": tokens.danger_text}
    found += [(f"{w} in a bubble", fg, tokens.accent_soft) for w, fg in bubble.items()]
    found += [
        (f"sender {number} on {g}", colours.fg, grounds[g])  # their name in a group, in the colour of their avatar
        for number, colours in enumerate(tokens.avatars)
        for g in ("surface", "raised", "bg")
    ]
    found += [("selected text", tokens.on_accent, tokens.accent), ("tool tip", tokens.text, tokens.raised)]
    found += [(f"badge {tone}", colours.fg, colours.bg) for tone, colours in tokens.badge.items()]
    found += [(f"avatar {number}", colours.fg, colours.bg) for number, colours in enumerate(tokens.avatars)]
    return found


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_everything_written_can_be_read(tokens: Tokens) -> None:
    too_faint = {name: round(contrast(fg, bg), 2) for name, fg, bg in pairs(tokens) if contrast(fg, bg) < READABLE}
    assert too_faint == {}


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_focus_and_strong_edges_can_be_seen(tokens: Tokens) -> None:
    for ground in (tokens.bg, tokens.surface, tokens.raised, tokens.selected):
        assert contrast(tokens.focus, ground) >= VISIBLE
    for ground in (tokens.surface, tokens.raised):
        assert contrast(tokens.border_strong, ground) >= VISIBLE


def test_a_system_that_does_not_say_is_taken_as_light(theme: Theme) -> None:
    theme.set_mode(Mode.SYSTEM)
    assert theme.tokens is LIGHT


def test_changing_the_mode_dresses_the_program_and_says_so(theme: Theme, qapp: QApplication) -> None:
    modes: list[Mode] = []
    theme.changed.connect(lambda: modes.append(theme.mode))
    theme.set_mode(Mode.DARK)
    theme.set_mode(Mode.DARK)
    assert modes == [Mode.DARK]
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(DARK.surface)
    assert DARK.accent in qapp.styleSheet()


def test_words_grow_with_the_chosen_size_and_no_further(theme: Theme) -> None:
    theme.set_text_scale(150)
    assert theme.font(14).pixelSize() == 21
    theme.set_text_scale(900)
    assert theme.text_scale == 200


def icon_names() -> list[str]:
    return sorted(file.stem for file in (translator.resources_folder() / "icons").glob("*.svg"))


@pytest.mark.parametrize("name", icon_names())
@pytest.mark.parametrize("ratio", [1.0, 1.25, 2.0])
def test_every_icon_is_drawn_in_the_colour_that_was_asked_for(qapp: QApplication, name: str, ratio: float) -> None:
    picture = icons.pixmap(name, "#ff0000", 24, ratio)
    assert picture.width() == round(24 * ratio)
    image = picture.toImage()
    seen = {
        image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())
        if image.pixelColor(x, y).alpha() == 255
    }  # fmt: skip
    assert "#ff0000" in seen if name != "conecta" else len(seen) > 1


def test_every_icon_that_is_named_exists() -> None:
    import re

    known = set(icon_names())
    app = Path(__file__).parent.parent.parent / "app" / "ui"
    named = {
        name
        for file in app.rglob("*.py")
        for name in re.findall(r'(?:icon|pixmap)\(\s*"([a-z-]+)"', file.read_text("utf-8"))
    }
    assert named - known == set()


def _option(theme: Theme, *, checked: bool) -> QWidget:
    control = SegmentedControl(theme, [False, True])
    control.set_text("Ao fechar", ["Encerrar", "Continuar na bandeja"])
    control.choose(checked)
    return control


def _box(theme: Theme, *, checked: bool) -> QWidget:
    box = CheckBox(theme, "Segunda-feira")
    box.setChecked(checked)
    return box


def _card(theme: Theme, *, checked: bool) -> QWidget:
    card = RadioCard(theme)
    card.show_words("Z-API", "Serviço pago")
    card.setChecked(checked)
    return card


def _button(_theme: Theme, *, role: str) -> QWidget:
    button = QPushButton("Conferir")
    button.setProperty("role", role)
    return button


_CONTROLS: dict[str, Callable[[Theme], QWidget]] = {
    **{
        f"{name} {'checked' if checked else 'free'}": partial(make, checked=checked)
        for name, make in (("option", _option), ("box", _box), ("card", _card))
        for checked in (False, True)
    },
    **{
        f"button {role}": partial(_button, role=role)
        for role in ("", "primary", "danger", "quiet", "pick", "index", "link")
    },
    "field": lambda _theme: QLineEdit("20:00"),
    "text": lambda _theme: QPlainTextEdit("Nota"),
}


@pytest.mark.parametrize("mode", [Mode.LIGHT, Mode.DARK])
@pytest.mark.parametrize("name", _CONTROLS)
def test_what_cannot_be_used_looks_so(theme: Theme, name: str, mode: Mode) -> None:
    theme.set_mode(mode)
    control = _CONTROLS[name](theme)
    control.resize(300, control.sizeHint().height())
    control.show()
    enabled = control.grab().toImage()
    control.setEnabled(False)
    assert control.grab().toImage() != enabled
    control.hide()
    control.deleteLater()
