"""Pictures of the pane and the runner in every situation of interest, to be looked at by a person.

    python -m tests.ui.detail_pane.gallery OUT_DIR [--all]

Without ``--all`` each picture is taken light and in Portuguese only, except for a few.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QDialog, QHBoxLayout, QWidget

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import (
    LinkState,
    LinkStatus,
    Reason,
    Retry,
    SendCapability,
    Trigger,
)
from app.domain.repositories import Transition
from app.text.status import texts
from app.ui import async_slots as loop
from app.ui.async_slots import show_error
from app.ui.detail_pane.pairing import Stage
from app.ui.detail_pane.qr import QrDialog
from app.ui.dialogs.confirm import Confirmations, ConfirmDialog
from app.ui.dialogs.mentorado import MentoradoDialog
from app.ui.theme.theme import Mode, Theme
from tests.clock import settle
from tests.ui.detail_pane.harness import LUIZA, OTHER_NUMBER, THIAGO, PaneHarness, pane_harness, people, renamed

S, R = LinkState, Reason
NOW = datetime(2026, 5, 12, 14, 32, tzinfo=UTC)
HOLDER = "recepcao, 2026-05-10 09:30 UTC, PID 4211"
NOT_OURS = (Reason.SESSION_HELD_ELSEWHERE, Reason.SESSION_OF_ANOTHER_MENTORADO)
LONG = "Maria Aparecida do Nascimento Albuquerque Cavalcanti de Vasconcelos"


def history(harness: PaneHarness) -> None:
    """A few days in the life of a link: nights with the program closed, some falls, and a sign-out."""
    stands = (
        (S.OFF, R.NONE, 6 * 86_400),
        (S.CONNECTING, R.NONE, 5 * 86_400),
        (S.QR_READY, R.NONE, 5 * 86_400 - 8),
        (S.CONNECTED, R.NONE, 5 * 86_400 - 60),
        (S.UNKNOWN, R.UNREACHABLE, 4 * 86_400),
        (S.CONNECTED, R.NONE, 4 * 86_400 - 9000),
        (S.BLOCKED, R.LOGGED_OUT, 3 * 86_400),
        (S.CONNECTING, R.NONE, 3 * 86_400 - 20_000),
        (S.QR_READY, R.NONE, 3 * 86_400 - 20_010),
        (S.CONNECTED, R.NONE, 3 * 86_400 - 20_100),
        (S.OFF, R.PROGRAM_CLOSED, 72_000),
        (S.OFF, R.NONE, 36_000),
        (S.CONNECTING, R.NONE, 35_990),
        (S.CONNECTED, R.NONE, 35_980),
        (S.RECONNECTING, R.NETWORK_DOWN, 20_000),
        (S.CONNECTED, R.NONE, 18_600),
        (S.RECONNECTING, R.KEEPALIVE_TIMEOUT, 12_400),
        (S.CONNECTED, R.NONE, 12_390),
        (S.BLOCKED, R.LOGGED_OUT, 9600),
        (S.CONNECTING, R.NONE, 9000),
        (S.QR_READY, R.NONE, 8998),
        (S.CONNECTED, R.NONE, 7200),
    )
    link = harness.mentorados.get(THIAGO).link.id
    statuses = [LinkStatus(state=state, reason=reason, since=harness.ago(seconds=ago)) for state, reason, ago in stands]
    for before, after in itertools.pairwise(statuses):
        if after.state is S.OFF and before.reason is R.PROGRAM_CLOSED:
            continue  # the program began anew, which is no move
        trigger = Trigger.CONNECT
        harness.log.lines.append(Transition(link_id=link, at=after.since, trigger=trigger, before=before, after=after))


def shots() -> dict[str, Callable[[PaneHarness], None]]:
    def until(harness: PaneHarness, **delta: float) -> dict[str, Any]:
        return {"until": harness.clock.now() + timedelta(**delta)}

    connected = {"connected_since": 86_400 * 3.0, "last_inbound": 180, "last_ack": 95, "last_observation": 95}
    found: dict[str, Callable[[PaneHarness], None]] = {
        "off": lambda s: s.put(S.OFF, ago=7200),
        "connecting": lambda s: s.put(S.CONNECTING),
        "waiting-turn": waiting_turn,
        "qr": lambda s: s.show_code(s.code(2, age=6)),
        "qr-urgent": lambda s: s.show_code(s.code(3, age=17)),
        "qr-lapsed": lambda s: s.show_code(s.code(3, age=21)),
        "qr-typed": typed,
        "qr-confirmed": confirmed,
        "qr-signing-in": lambda s: s.put(S.QR_READY, R.SIGNING_IN),
        "qr-expired": lambda s: s.put(S.BLOCKED, R.QR_EXPIRED, ago=60),
        "connected": lambda s: s.put(S.CONNECTED, ago=7200, evidence=s.evidence(**connected)),
        "connected-first": lambda s: s.put(S.CONNECTED, evidence=s.evidence(connected_since=2, last_observation=2)),
        "connected-restricted": lambda s: s.put(
            S.CONNECTED,
            ago=7200,
            capability=SendCapability.RESTRICTED,
            evidence=s.evidence(**connected),
            **until(s, hours=5),
        ),
        "reconnecting": lambda s: s.put(
            S.RECONNECTING, R.NETWORK_DOWN, ago=40, retry=Retry(3, s.clock.now() + timedelta(seconds=8))
        ),
        "unknown": lambda s: s.put(S.UNKNOWN, R.UNREACHABLE, ago=240),
        "temporary-ban": lambda s: s.put(S.BLOCKED, R.TEMPORARY_BAN, ago=600, detail="402", **until(s, days=3)),
        "temporary-ban-over": lambda s: s.put(S.BLOCKED, R.TEMPORARY_BAN, ago=600, **until(s, seconds=-5)),
        "wrong-account": lambda s: s.put(S.BLOCKED, R.WRONG_ACCOUNT, ago=12, account=OTHER_NUMBER),
        "trouble": trouble,
        "archived": archived,
        "empty": lambda s: s.pane.show_mentorado(None),
    }
    for reason in (
        R.LOGGED_OUT,
        R.CLIENT_OUTDATED,
        R.PASSKEY_REQUIRED,
        R.MAIN_DEVICE_GONE,
        R.CLOCK_SKEW,
        R.FLAPPING,
        *NOT_OURS,
    ):
        found[f"blocked-{reason}"] = lambda s, reason=reason: s.put(  # type: ignore[misc]
            S.BLOCKED, reason, ago=300, account=OTHER_NUMBER, holder=HOLDER
        )
    return found


async def drawn(harness: PaneHarness) -> None:
    """Wait until a code that is to be shown has been computed."""
    panel = harness.pane._content.pairing
    while panel.stage is Stage.CODE and not panel._plate.readable:
        await asyncio.sleep(0.01)


def typed(harness: PaneHarness) -> None:
    harness.show_code(replace(harness.code(2, age=6), typed="ABCD-0001"))


def confirmed(harness: PaneHarness) -> None:
    harness.show_code(harness.code(2, age=6))
    harness.put(S.CONNECTED)


def waiting_turn(harness: PaneHarness) -> None:
    pairing_queue = harness.supervisor.pairing
    pairing_queue._queue[:] = [harness.mentorados.get(LUIZA).link.id, harness.mentorados.get(THIAGO).link.id]
    harness.put(S.CONNECTING, R.WAITING_TURN, ago=30)


def trouble(harness: PaneHarness) -> None:
    harness.put(S.OFF)
    show_error(harness.pane, Problem(ProblemCode.SESSION_DIR_NOT_WRITABLE))


def archived(harness: PaneHarness) -> None:
    known = harness.mentorados._by_id
    known[THIAGO] = people()[0]
    from dataclasses import replace

    known[THIAGO] = replace(known[THIAGO], archived_at=harness.clock.now())
    harness.put(S.OFF)


class Screenshots:
    """Takes the pictures: one theme, one language at a time."""

    def __init__(self, app: QApplication, out: Path) -> None:
        self._app = app
        self._out = out
        self._theme = Theme(Mode.LIGHT)
        self._theme.apply(app)

    async def pane(
        self, name: str, act: Callable[[PaneHarness], None], *, scale: int = 100, long: bool = False
    ) -> None:
        self._theme.set_text_scale(scale)
        first, *others = people()
        everybody = [renamed(first, LONG) if long else first, *others]
        async with pane_harness(self._theme, *everybody, time=NOW) as harness:
            history(harness)
            pane = harness.pane
            pane.resize(self._theme.px(364), 900)
            pane.show_mentorado(THIAGO)
            act(harness)
            pane.show()
            pane.setFocus()
            await drawn(harness)
            await asyncio.sleep(0.02)
            content = pane._content
            pane.resize(pane.width(), max(520, content.heightForWidth(pane.width() - 14) + 4))
            await settle()
            self._app.processEvents()
            self._keep(name, pane.grab())
        self._theme.set_text_scale(100)

    async def sheet(self, name: str, build: Callable[[PaneHarness, QWidget], QDialog], *, scale: int = 100) -> None:
        self._theme.set_text_scale(scale)
        async with pane_harness(self._theme, time=NOW) as harness:
            window = QWidget()
            window.resize(980, 860)
            row = QHBoxLayout(window)
            row.addStretch(1)
            harness.pane.setFixedWidth(364)
            row.addWidget(harness.pane)
            harness.show_code(harness.code(2, age=6))
            harness.pane.show_mentorado(THIAGO)
            window.show()
            await drawn(harness)
            sheet = build(harness, window)
            sheet.open()
            await asyncio.sleep(0.02)
            picture = window.grab()
            painter = QPainter(picture)
            painter.drawPixmap(sheet.pos() - window.mapToGlobal(QPoint(0, 0)), sheet.grab())
            painter.end()
            self._keep(name, picture)
            sheet.reject()
            harness.pane.setParent(None)
            window.hide()
            window.deleteLater()
        self._theme.set_text_scale(100)

    def dress(self, mode: Mode, language: str) -> str:
        self._theme.set_mode(mode)
        texts.set_language(language)
        return f"{mode}-{language}"

    def _keep(self, name: str, picture: QPixmap) -> None:
        flat = QPixmap(picture.size())
        flat.setDevicePixelRatio(picture.devicePixelRatio())
        flat.fill(QColor(self._theme.tokens.surface))
        painter = QPainter(flat)
        painter.drawPixmap(0, 0, picture)
        painter.end()
        flat.save(str(self._out / f"{name}.png"))


def form(
    harness: PaneHarness, over: QWidget, theme: Theme, *, wrong: bool = False, edit: bool = False
) -> MentoradoDialog:
    editing = harness.mentorados.get(THIAGO) if edit else None
    sheet = MentoradoDialog(theme, over, harness.mentorados, editing)
    if wrong:
        sheet.name.line.setText("Débora Falcão")
        sheet.phone.line.setText("9 1234")
        sheet.show_problem(Problem(ProblemCode.PHONE_TAKEN, name="Luíza Prates"))
    return sheet


def question(harness: PaneHarness, over: QWidget, theme: Theme, name: ActionName) -> ConfirmDialog:
    if name in (ActionName.ACCEPT_ACCOUNT, ActionName.REJECT_ACCOUNT):
        harness.put(S.BLOCKED, R.WRONG_ACCOUNT, account=OTHER_NUMBER)
    if name is ActionName.OVERRULE_LOCK:
        harness.put(S.BLOCKED, R.SESSION_HELD_ELSEWHERE, holder=HOLDER)
    return Confirmations(theme, over, harness.supervisor.status).sheet(name, harness.mentorados.get(THIAGO))


def closing(_stage: PaneHarness, over: QWidget, theme: Theme) -> ConfirmDialog:
    sheet = ConfirmDialog(theme, over, texts("question.close.title"), texts("question.close.confirm"))
    sheet.add_line(texts.plural("question.close.stops", 3, names="Ana Prates, Bia Rocha, Caio Luz"))
    return sheet


def enlarged(harness: PaneHarness, over: QWidget, theme: Theme) -> QrDialog:
    panel = harness.pane._content.pairing
    panel._enlarged = QrDialog(theme, over, harness.mentorados.get(THIAGO).expected_account)
    panel._render()
    return panel._enlarged


async def take(app: QApplication, out: Path, *, everything: bool) -> None:
    screenshots = Screenshots(app, out)
    theme = screenshots._theme
    runner: dict[str, Callable[[PaneHarness, QWidget], QDialog]] = {
        "form-add": lambda s, w: form(s, w, theme),
        "form-wrong": lambda s, w: form(s, w, theme, wrong=True),
        "form-edit": lambda s, w: form(s, w, theme, edit=True),
        "enlarged": lambda s, w: enlarged(s, w, theme),
        "question-close": lambda s, w: closing(s, w, theme),
        **{
            f"question-{name}": lambda s, w, name=name: question(s, w, theme, name)  # type: ignore[misc]
            for name in (
                ActionName.DISCONNECT,
                ActionName.ACCEPT_ACCOUNT,
                ActionName.REJECT_ACCOUNT,
                ActionName.LIFT_BAN,
                ActionName.OVERRULE_LOCK,
                ActionName.ARCHIVE,
            )
        },
    }
    dresses = itertools.product((Mode.LIGHT, Mode.DARK), ("pt-BR", "en"))
    for mode, language in dresses if everything else [(Mode.LIGHT, "pt-BR")]:
        dress = screenshots.dress(mode, language)
        for name, act in shots().items():
            await screenshots.pane(f"{name}-{dress}", act)
        for name, build in runner.items():
            await screenshots.sheet(f"{name}-{dress}", build)
    for name in ("qr", "qr-typed", "wrong-account", "blocked-logged_out", "connected"):
        screenshots.dress(Mode.LIGHT, "pt-BR")
        await screenshots.pane(f"{name}-large-text", shots()[name], scale=200, long=True)
        await screenshots.pane(f"{name}-long-name", shots()[name], long=True)
        screenshots.dress(Mode.DARK, "en")
        await screenshots.pane(f"{name}-dark-en", shots()[name])
    for name in ("form-wrong", "question-accept_account"):
        await screenshots.sheet(f"{name}-large-text", runner[name], scale=200)


def main() -> None:
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    app = QApplication([])
    app.setAttribute(Qt.ApplicationAttribute.AA_DontShowIconsInMenus, on=False)
    loop.run(app, lambda: take(app, out, everything="--all" in sys.argv))


if __name__ == "__main__":
    main()
