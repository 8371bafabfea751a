from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from app.domain.errors import Problem, ProblemCode
from app.platform.files import LARGEST, read_small
from app.settings import ANYWHERE, NAMES, Settings, read_settings

PLACES = sorted(NAMES - ANYWHERE)
VALUES = {
    "CONECTA_SESSION_HOST": "python -m harvest",
    "CONECTA_ZAPI_URL": "https://harvest.example",
    "CONECTA_META_URL": "https://harvest.example",
    "CONECTA_DATA_DIR": "elsewhere",
    "CONECTA_SECRETS_PASSPHRASE_FILE": "passphrase",
    "BAILEYS_SESSION_DIR": "elsewhere",
    "BAILEYS_ENABLE_LOGGING": "true",
    "CONECTA_LOGGING_MINUTES": "15",
    "CONECTA_INCIDENT_PERCENT": "20",
    "CONECTA_META_VERSION": "v26.0",
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without settings, beside the current folder."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path.parent / f"{tmp_path.name}-config"))
    config = tmp_path.parent / f"{tmp_path.name}-config" / "conecta"
    config.mkdir(parents=True, mode=0o700)
    return config


def written(folder: Path, content: str | bytes) -> Path:
    file = folder / ".env"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def everything() -> str:
    return "".join(f"{name}={value}\n" for name, value in VALUES.items())


def test_without_settings_everything_is_where_the_platform_keeps_data(tmp_path: Path) -> None:
    settings = read_settings({}, tmp_path)
    assert settings.data_dir.name == "conecta"
    assert settings.session_dir == settings.data_dir / "sessions"
    assert not settings.session_dir_was_chosen
    assert not settings.provider_logging
    assert settings.session_host is None


def test_the_earlier_systems_names_are_read_from_the_settings_file(tmp_path: Path, home: Path) -> None:
    file = written(home, "BAILEYS_SESSION_DIR=~/kept\nBAILEYS_ENABLE_LOGGING=true\n")
    settings = read_settings({}, tmp_path)
    assert settings.session_dir == Path.home() / "kept"
    assert settings.session_dir_was_chosen
    assert settings.provider_logging
    assert settings.provider_logging_for == timedelta(hours=1)
    assert settings.settings_file == file


def test_a_relative_folder_lies_beside_the_settings_file_wherever_the_program_is_started(
    tmp_path: Path, home: Path
) -> None:
    written(home, "BAILEYS_SESSION_DIR=.baileys-sessions\n")
    assert read_settings({}, tmp_path).session_dir == home / ".baileys-sessions"
    assert read_settings({"BAILEYS_SESSION_DIR": "here"}, tmp_path).session_dir == Path.cwd() / "here"


@pytest.mark.parametrize("named_by", ["option", "environment"])
def test_a_file_that_is_named_takes_the_place_of_all_others(tmp_path: Path, home: Path, named_by: str) -> None:
    written(home, "CONECTA_ZAPI_URL=https://usual.example\n")
    written(tmp_path, "BAILEYS_ENABLE_LOGGING=true\n")
    file = tmp_path / "named.env"
    file.write_text(everything())
    if named_by == "option":
        settings = read_settings({}, tmp_path, env_file=file)
    else:
        settings = read_settings({"CONECTA_ENV_FILE": str(file)}, tmp_path)
    assert settings.zapi_url == "https://harvest.example"
    assert settings.session_dir == tmp_path / "elsewhere"
    assert {(override.setting, override.file) for override in settings.overrides} == {
        ("CONECTA_SESSION_HOST", file),
        ("CONECTA_ZAPI_URL", file),
        ("CONECTA_META_URL", file),
    }
    with pytest.raises(Problem) as caught:
        read_settings({"CONECTA_ENV_FILE": str(tmp_path / "none")}, tmp_path)
    assert caught.value.code is ProblemCode.SETTINGS_FILE_MISSING


# --- a `.env` in the current folder ------------------------------------------------------------------------------


def test_in_the_current_folder_no_command_no_address_and_no_folder_counts(tmp_path: Path) -> None:
    file = written(tmp_path, everything())
    usual, settings = read_settings({}, tmp_path.parent), read_settings({}, tmp_path)
    assert settings.overrides == ()
    assert (settings.data_dir, settings.session_dir) == (usual.data_dir, usual.session_dir)
    assert settings.provider_logging, "what names no place counts, in a folder of one's own"
    assert settings.incident_share == 0.2
    assert settings.meta_version == "v26.0"
    assert settings.unused is not None
    assert (settings.unused.file, list(settings.unused.names), settings.unused.unsafe) == (file, PLACES, None)


def test_in_the_checkout_that_the_program_runs_from_everything_counts(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    file = written(tmp_path, everything())
    settings = read_settings({}, tmp_path, checkout=tmp_path)
    assert settings.session_host == ("python", "-m", "harvest")
    assert settings.data_dir == tmp_path / "elsewhere"
    assert settings.unused is None
    assert {override.file for override in settings.overrides} == {file}


def shared(place: Path) -> Path:
    place.chmod(0o777)
    return place


def group_writable(place: Path) -> Path:
    place.chmod(0o770 if place.is_dir() else 0o660)
    return place


def given_away(place: Path) -> Path:
    os.chown(place, 12345, 12345)
    return place


@pytest.mark.parametrize("harm", [shared, group_writable, given_away])
@pytest.mark.parametrize("what", ["file", "folder", "above"])
@pytest.mark.parametrize("where", ["current", "checkout", "config", "named"])
def test_what_somebody_else_may_write_sets_nothing(
    tmp_path: Path, home: Path, where: str, what: str, harm: Callable[[Path], Path]
) -> None:
    if harm is given_away and os.geteuid() != 0:
        pytest.skip("only root gives files away")
    folder = (home if where == "config" else tmp_path) / "above" / "folder"
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").touch()
    file = written(folder, everything())
    place = harm({"file": file, "folder": folder, "above": folder.parent}[what])
    unsafe = file if what == "file" else place
    if where in ("current", "checkout"):
        settings = read_settings({}, folder, checkout=folder if where == "checkout" else tmp_path)
        assert settings.overrides == ()
        assert not settings.provider_logging
        assert settings.unused is not None
        assert (list(settings.unused.names), settings.unused.unsafe) == (sorted(NAMES), unsafe)
        return
    named = {"config_folder": folder} if where == "config" else {"env_file": file}
    with pytest.raises(Problem) as caught:
        read_settings({}, tmp_path, **named)
    assert caught.value.code is ProblemCode.SETTINGS_FILE_UNSAFE
    assert caught.value.context == {"path": str(file), "place": str(unsafe)}


def test_a_shared_folder_above_that_lets_nobody_rename_does_no_harm(tmp_path: Path) -> None:
    folder = tmp_path / "above" / "folder"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o1777)
    written(folder, "BAILEYS_ENABLE_LOGGING=true\n")
    assert read_settings({}, folder).provider_logging


def test_a_link_counts_in_the_configuration_folder_but_not_in_the_current_one(tmp_path: Path, home: Path) -> None:
    kept = tmp_path / "dotfiles"
    kept.mkdir()
    file = written(kept, "BAILEYS_ENABLE_LOGGING=true\n")
    (tmp_path / ".env").symlink_to(file)
    settings = read_settings({}, tmp_path)
    assert not settings.provider_logging
    assert settings.unused is not None
    assert settings.unused.unsafe == tmp_path / ".env"
    (home / ".env").symlink_to(file)
    assert read_settings({}, tmp_path).provider_logging
    kept.chmod(0o777)
    with pytest.raises(Problem) as caught:
        read_settings({}, tmp_path)
    assert caught.value.context == {"path": str(home / ".env"), "place": str(kept)}


def _by_a_link(tmp_path: Path, safe: Path) -> tuple[Path, Path]:
    """The link itself lies where others may write."""
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "named.env").symlink_to(safe / ".env")
    shared.chmod(0o1777)
    return shared / "named.env", shared


def _by_a_link_to_its_folder(tmp_path: Path, safe: Path) -> tuple[Path, Path]:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "folder").symlink_to(safe)
    shared.chmod(0o775)
    return shared / "folder" / ".env", shared


def _by_a_link_below_a_shared_folder(tmp_path: Path, safe: Path) -> tuple[Path, Path]:
    (tmp_path / "shared" / "mine").mkdir(parents=True)
    (tmp_path / "shared" / "mine" / ".env").symlink_to(Path("..", "..", safe.name, ".env"))
    (tmp_path / "shared").chmod(0o777)
    return tmp_path / "shared" / "mine" / ".env", tmp_path / "shared"


def _by_a_link_to_a_link(tmp_path: Path, safe: Path) -> tuple[Path, Path]:
    between, shared = _by_a_link(tmp_path, safe)
    (tmp_path / ".env").symlink_to(between)
    return tmp_path / ".env", shared


@pytest.mark.skipif(os.name != "posix", reason="elsewhere nobody can be asked who may write")
@pytest.mark.parametrize(
    "way", [_by_a_link, _by_a_link_to_its_folder, _by_a_link_below_a_shared_folder, _by_a_link_to_a_link]
)
def test_a_settings_file_behind_a_link_that_others_could_replace_is_refused(
    tmp_path: Path, way: Callable[[Path, Path], tuple[Path, Path]]
) -> None:
    safe = tmp_path / "safe"
    safe.mkdir()
    written(safe, "CONECTA_SESSION_HOST=python -m harvest\n")
    file, place = way(tmp_path, safe)
    for named in ({"env_file": file}, {"config_folder": file.parent}) if file.name == ".env" else ({"env_file": file},):
        with pytest.raises(Problem) as caught:
            read_settings({}, safe / "elsewhere", **named)
        assert caught.value.code is ProblemCode.SETTINGS_FILE_UNSAFE
        assert caught.value.context == {"path": str(file), "place": str(place)}


def test_the_file_of_another_program_is_nobodys_business(tmp_path: Path) -> None:
    written(tmp_path, "DJANGO_SECRET=1\nPATH=/evil\n# BAILEYS_SESSION_DIR=x\n")
    assert read_settings({}, tmp_path).unused is None
    (tmp_path / ".env").chmod(0o666)
    assert read_settings({}, tmp_path).unused is None
    written(tmp_path, b"PASSWORD=\xff\n")
    assert read_settings({}, tmp_path).unused is None


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"BAILEYS_ENABLE_LOGGING=\xff\xfe\n", id="not text"),
        pytest.param("BAILEYS_ENABLE_LOGGING=true\n".encode("utf-16"), id="UTF-16"),
        pytest.param(b"#" * LARGEST + b"\nBAILEYS_ENABLE_LOGGING=true\n", id="too large"),
    ],
)
def test_a_settings_file_that_cannot_be_read_is_named(tmp_path: Path, home: Path, content: bytes) -> None:
    file = written(home, content)
    with pytest.raises(Problem) as caught:
        read_settings({}, tmp_path)
    assert (caught.value.code, caught.value.context["path"]) == (ProblemCode.SETTINGS_FILE_UNREADABLE, str(file))


def test_a_file_with_the_mark_of_windows_editors_is_read(tmp_path: Path, home: Path) -> None:
    written(home, b"\xef\xbb\xbfBAILEYS_ENABLE_LOGGING=true\r\n")
    assert read_settings({}, tmp_path).provider_logging


def test_a_pipe_or_a_folder_is_no_settings_file(tmp_path: Path, home: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    assert read_settings({}, tmp_path).unused is None
    (home / ".env").mkdir()
    with pytest.raises(Problem) as caught:
        read_settings({}, tmp_path)
    assert caught.value.code is ProblemCode.SETTINGS_FILE_UNREADABLE
    with pytest.raises(OSError, match="not a regular file"):
        read_small(tmp_path / ".env")


def test_a_current_folder_that_is_gone_sets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert read_settings({}).overrides == ()
    with pytest.raises(Problem) as caught:
        read_settings({"CONECTA_DATA_DIR": "relative"})
    assert caught.value.code is ProblemCode.SETTING_INVALID


def test_settings_made_in_the_program_know_what_is_not_the_default(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, session_dir=tmp_path, session_host=("a", "b c"))
    (override,) = settings.overrides
    assert (override.setting, override.value, override.file) == ("CONECTA_SESSION_HOST", "a 'b c'", None)


# --- values ------------------------------------------------------------------------------------------------------


def test_the_detailed_log_can_last_for_another_time(tmp_path: Path) -> None:
    assert read_settings({"CONECTA_INCIDENT_PERCENT": "20"}, tmp_path).incident_share == 0.2
    assert read_settings({"CONECTA_LOGGING_MINUTES": "15"}, tmp_path).provider_logging_for == timedelta(minutes=15)


def test_the_environment_goes_before_the_settings_file_and_that_before_the_current_folder(
    tmp_path: Path, home: Path
) -> None:
    written(tmp_path, "BAILEYS_ENABLE_LOGGING=false\nCONECTA_LOGGING_MINUTES=5\n")
    written(home, "BAILEYS_ENABLE_LOGGING=true\n")
    settings = read_settings({}, tmp_path)
    assert settings.provider_logging
    assert settings.provider_logging_for == timedelta(minutes=5)
    assert not read_settings({"BAILEYS_ENABLE_LOGGING": "false"}, tmp_path).provider_logging


def test_the_command_of_a_session_host_is_split_as_a_shell_would(tmp_path: Path) -> None:
    settings = read_settings({"CONECTA_SESSION_HOST": "python -m host 'a b'"}, tmp_path)
    assert settings.session_host == ("python", "-m", "host", "a b")


def test_z_api_is_asked_at_its_own_address_unless_another_is_named(tmp_path: Path) -> None:
    assert read_settings({}, tmp_path).zapi_url == "https://api.z-api.io"
    for address in ("https://zapi.example:8443/v1", "http://127.0.0.1:9000", "http://[::1]:9000"):
        assert read_settings({"CONECTA_ZAPI_URL": f"{address}/"}, tmp_path).zapi_url == address


def test_the_cloud_api_is_asked_at_its_own_address_and_in_a_version_that_can_be_chosen(tmp_path: Path) -> None:
    settings = read_settings({}, tmp_path)
    assert (settings.meta_url, settings.meta_version) == ("https://graph.facebook.com", "v25.0")
    chosen = {"CONECTA_META_URL": "http://127.0.0.1:9000/", "CONECTA_META_VERSION": "v26.0"}
    settings = read_settings(chosen, tmp_path)
    assert (settings.meta_url, settings.meta_version) == ("http://127.0.0.1:9000", "v26.0")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONECTA_META_URL", "http://graph.example"),
        ("CONECTA_META_VERSION", "25"),
        ("CONECTA_META_VERSION", "v25.0/../me"),
        ("CONECTA_INCIDENT_PERCENT", "0"),
        ("CONECTA_INCIDENT_PERCENT", "101"),
        ("CONECTA_LOGGING_MINUTES", "0"),
        ("CONECTA_LOGGING_MINUTES", "soon"),
        ("CONECTA_LOGGING_MINUTES", "10081"),
        ("BAILEYS_ENABLE_LOGGING", "maybe"),
        ("CONECTA_INCIDENT_PERCENT", "9" * 5000),
        ("BAILEYS_SESSION_DIR", "a\0b"),
        ("BAILEYS_SESSION_DIR", "a\udcffb"),
        ("CONECTA_DATA_DIR", "~nobody-of-that-name/data"),
        ("CONECTA_SESSION_HOST", "python \0"),
        ("CONECTA_ENV_FILE", "a\0b"),
        ("CONECTA_SESSION_HOST", "'unclosed"),
        ("CONECTA_ZAPI_URL", "http://zapi.example"),  # tokens would travel in the clear
        ("CONECTA_ZAPI_URL", "https://ana:secret@zapi.example"),
        ("CONECTA_ZAPI_URL", "https://"),
        ("CONECTA_ZAPI_URL", "api.z-api.io"),
        ("CONECTA_ZAPI_URL", "https://zapi.example?a=b"),
        ("CONECTA_ZAPI_URL", "https://zapi.example:nowhere"),
        ("CONECTA_ZAPI_URL", "https://[zapi"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_with_its_place_and_what_is_allowed(
    tmp_path: Path, home: Path, name: str, value: str
) -> None:
    with pytest.raises(Problem) as caught:
        read_settings({name: value}, tmp_path)
    allowed = caught.value.context.pop("allowed")
    assert (caught.value.code, caught.value.context) == (
        ProblemCode.SETTING_INVALID,
        {"setting": name, "place": f"${name}"},
    )
    assert allowed
    assert "secret" not in allowed


def test_a_wrong_value_in_a_file_leads_to_the_file(tmp_path: Path, home: Path) -> None:
    file = written(home, "CONECTA_META_VERSION=25\n")
    with pytest.raises(Problem) as caught:
        read_settings({}, tmp_path)
    assert caught.value.context == {"setting": "CONECTA_META_VERSION", "place": str(file), "allowed": "v25.0"}
