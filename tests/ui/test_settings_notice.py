"""What is not the default is to be seen: over the list as long as it lasts, and in the settings with its place."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from app.settings import ZAPI_URL, Settings, UnusedSettings
from app.text.status import texts
from app.ui.banners import Banners
from app.ui.navigation import SETTINGS
from app.ui.notices import SettingsNotice, shortened
from app.ui.settings.general import AboutSection
from app.ui.settings.page import SettingsPage
from app.ui.theme.theme import Theme
from tests.conftest import OnQt
from tests.ui.window_harness import WindowHarness, person

pytestmark = pytest.mark.usefixtures("in_portuguese")

HERE = Path("/home/ana/.config/conecta/.env")
STRANGE = UnusedSettings(Path("/home/ana/strange/.env"), ("CONECTA_DATA_DIR", "CONECTA_ZAPI_URL"), None)


def settings(folder: Path, *, zapi_url: str = ZAPI_URL, unused: UnusedSettings | None = None) -> Settings:
    return Settings(
        data_dir=folder,
        session_dir=folder / "sessions",
        zapi_url=zapi_url,
        files={"CONECTA_ZAPI_URL": HERE},
        settings_file=HERE,
        unused=unused,
    )


def shown(banners: Banners) -> str:
    return " ".join(label.text() for label in banners.findChildren(QLabel) if not label.isHidden())


def test_a_window_with_everything_as_usual_says_nothing(banners: Banners, tmp_path: Path) -> None:
    SettingsNotice(banners, settings(tmp_path), lambda: None).show()
    assert banners.isHidden()


@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_another_address_is_named_and_cannot_be_put_aside(banners: Banners, tmp_path: Path, language: str) -> None:
    texts.set_language(language)
    went: list[int] = []
    SettingsNotice(banners, settings(tmp_path, zapi_url="https://relay.example"), lambda: went.append(1)).show()
    assert "https://relay.example" in shown(banners)
    (button,) = [each for each in banners.findChildren(QPushButton) if not each.isHidden()]
    button.click()
    assert went == [1]
    assert not banners.isHidden()


def test_settings_that_did_not_count_are_named_with_the_place_where_they_do(banners: Banners, tmp_path: Path) -> None:
    SettingsNotice(banners, settings(tmp_path, unused=STRANGE), lambda: None).show()
    for named in (*STRANGE.names, str(STRANGE.file), str(HERE)):
        assert named in shown(banners)
    banners.findChildren(QPushButton)[0].click()
    assert banners.isHidden()


def test_a_command_without_end_does_not_fill_the_window() -> None:
    assert shortened("x" * 300) == "x" * 119 + "…"
    assert shortened("short") == "short"


def test_the_settings_name_the_value_and_where_it_is_set(on_qt: OnQt, theme: Theme, tmp_path: Path) -> None:
    async def main() -> None:
        harness = WindowHarness(tmp_path, [person(1)], theme)
        chosen = settings(tmp_path, zapi_url="https://relay.example")
        harness.settings_harness.overrides, harness.settings_harness.settings_file = chosen.overrides, HERE
        await harness.load()
        await harness.show()
        harness.window.go(SETTINGS)
        page = harness.window.places.page
        assert isinstance(page, SettingsPage)
        page.reveal("about")
        await asyncio.sleep(0.01)
        assert page.area.verticalScrollBar().value() > 0
        (section,) = page.findChildren(AboutSection)
        words = " ".join(label.text().replace("\u200b", "") for label in section.findChildren(QLabel))
        for named in ("https://relay.example", ZAPI_URL, str(HERE)):
            assert named in words
        section._file.button.click()  # type: ignore[union-attr] # there is a settings file
        assert harness.settings_harness.opened == [HERE.parent]
        await harness.close()

    on_qt(main)
    QApplication.processEvents()
