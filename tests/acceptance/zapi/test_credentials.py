""" "Z-API: credentials page with a live check", and "Credentials only in the keyring; tokens redacted from URLs, logs,
errors and /me bodies"."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from app.domain.actions import ActionName
from app.domain.link_status import LinkState, Reason
from app.domain.provider_descriptor import CredentialField
from app.platform.logging import configure_logging
from app.providers.http_client import Timeouts
from tests.acceptance.program import run
from tests.acceptance.zapi.harness import Harness, ProgramRun
from tests.emulators.zapi.emulator import ZapiEmulator
from tests.emulators.zapi.faults import Fault
from tests.emulators.zapi.instance import Instance, Pairing

_F = CredentialField
CLIENT_TOKEN = "F1234567890abcdef1234567890abcdefS"


async def test_the_check_says_whose_number_and_what_account(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.client(linked=True, credentials=False)
        report = await run.core.hosted.credentials.check(ana.person.id, run.credentials(ana))
        assert (report.valid, report.reason, report.account) == (True, Reason.NONE, ana.person.phone)
        assert report.facts == {"name": "Mentoria", "payment": "PAID", "due": "2026-12-31"}
        assert ana.instance.token not in repr(report)


@pytest.mark.parametrize("pairing", [Pairing.DISCONNECTED, Pairing.NEEDS_RESTORE, Pairing.PASSKEY])
async def test_credentials_are_right_whether_or_not_a_phone_is_linked(harness: Harness, pairing: Pairing) -> None:
    async with harness.running() as run:
        ana = await run.client(credentials=False)
        ana.instance.pairing = pairing
        report = await run.core.hosted.credentials.check(ana.person.id, run.credentials(ana))
        assert (report.valid, report.account) == (True, None)


def lapse(_emulator: ZapiEmulator, instance: Instance) -> None:
    instance.paid = False


def want_token(emulator: ZapiEmulator, _instance: Instance) -> None:
    emulator.client_token = CLIENT_TOKEN


def block(emulator: ZapiEmulator, _instance: Instance) -> None:
    emulator.blocked_address = "2001:db8::7"


def change(_emulator: ZapiEmulator, instance: Instance) -> None:
    instance.token = "ANOTHER"


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        (lapse, Reason.BILLING),
        (want_token, Reason.CLIENT_TOKEN_MISSING),
        (block, Reason.ADDRESS_NOT_ALLOWED),
        (change, Reason.TOKEN_INVALID),
    ],
    ids=["billing", "client-token", "address", "token"],
)
async def test_each_refusal_has_its_own_reason(harness: Harness, does: object, reason: Reason) -> None:
    async with harness.running() as run:
        ana = await run.client(credentials=False)
        typed = run.credentials(ana)
        does(harness.emulator, ana.instance)  # type: ignore[operator]
        report = await run.core.hosted.credentials.check(ana.person.id, typed)
        assert (report.valid, report.reason) == (False, reason)


@pytest.mark.parametrize("token", [CLIENT_TOKEN, "short", "with-dashes-and.dots"])
async def test_a_wrong_client_token_is_wrong_credentials_and_is_repeated_nowhere(harness: Harness, token: str) -> None:
    """A wrong Client-Token is a credential fault with its reason and next step, not an outage."""
    async with harness.running() as run:
        ana = await run.client(credentials=False)
        typed = {**run.credentials(ana), _F.CLIENT_TOKEN: token}
        harness.emulator.client_token = "another"
        report = await run.core.hosted.credentials.check(ana.person.id, typed)
        assert (report.valid, report.reason) == (False, Reason.CLIENT_TOKEN_INVALID)
        assert token not in repr(report)
        await run.enter(ana, typed)
        await run.do(ActionName.CONNECT, ana.person)
        await run.until(ana.person, LinkState.BLOCKED, Reason.CLIENT_TOKEN_INVALID)
        assert token not in run.status(ana.person).detail


async def test_a_check_that_goes_well_beside_an_error_says_the_error(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.client(linked=True, credentials=False)
        harness.emulator.status_warns = "Your account was banned"
        report = await run.core.hosted.credentials.check(ana.person.id, run.credentials(ana))
        found = (report.valid, report.reason, report.detail)
        assert found == (True, Reason.PROVIDER_WARNING, "Your account was banned")


@pytest.mark.parametrize("fault", [Fault.HTML_502, Fault.EMPTY, Fault.WRONG_TYPES, Fault.RESET, Fault.HANG])
async def test_what_could_not_be_asked_is_neither_right_nor_wrong(harness: Harness, fault: Fault) -> None:
    async with harness.running(timeouts=Timeouts(connect=0.5, read=0.3, whole=0.5)) as run:
        ana = await run.client(credentials=False)
        harness.emulator.fault("status", fault)
        report = await run.core.hosted.credentials.check(ana.person.id, run.credentials(ana))
        assert (report.valid, report.reason) == (None, Reason.UNREACHABLE)


async def test_the_client_token_goes_with_every_request_once_it_is_entered(harness: Harness) -> None:
    """Off until somebody switches it on in the panel, and mandatory from then on."""
    async with harness.running() as run:
        ana = await run.connected()
        assert all("client-token" not in headers for headers in harness.emulator.headers[-3:])
        harness.emulator.client_token = CLIENT_TOKEN
        await run.until(ana.person, LinkState.BLOCKED, Reason.CLIENT_TOKEN_MISSING)
        await run.enter(ana, run.credentials(ana))
        await run.do(ActionName.CONNECT, ana.person)
        await run.until(ana.person, LinkState.CONNECTED)
        assert harness.emulator.headers[-1]["client-token"] == CLIENT_TOKEN
        assert all(headers["content-type"] == "application/json" for headers in harness.emulator.headers)


@pytest.mark.parametrize("typed", [{_F.INSTANCE_ID: "a/../b"}, {_F.CLIENT_TOKEN: "a\r\nX: y"}, {_F.INSTANCE_TOKEN: ""}])
async def test_what_cannot_stand_in_an_address_or_a_header_is_never_sent(
    harness: Harness, typed: dict[CredentialField, str]
) -> None:
    """Also when it is kept already, by a hand or a program that is not ours."""
    async with harness.running() as run:
        ana = await run.client()
        report = await run.provider.check({**run.credentials(ana), **typed})
        assert report.valid is False
        assert ana.instance.asked == []


async def adventure(run: ProgramRun) -> tuple[str, ...]:
    """Everything that can go wrong, one after the other; returns what must stay secret."""
    emulator = run.zapi.emulator
    emulator.client_token = CLIENT_TOKEN
    ana = await run.client(credentials=False)
    await run.core.hosted.credentials.check(ana.person.id, run.credentials(ana))
    await run.enter(ana, run.credentials(ana))
    await run.do(ActionName.CONNECT, ana.person)
    await run.scan_shown(ana)
    code = ana.instance.qr()
    await run.until(ana.person, LinkState.CONNECTED)
    token = ana.instance.token
    echo = f'{{"error":"{token} and {CLIENT_TOKEN} are odd"}}'.encode()
    for fault in (Fault.RESET, Fault.HANG, Fault.REDIRECT, (400, echo), (200, echo)):
        emulator.fault("*", fault)
        await run.until(ana.person, LinkState.UNKNOWN)
        await run.send(ana, "segredo")
        await run.core.hosted.credentials.check(ana.person.id, run.credentials(ana))
        emulator.clear_faults()
        await run.until(ana.person, LinkState.CONNECTED)
        emulator.fault("send-text", fault)
        await run.send(ana, "segredo")
        emulator.clear_faults()
    emulator.client_token = "F00000000000000000000000000000000S"
    await run.until(ana.person, LinkState.BLOCKED, Reason.CLIENT_TOKEN_INVALID)  # its refusal repeats the token
    assert run.status(ana.person).detail
    details = " ".join(status.detail for status in run._seen[ana.person.link])
    for secret in (token, CLIENT_TOKEN):
        assert secret not in details
        assert secret[:16] not in details
    return token, CLIENT_TOKEN, code, "segredo"


def test_no_secret_is_in_a_log_or_on_the_disk(
    harness: Harness, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Everything is logged that any library would, at its most talkative, while everything goes wrong."""
    configure_logging(harness.settings.log_file)
    try:

        async def main() -> tuple[str, ...]:
            async with harness.running(timeouts=Timeouts(connect=0.5, read=0.3, whole=0.5)) as run:
                with caplog.at_level(logging.DEBUG):
                    return await adventure(run)

        secrets = run(main(), within=60)
    finally:
        log = logging.getLogger("app")
        for handler in list(log.handlers):
            log.removeHandler(handler)
            handler.close()
    ours = [record for record in caplog.records if not record.name.startswith("uvicorn")]  # the other end's own
    shown = "\n".join(map(logging.Formatter().format, ours))
    assert "connected" in shown, "something was heard at all"
    files = [file for file in harness.settings.data_dir.rglob("*") if file.is_file()]
    assert any(file.suffix == ".log" for file in files)
    for secret in secrets:
        assert secret not in shown
        assert not any(secret.encode() in Path(file).read_bytes() for file in files)
    assert not any(secret in text for text in capfd.readouterr() for secret in secrets)
    assert [record.getMessage() for record in ours if record.levelno >= logging.WARNING] == []
