"""The guided checks: each looks at one thing after the other, reports what it saw, and ends with what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from app.core.actions import ActionService
from app.core.event_bus import EventBus
from app.core.links.incident_detector import IncidentDetector
from app.core.links.link_worker import REASON_BY_PROBLEM
from app.core.links.status_store import StatusWaiter
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.procedures.impact import Counted
from app.core.settings_service import DebugLogController
from app.domain.actions import ActionName, UnavailableReason, already_sure
from app.domain.backup import BackupInfo
from app.domain.errors import Problem
from app.domain.guidance import REASONS, RECOMMENDED_ACTION, recommend_for
from app.domain.incident import CheckResult, ConnectivityChecker
from app.domain.incident import Finding as ConnectivityFinding
from app.domain.link_status import LinkState, LinkStatus, Reason, Trigger
from app.domain.mentorado import Mentorado, MentoradoId, ProviderKind
from app.domain.provider import HasPasskeyExtension, HasSessionFile, Provider, SessionHolder
from app.domain.repositories import Clock, TransitionRepository
from app.domain.troubleshooting import (
    CHANNEL_WITHIN,
    CODE_WITHIN,
    LOOKED_BACK,
    OFTEN,
    ConclusionKind,
    FindingMark,
    Trouble,
    TroubleCheck,
    TroubleConclusion,
    TroubleFinding,
)

LOG_FOR: Final = timedelta(minutes=15)
"""How long the detailed log is switched on when nothing else explains the silence."""

OnFinding = Callable[[TroubleFinding], None]

_K, _M, _C = ConclusionKind, FindingMark, TroubleCheck
_MARKS: Final = {
    CheckResult.NETWORK_GOOD: _M.GOOD,
    CheckResult.CLOCK_GOOD: _M.GOOD,
    CheckResult.CLOCK_UNKNOWN: _M.UNKNOWN,
}
_RUNNING: Final = frozenset({LinkState.CONNECTED, LinkState.RECONNECTING, LinkState.UNKNOWN})
_ANSWERED: Final = frozenset({*_RUNNING, LinkState.QR_READY, LinkState.BLOCKED, LinkState.OFF})
_SESSION_GONE: Final = frozenset({Reason.SIGN_IN_FAILED})


class TroubleshootingService:
    """Runs one guided check for one mentorado. It reads, and changes nothing but what it says: the check for a code
    connects the link, and switches the detailed log on when nothing explains the silence."""

    def __init__(
        self,
        *,
        bus: EventBus,
        mentorados: MentoradoService,
        supervisor: Supervisor,
        actions: ActionService,
        incidents: IncidentDetector,
        checks: ConnectivityChecker,
        providers: Mapping[ProviderKind, Provider],
        transitions: TransitionRepository,
        backups: Callable[[MentoradoId], Awaitable[Sequence[BackupInfo]]],
        history: Counted,
        detailed_log: DebugLogController,
        clock: Clock,
    ) -> None:
        self._bus = bus
        self._mentorados = mentorados
        self._supervisor = supervisor
        self._actions = actions
        self._incidents = incidents
        self._checks = checks
        self._providers = providers
        self._transitions = transitions
        self._backups = backups
        self._history = history
        self._detailed_log = detailed_log
        self._clock = clock

    async def check(self, trouble: Trouble, mentorado_id: MentoradoId, on_finding: OnFinding) -> TroubleConclusion:
        """Look into *trouble*; *on_finding* gets what each check saw, as soon as it ended. Raises `Problem`; may be
        cancelled at any time, and a link that it connected goes on then."""
        checks = {
            Trouble.NO_CODE: self._no_code,
            Trouble.DISCONNECTS: self._disconnects,
            Trouble.SESSION: self._session,
            Trouble.PASSKEY: self._passkey,
        }
        return await checks[trouble](self._mentorados.get(mentorado_id), on_finding)

    # --- no code appears

    async def _no_code(self, mentorado: Mentorado, on_finding: OnFinding) -> TroubleConclusion:
        held = await self._check_lock(mentorado, on_finding)
        status = self._status(mentorado)
        if status.state in _RUNNING:
            on_finding(TroubleFinding(check=_C.REQUEST, mark=_M.GOOD, words="not_needed"))
            return self._by_status(mentorado)
        with StatusWaiter(self._bus, self._clock, mentorado.link.id) as watch:
            if status.state in (LinkState.OFF, LinkState.BLOCKED):
                if held is not None:
                    return held
                name, why = self._way_to_code(mentorado)
                if why is not None:
                    on_finding(TroubleFinding(check=_C.REQUEST, mark=_M.BAD, words="refused", values={"why": why}))
                    if status.state is LinkState.BLOCKED:
                        return self._by_status(mentorado)
                    return TroubleConclusion(kind=_K.NOT_ALLOWED, status=status, why=why)
                await self._actions.run(name, mentorado.id, already_sure)
                on_finding(TroubleFinding(check=_C.REQUEST, mark=_M.GOOD, words="begun"))
            else:
                on_finding(TroubleFinding(check=_C.REQUEST, mark=_M.GOOD, words="under_way"))
            return await self._follow(mentorado, watch, on_finding)

    def _way_to_code(self, mentorado: Mentorado) -> tuple[ActionName, UnavailableReason | None]:
        """The action that leads to a code or a connection, and why neither can be done now."""
        availability = self._actions.availability(mentorado.id)
        for name in (ActionName.CONNECT, ActionName.NEW_CODE):
            if availability[name] is None:
                return name, None
        return ActionName.CONNECT, availability[ActionName.CONNECT]

    async def _follow(self, mentorado: Mentorado, watch: StatusWaiter, on_finding: OnFinding) -> TroubleConclusion:
        """Wait for a sign of whoever holds the connection, then for what comes of it."""
        began = self._clock.now()
        status = self._status(mentorado)
        if not self._gives_sign(status):
            await watch.wait_until(self._gives_sign, within=CHANNEL_WITHIN)
            status = self._status(mentorado)
        if status.reason is Reason.WAITING_TURN:
            current = self._supervisor.pairing.current
            name = self._mentorados.through(current).name if current is not None else ""
            on_finding(TroubleFinding(check=_C.EVENT_CHANNEL, mark=_M.GOOD, words="waits", values={"name": name}))
            return TroubleConclusion(kind=_K.WAITING_TURN, status=status, values={"name": name})
        alive = self._gives_sign(status)
        mark = _M.GOOD if alive else _M.BAD
        on_finding(TroubleFinding(check=_C.EVENT_CHANNEL, mark=mark, words="alive" if alive else "silent"))
        left = CODE_WITHIN - (self._clock.now() - began).total_seconds()
        if status.state not in _ANSWERED:
            await watch.wait_until(lambda status: status.state in _ANSWERED, within=max(left, 0.0))
            status = self._status(mentorado)
        return await self._after_answer(mentorado, status, on_finding, alive=alive)

    async def _after_answer(
        self, mentorado: Mentorado, status: LinkStatus, on_finding: OnFinding, *, alive: bool
    ) -> TroubleConclusion:
        words = {LinkState.QR_READY: "code", LinkState.CONNECTED: "connected"}.get(status.state, "reason")
        if status.state in _ANSWERED:
            mark = _M.BAD if words == "reason" else _M.GOOD
            reasons = ((status.reason, 1),) if words == "reason" else ()
            on_finding(TroubleFinding(check=_C.ANSWER, mark=mark, words=words, reasons=reasons))
            return self._by_status(mentorado)
        until = self._clock.now() + LOG_FOR
        await self._detailed_log.switch_on(LOG_FOR)
        on_finding(TroubleFinding(check=_C.ANSWER, mark=_M.BAD, words="nothing", values={"seconds": int(CODE_WITHIN)}))
        kind = _K.NO_ANSWER if alive else _K.SILENT_CHANNEL
        return TroubleConclusion(kind=kind, status=status, action=ActionName.CANCEL, values={"until": until})

    # --- it disconnects often

    async def _disconnects(self, mentorado: Mentorado, on_finding: OnFinding) -> TroubleConclusion:
        found = await self._check_network(mentorado, on_finding)
        counted = await self._check_close_reasons(mentorado, on_finding)
        self._check_waits(mentorado, on_finding)
        held = await self._check_lock(mentorado, on_finding)
        status = self._status(mentorado)
        network, clock = (each.found for each in found)
        if _MARKS.get(network) is None:
            return TroubleConclusion(kind=_K.NETWORK, status=status, values={"found": network})
        if _MARKS.get(clock) is None:
            return TroubleConclusion(kind=_K.CLOCK, status=status, values={"by": found[1].detail})
        if held is not None:
            return held
        if self._incidents.for_provider(mentorado.link.provider) is not None:
            return TroubleConclusion(kind=_K.INCIDENT, status=status)
        if status.state is LinkState.BLOCKED and status.reason is not Reason.FLAPPING:
            return self._by_status(mentorado)
        if status.reason is Reason.FLAPPING or sum(counted.values()) >= OFTEN:
            reason = counted.most_common(1)[0][0] if counted else Reason.FLAPPING
            action = ActionName.CONNECT if status.state is LinkState.BLOCKED else None
            return TroubleConclusion(kind=_K.FALLS_OFTEN, status=status, reason=reason, action=action)
        return TroubleConclusion(kind=_K.STEADY, status=status, values={"count": sum(counted.values())})

    async def _check_network(self, mentorado: Mentorado, on_finding: OnFinding) -> Sequence[ConnectivityFinding]:
        kind = mentorado.link.provider
        found = await self._checks.check(kind)
        for check, each in zip((_C.NETWORK, _C.CLOCK), found, strict=True):
            mark = _MARKS.get(each.found, _M.BAD)
            on_finding(TroubleFinding(check=check, mark=mark, words=each.found, values={"kind": kind}))
        return found

    async def _check_close_reasons(self, mentorado: Mentorado, on_finding: OnFinding) -> Counter[Reason]:
        """Why the link fell within the last day; a link that was switched off did not fall."""
        begin = self._clock.now() - LOOKED_BACK
        moves = await self._transitions.since(mentorado.link.id, begin)
        counted = Counter(
            move.after.reason
            for move in moves
            if move.at >= begin
            and move.trigger in (Trigger.LOST, Trigger.REFUSED, Trigger.SILENT)
            and move.before.state is LinkState.CONNECTED
        )
        total = sum(counted.values())
        mark = _M.GOOD if not total else _M.WARNING if total < OFTEN else _M.BAD
        words = "some" if total else "none"
        reasons = tuple(counted.most_common())
        finding = TroubleFinding(
            check=_C.CLOSE_REASONS, mark=mark, words=words, values={"count": total}, reasons=reasons
        )
        on_finding(finding)
        return counted

    def _check_waits(self, mentorado: Mentorado, on_finding: OnFinding) -> None:
        """Whether the next try is waited for, as it should be."""
        status = self._status(mentorado)
        if status.reason is Reason.FLAPPING:
            on_finding(TroubleFinding(check=_C.WAITS, mark=_M.WARNING, words="stopped"))
        elif status.retry is not None:
            values = {"attempt": status.retry.attempt, "at": status.retry.at}
            words = "waiting" if status.retry.at is not None else "trying"
            on_finding(TroubleFinding(check=_C.WAITS, mark=_M.GOOD, words=words, values=values))
        else:
            on_finding(TroubleFinding(check=_C.WAITS, mark=_M.GOOD, words="none"))

    # --- the session seems damaged

    async def _session(self, mentorado: Mentorado, on_finding: OnFinding) -> TroubleConclusion:
        provider = self._providers.get(mentorado.link.provider)
        kept_here = isinstance(provider, HasSessionFile)
        held = await self._check_lock(mentorado, on_finding)
        damage = await self._check_file(mentorado, provider, on_finding) if kept_here and held is None else None
        lost = self._check_sign_in(mentorado, on_finding)
        await self._check_backup(mentorado, on_finding)
        stats = await self._history.extent(mentorado.id)
        values = {"messages": stats.messages, "conversations": stats.conversations}
        on_finding(TroubleFinding(check=_C.HISTORY, mark=_M.GOOD, words="kept", values=values))
        status = self._status(mentorado)
        if held is not None:
            return held
        if damage is not None:
            shown = LinkStatus(state=LinkState.BLOCKED, reason=damage, since=status.since, account=status.account)
            action = RECOMMENDED_ACTION[recommend_for(shown)]
            return TroubleConclusion(kind=_K.STATUS, status=shown, reason=damage, action=action)
        if lost:
            return self._by_status(mentorado)
        return TroubleConclusion(kind=_K.SESSION_WHOLE if kept_here else _K.NO_SESSION, status=status)

    async def _check_file(self, mentorado: Mentorado, provider: object, on_finding: OnFinding) -> Reason | None:
        """What is wrong with the session's file; one that is open here is what the link is signed in with."""
        assert isinstance(provider, HasSessionFile)  # noqa: S101 - asked by the caller
        holder, _ = await provider.session_holder(mentorado.link)
        if holder is SessionHolder.HERE:
            on_finding(TroubleFinding(check=_C.SESSION_FILE, mark=_M.GOOD, words="open"))
            return None
        try:
            account = await provider.read_session(mentorado.link)
        except Problem as problem:
            reason = REASON_BY_PROBLEM.get(problem.code, Reason.UNEXPECTED)
            values = {"path": problem.context.get("path", "")}
            reasons = ((reason, 1),)
            on_finding(TroubleFinding(check=_C.SESSION_FILE, mark=_M.BAD, words="bad", values=values, reasons=reasons))
            return reason
        if account is None:
            on_finding(TroubleFinding(check=_C.SESSION_FILE, mark=_M.BAD, words="empty"))
            return Reason.LOGGED_OUT
        on_finding(TroubleFinding(check=_C.SESSION_FILE, mark=_M.GOOD, words="whole", values={"account": account}))
        return None

    def _check_sign_in(self, mentorado: Mentorado, on_finding: OnFinding) -> bool:
        """Whether WhatsApp does not let the session in any more."""
        status = self._status(mentorado)
        if status.state is LinkState.CONNECTED:
            on_finding(TroubleFinding(check=_C.SIGN_IN, mark=_M.GOOD, words="in"))
            return False
        gone = REASONS[status.reason].keys_gone or status.reason in _SESSION_GONE
        if status.state is LinkState.BLOCKED and gone:
            reasons = ((status.reason, 1),)
            on_finding(TroubleFinding(check=_C.SIGN_IN, mark=_M.BAD, words="refused", reasons=reasons))
            return True
        on_finding(TroubleFinding(check=_C.SIGN_IN, mark=_M.UNKNOWN, words="not_tried"))
        return False

    async def _check_backup(self, mentorado: Mentorado, on_finding: OnFinding) -> None:
        latest = next(iter(await self._backups(mentorado.id)), None)
        if latest is None:
            on_finding(TroubleFinding(check=_C.BACKUP, mark=_M.WARNING, words="none"))
            return
        words = "protected" if latest.encrypted else "unprotected"
        on_finding(TroubleFinding(check=_C.BACKUP, mark=_M.GOOD, words=words, values={"at": latest.at}))

    # --- a passkey is asked for

    async def _passkey(self, mentorado: Mentorado, on_finding: OnFinding) -> TroubleConclusion:
        status = self._status(mentorado)
        if status.state is not LinkState.BLOCKED or status.reason is not Reason.PASSKEY_REQUIRED:
            on_finding(TroubleFinding(check=_C.SIGN_IN, mark=_M.GOOD, words="no_passkey"))
            return TroubleConclusion(kind=_K.NO_PASSKEY, status=status)
        on_finding(TroubleFinding(check=_C.SIGN_IN, mark=_M.WARNING, words="passkey"))
        if isinstance(self._providers.get(mentorado.link.provider), HasPasskeyExtension):
            return TroubleConclusion(kind=_K.PASSKEY_HERE, status=status)
        return TroubleConclusion(kind=_K.PASSKEY_ELSEWHERE, status=status, action=ActionName.SWITCH_PROVIDER)

    # --- what several ask

    async def _check_lock(self, mentorado: Mentorado, on_finding: OnFinding) -> TroubleConclusion | None:
        """Who has the session open; the conclusion where that is another program."""
        provider: object = self._providers.get(mentorado.link.provider)
        if not isinstance(provider, HasSessionFile):
            values = {"kind": mentorado.link.provider}
            on_finding(TroubleFinding(check=_C.SESSION_LOCK, mark=_M.GOOD, words="none_here", values=values))
            return None
        holder, who = await provider.session_holder(mentorado.link)
        words_of = {SessionHolder.NOBODY: "left" if who else "free", SessionHolder.HERE: "here"}
        held = holder in (SessionHolder.ELSEWHERE, SessionHolder.UNPROVEN)
        mark = _M.BAD if held else _M.GOOD
        words = words_of.get(holder, holder.value)
        on_finding(TroubleFinding(check=_C.SESSION_LOCK, mark=mark, words=words, values={"holder": who}))
        if not held:
            return None
        unproven = self._actions.unavailable_reason(ActionName.OVERRULE_LOCK, mentorado.id) is None
        action = ActionName.OVERRULE_LOCK if holder is SessionHolder.UNPROVEN and unproven else None
        status = self._status(mentorado)
        return TroubleConclusion(kind=_K.HELD, status=status, action=action, values={"holder": who})

    def _by_status(self, mentorado: Mentorado) -> TroubleConclusion:
        """What the state of the link says, with the action that is recommended for it where it can be done now."""
        status = self._status(mentorado)
        kinds = {LinkState.QR_READY: _K.CODE_SHOWN, LinkState.CONNECTED: _K.CONNECTED}
        name = RECOMMENDED_ACTION[recommend_for(status)]
        possible = name is not None and self._actions.unavailable_reason(name, mentorado.id) is None
        action = name if possible and status.state not in kinds else None
        return TroubleConclusion(
            kind=kinds.get(status.state, _K.STATUS), status=status, reason=status.reason, action=action
        )

    def _status(self, mentorado: Mentorado) -> LinkStatus:
        return self._supervisor.status(mentorado.link.id)

    def _gives_sign(self, status: LinkStatus) -> bool:
        """Whether whoever holds the connection answered the request, or its heartbeat lately."""
        if status.state in _ANSWERED:
            return True
        answered = status.evidence.host_answered
        recently = self._clock.now() - timedelta(seconds=CHANNEL_WITHIN)
        return answered is not None and answered >= recently
