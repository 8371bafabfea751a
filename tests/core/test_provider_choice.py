"""A provider is chosen when somebody is added, and again as long as it never carried anything."""

from __future__ import annotations

import pytest

from app.core.action import ActionName, Refusal
from app.core.hosted.provider_choice import ProviderChoice
from app.domain.connection import LinkState, Reason
from app.domain.errors import Code, Problem
from app.domain.mentorado import ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.provider import CodeAccepted, CodeIssued, Opened, Refused
from tests.clock import ManualClock, settle
from tests.core.conftest import Core, Run
from tests.played_hosted import PlayedMeta


@pytest.fixture
def choice(core: Core) -> ProviderChoice:
    return ProviderChoice(enrolments=core.enrolments, supervisor=core.supervisor, witness=core.witness)


def test_whatsapp_web_is_the_default_and_another_can_be_asked_for(core: Core, run: Run) -> None:
    async def main() -> None:
        assert (await core.add()).link.provider is ProviderKind.WHATSAPP_WEB
        bia = await core.enrolments.add("Bia", "21 98765-4321", provider=ProviderKind.META_CLOUD)
        assert bia.link.provider is ProviderKind.META_CLOUD
        assert (await core.roster.all())[1] == bia

    run(main())


def test_another_is_chosen_while_nothing_ever_connected(core: Core, choice: ProviderChoice, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await core.add()
            assert await choice.choose(ana.mentorado.id, ProviderKind.WHATSAPP_WEB) == ana
            after = await choice.choose(ana.mentorado.id, ProviderKind.ZAPI)
            assert after.link.provider is ProviderKind.ZAPI
            assert after.link.id == ana.link.id
        (deed,) = [entry.deed for entry in core.audit.outcomes]
        assert (deed.action, deed.before, deed.after) == (
            "choose_provider",
            {"provider": "whatsapp_web"},
            {"provider": "zapi"},
        )

    run(main())


def test_a_code_that_nobody_scanned_does_not_tie_anybody_to_a_provider(
    core: Core, choice: ProviderChoice, run: Run
) -> None:
    async def main() -> None:
        async with core.running():
            ana = await core.add()
            await core.do(ActionName.CONNECT, ana)
            core.provider.line.say(CodeIssued("x", 1, 6, 60), Refused(Reason.QR_EXPIRED))
            await settle()
            await choice.choose(ana.mentorado.id, ProviderKind.ZAPI)
            assert core.status(ana).state is LinkState.OFF

    run(main())


def test_a_provider_in_use_stays_and_says_why(core: Core, choice: ProviderChoice, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await core.add()
            await core.do(ActionName.CONNECT, ana)
            core.provider.line.say(CodeIssued("x", 1, 6, 60))
            await settle()
            assert choice.refusal(ana.mentorado.id) is Refusal.STILL_RUNNING
            core.provider.line.say(CodeAccepted(PhoneNumber("+5521912345678")))
            await settle()
            assert choice.refusal(ana.mentorado.id) is Refusal.DECIDE_ACCOUNT_FIRST
            await core.do(ActionName.REJECT_ACCOUNT, ana)
            assert choice.refusal(ana.mentorado.id) is None
            await core.do(ActionName.CONNECT, ana)
            core.provider.line.say(CodeIssued("x", 1, 6, 60), Opened(ana.mentorado.phone))
            await settle()
            await core.do(ActionName.DISCONNECT, ana)
            assert choice.refusal(ana.mentorado.id) is Refusal.CONNECTED_BEFORE
            with pytest.raises(Problem) as caught:
                await choice.choose(ana.mentorado.id, ProviderKind.ZAPI)
            assert caught.value.code is Code.NOT_POSSIBLE_NOW
            await core.do(ActionName.ARCHIVE, ana)
            assert choice.refusal(ana.mentorado.id) is Refusal.ARCHIVED

    run(main())


def test_a_provider_that_registers_numbers_offers_no_codes(manual_clock: ManualClock, run: Run) -> None:
    core = Core(manual_clock, hosted={ProviderKind.META_CLOUD: PlayedMeta()})

    async def main() -> None:
        async with core.running():
            bia = await core.enrolments.add("Bia", "21 98765-4321", provider=ProviderKind.META_CLOUD)
            for name in (ActionName.REAUTHENTICATE, ActionName.RECOVER):
                assert core.actions.refusal(name, bia.mentorado.id) is Refusal.NO_PAIRING

    run(main())
