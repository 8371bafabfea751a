"""Why a link is blocked, when the problem came before there was a line to tell."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.domain.connection import Reason
from app.domain.errors import Code

REASON_OF: Final[Mapping[Code, Reason]] = MappingProxyType(
    {
        Code.SESSION_MISSING: Reason.SESSION_MISSING,
        Code.SESSION_CORRUPT: Reason.SESSION_CORRUPT,
        Code.SESSION_IN_USE: Reason.SESSION_IN_USE,
        Code.SESSION_HELD_ELSEWHERE: Reason.SESSION_HELD_ELSEWHERE,
        Code.SESSION_OF_ANOTHER_USER: Reason.SESSION_OF_ANOTHER_USER,
        Code.SESSION_OF_ANOTHER_MENTORADO: Reason.SESSION_OF_ANOTHER_MENTORADO,
        Code.SESSION_DIR_MISSING: Reason.SESSION_DIR_MISSING,
        Code.SESSION_DIR_NOT_A_FOLDER: Reason.SESSION_DIR_NOT_A_FOLDER,
        Code.SESSION_DIR_NOT_WRITABLE: Reason.SESSION_DIR_NOT_WRITABLE,
        Code.SESSION_DISK_FULL: Reason.DISK_FULL,
        Code.TOO_MANY_OPEN_FILES: Reason.TOO_MANY_OPEN_FILES,
        Code.HOST_NOT_STARTED: Reason.ENGINE_MISSING,
        Code.ENGINE_MISSING: Reason.ENGINE_MISSING,
        Code.ENGINE_MISMATCH: Reason.ENGINE_MISMATCH,
        Code.CREDENTIALS_MISSING: Reason.CREDENTIALS_MISSING,
        Code.ACCOUNT_TAKEN: Reason.ACCOUNT_TAKEN,
        Code.SECRETS_UNAVAILABLE: Reason.SECRETS_LOCKED,
        Code.SECRETS_LOCKED: Reason.SECRETS_LOCKED,
    }
)
"""A problem met while a line was being opened, as the reason its link shows."""

TRIED_AGAIN: Final = frozenset({Code.TOO_MANY_OPEN_FILES})
"""Problems that may be over in a moment, without a person."""
