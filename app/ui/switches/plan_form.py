"""Where a switch is planned: to which provider, who, in which order and how fast, with the plan in words beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.core.mentorado_service import MentoradoService
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado, MentoradoId, ProviderKind
from app.domain.names import fold_accents, visible
from app.domain.switch import DEFAULT_GRACE, DEFAULT_STOP_PERCENT, DEFAULT_WAVE, MOST_IN_WAVE, SwitchPlan
from app.text.status import provider, texts
from app.ui.dry_run import DraftForm, SideText
from app.ui.settings.section import SettingRow
from app.ui.switches.people import PeoplePicker
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import DropdownButton, Option, SegmentedControl
from app.ui.widgets.labels import ScaledLabel
from app.ui.widgets.layouts import FlowLayout, hbox, vbox

_COHORT, _PEOPLE = "cohort", "people"
_PERSON, _MINUTES = "person", "minutes"
_FIRST, _NOBODY = "first", "nobody"
_DEFAULTS: Final = {
    "wave": DEFAULT_WAVE,
    "minutes": 15,
    "stop": DEFAULT_STOP_PERCENT,
    "grace": int(DEFAULT_GRACE.total_seconds() // 3600),
}
_HIGHEST: Final = {"wave": MOST_IN_WAVE, "minutes": 24 * 60, "stop": 100, "grace": 24 * 90}
_LOWEST: Final = {"wave": 1, "minutes": 0, "stop": 1, "grace": 0}
_FIELD_WIDTH = 88
_SETTLED = 50
"""Milliseconds in which the notice about it has taken its room."""


class PlanForm(DraftForm):
    """The plan of a switch. *kinds* can be switched to."""

    def __init__(
        self,
        theme: Theme,
        mentorados: MentoradoService,
        kinds: Sequence[ProviderKind],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, parent)
        self._mentorados = mentorados
        self._kinds = list(kinds)
        self._touched = False
        self.target = SegmentedControl(theme, self._kinds)
        self.target.choose(self._kinds[-1])
        self.whom = SegmentedControl(theme, [_COHORT, _PEOPLE])
        self.whom.choose(_COHORT)
        self.cohort = DropdownButton(theme, self._cohorts)
        self.people = PeoplePicker(theme, self._active)
        self.canary = DropdownButton(theme, self._canaries)
        self.canary.choose(_FIRST)
        self.pause = SegmentedControl(theme, [_PERSON, _MINUTES])
        self.pause.choose(_PERSON)
        self.fields = {name: QLineEdit(str(value)) for name, value in _DEFAULTS.items()}
        who = QWidget()
        inside = vbox(inside=who, spacing=t.SPACE_2)
        cohorts = QWidget()
        FlowLayout(cohorts).addWidget(self.cohort)  # a dropdown lays out from right to left; here as the others do
        inside.addWidget(self.whom)
        inside.addWidget(cohorts)
        inside.addWidget(self.people)
        between = QWidget()
        row = hbox(self.pause, self.fields["minutes"], inside=between, spacing=t.SPACE_2)
        row.addStretch(1)
        self.rows = {
            "target": SettingRow(theme, self.target, below=True),
            "who": SettingRow(theme, who, below=True),
            "canary": SettingRow(theme, self.canary),
            "wave": SettingRow(theme, self.fields["wave"]),
            "pause": SettingRow(theme, between, below=True),
            "stop": SettingRow(theme, self.fields["stop"]),
            "grace": SettingRow(theme, self.fields["grace"]),
        }
        self.words = _PlanInWords(theme)
        self._lay_out(self._rows(), self.words)
        for choice in (self.target, self.whom, self.cohort, self.canary, self.pause):
            choice.picked.connect(self._on_changed)
        self.people.changed.connect(self._on_changed)
        for name, field in self.fields.items():
            field.setValidator(QIntValidator(0, 99_999, field))
            field.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            field.textEdited.connect(self._on_changed)
            field.editingFinished.connect(lambda name=name: self._mark(name))

    # --- what is chosen

    @property
    def plan(self) -> SwitchPlan:
        """What was chosen so far. Raises `Problem` when nobody is, or a number makes no sense."""
        for name in self.fields:
            self._mark(name)
        chosen = self.chosen
        if not chosen:
            raise Problem(ProblemCode.SWITCH_NOBODY)
        numbers = {name: self._number(name) for name in self.fields}
        wave, minutes, stop, grace = (numbers[name] for name in ("wave", "minutes", "stop", "grace"))
        if wave is None or minutes is None or stop is None or grace is None:
            self._show_field(next(self.fields[name] for name, number in numbers.items() if number is None))
            raise Problem(ProblemCode.SWITCH_WAVE_INVALID, most=str(MOST_IN_WAVE))
        by_cohort = self.whom.chosen == _COHORT
        return SwitchPlan(
            target=self.chosen_target,
            cohort=self.cohort.chosen if by_cohort and isinstance(self.cohort.chosen, str) else "",
            mentorados=() if by_cohort else tuple(each.id for each in chosen),
            canary=self._canary(),
            wave_size=wave,
            pause_minutes=minutes if self.pause.chosen == _MINUTES else None,
            stop_at_percent=stop,
            grace=timedelta(hours=grace),
        )

    @property
    def chosen_target(self) -> ProviderKind:
        assert isinstance(self.target.chosen, ProviderKind)  # noqa: S101 - one is always chosen
        return self.target.chosen

    @property
    def chosen(self) -> Sequence[Mentorado]:
        """Whom the plan is about."""
        if self.whom.chosen == _PEOPLE:
            ticked = set(self.people.chosen)
            return [each for each in self._active() if each.id in ticked]
        return [each for each in self._active() if each.cohort == self.cohort.chosen]

    @property
    def is_empty(self) -> bool:
        return not self._touched

    def clear(self) -> None:
        """Begin another one with the defaults; provider and cohort stay."""
        self.people.search.clear()
        self.people.model.choose(self.people.chosen, on=False)
        self.canary.choose(_FIRST)
        self.pause.choose(_PERSON)
        for name, value in _DEFAULTS.items():
            self.fields[name].setText(str(value))
            self._mark(name)
        self._touched = False
        self.refresh()
        self.changed.emit()

    def choose_people(self, people: Sequence[MentoradoId]) -> None:
        """Plan for *people* and nobody else; the rest of the plan stays."""
        self.people.refresh()
        self.people.search.clear()
        self.people.model.choose(self.people.chosen, on=False)
        self.people.model.choose(people)
        self.whom.choose(_PEOPLE)
        self._on_changed()

    def fill_in(self, plan: SwitchPlan) -> None:
        """Choose what *plan* says, instead of what was chosen before; who is not here any more is left out."""
        self.clear()
        self.target.choose(plan.target)
        if plan.mentorados:
            here = {each.id for each in self._active()}
            self.choose_people([each for each in plan.mentorados if each in here])
        else:
            self.whom.choose(_COHORT)
            self.cohort.choose(plan.cohort)
        self.canary.choose(_NOBODY if plan.canary is None else plan.canary)
        self.pause.choose(_PERSON if plan.pause_minutes is None else _MINUTES)
        numbers = {
            "wave": plan.wave_size,
            "minutes": _DEFAULTS["minutes"] if plan.pause_minutes is None else plan.pause_minutes,
            "stop": plan.stop_at_percent,
            "grace": int(plan.grace.total_seconds() // 3600),
        }
        for name, number in numbers.items():
            self.fields[name].setText(str(number))
            self._mark(name)
        self._on_changed()

    def take_focus(self) -> None:
        self.target.button(self.target.chosen).setFocus(Qt.FocusReason.OtherFocusReason)

    def _active(self) -> Sequence[Mentorado]:
        return sorted((each for each in self._mentorados.all() if not each.archived), key=_by_name)

    def _moving(self) -> Sequence[Mentorado]:
        """Those chosen who are on another provider."""
        return [each for each in self.chosen if each.link.provider is not self.target.chosen]

    def _canary(self) -> MentoradoId | None:
        chosen = self.canary.chosen
        if chosen == _FIRST:
            moving = self._moving() or self.chosen
            return moving[0].id if len(moving) > 1 else None
        known = {each.id for each in self.chosen}
        return MentoradoId(chosen) if isinstance(chosen, str) and chosen in known else None

    def _number(self, name: str) -> int | None:
        """What was typed, or None where it is no number that can be."""
        typed = self.fields[name].text().strip()
        if name == "minutes" and self.pause.chosen == _PERSON:
            return 0
        number = int(typed) if typed.isdecimal() and len(typed) < 6 else -1
        return number if _LOWEST[name] <= number <= _HIGHEST[name] else None

    # --- what can be chosen

    def _cohorts(self) -> Sequence[Option]:
        counted = Counter(each.cohort for each in self._active())
        names = sorted(counted, key=lambda name: (not name, name.casefold()))
        options: list[Option] = [] if isinstance(self.cohort.chosen, str) else [(None, texts("switches.plan.choose"))]
        for name in names:
            shown = visible(name) or texts("switches.no_cohort")
            options.append((name, texts.plural("switches.plan.cohort_count", counted[name], cohort=shown)))
        return options

    def _canaries(self) -> Sequence[Option]:
        moving = self._moving()
        first = moving[0].name if moving else "—"
        return [
            (_FIRST, texts("switches.plan.canary_first", name=first)),
            (_NOBODY, texts("switches.plan.canary_nobody")),
            *((each.id, each.name) for each in moving),
        ]

    # --- what is shown

    def _on_changed(self, _value: object = None) -> None:
        self._touched = True
        self.refresh()
        self.changed.emit()

    def _mark(self, name: str) -> None:
        """Mark a field whose number cannot be."""
        field, invalid = self.fields[name], self._number(name) is None
        if field.property("invalid") != invalid:
            field.setProperty("invalid", invalid)
            field.style().unpolish(field)  # a sheet looks at properties only when it dresses a widget
            field.style().polish(field)

    def _show_field(self, field: QLineEdit) -> None:
        """Lead to what has to be typed again."""
        field.setFocus(Qt.FocusReason.OtherFocusReason)
        field.selectAll()
        QTimer.singleShot(_SETTLED, self, lambda: self._area.ensureWidgetVisible(field, 0, t.SPACE_8))

    def refresh(self) -> None:
        by_cohort = self.whom.chosen == _COHORT
        self.cohort.setVisible(by_cohort)
        self.people.setVisible(not by_cohort)
        self.fields["minutes"].setVisible(self.pause.chosen == _MINUTES)
        self._kept.setVisible(not self.is_empty)
        self.run.setEnabled(bool(self._active()))
        if self.canary.chosen not in (_FIRST, _NOBODY) and self._canary() is None:
            self.canary.choose(_FIRST)  # whoever was chosen is not among them any more
        self.people.refresh()
        self.cohort.set_text(texts("switches.plan.cohort"))
        self.canary.set_text("")
        self.words.show_plan(self._in_words())

    def _in_words(self) -> Sequence[str]:
        """The plan, a sentence a line."""
        chosen, moving = self.chosen, self._moving()
        target = provider(self.chosen_target)
        if not chosen:
            return [texts("switches.plan.words.nobody" if self._active() else "switches.plan.nobody_here")]
        sources = Counter(each.link.provider for each in moving)
        from_where = ", ".join(
            texts("switches.plan.words.source", count=count, provider=provider(kind))
            for kind, count in sources.most_common()
        )
        lines = [texts.plural("switches.plan.words.moving", len(moving), target=target, sources=from_where)]
        if len(moving) < len(chosen):
            staying = len(chosen) - len(moving)
            lines.append(texts.plural("switches.plan.words.staying", staying, target=target))
        if not moving:
            return lines[:1]
        canary, rest = self._canary(), len(moving)
        first = next((each.name for each in moving if each.id == canary), None)
        if first is not None:
            lines.append(texts("switches.plan.words.first", name=first))
            rest -= 1
        wave, minutes, stop, grace = (self._number(name) for name in ("wave", "minutes", "stop", "grace"))
        if wave and rest:
            waves = -(-rest // wave)
            lines.append(texts.plural("switches.plan.words.waves", waves, size=min(wave, rest)))
            if waves > 1 or first is not None:
                timed = self.pause.chosen == _MINUTES and minutes is not None
                key = "timed" if timed else "person"
                lines.append(texts(f"switches.plan.words.{key}", minutes=minutes or 0))
        if stop and len(moving) > 1:
            lines.append(texts("switches.plan.words.stop", percent=stop))
        if grace is not None:
            lines.append(texts("switches.plan.words.grace", hours=grace))
        return lines

    def retranslate(self) -> None:
        self.target.set_text(texts("switches.plan.target"), [provider(kind) for kind in self._kinds])
        self.whom.set_text(
            texts("switches.plan.who"), [texts(f"switches.plan.who_{each}") for each in (_COHORT, _PEOPLE)]
        )
        self.pause.set_text(
            texts("switches.plan.pause"), [texts(f"switches.plan.pause_{each}") for each in (_PERSON, _MINUTES)]
        )
        for name, row in self.rows.items():
            row.set_text(texts(f"switches.plan.{name}"), texts(f"switches.plan.line.{name}"))
        for name, field in self.fields.items():
            field.setAccessibleName(texts(f"switches.plan.{name}"))
            field.setFixedWidth(self._theme.px(_FIELD_WIDTH))
        self._line.setText(texts("switches.plan.nothing_changes"))
        self._kept.setText(texts("switches.plan.kept"))
        self.run.setText(texts("switches.plan.run"))
        self.people.retranslate()
        self.words.retranslate()
        self.refresh()

    def _rows(self) -> QVBoxLayout:
        form = vbox(margins=(t.SPACE_6, t.SPACE_4, t.SPACE_6, t.SPACE_4), spacing=t.SPACE_4)
        for place, row in enumerate(self.rows.values()):
            if place:
                line = QFrame()
                line.setProperty("role", "line")
                form.addWidget(line)
            form.addWidget(row)
        form.addStretch(1)
        return form


class _PlanInWords(SideText):
    """What the plan means, a sentence a line."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.lines = [ScaledLabel(theme) for _ in range(8)]
        self._lay_out(self.lines)

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(line.text() for line in self.lines if not line.isHidden())

    def show_plan(self, sentences: Sequence[str]) -> None:
        for place, line in enumerate(self.lines):
            words = sentences[place] if place < len(sentences) else ""
            line.setText(words)
            line.setVisible(bool(words))

    def retranslate(self) -> None:
        self._heading.setText(texts("switches.plan.words.title"))


def _by_name(mentorado: Mentorado) -> tuple[str, MentoradoId]:
    """The order in which a cohort is switched."""
    return fold_accents(mentorado.name), mentorado.id
