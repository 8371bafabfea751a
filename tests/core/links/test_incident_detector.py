"""One link or many: when it is an incident, what is locked meanwhile, and how it ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.background import BackgroundTasks
from app.core.links.incident_detector import IncidentPolicy
from app.domain.actions import ActionName, UnavailableReason
from app.domain.audit import AuditOutcome
from app.domain.errors import Problem, ProblemCode
from app.domain.events import IncidentBegan, IncidentChanged, IncidentEnded
from app.domain.guidance import Recommendation, recommend
from app.domain.incident import CheckResult, Finding, Incident
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.procedure import ProcedureKind
from app.domain.provider import Blocked, Connected, Failed, QrIssued, Unreachable
from tests.clock import settle
from tests.core.conftest import Run
from tests.core.links.many_links import POLICY, ManyLinks
from tests.services import Core

WEB = ProviderKind.WHATSAPP_WEB


def count_of(core: Core, kind: type[IncidentBegan] | type[IncidentEnded] | type[IncidentChanged]) -> int:
    return sum(isinstance(event, kind) for event in core.listener.events)


def lasting(core: Core) -> Incident:
    incident = core.incidents.for_provider(WEB)
    assert incident is not None
    return incident


def ended(core: Core) -> IncidentEnded:
    (event,) = (event for event in core.listener.events if isinstance(event, IncidentEnded))
    return event


async def take_down(links: ManyLinks, count: int, *, apart: float = 0) -> None:
    """The server goes, and *count* links notice, *apart* seconds after one another."""
    links.served.away = True
    for mentorado_id in links.ids[:count]:
        links.served.fall(mentorado_id)
        await settle()
        await links.clock.advance(apart)


@pytest.mark.parametrize(
    ("count", "fall", "apart", "is_one"),
    [
        (14, 12, 0, True),
        (14, 7, 0, True),  # half of them
        (14, 6, 0, False),
        (5, 3, 0, True),
        (3, 3, 0, True),
        (2, 2, 0, False),  # too few to tell
        (14, 7, 9, True),  # the last 54 seconds after the first
        (14, 7, 11, False),  # never more than six within a minute
    ],
)
async def test_when_many_fall_together_it_is_an_incident(count: int, fall: int, apart: float, is_one: bool) -> None:
    links = ManyLinks(count)
    async with links.connected():
        await take_down(links, fall, apart=apart)
        assert count_of(links, IncidentBegan) == is_one
        if is_one:
            incident = lasting(links)
            assert (incident.affected, incident.of) == (tuple(links.ids[:fall]), count)
            assert incident.causes == ((Reason.NETWORK_DOWN, fall),)
        assert links.incidents.for_provider(ProviderKind.ZAPI) is None


@pytest.mark.parametrize("reason", [Reason.HOST_CRASHED, Reason.HOST_FROZEN, Reason.HOST_MOVED])
async def test_what_falls_with_a_process_of_ours_is_no_incident_of_the_provider(reason: Reason) -> None:
    """Eight may share one: nothing is wrong at the far end, and everybody else may go on."""
    links = ManyLinks(10)
    async with links.connected():
        for mentorado_id in links.ids[:8]:
            links.served.fall(mentorado_id, reason=reason)
        await settle()
        assert {links.status(links.mentorados.get(each)).reason for each in links.ids[:8]} == {reason}
        assert count_of(links, IncidentBegan) == 0


async def test_it_grows_ends_once_and_says_who_came_back() -> None:
    links = ManyLinks(14)
    async with links.connected(), BackgroundTasks(links.incidents.run):
        since = links.clock.now()
        await take_down(links, 12)
        assert (len(lasting(links).affected), lasting(links).since) == (12, since)
        await links.clock.advance(5 * 60)  # however long it takes
        links.served.open[links.ids[12]].say(Blocked(Reason.CLIENT_OUTDATED))
        await settle()
        assert lasting(links).causes == ((Reason.NETWORK_DOWN, 12), (Reason.CLIENT_OUTDATED, 1))
        await links.do(ActionName.DISCONNECT, links.mentorados.get(links.ids[0]))
        links.served.away = False
        await links.clock.advance(600)
        assert links.incidents.for_provider(WEB) is None
        assert (count_of(links, IncidentBegan), count_of(links, IncidentEnded)) == (1, 1)
        assert ended(links).back == tuple(links.ids[1:12])
        assert ended(links).away == (links.ids[12],)


async def test_when_the_first_is_back_the_others_do_not_wait_any_longer() -> None:
    links = ManyLinks(100)
    async with links.connected(), BackgroundTasks(links.incidents.run):
        await take_down(links, 100)
        await links.clock.advance(20 * 60)
        links.served.away = False
        links.served.tries.clear()
        await links.do(ActionName.TRY_NOW, links.mentorados.get(links.ids[0]))
        await links.clock.advance(25)
        assert links.count(LinkState.CONNECTED) == 100
        assert (len(ended(links).back), ended(links).away) == (100, ())
        seconds = timedelta(seconds=1)
        tries = links.served.tries[1:]  # the first was a person's
        assert all(last - first >= seconds for first, last in zip(tries, tries[POLICY.per_second :], strict=False))


async def test_a_server_that_comes_and_goes_calls_nobody_too_often() -> None:
    links = ManyLinks(4)
    async with links.connected():
        await take_down(links, 4)
        links.served.away = False
        one = links.mentorados.get(links.ids[0])
        await links.do(ActionName.TRY_NOW, one)
        called = links.clock.slept.count(0.0)
        links.served.away = True
        links.served.fall(links.ids[0])
        await settle()
        assert count_of(links, IncidentBegan) == 1
        links.served.away = False
        await links.do(ActionName.TRY_NOW, one)
        assert links.clock.slept.count(0.0) <= called + 1


async def test_one_that_stays_away_alone_does_not_keep_it_going() -> None:
    links = ManyLinks(6)
    async with links.connected(), BackgroundTasks(links.incidents.run):
        await take_down(links, 6)
        links.served.away = False
        links.served.gone.add(links.ids[0])
        await links.clock.advance(100)
        assert links.count(LinkState.CONNECTED) == 5
        assert links.incidents.for_provider(WEB) is not None
        await links.clock.advance(40)
        assert ended(links).away == (links.ids[0],)
        await links.clock.advance(600)
        assert count_of(links, IncidentBegan) == 1


async def test_links_that_were_all_refused_are_repaired_one_by_one_after_a_while() -> None:
    links = ManyLinks(4)
    async with links.connected(), BackgroundTasks(links.incidents.run):
        for mentorado_id in links.ids:
            links.served.open[mentorado_id].say(Blocked(Reason.LOGGED_OUT))
        await settle()
        one = links.ids[0]
        assert links.actions.unavailable_reason(ActionName.REAUTHENTICATE, one) is UnavailableReason.INCIDENT
        assert links.actions.unavailable_reason(ActionName.CONNECT, one) is UnavailableReason.NEEDS_NEW_CODE
        assert links.actions.unavailable_reason(ActionName.RECOVER, one) is UnavailableReason.INCIDENT
        await links.clock.advance(140)
        assert links.actions.unavailable_reason(ActionName.REAUTHENTICATE, one) is None
        assert ended(links).away == tuple(links.ids)
        assert links.count(LinkState.BLOCKED) == 4


async def test_a_start_without_a_network_is_an_incident_too() -> None:
    links = ManyLinks(5)
    links.served.away = True
    await links.mentorados.load()
    async with links.running():
        await links.supervisor.start_enabled()
        await links.clock.advance(5)
        assert (len(lasting(links).affected), lasting(links).of) == (5, 5)


async def test_who_was_never_paired_is_nobodys_loss(core: Core) -> None:
    async with core.running():
        for number in range(3):
            person = await core.add(f"Ana {number}", f"11 98765-432{number}")
            await core.do(ActionName.CONNECT, person)
            core.provider.line.say(Failed(Reason.NETWORK_DOWN))
            await settle()
            await core.do(ActionName.DISCONNECT, person)
        assert count_of(core, IncidentBegan) == 0


async def test_a_cause_that_is_known_better_later_takes_the_place_of_the_first() -> None:
    links = ManyLinks(3)
    async with links.connected(), BackgroundTasks(links.incidents.run):
        for mentorado_id in links.ids:
            links.served.open[mentorado_id].say(Failed(Reason.STREAM_ERROR))
        await settle()
        links.provider.problem = Problem(ProblemCode.ENGINE_MISMATCH)
        await links.clock.advance(16)
        incident = lasting(links)
        assert incident.causes == ((Reason.ENGINE_MISMATCH, 3),)
        assert incident.findings == (Finding(CheckResult.VERSION_REFUSED, "engine_mismatch"),)


async def test_shared_causes_are_looked_at_again_and_again_while_it_lasts() -> None:
    links = ManyLinks(3)
    links.checks.findings = [Finding(CheckResult.NETWORK_DOWN), Finding(CheckResult.CLOCK_UNKNOWN)]
    async with links.connected(), BackgroundTasks(links.incidents.run):
        await take_down(links, 3)
        version = Finding(CheckResult.VERSION_GOOD)
        assert lasting(links).findings == (*links.checks.findings, version)
        changes = count_of(links, IncidentChanged)
        await links.clock.advance(31)
        assert links.checks.looks == 3
        assert count_of(links, IncidentChanged) == changes  # nothing new was found
        links.checks.findings = [Finding(CheckResult.NETWORK_GOOD)]
        await links.clock.advance(15)
        assert lasting(links).findings == (Finding(CheckResult.NETWORK_GOOD), version)


async def test_a_look_that_is_overtaken_by_the_end_says_nothing() -> None:
    links = ManyLinks(3)
    links.checks.looking = asyncio.Event()
    async with links.connected(), BackgroundTasks(links.incidents.run):
        await take_down(links, 3)
        links.served.away = False
        await links.do(ActionName.TRY_NOW, links.mentorados.get(links.ids[0]))
        await links.clock.advance(1)
        assert count_of(links, IncidentEnded) == 1
        count = len(links.listener.events)
        links.checks.looking.set()
        await links.clock.advance(16)
        assert len(links.listener.events) == count


def test_a_look_that_breaks_does_not_keep_the_incident_from_ending(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        links = ManyLinks(3)
        links.checks.error = ZeroDivisionError()
        async with links.connected(), BackgroundTasks(links.incidents.run):
            for mentorado_id in links.ids:
                links.served.open[mentorado_id].say(Blocked(Reason.LOGGED_OUT))
            await links.clock.advance(140)
            assert count_of(links, IncidentEnded) == 1

    run(main())
    assert "The connectivity checks of" in caplog.text


async def test_an_incident_of_another_provider_is_looked_at_for_itself() -> None:
    links = ManyLinks(6)
    async with links.connected(), BackgroundTasks(links.incidents.run):
        for mentorado_id in links.ids[:3]:
            link = replace(links.mentorados.get(mentorado_id).link, provider=ProviderKind.ZAPI)
            await links.mentorados.save_link(link)
        await take_down(links, 6)
        assert links.incidents.for_provider(ProviderKind.ZAPI) is not None
        for mentorado_id in links.ids[:3]:
            await links.supervisor.disconnect(mentorado_id)
        assert links.incidents.for_provider(ProviderKind.ZAPI) is None
        assert len(lasting(links).affected) == 3


async def _yes(_name: ActionName, _mentorado: Mentorado) -> bool:
    return True


async def test_new_codes_are_locked_and_an_override_is_written_down() -> None:
    links = ManyLinks(4)
    async with links.connected():
        one = links.ids[3]
        links.served.open[one].say(Blocked(Reason.QR_EXPIRED))
        await settle()
        assert links.actions.unavailable_reason(ActionName.NEW_CODE, one) is None
        await take_down(links, 3)
        assert links.actions.unavailable_reason(ActionName.NEW_CODE, one) is UnavailableReason.INCIDENT
        for reason in ("", "   "):
            with pytest.raises(Problem) as caught:
                await links.actions.run(ActionName.NEW_CODE, one, _yes, override_reason=reason)
            assert caught.value.context["why"] == UnavailableReason.INCIDENT
        reason = " asked for by Ana on the phone "
        done = await links.actions.run(ActionName.NEW_CODE, one, _yes, override_reason=reason)
        assert done is AuditOutcome.DONE
        await settle()
        links.provider.line.say(QrIssued("x", 1, 6, 60))
        await settle()
        assert links.state(3) is LinkState.QR_READY
    (entry,) = links.audit.outcomes
    assert (entry.record.action, entry.record.reason) == (ActionName.NEW_CODE, "asked for by Ana on the phone")


async def test_an_override_passes_no_other_lock() -> None:
    links = ManyLinks(4)
    async with links.connected():
        links.served.open[links.ids[3]].say(Blocked(Reason.STREAM_REPLACED))
        await take_down(links, 3)
        with pytest.raises(Problem) as caught:
            await links.procedures.begin(ProcedureKind.REAUTHENTICATION, links.ids[3], override_reason="please")
        assert caught.value.context["why"] == UnavailableReason.IN_USE_ELSEWHERE


async def test_nobody_is_paired_for_the_first_time_meanwhile() -> None:
    links = ManyLinks(3)
    async with links.connected():
        new = await links.add("Zoe", "21 98765-4321")
        await take_down(links, 3)
        assert links.actions.unavailable_reason(ActionName.CONNECT, new.id) is UnavailableReason.INCIDENT
        assert links.actions.unavailable_reason(ActionName.ARCHIVE, new.id) is None


def test_the_share_and_the_least_number_can_be_chosen() -> None:
    policy = IncidentPolicy(share=0.25, least=2)
    assert [policy.is_group_kind(fallen, 10) for fallen in (1, 2, 3)] == [False, False, True]


class SilentProvider(ManyLinks):
    """Everybody's link is at a hosted provider, which can stop answering."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.supervisor._providers = dict.fromkeys(ProviderKind, self.served)
        for mentorado_id, link in self.mentorado_repository.links.items():
            self.mentorado_repository.links[mentorado_id] = replace(link, provider=ProviderKind.ZAPI)

    def silence(self, count: int) -> None:
        for mentorado_id in self.ids[:count]:
            self.served.open[mentorado_id].say(Unreachable("timed out"))

    def answer(self, count: int) -> None:
        for mentorado_id in self.ids[:count]:
            self.served.open[mentorado_id].say(Connected(self.mentorados.get(mentorado_id).phone))


async def test_a_hosted_provider_that_answers_nobody_any_more_is_an_incident() -> None:
    """Nothing is wrong with any one of its links: nobody is offered a new code, and it ends when it answers again."""
    links = SilentProvider(6)
    async with links.connected(), BackgroundTasks(links.incidents.run):
        links.silence(2)
        await settle()
        assert links.incidents.for_provider(ProviderKind.ZAPI) is None, "two may be a coincidence"
        links.silence(5)
        await settle()
        incident = links.incidents.for_provider(ProviderKind.ZAPI)
        assert incident is not None
        assert (len(incident.affected), incident.of) == (5, 6)
        assert incident.causes == ((Reason.UNREACHABLE, 5),)
        assert not any(f.found in (CheckResult.VERSION_GOOD, CheckResult.VERSION_REFUSED) for f in incident.findings)
        for mentorado_id in links.ids[:5]:
            status = links.status(links.mentorados.get(mentorado_id))
            assert status.state is LinkState.UNKNOWN
            assert recommend(status.state, status.reason) is Recommendation.CHECK_NOW
            for name in (ActionName.REAUTHENTICATE, ActionName.RECOVER, ActionName.NEW_CODE):
                assert links.actions.unavailable_reason(name, mentorado_id) is not None, name
        assert links.actions.unavailable_reason(ActionName.TRY_NOW, links.ids[0]) is None
        links.answer(5)
        await settle()
        assert links.incidents.for_provider(ProviderKind.ZAPI) is None
        assert ended(links).back == tuple(links.ids[:5])


async def test_a_start_while_a_hosted_provider_is_silent_is_an_incident_too() -> None:
    links = SilentProvider(4)
    links.served.mute = True
    await links.mentorados.load()
    async with links.running(), BackgroundTasks(links.incidents.run):
        await links.supervisor.start_enabled()
        await links.clock.advance(10)
        assert links.count(LinkState.UNKNOWN) == 4
        assert links.incidents.for_provider(ProviderKind.ZAPI) is not None
