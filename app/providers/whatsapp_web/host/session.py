"""One session inside a host: from being opened until the host ends."""

from __future__ import annotations

import errno
import os
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from app.domain.link_status import Reason
from app.domain.phone import masked
from app.platform.locks import FileLock, LockHeld
from app.providers.whatsapp_web.host.engine import (
    Engine,
    EngineError,
    Listener,
    device_addresses,
    message_id_of,
    messages,
    own_users_of,
)
from app.providers.whatsapp_web.host.event_mapping import (
    ABOUT_MESSAGES,
    LOGIN_STATUS,
    SUBSCRIBED,
    Event,
    LogHint,
    StateReport,
    hint_from_log,
    ignored_message,
    state_from_disk,
    state_from_error,
    state_from_event,
)
from app.providers.whatsapp_web.host.forwarder import SpoolForwarder
from app.providers.whatsapp_web.host.message_mapping import IGNORED
from app.providers.whatsapp_web.host.spool import SessionSpool
from app.providers.whatsapp_web.host.start_lock import LibraryBusy, StartLock
from app.providers.whatsapp_web.protocol import (
    BUSY,
    HOST_LOCK,
    NOTICE,
    Account,
    FromHost,
    LoginStatus,
    LogLine,
    Open,
    OpenMode,
    QrText,
    SessionState,
    StateChanged,
    refusal,
)

# whatsmeow's qrchan.go: of six codes the first lives 60 s, all others 20 s. WhatsApp sends six, and neonize passes on
# neither the number nor the time, so a server that sends another number makes the total wrong, not the codes.
_TOTAL: Final = 6
_FIRST_LIFETIME, _LIFETIME = 60.0, 20.0


class QrCodes:
    """Counts them as they are shown."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._shown = 0
        self._last_at = 0.0

    def next(self, text: str) -> QrText:
        """What to tell of the code that is shown from now on."""
        self._shown += 1
        self._last_at = time.monotonic()
        lifetime = _FIRST_LIFETIME if self._shown == 1 else _LIFETIME
        total = max(_TOTAL, self._shown)
        return QrText(session=self._session, text=text, number=self._shown, total=total, lifetime=lifetime)

    def ran_out(self) -> bool:
        """Whether the last of them has been shown for as long as it lives."""
        # The last code always lives 20 s; only a first of six, which others would follow, is still shown after that.
        shown_for = time.monotonic() - self._last_at
        return self._shown > 0 and _LIFETIME - 0.5 <= shown_for <= _LIFETIME + 5


_LOCKED_WITHIN: Final = 5.0
_AFTERTHOUGHT: Final = 0.2
_EVENT_WITHIN: Final = 1.0
QUIET: Final = 0.1
_QUIET_WITHIN: Final = 1.0
"""Seconds without an event after which the library has nothing more to hand over, and how long that is waited for."""

_TAKEN_BACK: Final = StateReport(
    SessionState.REFUSED, Reason.LOGGED_OUT, "the library found no keys in the session file"
)
_FALL: Final = StateReport(SessionState.LOST, Reason.NETWORK_DOWN)
_VAGUE: Final = frozenset({Reason.NETWORK_DOWN, Reason.PAIRING_FAILED, Reason.CLIENT_REFUSED})
_T = TypeVar("_T")
_NUMBERS: Final = re.compile(r"\d{7,}")


class NotReady(Exception):
    """The library must not be asked about this session yet, or any more: it would dereference nil and abort."""


class Session:
    """Runs the library for one session file, and reports in the protocol's words."""

    def __init__(self, opened: Open, engine: Engine, gate: StartLock, tell: Callable[[FromHost], None]) -> None:
        self.id = opened.session
        # Unique per attempt: a second client of the same key would take over the first one's calls.
        self.key = os.urandom(16).hex()
        self.logging = False
        self._opened = opened
        self._engine = engine
        self._gate = gate
        self._tell = tell
        self._callable = threading.Event()
        self._started = threading.Event()  # the library's start is over, one way or another
        self._closing = False
        self._start_over: Callable[[], None] = lambda: None
        self._lock: FileLock | None = None  # until the process ends: the library never closes its database
        self._hint: LogHint | None = None
        self._hinted = threading.Event()
        self._codes = QrCodes(self.id)
        self._last: StateReport | None = None
        self._ended = False
        self._handover: SpoolForwarder | None = None
        self._own_users: frozenset[str] = frozenset()
        self.last_event_at = 0.0  # when the library last called, by the monotonic clock

    def run(self) -> None:
        """Stay in the session; returns only when it could not be opened or the library gave it up."""
        try:
            self._run()
        finally:
            self._started.set()

    def _run(self) -> None:
        opened = self._opened
        file = Path(opened.file)
        try:
            self._lock = FileLock.wait_for(file.parent / HOST_LOCK, _LOCKED_WITHIN)
            self._own_users = own_users_of(file)  # messages may come before the library tells whose device it is
            self._begin_handover(file)
            self._start_over = self._gate.start()
            if self._closing:
                self._start_over()
                return
        except LockHeld as held:
            self._report(_news_of_lock(held))
        except OSError as error:
            self._report(state_from_disk(error))
        except LibraryBusy:
            self._report(StateReport(SessionState.FAILED, Reason.UNEXPECTED, BUSY))
        else:
            listener = Listener(
                code=self._on_code, login_status=self._on_status, event=self._on_event, log=self._on_log
            )
            error_text = self._engine.run(
                self.key,
                file,
                device_name=opened.device_name,
                proxy=opened.proxy,
                events=SUBSCRIBED,
                listener=listener,
            )
            self.leave_server()  # it would go on taking messages that nobody reads any more
            self._callable.clear()
            self._start_over()
            self._report(self._with_hint(state_from_error(error_text)))

    def _begin_handover(self, file: Path) -> None:
        spool = SessionSpool(file.parent, file.stem, note=self._note)
        handover = SpoolForwarder(
            self.id,
            spool,
            messages=messages,
            tell=self._tell,
            on_trouble=self._on_trouble,
            id_of=partial(message_id_of, file),
        )
        self._handover = handover
        handover.start()

    def ask(self, call: Callable[[], _T]) -> _T:
        """Make a *call* into the library; raises `NotReady` or `LibraryBusy` instead of risking the process."""
        if not self._callable.is_set():
            raise NotReady
        with self._gate.call():
            return call()

    @property
    def callable(self) -> bool:
        return self._callable.is_set()

    def send_text(self, to: str, text: str) -> tuple[str, int]:
        """Send *text*, and keep it with what became of it. Raises like `ask`, and `EngineError`."""
        if self._handover is None or not self.callable:
            raise NotReady
        sends = self._handover.sends
        sending = sends.begin(to, text)
        try:
            secret = bytes.fromhex(sending["secret"])
            message_id, at = self.ask(lambda: self._engine.send_text(self.key, to, text, secret))
        except (NotReady, LibraryBusy):
            sends.failed(sending)
            raise
        except EngineError as error:
            (sends.uncertain if refusal(str(error)) is None else sends.failed)(sending)
            raise
        except BaseException:
            sends.uncertain(sending)
            raise
        sends.sent(sending, message_id, at)
        return message_id, at

    def leave_server(self) -> None:
        """Leave the server, if the session is open."""
        with suppress(NotReady, LibraryBusy):
            self.ask(lambda: self._engine.disconnect(self.key))

    def close(self) -> None:
        """Leave the server, take in what the library has still to hand over, and let go of the files; blocks.

        The library itself keeps the session's database open until the process ends, but uses it no more.
        """
        self._closing = self._ended = True
        self._started.wait()  # whatever is called before would abort the process
        self.leave_server()
        self.wait_for_quiet()
        handover, self._handover = self._handover, None
        if handover is not None:
            handover.stop()
        if self._lock is not None:
            self._lock.release()

    def wait_for_quiet(self) -> None:
        """Wait until the library has handed over what it has: it tells nobody when that is."""
        began = time.monotonic()
        while (now := time.monotonic()) < began + _QUIET_WITHIN:
            if now - max(self.last_event_at, began) >= QUIET:
                return
            time.sleep(QUIET / 10)

    def _be_callable(self) -> None:
        self._callable.set()
        self._started.set()

    def confirm(self, up_to: int) -> None:
        """The app stored what was handed to it up to this mark."""
        if self._handover is not None:
            self._handover.confirm(up_to)

    # --- on threads of the library ------------------------------------------------------------------------------

    def _on_code(self, text: str) -> None:
        if self._opened.mode is OpenMode.CONNECT:
            self._report(_TAKEN_BACK)  # a code is for pairing: here it would be shown to somebody who asked for none
            return
        code = self._codes.next(text)
        if code.number == 1:
            # The maps are written; event 0 comes only after the scan. This host opens nothing else, so reads are safe.
            self._start_over()
            self._be_callable()
        self._tell(code)

    def _on_status(self, status: str) -> None:
        self._tell(LoginStatus(session=self.id, status=status))
        news = LOGIN_STATUS.get(status)
        if self._opened.mode is OpenMode.CONNECT:
            news = _TAKEN_BACK
        if news is None:
            return
        if status == "timeout" and not self._codes.ran_out():
            # The library says "timeout" too when the line falls while a code is shown. What the server said before is
            # worked on by another of its threads, and may be a moment late.
            self._hinted.wait(_AFTERTHOUGHT)
            news = StateReport(SessionState.FAILED, Reason.NETWORK_DOWN, "the line fell while a code was shown")
        news = self._with_hint(news)
        if news.reason is Reason.LOGGED_OUT:  # WhatsApp's 401, but nobody was logged in yet
            news = replace(news, reason=Reason.PAIRING_FAILED)
        self._report(news)

    def _on_event(self, code: int, payload: bytes) -> None:
        self.last_event_at = time.monotonic()
        if code in ABOUT_MESSAGES:
            # Nothing slow here: while this runs, the library has already told the server that it has the next ones.
            self._keep(code, payload)
            return
        if code == Event.DEVICE:
            number, lid = device_addresses(payload)
            self._start_over()
            self._be_callable()
            self._own_users = frozenset((number.user, lid.user))
            self._tell(Account(session=self.id, jid=number.text, lid=lid.text))
        elif (news := state_from_event(code, payload, messages)) is not None:
            if news.state is SessionState.CONNECTED:
                self._hint = None
                self._hinted.clear()
            elif code == Event.STREAM_ERROR:
                self._hint = LogHint(news)  # the fall that follows is of this cause
            elif code == Event.DISCONNECTED:
                news = self._with_hint(news)
            self._report(news)

    def _keep(self, code: int, payload: bytes) -> None:
        handover = self._handover
        if handover is None:
            return
        try:
            handover.append(code, payload)
        except OSError as error:
            self._note(f"a record of {len(payload)} bytes could not be kept: {error}")
            self._on_trouble(error)
        if handover.full:
            self._on_trouble(OSError(errno.ENOSPC, "the disk is full"))

    def _on_trouble(self, error: Exception) -> None:
        """Let nothing more in: what is not taken stays with the server."""
        if not self._ended:
            bug = StateReport(SessionState.FAILED, Reason.UNEXPECTED, repr(error))
            self._report(state_from_disk(error) if isinstance(error, OSError) else bug)
            threading.Thread(target=self.leave_server, daemon=True).start()

    def _note(self, text: str) -> None:
        self._tell(LogLine(session=self.id, level=NOTICE, source="spool", text=text))

    def _on_log(self, level: str, source: str, text: str) -> None:
        if (ignored := ignored_message(level, text, self._own_users)) is not None:
            self._keep(IGNORED, ignored)
        hint = hint_from_log(level, text)
        if hint is not None and hint.crashes:
            self._report(hint.news, ends_host=True)
            threading.Event().wait()  # holds the library's thread until the app, which heard why, ends this process
        if hint is not None and hint.at_once:
            self._report(hint.news)
            if hint.news.state is SessionState.REFUSED:  # let nothing more in that could not be kept
                threading.Thread(target=self.leave_server, daemon=True).start()
        elif hint is not None:
            self._hint = hint
            self._hinted.set()
            if hint.news.state is SessionState.REFUSED and not self.callable:
                # Keys that are taken back before the library has told whose they are: it deletes them, waits for ever
                # to be told whose they are (neonize's FetchMe), and its events never come.
                threading.Timer(_EVENT_WITHIN, self._report, [hint.news]).start()
            if hint.news.state is SessionState.LOST and self._last == _FALL:
                self._report(hint.news)  # told already, without its reason
        if self.logging:
            self._tell(LogLine(session=self.id, level=level, source=source, text=_without_numbers(text)))

    # ------------------------------------------------------------------------------------------------------------

    def _with_hint(self, news: StateReport) -> StateReport:
        """*news*, or what the log said of the same thing when that was more."""
        if self._hint is None:
            return news
        hint = self._hint.news
        if hint.state is news.state and (hint.reason is news.reason or news.reason in _VAGUE):
            return hint
        if news.state is SessionState.FAILED:
            return hint if hint.state is SessionState.REFUSED else StateReport(news.state, hint.reason, hint.detail)
        return news

    def _report(self, news: StateReport, *, ends_host: bool = False) -> None:
        if self._ended or (news == self._last and news.state is SessionState.LOST):
            return  # the library tells some falls twice, and one that lasts over and over
        self._last = news
        self._ended = news.state in (SessionState.REFUSED, SessionState.FAILED)
        self._tell(
            StateChanged(
                session=self.id,
                state=news.state,
                reason=news.reason,
                detail=_without_numbers(news.detail),
                lasts=news.lasts,
                ends_host=ends_host,
            )
        )


def _news_of_lock(held: LockHeld) -> StateReport:
    if held.may_be_overruled and held.owner is not None:
        return StateReport(SessionState.REFUSED, Reason.SESSION_HELD_ELSEWHERE, held.owner.label())
    return StateReport(SessionState.REFUSED, Reason.SESSION_IN_USE, f"held by {held}")


def _without_numbers(text: str) -> str:
    """*text* as a log may show it: phone numbers, and any other long one, masked."""
    return _NUMBERS.sub(lambda match: masked(match[0]), text)
