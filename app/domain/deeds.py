"""Names of what is written down besides the actions on a mentorado."""

from __future__ import annotations

from enum import StrEnum


class DeedName(StrEnum):
    """Stable: they are in every audit. Words are chosen by them; `app.core.actions.ActionName` has the others."""

    SET_OPERATOR_NAME = "set_operator_name"
    SET_RETENTION = "set_retention"
    SET_PROVIDER_LOG = "set_provider_log"
    SET_WEBHOOKS = "set_webhooks"
    SET_SECRETS_PLACE = "set_secrets_place"
    EXPORT_MENTORADO = "export_mentorado"
    EXPORT_CONTACT = "export_contact"
    EXPORT_AUDIT = "export_audit"
    ERASE_CONTACT = "erase_contact"
    REMOVE_COPIES = "remove_copies"  # older ones, of what was erased since
    FORGET_OLD = "forget_old"
    REMOVE_BACKUPS = "remove_backups"
    CONFIRM_DATE = "confirm_date"  # of this computer, after a doubt
    TAKE_OVER_SESSION = "take_over_session"  # from a program that died with it open
    BEGIN_DATABASE = "begin_database"  # anew, although there had been one
    USE_DATABASE_COPY = "use_database_copy"
    TAKE_OVER_WINDOW = "take_over_window"  # the data folder, from a window that ended without giving it back
    ADD_MENTORADO = "add_mentorado"
    EDIT_MENTORADO = "edit_mentorado"
    UNDO_IMPORT = "undo_import"  # of one mentorado
    IMPORT_MENTORADOS = "import_mentorados"
    CHOOSE_PROVIDER = "choose_provider"
    FORGET_CREDENTIALS = "forget_credentials"
