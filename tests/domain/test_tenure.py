from __future__ import annotations

from datetime import datetime, timedelta

from app.domain.link_status import LinkState, LinkStatus, Trigger
from app.domain.mentorado import LinkId, MentoradoId, ProviderKind
from app.domain.repositories import Transition
from app.domain.switch import SwitchItem, SwitchItemState, SwitchRunId
from app.domain.tenure import Tenure, joined, tenures
from tests.clock import DAWN

OLD, NEW = LinkId("old"), LinkId("new")
S = LinkState


def at(hour: float) -> datetime:
    return DAWN + timedelta(hours=hour)


def item(state: SwitchItemState, switched_at: float | None, ended_at: float | None = None) -> SwitchItem:
    return SwitchItem(
        run_id=SwitchRunId("r"),
        number=1,
        wave=1,
        mentorado_id=MentoradoId("a" * 32),
        source=ProviderKind.WHATSAPP_WEB,
        target=ProviderKind.ZAPI,
        from_link=OLD,
        to_link=None if switched_at is None else NEW,
        state=state,
        switched_at=None if switched_at is None else at(switched_at),
        at=None if ended_at is None else at(ended_at),
    )


def move(link: LinkId, hour: float, before: LinkState, after: LinkState) -> Transition:
    return Transition(
        link_id=link,
        at=at(hour),
        trigger=Trigger.CONNECT,
        before=LinkStatus(state=before, since=at(hour - 1)),
        after=LinkStatus(state=after, since=at(hour)),
    )


def test_without_a_switch_one_link_was_in_use_all_the_time() -> None:
    assert tenures(OLD, [item(SwitchItemState.FAILED, None)]) == (Tenure(OLD),)


def test_each_switch_and_each_way_back_begins_a_tenure() -> None:
    switched, rolled_back = item(SwitchItemState.SWITCHED, 9), item(SwitchItemState.ROLLED_BACK, 2, 5)
    assert tenures(NEW, [switched, rolled_back]) == (
        Tenure(OLD, None, at(2)),
        Tenure(NEW, at(2), at(5)),
        Tenure(OLD, at(5), at(9)),
        Tenure(NEW, at(9)),
    )
    assert [Tenure(NEW, at(2), at(5)).covers(at(hour)) for hour in (1, 2, 4, 5)] == [False, True, True, False]


def test_what_the_links_in_use_did_reads_like_one_link() -> None:
    former = (Tenure(OLD, None, at(5)), [move(OLD, 1, S.OFF, S.CONNECTED), move(OLD, 6, S.CONNECTED, S.OFF)])
    present = (Tenure(NEW, at(5)), [move(NEW, 4, S.OFF, S.CONNECTED), move(NEW, 8, S.CONNECTED, S.RECONNECTING)])
    seen = [(each.at, each.before.state, each.after.state) for each in joined([former, present])]
    assert seen == [
        (at(1), S.OFF, S.CONNECTED),
        (at(5), S.CONNECTED, S.CONNECTED),
        (at(8), S.CONNECTED, S.RECONNECTING),
    ]


def test_a_link_of_which_nothing_is_known_before_its_tenure_begins_with_what_it_left() -> None:
    silent: tuple[Tenure, list[Transition]] = Tenure(OLD, None, at(5)), []
    present = (Tenure(NEW, at(5)), [move(NEW, 8, S.CONNECTED, S.OFF)])
    seen = [(each.at, each.before.state, each.after.state) for each in joined([silent, present])]
    assert seen == [(at(5), S.CONNECTED, S.CONNECTED), (at(8), S.CONNECTED, S.OFF)]
    assert joined([silent, (Tenure(NEW, at(5)), [])]) == []
