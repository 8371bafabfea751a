"""The notification server of a Linux desktop, over D-Bus (freedesktop.org, Desktop Notifications 1.2)."""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from jeepney.io.asyncio import DBusRouter

ANSWER_SECONDS: Final = 5.0
_PATH, _NAME = "/org/freedesktop/Notifications", "org.freedesktop.Notifications"
_OPEN, _DEFAULT = "open", "default"  # the button; a click on the notification itself
_SIGNALS: Final = 100  # that may wait


class NotificationServerGone(Exception):
    """Nobody on this desktop shows notifications, or not any more."""


class NotificationServer:
    """Shows notifications under keys: a later one takes the place of the one before it with the same key."""

    def __init__(self, router: DBusRouter, capabilities: frozenset[str]) -> None:
        self._router = router
        self._has_buttons = "actions" in capabilities
        self._reads_markup = "body-markup" in capabilities
        self._ids: dict[str, int] = {}
        self._turn = asyncio.Lock()  # the id that one is replaced by is not known before the first was answered

    async def show(self, key: str, title: str, text: str, button: str) -> None:
        """Show *title* and *text*, and *button* where the server has any. Raises `NotificationServerGone`."""
        body = html.escape(text, quote=False) if self._reads_markup else text
        actions = [_DEFAULT, button, _OPEN, button] if self._has_buttons else []
        hints = {"urgency": ("y", 1), "desktop-entry": ("s", "conecta"), "category": ("s", "im.error")}
        async with self._turn:
            arguments = ("Conecta", self._ids.get(key, 0), "", title, body, actions, hints, -1)
            (number,) = await _call(self._router, "Notify", "susssasa{sv}i", arguments)
            self._ids[key] = number

    async def withdraw(self, key: str) -> None:
        """Take back what is shown under *key*. Raises `NotificationServerGone`."""
        async with self._turn:
            if (number := self._ids.pop(key, None)) is not None:
                await _call(self._router, "CloseNotification", "u", (number,))

    async def follow(self, on_chosen: Callable[[str], None]) -> None:
        """Call *on_chosen* with the key of what a person clicked, until cancelled. Raises `NotificationServerGone`."""
        from jeepney import HeaderFields, MatchRule

        rule = MatchRule(type="signal", interface=_NAME, path=_PATH)
        with self._router.filter(rule, bufsize=_SIGNALS) as signals:
            await _call_bus(self._router, "AddMatch", "s", (rule.serialise(),))
            while True:
                message = await signals.get()
                number, *_ = message.body
                key = next((key for key, known in self._ids.items() if known == number), None)
                if key is None:
                    continue  # another program's
                if message.header.fields[HeaderFields.member] == "ActionInvoked":
                    on_chosen(key)
                else:
                    self._ids.pop(key, None)


@asynccontextmanager
async def notification_server() -> AsyncIterator[NotificationServer]:
    """The server of this session, while the connection to it is open. Raises `NotificationServerGone`."""
    try:
        from jeepney.io.asyncio import DBusRouter, open_dbus_connection
    except ImportError as error:  # not on this system
        raise NotificationServerGone from error
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            connection = await open_dbus_connection()
    except (OSError, EOFError, ValueError, LookupError, RuntimeError) as error:  # no bus, or none that lets us in
        raise NotificationServerGone from error
    router = DBusRouter(connection)
    try:
        (capabilities,) = await _call(router, "GetCapabilities", None, ())
        yield NotificationServer(router, frozenset(capabilities))
    finally:
        # The bus ended before, or who waits for an answer was cancelled, which the router cannot tell them.
        with suppress(OSError, EOFError, asyncio.InvalidStateError):
            await router.__aexit__(None, None, None)
        with suppress(OSError):
            await connection.close()


async def _call(router: DBusRouter, method: str, signature: str | None, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return await _send(router, (_PATH, _NAME, _NAME), method, signature, arguments)


async def _call_bus(router: DBusRouter, method: str, signature: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    bus = "org.freedesktop.DBus"
    return await _send(router, ("/org/freedesktop/DBus", bus, bus), method, signature, arguments)


async def _send(
    router: DBusRouter, to: tuple[str, str, str], method: str, signature: str | None, arguments: tuple[Any, ...]
) -> tuple[Any, ...]:
    from jeepney import DBusAddress, DBusErrorResponse, new_method_call
    from jeepney.io.common import RouterClosed
    from jeepney.wrappers import unwrap_msg

    path, name, interface = to
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            call = new_method_call(DBusAddress(path, name, interface), method, signature, arguments)
            answer: tuple[Any, ...] = unwrap_msg(await router.send_and_get_reply(call))
    except (OSError, EOFError, LookupError, RouterClosed, DBusErrorResponse) as error:
        raise NotificationServerGone from error
    return answer
