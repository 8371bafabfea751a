"""The texts Meta approved: read page by page, and filled only when every gap is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.domain.ports import Clock
from app.domain.sending import NotSent, SendTrouble, Template, TemplateUse
from app.providers.meta_cloud.errors import meaning_of
from app.providers.meta_cloud.graph import Declined, Graph, Said
from app.providers.meta_cloud.plain import code_word, mapping, mappings, text
from app.providers.wire import Unanswered

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

    def filled(self, use: TemplateUse) -> dict[str, Any]:
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
    return [known for each in mappings(body.get("data")) if (known := _template(each)) is not None]


async def read_all(graph: Graph, waba_id: str) -> Sequence[KnownTemplate] | Declined | Unanswered:
    """The whole list of an account, or why it could not be had."""
    found: list[KnownTemplate] = []
    seen: set[str] = set()
    after = ""
    for _ in range(MOST_PAGES):
        params = {"fields": FIELDS, "limit": str(PAGE)} | ({"after": after} if after else {})
        reply = await graph.get(f"{waba_id}/message_templates", **params)
        if not isinstance(reply, Said):
            return reply
        if not isinstance(reply.body.get("data"), list):
            return Unanswered("a list of templates that is none", sent=True)
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


class Catalogue:
    """The templates of one account as they were last listed."""

    def __init__(self, waba_id: str, clock: Clock) -> None:
        self._waba_id = waba_id
        self._clock = clock
        self._listed: Sequence[KnownTemplate] = ()
        self._at: datetime | None = None

    def doubt(self) -> None:
        """Something was said that the list does not know: it is read again before the next use."""
        self._at = None

    async def refresh(self, graph: Graph) -> Sequence[KnownTemplate] | Declined | Unanswered:
        """Read the list; the former one stays where it cannot be read."""
        listed = await read_all(graph, self._waba_id)
        if not isinstance(listed, Declined | Unanswered):
            self._listed, self._at = listed, self._clock.now()
        return listed

    async def find(self, graph: Graph, use: TemplateUse) -> KnownTemplate | NotSent:
        """The approved template that *use* fills completely, or why there is none."""
        found = self._find(use)
        if self._at is None or (not found and self._clock.now() - self._at >= ASKED_AGAIN_AFTER):
            listed = await self.refresh(graph)
            if isinstance(listed, Declined):
                return NotSent(trouble=meaning_of(listed).trouble, code=str(listed.code), detail=listed.detail)
            if isinstance(listed, Unanswered):
                return NotSent(
                    trouble=SendTrouble.TRANSIENT, detail=listed.why, after=ASKED_AGAIN_AFTER.total_seconds()
                )
            found = self._find(use)
        if found is None:
            return NotSent(trouble=SendTrouble.TEMPLATE, code="132001", detail="not in the list, or not approved")
        if len(use.parameters) != found.gaps or not all(each.strip() for each in use.parameters):
            counted = f"{len(use.parameters)} of {found.gaps} gaps filled"
            return NotSent(trouble=SendTrouble.TEMPLATE, code="132000", detail=counted)
        return found

    def _find(self, use: TemplateUse) -> KnownTemplate | None:
        fits = (each for each in self._listed if (each.name, each.language) == (use.name, use.language))
        return next((each for each in fits if each.usable), None)


def _template(value: Mapping[str, Any]) -> KnownTemplate | None:
    name, language = text(value.get("name")), text(value.get("language"))
    if not name or not language:
        return None
    components = value.get("components")
    parts = mappings(components)
    header = next((part for part in parts if code_word(part.get("type")) == "HEADER"), {})
    body = next((part for part in parts if code_word(part.get("type")) == "BODY"), {})
    return KnownTemplate(
        name=name,
        language=language,
        category=code_word(value.get("category")),
        status=code_word(value.get("status")),
        header=_gaps(header),
        body=_gaps(body),
        plain=isinstance(components, list) and code_word(header.get("format")) in ("", "TEXT") and not _dynamic(parts),
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
    buttons = [button for part in parts for button in mappings(part.get("buttons"))]
    known = {"HEADER", "BODY", "FOOTER", "BUTTONS"}
    special = {"OTP", "COPY_CODE", "FLOW", "CATALOG", "MPM"}
    return (
        any(code_word(part.get("type")) not in known for part in parts)
        or any(_GAP.search(text(button.get("url"))) for button in buttons)
        or any(code_word(button.get("type")) in special for button in buttons)
    )
