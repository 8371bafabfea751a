"""Parts of the panel, as tests look for them."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from app.domain.procedure import EntryKind, Procedure, ProcedureKind, StepName
from tests.clock import settle
from tests.ui.controls import read_aloud
from tests.ui.procedures.fake_procedures import FOUND
from tests.ui.procedures.views import Views


def words(under: QWidget) -> str:
    labels = under.findChildren(QLabel)
    return read_aloud(" | ".join(label.text() for label in labels if label.isVisible() and label.text()))


def buttons(under: QWidget) -> dict[str, QPushButton]:
    """Those that say something, by what they say."""
    found = under.findChildren(QPushButton)
    return {button.text(): button for button in found if button.isVisible() and button.text()}


async def asking(views: Views) -> Procedure:
    procedure = await views.follow(ProcedureKind.RECOVERY)
    views.procedures.run_to(procedure, StepName.BACK_UP)
    views.procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.BACK_UP, FOUND[StepName.BACK_UP])
    views.procedures.write(procedure.head.id, EntryKind.ASKED, StepName.PAIR)
    await settle()
    return procedure


async def pairing(views: Views) -> Procedure:
    procedure = await asking(views)
    views.procedures.write(procedure.head.id, EntryKind.CONFIRMED)
    return views.procedures.write(procedure.head.id, EntryKind.STEP_BEGAN, StepName.PAIR)
