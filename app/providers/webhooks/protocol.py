"""The messages between the app and the process that receives webhooks: one JSON object a line, over its pipes.

Both are of the same version always, so nothing is negotiated; but nothing is taken on trust either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from app.domain.mentorado import LinkId
from app.domain.webhooks import DeliveryBatch, EndpointList, WebhookStats
from app.providers.hosts.codec import Ping, Pong, line_decoder

LINE_LIMIT: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class StartServer:
    """The first message to the process: the folder of its spool, and where to listen (port -1: nowhere)."""

    folder: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class ConfirmBatch:
    """The app has stored what was sent with *mark*."""

    link_id: LinkId
    mark: int


@dataclass(frozen=True, slots=True)
class Pause:
    link_id: LinkId


@dataclass(frozen=True, slots=True)
class Resume:
    link_id: LinkId


@dataclass(frozen=True, slots=True)
class Listening:
    """The first message of the process: the port that was asked for, or the one it got for 0."""

    port: int


@dataclass(frozen=True, slots=True)
class StartFailed:
    """It could not start; *why* is one of ``taken``, ``forbidden``, ``address``, ``disk``."""

    why: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LogMessage:
    """For the log."""

    text: str = field(repr=False)


ToHost = StartServer | EndpointList | ConfirmBatch | Pause | Resume | Ping
FromHost = Listening | StartFailed | LogMessage | DeliveryBatch | WebhookStats | Pong

decode_to_host: Callable[[bytes], ToHost] = line_decoder(ToHost)
decode_from_host: Callable[[bytes], FromHost] = line_decoder(FromHost)
