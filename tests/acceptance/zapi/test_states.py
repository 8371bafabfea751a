""" "Every row of the state tables (§2A.2) maps to the right state, reason, capability and action, through real HTTP
against the emulator": written down here a second time, on purpose."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from app.domain.actions import ActionName
from app.domain.guidance import RECOMMENDED_ACTION, Recommendation, recommend
from app.domain.link_status import LinkState, Reason, SendCapability
from app.providers.http_client import Timeouts
from tests.acceptance.program import run
from tests.acceptance.zapi.harness import Client, Harness
from tests.emulators.zapi.emulator import ZapiEmulator
from tests.emulators.zapi.faults import Fault
from tests.emulators.zapi.instance import Instance, Pairing

_S, _R, _C, _G, _A = LinkState, Reason, SendCapability, Recommendation, ActionName

SOON = Timeouts(connect=0.5, read=0.4, whole=0.6)


@dataclass(frozen=True)
class Row:
    """What Z-API does, and what staff must be told."""

    does: Callable[[ZapiEmulator, Instance], None]
    state: LinkState
    reason: Reason
    capability: SendCapability
    recommended: Recommendation
    button: ActionName | None


def says(status: int, value: object) -> Callable[[ZapiEmulator, Instance], None]:
    """``/status`` answers exactly this."""

    def arrange(emulator: ZapiEmulator, _instance: Instance) -> None:
        emulator.fault("status", (status, json.dumps(value).encode()))

    return arrange


def fails(fault: Fault) -> Callable[[ZapiEmulator, Instance], None]:
    return lambda emulator, _instance: emulator.fault("status", fault)


def sets(**values: object) -> Callable[[ZapiEmulator, Instance], None]:
    def arrange(_emulator: ZapiEmulator, instance: Instance) -> None:
        for name, value in values.items():
            setattr(instance, name, value)

    return arrange


def denies(**values: object) -> Callable[[ZapiEmulator, Instance], None]:
    def arrange(emulator: ZapiEmulator, _instance: Instance) -> None:
        for name, value in values.items():
            setattr(emulator, name, value)

    return arrange


def blocked(
    does: Callable[[ZapiEmulator, Instance], None], reason: Reason, advice: Recommendation, button: ActionName | None
) -> Row:
    return Row(does, _S.BLOCKED, reason, _C.BLOCKED, advice, button)


def unknown(does: Callable[[ZapiEmulator, Instance], None]) -> Row:
    return Row(does, _S.UNKNOWN, _R.UNREACHABLE, _C.UNKNOWN, _G.CHECK_NOW, _A.TRY_NOW)


WELL = Row(lambda _emulator, _instance: None, _S.CONNECTED, _R.NONE, _C.OK, _G.NOTHING, None)

ROWS = {
    "connected, with an error that is none": WELL,
    "connected, and the phone is offline": Row(
        sets(smartphone_online=False), _S.CONNECTED, _R.PHONE_OFFLINE, _C.OK, _G.OPEN_PHONE, None
    ),
    "connected, and nothing said of the phone": Row(
        says(200, {"connected": True, "error": None}), _S.CONNECTED, _R.NONE, _C.UNKNOWN, _G.NOTHING, None
    ),
    "connected as a text": unknown(says(200, {"connected": "true", "smartphoneConnected": "true"})),
    "connected as a number": unknown(says(200, {"connected": 1, "smartphoneConnected": True})),
    "connected, and the phone as a text": unknown(says(200, {"connected": True, "smartphoneConnected": "true"})),
    "connected, and not": unknown(says(200, {"connected": True, "error": "You are not connected."})),
    "connected, with a status that is an error": unknown(says(500, {"connected": True, "smartphoneConnected": True})),
    "not connected, and no word why": unknown(says(200, {"connected": False, "error": None})),
    "the key is missing": unknown(says(200, {"smartphoneConnected": True, "error": "You are already connected."})),
    "an error nobody knows": unknown(says(400, {"error": "Something else."})),
    "its message is under another name": blocked(
        says(400, {"message": "To continue sending a message, you must subscribe to this instance again"}),
        *(_R.BILLING, _G.SETTLE_BILL, None),
    ),
    "no phone is linked": blocked(
        sets(pairing=Pairing.DISCONNECTED), _R.LOGGED_OUT, _G.REAUTHENTICATE, _A.REAUTHENTICATE
    ),
    "dropped, and restoring it helps": Row(
        sets(pairing=Pairing.NEEDS_RESTORE), _S.CONNECTED, _R.NONE, _C.OK, _G.NOTHING, None
    ),
    "dropped, and nothing helps": blocked(
        sets(pairing=Pairing.NEEDS_RESTORE, restore_works=False, restart_works=False),
        *(_R.LOGGED_OUT, _G.REAUTHENTICATE, _A.REAUTHENTICATE),
    ),
    "the subscription lapsed": blocked(sets(paid=False), _R.BILLING, _G.SETTLE_BILL, None),
    "the Client-Token is wanted": blocked(
        denies(client_token="F00S"), _R.CLIENT_TOKEN_MISSING, _G.FIX_CREDENTIAL, _A.ENTER_CREDENTIALS
    ),
    "the Client-Token is wanted, in the shortest words": blocked(
        denies(client_token="F00S", missing_token_says="null not allowed"),
        *(_R.CLIENT_TOKEN_MISSING, _G.FIX_CREDENTIAL, _A.ENTER_CREDENTIALS),
    ),
    "the Client-Token is another": blocked(
        says(403, {"error": "Client-Token F0a1b2c3d4e5f60718293a4b5c6d7e8f9S not allowed"}),
        *(_R.CLIENT_TOKEN_INVALID, _G.FIX_CREDENTIAL, _A.ENTER_CREDENTIALS),
    ),
    "connected, beside an error nobody knows": Row(
        says(200, {"connected": True, "smartphoneConnected": True, "error": "Your account was banned"}),
        *(_S.CONNECTED, _R.PROVIDER_WARNING, _C.UNKNOWN, _G.LOOK_AT_PROVIDER, None),
    ),
    "connected, beside an error that is no text": Row(
        says(200, {"connected": True, "smartphoneConnected": True, "error": 7}),
        *(_S.CONNECTED, _R.PROVIDER_WARNING, _C.UNKNOWN, _G.LOOK_AT_PROVIDER, None),
    ),
    "the Client-Token is wanted, in other words": blocked(
        denies(client_token="F00S", missing_token_says="your client-token is not configured"),
        *(_R.CLIENT_TOKEN_MISSING, _G.FIX_CREDENTIAL, _A.ENTER_CREDENTIALS),
    ),
    "this address is not on the list": blocked(
        denies(blocked_address="203.0.113.9"), _R.ADDRESS_NOT_ALLOWED, _G.FIX_AT_PROVIDER, _A.CONNECT
    ),
    "this address is not on the list, word for word as documented": blocked(
        denies(blocked_address="[IP request]"), _R.ADDRESS_NOT_ALLOWED, _G.FIX_AT_PROVIDER, _A.CONNECT
    ),
    "the token is another": blocked(sets(token="ANOTHER"), _R.TOKEN_INVALID, _G.FIX_CREDENTIAL, _A.ENTER_CREDENTIALS),
    "a token that is not allowed": blocked(
        says(403, {"error": "B2E4C6 not allowed"}), _R.TOKEN_INVALID, _G.FIX_CREDENTIAL, _A.ENTER_CREDENTIALS
    ),
    "a verb that is not allowed": unknown(says(405, {"error": "Method not allowed"})),
    **{f"fault {fault}": unknown(fails(fault)) for fault in Fault},
}


async def check(harness: Harness, row: Row, *, while_connected: bool) -> None:
    async with harness.running(timeouts=SOON) as run:
        ana = await run.connected()
        if not while_connected:
            await run.do(ActionName.DISCONNECT, ana.person)
        before = run.core.clock.now()
        row.does(harness.emulator, ana.instance)
        if while_connected:
            run._read[ana.person.link] = len(run._seen[ana.person.link])
        else:
            await run.do(ActionName.CONNECT, ana.person)
        status = await run.until_status(
            ana.person,
            lambda new_status: (
                (new_status.state, new_status.reason, new_status.capability) == (row.state, row.reason, row.capability)
                and run.core.clock.now() > before
            ),
        )
        recommended = recommend(status.state, status.reason)
        assert recommended is row.recommended
        assert RECOMMENDED_ACTION[recommended] is row.button
        if row.button is not None:
            assert run.refusal(row.button, ana.person) is None, "the recommended button must work"
        check_words(harness, ana, run.sentence(ana.person), status.detail)
        age = status.evidence.last_observation
        assert age is not None
        if row.state is LinkState.UNKNOWN:
            assert status.detail
            if while_connected:
                assert age <= before, "what could not be asked was not observed"


def check_words(harness: Harness, ana: Client, *words: str) -> None:
    for secret in (ana.instance.token, ana.instance.id, harness.emulator.client_token or "\0"):
        assert not any(secret in word for word in words)


@pytest.mark.parametrize("name", ROWS)
def test_when_a_line_is_opened(harness: Harness, name: str) -> None:
    run(check(harness, ROWS[name], while_connected=False))


@pytest.mark.parametrize("name", ROWS)
def test_while_it_is_connected(harness: Harness, name: str) -> None:
    run(check(harness, ROWS[name], while_connected=True))


@pytest.mark.parametrize("name", ["connected as a text", "an error nobody knows", "fault html_502", "fault reset"])
async def test_what_was_unknown_is_known_again_as_soon_as_it_answers(harness: Harness, name: str) -> None:
    """The same line goes on asking, and a person can have it asked at once."""
    async with harness.running(timeouts=SOON) as run:
        ana = await run.connected()
        line = run.line(ana)
        ROWS[name].does(harness.emulator, ana.instance)
        await run.until(ana.person, LinkState.UNKNOWN)
        harness.emulator.clear_faults()
        await run.do(ActionName.TRY_NOW, ana.person)
        await run.until(ana.person, LinkState.CONNECTED)
        assert run.line(ana) is line


async def test_one_odd_answer_is_not_yet_news(harness: Harness) -> None:
    """ "Alert after 2 consecutive downs": a single failed question is asked again before anybody hears of it."""
    async with harness.running(timeouts=SOON) as run:
        ana = await run.connected()
        for fault in (Fault.HTML_502, Fault.RESET, Fault.EMPTY):
            harness.emulator.fault("status", fault, times=1)
            asked = ana.instance.asked.count("GET status")
            run.line(ana).check_now()
            while ana.instance.asked.count("GET status") <= asked:
                await run.core.clock.sleep(1)
        assert {state for state, _ in run.steps(ana.person)} == {"connecting", "connected"}
