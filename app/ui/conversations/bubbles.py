"""Computes the layout of a message bubble, once per width."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QTextCharFormat, QTextLayout, QTextOption

from app.domain.messages import DeliveryStatus, MessageKind
from app.text import conversation as conversation_text
from app.text.conversation import clipped, one_line, reactions
from app.text.signs import Tone
from app.text.status import texts
from app.ui.conversations.highlight import Span, spans
from app.ui.conversations.thread_model import ThreadRow
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme

_RTL = Qt.LayoutDirection.RightToLeft
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignAbsolute


@dataclass(frozen=True, slots=True)
class TextLayout:
    """Laid-out lines and their size; *reach* is the right end of the last line, in pixels."""

    layout: QTextLayout
    width: float
    height: float
    reach: float


def layout_text(
    text: str,
    font: QFont,
    room: float,
    *,
    lines: int | None = None,
    marked: QTextCharFormat | None = None,
    spans: Sequence[Span] = (),
) -> TextLayout:
    """*text* in at most *lines* lines no wider than *room*; too long words break anywhere."""
    shown = text.replace("\n", "\u2028").replace("\t", " ")  # a sign for a sign: places stay what they are
    backwards = not text.isascii() and is_rtl(text)
    formats = _formats(shown, spans, marked) if marked is not None and spans else []
    layout, width, height = _break(shown, font, room, lines, formats, backwards=backwards)
    if backwards and width < room:
        layout, width, height = _break(shown, font, width, lines, formats, backwards=backwards)
    last = layout.lineAt(layout.lineCount() - 1)
    return TextLayout(layout, width, height, width if backwards else last.naturalTextWidth())


def mark(ground: str, colour: str) -> QTextCharFormat:
    """Format of search hits: a background colour and a heavier weight."""
    found = QTextCharFormat()
    found.setBackground(QColor(ground))
    found.setForeground(QColor(colour))
    found.setFontWeight(QFont.Weight.DemiBold)
    return found


def is_rtl(text: str) -> bool:
    """Whether the first letter that has a direction is read from the right."""
    for sign in text[:200]:
        direction = unicodedata.bidirectional(sign)
        if direction in {"L", "R", "AL"}:
            return direction != "L"
    return False


def _break(
    shown: str,
    font: QFont,
    room: float,
    most: int | None,
    formats: list[QTextLayout.FormatRange],
    *,
    backwards: bool,
) -> tuple[QTextLayout, float, float]:
    layout = QTextLayout(shown, font)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    if backwards:
        option.setTextDirection(_RTL)
        option.setAlignment(_RIGHT)
    layout.setTextOption(option)
    layout.setCacheEnabled(True)
    if formats:
        layout.setFormats(formats)
    height = width = 0.0
    layout.beginLayout()
    while (most is None or layout.lineCount() < most) and (line := layout.createLine()).isValid():
        line.setLineWidth(room)
        line.setPosition(QPointF(0, height))
        height += line.height()
        width = max(width, line.naturalTextWidth())
    layout.endLayout()
    return layout, min(width + 1, room), height  # the last fraction of a pixel must not break a word


def _formats(shown: str, spans: Sequence[Span], marked: QTextCharFormat) -> list[QTextLayout.FormatRange]:
    """Convert positions to Qt's UTF-16 units."""
    found = []
    for start, stop in spans:
        each = QTextLayout.FormatRange()
        each.start = _units(shown[:start])
        each.length = _units(shown[start:stop])
        each.format = marked
        found.append(each)
    return found


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


_MEDIUM, _DEMI = QFont.Weight.Medium, QFont.Weight.DemiBold


@dataclass(frozen=True, slots=True)
class BubbleColours:
    """The colours of one side's bubbles."""

    ground: str
    edge: str
    text: str
    quiet: str
    sunken: str
    accent: str


class BubbleStyle:
    """Immutable: a change of theme or text size makes a new one."""

    def __init__(self, theme: Theme) -> None:
        colours = theme.tokens
        self.px = theme.px
        self.colours = colours
        self.text_font = theme.font(t.TEXT_BODY)
        self.name_font = theme.font(t.TEXT_SMALL, _DEMI)
        self.meta_font = theme.font(t.TEXT_CAPTION)
        self.meta_font.setFeature(QFont.Tag("tnum"), 1)
        self.day_font = theme.font(t.TEXT_CAPTION, _MEDIUM)
        self.kind_font = theme.font(t.TEXT_BODY, _MEDIUM)
        self.small_font = theme.font(t.TEXT_SMALL)
        self.sign_font = theme.font(t.TEXT_SMALL)
        self.meta = QFontMetricsF(self.meta_font)
        self.name = QFontMetricsF(self.name_font)
        self.day = QFontMetricsF(self.day_font)
        self.kind = QFontMetricsF(self.kind_font)
        self.small = QFontMetricsF(self.small_font)
        self.sign = QFontMetricsF(self.sign_font)
        self.line = QFontMetricsF(self.text_font).height()
        self.incoming = BubbleColours(
            ground=colours.raised if colours.dark else colours.surface,
            edge=colours.border,
            text=colours.text,
            quiet=colours.text3,
            sunken=colours.bg,
            accent=colours.border_strong,
        )
        self.outgoing = BubbleColours(
            ground=colours.accent_soft,
            edge=colours.accent_soft,
            text=colours.text,
            quiet=colours.text2,
            sunken=colours.selected if colours.dark else colours.surface,
            accent=colours.accent,
        )

    def colours_of(self, *, from_me: bool) -> BubbleColours:
        return self.outgoing if from_me else self.incoming

    def voice(self, name: str) -> str:
        """The colour of a sender's name in a group, always the same."""
        return self.colours.avatars[sum(name.encode()) % len(self.colours.avatars)].fg


LETTERS, LINES = 1200, 24
"""Longer texts are cut: the details show them whole."""
_READ = 4 * LETTERS  # some of it may not be seen
_QUOTE_LETTERS, _QUOTE_LINES, _KIND_LINES = 240, 3, 3
_SIDE, _FAR, _WIDEST = 16, 40, 560  # to the near edge of the view, to the far one at least, and across
_IN_X, _IN_TOP, _IN_BOTTOM = 12, 8, 7
_ICON, _MARK, _GAP = 16, 13, 5
_BAR = 10
_AWAY = 12  # between the end of the text and the line of marks behind it
_SIGNS_WIDEST = 220
_FOUND = Tone.WAITING  # the colours of words that were searched for


@dataclass(slots=True)
class Mark:
    """One sign of the line that ends a bubble: an icon, or words."""

    colour: str
    width: float
    icon: str = ""
    text: str = ""
    filled: bool = False


@dataclass(slots=True)
class Bubble:
    """The layout of a bubble, from the top left corner of the row. Missing parts are None or empty."""

    paint: BubbleColours
    quiet: bool  # revoked: the text is kept, and does not speak up
    height: float = 0
    frame: QRectF = field(default_factory=QRectF)
    day: str = ""
    day_frame: QRectF | None = None
    name: str = ""
    name_colour: str = ""
    name_at: QPointF | None = None
    quote: TextLayout | None = None
    quote_frame: QRectF | None = None
    kind: TextLayout | None = None
    kind_icon: str = ""
    kind_frame: QRectF | None = None
    text: TextLayout | None = None
    text_at: QPointF | None = None
    more: str = ""
    more_at: QPointF | None = None
    marks: list[Mark] = field(default_factory=list)
    marks_at: QPointF | None = None
    signs: str = ""
    signs_frame: QRectF | None = None


def lay_out(
    row: ThreadRow, width: int, look: BubbleStyle, *, day: str = "", in_group: bool = False, searched: str = ""
) -> Bubble:
    """The bubble of *row* in a view *width* pixels wide, with the words of *searched* marked."""
    return _Builder(row, width, look, searched).build(day, in_group=in_group)


class _Builder:
    """Stacks the parts of a bubble; `y` is the top of the next one."""

    def __init__(self, row: ThreadRow, width: int, look: BubbleStyle, searched: str) -> None:
        px = look.px
        self._row, self._message, self._look, self._searched = row, row.message, look, searched
        self._width = width
        self._inset = px(_IN_X)
        self._left = float(px(_SIDE) + self._inset)  # as if it came in; what goes out is moved over at the end
        self._room = float(max(min(width - px(_SIDE) - px(_FAR), px(_WIDEST)) - 2 * self._inset, px(60)))
        self._widest = 0.0
        self._reach: float | None = None  # where the last line ends: what is behind it is free for the marks
        self._made = Bubble(look.colours_of(from_me=self._message.from_me), quiet=self._message.revoked_at is not None)
        self._y = float(px(10) if row.leads else px(3))

    def build(self, day: str, *, in_group: bool) -> Bubble:
        if day:
            self._add_day(day)
        top = self._y
        self._y += self._look.px(_IN_TOP)
        if in_group and self._row.leads and not self._message.from_me:
            self._add_name()
        self._add_quote()
        if self._message.kind is not MessageKind.TEXT:
            self._add_kind()
        self._add_text()
        self._add_marks()
        return self._finish(top)

    def _add_day(self, day: str) -> None:
        look, px = self._look, self._look.px
        wide, high = look.day.horizontalAdvance(day) + px(20), look.day.height() + px(8)
        self._made.day = day
        self._made.day_frame = QRectF((self._width - wide) / 2, px(14), wide, high)
        self._y = self._made.day_frame.bottom() + px(10)

    def _add_name(self) -> None:
        look, name = self._look, one_line(self._message.sender_name)
        if not name:
            return
        self._made.name = look.name.elidedText(name, Qt.TextElideMode.ElideRight, self._room)
        self._made.name_colour = look.voice(name)
        self._made.name_at = QPointF(self._left, self._y)
        self._widest = max(self._widest, look.name.horizontalAdvance(self._made.name))
        self._y += look.name.height() + look.px(2)

    def _add_quote(self) -> None:
        if self._message.quoted_text is None:
            return
        look, px = self._look, self._look.px
        text = clipped(one_line(self._message.quoted_text), _QUOTE_LETTERS, 1) or texts("conversation.no_text")
        edges = px(_BAR) + px(8)
        quote = layout_text(text, look.small_font, self._room - edges, lines=_QUOTE_LINES)
        self._made.quote = quote
        self._made.quote_frame = QRectF(self._left, self._y, quote.width + edges, quote.height + px(10))
        self._widest = max(self._widest, quote.width + edges)
        self._y += quote.height + px(16)

    def _add_kind(self) -> None:
        look, px = self._look, self._look.px
        icon = px(_ICON) + px(_GAP) + 2
        kind = layout_text(conversation_text.kind(self._message), look.kind_font, self._room - icon, lines=_KIND_LINES)
        self._made.kind, self._made.kind_icon = kind, conversation_text.KIND_ICON[self._message.kind]
        self._made.kind_frame = QRectF(self._left, self._y, icon + kind.width, kind.height)
        self._widest = max(self._widest, icon + kind.width)
        self._y += kind.height + px(3)
        self._reach = icon + kind.reach

    def _add_text(self) -> None:
        body = conversation_text.body(self._message, _READ)
        if not body:
            return
        look = self._look
        shown = clipped(body, LETTERS, LINES)
        marked = mark(look.colours.badge[_FOUND].bg, look.colours.badge[_FOUND].fg) if self._searched else None
        where = spans(shown, self._searched) if self._searched else ()
        text = layout_text(shown, look.text_font, self._room, marked=marked, spans=where)
        self._made.text, self._made.text_at = text, QPointF(self._left, self._y)
        self._widest = max(self._widest, text.width)
        self._y += text.height
        self._reach = text.reach
        if shown != body or len(self._message.text) > _READ:
            self._made.more = texts("conversation.more")
            self._made.more_at = QPointF(self._left, self._y + look.px(3))
            self._widest = max(self._widest, look.name.horizontalAdvance(self._made.more))
            self._y += look.name.height() + look.px(3)
            self._reach = None

    def _add_marks(self) -> None:
        """Behind the last line of the text where they fit, else below it."""
        look, px, made = self._look, self._look.px, self._made
        made.marks = _marks(self._row, look, made.paint)
        wide, high = sum(mark_.width for mark_ in made.marks) + px(_GAP) * (len(made.marks) - 1), look.meta.height()
        behind = None if self._reach is None else self._reach + px(_AWAY) + wide
        if behind is not None and behind <= self._room:
            self._widest = max(self._widest, behind)
            top = self._y - high + px(2 if made.text else -1)
        else:
            self._widest = max(self._widest, wide)
            top = self._y + px(1)
            self._y = top + high
        made.marks_at = QPointF(self._left + self._widest - wide, top)

    def _finish(self, top: float) -> Bubble:
        made, px = self._made, self._look.px
        bottom = self._y + px(_IN_BOTTOM)
        made.frame = QRectF(self._left - self._inset, top, self._widest + 2 * self._inset, bottom - top)
        if made.quote_frame is not None:
            made.quote_frame.setWidth(self._widest)
        if self._message.from_me:
            self._move(self._width - px(_SIDE) - made.frame.right())
        made.height = bottom + px(1)
        self._add_signs()
        return made

    def _move(self, by: float) -> None:
        made = self._made
        for frame in (made.frame, made.quote_frame, made.kind_frame):
            if frame is not None:
                frame.translate(by, 0)
        for point in (made.name_at, made.text_at, made.more_at, made.marks_at):
            if point is not None:
                point.setX(point.x() + by)

    def _add_signs(self) -> None:
        """Reactions hang over the lower edge."""
        look, px, frame = self._look, self._look.px, self._made.frame
        given = reactions(self._message.reactions)
        if not given:
            return
        self._made.signs = look.sign.elidedText("  ".join(given), Qt.TextElideMode.ElideRight, px(_SIGNS_WIDEST))
        high = look.sign.height() + px(4)
        wide = max(look.sign.horizontalAdvance(self._made.signs) + px(14), high)
        left = frame.right() - wide - px(10) if self._message.from_me else frame.left() + px(10)
        self._made.signs_frame = QRectF(left, frame.bottom() - px(5), wide, high)
        self._made.height = self._made.signs_frame.bottom() + px(3)


def _marks(row: ThreadRow, look: BubbleStyle, paint: BubbleColours) -> list[Mark]:
    message, side = row.message, look.px(_MARK)

    def mark(text: str, colour: str = paint.quiet) -> Mark:
        return Mark(colour, look.meta.horizontalAdvance(text), text=text)

    found = []
    if message.revoked_at:
        found += [Mark(paint.quiet, side, icon="ban"), mark(texts("conversation.revoked"))]
    if message.revocation_asked:
        found.append(mark(texts("conversation.revocation_asked")))
    if message.edited_at:
        found.append(mark(texts("conversation.edited")))
    found.append(mark(conversation_text.clock_time(message.sent_at)))
    if message.from_me and message.delivery is not None:
        sign = conversation_text.DELIVERY_ICON[message.delivery]
        match message.delivery:
            case DeliveryStatus.FAILED:
                red = look.colours.danger_text
                found += [mark(conversation_text.delivery(message.delivery), red), Mark(red, side, icon=sign)]
            case DeliveryStatus.UNCERTAIN:
                found += [mark(conversation_text.delivery(message.delivery)), Mark(paint.quiet, side, icon=sign)]
            case DeliveryStatus.READ:  # told from delivered by its ground too, for who does not see the colour
                found.append(Mark(look.colours.on_accent, side + look.px(8), icon=sign, filled=True))
            case _:
                found.append(Mark(paint.quiet, side, icon=sign))
    return found
