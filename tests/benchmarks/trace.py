"""How far a fact travels through the program: ``python -m tests.benchmarks.trace [--pairs]``.

The real window shows one mentorado while a played provider says what a real one would. Counted is every call from a
function in one file of `app/` to a function in another. Painting, measuring for it, and looking up texts are left out:
they cost time, but nobody has to follow them to see what happens.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

import app
from app.domain.actions import ActionName
from app.domain.link_status import LinkState
from app.domain.messages import Address, AddressKind, ProviderMessage
from app.domain.provider import ActivitySeen, Connected, MessagesReceived, QrIssued, QrScanned
from app.ui.async_slots import run
from app.ui.detail_pane.pane import DetailPane
from tests.ui.detail_pane.codes import LINK
from tests.ui.window_harness import NOON, WindowHarness, person
from tests.waiting import until

MESSAGE, CONNECT = "a message arrives", "from Connect to connected"
GOALS = {MESSAGE: 60, CONNECT: 300}

_APP = f"{Path(app.__file__).parent}{os.sep}"
_TEXT = f"{_APP}text{os.sep}"
_PAINTING = frozenset(
    {
        *("paint", "paintEvent", "initStyleOption"),
        *("sizeHint", "minimumSizeHint", "minimumSize", "hasHeightForWidth", "heightForWidth"),
        *("expandingDirections", "setGeometry"),
    }
)
_RESUMED = 0x20 | 0x80 | 0x200  # the flags of generators and coroutines, whose frames are entered again and again
_LOOP = frozenset({"_run", "run_forever", "call_later"})  # whoever asyncio or Qt calls is called by nobody of ours
_QUIET_SECONDS = 0.3
_SENDER = (Address(AddressKind.PHONE, "+5511900001234"),)


@dataclass
class Hops:
    """The calls inside `app/` while it is recording."""

    called: Counter[tuple[str, str]] = field(default_factory=Counter)
    between: Counter[tuple[str, str]] = field(default_factory=Counter)
    _entered: set[FrameType] = field(default_factory=set)

    @contextmanager
    def recording(self) -> Iterator[None]:
        sys.setprofile(self._on_event)
        try:
            yield
        finally:
            sys.setprofile(None)
            self._entered.clear()

    @property
    def count(self) -> int:
        return sum(self.between.values())

    @property
    def files(self) -> set[str]:
        return {file for file, _function in self.called}

    def _on_event(self, frame: FrameType, event: str, _argument: object) -> None:
        if event != "call" or not _counts(frame):
            return
        if frame.f_code.co_flags & _RESUMED:
            if frame in self._entered:
                return
            self._entered.add(frame)
        file = _file(frame)
        self.called[file, f"{frame.f_code.co_name}:{frame.f_code.co_firstlineno}"] += 1
        caller = next(filter(_is_ours, _above(frame)), None)
        if caller is not None and _file(caller) != file:
            self.between[_file(caller), f"{file}: {frame.f_code.co_name}"] += 1


def _counts(frame: FrameType) -> bool:
    """Whether *frame* is of `app/`, and neither paints, nor measures, nor looks up a text."""
    if not _is_ours(frame) or frame.f_code.co_name in _LOOP:
        return False
    return not any(each.f_code.co_name in _PAINTING or _is_text(each) for each in (frame, *_above(frame)))


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_APP)


def _is_text(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_TEXT)


def _above(frame: FrameType) -> Iterator[FrameType]:
    """Who called *frame*, up to the event loop."""
    above = frame.f_back
    while above is not None and above.f_code.co_name not in _LOOP and above.f_code.co_filename != __file__:
        yield above
        above = above.f_back


def _file(frame: FrameType) -> str:
    return frame.f_code.co_filename.removeprefix(_APP)


async def trace_message() -> Hops:
    """Somebody writes to the one who is shown, whose link is connected."""
    hops = Hops()
    async with _window() as harness:
        await _press_connect(harness)
        await _pair(harness)
        line = harness.provider.line
        message = ProviderMessage(
            provider_id="3EB0", chat=_SENDER, sender=_SENDER, from_me=False, text="Oi!", sent_at=NOON, received_at=NOON
        )
        await asyncio.sleep(_QUIET_SECONDS)
        with hops.recording():
            line.say(ActivitySeen(NOON, inbound=True), MessagesReceived((message,), up_to=1))
            await until(lambda: line.confirmed == [1])
            await asyncio.sleep(_QUIET_SECONDS)
    return hops


async def trace_connect() -> Hops:
    """Connect is pressed for somebody who was never paired; a code is issued, drawn and scanned."""
    hops = Hops()
    async with _window() as harness:
        with hops.recording():
            await _press_connect(harness)
            await _pair(harness)
            await asyncio.sleep(_QUIET_SECONDS)
    return hops


@asynccontextmanager
async def _window() -> AsyncIterator[WindowHarness]:
    """The window with one person, who is shown."""
    somebody = person(1)
    with tempfile.TemporaryDirectory(prefix="conecta-trace-") as folder:
        harness = WindowHarness(Path(folder), [somebody])
        await harness.load()
        async with harness.supervisor:
            await harness.show()
            harness.window.choose(somebody.id)
            _pane(harness)._timer.stop()  # how long something takes is not what is counted
            await asyncio.sleep(_QUIET_SECONDS)
            yield harness
        await harness.close()


async def _press_connect(harness: WindowHarness) -> None:
    (card,) = [each for each in _pane(harness)._content.action_cards.cards if each.name is ActionName.CONNECT]
    card.click()
    await until(lambda: harness.provider.lines)


async def _pair(harness: WindowHarness) -> None:
    plate, (somebody,) = _pane(harness)._content.pairing._plate, harness.people
    line, number = harness.provider.line, somebody.expected_account
    line.say(QrIssued(text=LINK, number=1, total=6, lifetime=60))
    await until(lambda: plate.readable)
    line.say(QrScanned(number), Connected(number))
    await until(lambda: harness.supervisor.status(somebody.link.id).state is LinkState.CONNECTED)


def _pane(harness: WindowHarness) -> DetailPane:
    pane = harness.window._pane
    assert pane is not None
    return pane


def _tell(name: str, hops: Hops, *, pairs: bool) -> None:
    functions, goal = sum(hops.called.values()), GOALS[name]
    verdict = "met" if hops.count <= goal else "MISSED"
    _say(f"{name:28}{functions:6} functions called{len(hops.files):5} files{hops.count:6} hops   ≤ {goal} {verdict}")
    if pairs:
        for (caller, callee), times in hops.between.most_common():
            _say(f"  {times:5} {caller} → {callee}")


async def main(*, pairs: bool) -> None:
    """Play both flows, each in a window of its own, and print what was counted."""
    _tell(MESSAGE, await trace_message(), pairs=pairs)
    _tell(CONNECT, await trace_connect(), pairs=pairs)


def _say(words: str) -> None:
    print(words, flush=True)  # noqa: T201 - what this is for


if __name__ == "__main__":
    run(QApplication(sys.argv[:1]), lambda: main(pairs="--pairs" in sys.argv))
