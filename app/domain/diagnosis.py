"""What a working connection needs, what was found about it, and what can safely be put right.

A check returns one `Diagnosis` for each thing it looked at. Whether that is good or bad, and whether there is a fix, is
said by its code alone (`DIAGNOSES`): a new finding is a row there, and a sentence and a next step in the catalogues.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from app.domain.errors import Problem
from app.domain.mentorado import MentoradoId, ProviderKind
from app.domain.phone import PhoneNumber


class CheckName(StrEnum):
    """The checks, in the order in which they are shown."""

    SETTINGS = "settings"
    VERSIONS = "versions"
    ENGINE = "engine"
    DISPLAY = "display"
    DATA_FOLDER = "data_folder"
    SESSION_FOLDER = "session_folder"
    SPACE = "space"
    DATABASE = "database"
    BACKUPS = "backups"
    SECRETS = "secrets"
    CLOCK = "clock"
    NETWORK = "network"
    CHANNEL = "channel"
    LOOP = "loop"
    LOCKS = "locks"
    PROCEDURES = "procedures"
    LEFTOVERS = "leftovers"


class CheckOutcome(StrEnum):
    """How a check ended."""

    OK = "ok"
    UNKNOWN = "unknown"  # it could not be checked here or now, which says nothing good and nothing bad
    WARNING = "warning"
    FAILED = "failed"


class Fix(StrEnum):
    """What the program can put right by itself, because nothing is lost by it."""

    MAKE_PRIVATE = "make_private"  # a folder or file of ours that others may read
    RELEASE_LOCKS = "release_locks"  # of a program that is proven dead
    REMOVE_PARTS = "remove_parts"  # pieces of files that a killed program was writing
    REPAIR_DATABASE = "repair_database"  # what of it is made anew from the messages and the shape
    RESUME_PROCEDURES = "resume_procedures"  # up to the next question


class DiagnosisCode(StrEnum):
    """Every finding. Printed for machines: may be added to, never renamed."""

    SETTINGS_FINE = "settings_fine"
    SETTINGS_INVALID = "settings_invalid"
    SETTINGS_UNUSED = "settings_unused"
    SETTINGS_RELATIVE = "settings_relative"  # folders that depend on where the program is started
    VERSIONS_FINE = "versions_fine"
    PYSIDE_PITFALL = "pyside_pitfall"  # docs/decisions/0001
    PYSIDE_UNSUPPORTED = "pyside_unsupported"
    PYSIDE_MISSING = "pyside_missing"
    SHIBOKEN_DIFFERS = "shiboken_differs"
    PYTHON_UNSUPPORTED = "python_unsupported"
    ENGINE_FINE = "engine_fine"
    ENGINE_UNVERIFIED = "engine_unverified"  # nothing on this system says what its checksum should be
    ENGINE_ABSENT = "engine_absent"
    ENGINE_WRONG_VERSION = "engine_wrong_version"
    ENGINE_ALTERED = "engine_altered"  # its checksum is another
    HOST_NOT_STARTED = "host_not_started"
    HOST_SILENT = "host_silent"
    HOST_UNABLE = "host_unable"
    DISPLAY_FINE = "display_fine"
    DISPLAY_NONE = "display_none"
    DISPLAY_DEAD = "display_dead"
    DISPLAY_INVALID = "display_invalid"
    LIBRARIES_MISSING = "libraries_missing"
    LIBRARIES_BROKEN = "libraries_broken"  # they are there, and the loader refuses them
    QT_INCOMPLETE = "qt_incomplete"
    DATA_FOLDER_FINE = "data_folder_fine"
    DATA_FOLDER_NEW = "data_folder_new"
    DATA_FOLDER_UNUSABLE = "data_folder_unusable"
    DATA_FOLDER_OPEN = "data_folder_open"
    DATA_PART_UNUSABLE = "data_part_unusable"  # a folder or file in it
    LOGS_UNUSABLE = "logs_unusable"
    SESSION_FOLDER_FINE = "session_folder_fine"
    SESSION_FOLDER_NEW = "session_folder_new"
    SESSION_FOLDER_UNUSABLE = "session_folder_unusable"
    SESSION_FOLDER_OPEN = "session_folder_open"
    SESSION_UNUSABLE = "session_unusable"
    SESSION_UNLINKED = "session_unlinked"  # whole, and without the keys of a device
    SESSION_STRAY = "session_stray"  # copies of sessions that nothing uses
    SPOOL_STRANGE = "spool_strange"  # what is no messages, among those that are not stored yet
    SPACE_FINE = "space_fine"
    SPACE_LOW = "space_low"
    SPACE_OUT = "space_out"
    FILES_OUT = "files_out"  # a file system that can hold no more files
    DATABASE_FINE = "database_fine"
    DATABASE_NEW = "database_new"
    DATABASE_OLDER = "database_older"
    DATABASE_PARTLY_READ = "database_partly_read"
    DATABASE_UNUSABLE = "database_unusable"
    DATABASE_BUSY = "database_busy"
    PEOPLE_UNREADABLE = "people_unreadable"  # some mentorados, whom the program leaves out
    DATABASE_INTERRUPTED = "database_interrupted"  # its journal takes half a change back, for whoever opens it
    DATABASE_LACKS = "database_lacks"  # triggers, indices or views, which are made anew from the rest
    SEARCH_DAMAGED = "search_damaged"  # its index, which holds nothing that is not in the messages
    DATABASE_REPLACED = "database_replaced"  # by another than the file beside it knows
    AUDIT_NOTES_UNREADABLE = "audit_notes_unreadable"  # that file
    BACKUPS_FINE = "backups_fine"
    BACKUPS_NONE = "backups_none"
    BACKUPS_PARTLY_READ = "backups_partly_read"
    BACKUPS_DAMAGED = "backups_damaged"
    KEYRING_FINE = "keyring_fine"
    KEYRING_NOT_NEEDED = "keyring_not_needed"
    KEYRING_NONE = "keyring_none"
    KEYRING_LOCKED = "keyring_locked"
    KEYRING_SILENT = "keyring_silent"  # it asks for its password, or hangs
    KEYRING_UNTRUSTED = "keyring_untrusted"
    SECRETS_FILE_FINE = "secrets_file_fine"
    SECRETS_FILE_CLOSED = "secrets_file_closed"  # its passphrase is typed when it is needed
    SECRETS_UNUSABLE = "secrets_unusable"
    CLOCK_FINE = "clock_fine"
    CLOCK_WRONG = "clock_wrong"
    CLOCK_BEHIND = "clock_behind"
    CLOCK_AHEAD = "clock_ahead"  # far, of all that is known
    CLOCK_UNKNOWN = "clock_unknown"
    NETWORK_FINE = "network_fine"
    NAME_UNKNOWN = "name_unknown"
    NO_CONNECTION = "no_connection"
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    HANDSHAKE_FAILED = "handshake_failed"
    PROXY_UNREACHABLE = "proxy_unreachable"
    PROXY_REFUSES = "proxy_refuses"
    PROXY_INVALID = "proxy_invalid"  # its address in the settings of the computer
    PROXY_UNCHECKED = "proxy_unchecked"  # of a kind that cannot be looked through
    SERVER_UNEXPECTED = "server_unexpected"
    CHANNEL_FINE = "channel_fine"
    CHANNEL_UNUSED = "channel_unused"
    CHANNEL_NO_PROGRAM = "channel_no_program"
    CHANNEL_ELSEWHERE = "channel_elsewhere"
    HOST_DEAF = "host_deaf"
    HOST_ENDED = "host_ended"
    LINK_UNCONFIRMED = "link_unconfirmed"
    LOOP_FINE = "loop_fine"
    LOOP_BLOCKED = "loop_blocked"
    LOOP_WAS_BLOCKED = "loop_was_blocked"  # since the program was started; it answers now
    LOCKS_FINE = "locks_fine"
    LOCK_HELD = "lock_held"
    LOCK_STALE = "lock_stale"
    LOCK_UNPROVEN = "lock_unproven"
    LOCK_UNUSABLE = "lock_unusable"  # not a file, so that nobody can take it
    PROCEDURES_FINE = "procedures_fine"
    PROCEDURE_INTERRUPTED = "procedure_interrupted"
    PROCEDURE_WAITS = "procedure_waits"
    PROCEDURE_MOVES = "procedure_moves"  # a program is at work on it
    PROCEDURES_UNREAD = "procedures_unread"
    PROCEDURES_DAMAGED = "procedures_damaged"  # what is written of some makes no sense
    LEFTOVERS_FINE = "leftovers_fine"
    PARTS_LEFT = "parts_left"
    TOOK_TOO_LONG = "took_too_long"  # of any check
    COULD_NOT_LOOK = "could_not_look"  # what any check has to read is refused to it
    BROKE = "broke"  # a bug in any check; the log has it


@dataclass(frozen=True, slots=True)
class DiagnosisRow:
    """What follows from a code. *check* is None for the codes that any check can end with."""

    check: CheckName | None
    outcome: CheckOutcome
    fix: Fix | None = None


_C, _K, _D = DiagnosisCode, CheckName, DiagnosisRow
_OK, _UNKNOWN, _WARNING, _FAILED = CheckOutcome.OK, CheckOutcome.UNKNOWN, CheckOutcome.WARNING, CheckOutcome.FAILED

DIAGNOSES: Final[Mapping[DiagnosisCode, DiagnosisRow]] = MappingProxyType(
    {
        _C.SETTINGS_FINE: _D(_K.SETTINGS, _OK),
        _C.SETTINGS_INVALID: _D(_K.SETTINGS, _FAILED),
        _C.SETTINGS_UNUSED: _D(_K.SETTINGS, _WARNING),
        _C.SETTINGS_RELATIVE: _D(_K.SETTINGS, _WARNING),
        _C.VERSIONS_FINE: _D(_K.VERSIONS, _OK),
        _C.PYSIDE_PITFALL: _D(_K.VERSIONS, _FAILED),
        _C.PYSIDE_UNSUPPORTED: _D(_K.VERSIONS, _FAILED),
        _C.PYSIDE_MISSING: _D(_K.VERSIONS, _FAILED),
        _C.SHIBOKEN_DIFFERS: _D(_K.VERSIONS, _FAILED),
        _C.PYTHON_UNSUPPORTED: _D(_K.VERSIONS, _FAILED),
        _C.ENGINE_FINE: _D(_K.ENGINE, _OK),
        _C.ENGINE_UNVERIFIED: _D(_K.ENGINE, _UNKNOWN),
        _C.ENGINE_ABSENT: _D(_K.ENGINE, _FAILED),
        _C.ENGINE_WRONG_VERSION: _D(_K.ENGINE, _FAILED),
        _C.ENGINE_ALTERED: _D(_K.ENGINE, _FAILED),
        _C.HOST_NOT_STARTED: _D(_K.ENGINE, _FAILED),
        _C.HOST_SILENT: _D(_K.ENGINE, _FAILED),
        _C.HOST_UNABLE: _D(_K.ENGINE, _FAILED),
        _C.DISPLAY_FINE: _D(_K.DISPLAY, _OK),
        _C.DISPLAY_NONE: _D(_K.DISPLAY, _UNKNOWN),
        _C.DISPLAY_DEAD: _D(_K.DISPLAY, _FAILED),
        _C.DISPLAY_INVALID: _D(_K.DISPLAY, _FAILED),
        _C.LIBRARIES_MISSING: _D(_K.DISPLAY, _FAILED),
        _C.LIBRARIES_BROKEN: _D(_K.DISPLAY, _FAILED),
        _C.QT_INCOMPLETE: _D(_K.DISPLAY, _FAILED),
        _C.DATA_FOLDER_FINE: _D(_K.DATA_FOLDER, _OK),
        _C.DATA_FOLDER_NEW: _D(_K.DATA_FOLDER, _OK),
        _C.DATA_FOLDER_UNUSABLE: _D(_K.DATA_FOLDER, _FAILED),
        _C.DATA_FOLDER_OPEN: _D(_K.DATA_FOLDER, _FAILED, Fix.MAKE_PRIVATE),
        _C.DATA_PART_UNUSABLE: _D(_K.DATA_FOLDER, _FAILED),
        _C.LOGS_UNUSABLE: _D(_K.DATA_FOLDER, _WARNING),
        _C.SESSION_FOLDER_FINE: _D(_K.SESSION_FOLDER, _OK),
        _C.SESSION_FOLDER_NEW: _D(_K.SESSION_FOLDER, _OK),
        _C.SESSION_FOLDER_UNUSABLE: _D(_K.SESSION_FOLDER, _FAILED),
        _C.SESSION_FOLDER_OPEN: _D(_K.SESSION_FOLDER, _FAILED, Fix.MAKE_PRIVATE),
        _C.SESSION_UNUSABLE: _D(_K.SESSION_FOLDER, _FAILED),
        _C.SESSION_UNLINKED: _D(_K.SESSION_FOLDER, _WARNING),
        _C.SESSION_STRAY: _D(_K.SESSION_FOLDER, _WARNING),
        _C.SPOOL_STRANGE: _D(_K.SESSION_FOLDER, _WARNING),
        _C.SPACE_FINE: _D(_K.SPACE, _OK),
        _C.SPACE_LOW: _D(_K.SPACE, _WARNING),
        _C.SPACE_OUT: _D(_K.SPACE, _FAILED),
        _C.FILES_OUT: _D(_K.SPACE, _FAILED),
        _C.DATABASE_FINE: _D(_K.DATABASE, _OK),
        _C.DATABASE_NEW: _D(_K.DATABASE, _OK),
        _C.DATABASE_OLDER: _D(_K.DATABASE, _OK),
        _C.DATABASE_PARTLY_READ: _D(_K.DATABASE, _UNKNOWN),
        _C.DATABASE_UNUSABLE: _D(_K.DATABASE, _FAILED),
        _C.DATABASE_BUSY: _D(_K.DATABASE, _WARNING),
        _C.PEOPLE_UNREADABLE: _D(_K.DATABASE, _FAILED),
        _C.DATABASE_INTERRUPTED: _D(_K.DATABASE, _UNKNOWN),
        _C.DATABASE_LACKS: _D(_K.DATABASE, _WARNING, Fix.REPAIR_DATABASE),
        _C.SEARCH_DAMAGED: _D(_K.DATABASE, _WARNING, Fix.REPAIR_DATABASE),
        _C.DATABASE_REPLACED: _D(_K.DATABASE, _FAILED),
        _C.AUDIT_NOTES_UNREADABLE: _D(_K.DATABASE, _WARNING),
        _C.BACKUPS_FINE: _D(_K.BACKUPS, _OK),
        _C.BACKUPS_NONE: _D(_K.BACKUPS, _OK),
        _C.BACKUPS_PARTLY_READ: _D(_K.BACKUPS, _UNKNOWN),
        _C.BACKUPS_DAMAGED: _D(_K.BACKUPS, _WARNING),
        _C.KEYRING_FINE: _D(_K.SECRETS, _OK),
        _C.KEYRING_NOT_NEEDED: _D(_K.SECRETS, _OK),
        _C.KEYRING_NONE: _D(_K.SECRETS, _FAILED),
        _C.KEYRING_LOCKED: _D(_K.SECRETS, _FAILED),
        _C.KEYRING_SILENT: _D(_K.SECRETS, _WARNING),
        _C.KEYRING_UNTRUSTED: _D(_K.SECRETS, _FAILED),
        _C.SECRETS_FILE_FINE: _D(_K.SECRETS, _OK),
        _C.SECRETS_FILE_CLOSED: _D(_K.SECRETS, _OK),
        _C.SECRETS_UNUSABLE: _D(_K.SECRETS, _FAILED),
        _C.CLOCK_FINE: _D(_K.CLOCK, _OK),
        _C.CLOCK_WRONG: _D(_K.CLOCK, _FAILED),
        _C.CLOCK_BEHIND: _D(_K.CLOCK, _WARNING),
        _C.CLOCK_AHEAD: _D(_K.CLOCK, _WARNING),
        _C.CLOCK_UNKNOWN: _D(_K.CLOCK, _UNKNOWN),
        _C.NETWORK_FINE: _D(_K.NETWORK, _OK),
        _C.NAME_UNKNOWN: _D(_K.NETWORK, _FAILED),
        _C.NO_CONNECTION: _D(_K.NETWORK, _FAILED),
        _C.CERTIFICATE_UNTRUSTED: _D(_K.NETWORK, _FAILED),
        _C.HANDSHAKE_FAILED: _D(_K.NETWORK, _FAILED),
        _C.PROXY_UNREACHABLE: _D(_K.NETWORK, _FAILED),
        _C.PROXY_REFUSES: _D(_K.NETWORK, _FAILED),
        _C.PROXY_INVALID: _D(_K.NETWORK, _FAILED),
        _C.PROXY_UNCHECKED: _D(_K.NETWORK, _WARNING),
        _C.SERVER_UNEXPECTED: _D(_K.NETWORK, _WARNING),
        _C.CHANNEL_FINE: _D(_K.CHANNEL, _OK),
        _C.CHANNEL_UNUSED: _D(_K.CHANNEL, _OK),
        _C.CHANNEL_NO_PROGRAM: _D(_K.CHANNEL, _UNKNOWN),
        _C.CHANNEL_ELSEWHERE: _D(_K.CHANNEL, _UNKNOWN),
        _C.HOST_DEAF: _D(_K.CHANNEL, _FAILED),
        _C.HOST_ENDED: _D(_K.CHANNEL, _FAILED),
        _C.LINK_UNCONFIRMED: _D(_K.CHANNEL, _WARNING),
        _C.LOOP_FINE: _D(_K.LOOP, _OK),
        _C.LOOP_BLOCKED: _D(_K.LOOP, _WARNING),
        _C.LOOP_WAS_BLOCKED: _D(_K.LOOP, _OK),
        _C.LOCKS_FINE: _D(_K.LOCKS, _OK),
        _C.LOCK_HELD: _D(_K.LOCKS, _OK),
        _C.LOCK_STALE: _D(_K.LOCKS, _WARNING, Fix.RELEASE_LOCKS),
        _C.LOCK_UNPROVEN: _D(_K.LOCKS, _FAILED),
        _C.LOCK_UNUSABLE: _D(_K.LOCKS, _FAILED),
        _C.PROCEDURES_FINE: _D(_K.PROCEDURES, _OK),
        _C.PROCEDURE_INTERRUPTED: _D(_K.PROCEDURES, _WARNING, Fix.RESUME_PROCEDURES),
        _C.PROCEDURE_WAITS: _D(_K.PROCEDURES, _OK),
        _C.PROCEDURE_MOVES: _D(_K.PROCEDURES, _OK),
        _C.PROCEDURES_UNREAD: _D(_K.PROCEDURES, _UNKNOWN),
        _C.PROCEDURES_DAMAGED: _D(_K.PROCEDURES, _WARNING),
        _C.LEFTOVERS_FINE: _D(_K.LEFTOVERS, _OK),
        _C.PARTS_LEFT: _D(_K.LEFTOVERS, _WARNING, Fix.REMOVE_PARTS),
        _C.TOOK_TOO_LONG: _D(None, _WARNING),
        _C.COULD_NOT_LOOK: _D(None, _WARNING),
        _C.BROKE: _D(None, _WARNING),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One finding. *evidence* fills its words and never holds a secret; those of a *problem* are the problem's."""

    check: CheckName
    code: DiagnosisCode
    evidence: Mapping[str, str] = field(default_factory=dict)
    problem: Problem | None = field(default=None, compare=False)

    @property
    def outcome(self) -> CheckOutcome:
        return DIAGNOSES[self.code].outcome

    @property
    def fix(self) -> Fix | None:
        return DIAGNOSES[self.code].fix


def diagnosed(code: DiagnosisCode, problem: Problem | None = None, /, **evidence: str) -> Diagnosis:
    """The diagnosis of a *code* that belongs to one check."""
    check = DIAGNOSES[code].check
    if check is None:
        raise ValueError(f"{code} belongs to no check")
    return Diagnosis(check=check, code=code, evidence=evidence, problem=problem)


_BY_WEIGHT: Final = (CheckOutcome.FAILED, CheckOutcome.WARNING, CheckOutcome.UNKNOWN, CheckOutcome.OK)


def worst(diagnoses: Sequence[Diagnosis]) -> CheckOutcome:
    """The heaviest outcome; OK where nothing was found."""
    found = {diagnosis.outcome for diagnosis in diagnoses}
    return next((outcome for outcome in _BY_WEIGHT if outcome in found), CheckOutcome.OK)


@dataclass(frozen=True, slots=True)
class Report:
    """What a whole run found, in the order in which it is shown."""

    diagnoses: tuple[Diagnosis, ...]

    @property
    def outcome(self) -> CheckOutcome:
        return worst(self.diagnoses)

    def with_outcome(self, outcome: CheckOutcome) -> tuple[Diagnosis, ...]:
        """The diagnoses that ended so."""
        return tuple(each for each in self.diagnoses if each.outcome is outcome)


Check = Callable[[], Awaitable[Sequence[Diagnosis]]]
"""Looks at one thing, changes nothing, and may be cancelled at any moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinksInUse:
    """Whose links there are, as far as it can be read."""

    providers: frozenset[ProviderKind] = frozenset()
    names: Mapping[MentoradoId, str] = field(default_factory=dict)
    paired: frozenset[MentoradoId] = frozenset()  # whose link in use has a session file
    numbers: Mapping[MentoradoId, frozenset[PhoneNumber]] = field(default_factory=dict)  # of every kind
