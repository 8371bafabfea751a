"""Which link was in use when, and what the timeline says of switches."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from app.domain.link_status import LinkState, LinkStatus, Trigger
from app.domain.mentorado import LinkId, MentoradoId, ProviderKind
from app.domain.repositories import Transition
from app.domain.switch import SwitchItem, SwitchItemState, SwitchRunId
from app.domain.tenure import Tenure, joined, tenures
from app.domain.uptime import segments
from app.ui.detail_pane.switch_history import SwitchEvent, notes
from tests.clock import DAWN

WEB, ZAPI, META = LinkId("web"), LinkId("zapi"), LinkId("meta")
KINDS = {WEB: ProviderKind.WHATSAPP_WEB, ZAPI: ProviderKind.ZAPI, META: ProviderKind.META_CLOUD}


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def item(former: LinkId, to: LinkId, at: float, state: SwitchItemState, ended: float | None = None) -> SwitchItem:
    return SwitchItem(
        run_id=SwitchRunId("run"),
        number=1,
        wave=1,
        mentorado_id=MentoradoId("ana"),
        source=KINDS[former],
        target=KINDS[to],
        from_link=former,
        to_link=to,
        state=state,
        at=DAWN + hours(at if ended is None else ended),
        switched_at=DAWN + hours(at),
    )


def move(link: LinkId, at: float, before: LinkState, after: LinkState) -> Transition:
    moment = DAWN + hours(at)
    statuses = {name: LinkStatus(state=state, since=moment) for name, state in (("before", before), ("after", after))}
    return Transition(link_id=link, at=moment, trigger=Trigger.CONNECT, **statuses)


SWITCHES = [
    item(WEB, ZAPI, 1, SwitchItemState.ROLLED_BACK, 2),
    item(WEB, META, 5, SwitchItemState.RELEASED, 9),
    replace(item(META, ZAPI, 7, SwitchItemState.FAILED), switched_at=None),
]


def test_a_link_is_in_use_from_its_switch_to_the_next() -> None:
    assert tenures(META, SWITCHES) == (
        Tenure(WEB, None, DAWN + hours(1)),
        Tenure(ZAPI, DAWN + hours(1), DAWN + hours(2)),
        Tenure(WEB, DAWN + hours(2), DAWN + hours(5)),
        Tenure(META, DAWN + hours(5)),
    )
    assert tenures(WEB, []) == (Tenure(WEB),)


def test_every_end_of_a_switch_is_told_once() -> None:
    found = sorted((at, note.event, note.target) for at, note in notes(SWITCHES, []))
    assert found == [
        (DAWN + hours(1), SwitchEvent.DONE, ProviderKind.ZAPI),
        (DAWN + hours(2), SwitchEvent.ROLLED_BACK, ProviderKind.ZAPI),
        (DAWN + hours(5), SwitchEvent.DONE, ProviderKind.META_CLOUD),
        (DAWN + hours(9), SwitchEvent.RELEASED, ProviderKind.META_CLOUD),
    ]


def test_the_moves_of_a_target_before_it_was_in_use_are_no_fall() -> None:
    web = [move(WEB, 0, LinkState.CONNECTING, LinkState.CONNECTED), move(WEB, 3, LinkState.CONNECTED, LinkState.OFF)]
    zapi = [
        move(ZAPI, 1, LinkState.OFF, LinkState.CONNECTING),
        move(ZAPI, 1.5, LinkState.CONNECTING, LinkState.CONNECTED),
    ]
    at_two = DAWN + hours(2)
    known = [(Tenure(WEB, None, at_two), web), (Tenure(ZAPI, at_two), zapi)]
    moves = joined(known)
    live = LinkStatus(state=LinkState.CONNECTED, since=DAWN + hours(1.5))
    shown = segments(moves, begin=DAWN, end=DAWN + hours(4), live=live)
    assert [segment.state for segment in shown] == [LinkState.CONNECTED]


def test_a_target_that_fell_later_is_shown_as_it_was() -> None:
    at_two = DAWN + hours(2)
    fell = move(ZAPI, 3, LinkState.CONNECTED, LinkState.RECONNECTING)
    moves = joined([(Tenure(ZAPI, at_two), [fell])])
    assert [(each.at, each.after.state) for each in moves] == [
        (at_two, LinkState.CONNECTED),
        (fell.at, LinkState.RECONNECTING),
    ]
    assert joined([(Tenure(ZAPI, at_two), [])]) == []
