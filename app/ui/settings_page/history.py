"""How much is kept, and for how long."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import datetime

from app.domain.events import HistoryShrank
from app.ui.dialogs.question import QuestionSheet
from app.ui.dialogs.sheet import Sheet
from app.ui.loop import ask, asked
from app.ui.pick import Option, Pick
from app.ui.settings_page.parts import Parts
from app.ui.settings_page.section import Row, Section
from app.ui.text import date_time, texts
from app.ui.theme import Theme

OFFERED = (None, 730, 365, 180, 90, 30)


class HistorySection(Section):
    """Everything is kept until somebody decides otherwise, and to keep less must be confirmed in writing."""

    def __init__(self, theme: Theme, parts: Parts) -> None:
        super().__init__(theme, "history", "message")
        self._parts = parts
        self._counted: tuple[int, int, datetime | None] | None = None
        self._counting = False
        self.retention = Pick(theme, self._options)
        self._extent = Row(theme)
        self._kept = Row(theme, self.retention)
        self.add(self._extent)
        self.add(self._kept)
        self.retention.picked.connect(self.keep)
        undo = parts.bus.subscribe(HistoryShrank, lambda _event: self.refresh())
        self.destroyed.connect(lambda _gone: undo())

    @property
    def line(self) -> str:
        """What is said of how much there is."""
        return self._extent.line.text()

    def refresh(self) -> None:
        self._show_retention()
        if not self._counting:
            self._count()

    @asked
    async def keep(self, chosen: Hashable) -> None:
        """Keep for so many days from the next time on; None keeps everything."""
        days = chosen if isinstance(chosen, int) else None
        before = self._parts.desk.settings.retention_days
        try:
            fewer = days is not None and (before is None or days < before)
            if days is not None and fewer and not await self._sure(days):
                return
            await self._parts.desk.set_retention(days)
            self.say_done(texts("settings.saved"))
        finally:
            self._show_retention()

    def sheet(self, days: int) -> QuestionSheet:
        """What is lost, before it is: the number of days is to be typed."""
        words = _days(days)
        sheet = QuestionSheet(
            self._theme,
            self,
            texts("settings.history.ask_title", days=words),
            texts("settings.history.ask_confirm"),
            typed=words,
        )
        sheet.add_aspect("kept", texts("settings.history.ask_kept"))
        sheet.add_aspect("changes", texts("settings.history.ask_changes", days=words))
        sheet.add_aspect("lost", texts("settings.history.ask_lost", days=words))
        sheet.ask_for_name()
        return sheet

    def retranslate(self) -> None:
        super().retranslate()
        self._kept.say(texts("settings.history.retention"), texts("settings.history.retention_line"))
        self._show_retention()
        self._show_extent()

    @asked
    async def _count(self) -> None:
        self._counting = True
        try:
            messages, conversations, since = 0, 0, None
            for enrolment in self._parts.enrolments.all():
                extent = await self._parts.extent(enrolment.mentorado.id)
                messages += extent.messages
                conversations += extent.conversations
                if extent.since is not None:
                    since = extent.since if since is None else min(since, extent.since)
            self._counted = (messages, conversations, since)
        finally:
            self._counting = False
        self._show_extent()

    def _show_extent(self) -> None:
        if self._counted is None:
            line = texts("settings.history.counting")
        elif (counted := self._counted)[2] is None:
            line = texts("settings.history.nothing")
        else:
            messages, conversations, since = counted
            now = self._parts.clock.now().astimezone().date()
            line = texts(
                "settings.history.extent_line",
                messages=texts.plural("settings.history.messages", messages),
                conversations=texts.plural("settings.history.conversations", conversations),
                since=date_time(since.astimezone(), now) if since else "",
            )
        self._extent.say(texts("settings.history.extent"), line)

    def _show_retention(self) -> None:
        self.retention.choose(self._parts.desk.settings.retention_days)
        self.retention.say("")

    async def _sure(self, days: int) -> bool:
        if await ask(self.sheet(days)) is Sheet.DialogCode.Accepted:
            return True
        self._parts.desk.decline_retention(days)
        return False

    def _options(self) -> Sequence[Option]:
        now = self._parts.desk.settings.retention_days
        offered = OFFERED if now in OFFERED else (*OFFERED, now)
        return [(days, texts("settings.history.all") if days is None else _days(days)) for days in offered]


def _days(days: int) -> str:
    return texts.plural("settings.history.days", days)
