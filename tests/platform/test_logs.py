from __future__ import annotations

import asyncio
import json
import logging
import os
import traceback
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from app.domain.mentorado import MentoradoId, new_mentorado_id
from app.domain.outline import exception_outline
from app.domain.redaction import redacted
from app.platform.logging import PerMentoradoHandler, PrivateRotatingFileHandler, configure_logging, log_context
from app.storage.database import Database
from app.storage.tables import setting


@pytest.fixture
def app_log() -> Iterator[logging.Logger]:
    log = logging.getLogger("app")
    before, level = list(log.handlers), log.level
    yield log
    for handler in log.handlers:
        if handler not in before:
            handler.close()
    log.handlers, log.level = before, level
    logging.getLogger("app.whatsmeow").setLevel(logging.NOTSET)


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


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
    assert (file.parent.stat().st_mode | file.stat().st_mode) & 0o077 == 0


def test_each_line_is_an_object_in_utc(
    tmp_path: Path, app_log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    configure_logging(file := tmp_path / "logs" / "conecta.log")
    app_log.getChild("core").info("José said %r\nand left", 'a "word"')
    try:
        raise ValueError("broken")
    except ValueError:
        app_log.exception("Link broke")
    fields, broken = lines(file)
    assert fields["at"].endswith("+00:00")
    assert (fields["level"], fields["logger"]) == ("INFO", "app.core")
    assert fields["message"] == "José said 'a \"word\"'\nand left"
    assert "error" not in fields
    assert "ValueError: broken" in broken["error"]


def test_what_is_about_a_mentorado_is_in_a_stream_of_theirs_too(
    tmp_path: Path, app_log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    configure_logging(file := tmp_path / "logs" / "conecta.log")
    ana, bia = new_mentorado_id(), new_mentorado_id()
    app_log.info("about nobody")
    with log_context(ana):
        app_log.info("about Ana")
        with log_context(bia):
            app_log.info("about Bia, +5511987654321")
        app_log.info("about Ana again")
    app_log.info("about nobody again")
    assert [line.get("mentorado") for line in lines(file)] == [None, ana, bia, ana, None]
    assert [line["message"] for line in lines(file.with_name(f"{ana}.log"))] == ["about Ana", "about Ana again"]
    assert [line["message"] for line in lines(file.with_name(f"{bia}.log"))] == ["about Bia, +55…21"]
    assert file.with_name(f"{ana}.log").stat().st_mode & 0o077 == 0


def test_the_librarys_detail_goes_to_the_stream_alone(
    tmp_path: Path, app_log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    configure_logging(file := tmp_path / "logs" / "conecta.log")
    with log_context(ana := new_mentorado_id()):
        logging.getLogger("app.whatsmeow").debug("frame to 5511987654321:12@s.whatsapp.net")
        app_log.debug("ours, and too much")
        app_log.info("ours")
    assert [line["message"] for line in lines(file)] == ["ours"]
    detail = [line["message"] for line in lines(file.with_name(f"{ana}.log"))]
    assert detail == ["frame to +55…21:12@s.whatsapp.net", "ours"]


@pytest.mark.parametrize("name", ["../../evil", "A" * 32, "", "conecta"])
def test_only_an_id_of_ours_becomes_a_file(
    tmp_path: Path, app_log: logging.Logger, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    configure_logging(file := tmp_path / "logs" / "conecta.log")
    with log_context(MentoradoId(name)):
        app_log.info("said once")
    assert list(tmp_path.rglob("*.log")) == [file]
    assert len(lines(file)) == 1


def test_files_rotate_and_no_more_than_a_few_are_open(tmp_path: Path) -> None:
    streams = PerMentoradoHandler(tmp_path)
    ids = [new_mentorado_id() for _ in range(40)]
    for mentorado_id in (*ids, ids[0]):
        with log_context(mentorado_id):
            streams.emit(logging.makeLogRecord({"msg": "a line"}))
    assert len(streams._files) == 16
    assert len(lines(tmp_path / f"{ids[0]}.log")) == 2
    for file in streams._files.values():
        file.maxBytes = 500
    for _ in range(30):
        with log_context(ids[-1]):
            streams.emit(logging.makeLogRecord({"msg": "x" * 100}))
    streams.close()
    kept = sorted(path.name for path in tmp_path.glob(f"{ids[-1]}.log*"))
    assert kept == [f"{ids[-1]}.log{end}" for end in ("", ".1", ".2")]
    assert all(path.stat().st_size <= 500 for path in tmp_path.glob(f"{ids[-1]}.log*"))


def test_a_disk_that_is_full_loses_lines_and_bothers_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = PrivateRotatingFileHandler(tmp_path / "x.log", megabytes=1, former=1)
    monkeypatch.setattr(file, "_open", lambda: (_ for _ in ()).throw(OSError(28, "full")))
    file.handle(logging.makeLogRecord({"msg": "lost"}))
    assert capsys.readouterr().err == ""
    other = PrivateRotatingFileHandler(tmp_path / "y.log", megabytes=1, former=1)
    other.handle(logging.makeLogRecord({"msg": "%d", "args": ("a bug",)}))
    other.close()
    assert "a bug" in capsys.readouterr().err


@pytest.mark.parametrize(
    "number",
    [
        "+5511987654321",
        "+55 11 98765-4321",
        "+55 (11) 98765-4321",
        "(11) 98765-4321",
        "11 98765-4321",
        "11987654321",
        "-5511987654321",
        "user_5511987654321",
        "5511987654321-1400000000@g.us",
        "120363000000987654321@g.us",
    ],
)
def test_numbers_are_masked_however_they_are_written(number: str) -> None:
    line = redacted(f"typed {number}, and left")
    assert "987" not in line
    assert "…" in line
    assert line.endswith(", and left")


def test_ids_and_times_are_left_alone() -> None:
    line = "2026-11-22 10:00:00,123 link 05f6184e94f14d54be1242a65a815229 after 12345 ms"
    assert redacted(line) == line


def test_a_folder_that_cannot_be_written_leaves_warnings_on_standard_error(
    tmp_path: Path, app_log: logging.Logger, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "logs").write_text("a file in the way")
    configure_logging(tmp_path / "logs" / "conecta.log")
    app_log.warning("seen")
    assert "seen" in capsys.readouterr().err


def a_link(log: Path, victim: Path) -> None:
    log.symlink_to(victim)


def a_link_to_nothing(log: Path, _victim: Path) -> None:
    log.symlink_to(log.with_name("nothing"))


def a_second_name(log: Path, victim: Path) -> None:
    log.hardlink_to(victim)


def a_pipe(log: Path, _victim: Path) -> None:
    os.mkfifo(log)


@pytest.mark.parametrize("planted", [a_link, a_link_to_nothing, a_second_name, a_pipe])
@pytest.mark.parametrize("name", ["conecta.log", "one mentorado"])
def test_what_was_planted_in_the_place_of_a_log_is_not_written_to(
    tmp_path: Path, app_log: logging.Logger, name: str, planted: Callable[[Path, Path], None]
) -> None:
    mentorado_id = new_mentorado_id()
    (tmp_path / "logs").mkdir()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    log = tmp_path / "logs" / (name if name == "conecta.log" else f"{mentorado_id}.log")
    planted(log, victim)
    configure_logging(tmp_path / "logs" / "conecta.log")
    with log_context(mentorado_id):
        app_log.info("hello")
    assert victim.read_text() == "precious"
    assert not (tmp_path / "logs" / "nothing").exists()
    assert [line["message"] for line in lines(log)] == ["hello"]
    assert log.is_file()
    assert not log.is_symlink()


def test_what_is_planted_everywhere_is_in_no_log_and_no_crash_report(
    tmp_path: Path, app_log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """Issue 9, 12: one redaction, for the log of the program, the log of a mentorado and the report of a crash."""
    configure_logging(file := tmp_path / "logs" / "conecta.log")
    planted = "+55 (11) 98765-4321, 2@abcdefghijkl,mno= K7XQ-93TR token=hush-hush Bearer EAAGm0PX4ZCpsBAKZB2x7ZBq1"
    with log_context(new_mentorado_id()):
        app_log.info("it said %s", planted)
        try:
            raise ValueError(planted) from KeyError(planted)
        except ValueError as error:
            error.add_note(planted)
            app_log.exception("broke: %r", {"said": planted})
            crash = "\n".join(exception_outline(error))
    written = crash + "".join(each.read_text() for each in file.parent.iterdir())
    assert len(list(file.parent.iterdir())) == 2
    assert "broke" in written
    for private in ("98765", "4321", "abcdef", "K7XQ", "93TR", "hush", "EAAG"):
        assert private not in written


WORDS = "meu segredo"


async def _store_what_is_refused(database: Database) -> None:
    def work(connection: Connection) -> None:
        for _ in range(2):  # the second time, the same key
            connection.execute(setting.insert().values(key="x", value=WORDS, changed_at=datetime.now(UTC)))

    await database.run(work)


async def _store_what_cannot_be_bound(database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.execute(setting.insert().values(key="x", value=WORDS, changed_at=datetime(2026, 1, 1)))  # noqa: DTZ001

    await database.run(work)


@pytest.mark.parametrize("refused", [_store_what_is_refused, _store_what_cannot_be_bound])
def test_an_error_of_the_database_does_not_carry_what_people_wrote(
    tmp_path: Path,
    app_log: logging.Logger,
    caplog: pytest.LogCaptureFixture,
    refused: Callable[[Database], Awaitable[None]],
) -> None:
    configure_logging(file := tmp_path / "logs" / "conecta.log")

    async def main() -> str:
        async with Database(tmp_path / "conecta.db") as database:
            with pytest.raises(SQLAlchemyError) as caught:
                await refused(database)
        app_log.error("broke", exc_info=caught.value)
        return "".join([*traceback.format_exception(caught.value), *exception_outline(caught.value)])

    written = asyncio.run(main()) + file.read_text()
    assert "INSERT INTO setting" in written
    assert WORDS not in written


def test_a_line_has_an_outline_without_a_word_from_outside(
    tmp_path: Path, app_log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    configure_logging(file := tmp_path / "logs" / "conecta.log")
    try:
        raise ValueError("Ana Souza")
    except ValueError:
        app_log.exception("%s failed after %d s", "Ana Souza", 3)
    app_log.warning("blocked", extra={"trace": ("  app.core.actions:1 run",)})
    broken, blocked = lines(file)
    assert broken["message"] == "Ana Souza failed after 3 s"
    assert broken["outline"] == "[…] failed after 3 s"
    assert broken["trace"] == ["  [other code]", "ValueError"]
    assert blocked["trace"] == ["  app.core.actions:1 run"]
