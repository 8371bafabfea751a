"""Steps of a recovery that several tests take."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason, Trigger
from app.domain.mentorado import Link, Mentorado
from app.domain.messages import AddressKind
from app.domain.procedure import Procedure, ProcedureKind
from app.domain.provider import Blocked, Connected, ConnectionEvent, QrIssued, QrScanned
from app.domain.sending import Accepted, OutgoingMessage, QueuedMessage, SendResult
from tests.clock import settle
from tests.fake_providers import FakeProvider
from tests.services import Core

CODE = QrIssued("x", 1, 6, 60)


class Sending(FakeProvider):
    """A provider that takes messages, and keeps a queue."""

    reaches: Sequence[AddressKind] = (AddressKind.PHONE,)
    echoes_sent = True
    window: timedelta | None = None

    def __init__(self) -> None:
        super().__init__()
        self.result: SendResult = Accepted(provider_id="3EB0")
        self.sent: list[OutgoingMessage] = []
        self.waiting: list[QueuedMessage] = []
        self.silent = False

    async def send(self, mentorado: Mentorado, message: OutgoingMessage) -> SendResult:
        self.sent.append(message)
        return self.result

    async def queue(self, link: Link) -> Sequence[QueuedMessage]:
        if self.silent:
            raise Problem(ProblemCode.PROVIDER_SILENT)
        return self.waiting

    async def purge_queue(self, link: Link) -> int:
        raise NotImplementedError

    def allow_flush(self, link: Link) -> None:
        raise NotImplementedError


async def connected(core: Core) -> Mentorado:
    ana = await core.add()
    await core.do(ActionName.CONNECT, ana)
    phone = ana.phone
    core.provider.line.say(CODE, QrScanned(phone), Connected(phone))
    await settle()
    return ana


async def fallen(core: Core, signal: ConnectionEvent) -> Mentorado:
    ana = await connected(core)
    core.provider.line.say(signal)
    await settle()
    return ana


async def pairing(core: Core, reason: Reason = Reason.LOGGED_OUT) -> tuple[Mentorado, Procedure]:
    """A re-authentication that shows its code."""
    ana = await fallen(core, Blocked(reason))
    asks = await core.begin(ProcedureKind.REAUTHENTICATION, ana)
    await core.procedures.confirm(asks.head.id)
    shows = await core.stands(ana)
    core.provider.line.say(CODE)
    await settle()
    return ana, shows


def states(procedure: Procedure) -> dict[str, str]:
    return {step.name: step.state for step in procedure.steps}


_CONNECT, _OPENED, _LOST = Trigger.CONNECT, Trigger.OPENED, Trigger.LOST
