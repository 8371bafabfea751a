"""Tokens, PINs and numbers: where they are, and where they never are."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from app.domain.actions import ActionName
from app.domain.errors import Problem
from app.domain.link_status import LinkState
from app.domain.provider_descriptor import CredentialField
from tests.acceptance.meta_cloud.harness import BIA, QUICK, Harness
from tests.acceptance.program import run
from tests.emulators.meta_cloud.faults import Fault
from tests.emulators.meta_cloud.state import APP_SECRET, TOKEN

PIN = "918273"


def test_no_token_pin_or_number_reaches_a_log_a_file_or_a_word(
    harness: Harness, log_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """ "Credentials only in the keyring; tokens redacted from URLs, logs, errors"."""
    caplog.set_level(logging.DEBUG)
    lines: list[str] = []

    async def main() -> None:
        async with harness.running(timeouts=QUICK) as run:
            ana = await run.add_mentorado(app_secret=APP_SECRET)
            await run.do(ActionName.CONNECT, ana)
            await run.until(ana, LinkState.CONNECTED)
            lines.append(repr(await run.send(ana)))
            lines.append(repr(await run.core.hosted.credentials.check(ana.id, {})))
            lines.append(repr(await run.provider.details(run.core.mentorados.get(ana.id).link)))
            for endpoint in ("debug_token", "number", "health"):
                for fault in Fault:
                    harness.cloud.fault(endpoint, fault)
                    await run.later(ana, 600)
                    lines.append(repr(run.status(ana)))
            for fault in (Fault.HANG, Fault.RESET, Fault.HTML_502):
                harness.cloud.fault("register", fault)
                with pytest.raises(Problem) as caught:
                    await run.core.hosted.registration.register(ana.id, PIN)
                lines.append(repr(caught.value))
            harness.cloud.world.tokens[TOKEN].valid = False  # Meta's own words repeat a token that it refuses
            lines.append(repr(await run.core.hosted.credentials.check(ana.id, {})))
            with pytest.raises(Problem) as caught:
                await run.core.hosted.registration.register(ana.id, PIN)
            lines.append(repr(caught.value))
            await run.rested(ana)
            await harness.clock.advance(600)
            status = await run.until(ana, LinkState.BLOCKED)
            lines.append(repr(status))
            assert "[token]" in status.detail or "not valid" in status.detail
            lines.extend(repr(entry) for entry in await run.core.audit.entries())

    run(main(), within=120)
    assert PIN in str([request.body for request in harness.cloud.asked("register")])
    files = [path.read_bytes() for path in harness.settings.data_dir.rglob("*") if path.is_file()]
    assert files
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn")]  # Meta's side
    everything = [line.encode() for line in (*ours, log_file.read_text(), *lines)] + files
    for secret in (TOKEN, PIN, APP_SECRET, BIA):
        assert [each for each in everything if secret.encode() in each] == []
    assert "debug_token" not in str(ours)


async def test_what_cannot_be_a_token_or_an_id_never_becomes_a_header_or_an_address(harness: Harness) -> None:
    async with harness.running() as run:
        F = CredentialField  # noqa: N806 - as everywhere
        good = {F.ACCESS_TOKEN: TOKEN, F.PHONE_NUMBER_ID: "1", F.WABA_ID: "2"}
        bad = [
            (F.ACCESS_TOKEN, "EAA\r\nX-Evil: 1"),
            (F.ACCESS_TOKEN, "tokén"),
            (F.PHONE_NUMBER_ID, "../me"),
            (F.WABA_ID, "1?x=2"),
        ]
        for field, value in bad:
            report = await run.provider.check({**good, field: value})
            assert report.valid is False
        report = await run.provider.check({F.ACCESS_TOKEN: TOKEN})
        assert report.valid is False
        assert harness.cloud.requests == []
