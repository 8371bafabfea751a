"""The parts of the fault table that the emulator cannot bring about."""

from __future__ import annotations

import errno

import pytest

from app.domain.link_status import Reason
from app.providers.whatsapp_web.host.engine import messages
from app.providers.whatsapp_web.host.event_mapping import (
    LOGIN_STATUS,
    Event,
    hint_from_log,
    state_from_disk,
    state_from_error,
    state_from_event,
)
from app.providers.whatsapp_web.protocol import SessionState

_R, _S = Reason, SessionState


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("dial tcp: lookup web.whatsapp.com: no such host", _R.NETWORK_DOWN),
        ("dial tcp 1.2.3.4:443: connect: connection refused", _R.NETWORK_DOWN),
        ("dial tcp 1.2.3.4:443: i/o timeout", _R.NETWORK_DOWN),
        ("dial tcp 1.2.3.4:443: connect: network is unreachable", _R.NETWORK_DOWN),
        ("proxyconnect tcp: dial tcp 127.0.0.1:9: connect: connection refused", _R.PROXY_REFUSED),
        ("socks connect tcp 127.0.0.1:9->web.whatsapp.com:443: unknown error", _R.PROXY_REFUSED),
        ('Get "https://web.whatsapp.com/ws/chat": Proxy Authentication Required', _R.PROXY_REFUSED),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority", _R.CERTIFICATE_REFUSED),
        ("x509: certificate has expired or is not yet valid: current time 2019-…", _R.CLOCK_SKEW),
        ("noise handshake failed: failed to verify server cert: …", _R.CERTIFICATE_REFUSED),
        ("noise handshake failed: timed out waiting for handshake response", _R.SERVER_UNAVAILABLE),
        ("expected handshake response status code 101 but got 503", _R.SERVER_UNAVAILABLE),
        ("a sentence nobody has seen", _R.UNEXPECTED),
    ],
)
def test_a_dial_that_did_not_get_through_may_be_tried_again(error: str, reason: Reason) -> None:
    news = state_from_error(f"failed to open: {error}")
    assert (news.state, news.reason) == (_S.FAILED, reason)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("database is locked", _R.SESSION_IN_USE),
        ("database disk image is malformed", _R.SESSION_CORRUPT),
        ("file is not a database", _R.SESSION_CORRUPT),
        ("database or disk is full", _R.DISK_FULL),
        ("unable to open database file: no such file or directory", _R.SESSION_DIR_NOT_WRITABLE),
        ("attempt to write a readonly database", _R.SESSION_DIR_NOT_WRITABLE),
        ("proto: required field neonize.ConnectFailure.Reason not set", _R.CLIENT_REFUSED),
        ("proto: required field neonize.TemporaryBan.Code not set", _R.TEMPORARY_BAN),
    ],
)
def test_an_error_that_waiting_does_not_mend_needs_a_person(error: str, reason: Reason) -> None:
    news = state_from_error(error)
    assert (news.state, news.reason) == (_S.REFUSED, reason)


def test_every_login_status_but_success_ends_the_pairing() -> None:
    assert set(LOGIN_STATUS) == {
        "timeout",
        "error",
        "err-client-outdated",
        "err-unexpected-state",
        "err-scanned-without-multidevice",
        "passkey-request",
        "passkey-confirmation",
    }
    assert all(news.state is _S.REFUSED for news in LOGIN_STATUS.values())


def test_every_failure_the_library_can_name_has_a_verdict() -> None:
    pb = messages()
    for name, number in pb.ConnectFailureReason.items():
        payload = pb.ConnectFailure(Reason=number, Message="", Raw=pb.Node(Tag="failure")).SerializeToString()
        news = state_from_event(Event.CONNECT_FAILURE, payload, messages)
        assert news is not None, name
        assert news.state is _S.REFUSED


def test_a_ban_carries_how_long_it_lasts() -> None:
    pb = messages()
    news = state_from_event(Event.TEMPORARY_BAN, pb.TemporaryBan(Code=4, Expire=60).SerializeToString(), messages)
    assert news is not None
    assert (news.reason, news.lasts) == (_R.TEMPORARY_BAN, 60)


def test_an_unknown_ban_gets_its_end_from_the_log() -> None:
    """The library has no number for it, and fails over that before it can tell."""
    hint = hint_from_log("WARN", 'Temporary ban connect failure: <failure code="199" expire="7200" reason="402"/>')
    assert hint is not None
    assert (hint.news.reason, hint.news.lasts) == (_R.TEMPORARY_BAN, 7200)


def test_a_sign_in_that_fails_after_the_scan_ends_the_line() -> None:
    """No event follows this line of the log: without it the pairing would stand still for ever."""
    hint = hint_from_log("ERROR", "Failed to reconnect after 515 code: dial tcp: i/o timeout")
    assert hint is not None
    assert hint.at_once
    assert (hint.news.state, hint.news.reason) == (_S.FAILED, _R.NETWORK_DOWN)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("failed to store session with +17…53_1:0: attempt to write a readonly database", _R.SESSION_DIR_NOT_WRITABLE),
        ("Failed to get prekey for retry receipt: unable to open database file (14)", _R.SESSION_DIR_NOT_WRITABLE),
        ("Failed to store app state: disk I/O error: input/output error", _R.SESSION_DIR_NOT_WRITABLE),
        ("Failed to save push name: database or disk is full", _R.DISK_FULL),
        ("Failed to read session: database disk image is malformed", _R.SESSION_CORRUPT),
        ("Failed to get prekey: no such table: whatsmeow_pre_keys", _R.SESSION_CORRUPT),
    ],
)
def test_keys_that_cannot_be_written_end_a_line_that_looks_well(text: str, reason: Reason) -> None:
    """The library only logs it, and can read nothing that arrives from then on."""
    for level in ("WARN", "ERROR"):
        hint = hint_from_log(level, text)
        assert hint is not None
        assert hint.at_once
        assert (hint.news.state, hint.news.reason) == (_S.REFUSED, reason)
    assert hint_from_log("INFO", text) is None
    assert hint_from_log("WARN", "database or disk is full, somebody wrote in a message") is None


def test_a_disk_that_turned_read_only_is_told_from_a_full_one() -> None:
    for number, reason in (
        (errno.EROFS, _R.SESSION_DIR_NOT_WRITABLE),
        (errno.EIO, _R.SESSION_DIR_NOT_WRITABLE),
        (errno.ENOSPC, _R.DISK_FULL),
    ):
        news = state_from_disk(OSError(number, "said the disk"))
        assert (news.state, news.reason) == (_S.REFUSED, reason)


def test_other_lines_of_the_log_mean_nothing() -> None:
    assert hint_from_log("INFO", "Successfully authenticated") is None
    assert hint_from_log("DEBUG", "Got 503 stream error") is None
