"""The side of the board: the code that waits for a phone, and one mentorado with what can be done."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QPushButton, QWidget

from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.domain.link_status import LinkState
from app.domain.mentorado import Mentorado
from app.domain.procedure import Procedure
from app.domain.repositories import Clock
from app.domain.switch import SwitchItem, SwitchItemState, SwitchRun
from app.text import procedure as procedure_text
from app.text import switch_run as run_text
from app.text.signs import Tone
from app.text.status import date_time, provider, texts
from app.ui.detail_pane.pairing import PairingPanel, turn_of
from app.ui.procedures.progress import StepList
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.labels import Badge, ScaledLabel, set_role, text_label
from app.ui.widgets.layouts import FlowLayout, vbox
from app.ui.widgets.split_view import SidePane


class ScanPanel(QWidget):
    """The code of the one who is connected to the target now, with whose phone is to scan it."""

    def __init__(self, theme: Theme, clock: Clock, supervisor: Supervisor, mentorados: MentoradoService) -> None:
        super().__init__()
        self._supervisor = supervisor
        self._mentorados = mentorados
        self.heading = ScaledLabel(theme, t.TEXT_BODY, QFont.Weight.DemiBold)
        self.pairing = PairingPanel(theme, clock, phone_codes=supervisor.phone_codes, cancellable=False)
        self.pairing.typing_changed.connect(lambda typing: self.heading.setVisible(not typing))
        vbox(self.heading, self.pairing, inside=self, margins=(0, 0, 0, t.SPACE_3), spacing=t.SPACE_3)
        self.hide()

    def show_item(self, item: SwitchItem | None) -> None:
        """Show what the target of *item* waits for; nothing where that is no phone."""
        link_id = None if item is None else item.to_link
        status = None if link_id is None else self._supervisor.status(link_id)
        if link_id is None or status is None or not waits_for_phone(status.state, status.qr is not None):
            self.pairing.show_nothing()
            self.hide()
            return
        mentorado = self._mentorados.through(link_id)
        self.heading.setText(procedure_text.scan(mentorado))
        self.pairing.show_status(mentorado, status, turn_of(mentorado, self._supervisor, self._mentorados))
        self.show()

    def retranslate(self) -> None:
        self.pairing.retranslate()


def waits_for_phone(state: LinkState, has_code: bool) -> bool:
    return state is LinkState.QR_READY and has_code


class ItemView(QWidget):
    """One mentorado of a run: on which provider, how far, the steps while it moves, and the buttons."""

    back_requested = Signal()
    release_requested = Signal()
    open_requested = Signal()
    credentials_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.name = ScaledLabel(theme, t.TEXT_NAME, QFont.Weight.DemiBold)
        self.badge = Badge(theme)
        self.here = ScaledLabel(theme, t.TEXT_BODY, QFont.Weight.Medium)
        self.line, self.step, self.facts = (
            text_label(role=role, selectable=True) for role in ("", "secondary", "caption")
        )
        self.back, self.release, self.enter, self.open = (QPushButton() for _ in range(4))
        self.open.setProperty("role", "link")
        self.back.clicked.connect(self.back_requested)
        self.release.clicked.connect(self.release_requested)
        self.enter.clicked.connect(self.credentials_requested)
        self.open.clicked.connect(self.open_requested)
        self.steps = StepList(theme)
        buttons = FlowLayout(spacing=t.SPACE_2)
        buttons.addWidget(self.enter)
        buttons.addWidget(self.release)
        buttons.addWidget(self.back)
        column = vbox(self.name, inside=self, spacing=t.SPACE_3)
        column.addWidget(self.badge, 0, Qt.AlignmentFlag.AlignLeft)
        for part in (self.here, self.line, self.step):
            column.addWidget(part)
        column.addLayout(buttons)
        column.addWidget(self.steps)
        column.addWidget(self.facts)
        column.addWidget(self.open, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)

    def show_item(
        self,
        run: SwitchRun,
        item: SwitchItem,
        mentorado: Mentorado,
        procedure: Procedure | None,
        clock: Clock,
        *,
        scan: bool,
        context: run_text.RunContext,
    ) -> None:
        """Show *item* of *run*; *procedure* is the one that moves it now; *scan* says that a code waits for a phone."""
        now = clock.now()
        words = run_text.item(run, item, procedure, now, scan=scan, context=context)
        self.name.setText(mentorado.name)
        self.badge.show_badge(words.tone, words.icon, words.short)
        self.here.setText(texts("switches.card.now", provider=provider(mentorado.link.provider)))
        self.line.setText(words.line)
        set_role(self.line, "danger" if words.tone is Tone.ERROR else "")
        failed = item in run_text.to_retry(run, context) and procedure is None
        step = run_text.next_step(run, item, mentorado.name, procedure, context)
        self.step.setText(step)
        self.step.setVisible(bool(step))
        self.enter.setVisible(failed and item.reason in run_text.LACKING)
        kept = item.state is SwitchItemState.SWITCHED and procedure is None
        for button in (self.back, self.release):
            button.setVisible(kept)
        due = run_text.may_release(run, item, now)
        set_role(self.release, "primary" if due else "")
        self.back.setText(texts("switches.back_to", provider=provider(item.source)))
        self.release.setText(texts("switches.release", provider=provider(item.source)))
        self.enter.setText(texts("switches.report.enter"))
        self.open.setText(texts("switches.open_mentorado"))
        self.steps.setVisible(procedure is not None)
        if procedure is not None:
            self.steps.show_procedure(procedure)
        known = {"source": provider(item.source), "target": provider(item.target), "wave": item.wave}
        facts = [texts("switches.facts", **known)]
        if item.switched_at is not None:
            at = date_time(item.switched_at.astimezone(), now.astimezone().date())
            facts.append(texts("switches.switched_at", when=at))
        self.facts.setText(" · ".join(facts))


class ItemPane(SidePane):
    """Both, in a column that scrolls."""

    def __init__(self, theme: Theme, scan: ScanPanel, item: ItemView) -> None:
        super().__init__(theme)
        column = vbox(scan, (item, 1), margins=(t.SPACE_6, t.SPACE_4, t.SPACE_6, t.SPACE_4), spacing=t.SPACE_3)
        self.fill(column)
