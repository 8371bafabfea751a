"""Why an action does not fit a link as it stands: rules that need nothing but the link."""

from __future__ import annotations

from app.domain.actions import UnavailableReason
from app.domain.guidance import REASONS
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.provider_descriptor import DESCRIPTORS

IN_PROGRESS = frozenset({LinkState.CONNECTING, LinkState.QR_READY})
IDLE = frozenset({LinkState.OFF, LinkState.BLOCKED})
LOST = frozenset({LinkState.RECONNECTING, LinkState.UNKNOWN})

NO_CONNECT = {
    LinkState.CONNECTED: UnavailableReason.ALREADY_CONNECTED,
    LinkState.CONNECTING: UnavailableReason.ON_ITS_WAY,
    LinkState.QR_READY: UnavailableReason.ON_ITS_WAY,
    LinkState.RECONNECTING: UnavailableReason.ON_ITS_WAY,
    LinkState.UNKNOWN: UnavailableReason.ON_ITS_WAY,  # its line is open and asks; "check now" hurries it
}

NO_NEW_PAIRING = {reason: spec.no_pairing for reason, spec in REASONS.items()}
NO_OLD_SESSION = {reason: spec.no_connect for reason, spec in REASONS.items()}
FORBIDDEN = {reason: spec.forbidden for reason, spec in REASONS.items() if spec.forbidden}
NEEDS_NEW_CODE = frozenset(reason for reason, spec in REASONS.items() if spec.keys_gone and not spec.no_connect)


def always_available(_mentorado: Mentorado, _status: LinkStatus) -> UnavailableReason | None:
    return None


def check_pairing(mentorado: Mentorado) -> UnavailableReason | None:
    """A number at Meta is registered, not paired: there is no session to recover by a code."""
    return UnavailableReason.NO_PAIRING if mentorado.link.provider is ProviderKind.META_CLOUD else None


def check_credentials(mentorado: Mentorado, _status: LinkStatus) -> UnavailableReason | None:
    return None if DESCRIPTORS[mentorado.link.provider].fields else UnavailableReason.NO_CREDENTIALS


def check_queue(mentorado: Mentorado, _status: LinkStatus) -> UnavailableReason | None:
    return None if mentorado.link.provider is ProviderKind.ZAPI else UnavailableReason.NO_QUEUE


def check_registration(mentorado: Mentorado, _status: LinkStatus) -> UnavailableReason | None:
    return None if mentorado.link.provider is ProviderKind.META_CLOUD else UnavailableReason.NO_REGISTRATION


def check_cancel(_mentorado: Mentorado, status: LinkStatus) -> UnavailableReason | None:
    return None if status.state in IN_PROGRESS else UnavailableReason.NOTHING_TO_CANCEL


def check_disconnect(_mentorado: Mentorado, status: LinkStatus) -> UnavailableReason | None:
    running = status.state in (LinkState.CONNECTED, LinkState.RECONNECTING, LinkState.UNKNOWN)
    return None if running else UnavailableReason.NOT_RUNNING


def check_other_account(_mentorado: Mentorado, status: LinkStatus) -> UnavailableReason | None:
    waits = status.state is LinkState.BLOCKED and status.reason is Reason.WRONG_ACCOUNT
    return None if waits else UnavailableReason.NO_OTHER_ACCOUNT


def refuse_override(_mentorado: Mentorado, status: LinkStatus) -> UnavailableReason | None:
    held = status.state is LinkState.BLOCKED and status.reason is Reason.SESSION_HELD_ELSEWHERE
    return None if held else UnavailableReason.NO_UNPROVEN_LOCK


def check_archive(_mentorado: Mentorado, status: LinkStatus) -> UnavailableReason | None:
    return None if status.state in IDLE else UnavailableReason.STILL_RUNNING


def check_unarchive(mentorado: Mentorado, _status: LinkStatus) -> UnavailableReason | None:
    return None if mentorado.archived else UnavailableReason.NOT_ARCHIVED
