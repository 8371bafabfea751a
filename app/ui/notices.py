"""Notices above the list: what happened, what to do, and a button to dismiss them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.core.trusted_time import ClockCheck
from app.domain.campaign import Campaign, CampaignId, PauseReason
from app.domain.errors import Problem
from app.domain.events import (
    CampaignsChanged,
    ClockDoubted,
    ProcedureChanged,
)
from app.domain.mentorado import MentoradoId
from app.domain.procedure import Procedure, ProcedureId, ProcedureState
from app.settings import Settings
from app.text import status as status_text
from app.text.procedure import title
from app.text.signs import Tone
from app.text.status import clock_doubt, texts
from app.ui.async_slots import async_slot
from app.ui.theme import tokens as t
from app.ui.theme.icons import icon, pixmap
from app.ui.theme.theme import Theme
from app.ui.widgets.announcement import announce

_ICON = 18
_SHARE_OF_BUTTONS = 0.42
_SHARE_OF_WINDOW = 0.4
Choice = tuple[Callable[[], str], Callable[[], None]]
"""A button of a notice: its label and its callback."""


class BannerFrame(QFrame):
    """One notice. It follows the language when `retranslate` is called."""

    dismissed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.problem: Problem | None = None

    def height_at(self, width: int) -> int:
        """Arrange the notice for *width*; its height in pixels is then."""
        return self.heightForWidth(width)

    def retranslate(self) -> None:
        """Show everything in the language of the moment."""


class _Banner(BannerFrame):
    """One notice: a sentence, the next step, and a cross when it can be put aside."""

    def __init__(
        self,
        say: Callable[[], str],
        theme: Theme,
        *,
        dismissible: bool,
        quiet: bool = False,
        good: bool = False,
        choices: Sequence[Choice] = (),
    ) -> None:
        super().__init__()
        self._say = say
        self._good = good
        self._theme = theme
        self._quiet = quiet
        self.setProperty("role", "good-banner" if good else "quiet-banner" if quiet else "banner")
        self._sign = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._words = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._words.setProperty("role", "good-banner" if good else "secondary" if quiet else "banner")
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._cross = QPushButton()
        self._cross.setProperty("role", "quiet")
        self._cross.clicked.connect(self.dismissed)
        if not dismissible:  # shown here, before it has a parent, it would be a window of its own
            self._cross.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(t.SPACE_3, t.SPACE_1, t.SPACE_1, t.SPACE_1)
        layout.setSpacing(t.SPACE_3)
        layout.addWidget(self._sign)
        self._flow = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._flow.setSpacing(t.SPACE_3)
        self._flow.addWidget(self._words, 1)
        layout.addLayout(self._flow, 1)
        self._choices = [(QPushButton(), label) for label, _do in choices]
        buttons = QHBoxLayout()
        buttons.setSpacing(t.SPACE_3)
        for (button, _label), (_, do) in zip(self._choices, choices, strict=True):
            if quiet:
                button.setProperty("role", "link")
            button.clicked.connect(lambda _checked=False, do=do: do())
            buttons.addWidget(button)
        if choices:
            buttons.addStretch()  # they stay on the left below the words
            self._flow.addLayout(buttons)
        layout.addWidget(self._cross, 0, Qt.AlignmentFlag.AlignTop)
        self.retranslate()

    def height_at(self, width: int) -> int:
        """Put the buttons below the words where they would take too much of *width*; the height in pixels is then."""
        beside = sum(button.sizeHint().width() + t.SPACE_3 for button, _label in self._choices)
        around = self.minimumSizeHint().width() - self._flow.minimumSize().width()
        least = around + self._words.minimumSizeHint().width() + beside  # one long word is never broken
        below = beside > width * _SHARE_OF_BUTTONS or least > width
        way = QBoxLayout.Direction.TopToBottom if below else QBoxLayout.Direction.LeftToRight
        self._flow.setDirection(way)
        return self.heightForWidth(width)

    def retranslate(self) -> None:
        tokens, size = self._theme.tokens, self._theme.px(_ICON)
        colour = tokens.badge[Tone.CONNECTED if self._good else Tone.WAITING].fg
        if self._quiet and not self._good:
            colour = tokens.text2
        sign = "check-circle" if self._good else "info" if self._quiet else "triangle-alert"
        self._sign.setPixmap(pixmap(sign, colour, size, self.devicePixelRatioF()))
        self._cross.setIcon(icon("x", colour, size))
        self._cross.setIconSize(QSize(size, size))
        self._cross.setAccessibleName(texts("window.dismiss"))
        self._cross.setToolTip(texts("window.dismiss"))
        for button, label in self._choices:
            button.setText(label())
            button.setAccessibleName(label())
        text = self._say()
        self._words.setText(text)
        self.setAccessibleName(text)


class Banners(QWidget):
    """At most one notice per cause; a newer one of the same cause takes its place.

    As high as its words need. Where the window has no room for that, they are scrolled, and never cut.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._by_cause: dict[str, BannerFrame] = {}
        inside = QWidget()
        inside.installEventFilter(self)
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(t.SPACE_2)
        self.area = QScrollArea(widgetResizable=True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.verticalScrollBar().rangeChanged.connect(self._on_range)
        self.area.setWidget(inside)
        self._around = around = QVBoxLayout(self)
        around.setContentsMargins(t.SPACE_6, t.SPACE_3, t.SPACE_6, 0)
        around.addWidget(self.area)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._wanted = 0
        theme.changed.connect(self.retranslate)
        self.hide()

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self._wanted)

    def minimumSizeHint(self) -> QSize:
        least = min(self._wanted, int(self.window().height() * _SHARE_OF_WINDOW))
        return QSize(super().minimumSizeHint().width(), least)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        self.fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LayoutRequest:  # a style sheet changes fonts later than `Theme.changed` tells
            self.fit()
        return super().eventFilter(watched, event)

    def show_problem(self, problem: Problem, cause: str = "asked") -> None:
        """Show *problem* until it is dismissed or *cause* is cleared."""
        self.show_words(lambda: " ".join(status_text.problem(problem)), cause)
        self._by_cause[cause].problem = problem

    def show_words(
        self,
        say: Callable[[], str],
        cause: str,
        *,
        dismissible: bool = True,
        quiet: bool = False,
        good: bool = False,
        choices: Sequence[Choice] = (),
    ) -> None:
        """Tell what *set_text* returns, in the language of the moment, until it is put aside or *cause* is over.

        A *quiet* notice is no warning: it says how things are set. A *good* one says that something went well.
        """
        quiet = quiet or good
        banner = _Banner(say, self._theme, dismissible=dismissible, quiet=quiet, good=good, choices=choices)
        self.show_banner(banner, cause)

    def show_banner(self, banner: BannerFrame, cause: str) -> None:
        """Show *banner* until it is put aside or *cause* is over."""
        self.clear(cause)
        banner.dismissed.connect(lambda: self.clear(cause))
        self._by_cause[cause] = banner
        self._column.addWidget(banner)
        self.show()
        self.fit()
        announce(self, banner.accessibleName())  # the new part of it is on the screen a moment later

    def clear(self, cause: str) -> None:
        """Remove the notice of *cause*."""
        banner = self._by_cause.pop(cause, None)
        if banner is not None:
            self._column.removeWidget(banner)
            banner.hide()
            banner.deleteLater()
        self.setVisible(bool(self._by_cause))
        self.fit()

    def problems(self) -> list[Problem]:
        """The problems of the notices now shown."""
        return [banner.problem for banner in self._by_cause.values() if banner.problem is not None]

    def retranslate(self) -> None:
        self.area.setAccessibleName(texts("window.notices"))
        for banner in self._by_cause.values():
            banner.retranslate()
        self.fit()

    def fit(self) -> None:
        """Request the height that all notices need at this width."""
        if not self._by_cause:
            return
        around = self.contentsMargins() + self._around.contentsMargins()
        width = self.width() - around.left() - around.right()
        heights = [banner.height_at(width) for banner in self._by_cause.values()]
        gaps = self._column.spacing() * max(len(heights) - 1, 0)
        self._wanted = sum(heights) + gaps + around.top() + around.bottom()
        # Once shown, a scroll bar narrows the words, which then need the height that keeps it there.
        enough = self.height() >= self._wanted
        policy = Qt.ScrollBarPolicy.ScrollBarAlwaysOff if enough else Qt.ScrollBarPolicy.ScrollBarAsNeeded
        self.area.setVerticalScrollBarPolicy(policy)
        self.updateGeometry()

    def _on_range(self, _least: int, most: int) -> None:
        """Keep the newest, which is the last, in view, and let the keyboard scroll what does not fit."""
        self.area.verticalScrollBar().setValue(most)
        self.area.setFocusPolicy(Qt.FocusPolicy.TabFocus if most else Qt.FocusPolicy.NoFocus)


_CAUSE = "interrupted"
_MOVES = frozenset({ProcedureState.RUNNING, ProcedureState.UNDOING, ProcedureState.DONE, ProcedureState.UNDONE})


class InterruptedBanner:
    """One banner, about the oldest of them; the next has its turn once that one was taken up.

    *show* brings a mentorado's procedure into view, and lets it continue when it is called with True.
    """

    def __init__(
        self, banners: Banners, name_of: Callable[[MentoradoId], str], show: Callable[[MentoradoId, bool], None]
    ) -> None:
        self._banners = banners
        self._name_of = name_of
        self._show = show
        self._left: dict[ProcedureId, Procedure] = {}

    def offer(self, unfinished: Iterable[Procedure]) -> None:
        """What was interrupted before this start, the oldest first. What asks or failed is told elsewhere."""
        paused = (procedure for procedure in unfinished if procedure.state is ProcedureState.PAUSED)
        self._left = {procedure.head.id: procedure for procedure in paused}
        self._update()

    def on_changed(self, event: ProcedureChanged) -> None:
        """Whatever moves again was taken up."""
        if event.procedure.head.id in self._left and event.procedure.state in _MOVES:
            del self._left[event.procedure.head.id]
            self._update()

    def _update(self) -> None:
        self._banners.clear(_CAUSE)
        first = next(iter(self._left.values()), None)
        if first is None:
            return
        mentorado_id, more = first.head.mentorado_id, len(self._left) - 1

        def say() -> str:
            text = texts(f"procedure.interrupted.{first.head.kind}", name=self._name_of(mentorado_id))
            return f"{text} {texts.plural('procedure.interrupted_more', more)}" if more else text

        choices = [
            (lambda: texts("procedure.continue"), lambda: self._show(mentorado_id, True)),
            (lambda: texts("procedure.see"), lambda: self._show(mentorado_id, False)),
        ]
        self._banners.show_words(say, _CAUSE, choices=choices)


_ANNOUNCED = frozenset({ProcedureState.ASKING, ProcedureState.FAILED, ProcedureState.DONE})


class PairingQueueBanner:
    """One banner for each procedure, until it is looked at, put aside, or moves on."""

    def __init__(
        self,
        banners: Banners,
        name_of: Callable[[MentoradoId], str],
        is_seen: Callable[[MentoradoId], bool],
        show: Callable[[MentoradoId], None],
    ) -> None:
        self._banners = banners
        self._name_of = name_of
        self._is_seen = is_seen  # whether that mentorado's procedure is on show now
        self._show = show

    def on_changed(self, event: ProcedureChanged) -> None:
        procedure = event.procedure
        mentorado_id, cause = procedure.head.mentorado_id, _waiting_cause(procedure)
        self._banners.clear(cause)
        if procedure.state not in _ANNOUNCED or self._is_seen(mentorado_id):
            return

        def say() -> str:
            named = title(procedure.head.kind, self._name_of(mentorado_id))
            return texts(f"procedure.elsewhere.{procedure.state}", title=named)

        def see() -> None:
            self._banners.clear(cause)
            self._show(mentorado_id)

        self._banners.show_words(say, cause, choices=[(lambda: texts("procedure.see"), see)])


def _waiting_cause(procedure: Procedure) -> str:
    return f"procedure {procedure.head.id}"


_CAMPAIGN_CAUSE = "campaigns"


class CampaignBanner:
    """One banner about the campaigns that were interrupted, until they are resumed, stopped or looked at."""

    def __init__(
        self, banners: Banners, campaigns: Callable[[], Sequence[Campaign]], show: Callable[[CampaignId], None]
    ) -> None:
        self._banners = banners
        self._campaigns = campaigns
        self._show = show
        self._known: list[CampaignId] = []

    def on_changed(self, _event: CampaignsChanged) -> None:
        interrupted = [each for each in self._campaigns() if each.pause_reason is PauseReason.INTERRUPTED]
        if (found := [each.id for each in interrupted]) == self._known:
            return
        self._known = found
        self._banners.clear(_CAMPAIGN_CAUSE)
        if interrupted:
            latest, count = interrupted[0], len(interrupted)
            self._banners.show_words(
                lambda: texts.plural("campaign.interrupted", count, name=latest.draft.name),
                _CAMPAIGN_CAUSE,
                choices=[(lambda: texts("campaign.see"), lambda: self._see(latest.id))],
            )

    def _see(self, campaign_id: CampaignId) -> None:
        self._banners.clear(_CAMPAIGN_CAUSE)
        self._show(campaign_id)


_CLOCK_CAUSE = "clock"


class ClockNotice(QObject):
    """One banner, which stays while the doubt does. Only what no provider denies can be confirmed."""

    def __init__(self, banners: Banners, check: ClockCheck) -> None:
        super().__init__(banners)
        self._banners = banners
        self._check = check

    def on_doubted(self, event: ClockDoubted) -> None:
        self._banners.clear(_CLOCK_CAUSE)
        doubt = event.doubt
        if doubt is None:
            return
        choices: list[Choice] = [(lambda: texts("clock.look"), self._check_clock)]
        if not doubt.certain:
            choices.append((lambda: texts("clock.confirm"), self._confirm))
        self._banners.show_words(lambda: clock_doubt(doubt), _CLOCK_CAUSE, dismissible=False, choices=choices)

    @async_slot
    async def _check_clock(self) -> None:
        await self._check.check()

    @async_slot
    async def _confirm(self) -> None:
        await self._check.confirm()


_LONGEST = 120


class SettingsNotice:
    """A quiet notice that stays as long as an override does, and one that can be put aside about unused settings."""

    def __init__(self, banners: Banners, settings: Settings, go_to_settings: Callable[[], None]) -> None:
        self._banners = banners
        self._settings = settings
        self._go_to_settings = go_to_settings

    def show(self) -> None:
        if self._settings.overrides:
            see = (lambda: texts("override.see"), self._go_to_settings)
            self._banners.show_words(self._overrides, "overrides", dismissible=False, quiet=True, choices=[see])
        if self._settings.unused is not None:
            self._banners.show_words(lambda: status_text.unused_settings(self._settings), "unused settings")

    def _overrides(self) -> str:
        named = (status_text.override(chosen)[0] for chosen in self._settings.overrides)
        return " ".join(f"{shortened(words)}." for words in (texts("override.title"), *named))


def shortened(words: str) -> str:
    """*words*, cut where a long command would fill the window; the settings show the whole."""
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
