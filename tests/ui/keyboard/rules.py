"""What a keyboard alone finds in a form: where it begins, in which order Tab goes, what Enter, Space and Esc do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import cmp_to_key

from PySide6.QtCore import QModelIndex, QRect, Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QDialog,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QTreeView,
    QWidget,
)
from shiboken6 import isValid

from app.text.status import texts
from app.ui.procedures.panel import ProcedurePanel
from app.ui.widgets.choices import DropdownButton
from tests.clock import settle
from tests.ui.controls import controls, walked_by_arrows

_MANY = 80
_CLOSING = (
    "dialog.cancel",
    "dialog.close",
    "begin.cancel",
    "bundle.cancel",
    "comparison.back",
    "conversation.close",
    "crash.close",
    "queue.leave",
    "smoke.cancel",
    "smoke.close",
    "trouble.cancel",
    "trouble.close",
)
"""The buttons that change nothing."""

_NO_ROLES = frozenset({QAccessible.Role.NoRole, QAccessible.Role.Client})
_CELLS = frozenset({QAccessible.Role.Cell, QAccessible.Role.ListItem, QAccessible.Role.TreeItem})

Field = QLineEdit | QPlainTextEdit


def fields(form: QWidget) -> list[Field]:
    """Where something can be written now, in the order of reading."""
    found: list[Field] = [*form.findChildren(QLineEdit), *form.findChildren(QPlainTextEdit)]
    can = [each for each in found if each.isVisible() and each.isEnabled() and not each.isReadOnly()]
    return sorted(can, key=cmp_to_key(_compare))


def is_open(form: QWidget) -> bool:
    """Whether it is there and can be seen."""
    return isValid(form) and form.isVisible()


def focused(form: QWidget) -> QWidget | None:
    """What has the focus in *form*, whichever window is in front."""
    found = form.window().focusWidget()
    return found if found is not None and (found is form or form.isAncestorOf(found)) else None


def check_spoken(form: QWidget) -> None:
    """Whatever can have the focus has a name and a role, and so has every row of a list: a screen reader says both."""
    found = unspoken(form)
    assert not found, found


def unspoken(form: QWidget) -> list[str]:
    """What can have the focus, and of which a screen reader cannot say what it is."""
    stops = (each for each in (form, *form.findChildren(QWidget)) if each.focusPolicy() is not Qt.FocusPolicy.NoFocus)
    faults = ((each, _fault(each)) for each in stops if each.isVisible())
    return [f"{_name(each)} in {type(each.parent()).__name__} {fault}" for each, fault in faults if fault]


def _fault(stop: QWidget) -> str:
    node = QAccessible.queryAccessibleInterface(stop)
    if not node.text(QAccessible.Text.Name).strip():
        return "has no name"
    by_tab = stop.focusPolicy() & Qt.FocusPolicy.TabFocus
    if by_tab and node.role() in _NO_ROLES and not isinstance(stop, QScrollArea):  # Qt gives a scroll area no other
        return "has no role"
    if isinstance(stop, QAbstractItemView) and stop.model() is not None:
        rows = list(_spoken_rows(node, stop.header().count() if isinstance(stop, QTreeView) else 1))
        if not all(rows):
            return "has a row without a name"
        if not rows and stop.model().rowCount(QModelIndex()):
            return "has no rows for a screen reader"
    return ""


def _spoken_rows(node: QAccessibleInterface, columns: int) -> Iterator[str]:
    """What a screen reader says of each row, all its cells together."""
    inside = (node.child(number) for number in range(min(node.childCount(), _MANY * columns)))
    cells = [each.text(QAccessible.Text.Name) for each in inside if each is not None and each.role() in _CELLS]
    for place in range(0, len(cells), columns):
        yield " ".join(cells[place : place + columns]).strip()


def check_beginning(form: QWidget) -> None:
    """A form begins in its first field, or the first that is empty; a question without one on what changes nothing."""
    here, writable = focused(form), fields(form)
    assert here is not None, "nothing has the focus"
    if writable:
        first = next((each for each in writable if not _text(each)), writable[0])
        choice = isinstance(here, DropdownButton) or (isinstance(here, QAbstractButton) and here.isCheckable())
        chosen_before = choice and _compare(here, first) < 0
        assert here in (writable[0], first) or chosen_before, f"begins on {_name(here)} instead of {_name(first)}"
    elif isinstance(here, QPushButton) and not isinstance(here, DropdownButton):
        assert here.text() in {texts(key) for key in _CLOSING}, f"begins on {_name(here)}"


async def check_order(form: QWidget) -> None:
    """Tab goes through everything that can be used, as it is read, and scrolls to it."""
    walked = await _walk(form)
    assert walked, "Tab leads nowhere"
    read = sorted(walked, key=cmp_to_key(_compare))
    first = walked.index(read[0])
    order = [*walked[first:], *walked[:first]]
    went, reads = [_name(each) for each in order], [_name(each) for each in read]
    assert went == reads, f"Tab goes {went}, and it is read {reads}"
    usable = [each for each in controls(form) if each.isEnabled() and each.focusPolicy() & Qt.FocusPolicy.TabFocus]
    assert not {_name(each) for each in usable if each not in walked and not walked_by_arrows(each)}, "never reached"


async def check_typing(form: QWidget) -> None:
    """Space in a field is a space, and Enter there neither gives up what was typed nor does what is destructive."""
    for field in fields(form):
        if not field.isVisible() or not field.isEnabled():
            continue
        pressed = _pressed(form)
        field.setFocus()
        field.selectAll()
        before = _text(field)
        QTest.keyClicks(field, "a b")
        assert not pressed, f"a space in {_name(field)} presses {pressed}"
        assert _text(field) in ("a b", "ab", "", before), "only what it may not hold is left out"
        QTest.keyClick(field, Qt.Key.Key_Return)
        await settle()
        assert "given up" not in pressed, f"Enter in {_name(field)} gives up"
        assert "danger" not in pressed, f"Enter in {_name(field)} does what cannot be undone"
        if not is_open(form):
            return


async def check_escape(form: QWidget) -> None:
    """Esc closes it, wherever the focus is."""
    here = focused(form)
    pressed = _pressed(form)
    QTest.keyClick(here or form, Qt.Key.Key_Escape)
    await settle()
    assert pressed[-1:] == ["given up"]


async def _walk(form: QWidget) -> list[QWidget]:
    """What has the focus after each Tab: all the way round, or from one end of *form* to the other."""
    start = focused(form)
    if start is None:
        return []
    found = [start] if start is not form else []
    while (here := await _press(form, Qt.Key.Key_Tab)) is not None and here not in found:
        found.append(here)
        for _ in range(20):  # what was just laid out anew is scrolled to a moment later
            if not here.visibleRegion().isEmpty():
                break
            await asyncio.sleep(0.05)
        assert not here.visibleRegion().isEmpty(), f"{_name(here)} has the focus and is out of sight"
        assert len(found) < _MANY
    assert here is None or here is found[0], f"Tab never leaves {_name(found[-1])}"
    if here is None:
        start.setFocus()
        while (here := await _press(form, Qt.Key.Key_Backtab)) is not None and here not in found:
            found.insert(0, here)
    (start if start.isVisible() else form).setFocus()
    return found


async def _press(form: QWidget, key: Qt.Key) -> QWidget | None:
    here = focused(form)
    assert here is not None
    QTest.keyClick(here, key)
    await asyncio.sleep(0)
    return focused(form)


def _compare(one: QWidget, other: QWidget) -> int:
    """Whether *one* is read before *other*: above it, or beside it on the left."""
    if one is other:
        return 0
    above = one
    while not above.isAncestorOf(other):
        parent = above.parentWidget()
        assert parent is not None
        above = parent
    a, b = _branch(one, above), _branch(other, above)
    if a.bottom() < b.top() or b.bottom() < a.top():
        return -1 if a.bottom() < b.top() else 1
    if a.right() < b.left() or b.right() < a.left():
        return -1 if a.right() < b.left() else 1
    return 0


def _branch(widget: QWidget, above: QWidget) -> QRect:
    """Where in *above* the part of it lies that has *widget*: how far that part is scrolled does not matter."""
    while (parent := widget.parentWidget()) is not None and parent is not above:
        widget = parent
    return widget.geometry()


def _pressed(form: QWidget) -> list[str]:
    """What happens from now on: "danger" for a button that is that, else its words; "given up" when it was closed."""
    happened: list[str] = []
    for button in form.findChildren(QAbstractButton):
        button.clicked.connect(
            lambda _checked=False, button=button: happened.append(
                "danger" if button.property("role") == "danger" else button.text()
            )
        )
    if isinstance(form, QDialog):
        form.rejected.connect(lambda: happened.append("given up"))
    elif isinstance(form, ProcedurePanel):
        form.closed.connect(lambda: happened.append("given up"))
    return happened


def _text(field: Field) -> str:
    return field.text() if isinstance(field, QLineEdit) else field.toPlainText()


def _name(widget: QWidget | None) -> str:
    if widget is None:
        return "nothing"
    words = widget.text() if isinstance(widget, QAbstractButton) else widget.accessibleName()
    return f"{type(widget).__name__} “{words}”"
