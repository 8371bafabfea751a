from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from app.domain.errors import Code, Problem
from app.settings import read_settings


def test_without_settings_everything_is_where_the_platform_keeps_data(tmp_path: Path) -> None:
    settings = read_settings({}, tmp_path)
    assert settings.data_dir.name == "conecta"
    assert settings.session_dir == settings.data_dir / "sessions"
    assert not settings.session_dir_was_chosen
    assert not settings.provider_logging
    assert settings.session_host is None


def test_the_earlier_systems_names_are_read_from_a_dotenv_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BAILEYS_SESSION_DIR=~/kept\nBAILEYS_ENABLE_LOGGING=true\n")
    settings = read_settings({}, tmp_path)
    assert settings.session_dir == Path.home() / "kept"
    assert settings.session_dir_was_chosen
    assert settings.provider_logging
    assert settings.provider_logging_for == timedelta(hours=1)


def test_the_detailed_log_can_last_for_another_time(tmp_path: Path) -> None:
    assert read_settings({"CONECTA_INCIDENT_PERCENT": "20"}, tmp_path).incident_share == 0.2
    assert read_settings({"CONECTA_LOGGING_MINUTES": "15"}, tmp_path).provider_logging_for == timedelta(minutes=15)


def test_the_environment_goes_before_the_dotenv_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BAILEYS_ENABLE_LOGGING=true\n")
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
        ("BAILEYS_SESSION_DIR", "a\0b"),
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
def test_a_setting_that_makes_no_sense_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(Problem) as caught:
        read_settings({name: value}, tmp_path)
    assert (caught.value.code, caught.value.context) == (Code.SETTING_INVALID, {"setting": name})
