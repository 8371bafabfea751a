"""The emulator keeps Meta's rules, so that what is proved against it is worth something."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clock import StillClock
from tests.emulators.meta_cloud import webhooks
from tests.emulators.meta_cloud.graph import MetaCloud
from tests.emulators.meta_cloud.state import (
    APP_SECRET,
    NUMBER_ID,
    TOKEN,
    WABA_ID,
    MetaState,
    template,
)
from tests.emulators.serving import Message, Receive, Send, Served, body_of

ROOT = Path(__file__).parents[2]
BIA = "+5521987650001"

Ask = Callable[..., Coroutine[Any, Any, httpx.Response]]


@pytest.fixture
def cloud(clock: StillClock) -> MetaCloud:
    return MetaCloud(MetaState(clock.now))


@pytest.fixture
def client(cloud: MetaCloud) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with Served(cloud) as served, httpx.Client(base_url=served.url, headers=headers, trust_env=False) as client:
        yield client


def text(to: str = BIA, body: str = "oi") -> dict[str, Any]:
    return {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": body}}


def used(name: str = "lembrete", *values: str) -> dict[str, Any]:
    parameters = [{"type": "text", "text": value} for value in values]
    components = [{"type": "body", "parameters": parameters}] if values else []
    filled = {"name": name, "language": {"code": "pt_BR"}, "components": components}
    return {"messaging_product": "whatsapp", "to": BIA, "type": "template", "template": filled}


def code(response: httpx.Response) -> int:
    return int(response.json()["error"]["code"])


@pytest.mark.parametrize("version", ["v19.0", "v25.0", "v26.0"])
def test_any_version_is_served(client: httpx.Client, version: str) -> None:
    assert client.get(f"/{version}/{NUMBER_ID}?fields=status").json() == {"id": NUMBER_ID, "status": "CONNECTED"}


def test_a_wrong_token_is_code_190_and_none_is_104(client: httpx.Client) -> None:
    wrong = client.get(f"/v25.0/{NUMBER_ID}", headers={"Authorization": "Bearer EAAother"})
    assert (wrong.status_code, code(wrong)) == (401, 190)
    assert code(client.get(f"/v25.0/{NUMBER_ID}", headers={"Authorization": ""})) == 104


def test_an_unknown_field_spoils_the_answer(client: httpx.Client) -> None:
    assert code(client.get(f"/v25.0/{NUMBER_ID}?fields=status,mood")) == 100


def test_the_window_closes_after_a_day(client: httpx.Client, cloud: MetaCloud, clock: StillClock) -> None:
    path = f"/v25.0/{NUMBER_ID}/messages"
    assert code(client.post(path, json=text())) == 131047
    cloud.world.number.inbound[BIA[1:]] = clock.now()
    assert client.post(path, json=text()).json()["contacts"] == [{"input": BIA, "wa_id": "552187650001"}]
    clock.time += timedelta(hours=24)
    assert code(client.post(path, json=text())) == 131047


def test_templates_must_exist_and_be_filled(client: httpx.Client, cloud: MetaCloud) -> None:
    path = f"/v25.0/{NUMBER_ID}/messages"
    cloud.world.templates[WABA_ID].append(template("pausado", status="PAUSED"))
    assert client.post(path, json=used("lembrete", "Bia", "sexta")).status_code == 200
    assert code(client.post(path, json=used("lembrete", "Bia"))) == 132000
    assert code(client.post(path, json=used("nunca_visto"))) == 132001
    assert code(client.post(path, json=used("pausado", "Bia", "sexta"))) == 132015


@pytest.mark.parametrize("status", [400, 429])
def test_too_many_to_one_or_at_once_are_refused_with_either_status(
    client: httpx.Client, cloud: MetaCloud, clock: StillClock, status: int
) -> None:
    path = f"/v25.0/{NUMBER_ID}/messages"
    cloud.world.rate_status, cloud.world.pair_burst, cloud.world.per_second = status, 2, 3
    for number in range(9):
        cloud.world.number.inbound[f"552198765000{number}"] = clock.now()
    found = [client.post(path, json=text(BIA)) for _ in range(3)]
    assert [each.status_code for each in found] == [200, 200, status]
    assert code(found[2]) == 131056
    others = [client.post(path, json=text(f"+552198765000{number}")) for number in (2, 3)]
    assert [each.status_code for each in others] == [200, status]
    assert code(others[1]) == 130429
    clock.time += timedelta(seconds=6)
    assert client.post(path, json=text(BIA)).status_code == 200


def test_a_number_is_registered_ten_times_in_three_days_at_most(client: httpx.Client, clock: StillClock) -> None:
    path, body = f"/v25.0/{NUMBER_ID}/register", {"messaging_product": "whatsapp", "pin": "123456"}
    assert [client.post(path, json=body).status_code for _ in range(10)] == [200] * 10
    assert code(client.post(path, json=body)) == 133016
    clock.time += timedelta(hours=72)
    assert client.post(path, json=body).json() == {"success": True}
    assert code(client.post(path, json={**body, "pin": "654321"})) == 133005


def test_lists_come_in_pages(client: httpx.Client, cloud: MetaCloud) -> None:
    cloud.world.templates[WABA_ID] = [template(f"modelo_{number}") for number in range(5)]
    names, after = [], ""
    while True:
        page = client.get(f"/v25.0/{WABA_ID}/message_templates?limit=2&after={after}").json()
        names += [each["name"] for each in page["data"]]
        if "next" not in page["paging"]:
            break
        after = page["paging"]["cursors"]["after"]
    assert names == [f"modelo_{number}" for number in range(5)]


@pytest.mark.parametrize("more", [{}, {"typing_indicator": {"type": "text"}}])
def test_marking_a_message_as_read_sends_none(client: httpx.Client, cloud: MetaCloud, more: dict[str, Any]) -> None:
    """As pywa, heyoo and whatsapp-api-js do it."""
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.in.1", **more}
    assert client.post(f"/v25.0/{NUMBER_ID}/messages", json=read).json() == {"success": True}
    assert (cloud.world.number.read, cloud.world.number.sent) == (["wamid.in.1"], [])


def test_a_user_id_is_a_recipient_and_no_number(client: httpx.Client, cloud: MetaCloud) -> None:
    path, by_id = f"/v25.0/{NUMBER_ID}/messages", {**used("oi"), "recipient": "BR.1502"}
    del by_id["to"]
    assert client.post(path, json=by_id).json()["contacts"] == [{"input": "BR.1502", "user_id": "BR.1502"}]
    assert code(client.post(path, json={**by_id, "recipient": ""})) == 131008


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{NUMBER_ID}/whatsapp_business_profile", 200),
        (f"{NUMBER_ID}/settings", 200),
        (f"{WABA_ID}/subscribed_apps", 200),
        (WABA_ID, 200),
        (f"{NUMBER_ID}/messages", 100),
        (f"{NUMBER_ID}/nothing_like_that", 2500),
        (f"{WABA_ID}/nothing_like_that", 2500),
        ("123/messages", 100),
    ],
)
def test_what_is_below_a_number_or_an_account_is_there_or_an_error(
    client: httpx.Client, path: str, expected: int
) -> None:
    response = client.get(f"/v25.0/{path}")
    assert (response.status_code if response.is_success else code(response)) == expected


def test_a_body_may_be_a_form_and_one_that_nobody_can_read_lacks_everything(client: httpx.Client) -> None:
    path = f"/v25.0/{NUMBER_ID}"
    form = {
        "messaging_product": "whatsapp",
        "to": BIA,
        "type": "template",
        "template": json.dumps(used("oi")["template"]),
    }
    assert client.post(f"{path}/messages", data=form).is_success
    picture = {"file": ("a.jpg", b"\xff\xd8", "image/jpeg")}
    assert client.post(f"{path}/media", data={"messaging_product": "whatsapp"}, files=picture).json()["id"]
    for broken in (b"{", b"[]", b"\xff"):
        assert code(client.post(f"{path}/messages", content=broken)) == 100


def test_errors_of_oauth_and_of_the_graph_bring_no_error_data(client: httpx.Client) -> None:
    wrong = client.get(f"/v25.0/{NUMBER_ID}", headers={"Authorization": "Bearer EAAother"}).json()["error"]
    assert ("error_data" in wrong, wrong["type"], wrong["error_subcode"]) == (False, "OAuthException", 463)
    closed = client.post(f"/v25.0/{NUMBER_ID}/messages", json=text()).json()["error"]
    assert closed["error_data"]["details"]


def test_webhooks_are_signed_and_may_come_twice() -> None:
    seen: list[tuple[str, bytes]] = []

    async def receiver(scope: Message, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        seen.append((headers["x-hub-signature-256"], await body_of(receive)))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    body = webhooks.envelope(webhooks.inbound())
    with Served(receiver) as served:
        assert asyncio.run(webhooks.post(served.url, body, times=2)) == [200, 200]
    assert seen == [(webhooks.signature(body, APP_SECRET), body)] * 2


def test_it_runs_on_its_own() -> None:
    command = [sys.executable, "-m", "tests.emulators.meta_cloud"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.fullmatch(r"CONECTA_META_URL=(http://127\.0\.0\.1:\d+)\n", process.stdout.readline())
            assert found
            assert TOKEN in process.stdout.readline()
            with httpx.Client(trust_env=False) as client:
                response = client.get(f"{found[1]}/v25.0/{NUMBER_ID}", headers={"Authorization": f"Bearer {TOKEN}"})
            assert response.json()["id"] == NUMBER_ID
        finally:
            process.terminate()
            process.wait(10)
