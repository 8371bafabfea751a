"""A support bundle: every file is read before anything is written, and each can be left out."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final, Protocol

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontDatabase, QPainter, QPen
from PySide6.QtWidgets import (
    QListWidget,
    QPlainTextEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)
from PySide6.QtWidgets import QListWidgetItem as Item

from app.domain.names import visible
from app.domain.support_bundle import BundleFile, BundlePart, SupportBundle
from app.text.status import texts
from app.ui.async_slots import async_slot
from app.ui.dialogs.base import SHEET_WIDTH, BaseDialog
from app.ui.dialogs.files import SaveDialog
from app.ui.settings.section import OpenFolder
from app.ui.theme.icons import pixmap
from app.ui.theme.theme import SPACE_2, SPACE_3, SPACE_4, SPACE_6, Theme
from app.ui.widgets.labels import IndeterminateBar, breakable, set_role, text_label
from app.ui.widgets.layouts import hbox, vbox

_WIDTH: Final = 940
_LIST_WIDTH: Final = 270
_LEAST, _MOST = 120, 440
_BOX, _TICK = 18, 14
_NAME = Qt.ItemDataRole.UserRole
_LIST = """
QListWidget {{ background: {raised}; border: 1px solid {border}; border-radius: 10px; outline: none; }}
QListWidget::item {{ padding: 6px 8px; border: none; color: {text}; }}
QListWidget::item:selected {{ background: {accent_soft}; color: {on_accent_soft}; }}
QListWidget::indicator {{ width: {box}px; height: {box}px; border: none; background: transparent; image: none; }}
"""


class Bundles(Protocol):
    """Prepares and writes bundles."""

    async def prepare(self) -> SupportBundle: ...

    async def write(self, bundle: SupportBundle, path: Path, names: Collection[str]) -> None: ...


class _FileDelegate(QStyledItemDelegate):
    """Paints the check boxes in the colours of the theme; the style's own cannot be seen on a dark ground."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        state = index.data(Qt.ItemDataRole.CheckStateRole)
        if state is None:
            return
        item = QStyleOptionViewItem(option)
        self.initStyleOption(item, index)
        element = QStyle.SubElement.SE_ItemViewItemCheckIndicator
        box = QRectF(item.widget.style().subElementRect(element, item, item.widget)).adjusted(0.5, 0.5, -0.5, -0.5)
        colours, checked = self._theme.tokens, Qt.CheckState(state) is Qt.CheckState.Checked
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colours.accent if checked else colours.border_strong), 1))
        painter.setBrush(QColor(colours.accent if checked else colours.bg))
        painter.drawRoundedRect(box, 4, 4)
        if checked:
            side = self._theme.px(_TICK)
            place = QPointF(box.center().x() - side / 2, box.center().y() - side / 2)
            painter.drawPixmap(
                place, pixmap("check", colours.on_accent, side, float(painter.device().devicePixelRatioF()))
            )
        painter.restore()


class SupportBundleDialog(BaseDialog):
    """Collects when it is shown first. Crash reports whose keys are in *crashes* are checked from the start."""

    def __init__(
        self,
        theme: Theme,
        over: QWidget,
        bundles: Bundles,
        open_folder: OpenFolder,
        crashes: Collection[str] = (),
    ) -> None:
        super().__init__(theme, over, width=_WIDTH)
        self._bundles = bundles
        self._open_folder = open_folder
        self._crashes = crashes
        self._saved: Path | None = None
        self._saving = False
        self.bundle: SupportBundle | None = None
        self.set_title(texts("bundle.title"))
        self.line = text_label(texts("bundle.collecting"))
        self.waiting = IndeterminateBar(theme)
        self.list = QListWidget()
        self.list.setAccessibleName(texts("bundle.files"))
        self.list.setItemDelegate(_FileDelegate(theme, self.list))
        self.list.setStyleSheet(_LIST.format(**_colours(theme)))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.currentItemChanged.connect(self._show_current)
        self.list.itemChanged.connect(self._count)
        self.about = text_label(role="secondary")
        self.preview = QPlainTextEdit(readOnly=True)
        self.preview.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.preview.setTabChangesFocus(True)
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
        self.preview.setStyleSheet(f"font-family: '{fixed}'")
        self.counted = text_label(role="secondary", wraps=False)
        self.files = QWidget()
        self._arrange()
        self.buttons.insertWidget(0, self.counted)
        self.cancel = self.add_button(texts("bundle.cancel"))
        self.cancel.clicked.connect(self.reject)
        self.folder_button = self.add_button(texts("bundle.open_folder"))
        self.folder_button.clicked.connect(self._show_folder)
        self.save_button = self.add_button(texts("bundle.save"), "primary")
        self.save_button.clicked.connect(self.save)
        self.folder_button.hide()
        self.save_button.setEnabled(False)
        self.files.hide()
        self.cancel.setFocus()
        self.collect()

    @property
    def chosen(self) -> list[str]:
        """The names of the files that are checked."""
        checked = Qt.CheckState.Checked
        items = [self.list.item(row) for row in range(self.list.count())]
        return [item.data(_NAME) for item in items if item.data(_NAME) and item.checkState() is checked]

    @async_slot
    async def collect(self) -> None:
        """Show what the bundle can hold."""
        self.bundle = bundle = await self._bundles.prepare()
        self.waiting.hide()
        self.line.setText(texts("bundle.line"))
        for file in bundle.files:
            self.list.addItem(self._item(file))
        who = Item(f"{texts('bundle.who')}\n{texts('bundle.who_here')}")
        who.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
        self.list.addItem(who)
        self.files.show()
        self.list.setCurrentRow(0)
        self._count()
        self.fit()
        if self.cancel.hasFocus():
            self.list.setFocus()

    @async_slot
    async def save(self, _checked: bool = False) -> None:
        """Ask where, and write the files that are checked."""
        if self.bundle is None:
            return
        if (file := await self.save_dialog(self.bundle).choose()) is not None:
            await self.write_to(file, self.bundle)

    def save_dialog(self, bundle: SupportBundle) -> SaveDialog:
        """The dialog for the place of the file, which begins where a file was chosen last."""
        name = f"{texts('bundle.file_name')}-{bundle.at.astimezone():%Y-%m-%d-%H%M}.zip"
        return SaveDialog(self, texts("bundle.where"), name, {"zip": texts("bundle.kind")})

    async def write_to(self, path: Path, bundle: SupportBundle) -> None:
        """Write the files of *bundle* that are checked to *path*, and say so."""
        chosen = self.chosen
        self._set_saving(saving=True)
        try:
            await self._bundles.write(bundle, path, chosen)
        finally:
            self._set_saving(saving=False)
        self._saved = path
        self.set_title(texts("bundle.done"))
        self.line.setText(texts.plural("bundle.done_line", len(chosen), path=breakable(str(path))))
        for part in (self.files, self.counted, self.save_button):
            part.hide()
        self.cancel.setText(texts("bundle.close"))
        self.folder_button.show()
        self.folder_button.setFocus()
        self.fit()

    def reject(self) -> None:
        """Nothing is written then; while it is being written, wait."""
        if not self._saving:
            super().reject()

    def fit(self) -> None:
        """As tall as the window allows; the files have what the words leave."""
        outer, window = self.layout(), self.parentWidget()
        if outer is None or window is None:
            return
        self.setFixedWidth(max(min(self._theme.px(_WIDTH), window.width() - 2 * SPACE_4), SHEET_WIDTH))
        self.list.setFixedWidth(min(self._theme.px(_LIST_WIDTH), self.width() * 2 // 5))
        beside = self.counted.sizeHint().width() + sum(
            each.sizeHint().width() + SPACE_2
            for each in (self.cancel, self.folder_button, self.save_button)
            if not each.isHidden()
        )
        self.counted.setVisible(beside <= self.width() - 2 * SPACE_6)
        self.files.setFixedHeight(0)
        outer.activate()
        room = window.height() - 2 * SPACE_6 - outer.totalHeightForWidth(self.width())
        self.files.setFixedHeight(min(max(room, _LEAST), self._theme.px(_MOST)))
        super().fit()

    # ------------------------------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        columns = hbox(inside=self.files, spacing=SPACE_3)
        right = vbox(self.about, (self.preview, 1), spacing=SPACE_2)
        columns.addWidget(self.list)
        columns.addLayout(right, 1)
        for part in (self.line, self.waiting, self.files):
            self.body.addWidget(part)

    def _item(self, file: BundleFile) -> Item:
        item = Item(f"{texts(f'bundle.part.{file.part}.name')}\n{file.name}")
        item.setData(_NAME, file.name)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable)
        asked = file.part is BundlePart.CRASH and any(key in file.name for key in self._crashes)
        item.setCheckState(Qt.CheckState.Checked if file.wanted or asked else Qt.CheckState.Unchecked)
        return item

    def _show_current(self, item: Item | None, _before: Item | None = None) -> None:
        """Show the whole file, or whose the numbers are."""
        if item is None or self.bundle is None:
            return
        name = item.data(_NAME)
        file = next((file for file in self.bundle.files if file.name == name), None)
        if file is None:
            self.about.setText(texts("bundle.who_line"))
            self.preview.setPlainText("\n".join(self._people()) or texts("bundle.who_empty"))
            self.preview.setAccessibleName(texts("bundle.who"))
            return
        self.about.setText(texts(f"bundle.part.{file.part}.line"))
        self.preview.setPlainText(file.text if file.text.strip() else texts("bundle.empty"))
        self.preview.setAccessibleName(texts("bundle.preview", name=file.name))

    def _people(self) -> list[str]:
        people = self.bundle.people if self.bundle is not None else {}
        return [
            f"{texts('bundle.who_number', number=number)}: {visible(person.name)}" for number, person in people.items()
        ]

    def _count(self, _item: Item | None = None) -> None:
        if self.bundle is None:
            return
        chosen = self.chosen
        size = sum(len(file.content) for file in self.bundle.files if file.name in chosen)
        kilobytes = texts("bundle.kilobytes", count=max(1, round(size / 1024)))
        self.counted.setText(texts.plural("bundle.count", len(chosen), size=kilobytes))
        self.save_button.setEnabled(bool(chosen))

    def _set_saving(self, *, saving: bool) -> None:
        self._saving = saving
        for part in (self.list, self.save_button, self.cancel):
            part.setEnabled(not saving)
        self.save_button.setText(texts("bundle.saving" if saving else "bundle.save"))

    def _show_folder(self) -> None:
        if self._saved is not None:
            self._open_folder(self._saved.parent)

    def show_trouble(self, sentence: str, next_step: str) -> None:
        self.waiting.hide()
        self.line.setText(f"{sentence} {next_step}")
        set_role(self.line, "danger")
        self.fit()


def _colours(theme: Theme) -> dict[str, str]:
    names = ("raised", "border", "text", "accent_soft", "on_accent_soft")
    return {"box": str(theme.px(_BOX)), **{name: getattr(theme.tokens, name) for name in names}}
