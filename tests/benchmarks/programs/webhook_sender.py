"""Sends signed deliveries to a port at a steady rate, over connections that stay open, and says how long answers took.

``python -m … PORT SECRET PER_SECOND SECONDS``. Everything is made before the first is sent: this must cost little.
"""

import asyncio
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Iterator
from statistics import quantiles

from tests.benchmarks.programs.marks import mark

CONNECTIONS = 16
NUMBER_ID = "1055500001111"
SHOWN_NUMBER = "5511955500000"


def body(number: int) -> bytes:
    """Every second one a message, every second one the receipt of a message; a contact writes every two seconds."""
    second = str(1_795_000_000 + number // 1000)
    value: dict[str, object] = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": SHOWN_NUMBER, "phone_number_id": NUMBER_ID},
    }
    contact = f"55119{number % 2000:08d}"
    if number % 2:
        status = {"id": f"wamid.{number}", "status": "delivered", "timestamp": second, "recipient_id": contact}
        value["statuses"] = [status]
    else:
        value["contacts"] = [{"profile": {"name": "Rui"}, "wa_id": contact}]
        text = {"body": f"Mensagem {number}: até amanhã às dez"}
        message = {"from": contact, "id": f"wamid.{number}", "timestamp": second, "type": "text", "text": text}
        value["messages"] = [message]
    change = {"field": "messages", "value": value}
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).encode()


def request(number: int, secret: bytes) -> bytes:
    data = body(number)
    signature = hmac.new(secret, data, hashlib.sha256).hexdigest()
    head = (
        "POST /meta HTTP/1.1\r\nHost: relay.example\r\nContent-Type: application/json\r\n"
        f"X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


async def send(port: int, secret: bytes, rate: int, seconds: float, first: int) -> None:
    count = int(rate * seconds)
    requests = iter([request(first + number, secret) for number in range(count)])
    mark("ready")
    taken, refused = list[float](), list[int]()
    began = time.perf_counter()
    due = iter([began + number / rate for number in range(count)])
    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(_connection(port, requests, due, taken, refused))
    elapsed = time.perf_counter() - began
    cuts = quantiles(taken, n=100)
    mark("sent", f"{count / elapsed} {1000 * cuts[49]} {1000 * cuts[98]} {len(refused)}")


async def _connection(
    port: int, requests: Iterator[bytes], due: Iterator[float], taken: list[float], refused: list[int]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for each in requests:
        moment = next(due)
        if (wait := moment - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        sent = time.perf_counter()
        writer.write(each)
        head = await reader.readuntil(b"\r\n\r\n")  # its answers have no body
        taken.append(time.perf_counter() - sent)
        if not head.startswith(b"HTTP/1.1 200"):
            refused.append(int(head[9:12]))
    writer.close()


if __name__ == "__main__":
    port, secret, rate, seconds, first = sys.argv[1:]
    asyncio.run(send(int(port), secret.encode(), int(rate), float(seconds), int(first)))
    mark("done")
