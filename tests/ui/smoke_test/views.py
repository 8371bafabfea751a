"""The dialog of a smoke test in every state there is, over a core in which nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QWidget

from app.domain.link_status import SmokeTestOutcome
from app.domain.phone import PhoneNumber
from app.domain.smoke_test import SmokeTest, SmokeTestStage, SmokeTestTarget, SmokeTestTrouble
from app.ui.dialogs.smoke_test import SmokeTestDialog
from tests.ui.window_harness import NOON, WindowHarness, person

G, E, T = SmokeTestStage, SmokeTestOutcome, SmokeTestTrouble
BEGAN = NOON - timedelta(seconds=9)


def stages(*seconds: float) -> Mapping[SmokeTestStage, Any]:
    return {stage: BEGAN + timedelta(seconds=after) for stage, after in zip(G, seconds, strict=False)}


UNDER_WAY = SmokeTest(
    mentorado_id=person(0).id,
    link_id=person(0).link.id,
    target=SmokeTestTarget.PARTNER,
    began_at=BEGAN,
    to=PhoneNumber("+5511987650002"),
    partner=person(2).id,
)
OVER = replace(UNDER_WAY, stages=stages(0, 1.2, 3.4, 6.1), ended_at=NOON)
OWN = replace(OVER, target=SmokeTestTarget.OWN, expected=(G.SUBMITTED, G.ACCEPTED), stages=stages(0, 1.2))
NUMBER = replace(OVER, target=SmokeTestTarget.NUMBER)


def failed(trouble: SmokeTestTrouble, *seconds: float, **more: Any) -> SmokeTest:
    return replace(OVER, stages=stages(*seconds), outcome=E.FAILED, trouble=trouble, **more)


VIEWS: Mapping[str, SmokeTest] = {
    "01-begun": UNDER_WAY,
    "02-handed-over": replace(UNDER_WAY, stages=stages(0)),
    "03-accepted": replace(UNDER_WAY, stages=stages(0, 1.2)),
    "04-delivered": replace(UNDER_WAY, target=SmokeTestTarget.NUMBER, stages=stages(0, 1.2, 3.4)),
    "05-passed": replace(OVER, outcome=E.PASSED),
    "06-own": replace(OWN, outcome=E.PARTLY),
    "07-unseen": replace(OWN, target=SmokeTestTarget.NUMBER, outcome=E.PARTLY),
    "08-unanswerable": replace(OVER, expected=tuple(G)[:3], stages=stages(0, 1.2, 3.4), outcome=E.PARTLY),
    "09-cancelled": replace(OVER, stages=stages(0, 1.2), outcome=E.CANCELLED),
    "10-restricted": failed(T.RESTRICTED, until=NOON + timedelta(hours=2)),
    "11-limit": failed(T.TEST_LIMIT, until=NOON + timedelta(minutes=41)),
    "12-policy": failed(T.POLICY, 0, code="463"),
    "13-no-ack": failed(T.NO_ACK, 0),
    "14-not-delivered": failed(T.NOT_DELIVERED, 0, 1.2),
    "15-no-answer": failed(T.NO_ANSWER, 0, 1.2, 3.4),
    "16-partner-offline": failed(T.PARTNER_OFFLINE),
    "17-not-to-itself": replace(failed(T.NOT_TO_ITSELF), target=SmokeTestTarget.OWN),
}


@dataclass
class Dialogs:
    """Dialogs over the window; each is shown without beginning a test."""

    harness: WindowHarness

    def shown(self, test: SmokeTest) -> SmokeTestDialog:
        harness = self.harness
        dialog = SmokeTestDialog(
            harness.theme,
            harness.window,
            person(0),
            harness.core.smoke_tests,
            harness.bus,
            harness.clock,
            person(2).name,
        )
        dialog.show()
        dialog.show_test(test)
        return dialog

    def all(self) -> Iterator[tuple[str, SmokeTestDialog]]:
        for name, test in VIEWS.items():
            dialog = self.shown(test)
            yield name, dialog
            dialog.reject()
            dialog.deleteLater()


def picture(window: QWidget, dialog: QWidget) -> QPixmap:
    """The window with the dialog over it."""
    from PySide6.QtGui import QPainter

    shot = window.grab()
    painter = QPainter(shot)
    painter.drawPixmap(dialog.pos() - window.pos(), dialog.grab())
    painter.end()
    return shot
