"""Every file of a support bundle is read before anything is written, and each can be left out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from app.domain.errors import Problem, ProblemCode
from app.domain.support_bundle import BundlePart
from app.text.status import texts
from app.ui.dialogs.files import FileDialog
from app.ui.dialogs.support_bundle import SupportBundleDialog
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.ui.controls import nameless, out_of_reach
from tests.ui.dialogs.bundles import CRASH, FakeBundles
from tests.ui.window_harness import person
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("on_qt")


class OpenedBundle:
    """The dialog over a window, and what it was given."""

    def __init__(self, theme: Theme, bundles: FakeBundles, crashes: tuple[str, ...]) -> None:
        self.bundles = bundles
        self.shown: list[Path] = []
        self.window = QWidget()
        self.window.resize(1280, 720)
        self.window.show()
        self.dialog = SupportBundleDialog(theme, self.window, bundles, self.shown.append, crashes)
        self.dialog.open()

    def pick(self, name: str) -> None:
        items = self.dialog.list.findItems(name, Qt.MatchFlag.MatchContains)
        self.dialog.list.setCurrentItem(items[0])


@asynccontextmanager
async def opened(theme: Theme, bundles: FakeBundles | None = None, *crashes: str) -> AsyncIterator[OpenedBundle]:
    case = OpenedBundle(theme, bundles or FakeBundles(), crashes)
    await settle()
    try:
        yield case
    finally:
        case.dialog.close()
        case.window.deleteLater()


async def test_each_file_is_shown_whole_before_anything_is_written(theme: Theme) -> None:
    async with opened(theme) as case:
        for file in case.bundles.bundle.files:
            case.pick(file.name)
            assert case.dialog.preview.toPlainText() == (file.text.strip("") or texts("bundle.empty"))
            assert case.dialog.about.text() == texts(f"bundle.part.{file.part}.line")
        assert case.bundles.written == []


async def test_a_file_that_is_cleared_is_left_out_and_a_crash_report_waits_for_a_person(
    theme: Theme, tmp_path: Path
) -> None:
    async with opened(theme) as case:
        everything = len(BundlePart)
        assert len(case.dialog.chosen) == everything - 1
        log = case.dialog.list.findItems("log.json", Qt.MatchFlag.MatchContains)[0]
        log.setCheckState(Qt.CheckState.Unchecked)
        assert texts.plural("bundle.count", everything - 2, size=texts("bundle.kilobytes", count=2)) == (
            case.dialog.counted.text()
        )
        await case.dialog.write_to(tmp_path / "x.zip", case.bundles.bundle)
        ((path, names),) = case.bundles.written
    assert path == tmp_path / "x.zip"
    assert "log.json" not in names
    assert f"crash-{CRASH}.txt" not in names


async def test_the_crash_report_it_was_opened_for_is_checked(theme: Theme) -> None:
    async with opened(theme, None, CRASH) as case:
        assert f"crash-{CRASH}.txt" in case.dialog.chosen


async def test_nothing_checked_cannot_be_saved(theme: Theme) -> None:
    async with opened(theme) as case:
        for row in range(case.dialog.list.count()):
            case.dialog.list.item(row).setCheckState(Qt.CheckState.Unchecked)
        assert case.dialog.chosen == []
        assert not case.dialog.save_button.isEnabled()
        assert case.dialog.counted.text() == texts("bundle.count_zero")


async def test_who_is_who_is_shown_and_is_no_file(theme: Theme) -> None:
    async with opened(theme) as case:
        case.pick(texts("bundle.who"))
        assert f"{texts('bundle.who_number', number=2)}: {person(2).name}" in case.dialog.preview.toPlainText()
        assert all(person(2).name not in file.text for file in case.bundles.bundle.files)
        assert len(case.dialog.chosen) == len(BundlePart) - 1


async def test_without_anybody_it_says_so(theme: Theme) -> None:
    bundles = FakeBundles()
    bundles.bundle = replace(bundles.bundle, people={})
    async with opened(theme, bundles) as case:
        case.pick(texts("bundle.who"))
        assert case.dialog.preview.toPlainText() == texts("bundle.who_empty")


async def test_the_place_is_asked_for_in_the_persons_words(theme: Theme) -> None:
    async with opened(theme) as case:
        dialog = case.dialog.save_dialog(case.bundles.bundle)
        assert isinstance(dialog, FileDialog), "it begins where a file was chosen last"
        assert dialog.defaultSuffix() == "zip"
        assert Path(dialog.selectedFiles()[0]).name.startswith(texts("bundle.file_name"))
        assert dialog.windowTitle() == texts("bundle.where")
        dialog.deleteLater()


async def test_what_was_saved_is_said_with_its_folder(theme: Theme, tmp_path: Path) -> None:
    async with opened(theme) as case:
        case.dialog.save_button.click()
        await until(lambda: bool(case.dialog.findChildren(QFileDialog)))
        (dialog,) = case.dialog.findChildren(QFileDialog)
        dialog.setDirectory(str(tmp_path))
        dialog.accept()
        await until(lambda: bool(case.bundles.written))
        await until(case.dialog.folder_button.isVisible)
        assert case.bundles.written[0][0].parent == tmp_path
        assert case.dialog.title.text() == texts("bundle.done")
        case.dialog.folder_button.click()
        assert case.shown == [tmp_path]
        assert case.dialog.cancel.text() == texts("bundle.close")


async def test_a_place_that_is_not_chosen_leaves_everything_as_it_is(theme: Theme) -> None:
    async with opened(theme) as case:
        case.dialog.save_button.click()
        await until(lambda: bool(case.dialog.findChildren(QFileDialog)))
        case.dialog.findChildren(QFileDialog)[0].reject()
        await settle()
        assert case.bundles.written == []
        assert case.dialog.save_button.isVisible()


async def test_a_folder_that_cannot_be_written_to_is_said_and_another_can_be_chosen(
    theme: Theme, tmp_path: Path
) -> None:
    bundles = FakeBundles(problem=Problem(ProblemCode.EXPORT_FOLDER_UNUSABLE, path=str(tmp_path)))
    async with opened(theme, bundles) as case:
        case.dialog.save_button.click()
        await until(lambda: bool(case.dialog.findChildren(QFileDialog)))
        dialog = case.dialog.findChildren(QFileDialog)[0]
        dialog.selectFile(str(tmp_path / "bundle.zip"))
        dialog.accept()
        await until(lambda: str(tmp_path) in case.dialog.line.text())
        assert case.dialog.save_button.isEnabled()
        assert case.dialog.save_button.isVisible()


async def test_a_bundle_that_cannot_be_collected_says_so(theme: Theme, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(theme, FakeBundles(error=ValueError("x"))) as case:
        assert texts("detail.crash") in case.dialog.line.text()
        assert not case.dialog.save_button.isEnabled()
        assert case.dialog.chosen == []
    assert "ValueError" in caplog.text


async def test_while_it_is_written_the_dialog_stays(theme: Theme) -> None:
    async with opened(theme) as case:
        case.dialog._set_saving(saving=True)
        case.dialog.reject()
        assert case.dialog.isVisible()
        case.dialog._set_saving(saving=False)
        case.dialog.reject()
        assert not case.dialog.isVisible()


async def test_every_control_has_a_name_and_can_be_reached(theme: Theme) -> None:
    async with opened(theme) as case:
        assert nameless(case.dialog) == []
        assert out_of_reach(case.dialog) == []
