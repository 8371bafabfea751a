"""What a notification says: who, why and what to do; never a number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from app.domain.alert import Alert, AlertKind
from app.domain.incident import Incident
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import MentoradoId, ProviderKind
from app.domain.notifications import Notification, NotificationKind
from app.text.notification import Person, notification
from app.text.status import texts
from tests.ui.window_harness import NOON

LOGGED_OUT = LinkStatus(state=LinkState.BLOCKED, reason=Reason.LOGGED_OUT, since=NOON)
CONNECTED = LinkStatus(state=LinkState.CONNECTED, since=NOON)


@pytest.fixture(autouse=True, params=["pt-BR", "en"])
def _language(request: pytest.FixtureRequest) -> Iterator[None]:
    texts.set_language(request.param)
    yield
    texts.set_language("pt-BR")


def people(count: int, status: LinkStatus = LOGGED_OUT) -> dict[MentoradoId, Person]:
    return {MentoradoId(f"{number:032x}"): (f"Ana {number}", status) for number in range(count)}


def links(named: dict[MentoradoId, Person], *phones: Alert) -> tuple[str, str]:
    due = Notification(key="links", kind=NotificationKind.LINKS, mentorados=tuple(named), phones=phones)
    return notification(due, named, NOON)


def unseen(mentorado_id: MentoradoId) -> Alert:
    since = NOON - timedelta(days=12)
    return Alert(
        kind=AlertKind.PHONE_UNSEEN, provider=ProviderKind.WHATSAPP_WEB, mentorado_id=mentorado_id, since=since
    )


def test_one_is_told_with_the_reason_and_the_next_step() -> None:
    title, text = links(people(1))
    badge = texts("badge.blocked.logged_out")
    assert title == texts("fallen.one", name="Ana 0", badge=badge)
    assert text


def test_a_long_name_is_cut() -> None:
    title, _text = links({MentoradoId("1" * 32): ("Ana " * 30, LOGGED_OUT)})
    assert "…" in title
    assert len(title) < 90


def test_many_are_told_together_each_with_the_reason() -> None:
    title, text = links(people(6))
    assert title == texts("fallen.several_more", count=6, names="Ana 0, Ana 1", more=4)
    assert text.splitlines()[:2] == [f"Ana {number} · {texts('badge.blocked.logged_out')}" for number in range(2)]
    assert text.splitlines()[4] == texts.plural("notification.more", 2)


def test_a_phone_that_gave_no_sign_is_told_as_that_alone_or_among_others() -> None:
    one = people(1, CONNECTED)
    (first,) = one
    title, text = links(one, unseen(first))
    assert title == texts("alert.phone_unseen", name="Ana 0", days=12)
    assert text == texts("alert.phone_unseen_step")
    two = people(2)
    two[first] = ("Ana 0", CONNECTED)
    _title, text = links(two, unseen(first))
    assert text.splitlines()[0] == f"Ana 0 · {texts('alert.kind.phone_unseen')}"


def test_an_incident_is_told_with_what_not_to_do() -> None:
    named = people(3)
    incident = Incident(provider=ProviderKind.WHATSAPP_WEB, since=NOON, affected=tuple(named), of=3, causes=())
    due = Notification(key="incident", kind=NotificationKind.INCIDENT, mentorados=tuple(named), incident=incident)
    title, text = notification(due, named, NOON)
    assert "3" in title
    assert text


def test_a_summary_says_who_still_needs_somebody_and_what_is_over() -> None:
    due = Notification(key="summary", kind=NotificationKind.SUMMARY, incidents=2, recovered=1)
    title, text = notification(due, {}, NOON)
    assert title == texts("notification.summary")
    assert text.splitlines() == [
        texts("notification.nobody"),
        texts.plural("notification.incidents", 2),
        texts.plural("notification.recovered", 1),
    ]
    named = people(1)
    _title, text = notification(replace(due, mentorados=tuple(named), incidents=0, recovered=0), named, NOON)
    assert text == texts("fallen.one", name="Ana 0", badge=texts("badge.blocked.logged_out"))
