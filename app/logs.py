"""The log file: quiet, rotating, and with phone numbers masked whoever wrote them."""

from __future__ import annotations

import logging
import re
from logging.handlers import RotatingFileHandler
from pathlib import Path

from app.domain.phone import masked

_NUMBER = re.compile(r"(?<![\w-])\+?\d{10,15}(?=@|\b)(?![\w-])")
_QR = re.compile(r"https://wa\.me/settings/linked_devices#\S+|\b2@\S{20,}")

MEGABYTE = 1024 * 1024


def configure_logging(file: Path) -> None:
    """Send our own log to *file*, 5 × 2 MB at most; where no file can be written, warnings go to standard error."""
    root = logging.getLogger("app")
    root.setLevel(logging.INFO)
    handler: logging.Handler
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler = RotatingFileHandler(file, maxBytes=2 * MEGABYTE, backupCount=4, encoding="utf-8", delay=True)
    except OSError:
        handler = logging.StreamHandler()
        handler.setLevel(logging.WARNING)
    handler.setFormatter(Discreet("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)


class Discreet(logging.Formatter):
    """Masks what must not be read in a log, tracebacks included, so that no caller can forget to."""

    def format(self, record: logging.LogRecord) -> str:
        return discreet(super().format(record))


def discreet(text: str) -> str:
    """*text* with phone numbers masked and QR texts taken out."""
    return _NUMBER.sub(lambda match: masked(match[0]), _QR.sub("[QR]", text))
