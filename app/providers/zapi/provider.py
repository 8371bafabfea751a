"""Z-API as the core sees it: one line for each instance, over one client of its own."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from app.domain.connection import Reason
from app.domain.credentials import CredentialReport, Credentials, from_text, missing, secret_name
from app.domain.errors import Code, Problem
from app.domain.mentorado import Enrolment, Link, LinkId, ProviderKind
from app.domain.messages import WireFact
from app.domain.phone import PhoneNumber, same_account
from app.domain.ports import AccountOwners, Clock, Secrets
from app.domain.provider import Line, Refused
from app.domain.sending import Accepted, NotSent, Outgoing, QueuedMessage, SendResult, SendTrouble
from app.providers.wire import Patience
from app.providers.work_beside import beside
from app.providers.zapi import answers
from app.providers.zapi.answers import Connected, Denied, Device, Done, Restorable, Unclear, Unlinked
from app.providers.zapi.course import Course, Pace, Word
from app.providers.zapi.instance import Instance, open_instance, usable
from app.providers.zapi.line import ZapiLine
from app.providers.zapi.pairing import Pairing
from app.providers.zapi.sending import phone_field

log = logging.getLogger(__name__)


class ZapiProvider:
    """A `Provider` that `CanPair`, `CanPairByCode`, `CanSend`, `NeedsCredentials`, `HasQueue`, `TakesDeliveries`.

    Nothing of a session is kept here: the phone is linked to the instance, and whoever has its token has the session.
    """

    def __init__(
        self,
        *,
        secrets: Secrets,
        clock: Clock,
        base_url: str,
        pace: Pace | None = None,
        patience: Patience | None = None,
        owners: AccountOwners | None = None,
    ) -> None:
        """*owners* know whose an instance is: what another link has is not signed in to, emptied or unlinked."""
        self._secrets = secrets
        self._clock = clock
        self._base_url = base_url
        self._pace = pace or Pace()
        self._patience = patience or Patience()
        self._owners = owners
        self._lines: dict[LinkId, ZapiLine] = {}
        self._may_flow: dict[LinkId, datetime] = {}  # until when
        self._in_vain: set[LinkId] = set()  # links that neither a restore nor a restart brought back
        self._unscanned: set[LinkId] = set()  # links whose last line was a pairing in which no phone was seen
        self._expected: dict[LinkId, PhoneNumber] = {}  # whose phone is never to be unlinked

    # --- lines

    @asynccontextmanager
    async def connect(self, enrolment: Enrolment) -> AsyncIterator[Line]:
        """Watch the instance, and bring its session back when it drops. Raises `Problem(CREDENTIALS_MISSING)`."""
        async with self._line(enrolment) as (line, course), beside(course.watch()):
            yield line

    @asynccontextmanager
    async def pair(self, enrolment: Enrolment) -> AsyncIterator[Line]:
        """Show codes until a phone is linked; one that is linked already is taken for the one that was wanted."""
        link_id = enrolment.link.id
        async with self._line(enrolment) as (line, course):
            if link_id in self._in_vain:
                course.steps.clear()
            try:
                async with beside(Pairing(course, self._clock).pair()):
                    yield line
            finally:
                if course.account is None:
                    self._unscanned.add(link_id)

    async def has_credentials(self, link: Link) -> bool:
        """Whether a phone is linked, or can be without a code. When that cannot be asked, a line will say so."""
        async with self._instance(link) as instance:
            match await instance.status():
                case Unlinked():
                    return False
                case Restorable():
                    return link.id not in self._in_vain
                case _:
                    return True

    async def undecided_account(self, link: Link) -> PhoneNumber | None:
        """Whose number is linked now, so that it is judged before anything else happens."""
        async with self._instance(link) as instance:
            if not isinstance(await instance.status(), Connected):
                return None  # what is said of a phone that left is old
            device = await instance.device()
            return device.phone if isinstance(device, Device) else None

    async def adopt(self, link: Link) -> None:
        """Nothing is to be done: what was linked is in use."""

    async def discard(self, link: Link) -> None:
        """Unlink the phone that should not have been linked. Raises `Problem` when it may be linked still, and
        `ACCOUNT_TAKEN`, with nothing done, when the instance is another link's, too."""
        async with self._instance(link, alone=True) as instance:
            trouble = await self._unlink_stranger(instance, link)
        if trouble is not None and link.id not in self._unscanned:
            raise _problem(trouble)

    async def _unlink_stranger(self, instance: Instance, link: Link) -> Denied | Unclear | None:
        status = await instance.status()
        if isinstance(status, Denied | Unclear):
            return status
        if not isinstance(status, Connected):
            return None
        device = await instance.device()
        if not isinstance(device, Device):
            return device
        right = (link.account, self._expected.get(link.id))
        if any(number is not None and same_account(device.phone, number) for number in right):
            return None  # the right phone is there meanwhile
        done = await instance.disconnect()
        if isinstance(done, Done) or isinstance(await instance.status(), Unlinked):
            log.info("The phone that scanned the code of link %s was unlinked", link.id)
            return None
        return done

    async def phone_code(self, link: Link, phone: PhoneNumber) -> str:
        """Raises `Problem(NOT_POSSIBLE_NOW)` unless a QR is shown, for only then the queue was looked at."""
        line = self._lines.get(link.id)
        if line is None or not line.showing_code:
            raise Problem(Code.NOT_POSSIBLE_NOW, why="no code is shown")
        match await line.instance.phone_code(phone):
            case answers.Code(text):
                line.typed_code_until = self._clock.now() + timedelta(seconds=self._pace.typing)
                return text
            case answers.Challenge():
                line.say(Refused(Reason.PASSKEY_REQUIRED))
                raise Problem(Code.PROVIDER_REFUSED, detail="passkey")
            case Denied() | Unclear() as trouble:
                raise _problem(trouble)

    # --- credentials

    async def check(self, credentials: Credentials) -> CredentialReport:
        """Ask for the instance's state. Whether a phone is linked is no matter of credentials."""
        if missing(ProviderKind.ZAPI, credentials):
            return CredentialReport(good=False, reason=Reason.CREDENTIALS_MISSING)
        if not usable(credentials):
            return CredentialReport(good=False, reason=Reason.TOKEN_INVALID)
        async with open_instance(self._base_url, credentials, self._patience) as instance:
            match await instance.status():
                case Denied(reason, text):
                    return CredentialReport(good=False, reason=reason, detail=text)
                case Unclear(why):
                    return CredentialReport(good=None, reason=Reason.UNREACHABLE, detail=why)
                case Connected(warning=warning):
                    device = await instance.device()
                    account = device.phone if isinstance(device, Device) else None
                    reason = Reason.PROVIDER_WARNING if warning else Reason.NONE
                    facts = await instance.facts()
                    return CredentialReport(good=True, reason=reason, account=account, facts=facts, detail=warning)
                case Restorable() | Unlinked():
                    return CredentialReport(good=True, facts=await instance.facts())

    # --- the queue

    async def queue(self, link: Link) -> Sequence[QueuedMessage]:
        """What waits, the oldest first. Raises `Problem`."""
        async with self._instance(link) as instance:
            return await _waiting(instance)

    async def purge_queue(self, link: Link) -> int:
        """Remove what waits, and look whether it went. Raises `Problem(PROVIDER_SILENT)` when that is not known."""
        async with self._instance(link, alone=True) as instance:
            before = await _waiting(instance)
            if not before:
                return 0
            purged = await instance.purge()
            if not isinstance(purged, Done):
                raise _problem(purged)
            left = {message.id for message in await _waiting(instance)}
        return sum(message.id not in left for message in before)

    def let_queue_flow(self, link: Link) -> None:
        """Until the link is connected again, or some minutes have passed."""
        self._may_flow[link.id] = self._clock.now() + timedelta(seconds=self._pace.permission)

    # --- messages

    async def send(self, enrolment: Enrolment, message: Outgoing) -> SendResult:
        """Z-API's yes means queued. While the phone is away nothing is handed over, or it would go out later."""
        line = self._lines.get(enrolment.link.id)
        to = phone_field(message.to)
        if message.template is not None or not message.text:
            return NotSent(trouble=SendTrouble.REQUEST, detail="only texts can be sent")
        if to is None:
            return NotSent(trouble=SendTrouble.RECIPIENT_INVALID)
        if line is None or not line.through:
            return NotSent(trouble=SendTrouble.NOT_CONNECTED)
        result, stop = await line.instance.send_text(to, message.text)
        if stop is not None:
            line.say(Refused(stop, detail="" if isinstance(result, Accepted) else result.detail))
        elif isinstance(result, NotSent) and result.trouble is SendTrouble.NOT_CONNECTED:
            line.check_now()
        return result

    def deliver(self, link_id: LinkId, facts: Sequence[WireFact], check: bool, confirm: Callable[[], None]) -> bool:
        line = self._lines.get(link_id)
        if line is None or line.over:
            return False
        line.deliver(facts, check, confirm)
        return True

    # --- inside

    @asynccontextmanager
    async def _line(self, enrolment: Enrolment) -> AsyncIterator[tuple[ZapiLine, Course]]:
        link = enrolment.link
        self._expected[link.id] = enrolment.expected_account
        self._unscanned.discard(link.id)
        word = Word(
            may_flow=lambda: self._flows(link.id),
            came_back=lambda: self._came_back(link.id),
            in_vain=lambda: self._in_vain.add(link.id),
        )
        credentials = await self._credentials(link)
        async with open_instance(self._base_url, credentials, self._patience) as instance:
            line = self._lines[link.id] = ZapiLine(instance, self._clock)
            try:
                yield line, Course(line, pace=self._pace, word=word, linked_before=link.account is not None)
            finally:
                line.through = False
                if self._lines.get(link.id) is line:
                    del self._lines[link.id]

    def _flows(self, link_id: LinkId) -> bool:
        until = self._may_flow.get(link_id)
        return until is not None and self._clock.now() < until

    def _came_back(self, link_id: LinkId) -> None:
        self._may_flow.pop(link_id, None)
        self._in_vain.discard(link_id)

    @asynccontextmanager
    async def _instance(self, link: Link, *, alone: bool = False) -> AsyncIterator[Instance]:
        """*alone* for what cannot be undone: not even the link that was there first does that to a shared instance."""
        credentials = await self._credentials(link)
        if alone and self._owners is not None:
            await self._owners.require_alone(link, credentials)
        async with open_instance(self._base_url, credentials, self._patience) as instance:
            yield instance

    async def _credentials(self, link: Link) -> Credentials:
        """Raises `Problem`: `CREDENTIALS_MISSING`, or `ACCOUNT_TAKEN` when the instance is another link's."""
        try:
            credentials = from_text(await self._secrets.get(secret_name(link.id)) or "{}")
        except ValueError:
            credentials = {}
        if missing(ProviderKind.ZAPI, credentials) or not usable(credentials):
            raise Problem(Code.CREDENTIALS_MISSING)
        if self._owners is not None:
            await self._owners.require_first(link, credentials)
        return credentials


async def _waiting(instance: Instance) -> Sequence[QueuedMessage]:
    waiting = await instance.queue()
    if isinstance(waiting, Denied | Unclear):
        raise _problem(waiting)
    return waiting


def _problem(trouble: Denied | Unclear | Done) -> Problem:
    if isinstance(trouble, Denied):
        return Problem(Code.PROVIDER_REFUSED, detail=trouble.text)
    return Problem(Code.PROVIDER_SILENT)
