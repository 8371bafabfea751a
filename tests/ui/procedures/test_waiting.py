"""Somebody who looks at something else is told that a procedure waits for them."""

from __future__ import annotations

from app.domain.errors import ProblemCode
from app.domain.events import ProcedureChanged
from app.domain.procedure import EntryKind, ProcedureKind, StepName
from app.text.status import texts
from app.ui.notices import PairingQueueBanner
from tests.clock import settle
from tests.ui.procedures.conftest import OnViews
from tests.ui.procedures.panel_controls import asking, buttons, words
from tests.ui.procedures.views import Views
from tests.ui.window_harness import person


def notice(views: Views) -> None:
    window = views.harness.window
    made = PairingQueueBanner(
        window.banners,
        lambda who: views.harness.mentorados.get(who).name,
        window.shows_procedure,
        window.show_procedure,
    )
    views.harness.bus.subscribe(ProcedureChanged, made.on_changed)


def test_a_question_that_nobody_sees_is_told_over_the_list(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        notice(views)
        procedure = await views.follow(ProcedureKind.RECOVERY)
        views.procedures.run_to(procedure, StepName.BACK_UP)
        views.harness.window.choose(person(3).id)
        await settle()
        views.procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.BACK_UP)
        views.procedures.write(procedure.head.id, EntryKind.ASKED, StepName.PAIR)
        banner = views.harness.window.banners
        assert words(banner) == "Recuperação de Fábio Sampaio espera sua resposta."
        texts.set_language("en")
        assert words(banner) == "Recovery of Fábio Sampaio waits for your answer."
        texts.set_language("pt-BR")
        buttons(banner)["Ver"].click()
        await settle()
        assert "Pronto para o novo código?" in words(views.sheet)
        assert not banner.isVisible()

    on_views(use)


def test_what_is_on_show_is_not_told_twice(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        notice(views)
        await asking(views)
        assert not views.harness.window.banners.isVisible()

    on_views(use)


def test_a_failure_and_an_end_are_told_and_taken_back_when_it_moves_on(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        notice(views)
        procedure = views.procedures.put(ProcedureKind.BACKUP, views.who.id)
        banner = views.harness.window.banners
        full = {"code": ProblemCode.BACKUP_DISK_FULL, "path": "/backups"}
        views.procedures.write(procedure.head.id, EntryKind.STEP_FAILED, StepName.COLLECT, full)
        assert "um passo não deu certo. Nada foi perdido." in words(banner)
        views.procedures.write(procedure.head.id, EntryKind.CONTINUED)
        assert not banner.isVisible()
        views.procedures.write(procedure.head.id, EntryKind.ENDED)
        assert words(banner) == "Backup de Fábio Sampaio terminou."

    on_views(use)
