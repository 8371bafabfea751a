from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from app.domain.actions import ActionName
from app.domain.mentorado import MentoradoId
from app.domain.provider import Connected, ConnectionEvent
from app.platform.logging import CURRENT_MENTORADO, log_context
from tests.clock import settle
from tests.core.conftest import Run
from tests.fake_providers import FakeConnection
from tests.services import Core


def test_it_lasts_as_long_as_what_is_done_inside() -> None:
    with log_context(MentoradoId("ana")):
        with log_context(MentoradoId("bia")):
            assert CURRENT_MENTORADO.get() == "bia"
        assert CURRENT_MENTORADO.get() == "ana"
    assert CURRENT_MENTORADO.get() is None


def test_what_a_line_says_is_about_its_mentorado(core: Core, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asked for the line, and however long ago."""
    seen: list[MentoradoId | None] = []
    signals = FakeConnection.events

    async def overheard(self: FakeConnection) -> AsyncIterator[ConnectionEvent]:
        async for signal in signals(self):
            seen.append(CURRENT_MENTORADO.get())
            yield signal

    async def main() -> None:
        ana, bia = await core.add("Ana"), await core.add("Bia", "11 98765-4300")
        for person in (ana, bia):
            core.provider.paired.add(person.link.id)
            await core.mentorados.save_link(replace(person.link, enabled=person is ana))
        async with core.running():
            await core.supervisor.start_enabled()
            await settle()
            await core.do(ActionName.CONNECT, bia)
            for line in core.provider.lines:
                line.say(Connected(None))
                await settle()
        assert seen == [ana.id, bia.id]
        assert CURRENT_MENTORADO.get() is None

    monkeypatch.setattr(FakeConnection, "events", overheard)
    run(main())
