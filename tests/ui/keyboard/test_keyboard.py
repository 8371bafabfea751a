"""Every form, sheet and dialog by the keyboard alone."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

import app.ui
from app.ui.dialogs.base import BaseDialog, ScrollDialog
from app.ui.dialogs.confirm import ReasonDialog
from app.ui.dialogs.files import FileDialog, SaveDialog
from app.ui.procedures.forms import ProcedureForm
from app.ui.procedures.panel import ProcedurePanel
from app.ui.theme.theme import Theme
from tests.ui.keyboard.rules import (
    check_beginning,
    check_escape,
    check_order,
    check_spoken,
    check_typing,
    is_open,
)
from tests.ui.keyboard.surfaces import SURFACES

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

_NOT_OURS = {FileDialog, SaveDialog}  # Qt arranges them
_ABSTRACT = {BaseDialog, ScrollDialog, ReasonDialog, ProcedureForm, *_NOT_OURS}
_SEEN: set[type] = set()


@pytest.fixture
def folder(fast_dir: Path) -> Path:
    return fast_dir


@pytest.mark.parametrize("name", SURFACES)
async def test_a_keyboard_is_enough(theme: Theme, folder: Path, name: str) -> None:
    async with SURFACES[name](theme, folder) as form:
        _SEEN.update({type(form), *(type(form.form) for form in (form,) if isinstance(form, ProcedurePanel))})
        check_spoken(form)
        check_beginning(form)
        await check_order(form)
        await check_typing(form)
        if is_open(form) and isinstance(form, (QDialog, ProcedurePanel)):
            await check_escape(form)


def test_no_form_is_left_out() -> None:
    """Runs after all of the above; a new dialog or form needs its place in `SURFACES`."""
    for module in pkgutil.walk_packages(app.ui.__path__, "app.ui."):
        importlib.import_module(module.name)
    if len(_SEEN) < 2:
        pytest.skip("only together with the test that opens all of them")
    assert {each.__name__ for each in _kinds()} - {each.__name__ for each in _SEEN} == set()


def _kinds() -> Iterator[type]:
    waiting: list[type] = [QDialog, ProcedureForm]
    while waiting:
        kind = waiting.pop()
        subclasses: list[type] = kind.__subclasses__()
        for each in subclasses:
            waiting.append(each)
            if each.__module__.startswith("app.ui.") and each not in _ABSTRACT:
                yield each


class _OldBackupForm(QWidget):
    """As it was, beside the list: the button was made, and came, before the passphrase."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.begin = QPushButton("Fazer backup sem proteção")
        self.phrase = QLineEdit()
        row = QHBoxLayout()
        row.addWidget(self.begin)
        column = QVBoxLayout(self)
        column.addWidget(self.phrase)
        column.addLayout(row)
        self.begin.setFocus()


async def test_the_rules_refuse_the_form_that_made_unprotected_backups(theme: Theme) -> None:
    assert theme
    window = QWidget()
    search = QLineEdit(window)
    form = _OldBackupForm(window)
    window.show()
    assert search.isVisible()
    with pytest.raises(AssertionError, match="has no name"):
        check_spoken(form)
    with pytest.raises(AssertionError, match="begins on"):
        check_beginning(form)
    form.phrase.setFocus()
    check_beginning(form)
    with pytest.raises(AssertionError, match="Fazer backup"):
        await check_order(form)
    window.hide()
    window.deleteLater()
