"""What a crash interrupted is offered over the list; nothing goes on by itself."""

from __future__ import annotations

from app.domain.procedure import EntryKind, Procedure, ProcedureKind, StepName
from app.text.status import texts
from app.ui.notices import InterruptedBanner
from tests.clock import settle
from tests.ui.procedures.conftest import OnViews
from tests.ui.procedures.panel_controls import buttons, words
from tests.ui.procedures.views import Views
from tests.ui.window_harness import person


def notice(views: Views) -> InterruptedBanner:
    from app.domain.events import ProcedureChanged

    window = views.harness.window
    made = InterruptedBanner(window.banners, lambda who: views.harness.mentorados.get(who).name, window.show_procedure)
    views.harness.bus.subscribe(ProcedureChanged, made.on_changed)
    return made


def interrupted(views: Views, kind: ProcedureKind = ProcedureKind.RECOVERY, number: int = 9) -> Procedure:
    procedure = views.procedures.put(kind, person(number).id, ago=7200)
    views.procedures.run_to(procedure, procedure.steps[1].name)
    return views.procedures.write(procedure.head.id, EntryKind.PAUSED, facts={"why": "program_ended"})


def test_it_is_offered_and_nothing_runs_by_itself(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        interrupted(views)
        notice(views).offer(views.procedures.unfinished())
        await settle()
        banner = views.harness.window.banners
        assert "A recuperação de Fábio Sampaio foi interrompida. Nada foi perdido." in words(banner)
        assert list(buttons(banner)) == ["Continuar", "Ver"]
        assert views.procedures.asked == []
        texts.set_language("en")
        assert "The recovery of Fábio Sampaio was interrupted. Nothing was lost." in words(banner)

    on_views(use)


def test_see_shows_it_and_continue_takes_it_up(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        procedure = interrupted(views)
        notice(views).offer(views.procedures.unfinished())
        banner = views.harness.window.banners
        buttons(banner)["Ver"].click()
        await settle()
        assert views.sheet.procedure == views.procedures.open[procedure.head.id]
        assert views.procedures.asked == []
        assert banner.isVisible(), "it is not taken up yet"
        buttons(banner)["Continuar"].click()
        await settle()
        assert views.procedures.asked == ["go_on"]
        assert not banner.isVisible()

    on_views(use)


def test_several_are_offered_one_after_the_other(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        first, second = interrupted(views), interrupted(views, ProcedureKind.BACKUP, 3)
        notice(views).offer(views.procedures.unfinished())
        banner = views.harness.window.banners
        assert "Depois dela há mais 1." in words(banner)
        views.procedures.write(first.head.id, EntryKind.UNDO_BEGAN)
        name = person(3).name
        assert f"O backup de {name} foi interrompido. Nada foi perdido." in words(banner)
        views.procedures.write(second.head.id, EntryKind.STEP_FAILED, StepName.VERIFY_ARCHIVE)
        assert banner.isVisible(), "a failure is not the end of it"
        views.procedures.write(second.head.id, EntryKind.ENDED)
        assert not banner.isVisible()

    on_views(use)


def test_nothing_unfinished_says_nothing_and_a_pause_of_this_run_neither(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        notice(views).offer([])
        procedure = await views.follow(ProcedureKind.BACKUP)
        views.procedures.write(procedure.head.id, EntryKind.PAUSED)
        assert not views.harness.window.banners.isVisible()

    on_views(use)


def test_what_waits_for_an_answer_was_not_interrupted(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        procedure = views.procedures.put(ProcedureKind.RECOVERY, views.who.id)
        views.procedures.run_to(procedure, StepName.BACK_UP)
        views.procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.BACK_UP)
        views.procedures.write(procedure.head.id, EntryKind.ASKED, StepName.PAIR)
        notice(views).offer(views.procedures.unfinished())
        assert "foi interrompida" not in words(views.harness.window.banners)

    on_views(use)
