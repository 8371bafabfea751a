"""The Graph API's end of the wire: any version, one application for all endpoints, and scripts for its bad days."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl

from tests.emulators.meta_cloud.faults import Fault, Headers, answer_with, respond
from tests.emulators.meta_cloud.state import (
    APP_ID,
    RATE_CODES,
    STATUSES,
    CloudNumber,
    GraphError,
    MetaState,
)
from tests.emulators.serving import Message, Receive, Send, body_of

_PATH: Final = re.compile(r"/v\d{1,2}\.0/(?P<node>[\w.-]+)(?:/(?P<edge>\w+))?/?")

ENDPOINTS: Final = (
    "debug_token",
    "number",
    "more",
    "health",
    "phone_numbers",
    "message_templates",
    "message_history",
    "messages",
    "register",
    "deregister",
)
"""By these names scripts are written: ``more`` is a number's optional fields, ``health`` its health status."""


@dataclass
class Request:
    """What came in."""

    endpoint: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: dict[str, Any] | None


@dataclass
class Script:
    """What comes instead of the true answer, and how often; a fault lets the work be done first."""

    times: int
    error: GraphError | None = None
    fault: Fault | None = None
    body: tuple[int, bytes, Headers] | None = None


@dataclass
class MetaCloud:
    """The application. `world` is what it knows; `decline`, `fault` and `answer` script what it does instead."""

    world: MetaState = field(default_factory=MetaState)
    requests: list[Request] = field(default_factory=list)
    scripts: defaultdict[str, deque[Script]] = field(default_factory=lambda: defaultdict(deque))
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)  # on every answer

    def decline(self, endpoint: str, code: int, times: int = 1, **more: Any) -> None:
        """Answer with an error: *more* are fields of it, ``status`` its HTTP status, ``details`` its words."""
        details = more.pop("details", "")
        self.scripts[endpoint].append(Script(times, error=GraphError(code, details, **more)))

    def fault(self, endpoint: str, fault: Fault, times: int = 1) -> None:
        """Do the work and break the answer."""
        self.scripts[endpoint].append(Script(times, fault=fault))

    def answer(self, endpoint: str, body: bytes, status: int = 200, times: int = 1, **headers: str) -> None:
        """Answer with exactly this; names of *headers* are written with underscores."""
        lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        self.scripts[endpoint].append(Script(times, body=(status, body, lines)))

    def be_good(self) -> None:
        """Forget every script."""
        self.scripts.clear()

    def asked(self, endpoint: str) -> list[Request]:
        return [request for request in self.requests if request.endpoint == endpoint]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        request = await self._request(scope, receive)
        self.requests.append(request)
        script = self._script(request.endpoint)
        extra: Headers = self.headers
        try:
            if script is not None and script.error is not None:
                raise script.error
            if script is not None and script.body is not None:
                await respond(send, *script.body)
                return
            answered = self._answer(request)
        except GraphError as error:
            status = self._status(error)
            answered, retry = self._error(error), error.more.get("retry_after")
            extra = [*extra, (b"retry-after", str(retry).encode())] if retry is not None else extra
        else:
            status = 200
        if script is not None and script.fault is not None:
            await answer_with(script.fault, receive, send)
        else:
            await respond(send, status, json.dumps(answered).encode(), extra)
        await asyncio.sleep(0)

    async def _request(self, scope: Message, receive: Receive) -> Request:
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        raw = await body_of(receive)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = posted(raw, headers.get("content-type", "")) if raw else None
        endpoint = self._endpoint(scope["path"], query)
        return Request(endpoint, scope["method"], scope["path"], query, headers, body)

    @staticmethod
    def _endpoint(path: str, query: dict[str, str]) -> str:
        match = _PATH.fullmatch(path)
        if match is None:
            return "nowhere"
        if match["node"] == "debug_token" or match["edge"]:
            return match["edge"] or "debug_token"
        fields = query.get("fields", "").split(",")
        if "health_status" in fields:
            return "health"
        return "number" if "display_phone_number" in fields else "more"

    def _script(self, endpoint: str) -> Script | None:
        scripts = self.scripts[endpoint]
        if not scripts:
            return None
        script = scripts[0]
        script.times -= 1
        if script.times <= 0:
            scripts.popleft()
        return script

    def _answer(self, request: Request) -> dict[str, Any]:
        world, match = self.world, _PATH.fullmatch(request.path)
        if match is None:
            raise GraphError(2500, "Unknown path components")
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            raise GraphError(104, "An access token is required to request this resource")
        found = world.tokens.get(token)
        if found is None or not found.valid:
            raise GraphError(190, f"Malformed access token {token}", error_subcode=463)
        if request.endpoint == "debug_token":
            return world.inspect(request.query.get("input_token", ""))
        node = match["node"]
        if node in world.templates and request.method == "GET":
            after, limit = request.query.get("after", ""), int(request.query.get("limit", "25"))
            match request.endpoint:
                case "message_templates":
                    return world.list_templates(node, after, limit)
                case "phone_numbers":
                    return world.list_numbers(node, after, limit)
                case "subscribed_apps":
                    return {"data": [{"whatsapp_business_api_data": {"id": APP_ID, "name": "Conecta"}}]}
                case "more" | "number":
                    return {"id": node, "name": "Mentoria", "currency": "BRL"}
                case other:
                    raise GraphError(2500, f"Unknown path components: /{other}")
        number = world.numbers.get(node)
        if number is None:
            words = f"Object with ID '{node}' does not exist, or cannot be loaded due to missing permissions"
            raise GraphError(100, words, error_subcode=33)
        return self._of_number(number, request)

    def _of_number(self, number: CloudNumber, request: Request) -> dict[str, Any]:
        body = request.body or {}
        match (request.method, request.endpoint):
            case ("GET", "number" | "more" | "health"):
                return self.world.fields(number, request.query.get("fields", "id").split(","))
            case ("GET", "message_history"):
                return self.world.history_of(number, request.query.get("message_id", ""))
            case ("POST", "messages") if body.get("status") == "read":
                return self.world.mark_read(number, body)
            case ("POST", "messages"):
                return self.world.accept(number, body)
            case ("GET", "whatsapp_business_profile"):
                return {"data": [{"messaging_product": "whatsapp", "about": "Mentoria"}]}
            case ("GET", "settings"):
                return {"storage_configuration": {"status": "DEFAULT"}}
            case ("POST", "media"):
                return {"id": "1037543291543636"}
            case ("POST", "register"):
                self.world.register(number, str(body.get("pin", "")))
                return {"success": True}
            case ("POST", "deregister"):
                self.world.deregister(number)
                return {"success": True}
            case _:
                if request.endpoint in ENDPOINTS:
                    words = f"Unsupported {request.method.lower()} request. Object with ID '{number.id}' does not exist"
                    raise GraphError(100, words, error_subcode=33, type="GraphMethodException")
                raise GraphError(2500, f"Unknown path components: /{request.endpoint}")

    def _status(self, error: GraphError) -> int:
        if "status" in error.more:
            return int(error.more["status"])
        return self.world.rate_status if error.code in RATE_CODES else STATUSES.get(error.code, 400)

    @staticmethod
    def _error(error: GraphError) -> dict[str, Any]:
        """WhatsApp's own codes bring details in ``error_data``; those of the Graph API and of OAuth do not."""
        ours = error.code >= 130000
        words = error.details or "scripted"
        values = {
            "message": words if error.code in (104, 190) else f"(#{error.code}) {words}",
            "type": "OAuthException",
            "code": error.code,
            **({"error_data": {"messaging_product": "whatsapp", "details": error.details}} if ours else {}),
            "fbtrace_id": "A1b2C3",
        }
        more = {name: value for name, value in error.more.items() if name not in ("status", "retry_after")}
        return {"error": {**values, **more}}


def posted(raw: bytes, kind: str) -> dict[str, Any]:
    """A body by its content type; one that cannot be read says nothing, and so lacks what is required."""
    if kind.startswith("multipart/form-data"):
        names = re.findall(rb'name="(\w+)"(?:; filename="[^"]*")?\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]*)', raw)
        return {name.decode(): value.decode("utf-8", "replace") for name, value in names}
    if kind.startswith("application/x-www-form-urlencoded"):
        return {name: _plain_or_json(value) for name, value in parse_qsl(raw.decode("utf-8", "replace"))}
    body = _plain_or_json(raw.decode("utf-8", "replace"))
    return body if isinstance(body, dict) else {}


def _plain_or_json(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value
