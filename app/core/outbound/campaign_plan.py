"""The dry run of a campaign: who would get it, who not and why, how long it takes, and what it costs at most."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from app.core.mentorado_service import MentoradoService
from app.core.outbound.service import OutboundService
from app.domain.campaign import (
    MAX_TEXT,
    RECOMMENDED_FROM,
    CampaignCandidate,
    CampaignDraft,
    CampaignRepository,
    DryRun,
    PlannedLink,
    PlannedRecipient,
    Price,
    exclusion,
    placeholders,
)
from app.domain.consent import Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.messages import Address, AddressKind
from app.domain.outbound import HoldReason
from app.domain.phone import PhoneNumber, same_account
from app.domain.prices import PRICES_LISTED_AT, TemplateCategory, price_of
from app.domain.provider_descriptor import DESCRIPTORS
from app.domain.repositories import Clock

OF_THE_LINK: Final = frozenset(
    {
        HoldReason.NOT_CONNECTED,
        HoldReason.CANNOT_SEND,
        HoldReason.RESTRICTED,
        HoldReason.STOPPED,
        HoldReason.LINK_LIMIT,
        HoldReason.BUSINESS_LIMIT,
        HoldReason.SMOKE_TEST_NEEDED,
        HoldReason.TEXT_MISSING,
        HoldReason.ARCHIVED,
    }
)
"""What holds back everybody whom this link writes to."""


class CampaignPlanner:
    """Makes dry runs. Every read and check of a campaign, and no write."""

    def __init__(
        self,
        *,
        mentorados: MentoradoService,
        outbound: OutboundService,
        repository: CampaignRepository,
        bulk_hold: Callable[[MentoradoId], Problem | None],
        clock: Clock,
    ) -> None:
        self._mentorados = mentorados
        self._outbound = outbound
        self._repository = repository
        self._bulk_hold = bulk_hold
        self._clock = clock

    async def dry_run(
        self, draft: CampaignDraft, on_progress: Callable[[int, int], None] = lambda _done, _all: None
    ) -> DryRun:
        """What *draft* would do now; nothing is sent or stored. *on_progress* is given mentorados done and of how many.

        Raises `Problem` for a draft that nobody could get.
        """
        _require_sound(draft)
        chosen = self._chosen(draft)
        if not chosen:
            raise Problem(ProblemCode.CAMPAIGN_NOBODY, cohort=draft.cohort)
        links: list[PlannedLink] = []
        recipients: list[PlannedRecipient] = []
        for done, mentorado in enumerate(chosen):
            on_progress(done, len(chosen))
            link, theirs = await self._plan_link(draft, mentorado)
            links.append(link)
            recipients += theirs
        on_progress(len(chosen), len(chosen))
        made = DryRun(draft=draft, at=self._clock.now(), links=links, recipients=recipients)
        return replace(made, price=self._price(made))

    def _chosen(self, draft: CampaignDraft) -> Sequence[Mentorado]:
        if draft.mentorados:
            return [self._mentorados.get(each) for each in draft.mentorados]
        return [each for each in self._mentorados.all() if not each.archived and each.cohort == draft.cohort]

    async def _plan_link(
        self, draft: CampaignDraft, mentorado: Mentorado
    ) -> tuple[PlannedLink, Sequence[PlannedRecipient]]:
        templated = by_template(self._outbound, draft, mentorado)
        hold = self._outbound.bulk_link_hold(mentorado.id)
        blocked = None if hold is None else hold.reason
        if mentorado.archived:
            blocked = HoldReason.ARCHIVED
        if blocked is None and self._bulk_hold(mentorado.id) is not None:
            blocked = HoldReason.SMOKE_TEST_NEEDED
        if blocked is None and not templated and not draft.text.strip():
            blocked = HoldReason.TEXT_MISSING
        planned: list[PlannedRecipient] = []
        new = 0
        for candidate in await self._repository.candidates(mentorado.id):
            address = self._address(mentorado, candidate)
            if address is not None and _is_own(mentorado, address):
                continue
            excluded = await self._excluded(draft, mentorado, candidate, address, templated)
            new += excluded is None and not candidate.wrote
            planned.append(
                PlannedRecipient(
                    mentorado_id=mentorado.id,
                    address=address or candidate.addresses[0],
                    name=candidate.name,
                    excluded=excluded or blocked,
                )
            )
        included = sum(each.excluded is None for each in planned)
        waits = [self._outbound.quiet_wait(each.address) for each in planned if each.excluded is None]
        sending = await self._outbound.estimate(mentorado.id, included, min(new, included), repeats=not templated)
        official = DESCRIPTORS[mentorado.link.provider].official
        link = PlannedLink(
            mentorado_id=mentorado.id,
            recipients=included,
            excluded=len(planned) - included,
            duration=sending + min(waits, default=timedelta()),
            blocked=blocked,
            recommends_official=not official and included >= RECOMMENDED_FROM,
        )
        return link, planned

    def _address(self, mentorado: Mentorado, candidate: CampaignCandidate) -> Address | None:
        for kind in self._outbound.reaches(mentorado.link.provider):
            for address in candidate.addresses:
                if address.kind is kind:
                    return address
        return None

    async def _excluded(
        self,
        draft: CampaignDraft,
        mentorado: Mentorado,
        candidate: CampaignCandidate,
        address: Address | None,
        template: bool,
    ) -> HoldReason | None:
        if candidate.consent.opted_out_at is not None:
            return HoldReason.OPTED_OUT
        if not candidate.consent.granted:
            return HoldReason.NO_CONSENT
        if address is None:
            return HoldReason.NO_ADDRESS
        if draft.names_contact(by_template=template) and not candidate.name:
            return HoldReason.NAME_UNKNOWN
        message = draft.message(address, by_template=template, name=candidate.name, mentorado=mentorado.name)
        if len(message.text) > MAX_TEXT:
            return HoldReason.TEXT_TOO_LONG
        hold = exclusion(await self._outbound.check(mentorado.id, message, Purpose.CAMPAIGN))
        return None if hold in OF_THE_LINK else hold

    def _price(self, made: DryRun) -> Price | None:
        billed = {
            each.mentorado_id
            for each in made.links
            if DESCRIPTORS[self._mentorados.get(each.mentorado_id).link.provider].official
        }
        if not billed:
            return None
        category = TemplateCategory.UTILITY if made.draft.template is None else made.draft.category
        rates = [price_of(each.address, category) for each in made.included if each.mentorado_id in billed]
        amount = sum((rate for rate in rates if rate is not None), Decimal(0))
        return Price(amount=amount, listed_at=PRICES_LISTED_AT, unknown=rates.count(None))


def by_template(outbound: OutboundService, draft: CampaignDraft, mentorado: Mentorado) -> bool:
    """Whether *mentorado*'s recipients get the template, and not the text."""
    return draft.template is not None and outbound.has_templates(mentorado.link.provider)


def _require_sound(draft: CampaignDraft) -> None:
    if not draft.name.strip():
        raise Problem(ProblemCode.CAMPAIGN_NAME_MISSING)
    if (draft.text and _is_blank(draft.text)) or (not draft.text and draft.template is None):
        raise Problem(ProblemCode.CAMPAIGN_TEXT_MISSING)
    if len(draft.text) > MAX_TEXT:
        raise Problem(ProblemCode.CAMPAIGN_TEXT_LONG, most=str(MAX_TEXT), count=str(len(draft.text)))
    unknown = [each for part in draft.parts for each in placeholders(part)[1]]
    if unknown:
        raise Problem(ProblemCode.CAMPAIGN_PLACEHOLDER_UNKNOWN, placeholder=unknown[0])


def _is_blank(text: str) -> bool:
    """Whether nothing of *text* can be seen."""
    return all(each.isspace() or unicodedata.category(each)[0] in "CZ" for each in text)


def _is_own(mentorado: Mentorado, address: Address) -> bool:
    return address.kind is AddressKind.PHONE and same_account(PhoneNumber(address.value), mentorado.expected_account)
