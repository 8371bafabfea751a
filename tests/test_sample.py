"""Sample data: their own window and folder, which reach nobody and leave nothing."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from app.application import Application
from app.domain.actions import ActionName
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import ProviderKind
from app.domain.provider import CanSend
from app.frame import Frame
from app.platform.system import SystemClock
from app.providers.sample import SampleProvider
from app.sample import add_sample_people, sample_folder, sample_services
from app.settings import Settings
from app.text.status import texts
from app.ui.crash import CrashReports
from tests.clock import ManualClock
from tests.waiting import until

BLOCKED, OFF = LinkState.BLOCKED, LinkState.OFF


@pytest.fixture
def real(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, session_dir=tmp_path / "sessions")


def test_the_folder_is_new_takes_over_the_look_alone_and_goes_whole(real: Settings) -> None:
    real.preferences.write_text("[General]\nlanguage=en\n")
    real.database.write_bytes(b"real people")
    with sample_folder(real) as sample:
        own = [getattr(sample, field.name) for field in fields(sample) if field.name.endswith("_dir")]
        assert not any(folder.is_relative_to(real.data_dir) for folder in own)
        assert sample.preferences.read_text() == real.preferences.read_text()
        assert not sample.database.exists()
        (sample.data_dir / "anything").write_text("x")
    assert not sample.data_dir.parent.exists()
    assert real.database.read_bytes() == b"real people"


def test_nothing_can_be_sent_and_no_other_provider_is_there(real: Settings) -> None:
    services = sample_services(real, SystemClock())
    assert list(services.providers) == [ProviderKind.WHATSAPP_WEB]
    provider: object = services.providers[ProviderKind.WHATSAPP_WEB]
    assert isinstance(provider, SampleProvider)
    assert not isinstance(provider, CanSend)
    assert not services.outbound.can_send(ProviderKind.WHATSAPP_WEB)


async def test_a_code_is_scanned_by_itself_and_connects_nothing(real: Settings, manual_clock: ManualClock) -> None:
    await add_sample_people(real, manual_clock)
    services = sample_services(real, manual_clock)
    async with services.running():
        await services.open()
        elisa = services.mentorados.find("Elisa")
        await services.supervisor.connect(elisa.id)

        def status() -> LinkState:
            return services.supervisor.status(elisa.link.id).state

        await until(lambda: status() is LinkState.QR_READY)
        qr = services.supervisor.status(elisa.link.id).qr
        assert qr is not None
        assert qr.text == texts("sample.code")
        for _ in range(12):
            await manual_clock.advance(1)
        await until(lambda: status() is LinkState.CONNECTED)


@pytest.mark.within(30)
@pytest.mark.usefixtures("on_qt")
async def test_the_window_says_what_it_is_and_one_click_closes_and_removes_it(real: Settings) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    with sample_folder(real) as sample:
        clock = SystemClock()
        frame = Frame(app, sample.preferences, clock)
        await add_sample_people(sample, clock)
        frame.window.mark_as_sample()
        services = sample_services(sample, clock)
        program = Application(frame, services, CrashReports("test"))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(program.run())
            await until(lambda: len(services.supervisor.running()) >= 3 and frame.window._pane is not None)
            states = {
                each.name.split()[0]: services.supervisor.status(each.link.id) for each in services.mentorados.all()
            }
            await until(lambda: services.supervisor.status(services.mentorados.find("Carla").link.id).state is BLOCKED)
            assert services.supervisor.status(services.mentorados.find("Carla").link.id).reason is Reason.LOGGED_OUT
            assert states["Elisa"].state is OFF
            assert texts("sample.window") in program.window.windowTitle()
            assert services.actions.unavailable_reason(ActionName.CONNECT, services.mentorados.find("Elisa").id) is None
            (remove,) = [
                each
                for each in program.window.banners.findChildren(QPushButton)
                if each.text() == texts("sample.remove")
            ]
            QTest.mouseClick(remove, Qt.MouseButton.LeftButton)
            async with asyncio.timeout(10):
                await running
    assert not sample.data_dir.exists()
