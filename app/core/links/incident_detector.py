"""One link or many? When many fall together it is an incident, and nobody is asked for a new code because of it."""

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
    """When it is one, and when it is over. Times in seconds."""

    share: float = 0.5  # of the links of a provider that were connected…
    least: int = 3  # …and no fewer than this…
    window: float = 60.0  # …fell within this time
    calm: float = 120.0  # nobody fell or came back for so long: who is still away is away alone
    look_every: float = 15.0

    def is_group_kind(self, fallen: int, of: int) -> bool:
        return fallen >= self.least and fallen >= self.share * of


@dataclass(slots=True)
class _ProviderLinks:
    """What is known of the links of one provider."""

    states: dict[MentoradoId, LinkState] = field(default_factory=dict)
    connected: set[MentoradoId] = field(default_factory=set)  # counted at every fall: never by walking everybody
    falls: dict[MentoradoId, tuple[datetime, Reason]] = field(default_factory=dict)  # in the order of their falls
    causes: dict[MentoradoId, Reason] = field(default_factory=dict)  # of the incident, those who came back included
    incident: Incident | None = None
    moved_at: datetime | None = None  # when somebody fell or came back last
    called_at: datetime | None = None  # when the others were last told that somebody came back

    def down(self, incident: Incident) -> list[MentoradoId]:
        return [who for who in incident.affected if self.states[who] not in _SETTLED]

    def of(self, affected: Iterable[MentoradoId]) -> int:
        """How many are connected, and were."""
        return len(self.connected) + sum(who not in self.connected for who in affected)

    def stands(self, who: MentoradoId, state: LinkState) -> None:
        self.states[who] = state
        if state is LinkState.CONNECTED:
            self.connected.add(who)
        else:
            self.connected.discard(who)


class IncidentDetector:
    """Listens to every link. `of` says whether there is an incident; `run` looks for causes and sees it end."""

    def __init__(
        self,
        *,
        bus: EventBus,
        mentorados: MentoradoService,
        checks: ConnectivityChecker,
        clock: Clock,
        bring_back: Callable[[Iterable[MentoradoId]], None],
        policy: IncidentPolicy | None = None,
    ) -> None:
        self._bus = bus
        self._mentorados = mentorados
        self._checks = checks
        self._clock = clock
        self._bring_back = bring_back
        self._policy = policy or IncidentPolicy()
        self._scenes = {provider: _ProviderLinks() for provider in ProviderKind}
        self._begun = asyncio.Event()
        bus.subscribe(StatusChanged, self._on_status)

    def for_provider(self, provider: ProviderKind) -> Incident | None:
        """The incident of *provider* that lasts now."""
        return self._scenes[provider].incident

    async def run(self) -> None:
        """While an incident lasts, look at what its links share, again and again."""
        while True:
            await self._begun.wait()
            while any(scene.incident for scene in self._scenes.values()):
                for scene in self._scenes.values():
                    if scene.incident is not None:
                        await self._look(scene, scene.incident)
                await self._clock.sleep(self._policy.look_every)
                for scene in self._scenes.values():
                    self._end_if_over(scene)
            self._begun.clear()

    def _on_status(self, event: StatusChanged) -> None:
        before, after = event.before, event.after
        if before.state is after.state:
            return
        link = self._mentorados.get(event.mentorado_id).link
        scene = self._scenes[link.provider]
        scene.stands(event.mentorado_id, after.state)
        scene.moved_at = self._clock.now()
        if after.state in _SETTLED:
            fell = scene.falls.pop(event.mentorado_id, None)
            if fell is not None and after.state is LinkState.CONNECTED:
                self._one_is_back(scene)
        elif _fell(before, after, paired=link.account is not None):
            scene.falls[event.mentorado_id] = (self._clock.now(), after.reason)
            self._one_fell(scene, link.provider)
        elif event.mentorado_id in scene.falls and after.state is LinkState.BLOCKED:  # now it is known why
            scene.falls[event.mentorado_id] = (scene.falls[event.mentorado_id][0], after.reason)
            self._one_fell(scene, link.provider)
        self._end_if_over(scene)

    def _one_fell(self, scene: _ProviderLinks, provider: ProviderKind) -> None:
        if scene.incident is not None:
            self._show(scene, self._grown(scene, scene.incident))
            return
        begun = self._clock.now() - timedelta(seconds=self._policy.window)
        affected = tuple(who for who, (at, _) in scene.falls.items() if at >= begun)
        if not self._policy.is_group_kind(len(affected), scene.of(affected)):
            return
        since = min(scene.falls[who][0] for who in affected)
        scene.causes.clear()
        incident = Incident(provider=provider, since=since, affected=affected, of=0, causes=())
        scene.incident = incident = self._grown(scene, incident)
        scene.called_at = None
        log.info("Incident: %d of %d links of %s fell together", len(affected), incident.of, provider)
        self._begun.set()
        self._bus.publish(IncidentBegan(incident))

    def _grown(self, scene: _ProviderLinks, incident: Incident) -> Incident:
        """*incident* with everybody who fell since it began."""
        new = {who: reason for who, (at, reason) in scene.falls.items() if at >= incident.since}
        scene.causes.update(new)
        affected, causes = tuple(dict.fromkeys((*incident.affected, *new))), Counter(scene.causes.values())
        return replace(incident, affected=affected, of=scene.of(affected), causes=tuple(causes.most_common()))

    def _one_is_back(self, scene: _ProviderLinks) -> None:
        """The far end can be reached again, it seems: the others need not wait as long as they meant to."""
        now = self._clock.now()
        if scene.incident is None:
            return
        if scene.called_at is None or now - scene.called_at >= timedelta(seconds=self._policy.window):
            scene.called_at = now
            self._bring_back(scene.down(scene.incident))

    def _end_if_over(self, scene: _ProviderLinks) -> None:
        incident = scene.incident
        if incident is None:
            return
        down = scene.down(incident)
        if down and not self._is_calm(scene, down, incident):
            return
        scene.incident = None
        scene.falls.clear()  # who is still away counts as one alone from now on
        back = tuple(who for who in incident.affected if scene.states[who] is LinkState.CONNECTED)
        log.info("The incident is over: %d came back, %d did not", len(back), len(down))
        self._bus.publish(IncidentEnded(incident, self._clock.now(), back, tuple(down)))
        self._bring_back(down)

    def _is_calm(self, scene: _ProviderLinks, down: list[MentoradoId], incident: Incident) -> bool:
        """Nobody moved for a while, and those who still come back by themselves are not many."""
        if scene.moved_at is None or self._clock.now() - scene.moved_at < timedelta(seconds=self._policy.calm):
            return False
        coming = [who for who in down if scene.states[who] is not LinkState.BLOCKED]
        return not self._policy.is_group_kind(len(coming), incident.of)

    async def _look(self, scene: _ProviderLinks, incident: Incident) -> None:
        try:
            found = await self._checks.check(incident.provider)
        except Exception:  # the incident must end even so
            log.exception("What the links of %s share could not be looked at", incident.provider)
            return
        if scene.incident is not None:  # it may have ended meanwhile, or grown
            self._show(scene, replace(scene.incident, findings=(*found, *_version(scene.incident))))

    def _show(self, scene: _ProviderLinks, incident: Incident) -> None:
        if incident != scene.incident:
            scene.incident = incident
            self._bus.publish(IncidentChanged(incident))


def _fell(before: LinkStatus, after: LinkStatus, *, paired: bool) -> bool:
    """Whether a link was lost that was connected, or should have been: one never paired is nobody's loss."""
    if before.state is LinkState.CONNECTED:
        return after.state in _FALLEN
    return paired and before.state is LinkState.CONNECTING and after.state in _LOST


def _version(incident: Incident) -> tuple[Finding, ...]:
    """Whether our version is refused, where that can be; a hosted provider has a version of its own."""
    if not applies_to(incident.provider, Reason.CLIENT_OUTDATED):
        return ()
    refused = [reason for reason, _ in incident.causes if REASONS[reason].blocked in _NEW_VERSION]
    return (Finding(CheckResult.VERSION_REFUSED, refused[0]) if refused else Finding(CheckResult.VERSION_GOOD),)
