"""Several mentorados are connected one after the other; where a person is needed, the next one waits."""

from __future__ import annotations

from app.domain.events import StatusChanged
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.ui.mentorado_list.tick_bar import ForMany
from tests.ui.controls import text_in
from tests.ui.window_checks import InWindow, settle
from tests.ui.window_harness import NOON, WindowHarness, person
from tests.waiting import until

FIVE = range(5)


async def state_is(harness: WindowHarness, number: int, state: LinkState) -> None:
    await until(lambda: harness.supervisor.status(person(number).link.id).state is state, within=2)


async def begin(harness: WindowHarness, *numbers: int) -> None:
    """All are off, those are ticked, and the button is pressed."""
    for each in harness.people:
        harness.observe(each, LinkStatus(since=NOON))
    harness.model.flush()
    harness.model.ticks.add(person(number).id for number in numbers)
    harness.window.list.ticks.buttons[ForMany.CONNECT].click()


def connected(harness: WindowHarness, number: int) -> None:
    harness.observe(person(number), LinkStatus(state=LinkState.CONNECTED, since=NOON))


def test_the_next_one_begins_when_the_one_before_is_connected(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        listed = harness.window.list
        async with harness.supervisor:
            await begin(harness, 1, 3, 4)
            await state_is(harness, 1, LinkState.CONNECTING)
            assert listed.table.chosen_id == person(1).id
            assert f"Conectando 1 de 3: {person(1).name}" in text_in(listed.turn)
            assert harness.supervisor.status(person(3).link.id).state is LinkState.OFF
            connected(harness, 1)
            connected(harness, 1)  # seen twice, counted once
            await state_is(harness, 3, LinkState.CONNECTING)
            assert f"Conectando 2 de 3: {person(3).name}" in text_in(listed.turn)
            connected(harness, 4)  # by somebody else meanwhile
            connected(harness, 3)
            await settle()
            assert "3 estão conectados." in text_in(listed.turn)
            assert not harness.model.ticks.ids
            listed.turn.stop.click()
            assert not listed.turn.isVisible()

    in_window(use, FIVE)


def test_it_waits_for_a_person_and_goes_on_with_the_next_when_told(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        listed = harness.window.list
        async with harness.supervisor:
            await begin(harness, 1, 3)
            await state_is(harness, 1, LinkState.CONNECTING)
            expired = LinkStatus(state=LinkState.BLOCKED, reason=Reason.QR_EXPIRED, since=NOON)
            harness.observe(person(1), expired)
            await settle()
            assert f"1 de 2: {person(1).name} não está conectado." in text_in(listed.turn)
            assert harness.supervisor.status(person(3).link.id).state is LinkState.OFF, "no code for nobody"
            listed.turn.next.click()
            await state_is(harness, 3, LinkState.CONNECTING)
            connected(harness, 3)
            await settle()
            assert f"1 está conectado. 1 não está: {person(1).name}." in text_in(listed.turn)
            assert list(harness.model.ticks.ids) == [person(1).id], "who is left can be tried again"

    in_window(use, FIVE)


def test_to_stop_begins_with_nobody_else(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        listed = harness.window.list
        async with harness.supervisor:
            listeners = harness.bus._listeners[StatusChanged]
            before = len(listeners)
            await begin(harness, 1, 3, 4)
            await state_is(harness, 1, LinkState.CONNECTING)
            listed.ticks.buttons[ForMany.CONNECT].click()  # once more: those who wait are not taken twice
            await settle()
            assert f"Conectando 1 de 3: {person(1).name}" in text_in(listed.turn)
            listed.turn.stop.click()
            await settle()
            assert "Ninguém foi conectado. 3 não estão:" in text_in(listed.turn)
            assert harness.supervisor.status(person(1).link.id).state is LinkState.CONNECTING
            connected(harness, 1)
            await settle()
            assert harness.supervisor.status(person(3).link.id).state is LinkState.OFF
            assert len(listeners) == before

    in_window(use, FIVE)


def test_who_cannot_be_connected_is_left_out(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        listed = harness.window.list
        async with harness.supervisor:
            await harness.mentorados.archive(person(1).id)
            await begin(harness, 1)
            await settle()
            assert f"Ninguém foi conectado. 1 não está: {person(1).name}." in text_in(listed.turn)

    in_window(use, FIVE)
