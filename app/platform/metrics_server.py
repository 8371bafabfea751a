"""Answers requests for the metrics over HTTP, on the loopback address only.

What only these need is imported with the first of them: most programs never offer metrics.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from app.domain.errors import Problem, ProblemCode
from app.domain.metrics import MetricFamily, MetricKind, ReadMetrics

if TYPE_CHECKING:
    import h11
    from prometheus_client.metrics_core import Metric

log = logging.getLogger(__name__)

LOOPBACK: Final = "127.0.0.1"
PATH: Final = b"/metrics"
REQUEST_SECONDS: Final = 5.0
MOST_CONNECTIONS: Final = 16
_MOST_BYTES: Final = 16_384
_LOCAL: Final = frozenset({b"127.0.0.1", b"localhost"})
_TEXT: Final = "text/plain; charset=utf-8"
_FORBIDDEN: Final = frozenset({errno.EACCES, errno.EPERM})


class LoopbackMetricsServer:
    """Implements `app.domain.metrics.MetricsServer`. A web page in a browser of this computer cannot read from it."""

    @asynccontextmanager
    async def open(self, port: int, read: ReadMetrics) -> AsyncIterator[None]:
        answering: dict[asyncio.StreamWriter, asyncio.Task[object] | None] = {}
        try:
            server = await asyncio.start_server(partial(_serve, read, answering), LOOPBACK, port, limit=_MOST_BYTES)
        except OSError as error:
            code = ProblemCode.WEBHOOK_PORT_TAKEN
            if error.errno in _FORBIDDEN:
                code = ProblemCode.WEBHOOK_PORT_FORBIDDEN
            raise Problem(code, port=str(port)) from error
        try:
            yield
        finally:
            server.close()
            tasks = [task for task in answering.values() if task is not None]
            for writer in answering:
                writer.transport.abort()  # their tasks end by themselves; asyncio reports those that are cancelled
            if tasks:
                await asyncio.wait(tasks, timeout=REQUEST_SECONDS)


def exposition(families: Iterable[MetricFamily]) -> bytes:
    """Write *families* in the Prometheus text format."""
    from prometheus_client.exposition import generate_latest

    return generate_latest(_Collected([_to_metric(each) for each in families]))


class _Collected:
    """Stands in for a registry, of which only this is asked."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Sequence[Metric]:
        return self._metrics


def _to_metric(family: MetricFamily) -> Metric:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    if family.kind is MetricKind.HISTOGRAM:
        histogram = HistogramMetricFamily(family.name, family.about, labels=family.labels)
        for labels, each in family.histograms.items():
            histogram.add_metric(labels, buckets=list(each.buckets), sum_value=each.total)
        return histogram
    make: Callable[..., CounterMetricFamily | GaugeMetricFamily] = (
        CounterMetricFamily if family.kind is MetricKind.COUNTER else GaugeMetricFamily
    )
    metric = make(family.name, family.about, labels=family.labels)
    for labels, value in family.values.items():
        metric.add_metric(labels, value)
    return metric


async def _serve(
    read: ReadMetrics,
    answering: dict[asyncio.StreamWriter, asyncio.Task[object] | None],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    import h11

    answering[writer] = asyncio.current_task()
    try:
        if len(answering) > MOST_CONNECTIONS:
            return
        async with asyncio.timeout(REQUEST_SECONDS):
            await _answer(read, reader, writer)
    except (OSError, TimeoutError, h11.ProtocolError):
        log.debug("A request for the metrics was not understood, or not finished")
    finally:
        del answering[writer]
        writer.close()


async def _answer(read: ReadMetrics, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    import h11

    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_MOST_BYTES)
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(_MOST_BYTES))
    if not isinstance(event, h11.Request):
        return  # whoever asked has gone
    status, kind, body = _response(read, event)
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("Connection", "close")]
    headers.append(("Allow", "GET, HEAD")) if status == 405 else None
    writer.write(connection.send(h11.Response(status_code=status, headers=headers)) or b"")
    writer.write(connection.send(h11.Data(data=b"" if event.method == b"HEAD" else body)) or b"")
    await writer.drain()


def _response(read: ReadMetrics, request: h11.Request) -> tuple[int, str, bytes]:
    hosts = [value.rpartition(b":")[0] or value for name, value in request.headers if name == b"host"]
    if not hosts or not _LOCAL.issuperset(hosts):  # a page whose name was made to lead here
        return 403, _TEXT, b"Only this computer is answered.\n"
    if request.method not in (b"GET", b"HEAD"):
        return 405, _TEXT, b"Only GET is understood.\n"
    if request.target.partition(b"?")[0] != PATH:
        return 404, _TEXT, b"The metrics are under /metrics.\n"
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

    return 200, CONTENT_TYPE_PLAIN_0_0_4, exposition(read())
