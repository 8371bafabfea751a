"""All settings on one page, section by section, with a list of sections beside them where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.text.status import texts
from app.ui.navigation import Page
from app.ui.settings.section import Section
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.accessibility import focusable
from app.ui.widgets.layouts import hbox, vbox

_INDEX_FROM = 940
_WIDEST = 720
_INDEX_WIDTH = 200
_INWARDS: Final = frozenset({Qt.Key.Key_Tab, Qt.Key.Key_Right, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space})


class SettingsPage(Page):
    """Every control applies at once; there is nothing to save."""

    def __init__(self, *, theme: Theme, sections: Sequence[Section], parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.sections = list(sections)
        self._wanted: Section | None = None
        # From the outside to the inside: whatever is filled first is dressed anew with each parent that it gets.
        self._sections_box, self._column, centred = QWidget(), QWidget(), QWidget()
        self.area = QScrollArea(widgetResizable=True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        both = hbox(self._sections_box, (self.area, 1))
        self.column.addLayout(both, 1)
        middle = QHBoxLayout(centred)
        middle.setContentsMargins(0, 0, 0, 0)
        middle.addWidget(self._column, 1)
        middle.addStretch(0)
        self.area.setWidget(centred)
        sections_layout = QVBoxLayout(self._sections_box)
        sections_layout.setContentsMargins(t.SPACE_6, t.SPACE_6, 0, t.SPACE_6)
        sections_layout.setSpacing(t.SPACE_1)
        column = vbox(inside=self._column, margins=(t.SPACE_6, t.SPACE_6, t.SPACE_6, t.SPACE_8), spacing=t.SPACE_4)
        self._links: list[QPushButton] = []
        for section in self.sections:
            link = QPushButton()
            link.setProperty("role", "index")
            link.clicked.connect(partial(self._go_to, section))
            link.installEventFilter(self)
            self._links.append(link)
            sections_layout.addWidget(link)
        sections_layout.addStretch(1)
        for section in self.sections:  # after all links, as Tab goes
            column.addWidget(section)
        column.addStretch(1)
        self.area.verticalScrollBar().valueChanged.connect(self._mark_current_section)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.restyle()

    def take_focus(self) -> None:
        here = next((link for link in self._links if link.isVisible() and link.property("here")), self)
        here.setFocus(Qt.FocusReason.OtherFocusReason)  # Tab goes on to the first control

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The list of sections is one stop of Tab: arrows walk it, and Tab or Enter leads into the section."""
        if event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and watched in self._links:
            place = [link is watched for link in self._links].index(True)
            if step := (event.key() == Qt.Key.Key_Down) - (event.key() == Qt.Key.Key_Up):
                there = self._links[min(max(place + step, 0), len(self._links) - 1)]
                there.setFocus(Qt.FocusReason.TabFocusReason)
                there.click()
                return True
            if event.key() in _INWARDS:
                return self._enter(self.sections[place])
        return super().eventFilter(watched, event)

    def _enter(self, section: Section) -> bool:
        """Put the keyboard on the first control of *section*; whether it has one."""
        layout = section.layout()
        stops = focusable(layout) if layout is not None else iter(())
        first = next((each for each in stops if _is_stop(each)), None)
        self._go_to(section)
        if first is not None:
            first.setFocus(Qt.FocusReason.TabFocusReason)
        return first is not None

    def restyle(self) -> None:
        super().restyle()
        self._column.setMaximumWidth(self._theme.px(_WIDEST))
        self._sections_box.setFixedWidth(self._theme.px(_INDEX_WIDTH))
        self._arrange()

    def retranslate(self) -> None:
        super().retranslate()
        self.set_title(texts("settings.title"), texts("settings.summary"))
        for link, section in zip(self._links, self.sections, strict=True):
            section.retranslate()
            link.setText(section.title)
            link.setAccessibleName(section.title)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        for section in self.sections:
            section.refresh()
        self._mark_current_section()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        self._sections_box.setVisible(self.width() >= self._theme.px(_INDEX_FROM))

    def reveal(self, section: str) -> None:
        """Scroll to the section called so, once the page has its size."""
        self._wanted = next(each for each in self.sections if each.name == section)
        QTimer.singleShot(0, self._reveal)

    def _reveal(self) -> None:
        if self._wanted is not None:
            self._enter(self._wanted)
        self._wanted = None

    def _go_to(self, section: Section, _checked: bool = False) -> None:
        bar = self.area.verticalScrollBar()
        bar.setValue(section.mapTo(self._column, section.rect().topLeft()).y() - t.SPACE_4)
        self._mark_current_section(at=section)

    def _mark_current_section(self, _value: int = 0, *, at: Section | None = None) -> None:
        """The section that is read now: the last one that has reached the top, or nearly."""
        border = self.area.verticalScrollBar().value() + self._theme.px(t.HEADER_HEIGHT)
        reached = [section for section in self.sections if section.y() <= border]
        here = at or (reached[-1] if reached else self.sections[0])
        for link, section in zip(self._links, self.sections, strict=True):
            link.setProperty("here", section is here)
            link.setFocusPolicy(Qt.FocusPolicy.StrongFocus if section is here else Qt.FocusPolicy.ClickFocus)
            link.style().unpolish(link)
            link.style().polish(link)


def _is_stop(widget: QWidget) -> bool:
    by_tab = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    return bool(by_tab) and widget.isVisible() and widget.isEnabled()
