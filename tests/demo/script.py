"""The main job from an empty window to a recovered connection, played and checked step by step."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.domain.actions import ActionName
from app.domain.link_status import LinkState, Reason
from app.domain.procedure import ProcedureState
from app.text.status import texts
from tests.demo.narration import Narrator
from tests.demo.people import (
    ANA,
    BRUNO,
    CAMILA,
    CAST,
    DAVI,
    ESTER,
    FABIO,
    GABRIELA,
    HEITOR,
    INES,
    JULIA,
    STRANGER,
    Person,
)
from tests.demo.phones import Phones
from tests.demo.providers_chapter import ProvidersChapter
from tests.demo.screenshots import PLAIN, Screenshots, read_codes, settle
from tests.demo.session import Session, until
from tests.demo.switch_chapter import SwitchChapter

_S, _R = LinkState, Reason

SIZE = (1240, 904)  # twelve rows fit
FIRST_CONNECTION = [_S.CONNECTING, _S.QR_READY, _S.CONNECTED]
RUN_OUT_SECONDS = 40.0  # a code that is the only one lives 20 s


class NotTrue(Exception):
    """The program did something else than it should."""


def require(truth: object, words: str) -> None:
    if not truth:
        raise NotTrue(words)


class Story:
    """Every step waits until the status board and, where a code is concerned, the window's pixels tell the same."""

    def __init__(
        self,
        session: Session,
        phones: Phones,
        screenshots: Screenshots,
        narrator: Narrator,
        providers: ProvidersChapter,
        switch: SwitchChapter,
    ) -> None:
        self._session = session
        self._phones = phones
        self._screenshots = screenshots
        self._printer = narrator
        self._providers = providers
        self._switch = switch

    async def play(self) -> None:
        self._session.window.resize(*SIZE)
        await self._screenshots.wear(PLAIN)
        await self._first_connection()
        await self._wrong_number()
        await self._more_people()
        await self._troubles()
        await self._recovery()
        await self._providers.play()
        await self._switch.play()
        await self._everybody()
        async with self._step("Closed the window, as a person does"):
            require(not self._session.crashes, f"the program reported: {self._session.crashes}")
            await self._session.close()

    def _step(self, words: str, within: float = 20.0) -> AbstractAsyncContextManager[None]:
        return self._printer.step(words, within=within)

    async def _code(self, person: Person) -> str:
        """The code that the window shows, read from its pixels; it must be the person's."""
        await self._session.until_at(person, _S.QR_READY)
        codes: list[str] = []

        def shown() -> bool:
            codes[:] = read_codes(self._session.window)
            return bool(codes)

        await until(shown)
        qr = self._session.status(person).qr
        require(qr is not None and codes == [qr.text], "the code in the pixels is not the person's")
        return codes[0]

    async def _view(self, view: str, person: Person, state: LinkState, reason: Reason, code: str | None = None) -> None:
        """Wait until it is so, take the pictures, and require that it was so all the while."""
        await self._session.until_at(person, state, reason)
        await settle()
        await self._screenshots.take(view, code=code)
        require(self._session.is_at(person, state, reason), "it was over before the last picture was taken")

    async def _pair(self, person: Person) -> None:
        """Connect somebody for the first time, from the menu to connected."""
        self._session.choose(person)
        self._session.perform(ActionName.CONNECT, person)
        await self._phones.scan(person.digits, await self._code(person))
        await self._session.until_at(person, _S.CONNECTED)
        require(self._session.states(person) == FIRST_CONNECTION, f"it went {self._session.states(person)}")

    async def _first_connection(self) -> None:
        session, screenshots, phones = self._session, self._screenshots, self._phones
        async with self._step("The window is open, and nobody is registered"):
            await screenshots.take("nobody")
        async with self._step(f"Added {ANA.name} through the form, and asked to connect"):
            sheet = await session.fill_in(ANA)
            await settle()
            screenshots.views += 1
            screenshots.keep("form", PLAIN, None)
            session.click(texts("dialog.add_and_connect"), sheet)
            await until(lambda: list(session.core.mentorados.all()))
        async with self._step("The QR is there; the window's pixels show the code that the client was given"):
            await self._view("code", ANA, _S.QR_READY, _R.NONE, await self._code(ANA))
        async with self._step(f"{BRUNO.name} wants to connect too, and waits in turn"):
            session.click(texts("dialog.add_and_connect"), await session.fill_in(BRUNO))
            await until(lambda: len(list(session.core.mentorados.all())) > 1)
            await self._view("waits-in-turn", BRUNO, _S.CONNECTING, _R.WAITING_TURN)
        async with self._step(f"{ANA.name}'s phone read the code, and signs in"):
            session.choose(ANA)
            await phones.think(0.7)
            await phones.scan(ANA.digits, await self._code(ANA))
            await session.until_at(ANA, _S.QR_READY, _R.SIGNING_IN)
            await settle()
            screenshots.views += 1
            screenshots.keep("signing-in", PLAIN, None)
            require(session.is_at(ANA, _S.QR_READY, _R.SIGNING_IN), "it was over before the picture was taken")
            await phones.think(0)
        async with self._step(f"{ANA.name} is connected: connecting, then the QR, then connected"):
            await self._view("connected", ANA, _S.CONNECTED, _R.NONE)
            require(session.states(ANA) == FIRST_CONNECTION, f"it went {session.states(ANA)}")

    async def _wrong_number(self) -> None:
        session = self._session
        async with self._step(f"{BRUNO.name}'s turn has come, but somebody else's phone reads the code: it is refused"):
            session.choose(BRUNO)
            await self._phones.scan(STRANGER, await self._code(BRUNO))
            await self._view("wrong-number", BRUNO, _S.BLOCKED, _R.WRONG_ACCOUNT)
            require(session.recommended().text() == texts("action.reject_account.label"), "another button is")

    async def _more_people(self) -> None:
        session = self._session
        async with self._step("Ten more are registered"):
            for person in CAST[2:]:
                await session.core.mentorados.add(person.name, person.number, person.cohort)
        for person in (CAMILA, DAVI, ESTER, FABIO, GABRIELA, HEITOR):
            async with self._step(f"{person.name} is connected; the phone read the code from the pixels"):
                await self._pair(person)
            session.clock.pass_minutes(7)
        for person in (FABIO, DAVI):
            await self._phones.receive(person.digits)
            await until(partial(_message_arrived, session, person))
        session.clock.pass_minutes(3)

    async def _troubles(self) -> None:
        session = self._session
        await self._phones.offer_codes(1)
        async with self._step(f"{INES.name} is shown a code that nobody will read"):
            session.choose(INES)
            session.perform(ActionName.CONNECT, INES)
            await self._code(INES)
        async with self._step(
            f"The process with {CAMILA.name}'s session was killed twice: the link is coming back by itself"
        ):
            session.choose(CAMILA)
            first = session.host_of(CAMILA)
            first.kill()  # it is back at once, in another; only a second end so soon is waited for
            await until(lambda: session.is_at(CAMILA, _S.CONNECTED) and session.is_in_another_host(CAMILA, first))
            session.host_of(CAMILA).kill()
            await until(lambda: session.status(CAMILA).retry)
            await self._view("reconnecting", CAMILA, _S.RECONNECTING, _R.HOST_CRASHED)
        async with self._step(f"{DAVI.name} logged out on the phone; the recommended button can be pressed"):
            session.choose(DAVI)
            await self._phones.log_out(DAVI.digits)
            await self._view("logged-out", DAVI, _S.BLOCKED, _R.LOGGED_OUT)
            require(session.recommended().text() == texts("action.reauthenticate.label"), "another button is")
        async with self._step(f"The recommended button asks before it replaces {DAVI.name}'s session"):
            _press(session)
            await until(lambda: session.side(DAVI))
            await self._screenshots.take("question")
            session.click(texts("begin.cancel"), session.side(DAVI))
        async with self._step(f"WhatsApp suspended {ESTER.name} for an hour; nothing is offered but to wait"):
            session.choose(ESTER)
            await self._phones.suspend(ESTER.digits)
            await self._view("suspended", ESTER, _S.BLOCKED, _R.TEMPORARY_BAN)
            require(session.status(ESTER).until, "it is not known until when")
            require(not session.lead_button().isVisible(), "something is recommended")
        async with self._step(f"{CAMILA.name} is connected again, and nobody did anything"):
            await session.until_at(CAMILA, _S.CONNECTED)
        async with self._step(f"{INES.name}'s code expired, and the window shows no code any more", RUN_OUT_SECONDS):
            session.choose(INES)
            await self._view("expired", INES, _S.BLOCKED, _R.QR_EXPIRED)
        await self._phones.offer_codes(6)

    async def _recovery(self) -> None:
        session = self._session
        async with self._step(f"{DAVI.name}'s recovery has put a copy aside, and asks before it shows a new code"):
            session.choose(DAVI)
            session.perform(ActionName.RECOVER, DAVI)
            await until(lambda: session.side(DAVI))
            session.click(texts("begin.recovery.confirm"), session.side(DAVI))
            await until(lambda: (one := session.procedure(DAVI)) and one.state is ProcedureState.ASKING)
            await self._screenshots.take("recovery-asks")
            require(list(session.core.settings.backup_dir.glob("*.conecta")), "there is no backup")
        async with self._step("The code is in the recovery's own sheet, above its steps"):
            session.click(texts("procedure.confirm.recovery"), session.side(DAVI))
            await self._view("recovery-code", DAVI, _S.QR_READY, _R.NONE, await self._code(DAVI))
        async with self._step(f"{DAVI.name} is connected again with all messages; the old session was kept aside"):
            await self._phones.scan(DAVI.digits, await self._code(DAVI))
            await session.until_at(DAVI, _S.CONNECTED)
            await until(lambda: (one := session.procedure(DAVI)) and one.state is ProcedureState.DONE)
            await self._screenshots.take("recovered")
            folder = session.core.settings.session_dir / session.mentorado(DAVI).id
            await until(lambda: list(folder.glob("quarantine/**/session-*.db")))
            extent = await session.core.history.extent(session.mentorado(DAVI).id)
            require(extent.messages, "the messages are gone")
            session.click(texts("procedure.close"), session.side(DAVI))

    async def _everybody(self) -> None:
        session = self._session
        async with self._step(f"{JULIA.name} is shown a code, among everybody else"):
            session.clock.pass_minutes(12)
            session.choose(JULIA)
            session.perform(ActionName.CONNECT, JULIA)
            await self._view("code-among-all", JULIA, _S.QR_READY, _R.NONE, await self._code(JULIA))
        async with self._step("Who is connected and who is not can be seen at one glance"):
            session.click(texts("qr.cancel"), session.pane())
            await session.until_at(JULIA, _S.OFF)
            session.choose(FABIO)
            await self._screenshots.take("everybody")


def _message_arrived(session: Session, person: Person) -> object:
    return session.status(person).evidence.last_inbound


def _press(session: Session) -> None:
    QTest.mouseClick(session.recommended(), Qt.MouseButton.LeftButton)
