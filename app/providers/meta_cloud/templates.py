"""The texts Meta approved: read page by page, and filled only when every gap is."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.domain.messages import Address
from app.domain.repositories import Clock
from app.domain.sending import NotSent, SendErrorKind, Template, TemplateMessage
from app.providers.contents import list_of_dicts
from app.providers.http_client import TransportError
from app.providers.meta_cloud.client import (
    Graph,
    GraphError,
    GraphResponse,
    enum_value,
    mapping,
    text,
)
from app.providers.meta_cloud.errors import rule_for

FIELDS: Final = "name,language,status,category,components"
PAGE: Final = 100
MOST_PAGES: Final = 20
ASKED_AGAIN_AFTER: Final = timedelta(minutes=1)
"""A template that is not in the list may have been approved since; but nobody asks more often than this."""

_GAP = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTemplate:
    """A template of the list, and the names of its gaps in the order in which they are filled."""

    name: str
    language: str
    category: str
    status: str
    header: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    plain: bool = True  # texts fill it; False where a file or a button's address is needed, too

    @property
    def usable(self) -> bool:
        return self.status == "APPROVED" and self.plain

    @property
    def gaps(self) -> int:
        return len(self.header) + len(self.body)

    def shown(self) -> Template:
        return Template(
            name=self.name, language=self.language, category=self.category, status=self.status, usable=self.usable
        )

    def filled(self, use: TemplateMessage) -> dict[str, Any]:
        """The ``template`` of a message; the number of parameters must be that of `gaps`."""
        header = use.parameters[: len(self.header)]
        body = use.parameters[len(self.header) :]
        components = [
            {"type": kind, "parameters": [_parameter(gap, value) for gap, value in zip(gaps, values, strict=True)]}
            for kind, gaps, values in (("header", self.header, header), ("body", self.body, body))
            if gaps
        ]
        filled: dict[str, Any] = {"name": use.name, "language": {"code": use.language}}
        return {**filled, "components": components} if components else filled


def _parameter(gap: str, value: str) -> dict[str, str]:
    parameter = {"type": "text", "text": value}
    return parameter if gap.isdigit() else {**parameter, "parameter_name": gap}


def read_page(body: Mapping[str, Any]) -> list[KnownTemplate]:
    """The templates of one page; what has no name or language cannot be used and is left out."""
    return [known for each in list_of_dicts(body.get("data")) if (known := _template(each)) is not None]


async def read_all(graph: Graph, waba_id: str) -> Sequence[KnownTemplate] | GraphError | TransportError:
    """The whole list of an account, or why it could not be had."""
    found: list[KnownTemplate] = []
    seen: set[str] = set()
    after = ""
    for _ in range(MOST_PAGES):
        params = {"fields": FIELDS, "limit": str(PAGE)} | ({"after": after} if after else {})
        reply = await graph.get(f"{waba_id}/message_templates", **params)
        if not isinstance(reply, GraphResponse):
            return reply
        if not isinstance(reply.body.get("data"), list):
            return TransportError("a list of templates that is none", sent=True)
        found += read_page(reply.body)
        after = next_cursor(reply.body)
        if not after or after in seen:
            break
        seen.add(after)
    return found


def next_cursor(body: Mapping[str, Any]) -> str:
    """Where the next page begins, or an empty text after the last one."""
    paging = mapping(body.get("paging"))
    return text(mapping(paging.get("cursors")).get("after")) if text(paging.get("next")) else ""


class TemplateCache:
    """The templates of one account as they were last listed."""

    def __init__(self, waba_id: str, clock: Clock) -> None:
        self._waba_id = waba_id
        self._clock = clock
        self._listed: Sequence[KnownTemplate] = ()
        self._at: datetime | None = None

    def invalidate(self) -> None:
        """Something was said that the list does not know: it is read again before the next use."""
        self._at = None

    async def refresh(self, graph: Graph) -> Sequence[KnownTemplate] | GraphError | TransportError:
        """Read the list; the former one stays where it cannot be read."""
        listed = await read_all(graph, self._waba_id)
        if not isinstance(listed, GraphError | TransportError):
            self._listed, self._at = listed, self._clock.now()
        return listed

    async def find(self, graph: Graph, use: TemplateMessage) -> KnownTemplate | NotSent:
        """The approved template that *use* fills completely, or why there is none."""
        found = self._find(use)
        if self._at is None or (not found and self._clock.now() - self._at >= ASKED_AGAIN_AFTER):
            listed = await self.refresh(graph)
            if isinstance(listed, GraphError):
                return NotSent(trouble=rule_for(listed).trouble, code=str(listed.code), detail=listed.detail)
            if isinstance(listed, TransportError):
                return NotSent(
                    trouble=SendErrorKind.TRANSIENT, detail=listed.why, after=ASKED_AGAIN_AFTER.total_seconds()
                )
            found = self._find(use)
        if found is None:
            return NotSent(trouble=SendErrorKind.TEMPLATE, code="132001", detail="not in the list, or not approved")
        if len(use.parameters) != found.gaps or not all(each.strip() for each in use.parameters):
            counted = f"{len(use.parameters)} of {found.gaps} gaps filled"
            return NotSent(trouble=SendErrorKind.TEMPLATE, code="132000", detail=counted)
        return found

    def _find(self, use: TemplateMessage) -> KnownTemplate | None:
        fits = (each for each in self._listed if (each.name, each.language) == (use.name, use.language))
        return next((each for each in fits if each.usable), None)


def _template(value: Mapping[str, Any]) -> KnownTemplate | None:
    name, language = text(value.get("name")), text(value.get("language"))
    if not name or not language:
        return None
    components = value.get("components")
    parts = list_of_dicts(components)
    header = next((part for part in parts if enum_value(part.get("type")) == "HEADER"), {})
    body = next((part for part in parts if enum_value(part.get("type")) == "BODY"), {})
    return KnownTemplate(
        name=name,
        language=language,
        category=enum_value(value.get("category")),
        status=enum_value(value.get("status")),
        header=_gaps(header),
        body=_gaps(body),
        plain=isinstance(components, list) and enum_value(header.get("format")) in ("", "TEXT") and not _dynamic(parts),
    )


def _gaps(part: Mapping[str, Any]) -> tuple[str, ...]:
    """Numbered gaps are filled by their number, named ones in the order in which they stand."""
    names = dict.fromkeys(_GAP.findall(text(part.get("text"))))
    numbers = [int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 4]
    if names and len(numbers) == len(names):
        return tuple(str(each) for each in range(1, max(numbers) + 1))
    return tuple(names)


def _dynamic(parts: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a button wants something of its own, or there is a part that texts do not fill."""
    buttons = [button for part in parts for button in list_of_dicts(part.get("buttons"))]
    known = {"HEADER", "BODY", "FOOTER", "BUTTONS"}
    special = {"OTP", "COPY_CODE", "FLOW", "CATALOG", "MPM"}
    return (
        any(enum_value(part.get("type")) not in known for part in parts)
        or any(_GAP.search(text(button.get("url"))) for button in buttons)
        or any(enum_value(button.get("type")) in special for button in buttons)
    )


HELD_BACK: Final = timedelta(hours=24)
"""131049: Meta holds marketing back from this person; no template is sent to them for as long."""

LIMITED, OPTED_OUT = 131049, 131050

_REMEMBERED: Final = 2000


@dataclass(frozen=True, slots=True)
class _Hold:
    code: int
    until: datetime | None  # None: until they want templates again


class HeldTemplates:
    """The holds of one number, by the addresses of each person. They outlive a connection, but no restart of the
    program: Meta then refuses the first template again, and nothing is delivered.
    """

    def __init__(self) -> None:
        self._holds: OrderedDict[str, _Hold] = OrderedDict()
        self._wishes: OrderedDict[str, datetime] = OrderedDict()  # when each person's last one was told

    def wish(self, who: Iterable[Address], stopped: bool, at: datetime, now: datetime) -> None:
        """What they want themselves since *at*; a wish from before the last one that is known changes nothing."""
        who = tuple(who)
        if any(at < self._wishes.get(key, at) for key in _keys(who)):
            return
        for key in _keys(who):
            self._wishes.pop(key, None)
            self._wishes[key] = at
        while len(self._wishes) > _REMEMBERED:
            self._wishes.popitem(last=False)
        if stopped:
            self.note(OPTED_OUT, who, now)
        else:
            self.release(who)

    def note(self, code: int, who: Iterable[Address], now: datetime) -> None:
        """Hold templates back from *who* where *code* says so, told in an answer or by a webhook alike."""
        if code not in (LIMITED, OPTED_OUT):
            return
        hold = _Hold(code, now + HELD_BACK if code == LIMITED else None)
        for key in _keys(who):
            before = self._holds.pop(key, None)
            self._holds[key] = before if before is not None and before.code == OPTED_OUT else hold
        while len(self._holds) > _REMEMBERED:
            self._holds.popitem(last=False)

    def release(self, who: Iterable[Address]) -> None:
        """They want templates again. What Meta itself holds back stays held."""
        for key in _keys(who):
            if (hold := self._holds.get(key)) is not None and hold.code == OPTED_OUT:
                del self._holds[key]

    def refusal(self, to: Address, now: datetime) -> NotSent | None:
        """Why a template to *to* is not sent now; None when it may be."""
        hold = next((self._holds[key] for key in to.keys if key in self._holds), None)
        if hold is None or (hold.until is not None and hold.until <= now):
            return None
        trouble = SendErrorKind.RATE_PAIR if hold.code == LIMITED else SendErrorKind.OPTED_OUT
        return NotSent(trouble=trouble, code=str(hold.code))


def _keys(who: Iterable[Address]) -> list[str]:
    return list(dict.fromkeys(address.key for address in who))
