"""What staff must be told of each fault. Written down here a second time, on purpose: this is the promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.domain.actions import ActionName, UnavailableReason
from app.domain.guidance import NEW_PAIRING, RECOMMENDED_ACTION, Recommendation, recommend
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import Mentorado
from app.text import status as status_text
from tests.acceptance.connect.harness import ProgramRun
from tests.acceptance.program import Person

_A, _F, _G, _R = ActionName, UnavailableReason, Recommendation, Reason


@dataclass(frozen=True, slots=True)
class Advice:
    """The one recommended action, the button that does it, and why a new pairing is locked where it would do harm."""

    recommended: Recommendation
    button: ActionName | None
    no_new_pairing: UnavailableReason | None = None


WHEN_BLOCKED: Final = {
    _R.LOGGED_OUT: Advice(_G.REAUTHENTICATE, _A.REAUTHENTICATE),
    _R.MAIN_DEVICE_GONE: Advice(_G.OPEN_PHONE, None),
    _R.BANNED: Advice(_G.CONTACT_HUMAN, None),
    _R.TEMPORARY_BAN: Advice(_G.WAIT, None, _F.SUSPENDED),
    _R.CLIENT_OUTDATED: Advice(_G.UPDATE_APP, None, _F.OUTDATED),
    _R.CLIENT_REFUSED: Advice(_G.UPDATE_APP, None, _F.OUTDATED),
    _R.STREAM_REPLACED: Advice(_G.CLOSE_OTHER_PROGRAM, _A.CONNECT, _F.IN_USE_ELSEWHERE),
    _R.SESSION_HELD_ELSEWHERE: Advice(_G.CLOSE_OTHER_PROGRAM, _A.CONNECT, _F.IN_USE_ELSEWHERE),
    _R.SESSION_IN_USE: Advice(_G.CLOSE_OTHER_PROGRAM, _A.CONNECT, _F.IN_USE_ELSEWHERE),
    _R.SERVER_UNAVAILABLE: Advice(_G.RECONNECT, _A.CONNECT),
    _R.QR_EXPIRED: Advice(_G.SHOW_NEW_CODE, _A.NEW_CODE),
    _R.PAIRING_FAILED: Advice(_G.SHOW_NEW_CODE, _A.NEW_CODE),
    _R.PASSKEY_REQUIRED: Advice(_G.ANSWER_PASSKEY, _A.TROUBLESHOOT),
    _R.PHONE_UPDATE_REQUIRED: Advice(_G.UPDATE_PHONE_APP, _A.NEW_CODE),
    _R.WRONG_ACCOUNT: Advice(_G.DECIDE_ACCOUNT, _A.REJECT_ACCOUNT, _F.DECIDE_ACCOUNT_FIRST),
    _R.SESSION_MISSING: Advice(_G.REAUTHENTICATE, _A.REAUTHENTICATE),
    _R.SESSION_CORRUPT: Advice(_G.REAUTHENTICATE, _A.REAUTHENTICATE),
    _R.SESSION_OF_ANOTHER_MENTORADO: Advice(_G.REAUTHENTICATE, _A.REAUTHENTICATE),
    _R.SESSION_DIR_MISSING: Advice(_G.FIX_FOLDER, _A.CONNECT),
    _R.SESSION_DIR_NOT_A_FOLDER: Advice(_G.FIX_FOLDER, _A.CONNECT),
    _R.SESSION_DIR_NOT_WRITABLE: Advice(_G.FIX_FOLDER, _A.CONNECT),
    _R.DISK_FULL: Advice(_G.FREE_DISK, _A.CONNECT),
    _R.HOST_FROZEN: Advice(_G.RECONNECT, _A.CONNECT),
    _R.TOO_MANY_OPEN_FILES: Advice(_G.RECONNECT, _A.CONNECT),
    _R.HOST_CRASHED: Advice(_G.RECONNECT, _A.CONNECT),
    _R.ENGINE_MISSING: Advice(_G.REINSTALL, None),
    _R.ENGINE_MISMATCH: Advice(_G.REINSTALL, None),
}
ON_ITS_WAY_BACK: Final = Advice(_G.TRY_NOW, _A.TRY_NOW, _F.ON_ITS_WAY)


def check_blocked(run: ProgramRun, person: Person, reason: Reason) -> None:
    """The person's link is blocked for *reason*, and staff are told so and shown the one right way out."""
    status, advice = run.status(person), WHEN_BLOCKED[reason]
    assert (status.state, status.reason, status.qr) == (LinkState.BLOCKED, reason, None)
    _check_advice(status, advice)
    if advice.button is not None:
        assert run.refusal(advice.button, person) is None, "the recommended button must work"
    if advice.no_new_pairing is not None:
        assert advice.recommended not in NEW_PAIRING
        assert run.refusal(_A.REAUTHENTICATE, person) is advice.no_new_pairing
        assert run.refusal(_A.NEW_CODE, person) is _F.NO_EXPIRED_CODE
    words = [sentence(status, run.core.mentorados.get(person.id)) for sentence in _WORDS]
    assert all(words)
    codes = [code for code in (status.detail, reason.value) if "_" in code or " " in code]
    assert not any(code in word for word in words for code in codes), "codes are for the log"


def check_on_its_way_back(status: LinkStatus, reason: Reason) -> None:
    """*status* says that the link comes back by itself, and why it fell."""
    assert (status.state, status.reason, status.qr) == (LinkState.RECONNECTING, reason, None)
    _check_advice(status, ON_ITS_WAY_BACK)


def _check_advice(status: LinkStatus, advice: Advice) -> None:
    recommended = recommend(status.state, status.reason)
    assert (recommended, RECOMMENDED_ACTION[recommended]) == (advice.recommended, advice.button)


def _sentence(status: LinkStatus, mentorado: Mentorado) -> str:
    return status_text.sentence(status, mentorado, status.since)


def _next_step(status: LinkStatus, _mentorado: Mentorado) -> str:
    return status_text.next_step(recommend(status.state, status.reason))


_WORDS = (_sentence, _next_step)
