"""How a pairing ended: the number that is confirmed, or another phone that is sent away, and who is next."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAccessible, QFont
from PySide6.QtWidgets import QFrame, QPushButton

from app.domain.actions import ActionName
from app.domain.events import StatusChanged
from app.domain.link_status import LinkState
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.phone import PhoneNumber, last_digits
from app.domain.provider_descriptor import DESCRIPTORS
from app.text.signs import Tone
from app.text.status import action, texts
from app.ui.action_runner import ActionRequest, ActionRunner
from app.ui.detail_pane.view import PairingOutcome, PairingResult
from app.ui.theme.theme import SPACE_1, SPACE_2, SPACE_3, SPACE_4, TEXT_NAME, Theme
from app.ui.widgets.accessibility import announce
from app.ui.widgets.labels import IndeterminateBar, ScaledLabel, text_label
from app.ui.widgets.layouts import hbox, vbox
from app.ui.widgets.placeholders import IconCircle


class PairingOutcomes(QObject):
    """Remembers how each pairing ended until somebody has seen it and gone on, or the link moves."""

    changed = Signal()

    def __init__(self, runner: ActionRunner, parent: QObject) -> None:
        super().__init__(parent)
        self._mentorados, self._supervisor, self._actions = runner.mentorados, runner.supervisor, runner.actions
        self.found: dict[MentoradoId, PairingOutcome] = {}
        runner.confirmed.connect(self._on_confirmed)
        runner.finished.connect(self._on_finished)

    def outcome_of(self, mentorado: Mentorado) -> PairingOutcome | None:
        """How the last pairing of *mentorado* ended, with who is next once it went well."""
        found = self.found.get(mentorado.id)
        if found is None or found.result is not PairingResult.CONFIRMED:
            return found
        others = self._unpaired_of_cohort(mentorado)
        if not others:
            return found
        return replace(found, next=others[0].id, next_name=others[0].name, left=len(others))

    def forget(self, mentorado_id: MentoradoId | None) -> None:
        """It was seen, and another mentorado is looked at now."""
        if mentorado_id in self.found and self.found[mentorado_id].result is not PairingResult.SENDING_AWAY:
            del self.found[mentorado_id]

    def _unpaired_of_cohort(self, mentorado: Mentorado) -> list[Mentorado]:
        """Who can be connected now for the first time, those after *mentorado* first."""
        if not mentorado.cohort:
            return []
        own = mentorado.name.casefold()
        return sorted(
            (
                each
                for each in self._mentorados.all()
                if each.cohort == mentorado.cohort
                and each.link.account is None
                and DESCRIPTORS[each.link.provider].pairs_by_code
                and self._actions.unavailable_reason(ActionName.CONNECT, each.id) is None
            ),
            key=lambda each: (each.name.casefold() < own, each.name.casefold()),
        )

    def _on_confirmed(self, request: ActionRequest) -> None:
        account = self._supervisor.status(self._mentorados.get(request.mentorado_id).link.id).account
        if request.name is ActionName.REJECT_ACCOUNT and account is not None:
            self._keep(request.mentorado_id, PairingResult.SENDING_AWAY, account)
            self.changed.emit()

    def _on_finished(self, request: ActionRequest) -> None:
        """A phone that could not be sent away is still there, and the pane says why."""
        if self._result(request.mentorado_id) is PairingResult.SENDING_AWAY:
            del self.found[request.mentorado_id]
            self.changed.emit()

    def add(self, event: StatusChanged) -> None:
        """A link was paired, or moved whose outcome is known."""
        before, after, mentorado_id = event.before.state, event.after.state, event.mentorado_id
        if before is after:
            return
        sending_away = self._result(mentorado_id) is PairingResult.SENDING_AWAY
        if before is LinkState.QR_READY and after is LinkState.CONNECTED:
            account = event.after.account or self._mentorados.get(mentorado_id).expected_account
            self._keep(mentorado_id, PairingResult.CONFIRMED, account)
        elif sending_away and after is LinkState.OFF:
            self.found[mentorado_id] = replace(self.found[mentorado_id], result=PairingResult.SENT_AWAY)
        else:
            self.found.pop(mentorado_id, None)

    def _keep(self, mentorado_id: MentoradoId, result: PairingResult, account: PhoneNumber) -> None:
        self.found[mentorado_id] = PairingOutcome(result=result, digits=last_digits(account))

    def _result(self, mentorado_id: MentoradoId) -> PairingResult | None:
        found = self.found.get(mentorado_id)
        return found.result if found else None


_LOOKS = {
    PairingResult.CONFIRMED: ("check", Tone.CONNECTED),
    PairingResult.SENDING_AWAY: ("user-x", Tone.PROGRESS),
    PairingResult.SENT_AWAY: ("check", Tone.CONNECTED),
}
_SIGN, _SIGN_ICON = 32, 16


class PairingOutcomeCard(QFrame):
    """Says how a pairing ended, and offers what usually comes next."""

    action_requested = Signal(object)  # an ActionName
    next_requested = Signal(str)  # a MentoradoId

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._next_id: MentoradoId | None = None
        self._sign = IconCircle(theme, "check", _SIGN, _SIGN_ICON, tone=Tone.CONNECTED, scales=True)
        self._title = ScaledLabel(theme, TEXT_NAME, QFont.Weight.DemiBold)
        self._line = text_label(role="secondary")
        self._moving = IndeterminateBar(theme)
        self.smoke_test, self.next = QPushButton(), QPushButton()
        self.smoke_test.clicked.connect(lambda _checked=False: self.action_requested.emit(ActionName.SMOKE_TEST))
        self.next.clicked.connect(lambda _checked=False: self.next_requested.emit(self._next_id))
        words = vbox(self._title, self._line, spacing=SPACE_1)
        head = hbox(spacing=SPACE_3)
        head.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        column = vbox(head, inside=self, margins=(SPACE_4, SPACE_3, SPACE_4, SPACE_3), spacing=SPACE_2)
        for part in (self._moving, self.smoke_test, self.next):
            column.addWidget(part)
        self._moving.hide()
        self.hide()

    def show_outcome(
        self, outcome: PairingOutcome | None, mentorado: Mentorado, *, busy: bool, offers_test: bool
    ) -> None:
        """None where there is none to tell of; *offers_test* unless another card does."""
        self.setVisible(outcome is not None)
        if outcome is None:
            return
        self._next_id = outcome.next
        self._sign.show_icon(*_LOOKS[outcome.result])
        known = {"digits": outcome.digits, "expected": last_digits(mentorado.expected_account)}
        self._title.setText(texts(f"outcome.{outcome.result}", **known))
        line = f"outcome.{outcome.result}_line"
        self._line.setText(texts("outcome.next", name=outcome.next_name) if outcome.next else texts(line, **known))
        before = self.accessibleName()
        self.setAccessibleName(f"{self._title.text()} {self._line.text()}")
        if QAccessible.isActive() and self.accessibleName() != before:
            announce(self, self.accessibleName())
        self._moving.setVisible(outcome.result is PairingResult.SENDING_AWAY)
        self.smoke_test.setVisible(offers_test and outcome.result is PairingResult.CONFIRMED)
        self.smoke_test.setText(action(ActionName.SMOKE_TEST)[0])
        self.smoke_test.setEnabled(not busy)
        self.next.setVisible(outcome.next is not None)
        self.next.setText(texts.plural("outcome.connect_next", outcome.left))
        self.next.setAccessibleName(f"{self.next.text()} {outcome.next_name}")
        self.next.setEnabled(not busy)
