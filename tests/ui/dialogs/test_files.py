"""The dialogs that ask for a file speak the language of the window, and begin where something was chosen last."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QWidget

from app.text.status import texts
from app.ui.appearance import Preferences
from app.ui.dialogs import files
from app.ui.dialogs.files import FileDialog, LastFolder
from app.ui.theme.theme import Theme


@pytest.fixture
def over(theme: Theme, monkeypatch: pytest.MonkeyPatch) -> Iterator[QWidget]:
    assert theme
    monkeypatch.setattr(files, "last_folder", LastFolder())
    widget = QWidget()
    yield widget
    widget.deleteLater()


def test_the_folder_of_the_last_choice_is_remembered_also_by_the_next_program(over: QWidget, tmp_path: Path) -> None:
    chosen = tmp_path / "planilhas"
    chosen.mkdir()
    preferences = Preferences(tmp_path / "window.ini")
    files.last_folder.keep_in(preferences)
    first = FileDialog(over, "Importar")
    first.setDirectory(str(chosen))
    first.accepted.emit()
    assert FileDialog(over, "Exportar").directory().absolutePath() == str(chosen)
    preferences.save()
    files.last_folder.keep_in(Preferences(tmp_path / "window.ini"))
    assert files.last_folder.path == str(chosen)


def test_a_folder_that_is_gone_or_was_given_up_is_not_begun_in(over: QWidget, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    files.last_folder.path = str(gone)
    assert files.last_folder.path == ""
    given_up = FileDialog(over, "Importar", str(tmp_path))
    assert given_up.directory().absolutePath() == str(tmp_path)
    given_up.rejected.emit()
    assert files.last_folder.path == ""


@pytest.mark.parametrize(("language", "words"), [("pt-BR", "Pa&sta:"), ("en", "Look &in:")])
def test_it_speaks_the_language_of_the_window(
    over: QWidget, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    monkeypatch.setattr(files, "_desktop_has_language", lambda spoken: spoken == "en")
    texts.set_language(language)
    dialog = FileDialog(over, "Importar")
    assert dialog.labelText(QFileDialog.DialogLabel.LookIn) == words
    assert dialog.testOption(QFileDialog.Option.DontUseNativeDialog) is (language != "en")


def test_every_part_of_the_window_uses_it() -> None:
    window = Path(files.__file__).parent.parent
    others = [file for file in window.rglob("*.py") if re.search(r"(?<!\w)QFileDialog\(", file.read_text("utf-8"))]
    assert [file.name for file in others if file.name != "files.py"] == []
