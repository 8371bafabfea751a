"""Messages through the real host: they arrive once, in order, and again until they are confirmed."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

import psutil
import pytest

from app.domain.errors import Problem
from app.domain.link_status import Reason
from app.domain.mentorado import Mentorado
from app.domain.messages import (
    DeliveryReceipt,
    DeliveryStatus,
    MessageUpdate,
    ProviderMessage,
    WireUnknown,
    merge_delivery,
)
from app.domain.phone import PhoneNumber
from app.domain.provider import Blocked, Connected, Connection, Failed, MessagesReceived
from app.platform.locks import read_owner
from app.providers.whatsapp_web.connection import SessionConnection
from app.providers.whatsapp_web.host.engine import Engine, Listener, own_users_of
from app.providers.whatsapp_web.host.event_mapping import Event
from app.providers.whatsapp_web.host.forwarder import SENDING, SENT
from app.providers.whatsapp_web.host.session import Session
from app.providers.whatsapp_web.host.spool import SessionSpool
from app.providers.whatsapp_web.host.start_lock import StartLock
from app.providers.whatsapp_web.protocol import FromHost, Open, OpenMode, SessionState, StateChanged
from tests.providers.conftest import ProviderHarness, digits, run


@dataclass(slots=True)
class FactRecorder:
    """Everything that arrived, stored as the history does: each id once, each delivery forward."""

    messages: dict[str, ProviderMessage] = field(default_factory=dict)
    deliveries: dict[str, DeliveryStatus] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    unknown: list[WireUnknown] = field(default_factory=list)
    opened: bool = False

    def hear(self, facts: Sequence[MessageUpdate]) -> None:
        for fact in facts:
            if isinstance(fact, DeliveryReceipt):
                for each in fact.provider_ids:
                    self.deliveries[each] = merge_delivery(self.deliveries.get(each), fact.delivery)
            elif isinstance(fact, WireUnknown):
                self.unknown.append(fact)
            elif not isinstance(fact, ProviderMessage):
                continue
            elif fact.provider_id in self.messages:
                self.again.append(fact.provider_id)
            else:
                self.messages[fact.provider_id] = fact

    async def listen(self, line: Connection, enough: Callable[[], bool], *, confirm: bool = True) -> None:
        """Take in what arrives until it is *enough* or the line is over."""
        self.opened = False
        async for signal_ in line.events():
            self.opened = self.opened or isinstance(signal_, Connected)
            if isinstance(signal_, MessagesReceived):
                self.hear(signal_.facts)
                self.marks.append(signal_.up_to)
                if confirm:
                    await line.confirm(signal_.up_to)
            if enough() or isinstance(signal_, Blocked | Failed):
                return


def host_of(harness: ProviderHarness, person: Mentorado) -> psutil.Process:
    owner = read_owner(harness.root / person.id / "host.lock")
    assert owner is not None
    return psutil.Process(owner.pid)


@pytest.mark.within(60)
async def test_messages_arrive_in_the_order_they_were_written(harness: ProviderHarness) -> None:
    control = harness.emulator.control
    ana, bia = harness.somebody(), harness.somebody()
    await harness.pair(ana)
    recorder = FactRecorder()
    async with harness.connected(ana) as line, asyncio.TaskGroup() as both:
        written = both.create_task(control.off_loop(control.stream_texts, digits(bia), digits(ana), 1500))
        await recorder.listen(line, lambda: len(recorder.messages) == 1500)
    assert list(recorder.messages) == written.result()
    assert [message.text for message in recorder.messages.values()] == [f"text {number}" for number in range(1500)]
    assert recorder.again == []
    assert recorder.marks == sorted(set(recorder.marks))


async def test_what_is_not_confirmed_arrives_again_on_the_next_line(harness: ProviderHarness) -> None:
    control = harness.emulator.control
    ana, bia = harness.somebody(), harness.somebody()
    await harness.pair(ana)
    first, second, third = FactRecorder(), FactRecorder(), FactRecorder()
    async with harness.connected(ana) as line:
        ids = await control.off_loop(control.stream_texts, digits(bia), digits(ana), 20)
        await first.listen(line, lambda: len(first.messages) == 20, confirm=False)
    async with harness.provider.connect(ana) as line:
        await second.listen(line, lambda: len(second.messages) == 20)
        await asyncio.sleep(0.2)
    assert list(second.messages.values()) == list(first.messages.values())
    async with harness.connected(ana) as line:
        ids.append(await control.off_loop(control.send_text, digits(bia), digits(ana), "mais um"))
        await third.listen(line, lambda: ids[-1] in third.messages)
    assert list(third.messages) == ids[-1:]


@pytest.mark.within(60)
async def test_no_more_is_passed_on_than_there_is_room_for(harness: ProviderHarness) -> None:
    """The app that does not confirm gets a thousand, and the rest when it does."""
    control = harness.emulator.control
    ana, bia = harness.somebody(), harness.somebody()
    await harness.pair(ana)
    recorder = FactRecorder()
    async with harness.connected(ana) as line:
        await control.off_loop(control.stream_texts, digits(bia), digits(ana), 1300)
        await control.off_loop(control.wait_acknowledged, 1300, 40)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await recorder.listen(line, lambda: False, confirm=False)
        assert len(recorder.messages) <= 1000
        await line.confirm(recorder.marks[-1])
        await recorder.listen(line, lambda: len(recorder.messages) == 1300)


async def test_what_is_sent_from_here_and_from_the_phone_arrives_too(harness: ProviderHarness) -> None:
    control = harness.emulator.control
    ana, bia = harness.somebody(), harness.somebody()
    await harness.pair(ana)
    recorder = FactRecorder()
    async with harness.connected(ana) as line:
        sent = await line.send_text(bia.phone, "daqui")
        await recorder.listen(line, lambda: recorder.deliveries.get(sent.message_id) is DeliveryStatus.DELIVERED)
        await control.off_loop(control.read, digits(bia), sent.message_id)
        by_phone = await control.off_loop(control.send_text, digits(ana), digits(bia), "do celular")
        await recorder.listen(
            line, lambda: by_phone in recorder.messages and recorder.deliveries[sent.message_id] is DeliveryStatus.READ
        )
    here, there = recorder.messages[sent.message_id], recorder.messages[by_phone]
    assert (here.text, here.from_me, here.sent_at) == ("daqui", True, sent.at)
    assert (there.text, there.from_me) == ("do celular", True)
    assert {address.key for address in here.chat} <= {address.key for address in there.chat}


async def test_a_text_that_was_refused_is_known_as_failed(harness: ProviderHarness) -> None:
    ana, bia = harness.somebody(), harness.somebody()
    await harness.pair(ana)
    recorder = FactRecorder()
    async with harness.connected(ana) as line:
        harness.fault("send-463", ana)
        with pytest.raises(Problem):
            await line.send_text(bia.phone, "oi")
        await recorder.listen(line, lambda: bool(recorder.deliveries))
    ((own_id, message),) = recorder.messages.items()
    assert (message.text, message.from_me, recorder.deliveries) == ("oi", True, {own_id: DeliveryStatus.FAILED})


async def refused(sending: Coroutine[object, object, object]) -> bool:
    """Whether *sending* ends with a problem."""
    try:
        await sending
    except Problem:
        return True
    return False


@pytest.mark.within(60)
async def test_a_text_whose_acknowledgement_was_lost_is_uncertain_until_a_receipt_decides(
    harness: ProviderHarness,
) -> None:
    """ "it is uncertain until a receipt decides", under the id that the contact sees."""
    control = harness.emulator.control
    ana, bia = harness.somebody(), harness.somebody()
    await harness.pair(ana)
    control.silence(digits(bia))  # no receipt before the line falls
    recorder = FactRecorder()
    async with harness.connected(ana) as line:
        harness.fault("send-unacknowledged", ana)
        harness.fault("upgrade-503", times=3)  # longer than the library waits for its next line
        async with asyncio.TaskGroup() as both:
            sending = both.create_task(refused(line.send_text(bia.phone, "oi")))
            (received,) = await control.off_loop(control.wait_received, digits(bia))
            harness.fault("abort", ana)
        assert sending.result()
        await recorder.listen(line, lambda: received.id in recorder.deliveries)
        assert recorder.deliveries == {received.id: DeliveryStatus.UNCERTAIN}
        lines = [(each.provider_id, each.text) for each in recorder.messages.values() if each.text]
        assert lines == [(received.id, "oi")]
        control.clear_faults()
        await recorder.listen(line, lambda: recorder.opened)
        await control.off_loop(control.read, digits(bia), received.id)
        await recorder.listen(line, lambda: recorder.deliveries[received.id] is DeliveryStatus.READ)


async def test_a_text_to_a_number_without_whatsapp_is_known_as_failed(harness: ProviderHarness) -> None:
    ana = harness.somebody()
    await harness.pair(ana)
    recorder = FactRecorder()
    async with harness.connected(ana) as line:
        with pytest.raises(Problem):
            await line.send_text(PhoneNumber("+5511900009999"), "oi")
        await recorder.listen(line, lambda: bool(recorder.deliveries))
    assert list(recorder.deliveries.values()) == [DeliveryStatus.FAILED]


@pytest.mark.within(60)
@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
async def test_no_text_of_ours_is_forgotten_when_its_host_is_killed(harness: ProviderHarness) -> None:
    """Whatever the contact got is in the history under the id that the contact knows, as uncertain if need be."""
    chance = random.Random(11)  # noqa: S311 - when to kill, not a secret
    control = harness.emulator.control
    ana, bia = harness.somebody(), harness.somebody()
    await harness.pair(ana)
    recorder, sent = FactRecorder(), 0

    async def send(line: Connection) -> None:
        nonlocal sent
        assert isinstance(line, SessionConnection)
        try:
            while True:
                sent += 1
                await line.send_text(bia.phone, f"texto {sent}")
        except Problem:
            return

    for _ in range(4):
        async with harness.provider.connect(ana) as line, asyncio.TaskGroup() as all_of_them:
            await recorder.listen(line, lambda: recorder.opened)
            sending = all_of_them.create_task(send(line))
            listening = all_of_them.create_task(recorder.listen(line, lambda: False))
            await asyncio.sleep(chance.uniform(0.1, 0.4))
            host_of(harness, ana).send_signal(signal.SIGKILL)
            await sending
            listening.cancel()
    async with harness.provider.connect(ana) as line:
        await recorder.listen(line, lambda: recorder.opened)
        assert isinstance(line, SessionConnection)
        final = await line.send_text(bia.phone, "fim")
        await recorder.listen(line, lambda: final.message_id in recorder.messages)
    got = await control.off_loop(control.inbox, digits(bia))
    kept = [incoming.text for incoming in recorder.messages.values()]
    assert {message.text for message in got} <= set(kept)
    assert len(kept) == len(set(kept))
    assert {message.id for message in got} <= recorder.messages.keys()
    unknown = [incoming for incoming in recorder.messages.values() if incoming.provider_id.startswith("conecta-")]
    assert len(unknown) <= 4  # the library had not begun yet


async def test_whose_device_it_is_is_known_before_the_first_message_arrives(harness: ProviderHarness) -> None:
    """What the phone tells its own devices must not become an unreadable message of somebody."""
    ana = harness.somebody()
    await harness.pair(ana)
    folder = harness.root / ana.id
    (file,) = (each for each in folder.iterdir() if own_users_of(each))
    number, lid = sorted(own_users_of(file), key=lambda user: user != digits(ana))
    assert (number, lid.isdecimal()) == (digits(ana), True)
    assert own_users_of(folder / "missing") == own_users_of(folder / "host.lock") == frozenset()


@pytest.mark.within(60)
async def test_what_a_session_received_that_was_given_up_is_not_handed_to_the_next(harness: ProviderHarness) -> None:
    """The wrong phone scanned: what its owner was written must not enter the mentorado's history."""
    control = harness.emulator.control
    ana, bia = harness.somebody(), harness.somebody()
    async with harness.provider.pair(ana) as line:
        async for signal_ in line.events():
            if isinstance(signal_, Connected):
                break
            if (text := getattr(signal_, "text", None)) is not None:
                await harness.scan(ana, text)
        await control.off_loop(control.send_text, digits(bia), digits(ana), "segredo")
        await control.off_loop(control.wait_acknowledged, 1)
    await harness.provider.rollback_pairing(ana.link)
    await harness.pair(ana)
    recorder = FactRecorder()
    async with harness.connected(ana) as line:
        await control.off_loop(control.send_text, digits(bia), digits(ana), "olá")
        await recorder.listen(line, lambda: any(message.text == "olá" for message in recorder.messages.values()))
    assert [message.text for message in recorder.messages.values()] == ["olá"]
    kept = list((harness.root / ana.id / "quarantine").glob("*.spool"))
    assert any(b"segredo" in path.read_bytes() for path in kept)


def test_what_is_damaged_or_not_understood_is_set_aside_and_holds_up_nothing(
    harness: ProviderHarness, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        control = harness.emulator.control
        ana, bia = harness.somebody(), harness.somebody()
        await harness.pair(ana)
        folder = harness.root / ana.id
        spool = SessionSpool(folder, "session-of-another-day", note=print)
        spool.append(Event.MESSAGE, b"no message at all")
        spool.append(SENDING, b"[]")  # of a text that was sent from here
        spool.append(SENT, b'{"own_id": "x", "to": "5511", "text": "oi", "at": "soon"}')
        (segment,) = (folder / "spool").glob("*another-day.spool")
        with segment.open("ab") as file:
            file.write(b"half a record")
        recorder = FactRecorder()
        async with harness.provider.connect(ana) as line:
            await recorder.listen(line, lambda: recorder.opened)
            await control.off_loop(control.send_text, digits(bia), digits(ana), "olá")
            await recorder.listen(line, lambda: bool(recorder.messages))
        assert [message.text for message in recorder.messages.values()] == ["olá"]
        kept = {path.read_bytes() for path in (folder / "quarantine").glob("*.bytes")}
        assert b"half a record" in kept
        assert any(b"no message at all" in each for each in kept)
        why = {(fact.kind, fact.detail) for fact in recorder.unknown}
        assert why >= {(f"event {Event.MESSAGE}", "DecodeError"), (f"event {SENDING}", "TypeError")}
        assert len(recorder.unknown) == 3, "each is counted"
        assert "no message at all" not in recorder.unknown[0].payload

    run(main())
    assert "13 bytes of" in caplog.text
    assert "was not understood" in caplog.text


async def test_nothing_is_dialed_when_nothing_could_be_kept(harness: ProviderHarness) -> None:
    ana = harness.somebody()
    await harness.pair(ana)
    dialed = len(harness.emulator.control.attempts())
    spool = harness.root / ana.id / "spool"
    shutil.rmtree(spool)
    spool.write_text("not a folder")
    async with harness.provider.connect(ana) as line:
        signals = [signal_ async for signal_ in line.events()]
    (refused,) = signals
    assert isinstance(refused, Blocked)
    assert refused.reason is Reason.SESSION_DIR_NOT_WRITABLE
    assert len(harness.emulator.control.attempts()) == dialed


class ForgetfulLibrary(Engine):
    """Deletes the keys on a 401 before it has told whose they are, and then waits for ever to learn it."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def run(self, *_where: object, listener: Listener, **_how: object) -> str:
        listener.log("INFO", "Client", "Got 401: logged out connect failure, sending LoggedOut event")
        self.over.wait(10)
        return ""


def test_keys_that_are_taken_back_at_the_login_are_told_though_no_event_comes(fast_dir: Path) -> None:
    """The emulator waits a round trip before it turns somebody away, and whatsmeow then wins this race."""
    readies: SimpleQueue[FromHost] = SimpleQueue()
    opened = Open(session="s1", mode=OpenMode.CONNECT, file=str(fast_dir / "session-1.db"), device_name="Conecta")
    library = ForgetfulLibrary()
    thread = threading.Thread(target=Session(opened, library, StartLock(), readies.put).run, daemon=True)
    thread.start()
    news = readies.get(timeout=5)
    assert isinstance(news, StateChanged)
    assert (news.state, news.reason) == (SessionState.REFUSED, Reason.LOGGED_OUT)
    library.over.set()
    thread.join(5)


async def test_a_session_whose_keys_are_gone_shows_no_code_to_whoever_only_connects(harness: ProviderHarness) -> None:
    """The library takes a file without keys for a new session; here they go between our look and its own."""
    ana = harness.somebody()
    await harness.pair(ana)
    folder = harness.root / ana.id
    file = folder / (folder / "current").read_text().strip()
    file.unlink()
    async with harness.provider._open_connection(file, OpenMode.CONNECT) as line:
        signals = [signal_ async for signal_ in line.events()]
    (refused,) = signals
    assert isinstance(refused, Blocked)
    assert refused.reason is Reason.LOGGED_OUT
