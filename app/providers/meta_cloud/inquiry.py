"""One round of questions about a number: the token, the number, what else is told of it, and its health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from app.domain.ports import Clock
from app.domain.provider import Opened, Refused, Silent
from app.providers.meta_cloud.errors import meaning_of
from app.providers.meta_cloud.graph import Declined, Graph, Said
from app.providers.meta_cloud.plain import code_word, text
from app.providers.meta_cloud.verdict import (
    ESSENTIAL,
    TELLING,
    Number,
    Verdict,
    before_expiry,
    expiry,
    of_failure,
    of_health,
    of_number,
    of_token,
    without_carrier,
)
from app.providers.wire import Unanswered

UNKNOWN_FIELD: Final = 100
"""The code for a field that this version of the API does not have."""


class Inquiry:
    """Asks about one number, a question after the other; the first that decides is the last."""

    def __init__(self, graph: Graph, phone_number_id: str, clock: Clock) -> None:
        self._graph = graph
        self._id = phone_number_id
        self._clock = clock
        self._unknown: set[str] = set()  # fields that were not known when they were asked for
        self._expires: datetime | None = None  # when the token does, as far as Meta says

    async def verdict(self) -> Verdict:
        """What is true of the number now."""
        known = await self.number()
        return await self.judged(known) if isinstance(known, Number) else known

    def take_pause(self) -> float:
        """Seconds of quiet that Meta asked for since this was called last."""
        return self._graph.take_pause()

    async def judged(self, known: Number) -> Verdict:
        """What is true of a number of which the first is known."""
        refused = without_carrier(known)
        if refused is not None:
            return refused
        more = await self.more(TELLING)
        if isinstance(more, Declined | Unanswered):
            return of_failure(more)
        known = replace(known, more={name: code_word(value) or "?" for name, value in more.items()})
        verdict = of_health(await self._graph.get(self._id, fields="health_status"), known)
        return before_expiry(verdict, self._expires, self._clock.now()) if isinstance(verdict, Opened) else verdict

    async def number(self) -> Number | Refused | Silent:
        """Whose number the credentials lead to."""
        inspected = await self._graph.inspect_token()
        self._expires = expiry(inspected)
        bad_token = of_token(inspected, self._clock.now())
        if bad_token is not None:
            return bad_token
        return of_number(await self._graph.get(self._id, fields=",".join(ESSENTIAL)))

    async def more(self, fields: Sequence[str]) -> Mapping[str, object] | Declined | Unanswered:
        """The values of *fields*, as they came. What this version of the API does not know is left out, and not asked
        for again."""
        wanted = [name for name in fields if name not in self._unknown]
        if not wanted:
            return {}
        together = await self._graph.get(self._id, fields=",".join(wanted))
        if isinstance(together, Said):
            if not text(together.body.get("id")):
                return Unanswered("an answer that does not say about what", sent=True)
            return {name: together.body[name] for name in wanted if name in together.body}
        if isinstance(together, Unanswered) or together.code != UNKNOWN_FIELD or meaning_of(together).stops:
            return together
        if len(wanted) == 1:
            self._unknown.add(wanted[0])
            return {}
        found: dict[str, object] = {}
        for name in wanted:
            alone = await self.more([name])
            if isinstance(alone, Declined | Unanswered):
                return alone
            found |= alone
        return found
