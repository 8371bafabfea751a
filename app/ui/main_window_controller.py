"""Handles the window's commands. Does nothing until the services are attached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QTimer, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QMenu

from app.domain.actions import ActionName
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.provider_descriptor import DESCRIPTORS
from app.text.status import texts
from app.ui.async_slots import async_slot, show_dialog
from app.ui.mentorado_list.row import ListFilter
from app.ui.mentorado_list.tick_bar import ForMany
from app.ui.navigation import SETTINGS, shortcut
from app.ui.theme.theme import Mode, Theme
from app.ui.undo import UndoController
from app.ui.widgets.action_menu import pop_up, row_menu

if TYPE_CHECKING:
    from app.core.csv_import import CsvImportService
    from app.domain.bulk_work import BulkKind, BulkWork
    from app.domain.notifications import SnoozeLength
    from app.ui.action_runner import ActionRunner
    from app.ui.connect_in_turn import ConnectInTurn
    from app.ui.dialogs.command_palette import Entry
    from app.ui.dialogs.mentorado import Saved
    from app.ui.main_window import MainWindow
    from app.ui.mentorado_list.ticks import Ticks


_IDLE_MILLISECONDS = 2_000
SECTIONS = (
    "operator",
    "notifications",
    "providers",
    "secrets",
    "history",
    "personal",
    "diagnosis",
    "sessions",
    "backups",
    "webhooks",
    "metrics",
    "smoke",
    "limits",
    "switches",
    "appearance",
    "about",
)
"""What the page of the settings has, in its order."""


def add_shortcuts(window: MainWindow) -> None:
    """Let *window* listen to its keys."""
    controller, look = window.controller, window.check
    for keys, do in (
        (QKeySequence.StandardKey.Find, window.begin_search),
        (QKeySequence.StandardKey.New, window.header.add_button.click),
        ("Ctrl+I", controller.import_people),
        ("Ctrl+K", controller.open_palette),
        ("Ctrl+L", look.switch_language),
        ("Ctrl+Z", controller.undo.undo),
        ("Ctrl+Q", window.quit),
        ("Ctrl++", partial(look.scale_text, +1)),
        ("Ctrl+=", partial(look.scale_text, +1)),
        ("Ctrl+-", partial(look.scale_text, -1)),
        ("Ctrl+0", partial(look.scale_text, 0)),
        ("Esc", window.body.close_side_panel),
    ):
        QShortcut(QKeySequence(keys), window).activated.connect(do)


def add_page_shortcuts(window: MainWindow) -> None:
    """Let a key lead to each page of *window*."""
    for number, name in enumerate(window.places.icons, 1):
        QShortcut(QKeySequence(shortcut(number)), window).activated.connect(partial(window.go, name))


def commands(window: MainWindow) -> Sequence[Entry]:
    """The commands of *window*, each with its shortcut."""
    from app.ui.dialogs.command_palette import command

    controller, look = window.controller, window.check
    offered = controller.undo.offered
    theme, other = look.theme, partial(_other_words, "command")
    places = [
        command(texts(f"rail.{name}"), shortcut(number), icon, partial(window.go, name), _other_words("place", name))
        for number, (name, icon) in enumerate(window.places.icons.items(), 1)
    ]
    modes = [
        command(
            texts("palette.mode", mode=texts(f"window.mode.{mode}")),
            "",
            "moon" if mode is Mode.DARK else "sun",
            partial(theme.set_mode, mode),
            other("mode"),
        )
        for mode in Mode
        if mode is not theme.mode
    ]
    sections = [
        command(
            texts("palette.action", action=texts("settings.title"), name=texts(f"settings.{name}.title")),
            "",
            "sliders",
            partial(window.go, SETTINGS, name),
            _other_words("section", name),
        )
        for name in (SECTIONS if SETTINGS in window.places.icons else ())
    ]
    sample = [command(texts("sample.open"), "", "users", window.sample_requested.emit, other("sample"))]
    undo = [command(texts("undo.command", what=offered), "Ctrl+Z", "undo", controller.undo.undo)]
    return [
        *(undo if offered else ()),
        command(texts("list.add"), "Ctrl+N", "user-plus", controller.add, other("add")),
        command(texts("list.import"), "Ctrl+I", "file", controller.import_people, other("import")),
        *(() if window.of_sample else sample),
        *places,
        command(texts("palette.bundle"), "", "file", partial(window.bundle_requested.emit, ()), other("bundle")),
        command(texts("palette.language"), "Ctrl+L", "globe", look.switch_language, other("language")),
        *modes,
        command(texts("palette.larger"), "Ctrl++", "expand", partial(look.scale_text, +1), other("text")),
        command(texts("palette.smaller"), "Ctrl+-", "shrink", partial(look.scale_text, -1), other("text")),
        command(texts("palette.quit"), "Ctrl+Q", "x", window.quit, other("quit")),
        *sections,
    ]


def _other_words(kind: str, name: str) -> str:
    """What else people call a place, a section of the settings, or a command."""
    return texts(f"palette.words.{kind}.{name}")


def _load_palette() -> None:
    """Load what Ctrl+K needs before it is pressed for the first time."""
    from app.ui.dialogs import command_palette  # noqa: F401


class MainWindowController(QObject):
    """Handles the commands of *window*. Does nothing until the core is attached."""

    consents_requested = Signal(str)  # a MentoradoId
    switch_requested = Signal(object)
    """The ids of mentorados for whom a provider switch is to be planned."""

    def __init__(self, window: MainWindow, theme: Theme) -> None:
        super().__init__(window)
        self._window = window
        self._theme = theme
        self._runner: ActionRunner | None = None
        self._csv_import: CsvImportService | None = None
        self._turn: ConnectInTurn | None = None
        self.undo = UndoController(window)

    def attach(self, runner: ActionRunner, csv_import: CsvImportService) -> None:
        """Work with these from now on."""
        self._runner, self._csv_import = runner, csv_import
        self.undo.attach(runner)
        QTimer.singleShot(_IDLE_MILLISECONDS, self, _load_palette)

    @async_slot
    async def add(self) -> None:
        """Enrol somebody, show them, and connect them when that was the button, asking first for their credentials."""
        window, runner = self._window, self._runner
        if runner is None or (saved := await self._edit(runner)) is None:
            return
        window.header.search.clear()
        window.list.chips.pick(ListFilter.ALL)
        window.choose(saved.mentorado.id)
        if saved.connect:
            asked = DESCRIPTORS[saved.mentorado.link.provider].fields
            name = ActionName.ENTER_CREDENTIALS if asked else ActionName.CONNECT
            await runner.run(name, saved.mentorado.id, window)

    @async_slot
    async def edit(self, mentorado_id: MentoradoId) -> None:
        """Open the dialog that edits a mentorado."""
        if self._runner is not None:
            await self._edit(self._runner, mentorado_id)

    @async_slot
    async def perform(self, name: ActionName, mentorado_id: MentoradoId) -> None:
        """Run an action chosen in a menu or the palette."""
        if self._runner is not None:
            await self._runner.run(name, mentorado_id, self._window)

    @async_slot
    async def snooze(self, mentorado_id: MentoradoId, length: SnoozeLength | None) -> None:
        """Leave the link of a mentorado alone for a while; None ends that."""
        from app.ui.snoozing import change_snooze

        if self._runner is not None and self._runner.snoozes is not None:
            await change_snooze(self._runner.snoozes, mentorado_id, length)

    @async_slot
    async def try_all(self, mentorado_ids: Sequence[MentoradoId]) -> None:
        """Hurry the next attempt of each link that waits for one."""
        runner = self._runner
        if runner is not None:
            for mentorado_id in mentorado_ids:
                if runner.actions.unavailable_reason(ActionName.TRY_NOW, mentorado_id) is None:
                    await runner.run(ActionName.TRY_NOW, mentorado_id, self._window)

    @async_slot
    async def import_people(self) -> None:
        """Take a spreadsheet of people; they can be archived again at once."""
        if self._csv_import is None:
            return
        from app.ui.dialogs.csv_import import import_spreadsheet

        if added := await import_spreadsheet(self._theme, self._window, self._csv_import):
            self.undo.on_imported(added)
            self._window.list.ticked.add(added)  # the next step: to connect them in turn

    @async_slot
    async def open_palette(self) -> None:
        """Open the palette: mentorados, actions and commands."""
        if self._runner is None:
            return
        from app.ui.dialogs.command_palette import CommandPalette, actions_on, locked_on, people

        window, runner = self._window, self._runner
        shown = window.list.table.chosen_id
        on_shown: list[Entry] = []
        locked: Iterator[Entry] = iter(())
        if shown:
            mentorado = runner.mentorados.get(shown)
            on_shown = [
                *actions_on(mentorado, runner.actions, self.perform),
                *self._snooze_entries(runner, mentorado),
                *self._pane_entries(mentorado),
            ]
            locked = locked_on(mentorado, runner.actions, window.choose)
        everybody = people(list(runner.mentorados.all()), window.choose)
        entries = chain(on_shown, commands(window), everybody, locked)
        palette = CommandPalette(self._theme, window, entries, anybody=bool(shown))
        await show_dialog(palette)
        if palette.picked is not None:
            palette.picked.do()

    def show_menu(self, mentorado_id: MentoradoId, where: QPoint) -> None:
        """Show the context menu of a mentorado."""
        if self._runner is not None:
            pop_up(self.menu(self._runner, mentorado_id), where)

    def menu(self, runner: ActionRunner, mentorado_id: MentoradoId) -> QMenu:
        """The menu of one mentorado."""
        window, actions = self._window, runner.actions
        see = self.consents_requested.emit
        menu = row_menu(window, self._theme, actions, mentorado_id, perform=self.perform, edit=self.edit, consents=see)
        if runner.snoozes is not None:
            from app.ui.snoozing import add_snooze_menu

            snooze, status = runner.snoozes.snooze_of(mentorado_id), actions.context(mentorado_id).status
            add_snooze_menu(menu, self._theme, snooze, status, runner.clock, partial(self.snooze, mentorado_id))
        return menu

    def _pane_entries(self, mentorado: Mentorado) -> Iterator[Entry]:
        """What the palette offers about *mentorado* that is not an action on the link."""
        from app.ui.dialogs.command_palette import command

        window = self._window
        for key, name, sign, do in (
            ("notes.add", "note", "note", window.write_note),
            ("palette.conversations", "conversations", "message", window.show_conversations),
            ("detail.consents", "consents", "user-check", self.consents_requested.emit),
            ("list.edit", "edit", "edit", self.edit),
        ):
            title = texts("palette.action", action=texts(key), name=mentorado.name)
            yield command(title, "", sign, partial(do, mentorado.id), _other_words("command", name))

    def _snooze_entries(self, runner: ActionRunner, mentorado: Mentorado) -> Iterator[Entry]:
        """What the palette offers about the notifications of *mentorado*."""
        from app.text.notification import snooze_state
        from app.ui.dialogs.command_palette import command
        from app.ui.snoozing import snooze_choices

        if runner.snoozes is not None:
            snooze, status = runner.snoozes.snooze_of(mentorado.id), runner.actions.context(mentorado.id).status
            line = "" if snooze is None else snooze_state(snooze, runner.clock.now())
            for words, length in snooze_choices(snooze, status):
                title = texts("palette.action", action=words, name=mentorado.name)
                yield command(title, line, "bell-off" if length else "bell", partial(self.snooze, mentorado.id, length))

    @async_slot
    async def do_for_ticked(self, what: ForMany) -> None:
        """Do *what* to all who are ticked; those for whom it was done lose their tick."""
        window, runner = self._window, self._runner
        ticks = window.list.ticked
        if runner is None or not len(ticks):
            return
        from app.domain.bulk_work import BulkKind

        if what is ForMany.SWITCH_PROVIDER:
            self.switch_requested.emit(ticks.ids)
        else:
            await self._do_for_many(runner, BulkKind(what), ticks.ids)
        if not len(ticks):
            ticks.end()

    @async_slot
    async def continue_bulk_work(self, work: BulkWork) -> None:
        """Go on with *work* that was interrupted, after those who are left were read."""
        if self._runner is not None:
            await self._do_for_many(self._runner, work.kind, work.left, work)

    async def _do_for_many(
        self, runner: ActionRunner, kind: BulkKind, people: Sequence[MentoradoId], continues: BulkWork | None = None
    ) -> None:
        from app.domain.bulk_work import BulkKind
        from app.ui import for_many

        window, ticks = self._window, self._window.list.ticked
        if kind is BulkKind.CONNECT:
            self._connect_in_turn(runner, ticks, people, continues)
        elif kind is BulkKind.BACK_UP:
            ticks.discard(await for_many.back_up(runner, people, window, continues))
        elif kind is BulkKind.HANDLE:
            ticks.discard(await for_many.take_on(runner, people, window, continues))
        elif kind is BulkKind.COHORT:
            ticks.discard(await for_many.put_in_cohort(runner, people, window, continues))
        elif archived := await for_many.archive(runner, people, window, continues):
            self.undo.on_many_archived(archived)

    def _connect_in_turn(
        self, runner: ActionRunner, ticks: Ticks, people: Sequence[MentoradoId], continues: BulkWork | None
    ) -> None:
        """Those who are connected lose their tick, so that those who are not can be tried again."""
        from app.ui.connect_in_turn import ConnectInTurn

        if self._turn is None:
            self._turn = ConnectInTurn(runner, self._window.choose, self._window)
            self._turn.connected.connect(lambda mentorado_id: ticks.discard([mentorado_id]))
        self._turn.begin(people, continues)
        self._window.list.turn.follow(self._turn)

    async def _edit(self, runner: ActionRunner, mentorado_id: MentoradoId | None = None) -> Saved | None:
        """Add or edit a mentorado; None when cancelled."""
        from app.ui.dialogs.mentorado import edit_mentorado

        window = self._window
        setup = runner.hosted
        return await edit_mentorado(
            self._theme, window, runner.mentorados, mentorado_id, choice=setup.choice, kinds=setup.kinds
        )
