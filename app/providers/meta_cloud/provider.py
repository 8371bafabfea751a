"""The Meta Cloud API as the core sees it: one line for each number, over one client of its own."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Final

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.domain.mentorado import Link, LinkId, Mentorado, ProviderKind
from app.domain.messages import AddressKind, MessageUpdate
from app.domain.phone import same_account
from app.domain.provider import Blocked, Connected, Connection, RegistrationLocked, Unreachable
from app.domain.provider_descriptor import (
    DESCRIPTORS,
    CredentialField,
    CredentialReport,
    Credentials,
    loads,
    secret_key,
)
from app.domain.repositories import AccountOwners, Clock, SecretStore
from app.domain.sending import (
    SERVICE_WINDOW,
    Accepted,
    NotSent,
    NumberDetails,
    OutgoingMessage,
    SendErrorKind,
    SendResult,
)
from app.platform.threads import background_task
from app.providers.contents import list_of_dicts
from app.providers.http_client import Timeouts, TransportError
from app.providers.meta_cloud.client import (
    Graph,
    GraphError,
    GraphResponse,
    Reply,
    open_graph,
    text,
)
from app.providers.meta_cloud.connection import MetaConnection, PollIntervals
from app.providers.meta_cloud.errors import rule_for
from app.providers.meta_cloud.health import ASKED_FOR, HealthProbe, Number, facts
from app.providers.meta_cloud.sender import DeliveryPoller, MessageSender, SendCallbacks
from app.providers.meta_cloud.templates import MOST_PAGES, HeldTemplates, TemplateCache, next_cursor


async def wrong_account(graph: Graph, waba_id: str, number_id: str) -> CredentialReport | None:
    """What is wrong with the account's id; None when the number is among the account's."""
    after = ""
    for _ in range(MOST_PAGES):
        params = {"fields": "id", "limit": "100"} | ({"after": after} if after else {})
        reply = await graph.get(f"{waba_id}/phone_numbers", **params)
        if isinstance(reply, GraphError) and rule_for(reply).wait is None:
            return CredentialReport(valid=False, reason=Reason.PERMISSION_MISSING, detail=why(reply))
        if not isinstance(reply, GraphResponse) or not isinstance(reply.body.get("data"), list):
            return CredentialReport(valid=None, reason=Reason.UNREACHABLE, detail=why(reply))
        if any(text(each.get("id")) == number_id for each in list_of_dicts(reply.body["data"])):
            return None
        after = next_cursor(reply.body)
        if not after:
            break
    detail = "the number is not one of this account's"
    return CredentialReport(valid=False, reason=Reason.PERMISSION_MISSING, detail=detail)


def why(reply: Reply) -> str:
    """Why *reply* was of no use, for the details line."""
    match reply:
        case GraphError(code=code, detail=detail):
            return f"{code}: {detail}"
        case TransportError(why=words):
            return words
        case GraphResponse():
            return "an answer that nobody understands"


LIMIT: Final = 133016
"""Ten tries in 72 hours; the eleventh locks the number for 72 more."""

_CREDENTIALS = frozenset({Reason.TOKEN_INVALID, Reason.PERMISSION_MISSING})


def declined_registration(reply: GraphError) -> Problem | RegistrationLocked:
    """What *reply* is to a person, or the lock whose end Meta does not say."""
    if reply.code == LIMIT:
        return RegistrationLocked()
    meaning = rule_for(reply)
    if meaning.reason in _CREDENTIALS:
        return Problem(ProblemCode.CREDENTIALS_REFUSED, detail=f"{reply.code}: {reply.detail}")
    if meaning.wait is not None:
        return Problem(ProblemCode.PROVIDER_SILENT, detail=f"{reply.code}: {reply.detail}")
    return Problem(ProblemCode.PROVIDER_REFUSED, detail=f"{reply.code}: {reply.detail}")


log = logging.getLogger(__name__)


_F = CredentialField
_WRONG_CREDENTIALS: Final = frozenset({Reason.TOKEN_INVALID, Reason.PERMISSION_MISSING, Reason.CREDENTIALS_MISSING})
_ID = re.compile(r"[0-9]{1,32}")  # they become part of an address
_TOKEN = re.compile(r"[!-~]+")  # it becomes part of a header
_PIN = re.compile(r"[0-9]{6}")


class MetaCloudProvider:
    """A `Provider` that `UsesCredentials`, `CanRegister`, `HasNumberDetails`, `CanSend` and `HandlesWebhooks`.

    There is nothing to pair: a number is registered with Meta, and a token lets us speak for it.
    """

    reaches: Sequence[AddressKind] = (AddressKind.PHONE, AddressKind.META_USER)
    echoes_sent = False
    window: timedelta | None = SERVICE_WINDOW

    def __init__(
        self,
        *,
        secrets: SecretStore,
        clock: Clock,
        owners: AccountOwners,
        base_url: str,
        version: str,
    ) -> None:
        """*owners* know whose a number is: another link's is not spoken for, registered or taken off."""
        self._secrets = secrets
        self._clock = clock
        self._base_url = base_url
        self._version = version
        self._timeouts = Timeouts()
        self._owners = owners
        self._connections: dict[LinkId, tuple[MetaConnection, MessageSender]] = {}
        self._stopped: dict[LinkId, NotSent] = {}  # what sending ends in until a person connects the link again
        self._catalogues: dict[str, TemplateCache] = {}
        self._held: dict[LinkId, HeldTemplates] = {}

    # --- connections

    @asynccontextmanager
    async def connect(self, mentorado: Mentorado) -> AsyncIterator[Connection]:
        """Ask about the number from now on. Raises `Problem(CREDENTIALS_MISSING)`."""
        link = mentorado.link
        credentials = await self._credentials(link)
        async with self._graph(credentials) as graph:
            number_id = credentials[_F.PHONE_NUMBER_ID]
            history = DeliveryPoller(graph, number_id, self._clock)
            connection = MetaConnection(
                HealthProbe(graph, number_id, self._clock), history, self._clock, PollIntervals()
            )
            dispatch = MessageSender(
                graph,
                number_id,
                catalogue=self._catalogue(credentials),
                clock=self._clock,
                effects=SendCallbacks(stop=connection.stop, limited=connection.set_limited),
                held=self._held.setdefault(link.id, HeldTemplates()),
            )
            self._stopped.pop(link.id, None)
            self._connections[link.id] = connection, dispatch
            try:
                async with background_task(connection.keep_asking()):
                    yield connection
            finally:
                del self._connections[link.id]
                if connection.stopped is not None:
                    self._stopped[link.id] = connection.stopped

    async def has_credentials(self, link: Link) -> bool:
        try:
            await self._credentials(link)
        except Problem as problem:
            if problem.code is ProblemCode.CREDENTIALS_MISSING:
                return False
            raise
        return True

    def handle(self, link_id: LinkId, facts: Sequence[MessageUpdate], check: bool, confirm: Callable[[], None]) -> bool:
        """Hand what a webhook told to the open connection of *link_id*; False when none is open.

        Messages are not taken before Meta said whose number it is: they could be somebody else's.
        """
        connection = self._connections[link_id][0] if link_id in self._connections else None
        if connection is None or connection.over or (facts and connection.account is None):
            return False
        connection.handle(facts, check, confirm)
        dispatch = self._connections[link_id][1]
        for fact in facts:
            dispatch.heed(fact)
        if check:
            dispatch.invalidate_templates()
        return True

    # --- credentials

    async def check(self, credentials: Credentials) -> CredentialReport:
        """Ask for the token, the number and its health, and whether the account is the number's."""
        if DESCRIPTORS[ProviderKind.META_CLOUD].missing(credentials):
            return CredentialReport(valid=False, reason=Reason.CREDENTIALS_MISSING)
        if not _usable(credentials):
            return CredentialReport(valid=False, reason=Reason.TOKEN_INVALID)
        async with self._graph(credentials) as graph:
            inquiry = HealthProbe(graph, credentials[_F.PHONE_NUMBER_ID], self._clock)
            known = await inquiry.number()
            if not isinstance(known, Number):
                return _report(known)
            verdict = await inquiry.evaluate(known)
            if isinstance(verdict, Unreachable):
                return CredentialReport(
                    valid=None, reason=Reason.UNREACHABLE, account=known.account, detail=verdict.detail
                )
            wrong = await wrong_account(graph, credentials[_F.WABA_ID], credentials[_F.PHONE_NUMBER_ID])
            if wrong is not None:
                return wrong
            more = await inquiry.fields(ASKED_FOR)
            details = {} if isinstance(more, GraphError | TransportError) else facts(more)
            detail = verdict.detail if isinstance(verdict, Blocked) else ""
            good = verdict.reason not in _WRONG_CREDENTIALS
            return CredentialReport(
                valid=good, reason=verdict.reason, account=known.account, facts=details, detail=detail
            )

    # --- registration

    async def register(self, link: Link, pin: str) -> None:
        """Register the number with its PIN, or with a new one when it has none. Never tried again by itself.

        Raises `RegistrationLocked`, or `Problem` with `PIN_INVALID`, `PROVIDER_REFUSED`, `CREDENTIALS_REFUSED`, or
        `PROVIDER_SILENT` when nobody knows whether it happened.
        """
        if not _PIN.fullmatch(pin):
            raise Problem(ProblemCode.PIN_INVALID)
        await self._registration(link, "register", {"messaging_product": "whatsapp", "pin": pin})

    async def deregister(self, link: Link) -> None:
        """Take the number off the Cloud API; raises `Problem` as `register` does."""
        await self._registration(link, "deregister", {"messaging_product": "whatsapp"})

    async def _registration(self, link: Link, action: str, body: dict[str, str]) -> None:
        credentials = await self._credentials(link)
        await self._owners.require_alone(link, credentials)
        async with self._graph(credentials) as graph:
            await self._require_own_number(graph, link, credentials)
            reply = await graph.post(f"{credentials[_F.PHONE_NUMBER_ID]}/{action}", body)
        if isinstance(reply, GraphError):
            raise declined_registration(reply)
        if isinstance(reply, TransportError) or reply.body.get("success") is not True:
            raise Problem(ProblemCode.PROVIDER_SILENT, detail=why(reply))

    async def _require_own_number(self, graph: Graph, link: Link, credentials: Credentials) -> None:
        """Registering a number, and taking it off, ends whatever else connects it."""
        known = await HealthProbe(graph, credentials[_F.PHONE_NUMBER_ID], self._clock).number()
        if isinstance(known, Unreachable):
            raise Problem(ProblemCode.PROVIDER_SILENT, detail=known.detail)
        if isinstance(known, Number):
            self._owners.require_nobodys(known.account, besides=link.id)

    # --- details

    async def details(self, link: Link) -> NumberDetails:
        """Quality, tier, throughput, names and templates, as they are now. Raises `Problem(PROVIDER_SILENT)`."""
        credentials = await self._credentials(link)
        async with self._graph(credentials) as graph:
            inquiry = HealthProbe(graph, credentials[_F.PHONE_NUMBER_ID], self._clock)
            known = await inquiry.number()
            if not isinstance(known, Number):
                raise Problem(ProblemCode.PROVIDER_SILENT, detail=known.detail)
            more = await inquiry.fields(ASKED_FOR)
            if isinstance(more, GraphError | TransportError):
                raise Problem(ProblemCode.PROVIDER_SILENT, detail=why(more))
            listed = await self._catalogue(credentials).refresh(graph)
        own = {"status": known.status.lower(), "platform": known.platform.lower()}
        if isinstance(listed, GraphError | TransportError):
            log.info("The templates of link %s could not be listed: %s", link.id, why(listed))
            return NumberDetails(facts={**own, **facts(more)})
        return NumberDetails(facts={**own, **facts(more)}, templates=tuple(each.shown() for each in listed))

    # --- sending

    async def send(self, mentorado: Mentorado, message: OutgoingMessage) -> SendResult:
        """Send through the open connection of the right number; anything else is refused here."""
        link_id = mentorado.link.id
        found = self._connections.get(link_id)
        stopped = self._stopped.get(link_id) if found is None else found[0].stopped
        if stopped is not None:
            return stopped
        account = None if found is None or found[0].over else found[0].account
        if found is None or account is None or not same_account(account, mentorado.expected_account):
            return NotSent(trouble=SendErrorKind.NOT_CONNECTED)
        connection, dispatch = found
        result = await dispatch.send(message)
        if isinstance(result, Accepted):
            connection.sent()
            connection.history.track(result.provider_id, (message.to,))
        return result

    # --- credentials, as they are kept

    async def _credentials(self, link: Link) -> Credentials:
        credentials = loads(await self._secrets.get(secret_key(link.id)))
        if DESCRIPTORS[ProviderKind.META_CLOUD].missing(credentials) or not _usable(credentials):
            raise Problem(ProblemCode.CREDENTIALS_MISSING)
        await self._owners.require_first(link, credentials)
        return credentials

    def _graph(self, credentials: Credentials) -> AbstractAsyncContextManager[Graph]:
        return open_graph(self._base_url, self._version, credentials[_F.ACCESS_TOKEN], self._timeouts)

    def _catalogue(self, credentials: Credentials) -> TemplateCache:
        waba_id = credentials[_F.WABA_ID]
        return self._catalogues.setdefault(waba_id, TemplateCache(waba_id, self._clock))


def _usable(credentials: Credentials) -> bool:
    """Whether they can stand in an address and in a header."""
    ids = (credentials[_F.PHONE_NUMBER_ID], credentials[_F.WABA_ID])
    return all(_ID.fullmatch(each) for each in ids) and _TOKEN.fullmatch(credentials[_F.ACCESS_TOKEN]) is not None


def _report(verdict: Connected | Blocked | Unreachable) -> CredentialReport:
    if isinstance(verdict, Unreachable):
        return CredentialReport(valid=None, reason=Reason.UNREACHABLE, detail=verdict.detail)
    detail = verdict.detail if isinstance(verdict, Blocked) else ""
    return CredentialReport(valid=verdict.reason not in _WRONG_CREDENTIALS, reason=verdict.reason, detail=detail)
