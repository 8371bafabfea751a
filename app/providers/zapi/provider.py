"""Z-API as the core sees it: one connection for each instance, over one client of its own."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.domain.mentorado import Link, LinkId, Mentorado, ProviderKind
from app.domain.messages import AddressKind, MessageUpdate
from app.domain.phone import PhoneNumber, same_account
from app.domain.provider import Blocked, Connection
from app.domain.provider_descriptor import DESCRIPTORS, CredentialReport, Credentials, loads, secret_key
from app.domain.repositories import AccountOwners, Clock, SecretStore
from app.domain.sending import Accepted, NotSent, OutgoingMessage, QueuedMessage, SendErrorKind, SendResult
from app.platform.threads import background_task
from app.providers.http_client import Timeouts
from app.providers.zapi import responses as answers
from app.providers.zapi.client import ZapiClient, open_zapi_client, usable
from app.providers.zapi.poller import LinkCallbacks, PollSettings, SessionPoller, ZapiConnection
from app.providers.zapi.qr_pairing import QrPairing
from app.providers.zapi.responses import (
    AccessDenied,
    Done,
    PhoneDevice,
    Restorable,
    SessionConnected,
    UnexpectedResponse,
    Unlinked,
)
from app.providers.zapi.sender import phone_field

log = logging.getLogger(__name__)


class ZapiProvider:
    """A `Provider` that `CanPair`, `CanPairByCode`, `CanSend`, `UsesCredentials`, `HasQueue`, `HandlesWebhooks`,
    `HasPasskeyExtension`.

    Nothing of a session is kept here: the phone is linked to the instance, and whoever has its token has the session.
    """

    reaches: Sequence[AddressKind] = (AddressKind.PHONE, AddressKind.LID)
    echoes_sent = False
    window: timedelta | None = None

    def __init__(
        self,
        *,
        secrets: SecretStore,
        clock: Clock,
        base_url: str,
        owners: AccountOwners,
    ) -> None:
        """*owners* know whose an instance is: what another link has is not signed in to, emptied or unlinked."""
        self._secrets = secrets
        self._clock = clock
        self._base_url = base_url
        self._pace, self._timeouts = PollSettings(), Timeouts()
        self._owners = owners
        self._connections: dict[LinkId, ZapiConnection] = {}
        self._may_flow: dict[LinkId, datetime] = {}  # until when
        self._failed_tries: set[LinkId] = set()  # links that neither a restore nor a restart brought back
        self._unscanned: set[LinkId] = set()  # links whose last connection was a pairing in which no phone was seen
        self._expected: dict[LinkId, PhoneNumber] = {}  # whose phone is never to be unlinked

    # --- connections

    @asynccontextmanager
    async def connect(self, mentorado: Mentorado) -> AsyncIterator[Connection]:
        """Watch the instance, and bring its session back when it drops. Raises `Problem(CREDENTIALS_MISSING)`."""
        async with self._open_connection(mentorado) as (connection, poller), background_task(poller.run()):
            yield connection

    @asynccontextmanager
    async def pair(self, mentorado: Mentorado) -> AsyncIterator[Connection]:
        """Show codes until a phone is linked; one that is linked already is taken for the one that was wanted."""
        link_id = mentorado.link.id
        async with self._open_connection(mentorado) as (connection, poller):
            if link_id in self._failed_tries:
                poller.steps.clear()
            try:
                async with background_task(QrPairing(poller, self._clock).pair()):
                    yield connection
            finally:
                if poller.account is None:
                    self._unscanned.add(link_id)

    async def has_credentials(self, link: Link) -> bool:
        """Whether a phone is linked, or can be without a code. When that cannot be asked, a connection will say so."""
        async with self._instance(link) as instance:
            match await instance.status():
                case Unlinked():
                    return False
                case Restorable():
                    return link.id not in self._failed_tries
                case _:
                    return True

    async def pending_account(self, link: Link) -> PhoneNumber | None:
        """Whose number is linked now, so that it is judged before anything else happens."""
        async with self._instance(link) as instance:
            if not isinstance(await instance.status(), SessionConnected):
                return None  # what is said of a phone that left is old
            device = await instance.device()
            return device.phone if isinstance(device, PhoneDevice) else None

    async def commit_pairing(self, link: Link) -> None:
        """Nothing is to be done: what was linked is in use."""

    async def rollback_pairing(self, link: Link) -> None:
        """Unlink the phone that should not have been linked. Raises `Problem` when it may be linked still, and
        `ACCOUNT_TAKEN`, with nothing done, when the instance is another link's, too."""
        async with self._instance(link, alone=True) as instance:
            trouble = await self._unlink_stranger(instance, link)
        if trouble is not None and link.id not in self._unscanned:
            raise _problem(trouble)

    async def _unlink_stranger(self, instance: ZapiClient, link: Link) -> AccessDenied | UnexpectedResponse | None:
        status = await instance.status()
        if isinstance(status, AccessDenied | UnexpectedResponse):
            return status
        if not isinstance(status, SessionConnected):
            return None
        device = await instance.device()
        if not isinstance(device, PhoneDevice):
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
        connection = self._connections.get(link.id)
        if connection is None or not connection.showing_code:
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW, why="no code is shown")
        match await connection.instance.phone_code(phone):
            case answers.Code(text):
                connection.typed_code_until = self._clock.now() + timedelta(seconds=self._pace.typing)
                return text
            case answers.PasskeyChallenge():
                connection.emit(Blocked(Reason.PASSKEY_REQUIRED))
                raise Problem(ProblemCode.PROVIDER_REFUSED, detail="passkey")
            case AccessDenied() | UnexpectedResponse() as trouble:
                raise _problem(trouble)

    # --- a passkey

    async def extension_token(self, link: Link) -> tuple[str, datetime]:
        """Raises `Problem`, also when Z-API has none to give."""
        async with self._instance(link) as instance:
            token = await instance.extension_token()
        if not isinstance(token, answers.ExtensionToken):
            raise _problem(token)
        return token.text, token.expires_at

    async def asks_for_passkey(self, link: Link) -> bool:
        """Raises `Problem(PROVIDER_SILENT)` when Z-API does not say."""
        async with self._instance(link) as instance:
            match await instance.qr():
                case answers.PasskeyChallenge():
                    return True
                case AccessDenied() | UnexpectedResponse() as trouble:
                    raise _problem(trouble)
                case _:
                    return False

    async def reset_passkey(self, link: Link) -> str:
        """What Z-API says of the answer before, without what could be a token or a number. Raises `Problem`."""
        async with self._instance(link) as instance:
            reset = await instance.reset_passkey()
        if not isinstance(reset, answers.PasskeyReset):
            raise _problem(reset)
        return reset.why

    # --- credentials

    async def check(self, credentials: Credentials) -> CredentialReport:
        """Ask for the instance's state. Whether a phone is linked is no matter of credentials."""
        if DESCRIPTORS[ProviderKind.ZAPI].missing(credentials):
            return CredentialReport(valid=False, reason=Reason.CREDENTIALS_MISSING)
        if not usable(credentials):
            return CredentialReport(valid=False, reason=Reason.TOKEN_INVALID)
        async with open_zapi_client(self._base_url, credentials, self._timeouts) as instance:
            match await instance.status():
                case AccessDenied(reason, text):
                    return CredentialReport(valid=False, reason=reason, detail=text)
                case UnexpectedResponse(why):
                    return CredentialReport(valid=None, reason=Reason.UNREACHABLE, detail=why)
                case SessionConnected(warning=warning):
                    device = await instance.device()
                    account = device.phone if isinstance(device, PhoneDevice) else None
                    reason = Reason.PROVIDER_WARNING if warning else Reason.NONE
                    facts = await instance.facts()
                    return CredentialReport(valid=True, reason=reason, account=account, facts=facts, detail=warning)
                case Restorable() | Unlinked():
                    return CredentialReport(valid=True, facts=await instance.facts())

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

    def allow_flush(self, link: Link) -> None:
        """Until the link is connected again, or some minutes have passed."""
        self._may_flow[link.id] = self._clock.now() + timedelta(seconds=self._pace.permission)

    # --- messages

    async def send(self, mentorado: Mentorado, message: OutgoingMessage) -> SendResult:
        """Z-API's yes means queued. While the phone is away nothing is handed over, or it would go out later."""
        connection = self._connections.get(mentorado.link.id)
        to = phone_field(message.to)
        if message.template is not None or not message.text:
            return NotSent(trouble=SendErrorKind.REQUEST, detail="only texts can be sent")
        if to is None:
            return NotSent(trouble=SendErrorKind.RECIPIENT_INVALID)
        if connection is None or not connection.through:
            return NotSent(trouble=SendErrorKind.NOT_CONNECTED)
        result, stop = await connection.instance.send_text(to, message.text)
        if stop is not None:
            connection.emit(Blocked(stop, detail="" if isinstance(result, Accepted) else result.detail))
        elif isinstance(result, NotSent) and result.trouble is SendErrorKind.NOT_CONNECTED:
            connection.check_now()
        return result

    def handle(self, link_id: LinkId, facts: Sequence[MessageUpdate], check: bool, confirm: Callable[[], None]) -> bool:
        connection = self._connections.get(link_id)
        if connection is None or connection.over:
            return False
        connection.handle(facts, check, confirm)
        return True

    # --- inside

    @asynccontextmanager
    async def _open_connection(self, mentorado: Mentorado) -> AsyncIterator[tuple[ZapiConnection, SessionPoller]]:
        link = mentorado.link
        self._expected[link.id] = mentorado.expected_account
        self._unscanned.discard(link.id)
        word = LinkCallbacks(
            may_flow=lambda: self._flows(link.id),
            came_back=lambda: self._came_back(link.id),
            failed_tries=lambda: self._failed_tries.add(link.id),
        )
        credentials = await self._credentials(link)
        async with open_zapi_client(self._base_url, credentials, self._timeouts) as instance:
            connection = self._connections[link.id] = ZapiConnection(instance, self._clock)
            try:
                yield (
                    connection,
                    SessionPoller(connection, pace=self._pace, word=word, linked_before=link.account is not None),
                )
            finally:
                connection.through = False
                if self._connections.get(link.id) is connection:
                    del self._connections[link.id]

    def _flows(self, link_id: LinkId) -> bool:
        until = self._may_flow.get(link_id)
        return until is not None and self._clock.now() < until

    def _came_back(self, link_id: LinkId) -> None:
        self._may_flow.pop(link_id, None)
        self._failed_tries.discard(link_id)

    @asynccontextmanager
    async def _instance(self, link: Link, *, alone: bool = False) -> AsyncIterator[ZapiClient]:
        """*alone* for what cannot be undone: not even the link that was there first does that to a shared instance."""
        credentials = await self._credentials(link)
        if alone:
            await self._owners.require_alone(link, credentials)
        async with open_zapi_client(self._base_url, credentials, self._timeouts) as instance:
            yield instance

    async def _credentials(self, link: Link) -> Credentials:
        """Raises `Problem`: `CREDENTIALS_MISSING`, or `ACCOUNT_TAKEN` when the instance is another link's."""
        credentials = loads(await self._secrets.get(secret_key(link.id)))
        if DESCRIPTORS[ProviderKind.ZAPI].missing(credentials) or not usable(credentials):
            raise Problem(ProblemCode.CREDENTIALS_MISSING)
        await self._owners.require_first(link, credentials)
        return credentials


async def _waiting(instance: ZapiClient) -> Sequence[QueuedMessage]:
    waiting = await instance.queue()
    if isinstance(waiting, AccessDenied | UnexpectedResponse):
        raise _problem(waiting)
    return waiting


def _problem(trouble: AccessDenied | UnexpectedResponse | Done) -> Problem:
    if isinstance(trouble, AccessDenied):
        return Problem(ProblemCode.PROVIDER_REFUSED, detail=trouble.text)
    return Problem(ProblemCode.PROVIDER_SILENT)
