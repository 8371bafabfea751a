"""What comes in at the door: believed or refused, on disk before it is answered, and handed on until it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.mentorado import LinkId, ProviderKind
from app.domain.messages import ProviderMessage
from app.domain.phone import PhoneNumber
from app.domain.webhooks import DeliveryOutcome, Endpoint, EndpointList
from tests.emulators.meta_cloud.webhooks import account_update, batch, envelope, inbound, signature
from tests.providers.webhooks.harness import (
    ANA,
    BIA,
    CAIO,
    DORA,
    OTHER_SECRET,
    PATH,
    SECRET,
    TEXT,
    VERIFY,
    left,
    receiving,
    zapi_text,
)


async def test_a_signed_delivery_is_answered_and_handed_on(fast_dir: Path) -> None:
    async with receiving(fast_dir) as harness:
        assert await harness.meta(TEXT) == 200
        await harness.until(lambda: harness.ids(ANA))
        (message,) = harness.facts(ANA)
        assert isinstance(message, ProviderMessage)
        assert (message.provider_id, message.text, message.sender_name) == ("wamid.1", "oi", "Bia")
        await harness.until(lambda: harness.count(DeliveryOutcome.ACCEPTED, ANA) == 1)
    assert not left(fast_dir)


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ({}, DeliveryOutcome.SIGNATURE_MISSING),
        ({"X-Hub-Signature-256": signature(TEXT, OTHER_SECRET + "x")}, DeliveryOutcome.SIGNATURE_WRONG),
        ({"X-Hub-Signature-256": signature(TEXT, SECRET)[:-1]}, DeliveryOutcome.SIGNATURE_WRONG),
        ({"X-Hub-Signature-256": signature(TEXT, SECRET)[:20]}, DeliveryOutcome.SIGNATURE_WRONG),
        ({"X-Hub-Signature-256": signature(TEXT, SECRET).removeprefix("sha256=")}, DeliveryOutcome.SIGNATURE_WRONG),
        ({"X-Hub-Signature-256": signature(TEXT[:-1], SECRET)}, DeliveryOutcome.SIGNATURE_WRONG),
        ({"X-Hub-Signature-256": ""}, DeliveryOutcome.SIGNATURE_WRONG),
        ({"X-Hub-Signature": signature(TEXT, SECRET)}, DeliveryOutcome.SIGNATURE_MISSING),
    ],
)
async def test_without_the_right_signature_nothing_changes_and_it_is_counted(
    fast_dir: Path, headers: Mapping[str, str], outcome: DeliveryOutcome
) -> None:
    async with receiving(fast_dir, stores=False) as harness:
        assert await harness.meta(TEXT, headers=dict(headers)) == 401
        await harness.until(lambda: harness.count(outcome) == 1)
        assert harness.handed == []
    assert not left(fast_dir)


async def test_one_app_cannot_speak_for_another_apps_number(fast_dir: Path) -> None:
    async with receiving(fast_dir) as harness:
        forged = envelope(inbound("wamid.forged", number_id="3333"), inbound("wamid.own", number_id="2222"))
        assert await harness.meta(forged) == 200
        await harness.until(lambda: harness.ids(BIA))
        assert harness.ids(BIA) == ["wamid.own"]
        assert harness.ids(CAIO) == []
        await harness.until(lambda: harness.count(DeliveryOutcome.OTHER_ACCOUNT) == 1)
        assert await harness.meta(envelope(inbound("wamid.3", number_id="3333")), secret=OTHER_SECRET) == 200
        await harness.until(lambda: harness.ids(CAIO) == ["wamid.3"])
    assert not left(fast_dir)


async def test_one_delivery_about_two_numbers_reaches_both(fast_dir: Path) -> None:
    both = batch([envelope(inbound("wamid.a", number_id="1111")), envelope(inbound("wamid.b", number_id="2222"))])
    async with receiving(fast_dir) as harness:
        assert await harness.meta(both) == 200
        await harness.until(lambda: harness.ids(ANA) and harness.ids(BIA))
        assert (harness.ids(ANA), harness.ids(BIA)) == (["wamid.a"], ["wamid.b"])
        assert await harness.meta(envelope(account_update("ACCOUNT_RESTRICTION"))) == 200
        await harness.until(lambda: {each.link_id for each in harness.handed if each.check} == {ANA, BIA})
    assert not left(fast_dir)


def sharing(*links: tuple[LinkId, str]) -> EndpointList:
    """Links that all kept the account 1111, each with its number."""
    endpoints = (
        Endpoint(link_id=link, provider=ProviderKind.META_CLOUD, key="1111", secret=SECRET, number=PhoneNumber(number))
        for link, number in links
    )
    return EndpointList(endpoints=tuple(endpoints), verify_token=VERIFY)


def about(wamid: str, number: str) -> bytes:
    return envelope(inbound(wamid, number_id="1111", display=number))


@pytest.mark.parametrize("order", [(ANA, BIA), (BIA, ANA)])
async def test_of_two_links_with_one_account_the_one_whose_number_is_named_gets_it(
    fast_dir: Path, order: tuple[LinkId, LinkId]
) -> None:
    """Whichever door was entered last, and with or without the ninth digit or a plus."""
    numbers = {ANA: "+5511987654321", BIA: "+5521987650001"}
    endpoints = sharing(*((link, numbers[link]) for link in order))
    async with receiving(fast_dir, endpoints=endpoints) as harness:
        for number in ("5511987654321", "+55 11 8765-4321"):
            assert await harness.meta(about(f"wamid.{number}", number)) == 200
        assert await harness.meta(about("wamid.bia", "5521987650001")) == 200
        await harness.until(lambda: len(harness.ids(ANA)) == 2 and harness.ids(BIA) == ["wamid.bia"])


async def test_what_names_the_number_of_nobody_here_goes_to_no_link_and_is_not_lost(
    fast_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The only link with the account has another number: its credentials are somebody else's."""
    async with receiving(fast_dir, endpoints=sharing((BIA, "+5521987650001"))) as harness:
        assert await harness.meta(about("wamid.ana", "5511987654321")) == 200
        assert await harness.meta(about("wamid.bia", "5521987650001")) == 200
        await harness.until(lambda: harness.ids(BIA) == ["wamid.bia"])
        await harness.until(lambda: harness.count(DeliveryOutcome.OTHER_ACCOUNT, BIA) == 1)
    (aside,) = (fast_dir / "webhooks" / "quarantine").glob("*.bytes")
    assert b"wamid.ana" in aside.read_bytes()
    assert "names a number that its link does not have" in caplog.text
    assert "987654321" not in caplog.text
    assert not left(fast_dir)


async def test_what_waits_for_a_link_with_the_wrong_account_goes_to_the_right_one(
    fast_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Accepted while Bia had Ana's number id, and nobody knew her number; then it is corrected, and her line opens."""
    wrong = EndpointList(
        endpoints=(Endpoint(link_id=BIA, provider=ProviderKind.META_CLOUD, key="1111", secret=SECRET),),
        verify_token=VERIFY,
    )
    async with receiving(fast_dir, endpoints=wrong, stores=False) as harness:
        harness.running_server.pause(BIA)
        assert await harness.meta(about("wamid.ana", "5511987654321")) == 200
        assert await harness.meta(about("wamid.other", "5531987654321")) == 200
        await harness.until(lambda: harness.stats.waiting.get(BIA) == 2)
        both = sharing((ANA, "+5511987654321"), (BIA, "+5521987650001"))
        harness.stores = True
        harness.running_server.set_endpoints(
            replace(both, endpoints=(both.endpoints[0], replace(both.endpoints[1], key="2222")))
        )
        harness.running_server.resume(BIA)
        await harness.until(lambda: harness.ids(ANA) == ["wamid.ana"])
        await harness.until(lambda: len(list((fast_dir / "webhooks").glob("quarantine/*.bytes"))) == 1)
        assert harness.ids(BIA) == []
        assert "set aside" in caplog.text
    assert not left(fast_dir)


async def test_what_no_link_may_have_and_cannot_be_set_aside_stays(
    fast_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (fast_dir / "webhooks").mkdir(parents=True)
    (fast_dir / "webhooks" / "quarantine").write_text("a file in its place")
    async with receiving(fast_dir, endpoints=sharing((BIA, "+5521987650001"))) as harness:
        assert await harness.meta(about("wamid.ana", "5511987654321")) == 200
        await harness.until(lambda: harness.count(DeliveryOutcome.OTHER_ACCOUNT, BIA) == 1)
        await harness.until(lambda: "could not be set aside" in caplog.text)
    assert left(fast_dir)


async def test_of_two_links_with_one_instance_the_one_whose_phone_is_linked_gets_it(fast_dir: Path) -> None:
    """Z-API calls one path, whosever it is; a receipt, which names no number, goes to who was connected before."""
    endpoints = EndpointList(
        endpoints=tuple(
            Endpoint(link_id=link, provider=ProviderKind.ZAPI, key="INSTANCE", secret=path, number=PhoneNumber(number))
            for link, path, number in ((DORA, PATH, "+5511987654321"), (CAIO, "other", "+5521987650001"))
        ),
        verify_token=VERIFY,
    )
    async with receiving(fast_dir, endpoints=endpoints) as harness:
        assert await harness.zapi(zapi_text("IN1", connectedPhone="5511987654321"), "other") == 200
        read = {"type": "MessageStatusCallback", "instanceId": "INSTANCE", "status": "READ", "ids": ["OUT1"]}
        assert await harness.zapi({**read, "phone": "5541987650009", "momment": 1_760_000_000_000}, "other") == 200
        assert await harness.zapi(zapi_text("IN2", connectedPhone="5521987650001"), PATH) == 200
        await harness.until(lambda: harness.ids(DORA) == ["IN1", "OUT1"] and harness.ids(CAIO) == ["IN2"])


async def test_a_thousand_updates_in_one_delivery_all_arrive(fast_dir: Path) -> None:
    many = envelope(*(inbound(f"wamid.{number}", number_id="1111") for number in range(1000)))
    async with receiving(fast_dir) as harness:
        assert await harness.meta(many) == 200
        await harness.until(lambda: len(harness.facts(ANA)) == 1000)
        assert harness.ids(ANA) == [f"wamid.{number}" for number in range(1000)]
        assert max(len(handed.facts) for handed in harness.handed) <= 100
    assert not left(fast_dir)


async def test_metas_question_is_answered_when_it_knows_the_token(fast_dir: Path) -> None:
    async with receiving(fast_dir) as harness:
        right = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "1158201444"}
        answer = await harness.client.get("/meta", params=right)
        assert (answer.status_code, answer.text) == (200, "1158201444")
        for wrong, expected in (
            ({**right, "hub.verify_token": VERIFY[:-1]}, 403),
            ({**right, "hub.verify_token": ""}, 403),
            ({**right, "hub.mode": "unsubscribe"}, 400),
            ({**right, "hub.challenge": "x" * 2000}, 400),
            ({"hub.mode": "subscribe"}, 400),
            ({}, 400),
        ):
            refused = await harness.client.get("/meta", params=wrong)
            assert (refused.status_code, refused.content) == (expected, b""), wrong
        await harness.until(lambda: harness.count(DeliveryOutcome.TOKEN_WRONG) == 2)


async def test_zapi_is_believed_on_its_own_path_and_for_its_own_instance(fast_dir: Path) -> None:
    async with receiving(fast_dir) as harness:
        assert await harness.zapi(zapi_text()) == 200
        await harness.until(lambda: harness.ids(DORA) == ["3EB0A1"])
        assert await harness.zapi(zapi_text("2", instanceId="ANOTHER")) == 403
        assert await harness.zapi({"type": "ReceivedCallback"}) == 403
        assert await harness.zapi(zapi_text("3"), path=PATH[:-1]) == 404
        assert await harness.zapi(zapi_text("4"), path="") == 404
        broken = await harness.client.post(f"/zapi/{PATH}", content=b'{"instanceId": ')
        assert broken.status_code == 400
        assert (await harness.client.get(f"/zapi/{PATH}")).status_code == 405
        await harness.until(lambda: harness.count(DeliveryOutcome.WRONG_METHOD, DORA) == 1)
        assert harness.count(DeliveryOutcome.OTHER_ACCOUNT, DORA) == 2
        assert harness.count(DeliveryOutcome.UNKNOWN_PATH) == 2
        assert harness.ids(DORA) == ["3EB0A1"]
    assert not left(fast_dir)


async def test_what_is_too_large_or_nobodys_is_refused(fast_dir: Path) -> None:
    async with receiving(fast_dir) as harness:
        huge = b" " * ((3 << 20) + 1)

        async def in_pieces() -> object:
            for at in range(0, len(huge), 1 << 16):
                yield huge[at : at + 1 << 16]

        assert await harness.meta(huge) == 413
        headers = {"X-Hub-Signature-256": signature(huge, SECRET)}
        streamed = await harness.client.post("/meta", content=in_pieces(), headers=headers)  # type: ignore[arg-type]
        assert streamed.status_code == 413
        assert (await harness.client.put("/meta", content=b"x")).status_code == 405
        assert (await harness.client.post("/", content=b"x")).status_code == 404
        assert (await harness.client.post("/meta/", content=b"x")).status_code == 404
        largest = envelope(inbound("wamid.big", number_id="1111")).ljust(3 << 20)
        assert await harness.meta(largest) == 200
        await harness.until(lambda: harness.ids(ANA) == ["wamid.big"])
        await harness.until(lambda: harness.count(DeliveryOutcome.TOO_LARGE) == 2)


async def test_the_same_delivery_again_is_answered_and_not_kept_twice(fast_dir: Path) -> None:
    async with receiving(fast_dir) as harness:
        assert await asyncio.gather(*(harness.meta(TEXT) for _ in range(8))) == [200] * 8
        await harness.until(lambda: harness.count(DeliveryOutcome.DUPLICATE) == 7)
        await harness.until(lambda: harness.count(DeliveryOutcome.ACCEPTED, ANA) == 1)
        assert harness.ids(ANA) == ["wamid.1"]


async def test_what_nobody_understands_is_set_aside_and_told(fast_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with receiving(fast_dir) as harness:
        assert await harness.meta(b'{"object": "page"}') == 200  # signed, and no webhook of WhatsApp's
        assert await harness.meta(TEXT) == 200
        await harness.until(lambda: harness.ids(ANA) == ["wamid.1"])
        await harness.until(lambda: harness.count(DeliveryOutcome.UNREADABLE) == 1)
        aside = fast_dir / "webhooks" / "quarantine"
        await harness.until(lambda: len(list(aside.glob("*.json"))) == 1)
        (kept,) = aside.glob("*.bytes")
        assert kept.read_bytes() == b'{"object": "page"}'
        await harness.until(lambda: "set aside" in caplog.text)
        assert "page" not in caplog.text
    assert not left(fast_dir)
