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


class EmulatorHarness:
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
def harness() -> Iterator[EmulatorHarness]:
    made = EmulatorHarness()
    with Served(made.emulator) as served, made.client:
        made.url = served.url
        yield made


def test_who_may_ask(harness: EmulatorHarness) -> None:
    assert harness.ask("GET", "status", token="ANOTHER") == (400, {"error": "Instance not found"})
    assert harness.ask("POST", "status", {})[0] == 405
    assert harness.ask("GET", "queues")[0] == 404
    assert harness.ask("POST", "send-text", {}, Content_Type="text/plain")[0] == 415
    harness.emulator.client_token = "F1S"
    assert harness.ask("GET", "status") == (403, {"error": "Client-Token null not allowed"})
    assert harness.ask("GET", "status", Client_Token="F2S") == (403, {"error": "Client-Token F2S not allowed"})
    assert harness.ask("GET", "status", Client_Token="F1S")[0] == 200
    harness.emulator.blocked_address = "203.0.113.9"
    assert harness.ask("GET", "status", Client_Token="F1S") == (400, {"error": "203.0.113.9 not allowed"})
    harness.emulator.blocked_address, harness.instance.paid = None, False
    status, value = harness.ask("GET", "status", Client_Token="F1S")
    assert (status, "must subscribe" in value["error"]) == (400, True)


def test_the_status_fills_its_error_even_when_all_is_well(harness: EmulatorHarness) -> None:
    harness.instance.link("5511987654321")
    well = {"connected": True, "smartphoneConnected": True, "error": "You are already connected."}
    assert harness.ask("GET", "status") == (200, well)
    harness.instance.drop()
    assert harness.ask("GET", "status")[1]["error"] == "You need to restore the session."
    harness.instance.unlink()
    assert harness.ask("GET", "status")[1]["error"] == "You are not connected."


def test_a_code_lives_for_twenty_seconds_and_only_the_present_one_links(harness: EmulatorHarness) -> None:
    first = harness.ask("GET", "qr-code")[1]["value"]
    harness.pass_by(19)
    assert harness.ask("GET", "qr-code")[1]["value"] == first
    harness.pass_by(1)
    second = harness.ask("GET", "qr-code")[1]["value"]
    assert second != first
    with pytest.raises(ValueError, match="not the present one"):
        harness.instance.scan("5511987654321", first)
    harness.instance.scan("5511987654321", second)
    assert harness.ask("GET", "device")[1]["phone"] == "5511987654321"
    assert harness.ask("GET", "qr-code") == (200, {"connected": True})
    assert harness.ask("GET", "qr-code/image") == (200, {"value": None})
    assert harness.ask("GET", "phone-code/5511987654321")[1] == {"value": "A1B2C3D4E5"}


def test_connecting_sends_what_waited_one_to_three_seconds_apart(harness: EmulatorHarness) -> None:
    for number in range(10):
        harness.ask("POST", "send-text", {"phone": "5511912345678", "message": str(number)})
    harness.pass_by(3600)
    harness.ask("GET", "status")
    assert len(harness.instance.queue) == 10, "it waits for the phone, however long"
    harness.instance.scan("5511987654321", harness.instance.qr())
    leaves = [waiting.leaves for waiting in harness.instance.queue if waiting.leaves]
    assert all(1 <= (b - a).total_seconds() <= 3 for a, b in itertools.pairwise(leaves))
    harness.pass_by(30)
    harness.ask("GET", "status")
    assert [waiting.message for waiting in harness.instance.sent] == [str(number) for number in range(10)]


def test_the_queue_holds_a_thousand_and_is_read_in_pages(harness: EmulatorHarness) -> None:
    for number in range(1000):
        harness.instance.enqueue("5511912345678", str(number))
    full = harness.ask("POST", "send-text", {"phone": "5511912345678", "message": "one more"})
    assert full[0] == 400
    read, cursor = [], None
    while True:
        page = harness.ask("POST", "queue", {"pageSize": 300, **({"pagingState": cursor} if cursor else {})})[1]
        read += [message["Message"] for message in page["messages"]]
        cursor = page["pagingState"]
        if not page["hasMore"]:
            break
    assert read == [str(number) for number in range(1000)]
    assert len(harness.ask("POST", "queue", {})[1]["messages"]) == 20
    one = harness.instance.queue[0].zaap_id
    harness.ask("DELETE", f"queue/{one}")
    assert len(harness.ask("GET", "queue")[1]) == 999
    harness.ask("DELETE", "queue")
    assert harness.instance.queue == []


def test_an_instance_can_be_told_not_to_queue(harness: EmulatorHarness) -> None:
    assert harness.ask("PUT", "update-queue-settings", {"disableEnqueueWhenDisconnected": True})[0] == 200
    refused = harness.ask("POST", "send-text", {"phone": "5511912345678", "message": "oi"})
    assert refused == (400, {"error": "You are not connected."})
    assert harness.ask("POST", "send-text", {"phone": "nobody", "message": "oi"}) == (400, {"error": "Invalid phone"})


def test_a_restore_and_a_restart_help_when_they_are_let(harness: EmulatorHarness) -> None:
    harness.instance.link("5511987654321")
    harness.instance.drop()
    harness.instance.restore_works = False
    assert harness.ask("GET", "restore-session") == (200, {"value": True})
    assert harness.instance.pairing is Pairing.NEEDS_RESTORE
    harness.instance.takes = 5
    assert harness.ask("GET", "restart") == (200, {"value": True})
    assert harness.ask("GET", "status")[1]["connected"] is False
    harness.pass_by(5)
    assert harness.ask("GET", "status")[1]["connected"] is True
    assert harness.ask("GET", "disconnect") == (200, {"value": True})
    assert harness.ask("GET", "status")[1]["error"] == "You are not connected."


def test_booleans_and_numbers_come_as_texts_where_they_do(harness: EmulatorHarness) -> None:
    harness.instance.without_nine.add("5511912345678")
    assert harness.ask("GET", "phone-exists/5511912345678") == (
        200,
        [{"exists": "true", "phone": "551112345678", "lid": None}],
    )
    (chat,) = harness.ask("GET", "chats")[1]
    assert (chat["archived"], chat["unread"]) == ("false", "0")
    assert harness.ask("GET", "me")[1]["token"] == harness.instance.token
    assert harness.ask("POST", "read-message", {"phone": "55", "messageId": "3EB0"}) == (204, None)


def test_whoever_asked_to_be_called_is_called(harness: EmulatorHarness) -> None:
    items: list[dict[str, Any]] = []

    class WebhookListener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            items.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), WebhookListener) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}/unguessable"
        assert harness.ask("PUT", "update-every-webhooks", {"value": address, "notifySentByMe": True})[0] == 200
        harness.instance.scan("5511987654321", harness.instance.qr())
        harness.ask("POST", "send-text", {"phone": "5511912345678", "message": "oi"})
        harness.pass_by(5)
        harness.ask("GET", "status")
        harness.instance.drop()
        harness.emulator.webhook_sender.until_delivered()
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
    assert all(fields["instanceId"] == harness.instance.id and fields["momment"] > 1e9 for fields in items)
    assert harness.emulator.webhook_sender.lost == []


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
