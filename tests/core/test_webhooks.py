"""Whether webhooks are received, who is let in, and where what came goes; the receiver and the lines are played."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from app.core.bus import Bus
from app.core.chores import Chores
from app.core.enrolments import Enrolments
from app.core.hosted.webhook_counts import SUMMARY_SECONDS
from app.core.hosted.webhook_doors import VERIFY_TOKEN, path_name
from app.core.hosted.webhooks import ENDED_SECONDS, PLACE_SECONDS, Phase, WebhookDesk
from app.core.operator_desk import OperatorDesk
from app.core.scribe import Scribe
from app.core.witness import Witness
from app.domain.connection import LinkState, LinkStatus
from app.domain.credentials import CredentialField, Credentials, as_text, secret_name
from app.domain.errors import Code, Problem
from app.domain.events import StatusChanged, WebhooksChanged
from app.domain.mentorado import Enrolment, Link, LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.messages import Delivery, WireFact, WireMessage, WireReceipt, WireUnknown
from app.domain.phone import PhoneNumber
from app.domain.webhooks import Door, Doors, Handed, Outcome, Tallied, Tally, WebhookSettings
from tests.clock import DAWN, ManualClock, settle
from tests.core.test_operator_desk import PlayedSettings
from tests.played import PlayedAudit, PlayedProvider, PlayedRoster, somebody, witness_of
from tests.storage.talk import said

F = CredentialField


class PlayedSecrets:
    """Secrets in memory; *locked* while a passphrase is missing."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.locked = False

    async def get(self, name: str) -> str | None:
        if self.locked:
            raise Problem(Code.SECRETS_LOCKED)
        return self.kept.get(name)

    async def set(self, name: str, value: str) -> None:
        self.kept[name] = value


class PlayedReception:
    """An open receiver: `say` what it would, and look at what it was told."""

    def __init__(self, place: WebhookSettings | None) -> None:
        self.place = place
        self.port = place.port if place else 0
        self.doors: list[Doors] = []
        self.told: list[tuple[str, LinkId, int]] = []
        self.closed = False
        self._said: asyncio.Queue[Handed | Tallied | None] = asyncio.Queue()

    def say(self, *said: Handed | Tallied | None) -> None:
        for each in said:
            self._said.put_nowait(each)

    def admit(self, doors: Doors) -> None:
        self.doors.append(doors)

    async def words(self) -> AsyncIterator[Handed | Tallied]:
        while (each := await self._said.get()) is not None:
            yield each

    def confirm(self, link_id: LinkId, mark: int) -> None:
        self.told.append(("confirm", link_id, mark))

    def postpone(self, link_id: LinkId) -> None:
        self.told.append(("postpone", link_id, 0))

    def offer_again(self, link_id: LinkId) -> None:
        self.told.append(("again", link_id, 0))


class PlayedReceiver:
    """Opens receptions, unless there is a *problem*."""

    def __init__(self) -> None:
        self.opened: list[PlayedReception] = []
        self.tried: list[WebhookSettings] = []
        self.problem: Problem | None = None
        self.left = False

    @property
    def now(self) -> PlayedReception:
        return self.opened[-1]

    @asynccontextmanager
    async def open(self, place: WebhookSettings | None) -> AsyncIterator[PlayedReception]:
        if self.problem is not None:
            raise self.problem
        self.opened.append(reception := PlayedReception(place))
        try:
            yield reception
        finally:
            reception.closed = True

    async def try_place(self, place: WebhookSettings) -> None:
        assert all(reception.closed for reception in self.opened), "it would find its own port taken"
        self.tried.append(place)
        if self.problem is not None:
            raise self.problem

    async def has_left(self) -> bool:
        return self.left


class TakingProvider(PlayedProvider):
    """A hosted provider whose lines take deliveries while they are open."""

    def __init__(self) -> None:
        super().__init__()
        self.open = True
        self.broken = False
        self.taken: list[tuple[LinkId, Sequence[WireFact], bool]] = []
        self.confirms: list[Callable[[], None]] = []

    def deliver(self, link_id: LinkId, facts: Sequence[WireFact], check: bool, confirm: Callable[[], None]) -> bool:
        if self.broken or any(isinstance(fact, WireMessage) and fact.text == "veneno" for fact in facts):
            raise RuntimeError("a bug")
        if self.open:
            self.taken.append((link_id, facts, check))
            self.confirms.append(confirm)
        return self.open


def person(name: str, provider: ProviderKind, *, archived: bool = False) -> Enrolment:
    letter = name[0].lower()
    mentorado = Mentorado(
        id=MentoradoId(f"{ord(letter):032x}"),
        name=name,
        phone=PhoneNumber(f"+55119876500{ord(letter) % 100:02}"),
        created_at=DAWN,
        archived_at=DAWN if archived else None,
    )
    return Enrolment(mentorado, Link(id=LinkId(letter * 32), mentorado_id=mentorado.id, provider=provider))


ANA = person("Ana", ProviderKind.ZAPI)
BIA = person("Bia", ProviderKind.META_CLOUD)
CAIO = person("Caio", ProviderKind.WHATSAPP_WEB)
DORA = person("Dora", ProviderKind.META_CLOUD)  # without her app's secret
EVA = person("Eva", ProviderKind.ZAPI, archived=True)
FABIO = person("Fabio", ProviderKind.ZAPI)  # without credentials
ZAPI: Credentials = {F.INSTANCE_ID: "INSTANCE", F.INSTANCE_TOKEN: "t"}
META: Credentials = {F.ACCESS_TOKEN: "t", F.PHONE_NUMBER_ID: "1111", F.WABA_ID: "1", F.APP_SECRET: "the-secret"}


class Office:
    """The desk over the core's own parts."""

    def __init__(self, settings: WebhookSettings | None = None) -> None:
        self.bus, self.clock, self.audit = Bus(), ManualClock(), PlayedAudit()
        self.scribe = Scribe(bus=self.bus, clock=self.clock)
        self.secrets, self.receiver, self.provider = PlayedSecrets(), PlayedReceiver(), TakingProvider()
        for enrolment, credentials in ((ANA, ZAPI), (BIA, META), (EVA, ZAPI)):
            self.secrets.kept[secret_name(enrolment.link.id)] = as_text(credentials)
        self.secrets.kept[secret_name(DORA.link.id)] = as_text({**META, F.APP_SECRET: ""})
        self.enrolments = Enrolments(
            bus=self.bus,
            roster=PlayedRoster(ANA, BIA, CAIO, DORA, EVA, FABIO),
            clock=self.clock,
            witness=witness_of(self.audit),
        )
        self.store = PlayedSettings(None)
        if settings is not None:
            self.store.settings = replace(self.store.settings, webhooks=settings)
        witness = Witness(audit=self.audit, scribe=self.scribe, clock=self.clock, actor=somebody)
        self.operator = OperatorDesk(bus=self.bus, store=self.store, witness=witness, clock=self.clock)
        tokens = iter(f"token-{number}" for number in range(100))
        self.desk = WebhookDesk(
            bus=self.bus,
            desk=self.operator,
            receiver=self.receiver,
            enrolments=self.enrolments,
            providers={ProviderKind.ZAPI: self.provider, ProviderKind.WHATSAPP_WEB: PlayedProvider()},
            secrets=self.secrets,  # type: ignore[arg-type] # no more of it is asked
            clock=self.clock,
            token=lambda: next(tokens),
        )
        self.changes = 0
        self.bus.subscribe(WebhooksChanged, self._count)

    def phase(self) -> Phase:
        return self.desk.phase

    def trouble(self) -> Code | None:
        return None if self.desk.problem is None else self.desk.problem.code

    def _count(self, _event: WebhooksChanged) -> None:
        self.changes += 1

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with Chores(self.scribe.run, self.desk.run):
            await self.operator.load()
            await self.enrolments.load()
            await settle()
            yield

    def moved(self, enrolment: Enrolment, before: LinkState, after: LinkState) -> None:
        old, new = LinkStatus(state=before, since=DAWN), LinkStatus(state=after, since=DAWN)
        self.bus.publish(StatusChanged(enrolment.mentorado.id, enrolment.link.id, old, new))


ON = WebhookSettings(on=True)


def handed(enrolment: Enrolment, mark: int, *facts: WireFact, check: bool = False) -> Handed:
    return Handed(link_id=enrolment.link.id, mark=mark, facts=facts, check=check)


def door(enrolment: Enrolment, provider: ProviderKind, key: str, secret: str) -> Door:
    number = enrolment.mentorado.phone
    return Door(link_id=enrolment.link.id, provider=provider, key=key, secret=secret, number=number)


def play(office: Office, use: Callable[[], object]) -> None:
    async def main() -> None:
        async with asyncio.timeout(10), office.running():
            await use()  # type: ignore[misc] # a coroutine function

    asyncio.run(main())


def test_they_are_off_until_somebody_wants_them() -> None:
    office = Office()

    async def use() -> None:
        assert office.phase() is Phase.OFF
        assert office.receiver.opened == []
        assert office.secrets.kept.keys() == {secret_name(each.link.id) for each in (ANA, BIA, DORA, EVA)}
        await office.desk.switch_on()
        await settle()
        assert office.phase() is Phase.LISTENING
        assert office.receiver.tried == [ON]
        assert office.store.settings.webhooks.on
        await office.desk.switch_on()  # it is
        await office.desk.switch_off()
        await settle()
        assert office.receiver.now.closed
        assert office.phase() is Phase.OFF
        assert len(office.receiver.opened) == 1
        said = [(entry.deed.before["value"], entry.deed.after["value"]) for entry in office.audit.outcomes]
        assert said == [("off 127.0.0.1:8790", "on 127.0.0.1:8790"), ("on 127.0.0.1:8790", "off 127.0.0.1:8790")]

    play(office, use)


def test_a_place_that_is_taken_is_said_and_nothing_changes() -> None:
    office = Office()

    async def use() -> None:
        office.receiver.problem = Problem(Code.WEBHOOK_PORT_TAKEN, port="8790")
        with pytest.raises(Problem):
            await office.desk.switch_on()
        await settle()
        assert office.phase() is Phase.OFF
        assert not office.store.settings.webhooks.on

    play(office, use)


def test_moving_closes_the_old_place_first_and_comes_back_to_it_when_the_new_one_is_taken() -> None:
    office = Office(ON)

    async def use() -> None:
        await office.desk.move(" 0.0.0.0 ", "9000")
        await settle()
        assert [each.place for each in office.receiver.opened] == [ON, replace(ON, address="0.0.0.0", port=9000)]  # noqa: S104
        office.receiver.problem = Problem(Code.WEBHOOK_PORT_TAKEN, port="9001")

        async def free_again() -> None:
            while not office.receiver.tried[1:]:
                await asyncio.sleep(0)
            office.receiver.problem = None

        async with asyncio.TaskGroup() as group:
            group.create_task(free_again())
            with pytest.raises(Problem):
                await office.desk.move("localhost", "9001")
        await settle()
        assert office.desk.settings.port == 9000
        assert office.receiver.now.place == replace(ON, address="0.0.0.0", port=9000)  # noqa: S104
        assert not office.receiver.now.closed

    play(office, use)


def test_while_they_are_off_a_place_is_only_remembered() -> None:
    office = Office()

    async def use() -> None:
        await office.desk.move("::1", "9000")
        assert office.receiver.tried == []
        assert (office.desk.settings.address, office.desk.settings.port) == ("::1", 9000)
        assert (await office.desk.ways_in())[0].url.startswith("http://[::1]:9000/zapi/")

    play(office, use)


@pytest.mark.parametrize(
    ("address", "port", "code"),
    [
        ("", "8790", Code.WEBHOOK_ADDRESS_UNUSABLE),
        ("relay.example", "8790", Code.WEBHOOK_ADDRESS_UNUSABLE),
        ("127.0.0.1", "0", Code.WEBHOOK_PORT_INVALID),
        ("127.0.0.1", "65536", Code.WEBHOOK_PORT_INVALID),
        ("127.0.0.1", "٣٣", Code.WEBHOOK_PORT_INVALID),
        ("127.0.0.1", "", Code.WEBHOOK_PORT_INVALID),
    ],
)
def test_what_is_no_place_is_said(address: str, port: str, code: Code) -> None:
    office = Office()

    async def use() -> None:
        with pytest.raises(Problem) as refused:
            await office.desk.move(address, port)
        assert refused.value.code is code

    play(office, use)


def test_the_public_address_is_https_and_nothing_more() -> None:
    office = Office()

    async def use() -> None:
        await office.desk.set_public_url(" https://relay.example/conecta/ ")
        assert office.desk.settings.public_url == "https://relay.example/conecta"
        ways = {way.enrolment.mentorado.name: (way.url, way.believed) for way in await office.desk.ways_in()}
        assert ways == {
            "Ana": ("https://relay.example/conecta/zapi/token-0", True),
            "Bia": ("https://relay.example/conecta/meta", True),
            "Dora": ("https://relay.example/conecta/meta", False),
        }
        for wrong in ("http://relay.example", "relay.example", "https://", "https://a?b", "https://a b", "https://u@a"):
            with pytest.raises(Problem) as refused:
                await office.desk.set_public_url(wrong)
            assert refused.value.code is Code.WEBHOOK_URL_INVALID
        with pytest.raises(Problem):
            await office.desk.set_public_url("https://[::1")
        await office.desk.set_public_url("")
        assert office.desk.settings.public_url == ""

    play(office, use)


def test_each_link_with_credentials_gets_a_door_and_what_is_unguessable_stays_the_same() -> None:
    office = Office(ON)

    async def use() -> None:
        (doors,) = office.receiver.now.doors[-1:]
        assert doors == Doors(
            doors=(
                door(ANA, ProviderKind.ZAPI, "INSTANCE", "token-0"),
                door(BIA, ProviderKind.META_CLOUD, "1111", "the-secret"),
            ),
            verify_token="token-1",
        )
        assert office.secrets.kept[path_name(ANA.link.id)] == "token-0"
        assert office.secrets.kept[VERIFY_TOKEN] == await office.desk.verify_token() == "token-1"
        assert "token-0" not in repr(doors)
        office.secrets.kept[secret_name(DORA.link.id)] = as_text({**META, F.PHONE_NUMBER_ID: "2222"})
        office.secrets.kept[secret_name(BIA.link.id)] = "damaged"
        office.moved(DORA, LinkState.OFF, LinkState.CONNECTING)
        await settle()
        keys = [door.key for door in office.receiver.now.doors[-1].doors]
        assert keys == ["INSTANCE", "2222"]
        told = len(office.receiver.now.doors)
        office.moved(CAIO, LinkState.OFF, LinkState.CONNECTING)
        await office.enrolments.save_link(replace(CAIO.link, wanted=True))
        await settle()
        assert len(office.receiver.now.doors) == told  # a link of WhatsApp Web has none
        await office.enrolments.save_link(replace(ANA.link, provider=ProviderKind.WHATSAPP_WEB))
        await settle()
        assert [door.key for door in office.receiver.now.doors[-1].doors] == ["2222"]

    play(office, use)


def test_while_secrets_are_locked_the_receiver_knows_that_it_does_not_know_all() -> None:
    office = Office(ON)
    office.secrets.locked = True

    async def use() -> None:
        assert office.receiver.now.doors[-1] == Doors(complete=False)
        with pytest.raises(Problem) as refused:
            await office.desk.ways_in()
        assert refused.value.code is Code.SECRETS_LOCKED
        office.secrets.locked = False
        office.desk.look_again()
        await settle()
        assert office.receiver.now.doors[-1].complete

    play(office, use)


def test_what_came_goes_to_the_open_line_and_is_confirmed_once_it_is_stored() -> None:
    office = Office(ON)

    async def use() -> None:
        reception = office.receiver.now
        reception.say(handed(ANA, 1, said("M1"), check=True), handed(ANA, 2, said("M2")), handed(ANA, 3, check=True))
        await settle()
        assert office.provider.taken == [
            (ANA.link.id, (said("M1"),), True),
            (ANA.link.id, (said("M2"),), False),
            (ANA.link.id, (), True),
        ]
        assert reception.told == [("confirm", ANA.link.id, 3)]  # of that one, nothing is to be stored
        for confirm in office.provider.confirms[:2]:
            confirm()
        assert [mark for _, _, mark in reception.told] == [3, 1, 2]
        office.moved(ANA, LinkState.RECONNECTING, LinkState.CONNECTED)
        assert len(reception.told) == 3  # everything is settled

    play(office, use)


def test_without_an_open_line_it_waits_until_there_is_one() -> None:
    office = Office(ON)
    office.provider.open = False

    async def use() -> None:
        reception = office.receiver.now
        reception.say(handed(ANA, 1, said("M1")), handed(BIA, 2, said("M2")), handed(ANA, 3, check=True))
        await settle()
        assert reception.told == [
            ("postpone", ANA.link.id, 0),
            ("postpone", BIA.link.id, 0),  # whose provider is not there
            ("confirm", ANA.link.id, 3),  # a hint that nobody needs any more
        ]
        office.moved(ANA, LinkState.CONNECTING, LinkState.CONNECTING)
        office.moved(ANA, LinkState.CONNECTING, LinkState.RECONNECTING)
        assert len(reception.told) == 3
        office.moved(ANA, LinkState.RECONNECTING, LinkState.CONNECTED)
        assert reception.told[3:] == [("again", ANA.link.id, 0)]

    play(office, use)


def test_what_a_line_had_not_stored_is_offered_to_the_next_one() -> None:
    office = Office(ON)

    async def use() -> None:
        reception = office.receiver.now
        reception.say(handed(ANA, 1, said("M1")))
        await settle()
        office.moved(ANA, LinkState.CONNECTED, LinkState.RECONNECTING)
        office.moved(ANA, LinkState.RECONNECTING, LinkState.UNKNOWN)
        assert reception.told == [("again", ANA.link.id, 0)]
        office.provider.confirms[0]()  # late, and true all the same
        assert reception.told[1:] == [("confirm", ANA.link.id, 1)]

    play(office, use)


def test_a_bug_in_one_line_stops_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    office = Office(ON)
    office.provider.broken = True

    async def use() -> None:
        office.receiver.now.say(handed(ANA, 1, said("M1")), handed(Enrolment(ANA.mentorado, CAIO.link), 2, said("M2")))
        await settle()
        assert [word for word, _, _ in office.receiver.now.told] == ["postpone", "postpone"]
        assert "could not be passed on" in caplog.text

    play(office, use)


def test_a_fact_that_the_line_fails_on_is_set_aside_and_the_others_arrive_in_order(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL)
    office = Office(ON)
    read = WireReceipt(provider_ids=("M0",), chat=(), delivery=Delivery.READ, at=DAWN)

    async def use() -> None:
        office.receiver.now.say(handed(ANA, 1, said("M1"), said("M2", "veneno"), read))
        await settle()
        first, aside, last = (facts for _, (*facts,), _ in office.provider.taken)
        assert (first, last) == ([said("M1")], [read])
        assert isinstance(aside[0], WireUnknown)
        assert (aside[0].kind, aside[0].detail) == ("message", "RuntimeError")
        for confirm in office.provider.confirms[:-1]:
            confirm()
        assert office.receiver.now.told == [], "the delivery is not stored yet"
        office.provider.confirms[-1]()
        assert office.receiver.now.told == [("confirm", ANA.link.id, 1)]

    play(office, use)


def test_a_line_that_fails_on_what_is_set_aside_too_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    office = Office(ON)
    office.provider.broken = True

    async def use() -> None:
        office.receiver.now.say(handed(ANA, 1, WireUnknown(kind="calls", payload="{}", at=DAWN)))
        await settle()
        assert [word for word, _, _ in office.receiver.now.told] == ["postpone"]

    play(office, use)


def test_what_is_for_a_link_that_is_gone_waits() -> None:
    office = Office(ON)

    async def use() -> None:
        gone = LinkId("9" * 32)
        office.receiver.now.say(Handed(link_id=gone, mark=1, facts=(said("M1"),), check=False))
        await settle()
        assert office.receiver.now.told == [("postpone", gone, 0)]

    play(office, use)


def test_a_receiver_that_breaks_is_opened_again_and_said(caplog: pytest.LogCaptureFixture) -> None:
    office = Office(ON)

    async def use() -> None:
        office.receiver.now.say(None)
        await settle()
        assert office.phase() is Phase.FAILED
        assert office.trouble() is Code.WEBHOOK_HOST_ENDED
        office.receiver.problem = Problem(Code.WEBHOOK_PORT_TAKEN, port="8790")
        await office.clock.advance(ENDED_SECONDS)
        assert office.trouble() is Code.WEBHOOK_PORT_TAKEN
        await office.clock.advance(PLACE_SECONDS)  # the log is not told twice
        office.receiver.problem = None
        await office.clock.advance(PLACE_SECONDS)
        assert office.phase() is Phase.LISTENING
        assert office.trouble() is None
        assert caplog.text.count("tried again") == 2

    play(office, use)


def test_what_fails_is_tried_at_once_when_the_settings_change(caplog: pytest.LogCaptureFixture) -> None:
    office = Office(ON)
    office.receiver.problem = Problem(Code.WEBHOOK_PORT_TAKEN, port="8790")

    async def use() -> None:
        assert office.phase() is Phase.FAILED
        office.receiver.problem = None
        await office.desk.move("127.0.0.1", "9000")
        await settle()
        assert office.phase() is Phase.LISTENING
        assert "webhook_port_taken" in caplog.text

    play(office, use)


def test_what_was_left_is_handed_out_though_they_are_off() -> None:
    office = Office()
    office.receiver.left = True

    async def use() -> None:
        assert office.receiver.now.place is None
        assert office.phase() is Phase.OFF
        office.receiver.now.say(handed(ANA, 1, said("M1")), None)
        await settle()
        assert len(office.provider.taken) == 1
        assert len(office.receiver.opened) == 1  # not again and again, should one never go

    play(office, use)


def test_counts_are_passed_on_and_summed_up_in_the_log_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    office = Office(ON)

    async def use() -> None:
        def tallied(accepted: int, refused: int) -> Tallied:
            tallies = (
                Tally(ANA.link.id, Outcome.ACCEPTED, accepted, DAWN),
                Tally(None, Outcome.SIGNATURE_WRONG, refused, DAWN),
            )
            return Tallied(tallies, {BIA.link.id: 3})

        changes = office.changes
        for number in range(50):
            office.receiver.now.say(tallied(number, 100 * number))
        await settle(100)
        assert office.changes == changes + 50
        assert office.desk.tallies[1].count == 4900
        assert office.desk.waiting == {BIA.link.id: 3}
        assert "refused until now" not in caplog.text
        await office.clock.advance(SUMMARY_SECONDS)
        office.receiver.now.say(tallied(50, 5000), tallied(51, 5100))
        await settle()
        await office.clock.advance(SUMMARY_SECONDS)
        office.receiver.now.say(tallied(50, 5000))
        await settle()
        assert caplog.text.count("50 accepted and 5000 refused until now") == 1

    play(office, use)
