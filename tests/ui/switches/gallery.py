"""Pictures of the page of provider switches, in every look, for people to judge.

python -m tests.ui.switches.gallery OUT_DIR [LOOK_PART]
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from PySide6.QtWidgets import QApplication, QWidget

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.domain.mentorado import Mentorado
from app.domain.provider import Blocked, Connected, QrIssued, QrScanned
from app.domain.settings import SWITCH_SECOND_PERSON
from app.domain.switch import SwitchState
from app.text.status import texts
from app.ui.async_slots import run
from app.ui.dialogs.base import BaseDialog
from app.ui.switches.dialogs import ApprovalDialog
from app.ui.theme.theme import Mode, Theme
from tests.ui.switches.harness import META, WEB, ZAPI, SwitchesHarness, open_switches
from tests.ui.window_harness import CREDENTIAL, person

SIZE, SMALL, NARROW = (1220, 800), (1220, 660), (760, 640)
"""What is left of a window of 1280 × 860, of one of 1280 × 720, and of a narrow one, beside the rail."""


async def take_all(app: QApplication, folder: Path, only: str) -> None:
    theme = Theme(Mode.LIGHT)
    theme.apply(app)
    for language in ("pt-BR", "en"):
        for mode in (Mode.LIGHT, Mode.DARK):
            look = f"{language}-{mode}"
            if only in look:
                texts.set_language(language)
                theme.set_mode(mode)
                async with open_switches(theme) as harness:
                    await take(harness, folder, look)


async def people(h: SwitchesHarness, count: int) -> list[Mentorado]:
    """So many of one cohort who are on WhatsApp Web, with names that somebody could have."""
    found = []
    for number, added in enumerate(await h.core.people(count, WEB)):
        someone = person(number)
        found.append(await h.core.mentorados.edit(added.id, someone.name, added.phone, "Turma 12"))
    return found


async def take(h: SwitchesHarness, folder: Path, look: str) -> None:
    page, core = h.page, h.core

    async def shot(name: str, what: QWidget = page, size: tuple[int, int] = SIZE) -> None:
        if what is page:
            page.resize(*size)
        await asyncio.sleep(0.12)
        what.grab().save(str(folder / f"{name}-{look}.png"))

    async def dialog(name: str) -> None:
        await asyncio.sleep(0.1)
        for each in page.findChildren(BaseDialog):
            if each.isVisible():
                each.grab().save(str(folder / f"{name}-{look}.png"))
                each.reject()
        await asyncio.sleep(0.05)

    await shot("01-empty")
    everybody = await people(h, 25)
    page.compose()
    await shot("02-plan-new")
    h.plan(ZAPI, cohort="Turma 12")
    page.form.pause.button("minutes").click()
    await shot("03-plan")
    await shot("03-plan-small", size=SMALL)
    page.form.whom.button("people").click()
    page.form.people.search.setText("an")
    page.form.people.model.choose([each.id for each in page.form.people.model.rows][:3])
    await shot("04-plan-names")
    page.form.people.search.clear()
    h.plan(ZAPI, cohort="Turma 12")
    page.form.pause.button("person").click()
    for number in (3, 11):
        await h.lacks(everybody[number])
    page.report.show_running()
    page.report.show_progress(9, 25)
    page._go(page.report)
    await shot("05-dry-run-running")
    await h.dry_run()
    await shot("06-report")
    await shot("06-report-small", size=SMALL)
    page.report.filter.button("staying").click()
    await shot("07-report-will-not")
    page.report.filter.button("all").click()
    page._approve()
    await dialog("08-approval")
    await core.services.settings_service.change(SWITCH_SECOND_PERSON, True)
    await h.approve()
    await h.moved()
    await shot("09-awaiting-second")
    page._approve_second()
    await dialog("10-second-approval")
    zapi, started = core.played[ZAPI], core.run()
    for name, refused in (
        ("10-second-same-person", Problem(ProblemCode.SWITCH_SAME_PERSON, name=started.approved_by)),
        ("10-second-changed", Problem(ProblemCode.SWITCH_CHANGED)),
    ):
        page._approve_second()
        await asyncio.sleep(0.1)
        asked = next(each for each in page.findChildren(ApprovalDialog) if each.isVisible())
        asked.name.setText(started.approved_by)
        asked.number.setText(str(len(started.items)))
        asked.show_problem(refused)
        await dialog(name)
    page._do(page._stop)
    await dialog("10-stop-awaiting")
    who = [item.mentorado_id for item in started.items]
    zapi.waits = {who[3]}
    zapi.trouble = {who[4]: Blocked(Reason.TOKEN_INVALID)}
    zapi.refuses = {who[9]}
    await core.switches.approve_second(started.id, str(len(started.items)), "Rosa Prado")
    await h.moved()
    await shot("11-first-done")
    await core.switches.resume(started.id)
    await h.moved()
    target = core.run().items[3].to_link
    assert target is not None
    zapi.open[target].say(QrIssued(CREDENTIAL * 4, 2, 6, 20))
    await h.moved()
    await core.clock.advance(5)
    await shot("12-code")
    await shot("12-code-small", size=SMALL)
    await shot("12-code-narrow", size=NARROW)
    page.board.head.show_code.click()
    await shot("12-code-narrow-open", size=NARROW)
    page.board.split.close_side_panel()
    page.resize(*SIZE)
    zapi.open[target].say(QrScanned(core.mentorados.get(who[3]).phone), Connected(core.mentorados.get(who[3]).phone))
    await h.moved()
    page.board._pick(who[4])
    await shot("13-failed")
    await shot("13-failed-small", size=SMALL)
    zapi.trouble.clear()
    await core.switches.retry(started.id)
    await h.moved()
    for _ in range(9):
        if core.run().state is SwitchState.PAUSED:
            await core.switches.resume(started.id)
            await h.moved()
    page.board.open(started.id)
    page.refresh()
    await shot("14-result")
    page.board._pick(who[2])
    await core.switches.roll_back(who[2])
    await h.moved()
    await core.switches.release(who[1])
    await core.clock.advance(73 * 3600)
    page.refresh()
    page.board._pick(who[5])
    await shot("15-grace-over")
    page._roll_back(who[5])
    await dialog("16-roll-back")
    page._release_due()
    await dialog("17-release")
    page.go_back()
    h.plan(META, [core.mentorados.get(each) for each in who[1:6]])
    await h.dry_run()
    await shot("18-report-meta")
    await h.approve()
    await core.switches.approve_second(core.run().id, str(len(core.run().items)), "Rosa Prado")
    await h.moved()
    page.go_back()
    await shot("19-list")
    page._do(page._stop)
    await dialog("20-stop")
    theme = page._theme
    theme.set_text_scale(200)
    await shot("21-list-text200", size=(1220, 860))
    page.show_run(started.id)
    await shot("22-board-text200", size=(1220, 860))
    page.compose()
    await shot("23-plan-text200", size=(1220, 860))
    theme.set_text_scale(100)


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    application = QApplication([])
    only_look = sys.argv[2] if len(sys.argv) > 2 else ""
    run(application, lambda: take_all(application, Path(sys.argv[1]), only_look))
