"""What a dry run may find, made up: a switch with much in its way, and one that can begin."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from app.domain.mentorado import MentoradoId, ProviderKind
from app.domain.prices import PRICES_LISTED_AT
from app.domain.switch import FindingCode, MonthlyPrice, PlannedSwitch, SwitchFinding, SwitchPlan

_F, _P = FindingCode, ProviderKind


def found(code: FindingCode, **values: str) -> SwitchFinding:
    return SwitchFinding(code=code, values=values)


def bad(plan: SwitchPlan, who: MentoradoId) -> PlannedSwitch:
    """To Meta Cloud, without credentials, with a failing test and groups."""
    findings = (
        found(_F.CREDENTIALS_MISSING, fields="access_token,phone_number_id"),
        found(_F.SMOKE_TEST_IMPOSSIBLE),
        found(_F.CASES_OPEN, count="2", kinds="opted_out,uncertain_message"),
        found(_F.CURRENT_TEST, outcome="missing"),
        found(_F.GROUPS_NOT_REACHED, count="3"),
        found(_F.TARGET_TEST, outcome="missing"),
        found(_F.KEPT, conversations="87", messages="12345"),
        found(_F.CONSENT_KEPT, count="64"),
        found(_F.PRICE),
        found(_F.DOWNTIME),
    )
    prices = (
        MonthlyPrice(provider=_P.WHATSAPP_WEB, amount=Decimal(0), messages=412),
        MonthlyPrice(
            provider=plan.target, amount=Decimal("12.36"), listed_at=PRICES_LISTED_AT, messages=412, unknown=3
        ),
    )
    return PlannedSwitch(
        mentorado_id=who,
        source=_P.WHATSAPP_WEB,
        findings=findings,
        prices=prices,
        downtime=timedelta(minutes=15),
    )


def good(plan: SwitchPlan, who: MentoradoId) -> PlannedSwitch:
    """To Z-API, with a code to be scanned."""
    findings = (
        found(_F.WEBHOOKS_OFF),
        found(_F.CREDENTIALS_FROM, since="entered", place="memory"),
        found(_F.NEEDS_QR, digits="0000"),
        found(_F.TARGET_TEST, outcome="missing"),
        found(_F.KEPT, conversations="87", messages="12345"),
        found(_F.CONSENT_KEPT, count="64"),
        found(_F.PRICE),
        found(_F.DOWNTIME),
    )
    prices = (
        MonthlyPrice(provider=_P.WHATSAPP_WEB, amount=Decimal(0), messages=412),
        MonthlyPrice(provider=plan.target, amount=None, messages=412),
    )
    return PlannedSwitch(
        mentorado_id=who,
        source=_P.WHATSAPP_WEB,
        findings=findings,
        prices=prices,
        downtime=timedelta(seconds=10),
    )
