"""The part of the pane for pairing: the place in the queue, the code with its time left, and the result."""

from __future__ import annotations

import asyncio
import math
from enum import Enum, auto

from PySide6.QtCore import QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QWidget,
)

from app.core.links.pairing import PairingCodeService
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.domain.link_status import (
    LinkState,
    LinkStatus,
    QrCode,
    Reason,
)
from app.domain.mentorado import LinkId, Mentorado, MentoradoId
from app.domain.phone import PhoneNumber
from app.domain.repositories import Clock
from app.text.status import texts
from app.ui.async_slots import async_slot, show_dialog
from app.ui.detail_pane.code_clipboard import CodeClipboard
from app.ui.detail_pane.qr import (
    LEAST_SIDE,
    PLATE_SIDE,
    PairingSteps,
    QrCountdown,
    QrDialog,
    QrMatrix,
    QrView,
    encode,
    png,
    warm_up,
)
from app.ui.detail_pane.typed_code import PairingCodeView
from app.ui.theme.icons import icon
from app.ui.theme.theme import (
    SPACE_2,
    SPACE_3,
    SPACE_4,
    Theme,
)
from app.ui.widgets.layouts import vbox
from app.ui.widgets.placeholders import Notice
from app.ui.widgets.toast import LIVE_CODE

TICK_MILLISECONDS = 250
_COPY_ICON = 16
_BESIDE = 150
"""With this much room beside it, what belongs to a code stands there, and not below."""


class Stage(Enum):
    """How far the pairing is; nothing else decides what the panel shows."""

    NONE = auto()
    WAITING_TURN = auto()
    CODE = auto()
    LAPSED = auto()  # the time of this code is over and the next one is not there yet
    SIGNING_IN = auto()
    EXPIRED = auto()  # all codes were used up; a person must ask for new ones


CODE_LIVES = frozenset({Stage.CODE, Stage.LAPSED, Stage.SIGNING_IN})
"""A code waits for the phone, or the phone was heard and is signing in."""


class PairingPanel(QFrame):
    """Shows each stage of a pairing from what `show_*` was given last, so that no overlay can stay behind."""

    cancel_requested = Signal()
    new_code_requested = Signal()
    typing_changed = Signal(bool)
    """A code to type took the place of the QR, or the other way round."""

    def __init__(
        self, theme: Theme, clock: Clock, *, phone_codes: PairingCodeService | None = None, cancellable: bool = True
    ) -> None:
        super().__init__()
        self.setProperty("role", "sunken")
        self._theme = theme
        self._clock = clock
        self._phone_codes = phone_codes
        self._mentorado_id: MentoradoId | None = None
        self._link_id: LinkId | None = None  # which of their links is paired
        self._typing = False  # a code to type is shown in the place of the QR
        self._cancellable = cancellable  # not where giving up is offered elsewhere
        self.stage = Stage.NONE
        """How far the pairing is; read only."""
        self._code: QrCode | None = None
        self._can_type = False
        self._plate_used = False
        self._matrix: QrMatrix | None = None
        self._enlarged: QrDialog | None = None
        self._account: PhoneNumber | None = None
        self._turn: tuple[str, int] = ("", 0)

        self._plate = QrView(theme)
        self._plate.clicked.connect(self._enlarge)
        self._renew = QPushButton()
        self._renew.setProperty("role", "primary")
        self._renew.clicked.connect(self.new_code_requested)
        self._life = QrCountdown(theme)
        self._steps = PairingSteps(theme)
        self._notice = Notice(theme, "clock")
        self._copied = CodeClipboard(clock, self)
        self._copied.changed.connect(self._render)
        self._typed = PairingCodeView(theme, self._copied)
        self._typed.back_requested.connect(self._go_back_to_qr)
        self._copy = QPushButton()
        self._copy.setProperty("role", "quiet")
        self._copy.clicked.connect(self._copy_picture)
        self._type_instead = QPushButton()
        self._type_instead.setProperty("role", "quiet")
        self._type_instead.clicked.connect(self._ask_phone_code)
        self._cancel = QPushButton()
        self._cancel.setProperty("role", "quiet")
        self._cancel.clicked.connect(self.cancel_requested)
        self._timer = QTimer(self, interval=TICK_MILLISECONDS)
        self._timer.timeout.connect(self.count_down)

        layout = vbox(inside=self, margins=(SPACE_4, SPACE_3, SPACE_4, SPACE_2), spacing=SPACE_2)
        plate = QGridLayout()  # one cell: the button lies on the plate, and may be wider than it where text is large
        plate.addWidget(self._plate, 0, 0, Qt.AlignmentFlag.AlignCenter)
        plate.addWidget(self._renew, 0, 0, Qt.AlignmentFlag.AlignCenter)
        life = QHBoxLayout()
        life.addWidget(self._life, 1)
        life.addWidget(self._copy)
        about = vbox(life, self._steps, spacing=SPACE_2)
        about.addStretch(1)
        self._code_row = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._code_row.setSpacing(SPACE_2)
        self._code_row.addLayout(plate)
        self._code_row.addLayout(about, 1)
        layout.addLayout(self._code_row)
        layout.addWidget(self._notice)
        layout.addWidget(self._typed)
        self._choices = QWidget()
        choices = QHBoxLayout(self._choices)
        choices.setContentsMargins(0, 0, 0, 0)
        for choice in (self._type_instead, self._cancel):
            choices.addWidget(choice)
        layout.addWidget(self._choices)
        theme.changed.connect(self._recolour)
        self._recolour()
        theme.changed.connect(self._arrange)
        self.retranslate()

    def _recolour(self) -> None:
        self._copy.setIcon(icon("copy", self._theme.tokens.text2, self._theme.px(_COPY_ICON)))
        self._beside_from = self._theme.px(_BESIDE)
        self._render()

    @property
    def needed_height(self) -> int:
        """How much of it, from its top, must be in view for the code to be scanned in time."""
        parts = (self._plate, self._life) if self._plate.isVisible() else (self._typed,)
        return max(part.geometry().bottom() for part in parts) + 1

    @property
    def least_height(self) -> int:
        """What `needed_height` is for a QR code of the usual size."""
        life = 0 if self._stands_beside else SPACE_2 + self._life.sizeHint().height()
        return SPACE_3 + PLATE_SIDE + life

    def fit(self, room: int) -> None:
        """Let the code leave place in *room* pixels for the time it has left, as far as a phone still reads it."""
        around = self.least_height - PLATE_SIDE - SPACE_3  # the margin above it may be out of view
        self._plate.set_side(max(LEAST_SIDE, min(PLATE_SIDE, room - around)))

    @property
    def _stands_beside(self) -> bool:
        return self._code_row.direction() == QBoxLayout.Direction.LeftToRight

    def show_status(self, mentorado: Mentorado, status: LinkStatus, turn: tuple[str, int]) -> None:
        """Show whatever *status* says of a pairing; *turn* is who is being paired, and how many come before."""
        if mentorado.link.id != self._link_id:
            self._mentorado_id, self._link_id = mentorado.id, mentorado.link.id
            self._forget_typed()
        match status.state, status.reason:
            case LinkState.CONNECTING, Reason.WAITING_TURN:
                self.show_waiting(*turn)
            case LinkState.QR_READY, Reason.SIGNING_IN:
                self.show_signing_in()
            case LinkState.QR_READY, _ if status.qr is not None:
                self.show_code(status.qr, mentorado.expected_account)
            case _:
                self.show_nothing()

    def show_nothing(self) -> None:
        self._go(Stage.NONE)

    def show_waiting(self, current: str, ahead: int) -> None:
        """Somebody named *current* is being paired, and *ahead* people come before this one."""
        self._turn = (current, ahead)
        self._go(Stage.WAITING_TURN)

    def show_code(self, code: QrCode, account: PhoneNumber) -> None:
        """*code* is to be read by the phone of *account*."""
        self._account = account
        self._steps.show_steps(account)
        if self._code is None or code.text != self._code.text:
            self._matrix = None
            self._prepare(code.text)
        if code != self._code:
            self.stage, self._code = Stage.CODE, code
            self._can_type = self._may_type()
        self.stage = self._stage_of_code()
        self._show_typed(code.typed)
        self._render()

    def show_signing_in(self) -> None:
        self._go(Stage.SIGNING_IN)

    def show_expired(self, account: PhoneNumber, *, renewable: bool) -> None:
        self._steps.show_steps(account)
        self._renew.setEnabled(renewable)
        self._go(Stage.EXPIRED)

    @async_slot
    async def expect_code(self) -> None:
        """A code may come soon: be ready to draw it at once."""
        await asyncio.to_thread(warm_up)

    def retranslate(self) -> None:
        self._renew.setText(texts("qr.renew"))
        self._cancel.setText(texts("qr.cancel"))
        self._type_instead.setText(texts("qr.type_instead"))
        self._copy.setToolTip(texts("qr.copy_picture"))
        self._copy.setAccessibleName(texts("qr.copy_picture"))
        self._typed.retranslate()
        self._steps.retranslate()
        self._render()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.stage = self._stage_of_code()
        self._render()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def minimumSizeHint(self) -> QSize:
        """What stands beside the code can stand below it as well."""
        least = super().minimumSizeHint()
        return QSize(min(least.width(), PLATE_SIDE + 2 * SPACE_4), least.height()) if self._stands_beside else least

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Let what belongs to a code stand beside it, where there is room."""
        beside = self.width() - 2 * SPACE_4 - PLATE_SIDE - SPACE_4 >= self._beside_from
        self._code_row.setDirection(QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom)
        self._code_row.setSpacing(SPACE_4 if beside else SPACE_2)

    def _go(self, stage: Stage) -> None:
        """Every stage begins without a code: what was shown before belongs to the past."""
        if stage is self.stage is Stage.NONE:
            return
        if self._copied.holds_picture or self._copied.holds_text:
            self._copied.take_back()
        self.stage = stage
        self._code = self._matrix = None
        self._forget_typed()
        self._render()

    @async_slot
    async def _ask_phone_code(self, _checked: bool = False) -> None:
        codes, mentorado_id, link_id = self._phone_codes, self._mentorado_id, self._link_id
        if codes is None or mentorado_id is None:
            return
        had_focus = self.focusWidget() is self._type_instead
        self._type_instead.setEnabled(False)
        if had_focus:
            self._plate.setFocus()  # else the next in the row would have it, and that gives everything up
        try:
            await codes.request(mentorado_id, link_id)
        finally:
            self._type_instead.setEnabled(True)
        if self._typing and self.focusWidget() in (self._plate, self):
            self._typed.setFocus()

    def _go_back_to_qr(self) -> None:
        if self._phone_codes is not None and self._mentorado_id is not None:
            self._phone_codes.withdraw(self._mentorado_id, self._link_id)
        self._plate.setFocus()  # else the next in the row has it, and that gives everything up

    def _show_typed(self, code: str) -> None:
        """*code* takes the place of the QR; where it is empty, the QR is back."""
        if not code:
            self._forget_typed()
        elif code != self._typed.code or not self._typing:
            self._typing = True
            self._typed.show_code(code, self._account)
            self.typing_changed.emit(True)

    def _forget_typed(self) -> None:
        if self._typing:
            self._typing = False
            self._typed.clear()
            self.typing_changed.emit(False)

    @async_slot
    async def _copy_picture(self, _checked: bool = False) -> None:
        """For a call with a mentorado who is elsewhere; the picture lives as long as its code."""
        code, matrix = self._code, self._matrix
        if code is None or matrix is None:
            return
        picture = await asyncio.to_thread(png, matrix)
        if code is self._code and self.stage is Stage.CODE:
            self._copied.put_picture(picture, code.expires_at)

    @async_slot
    async def _prepare(self, text: str) -> None:
        matrix = await asyncio.to_thread(encode, text)
        if self._code is not None and self._code.text == text:  # another one may have come meanwhile
            self._matrix = matrix
            self._show_plate(self._plate)
            if self._enlarged:
                self._show_plate(self._enlarged.plate)

    @async_slot
    async def _enlarge(self, _checked: bool = False) -> None:
        if self._enlarged is None and self._account is not None:
            self._enlarged = QrDialog(self._theme, self, self._account)
            self._render()
            try:
                await show_dialog(self._enlarged)
            finally:
                self._enlarged = None

    def count_down(self) -> None:
        """Time has passed, or the clock of the machine was put back."""
        if (stage := self._stage_of_code()) is not self.stage:
            self.stage = stage
            self._render()
        elif stage is Stage.CODE:
            for life in (self._life, *([self._enlarged.life] if self._enlarged else [])):
                self._show_life(life)
            self._show_typed_life()

    def _stage_of_code(self) -> Stage:
        """The stage, which is another one once the time of the code is over."""
        if self._code is None or self.stage not in (Stage.CODE, Stage.LAPSED):
            return self.stage
        return Stage.LAPSED if self._clock.now() >= self._code.expires_at else Stage.CODE

    def _render(self) -> None:
        focused = self.focusWidget()
        had_focus = focused is not None and focused.hasFocus()
        self._show_parts()
        if focused is not None and had_focus and not focused.isVisible():
            self.setFocus()  # else the next in the row has it, and that may be giving up

    def _show_parts(self) -> None:
        stage = self.stage
        with_plate = stage in (Stage.CODE, Stage.LAPSED, Stage.EXPIRED) and not self._typing
        for part in (self._plate, self._life, self._steps):
            part.setVisible(with_plate)
        self._typed.setVisible(self._typing)
        for code in (self._plate, self._typed, self._life, self._steps, self._choices):  # and what belongs to it
            code.setObjectName(LIVE_CODE if stage in (Stage.CODE, Stage.LAPSED) else "")
        self._copy.setVisible(stage is Stage.CODE and not self._typing)
        self._show_typed_life()
        self._type_instead.setVisible(stage is Stage.CODE and not self._typing and self._can_type)
        self._renew.setVisible(stage is Stage.EXPIRED)
        self._notice.setVisible(stage in (Stage.WAITING_TURN, Stage.SIGNING_IN))
        self._cancel.setVisible(self._cancellable and stage is not Stage.EXPIRED)
        self._choices.setVisible(not (self._type_instead.isHidden() and self._cancel.isHidden()))
        self._show_notice()
        if with_plate or self._plate_used:  # once more when it is left, so that no code stays on it
            self._show_plate(self._plate)
            self._plate_used = with_plate
        if with_plate:
            self._show_life(self._life)
        if enlarged := self._enlarged:
            if stage in (Stage.CODE, Stage.LAPSED):
                self._show_plate(enlarged.plate)
                self._show_life(enlarged.life)
            else:
                enlarged.reject()  # read, given up or expired: there is nothing to look at any more
        if stage is Stage.CODE and self.isVisible():
            self._timer.start() if not self._timer.isActive() else None
        else:
            self._timer.stop()

    def _may_type(self) -> bool:
        codes, mentorado_id = self._phone_codes, self._mentorado_id
        return codes is not None and mentorado_id is not None and codes.available(mentorado_id, self._link_id)

    def _show_notice(self) -> None:
        if self.stage is Stage.WAITING_TURN:
            name, ahead = self._turn
            self._notice.show_notice("clock", texts("qr.turn", name=name), texts.plural("qr.ahead", ahead))
        elif self.stage is Stage.SIGNING_IN:
            self._notice.show_notice("check", texts("qr.accepted"), texts("qr.accepted_line"))

    def _show_life(self, life: QrCountdown) -> None:
        code = self._code
        if self.stage is Stage.CODE and code is not None:
            remaining = max(0.0, (code.expires_at - self._clock.now()).total_seconds())
            life.show_life(
                remaining / max(1.0, (code.expires_at - code.issued_at).total_seconds()),
                texts("qr.expires", seconds=math.ceil(remaining)),
                texts("qr.picture_copied")
                if self._copied.holds_picture
                else texts("qr.count", number=code.number, total=code.total),
            )
        else:
            life.show_life(0.0, texts("qr.lapsed" if self.stage is Stage.LAPSED else "qr.expired"))

    def _show_typed_life(self) -> None:
        if self._typing and self._code is not None:
            self._typed.show_life(self._code, self._clock.now())

    def _show_plate(self, plate: QrView) -> None:
        code, matrix = self._code, self._matrix
        plate.setToolTip("")
        if self.stage is not Stage.CODE or code is None:
            plate.show_expired()
            plate.setAccessibleName(texts("qr.name_expired"))
        elif matrix is None:
            plate.show_blank()
            plate.setAccessibleName(texts("qr.name_preparing"))
        else:
            plate.show_matrix(matrix)
            plate.setAccessibleName(texts("qr.name_ready", number=code.number, total=code.total))
            if plate is self._plate:
                plate.setToolTip(texts("qr.enlarge"))


def bring_code_into_view(area: QScrollArea, panel: PairingPanel) -> None:
    """Have the code on *panel* whole in *area*, with the time it has left: at the top where that is enough."""
    inside, room = area.widget(), area.viewport().height()
    panel.fit(room)
    if inside is None or (layout := inside.layout()) is None:
        return
    layout.activate()
    top, needed = panel.mapTo(inside, QPoint(0, 0)).y(), panel.needed_height
    above = min(SPACE_2, max(room - needed, -SPACE_3))
    area.verticalScrollBar().setValue(0 if top + needed <= room else top - above)


def turn_of(mentorado: Mentorado, supervisor: Supervisor, mentorados: MentoradoService) -> tuple[str, int]:
    """Who is being paired, and how many come before *mentorado*."""
    pairing_queue = supervisor.pairing
    names = {each.link.id: each.name for each in mentorados.through_all()}
    waiting = pairing_queue.waiting
    ahead = waiting.index(mentorado.link.id) if mentorado.link.id in waiting else 0
    return (names.get(pairing_queue.current, "") if pairing_queue.current else "", ahead)
