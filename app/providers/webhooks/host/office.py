"""One run of the process: what the app says, what comes in at the door, and what is handed on, on one loop."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, BinaryIO, Final

from app.domain.mentorado import ProviderKind
from app.domain.webhooks import Doors, Tallied
from app.providers.webhooks import protocol
from app.providers.webhooks.host.addressees import Addressees
from app.providers.webhooks.host.clerk import Clerk
from app.providers.webhooks.host.counting import Counting
from app.providers.webhooks.host.entrance import Entrance
from app.providers.webhooks.host.sorting import Parser, Sorting
from app.providers.webhooks.host.spool import Kept, Spool
from app.providers.webhooks.listening import why
from app.providers.webhooks.protocol import (
    Begin,
    Confirm,
    FromHost,
    Listening,
    Note,
    OfferAgain,
    Ping,
    Pong,
    Postpone,
    ToHost,
    Unable,
)

if TYPE_CHECKING:
    from app.providers.webhooks.host.doorway import Doorway

NOWHERE: Final = -1
TELL_SECONDS: Final = 0.5  # between two tellings of the counts
WRITE_EVERY: Final = 4  # tellings between two writings of them


async def serve(asked: BinaryIO, said: BinaryIO, parsers: Mapping[ProviderKind, Parser]) -> None:
    """Do what *asked* says, until it ends."""
    office = _Office(said, parsers)
    hearing = asyncio.Queue[ToHost | None]()
    threading.Thread(target=_hear, args=(asked, asyncio.get_running_loop(), hearing), daemon=True).start()
    begin = await hearing.get()
    if not isinstance(begin, Begin):
        return
    try:
        await office.open(begin)
    except OSError as error:
        office.tell(Unable(why(error), error.strerror or type(error).__name__))
    except sqlite3.Error as error:
        office.tell(Unable("disk", str(error)))
    else:
        await office.work(hearing)
    finally:
        await office.close()


class _Office:
    """Everything that one run holds."""

    def __init__(self, said: BinaryIO, parsers: Mapping[ProviderKind, Parser]) -> None:
        self._voice = _Voice(said)
        self.tell: Callable[[FromHost], None] = self._voice.say
        self._parsers = parsers
        self._listens = False
        self._clerk: Clerk | None = None
        self._doorway: Doorway | None = None

    async def open(self, begin: Begin) -> None:
        """Raises `OSError` when one cannot listen there, `sqlite3.Error` when nothing can be kept."""
        spool = Spool(Path(begin.folder))
        if spool.note:
            self.tell(Note(spool.note))
        new_from, counted = spool.last + 1, spool.tallies()
        spool.tidy()
        self._clerk = clerk = Clerk(spool)
        self._counting = Counting(counted, _now)
        addressees = Addressees()
        self._sorting = Sorting(
            clerk,
            self._parsers,
            addressees,
            counting=self._counting,
            tell=self.tell,
            note=lambda words: self.tell(Note(words)),
            new_from=new_from,
        )
        self._addressees = addressees
        self._entrance = Entrance(self._keep, self._counting, _now)
        port = 0
        self._listens = begin.port != NOWHERE
        if self._listens:
            from app.providers.webhooks.host.doorway import Doorway  # uvicorn, which is needed for nothing else

            self._doorway = Doorway(self._entrance)
            port = await self._doorway.open(begin.address, begin.port)
        self.tell(Listening(port))

    async def work(self, hearing: asyncio.Queue[ToHost | None]) -> None:
        """Until the app says no more, or there is nothing left and no door is open."""
        tasks = [
            asyncio.get_running_loop().create_task(each)
            for each in (self._sorting.run(), self._report(), self._obey(hearing))
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def close(self) -> None:
        """Answer what was accepted, write it down, and say the last words."""
        if self._doorway is not None:
            await self._doorway.close()
        if self._clerk is not None:
            tallies = self._counting.all()
            with suppress(sqlite3.Error):
                await self._clerk.ask(lambda spool: spool.write_tallies(tallies))
            self._clerk.close()
        self._voice.finish()

    async def _keep(self, kept: Kept) -> int:
        assert self._clerk is not None  # noqa: S101 - there is no door without it
        number = await self._clerk.keep(kept)
        self._sorting.arrived()
        return number

    async def _obey(self, hearing: asyncio.Queue[ToHost | None]) -> None:
        while (message := await hearing.get()) is not None:
            match message:
                case Doors():
                    self._entrance.admit(message)
                    self._addressees.admit(message)
                case Confirm(link_id, mark):
                    self._sorting.confirm(link_id, mark)
                case Postpone(link_id):
                    self._sorting.postpone(link_id)
                case OfferAgain(link_id):
                    self._sorting.offer_again(link_id)
                case Ping(number):
                    self.tell(Pong(number))
                case Begin():
                    pass

    async def _report(self) -> None:
        """Tell the counts when they changed, and write them down now and then."""
        assert self._clerk is not None  # noqa: S101 - opened by now
        told = 0
        while self._listens or not self._sorting.caught_up or self._sorting.left:
            if self._counting.changed:
                self._counting.changed = False
                tallies = self._counting.all()
                self.tell(Tallied(tallies, self._sorting.waiting()))
                told += 1
                if told % WRITE_EVERY == 0:
                    with suppress(sqlite3.Error):
                        await self._clerk.ask(lambda spool, tallies=tallies: spool.write_tallies(tallies))  # type: ignore[misc]
            await asyncio.sleep(TELL_SECONDS)


class _Voice:
    """Speaks on a thread of its own: the door must not wait for the app to listen."""

    def __init__(self, said: BinaryIO) -> None:
        self._said = said
        self._waiting: SimpleQueue[FromHost | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._speak, name="voice", daemon=True)
        self._thread.start()

    def say(self, message: FromHost) -> None:
        self._waiting.put(message)

    def finish(self) -> None:
        self._waiting.put(None)
        self._thread.join(2.0)

    def _speak(self) -> None:
        with suppress(OSError, ValueError):  # nobody listens any more
            while (message := self._waiting.get()) is not None:
                self._said.write(protocol.encode(message))
                self._said.flush()


def _hear(asked: BinaryIO, loop: asyncio.AbstractEventLoop, hearing: asyncio.Queue[ToHost | None]) -> None:
    with suppress(RuntimeError):  # the loop has ended meanwhile
        for line in iter(lambda: asked.readline(protocol.LINE_LIMIT), b""):
            try:
                loop.call_soon_threadsafe(hearing.put_nowait, protocol.decode_to_host(line))
            except protocol.ProtocolError:
                break  # something else than the app is speaking
        loop.call_soon_threadsafe(hearing.put_nowait, None)


def _now() -> datetime:
    return datetime.now(UTC)


def raise_limits() -> None:
    """As many connections as the system lets us have."""
    if os.name == "posix":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
