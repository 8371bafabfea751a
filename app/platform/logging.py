"""The log: a JSON object per line, quiet, rotating, without credentials, codes and whole numbers, whoever wrote it.

There is one file for the program, and one for each mentorado with what is about them; only that one also has the
provider's detailed log, while it is switched on.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import stat
import sys
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final, TextIO

from app.domain.mentorado import MentoradoId, is_id
from app.domain.outline import exception_outline, message_outline
from app.domain.redaction import redacted
from app.platform.files import open_binary
from app.platform.locks import read_plain

CURRENT_MENTORADO: Final[ContextVar[MentoradoId | None]] = ContextVar("about", default=None)
"""A task inherits it from the task that made it."""


@contextmanager
def log_context(mentorado_id: MentoradoId) -> Iterator[None]:
    """What is done and begun inside is about *mentorado_id*."""
    token = CURRENT_MENTORADO.set(mentorado_id)
    try:
        yield
    finally:
        CURRENT_MENTORADO.reset(token)


MEGABYTE: Final = 1024 * 1024
DETAILED: Final = "app.whatsmeow"
"""The logger of the library's lines. They come only while somebody wants them, so all that come are written."""

_OPEN_FILES: Final = 16
_LARGEST_LOG: Final = 8 * MEGABYTE
_FIELDS: Final = ("link", "state", "reason")
"""What a message may say once more for machines, given as ``extra``: codes and ids only."""


def configure_logging(file: Path) -> None:
    """Send our own log to *file*, 5 × 2 MB at most; where no file can be written, warnings go to standard error."""
    root = logging.getLogger("app")
    root.setLevel(logging.INFO)
    logging.getLogger(DETAILED).setLevel(logging.DEBUG)
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        on_screen = logging.StreamHandler()
        on_screen.setLevel(logging.WARNING)
        on_screen.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        root.addHandler(on_screen)
        return
    ours = PrivateRotatingFileHandler(file, megabytes=2, former=4)
    ours.setLevel(logging.INFO)
    root.addHandler(ours)
    root.addHandler(PerMentoradoHandler(file.parent))


def log_to(stream: TextIO, *, as_json: bool) -> None:
    """Send our own log to *stream*, too: all of it as JSON lines, else warnings in words."""
    handler = _Stream(stream)
    handler.setLevel(logging.INFO if as_json else logging.WARNING)
    handler.setFormatter(JsonFormatter() if as_json else RedactingFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.getLogger("app").addHandler(handler)


class _Stream(logging.StreamHandler[TextIO]):
    """Whoever reads it may go away; the program goes on."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


class PrivateRotatingFileHandler(RotatingFileHandler):
    """A rotating file of JSON lines that only this user may read. A full disk loses lines, and bothers nobody."""

    def __init__(self, file: Path, *, megabytes: int, former: int) -> None:
        super().__init__(file, maxBytes=megabytes * MEGABYTE, backupCount=former, encoding="utf-8", delay=True)
        self.setFormatter(JsonFormatter())

    def _open(self) -> TextIOWrapper:
        try:
            descriptor = _plain_file(self.baseFilename)
        except OSError:
            # A link, a pipe or a second name of another file: what is written must not end up elsewhere.
            Path(self.baseFilename).unlink(missing_ok=True)
            descriptor = _plain_file(self.baseFilename)
        return open(descriptor, "a", encoding=self.encoding)  # noqa: PTH123 - kept open, by descriptor

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def _plain_file(path: str) -> int:
    """Open *path* to append to. Raises `OSError` unless it is a file of one name, and no link."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = open_binary(path, flags, 0o600)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a plain file", path)
    return descriptor


class PerMentoradoHandler(logging.Handler):
    """Writes what is about a mentorado once more, into ``<their id>.log``, 3 × 1 MB at most."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._files: OrderedDict[MentoradoId, PrivateRotatingFileHandler] = OrderedDict()  # the last used at the end

    def emit(self, record: logging.LogRecord) -> None:
        mentorado_id = CURRENT_MENTORADO.get()
        if mentorado_id is not None and is_id(mentorado_id):
            self._file(mentorado_id).handle(record)

    def close(self) -> None:
        while self._files:
            self._files.popitem()[1].close()
        super().close()

    def _file(self, mentorado_id: MentoradoId) -> PrivateRotatingFileHandler:
        file = self._files.pop(mentorado_id, None)
        if file is None:
            file = PrivateRotatingFileHandler(self._folder / f"{mentorado_id}.log", megabytes=1, former=2)
            if len(self._files) >= _OPEN_FILES:
                self._files.popitem(last=False)[1].close()
        self._files[mentorado_id] = file
        return file


class RedactingFormatter(logging.Formatter):
    """Masks what must not be read in a log, tracebacks included, so that no caller can forget to."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


def record_trace(record: logging.LogRecord) -> Sequence[str]:
    """The outline of what a log entry is about: of its exception, or of the lines given as ``trace`` in ``extra``."""
    given: Sequence[str] = vars(record).get("trace", ())
    error = record.exc_info[1] if record.exc_info else None
    return given if error is None else exception_outline(error)


class JsonFormatter(logging.Formatter):
    """One object per line, in UTC, as discreet as `RedactingFormatter`.

    ``outline`` and ``trace`` hold no word that the program did not write itself: they alone go into a support bundle.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": redacted(record.getMessage()),
            "outline": redacted(message_outline(record.msg, record.args)),
        }
        line |= {name: str(vars(record)[name]) for name in _FIELDS if name in vars(record)}
        if about := CURRENT_MENTORADO.get():
            line["mentorado"] = about
        if record.exc_info:
            line["error"] = redacted(self.formatException(record.exc_info))
        if trace := record_trace(record):
            line["trace"] = trace
        return json.dumps(line, ensure_ascii=False)


def recent_lines(file: Path, most: int) -> list[str]:
    """The last *most* lines of a log and its former files, the oldest first; what cannot be read is left out."""
    lines: list[str] = []
    for place in (file, *(file.with_name(f"{file.name}.{number}") for number in range(1, 10))):
        try:
            text = read_plain(place, _LARGEST_LOG)
        except (OSError, UnicodeDecodeError):
            continue
        lines[:0] = text.splitlines()[-(most - len(lines)) :]
        if len(lines) >= most:
            break
    return lines
