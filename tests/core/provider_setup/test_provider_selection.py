"""A provider is chosen when somebody is added, and again as long as it never carried anything."""

from __future__ import annotations

import pytest

from app.core.provider_setup.selection import ProviderSelectionService
from app.domain.actions import ActionName, UnavailableReason
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.provider import Blocked, Connected, QrIssued, QrScanned
from tests.clock import ManualClock, settle
from tests.fake_providers import FakeMeta
from tests.services import Core


@pytest.fixture
def choice(core: Core) -> ProviderSelectionService:
    return ProviderSelectionService(
        mentorados=core.mentorados, supervisor=core.supervisor, audit_service=core.audit_service
    )


async def test_whatsapp_web_is_the_default_and_another_can_be_asked_for(core: Core) -> None:
    assert (await core.add()).link.provider is ProviderKind.WHATSAPP_WEB
    bia = await core.mentorados.add("Bia", "21 98765-4321", provider=ProviderKind.META_CLOUD)
    assert bia.link.provider is ProviderKind.META_CLOUD
    assert (await core.mentorado_repository.all())[1] == bia


async def test_another_is_chosen_while_nothing_ever_connected(core: Core, choice: ProviderSelectionService) -> None:
    async with core.running():
        ana = await core.add()
        assert await choice.choose(ana.id, ProviderKind.WHATSAPP_WEB) == ana
        after = await choice.choose(ana.id, ProviderKind.ZAPI)
        assert after.link.provider is ProviderKind.ZAPI
        assert after.link.id == ana.link.id
    (record,) = [entry.record for entry in core.audit.outcomes]
    assert (record.action, record.before, record.after) == (
        "choose_provider",
        {"provider": "whatsapp_web"},
        {"provider": "zapi"},
    )


async def test_a_code_that_nobody_scanned_does_not_tie_anybody_to_a_provider(
    core: Core, choice: ProviderSelectionService
) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(QrIssued("x", 1, 6, 60), Blocked(Reason.QR_EXPIRED))
        await settle()
        await choice.choose(ana.id, ProviderKind.ZAPI)
        assert core.status(ana).state is LinkState.OFF


async def test_a_provider_in_use_stays_and_says_why(core: Core, choice: ProviderSelectionService) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(QrIssued("x", 1, 6, 60))
        await settle()
        assert choice.refusal(ana.id) is UnavailableReason.STILL_RUNNING
        core.provider.line.say(QrScanned(PhoneNumber("+5521912345678")))
        await settle()
        assert choice.refusal(ana.id) is UnavailableReason.DECIDE_ACCOUNT_FIRST
        await core.do(ActionName.REJECT_ACCOUNT, ana)
        assert choice.refusal(ana.id) is None
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(QrIssued("x", 1, 6, 60), Connected(ana.phone))
        await settle()
        await core.do(ActionName.DISCONNECT, ana)
        assert choice.refusal(ana.id) is UnavailableReason.CONNECTED_BEFORE
        with pytest.raises(Problem) as caught:
            await choice.choose(ana.id, ProviderKind.ZAPI)
        assert caught.value.code is ProblemCode.NOT_POSSIBLE_NOW
        await core.do(ActionName.ARCHIVE, ana)
        assert choice.refusal(ana.id) is UnavailableReason.ARCHIVED


async def test_what_was_prepared_for_a_provider_is_put_in_use_when_that_is_chosen(
    core: Core, choice: ProviderSelectionService
) -> None:
    async with core.running():
        ana = await core.add()
        prepared = await core.mentorados.prepare_link(ana.id, ProviderKind.ZAPI)
        after = await choice.choose(ana.id, ProviderKind.ZAPI)
        assert after.link.id == prepared.id
        assert [link.provider for link in core.mentorados.links_beside(ana.id)] == [ProviderKind.WHATSAPP_WEB]
        back = await choice.choose(ana.id, ProviderKind.WHATSAPP_WEB)
        assert back.link.id == ana.link.id
        assert [link.id for link in core.mentorados.links_beside(ana.id)] == [prepared.id]


async def test_no_provider_is_chosen_while_another_is_connected_beside_it(
    core: Core, choice: ProviderSelectionService
) -> None:
    async with core.running():
        ana = await core.mentorados.add("Ana", "11 98765-4321", provider=ProviderKind.ZAPI)
        beside = await core.mentorados.prepare_link(ana.id, ProviderKind.WHATSAPP_WEB)
        await core.supervisor.connect(ana.id, beside.id)
        await settle()
        assert choice.refusal(ana.id) is UnavailableReason.STILL_RUNNING


async def test_a_provider_that_registers_numbers_offers_no_codes(manual_clock: ManualClock) -> None:
    core = Core(manual_clock, hosted={ProviderKind.META_CLOUD: FakeMeta()})
    async with core.running():
        bia = await core.mentorados.add("Bia", "21 98765-4321", provider=ProviderKind.META_CLOUD)
        for name in (ActionName.REAUTHENTICATE, ActionName.RECOVER):
            assert core.actions.unavailable_reason(name, bia.id) is UnavailableReason.NO_PAIRING
