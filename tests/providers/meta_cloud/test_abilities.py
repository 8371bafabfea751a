from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from app.domain.mentorado import Link, LinkId
from app.domain.messages import DeliveryStatus
from app.domain.phone import PhoneNumber
from app.domain.provider import (
    CanCheckNow,
    CanPair,
    CanRegister,
    CanSend,
    HandlesWebhooks,
    HasNumberDetails,
    HasQueue,
    HasSessionBackup,
    UsesCredentials,
)
from app.domain.provider_descriptor import Credentials
from app.providers.meta_cloud.connection import MetaConnection, PollIntervals
from app.providers.meta_cloud.health import HealthProbe
from app.providers.meta_cloud.provider import MetaCloudProvider
from app.providers.meta_cloud.sender import DeliveryPoller, TrackedMessage, latest
from app.storage.secrets.store import SelectableSecretStore
from tests.clock import DAWN, StillClock
from tests.emulators.meta_cloud.state import NUMBER_ID
from tests.providers.meta_cloud.replies import FakeReplies, graph_of


class NoOwners:
    """Nobody else has any account."""

    async def require_alone(self, link: Link, credentials: Credentials, *, fresh: bool = True) -> None: ...

    async def require_first(self, link: Link, credentials: Credentials) -> None: ...

    def require_nobodys(self, number: PhoneNumber, besides: LinkId) -> None: ...


def test_a_number_of_the_cloud_api_can_do_what_it_says_and_nothing_else(tmp_path: Path) -> None:
    provider: object = MetaCloudProvider(
        secrets=SelectableSecretStore(tmp_path / "secrets.enc"),
        clock=StillClock(),
        owners=NoOwners(),
        base_url="",
        version="",
    )
    for ability in (UsesCredentials, CanRegister, HasNumberDetails, CanSend, HandlesWebhooks):
        assert isinstance(provider, ability)
    for other in (CanPair, HasQueue, HasSessionBackup):
        assert not isinstance(provider, other)


def test_its_line_can_be_told_to_ask_now() -> None:
    graph, clock = graph_of(FakeReplies([])), StillClock()
    line: object = MetaConnection(
        HealthProbe(graph, NUMBER_ID, clock), DeliveryPoller(graph, NUMBER_ID, clock), clock, PollIntervals()
    )
    assert isinstance(line, CanCheckNow)


def test_the_program_starts_without_an_http_client() -> None:
    script = "import sys, app.bootstrap; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_failure_that_is_asked_for_says_why() -> None:
    sent = TrackedMessage(provider_id="wamid.1", chat=(), since=DAWN)
    failed = {"delivery_status": "FAILED", "timestamp": 1_760_000_000, "error_description": "Message undeliverable"}
    body = {"data": [{"message_id": "wamid.1", "events": [{**failed, "delivery_status": "SENT"}, failed]}]}
    receipt = latest(body, sent)
    assert receipt is not None
    assert (receipt.delivery, receipt.detail) == (DeliveryStatus.FAILED, "Message undeliverable")
