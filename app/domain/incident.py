"""Many links of one provider that fell together: one trouble to be understood, not a dozen to be repaired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from app.domain.link_status import Reason
from app.domain.mentorado import MentoradoId, ProviderKind


class CheckResult(StrEnum):
    """The result of one connectivity check. Each has its sentence in the catalogues."""

    NETWORK_GOOD = "network_good"
    NETWORK_DOWN = "network_down"
    PROXY_REFUSED = "proxy_refused"
    CERTIFICATE_REFUSED = "certificate_refused"
    SERVER_SILENT = "server_silent"  # reached, but it does not answer as it should
    CLOCK_GOOD = "clock_good"
    CLOCK_WRONG = "clock_wrong"
    CLOCK_UNKNOWN = "clock_unknown"
    VERSION_GOOD = "version_good"
    VERSION_REFUSED = "version_refused"


GOOD = frozenset({CheckResult.NETWORK_GOOD, CheckResult.CLOCK_GOOD, CheckResult.VERSION_GOOD})


@dataclass(frozen=True, slots=True)
class Finding:
    """One result; *detail* is for the log and the details line."""

    found: CheckResult
    detail: str = ""


class ConnectivityChecker(Protocol):
    """Checks what all links of a provider share: the network and the time."""

    async def check(self, provider: ProviderKind) -> Sequence[Finding]:
        """Run the checks, within seconds. Never raises: a check that fails is a finding."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """An incident: *affected* links fell since it began, *of* the number connected then. Recovered links stay in
    *affected*."""

    provider: ProviderKind
    since: datetime
    affected: tuple[MentoradoId, ...]
    of: int
    causes: tuple[tuple[Reason, int], ...]  # the most frequent first
    findings: tuple[Finding, ...] = ()  # empty until the first look
