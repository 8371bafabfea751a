from __future__ import annotations

import pytest

from app.domain.audit import AuditAction, AuditOutcome
from app.domain.errors import Problem, ProblemCode
from tests.services import Core


@pytest.mark.usefixtures("caplog")  # that the disk refused is in the log
@pytest.mark.parametrize(("outcome", "later"), [(AuditOutcome.DONE, 1), (AuditOutcome.BEGUN, 0)])
async def test_what_has_happened_is_recorded_once_the_disk_takes_it_and_what_was_to_begin_is_not(
    core: Core, outcome: AuditOutcome, later: int
) -> None:
    async with core.running():
        core.audit.problem = Problem(ProblemCode.DATABASE_DISK_FULL)
        with pytest.raises(Problem):
            await core.audit_service.write(AuditAction.DRY_RUN_SWITCH, outcome=outcome)
        core.audit.problem = None
        await core.clock.advance(60)
    recorded = [entry.record for entry in core.audit.entries_ if entry.record.action == AuditAction.DRY_RUN_SWITCH]
    assert len(recorded) == later
