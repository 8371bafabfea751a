"""Work on many that is not over outlives the program, and is told at the next start as it is then."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from app.core.bulk_work import BulkWorkService
from app.domain.bulk_work import BulkKind, BulkWork
from app.domain.events import BulkWorkChanged
from app.domain.mentorado import Mentorado, MentoradoId
from tests.services import Core


def started_again(core: Core) -> BulkWorkService:
    """The service of the next start, over what is on disk and in the list by then."""
    return BulkWorkService(core.bus, core.mentorados, core.handlings, core.bulk_record, core.write_queue, core.clock)


async def three(core: Core) -> list[Mentorado]:
    return [await core.add(name, f"11 98765-000{number}") for number, name in enumerate(("Ana", "Bia", "Caio"))]


def ids(people: Sequence[Mentorado]) -> tuple[MentoradoId, ...]:
    return tuple(each.id for each in people)


def extent(work: BulkWork) -> tuple[int, int, tuple[MentoradoId, ...]]:
    return work.done, work.count, work.left


async def test_what_was_not_over_is_interrupted_at_the_next_start(core: Core) -> None:
    async with core.running():
        ana, bia, caio = await three(core)
        changes: list[BulkWorkChanged] = []
        core.bus.subscribe(BulkWorkChanged, changes.append)
        work = core.bulk_work.begin(BulkKind.BACK_UP, ids([ana, bia, caio]))
        core.bulk_work.mark(work.id, ana.id)
        await core.write_queue.flush()
        assert core.bulk_work.interrupted == []
        assert [extent(each) for each in core.bulk_work.running] == [(1, 3, ids([bia, caio]))]
        again = started_again(core)
        await again.load()
        assert [extent(each) for each in again.interrupted] == [(1, 3, ids([bia, caio]))]
        assert again.running == []
        assert len(changes) == 3

        again.begin(BulkKind.BACK_UP, ids([caio]), continues=again.interrupted[0])
        assert again.interrupted == []
        assert [extent(each) for each in again.running] == [(1, 3, ids([caio]))], "still of the three who were chosen"
        again.interrupt(work.id)
        assert [each.id for each in again.interrupted] == [work.id]
        again.end(work.id)
        again.end(work.id)
        again.interrupt(work.id)
        await core.write_queue.flush()
        assert core.bulk_record.kept == ()


async def test_what_begins_while_the_interrupted_is_read_is_not_forgotten(core: Core) -> None:
    async with core.running():
        ana, bia, caio = await three(core)
        before = core.bulk_work.begin(BulkKind.BACK_UP, ids([ana, bia]))
        await core.write_queue.flush()
        again = started_again(core)
        begun = again.begin(BulkKind.ARCHIVE, ids([bia, caio]))
        await again.load()
        assert [each.id for each in again.interrupted] == [before.id]
        assert [each.id for each in again.running] == [begun.id]
        assert extent(again.mark(begun.id, bia.id)) == (1, 2, ids([caio]))


async def test_people_who_are_added_or_left_out_are_counted_so(core: Core) -> None:
    async with core.running():
        ana, bia, caio = await three(core)
        work = core.bulk_work.begin(BulkKind.CONNECT, ids([ana, bia]))
        core.bulk_work.add(work.id, ids([caio]))
        core.bulk_work.mark(work.id, ana.id, done=False)
        core.bulk_work.mark(work.id, bia.id)
        assert [extent(each) for each in core.bulk_work.running] == [(1, 3, ids([caio]))]


@pytest.mark.parametrize("kind", [BulkKind.ARCHIVE, BulkKind.COHORT, BulkKind.HANDLE])
async def test_what_was_done_at_the_last_moment_counts_although_it_was_not_noted(core: Core, kind: BulkKind) -> None:
    async with core.running():
        ana, bia, _ = await three(core)
        core.bulk_work.begin(kind, [*ids([ana, bia]), MentoradoId("gone")], typed="Turma 9")
        await core.write_queue.flush()
        if kind is BulkKind.ARCHIVE:
            await core.mentorados.archive(ana.id)
        elif kind is BulkKind.COHORT:
            await core.mentorados.edit(ana.id, ana.name, ana.phone, "Turma 9")
        else:
            await core.handlings.take(ana.id)
        again = started_again(core)
        await again.load()
        assert [extent(each) for each in again.interrupted] == [(1, 2, ids([bia]))]


async def test_what_turns_out_to_be_over_is_not_told(core: Core) -> None:
    async with core.running():
        (ana, *_) = await three(core)
        core.bulk_work.begin(BulkKind.ARCHIVE, ids([ana]))
        await core.write_queue.flush()
        await core.mentorados.archive(ana.id)
        again = started_again(core)
        await again.load()
        assert again.interrupted == []
