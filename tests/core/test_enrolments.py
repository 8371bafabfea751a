from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.errors import Code, Problem
from app.domain.events import MentoradoAdded, MentoradoChanged, MentoradosLoaded
from app.domain.mentorado import Enrolment, Link, Mentorado, MentoradoId, new_link_id, new_mentorado_id
from app.domain.phone import PhoneNumber
from tests.core.conftest import Core, Run


def test_what_is_typed_is_tidied_stored_and_told(core: Core, run: Run) -> None:
    async def main() -> None:
        ana = await core.enrolments.add("  Ana   Prates ", "(11) 98765-4321", " Turma 3 ")
        assert (ana.mentorado.name, ana.mentorado.phone, ana.mentorado.cohort) == (
            "Ana Prates",
            "+5511987654321",
            "Turma 3",
        )
        assert core.listener.heard == [MentoradoAdded(ana)]
        assert list(await core.roster.all()) == [ana]
        await core.enrolments.load()
        assert core.listener.heard[-1] == MentoradosLoaded((ana,))
        assert core.enrolments.of_link(ana.link.id) == ana

    run(main())


@pytest.mark.parametrize("typed", ["abc", "123", "+55 11 1", "11 98765-43210000"])
def test_what_is_not_a_phone_number_is_refused_and_nothing_is_stored(core: Core, run: Run, typed: str) -> None:
    async def main() -> None:
        with pytest.raises(Problem) as caught:
            await core.enrolments.add("Ana", typed)
        assert caught.value.code is Code.PHONE_INVALID
        assert core.roster.mentorados == {}

    run(main())


def test_a_number_of_another_country_is_taken_with_its_plus(core: Core, run: Run) -> None:
    async def main() -> None:
        assert (await core.add("Bob", "+1 650 253 0000")).mentorado.phone == "+16502530000"

    run(main())


def test_a_number_in_use_is_refused_with_the_name_of_who_has_it(core: Core, run: Run) -> None:
    async def main() -> None:
        await core.add("Ana", "11 98765-4321")
        with pytest.raises(Problem) as caught:
            await core.add("Bia", "+55 11 98765-4321")
        assert (caught.value.code, caught.value.context) == (Code.PHONE_TAKEN, {"name": "Ana"})

    run(main())


def test_nobody_is_added_without_a_name(core: Core, run: Run) -> None:
    async def main() -> None:
        with pytest.raises(Problem) as caught:
            await core.enrolments.add("   ", "11 98765-4321")
        assert caught.value.code is Code.NAME_MISSING

    run(main())


def test_editing_keeps_the_link_and_forgets_an_accepted_number_only_with_the_old_one(core: Core, run: Run) -> None:
    async def main() -> None:
        ana = await core.add()
        other = PhoneNumber("+5521912345678")
        await core.enrolments.save_link(replace(ana.link, accepted_account=other))
        renamed = await core.enrolments.edit(ana.mentorado.id, "Ana Maria", "11 98765-4321", "Turma 1")
        assert renamed.link.accepted_account == other
        moved = await core.enrolments.edit(ana.mentorado.id, "Ana Maria", "11 98765-4399", "Turma 1")
        assert (moved.link.id, moved.link.accepted_account) == (ana.link.id, None)
        assert core.listener.heard[-1] == MentoradoChanged(moved)

    run(main())


def test_a_number_that_a_command_gave_to_somebody_meanwhile_is_not_accepted_for_another_link(
    core: Core, run: Run
) -> None:
    """The window has read the roster before; only the disk knows of who was added beside it."""

    async def main() -> None:
        ana, other = await core.add(), PhoneNumber("+5521912345678")
        bia = Mentorado(id=new_mentorado_id(), name="Bia", phone=other, created_at=core.clock.now())
        await core.roster.add(Enrolment(bia, Link(id=new_link_id(), mentorado_id=bia.id)))
        with pytest.raises(Problem) as caught:
            await core.enrolments.save_link(replace(ana.link, accepted_account=other))
        assert (caught.value.code, caught.value.context) == (Code.ACCOUNT_TAKEN, {"name": "Bia"})
        assert core.roster.links[ana.mentorado.id] == ana.link

    run(main())


def test_archiving_frees_the_number_and_bringing_back_needs_it_free(core: Core, run: Run) -> None:
    async def main() -> None:
        ana = await core.add()
        await core.enrolments.archive(ana.mentorado.id)
        assert core.enrolments.get(ana.mentorado.id).mentorado.archived
        bia = await core.add("Bia")
        with pytest.raises(Problem) as caught:
            await core.enrolments.bring_back(ana.mentorado.id)
        assert caught.value.context == {"name": "Bia"}
        await core.enrolments.archive(bia.mentorado.id)
        await core.enrolments.bring_back(ana.mentorado.id)
        assert not core.enrolments.get(ana.mentorado.id).mentorado.archived

    run(main())


def test_a_link_that_did_not_change_is_not_written_again(core: Core, run: Run) -> None:
    async def main() -> None:
        ana = await core.add()
        heard = len(core.listener.heard)
        await core.enrolments.save_link(ana.link)
        assert len(core.listener.heard) == heard

    run(main())


def test_somebody_is_found_by_name_by_number_or_by_a_part_that_fits_only_them(core: Core, run: Run) -> None:
    async def main() -> None:
        ana, ane = await core.add("Ana Prates", "11 98765-4321"), await core.add("Anelise", "11 98765-4322")
        assert core.enrolments.named("ana prates") == ana
        assert core.enrolments.named("+5511987654322") == ane
        assert core.enrolments.named("lise") == ane
        for name, code in (
            ("an", Code.MENTORADO_AMBIGUOUS),
            ("Zeca", Code.MENTORADO_UNKNOWN),
            ("", Code.MENTORADO_UNKNOWN),
        ):
            with pytest.raises(Problem) as caught:
                core.enrolments.named(name)
            assert caught.value.code is code

    run(main())


def test_an_id_nobody_has_is_a_problem_not_a_crash(core: Core) -> None:
    with pytest.raises(Problem) as caught:
        core.enrolments.get(MentoradoId("f" * 32))
    assert caught.value.code is Code.MENTORADO_UNKNOWN


@pytest.mark.parametrize("typed", ["Ana Prates", "prates", "+5511987654321", "11 98765-4321", "(11) 8765-4321"])
def test_whoever_was_archived_with_the_same_name_and_number_is_in_nobodys_way(core: Core, run: Run, typed: str) -> None:
    async def main() -> None:
        former = await core.add("Ana Prates", "11 98765-4321")
        await core.enrolments.archive(former.mentorado.id)
        assert core.enrolments.named(typed, archived=True).mentorado.id == former.mentorado.id
        with pytest.raises(Problem):
            core.enrolments.named(typed)
        present = await core.add("Ana Prates", "11 98765-4321")
        assert core.enrolments.named(typed, archived=True) == present
        assert core.enrolments.named(former.mentorado.id, archived=True).mentorado.archived
        for nobody in ("", "11 98765-4322 / 11 98765-4321", "11 98765-4322"):
            with pytest.raises(Problem):
                core.enrolments.named(nobody, archived=True)

    run(main())


def test_an_edit_that_changes_nothing_is_no_act_and_one_of_hidden_digits_is(core: Core, run: Run) -> None:
    async def main() -> None:
        ana = await core.add("Ana", "11 98765-4321")
        async with core.running():
            assert await core.enrolments.edit(ana.mentorado.id, "Ana", "11 98765-4321", "") == ana
            assert core.audit.outcomes == []
            await core.enrolments.edit(ana.mentorado.id, "Ana", "11 98765-9921", "")
            (entry,) = core.audit.outcomes
        assert (entry.deed.before, entry.deed.after) == ({"phone": "+55…21"}, {"phone": "+55…21"})

    run(main())


def test_an_act_outside_the_database_that_fails_for_a_reason_of_its_own_is_written_down(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            with pytest.raises(ValueError, match="a bug"):
                async with core.witness.around("connect", after=lambda: {"value": "x"}):
                    raise ValueError("a bug")
        began, failed = [(e.deed.outcome, e.deed.after) for e in core.audit.entries_]
        assert (began, failed) == (("begun", {}), ("failed", {"value": "x"}))

    run(main())
