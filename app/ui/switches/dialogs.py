"""Questions before a switch: the approval by one person and by two, and what lets a former provider go or come back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from PySide6.QtWidgets import QLineEdit, QWidget

from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.domain.switch import (
    SwitchDryRun,
    SwitchItem,
    SwitchItemState,
    SwitchPlan,
    SwitchRun,
    SwitchState,
    same_person,
)
from app.text import switch_run as run_text
from app.text.status import problem as words_of
from app.text.status import provider, texts
from app.ui.async_slots import async_slot
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.theme.theme import SPACE_2, Theme
from app.ui.widgets.labels import text_label

_NAMED: Final = 20
"""So many are named before they are only counted."""

NameOf = Callable[[MentoradoId], str]
Approve = Callable[[str, str], Awaitable[None]]
"""What is done with what was typed: the number or name, and who approves."""


class ApprovalDialog(ConfirmDialog):
    """The verb waits until *expected* is typed, and the person's name where *asks_name*. Enter never cancels.

    A refusal is said here, and what was typed stays. What has changed since the dry run can be planned again.
    """

    def __init__(
        self, theme: Theme, over: QWidget, title: str, verb: str, *, expected: str, asks_name: bool = False
    ) -> None:
        super().__init__(theme, over, title, verb, typed=expected)
        self._asks_name = asks_name
        self._approve: Approve | None = None
        self._busy = False
        self.plans_again = False
        """Whether a person left it to plan the switch again."""
        self.name, self.number = QLineEdit(), QLineEdit()
        self.trouble = text_label(role="danger")
        self.trouble.hide()
        self.plan_again = self.add_button(texts("switches.dialog.plan_again"), "primary")
        self.plan_again.clicked.connect(self._leave_to_plan)
        self.plan_again.hide()

    def approve_with(self, approve: Approve) -> None:
        """Close it only once *approve*, which may raise `Problem`, has returned."""
        self._approve = approve

    def accept(self) -> None:
        if self._approve is None:
            super().accept()
        else:
            self._try(self._approve)

    def reject(self) -> None:
        if not self._busy:
            super().reject()

    def show_problem(self, problem: Problem) -> None:
        sentence, step = words_of(problem)
        changed = problem.code is ProblemCode.SWITCH_CHANGED
        self.show_trouble(sentence, texts("switches.dialog.changed") if changed else step)
        if changed:
            self.confirm.hide()
            self.plan_again.show()
            self.plan_again.setFocus()
        else:
            (self.name if self._asks_name else self.number).setFocus()
        self.fit()

    def ask(self, question: str) -> None:
        """Add the fields, last, so that everything is read before."""
        self.inside.addSpacing(SPACE_2)
        if self._asks_name:
            self._add_field(self.name, texts("switches.dialog.your_name"))
        self._add_field(self.number, question)
        self.inside.addWidget(self.trouble)
        self.name.returnPressed.connect(self.number.setFocus)
        self.number.returnPressed.connect(self.go_to_verb)
        self.confirm.setEnabled(False)
        (self.name if self._asks_name else self.number).setFocus()

    @property
    def typed(self) -> str:
        return self.number.text()

    @property
    def approver(self) -> str:
        return " ".join(self.name.text().split())

    def _add_field(self, field: QLineEdit, words: str) -> None:
        label = text_label(words, "secondary")
        label.setBuddy(field)
        field.setAccessibleName(words)
        field.textChanged.connect(self._on_typed)
        self.inside.addWidget(label)
        self.inside.addWidget(field)

    def _on_typed(self) -> None:
        named = not self._asks_name or bool(self.approver)
        self.confirm.setEnabled(not self._busy and named and same_person(self.typed, self._typed))

    @async_slot
    async def _try(self, approve: Approve) -> None:
        if self._busy:
            return
        self._set_busy(True)
        try:
            await approve(self.typed, self.approver)
        finally:
            self._set_busy(False)
        super().accept()

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        for part in (self.cancel, self.name, self.number):
            part.setEnabled(not busy)
        self._on_typed()

    def _leave_to_plan(self) -> None:
        self.plans_again = True
        super().reject()

    def show_trouble(self, sentence: str, next_step: str) -> None:
        words = f"{sentence} {next_step}"
        self.trouble.setText(words)
        self.trouble.setAccessibleName(words)
        self.trouble.show()
        self.fit()


def _add_plan(dialog: ConfirmDialog, plan: SwitchPlan, order: Sequence[MentoradoId], name_of: NameOf) -> None:
    """What is kept, and what changes in which *order*: its first goes alone, also where the chosen one stays."""
    count = len(order)
    target = provider(plan.target)
    hours = int(plan.grace.total_seconds() // 3600)
    dialog.add_aspect("kept", texts("switches.dialog.kept" if hours else "switches.dialog.kept_none", hours=hours))
    lines = [texts.plural("switches.dialog.changes", count, target=target)]
    if count > 1:
        if plan.canary is not None:
            lines.append(texts("switches.dialog.first", name=name_of(order[0])))
        lines.append(texts("switches.dialog.waves", size=plan.wave_size, percent=plan.stop_at_percent))
    dialog.add_aspect("changes", " ".join(lines))


def approval(
    theme: Theme, over: QWidget, made: SwitchDryRun, expected: str, name_of: NameOf, *, second: bool
) -> ApprovalDialog:
    """Asks for the approval of *made*; *second* says that another person has to approve it after this one."""
    count = len(made.switching)
    whom = name_of(made.switching[0].mentorado_id) if count == 1 else texts.plural("switches.people", count)
    title = texts("switches.dialog.title", who=whom, target=provider(made.plan.target))
    dialog = ApprovalDialog(theme, over, title, texts("switches.dialog.approve"), expected=expected)
    _add_plan(dialog, made.plan, [each.mentorado_id for each in made.switching], name_of)
    if staying := len(made.people) - count:
        dialog.add_line(texts.plural("switches.dialog.staying", staying))
    if second:
        dialog.add_line(texts("switches.dialog.second_follows"))
    dialog.ask(texts("switches.dialog.type", expected=expected))
    return dialog


def second_approval(theme: Theme, over: QWidget, run: SwitchRun, name_of: NameOf) -> ApprovalDialog:
    """Asks another person for their name and how many are switched."""
    count = len(run.items)
    whom = name_of(run.items[0].mentorado_id) if count == 1 else texts.plural("switches.people", count)
    title = texts("switches.dialog.title", who=whom, target=provider(run.plan.target))
    dialog = ApprovalDialog(theme, over, title, texts("switches.dialog.approve"), expected=str(count), asks_name=True)
    _add_plan(dialog, run.plan, [each.mentorado_id for each in run.items], name_of)
    dialog.add_line(texts("switches.dialog.second", who=run.approved_by))
    dialog.ask(texts("switches.dialog.type", expected=count))
    return dialog


def stop_question(theme: Theme, over: QWidget, run: SwitchRun, name_of: NameOf) -> ConfirmDialog:
    """What stopping means, before it is done."""
    title = texts("switches.dialog.stop_title", name=run_text.name(run, name_of))
    dialog = ConfirmDialog(theme, over, title, texts("switches.dialog.stop_confirm"))
    if run.state is SwitchState.AWAITING_SECOND:  # nobody has moved, and there is nothing to pause
        dialog.add_aspect("kept", texts("switches.dialog.stop_kept_awaiting"))
        dialog.add_aspect("lost", texts("switches.dialog.stop_lost_awaiting"))
        return dialog
    dialog.add_aspect("kept", texts("switches.dialog.stop_kept"))
    waiting = run.count(SwitchItemState.WAITING)
    dialog.add_aspect("lost", texts.plural("switches.dialog.stop_lost", waiting))
    return dialog


def release_question(theme: Theme, over: QWidget, items: Sequence[SwitchItem], name_of: NameOf) -> ConfirmDialog:
    """What letting the former providers of *items* go means."""
    title = texts.plural("switches.dialog.release_title", len(items))
    dialog = ConfirmDialog(theme, over, title, texts("switches.dialog.release_confirm"))
    names = ", ".join(name_of(item.mentorado_id) for item in items[:_NAMED])
    if more := len(items) - _NAMED if len(items) > _NAMED else 0:
        names = texts.plural("switches.dialog.and_more", more, names=names)
    dialog.add_line(names)
    dialog.add_aspect("kept", texts("switches.dialog.release_kept"))
    dialog.add_aspect("changes", texts("switches.dialog.release_changes"))
    return dialog
