"""Sends campaigns that a person approved, one recipient after the other, through the outbound service."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Final
from uuid import uuid4

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.outbound.campaign_plan import OF_THE_LINK, CampaignPlanner, by_template
from app.core.outbound.service import OutboundService
from app.domain.audit import AuditAction
from app.domain.campaign import (
    Campaign,
    CampaignId,
    CampaignRepository,
    CampaignState,
    DryRun,
    PauseReason,
    Recipient,
    RecipientState,
)
from app.domain.consent import Purpose
from app.domain.crash_report import CrashEffect
from app.domain.errors import Problem, ProblemCode
from app.domain.events import CampaignsChanged
from app.domain.mentorado import MentoradoId
from app.domain.outbound import DAY, WAITS, Hold, HoldReason, OutboundMessage, OutboundState
from app.domain.repositories import Clock
from app.domain.sending import STOPS_NUMBER, TRIED_AGAIN, SendErrorKind

log = logging.getLogger(__name__)

FAILED_SHARE: Final = 0.2
FAILED_FROM: Final = 10
"""A campaign pauses by itself when this share of at least so many messages failed or is uncertain."""

RETRY_SECONDS: Final = 60.0
"""Seconds until a link that cannot send now, or a recipient whose message failed for the moment, is tried again."""

TRIES: Final = 3
"""How often one message is handed over when the provider says that it may be repeated."""

SETTLE_SECONDS: Final = 60.0

_NOT_THEIR_FAULT: Final = STOPS_NUMBER | {SendErrorKind.NOT_CONNECTED}
"""After these the message is sent when the link can send again."""

_STATES: Final = {
    OutboundState.ACCEPTED: RecipientState.ACCEPTED,
    OutboundState.NOT_SENT: RecipientState.NOT_SENT,
    OutboundState.UNCERTAIN: RecipientState.UNCERTAIN,
}


class CampaignService:
    """Campaigns from their approval to the last message.

    Nobody is written to twice by one campaign, whatever happens: the record of outbound messages has one place for
    each recipient of a campaign. What a closed program left running is paused until a person resumes it.
    """

    def __init__(
        self,
        *,
        bus: EventBus,
        mentorados: MentoradoService,
        outbound: OutboundService,
        planner: CampaignPlanner,
        repository: CampaignRepository,
        bulk_hold: Callable[[MentoradoId], Problem | None],
        audit_service: AuditService,
        clock: Clock,
    ) -> None:
        self._bus = bus
        self._mentorados = mentorados
        self._outbound = outbound
        self._planner = planner
        self._repository = repository
        self._bulk_hold = bulk_hold  # why a link must not be used in bulk now
        self._audit_service = audit_service
        self._clock = clock
        self._campaigns: dict[CampaignId, Campaign] = {}
        self._runs: dict[CampaignId, _Run] = {}
        self._loaded = asyncio.Event()
        self._approving: set[str] = set()  # the hashes of dry runs
        self._unstored_pauses: set[CampaignId] = set()  # the disk refused them

    @property
    def campaigns(self) -> Sequence[Campaign]:
        """The latest first."""
        return list(self._campaigns.values())

    def waits(self, campaign_id: CampaignId) -> Mapping[MentoradoId, Hold]:
        """What the links of a running campaign are waiting for now; a link that sends is not in it."""
        run = self._runs.get(campaign_id)
        return {} if run is None else dict(run.waits)

    async def load(self) -> None:
        """Read the campaigns. Raises `Problem`."""
        self._campaigns = {campaign.id: campaign for campaign in await self._repository.all()}
        self._loaded.set()
        self._bus.publish(CampaignsChanged(None))

    async def recipients(self, campaign_id: CampaignId, state: RecipientState | None = None) -> Sequence[Recipient]:
        """Those of a campaign, in the order of sending. Raises `Problem`."""
        return await self._repository.recipients(campaign_id, state=state)

    async def run(self) -> None:
        """Until cancelled, mark what became of uncertain messages; at the end, pause what is being sent."""
        try:
            await self._loaded.wait()
            for campaign in self.campaigns:
                if campaign.state is CampaignState.RUNNING and campaign.id not in self._runs:
                    await self._interrupted(campaign.id)
            while True:
                await self._clock.sleep(SETTLE_SECONDS)
                with suppress(Problem):
                    for campaign in self.campaigns:
                        if campaign.is_open or campaign.counts.get(RecipientState.UNCERTAIN):
                            await self._settle(campaign.id)
                    for campaign_id in self._unstored_pauses - self._runs.keys():
                        await self._interrupted(campaign_id)
        finally:
            for campaign_id in list(self._runs):
                await self._runs[campaign_id].halt()
                await self._interrupted(campaign_id)

    # --- what a person decides ------------------------------------------------------------------------------------

    async def approve(self, dry_run: DryRun, typed: str) -> Campaign:
        """Store the campaign that *dry_run* describes, and begin to send it; *typed* is the number of recipients.

        Raises `Problem`: nothing is stored unless the number is right and a new dry run gives the same.
        """
        if typed.strip() != str(len(dry_run.included)) or not dry_run.included:
            raise Problem(ProblemCode.CAMPAIGN_NOT_CONFIRMED, count=str(len(dry_run.included)))
        if self._is_repeated(dry_run):
            raise Problem(ProblemCode.CAMPAIGN_REPEATED, name=dry_run.draft.name)
        self._approving.add(dry_run.digest)
        try:
            return await self._approve(dry_run)
        finally:
            self._approving.discard(dry_run.digest)

    def _is_repeated(self, dry_run: DryRun) -> bool:
        """Whether the same words go to the same people already, or went within a day: a button was pressed twice."""
        since = self._clock.now() - DAY
        same = [each for each in self._campaigns.values() if each.digest == dry_run.digest]
        return dry_run.digest in self._approving or any(each.is_open or each.approved_at > since for each in same)

    async def _approve(self, dry_run: DryRun) -> Campaign:
        if (await self._planner.dry_run(dry_run.draft)).digest != dry_run.digest:
            raise Problem(ProblemCode.CAMPAIGN_CHANGED)
        actor = self._audit_service.actor
        campaign = Campaign(
            id=CampaignId(uuid4().hex),
            draft=dry_run.draft,
            digest=dry_run.digest,
            approved_at=self._clock.now(),
            approved_by=actor.name,
            counts={RecipientState.WAITING: len(dry_run.included)},
        )
        recipients = [
            Recipient(
                campaign_id=campaign.id,
                number=number,
                mentorado_id=each.mentorado_id,
                address=each.address,
                name=each.name,
            )
            for number, each in enumerate(dry_run.included, 1)
        ]
        after = {"name": campaign.draft.name, "recipients": str(len(recipients)), "dry_run": campaign.digest}
        with self._audit_service.with_changes(AuditAction.APPROVE_CAMPAIGN, after=after):
            await self._repository.add(campaign, recipients)
        self._campaigns = {campaign.id: campaign, **self._campaigns}
        self._begin(campaign)
        return campaign

    async def pause(self, campaign_id: CampaignId) -> None:
        """Send no more until `resume`; a message that is being handed over is finished first. Raises `Problem`."""
        await self._change(campaign_id, AuditAction.PAUSE_CAMPAIGN, CampaignState.PAUSED, PauseReason.PERSON)

    async def stop(self, campaign_id: CampaignId) -> None:
        """End it for good: who waits gets nothing. Raises `Problem`."""
        await self._change(campaign_id, AuditAction.STOP_CAMPAIGN, CampaignState.STOPPED, None)

    async def resume(self, campaign_id: CampaignId) -> None:
        """Go on where it was paused. Raises `Problem`."""
        if campaign_id not in self._runs or self._campaigns[campaign_id].state is not CampaignState.RUNNING:
            await self._change(campaign_id, AuditAction.RESUME_CAMPAIGN, CampaignState.RUNNING, None)
            if campaign_id not in self._runs and self._campaigns[campaign_id].state is CampaignState.RUNNING:
                self._begin(self._campaigns[campaign_id])

    async def _change(
        self, campaign_id: CampaignId, action: AuditAction, state: CampaignState, reason: PauseReason | None
    ) -> None:
        campaign = self._campaigns[campaign_id]
        if not campaign.is_open:
            raise Problem(ProblemCode.CAMPAIGN_ENDED, name=campaign.draft.name)
        if campaign_id in self._runs:
            await self._runs[campaign_id].halt()
            if not self._campaigns[campaign_id].is_open:
                raise Problem(ProblemCode.CAMPAIGN_ENDED, name=campaign.draft.name)
        with self._audit_service.with_changes(action, after={"name": campaign.draft.name}):
            await self._set_state(campaign_id, state, reason)

    async def _set_state(self, campaign_id: CampaignId, state: CampaignState, reason: PauseReason | None) -> None:
        ended_at = self._clock.now() if state in (CampaignState.STOPPED, CampaignState.FINISHED) else None
        await self._repository.set_state(campaign_id, state, reason, ended_at)
        await self._refresh(campaign_id)  # another program may have ended it

    async def _interrupted(self, campaign_id: CampaignId) -> None:
        self._unstored_pauses.discard(campaign_id)
        if self._campaigns[campaign_id].state is CampaignState.RUNNING:
            try:
                await self._set_state(campaign_id, CampaignState.PAUSED, PauseReason.INTERRUPTED)
            except Problem:  # it is said to be running on disk: `run` tries again, and so does the next start
                self._unstored_pauses.add(campaign_id)

    # --- sending ----------------------------------------------------------------------------------------------------

    def _begin(self, campaign: Campaign) -> None:
        run = self._runs[campaign.id] = _Run(self._clock)
        run.task = asyncio.get_running_loop().create_task(self._send_all(run, campaign.id))

    async def _send_all(self, run: _Run, campaign_id: CampaignId) -> None:
        """Send to who waits until nobody does, then say how it ended."""
        try:
            with suppress(_Halted):
                while waiting := await self._waiting(campaign_id):
                    if run.fails_often:
                        await self._set_state(campaign_id, CampaignState.PAUSED, PauseReason.FAILURES)
                        return
                    links = defaultdict[MentoradoId, list[Recipient]](list)
                    for recipient in waiting:
                        links[recipient.mentorado_id].append(recipient)
                    sending = (self._send_link(run, campaign_id, theirs) for theirs in links.values())
                    for result in await asyncio.gather(*sending, return_exceptions=True):  # every message is finished
                        if isinstance(result, BaseException):
                            raise result
                    if not run.fails_often and len(await self._waiting(campaign_id)) == len(waiting):
                        await run.sleep(RETRY_SECONDS)  # another program is about to send them, or died doing so
                await self._set_state(campaign_id, CampaignState.FINISHED, None)
        except Problem as problem:
            log.warning("A campaign is paused: %s", problem.code)
            await self._interrupted(campaign_id)
        except Exception:
            log.exception("A campaign failed", extra={"effect": CrashEffect.PAUSED})
            await self._interrupted(campaign_id)
        finally:
            del self._runs[campaign_id]
            self._bus.publish(CampaignsChanged(campaign_id))

    async def _waiting(self, campaign_id: CampaignId) -> Sequence[Recipient]:
        await self._settle(campaign_id)
        return await self._repository.recipients(campaign_id, state=RecipientState.WAITING)

    async def _send_link(self, run: _Run, campaign_id: CampaignId, recipients: Sequence[Recipient]) -> None:
        """Send to *recipients*, all of one link. Whoever has to wait is passed over, and comes again later."""
        mentorado_id, queue, limits = recipients[0].mentorado_id, _Queue(recipients), self._outbound.limits
        try:
            while queue and not run.fails_often:
                now = self._clock.now()
                if limits != self._outbound.limits:
                    limits = self._outbound.limits
                    queue.take_all_again()
                recipient = queue.take(now)
                if isinstance(recipient, datetime):
                    await run.sleep(min((recipient - now).total_seconds(), RETRY_SECONDS))
                    continue
                result = await self._send_one(run, campaign_id, recipient)
                later = now + timedelta(seconds=RETRY_SECONDS)
                if isinstance(result, Hold) and result.reason in OF_THE_LINK:
                    queue.put_back(recipient, now)
                    self._wait(run, campaign_id, mentorado_id, result)
                    await run.sleep((min(result.until or later, later) - now).total_seconds())
                elif isinstance(result, Hold) and result.reason in WAITS:
                    queue.put_back(recipient, result.until or later)
                    self._wait(run, campaign_id, mentorado_id, result)
                elif isinstance(result, OutboundMessage) and result.trouble is SendErrorKind.TEMPLATE:
                    run.template_refused = True  # the next would be refused too: a person looks at it first
                elif (isinstance(result, OutboundMessage) and result.trouble in _NOT_THEIR_FAULT) or (
                    isinstance(result, OutboundMessage) and result.trouble in TRIED_AGAIN and run.may_retry(recipient)
                ):
                    queue.put_back(recipient, later)
                else:
                    self._wait(run, campaign_id, mentorado_id, None)
                    await self._mark(run, recipient, result)
        finally:
            run.waits.pop(mentorado_id, None)

    async def _send_one(
        self, run: _Run, campaign_id: CampaignId, recipient: Recipient
    ) -> OutboundMessage | Hold | None:
        """Returns None when the result is in the record of outbound messages, or will be."""
        mentorado, draft = self._mentorados.get(recipient.mentorado_id), self._campaigns[campaign_id].draft
        run.require()
        if self._campaigns[campaign_id].state is not CampaignState.RUNNING:  # another program paused or stopped it
            raise _Halted
        if not recipient.address.value:
            return Hold(HoldReason.ERASED)
        if recipient.address.kind not in self._outbound.reaches(mentorado.link.provider):  # it was changed
            return Hold(HoldReason.NO_ADDRESS)
        if mentorado.archived:
            return Hold(HoldReason.ARCHIVED)
        if self._bulk_hold(mentorado.id) is not None:
            return Hold(HoldReason.SMOKE_TEST_NEEDED)
        templated = by_template(self._outbound, draft, mentorado)
        if not templated and not draft.text.strip():
            return Hold(HoldReason.TEXT_MISSING)
        message = draft.message(recipient.address, by_template=templated, name=recipient.name, mentorado=mentorado.name)
        try:
            sent = await self._outbound.send(
                mentorado.id, message, Purpose.CAMPAIGN, campaign=(campaign_id, recipient.number), sleep=run.sleep
            )
        except Problem as problem:
            log.info("A message of a campaign has no result: %s", problem.code)
            run.count(failed=True)
            return None
        return None if isinstance(sent, Hold) and sent.reason is HoldReason.ALREADY_SENT else sent

    def _wait(self, run: _Run, campaign_id: CampaignId, mentorado_id: MentoradoId, hold: Hold | None) -> None:
        if hold is None:
            run.waits.pop(mentorado_id, None)
        elif run.waits.get(mentorado_id) != hold:
            run.waits[mentorado_id] = hold
            self._bus.publish(CampaignsChanged(campaign_id))

    async def _mark(self, run: _Run, recipient: Recipient, result: OutboundMessage | Hold | None) -> None:
        if result is None:
            return
        if isinstance(result, Hold):
            state, reason, code = RecipientState.NOT_SENT, result.reason.value, ""
        else:
            state = _STATES[result.state]
            reason, code = "" if result.trouble is None else result.trouble.value, result.code
            run.count(failed=state is not RecipientState.ACCEPTED)
        marked = replace(recipient, state=state, reason=reason, code=code, at=self._clock.now())
        await self._repository.mark(marked, None if isinstance(result, Hold) else result)
        campaign = self._campaigns[recipient.campaign_id]
        counts = Counter(campaign.counts)
        counts[RecipientState.WAITING] -= 1
        counts[state] += 1
        self._show(replace(campaign, counts=counts))

    async def _settle(self, campaign_id: CampaignId) -> None:
        await self._repository.settle(campaign_id, self._clock.now())
        await self._refresh(campaign_id)

    async def _refresh(self, campaign_id: CampaignId) -> None:
        campaign = await self._repository.get(campaign_id)
        if campaign is not None and campaign != self._campaigns[campaign_id]:
            self._show(campaign)

    def _show(self, campaign: Campaign) -> None:
        self._campaigns[campaign.id] = campaign
        self._bus.publish(CampaignsChanged(campaign.id))


class _Halted(Exception):
    """Raised inside a campaign that was paused or stopped."""


class _Run:
    """One campaign that is being sent."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._halted = asyncio.Event()
        self._done = self._failed = 0
        self.template_refused = False
        self._tries = Counter[int]()  # by the recipient's number
        self.waits: dict[MentoradoId, Hold] = {}
        self.task: asyncio.Task[None]  # the sending itself

    async def halt(self) -> None:
        """Wait until nothing is being handed over any more."""
        self._halted.set()
        await asyncio.wait({self.task})

    def require(self) -> None:
        """Raises `_Halted` once `halt` was called."""
        if self._halted.is_set():
            raise _Halted

    async def sleep(self, seconds: float) -> None:
        """Raises `_Halted` as soon as `halt` is called."""
        loop = asyncio.get_running_loop()
        tasks = {loop.create_task(self._clock.sleep(max(seconds, 0.0))), loop.create_task(self._wait_halted())}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
        self.require()

    async def _wait_halted(self) -> None:
        await self._halted.wait()

    def count(self, *, failed: bool) -> None:
        """A message was handed over."""
        self._done += 1
        self._failed += failed

    def may_retry(self, recipient: Recipient) -> bool:
        """Whether it failed fewer than `TRIES` times, this one counted."""
        self._tries[recipient.number] += 1
        return self._tries[recipient.number] < TRIES

    @property
    def fails_often(self) -> bool:
        """Whether so many messages failed since it was resumed, or the template, that a person should look first."""
        return self.template_refused or (self._done >= FAILED_FROM and self._failed >= FAILED_SHARE * self._done)


class _Queue:
    """The recipients of one link, those who must wait behind those who need not."""

    def __init__(self, recipients: Sequence[Recipient]) -> None:
        self._ready = deque(recipients)
        self._later: list[tuple[datetime, int, Recipient]] = []

    def __len__(self) -> int:
        return len(self._ready) + len(self._later)

    def take(self, now: datetime) -> Recipient | datetime:
        """The next recipient, or the time when there is one. The queue must not be empty."""
        if self._later and (self._later[0][0] <= now or not self._ready):
            at, _number, recipient = self._later[0]
            if at > now:
                return at
            heappop(self._later)
            return recipient
        return self._ready.popleft()

    def take_all_again(self) -> None:
        """Let nobody wait any more."""
        self._ready.extend(recipient for _at, _number, recipient in sorted(self._later))
        self._later.clear()

    def put_back(self, recipient: Recipient, at: datetime) -> None:
        """Take *recipient* again, not before *at*."""
        heappush(self._later, (at, recipient.number, recipient))
