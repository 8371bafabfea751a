"""Whatever people, providers and clocks do: the rules are checked again here, from what the provider was asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from app.domain.consent import ConsentChange, Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado
from app.domain.outbound import OutboundLimits, OutboundMessage, OutboundState
from app.domain.sending import Accepted, NotSent, OutgoingMessage, SendErrorKind, SendResult, Uncertain
from app.storage.database import Database
from tests.core.outbound.harness import Sending, phone, play_at_random, sending

pytestmark = pytest.mark.slow

LIMITS = OutboundLimits(
    per_minute=2,
    per_hour=4,
    per_day=7,
    warm_up_first=7,
    per_recipient_hour=2,
    per_recipient_day=3,
    per_business_day=6,
    new_contacts_per_day=2,
    similar_texts_per_day=2,
)
PEOPLE = [phone(number) for number in range(4)]
TEXTS = ["Oi, a aula de amanhã começa às dez horas em ponto", "Recebi os documentos, obrigado e até logo"]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

AGREED: list[tuple[Any, ...]] = [
    ("say", who, ConsentChange.GRANTED, purpose)
    for who in range(len(PEOPLE))
    for purpose in (Purpose.CONVERSATION, Purpose.CAMPAIGN)
]

people = st.integers(0, len(PEOPLE) - 1)
actions = st.one_of(
    st.tuples(st.just("send"), people, st.sampled_from([Purpose.CONVERSATION, Purpose.CAMPAIGN]), st.integers(0, 1)),
    *(
        st.tuples(st.just("send"), people, st.just(purpose), st.integers(0, 1))
        for purpose in (Purpose.CONVERSATION, Purpose.CAMPAIGN)
    ),
    st.tuples(st.just("say"), people, st.sampled_from(ConsentChange), st.sampled_from(Purpose)),
    st.tuples(st.just("say"), people, st.just(ConsentChange.GRANTED), st.just(Purpose.CAMPAIGN)),
    st.tuples(st.just("receive"), people),
    st.tuples(st.just("clock"), st.sampled_from([-90_000, -3_600, 30, 61, 3_601, 20_000, 86_401])),
    st.tuples(
        st.just("answer"),
        st.sampled_from(
            [
                Uncertain(),
                NotSent(trouble=SendErrorKind.TRANSIENT),
                NotSent(trouble=SendErrorKind.POLICY_BLOCK, code="463"),
                Problem(ProblemCode.REQUEST_TIMED_OUT, seconds="5"),
            ]
        ),
    ),
    st.tuples(st.just("restart")),
    st.tuples(st.just("release")),
)


@dataclass
class Asked:
    """One call of the provider, with what was true then."""

    at: datetime
    who: int
    purpose: Purpose
    text: int
    reference: str
    new: bool
    result: object = None


@dataclass
class Model:
    """What people said and did, kept apart from the program."""

    s: Sending
    agreed: set[tuple[int, Purpose]] = field(default_factory=set)
    out: dict[int, datetime] = field(default_factory=dict)
    out_for: dict[int, set[Purpose]] = field(default_factory=dict)
    wrote: dict[int, datetime] = field(default_factory=dict)
    log: list[Asked] = field(default_factory=list)
    stopped: bool = False
    now: tuple[int, Purpose, int] = (0, Purpose.CAMPAIGN, 0)

    def on_asked(self, message: OutgoingMessage) -> None:
        who, purpose, text = self.now
        assert message.to == PEOPLE[who]
        self.log.append(Asked(self.s.clock.now(), who, purpose, text, message.reference, new=who not in self.wrote))
        self.check(self.log[-1])

    def check(self, asked: Asked) -> None:
        assert not self.stopped, "sent although the number was stopped"
        opted_out_at = self.out.get(asked.who) if asked.purpose in self.out_for.get(asked.who, set()) else None
        last = self.wrote.get(asked.who)
        if asked.purpose is Purpose.CAMPAIGN:
            assert opted_out_at is None
            assert (asked.who, Purpose.CAMPAIGN) in self.agreed, "sent without consent"
            assert 8 <= asked.at.hour < 20, "sent in quiet hours"
        else:
            assert opted_out_at is None or (last is not None and last > opted_out_at)
            assert last is not None or (asked.who, asked.purpose) in self.agreed
        counted = [each for each in self.log[:-1] if not isinstance(each.result, NotSent)]

        def within(window: timedelta, *, who: int | None = None) -> int:
            return sum(each.at > asked.at - window and who in (None, each.who) for each in counted)

        assert within(timedelta(minutes=1)) < 2
        assert within(HOUR) < 4
        assert within(DAY) < 6
        assert within(HOUR, who=asked.who) < 2
        assert within(DAY, who=asked.who) < 3
        day = [each for each in counted if each.at > asked.at - DAY and each.who != asked.who]
        assert len({each.who for each in day if each.text == asked.text}) < 2
        if asked.new:
            assert len({each.who for each in day if each.new}) < 2

    async def play(self, action: tuple[Any, ...]) -> None:
        s = self.s
        match action:
            case ("send", who, purpose, text):
                self.now = (who, purpose, text)
                before = len(self.log)
                try:
                    sent = await s.send(PEOPLE[who], TEXTS[text], purpose)
                except Problem:
                    sent = None
                assert len(self.log) <= before + 1
                assert (len(self.log) > before) is (sent is None or isinstance(sent, OutboundMessage))
            case ("say", who, change, purpose):
                await s.say(PEOPLE[who], change, None if change is ConsentChange.OPTED_OUT else purpose)
                if change is ConsentChange.GRANTED:
                    self.agreed.add((who, purpose))
                    self.out_for.get(who, set()).discard(purpose)
                elif change is ConsentChange.REVOKED:
                    self.agreed.discard((who, purpose))
                else:
                    self.out[who], self.out_for[who] = s.clock.now(), set(Purpose)
                    self.agreed -= {(who, each) for each in Purpose}
            case ("receive", who):
                await s.receive(PEOPLE[who], text=f"Olá {len(self.log)} {s.clock.now()}")
                self.wrote[who] = max(s.clock.now(), self.wrote.get(who, s.clock.now()))
            case ("clock", seconds):
                s.clock.time += timedelta(seconds=seconds)
            case ("answer", answer):
                s.provider.answers.append(answer)
            case ("restart",):
                await s.again()
            case _:  # release
                await s.service.release(s.ana.id)
                self.stopped = False


async def play(folder: Path, todo: list[tuple[Any, ...]]) -> int:
    """Do all of *todo*; returns how often the provider was asked."""
    async with sending(folder, limits=LIMITS) as s:
        model = Model(s)
        send = s.provider.send

        async def watched(mentorado: Mentorado, message: OutgoingMessage) -> SendResult:
            model.on_asked(message)
            try:
                result = await send(mentorado, message)
            except Problem:
                model.log[-1].result = Uncertain()
                raise
            model.log[-1].result = result
            if isinstance(result, NotSent) and result.trouble is SendErrorKind.POLICY_BLOCK:
                model.stopped = True
            return result

        s.provider.send = watched  # type: ignore[method-assign]
        for action in (*AGREED, *todo):
            await model.play(action)
        assert len({each.reference for each in model.log}) == len(model.log), "sent twice"
        now = max([s.clock.now(), *(each.at for each in model.log)])
        rows = {each.reference: each.state for each in (await s.repository.facts(s.ana, PEOPLE[0], now)).sent}
        for each in model.log:
            if each.reference in rows:
                assert (
                    rows[each.reference]
                    is {
                        Accepted: OutboundState.ACCEPTED,
                        NotSent: OutboundState.NOT_SENT,
                        Uncertain: OutboundState.UNCERTAIN,
                    }[type(each.result)]
                )
        return len(model.log)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of today's shape, to begin each run with."""
    folder = tmp_path_factory.mktemp("empty")

    async def make() -> None:
        async with Database(folder / "conecta.db"):
            pass

    asyncio.run(make())
    return folder


def test_no_rule_is_ever_broken(empty: Path) -> None:
    assert play_at_random(empty, st.lists(actions, min_size=5, max_size=40), play, times=40) > 50
