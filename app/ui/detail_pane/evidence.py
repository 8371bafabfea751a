"""How the link has been lately, and what support asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.domain.link_status import Evidence, HostPlacement, LinkState, LinkStatus, Reason, SmokeTestOutcome
from app.domain.mentorado import Link
from app.domain.messages import LastMessages
from app.domain.phone import masked
from app.domain.set_aside import SetAsideCount
from app.text.conversation import size
from app.text.status import (
    age,
    date_time,
    set_aside_count,
    state_badge,
    texts,
)
from app.ui.theme.icons import icon
from app.ui.theme.theme import SPACE_1, SPACE_2, SPACE_3, SPACE_4, TEXT_BODY, Theme
from app.ui.widgets.labels import ScaledLabel, breakable, plain_tip, text_label
from app.ui.widgets.layouts import hbox, vbox


class SetAsideLines(QLabel):
    """What was delivered and not taken into the history: how much of what, why, and when last. Hidden while nothing."""

    def __init__(self) -> None:
        super().__init__(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._counts: Sequence[SetAsideCount] = ()
        self._today = date.min
        self.setProperty("role", "caption")
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.hide()

    def show_counts(self, counts: Sequence[SetAsideCount], today: date) -> None:
        self._counts, self._today = counts, today
        self.retranslate()

    def retranslate(self) -> None:
        lines = [texts.plural("aside.heading", sum(each.count for each in self._counts))]
        lines += [set_aside_count(each, self._today) for each in self._counts]
        lines.append(texts("aside.next"))
        self.setText("\n".join(lines))
        self.setVisible(bool(self._counts))


class SupportDetails(QWidget):
    """One line in words that can be selected. What is copied has the codes of state and reason, and names the link, but
    nobody: it leaves the house."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._copied = ""
        self._shown = ""
        self._line = text_label(role="caption")
        self._line.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._copy = QPushButton()
        self._copy.setProperty("role", "quiet")
        self._copy.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._copied))
        layout = hbox((self._line, 1), inside=self, spacing=SPACE_2)
        layout.addWidget(self._copy, 0, Qt.AlignmentFlag.AlignTop)
        theme.changed.connect(self.retranslate)
        self.retranslate()

    @property
    def line(self) -> QLabel:
        return self._line

    def show_details(self, link: Link, status: LinkStatus) -> None:
        codes = [str(status.state), *([str(status.reason)] if status.reason is not Reason.NONE else [])]
        detail = [status.detail] if status.detail and status.detail not in codes else []
        raw = [breakable(each.removeprefix(f"{status.reason}: ")) for each in detail]  # the reason is there in words
        line = " · ".join([state_badge(status), *raw])
        if line != self._shown:  # a new text would drop what is selected
            self._shown = line
            self._line.setText(line)
        accepted = f" · accepted account {masked(link.accepted_account)}" if link.accepted_account else ""
        since = status.since.isoformat(timespec="seconds")
        self._copied = f"{' · '.join([*codes, *detail])} · {link.provider} · {link.id} · {since}{accepted}"

    def retranslate(self) -> None:
        self._copy.setIcon(icon("copy", self._theme.tokens.text2, self._theme.px(_ICON)))
        self._copy.setAccessibleName(texts("detail.copy"))
        self._copy.setToolTip(texts("detail.copy"))


_ICON = 16
_ROWS = ("connected_since", "last_inbound", "last_ack", "smoke_test", "host_answered", "host", "last_backup")


_OF_OUR_HOSTS = frozenset({"host_answered", "host"})
"""Shown where there is one: other providers have no process of ours."""


_STORED = ("last_inbound", "last_ack", "last_backup")


def _past(at: datetime | None, now: datetime) -> datetime | None:
    """*at*, unless it lies ahead: a message that says so has the time of another clock, and is not from now."""
    return at if at is not None and at <= now else None


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((each for each in (one, other) if each), default=None)


def _smoke_line(evidence: Evidence, now: datetime) -> str | None:
    """How the last smoke test ended, and when it last went well."""
    if evidence.smoke_test is SmokeTestOutcome.FAILED or evidence.last_smoke_test is None:
        return texts("detail.smoke_failed") if evidence.smoke_test is not None else None
    passed = age(now - evidence.last_smoke_test)
    return texts("detail.smoke_partly", age=passed) if evidence.smoke_test is SmokeTestOutcome.PARTLY else passed


def _host_line(host: HostPlacement) -> str:
    """How many sessions share the process, this one included, and how much memory it takes."""
    shared = texts("detail.host_kept_alone") if host.kept_alone else texts.plural("detail.host_shared", host.others + 1)
    return shared if host.memory is None else f"{shared} · {size(host.memory)}"


class HealthCard(QFrame):
    """One line per sign. While the link is connected, a sign that never came says so; later it says nothing."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "sunken")
        self._backup: datetime | None = None
        self._messages = LastMessages()
        self._unread: set[str] = set()  # rows whose stored part is not read yet
        self._labels = {name: text_label() for name in _ROWS}
        self._values = {name: ScaledLabel(theme, TEXT_BODY, QFont.Weight.Medium, wraps=False) for name in _ROWS}
        layout = vbox(inside=self, margins=(SPACE_4, SPACE_2, SPACE_4, SPACE_2))
        self._lines: dict[str, QFrame] = {}
        self._pairs: dict[str, QWidget] = {}
        for name in _ROWS:
            line = self._lines[name] = QFrame()
            line.setProperty("role", "line")
            layout.addWidget(line)
            label, value = self._labels[name], self._values[name]
            label.setProperty("role", "secondary")
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            pair = self._pairs[name] = QWidget()
            both = QHBoxLayout(pair)  # a label would lose margins of its own when it is dressed anew while hidden
            both.setContentsMargins(0, SPACE_2 + SPACE_1 // 2, 0, SPACE_2 + SPACE_1 // 2)
            both.setSpacing(SPACE_3)
            both.addWidget(label, 1)
            both.addWidget(value)
            layout.addWidget(pair)
        self.retranslate()

    def clear(self) -> None:
        """Somebody else is shown, of whom nothing is read yet."""
        self._backup, self._messages, self._unread = None, LastMessages(), set(_STORED)

    def show_backup(self, at: datetime | None) -> None:
        """When everything was put into a backup last."""
        self._backup = at
        self._unread.discard("last_backup")

    def show_messages(self, last: LastMessages) -> None:
        """What the history tells of the time before the program began."""
        self._messages = last
        self._unread -= {"last_inbound", "last_ack"}

    def show_evidence(self, status: LinkStatus, now: datetime) -> bool:
        """Returns whether there is anything to show."""
        evidence, since, today = status.evidence, status.evidence.connected_since, now.astimezone().date()
        values = {
            "connected_since": date_time(since.astimezone(), today) if since else None,
            "last_inbound": age(now - received)
            if (received := _later(evidence.last_inbound, _past(self._messages.received, now)))
            else None,
            "last_ack": self._ack_line(evidence, now),
            "smoke_test": _smoke_line(evidence, now),
            "host_answered": age(now - evidence.host_answered) if evidence.host_answered else None,
            "host": _host_line(evidence.host) if evidence.host and status.state is LinkState.CONNECTED else None,
            "last_backup": age(now - self._backup) if self._backup else None,
        }
        connected = status.state is LinkState.CONNECTED
        shown = [name for name in _ROWS if values[name] or (connected and name not in _OF_OUR_HOSTS)]
        for name in _ROWS:
            value = self._values[name]
            value.setText(values[name] or texts("detail.reading" if name in self._unread else "detail.not_yet"))
            value.setAccessibleName(f"{self._labels[name].text()}: {value.text()}")
            self._pairs[name].setVisible(name in shown)
            self._lines[name].setVisible(name in shown[1:])
        if evidence.host is not None:
            why = texts("detail.host_alone_why") if evidence.host.kept_alone else ""
            self._pairs["host"].setToolTip(plain_tip(why))
            self._values["host"].setAccessibleDescription(why)
        return bool(shown)

    def _ack_line(self, evidence: Evidence, now: datetime) -> str | None:
        """The history has no time of a confirmation, only of the message that was confirmed."""
        if evidence.last_ack is not None:
            return age(now - evidence.last_ack)
        sent = _past(self._messages.confirmed, now)
        return texts("detail.ack_of_message", age=age(now - sent)) if sent else None

    def retranslate(self) -> None:
        self.setAccessibleName(texts("detail.evidence"))
        for name, label in self._labels.items():
            label.setText(texts(f"detail.{name}"))
