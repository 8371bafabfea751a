"""Why a number could not be registered, as a problem a person can do something about."""

from __future__ import annotations

from typing import Final

from app.domain.connection import Reason
from app.domain.errors import Code, Problem
from app.providers.meta_cloud.errors import meaning_of
from app.providers.meta_cloud.graph import Declined

LIMIT: Final = 133016
"""Ten tries in 72 hours; the eleventh locks the number for 72 more."""

_CREDENTIALS = frozenset({Reason.TOKEN_INVALID, Reason.PERMISSION_MISSING})


def declined_registration(reply: Declined) -> Problem:
    """The problem that *reply* is. `REGISTER_LIMIT` has no time in it: Meta does not say one."""
    if reply.code == LIMIT:
        return Problem(Code.REGISTER_LIMIT)
    meaning = meaning_of(reply)
    if meaning.reason in _CREDENTIALS:
        return Problem(Code.CREDENTIALS_REFUSED, detail=f"{reply.code}: {reply.detail}")
    if meaning.wait is not None:
        return Problem(Code.PROVIDER_SILENT, detail=f"{reply.code}: {reply.detail}")
    return Problem(Code.PROVIDER_REFUSED, detail=f"{reply.code}: {reply.detail}")
