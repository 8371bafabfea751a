"""The chapter about hosted providers: comparing them, entering credentials, the queue, and two more connected."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager

from PySide6.QtTest import QTest

from app.domain.actions import ActionName
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import ProviderKind
from app.domain.provider_descriptor import CredentialField
from app.text import status as status_text
from app.text.status import texts
from app.ui.dialogs.base import BaseDialog
from app.ui.navigation import HOME, SETTINGS
from app.ui.providers.credentials_dialog import CredentialsDialog
from app.ui.providers.queue_dialog import QueueDialog
from tests.demo.gateways import META_CREDENTIALS, Gateways
from tests.demo.narration import Narrator
from tests.demo.people import LUCAS, MARINA, Person
from tests.demo.screenshots import (
    LOOKS,
    PLAIN,
    Screenshots,
    read_codes,
    settle,
)
from tests.demo.session import Session, until

_S, _R = LinkState, Reason


class ProvidersChapter:
    """Begins and ends at home, with nothing chosen that was not before."""

    def __init__(self, session: Session, gateways: Gateways, screenshots: Screenshots, narrator: Narrator) -> None:
        self._session = session
        self._gateways = gateways
        self._screenshots = screenshots
        self._printer = narrator

    async def play(self) -> None:
        await self._compare()
        await self._connect_through_zapi()
        await self._connect_through_meta()

    def _step(self, words: str) -> AbstractAsyncContextManager[None]:
        return self._printer.step(words)

    async def _compare(self) -> None:
        session = self._session
        async with self._step("The providers are compared: what each does, its limits, risks and costs"):
            session.window.go(SETTINGS)
            await settle()
            await self._take_sheet("providers", lambda: session.click(texts("settings.providers.compare")))
        async with self._step("This computer has no keyring here, so secrets are kept in memory"):
            session.click(texts("settings.secrets.keep_in_memory"))
            await until(lambda: texts("settings.secrets.place.memory.badge") in _badges(session))
            session.window.go(HOME)

    async def _connect_through_zapi(self) -> None:
        session, instance = self._session, self._gateways.instance
        async with self._step(f"{LUCAS.name} is to be connected through Z-API; the entry says so"):
            await self._choose_provider(LUCAS, ProviderKind.ZAPI)
        async with self._step("The credentials are typed and checked live"):
            await self._picture_credentials("credentials", LUCAS, self._gateways.zapi_credentials)
        for words in ("Passando para confirmar a nossa sessão de amanhã.", "Segue o material do módulo 3."):
            instance.enqueue("5521900000777", words)
        async with self._step("Two messages wait at Z-API, and would all go out: no code is shown before a decision"):
            await self._save_and_connect(LUCAS, self._gateways.zapi_credentials)
            await session.until_at(LUCAS, _S.BLOCKED, _R.QUEUE_PENDING)
            await self._take_sheet("queue", lambda: session.perform(ActionName.DECIDE_QUEUE, LUCAS), _queue_is_read)
        async with self._step("The person lets them go, and Z-API's code is there, inline like the other"):
            session.perform(ActionName.DECIDE_QUEUE, LUCAS)
            sheet = await session.sheet()
            session.click(texts("queue.send"), sheet)
            await session.until_at(LUCAS, _S.QR_READY)
            code = await self._code()
            await self._screenshots.take("code-zapi", code=code)
        async with self._step(f"{LUCAS.name}'s phone read the code from the pixels, and is connected"):
            # As a person would, with the next code where this one was replaced while the camera read it.
            while not self._gateways.scan(LUCAS.digits, await self._code()):
                await settle()
            await session.until_at(LUCAS, _S.CONNECTED)

    async def _connect_through_meta(self) -> None:
        session = self._session
        async with self._step(f"{MARINA.name} is connected through the Meta Cloud API, by token and number"):
            await self._choose_provider(MARINA, ProviderKind.META_CLOUD)
            await self._save_and_connect(MARINA, META_CREDENTIALS)
            await session.until_at(MARINA, _S.CONNECTED)
        async with self._step("Meta tells of the number: quality, limits, and which templates can be used"):
            session.choose(MARINA)
            await settle()
            session.click(texts("number.ask"), session.pane())
            section = session.pane()._content.number
            if section is None:
                raise LookupError("the pane does not show what Meta tells")
            await until(section.ask_button.isEnabled)
            await settle()
            session.pane()._pages.scroll.ensureWidgetVisible(section, 0, 8)
            await self._screenshots.take("number")
            session.pane()._pages.scroll.verticalScrollBar().setValue(0)

    async def _choose_provider(self, person: Person, kind: ProviderKind) -> None:
        """In the entry, as long as nothing was ever connected."""
        self._session.window.controller.edit(self._session.mentorado(person).id)
        form = await self._session.sheet()
        self._session.click(status_text.provider(kind), form)
        self._session.click(texts("dialog.save"), form)
        await until(lambda: self._session.mentorado(person).link.provider is kind)
        self._session.choose(person)

    async def _picture_credentials(self, view: str, person: Person, typed: Mapping[CredentialField, str]) -> None:
        async def checked(sheet: BaseDialog) -> None:
            await type_and_check(sheet, typed)

        await self._take_sheet(view, lambda: self._session.perform(ActionName.ENTER_CREDENTIALS, person), checked)

    async def _take_sheet(
        self,
        view: str,
        open_sheet: Callable[[], None],
        prepare: Callable[[BaseDialog], Awaitable[None]] | None = None,
    ) -> None:
        """Take a sheet over the window, once *prepare* has filled it in; each look opens its own."""
        screenshots = self._screenshots
        screenshots.views += 1
        for look in screenshots.wanted(view, LOOKS) or (PLAIN,):
            await screenshots.wear(look)
            open_sheet()
            sheet = await self._session.sheet()
            if prepare is not None:
                await prepare(sheet)
            await settle()
            screenshots.keep(view, look, None)
            sheet.reject()
            await settle()
        await screenshots.wear(PLAIN)

    async def _save_and_connect(self, person: Person, typed: Mapping[CredentialField, str]) -> None:
        self._session.perform(ActionName.ENTER_CREDENTIALS, person)
        sheet = await self._session.sheet()
        await type_and_check(sheet, typed)
        self._session.click(texts("credentials.save_and_connect"), sheet)

    async def _code(self) -> str:
        codes: list[str] = []

        def shown() -> bool:
            codes[:] = read_codes(self._session.window)
            return bool(codes)

        await self._screenshots.wear(PLAIN)
        await until(shown)
        return codes[0]


async def type_and_check(sheet: BaseDialog, typed: Mapping[CredentialField, str]) -> None:
    """Type what a provider asks for, and have it asked."""
    if not isinstance(sheet, CredentialsDialog):
        raise TypeError(f"another sheet is open: {sheet.title.text()}")
    for name, value in typed.items():
        QTest.keyClicks(sheet.form.inputs[name].line, value)
    sheet.ask_provider()
    await until(sheet.save.isEnabled)
    await settle()


async def _queue_is_read(sheet: BaseDialog) -> None:
    if not isinstance(sheet, QueueDialog) or len(sheet.messages) != 2:
        raise LookupError("the queue is not what it is at Z-API")


def _badges(session: Session) -> set[str]:
    from app.ui.widgets.labels import Badge

    return {badge.accessibleName() for badge in session.window.findChildren(Badge) if badge.isVisible()}
