"""Runs all checks at once, each within its time, and puts right what can be put right safely."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from app.domain.diagnosis import Check, CheckName, Diagnosis, DiagnosisCode, Fix, Report

log = logging.getLogger(__name__)

LIMIT_SECONDS: Final = 6.0
"""For each check. They run at once, so that a whole run takes hardly longer."""

_ALONE: Final = frozenset({CheckName.LOOP})
"""What the others would disturb: it is measured after them."""

Tell = Callable[[CheckName, tuple[Diagnosis, ...]], None]
"""Hears what a check found, as soon as it has."""

FixAction = Callable[[Diagnosis], Awaitable[None]]
"""Puts one diagnosis right, and audits that. Does nothing harmful when it is not true any more. Raises `Problem`."""


def _tell_nobody(_name: CheckName, _found: tuple[Diagnosis, ...]) -> None:
    """Nobody waits for single results."""


class DoctorService:
    """The checks by name, in the order in which they are shown."""

    def __init__(
        self, checks: Mapping[CheckName, Check], fixes: Mapping[Fix, FixAction], *, limit: float = LIMIT_SECONDS
    ) -> None:
        self._checks = {name: checks[name] for name in CheckName if name in checks}
        self._fixes = fixes
        self._limit = limit

    @property
    def names(self) -> tuple[CheckName, ...]:
        return tuple(self._checks)

    async def run(self, tell: Tell = _tell_nobody, only: Iterable[CheckName] | None = None) -> Report:
        """Run the checks, or *only* some, and return what they found in their order. Cancelled, all of them end."""
        wanted = tuple(self._checks) if only is None else tuple(only)
        found: dict[CheckName, tuple[Diagnosis, ...]] = {}

        async def one(name: CheckName) -> None:
            found[name] = await self._run_one(name)
            tell(name, found[name])

        async with asyncio.TaskGroup() as group:
            for name in wanted:
                if name not in _ALONE:
                    group.create_task(one(name), name=f"check {name}")
        for name in wanted:
            if name in _ALONE:
                await one(name)
        return Report(tuple(diagnosis for name in wanted for diagnosis in found[name]))

    def can_fix(self, diagnosis: Diagnosis) -> bool:
        return diagnosis.fix in self._fixes

    async def fix(self, diagnosis: Diagnosis) -> tuple[Diagnosis, ...]:
        """Put *diagnosis* right, if it is still true, and return what its check finds then. Raises `Problem`."""
        now = await self._run_one(diagnosis.check)
        if diagnosis.fix is None or diagnosis not in now:
            return now
        await self._fixes[diagnosis.fix](diagnosis)
        return await self._run_one(diagnosis.check)

    async def _run_one(self, name: CheckName) -> tuple[Diagnosis, ...]:
        try:
            async with asyncio.timeout(self._limit):
                return tuple(await self._checks[name]())
        except TimeoutError:
            return (_generic(name, DiagnosisCode.TOOK_TOO_LONG, seconds=f"{self._limit:g}"),)
        except OSError as error:
            why = error.strerror or type(error).__name__
            return (_generic(name, DiagnosisCode.COULD_NOT_LOOK, path=str(error.filename or ""), detail=why),)
        except Exception as error:
            log.exception("The check %s failed", name)
            return (_generic(name, DiagnosisCode.BROKE, error=type(error).__name__),)


def _generic(name: CheckName, code: DiagnosisCode, **evidence: str) -> Diagnosis:
    return Diagnosis(check=name, code=code, evidence=evidence)
