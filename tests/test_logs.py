from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.logs import configure_logging, discreet


@pytest.fixture
def app_log() -> Iterator[logging.Logger]:
    log = logging.getLogger("app")
    before, level = list(log.handlers), log.level
    yield log
    for handler in log.handlers:
        if handler not in before:
            handler.close()
    log.handlers, log.level = before, level


def test_numbers_and_codes_never_reach_the_file(
    tmp_path: Path, app_log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    configure_logging(file := tmp_path / "logs" / "conecta.log")
    app_log.info("paired 5511987654321@s.whatsapp.net with https://wa.me/settings/linked_devices#2@abc,def")
    try:
        raise ValueError("+5521912345678")
    except ValueError:
        app_log.exception("broke")
    written = file.read_text()
    assert "987654321" not in written
    assert "912345678" not in written
    assert "2@abc" not in written
    assert "+55…21" in written
    assert "+55…78" in written
    assert file.parent.stat().st_mode & 0o077 == 0


def test_ids_and_times_are_left_alone() -> None:
    line = "2026-11-22 10:00:00,123 link 05f6184e94f14d54be1242a65a815229 after 12345 ms"
    assert discreet(line) == line


def test_a_folder_that_cannot_be_written_leaves_warnings_on_standard_error(
    tmp_path: Path, app_log: logging.Logger, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "logs").write_text("a file in the way")
    configure_logging(tmp_path / "logs" / "conecta.log")
    app_log.warning("seen")
    assert "seen" in capsys.readouterr().err
