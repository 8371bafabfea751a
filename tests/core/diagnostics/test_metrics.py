"""What a monitoring system is told, and that the endpoint is open while an operator wants it to."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.background import BackgroundTasks
from app.core.diagnostics.figures import MemorySample
from app.core.diagnostics.metrics import TRY_AGAIN_SECONDS, MetricsReader, MetricsService
from app.domain.errors import Problem, ProblemCode
from app.domain.events import MetricsEndpointChanged
from app.domain.figures import LONGER, Figure
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.metrics import MetricFamily, MetricKind, MetricsSettings
from app.domain.settings import METRICS, OperatorSettings
from tests.clock import DAWN, settle
from tests.fake_figures import FakeMetricsServer
from tests.services import Core

WEB = "whatsapp_web"


def reader(core: Core) -> MetricsReader:
    services = core.services
    return MetricsReader(
        version="1.2.3",
        mentorados=core.mentorados.all,
        status=core.supervisor.status,
        alerts=lambda: services.alerts.alerts,
        figures=services.figures,
    )


def by_name(core: Core) -> dict[str, MetricFamily]:
    return {each.name: each for each in reader(core).read()}


async def put(core: Core, name: str, phone: str, state: LinkState, reason: Reason = Reason.NONE) -> None:
    who = await core.add(name, phone)
    link = await core.mentorados.save_link(replace(who.link, account=who.phone))
    core.supervisor._board.restore(link.link, LinkStatus(state=state, reason=reason, since=DAWN))


def test_links_and_alerts_are_counted_by_what_they_are_and_never_by_who(core: Core) -> None:
    async def main() -> None:
        await put(core, "Ana", "11 98765-4321", LinkState.CONNECTED)
        await put(core, "Bia", "11 98765-4322", LinkState.CONNECTED)
        await put(core, "Caio", "11 98765-4323", LinkState.BLOCKED, Reason.LOGGED_OUT)
        await put(core, "Davi", "11 98765-4324", LinkState.BLOCKED, Reason.LOGGED_OUT)
        (davi,) = [each for each in core.mentorados.all() if each.name == "Davi"]
        await core.mentorados.archive(davi.id)
        await core.services.alerts.look()
        found = by_name(core)
        assert found["conecta_links"].values == {(WEB, "connected"): 2, (WEB, "blocked"): 1}
        assert found["conecta_alerts"].values == {(WEB, "blocked"): 1}
        assert found["conecta_info"].values == {("1.2.3",): 1}
        assert "conecta_session_hosts" not in found, "nothing was measured yet"
        assert "conecta_counted_until_seconds" not in found

    asyncio.run(main())


def test_what_happened_since_the_start_is_counted_up(core: Core) -> None:
    figures = core.services.figures
    figures.counted.update(
        {
            (Figure.RECONNECT, WEB, ""): 3,
            (Figure.FAILURE, WEB, "network_down"): 4,
            (Figure.TIME, "zapi", "connected"): 90_500,
            (Figure.MESSAGE_IN, WEB, ""): 12,
            (Figure.MESSAGE_OUT, WEB, ""): 5,
            (Figure.CONNECT, WEB, "1"): 2,
            (Figure.CONNECT, WEB, "5"): 1,
            (Figure.CONNECT, WEB, LONGER): 1,
            (Figure.CONNECT_TIME, WEB, ""): 400_000,
        }
    )
    figures.memory, figures.until = MemorySample(2, 44_000_000), DAWN
    found = by_name(core)
    assert found["conecta_reconnects"].values == {(WEB,): 3}
    assert found["conecta_failures"].values == {(WEB, "network_down"): 4}
    assert found["conecta_link_seconds"].values == {("zapi", "connected"): 90.5}
    assert found["conecta_messages"].values == {(WEB, "in"): 12, (WEB, "out"): 5}
    histogram = found["conecta_connect_seconds"].histograms[(WEB,)]
    assert dict(histogram.buckets) | {"1": 2, "2": 2, "5": 3, "300": 3, "+Inf": 4} == dict(histogram.buckets)
    assert histogram.total == 400
    assert found["conecta_session_hosts"].values == {(): 2}
    assert found["conecta_session_hosts_memory_bytes"].values == {(): 44_000_000}
    assert found["conecta_counted_until_seconds"].values == {(): DAWN.timestamp()}
    kinds = {each.kind for each in found.values()}
    assert kinds == set(MetricKind)


def test_only_known_codes_become_labels(core: Core) -> None:
    """Whatever a row of the database holds, which somebody may have changed."""
    planted = "Ana Souza +55 11 98765-4321"
    core.services.figures.counted.update(
        {
            (Figure.FAILURE, WEB, planted): 1,
            (Figure.TIME, planted, "connected"): 1,
            (Figure.RECONNECT, planted, planted): 1,
            (Figure.CONNECT, WEB, planted): 1,
        }
    )
    assert planted not in repr(reader(core).read())
    labels = {label for family in reader(core).read() for values in family.values for label in values}
    assert all(re.fullmatch(r"[a-z_]+|1\.2\.3", label) for label in labels)


class Endpoint:
    """The service over the core, with a server that a test plays."""

    def __init__(self, core: Core) -> None:
        self.clock, self.settings_service = core.clock, core.services.settings_service
        self.server = FakeMetricsServer()
        self.service = MetricsService(
            bus=core.bus,
            settings_service=self.settings_service,
            server=self.server,
            read=reader(core).read,
            clock=core.clock,
        )
        self.changes = 0
        core.bus.subscribe(MetricsEndpointChanged, self._count)

    def _count(self, _event: MetricsEndpointChanged) -> None:
        self.changes += 1


def test_it_is_off_until_somebody_switches_it_on_and_after_it_was_switched_off(core: Core) -> None:
    async def main() -> None:
        endpoint = Endpoint(core)
        async with BackgroundTasks(core.write_queue.run, endpoint.service.run):
            await core.services.settings_service.load()
            await settle()
            assert endpoint.server.ports == []
            await endpoint.service.switch(on=True)
            await settle()
            assert (endpoint.service.port, endpoint.server.ports) == (9464, [9464])
            assert endpoint.server.read is not None
            assert endpoint.server.read()
            await endpoint.service.set_port(" 9500 ")
            await settle()
            assert (endpoint.service.port, endpoint.server.closed) == (9500, [9464])
            await endpoint.service.switch(on=False)
            await settle()
            assert (endpoint.service.port, endpoint.server.closed) == (None, [9464, 9500])
            assert endpoint.changes == 4
        await core.write_queue.flush()
        assert [each.record.action for each in await core.audit.entries()].count("set_metrics") >= 3

    asyncio.run(main())


def test_where_it_cannot_listen_it_says_so_and_tries_again_by_itself(core: Core) -> None:
    async def main() -> None:
        endpoint = Endpoint(core)
        endpoint.server.problem = Problem(ProblemCode.WEBHOOK_PORT_TAKEN, port="9464")
        async with BackgroundTasks(core.write_queue.run, endpoint.service.run):
            await core.services.settings_service.load()
            await endpoint.service.switch(on=True)
            await settle()
            assert endpoint.service.problem is endpoint.server.problem
            await core.clock.advance(TRY_AGAIN_SECONDS)
            assert endpoint.service.problem is not None
            endpoint.server.problem = None
            await core.clock.advance(TRY_AGAIN_SECONDS)
            assert endpoint.service.port == 9464

    asyncio.run(main())


@pytest.mark.parametrize("typed", ["", "0", "65536", "nine"])
def test_what_is_no_port_is_refused(core: Core, typed: str) -> None:
    async def main() -> None:
        with pytest.raises(Problem) as refused:
            await Endpoint(core).service.set_port(typed)
        assert refused.value.code is ProblemCode.WEBHOOK_PORT_INVALID

    asyncio.run(main())


def test_the_setting_is_off_by_default_and_read_as_it_was_written() -> None:
    chosen = MetricsSettings(on=True, port=9500)
    assert chosen.address == "http://127.0.0.1:9500/metrics"
    settings = METRICS.put(OperatorSettings(), chosen)
    assert METRICS.read(METRICS.rows(settings)) == chosen
    assert METRICS.read({"metrics_port": 0}) == OperatorSettings().metrics == MetricsSettings()
    assert METRICS.format_value(chosen, DAWN + timedelta()) == "on port 9500"
    assert METRICS.format_value(MetricsSettings(), DAWN) == "off port 9464"
