"""The emulator with the real client in front of it: what the client takes it for, on good days and bad ones."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.emulators.whatsapp_web.control import EmulatorControl, EmulatorRefused
from tests.emulators.whatsapp_web.process import EmulatorProcess
from tests.emulators.whatsapp_web.real_client import RealClient

SHOP = "5511900000001"
FRIEND = "5511900000002"
OTHER = "5511900000003"

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def emulator() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as running:
        for phone in (SHOP, FRIEND, OTHER):
            running.control.add_account(phone)
        yield running


@pytest.fixture(scope="module")
def shop(emulator: EmulatorProcess) -> Iterator[RealClient]:
    """A client linked to the shop's phone, whose session is also kept as it was when it was linked."""
    with RealClient(emulator, "shop") as client:
        linked = emulator.control.scan(SHOP, client.code())
        assert (linked.device, linked.jid) == (1, f"{SHOP}:1@s.whatsapp.net")
        client.event("Connected")
        yield client


@pytest.fixture
def control(emulator: EmulatorProcess) -> Iterator[EmulatorControl]:
    yield emulator.control
    emulator.control.clear_faults()
    emulator.control.set_ref_count(6)


@pytest.fixture(scope="module")
def linked(emulator: EmulatorProcess) -> str:
    """The name of a session that is linked to the other phone, to take copies of."""
    with RealClient(emulator, "linked") as client:
        emulator.control.scan(OTHER, client.code())
        client.event("Connected")
    return "linked"


@contextmanager
def restarted(emulator: EmulatorProcess, session: str, name: str) -> Iterator[RealClient]:
    """A client that starts with a copy of a linked *session*, so that it may lose it."""
    for file in emulator.sessions.glob(f"{session}.db*"):
        shutil.copy(file, file.with_name(file.name.replace(session, name, 1)))
    with RealClient(emulator, name) as client:
        yield client


def test_a_linked_client_logs_in_and_leaves_its_keys(shop: RealClient, control: EmulatorControl) -> None:
    line = control.wait_online(SHOP)
    assert (line.kind, line.device) == ("login", 1)
    assert [device.keys for device in control.devices(SHOP)] == [811]  # of 812; its phone wrote to it with one
    assert {"status": "success"} in shop.events()


def test_a_newly_linked_client_gets_keys_and_history_of_its_phone_which_are_no_peoples_messages(
    shop: RealClient, control: EmulatorControl
) -> None:
    first = shop.wait(event="ProtocolMessage")
    second = shop.wait(after=shop.events().index(first) + 1, event="ProtocolMessage")
    notices = {str(first["id"]), str(second["id"])}
    assert len(notices) == 2
    assert not notices & set(control.acknowledged())
    assert not notices & {receipt.id for receipt in control.receipts()}
    assert control.waiting(SHOP) == {1: []}


def test_texts_go_both_ways(shop: RealClient, control: EmulatorControl) -> None:
    before, had = shop.mark(), len(control.inbox(FRIEND))
    sent = control.send_text(FRIEND, SHOP, "olá, tudo bem? ção")
    message = shop.event("Message", after=before)
    assert (message["id"], message["text"]) == (sent, "olá, tudo bem? ção")
    answer = shop.do("send", to=FRIEND, text="tudo, e você? 👍")["id"]
    received = control.wait_received(FRIEND, had + 1)[-1]
    assert (received.id, received.text, received.own, received.problem) == (answer, "tudo, e você? 👍", False, "")
    assert shop.wait(event="Receipt", ids=[answer])["kind"] == 1
    control.read(FRIEND, answer)
    assert shop.wait(event="Receipt", ids=[answer], kind=4)
    assert [copy.text for copy in control.inbox(SHOP) if copy.own] == ["tudo, e você? 👍"]


def test_a_phone_answers_by_itself_or_stays_silent(shop: RealClient, control: EmulatorControl) -> None:
    before = shop.mark()
    control.answer_texts(FRIEND, "estou dirigindo")
    shop.do("send", to=FRIEND, text="oi")
    assert shop.event("Message", after=before)["text"] == "estou dirigindo"
    control.answer_texts(FRIEND, None)
    control.silence(FRIEND)
    quiet = shop.do("send", to=FRIEND, text="oi?")["id"]
    shop.do("send", to=OTHER, text="oi")
    shop.wait(event="Receipt", ids=...)
    assert not [fields for fields in shop.events() if fields.get("event") == "Receipt" and quiet in fields["ids"]]
    control.silence(FRIEND, silent=False)


def test_a_flood_arrives_and_all_of_it_is_acknowledged(shop: RealClient, control: EmulatorControl) -> None:
    before, had = shop.mark(), len(control.acknowledged())
    ids = control.stream_texts(FRIEND, SHOP, 500)
    assert set(control.wait_acknowledged(had + 500)[had:]) == set(ids)
    got = {shop.wait(after=before, event="Message", id=each)["text"] for each in ids}  # in whatever order
    assert got == {f"text {number}" for number in range(500)}
    assert control.waiting(SHOP) == {1: []}


def test_a_typed_code_links_and_two_clients_write_to_each_other(
    emulator: EmulatorProcess, shop: RealClient, control: EmulatorControl
) -> None:
    with RealClient(emulator, "typed") as typed:
        typed.code()
        typed.do("code", phone=FRIEND)
        with pytest.raises(EmulatorRefused, match="the code is wrong"):
            control.type_pairing_code(FRIEND, "AAAA-BBBB")
        control.type_pairing_code(FRIEND, typed.do("code", phone=FRIEND)["code"])
        typed.event("Connected")
        shop.do("send", to=FRIEND, text="para o computador")
        assert typed.event("Message")["text"] == "para o computador"
        answer = typed.do("send", to=SHOP, text="de volta")["id"]
        assert shop.wait(event="Message", id=answer)["text"] == "de volta"
        assert typed.wait(event="Receipt", ids=[answer])
        assert control.remove_device(FRIEND, 1)
        assert "LOGGED_OUT" in typed.event("LoggedOut")["detail"]
    assert control.devices(FRIEND) == []


def test_what_is_sent_to_a_client_that_is_away_waits_for_it(
    emulator: EmulatorProcess, linked: str, control: EmulatorControl
) -> None:
    sent = control.send_text(FRIEND, OTHER, "até logo")
    assert control.waiting(OTHER)[1] == [sent]
    had = len(control.acknowledged())
    with restarted(emulator, linked, "away") as client:
        assert client.event("Message")["id"] == sent
        control.wait_acknowledged(had + 1)
    assert control.waiting(OTHER)[1] == []


def test_a_client_that_lost_its_sessions_is_written_to_again(
    emulator: EmulatorProcess, linked: str, control: EmulatorControl
) -> None:
    had = len(control.acknowledged())
    with restarted(emulator, linked, "forgetful"):
        control.send_text(FRIEND, OTHER, "antes")
        control.wait_acknowledged(had + 1)
    with closing(sqlite3.connect(emulator.sessions / "forgetful.db")) as session, session:
        session.execute("DELETE FROM whatsmeow_sessions")
        session.execute("DELETE FROM whatsmeow_pre_keys WHERE key_id < 20")
    sent = control.send_text(FRIEND, OTHER, "depois")
    with RealClient(emulator, "forgetful") as client:
        assert client.wait(event="Message", id=sent)["text"] == "depois"
        control.wait_acknowledged(had + 2)
    assert [each.kind for each in control.receipts() if each.id == sent] == ["retry", "retry", "inactive"]


@pytest.mark.parametrize(
    ("fault", "events"),
    [
        ("stream-401", ["StreamError", "Disconnected", "Connected"]),
        ("stream-500", ["StreamError", "Disconnected", "Connected"]),
        ("stream-503", ["Disconnected", "Connected"]),
        ("stream-515", ["Connected"]),
        ("stream-516", ["StreamError", "Disconnected", "Connected"]),
        ("stream-end", ["Disconnected", "Connected"]),
        ("close-1000", ["Disconnected", "Connected"]),
        ("abort", ["Disconnected", "Connected"]),
    ],
)
def test_a_client_comes_back_by_itself(
    shop: RealClient, control: EmulatorControl, fault: str, events: list[str]
) -> None:
    before, now = shop.mark(), time.monotonic()
    assert control.fault(fault, SHOP) == 1
    control.wait_online(SHOP, since=now)
    shop.event("Connected", after=before)
    assert [fields["event"] for fields in shop.events()[before:]] == events


@pytest.mark.parametrize("fault", ["failure-503", "upgrade-429"])
def test_a_client_tries_again_when_it_is_turned_away(shop: RealClient, control: EmulatorControl, fault: str) -> None:
    now = time.monotonic()
    control.fault(fault)
    control.fault("abort", SHOP)
    control.wait_online(SHOP, since=now)
    turned_away, let_in = control.attempts()[-2:]
    assert turned_away.outcome == fault
    assert 1.9 < let_in.began - turned_away.began < 3


def test_a_client_waits_for_the_network(shop: RealClient, control: EmulatorControl) -> None:
    before, now = shop.mark(), time.monotonic()
    control.network(up=False)
    shop.event("Disconnected", after=before)
    assert not control.connections()
    control.network(up=True)
    control.wait_online(SHOP, since=now)


def test_a_refused_message_is_an_error(shop: RealClient, control: EmulatorControl) -> None:
    control.fault("send-463", SHOP)
    assert "463" in shop.do("send", to=FRIEND, text="não")["error"]


@pytest.mark.parametrize(
    ("fault", "event", "detail"),
    [
        ("failure-400", "ConnectFailure", "GENERIC"),
        ("failure-401", "LoggedOut", "LOGGED_OUT"),
        ("failure-402", "TemporaryBan", "3600"),
        ("failure-403", "LoggedOut", "MAIN_DEVICE_GONE"),
        ("failure-405", "ClientOutdated", ""),
        ("failure-415", "connect-raised", "ConnectFailure.Reason"),
    ],
)
def test_a_client_that_is_refused_at_login_says_why(
    emulator: EmulatorProcess, linked: str, control: EmulatorControl, fault: str, event: str, detail: str
) -> None:
    control.fault(fault, OTHER)
    with restarted(emulator, linked, fault) as client:
        assert detail in client.event(event)["detail"]


def test_one_session_opened_twice_replaces_the_first(
    emulator: EmulatorProcess, linked: str, control: EmulatorControl
) -> None:
    with restarted(emulator, linked, "first") as first:
        first.event("Connected")
        with restarted(emulator, linked, "second") as second:
            second.event("Connected")
            first.event("StreamReplaced")


@pytest.mark.parametrize(
    ("fault", "text", "status"),
    [
        ("pairing-bad-hmac", "hmac-mismatch", "error"),
        ("pairing-bad-signature", "signature-mismatch", "error"),
        ("pairing-downgrade", "too old", "err-scanned-without-multidevice"),
        ("pairing-passkey", "passkey", "passkey-request"),
    ],
)
def test_a_link_that_fails_has_a_status(
    emulator: EmulatorProcess, control: EmulatorControl, fault: str, text: str, status: str
) -> None:
    control.fault(fault)
    with RealClient(emulator, fault) as client:
        with pytest.raises(EmulatorRefused, match=text):
            control.scan(FRIEND, client.code())
        client.wait(status=status)


@pytest.mark.parametrize(
    ("fault", "status"), [("failure-402", "err-unexpected-state"), ("failure-405", "err-client-outdated")]
)
def test_a_client_that_may_not_be_linked_has_a_status(
    emulator: EmulatorProcess, control: EmulatorControl, fault: str, status: str
) -> None:
    control.fault(fault, linking=True)
    with RealClient(emulator, f"new-{fault}") as client:
        client.wait(status=status)


def test_codes_run_out_and_an_old_one_links_nobody(emulator: EmulatorProcess, control: EmulatorControl) -> None:
    with RealClient(emulator, "shown") as client:
        code = client.code()
        before = client.mark()
        assert control.more_refs(2) == 1
        assert client.code(before) != code
    with pytest.raises(EmulatorRefused, match="no client shows this code"):
        control.scan(FRIEND, code)
    control.set_ref_count(0)
    with RealClient(emulator, "exhausted") as client:
        client.wait(status="timeout")


def test_logging_out_unlinks_the_device(emulator: EmulatorProcess, control: EmulatorControl) -> None:
    with RealClient(emulator, "leaving") as client:
        device = control.scan(FRIEND, client.code()).device
        client.event("Connected")
        client.do("logout")
        assert device not in [each.device for each in control.devices(FRIEND)]


def test_an_operation_nobody_knows_is_refused(control: EmulatorControl) -> None:
    with pytest.raises(EmulatorRefused, match="no operation"):
        control._ask("explode")
    with pytest.raises(EmulatorRefused, match="nobody has the number"):
        control.devices("123")
