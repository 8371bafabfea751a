"""Everything that can go wrong that is not a bug.

A `Problem` reaches a person as a sentence and a next step, both chosen by its code. Any other exception is a bug and
reaches them as a report to send.
"""

from __future__ import annotations

from enum import StrEnum


class ProblemCode(StrEnum):
    """One code per sentence. Values are logged and printed: they may be added to, never renamed."""

    PHONE_INVALID = "phone_invalid"
    PHONE_MISSING = "phone_missing"
    PHONE_SEVERAL = "phone_several"
    PHONE_SHORTENED = "phone_shortened"  # as 1.19E+10, by a spreadsheet program
    PHONE_WORDS = "phone_words"  # beside the number: it may be somebody else's
    PHONE_AMBIGUOUS = "phone_ambiguous"  # Brazil's, or another country's without its +
    PHONE_FOREIGN = "phone_foreign"  # not Brazil's; it would be another country's with a +
    PHONE_TAKEN = "phone_taken"
    NAME_MISSING = "name_missing"
    NAME_TOO_LONG = "name_too_long"
    NAME_UNREADABLE = "name_unreadable"  # control characters, or halves of characters
    COHORT_TOO_LONG = "cohort_too_long"
    MENTORADO_UNKNOWN = "mentorado_unknown"
    MENTORADO_AMBIGUOUS = "mentorado_ambiguous"
    MENTORADO_CONNECTED = "mentorado_connected"  # archive asked while its link runs
    NOT_POSSIBLE_NOW = "not_possible_now"
    PROVIDER_UNAVAILABLE = "provider_unavailable"

    SESSION_DIR_MISSING = "session_dir_missing"
    SESSION_DIR_NOT_A_FOLDER = "session_dir_not_a_folder"
    SESSION_DIR_NOT_WRITABLE = "session_dir_not_writable"
    SESSION_DISK_FULL = "session_disk_full"
    SESSION_CORRUPT = "session_corrupt"
    SESSION_MISSING = "session_missing"
    SESSION_IN_USE = "session_in_use"
    SESSION_HELD_ELSEWHERE = "session_held_elsewhere"
    SESSION_OF_ANOTHER_USER = "session_of_another_user"
    SESSION_OF_ANOTHER_MENTORADO = "session_of_another_mentorado"
    TOO_MANY_OPEN_FILES = "too_many_open_files"
    HOST_NOT_STARTED = "host_not_started"
    ENGINE_MISSING = "engine_missing"
    ENGINE_MISMATCH = "engine_mismatch"
    REQUEST_TIMED_OUT = "request_timed_out"
    REQUEST_REFUSED = "request_refused"

    CASE_CLOSED = "case_closed"
    CASE_UNKNOWN = "case_unknown"
    CASE_NOTE_MISSING = "case_note_missing"

    AUTOSTART_NOT_WRITTEN = "autostart_not_written"  # nothing was changed: it opens at login, or not, as before
    QUIET_TIME_INVALID = "quiet_time_invalid"
    NOTE_EMPTY = "note_empty"
    NOTE_TOO_LONG = "note_too_long"
    NOTE_CHANGED = "note_changed"  # by somebody else, since it was read

    AUDIT_UNREADABLE = "audit_unreadable"
    AUDIT_NOTES_UNREADABLE = "audit_notes_unreadable"  # the file beside the database that knows it once more
    AUDIT_NOTES_DAMAGED = "audit_notes_damaged"  # that file can be read, and nothing in it makes sense
    DATABASE_LOCKED = "database_locked"
    DATABASE_CORRUPT = "database_corrupt"
    DATABASE_NEWER = "database_newer"
    DATABASE_DISK_FULL = "database_disk_full"
    DATABASE_NOT_WRITABLE = "database_not_writable"
    DATABASE_MISSING = "database_missing"  # although sessions or backups show that there was one
    DATABASE_PRESENT = "database_present"  # where a copy should go
    DATABASE_COPY_UNUSABLE = "database_copy_unusable"
    LINK_BROKEN = "link_broken"  # a symbolic link to nothing, or in a circle
    DATA_FOLDER_UNSAFE = "data_folder_unsafe"  # others may write to it

    SECRETS_UNAVAILABLE = "secrets_unavailable"
    SECRETS_LOCKED = "secrets_locked"
    SECRETS_NOT_SAVED = "secrets_not_saved"
    SECRETS_FILE_DAMAGED = "secrets_file_damaged"
    SECRETS_FILE_NEWER = "secrets_file_newer"
    PASSPHRASE_WRONG = "passphrase_wrong"  # noqa: S105 - a code
    PASSPHRASE_SHORT = "passphrase_short"  # noqa: S105 - a code
    SECRET_TOO_LONG = "secret_too_long"  # noqa: S105 - a code

    CREDENTIALS_MISSING = "credentials_missing"
    CREDENTIAL_EMPTY = "credential_empty"  # one field of several; *field* names it
    CREDENTIAL_MALFORMED = "credential_malformed"
    CREDENTIALS_REFUSED = "credentials_refused"
    ACCOUNT_TAKEN = "account_taken"  # an instance or a number that another link has; *name* says whose
    PROVIDER_SILENT = "provider_silent"
    PROVIDER_REFUSED = "provider_refused"
    QUEUE_CHANGED = "queue_changed"  # more waits than was shown
    PIN_INVALID = "pin_invalid"
    REGISTER_LIMIT = "register_limit"

    BACKUP_MISSING = "backup_missing"  # no file of that name
    BACKUP_UNREADABLE = "backup_unreadable"  # not an archive of ours, cut off, or damaged
    BACKUP_ALTERED = "backup_altered"  # it opens, but is not what its manifest says
    BACKUP_NEWER = "backup_newer"
    BACKUP_LOCKED = "backup_locked"  # its passphrase is needed, or is another
    BACKUP_FROM_FUTURE = "backup_from_future"  # its date is still to come: the archive or this computer is wrong
    BACKUP_OF_ANOTHER = "backup_of_another"  # mentorado than the one it was chosen for
    BACKUP_FOLDER_UNUSABLE = "backup_folder_unusable"
    BACKUP_DISK_FULL = "backup_disk_full"
    SESSION_USED_SINCE = "session_used_since"
    LINK_NOT_BACK = "link_not_back"  # a procedure waited for it in vain
    SMOKE_CHECK_FAILED = "smoke_check_failed"
    PROCEDURE_UNKNOWN = "procedure_unknown"
    PROCEDURE_HELD = "procedure_held"  # by another program, which moves it
    PROCEDURE_UNFINISHED = "procedure_unfinished"  # another one of this mentorado is in the way

    PHONE_CODE_TOO_SOON = "phone_code_too_soon"

    IMPORT_UNREADABLE = "import_unreadable"
    IMPORT_TOO_LARGE = "import_too_large"
    IMPORT_COLUMNS_UNKNOWN = "import_columns_unknown"
    IMPORT_ROW_QUOTES = "import_row_quotes"  # a quotation mark too many or too few; *row* names the physical row
    IMPORT_ROW_LETTERS = "import_row_letters"  # bytes that are no letters of the file's encoding
    IMPORT_ROW_TWICE = "import_row_twice"  # a line above has the same number
    IMPORT_ROW_CELLS = "import_row_cells"  # more cells than the heading, and several numbers

    OPT_OUT_WORDS_INVALID = "opt_out_words_invalid"
    CONSENT_OPTED_OUT = "consent_opted_out"  # they asked to be left alone, after the consent that is to be recorded
    CONSENT_REVOKED = "consent_revoked"  # after the consent that is to be recorded
    CONSENT_NOT_GIVEN = "consent_not_given"  # nothing to revoke
    CONSENT_WORDING_MISSING = "consent_wording_missing"
    CONSENT_VERSION_MISSING = "consent_version_missing"
    CONSENT_PURPOSE_UNKNOWN = "consent_purpose_unknown"
    CONSENT_REFUSED = "consent_refused"  # the line of a file does not say yes
    CONSENT_DATE_UNREADABLE = "consent_date_unreadable"
    CONSENT_DATE_FUTURE = "consent_date_future"
    CONSENT_KNOWN = "consent_known"  # the ledger has the same
    CONSENT_TWICE = "consent_twice"  # a line above is about the same contact and purpose
    CONSENT_FILE_UNREADABLE = "consent_file_unreadable"
    CONSENT_IMPORT_STOPPED = "consent_import_stopped"  # by the person who began it
    CONSENT_TOO_LONG = "consent_too_long"
    CONSENT_IMPORT_UNKNOWN = "consent_import_unknown"

    CAMPAIGN_NAME_MISSING = "campaign_name_missing"
    CAMPAIGN_COHORT_MISSING = "campaign_cohort_missing"
    CAMPAIGN_TEXT_MISSING = "campaign_text_missing"
    CAMPAIGN_TEXT_LONG = "campaign_text_long"
    CAMPAIGN_PLACEHOLDER_UNKNOWN = "campaign_placeholder_unknown"
    CAMPAIGN_NOBODY = "campaign_nobody"  # no mentorado in the cohort
    CAMPAIGN_NOT_CONFIRMED = "campaign_not_confirmed"
    CAMPAIGN_CHANGED = "campaign_changed"  # since the dry run
    CAMPAIGN_REPEATED = "campaign_repeated"  # the same words to the same people, within a day
    CAMPAIGN_UNKNOWN = "campaign_unknown"  # on the command line
    CAMPAIGN_ENDED = "campaign_ended"

    SWITCH_NOBODY = "switch_nobody"  # to be switched
    SWITCH_NOT_CONFIRMED = "switch_not_confirmed"
    SWITCH_CHANGED = "switch_changed"  # since the dry run
    SWITCH_WAVE_INVALID = "switch_wave_invalid"
    SWITCH_NAME_MISSING = "switch_name_missing"  # of who approves first, where two people must
    SWITCH_SAME_PERSON = "switch_same_person"  # approves twice
    SWITCH_ENDED = "switch_ended"
    SWITCH_NOT_POSSIBLE = "switch_not_possible"  # of one mentorado, as it stands now; *finding* says why
    SWITCH_TARGET_GONE = "switch_target_gone"  # the link that was prepared is not connected any more
    SWITCH_UNKNOWN = "switch_unknown"  # on the command line
    SWITCH_OLD_NOT_BACK = "switch_old_not_back"  # the former provider does not connect again

    WEBHOOK_PORT_TAKEN = "webhook_port_taken"
    WEBHOOK_PORT_FORBIDDEN = "webhook_port_forbidden"  # the system keeps it for itself
    WEBHOOK_PORT_INVALID = "webhook_port_invalid"
    WEBHOOK_ADDRESS_UNUSABLE = "webhook_address_unusable"  # none, or not one of this computer's
    WEBHOOK_URL_INVALID = "webhook_url_invalid"
    WEBHOOK_SPOOL_UNUSABLE = "webhook_spool_unusable"
    WEBHOOK_HOST_ENDED = "webhook_host_ended"

    SMOKE_TEST_MISSING = "smoke_test_missing"  # before bulk use or a change of provider, as the three below
    SMOKE_TEST_FAILED = "smoke_test_failed"
    SMOKE_TEST_PARTLY = "smoke_test_partly"
    SMOKE_TEST_OLD = "smoke_test_old"
    LIMIT_INVALID = "limit_invalid"  # of what goes out; *limit* names the field
    LIMIT_TIME_INVALID = "limit_time_invalid"

    CONTACT_UNKNOWN = "contact_unknown"
    ERASURE_NOT_CONFIRMED = "erasure_not_confirmed"
    EXPORT_FOLDER_UNUSABLE = "export_folder_unusable"
    EXPORT_DISK_FULL = "export_disk_full"
    BUNDLE_FILE_UNKNOWN = "bundle_file_unknown"  # on the command line
    BUNDLE_PRESENT = "bundle_present"  # a file of that name; it may be anything
    RETENTION_INVALID = "retention_invalid"

    REASON_MISSING = "reason_missing"  # for a change that protects less
    SETTING_INVALID = "setting_invalid"
    SETTINGS_FILE_MISSING = "settings_file_missing"  # the one that was named
    SETTINGS_FILE_UNSAFE = "settings_file_unsafe"  # others may write it
    SETTINGS_FILE_UNREADABLE = "settings_file_unreadable"
    ARGUMENT_UNREADABLE = "argument_unreadable"
    INPUT_UNREADABLE = "input_unreadable"
    CREDENTIALS_UNREADABLE = "credentials_unreadable"  # on standard input
    PASSPHRASE_FILE_UNUSABLE = "passphrase_file_unusable"  # noqa: S105 - a name
    COUNT_INVALID = "count_invalid"
    PATH_UNKNOWN = "path_unknown"
    OUTPUT_NOT_WRITTEN = "output_not_written"
    NO_DISPLAY = "no_display"
    SELF_TEST_NO_ROOM = "self_test_no_room"
    SYSTEM_LIBRARY_MISSING = "system_library_missing"
    SYSTEM_LIBRARY_BROKEN = "system_library_broken"  # it is there and cannot be loaded
    ALREADY_RUNNING = "already_running"
    WINDOW_HELD_ELSEWHERE = "window_held_elsewhere"
    LINKS_HELD = "links_held"  # by a window or a `conecta run` of the same data folder


class Problem(Exception):
    """An expected failure. *context* fills the sentence; never put a secret in it."""

    def __init__(self, code: ProblemCode, /, **context: str) -> None:
        known = ", ".join(f"{name} {value}" for name, value in context.items())
        super().__init__(f"{code}: {known}" if known else str(code))
        self.code = code
        self.context = context
