"""The process that receives webhooks: its start, its end, its spool, and what it cannot do."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import ProviderKind
from app.domain.webhooks import DeliveryOutcome, EndpointList, WebhookSettings
from app.providers.hosts.process import MISSED
from app.providers.webhooks.host import spool
from app.providers.webhooks.server_process import RunningServer, WebhookServerProcess, bind_error_kind
from tests.emulators.meta_cloud.webhooks import envelope, inbound, status
from tests.providers.webhooks.harness import (
    ANA,
    BIA,
    COMMAND,
    DORA,
    TEXT,
    WebhookHarness,
    left,
    receiving,
    zapi_text,
)


@pytest.mark.skipif(os.name != "posix", reason="processes are stopped by POSIX means")
def test_a_frozen_receiver_is_noticed_by_its_heartbeat_and_ended(
    fast_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever listens for its words hears that they are over, and starts another; one that answers goes on."""

    async def main() -> None:
        receiver = WebhookServerProcess(fast_dir, command=COMMAND, heartbeat=0.2)
        async with receiver.open(WebhookSettings(address="127.0.0.1", port=0)) as running_server:
            hearing = asyncio.get_running_loop().create_task(_words(running_server))
            await asyncio.sleep(0.2 * (MISSED + 2))
            assert not hearing.done()
            assert psutil.Process(running_server.pid).rlimit(psutil.RLIMIT_CORE) == (0, 0)
            os.kill(running_server.pid, signal.SIGSTOP)
            async with asyncio.timeout(5):
                await hearing
        async with receiver.open(WebhookSettings(address="127.0.0.1", port=0)):
            pass

    asyncio.run(main())
    assert "no answer for 0.8 s" in caplog.text


async def _words(running_server: RunningServer) -> None:
    async for _ in running_server.events():
        pass


async def test_what_was_answered_and_not_stored_is_handed_out_again_after_a_kill(fast_dir: Path) -> None:
    async with receiving(fast_dir, stores=False) as harness:
        for number in range(20):
            assert await harness.meta(envelope(inbound(f"wamid.{number}", number_id="1111"))) == 200
        os.kill(harness.running_server.pid, signal.SIGKILL)  # before anything was confirmed
        await harness.until(lambda: harness.ended)
    assert left(fast_dir)
    async with receiving(fast_dir) as again:
        await again.until(lambda: len(again.facts(ANA)) == 20)
        assert again.ids(ANA) == [f"wamid.{number}" for number in range(20)]
    assert not left(fast_dir)


APP = """
import asyncio, os, sys
from pathlib import Path
from app.domain.webhooks import WebhookSettings
from app.providers.hosts.process import MISSED
from app.providers.webhooks.server_process import RunningServer, WebhookServerProcess

async def main():
    async with WebhookServerProcess(Path(sys.argv[1])).open(WebhookSettings(on=True, port=0)) as running_server:
        print(running_server.pid, flush=True)
        os.kill(os.getpid(), 9)

asyncio.run(main())
"""


def test_the_receiver_ends_with_the_app_also_when_that_is_killed(fast_dir: Path) -> None:
    app = subprocess.run([sys.executable, "-c", APP, str(fast_dir)], stdout=subprocess.PIPE, check=False)
    assert app.returncode == -signal.SIGKILL
    with suppress(psutil.NoSuchProcess):
        psutil.Process(int(app.stdout)).wait(10)


async def test_what_is_left_is_handed_out_without_listening(fast_dir: Path) -> None:
    """Webhooks were switched off, or their port is gone: what was accepted before still belongs to the history."""
    async with receiving(fast_dir, stores=False) as harness:
        assert await harness.meta(TEXT) == 200
    assert left(fast_dir)
    async with receiving(fast_dir, listens=False) as quiet:
        assert quiet.running_server.port == 0
        await quiet.until(lambda: quiet.ended)  # by itself, when nothing is left
        assert quiet.ids(ANA) == ["wamid.1"]
    assert not left(fast_dir)
    assert not await WebhookServerProcess(fast_dir).has_backlog()


async def test_a_link_that_takes_nothing_now_gets_everything_later_and_holds_nobody_up(fast_dir: Path) -> None:
    async with receiving(fast_dir, stores=False) as harness:
        harness.running_server.pause(ANA)
        for number in range(250):
            assert await harness.meta(envelope(inbound(f"wamid.{number}", number_id="1111"))) == 200
        assert await harness.meta(envelope(inbound("wamid.b", number_id="2222"))) == 200
        await harness.until(lambda: harness.ids(BIA) == ["wamid.b"])
        await harness.until(lambda: harness.stats.waiting == {ANA: 250})
        assert harness.ids(ANA) == []
        harness.stores = True
        harness.running_server.resume(ANA)
        await harness.until(lambda: len(harness.facts(ANA)) == 250)
        assert harness.ids(ANA) == [f"wamid.{number}" for number in range(250)]
        harness.running_server.resume(BIA)
        await harness.until(lambda: harness.ids(BIA) == ["wamid.b", "wamid.b"])  # it was not confirmed
        await harness.until(lambda: harness.stats.waiting == {})
    assert not left(fast_dir)


async def test_while_secrets_are_locked_nobody_is_turned_away_for_good(fast_dir: Path) -> None:
    async with receiving(fast_dir) as harness:
        harness.running_server.set_endpoints(EndpointList(complete=False))
        async with asyncio.timeout(5):
            while await harness.meta(TEXT) != 503:
                await asyncio.sleep(0.01)
        assert await harness.zapi(zapi_text()) == 503
        await harness.until(lambda: harness.count(DeliveryOutcome.NOT_READY) >= 2)


async def test_a_spool_that_is_damaged_is_set_aside_and_begun_anew(
    fast_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = fast_dir / "webhooks"
    folder.mkdir()
    (folder / spool.NAME).write_bytes(b"not a database at all" * 400)
    async with receiving(fast_dir) as harness:
        assert await harness.meta(TEXT) == 200
        await harness.until(lambda: harness.ids(ANA) == ["wamid.1"])
    assert [file.read_bytes()[:5] for file in (folder / "quarantine").iterdir()] == [b"not a"]
    assert "set aside" in caplog.text


async def test_where_one_cannot_listen_is_said_in_words(fast_dir: Path) -> None:
    receiver = WebhookServerProcess(fast_dir)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for where, code in (
            (WebhookSettings(on=True, port=port), ProblemCode.WEBHOOK_PORT_TAKEN),
            (WebhookSettings(on=True, address="203.0.113.7"), ProblemCode.WEBHOOK_ADDRESS_UNUSABLE),
        ):
            with pytest.raises(Problem) as tried:
                await receiver.check_bind(where)
            assert tried.value.code is code
            with pytest.raises(Problem) as opened:
                async with receiver.open(where):
                    pass
            assert opened.value.code is code
    await receiver.check_bind(WebhookSettings(on=True, port=port))


async def test_a_receiver_that_cannot_begin_says_so(fast_dir: Path) -> None:
    for command in (["/no/such/program"], ["false"]):
        with pytest.raises(Problem) as refused:
            async with WebhookServerProcess(fast_dir, command=command).open(WebhookSettings(port=0)):
                pass
        assert refused.value.code is ProblemCode.WEBHOOK_HOST_ENDED
    (fast_dir / "webhooks").write_text("a file where a folder should be")
    with pytest.raises(Problem) as refused:
        async with receiving(fast_dir):
            pass
    assert refused.value.code is ProblemCode.WEBHOOK_SPOOL_UNUSABLE


def test_when_there_is_no_room_it_is_refused_and_what_was_accepted_stays(tmp_path: Path) -> None:
    """Meta tries again for a week; an answer of 200 would be a promise that cannot be kept."""
    kept = spool.DeliverySpool(tmp_path, room=100)
    one = spool.StoredDelivery(ProviderKind.META_CLOUD, {"1111": ANA}, datetime.now(UTC), b"x" * 90)
    assert not kept.full(90)
    kept.keep([one])
    assert kept.full(11)
    kept.close()
    again = spool.DeliverySpool(tmp_path, room=100)
    assert again.full(11)
    assert [each.body for each in again.read_after(0)] == [b"x" * 90]
    again.keep([], [1])
    assert not again.full(90)
    again.close()


def test_a_commit_that_fails_leaves_nothing_half_done(tmp_path: Path) -> None:
    kept = spool.DeliverySpool(tmp_path)
    one = spool.StoredDelivery(ProviderKind.ZAPI, {"I": DORA}, datetime.now(UTC), b"{}")
    kept.keep([one])
    kept._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(sqlite3.OperationalError):
        kept.keep([one], [1])
    kept._connection.execute("PRAGMA query_only = OFF")
    assert len(kept.read_after(0)) == 1
    kept.close()


async def _answers(harness: WebhookHarness, bodies: int) -> list[int]:
    return [await harness.meta(envelope(status(f"wamid.{each}", "sent", number_id="1111"))) for each in range(bodies)]


async def test_the_counts_of_former_runs_are_kept(fast_dir: Path) -> None:
    for run in range(2):
        async with receiving(fast_dir) as harness:
            assert await _answers(harness, 3 * (run + 1)) == [200] * 3 * (run + 1)
            expected = 3 if run == 0 else 9
            await harness.until(lambda expected=expected: harness.count(DeliveryOutcome.ACCEPTED, ANA) == expected)


def test_an_address_that_asyncio_refuses_without_a_number_is_an_unusable_address() -> None:
    """As since Python 3.13, when none of the addresses is this computer's; it was taken for a fault of the disk."""
    assert bind_error_kind(OSError("could not bind on any address out of [('203.0.113.7', 8443)]")) == "address"
