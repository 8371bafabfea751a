"""What needs an admin now, and that each matter is published once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from app.core.background import BackgroundTasks
from app.core.diagnostics.alerts import LOOK_SECONDS, AlertService, find_alerts
from app.domain.alert import PHONE_UNSEEN_AFTER, Alert, AlertKind
from app.domain.errors import Problem, ProblemCode
from app.domain.events import AlertsChanged, IncidentBegan, IncidentEnded
from app.domain.incident import Incident
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.phone import PhoneNumber
from app.text.alert import alert_kind, alert_line, alert_step
from app.text.status import texts
from app.text.translator import LANGUAGES
from tests.clock import DAWN, settle
from tests.services import Core

NOW = DAWN + timedelta(days=30)
WEB, ZAPI, META = ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI, ProviderKind.META_CLOUD


def somebody(number: int, provider: ProviderKind = WEB, *, paired: bool = True, archived: bool = False) -> Mentorado:
    phone = PhoneNumber(f"+551190000{number:04}")
    link = Link(
        id=LinkId(f"{number:032x}"),
        mentorado_id=MentoradoId(f"{number + 1000:032x}"),
        provider=provider,
        account=phone if paired else None,
    )
    return Mentorado(
        id=link.mentorado_id,
        name=f"Person {number}",
        phone=phone,
        created_at=DAWN,
        archived_at=DAWN if archived else None,
        link=link,
    )


def status(state: LinkState, reason: Reason = Reason.NONE, *, since: datetime = DAWN) -> LinkStatus:
    return LinkStatus(state=state, reason=reason, since=since)


def kinds(*alerts: Alert) -> list[AlertKind]:
    return [alert.kind for alert in alerts]


def test_a_blocked_link_needs_an_admin() -> None:
    ana = somebody(1)
    (alert,) = find_alerts([(ana, status(LinkState.BLOCKED, Reason.LOGGED_OUT))], (), {}, NOW)
    assert (alert.kind, alert.mentorado_id, alert.reason) == (AlertKind.BLOCKED, ana.id, Reason.LOGGED_OUT)


def test_what_is_connected_or_comes_back_by_itself_needs_nobody() -> None:
    links = [
        (somebody(number), status(state))
        for number, state in enumerate(state for state in LinkState if state is not LinkState.BLOCKED)
    ]
    assert find_alerts(links, (), {}, NOW) == ()


def test_the_archived_have_no_alerts() -> None:
    gone = somebody(1, archived=True)
    assert find_alerts([(gone, status(LinkState.BLOCKED, Reason.BANNED))], (), {gone.link.id: DAWN}, NOW) == ()


def test_a_first_pairing_that_failed_is_no_alert_but_one_of_a_link_that_worked_is() -> None:
    new, known = somebody(1, paired=False), somebody(2)
    expired = status(LinkState.BLOCKED, Reason.QR_EXPIRED)
    (alert,) = find_alerts([(new, expired), (known, expired)], (), {}, NOW)
    assert alert.mentorado_id == known.id


def test_links_that_fell_with_an_incident_are_one_matter() -> None:
    fallen, other = somebody(1), somebody(2)
    incident = Incident(provider=WEB, since=DAWN, affected=(fallen.id,), of=2, causes=())
    blocked = status(LinkState.BLOCKED, Reason.LOGGED_OUT)
    found = find_alerts([(fallen, blocked), (other, blocked)], [incident], {}, NOW)
    assert kinds(*found) == [AlertKind.INCIDENT, AlertKind.BLOCKED]
    assert found[1].mentorado_id == other.id


def test_a_token_that_expires_soon_is_an_alert_with_its_end() -> None:
    ana = somebody(1, META)
    ends = NOW + timedelta(days=3)
    connected = replace(status(LinkState.CONNECTED, Reason.TOKEN_EXPIRING), until=ends)
    (alert,) = find_alerts([(ana, connected)], (), {}, NOW)
    assert (alert.kind, alert.until) == (AlertKind.TOKEN_EXPIRING, ends)
    later = replace(alert, since=NOW)  # the program was started anew
    assert later.key == alert.key


@pytest.mark.parametrize(
    ("provider", "state", "reason", "unseen", "is_one"),
    [
        (WEB, LinkState.CONNECTED, Reason.NONE, PHONE_UNSEEN_AFTER, True),
        (WEB, LinkState.RECONNECTING, Reason.NETWORK_DOWN, PHONE_UNSEEN_AFTER, True),
        (WEB, LinkState.CONNECTED, Reason.NONE, PHONE_UNSEEN_AFTER - timedelta(seconds=1), False),
        (WEB, LinkState.OFF, Reason.NONE, PHONE_UNSEEN_AFTER, False),  # nobody waits for it
        (ZAPI, LinkState.CONNECTED, Reason.NONE, PHONE_UNSEEN_AFTER, False),  # Z-API sees it now
        (ZAPI, LinkState.CONNECTED, Reason.PHONE_OFFLINE, PHONE_UNSEEN_AFTER, True),
        (META, LinkState.CONNECTED, Reason.NONE, PHONE_UNSEEN_AFTER, False),  # no phone is involved
    ],
)
def test_a_phone_is_unseen_after_twelve_days(
    provider: ProviderKind, state: LinkState, reason: Reason, unseen: timedelta, is_one: bool
) -> None:
    ana = somebody(1, provider)
    found = find_alerts([(ana, status(state, reason))], (), {ana.link.id: NOW - unseen}, NOW)
    assert kinds(*found) == ([AlertKind.PHONE_UNSEEN] if is_one else [])


def test_a_phone_of_which_nothing_is_known_is_no_alert() -> None:
    assert find_alerts([(somebody(1), status(LinkState.CONNECTED))], (), {}, NOW) == ()


def test_the_most_urgent_comes_first_and_of_a_kind_the_longest_lasting() -> None:
    late, early, quiet = somebody(1), somebody(2), somebody(3)
    links = [
        (quiet, status(LinkState.CONNECTED)),
        (late, status(LinkState.BLOCKED, Reason.LOGGED_OUT, since=NOW)),
        (early, status(LinkState.BLOCKED, Reason.LOGGED_OUT, since=DAWN)),
    ]
    found = find_alerts(links, (), {quiet.link.id: DAWN}, NOW)
    assert [alert.mentorado_id for alert in found] == [early.id, late.id, quiet.id]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_alert_has_a_sentence_and_a_step(language: str) -> None:
    texts.set_language(language)
    try:
        for kind in AlertKind:
            for until in (None, NOW):
                alert = Alert(kind=kind, provider=WEB, since=DAWN, reason=Reason.LOGGED_OUT, until=until, count=4)
                assert alert_kind(kind)
                assert alert_line(alert, "Ana", NOW).endswith(".")
                assert alert_step(alert).endswith(".")
    finally:
        texts.set_language("pt-BR")


class Sightings:
    """When phones were seen, as a test says."""

    def __init__(self) -> None:
        self.seen: dict[LinkId, datetime] = {}
        self.broken = False
        self.reads = 0

    async def last_seen(self) -> Mapping[LinkId, datetime]:
        self.reads += 1
        if self.broken:
            raise Problem(ProblemCode.DATABASE_LOCKED)
        return dict(self.seen)


class Watched:
    """An alert service over statuses that a test sets."""

    def __init__(self, core: Core, *people: Mentorado) -> None:
        self.clock, self.bus = core.clock, core.bus
        self.statuses = {person.link.id: status(LinkState.CONNECTED) for person in people}
        self.incident: Incident | None = None
        self.sightings = Sightings()
        self.changes: list[AlertsChanged] = []
        self.service = AlertService(
            bus=core.bus,
            mentorados=lambda: people,
            status=self.statuses.__getitem__,
            incident=lambda provider: self.incident if provider is WEB else None,
            sightings=self.sightings,
            clock=core.clock,
        )
        core.bus.subscribe(AlertsChanged, self.changes.append)


def test_each_matter_is_published_once_however_often_it_comes_and_goes(core: Core) -> None:
    async def main() -> None:
        ana = somebody(1)
        watched = Watched(core, ana)
        fallen = status(LinkState.BLOCKED, Reason.LOGGED_OUT)
        await watched.service.look()
        assert watched.changes == []
        for now in (fallen, fallen, status(LinkState.CONNECTED), fallen):
            watched.statuses[ana.link.id] = now
            await watched.service.look()
        assert [(kinds(*each.begun), kinds(*each.ended)) for each in watched.changes] == [
            ([AlertKind.BLOCKED], []),
            ([], [AlertKind.BLOCKED]),
            ([], []),
        ]
        assert kinds(*watched.service.alerts) == [AlertKind.BLOCKED]

    asyncio.run(main())


def test_the_links_are_looked_at_every_quarter_of_a_minute_and_with_every_incident(core: Core) -> None:
    async def main() -> None:
        ana = somebody(1)
        watched = Watched(core, ana)
        async with BackgroundTasks(watched.service.run):
            await settle()
            watched.statuses[ana.link.id] = status(LinkState.BLOCKED, Reason.BANNED)
            await settle()
            assert watched.changes == []
            await core.clock.advance(LOOK_SECONDS)
            assert kinds(*watched.service.alerts) == [AlertKind.BLOCKED]
            watched.incident = Incident(provider=WEB, since=DAWN, affected=(ana.id,), of=1, causes=())
            core.bus.publish(IncidentBegan(watched.incident))
            await settle()
            assert kinds(*watched.service.alerts) == [AlertKind.INCIDENT]
            over, watched.incident = watched.incident, None
            core.bus.publish(IncidentEnded(over, DAWN, (), ()))
            await settle()
            assert kinds(*watched.service.alerts) == [AlertKind.BLOCKED]

    asyncio.run(main())


def test_a_database_that_cannot_be_read_leaves_what_was_known_of_the_phones(core: Core) -> None:
    async def main() -> None:
        ana = somebody(1)
        watched = Watched(core, ana)
        watched.sightings.seen[ana.link.id] = DAWN - PHONE_UNSEEN_AFTER
        await watched.service.look()
        await watched.service.look()
        assert watched.sightings.reads == 1  # the database is not asked at every look
        watched.sightings.broken = True
        await core.clock.advance(3600)
        await watched.service.look()
        assert watched.sightings.reads == 2
        assert kinds(*watched.service.alerts) == [AlertKind.PHONE_UNSEEN]

    asyncio.run(main())
