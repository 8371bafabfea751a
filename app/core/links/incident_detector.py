"""Detects incidents: many links of a provider that fall together. No new code is asked for during one."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.domain.events import IncidentBegan, IncidentChanged, IncidentEnded, StatusChanged
from app.domain.guidance import REASONS, Recommendation, applies_to
from app.domain.incident import CheckResult, ConnectivityChecker, Finding, Incident
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import MentoradoId, ProviderKind
from app.domain.repositories import Clock

log = logging.getLogger(__name__)

_LOST = frozenset({LinkState.RECONNECTING, LinkState.UNKNOWN})
_FALLEN = frozenset({*_LOST, LinkState.BLOCKED})
_SETTLED = frozenset({LinkState.CONNECTED, LinkState.OFF})
_NEW_VERSION = frozenset({Recommendation.UPDATE_APP, Recommendation.REINSTALL})


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPolicy:
    """Thresholds for the start and the end of an incident. Times in seconds."""

    share: float = 0.5  # of the links of a provider that were connected…
    least: int = 3  # …and no fewer than this…
    window: float = 60.0  # …fell within this time
    calm: float = 120.0  # nobody fell or came back for so long: who is still away is away alone
    look_every: float = 15.0

    def is_group_kind(self, fallen: int, of: int) -> bool:
        return fallen >= self.least and fallen >= self.share * of


@dataclass(slots=True)
class _ProviderLinks:
    """The state of the links of one provider."""

    states: dict[MentoradoId, LinkState] = field(default_factory=dict)
    connected: set[MentoradoId] = field(default_factory=set)  # counted at every fall: never by walking everybody
    falls: dict[MentoradoId, tuple[datetime, Reason]] = field(default_factory=dict)  # in the order of their falls
    causes: dict[MentoradoId, Reason] = field(default_factory=dict)  # of the incident, those who came back included
    incident: Incident | None = None
    moved_at: datetime | None = None  # when somebody fell or came back last
    called_at: datetime | None = None  # when the others were last told that somebody came back

    def still_down(self, incident: Incident) -> list[MentoradoId]:
        return [who for who in incident.affected if self.states[who] not in _SETTLED]

    def count_connected(self, affected: Iterable[MentoradoId]) -> int:
        """How many are connected, and were."""
        return len(self.connected) + sum(who not in self.connected for who in affected)

    def record_state(self, who: MentoradoId, state: LinkState) -> None:
        self.states[who] = state
        if state is LinkState.CONNECTED:
            self.connected.add(who)
        else:
            self.connected.discard(who)


class IncidentDetector:
    """Watches every link. `for_provider` returns the current incident; `run` checks for causes and ends it."""

    def __init__(
        self,
        *,
        bus: EventBus,
        mentorados: MentoradoService,
        checks: ConnectivityChecker,
        clock: Clock,
        bring_back: Callable[[Iterable[MentoradoId]], None],
        policy: IncidentPolicy,
    ) -> None:
        self._bus = bus
        self._mentorados = mentorados
        self._checks = checks
        self._clock = clock
        self._bring_back = bring_back
        self._policy = policy
        self._by_provider = {provider: _ProviderLinks() for provider in ProviderKind}
        self._begun = asyncio.Event()
        bus.subscribe(StatusChanged, self._on_status)

    def for_provider(self, provider: ProviderKind) -> Incident | None:
        """The incident of *provider* that lasts now."""
        return self._by_provider[provider].incident

    async def run(self) -> None:
        """While an incident lasts, check connectivity and time repeatedly."""
        while True:
            await self._begun.wait()
            while any(links.incident for links in self._by_provider.values()):
                for links in self._by_provider.values():
                    if links.incident is not None:
                        await self._run_checks(links, links.incident)
                await self._clock.sleep(self._policy.look_every)
                for links in self._by_provider.values():
                    self._end_if_over(links)
            self._begun.clear()

    def _on_status(self, event: StatusChanged) -> None:
        before, after = event.before, event.after
        if before.state is after.state:
            return
        link = self._mentorados.get(event.mentorado_id).link
        links = self._by_provider[link.provider]
        links.record_state(event.mentorado_id, after.state)
        links.moved_at = self._clock.now()
        if after.state in _SETTLED:
            fell = links.falls.pop(event.mentorado_id, None)
            if fell is not None and after.state is LinkState.CONNECTED:
                self._on_recovery(links)
        elif _is_loss(before, after, paired=link.account is not None):
            links.falls[event.mentorado_id] = (self._clock.now(), after.reason)
            self._on_loss(links, link.provider)
        elif event.mentorado_id in links.falls and after.state is LinkState.BLOCKED:  # now it is known why
            links.falls[event.mentorado_id] = (links.falls[event.mentorado_id][0], after.reason)
            self._on_loss(links, link.provider)
        self._end_if_over(links)

    def _on_loss(self, links: _ProviderLinks, provider: ProviderKind) -> None:
        if links.incident is not None:
            self._publish(links, self._extend(links, links.incident))
            return
        begun = self._clock.now() - timedelta(seconds=self._policy.window)
        affected = tuple(who for who, (at, _) in links.falls.items() if at >= begun)
        if not self._policy.is_group_kind(len(affected), links.count_connected(affected)):
            return
        since = min(links.falls[who][0] for who in affected)
        links.causes.clear()
        incident = Incident(provider=provider, since=since, affected=affected, of=0, causes=())
        links.incident = incident = self._extend(links, incident)
        links.called_at = None
        log.info("Incident: %d of %d links of %s fell together", len(affected), incident.of, provider)
        self._begun.set()
        self._bus.publish(IncidentBegan(incident))

    def _extend(self, links: _ProviderLinks, incident: Incident) -> Incident:
        """Add every link that fell since *incident* began."""
        new = {who: reason for who, (at, reason) in links.falls.items() if at >= incident.since}
        links.causes.update(new)
        affected, causes = tuple(dict.fromkeys((*incident.affected, *new))), Counter(links.causes.values())
        return replace(
            incident, affected=affected, of=links.count_connected(affected), causes=tuple(causes.most_common())
        )

    def _on_recovery(self, links: _ProviderLinks) -> None:
        """The far end can be reached again, it seems: the others need not wait as long as they meant to."""
        now = self._clock.now()
        if links.incident is None:
            return
        if links.called_at is None or now - links.called_at >= timedelta(seconds=self._policy.window):
            links.called_at = now
            self._bring_back(links.still_down(links.incident))

    def _end_if_over(self, links: _ProviderLinks) -> None:
        incident = links.incident
        if incident is None:
            return
        down = links.still_down(incident)
        if down and not self._is_calm(links, down, incident):
            return
        links.incident = None
        links.falls.clear()  # who is still away counts as one alone from now on
        back = tuple(who for who in incident.affected if links.states[who] is LinkState.CONNECTED)
        log.info("Incident over: %d reconnected, %d did not", len(back), len(down))
        self._bus.publish(IncidentEnded(incident, self._clock.now(), back, tuple(down)))
        self._bring_back(down)

    def _is_calm(self, links: _ProviderLinks, down: list[MentoradoId], incident: Incident) -> bool:
        """Whether no link changed for a while, and few are still reconnecting."""
        if links.moved_at is None or self._clock.now() - links.moved_at < timedelta(seconds=self._policy.calm):
            return False
        coming = [who for who in down if links.states[who] is not LinkState.BLOCKED]
        return not self._policy.is_group_kind(len(coming), incident.of)

    async def _run_checks(self, links: _ProviderLinks, incident: Incident) -> None:
        try:
            found = await self._checks.check(incident.provider)
        except Exception:  # the incident must end even so
            log.exception("The connectivity checks of %s failed", incident.provider)
            return
        if links.incident is not None:  # it may have ended meanwhile, or grown
            self._publish(links, replace(links.incident, findings=(*found, *_version(links.incident))))

    def _publish(self, links: _ProviderLinks, incident: Incident) -> None:
        if incident != links.incident:
            links.incident = incident
            self._bus.publish(IncidentChanged(incident))


def _is_loss(before: LinkStatus, after: LinkStatus, *, paired: bool) -> bool:
    """Whether a link fell that was connected, or should have been; a link that was never paired cannot fall.

    What falls with a process of ours says nothing about the provider, however many shared it.
    """
    if after.reason is Reason.HOST_MOVED or REASONS[after.reason].our_side:
        return False
    if before.state is LinkState.CONNECTED:
        return after.state in _FALLEN
    return paired and before.state is LinkState.CONNECTING and after.state in _LOST


def _version(incident: Incident) -> tuple[Finding, ...]:
    """Whether our version is refused, where that can be; a hosted provider has a version of its own."""
    if not applies_to(incident.provider, Reason.CLIENT_OUTDATED):
        return ()
    refused = [reason for reason, _ in incident.causes if REASONS[reason].blocked in _NEW_VERSION]
    return (Finding(CheckResult.VERSION_REFUSED, refused[0]) if refused else Finding(CheckResult.VERSION_GOOD),)
