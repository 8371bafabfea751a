"""Paints a row: mentorado, provider, status, and the age of the status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPixmap, QStaticText
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from app.domain.link_status import LinkState
from app.domain.names import initials
from app.text import status as status_text
from app.text.signs import Tone, badge_icon, tone_of
from app.ui.theme import tokens as t
from app.ui.theme.icons import paint_icon_circle, paint_letter_circle, pixel_ratio, pixmap
from app.ui.theme.theme import Theme
from app.ui.theme.tokens import BadgeColours
from app.ui.widgets.labels import badge_size, paint_badge
from app.ui.widgets.tables import paint_row_ground, row_state

if TYPE_CHECKING:
    from app.domain.link_status import LinkStatus
    from app.domain.mentorado import Mentorado
    from app.ui.mentorado_list.row import MentoradoRow
    from app.ui.mentorado_list.ticks import Ticks


_LEFT = t.SPACE_6
_GAP = t.SPACE_3
_RIGHT = 24
_AGE_WIDTH = 78
_BADGE_MIN, _BADGE_MAX = 144, 208
_PROVIDER_WIDTH = 104
_NAME_MIN = 236
"""Where the name would get less than this beside it, the provider is left to the detail pane."""

_NAME_LEAST = 160
"""Where it would still get less than this, the badge stands below the name, in place of the number."""

_BOX, _BOX_TICK = 20, 15
_ABOVE, _BELOW = 13, 14
_SIGN = 14
_LEAST_WORDS = 40
"""In less room than this, nothing can be read."""
_BELL = 17

_DEMI = QFont.Weight.DemiBold


Painted = Callable[[int], "tuple[MentoradoRow, str, str]"]
"""The row at a place of the list, and in words how old its truth is and who is on it."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of a row of a given width, in pixels from its left edge. *below* is how far the badge and the age
    stand below the middle, where they are not beside the name.
    """

    name: int
    name_end: int
    provider: int | None
    badge: int
    badge_width: int
    right: int
    age: bool
    below: int = 0


class MentoradoDelegate(QStyledItemDelegate):
    """Knows fonts and colours of the theme in use; `restyle` takes new ones."""

    def __init__(self, theme: Theme, painted: Painted, ticks: Ticks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._painted = painted
        self._ticks = ticks
        self.by_keyboard = False
        """Whether the list is walked by keys, and so must show where they act."""
        self.restyle()

    def restyle(self) -> None:
        """Take the theme's colours and sizes as they are now."""
        theme = self._theme
        self._colours = theme.tokens
        self._name_font = theme.font(t.TEXT_NAME, _DEMI)
        self._small_font = theme.font(t.TEXT_SMALL)
        self._age_font = theme.font(t.TEXT_SMALL)
        self._age_font.setFeature(QFont.Tag("tnum"), 1)
        self._letters_font = theme.font(t.TEXT_NAME, _DEMI)
        self._avatar_size = theme.px(t.AVATAR_SIZE)
        self.row_height = theme.px(t.ROW_HEIGHT)
        self._columns = lru_cache(maxsize=16)(self._measure)
        self._static_text = lru_cache(maxsize=4096)(_static_text)

    def sizeHint(self, option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(option.rect.width(), self.row_height)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row, age, handled = self._painted(index.row())  # not by roles: each goes through Qt and back
        columns = self._columns(option.rect.width())
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(option.rect.topLeft())
        if row.early:
            self._paint_line(painter, columns)  # it is neither selected nor under the mouse yet
        else:
            self._paint_ground(painter, option, columns)
        self._paint_who(painter, row, handled, columns)
        if row.unseen:
            self._paint_dot(painter)
        if row.snoozed:
            self._paint_bell(painter)
        self._paint_state(painter, row, columns)
        if columns.age:
            self._paint_age(painter, age, columns)
        painter.restore()

    def badge_words(self, status: LinkStatus, room: int, *, stopped: bool = False) -> tuple[str, bool]:
        """What the badge says in *room* pixels, and whether a mark beside it has to say that sending is limited or
        *stopped*."""
        words = status_text.state_badge(status, stopped=stopped)
        in_words = status_text.is_limited(status) or (stopped and status.state is LinkState.CONNECTED)
        marked = (stopped and not in_words) or (in_words and badge_size(words, self._theme).width() > room)
        return (status_text.row_badge(status) if marked else words), marked

    def _measure(self, width: int) -> _Columns:
        px = self._theme.px
        right = width - _RIGHT
        name = _LEFT + self._avatar_size + _GAP
        badge_width = min(max(px(_BADGE_MIN), round(width * 0.24)), px(_BADGE_MAX))
        badge = right - px(_AGE_WIDTH) - t.SPACE_2 - badge_width
        provider: int | None = badge - px(_PROVIDER_WIDTH) - t.SPACE_3
        if provider is not None and provider - name < px(_NAME_MIN):
            provider = None
        name_end = (badge if provider is None else provider) - t.SPACE_3
        if name_end - name >= px(_NAME_LEAST):
            return _Columns(name, name_end, provider, badge, badge_width, right, age=True)
        beside_age = right - name - px(_AGE_WIDTH) - t.SPACE_2
        aged = beside_age >= px(_BADGE_MIN)
        badge_width = min(beside_age if aged else right - name, px(_BADGE_MAX))
        return _Columns(name, right, None, name, badge_width, right, age=aged, below=px(_BELOW))

    def _paint_ground(self, painter: QPainter, option: QStyleOptionViewItem, columns: _Columns) -> None:
        colours = self._colours
        selected, hovered, has_focus = row_state(option)
        fill = colours.selected if selected else colours.hover if hovered else None
        ground = QRectF(8, 2, option.rect.width() - 8 - 9, self.row_height - 4)
        focused = selected and self.by_keyboard and has_focus
        paint_row_ground(painter, colours, ground, fill, marked=selected, focused=focused)
        if not selected:
            self._paint_line(painter, columns)

    def _paint_line(self, painter: QPainter, columns: _Columns) -> None:
        line = QRectF(columns.name, self.row_height - 1, columns.right - columns.name, 1)
        painter.fillRect(line, QColor(self._colours.border))

    @property
    def box_end(self) -> int:
        """Where the boxes end, in pixels from the left edge of a row."""
        return _LEFT + self._avatar_size + _GAP // 2

    def _paint_box(self, painter: QPainter, *, ticked: bool) -> None:
        colours, side, middle = self._colours, self._theme.px(_BOX), self.row_height / 2
        left = _LEFT + (self._avatar_size - side) / 2
        painter.setPen(QPen(QColor(colours.accent if ticked else colours.border_strong), 1))
        painter.setBrush(QColor(colours.accent if ticked else colours.bg))
        painter.drawRoundedRect(QRectF(left, middle - side / 2, side, side).adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
        if ticked:
            tick = self._theme.px(_BOX_TICK)
            place = QPointF(_LEFT + (self._avatar_size - tick) / 2, middle - tick / 2)
            painter.drawPixmap(place, pixmap("check", colours.on_accent, tick, pixel_ratio(painter)))

    def _paint_avatar(self, painter: QPainter, mentorado: Mentorado) -> None:
        ratio = pixel_ratio(painter)
        picture = avatar(
            initials(mentorado.name),
            self._colours.avatar(mentorado.id),
            self._avatar_size,
            self._letters_font,
            ratio,
        )
        painter.drawPixmap(QPointF(_LEFT, (self.row_height - self._avatar_size) / 2), picture)

    def _paint_who(self, painter: QPainter, row: MentoradoRow, handled: str, columns: _Columns) -> None:
        mentorado = row.mentorado
        if self._ticks.open:
            self._paint_box(painter, ticked=mentorado.id in self._ticks)
        else:
            self._paint_avatar(painter, mentorado)
        colours, px, left = self._colours, self._theme.px, columns.name
        room, below = columns.name_end - left, self.row_height / 2 + px(10)
        top = self.row_height / 2 - px(_ABOVE if columns.below else 10)
        side = px(_SIGN)
        signs = [("note", colours.text3)] if row.notes else []
        if handled and columns.below:  # there is no room to say by whom
            signs.append(("user-check", colours.on_accent_soft))
        signed = room - len(signs) * (side + t.SPACE_2)
        end = left + self._line(painter, mentorado.name, self._name_font, colours.text, left, top, signed)
        for sign, colour in signs:
            self._sign(painter, sign, colour, end + t.SPACE_2, top)
            end += t.SPACE_2 + side
        if columns.below:
            return
        if handled:  # the number gives way: it can be read in the pane
            self._sign(painter, "user-check", colours.on_accent_soft, left, below)
            left, room = left + side + t.SPACE_1, room - side - t.SPACE_1
            used = self._line(painter, handled, self._small_font, colours.on_accent_soft, left, below, room) + t.SPACE_1
            left, room = left + used, room - used
        rest = " · ".join(filter(None, (status_text.shown_number(mentorado), mentorado.cohort)))
        if room > px(_LEAST_WORDS):
            rest = f"· {rest}" if handled else rest
            self._line(painter, rest, self._small_font, colours.text3, left, below, room)

    def _sign(self, painter: QPainter, name: str, colour: str, left: float, middle: float) -> None:
        side = self._theme.px(_SIGN)
        painter.drawPixmap(QPointF(left, middle - side / 2), pixmap(name, colour, side, pixel_ratio(painter)))

    def _paint_dot(self, painter: QPainter) -> None:
        """A dot at the corner of the picture: what happened to this one was not looked at yet."""
        side, px = self._avatar_size, self._theme.px
        centre = QPointF(_LEFT + side - px(4), (self.row_height - side) / 2 + px(4))
        painter.setPen(QPen(QColor(self._colours.surface), 2))
        painter.setBrush(QColor(self._colours.badge[Tone.ERROR].fg))
        painter.drawEllipse(centre, px(6), px(6))

    def _paint_bell(self, painter: QPainter) -> None:
        """A bell that is crossed out at the other corner: nobody is told of this one."""
        side, sign = self._avatar_size, self._theme.px(_BELL)
        top = (self.row_height + side) / 2 - sign + 1
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._colours.surface))
        painter.drawEllipse(QRectF(_LEFT + side - sign - 1, top - 2, sign + 4, sign + 4))
        picture = mark("bell-off", self._colours.badge[Tone.IDLE], sign, pixel_ratio(painter))
        painter.drawPixmap(QPointF(_LEFT + side - sign + 1, top), picture)

    def _paint_state(self, painter: QPainter, row: MentoradoRow, columns: _Columns) -> None:
        mentorado, status, stopped = row.mentorado, row.known, row.stop is not None
        middle, px, ratio = self.row_height / 2 + columns.below, self._theme.px, pixel_ratio(painter)
        if columns.provider is not None:
            word = status_text.provider(mentorado.link.provider)
            self._line(
                painter, word, self._small_font, self._colours.text2, columns.provider, middle, px(_PROVIDER_WIDTH)
            )
        if row.early:
            return
        words, marked = self.badge_words(status, columns.badge_width, stopped=stopped)
        if status.state in (LinkState.OFF, LinkState.RECONNECTING):
            words = status_text.mentorado_badge(mentorado, status)
        room = columns.badge_width - (px(MARK_SIZE) + t.SPACE_1 if marked else 0)
        picture = badge(words, badge_icon(status), tone_of(status), room, self._theme, ratio)
        size = picture.deviceIndependentSize()
        painter.drawPixmap(QPointF(columns.badge, middle - size.height() / 2), picture)
        if marked:
            side = px(MARK_SIZE)
            look = ("octagon-alert", Tone.ERROR) if stopped else ("lock", Tone.WAITING)
            sign = mark(look[0], self._colours.badge[look[1]], side, ratio)
            painter.drawPixmap(QPointF(columns.badge + size.width() + t.SPACE_1, middle - side / 2), sign)

    def _paint_age(self, painter: QPainter, age: str, columns: _Columns) -> None:
        if age:
            room = self._theme.px(_AGE_WIDTH)
            line = self._static_text(age, self._age_font, room)
            left = columns.right - line.width
            self._draw(painter, line, self._age_font, self._colours.text3, left, self.row_height / 2 + columns.below)

    def _line(
        self, painter: QPainter, words: str, font: QFont, colour: str, left: float, middle: float, room: int
    ) -> int:
        """Returns how many pixels it took."""
        line = self._static_text(words, font, room)
        self._draw(painter, line, font, colour, left, middle)
        return round(line.width)

    def _draw(self, painter: QPainter, line: _Line, font: QFont, colour: str, left: float, middle: float) -> None:
        painter.setFont(font)
        painter.setPen(QColor(colour))
        painter.drawStaticText(QPointF(left, middle - line.height / 2), line.static)


class _Line(NamedTuple):
    """Words that are laid out, and the room they take."""

    static: QStaticText
    width: float
    height: float


def _static_text(words: str, font: QFont, room: int) -> _Line:
    """*words* laid out once, shortened to *room*."""
    static = QStaticText(words)
    static.setTextFormat(Qt.TextFormat.PlainText)
    static.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
    static.prepare(font=font)
    size = static.size()
    if size.width() > room:  # measured first would be laid out twice, and nearly all of them fit
        static.setText(QFontMetricsF(font).elidedText(words, Qt.TextElideMode.ElideRight, room))
        static.prepare(font=font)
        size = static.size()
    return _Line(static, size.width(), size.height())


MARK_SIZE = 20


@lru_cache(maxsize=2048)
def avatar(letters: str, colours: BadgeColours, size: int, font: QFont, ratio: float) -> QPixmap:
    """*letters* in a circle of *size* logical pixels."""
    picture = _blank_pixmap(size, size, ratio)
    painter = _painter(picture)
    paint_letter_circle(painter, QRectF(0, 0, size, size), colours, letters, font)
    painter.end()
    return picture


def badge(word: str, icon_name: str, tone: Tone, room: int, theme: Theme, ratio: float) -> QPixmap:
    """The badge as wide as *word* needs, or as wide as *room* allows."""
    return _badge(word, icon_name, tone, room, theme, theme.tokens.dark, theme.text_scale, ratio)


@lru_cache(maxsize=512)
def _badge(
    word: str, icon_name: str, tone: Tone, room: int, theme: Theme, _dark: bool, _text_scale: int, ratio: float
) -> QPixmap:
    size = badge_size(word, theme)
    width, height = min(size.width(), room), size.height()
    picture = _blank_pixmap(width, height, ratio)
    painter = _painter(picture)
    paint_badge(painter, QRect(0, 0, width, height), tone, icon_name, word, theme)
    painter.end()
    return picture


@lru_cache(maxsize=32)
def mark(icon_name: str, colours: BadgeColours, size: int, ratio: float) -> QPixmap:
    """A small round mark beside a badge."""
    picture = _blank_pixmap(size, size, ratio)
    painter = _painter(picture)
    paint_icon_circle(painter, QRectF(0, 0, size, size), colours, icon_name, round(size * 0.6))
    painter.end()
    return picture


def _blank_pixmap(width: int, height: int, ratio: float) -> QPixmap:
    picture = QPixmap(round(width * ratio), round(height * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    return picture


def _painter(picture: QPixmap) -> QPainter:
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    return painter
