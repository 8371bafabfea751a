"""A crash report is written and read without a word of others, and what others wrote is no crash report."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.crash_report import (
    CHILD_PREFIX,
    Crash,
    CrashEffect,
    CrashPlace,
    CrashReport,
    child_line,
    decode_report,
    encode_report,
    read_child_line,
    report_text,
)

NOW = datetime(2026, 11, 29, 18, 30, tzinfo=UTC)
CRASH = Crash(
    lines=("  app.core.actions:12 run", "KeyError"),
    place=CrashPlace.TASK,
    effect=CrashEffect.TASK_ENDED,
    about="[…] failed",
)
REPORT = CrashReport(crash=CRASH, version="1.2.3", first_at=NOW, last_at=NOW)


def test_a_report_is_read_as_it_was_written() -> None:
    again = REPORT.repeated(NOW + timedelta(minutes=1))
    assert (again.count, again.first_at, again.last_at) == (2, NOW, NOW + timedelta(minutes=1))
    assert decode_report(encode_report(again)) == again


def test_the_text_says_what_happened_how_often_and_what_was_done() -> None:
    assert report_text(REPORT).splitlines() == [
        "Conecta 1.2.3",
        "first 2026-11-29T18:30:00Z, last 2026-11-29T18:30:00Z, times: 1",
        "place: task, effect: task_ended",
        "log: […] failed",
        "",
        "  app.core.actions:12 run",
        "KeyError",
    ]
    assert "log:" not in report_text(replace(REPORT, crash=replace(CRASH, about="")))


def test_the_key_is_of_the_trace_alone() -> None:
    assert replace(CRASH, about="", effect=CrashEffect.WENT_ON).key == CRASH.key
    assert replace(CRASH, lines=("ValueError",)).key != CRASH.key


@pytest.mark.parametrize(
    "change",
    [
        {"lines": ["Ana Souza"]},
        {"lines": []},
        {"lines": "ValueError"},
        {"lines": ["ValueError"] * 1000},
        {"about": 3},
        {"place": "Ana"},
        {"effect": None},
        {"count": "Ana"},
        {"version": None},
        {"first_at": "Ana"},
        {"first_at": "2026-11-29T18:30:00"},
        {"last_at": 3},
    ],
)
def test_what_the_program_would_not_write_is_no_report(change: dict[str, Any]) -> None:
    assert decode_report(json.dumps(json.loads(encode_report(REPORT)) | change)) is None


@given(st.text())
def test_no_text_is_taken_for_a_report(text: str) -> None:
    assert decode_report(text) is None
    assert read_child_line(text) is None
    assert read_child_line(CHILD_PREFIX + text) is None


@pytest.mark.parametrize("plain", [[], 3, {}, {"count": 1}, None])
def test_json_of_another_shape_is_no_report(plain: object) -> None:
    assert decode_report(json.dumps(plain)) is None
    assert read_child_line(CHILD_PREFIX + json.dumps(plain)) is None


def test_a_child_tells_of_an_exception_in_one_line() -> None:
    line = child_line(ValueError("Ana"), CrashEffect.CHILD_RESTARTED)
    assert "\n" not in line
    assert read_child_line(line) == Crash(
        lines=("ValueError",), place=CrashPlace.CHILD_PROCESS, effect=CrashEffect.CHILD_RESTARTED
    )


def test_the_line_of_a_child_fits_into_a_pipe_whole() -> None:
    many = ExceptionGroup("", [ExceptionGroup("", [ExceptionGroup("", [ValueError()] * 5)] * 5)] * 5)
    line = child_line(many, CrashEffect.WENT_ON)
    assert 3000 < len(line.encode()) <= 4096
    assert read_child_line(line) is not None
