"""The life of a session: paired, connected again without a code, used, given up."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.domain.phone import PhoneNumber
from app.domain.provider import ActivitySeen, Blocked, CanPair, Connected, Failed, Lost, Provider, QrIssued, QrScanned
from app.providers.whatsapp_web.connection import SessionConnection, SessionTimeouts
from tests.providers.conftest import ProviderHarness, digits, run, until

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


def test_it_is_a_provider_that_can_pair(harness: ProviderHarness) -> None:
    provider: Provider = harness.provider
    assert isinstance(provider, CanPair)


async def test_a_person_is_paired_by_a_code(harness: ProviderHarness) -> None:
    person = harness.somebody()
    seen = []
    async with harness.provider.pair(person) as line:
        async for signal in line.events():
            seen.append(signal)
            if isinstance(signal, QrIssued):
                await harness.scan(person, signal.text)
            if isinstance(signal, Connected):
                break
    code, accepted, opened = seen
    assert isinstance(code, QrIssued)
    assert (code.number, code.total, code.lifetime) == (1, 6, 60)
    assert code.text not in repr(code)
    assert accepted == QrScanned(person.phone)
    assert opened == Connected(person.phone)


async def test_a_person_is_paired_by_typing_a_code(harness: ProviderHarness) -> None:
    person = harness.somebody()
    with pytest.raises(Problem):
        await harness.provider.phone_code(person.link, person.phone)
    async with harness.provider.pair(person) as line:
        await until(line, QrIssued)
        code = await harness.provider.phone_code(person.link, person.phone)
        await asyncio.to_thread(harness.emulator.control.type_pairing_code, digits(person), code)
        await until(line, Connected)


async def test_the_next_code_is_counted(harness: ProviderHarness) -> None:
    async with harness.provider.pair(harness.somebody()) as line:
        await until(line, QrIssued)
        await asyncio.to_thread(harness.emulator.control.more_refs)
        code = await until(line, QrIssued)
        assert (code.number, code.lifetime) == (2, 20)


async def test_an_adopted_session_connects_without_a_code(harness: ProviderHarness) -> None:
    person = harness.somebody()
    assert not await harness.provider.has_credentials(person.link)
    await harness.pair(person)
    assert await harness.provider.has_credentials(person.link)
    assert await harness.provider.pending_account(person.link) is None
    async with harness.provider.connect(person) as line:
        async for signal in line.events():
            assert signal == Connected(person.phone)
            break


@pytest.mark.within(30)
async def test_it_runs_on_the_window_s_loop_too(harness: ProviderHarness) -> None:
    person = harness.somebody()
    await harness.pair(person)
    async with harness.connected(person) as line:
        await line.send_text(harness.somebody().phone, "oi")
    with pytest.raises(Problem):
        await line.send_text(person.phone, "too late")


async def test_messages_come_and_go(harness: ProviderHarness) -> None:
    control = harness.emulator.control
    ana, bia = harness.somebody(), harness.somebody()
    await harness.pair(ana)
    async with harness.connected(ana) as line:
        sent = await line.send_text(bia.phone, "olá 👋 @123456")
        assert await until(line, ActivitySeen) == ActivitySeen(harness.clock.now(), inbound=False)
        (received,) = await asyncio.to_thread(control.wait_received, digits(bia))
        assert (received.id, received.text) == (sent.message_id, "olá 👋 @123456")
        await asyncio.to_thread(control.send_text, digits(bia), digits(ana), "oi")
        await until(line, lambda signal: signal == ActivitySeen(harness.clock.now(), inbound=True))


async def test_a_refused_message_is_a_problem_and_the_line_stays(harness: ProviderHarness) -> None:
    ana, bia = harness.somebody(), harness.somebody()
    await harness.pair(ana)
    async with harness.connected(ana) as line:
        harness.fault("send-463", ana)
        with pytest.raises(Problem, match="463") as refusal:
            await line.send_text(bia.phone, "oi")
        assert refusal.value.code is ProblemCode.REQUEST_REFUSED
        await line.send_text(bia.phone, "oi")


async def test_an_unanswered_send_holds_up_neither_its_caller_nor_the_end(
    build: Callable[..., ProviderHarness],
) -> None:
    harness = build(timeouts=SessionTimeouts(send=0.5))
    ana, bia = harness.somebody(), harness.somebody()
    await harness.pair(ana)
    async with contextlib.AsyncExitStack() as stack:
        line = await stack.enter_async_context(harness.connected(ana))
        harness.emulator.control.answer_iqs(False)
        with pytest.raises(Problem) as silence:
            await line.send_text(bia.phone, "oi")
        assert silence.value.code is ProblemCode.REQUEST_TIMED_OUT
        began = time.monotonic()
        await stack.aclose()
        assert time.monotonic() - began < 1.5


async def test_asking_too_early_is_refused_instead_of_crashing_the_library(harness: ProviderHarness) -> None:
    """A call about a client the library does not know yet dereferences nil, and would abort the process."""
    async with harness.provider.pair(harness.somebody()) as line:
        assert isinstance(line, SessionConnection)
        for _ in range(2):  # before the library knows the client, and before the client has an account
            with pytest.raises(Problem) as refused:
                await line.send_text(PhoneNumber("+5511911111111"), "oi")
            assert refused.value.code is ProblemCode.REQUEST_REFUSED
            await until(line, QrIssued)
            await asyncio.to_thread(harness.emulator.control.more_refs)


async def test_a_host_that_stays_silent_is_given_up(build: Callable[..., ProviderHarness]) -> None:
    harness = build(timeouts=SessionTimeouts(first_code=0.3, sign_in=0.3), command=["sleep", "60"])
    async with harness.provider.pair(harness.somebody()) as line:
        failed = await until(line, Failed)
        assert failed.reason is Reason.NETWORK_DOWN


# --- what to do with a new session --------------------------------------------------------------------------------


async def test_a_new_session_replaces_the_old_one_only_when_it_is_adopted(harness: ProviderHarness) -> None:
    person = harness.somebody()
    await harness.pair(person)
    folder = harness.root / person.id
    before = (folder / "current").read_text()
    async with harness.provider.pair(person) as line:
        code = await until(line, QrIssued)
        await harness.scan(person, code.text)
        await until(line, Connected)
        assert (folder / "current").read_text() == before
        assert await harness.provider.pending_account(person.link) == person.phone
        await harness.provider.commit_pairing(person.link)
    assert (folder / "current").read_text() != before
    assert (folder / "quarantine" / before.strip()).is_file()
    async with harness.connected(person):
        pass


async def test_an_undecided_session_is_opened_again_without_a_code(harness: ProviderHarness) -> None:
    """The program ended between the scan and the swap; nobody has to scan twice."""
    person = harness.somebody()
    async with harness.provider.pair(person) as line:
        code = await until(line, QrIssued)
        await harness.scan(person, code.text)
        await until(line, QrScanned)
    assert await harness.provider.pending_account(person.link) == person.phone
    async with harness.provider.pair(person) as line:
        async for signal in line.events():
            assert signal == Connected(person.phone)
            await harness.provider.commit_pairing(person.link)
            break
    async with harness.connected(person):
        pass


async def test_a_session_that_is_given_up_leaves_the_phone_s_list(harness: ProviderHarness) -> None:
    person = harness.somebody()
    async with harness.provider.pair(person) as line:
        code = await until(line, QrIssued)
        await harness.scan(person, code.text)
        await until(line, Connected)
    assert len(harness.emulator.control.devices(digits(person))) == 1
    await harness.provider.rollback_pairing(person.link)
    assert harness.emulator.control.devices(digits(person)) == []
    assert await harness.provider.pending_account(person.link) is None
    assert not await harness.provider.has_credentials(person.link)
    (note,) = (harness.root / person.id / "quarantine").glob("session-*.db.json")  # messages may have one of their own
    assert "given up" in note.read_text()


async def test_a_session_is_given_up_while_its_line_is_closing(harness: ProviderHarness) -> None:
    """The core says that the wrong phone scanned before the line is closed, and a person may be quick."""
    person = harness.somebody()
    left = asyncio.Event()

    async def pair() -> None:
        async with harness.provider.pair(person) as line:
            code = await until(line, QrIssued)
            await harness.scan(person, code.text)
            await until(line, QrScanned)
            left.set()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(pair())
        await left.wait()
        await harness.provider.rollback_pairing(person.link)
    assert harness.emulator.control.devices(digits(person)) == []


async def test_a_code_asked_for_after_the_wrong_phone_is_a_new_one(harness: ProviderHarness) -> None:
    person, stranger = harness.somebody(), harness.somebody()
    async with harness.provider.pair(person) as line:
        code = await until(line, QrIssued)
        await harness.scan(stranger, code.text)
        await until(line, QrScanned)
    await harness.pair(person)
    assert harness.emulator.control.devices(digits(stranger)) == []
    async with harness.connected(person):
        pass


async def test_a_session_is_given_up_even_when_the_phone_cannot_be_told(harness: ProviderHarness) -> None:
    person = harness.somebody()
    async with harness.provider.pair(person) as line:
        code = await until(line, QrIssued)
        await harness.scan(person, code.text)
        await until(line, Connected)
    harness.emulator.control.network(False)
    await harness.provider.rollback_pairing(person.link)
    assert await harness.provider.pending_account(person.link) is None
    (note,) = (harness.root / person.id / "quarantine").glob("*.json")
    assert "could not be told" in note.read_text()


async def test_a_session_whatsapp_ended_says_so_instead_of_showing_a_code(harness: ProviderHarness) -> None:
    person = harness.somebody()
    await harness.pair(person)
    async with harness.connected(person) as line:
        harness.fault("device-removed", person)
        await until(line, Blocked)
    async with harness.provider.connect(person) as again:
        refused = await until(again, Blocked)
        assert refused.reason is Reason.LOGGED_OUT


async def test_a_file_that_never_got_an_account_is_used_again(harness: ProviderHarness) -> None:
    person = harness.somebody()
    for _ in range(2):
        async with harness.provider.pair(person) as line:
            await until(line, QrIssued)
    folder = harness.root / person.id
    assert len(list(folder.glob("session-*.db"))) == 1
    assert not (folder / "quarantine").exists()


# --- the way to the server ----------------------------------------------------------------------------------------


async def test_the_app_by_itself_refuses_the_emulator_s_certificate(
    harness: ProviderHarness, build: Callable[..., ProviderHarness], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the tests' wrapper trusts the emulator; nothing in the app can be told to."""
    environment = harness.emulator.environment()
    monkeypatch.setenv("HTTPS_PROXY", environment["HTTPS_PROXY"])
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    plain = build(command=None)
    person = harness.somebody()
    async with plain.provider.pair(person) as line:
        failed = await until(line, Failed)
    assert failed.reason is Reason.CERTIFICATE_REFUSED
    assert "x509" in failed.detail
    monkeypatch.setenv("SSL_CERT_FILE", environment["SSL_CERT_FILE"])  # the operating system's trust is not enough
    async with plain.provider.pair(person) as line:
        failed = await until(line, Failed)
    assert failed.reason is Reason.CERTIFICATE_REFUSED
    assert "noise" in failed.detail


@pytest.mark.parametrize("answer", ["403 Forbidden", "407 Proxy Authentication Required", "502 Bad Gateway", None])
def test_a_proxy_that_refuses(build: Callable[..., ProviderHarness], answer: str | None) -> None:
    async def turn_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(turn_away, "127.0.0.1")
        port = server.sockets[0].getsockname()[1]
        if answer is None:
            server.close()
        harness = build(command=None, proxy=f"http://127.0.0.1:{port}")
        async with server, harness.provider.pair(harness.somebody()) as line:
            failed = await until(line, Failed)
        assert failed.reason is Reason.PROXY_REFUSED, failed.detail

    run(main())


async def test_a_network_that_goes_and_comes_back(harness: ProviderHarness) -> None:
    person = harness.somebody()
    await harness.pair(person)
    async with harness.connected(person) as line:
        await asyncio.to_thread(harness.emulator.control.network, False)
        await until(line, Lost)
        await asyncio.to_thread(harness.emulator.control.network, True)
        await until(line, Connected)


def test_a_session_root_with_signs_that_mean_something_in_a_uri(
    build: Callable[..., ProviderHarness], fast_dir: Path
) -> None:
    root = fast_dir / "sessões #1 100%41 ?x=y"
    harness = build(session_root=root)

    async def main() -> None:
        person = harness.somebody()
        await harness.pair(person)
        async with harness.connected(person):
            pass

    run(main())
    assert {path.name for path in fast_dir.iterdir()} == {root.name}
