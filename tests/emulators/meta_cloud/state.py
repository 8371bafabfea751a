"""What Meta knows: tokens, accounts, numbers, templates, and who may be written to."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

TOKEN: Final = "EAAdummy0000000000000000000000000000000000000000"
APP_ID: Final = "634974688087057"
APP_SECRET: Final = "dummyappsecret00000000000000000"
WABA_ID: Final = "102290129340398"
NUMBER_ID: Final = "106540352242922"

WINDOW: Final = timedelta(hours=24)
REGISTER_WINDOW: Final = timedelta(hours=72)
REGISTER_LIMIT: Final = 10

STATUSES: Final = {
    **dict.fromkeys((0, 102, 104, 190), 401),
    **dict.fromkeys((10, *range(200, 300), 368, 130497, 131005, 131031), 403),
    **dict.fromkeys((803, 132001), 404),
    **dict.fromkeys((3, 131000, 131016, 131045, 131057, 133000), 500),
    **dict.fromkeys((2, 133004), 503),
    17: 429,
}
"""As one published table has them; every code that is missing is a 400."""

RATE_CODES: Final = frozenset({4, 341, 613, 80004, 80007, 80008, 130429, 131048, 131056})
"""Published with 400 in one table and with 429 in another."""


class GraphError(Exception):
    """Ends a request with the API's own error."""

    def __init__(self, code: int, details: str = "", **more: Any) -> None:
        super().__init__(str(code))
        self.code = code
        self.details = details
        self.more = more


@dataclass
class Token:
    valid: bool = True
    scopes: list[str] = field(
        default_factory=lambda: ["whatsapp_business_management", "whatsapp_business_messaging", "public_profile"]
    )
    expires_at: int = 0


@dataclass
class Sent:
    """A message that Meta took."""

    wamid: str
    to: str
    payload: dict[str, Any]
    at: datetime
    events: list[tuple[str, datetime]] = field(default_factory=list)


@dataclass
class CloudNumber:
    """One number; `fields` is what a GET of it can tell."""

    id: str = NUMBER_ID
    waba_id: str = WABA_ID
    digits: str = "5511987654321"
    pin: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    health: dict[str, Any] = field(default_factory=dict)
    inbound: dict[str, datetime] = field(default_factory=dict)  # when each contact last wrote
    sent: list[Sent] = field(default_factory=list)
    tries: list[datetime] = field(default_factory=list)
    debt: dict[str, tuple[float, datetime]] = field(default_factory=dict)  # of the pair bucket, in seconds
    seconds: deque[datetime] = field(default_factory=deque)  # of the throughput
    read: list[str] = field(default_factory=list)  # ids of messages that were marked so
    refused_sends: int | None = None  # the code with which every message of this number is refused

    def __post_init__(self) -> None:
        self.fields = {
            "id": self.id,
            "display_phone_number": f"+{self.digits[:2]} {self.digits[2:4]} {self.digits[4:-4]}-{self.digits[-4:]}",
            "verified_name": "Mentoria da Ana",
            "status": "CONNECTED",
            "quality_rating": "GREEN",
            "name_status": "APPROVED",
            "code_verification_status": "VERIFIED",
            "platform_type": "CLOUD_API",
            "account_mode": "LIVE",
            "throughput": {"level": "STANDARD"},
            "is_pin_enabled": True,
            "is_on_biz_app": False,
            "is_official_business_account": False,
            "whatsapp_business_manager_messaging_limit": "TIER_2K",
        } | self.fields
        self.set_health("AVAILABLE")

    def set_health(self, state: str, entity: str = "WABA", *errors: tuple[int, str], info: str = "") -> None:
        """All entities are available, but *entity* is in *state*."""
        kinds = (("PHONE_NUMBER", self.id), ("WABA", self.waba_id), ("BUSINESS", "506914307656634"), ("APP", APP_ID))
        entities: list[dict[str, Any]] = [
            {"entity_type": kind, "id": each, "can_send_message": "AVAILABLE"} for kind, each in kinds
        ]
        bad = next(each for each in entities if each["entity_type"] == entity)
        bad["can_send_message"] = state
        if state == "BLOCKED":
            bad["errors"] = [
                {"error_code": code, "error_description": words, "possible_solution": "Look at Business Manager."}
                for code, words in errors
            ]
        elif state == "LIMITED":
            bad["additional_info"] = [info or "Your display name has not been approved yet."]
        self.health = {"can_send_message": state, "entities": entities}


def template(
    name: str = "lembrete", body: str = "Olá {{1}}, sua mentoria é {{2}}.", *, status: str = "APPROVED", **more: Any
) -> dict[str, Any]:
    """One template as the list has it."""
    components = more.pop("components", [{"type": "BODY", "text": body}, {"type": "FOOTER", "text": "Mentoria"}])
    values = {"name": name, "language": "pt_BR", "status": status, "category": "UTILITY", "components": components}
    return {**values, "id": str(abs(hash(name)) % 10**15), **more}


class MetaState:
    """Everything, with one number of one account to begin with. Tests change what they like, while it is served."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.now = now
        self.tokens: dict[str, Token] = {TOKEN: Token()}
        self.number = CloudNumber()
        self.numbers: dict[str, CloudNumber] = {self.number.id: self.number}
        self.templates: dict[str, list[dict[str, Any]]] = {WABA_ID: [template(), template("oi", "Olá!")]}
        self.page = 100  # most of anything in one page
        self.recipients: dict[str, int] = {}  # a code for each message to these digits
        self.user_ids: dict[str, str] = {}  # the digits behind a business-scoped user id
        self.known_fields: set[str] | None = None  # None: every field a number has
        self.strips_ninth_digit = True
        self.message_history = 200  # or 100: the field is unknown, or 403: not allowed
        self.rate_status = 400  # or 429
        self.pair_burst = 45
        self.per_second = 80
        self._serial = itertools.count(1)

    def add_number(self, number: CloudNumber) -> CloudNumber:
        self.numbers[number.id] = number
        self.templates.setdefault(number.waba_id, [])
        return number

    # --- what the API does

    def inspect(self, token: str) -> dict[str, Any]:
        """``debug_token``."""
        found = self.tokens.get(token)
        if found is None or not found.valid:
            problem = {"code": 190, "message": "Error validating access token", "subcode": 463}
            return {"data": {"is_valid": False, "app_id": APP_ID, "scopes": [], "error": problem}}
        values = {"is_valid": True, "app_id": APP_ID, "type": "SYSTEM_USER", "user_id": "1223334444"}
        return {"data": {**values, "scopes": found.scopes, "granular_scopes": [], "expires_at": found.expires_at}}

    def fields(self, number: CloudNumber, wanted: list[str]) -> dict[str, Any]:
        """Some fields of a number; one that this version does not know spoils the whole answer."""
        known = set(number.fields) | {"health_status"} if self.known_fields is None else self.known_fields
        for name in wanted:
            if name not in known:
                raise GraphError(100, f"Tried accessing nonexisting field ({name})")
        found = {name: number.fields[name] for name in ("id", *wanted) if name in number.fields}
        return found | ({"health_status": number.health} if "health_status" in wanted else {})

    def list_templates(self, waba_id: str, after: str, limit: int) -> dict[str, Any]:
        return self._paged(self.templates[waba_id], after, limit)

    def list_numbers(self, waba_id: str, after: str, limit: int) -> dict[str, Any]:
        own = [{"id": each.id, **each.fields} for each in self.numbers.values() if each.waba_id == waba_id]
        return self._paged(own, after, limit)

    def _paged(self, rows: list[dict[str, Any]], after: str, limit: int) -> dict[str, Any]:
        begin = int(after or 0)
        end = begin + min(limit, self.page)
        paging: dict[str, Any] = {"cursors": {"before": str(begin), "after": str(end)}}
        return {
            "data": rows[begin:end],
            "paging": paging | ({"next": f"https://graph.facebook.com/next?after={end}"} if end < len(rows) else {}),
        }

    def register(self, number: CloudNumber, pin: str) -> None:
        self._count_try(number)
        if not re.fullmatch(r"\d{6}", pin):
            raise GraphError(100, "Param pin must be 6 characters long")
        if number.pin not in (None, pin):
            raise GraphError(133005, "Two step verification PIN mismatch")
        number.pin = pin
        number.fields |= {"status": "CONNECTED", "platform_type": "CLOUD_API"}

    def deregister(self, number: CloudNumber) -> None:
        self._count_try(number)
        number.fields |= {"status": "DISCONNECTED", "platform_type": "NOT_APPLICABLE"}

    def _count_try(self, number: CloudNumber) -> None:
        now = self.now()
        number.tries = [at for at in number.tries if now - at < REGISTER_WINDOW]
        if len(number.tries) >= REGISTER_LIMIT:
            raise GraphError(133016, "Too many tries to register this number")
        number.tries.append(now)

    def accept(self, number: CloudNumber, payload: dict[str, Any]) -> dict[str, Any]:
        """``/messages``: every rule that Meta would check before it takes a message."""
        if payload.get("messaging_product") != "whatsapp":
            raise GraphError(100, "The parameter messaging_product is required.")
        to, user_id = str(payload.get("to", "")), str(payload.get("recipient", ""))
        digits = self.user_ids.get(user_id, user_id) if user_id and not to else re.sub(r"\D", "", to)
        if number.fields["platform_type"] != "CLOUD_API":
            raise GraphError(133010, "Account not registered")
        if number.refused_sends is not None:
            raise GraphError(number.refused_sends)
        if not digits:
            raise GraphError(131008, "to")
        if digits in self.recipients:
            raise GraphError(self.recipients[digits])
        self._pace(number, digits)
        if payload.get("type") == "template":
            self._check_template(number.waba_id, payload["template"])
        elif (last := number.inbound.get(digits)) is None or self.now() - last >= WINDOW:
            raise GraphError(131047, "More than 24 hours have passed since the recipient last replied")
        sent = Sent(f"wamid.{next(self._serial):012}", digits, payload, self.now())
        number.sent.append(sent)
        named = {"input": to, "wa_id": self.wa_id(digits)} if to else {"input": user_id, "user_id": user_id}
        return {
            "messaging_product": "whatsapp",
            "contacts": [named],
            "messages": [{"id": sent.wamid, "message_status": "accepted"}],
        }

    def mark_read(self, number: CloudNumber, payload: dict[str, Any]) -> dict[str, Any]:
        """``/messages`` with ``status: read``, and perhaps a typing indicator: no message is sent."""
        if not payload.get("message_id"):
            raise GraphError(131009, "message_id")
        number.read.append(str(payload["message_id"]))
        return {"success": True}

    def wa_id(self, digits: str) -> str:
        """Accounts older than Brazil's ninth digit go without it."""
        return re.sub(r"^(55\d\d)9(\d{8})$", r"\1\2", digits) if self.strips_ninth_digit else digits

    def _pace(self, number: CloudNumber, digits: str) -> None:
        now = self.now()
        while number.seconds and now - number.seconds[0] >= timedelta(seconds=1):
            number.seconds.popleft()
        if len(number.seconds) >= self.per_second:
            raise GraphError(130429, "Cloud API message throughput has been reached")
        owed, since = number.debt.get(digits, (0.0, now))
        owed = max(0.0, owed - (now - since).total_seconds())
        if owed + 6 > self.pair_burst * 6:
            raise GraphError(131056, "too many messages to the same phone number")
        number.debt[digits] = owed + 6, now
        number.seconds.append(now)

    def _check_template(self, waba_id: str, used: dict[str, Any]) -> None:
        wanted = (used["name"], used["language"]["code"])
        found = next((each for each in self.templates[waba_id] if (each["name"], each["language"]) == wanted), None)
        if found is None or found["status"] not in ("APPROVED", "PAUSED", "DISABLED"):
            raise GraphError(132001, f"template name ({wanted[0]}) does not exist in {wanted[1]}")
        if found["status"] != "APPROVED":
            raise GraphError(132015 if found["status"] == "PAUSED" else 132016)
        given: defaultdict[str, int] = defaultdict(int)
        for component in used.get("components", []):
            given[component["type"].upper()] += len(component["parameters"])
        for part in found["components"]:
            gaps = len(set(re.findall(r"\{\{\s*(\w+)\s*\}\}", part.get("text", ""))))
            if gaps != given[part["type"]]:
                raise GraphError(132000, f"{part['type'].lower()}: number of parameters ({given[part['type']]})")

    def history_of(self, number: CloudNumber, wamid: str) -> dict[str, Any]:
        """``/message_history``, where it is switched on."""
        if self.message_history == 403:
            raise GraphError(10, "Application does not have permission for this action", status=403)
        if self.message_history == 100:
            raise GraphError(100, "Tried accessing nonexisting field (message_history)")
        rows = [
            {
                "id": f"9{sent.wamid[-6:]}",
                "message_id": sent.wamid,
                "events": {
                    "data": [{"delivery_status": state, "timestamp": int(at.timestamp())} for state, at in sent.events]
                },
            }
            for sent in number.sent
            if sent.wamid == wamid
        ]
        return {"data": rows, "paging": {"cursors": {}}}
