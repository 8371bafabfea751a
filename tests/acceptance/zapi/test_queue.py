""" "Before any reconnect that would flush queued messages, show them and ask send / purge / wait": a session that comes
back sends what waits, and a thousand old messages are nobody's wish."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.guidance import Recommendation
from app.domain.link_status import LinkState, Reason
from tests.acceptance.zapi.harness import Client, Harness, ProgramRun
from tests.emulators.zapi.faults import Fault
from tests.emulators.zapi.instance import Instance, Pairing

BRINGS_BACK = ("GET restore-session", "GET restart", "GET qr-code")


def dropped(instance: Instance) -> None:
    instance.pairing = Pairing.NEEDS_RESTORE


def only_a_restart_helps(instance: Instance) -> None:
    instance.pairing, instance.restore_works = Pairing.NEEDS_RESTORE, False


def unlinked(instance: Instance) -> None:
    instance.unlink()


ways = pytest.mark.parametrize("down", [dropped, unlinked], ids=["restore", "code"])


async def waiting(run: ProgramRun, down: Callable[[Instance], None], messages: int = 3) -> Client:
    """Somebody whose session fell while messages wait, so that nothing is done about it."""
    ana = await run.client()
    if down is not unlinked:
        ana.instance.link(ana.person.digits)
    down(ana.instance)
    for number in range(messages):
        ana.instance.enqueue("5511912345678", f"velha {number}")
    await run.do(ActionName.CONNECT, ana.person)
    await run.until(ana.person, LinkState.BLOCKED, Reason.QUEUE_PENDING)
    assert run.recommended(ana.person) is Recommendation.DECIDE_QUEUE
    assert run.refusal(ActionName.DECIDE_QUEUE, ana.person) is None
    assert not set(ana.instance.asked) & set(BRINGS_BACK)
    return ana


async def back(run: ProgramRun, ana: Client, down: Callable[[Instance], None]) -> None:
    if down is unlinked:
        await run.scan_shown(ana)
    await run.until(ana.person, LinkState.CONNECTED)


@ways
async def test_what_waits_is_shown_and_goes_out_when_a_person_lets_it(
    harness: Harness, down: Callable[[Instance], None]
) -> None:
    async with harness.running() as run:
        ana = await waiting(run, down)
        seen = await run.core.hosted.queue.list(ana.person.id)
        assert [message.text for message in seen] == ["velha 0", "velha 1", "velha 2"]
        assert all(message.since is not None and message.to == "5511912345678" for message in seen)
        await run.core.hosted.queue.send(ana.person.id, seen)
        await back(run, ana, down)
        while ana.instance.queue:
            await run.core.clock.sleep(1)
            ana.instance.settle()
        assert [message.message for message in ana.instance.sent] == ["velha 0", "velha 1", "velha 2"]


@ways
async def test_what_is_purged_never_goes_out(harness: Harness, down: Callable[[Instance], None]) -> None:
    async with harness.running() as run:
        ana = await waiting(run, down)
        assert await run.core.hosted.queue.purge(ana.person.id, await run.core.hosted.queue.list(ana.person.id)) == 3
        await back(run, ana, down)
        await run.core.clock.sleep(10)
        ana.instance.settle()
        assert (ana.instance.queue, ana.instance.sent) == ([], [])


@ways
async def test_what_is_left_waits_and_so_does_the_link(harness: Harness, down: Callable[[Instance], None]) -> None:
    """Connecting once more, and starting the program again, change nothing: it is a person's decision."""
    async with harness.running() as run:
        ana = await waiting(run, down)
        run.core.hosted.queue.keep(ana.person.id, await run.core.hosted.queue.list(ana.person.id))
        await run.do(ActionName.CONNECT, ana.person)
        await run.until(ana.person, LinkState.BLOCKED, Reason.QUEUE_PENDING)
    async with harness.running(starting=True) as run:
        await run.core.clock.sleep(60)
        assert run.status(ana.person).reason is Reason.QUEUE_PENDING
        assert len(ana.instance.queue) == 3
        assert not set(ana.instance.asked) & set(BRINGS_BACK)


async def test_a_persons_word_holds_once(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await waiting(run, dropped)
        await run.core.hosted.queue.send(ana.person.id, await run.core.hosted.queue.list(ana.person.id))
        await run.until(ana.person, LinkState.CONNECTED)
        ana.instance.drop(result=False)
        ana.instance.queue.clear()
        ana.instance.enqueue("5511912345678", "nova")
        await run.until(ana.person, LinkState.BLOCKED, Reason.QUEUE_PENDING)


@pytest.mark.within(60)
async def test_a_persons_word_still_holds_when_it_takes_a_code(harness: Harness) -> None:
    """They let the queue go; then neither restoring nor restarting helps, and the code need not ask again."""
    async with harness.running() as run:
        ana = await waiting(run, dropped)
        ana.instance.restore_works = ana.instance.restart_works = False
        await run.core.hosted.queue.send(ana.person.id, await run.core.hosted.queue.list(ana.person.id))
        await run.scan_shown(ana)
        await run.until(ana.person, LinkState.CONNECTED)


async def test_messages_that_joined_the_queue_after_a_restore_in_vain_are_seen_before_the_restart(
    harness: Harness,
) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        only_a_restart_helps(ana.instance)
        await run.until(ana.person, LinkState.RECONNECTING, Reason.SESSION_DROPPED)
        ana.instance.enqueue("5511912345678", "nova")
        await run.until(ana.person, LinkState.BLOCKED, Reason.QUEUE_PENDING)
        assert "GET restart" not in ana.instance.asked


async def test_messages_that_join_the_queue_while_a_code_is_shown_take_it_away(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.client()
        await run.do(ActionName.CONNECT, ana.person)
        await run.code(ana.person)
        ana.instance.enqueue("5511912345678", "nova")
        await run.until(ana.person, LinkState.BLOCKED, Reason.QUEUE_PENDING)
        assert run.status(ana.person).qr is None


@pytest.mark.parametrize("fault", [Fault.HTML_502, Fault.WRONG_TYPES, Fault.ERROR_200, Fault.EMPTY, Fault.RESET])
@ways
async def test_a_queue_that_cannot_be_read_is_never_flushed_blindly(
    harness: Harness, fault: Fault, down: Callable[[Instance], None]
) -> None:
    """The link is unknown until it can be."""
    async with harness.running() as run:
        ana = await run.client()
        if down is not unlinked:
            ana.instance.link(ana.person.digits)
        down(ana.instance)
        harness.emulator.fault("queue", fault)
        await run.do(ActionName.CONNECT, ana.person)
        status = await run.until(ana.person, LinkState.UNKNOWN, Reason.UNREACHABLE)
        assert "queue" in status.detail
        with pytest.raises(Problem) as caught:
            await run.core.hosted.queue.list(ana.person.id)
        assert caught.value.code is ProblemCode.PROVIDER_SILENT
        assert not set(ana.instance.asked) & set(BRINGS_BACK)
        harness.emulator.clear_faults()
        await back(run, ana, down)


async def test_a_whole_thousand_is_shown_and_removed(harness: Harness) -> None:
    """Paged with the cursor of `POST /queue`."""
    async with harness.running() as run:
        ana = await waiting(run, dropped, messages=1000)
        seen = await run.core.hosted.queue.list(ana.person.id)
        assert [message.text for message in seen] == [f"velha {number}" for number in range(1000)]
        assert await run.core.hosted.queue.purge(ana.person.id, seen) == 1000
        await run.until(ana.person, LinkState.CONNECTED)


async def test_a_purge_whose_answer_never_came_is_looked_after(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await waiting(run, dropped)
        seen = await run.core.hosted.queue.list(ana.person.id)
        harness.emulator.fault("queue", Fault.HTML_502)
        with pytest.raises(Problem):
            await run.core.hosted.queue.purge(ana.person.id, seen)
        harness.emulator.clear_faults()
        assert len(await run.core.hosted.queue.list(ana.person.id)) == 3


async def test_once_connected_an_instance_is_told_not_to_queue_for_an_absent_phone(harness: Harness) -> None:
    """ "`disableEnqueueWhenDisconnected` … ignored otherwise": where it is not known, nothing breaks."""
    async with harness.running() as run:
        ana = await run.connected()
        await run.core.clock.sleep(60)
        assert ana.instance.disable_enqueue
        harness.emulator.fault("update-queue-settings", (405, b'{"error":"Method not allowed"}'))
        bia = await run.connected("Bia")
        await run.core.clock.sleep(60)
        assert not bia.instance.disable_enqueue
        assert run.status(bia.person).state is LinkState.CONNECTED
