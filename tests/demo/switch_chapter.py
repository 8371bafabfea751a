"""The chapter about one mentorado who moves to another provider, and goes back."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from app.domain.actions import ActionName
from app.domain.link_status import LinkState
from app.domain.mentorado import ProviderKind
from app.domain.procedure import ProcedureState
from app.domain.settings import OUTBOUND_LIMITS
from app.domain.switch import SwitchItemState
from app.text.status import provider, texts
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.provider_switch.form import SwitchForm
from tests.demo.gateways import Gateways
from tests.demo.narration import Narrator
from tests.demo.people import FABIO
from tests.demo.providers_chapter import type_and_check
from tests.demo.screenshots import PLAIN, Screenshots, read_codes, settle
from tests.demo.session import Session, until

_SWITCH_SECONDS = 40.0  # with the smoke test, before which the program waits as a person would


class SwitchChapter:
    """FABIO moves from WhatsApp Web to Z-API beside it, and back; begins and ends with him chosen."""

    def __init__(self, session: Session, gateways: Gateways, screenshots: Screenshots, narrator: Narrator) -> None:
        self._session = session
        self._gateways = gateways
        self._screenshots = screenshots
        self._printer = narrator

    async def play(self) -> None:
        await self._plan()
        await self._switch()
        await self._go_back()

    def _step(self, words: str, within: float = 20.0) -> AbstractAsyncContextManager[None]:
        return self._printer.step(words, within=within)

    @property
    def _form(self) -> SwitchForm:
        form = self._session.side(FABIO)
        if form is None or not isinstance(form.form, SwitchForm):
            raise LookupError("the sheet of the switch is not open")
        return form.form

    async def _plan(self) -> None:
        session = self._session
        limits = session.core.settings_service.settings.outbound_limits
        counts = replace(limits, partly_confirmed_counts=True)
        await session.core.settings_service.change(OUTBOUND_LIMITS, counts, reason="the demo has no webhooks")
        async with self._step(f"{FABIO.name} is to move to Z-API; the dry run says what is missing"):
            session.choose(FABIO)
            session.perform(ActionName.SWITCH_PROVIDER, FABIO)
            await until(lambda: session.side(FABIO))
            self._form.targets[ProviderKind.ZAPI].click()
            await until(self._form.report.isVisible)
            await until(self._form.report.enter.isVisible)
            await settle()
            await self._screenshots.take("switch-report")
        async with self._step("The credentials of the new provider are entered from there"):
            self._form.report.enter.click()
            sheet = await session.sheet()
            await type_and_check(sheet, self._gateways.credentials_of(self._gateways.other_instance))
            session.click(texts("credentials.save"), sheet)
            await until(self._form.name_field.isVisible)

    async def _switch(self) -> None:
        session = self._session
        async with self._step("The name is typed, and the code of Z-API is there while WhatsApp Web goes on"):
            self._form.name_field.setText(FABIO.name)  # Qt types no accents
            target = provider(ProviderKind.ZAPI)
            await settle()
            session.click(texts("switch_sheet.confirm", provider=target), session.side(FABIO))
            code = await self._code()
            await self._screenshots.take("switch-code", code=code)
            if not session.is_at(FABIO, LinkState.CONNECTED):
                raise LookupError("the provider in use is not connected any more")
        async with self._step(f"{FABIO.name}'s phone read it; tested, and switched", _SWITCH_SECONDS):
            while not self._gateways.scan(FABIO.digits, await self._code()):
                await settle()
            await until(lambda: session.mentorado(FABIO).link.provider is ProviderKind.ZAPI)
            await until(lambda: (one := session.procedure(FABIO)) and one.state is ProcedureState.DONE)
            await session.until_at(FABIO, LinkState.CONNECTED)
            session.click(texts("procedure.close"), session.side(FABIO))
        async with self._step("WhatsApp Web is kept, silent, until a person decides"):
            await until(lambda: self._state() is SwitchItemState.SWITCHED)
            await until(session.pane()._content.switch.isVisible)
            await self._screenshots.take("switched")

    async def _go_back(self) -> None:
        session = self._session
        async with self._step(f"{FABIO.name} goes back to WhatsApp Web, and nothing was lost"):
            session.perform(ActionName.ROLL_BACK, FABIO)
            sheet = await session.sheet()
            if not isinstance(sheet, ConfirmDialog):
                raise TypeError("another sheet is open")
            sheet.confirm.click()
            await until(lambda: session.mentorado(FABIO).link.provider is ProviderKind.WHATSAPP_WEB)
            await until(lambda: (one := session.procedure(FABIO)) and one.state is ProcedureState.DONE)
            await session.until_at(FABIO, LinkState.CONNECTED)
            session.click(texts("procedure.close"), session.side(FABIO))
            await until(lambda: self._state() is None)

    def _state(self) -> SwitchItemState | None:
        item = self._session.core.switches.item_of(self._session.mentorado(FABIO).id)
        return None if item is None else item.state

    async def _code(self) -> str:
        codes: list[str] = []

        def shown() -> bool:
            codes[:] = read_codes(self._session.window)
            return bool(codes)

        await self._screenshots.wear(PLAIN)
        await until(shown)
        return codes[0]
