"""Why a number could not be registered, as a problem a person can do something about."""

from __future__ import annotations

from typing import Final

from app.domain.connection import Reason
from app.domain.errors import Code, Problem
from app.domain.provider import RegistrationLocked
from app.providers.meta_cloud.errors import meaning_of
from app.providers.meta_cloud.graph import Declined

LIMIT: Final = 133016
"""Ten tries in 72 hours; the eleventh locks the number for 72 more."""

_CREDENTIALS = frozenset({Reason.TOKEN_INVALID, Reason.PERMISSION_MISSING})


def declined_registration(reply: Declined) -> Problem | RegistrationLocked:
    """What *reply* is to a person, or the lock whose end Meta does not say."""
    if reply.code == LIMIT:
        return RegistrationLocked()
    meaning = meaning_of(reply)
    if meaning.reason in _CREDENTIALS:
        return Problem(Code.CREDENTIALS_REFUSED, detail=f"{reply.code}: {reply.detail}")
    if meaning.wait is not None:
        return Problem(Code.PROVIDER_SILENT, detail=f"{reply.code}: {reply.detail}")
    return Problem(Code.PROVIDER_REFUSED, detail=f"{reply.code}: {reply.detail}")
