"""The Meta Cloud API as the core sees it: one line for each number, over one client of its own."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from app.domain.connection import Reason
from app.domain.credentials import CredentialField, CredentialReport, Credentials, from_text, missing, secret_name
from app.domain.errors import Code, Problem
from app.domain.mentorado import Enrolment, Link, LinkId, ProviderKind
from app.domain.messages import WireFact
from app.domain.phone import same_account
from app.domain.ports import AccountOwners, Clock, Secrets
from app.domain.provider import Line, Opened, Refused, Silent
from app.domain.sending import Accepted, NotSent, NumberDetails, Outgoing, SendResult, SendTrouble
from app.providers.meta_cloud.accounts import why, wrong_account
from app.providers.meta_cloud.details import ASKED_FOR, facts
from app.providers.meta_cloud.dispatch import Dispatch, Effects
from app.providers.meta_cloud.graph import Declined, Graph, open_graph
from app.providers.meta_cloud.held_templates import HeldTemplates
from app.providers.meta_cloud.history_poll import HistoryPoll
from app.providers.meta_cloud.inquiry import Inquiry
from app.providers.meta_cloud.line import MetaLine, Rhythm
from app.providers.meta_cloud.registering import declined_registration
from app.providers.meta_cloud.templates import Catalogue
from app.providers.meta_cloud.verdict import Number
from app.providers.wire import Patience, Unanswered
from app.providers.work_beside import beside

log = logging.getLogger(__name__)

BASE_URL: Final = "https://graph.facebook.com"
VERSION: Final = "v25.0"

_F = CredentialField
_WRONG_CREDENTIALS: Final = frozenset({Reason.TOKEN_INVALID, Reason.PERMISSION_MISSING, Reason.CREDENTIALS_MISSING})
_ID = re.compile(r"[0-9]{1,32}")  # they become part of an address
_TOKEN = re.compile(r"[!-~]+")  # it becomes part of a header
_PIN = re.compile(r"[0-9]{6}")


class MetaCloudProvider:
    """A `Provider` that `NeedsCredentials`, `CanRegister`, `CanDescribe`, `CanSend` and `TakesDeliveries`.

    There is nothing to pair: a number is registered with Meta, and a token lets us speak for it.
    """

    def __init__(
        self,
        *,
        secrets: Secrets,
        clock: Clock,
        base_url: str = BASE_URL,
        version: str = VERSION,
        rhythm: Rhythm | None = None,
        patience: Patience | None = None,
        owners: AccountOwners | None = None,
    ) -> None:
        """*owners* know whose a number is: another link's is not spoken for, registered or taken off."""
        self._secrets = secrets
        self._clock = clock
        self._base_url = base_url
        self._version = version
        self._rhythm = rhythm or Rhythm()
        self._patience = patience or Patience()
        self._owners = owners
        self._lines: dict[LinkId, tuple[MetaLine, Dispatch]] = {}
        self._stopped: dict[LinkId, NotSent] = {}  # what sending ends in until a person connects the link again
        self._catalogues: dict[str, Catalogue] = {}
        self._held: dict[LinkId, HeldTemplates] = {}

    # --- lines

    @asynccontextmanager
    async def connect(self, enrolment: Enrolment) -> AsyncIterator[Line]:
        """Ask about the number from now on. Raises `Problem(CREDENTIALS_MISSING)`."""
        link = enrolment.link
        credentials = await self._credentials(link)
        async with self._graph(credentials) as graph:
            number_id = credentials[_F.PHONE_NUMBER_ID]
            history = HistoryPoll(graph, number_id, self._clock)
            line = MetaLine(Inquiry(graph, number_id, self._clock), history, self._clock, self._rhythm)
            dispatch = Dispatch(
                graph,
                number_id,
                catalogue=self._catalogue(credentials),
                clock=self._clock,
                effects=Effects(stop=line.stop, limited=line.limited),
                held=self._held.setdefault(link.id, HeldTemplates()),
            )
            self._stopped.pop(link.id, None)
            self._lines[link.id] = line, dispatch
            try:
                async with beside(line.keep_asking()):
                    yield line
            finally:
                del self._lines[link.id]
                if line.stopped is not None:
                    self._stopped[link.id] = line.stopped

    async def has_credentials(self, link: Link) -> bool:
        try:
            await self._credentials(link)
        except Problem as problem:
            if problem.code is Code.CREDENTIALS_MISSING:
                return False
            raise
        return True

    def deliver(self, link_id: LinkId, facts: Sequence[WireFact], check: bool, confirm: Callable[[], None]) -> bool:
        """Hand what a webhook told to the open line of *link_id*; False when none is open.

        Messages are not taken before Meta said whose number it is: they could be somebody else's.
        """
        line = self._lines[link_id][0] if link_id in self._lines else None
        if line is None or line.over or (facts and line.account is None):
            return False
        line.deliver(facts, check, confirm)
        dispatch = self._lines[link_id][1]
        for fact in facts:
            dispatch.heed(fact)
        if check:
            dispatch.doubt_templates()
        return True

    # --- credentials

    async def check(self, credentials: Credentials) -> CredentialReport:
        """Ask for the token, the number and its health, and whether the account is the number's."""
        if missing(ProviderKind.META_CLOUD, credentials):
            return CredentialReport(good=False, reason=Reason.CREDENTIALS_MISSING)
        if not _usable(credentials):
            return CredentialReport(good=False, reason=Reason.TOKEN_INVALID)
        async with self._graph(credentials) as graph:
            inquiry = Inquiry(graph, credentials[_F.PHONE_NUMBER_ID], self._clock)
            known = await inquiry.number()
            if not isinstance(known, Number):
                return _report(known)
            verdict = await inquiry.judged(known)
            if isinstance(verdict, Silent):
                return CredentialReport(
                    good=None, reason=Reason.UNREACHABLE, account=known.account, detail=verdict.detail
                )
            wrong = await wrong_account(graph, credentials[_F.WABA_ID], credentials[_F.PHONE_NUMBER_ID])
            if wrong is not None:
                return wrong
            more = await inquiry.more(ASKED_FOR)
            told = {} if isinstance(more, Declined | Unanswered) else facts(more)
            detail = verdict.detail if isinstance(verdict, Refused) else ""
            good = verdict.reason not in _WRONG_CREDENTIALS
            return CredentialReport(good=good, reason=verdict.reason, account=known.account, facts=told, detail=detail)

    # --- registration

    async def register(self, link: Link, pin: str) -> None:
        """Register the number with its PIN, or with a new one when it has none. Never tried again by itself.

        Raises `RegistrationLocked`, or `Problem` with `PIN_INVALID`, `PROVIDER_REFUSED`, `CREDENTIALS_REFUSED`, or
        `PROVIDER_SILENT` when nobody knows whether it happened.
        """
        if not _PIN.fullmatch(pin):
            raise Problem(Code.PIN_INVALID)
        await self._registration(link, "register", {"messaging_product": "whatsapp", "pin": pin})

    async def deregister(self, link: Link) -> None:
        """Take the number off the Cloud API; raises `Problem` as `register` does."""
        await self._registration(link, "deregister", {"messaging_product": "whatsapp"})

    async def _registration(self, link: Link, action: str, body: dict[str, str]) -> None:
        credentials = await self._credentials(link)
        if self._owners is not None:
            await self._owners.require_alone(link, credentials)
        async with self._graph(credentials) as graph:
            await self._require_own_number(graph, link, credentials)
            reply = await graph.post(f"{credentials[_F.PHONE_NUMBER_ID]}/{action}", body)
        if isinstance(reply, Declined):
            raise declined_registration(reply)
        if isinstance(reply, Unanswered) or reply.body.get("success") is not True:
            raise Problem(Code.PROVIDER_SILENT, detail=why(reply))

    async def _require_own_number(self, graph: Graph, link: Link, credentials: Credentials) -> None:
        """Registering a number, and taking it off, ends whatever else connects it."""
        if self._owners is None:
            return
        known = await Inquiry(graph, credentials[_F.PHONE_NUMBER_ID], self._clock).number()
        if isinstance(known, Silent):
            raise Problem(Code.PROVIDER_SILENT, detail=known.detail)
        if isinstance(known, Number):
            self._owners.require_nobodys(known.account, besides=link.id)

    # --- details

    async def details(self, link: Link) -> NumberDetails:
        """Quality, tier, throughput, names and templates, as they are now. Raises `Problem(PROVIDER_SILENT)`."""
        credentials = await self._credentials(link)
        async with self._graph(credentials) as graph:
            inquiry = Inquiry(graph, credentials[_F.PHONE_NUMBER_ID], self._clock)
            known = await inquiry.number()
            if not isinstance(known, Number):
                raise Problem(Code.PROVIDER_SILENT, detail=known.detail)
            more = await inquiry.more(ASKED_FOR)
            if isinstance(more, Declined | Unanswered):
                raise Problem(Code.PROVIDER_SILENT, detail=why(more))
            listed = await self._catalogue(credentials).refresh(graph)
        own = {"status": known.status.lower(), "platform": known.platform.lower()}
        if isinstance(listed, Declined | Unanswered):
            log.info("The templates of link %s could not be listed: %s", link.id, why(listed))
            return NumberDetails(facts={**own, **facts(more)})
        return NumberDetails(facts={**own, **facts(more)}, templates=tuple(each.shown() for each in listed))

    # --- sending

    async def send(self, enrolment: Enrolment, message: Outgoing) -> SendResult:
        """Send through the open line of the right number; anything else is refused here."""
        link_id = enrolment.link.id
        found = self._lines.get(link_id)
        stopped = self._stopped.get(link_id) if found is None else found[0].stopped
        if stopped is not None:
            return stopped
        account = None if found is None or found[0].over else found[0].account
        if found is None or account is None or not same_account(account, enrolment.expected_account):
            return NotSent(trouble=SendTrouble.NOT_CONNECTED)
        line, dispatch = found
        result = await dispatch.send(message)
        if isinstance(result, Accepted):
            line.sent()
            line.history.follow(result.provider_id, (message.to,))
        return result

    # --- credentials, as they are kept

    async def _credentials(self, link: Link) -> Credentials:
        kept = await self._secrets.get(secret_name(link.id))
        try:
            credentials = from_text(kept) if kept else {}
        except ValueError:  # typed again, they are whole again
            credentials = {}
        if missing(ProviderKind.META_CLOUD, credentials) or not _usable(credentials):
            raise Problem(Code.CREDENTIALS_MISSING)
        if self._owners is not None:
            await self._owners.require_first(link, credentials)
        return credentials

    def _graph(self, credentials: Credentials) -> AbstractAsyncContextManager[Graph]:
        return open_graph(self._base_url, self._version, credentials[_F.ACCESS_TOKEN], self._patience)

    def _catalogue(self, credentials: Credentials) -> Catalogue:
        waba_id = credentials[_F.WABA_ID]
        return self._catalogues.setdefault(waba_id, Catalogue(waba_id, self._clock))


def _usable(credentials: Credentials) -> bool:
    """Whether they can stand in an address and in a header."""
    ids = (credentials[_F.PHONE_NUMBER_ID], credentials[_F.WABA_ID])
    return all(_ID.fullmatch(each) for each in ids) and _TOKEN.fullmatch(credentials[_F.ACCESS_TOKEN]) is not None


def _report(verdict: Opened | Refused | Silent) -> CredentialReport:
    if isinstance(verdict, Silent):
        return CredentialReport(good=None, reason=Reason.UNREACHABLE, detail=verdict.detail)
    detail = verdict.detail if isinstance(verdict, Refused) else ""
    return CredentialReport(good=verdict.reason not in _WRONG_CREDENTIALS, reason=verdict.reason, detail=detail)
