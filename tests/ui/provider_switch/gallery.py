"""Pictures of a switch, from its sheet to its roll-back.

    python -m tests.ui.provider_switch.gallery OUT [LOOK/][PART]

A LOOK is a language, a theme and a text size, such as ``pt-BR-light-100``; both arguments are prefixes.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tests.ui.looks import run_gallery

if TYPE_CHECKING:
    from app.ui.theme.theme import Theme
    from tests.ui.provider_switch.harness import SwitchHarness


async def _take_all(folder: Path, only: str) -> None:
    from app.text.status import texts
    from app.ui.theme.theme import Mode, Theme

    wanted, _, part = only.rpartition("/")
    for language in ("pt-BR", "en"):
        texts.set_language(language)
        for mode in (Mode.LIGHT, Mode.DARK):
            for scale in (100, 200):
                name = f"{language}-{mode}-{scale}"
                if name.startswith(wanted):
                    await _take_views(folder, name, Theme(mode, scale), part)


async def _take_views(folder: Path, name: str, theme: Theme, only: str) -> None:
    from tests.ui.provider_switch.harness import open_switches

    for views_of in (_sheet, _to_zapi, _by_code):
        with tempfile.TemporaryDirectory() as home:
            async with open_switches(theme, Path(home)) as harness:
                async for view in views_of(harness):
                    for _ in range(12):
                        await asyncio.sleep(0.005)
                    if only in view:
                        harness.picture().save(str(folder / f"{name}-{view}.png"))


async def _sheet(harness: SwitchHarness) -> AsyncIterator[str]:
    """The choice, the dry run, and the approval."""
    from app.domain.audit import Actor
    from app.domain.mentorado import ProviderKind
    from app.domain.settings import SWITCH_SECOND_PERSON
    from app.ui.procedures.commands import CommandId
    from tests.ui.provider_switch.reports import bad, good

    harness.pane._pages.scroll.verticalScrollBar().setValue(520)
    yield "10-pane-actions"
    form = await harness.open_form()
    yield "11-choose"
    harness.planned = bad
    form.targets[ProviderKind.META_CLOUD].click()
    yield "12-report-bad"
    bar = harness.sheet._scroll.verticalScrollBar()
    bar.setValue(bar.maximum())
    yield "13-report-bad-below"
    form.report.enter.click()
    dialog = await harness.dialog()
    yield "14-credentials"
    dialog.reject()
    harness.planned = good
    form.targets[ProviderKind.ZAPI].click()
    yield "15-report-good"
    bar.setValue(bar.maximum())
    yield "16-report-good-below"
    form.name_field.setText(harness.who.name)
    form.name_field.setFocus()
    yield "17-confirm"
    harness.core.audit_service._actor = lambda: Actor(user="staff", operator="Rita")
    await harness.core.services.settings_service.change(SWITCH_SECOND_PERSON, True)
    await harness.checked(ProviderKind.ZAPI)
    harness.form.name_field.setText(harness.who.name)
    bar = harness.sheet._scroll.verticalScrollBar()
    bar.setValue(bar.maximum())
    yield "18-second-person"
    harness.sheet.footer.button(CommandId.CONFIRM).click()
    yield "19-awaits-second"
    harness.pane._sides.close(harness.who.id)
    yield "20-pane-awaits-second"
    await harness.open_form()
    yield "21-waits-already"
    await harness.switches.stop(harness.switches.runs[0].id)
    yield "21-stopped"


async def _to_zapi(harness: SwitchHarness) -> AsyncIterator[str]:
    """A switch that is done, its grace time, and the way back."""
    from app.domain.actions import ActionName
    from app.domain.link_status import LinkState, Reason
    from app.domain.mentorado import ProviderKind
    from app.domain.provider import Connected

    form = await harness.checked(ProviderKind.ZAPI)
    form.name_field.setText(harness.who.name)
    form.changed.emit()
    harness.sheet._submit()
    line = await harness.line_of(harness.zapi)
    yield "30-connecting"
    line.say(Connected(harness.who.phone))
    await harness.pass_time(lambda: harness.item.switched_at)
    yield "31-done"
    harness.pane._sides.close(harness.who.id)
    yield "32-pane-kept"
    former = harness.item.from_link
    bar = harness.pane._pages.scroll.verticalScrollBar()
    bar.setValue(bar.maximum())
    yield "33-timeline"
    bar.setValue(0)
    harness.put(former, LinkState.BLOCKED, Reason.LOGGED_OUT)
    yield "34-pane-former-gone"
    harness.put(former, LinkState.CONNECTED)
    harness.clock.time += timedelta(hours=80)
    harness.pane._refresh()
    yield "35-pane-time-to-decide"
    harness.perform(ActionName.RELEASE_FORMER)
    dialog = await harness.dialog()
    yield "36-ask-release"
    dialog.reject()
    harness.perform(ActionName.ROLL_BACK)
    dialog = await harness.dialog()
    yield "37-ask-roll-back"
    dialog.accept()
    await harness.pass_time(lambda: harness.who.link.provider is ProviderKind.WHATSAPP_WEB)
    yield "38-rolled-back"
    harness.pane._sides.close(harness.who.id)
    bar.setValue(bar.maximum())
    yield "39-timeline"


async def _by_code(harness: SwitchHarness) -> AsyncIterator[str]:
    """A switch to a provider whose code a phone scans: the right one, and another."""
    from app.domain.mentorado import ProviderKind
    from app.domain.phone import PhoneNumber
    from app.domain.provider import Connected, QrIssued
    from app.text.status import texts
    from tests.ui.detail_pane.codes import LINK
    from tests.ui.procedures.panel_controls import buttons

    form = await harness.checked(ProviderKind.ZAPI)
    form.name_field.setText(harness.who.name)
    harness.sheet._submit()
    line = await harness.line_of(harness.zapi)
    line.say(QrIssued(LINK, 2, 6, 60))
    await asyncio.sleep(0.3)
    yield "50-code"
    harness.window.resize(700, 620)
    harness.window.body.open_side_panel()
    await asyncio.sleep(0.1)
    yield "51-code-drawer"
    harness.window.resize(1280, 720)
    line.say(Connected(PhoneNumber("+5511912344321")))
    decide = texts("procedure.switch.send_away")
    await harness.pass_time(lambda: decide in buttons(harness.sheet))
    yield "52-wrong-phone"
    buttons(harness.sheet)[decide].click()
    await harness.pass_time(lambda: harness.sheet.procedure is not None and harness.sheet.procedure.ended)
    yield "52-wrong-phone-gone"
    harness.pane._sides.close(harness.who.id)
    yield "53-pane-after"


if __name__ == "__main__":
    part_wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    run_gallery(lambda folder: _take_all(folder, part_wanted))
