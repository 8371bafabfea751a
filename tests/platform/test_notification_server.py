"""What is said to a desktop's notification server, over a real socket; only the desktop is played."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.platform.notification_server import NotificationServer, NotificationServerGone, notification_server
from tests.desktop_bus import desktop
from tests.waiting import until


async def follow(server: NotificationServer) -> tuple[list[str], asyncio.Task[None]]:
    chosen: list[str] = []
    task = asyncio.get_running_loop().create_task(server.follow(chosen.append))
    return chosen, task


async def test_a_notification_takes_the_place_of_the_one_with_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desktop(tmp_path, monkeypatch) as played, notification_server() as server:
        await server.show("links", "Ana precisa de você", "Peça um novo código", "Mostrar")
        await server.show("incident", "3 conexões caíram", "Espere", "Mostrar")
        await server.show("links", "2 precisam de você", "Ana & Bia <3", "Mostrar")
        assert played.titles == ["2 precisam de você", "3 conexões caíram"]
        assert played.shown[41].text == "Ana & Bia <3"
        assert played.shown[41].buttons == {"default": "Mostrar", "open": "Mostrar"}
        await server.withdraw("links")
        await server.withdraw("links")
        assert played.titles == ["3 conexões caíram"]


async def test_markup_is_escaped_where_the_desktop_reads_it_and_no_button_is_sent_where_it_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desktop(tmp_path, monkeypatch, capabilities=["body-markup"]) as played, notification_server() as server:
        await server.show("links", "Ana", "<b>Ana</b> & Bia", "Mostrar")
        (shown,) = played.all
        assert shown.text == "&lt;b&gt;Ana&lt;/b&gt; &amp; Bia"
        assert shown.buttons == {}


async def test_a_click_tells_the_key_and_what_other_programs_showed_is_none_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desktop(tmp_path, monkeypatch) as played, notification_server() as server:
        chosen, task = await follow(server)
        await until(lambda: played.matches)
        await server.show("links", "Ana", "", "Mostrar")
        await played.signal("ActionInvoked", "us", (7, "open"))
        await played.click(41)
        await until(lambda: chosen == ["links"])
        await asyncio.sleep(0.05)
        await server.show("links", "Bia", "", "Mostrar")
        assert list(played.shown) == [42], "the one that was clicked is gone"
        task.cancel()


async def test_without_a_bus_nobody_shows_notifications(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in (None, "", "tcp:host=localhost", f"unix:path={tmp_path / 'nobody'}"):
        if address is None:
            monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
        else:
            monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        with pytest.raises(NotificationServerGone):
            async with notification_server():
                pytest.fail("there is none")


async def test_a_system_without_such_desktops_has_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jeepney.io.asyncio", None)
    with pytest.raises(NotificationServerGone):
        async with notification_server():
            pytest.fail("there is none")


async def test_a_desktop_without_a_server_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desktop(tmp_path, monkeypatch, refuses=True):
        with pytest.raises(NotificationServerGone):
            async with notification_server():
                pytest.fail("there is none")


async def test_a_bus_that_ends_is_noticed_with_the_next_notification(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desktop(tmp_path, monkeypatch) as played, notification_server() as server:
        await server.show("links", "Ana", "", "Mostrar")
        await played.end()
        for _ in range(2):
            with pytest.raises(NotificationServerGone):
                await server.show("links", "Bia", "", "Mostrar")
