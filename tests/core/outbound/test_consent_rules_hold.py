"""Whatever people, providers, files and clocks do: what the ledger says is checked against a model kept apart."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.outbound.consent_import import ConsentDefaults
from app.domain.consent import ASKED_FOR, Purpose
from app.domain.errors import Problem
from app.domain.messages import ProviderMessage, WirePreference
from tests.core.outbound.harness import NOON, phone
from tests.core.outbound.test_consents import Program, program

pytestmark = pytest.mark.slow

PEOPLE = [phone(number) for number in (1, 2)]
PURPOSES = (Purpose.CONVERSATION, Purpose.CAMPAIGN)
DAY = timedelta(days=1)

who, purpose = st.integers(0, 1), st.sampled_from(PURPOSES)
actions = st.one_of(
    st.tuples(st.sampled_from(["grant", "allow_again", "revoke"]), who, purpose),
    st.tuples(st.sampled_from(["opt_out", "erase", "resume"]), who),
    st.tuples(st.sampled_from(["message", "stop"]), who, st.sampled_from([timedelta(), timedelta(hours=1), 2 * DAY])),
    st.tuples(st.just("import"), who, purpose, st.sampled_from([None, timedelta(), DAY, 30 * DAY])),
    st.tuples(st.sampled_from(["undo", "again", "restart"])),
    st.tuples(st.just("clock"), st.sampled_from([-100_000, -60, 1, 3_600, 200_000])),
)


@dataclass
class Contact:
    """What somebody said last, by purpose."""

    granted: dict[Purpose, tuple[datetime, str, str]] = field(default_factory=dict)  # when, by which import, the text
    revoked: dict[Purpose, tuple[datetime, str]] = field(default_factory=dict)
    out: dict[Purpose, datetime] = field(default_factory=dict)
    grants: list[datetime] = field(default_factory=list)
    messages: set[datetime] = field(default_factory=set)
    stops: set[datetime] = field(default_factory=set)
    resumes: list[datetime] = field(default_factory=list)
    before_stop: dict[Purpose, str] | None = None  # what held until the stops that nothing followed
    last_stop: datetime = NOON
    known: bool = False  # by the history
    named: bool = False  # by the ledger
    erased_at: datetime | None = None

    def grant(self, purpose: Purpose, at: datetime, text: str, by_import: str = "") -> None:
        self.granted[purpose] = (at, by_import, text)
        self.revoked.pop(purpose, None)
        self.out.pop(purpose, None)
        self.grants.append(at)
        self.before_stop = None

    def learn(self, at: datetime) -> None:
        """What was said *at* that time names them, unless they were erased since."""
        self.named |= self.erased_at is None or at > self.erased_at

    def revoke(self, purpose: Purpose, at: datetime, by_import: str = "") -> None:
        del self.granted[purpose]
        self.revoked[purpose] = (at, by_import)
        self.before_stop = None

    def opt_out(self, at: datetime) -> None:
        self.granted.clear()
        self.revoked = dict.fromkeys((), (at, ""))
        self.out = dict.fromkeys(ASKED_FOR, at)
        self.before_stop = None


@dataclass
class Model:
    """The same acts, done to the program and to `Contact`."""

    stack: AsyncExitStack
    folder: Path
    p: Program
    contacts: list[Contact] = field(default_factory=lambda: [Contact() for _ in PEOPLE])
    imports: list[tuple[str, int, Purpose, dict[Purpose, datetime]]] = field(default_factory=list)
    stored: list[ProviderMessage] = field(default_factory=list)
    count: int = 0

    @property
    def now(self) -> datetime:
        return self.p.core.clock.now()  # which never goes back

    async def play(self, action: tuple[Any, ...]) -> None:
        self.count += 1
        kind, *how = action
        await getattr(self, f"_{kind}")(*how)
        await self.check()

    @property
    def _text(self) -> str:
        return f"texto {self.count}"

    async def _grant(self, person: int, purpose: Purpose) -> None:
        allowed = purpose not in self.contacts[person].out
        granting = self.p.ledger.grant(self.p.ana.id, PEOPLE[person], purpose, wording=self._text, version="1")
        assert await done(granting) is allowed
        if allowed:
            self.contacts[person].grant(purpose, self.now, self._text)
            self.contacts[person].named = True

    async def _allow_again(self, person: int, purpose: Purpose) -> None:
        await self.p.ledger.allow_again(self.p.ana.id, PEOPLE[person], purpose, wording=self._text, version="1")
        self.contacts[person].grant(purpose, self.now, self._text)
        self.contacts[person].named = True

    async def _revoke(self, person: int, purpose: Purpose) -> None:
        allowed = purpose in self.contacts[person].granted
        assert await done(self.p.ledger.revoke(self.p.ana.id, PEOPLE[person], purpose)) is allowed
        if allowed:
            self.contacts[person].revoke(purpose, self.now)
            self.contacts[person].named = True

    async def _opt_out(self, person: int) -> None:
        await self.p.ledger.opt_out(self.p.ana.id, PEOPLE[person])
        self.contacts[person].opt_out(self.now)
        self.contacts[person].named = True

    async def _again(self) -> None:
        """What was delivered is delivered again."""
        await self.p.core.history.store(self.p.ana, self.stored[-3:], self.now)

    async def _clock(self, seconds: int) -> None:
        self.p.clock.time += timedelta(seconds=seconds)

    async def _restart(self) -> None:
        now = self.p.clock.time
        await self.stack.aclose()
        self.p = await self.stack.enter_async_context(program(self.folder))
        self.p.clock.time = now

    async def _message(self, person: int, age: timedelta) -> None:
        sent_at = self.now - age
        contact, chat = self.contacts[person], (PEOPLE[person],)
        message = ProviderMessage(
            provider_id=f"M{self.count}",
            chat=chat,
            sender=chat,
            from_me=False,
            text="Sair.",
            sent_at=sent_at,
            received_at=self.now,
        )
        await self.p.core.history.store(self.p.ana, [message], self.now)
        self.stored.append(message)
        contact.known |= contact.erased_at is None or sent_at > contact.erased_at
        old = self.now - sent_at > DAY and any(at > sent_at for at in contact.grants)
        if not old and sent_at not in contact.messages:
            contact.messages.add(sent_at)
            contact.learn(sent_at)
            contact.opt_out(sent_at)

    async def _stop(self, person: int, age: timedelta) -> None:
        contact, at = self.contacts[person], self.now - age
        preference = WirePreference(who=(PEOPLE[person],), stopped=True, at=at)
        await self.p.core.history.store(self.p.ana, [preference, preference], self.now)
        if at in contact.stops or any(resumed > at for resumed in contact.resumes):
            return
        before = contact.before_stop
        if before is None:
            before = {purpose: text for purpose, (_, _, text) in contact.granted.items()}
        contact.opt_out(at)
        contact.learn(at)
        contact.stops.add(at)
        contact.before_stop, contact.last_stop = before, at

    async def _resume(self, person: int) -> None:
        contact = self.contacts[person]
        preference = WirePreference(who=(PEOPLE[person],), stopped=False, at=self.now)
        await self.p.core.history.store(self.p.ana, [preference, preference], self.now)
        before = contact.before_stop
        if before and contact.last_stop <= self.now:
            contact.resumes.append(self.now)
            contact.learn(self.now)
            for purpose, text in before.items():
                contact.grant(purpose, self.now, text)

    async def _import(self, person: int, purpose: Purpose, age: timedelta | None) -> None:
        text, at = self._text, None if age is None else self.now - age
        contact, imports = self.contacts[person], self.p.core.consent.imports
        data = f"Telefone;Texto;Data\n{PEOPLE[person].value};{text};{'' if at is None else at.isoformat()}\n"
        rows = await imports.preview(self.p.ana.id, data.encode(), ConsentDefaults(purpose=purpose, version="1"))
        out, revoked = contact.out.get(purpose), contact.revoked.get(purpose)
        taken_back = None if revoked is None or revoked[1] else revoked[0]
        since = max((each for each in (out, taken_back) if each is not None), default=None)
        allowed = since is None or (at is not None and at > since)
        assert (rows[0].problem is None) is allowed, rows
        if allowed:
            made = await imports.import_rows(self.p.ana.id, rows)
            self.imports.append((made.id, person, purpose, dict(contact.out)))
            contact.grant(purpose, at or self.now, text, made.id)
            contact.named = True

    async def _undo(self) -> None:
        if not self.imports:
            return
        import_id, person, purpose, out = self.imports.pop()
        contact = self.contacts[person]
        stands = contact.granted.get(purpose, (NOON, "", ""))[1] == import_id
        assert await self.p.core.consent.imports.undo(self.p.ana.id, import_id) == stands
        if stands and purpose in out:
            contact.opt_out(out[purpose])
        elif stands:
            contact.revoke(purpose, self.now, import_id)

    async def _erase(self, person: int) -> None:
        """Opt-outs hold on, also those that are delivered again; a consent of before counts no more."""
        contact = self.contacts[person]
        recorded = await self.p.ledger.history(self.p.ana.id, PEOPLE[person])
        anew = contact.known or contact.named
        erasing = self.p.core.personal_data.erase_contact(self.p.ana.id, PEOPLE[person])
        assert await done(erasing) is (anew or contact.erased_at is not None)
        if anew:
            contact.known, contact.named, contact.erased_at = False, False, self.now
        if not anew or not recorded:
            return
        contact.granted.clear()
        contact.revoked = dict.fromkeys((each for each in ASKED_FOR if each not in contact.out), (self.now, ""))
        contact.before_stop = None

    async def check(self) -> None:
        for contact, address in zip(self.contacts, PEOPLE, strict=True):
            for purpose in ASKED_FOR:
                state = await self.p.ledger.state(self.p.ana.id, address, purpose)
                assert state.granted is (purpose in contact.granted)
                assert state.opted_out_at == contact.out.get(purpose)


async def done(act: Any) -> bool:
    """Whether it was not refused."""
    try:
        await act
    except Problem:
        return False
    return True


async def play(folder: Path, todo: list[tuple[Any, ...]]) -> None:
    async with AsyncExitStack() as stack:
        model = Model(stack, folder, await stack.enter_async_context(program(folder)))
        for action in todo:
            await model.play(action)


@settings(max_examples=40, deadline=None)
@given(st.lists(actions, max_size=15))
def test_what_the_ledger_says_is_what_was_said_last(todo: list[tuple[Any, ...]]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        asyncio.run(play(folder, todo))
    finally:
        shutil.rmtree(folder)
