"""The form of a campaign: its name, cohort, text and template, with a preview beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.core.mentorado_service import MentoradoService
from app.core.provider_setup.selection import NumberDetailsService
from app.domain.campaign import MAX_TEXT, CampaignDraft, PlaceholderName, filled, placeholders
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado
from app.domain.names import visible
from app.domain.prices import TemplateCategory
from app.domain.sending import Template, TemplateMessage
from app.text import campaigns as campaign_text
from app.text.status import problem, texts
from app.ui.async_slots import async_slot
from app.ui.dry_run import DraftForm, SideText
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import DropdownButton, Option
from app.ui.widgets.labels import set_role, text_label
from app.ui.widgets.layouts import FlowLayout, hbox, vbox

_TYPED = "typed"
"""The choice of a template that is in no list: its name and language are typed."""


class Composer(DraftForm):
    """The name, cohort, text and template of a campaign."""

    def __init__(
        self, theme: Theme, mentorados: MentoradoService, details: NumberDetailsService, parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, parent)
        self._mentorados = mentorados
        self._details = details
        self._asking = False
        self.name = QLineEdit()
        self.cohort = DropdownButton(theme, self._cohorts)
        self.text = QPlainTextEdit(tabChangesFocus=True)
        self.counter = text_label(role="caption")
        self.insert = {each: QPushButton() for each in PlaceholderName}
        self.template = DropdownButton(theme, self._templates)
        self.template.choose(None)
        self.ask = QPushButton()
        self.template_name, self.template_language = QLineEdit(), QLineEdit()
        self.parameters = QPlainTextEdit(tabChangesFocus=True)
        self.category = DropdownButton(theme, self._categories)
        self.category.choose(TemplateCategory.MARKETING)
        self.ask.setProperty("role", "quiet")
        self._name_label, self._text_label, self._parameters_label = (text_label(role="secondary") for _ in range(3))
        self._template_line = text_label(role="caption")
        self._preview = _Preview(theme)
        self._lay_out(self._fields(), self._preview)
        self.name.textChanged.connect(self._on_changed)
        self.cohort.picked.connect(self._on_changed)
        self.template.picked.connect(self._on_template)
        self.category.picked.connect(self._on_changed)
        self.ask.clicked.connect(self._ask_for_templates)
        for line in (self.template_name, self.template_language):
            line.textChanged.connect(self._on_changed)
        for field in (self.text, self.parameters):
            field.textChanged.connect(self._on_changed)
        for each, button in self.insert.items():
            button.clicked.connect(partial(self._insert, each))

    # --- what is written

    @property
    def draft(self) -> CampaignDraft:
        """What was written so far. Raises `Problem` when no cohort is chosen."""
        if not isinstance(self.cohort.chosen, str):
            raise Problem(ProblemCode.CAMPAIGN_COHORT_MISSING)
        category = self.category.chosen
        return CampaignDraft(
            name=" ".join(self.name.text().split()),
            cohort=self.cohort.chosen,
            text=self.text.toPlainText().strip(),
            template=self._template_message(),
            category=category if isinstance(category, TemplateCategory) else TemplateCategory.MARKETING,
        )

    @property
    def is_empty(self) -> bool:
        written = (self.name.text(), self.text.toPlainText(), self.parameters.toPlainText(), self.template_name.text())
        return not any(part.strip() for part in written)

    def clear(self) -> None:
        """Begin another one; the cohort stays."""
        for field in (self.name, self.text, self.template_name, self.template_language, self.parameters):
            field.clear()
        self.template.choose(None)
        self._on_changed()

    def take_focus(self) -> None:
        self.name.setFocus(Qt.FocusReason.OtherFocusReason)

    def _template_message(self) -> TemplateMessage | None:
        chosen = self.template.chosen
        parameters = tuple(line.strip() for line in self.parameters.toPlainText().splitlines() if line.strip())
        if isinstance(chosen, Template):
            return TemplateMessage(name=chosen.name, language=chosen.language, parameters=parameters)
        name, language = self.template_name.text().strip(), self.template_language.text().strip()
        if chosen is None or not name:
            return None
        return TemplateMessage(name=name, language=language, parameters=parameters)

    def _chosen_mentorados(self) -> Sequence[Mentorado]:
        return [each for each in self._mentorados.all() if not each.archived and each.cohort == self.cohort.chosen]

    def _with_templates(self) -> Sequence[Mentorado]:
        """Those of the cohort whose provider has templates."""
        return [each for each in self._chosen_mentorados() if self._details.supported(each.id)]

    # --- what can be chosen

    def _cohorts(self) -> Sequence[Option]:
        counted = Counter(each.cohort for each in self._mentorados.all() if not each.archived)
        names = sorted(counted, key=lambda name: (not name, name.casefold()))
        options: list[Option] = [] if isinstance(self.cohort.chosen, str) else [(None, texts("campaign.draft.choose"))]
        for name in names:
            shown = visible(campaign_text.cohort(name))
            options.append((name, texts.plural("campaign.draft.cohort_count", counted[name], cohort=shown)))
        return options

    def _templates(self) -> Sequence[Option]:
        known: dict[Template, str] = {}
        for mentorado in self._with_templates():
            cached = self._details.cached(mentorado.id)
            for template in cached.details.templates if cached is not None else ():
                if template.usable:
                    known[template] = visible(f"{template.name} ({template.language})")
        if isinstance(self.template.chosen, Template):
            known.setdefault(self.template.chosen, self.template.chosen.name)
        return [
            (None, texts("campaign.draft.no_template")),
            *known.items(),
            (_TYPED, texts("campaign.draft.other_template")),
        ]

    @staticmethod
    def _categories() -> Sequence[Option]:
        return [(each, texts(f"campaign.draft.category_name.{each}")) for each in TemplateCategory]

    # --- what a person does

    def _insert(self, name: PlaceholderName, _checked: bool = False) -> None:
        self.text.insertPlainText("{" + texts(f"campaign.draft.placeholder.{name}") + "}")
        self.text.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_template(self, chosen: Hashable) -> None:
        if isinstance(chosen, Template):
            known = {each.value.upper(): each for each in TemplateCategory}
            self.category.choose(known.get(chosen.category.upper(), TemplateCategory.MARKETING))
        self._on_changed()

    @async_slot
    async def _ask_for_templates(self, _checked: bool = False) -> None:
        """Have Meta asked for each account of the cohort; what is known stays when one does not answer."""
        self._asking = True
        self.refresh()
        try:
            for mentorado in self._with_templates():
                await self._details.fetch(mentorado.id)
        finally:
            self._asking = False
            self.template.set_text(texts("campaign.draft.template"))
            self.refresh()

    def _on_changed(self, _value: object = None) -> None:
        self.refresh()
        self.changed.emit()

    # --- what is shown

    def refresh(self) -> None:
        self.cohort.set_text(texts("campaign.draft.cohort"))
        count = len(self.text.toPlainText())
        self.counter.setText(texts("campaign.draft.counter", count=count, most=MAX_TEXT))
        set_role(self.counter, "danger" if count > MAX_TEXT else "caption")
        templated = bool(self._with_templates()) or self.template.chosen is not None
        chosen = self.template.chosen
        visible_now: dict[QWidget, bool] = {
            self.template: templated,
            self._template_line: templated,
            self.ask: bool(self._with_templates()),
            self.template_name: chosen == _TYPED,
            self.template_language: chosen == _TYPED,
            self._parameters_label: chosen is not None,
            self.parameters: chosen is not None,
            self.category: chosen is not None,
            self._kept: not self.is_empty,
        }
        for part, shown in visible_now.items():
            part.setVisible(shown)
        self.ask.setEnabled(not self._asking)
        self.ask.setText(texts("campaign.draft.asking_templates" if self._asking else "campaign.draft.ask_templates"))
        theirs = self._chosen_mentorados()
        mentorado = theirs[0].name if theirs else texts("campaign.draft.example_mentorado")
        self._preview.show_draft(self.text.toPlainText().strip(), self._template_message(), mentorado)

    def retranslate(self) -> None:
        for label, field, key in (
            (self._name_label, self.name, "name"),
            (self._text_label, self.text, "text"),
            (self._parameters_label, self.parameters, "parameters"),
        ):
            label.setText(texts(f"campaign.draft.{key}"))
            label.setBuddy(field)
            field.setAccessibleName(texts(f"campaign.draft.{key}"))
        self.name.setPlaceholderText(texts("campaign.draft.name_hint"))
        self.text.setPlaceholderText(texts("campaign.draft.text_hint"))
        for line, key in ((self.template_name, "template_name"), (self.template_language, "template_language")):
            line.setPlaceholderText(texts(f"campaign.draft.{key}"))
            line.setAccessibleName(texts(f"campaign.draft.{key}"))
        for each, button in self.insert.items():
            button.setText(texts(f"campaign.draft.insert_{each}"))
        self.template.set_text(texts("campaign.draft.template"))
        self.category.set_text(texts("campaign.draft.category"))
        self._template_line.setText(texts("campaign.draft.template_line"))
        self._line.setText(texts("campaign.draft.line"))
        self._kept.setText(texts("campaign.draft.kept"))
        self.run.setText(texts("campaign.draft.run"))
        self.text.setMinimumHeight(self._theme.px(140))
        self.parameters.setFixedHeight(self._theme.px(76))
        self._preview.retranslate()
        self.refresh()

    @staticmethod
    def _flow(*parts: QWidget) -> FlowLayout:
        flow = FlowLayout(spacing=t.SPACE_2)
        for part in parts:
            flow.addWidget(part)
        return flow

    def _fields(self) -> QVBoxLayout:
        for button in self.insert.values():
            button.setProperty("role", "pick")
        named = hbox((self.template_name, 2), (self.template_language, 1), spacing=t.SPACE_2)
        form = vbox(self._name_label, margins=(t.SPACE_6, t.SPACE_4, t.SPACE_6, t.SPACE_4), spacing=t.SPACE_2)
        form.addWidget(self.name)
        form.addSpacing(t.SPACE_1)
        form.addLayout(self._flow(self.cohort))
        form.addSpacing(t.SPACE_1)
        form.addWidget(self._text_label)
        form.addWidget(self.text, 1)
        form.addWidget(self.counter)
        form.addLayout(self._flow(*self.insert.values()))
        form.addSpacing(t.SPACE_2)
        form.addLayout(self._flow(self.template, self.category, self.ask))
        form.addWidget(self._template_line)
        form.addLayout(named)
        form.addWidget(self._parameters_label)
        form.addWidget(self.parameters)
        return form


class _Preview(SideText):
    """The message with its placeholders filled for an example contact, or what is wrong with it."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.line = text_label(role="caption")
        self.bubble = QFrame()
        self.bubble.setProperty("role", "sunken")
        self.words = text_label()
        inside = QVBoxLayout(self.bubble)
        inside.setContentsMargins(t.SPACE_4, t.SPACE_3, t.SPACE_4, t.SPACE_3)
        inside.addWidget(self.words)
        self.template = text_label(role="secondary")
        self.wrong = text_label(role="danger")
        self._lay_out((self.line, self.bubble, self.template, self.wrong))

    def show_draft(self, text: str, template: TemplateMessage | None, mentorado: str) -> None:
        contact = texts("campaign.draft.example_contact")
        values = {PlaceholderName.NAME: contact, PlaceholderName.MENTORADO: mentorado}
        self.line.setText(texts("campaign.draft.preview_line", contact=contact, mentorado=mentorado))
        parts = (text, *(template.parameters if template else ()))
        unknown = [each for part in parts for each in placeholders(part)[1]]
        self.wrong.setVisible(bool(unknown))
        if unknown:
            named = Problem(ProblemCode.CAMPAIGN_PLACEHOLDER_UNKNOWN, placeholder=visible(unknown[0]))
            self.wrong.setText(" ".join(problem(named)))
            values = {}
        shown = [filled(part, values) if values else part for part in parts]
        self.words.setText(shown[0] or texts("campaign.draft.preview_empty"))
        set_role(self.words, "" if shown[0] else "secondary")
        self.bubble.setVisible(bool(shown[0]) or template is None)
        self.template.setVisible(template is not None)
        if template is not None:
            key = "preview_template" if template.parameters else "preview_no_parameters"
            head = texts(f"campaign.draft.{key}", name=template.name, language=template.language)
            numbered = [f"{{{{{number}}}}}  {part}" for number, part in enumerate(shown[1:], 1)]
            self.template.setText("\n".join((head, *numbered)))

    def retranslate(self) -> None:
        self._heading.setText(texts("campaign.draft.preview"))
