"""The emulator behaves as Z-API's documentation says, asked with nothing but HTTP."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from tests.clock import DAWN
from tests.emulators.serving import Served
from tests.emulators.zapi.emulator import ZapiEmulator
from tests.emulators.zapi.instance import Instance, Pairing


class World:
    """An emulator with one instance, and a clock that a test moves."""

    def __init__(self) -> None:
        self.time = DAWN
        self.emulator = ZapiEmulator(lambda: self.time)
        self.instance: Instance = self.emulator.add_instance()
        self.url = ""
        self.client = httpx.Client()

    def pass_by(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def ask(self, method: str, action: str, body: object = None, *, token: str = "", **headers: str) -> tuple[int, Any]:
        address = f"{self.url}/instances/{self.instance.id}/token/{token or self.instance.token}/{action}"
        named = {"Content-Type": "application/json", **{name.replace("_", "-"): it for name, it in headers.items()}}
        answer = self.client.request(method, address, content=json.dumps(body), headers=named)
        return answer.status_code, answer.json() if answer.content else None


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    with Served(made.emulator) as served, made.client:
        made.url = served.url
        yield made


def test_who_may_ask(world: World) -> None:
    assert world.ask("GET", "status", token="ANOTHER") == (400, {"error": "Instance not found"})
    assert world.ask("POST", "status", {})[0] == 405
    assert world.ask("GET", "queues")[0] == 404
    assert world.ask("POST", "send-text", {}, Content_Type="text/plain")[0] == 415
    world.emulator.client_token = "F1S"
    assert world.ask("GET", "status") == (403, {"error": "Client-Token null not allowed"})
    assert world.ask("GET", "status", Client_Token="F2S") == (403, {"error": "Client-Token F2S not allowed"})
    assert world.ask("GET", "status", Client_Token="F1S")[0] == 200
    world.emulator.blocked_address = "203.0.113.9"
    assert world.ask("GET", "status", Client_Token="F1S") == (400, {"error": "203.0.113.9 not allowed"})
    world.emulator.blocked_address, world.instance.paid = None, False
    status, value = world.ask("GET", "status", Client_Token="F1S")
    assert (status, "must subscribe" in value["error"]) == (400, True)


def test_the_status_fills_its_error_even_when_all_is_well(world: World) -> None:
    world.instance.link("5511987654321")
    well = {"connected": True, "smartphoneConnected": True, "error": "You are already connected."}
    assert world.ask("GET", "status") == (200, well)
    world.instance.drop()
    assert world.ask("GET", "status")[1]["error"] == "You need to restore the session."
    world.instance.unlink()
    assert world.ask("GET", "status")[1]["error"] == "You are not connected."


def test_a_code_lives_for_twenty_seconds_and_only_the_present_one_links(world: World) -> None:
    first = world.ask("GET", "qr-code")[1]["value"]
    world.pass_by(19)
    assert world.ask("GET", "qr-code")[1]["value"] == first
    world.pass_by(1)
    second = world.ask("GET", "qr-code")[1]["value"]
    assert second != first
    with pytest.raises(ValueError, match="not the present one"):
        world.instance.scan("5511987654321", first)
    world.instance.scan("5511987654321", second)
    assert world.ask("GET", "device")[1]["phone"] == "5511987654321"
    assert world.ask("GET", "qr-code") == (200, {"connected": True})
    assert world.ask("GET", "qr-code/image") == (200, {"value": None})
    assert world.ask("GET", "phone-code/5511987654321")[1] == {"value": "A1B2C3D4E5"}


def test_connecting_sends_what_waited_one_to_three_seconds_apart(world: World) -> None:
    for number in range(10):
        world.ask("POST", "send-text", {"phone": "5511912345678", "message": str(number)})
    world.pass_by(3600)
    world.ask("GET", "status")
    assert len(world.instance.queue) == 10, "it waits for the phone, however long"
    world.instance.scan("5511987654321", world.instance.qr())
    leaves = [waiting.leaves for waiting in world.instance.queue if waiting.leaves]
    assert all(1 <= (b - a).total_seconds() <= 3 for a, b in itertools.pairwise(leaves))
    world.pass_by(30)
    world.ask("GET", "status")
    assert [waiting.message for waiting in world.instance.sent] == [str(number) for number in range(10)]


def test_the_queue_holds_a_thousand_and_is_read_in_pages(world: World) -> None:
    for number in range(1000):
        world.instance.enqueue("5511912345678", str(number))
    full = world.ask("POST", "send-text", {"phone": "5511912345678", "message": "one more"})
    assert full[0] == 400
    read, cursor = [], None
    while True:
        page = world.ask("POST", "queue", {"pageSize": 300, **({"pagingState": cursor} if cursor else {})})[1]
        read += [message["Message"] for message in page["messages"]]
        cursor = page["pagingState"]
        if not page["hasMore"]:
            break
    assert read == [str(number) for number in range(1000)]
    assert len(world.ask("POST", "queue", {})[1]["messages"]) == 20
    one = world.instance.queue[0].zaap_id
    world.ask("DELETE", f"queue/{one}")
    assert len(world.ask("GET", "queue")[1]) == 999
    world.ask("DELETE", "queue")
    assert world.instance.queue == []


def test_an_instance_can_be_told_not_to_queue(world: World) -> None:
    assert world.ask("PUT", "update-queue-settings", {"disableEnqueueWhenDisconnected": True})[0] == 200
    refused = world.ask("POST", "send-text", {"phone": "5511912345678", "message": "oi"})
    assert refused == (400, {"error": "You are not connected."})
    assert world.ask("POST", "send-text", {"phone": "nobody", "message": "oi"}) == (400, {"error": "Invalid phone"})


def test_a_restore_and_a_restart_help_when_they_are_let(world: World) -> None:
    world.instance.link("5511987654321")
    world.instance.drop()
    world.instance.restore_works = False
    assert world.ask("GET", "restore-session") == (200, {"value": True})
    assert world.instance.pairing is Pairing.NEEDS_RESTORE
    world.instance.takes = 5
    assert world.ask("GET", "restart") == (200, {"value": True})
    assert world.ask("GET", "status")[1]["connected"] is False
    world.pass_by(5)
    assert world.ask("GET", "status")[1]["connected"] is True
    assert world.ask("GET", "disconnect") == (200, {"value": True})
    assert world.ask("GET", "status")[1]["error"] == "You are not connected."


def test_booleans_and_numbers_come_as_texts_where_they_do(world: World) -> None:
    world.instance.without_nine.add("5511912345678")
    assert world.ask("GET", "phone-exists/5511912345678") == (
        200,
        [{"exists": "true", "phone": "551112345678", "lid": None}],
    )
    (chat,) = world.ask("GET", "chats")[1]
    assert (chat["archived"], chat["unread"]) == ("false", "0")
    assert world.ask("GET", "me")[1]["token"] == world.instance.token
    assert world.ask("POST", "read-message", {"phone": "55", "messageId": "3EB0"}) == (204, None)


def test_whoever_asked_to_be_called_is_called(world: World) -> None:
    items: list[dict[str, Any]] = []

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            items.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Ear) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}/unguessable"
        assert world.ask("PUT", "update-every-webhooks", {"value": address, "notifySentByMe": True})[0] == 200
        world.instance.scan("5511987654321", world.instance.qr())
        world.ask("POST", "send-text", {"phone": "5511912345678", "message": "oi"})
        world.pass_by(5)
        world.ask("GET", "status")
        world.instance.drop()
        world.emulator.postman.until_delivered()
        server.shutdown()
        thread.join()
    assert [fields["type"] for fields in items] == [
        "ConnectedCallback",
        "DeliveryCallback",
        "MessageStatusCallback",
        "MessageStatusCallback",
        "ReceivedCallback",
        "DisconnectedCallback",
    ]
    assert all(fields["instanceId"] == world.instance.id and fields["momment"] > 1e9 for fields in items)
    assert world.emulator.postman.lost == []


def test_it_runs_by_itself() -> None:
    program = [sys.executable, "-m", "tests.emulators.zapi"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdin is not None
        url, instance, token = (running.stdout.readline().split() for _ in range(3))
        address = f"{url[0].partition('=')[2]}/instances/{instance[1]}/token/{token[1]}/status"
        answer = httpx.get(address, headers={"Content-Type": "application/json"})
        assert answer.json()["connected"] is False
        running.stdin.close()
        assert running.wait(10) == 0
