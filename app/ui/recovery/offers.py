"""What a person can do to a procedure now, and why not the rest. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.core.action import ActionName
from app.domain.procedure import Procedure, ProcedureKind, ProcedureState
from app.ui import text
from app.ui.text import texts


class Control(StrEnum):
    """What can be done to a procedure."""

    NOT_NOW = "not_now"  # put off what was asked; the same as a pause
    CONFIRM = "confirm"
    CONTINUE = "continue"
    TRY_AGAIN = "try_again"
    SEND_AWAY = "send_away"  # the wrong phone that scanned the code
    ACCEPT = "accept"  # that phone, after all
    PAUSE = "pause"
    UNDO = "undo"
    OPEN_FOLDER = "open_folder"  # where the file is that was made
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Offer:
    """*why* it cannot be done now; empty when it can."""

    control: Control
    label: str
    why: str = ""


def main_offer(procedure: Procedure) -> Offer | None:
    """The one thing to do next; None while the procedure works by itself, or asks."""
    match procedure.state:
        case ProcedureState.PAUSED:
            return Offer(
                Control.CONTINUE, texts("procedure.go_on_undoing" if procedure.undoing else "procedure.continue")
            )
        case ProcedureState.FAILED:
            return Offer(Control.TRY_AGAIN, texts("procedure.try_again"))
        case ProcedureState.DONE | ProcedureState.UNDONE:
            return Offer(Control.CLOSE, texts("procedure.close"))
        case ProcedureState.RUNNING | ProcedureState.ASKING | ProcedureState.UNDOING:
            return None


def account_offers() -> tuple[Offer, Offer]:
    """What is to be decided first when another phone than the mentorado's scanned the code."""
    return (
        Offer(Control.SEND_AWAY, text.action(ActionName.REJECT_ACCOUNT)[0]),
        Offer(Control.ACCEPT, text.action(ActionName.ACCEPT_ACCOUNT)[0]),
    )


def second_offer(procedure: Procedure) -> Offer | None:
    """What else one may want once it ended well."""
    made = procedure.state is ProcedureState.DONE and procedure.head.kind is ProcedureKind.BACKUP
    return Offer(Control.OPEN_FOLDER, texts("settings.open_folder")) if made else None


def other_offers(procedure: Procedure) -> tuple[Offer, ...]:
    """What else there is: always in the same places, locked where it does not fit."""
    if procedure.ended:
        return ()
    undo = texts("procedure.no.undoing") if procedure.undoing else ""
    if not procedure.can_be_undone:
        undo = texts(f"procedure.no.{procedure.head.kind}")
    cancels = procedure.head.kind is ProcedureKind.BACKUP  # there is nothing to undo but a copy
    offers = (Offer(Control.UNDO, texts("procedure.cancel" if cancels else "procedure.undo"), undo),)
    if procedure.state in (ProcedureState.RUNNING, ProcedureState.UNDOING):
        return (Offer(Control.PAUSE, texts("procedure.pause")), *offers)
    return offers
