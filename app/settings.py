"""What is decided before the program starts: by the environment, else by a `.env` file, else by the platform."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from app.domain.errors import Code, Problem

APP_NAME = "conecta"
ZAPI_URL = "https://api.z-api.io"
META_URL = "https://graph.facebook.com"
META_VERSION = "v25.0"

_THIS_COMPUTER = frozenset({"127.0.0.1", "localhost", "::1"})
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off", ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Paths and switches. The names of the earlier system's settings are kept."""

    data_dir: Path
    session_dir: Path
    session_dir_was_chosen: bool = (
        False  # BAILEYS_SESSION_DIR names it; its absence is then an error, not a first start
    )
    provider_logging: bool = False  # BAILEYS_ENABLE_LOGGING: the engine's detailed log, for diagnosis only
    provider_logging_for: timedelta = timedelta(hours=1)  # CONECTA_LOGGING_MINUTES: after this it ends by itself
    session_host: tuple[str, ...] | None = None  # CONECTA_SESSION_HOST: the command that starts a session host
    incident_share: float = (
        0.5  # CONECTA_INCIDENT_PERCENT: so many links of a provider that fall together are one trouble
    )
    zapi_url: str = ZAPI_URL  # CONECTA_ZAPI_URL: where Z-API answers
    meta_url: str = META_URL  # CONECTA_META_URL: where the Cloud API answers
    meta_version: str = META_VERSION  # CONECTA_META_VERSION: of the Graph API

    @property
    def database(self) -> Path:
        return self.data_dir / "conecta.db"

    @property
    def log_file(self) -> Path:
        return self.data_dir / "logs" / "conecta.log"

    @property
    def secrets(self) -> Path:
        """The encrypted file, where a person chose one."""
        return self.data_dir / "secrets.enc"

    @property
    def backup_dir(self) -> Path:
        return self.data_dir / "backups"

    @property
    def preferences(self) -> Path:
        return self.data_dir / "window.ini"

    @property
    def instance(self) -> Path:
        """What one running window holds, so that a second start finds it."""
        return self.data_dir / "window.lock"


def read_settings(environment: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
    """Settings from *environment* and the `.env` of *folder* (the current one). Raises `Problem(SETTING_INVALID)`."""
    values = {**_dotenv((folder or Path.cwd()) / ".env"), **(os.environ if environment is None else environment)}
    data = _path(values, "CONECTA_DATA_DIR") or _platform_data_dir()
    sessions = _path(values, "BAILEYS_SESSION_DIR")
    return Settings(
        data_dir=data,
        session_dir=sessions or data / "sessions",
        session_dir_was_chosen=sessions is not None,
        provider_logging=_switch(values, "BAILEYS_ENABLE_LOGGING"),
        provider_logging_for=_minutes(values, "CONECTA_LOGGING_MINUTES", 60),
        session_host=_command(values, "CONECTA_SESSION_HOST"),
        incident_share=_whole(values, "CONECTA_INCIDENT_PERCENT", 50, most=100) / 100,
        zapi_url=_address(values, "CONECTA_ZAPI_URL", ZAPI_URL),
        meta_url=_address(values, "CONECTA_META_URL", META_URL),
        meta_version=_version(values, "CONECTA_META_VERSION", META_VERSION),
    )


def _dotenv(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(file).items() if value is not None}


def _path(values: Mapping[str, str], name: str) -> Path | None:
    text = values.get(name, "").strip()
    if not text:
        return None
    if "\0" in text:
        raise Problem(Code.SETTING_INVALID, setting=name)
    return Path(text).expanduser().absolute()


def _command(values: Mapping[str, str], name: str) -> tuple[str, ...] | None:
    try:
        return tuple(shlex.split(values.get(name, ""))) or None
    except ValueError:
        raise Problem(Code.SETTING_INVALID, setting=name) from None


def _address(values: Mapping[str, str], name: str, default: str) -> str:
    """The address of a service that is shown tokens: encrypted, unless it is this computer."""
    text = values.get(name, "").strip().rstrip("/") or default
    try:
        parts = urlsplit(text)
        here = parts.port != 0 and parts.hostname in _THIS_COMPUTER
    except ValueError:
        raise Problem(Code.SETTING_INVALID, setting=name) from None
    extra = parts.username or parts.password or parts.query or parts.fragment
    safe = parts.scheme == "https" or (parts.scheme == "http" and here)
    if extra or not safe or not parts.hostname or not text.isascii() or len(text.split()) != 1:
        raise Problem(Code.SETTING_INVALID, setting=name)
    return text


def _version(values: Mapping[str, str], name: str, default: str) -> str:
    text = values.get(name, "").strip() or default
    if not re.fullmatch(r"v[0-9]{1,3}\.[0-9]", text, re.ASCII):
        raise Problem(Code.SETTING_INVALID, setting=name)
    return text


def _switch(values: Mapping[str, str], name: str) -> bool:
    text = values.get(name, "").strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise Problem(Code.SETTING_INVALID, setting=name)


def _minutes(values: Mapping[str, str], name: str, default: int) -> timedelta:
    return timedelta(minutes=_whole(values, name, default, most=7 * 24 * 60))


def _whole(values: Mapping[str, str], name: str, default: int, *, most: int) -> int:
    """A whole number from 1 to *most*."""
    text = values.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= most):
        raise Problem(Code.SETTING_INVALID, setting=name)
    return int(text)


def _platform_data_dir() -> Path:
    from platformdirs import user_data_path

    return user_data_path(APP_NAME, appauthor=False)
