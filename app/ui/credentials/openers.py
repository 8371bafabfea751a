"""Opens the sheets of hosted providers, and does what was decided in them."""

from __future__ import annotations

from app.core.action import ActionName
from app.core.hosted.credentials import Known
from app.domain.errors import Problem
from app.ui.credentials.queue_sheet import QueueSheet
from app.ui.credentials.register_sheet import RegisterSheet, tries_left
from app.ui.credentials.sheet import CredentialsSheet, Ending
from app.ui.dialogs.question import QuestionSheet
from app.ui.dialogs.sheet import Sheet
from app.ui.loop import ask
from app.ui.places import Place
from app.ui.sheets import Errand, Sheets
from app.ui.text import provider, texts, unbroken


async def enter_credentials(sheets: Sheets, errand: Errand) -> None:
    """Ask for them, keep them, and connect when that was the button. A place that is locked is said in the sheet."""
    tools, desk = sheets.tools, sheets.tools.hosted.credentials
    enrolment, drafts = sheets.enrolment(errand), sheets.tools.hosted.drafts
    known, locked = Known(plain={}, secret=frozenset()), None
    try:
        known = await desk.known(errand.mentorado_id)
    except Problem as problem:
        locked = problem
    draft = drafts.pop(errand.mentorado_id, None)
    sheet = CredentialsSheet(tools.theme, errand.over, enrolment, desk, tools.actions, known, draft=draft)
    if locked is not None:
        sheet.show_problem(locked)
    if await ask(sheet) is not Sheet.DialogCode.Accepted:
        return
    match sheet.ending:
        case Ending.CONNECT:
            await sheets.run(ActionName.CONNECT, errand.mentorado_id, errand.over)
        case Ending.SETTINGS:
            drafts[errand.mentorado_id] = sheet.form.typed
            sheets.place_wanted.emit(Place.SETTINGS)
        case Ending.FORGET:
            await _forget(sheets, errand)
        case Ending.SAVED | Ending.NOTHING:
            pass


async def _forget(sheets: Sheets, errand: Errand) -> None:
    known = {"name": sheets.enrolment(errand).mentorado.name}
    known["provider"] = provider(sheets.enrolment(errand).link.provider)
    title, verb = texts("credentials.forget_title", **known), texts("credentials.forget_confirm")
    sheet = QuestionSheet(sheets.tools.theme, errand.over, title, verb)
    sheet.add_aspect("kept", texts("credentials.forget_kept", **known))
    sheet.add_aspect("changes", texts("credentials.forget_changes", **known))
    if await ask(sheet) is Sheet.DialogCode.Accepted:
        await sheets.tools.hosted.credentials.forget(errand.mentorado_id)


async def decide_queue(sheets: Sheets, errand: Errand) -> None:
    """Show what waits at the provider, and do with it what is decided. Raises `Problem` when it cannot be asked."""
    tools, desk = sheets.tools, sheets.tools.hosted.queue
    messages = await desk.waiting(errand.mentorado_id)
    sheet = QueueSheet(tools.theme, errand.over, sheets.enrolment(errand), desk, tools.actions, tools.clock, messages)
    await ask(sheet)
    if not sheet.decided and sheet.messages:
        desk.leave(errand.mentorado_id, sheet.messages)


async def register(sheets: Sheets, errand: Errand) -> None:
    """Ask for the PIN, with the tries that are left in sight."""
    tools, registration = sheets.tools, sheets.tools.hosted.registration
    sheet = RegisterSheet(tools.theme, errand.over, sheets.enrolment(errand), registration, tools.clock)
    sheet.show_allowance(await registration.allowance(errand.mentorado_id))
    await ask(sheet)


async def deregister(sheets: Sheets, errand: Errand) -> None:
    """Take the number off after its name was typed; it counts as a try. Raises `Problem`."""
    tools, registration = sheets.tools, sheets.tools.hosted.registration
    enrolment = sheets.enrolment(errand)
    name = enrolment.mentorado.name
    known = {"name": name, "phone": unbroken(enrolment.expected_account)}
    left = await registration.allowance(errand.mentorado_id)
    title, verb = texts("question.deregister.title", **known), texts("question.deregister.confirm")
    sheet = QuestionSheet(tools.theme, errand.over, title, verb, typed=name)
    for aspect in ("kept", "changes", "lost"):
        sheet.add_aspect(aspect, texts(f"question.deregister.{aspect}", **known))
    sheet.add_line(tries_left(left, tools.clock.now()))
    sheet.ask_for_name()
    if await ask(sheet) is Sheet.DialogCode.Accepted:
        await registration.deregister(errand.mentorado_id)
