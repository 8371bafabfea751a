"""What ends, goes on and waits when the program is closed, by the names of those it concerns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.outbound.campaigns import CampaignService
from app.core.procedures.runner import ACTIVE
from app.core.procedures.service import ProcedureService
from app.core.provider_switch.service import SwitchService
from app.domain.bulk_work import BulkWork
from app.domain.campaign import CampaignState
from app.domain.link_status import LinkState
from app.domain.mentorado import LinkId, MentoradoId
from app.domain.provider_descriptor import DESCRIPTORS
from app.domain.switch import SwitchState
from app.text import switch_run as run_text
from app.text.status import provider, texts

_NAMED = 3


def closing_lines(
    *,
    supervisor: Supervisor,
    mentorados: MentoradoService,
    procedures: ProcedureService,
    campaigns: CampaignService,
    switches: SwitchService,
    bulk_work: Iterable[BulkWork] = (),
    unsaved: Iterable[MentoradoId] = (),
    restarting: bool = False,
) -> Sequence[str]:
    """Return a sentence for each kind of work that closing ends or interrupts; none where it changes nothing.

    *unsaved* are those about whom a note is being typed. With *restarting*, connections are left out: they come back.
    """
    live = [link for link in supervisor.running() if supervisor.status(link).state is not LinkState.BLOCKED]
    through = {link: mentorados.through(link) for link in live}
    apart = [
        link
        for link in live
        if supervisor.status(link).state is LinkState.CONNECTED
        and not DESCRIPTORS[through[link].link.provider].keeps_session
    ]
    moving = [each.head.mentorado_id for each in procedures.unfinished() if each.state in ACTIVE]
    sending = [each.draft.name for each in campaigns.campaigns if each.state is CampaignState.RUNNING]
    switching = [each for each in switches.runs if each.state is SwitchState.RUNNING]

    def name(link: LinkId) -> str:
        return through[link].name

    def name_at_provider(link: LinkId) -> str:
        return texts("question.close.at", name=name(link), provider=provider(through[link].link.provider))

    found = {
        "unsaved": [mentorados.get(each).name for each in unsaved],
        "moving": [mentorados.get(each).name for each in moving],
        "stops": [name(link) for link in live if link not in apart],
        "goes_on": [name_at_provider(link) for link in apart],
        "bulk": [texts(f"many.{each.kind}.so_far", done=each.done, count=each.count) for each in bulk_work],
        "sending": sending,
        "switching": [run_text.name(run, lambda each: mentorados.get(each).name) for run in switching],
    }
    return [
        texts.plural(f"question.close.{key}", len(names), names=_listed(names))
        for key, each in found.items()
        if not (restarting and key in ("stops", "goes_on"))
        if (names := sorted(set(each)))  # whoever has a link beside the one in use is named once
    ]


def _listed(names: Sequence[str]) -> str:
    """The first few by name, the others by their number."""
    listed, more = ", ".join(names[:_NAMED]), len(names) - _NAMED
    return texts.plural("question.close.and_more", more, names=listed) if more > 0 else listed
