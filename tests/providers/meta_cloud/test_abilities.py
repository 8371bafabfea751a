from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from app.domain.messages import Delivery
from app.domain.provider import (
    CanCheckNow,
    CanDescribe,
    CanPair,
    CanRegister,
    CanSend,
    HasQueue,
    KeepsSessions,
    NeedsCredentials,
    TakesDeliveries,
)
from app.providers.meta_cloud.history_poll import Followed, HistoryPoll, latest
from app.providers.meta_cloud.inquiry import Inquiry
from app.providers.meta_cloud.line import MetaLine, Rhythm
from app.providers.meta_cloud.provider import MetaCloudProvider
from app.storage.secrets.vault import Vault
from tests.clock import DAWN, StillClock
from tests.emulators.meta_cloud.world import NUMBER_ID
from tests.providers.meta_cloud.recital import Recital, graph_of


def test_a_number_of_the_cloud_api_can_do_what_it_says_and_nothing_else(tmp_path: Path) -> None:
    provider: object = MetaCloudProvider(secrets=Vault(tmp_path / "secrets.enc"), clock=StillClock())
    for ability in (NeedsCredentials, CanRegister, CanDescribe, CanSend, TakesDeliveries):
        assert isinstance(provider, ability)
    for other in (CanPair, HasQueue, KeepsSessions):
        assert not isinstance(provider, other)


def test_its_line_can_be_told_to_ask_now() -> None:
    graph, clock = graph_of(Recital([])), StillClock()
    line: object = MetaLine(Inquiry(graph, NUMBER_ID, clock), HistoryPoll(graph, NUMBER_ID, clock), clock, Rhythm())
    assert isinstance(line, CanCheckNow)


def test_the_program_starts_without_an_http_client() -> None:
    script = "import sys, app.bootstrap; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_failure_that_is_asked_for_says_why() -> None:
    sent = Followed(provider_id="wamid.1", chat=(), since=DAWN)
    failed = {"delivery_status": "FAILED", "timestamp": 1_760_000_000, "error_description": "Message undeliverable"}
    body = {"data": [{"message_id": "wamid.1", "events": [{**failed, "delivery_status": "SENT"}, failed]}]}
    receipt = latest(body, sent)
    assert receipt is not None
    assert (receipt.delivery, receipt.detail) == (Delivery.FAILED, "Message undeliverable")
