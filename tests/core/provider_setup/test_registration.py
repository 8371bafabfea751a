from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from app.core.provider_setup.registration import LIMIT, WINDOW, NumberRegistrationService
from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import Link, LinkId, Mentorado, ProviderKind
from app.domain.provider import Blocked, Connected, Provider, RegistrationLocked
from app.domain.repositories import RegistrationAttempts
from tests.clock import ManualClock, settle
from tests.fake_providers import FakeProvider
from tests.services import Core

PIN = "123456"


class FakeTries:
    """The tries in memory."""

    def __init__(self) -> None:
        self.made: list[tuple[LinkId, datetime]] = []

    async def add(self, link_id: LinkId, at: datetime) -> None:
        self.made.append((link_id, at))

    async def since(self, link_id: LinkId, moment: datetime) -> Sequence[datetime]:
        return sorted(at for each, at in self.made if each == link_id and at > moment)


class RegisteringProvider(FakeProvider):
    """Registers what it is told to; *refusal* is raised instead while it is set."""

    def __init__(self) -> None:
        super().__init__()
        self.registered: list[tuple[LinkId, str]] = []
        self.deregistered: list[LinkId] = []
        self.refusal: Problem | RegistrationLocked | None = None

    async def register(self, link: Link, pin: str) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.registered.append((link.id, pin))

    async def deregister(self, link: Link) -> None:
        self.deregistered.append(link.id)


@pytest.fixture
def core(manual_clock: ManualClock) -> Core:
    return Core(manual_clock, provider=RegisteringProvider())


def registration_service(
    core: Core, *, tries: RegistrationAttempts, kind: ProviderKind = ProviderKind.META_CLOUD
) -> NumberRegistrationService:
    providers: dict[ProviderKind, Provider] = {kind: core.provider}
    return NumberRegistrationService(
        mentorados=core.mentorados,
        supervisor=core.supervisor,
        actions=core.actions,
        providers=providers,
        tries=tries,
        audit_service=core.audit_service,
        clock=core.clock,
    )


async def at_meta(core: Core) -> Mentorado:
    """Somebody whose link is of the Cloud API; the played provider carries it."""
    ana = await core.add()
    core.supervisor._providers = {ProviderKind.META_CLOUD: core.provider}
    core.provider.paired.add(ana.link.id)
    return await core.mentorados.save_link(replace(ana.link, provider=ProviderKind.META_CLOUD))


def provider_of(core: Core) -> RegisteringProvider:
    assert isinstance(core.provider, RegisteringProvider)
    return core.provider


async def test_a_link_that_waited_for_it_connects_once_its_number_is_registered(core: Core) -> None:
    tries = FakeTries()
    async with core.running():
        ana = await at_meta(core)
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(Blocked(Reason.NOT_REGISTERED))
        await settle()
        assert core.status(ana).state is LinkState.BLOCKED
        await registration_service(core, tries=tries).register(ana.id, PIN)
        await settle()
        assert core.status(ana).state is LinkState.CONNECTING
        assert provider_of(core).registered == [(ana.link.id, PIN)]
        assert tries.made == [(ana.link.id, core.clock.now())]


async def test_a_link_that_is_connected_is_left_as_it_is(core: Core) -> None:
    async with core.running():
        ana = await at_meta(core)
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(Connected(ana.phone))
        await settle()
        await registration_service(core, tries=FakeTries()).register(ana.id, PIN)
        assert core.status(ana).state is LinkState.CONNECTED
        assert len(core.provider.lines) == 1


async def test_a_number_that_is_taken_off_has_its_link_ended(core: Core) -> None:
    tries = FakeTries()
    async with core.running():
        ana = await at_meta(core)
        await core.do(ActionName.CONNECT, ana)
        await registration_service(core, tries=tries).deregister(ana.id)
        assert core.status(ana).state is LinkState.OFF
        assert provider_of(core).deregistered == [ana.link.id]
        assert len(tries.made) == 1


async def test_the_limit_holds_before_anything_is_asked_and_ends_with_the_oldest_try(core: Core) -> None:
    async with core.running():
        ana = await at_meta(core)
        registration = registration_service(core, tries=FakeTries())
        assert (await registration.allowance(ana.id)).until is None
        began = core.clock.now()
        for _ in range(LIMIT):
            await registration.register(ana.id, PIN)
            core.clock.time += timedelta(hours=1)
        with pytest.raises(Problem) as caught:
            await registration.register(ana.id, PIN)
        until = (began + WINDOW).astimezone()
        assert caught.value.code is ProblemCode.REGISTER_LIMIT
        assert caught.value.context == {"count": "10", "until": f"{until:%Y-%m-%d %H:%M}"}
        assert (await registration.allowance(ana.id)).left == 0
        assert len(provider_of(core).registered) == LIMIT
        core.clock.time = began + WINDOW
        await registration.register(ana.id, PIN)


async def test_a_limit_that_the_provider_counted_is_ours_from_then_on(core: Core) -> None:
    async with core.running():
        ana = await at_meta(core)
        registration = registration_service(core, tries=FakeTries())
        provider_of(core).refusal = RegistrationLocked()
        with pytest.raises(Problem) as caught:
            await registration.register(ana.id, PIN)
        until = (core.clock.now() + WINDOW).astimezone()
        assert caught.value.context["until"] == f"{until:%Y-%m-%d %H:%M}"
        assert (await registration.allowance(ana.id)).left == 0


async def test_a_refusal_is_audited_with_its_code_and_without_the_pin(core: Core) -> None:
    async with core.running():
        ana = await at_meta(core)
        registration = registration_service(core, tries=FakeTries())
        provider_of(core).refusal = Problem(ProblemCode.PROVIDER_REFUSED, detail="133005: mismatch")
        with pytest.raises(Problem) as caught:
            await registration.register(ana.id, PIN)
        assert caught.value.code is ProblemCode.PROVIDER_REFUSED
        await settle()
        (entry,) = core.audit.outcomes
        assert (entry.record.action, entry.record.outcome, entry.record.reason) == (
            "register",
            "failed",
            "provider_refused",
        )
        assert dict(entry.record.after) == {"tries_left": "9"}
        assert PIN not in repr(entry)


async def test_what_is_no_pin_is_not_even_counted(core: Core) -> None:
    tries = FakeTries()
    async with core.running():
        ana = await at_meta(core)
        with pytest.raises(Problem) as caught:
            await registration_service(core, tries=tries).register(ana.id, "12345")
        assert caught.value.code is ProblemCode.PIN_INVALID
        assert tries.made == []


async def test_without_a_provider_that_registers_there_is_nothing_to_be_done(core: Core) -> None:
    async with core.running():
        ana = await at_meta(core)
        with pytest.raises(Problem) as caught:
            await registration_service(core, tries=FakeTries(), kind=ProviderKind.ZAPI).register(ana.id, PIN)
        assert caught.value.code is ProblemCode.PROVIDER_UNAVAILABLE


async def test_a_link_of_another_provider_is_refused(core: Core) -> None:
    async with core.running():
        bia = await core.add()
        with pytest.raises(Problem) as caught:
            await registration_service(core, tries=FakeTries()).register(bia.id, PIN)
        assert caught.value.code is ProblemCode.NOT_POSSIBLE_NOW
