"""Whether webhooks are received, who is let in, and where what came goes; the receiver and the lines are played."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from app.core.webhooks.endpoints import VERIFY_TOKEN, path_name
from app.core.webhooks.service import (
    ServiceState,
)
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.provider_descriptor import dumps, secret_key
from app.domain.webhooks import (
    Endpoint,
    EndpointList,
)
from tests.clock import settle
from tests.core.webhooks.harness import (
    ANA,
    BIA,
    CAIO,
    DORA,
    EVA,
    META,
    ON,
    F,
    Harness,
    play,
)


def endpoint(mentorado: Mentorado, provider: ProviderKind, key: str, secret: str) -> Endpoint:
    number = mentorado.phone
    return Endpoint(link_id=mentorado.link.id, provider=provider, key=key, secret=secret, number=number)


def test_they_are_off_until_somebody_wants_them() -> None:
    harness = Harness()

    async def use() -> None:
        assert harness.phase() is ServiceState.OFF
        assert harness.receiver.opened == []
        assert harness.secrets.kept.keys() == {secret_key(each.link.id) for each in (ANA, BIA, DORA, EVA)}
        await harness.service.switch_on()
        await settle()
        assert harness.phase() is ServiceState.LISTENING
        assert harness.receiver.tried == [ON]
        assert harness.store.settings.webhooks.on
        await harness.service.switch_on()  # it is
        await harness.service.switch_off()
        await settle()
        assert harness.receiver.now.closed
        assert harness.phase() is ServiceState.OFF
        assert len(harness.receiver.opened) == 1
        lines = [(entry.record.before["value"], entry.record.after["value"]) for entry in harness.audit.outcomes]
        assert lines == [("off 127.0.0.1:8790", "on 127.0.0.1:8790"), ("on 127.0.0.1:8790", "off 127.0.0.1:8790")]

    play(harness, use)


def test_a_place_that_is_taken_is_said_and_nothing_changes() -> None:
    harness = Harness()

    async def use() -> None:
        harness.receiver.problem = Problem(ProblemCode.WEBHOOK_PORT_TAKEN, port="8790")
        with pytest.raises(Problem):
            await harness.service.switch_on()
        await settle()
        assert harness.phase() is ServiceState.OFF
        assert not harness.store.settings.webhooks.on

    play(harness, use)


def test_moving_closes_the_old_place_first_and_comes_back_to_it_when_the_new_one_is_taken() -> None:
    harness = Harness(ON)

    async def use() -> None:
        await harness.service.set_listen_address(" 0.0.0.0 ", "9000")
        await settle()
        assert [each.place for each in harness.receiver.opened] == [ON, replace(ON, address="0.0.0.0", port=9000)]  # noqa: S104
        harness.receiver.problem = Problem(ProblemCode.WEBHOOK_PORT_TAKEN, port="9001")

        async def free_again() -> None:
            while not harness.receiver.tried[1:]:
                await asyncio.sleep(0)
            harness.receiver.problem = None

        async with asyncio.TaskGroup() as group:
            group.create_task(free_again())
            with pytest.raises(Problem):
                await harness.service.set_listen_address("localhost", "9001")
        await settle()
        assert harness.service.settings.port == 9000
        assert harness.receiver.now.place == replace(ON, address="0.0.0.0", port=9000)  # noqa: S104
        assert not harness.receiver.now.closed

    play(harness, use)


def test_while_they_are_off_a_place_is_only_remembered() -> None:
    harness = Harness()

    async def use() -> None:
        await harness.service.set_listen_address("::1", "9000")
        assert harness.receiver.tried == []
        assert (harness.service.settings.address, harness.service.settings.port) == ("::1", 9000)
        assert (await harness.service.endpoint_urls())[0].url.startswith("http://[::1]:9000/zapi/")

    play(harness, use)


@pytest.mark.parametrize(
    ("address", "port", "code"),
    [
        ("", "8790", ProblemCode.WEBHOOK_ADDRESS_UNUSABLE),
        ("relay.example", "8790", ProblemCode.WEBHOOK_ADDRESS_UNUSABLE),
        ("127.0.0.1", "0", ProblemCode.WEBHOOK_PORT_INVALID),
        ("127.0.0.1", "65536", ProblemCode.WEBHOOK_PORT_INVALID),
        ("127.0.0.1", "٣٣", ProblemCode.WEBHOOK_PORT_INVALID),
        ("127.0.0.1", "", ProblemCode.WEBHOOK_PORT_INVALID),
    ],
)
def test_what_is_no_place_is_said(address: str, port: str, code: ProblemCode) -> None:
    harness = Harness()

    async def use() -> None:
        with pytest.raises(Problem) as refused:
            await harness.service.set_listen_address(address, port)
        assert refused.value.code is code

    play(harness, use)


def test_the_public_address_is_https_and_nothing_more() -> None:
    harness = Harness()

    async def use() -> None:
        await harness.service.set_public_url(" https://relay.example/conecta/ ")
        assert harness.service.settings.public_url == "https://relay.example/conecta"
        ways = {way.mentorado.name: (way.url, way.verifiable) for way in await harness.service.endpoint_urls()}
        assert ways == {
            "Ana": ("https://relay.example/conecta/zapi/token-0", True),
            "Bia": ("https://relay.example/conecta/meta", True),
            "Dora": ("https://relay.example/conecta/meta", False),
        }
        for wrong in ("http://relay.example", "relay.example", "https://", "https://a?b", "https://a b", "https://u@a"):
            with pytest.raises(Problem) as refused:
                await harness.service.set_public_url(wrong)
            assert refused.value.code is ProblemCode.WEBHOOK_URL_INVALID
        with pytest.raises(Problem):
            await harness.service.set_public_url("https://[::1")
        await harness.service.set_public_url("")
        assert harness.service.settings.public_url == ""

    play(harness, use)


def test_each_link_with_credentials_gets_an_endpoint_and_what_is_unguessable_stays_the_same() -> None:
    harness = Harness(ON)

    async def use() -> None:
        (endpoints,) = harness.receiver.now.endpoints[-1:]
        assert endpoints == EndpointList(
            endpoints=(
                endpoint(ANA, ProviderKind.ZAPI, "INSTANCE", "token-0"),
                endpoint(BIA, ProviderKind.META_CLOUD, "1111", "the-secret"),
            ),
            verify_token="token-1",
        )
        assert harness.secrets.kept[path_name(ANA.link.id)] == "token-0"
        assert harness.secrets.kept[VERIFY_TOKEN] == await harness.service.verify_token() == "token-1"
        assert "token-0" not in repr(endpoints)
        harness.secrets.kept[secret_key(DORA.link.id)] = dumps({**META, F.PHONE_NUMBER_ID: "2222"})
        harness.secrets.kept[secret_key(BIA.link.id)] = "damaged"
        harness.moved(DORA, LinkState.OFF, LinkState.CONNECTING)
        await settle()
        keys = [endpoint.key for endpoint in harness.receiver.now.endpoints[-1].endpoints]
        assert keys == ["INSTANCE", "2222"]
        count = len(harness.receiver.now.endpoints)
        harness.moved(CAIO, LinkState.OFF, LinkState.CONNECTING)
        await harness.mentorados.save_link(replace(CAIO.link, enabled=True))
        await settle()
        assert len(harness.receiver.now.endpoints) == count  # a link of WhatsApp Web has none
        await harness.mentorados.save_link(replace(ANA.link, provider=ProviderKind.WHATSAPP_WEB))
        await settle()
        assert [endpoint.key for endpoint in harness.receiver.now.endpoints[-1].endpoints] == ["2222"]

    play(harness, use)


def test_while_secrets_are_locked_the_receiver_knows_that_it_does_not_know_all() -> None:
    harness = Harness(ON)
    harness.secrets.locked = True

    async def use() -> None:
        assert harness.receiver.now.endpoints[-1] == EndpointList(complete=False)
        with pytest.raises(Problem) as refused:
            await harness.service.endpoint_urls()
        assert refused.value.code is ProblemCode.SECRETS_LOCKED
        harness.secrets.locked = False
        harness.service.reload_endpoints()
        await settle()
        assert harness.receiver.now.endpoints[-1].complete

    play(harness, use)
