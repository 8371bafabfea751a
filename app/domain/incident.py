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
    """What a look at a shared cause found. Each has its sentence."""

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
    """Looks at what all links of a provider share: the way to it, and the time it has."""

    async def check(self, provider: ProviderKind) -> Sequence[Finding]:
        """Takes seconds at most, and does not raise: what cannot be looked at is a finding, too."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """*affected* fell since it began, *of* so many who were connected then. Who came back stays among the affected."""

    provider: ProviderKind
    since: datetime
    affected: tuple[MentoradoId, ...]
    of: int
    causes: tuple[tuple[Reason, int], ...]  # the most frequent first
    findings: tuple[Finding, ...] = ()  # empty until the first look
