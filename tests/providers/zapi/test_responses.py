"""What Z-API's answers mean where they are not as plain as they look: denials, a yes beside an error, and what may have
gone out."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.link_status import Reason
from app.domain.sending import Accepted, NotSent, Uncertain
from app.providers.http_client import Response
from app.providers.zapi.responses import (
    AccessDenied,
    SessionConnected,
    UnexpectedResponse,
    parse_status,
)
from app.providers.zapi.sender import result_of

TOKENS = st.text(string.ascii_letters + string.digits + "-_.+/=", min_size=1, max_size=60)


def answer(status: int, value: object) -> Response:
    return Response(status, json.dumps(value).encode())


@given(TOKENS, st.sampled_from([400, 401, 403]), st.sampled_from(["error", "message"]))
def test_whatever_the_wrong_client_token_is_it_is_a_credential_fault_that_repeats_nothing(
    token: str, status: int, name: str
) -> None:
    found = parse_status(answer(status, {name: f"Client-Token {token} not allowed"}))
    assert isinstance(found, AccessDenied)
    missing = token.lower() in ("null", "undefined")
    assert found.reason is (Reason.CLIENT_TOKEN_MISSING if missing else Reason.CLIENT_TOKEN_INVALID)
    assert found.text == "Client-Token … not allowed"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Client-Token null not allowed", Reason.CLIENT_TOKEN_MISSING),
        ("Client-Token not allowed", Reason.CLIENT_TOKEN_MISSING),
        ("null not allowed", Reason.CLIENT_TOKEN_MISSING),
        ("Client-Token undefined not allowed.", Reason.CLIENT_TOKEN_MISSING),
        ('Client-Token "" not allowed', Reason.CLIENT_TOKEN_MISSING),
        ("client-token  F1S  NOT ALLOWED", Reason.CLIENT_TOKEN_INVALID),
        ("your client-token is not configured", Reason.CLIENT_TOKEN_MISSING),
        ("203.0.113.9 not allowed", Reason.ADDRESS_NOT_ALLOWED),
        ("B2E4C6 not allowed", Reason.TOKEN_INVALID),
        ("Client token F1S is not allowed", Reason.CLIENT_TOKEN_INVALID),
        ("client_token not configured", Reason.CLIENT_TOKEN_MISSING),
        ("Instance not found", Reason.TOKEN_INVALID),
    ],
)
def test_each_denial_has_its_reason_wherever_its_words_stand(text: str, reason: Reason) -> None:
    for fields in ({"error": text}, {"error": "FORBIDDEN", "message": text}, {"error": {"message": text}}):
        found = parse_status(answer(403, fields))
        assert isinstance(found, AccessDenied)
        assert found.reason is reason
        result, why = result_of(answer(403, fields))
        assert isinstance(result, NotSent)
        assert why is reason


@pytest.mark.parametrize("words", ["Timeout waiting for WhatsApp", "Request timed out", "time-out"])
@pytest.mark.parametrize("status", [200, 400, 404])
def test_an_error_that_says_that_nobody_waited_leaves_it_open(words: str, status: int) -> None:
    result, _ = result_of(answer(status, {"error": words}))
    assert isinstance(result, Uncertain)


@pytest.mark.parametrize("body", [b"Client-Token F1S not allowed", b'"Client-Token F1S not allowed"'])
def test_a_denial_may_come_without_the_object_around_it(body: bytes) -> None:
    found = parse_status(Response(403, body))
    assert isinstance(found, AccessDenied)
    assert found.reason is Reason.CLIENT_TOKEN_INVALID
    assert isinstance(parse_status(Response(200, body)), UnexpectedResponse)
    assert isinstance(parse_status(Response(403, b"Access not allowed")), UnexpectedResponse), (
        "anybody's words are no denial"
    )


@pytest.mark.parametrize(
    ("beside", "warning"),
    [
        ({"error": "You are already connected."}, ""),
        ({"error": None}, ""),
        ({"error": ""}, ""),
        ({}, ""),
        ({"error": "Your account was banned"}, "Your account was banned"),
        ({"error": None, "message": "Your account was banned"}, "Your account was banned"),
        ({"error": "You are already connected.", "message": "Trouble ahead"}, "Trouble ahead"),
        ({"error": "You are already connected, and will be disconnected tomorrow."}, None),
        ({"error": 7}, "an error without a text"),
        ({"error": {"code": 1}}, "an error without a text"),
        ({"error": "\x00\x01"}, "an error that cannot be repeated"),
        ({"error": "number 5511987654321 is blocked"}, "number … is blocked"),
    ],
)
def test_a_yes_beside_an_error_that_nobody_knows_carries_it(beside: dict[str, object], warning: str | None) -> None:
    found = parse_status(answer(200, {"connected": True, "smartphoneConnected": True, **beside}))
    assert isinstance(found, SessionConnected)
    assert found.warning == warning if warning is not None else found.warning


@given(
    st.sampled_from([200, 201, 301, 400, 401, 403, 404, 405, 408, 409, 415, 425, 429, 499, 500, 502, 504]),
    st.fixed_dictionaries(
        {},
        optional={
            "zaapId": st.just("Z"),
            "messageId": st.just("M"),
            "id": st.just("M"),
            "error": st.sampled_from(["late", "Invalid phone", "Client-Token x not allowed", "", None, True, 7]),
        },
    ),
)
def test_nothing_that_was_named_or_not_waited_for_is_ever_called_not_sent(
    status: int, fields: dict[str, object]
) -> None:
    result, _ = result_of(answer(status, fields))
    named = bool({"zaapId", "messageId", "id"} & fields.keys())
    fails = bool(fields.get("error")) or not 200 <= status < 300
    if named and fails:
        assert isinstance(result, Uncertain)
    if status in (408, 425, 499) and not fields.get("error"):
        assert isinstance(result, Uncertain)
    if isinstance(result, Accepted):
        assert not fails
    if isinstance(result, NotSent):
        assert not named
        assert status < 500
