"""What is decided before the program starts: by the environment, else by a settings file, else by the platform.

One settings file decides everything: ``.env`` in the user's configuration folder, or the file that ``--env-file`` or
`CONECTA_ENV_FILE` names. A ``.env`` in the current folder may be a stranger's, as after unpacking an archive: it counts
only where nobody else may write it, and there only for the settings in `ANYWHERE`, unless the folder is the checkout
that this program runs from.
"""

from __future__ import annotations

import io
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from app.domain.errors import Problem, ProblemCode
from app.platform.files import (
    KNOWS_OWNERS,
    read_small,
    unsafe_link,
    unsafe_place,
)

APP_NAME = "conecta"
ZAPI_URL = "https://api.z-api.io"
META_URL = "https://graph.facebook.com"
META_VERSION = "v25.0"

ENV_FILE: Final = "CONECTA_ENV_FILE"
ANYWHERE: Final = frozenset(
    {"BAILEYS_ENABLE_LOGGING", "CONECTA_LOGGING_MINUTES", "CONECTA_INCIDENT_PERCENT", "CONECTA_META_VERSION"}
)
"""The settings that a ``.env`` in the current folder may hold: none names a command, an address or a folder."""
NAMES: Final = ANYWHERE | {
    "BAILEYS_SESSION_DIR",
    "CONECTA_DATA_DIR",
    "CONECTA_SESSION_HOST",
    "CONECTA_ZAPI_URL",
    "CONECTA_META_URL",
    "CONECTA_SECRETS_PASSPHRASE_FILE",
}

_CHECKOUT = Path(__file__).resolve().parent.parent
_THIS_COMPUTER = frozenset({"127.0.0.1", "localhost", "::1"})
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")  # surrogates: bytes that the system could not decode
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off", ""})


@dataclass(frozen=True, slots=True)
class Override:
    """A command or an address that is not the default. *file* set it; None: the environment."""

    setting: str
    value: str
    default: str
    file: Path | None


@dataclass(frozen=True, slots=True)
class UnusedSettings:
    """Settings of a ``.env`` in the current folder that were not taken.

    *unsafe* is what somebody else may write, None where the file is safe but may not hold these settings.
    """

    file: Path
    names: tuple[str, ...]
    unsafe: Path | None


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
    passphrase_file: Path | None = None  # CONECTA_SECRETS_PASSPHRASE_FILE: opens the encrypted file of secrets
    files: Mapping[str, Path] = field(default_factory=dict)  # by setting, the file that it was read from
    relative: tuple[str, ...] = ()  # settings of the environment that lead elsewhere from another folder
    unused: UnusedSettings | None = None
    settings_file: Path | None = None  # where a person writes settings, whether it exists or not

    @property
    def overrides(self) -> tuple[Override, ...]:
        """The commands and addresses that are not the defaults: whoever set them receives keys or tokens."""
        values = (
            ("CONECTA_SESSION_HOST", shlex.join(self.session_host or ()), ""),
            ("CONECTA_ZAPI_URL", self.zapi_url, ZAPI_URL),
            ("CONECTA_META_URL", self.meta_url, META_URL),
        )
        return tuple(
            Override(name, value, default, self.files.get(name)) for name, value, default in values if value != default
        )

    def without_values(self) -> dict[str, object]:
        """What a support bundle tells: flags and times; of commands, addresses and folders only which were chosen."""
        chosen = {override.setting for override in self.overrides}
        return {
            "session_dir_was_chosen": self.session_dir_was_chosen,
            "provider_logging": self.provider_logging,
            "provider_logging_for": self.provider_logging_for,
            "incident_share": self.incident_share,
            "passphrase_file": self.passphrase_file is not None,
            "from_a_file": sorted(self.files) != [],
            "not_taken_from_the_current_folder": self.unused is not None,
            **{name: name in chosen for name in ("CONECTA_SESSION_HOST", "CONECTA_ZAPI_URL", "CONECTA_META_URL")},
        }

    @property
    def database(self) -> Path:
        return self.data_dir / "conecta.db"

    @property
    def log_file(self) -> Path:
        return self.data_dir / "logs" / "conecta.log"

    @property
    def crash_dir(self) -> Path:
        """Reports of unexpected exceptions."""
        return self.data_dir / "crashes"

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


def read_settings(
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    *,
    env_file: Path | None = None,
    config_folder: Path | None = None,
    checkout: Path = _CHECKOUT,
) -> Settings:
    """Return the settings of *environment*, of the settings file and of the ``.env`` in *folder* (the current one).

    *env_file* or `CONECTA_ENV_FILE` name the settings file; without either it is ``.env`` in *config_folder*, and only
    then the ``.env`` in *folder* is looked at. Raises `Problem`: `SETTING_INVALID`, or for the settings file
    `SETTINGS_FILE_MISSING`, `SETTINGS_FILE_UNSAFE` or `SETTINGS_FILE_UNREADABLE`.
    """
    given = os.environ if environment is None else environment
    named = env_file or _path({ENV_FILE: given.get(ENV_FILE, "")}, ENV_FILE, {})
    unused: UnusedSettings | None = None
    if named is not None:
        read, settings_file = _settings_file(named, must_exist=True), named
        files = dict.fromkeys(read, named)
    else:
        settings_file = default_settings_file(config_folder)
        read, unused = _read_current_folder(folder, checkout)
        files = dict.fromkeys(read, (folder or Path()) / ".env")
        chosen = _settings_file(settings_file)
        read.update(chosen)
        files.update(dict.fromkeys(chosen, settings_file))
    values = {**read, **{name: given[name] for name in NAMES if name in given}}
    files = {name: file.absolute() for name, file in files.items() if name not in given}
    data = _path(values, "CONECTA_DATA_DIR", files) or default_data_folder()
    sessions = _path(values, "BAILEYS_SESSION_DIR", files)
    return Settings(
        data_dir=data,
        session_dir=sessions or data / "sessions",
        session_dir_was_chosen=sessions is not None,
        provider_logging=_switch(values, "BAILEYS_ENABLE_LOGGING", files),
        provider_logging_for=timedelta(
            minutes=_integer(values, "CONECTA_LOGGING_MINUTES", files, default=60, most=7 * 24 * 60)
        ),
        session_host=_command(values, "CONECTA_SESSION_HOST", files),
        incident_share=_integer(values, "CONECTA_INCIDENT_PERCENT", files, default=50, most=100) / 100,
        zapi_url=_address(values, "CONECTA_ZAPI_URL", files, default=ZAPI_URL),
        meta_url=_address(values, "CONECTA_META_URL", files, default=META_URL),
        meta_version=_version(values, "CONECTA_META_VERSION", files, default=META_VERSION),
        passphrase_file=_path(values, "CONECTA_SECRETS_PASSPHRASE_FILE", files),
        files=files,
        relative=tuple(name for name in _PLACES if name not in files and _is_relative(values, name)),
        unused=unused,
        settings_file=settings_file,
    )


def default_settings_file(config_folder: Path | None = None) -> Path:
    """Return where a person writes settings unless another file is named."""
    return (config_folder or _platform_config_dir()) / ".env"


# --- files of settings -------------------------------------------------------------------------------------------


def _settings_file(file: Path, *, must_exist: bool = False) -> dict[str, str]:
    """Return what *file* sets. It may name commands, so nobody but this user and root may write it."""
    try:
        real = file.resolve()
        content = read_small(real)
        if content is None:
            if must_exist:
                raise Problem(ProblemCode.SETTINGS_FILE_MISSING, path=str(file))
            return {}
        unsafe = unsafe_place(real) or unsafe_link(file.absolute())
    except (OSError, RuntimeError) as error:  # a loop of symbolic links is a RuntimeError on Python 3.11 and 3.12
        detail = getattr(error, "strerror", None) or str(error)
        raise Problem(ProblemCode.SETTINGS_FILE_UNREADABLE, path=str(file), detail=detail) from error
    if unsafe is not None:
        raise Problem(ProblemCode.SETTINGS_FILE_UNSAFE, path=str(file), place=str(unsafe))
    return _parse(file, content)


def _read_current_folder(folder: Path | None, checkout: Path) -> tuple[dict[str, str], UnusedSettings | None]:
    """Return what the ``.env`` in *folder* may set, and what it was not allowed to."""
    try:
        file = (folder or Path.cwd()) / ".env"
        content = read_small(file)
        if content is None or not any(name.encode() in content for name in NAMES):
            return {}, None  # nothing of ours, as most
        in_checkout = file.parent.resolve() == checkout and (checkout / "pyproject.toml").is_file()
        unsafe = unsafe_place(file, only_mine=True) if KNOWS_OWNERS or in_checkout else file
    except OSError:  # no such folder any more, or no right to read: as if there were none
        return {}, None
    if unsafe is not None:
        names = {name for name in NAMES if re.search(rf"^\s*(export\s+)?{name}\s*=".encode(), content, re.MULTILINE)}
        return {}, UnusedSettings(file, tuple(sorted(names)), unsafe) if names else None
    read = _parse(file, content)
    refused = () if in_checkout else tuple(sorted(read.keys() - ANYWHERE))
    taken = {name: value for name, value in read.items() if name not in refused}
    return taken, UnusedSettings(file, refused, None) if refused else None


def _parse(file: Path, content: bytes) -> dict[str, str]:
    from dotenv import dotenv_values

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem(ProblemCode.SETTINGS_FILE_UNREADABLE, path=str(file), detail="UTF-8") from None
    values = dotenv_values(stream=io.StringIO(text))
    return {name: value for name, value in values.items() if name in NAMES and value is not None}


# --- values ------------------------------------------------------------------------------------------------------


def _invalid(name: str, files: Mapping[str, Path], allowed: str) -> Problem:
    """The problem of a value that cannot be used. The value itself may hold a password and is not repeated."""
    return Problem(ProblemCode.SETTING_INVALID, setting=name, allowed=allowed, place=str(files.get(name, f"${name}")))


def _text(values: Mapping[str, str], name: str, files: Mapping[str, Path], allowed: str) -> str:
    text = values.get(name, "").strip()
    if _NO_TEXT.search(text):
        raise _invalid(name, files, allowed)
    return text


_PLACES: Final = ("CONECTA_DATA_DIR", "BAILEYS_SESSION_DIR", "CONECTA_SECRETS_PASSPHRASE_FILE")


def _is_relative(values: Mapping[str, str], name: str) -> bool:
    text = values.get(name, "").strip()
    return bool(text) and not text.startswith("~") and not Path(text).is_absolute()


def _path(values: Mapping[str, str], name: str, files: Mapping[str, Path]) -> Path | None:
    """A folder or file. In a settings file, a relative one lies beside that file, wherever the program is started."""
    allowed = "~/conecta"
    text = _text(values, name, files, allowed)
    if not text:
        return None
    try:
        path = Path(text).expanduser()
        return (files[name].parent / path if name in files else path).absolute()
    except (OSError, RuntimeError):  # no current folder any more; a user whose home is not known
        raise _invalid(name, files, allowed) from None


def _command(values: Mapping[str, str], name: str, files: Mapping[str, Path]) -> tuple[str, ...] | None:
    allowed = 'program argument "another argument"'
    try:
        return tuple(shlex.split(_text(values, name, files, allowed))) or None
    except ValueError:
        raise _invalid(name, files, allowed) from None


def _address(values: Mapping[str, str], name: str, files: Mapping[str, Path], *, default: str) -> str:
    """The address of a service that is shown tokens: encrypted, unless it is this computer."""
    allowed = f"{default}, https://host:port/path, http://127.0.0.1:port"
    text = _text(values, name, files, allowed).rstrip("/") or default
    try:
        parts = urlsplit(text)
        here = parts.port != 0 and parts.hostname in _THIS_COMPUTER
    except ValueError:
        raise _invalid(name, files, allowed) from None
    extra = parts.username or parts.password or parts.query or parts.fragment
    safe = parts.scheme == "https" or (parts.scheme == "http" and here)
    if extra or not safe or not parts.hostname or not text.isascii() or len(text.split()) != 1:
        raise _invalid(name, files, allowed)
    return text


def _version(values: Mapping[str, str], name: str, files: Mapping[str, Path], *, default: str) -> str:
    text = _text(values, name, files, default) or default
    if not re.fullmatch(r"v[0-9]{1,3}\.[0-9]", text, re.ASCII):
        raise _invalid(name, files, default)
    return text


def _switch(values: Mapping[str, str], name: str, files: Mapping[str, Path]) -> bool:
    allowed = "true, false"
    text = _text(values, name, files, allowed).lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise _invalid(name, files, allowed)


def _integer(values: Mapping[str, str], name: str, files: Mapping[str, Path], *, default: int, most: int) -> int:
    """A whole number from 1 to *most*."""
    allowed = f"1-{most}"
    text = _text(values, name, files, allowed)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 0 < int(text) <= most):
        raise _invalid(name, files, allowed)
    return int(text)


def default_data_folder() -> Path:
    """Return where this platform keeps a program's data."""
    from platformdirs import user_data_path

    return user_data_path(APP_NAME, appauthor=False)


def _platform_config_dir() -> Path:
    from platformdirs import user_config_path

    return user_config_path(APP_NAME, appauthor=False)
