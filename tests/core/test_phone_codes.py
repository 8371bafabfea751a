"""A code to type on the phone, one at a time, while a QR is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.action import ActionName
from app.core.links.phone_codes import PhoneCodes
from app.domain.errors import Code, Problem
from app.domain.mentorado import Enrolment, ProviderKind
from app.domain.provider import CodeAccepted, CodeIssued
from tests.clock import settle
from tests.core.conftest import Core, Run


async def shown(core: Core) -> Enrolment:
    ana = await core.add()
    await core.do(ActionName.CONNECT, ana)
    core.provider.line.say(CodeIssued("x", 1, 6, 60))
    await settle()
    return ana


async def refused(asking: PhoneCodes, ana: Enrolment) -> Problem:
    with pytest.raises(Problem) as caught:
        await asking.ask(ana.mentorado.id)
    return caught.value


def test_a_code_is_for_the_expected_number_and_only_while_a_qr_is_shown(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            asking, ana = core.supervisor.phone_codes, await core.add()
            assert not asking.offered(ana.mentorado.id)
            assert (await refused(asking, ana)).code is Code.NOT_POSSIBLE_NOW
            await core.do(ActionName.CONNECT, ana)
            core.provider.line.say(CodeIssued("x", 1, 6, 60))
            await settle()
            assert asking.offered(ana.mentorado.id)
            assert await asking.ask(ana.mentorado.id) == "ABCD-0001"
            assert core.provider.typed_codes == [(ana.link.id, ana.mentorado.phone)]
            core.provider.line.say(CodeAccepted(ana.mentorado.phone))
            await settle()
            assert not asking.offered(ana.mentorado.id)

    run(main())


def test_another_code_has_to_wait(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            asking, ana = core.supervisor.phone_codes, await shown(core)
            await asking.ask(ana.mentorado.id)
            await core.clock.advance(20)
            again = await refused(asking, ana)
            assert (again.code, again.context) == (Code.PHONE_CODE_TOO_SOON, {"seconds": "41"})
            await core.clock.advance(41)
            core.provider.line.say(CodeIssued("y", 2, 6, 60))
            await settle()
            assert await asking.ask(ana.mentorado.id) == "ABCD-0002"

    run(main())


def test_a_provider_without_such_codes_offers_none(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            asking, ana = core.supervisor.phone_codes, await shown(core)
            await core.enrolments.save_link(replace(ana.link, provider=ProviderKind.META_CLOUD))
            assert not asking.offered(ana.mentorado.id)

    run(main())
