"""Choosing a file or a folder: in the language of the window, beginning where something was chosen last."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QFileDialog, QWidget

from app.text.status import texts
from app.ui.appearance import Preferences
from app.ui.async_slots import show_dialog


class LastFolder:
    """The folder in which a person chose something last. It outlives the program once there are preferences."""

    def __init__(self) -> None:
        self._path = ""
        self._preferences: Preferences | None = None

    def keep_in(self, preferences: Preferences) -> None:
        """Take it from *preferences*, and store it there from now on."""
        self._preferences, self._path = preferences, preferences.folder

    @property
    def path(self) -> str:
        """Empty where nothing was chosen yet, or the folder is gone."""
        return self._path if self._path and Path(self._path).is_dir() else ""

    @path.setter
    def path(self, path: str) -> None:
        self._path = path
        if self._preferences is not None:
            self._preferences.folder = path


last_folder = LastFolder()


class FileDialog(QFileDialog):
    """Begins in the folder of the last choice, unless it is given one.

    The dialog of the desktop speaks the desktop's language: where that is another, Qt's own is shown.
    """

    def __init__(self, over: QWidget, title: str, folder: str = "") -> None:
        super().__init__(over, title)
        self.setOption(QFileDialog.Option.DontUseNativeDialog, not _desktop_has_language(texts.language))
        if start := folder or last_folder.path:
            self.setDirectory(start)
        for label in (QFileDialog.DialogLabel.LookIn, QFileDialog.DialogLabel.FileType):  # Qt left these in English
            self.setLabelText(label, texts(f"files.{label.name}"))
        self.accepted.connect(self._remember)

    def _remember(self) -> None:
        last_folder.path = self.directory().absolutePath()


class SaveDialog(FileDialog):
    """Asks where to write a file. *kinds* are endings with the words for them, the first one being offered."""

    def __init__(self, over: QWidget, title: str, name: str, kinds: Mapping[str, str]) -> None:
        super().__init__(over, title)
        endings = {words: ending for ending, words in kinds.items()}
        self.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        self.setNameFilters(list(endings))
        self.setDefaultSuffix(next(iter(kinds)))
        self.filterSelected.connect(lambda chosen: self.setDefaultSuffix(endings[chosen]))
        self.selectFile(name)

    async def choose(self) -> Path | None:
        """The file to write, or None when the person gave up."""
        accepted = await show_dialog(self) is QFileDialog.DialogCode.Accepted
        return Path(self.selectedFiles()[0]) if accepted else None


def _desktop_has_language(language: str) -> bool:
    return QLocale.system().language() == QLocale(language).language()
