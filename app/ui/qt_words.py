"""Qt's own words (copy, paste, undo in a field's menu) in the language of the window."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QTranslator

_translator: list[QTranslator] = []


def speak(language: str) -> None:
    """Let Qt speak *language* too; it speaks English by itself."""
    while _translator:
        QCoreApplication.removeTranslator(_translator.pop())
    if language == "pt-BR":
        words = QTranslator()
        if words.load("qtbase_pt_BR", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
            QCoreApplication.installTranslator(words)
            _translator.append(words)
