"""WhatsApp Web as the core sees it: every connection is a session that is open in a session host."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId
from app.domain.messages import AddressKind
from app.domain.phone import PhoneNumber
from app.domain.provider import Blocked, Connected, Connection, SessionHolder
from app.domain.repositories import Clock
from app.domain.sending import OutgoingMessage, SendResult
from app.domain.settings import DEFAULT_SESSIONS_PER_HOST
from app.platform.locks import OwnerState
from app.platform.threads import background_task, run_to_completion
from app.providers.hosts.process import HEARTBEAT_SECONDS
from app.providers.whatsapp_web.connection import (
    ClosedConnection,
    ConnectionRegistry,
    SessionConnection,
    SessionTimeouts,
)
from app.providers.whatsapp_web.host_pool import HostPool
from app.providers.whatsapp_web.host_process import host_command
from app.providers.whatsapp_web.protocol import OpenMode
from app.providers.whatsapp_web.regular_files import require_free_descriptors
from app.providers.whatsapp_web.session_backup import EVERY, SnapshotInfo, Snapshots, copy_session, restore_session
from app.providers.whatsapp_web.session_owners import SessionOwners
from app.providers.whatsapp_web.session_repository import SessionDirectory, SessionRepository, read_account

log = logging.getLogger(__name__)

_GOODBYE_WITHIN: Final = 15.0
"""Seconds to tell the phone that a session is given up; without it the phone keeps listing a device nobody has."""


_HOLDERS: Final = {
    OwnerState.ALIVE: SessionHolder.ELSEWHERE,
    OwnerState.SAME_SYSTEM: SessionHolder.UNPROVEN,
    OwnerState.UNKNOWN: SessionHolder.UNPROVEN,
    OwnerState.DEAD: SessionHolder.NOBODY,
}
"""What a note says of who has a session open, the worst first."""

_CLOSED_WITHIN: Final = 10.0  # a session gets 5 s to leave its host, which then gets 2 to be killed


class WhatsAppWebProvider:
    """A `Provider` that `CanPair`, `HasSessionId`, `LocksSessions`, `HasSessionFile`, `HasSessionBackup`, `CanSend`
    and `HasDebugLog`."""

    reaches: Sequence[AddressKind] = (AddressKind.PHONE,)
    echoes_sent = True
    window: timedelta | None = None

    def __init__(
        self,
        session_root: Path,
        *,
        clock: Clock,
        root_chosen: bool = False,  # BAILEYS_SESSION_DIR was set
        command: Sequence[str] | None = None,
        proxy: str = "",
        device_name: str = "Conecta",  # what the phone lists under its linked devices
        library_log: bool = False,  # BAILEYS_ENABLE_LOGGING
        timeouts: SessionTimeouts | None = None,
        heartbeat: float = HEARTBEAT_SECONDS,
        snapshots_looked_after: float = 900.0,  # seconds between looks whether one is due
        sessions_per_host: Callable[[], int] = lambda: DEFAULT_SESSIONS_PER_HOST,
        moves_looked_after: float = 60.0,  # seconds between looks whether a session could share a host
        quiet_before_move: float = 300.0,  # seconds without a message
        on_taken_over: Callable[[MentoradoId, str], None] = lambda _whose, _left_by: None,
        mentorados: Callable[[], Iterable[Mentorado]] = tuple,
    ) -> None:
        """*on_taken_over* hears of a folder whose owner, described in words, died without giving it back.

        *mentorados* are all mentorados: a session file is compared with their links before it is signed in with.
        """
        self._files = SessionRepository(session_root, chosen=root_chosen)
        self._owners = SessionOwners(self._files, mentorados)
        self._mentorados = mentorados
        self._clock = clock
        self._proxy = proxy
        self._device_name = device_name
        self._timeouts = timeouts or SessionTimeouts()
        self._snapshots_looked_after = snapshots_looked_after
        self._moves_looked_after = moves_looked_after
        self._quiet_before_move = quiet_before_move
        self._on_taken_over = on_taken_over
        self._open: dict[MentoradoId, asyncio.Event] = {}  # folders we own, and the end of that
        self._pool = HostPool(
            command or host_command(),
            sessions_per_host=sessions_per_host,
            heartbeat=heartbeat,
            detailed_log=library_log,
        )
        self._connections = ConnectionRegistry()

    @asynccontextmanager
    async def connect(self, mentorado: Mentorado) -> AsyncIterator[Connection]:
        """Open the current session, unless the device in its file is, or may be, another link's."""
        require_free_descriptors()
        folder = await asyncio.to_thread(self._files.folder_of_paired, mentorado.id)
        async with self._owning(mentorado.id, folder):
            file, account = await asyncio.to_thread(folder.session_to_open)
            if account is None:
                # The library deletes the keys when WhatsApp logs a session out, and would now show a QR.
                yield ClosedConnection(Blocked(Reason.LOGGED_OUT, detail="the session file holds no keys any more"))
                return
            refusal = await asyncio.to_thread(self._owners.refusal, mentorado, file)
            if refusal is not None:
                log.info("The session of link %s was not opened: %s", mentorado.link.id, refusal.reason)
                yield ClosedConnection(refusal)
                return
            await asyncio.to_thread(self._set_strays_aside, mentorado.id, folder, file)
            async with self._open_connection(file, OpenMode.CONNECT, folder) as connection:
                with self._connections.register(mentorado.link.id, connection):
                    yield connection

    @asynccontextmanager
    async def pair(self, mentorado: Mentorado) -> AsyncIterator[Connection]:
        """Pair into a new file. What the right phone scanned and nobody adopted is opened instead, without a code."""
        mentorado_id = mentorado.id
        require_free_descriptors()
        await asyncio.to_thread(self._files.prepare, paired_before=mentorado.link.account is not None)
        folder = self._files.folder(mentorado_id)
        await asyncio.to_thread(folder.make)
        async with self._owning(mentorado_id, folder):
            await asyncio.to_thread(self._set_foreign_messages_aside, mentorado, folder)
            file, account = await asyncio.to_thread(folder.candidate_to_pair, self._clock.now())
            if account is not None and await asyncio.to_thread(self._owners.refusal, mentorado, file) is not None:
                # Somebody asks for a code again after the wrong phone scanned one.
                await self._give_up(mentorado_id, folder)
                file, account = await asyncio.to_thread(folder.candidate_to_pair, self._clock.now())
            async with self._open_connection(
                file, OpenMode.PAIR if account is None else OpenMode.CONNECT, folder
            ) as connection:
                with self._connections.register(mentorado.link.id, connection):
                    yield connection

    async def send(self, mentorado: Mentorado, message: OutgoingMessage) -> SendResult:
        """Over the connection that is open, if one is."""
        return await self._connections.send(mentorado.link.id, message)

    async def phone_code(self, link: Link, phone: PhoneNumber) -> str:
        """Over the connection that shows a QR, if one is open."""
        return await self._connections.pairing_code(link.id, phone)

    async def has_credentials(self, link: Link) -> bool:
        """Whether a session was ever adopted. A session that got lost since still counts: connecting says so, while
        taking it for a first time would show a QR to somebody who has keys elsewhere."""
        folder = self._files.folder(link.mentorado_id)
        return link.account is not None or folder.current is not None

    async def commit_pairing(self, link: Link) -> None:
        """Swap the pointer to the candidate; also while its connection is open."""
        folder = self._files.folder(link.mentorado_id)
        async with self._owning_or_open(link.mentorado_id, folder):
            if (candidate := folder.candidate) is not None:
                await asyncio.to_thread(self._owners.require_owner, link.mentorado_id, candidate)
            await asyncio.to_thread(folder.adopt, self._clock.now())
            await self._snapshot(folder)
        log.info("Session of link %s adopted", link.id)

    async def rollback_pairing(self, link: Link) -> None:
        """Tell the phone if it can be told, and set the candidate aside whatever it says."""
        folder = self._files.folder(link.mentorado_id)
        if folder.candidate is None:
            return
        await self._line_closed(link.mentorado_id)
        async with self._owning(link.mentorado_id, folder):
            await self._give_up(link.mentorado_id, folder)

    async def current_session_id(self, link: Link) -> str:
        """The name of its file."""
        try:
            current = await asyncio.to_thread(lambda: self._files.folder(link.mentorado_id).current)
        except Problem as problem:
            if problem.code is ProblemCode.SESSION_CORRUPT:
                return ""  # what names it is damaged: a new session takes its place like any other
            raise
        return "" if current is None else current.name

    async def copy_session(self, link: Link, to: Path) -> PhoneNumber | None:
        """Copy the keys in use, also while their connection is open; another mentorado's keys are not."""
        folder = self._files.folder(link.mentorado_id)
        if (mentorado := self._mentorado_of(link)) is not None and (current := folder.current) is not None:
            refusal = await asyncio.to_thread(self._owners.refusal, mentorado, current)
            if refusal is not None and refusal.reason is Reason.SESSION_OF_ANOTHER_MENTORADO:
                raise Problem(ProblemCode.SESSION_OF_ANOTHER_MENTORADO, path=str(current))
        return await run_to_completion(lambda: copy_session(folder, to))

    async def restore_session(
        self, link: Link, file: Path, taken_at: datetime, *, used_since: bool, only_ask: bool = False
    ) -> None:
        """Put keys back where that does no harm; their connection must not be open."""
        mentorado = self._mentorado_of(link)
        if mentorado is not None and await asyncio.to_thread(self._owners.refusal, mentorado, file) is not None:
            raise Problem(ProblemCode.SESSION_CORRUPT, path=str(file), why="it holds the session of another number")
        folder, now = self._files.folder(link.mentorado_id), self._clock.now()
        await asyncio.to_thread(self._files.prepare, paired_before=True)
        await asyncio.to_thread(folder.make)
        async with self._owning(link.mentorado_id, folder):
            await run_to_completion(
                lambda: restore_session(folder, file, taken_at, now, used_since=used_since, only_ask=only_ask)
            )

    async def snapshots(self, link: Link) -> Sequence[SnapshotInfo]:
        """The copies of the link's sessions, the latest first."""
        return await asyncio.to_thread(Snapshots(self._files.folder(link.mentorado_id).path).infos)

    async def is_open(self, link: Link) -> bool:
        """Whether a program that lives, this one or another, has a connection of *link* open."""
        owner = self._files.folder(link.mentorado_id).owner()
        return owner is not None and owner.lives()

    async def lock_holder(self, link: Link) -> str:
        """Who a note names that alone keeps the session closed; empty when there is none such."""
        owner = await asyncio.to_thread(self._files.folder(link.mentorado_id).held_elsewhere)
        return "" if owner is None else owner.label()

    async def session_holder(self, link: Link) -> tuple[SessionHolder, str]:
        """Who has the session of *link* open. A dead owner's note is taken over with the next connection."""
        if link.mentorado_id in self._open:
            return SessionHolder.HERE, ""
        owners = await asyncio.to_thread(self._files.folder(link.mentorado_id).owners)
        for state, holder in _HOLDERS.items():
            for owner in owners:
                if owner.state() is state:
                    return holder, owner.label()
        return SessionHolder.NOBODY, ""

    async def read_session(self, link: Link) -> PhoneNumber | None:
        """Whose session the current file holds; it is read as before every connection. Raises `Problem`."""
        folder = await asyncio.to_thread(self._files.folder_of_paired, link.mentorado_id)
        return (await asyncio.to_thread(folder.session_to_open))[1]

    async def overrule_lock(self, link: Link) -> None:
        """Take the session from an owner that cannot be proven dead, at the word of a person."""
        folder = self._files.folder(link.mentorado_id)
        lock = folder.lock(overrule=True)  # not in a thread, like `_owning`
        try:
            host = folder.overrule_host_lock()
        finally:
            lock.release()
        # A host never gives its lock back: the note of one that is dead is nothing to write down.
        for owner in {str(each) for each in (lock.left_by, host) if each is not None and each.lives()}:
            log.info("The session folder %s was taken from %s, by a person", link.mentorado_id, owner)
            self._on_taken_over(link.mentorado_id, f"{owner}; not proven dead, overruled")

    def ping_hosts(self) -> Sequence[LinkId]:
        """Ping the host of every open connection; returns the links. An answer is evidence of its link."""
        return self._connections.ping()

    def set_detailed_log(self, on: bool) -> None:
        """The library's own log, level by level, in the log of each connection's mentorado."""
        self._pool.set_detailed_log(on)

    async def memory(self) -> Sequence[int]:
        """Bytes of memory of each session host, without what several share; empty where the system does not tell."""
        return await asyncio.to_thread(self._pool.memory)

    def host_pids(self) -> list[int]:
        """The process of each session host."""
        return self._pool.pids()

    async def pending_account(self, link: Link) -> PhoneNumber | None:
        """Whose session waits to be adopted or given up. A copy of another link's session is nobody's pairing."""
        folder = self._files.folder(link.mentorado_id)
        account = await asyncio.to_thread(self._account_of_candidate, folder)
        if account is not None and (candidate := folder.candidate) is not None:
            try:
                await asyncio.to_thread(self._owners.require_owner, link.mentorado_id, candidate)
            except Problem as problem:
                if problem.code is not ProblemCode.SESSION_OF_ANOTHER_MENTORADO:
                    raise
                return None
        return account

    def _mentorado_of(self, link: Link) -> Mentorado | None:
        found = next((each for each in self._mentorados() if each.id == link.mentorado_id), None)
        return None if found is None else found.through(link)

    def _set_foreign_messages_aside(self, mentorado: Mentorado, folder: SessionDirectory) -> None:
        """What another mentorado's session received must not enter this history with the next pairing."""
        try:
            current = folder.current
        except Problem:
            return  # a damaged pointer names nobody's file
        if current is not None and self._owners.came_with_messages(mentorado, current):
            folder.set_messages_aside(f"received by {current.name}, which is another mentorado's", self._clock.now())
        self._set_strays_aside(mentorado.id, folder, current)

    def _set_strays_aside(self, mentorado_id: MentoradoId, folder: SessionDirectory, current: Path | None) -> None:
        """What lies in *folder* of a session that is another mentorado's; *current* was judged by its device."""
        sessions = folder.sessions_with_messages() - {current.stem if current is not None else ""}
        for session in self._owners.of_others(mentorado_id, sessions):
            why = f"received by {session}, which is another mentorado's"
            folder.set_messages_aside(why, self._clock.now(), f"*-{session}.spool")

    @staticmethod
    def _account_of_candidate(folder: SessionDirectory) -> PhoneNumber | None:
        try:
            candidate = folder.candidate
            return None if candidate is None or not candidate.exists() else read_account(candidate)
        except Problem as problem:
            if problem.code is ProblemCode.SESSION_CORRUPT:
                return None  # file or pointer: nothing to decide about, and the next pairing sets it aside
            raise

    async def _line_closed(self, mentorado_id: MentoradoId) -> None:
        """Wait for a connection that was just left and is closing; raises `Problem` when it is open to stay."""
        if (held := self._open.get(mentorado_id)) is not None:
            try:
                async with asyncio.timeout(_CLOSED_WITHIN):
                    await held.wait()
            except TimeoutError:
                raise Problem(ProblemCode.NOT_POSSIBLE_NOW, why="its connection is open") from None

    async def _give_up(self, mentorado_id: MentoradoId, folder: SessionDirectory) -> None:
        """Set the candidate aside, and unlink it from its phone unless another link might be cut off by that."""
        unlinked = False
        try:
            if (candidate := folder.candidate) is not None and await asyncio.to_thread(
                self._owners.may_log_out, mentorado_id, candidate
            ):
                async with asyncio.timeout(_GOODBYE_WITHIN):
                    unlinked = await self._say_goodbye(candidate)
        except (Problem, TimeoutError) as error:
            log.info("The phone of a session that was given up could not be told: %s", error)
        why = "given up" if unlinked else "given up; the phone could not be told and may still list it"
        await asyncio.to_thread(folder.reject, self._clock.now(), why)

    async def _say_goodbye(self, candidate: Path) -> bool:
        async with self._open_connection(candidate, OpenMode.CONNECT) as connection:
            async for signal in connection.events():
                if isinstance(signal, Connected):
                    await connection.log_out()
                    return True
        return False

    @asynccontextmanager
    async def _open_connection(
        self, file: Path, mode: OpenMode, folder: SessionDirectory | None = None
    ) -> AsyncIterator[SessionConnection]:
        """A connection with *file* open. The files of a *folder* are copied before it is, and daily from then on."""
        session = await self._pool.place(file, mode)
        connection = SessionConnection(
            session, self._pool, self._clock, self._timeouts, device_name=self._device_name, proxy=self._proxy
        )
        try:
            if folder is not None and mode is OpenMode.CONNECT:  # while the host loads the library
                await asyncio.to_thread(Snapshots(folder.path).take, file, self._clock.now())
            connection.open()
            if folder is None:
                yield connection
            else:
                async with (
                    background_task(self._snapshot_daily(folder)),
                    background_task(self._share_host_when_quiet(connection)),
                ):
                    yield connection
        finally:
            await connection.close()

    async def _share_host_when_quiet(self, connection: SessionConnection) -> None:
        while True:
            await asyncio.sleep(self._moves_looked_after)
            connection.request_move(self._quiet_before_move)

    async def _snapshot_daily(self, folder: SessionDirectory) -> None:
        snapshots = Snapshots(folder.path)
        while True:
            # Looked after by real time, which a computer that slept cannot get wrong; due by the clock.
            await asyncio.sleep(self._snapshots_looked_after)
            latest = await asyncio.to_thread(snapshots.latest)
            if latest is None or not timedelta() <= self._clock.now() - latest < EVERY:
                await self._snapshot(folder)

    async def _snapshot(self, folder: SessionDirectory) -> None:
        try:
            current = folder.current
        except Problem as problem:
            log.warning("No snapshot was taken: %s", problem)
            return
        if current is not None:
            await asyncio.to_thread(Snapshots(folder.path).take, current, self._clock.now())

    @asynccontextmanager
    async def _owning(self, mentorado_id: MentoradoId, folder: SessionDirectory) -> AsyncIterator[None]:
        """Hold the folder's lock: from before its files are looked at until its host is gone."""
        lock = folder.lock()  # not in a thread: cancelled there, it would be held by nobody
        if lock.left_by is not None:
            log.info("Took over the session folder %s from a dead owner: %s", mentorado_id, lock.left_by)
            self._on_taken_over(mentorado_id, str(lock.left_by))
        closed = self._open[mentorado_id] = asyncio.Event()
        try:
            yield
        finally:
            lock.release()
            del self._open[mentorado_id]
            closed.set()

    @asynccontextmanager
    async def _owning_or_open(self, mentorado_id: MentoradoId, folder: SessionDirectory) -> AsyncIterator[None]:
        if mentorado_id in self._open:
            yield
        else:
            async with self._owning(mentorado_id, folder):
                yield
