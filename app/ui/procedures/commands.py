"""The commands of a procedure, why the others are locked, and the sign of each state. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.actions import ActionName
from app.domain.procedure import Procedure, ProcedureKind, ProcedureState
from app.text import status as status_text
from app.text.procedure import LinkNews
from app.text.signs import Tone
from app.text.status import texts

CODE = (Tone.WAITING, "qr")
UNPROVEN = (Tone.WAITING, "info")
LOOKS = {
    ProcedureState.RUNNING: (Tone.PROGRESS, "refresh"),
    ProcedureState.ASKING: (Tone.WAITING, "info"),
    ProcedureState.PAUSED: (Tone.WAITING, "clock"),
    ProcedureState.FAILED: (Tone.ERROR, "triangle-alert"),
    ProcedureState.UNDOING: (Tone.PROGRESS, "undo"),
    ProcedureState.DONE: (Tone.CONNECTED, "check"),
    ProcedureState.UNDONE: (Tone.IDLE, "undo"),
}


class CommandId(StrEnum):
    """A command of a procedure."""

    NOT_NOW = "not_now"  # put off what was asked; the same as a pause
    CONFIRM = "confirm"
    CONTINUE = "continue"
    TRY_AGAIN = "try_again"
    SEND_AWAY = "send_away"  # the wrong phone that scanned the code
    ACCEPT = "accept"  # that phone, after all
    PAUSE = "pause"
    UNDO = "undo"
    SWITCH_AGAIN = "switch_again"  # begin anew what was taken back
    OPEN_FOLDER = "open_folder"  # where the file is that was made
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class ProcedureCommand:
    """*why* it cannot be done now; empty when it can."""

    control: CommandId
    label: str
    why: str = ""


def primary_command(procedure: Procedure, news: LinkNews | None = None) -> ProcedureCommand | None:
    """The main command; None while the procedure runs or asks, or will go on by itself by the *news* of its link."""
    match procedure.state:
        case ProcedureState.FAILED if news is LinkNews.CONNECTING:
            return None
        case ProcedureState.FAILED if news is LinkNews.REJECTED:
            return ProcedureCommand(CommandId.TRY_AGAIN, texts(f"procedure.confirm.{procedure.head.kind}"))
        case ProcedureState.PAUSED:
            return ProcedureCommand(
                CommandId.CONTINUE, texts("procedure.go_on_undoing" if procedure.undoing else "procedure.continue")
            )
        case ProcedureState.FAILED:
            return ProcedureCommand(CommandId.TRY_AGAIN, texts("procedure.try_again"))
        case ProcedureState.DONE | ProcedureState.UNDONE:
            return ProcedureCommand(CommandId.CLOSE, texts("procedure.close"))
        case ProcedureState.RUNNING | ProcedureState.ASKING | ProcedureState.UNDOING:
            return None


def account_commands() -> tuple[ProcedureCommand, ProcedureCommand]:
    """What is to be decided first when another phone than the mentorado's scanned the code."""
    return (
        ProcedureCommand(CommandId.SEND_AWAY, status_text.action(ActionName.REJECT_ACCOUNT)[0]),
        ProcedureCommand(CommandId.ACCEPT, status_text.action(ActionName.ACCEPT_ACCOUNT)[0]),
    )


def secondary_command(procedure: Procedure) -> ProcedureCommand | None:
    """A second command after the end."""
    if procedure.state is ProcedureState.UNDONE and procedure.head.kind is ProcedureKind.SWITCH:
        label = status_text.action(ActionName.SWITCH_PROVIDER)[0]
        return ProcedureCommand(CommandId.SWITCH_AGAIN, f"{label}…")
    made = procedure.state is ProcedureState.DONE and procedure.head.kind is ProcedureKind.BACKUP
    return ProcedureCommand(CommandId.OPEN_FOLDER, texts("settings.open_folder")) if made else None


def other_commands(procedure: Procedure) -> tuple[ProcedureCommand, ...]:
    """The other commands, always in the same order, locked where they do not apply."""
    if procedure.ended:
        return ()
    undo = texts("procedure.no.undoing") if procedure.undoing else ""
    if not procedure.can_be_undone:
        undo = texts(f"procedure.no.{procedure.head.kind}")
    cancels = procedure.head.kind is ProcedureKind.BACKUP  # there is nothing to undo but a copy
    offers = (ProcedureCommand(CommandId.UNDO, texts("procedure.cancel" if cancels else "procedure.undo"), undo),)
    if procedure.state in (ProcedureState.RUNNING, ProcedureState.UNDOING):
        return (ProcedureCommand(CommandId.PAUSE, texts("procedure.pause")), *offers)
    return offers
