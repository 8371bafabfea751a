"""What a person can do to a procedure now, and why not the rest. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.procedure import Procedure, ProcedureKind, ProcedureState
from app.ui.text import texts


class Control(StrEnum):
    """What can be done to a procedure."""

    CONFIRM = "confirm"
    NOT_NOW = "not_now"  # put off what was asked; the same as a pause
    CONTINUE = "continue"
    TRY_AGAIN = "try_again"
    PAUSE = "pause"
    UNDO = "undo"
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
            return Offer(Control.CONTINUE, texts("procedure.continue"))
        case ProcedureState.FAILED:
            return Offer(Control.TRY_AGAIN, texts("procedure.try_again"))
        case ProcedureState.DONE | ProcedureState.UNDONE:
            return Offer(Control.CLOSE, texts("procedure.close"))
        case ProcedureState.RUNNING | ProcedureState.ASKING | ProcedureState.UNDOING:
            return None


def other_offers(procedure: Procedure) -> tuple[Offer, ...]:
    """What else there is: always in the same places, locked where it does not fit."""
    if procedure.ended:
        return ()
    undoing = procedure.state is ProcedureState.UNDOING
    why_not = texts("procedure.no.undoing") if undoing else ""
    undo = why_not or ("" if procedure.can_be_undone else texts(f"procedure.no.{procedure.head.kind}"))
    cancels = procedure.head.kind is ProcedureKind.BACKUP  # there is nothing to undo but a copy
    offers = (Offer(Control.UNDO, texts("procedure.cancel" if cancels else "procedure.undo"), undo),)
    if procedure.state in (ProcedureState.RUNNING, ProcedureState.UNDOING):
        return (Offer(Control.PAUSE, texts("procedure.pause"), why_not), *offers)
    return offers
