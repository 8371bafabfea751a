"""The host's conversation: reads what the app asks, line by line, and never lets an answer wait for another's."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import BinaryIO

from app.domain.crash_report import CrashEffect
from app.domain.link_status import Reason
from app.platform.files import open_binary
from app.platform.system import own_memory
from app.providers.hosts.codec import Ping, PipeWriter, Pong, ProtocolError
from app.providers.hosts.crash import report_crash
from app.providers.whatsapp_web import protocol
from app.providers.whatsapp_web.host.engine import Engine, EngineError, EngineMismatch, EngineMissing, messages
from app.providers.whatsapp_web.host.session import QUIET, NotReady, Session
from app.providers.whatsapp_web.host.start_lock import LibraryBusy, StartLock
from app.providers.whatsapp_web.protocol import (
    Answer,
    Close,
    Closed,
    Confirm,
    FromHost,
    LogOut,
    Open,
    OpenMode,
    PairPhone,
    Ready,
    SendText,
    SessionState,
    SetLogging,
    SignOfLife,
    StateChanged,
    Unable,
    decode_to_host,
)

_MESSAGES_AFTER = 1.0
"""Seconds after which the library's messages are loaded, if nothing that came needed them before: eight sessions that
come back together should not wait for that."""

_FAREWELL = 0.5
"""Seconds that polite goodbyes to the server may take once the app is gone."""


class SessionHost:
    """Owns the library and its sessions."""

    def __init__(self, channel: int) -> None:
        self._voice = PipeWriter(channel, on_closed=self._end)
        self._leaving = threading.Lock()
        self._gate = StartLock()
        self._engine: Engine | None = None
        self._sessions: dict[str, Session] = {}
        self._pairing = False
        self._messages_due = False
        self._logging = False

    def serve(self, asked: BinaryIO) -> None:
        """Answer until the app closes its end, which is how it ends us, dead or alive."""
        self._load()
        for line in iter(lambda: asked.readline(protocol.LINE_LIMIT), b""):
            try:
                self._do(decode_to_host(line))
            except ProtocolError as error:
                print(f"not understood: {error}", file=sys.stderr, flush=True)  # noqa: T201 - stderr is our log
        self._end()

    def _load(self) -> None:
        try:
            self._engine = Engine()
        except EngineMissing as error:
            no_files_left = "too many open files" in str(error).lower()
            self._say_unable(Reason.TOO_MANY_OPEN_FILES if no_files_left else Reason.ENGINE_MISSING, str(error))
        except EngineMismatch as error:
            self._say_unable(Reason.ENGINE_MISMATCH, str(error))
        else:
            self._tell(Ready(protocol=protocol.VERSION, engine=self._engine.version, pid=os.getpid()))

    def _say_unable(self, reason: Reason, detail: str) -> None:
        self._tell(Ready(protocol=protocol.VERSION, engine="", pid=os.getpid()))
        self._tell(Unable(reason=reason, detail=detail))

    def _do(self, message: protocol.ToHost) -> None:
        match message:
            case Open():
                self._open(message)
            case SendText():
                self._answer(message, lambda session, engine: self._send(message, session, engine))
            case PairPhone():
                self._answer(message, lambda session, engine: self._pair_phone(message, session, engine))
            case LogOut():
                self._answer(message, lambda session, engine: self._log_out(message, session, engine))
            case Close(session=name):
                _on_a_thread(partial(self._close, name))
            case SetLogging(enabled=enabled):
                self._logging = enabled
                for session in self._sessions.values():
                    session.logging = enabled
            case Ping(number=number):
                self._tell(Pong(number=number, memory=own_memory()))
            case Confirm(session=name, up_to=up_to):
                if name in self._sessions:
                    self._sessions[name].confirm(up_to)

    def _open(self, message: Open) -> None:
        refusal = ""
        if self._engine is None:
            refusal = "no engine"
        elif message.session in self._sessions:
            refusal = "this session is open"
        elif self._pairing or (message.mode is OpenMode.PAIR and self._sessions):
            # A pairing's start is over only when the phone has scanned, and would keep all others out.
            refusal = "a pairing has a host of its own"
        if self._engine is None or refusal:
            self._say_failed(message.session, refusal)
            return
        self._pairing = message.mode is OpenMode.PAIR
        session = Session(message, self._engine, self._gate, self._tell)
        session.logging = self._logging
        self._sessions[message.session] = session
        _on_a_thread(partial(self._run, session))
        if not self._messages_due:
            self._messages_due = True
            # Before a code is scanned there is time enough.
            threading.Timer(0.0 if self._pairing else _MESSAGES_AFTER, messages).start()

    def _run(self, session: Session) -> None:
        try:
            session.run()
        except Exception as error:  # noqa: BLE001 - a bug of ours must not look like a slow network
            report_crash(error, CrashEffect.LINK_RETRIES)
            self._say_failed(session.id, repr(error))

    def _say_failed(self, session: str, detail: str) -> None:
        failed = SessionState.FAILED
        self._tell(StateChanged(session=session, state=failed, reason=Reason.UNEXPECTED, detail=detail))

    # --- requests: each on a thread of its own, because a send without an answer blocks for 75 s -------------------

    def _answer(self, request: SendText | PairPhone | LogOut, do: Callable[[Session, Engine], Answer]) -> None:
        session, engine = self._sessions.get(request.session), self._engine

        def work() -> None:
            try:
                if session is None or engine is None:
                    raise NotReady
                answer = do(session, engine)
            except NotReady:
                answer = Answer(session=request.session, request=request.request, error=protocol.NOT_OPEN)
            except LibraryBusy:
                answer = Answer(session=request.session, request=request.request, error=protocol.BUSY)
            except EngineError as error:
                answer = Answer(session=request.session, request=request.request, error=str(error))
            except Exception as error:  # noqa: BLE001 - somebody waits for the answer
                report_crash(error)
                answer = Answer(session=request.session, request=request.request, error=repr(error))
            self._tell(answer)

        _on_a_thread(work)

    def _send(self, request: SendText, session: Session, _engine: Engine) -> Answer:
        message_id, sent_at = session.send_text(request.to, request.text)
        self._tell(SignOfLife(session=request.session, inbound=False))
        return Answer(session=request.session, request=request.request, message_id=message_id, sent_at=sent_at)

    def _pair_phone(self, request: PairPhone, session: Session, engine: Engine) -> Answer:
        code = session.ask(lambda: engine.pair_phone(session.key, request.phone))
        return Answer(session=request.session, request=request.request, code=code)

    def _log_out(self, request: LogOut, session: Session, engine: Engine) -> Answer:
        session.ask(lambda: engine.log_out(session.key))
        return Answer(session=request.session, request=request.request)

    def _close(self, name: str) -> None:
        if (session := self._sessions.get(name)) is not None:
            session.close()
            del self._sessions[name]
        self._tell(Closed(session=name))

    # --------------------------------------------------------------------------------------------------------------

    def _tell(self, message: FromHost) -> None:
        self._voice.send(message)

    def _end(self) -> None:
        """Leave the server first, then take in what it had handed to the library already, then end the process."""
        with self._leaving:
            silence = open_binary(os.devnull, os.O_WRONLY)
            for descriptor in (1, 2):  # Go dies of printing to a pipe that nobody reads
                os.dup2(silence, descriptor)
            sessions = list(self._sessions.values())
            goodbyes = [_on_a_thread(session.leave_server) for session in sessions]
            for goodbye in goodbyes:
                goodbye.join(_FAREWELL)
            quiet = [_on_a_thread(session.wait_for_quiet) for session in sessions]
            for each in quiet:
                each.join()
            self._voice.close(QUIET)
            os._exit(0)


def _on_a_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
