"""The whole of it: accounts' instances behind one address. Documented bodies, word for word where they are known."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from tests.emulators.serving import Message, Receive, Send, body_of
from tests.emulators.zapi.faults import DOES_THE_WORK, Fault, answer_with, respond
from tests.emulators.zapi.instance import QUEUE_HOLDS, Instance, Pairing, Waiting
from tests.emulators.zapi.webhook_sender import WebhookSender

_PATH: Final = re.compile(r"/instances/(?P<id>[^/]+)/token/(?P<token>[^/]+)/(?P<action>.+)")
_WEBHOOK: Final = re.compile(
    r"update-webhook-(delivery|received|received-delivery|message-status|connected|disconnected|chat-presence)"
)
_DOWN: Final = {
    Pairing.NEEDS_RESTORE: "You need to restore the session.",
    Pairing.DISCONNECTED: "You are not connected.",
    Pairing.PASSKEY: "You are not connected.",
}

Body = dict[str, Any]
Reply = tuple[int, object]
Answer = tuple[int, bytes] | tuple[int, bytes, tuple[tuple[bytes, bytes], ...]]


class ZapiEmulator:
    """An ASGI application. A test changes what is behind it while it answers; each answer is one short step."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.now = now
        self.instances: dict[str, Instance] = {}
        self.client_token: str | None = None  # while it is set, every call must bring it
        self.status_warns = ""  # an error that ``/status`` names although it is connected
        self.blocked_address: str | None = None  # the caller's, as the refusal names it
        self.missing_token_says = "Client-Token null not allowed"
        self.webhook_sender = WebhookSender()
        self.headers: list[Mapping[str, str]] = []  # of every request
        self.requested: list[str] = []  # "GET status" and so on, whatever was answered
        self._faults: defaultdict[str, list[tuple[Fault | Answer, int | None]]] = defaultdict(list)

    def add_instance(self) -> Instance:
        """A new one, paid for, without a phone."""
        instance_id, token = uuid4().hex.upper(), uuid4().hex.upper()[:24]
        made = Instance(instance_id, token, self.now, self._poster(instance_id))
        self.instances[instance_id] = made
        return made

    def fault(self, action: str, fault: Fault | Answer, times: int | None = None) -> None:
        """Answer *action* wrongly from now on, or so many *times*: a fault, or a status, a body and headers."""
        self._faults[action] = [(fault, times)]

    def clear_faults(self) -> None:
        self._faults.clear()

    def _poster(self, instance_id: str) -> Callable[[str, Body], None]:
        def post(kind: str, fields: Body) -> None:
            if url := self.instances[instance_id].webhooks.get(kind):
                self.webhook_sender.post(url, fields)

        return post

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await body_of(receive)
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        self.headers.append(headers)
        match = _PATH.fullmatch(scope["path"])
        if match is None:
            await self._reply(
                send, (404, {"error": "NOT_FOUND", "message": "Unable to find matching target resource method"})
            )
            return
        self.requested.append(f"{scope['method']} {match['action']}")
        action = match["action"].partition("/")[0]
        fault = self._next_fault(action)
        if fault is None or fault in DOES_THE_WORK:
            reply = self._answer(scope["method"], match, headers, body)
        if fault is None:
            await self._reply(send, reply)
        elif isinstance(fault, Fault):
            await answer_with(fault, receive, send)
        else:
            await respond(send, *fault)

    async def _reply(self, send: Send, reply: Reply) -> None:
        status, value = reply
        await respond(send, status, b"" if value is None else json.dumps(value).encode())

    def _next_fault(self, action: str) -> Fault | Answer | None:
        armed = self._faults.get(action) or self._faults.get("*")
        if not armed:
            return None
        fault, times = armed[0]
        if times is not None:
            armed[0] = (fault, times - 1)
            if times <= 1:
                armed.pop()
        return fault

    # --- who may ask

    def _answer(self, method: str, match: re.Match[str], headers: Mapping[str, str], body: bytes) -> Reply:
        handler = self._handler(method, match["action"])
        if isinstance(handler, int):
            return handler, {"error": "Method Not Allowed"}
        if not headers.get("content-type", "").startswith("application/json"):
            return 415, {"error": "Unsupported Media Type"}
        instance = self.instances.get(match["id"])
        if instance is None or instance.token != match["token"]:
            return 400, {"error": "Instance not found"}
        instance.asked.append(f"{method} {match['action']}")
        shown = headers.get("client-token")
        if self.client_token is not None and shown != self.client_token:
            return 403, {"error": self.missing_token_says if shown is None else f"Client-Token {shown} not allowed"}
        if (refused := self._refused(instance)) is not None:
            return 400, {"error": refused}
        instance.settle()
        try:
            value = json.loads(body) if body else None
        except ValueError:
            return 400, {"error": "Invalid JSON"}
        value = value if isinstance(value, dict) else {}
        return handler(instance, value)

    def _refused(self, instance: Instance) -> str | None:
        if self.blocked_address is not None:
            return f"{self.blocked_address} not allowed"
        return None if instance.paid else "To continue sending a message, you must subscribe to this instance again"

    def _handler(self, method: str, action: str) -> Callable[[Instance, Body], Reply] | int:
        name, _, rest = action.partition("/")
        ways: dict[str, dict[str, Callable[[Instance, Body], Reply]]] = {
            "status": {"GET": self._status},
            "qr-code": {"GET": self._qr_image if rest == "image" else self._qr},
            "phone-code": {"GET": self._phone_code},
            "restore-session": {"GET": self._restore},
            "extension-token": {"GET": self._extension_token},
            "reset-passkey-challenge": {"POST": self._reset_passkey},
            "restart": {"GET": self._restart},
            "disconnect": {"GET": self._disconnect},
            "me": {"GET": self._me},
            "device": {"GET": self._device},
            "send-text": {"POST": self._send_text},
            "read-message": {"POST": lambda _instance, _body: (204, None)},
            "queue": {
                "POST": self._queue,
                "GET": self._legacy_queue,
                "DELETE": lambda instance, _body: self._purge(instance, rest or None),
            },
            "update-queue-settings": {"PUT": self._queue_settings},
            "phone-exists": {"GET": lambda instance, _body: self._exists(instance, rest)},
            "chats": {"GET": self._chats},
        }
        if _WEBHOOK.fullmatch(name):
            ways[name] = {"PUT": lambda instance, body: self._webhook(instance, name, body)}
        ways["update-every-webhooks"] = {"PUT": lambda instance, body: self._webhook(instance, "", body)}
        if name not in ways:
            return 404
        return ways[name].get(method, 405)

    # --- what is asked

    def _status(self, instance: Instance, _body: Body) -> Reply:
        if instance.pairing is Pairing.CONNECTED:  # its error is filled even when all is well
            online = instance.smartphone_online
            error = self.status_warns or "You are already connected."
            return 200, {"connected": True, "smartphoneConnected": online, "error": error}
        return 200, {"connected": False, "smartphoneConnected": False, "error": _DOWN[instance.pairing]}

    def _qr(self, instance: Instance, _body: Body) -> Reply:
        if instance.pairing is Pairing.CONNECTED:
            return 200, {"connected": True}
        if instance.pairing is Pairing.PASSKEY:
            return 200, {"challenge": {"publicKey": {"challenge": "c29tZXRoaW5n", "rpId": "web.whatsapp.com"}}}
        instance.qr_total += 1
        return 200, {"value": "data:image/png;base64,iVBORw0KGgo=" if instance.qr_picture else instance.qr()}

    def _qr_image(self, instance: Instance, _body: Body) -> Reply:
        return 200, {"value": None if instance.pairing is Pairing.CONNECTED else "data:image/png;base64,iVBORw0KGgo="}

    def _phone_code(self, instance: Instance, _body: Body) -> Reply:
        return 200, {instance.phone_code_key: "A1B2C3D4E5"}

    def _extension_token(self, instance: Instance, _body: Body) -> Reply:
        token, expires = instance.extension_token()
        return 200, {"token": token, "expiresAt": int(expires.timestamp() * 1000)}

    def _reset_passkey(self, instance: Instance, _body: Body) -> Reply:
        error, instance.passkey_error = instance.passkey_error, ""
        return 200, {"success": False, "error": error} if error else {"success": True}

    def _restore(self, instance: Instance, _body: Body) -> Reply:
        instance.come_back(instance.restore_works)
        return 200, {"value": True}

    def _restart(self, instance: Instance, _body: Body) -> Reply:
        instance.come_back(instance.restart_works)
        return 200, {"value": True}

    def _disconnect(self, instance: Instance, _body: Body) -> Reply:
        instance.unlink()
        return 200, {"value": True}

    def _me(self, instance: Instance, _body: Body) -> Reply:
        return 200, {
            "id": instance.id,
            "token": instance.token,
            "name": "Mentoria",
            "due": 1798675200,
            "connected": instance.pairing is Pairing.CONNECTED,
            "paymentStatus": "PAID",
            "created": "2024-01-01T00:00:00.000Z",
        }

    def _device(self, instance: Instance, _body: Body) -> Reply:
        if instance.pairing is not Pairing.CONNECTED:
            return 200, {"error": "You are not connected."}
        return 200, {
            "phone": instance.phone,
            "imgUrl": None,
            "about": "",
            "name": "Ana",
            "device": {"sessionName": "Z-API", "device_model": "Z-API"},
            "originalDevice": "iphone",
            "sessionId": 3,
            "isBusiness": False,
        }

    # --- messages

    def _send_text(self, instance: Instance, body: Body) -> Reply:
        phone, message = body.get("phone"), body.get("message")
        if not isinstance(phone, str) or not isinstance(message, str) or not message:
            return 400, {"error": "phone and message are required"}
        if not re.fullmatch(r"\d{8,20}|\d+-(?:group|\d+)|\d+@lid", phone):
            return 400, {"error": "Invalid phone"}
        if instance.pairing is not Pairing.CONNECTED:
            if instance.disable_enqueue:
                return 400, {"error": "You are not connected."}
            if len(instance.queue) >= QUEUE_HOLDS:
                return 400, {"error": "The queue of this instance is full"}
        made = instance.enqueue(phone, message)
        return 200, {"zaapId": made.zaap_id, "messageId": made.message_id, "id": made.message_id}

    def _queue(self, instance: Instance, body: Body) -> Reply:
        size = int(body.get("pageSize", 20))
        start = int(body["pagingState"]) if body.get("pagingState") else 0
        page, more = instance.queue[start : start + size], start + size < len(instance.queue)
        shown = [_queued(instance, waiting) for waiting in page]
        return 200, {"messages": shown, "pagingState": str(start + size) if more else None, "hasMore": more}

    def _legacy_queue(self, instance: Instance, _body: Body) -> Reply:
        return 200, [_queued(instance, waiting) for waiting in instance.queue]

    def _purge(self, instance: Instance, zaap_id: str | None) -> Reply:
        instance.purge(zaap_id)
        return 200, {}

    def _queue_settings(self, instance: Instance, body: Body) -> Reply:
        instance.disable_enqueue = body.get("disableEnqueueWhenDisconnected") is True
        return 200, {"value": True}

    def _exists(self, instance: Instance, digits: str) -> Reply:
        registered = digits[:4] + digits[5:] if digits in instance.without_nine else digits
        return 200, [{"exists": "true", "phone": registered, "lid": None}]

    def _chats(self, _instance: Instance, _body: Body) -> Reply:
        chat = {"phone": "5511987654321", "name": "Bia", "unread": "0", "lastMessageTime": "1730918668000"}
        return 200, [{**chat, "isMuted": "0", "isMarkedSpam": "false", "archived": "false", "pinned": "false"}]

    def _webhook(self, instance: Instance, name: str, body: Body) -> Reply:
        kinds = ("delivery", "received", "message-status", "connected", "disconnected", "chat-presence")
        for kind in kinds if not name else (name.removeprefix("update-webhook-"),):
            instance.webhooks[kind] = body["value"]
        instance.notify_sent_by_me = body.get("notifySentByMe", instance.notify_sent_by_me)
        return 200, {"value": True}


def _queued(instance: Instance, waiting: Waiting) -> Body:
    return {
        "_id": uuid4().hex.upper(),
        "ZaapId": waiting.zaap_id,
        "MessageId": waiting.message_id,
        "Phone": waiting.phone,
        "Message": waiting.message,
        "DelayMessage": -1,
        "DelayTyping": 0,
        "InstanceId": instance.id,
        "Created": int(waiting.created.timestamp() * 1000),
        "CreatedAt": waiting.created.isoformat(),
        "Beta": True,
        "IsTrial": False,
    }
