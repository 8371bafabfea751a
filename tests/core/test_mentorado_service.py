from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.errors import Problem, ProblemCode
from app.domain.events import MentoradoAdded, MentoradoChanged, MentoradosLoaded
from app.domain.mentorado import MentoradoId
from app.domain.phone import PhoneNumber
from tests.services import Core
from tests.storage.people import new_mentorado


async def test_what_is_typed_is_tidied_stored_and_told(core: Core) -> None:
    ana = await core.mentorados.add("  Ana   Prates ", "(11) 98765-4321", " Turma 3 ")
    assert (ana.name, ana.phone, ana.cohort) == (
        "Ana Prates",
        "+5511987654321",
        "Turma 3",
    )
    assert core.listener.events == [MentoradoAdded(ana)]
    assert list(await core.mentorado_repository.all()) == [ana]
    await core.mentorados.load()
    assert core.listener.events[-1] == MentoradosLoaded((ana,))
    assert core.mentorados.through(ana.link.id) == ana


@pytest.mark.parametrize("typed", ["abc", "123", "+55 11 1", "11 98765-43210000"])
async def test_what_is_not_a_phone_number_is_refused_and_nothing_is_stored(core: Core, typed: str) -> None:
    with pytest.raises(Problem) as caught:
        await core.mentorados.add("Ana", typed)
    assert caught.value.code is ProblemCode.PHONE_INVALID
    assert core.mentorado_repository.mentorados == {}


async def test_a_number_of_another_country_is_taken_with_its_plus(core: Core) -> None:
    assert (await core.add("Bob", "+1 650 253 0000")).phone == "+16502530000"


async def test_a_number_in_use_is_refused_with_the_name_of_who_has_it(core: Core) -> None:
    await core.add("Ana", "11 98765-4321")
    with pytest.raises(Problem) as caught:
        await core.add("Bia", "+55 11 98765-4321")
    assert (caught.value.code, caught.value.context) == (ProblemCode.PHONE_TAKEN, {"name": "Ana"})


async def test_nobody_is_added_without_a_name(core: Core) -> None:
    with pytest.raises(Problem) as caught:
        await core.mentorados.add("   ", "11 98765-4321")
    assert caught.value.code is ProblemCode.NAME_MISSING


async def test_editing_keeps_the_link_and_forgets_an_accepted_number_only_with_the_old_one(core: Core) -> None:
    ana = await core.add()
    other = PhoneNumber("+5521912345678")
    await core.mentorados.save_link(replace(ana.link, accepted_account=other))
    renamed = await core.mentorados.edit(ana.id, "Ana Maria", "11 98765-4321", "Turma 1")
    assert renamed.link.accepted_account == other
    moved = await core.mentorados.edit(ana.id, "Ana Maria", "11 98765-4399", "Turma 1")
    assert (moved.link.id, moved.link.accepted_account) == (ana.link.id, None)
    assert core.listener.events[-1] == MentoradoChanged(moved)


async def test_a_number_that_a_command_gave_to_somebody_meanwhile_is_not_accepted_for_another_link(core: Core) -> None:
    """The window has read the roster before; only the disk knows of who was added beside it."""
    ana, other = await core.add(), PhoneNumber("+5521912345678")
    await core.mentorado_repository.add(new_mentorado("Bia", other))
    with pytest.raises(Problem) as caught:
        await core.mentorados.save_link(replace(ana.link, accepted_account=other))
    assert (caught.value.code, caught.value.context) == (ProblemCode.ACCOUNT_TAKEN, {"name": "Bia"})
    assert core.mentorado_repository.links[ana.id] == ana.link


async def test_archiving_frees_the_number_and_bringing_back_needs_it_free(core: Core) -> None:
    ana = await core.add()
    await core.mentorados.archive(ana.id)
    assert core.mentorados.get(ana.id).archived
    bia = await core.add("Bia")
    with pytest.raises(Problem) as caught:
        await core.mentorados.unarchive(ana.id)
    assert caught.value.context == {"name": "Bia"}
    await core.mentorados.archive(bia.id)
    await core.mentorados.unarchive(ana.id)
    assert not core.mentorados.get(ana.id).archived


async def test_a_link_that_did_not_change_is_not_written_again(core: Core) -> None:
    ana = await core.add()
    count = len(core.listener.events)
    await core.mentorados.save_link(ana.link)
    assert len(core.listener.events) == count


async def test_somebody_is_found_by_name_by_number_or_by_a_part_that_fits_only_them(core: Core) -> None:
    ana, ane = await core.add("Ana Prates", "11 98765-4321"), await core.add("Anelise", "11 98765-4322")
    assert core.mentorados.find("ana prates") == ana
    assert core.mentorados.find("+5511987654322") == ane
    assert core.mentorados.find("lise") == ane
    for name, code in (
        ("an", ProblemCode.MENTORADO_AMBIGUOUS),
        ("Zeca", ProblemCode.MENTORADO_UNKNOWN),
        ("", ProblemCode.MENTORADO_UNKNOWN),
    ):
        with pytest.raises(Problem) as caught:
            core.mentorados.find(name)
        assert caught.value.code is code


def test_an_id_nobody_has_is_a_problem_not_a_crash(core: Core) -> None:
    with pytest.raises(Problem) as caught:
        core.mentorados.get(MentoradoId("f" * 32))
    assert caught.value.code is ProblemCode.MENTORADO_UNKNOWN


async def test_whoever_is_not_of_this_database_any_more_is_called_by_the_id(core: Core) -> None:
    ana = await core.add("Ana Prates", "11 98765-4321")
    assert core.mentorados.name_of(ana.id) == "Ana Prates"
    assert core.mentorados.name_of(MentoradoId("f" * 32)) == "f" * 32


@pytest.mark.parametrize("typed", ["Ana Prates", "prates", "+5511987654321", "11 98765-4321", "(11) 8765-4321"])
async def test_whoever_was_archived_with_the_same_name_and_number_is_in_nobodys_way(core: Core, typed: str) -> None:
    former = await core.add("Ana Prates", "11 98765-4321")
    await core.mentorados.archive(former.id)
    assert core.mentorados.find(typed, archived=True).id == former.id
    with pytest.raises(Problem):
        core.mentorados.find(typed)
    present = await core.add("Ana Prates", "11 98765-4321")
    assert core.mentorados.find(typed, archived=True) == present
    assert core.mentorados.find(former.id, archived=True).archived
    for nobody in ("", "11 98765-4322 / 11 98765-4321", "11 98765-4322"):
        with pytest.raises(Problem):
            core.mentorados.find(nobody, archived=True)


async def test_an_edit_that_changes_nothing_is_no_act_and_one_of_hidden_digits_is(core: Core) -> None:
    ana = await core.add("Ana", "11 98765-4321")
    async with core.running():
        assert await core.mentorados.edit(ana.id, "Ana", "11 98765-4321", "") == ana
        assert core.audit.outcomes == []
        await core.mentorados.edit(ana.id, "Ana", "11 98765-9921", "")
        (entry,) = core.audit.outcomes
    assert (entry.record.before, entry.record.after) == ({"phone": "+55…21"}, {"phone": "+55…21"})


async def test_an_act_outside_the_database_that_fails_for_a_reason_of_its_own_is_written_down(core: Core) -> None:
    async with core.running():
        with pytest.raises(ValueError, match="a bug"):
            async with core.audit_service.around("connect", after=lambda: {"value": "x"}):
                raise ValueError("a bug")
    began, failed = [(e.record.outcome, e.record.after) for e in core.audit.entries_]
    assert (began, failed) == (("begun", {}), ("failed", {"value": "x"}))
