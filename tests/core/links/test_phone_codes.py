"""A code to type on the phone, one at a time, while a QR is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.links.pairing import PairingCodeService
from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.provider import QrIssued, QrScanned
from tests.clock import settle
from tests.services import Core


async def shown(core: Core) -> Mentorado:
    ana = await core.add()
    await core.do(ActionName.CONNECT, ana)
    core.provider.line.say(QrIssued("x", 1, 6, 60))
    await settle()
    return ana


async def refused(asking: PairingCodeService, ana: Mentorado) -> Problem:
    with pytest.raises(Problem) as caught:
        await asking.request(ana.id)
    return caught.value


async def test_a_code_is_for_the_expected_number_and_only_while_a_qr_is_shown(core: Core) -> None:
    async with core.running():
        asking, ana = core.supervisor.phone_codes, await core.add()
        assert not asking.available(ana.id)
        assert (await refused(asking, ana)).code is ProblemCode.NOT_POSSIBLE_NOW
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(QrIssued("x", 1, 6, 60))
        await settle()
        assert asking.available(ana.id)
        assert await asking.request(ana.id) == "ABCD-0001"
        assert core.provider.typed_codes == [(ana.link.id, ana.phone)]
        core.provider.line.say(QrScanned(ana.phone))
        await settle()
        assert not asking.available(ana.id)


async def test_another_code_has_to_wait(core: Core) -> None:
    async with core.running():
        asking, ana = core.supervisor.phone_codes, await shown(core)
        await asking.request(ana.id)
        await core.clock.advance(20)
        again = await refused(asking, ana)
        assert (again.code, again.context) == (ProblemCode.PHONE_CODE_TOO_SOON, {"seconds": "41"})
        await core.clock.advance(41)
        core.provider.line.say(QrIssued("y", 2, 6, 60))
        await settle()
        assert await asking.request(ana.id) == "ABCD-0002"


async def test_a_provider_without_such_codes_offers_none(core: Core) -> None:
    async with core.running():
        asking, ana = core.supervisor.phone_codes, await shown(core)
        await core.mentorados.save_link(replace(ana.link, provider=ProviderKind.META_CLOUD))
        assert not asking.available(ana.id)


async def test_a_code_to_type_stands_in_the_status_until_it_is_withdrawn_or_the_phone_answers(core: Core) -> None:
    async with core.running():
        asking, ana = core.supervisor.phone_codes, await shown(core)
        assert not core.supervisor.status(ana.link.id).has_typed_code
        await asking.request(ana.id)
        assert core.supervisor.status(ana.link.id).has_typed_code
        core.provider.line.say(QrIssued("y", 2, 6, 20))
        await settle()
        status = core.supervisor.status(ana.link.id)
        assert status.qr is not None
        assert (status.qr.text, status.qr.typed) == ("y", "ABCD-0001")
        assert "ABCD" not in repr(status), "it is a credential"
        asking.withdraw(ana.id)
        assert not core.supervisor.status(ana.link.id).has_typed_code
        core.provider.line.say(QrScanned(ana.phone))
        await settle()
        asking.withdraw(ana.id)
        assert core.supervisor.status(ana.link.id).qr is None
