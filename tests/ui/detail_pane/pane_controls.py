"""Parts of the pane, as tests look for them."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel

from app.domain.actions import ActionName
from app.domain.link_status import (
    LinkState,
    LinkStatus,
    Reason,
)
from app.ui.detail_pane.action_cards import ActionCard
from app.ui.detail_pane.timeline import Timeline
from tests.ui.controls import read_aloud
from tests.ui.detail_pane.harness import THIAGO, PaneHarness

PAIRS = [(state, Reason.NONE) for state in LinkState if state is not LinkState.BLOCKED] + [
    (LinkState.CONNECTING, Reason.WAITING_TURN),
    (LinkState.QR_READY, Reason.SIGNING_IN),
    *((LinkState.RECONNECTING, reason) for reason in (Reason.NETWORK_DOWN, Reason.KEEPALIVE_TIMEOUT)),
    *((LinkState.BLOCKED, reason) for reason in Reason),
]


def open_pane(harness: PaneHarness) -> None:
    harness.pane.resize(364, 1200)
    harness.pane.show_mentorado(THIAGO)
    harness.pane.show()


def words(harness: PaneHarness) -> str:
    labels = harness.pane.findChildren(QLabel)
    return read_aloud(" | ".join(label.text() for label in labels if label.isVisible() and label.text()))


def statuses(timeline: Timeline) -> list[LinkStatus]:
    """What is shown of the link, the latest first."""
    return [event for _at, event in timeline.events if isinstance(event, LinkStatus)]


def card(harness: PaneHarness, name: ActionName) -> ActionCard:
    return next(each for each in harness.pane._content.action_cards.cards if each.name is name)
