from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from app.core.action import ActionName
from app.core.log_context import ABOUT, about
from app.domain.mentorado import MentoradoId
from app.domain.provider import Opened, Signal
from tests.clock import settle
from tests.core.conftest import Core, Run
from tests.played import PlayedLine


def test_it_lasts_as_long_as_what_is_done_inside() -> None:
    with about(MentoradoId("ana")):
        with about(MentoradoId("bia")):
            assert ABOUT.get() == "bia"
        assert ABOUT.get() == "ana"
    assert ABOUT.get() is None


def test_what_a_line_says_is_about_its_mentorado(core: Core, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asked for the line, and however long ago."""
    seen: list[MentoradoId | None] = []
    signals = PlayedLine.signals

    async def overheard(self: PlayedLine) -> AsyncIterator[Signal]:
        async for signal in signals(self):
            seen.append(ABOUT.get())
            yield signal

    async def main() -> None:
        ana, bia = await core.add("Ana"), await core.add("Bia", "11 98765-4300")
        for person in (ana, bia):
            core.provider.paired.add(person.link.id)
            await core.enrolments.save_link(replace(person.link, wanted=person is ana))
        async with core.running():
            await core.supervisor.start_wanted()
            await settle()
            await core.do(ActionName.CONNECT, bia)
            for line in core.provider.lines:
                line.say(Opened(None))
                await settle()
        assert seen == [ana.mentorado.id, bia.mentorado.id]
        assert ABOUT.get() is None

    monkeypatch.setattr(PlayedLine, "signals", overheard)
    run(main())
