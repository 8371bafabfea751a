"""An outline keeps what the program wrote, and nothing that anybody else did."""

from __future__ import annotations

import errno
import sqlite3
import sys
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from types import FunctionType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState
from app.domain.outline import (
    HIDDEN,
    LARGEST_NUMBER,
    MOST_CAUSES,
    MOST_FRAMES,
    OTHER,
    class_outline,
    exception_outline,
    is_outline,
    message_outline,
    stack_outline,
    value_outline,
)


class Name(StrEnum):
    """A code of somebody else."""

    ANA = "Ana Souza"


class StrangeError(Exception):
    """An exception of somebody else."""


@pytest.mark.parametrize(
    ("template", "values", "outline"),
    [
        ("Link %s: %s", ("0f" * 16, LinkState.CONNECTED), f"Link {HIDDEN}: connected"),
        ("%d links after %.1f s", (3, 2.25), "3 links after 2.2 s"),
        ("%d of 100 %%", (7,), "7 of 100 %"),
        ("%(who)s waits", {"who": "Ana"}, f"{HIDDEN} waits"),
        ("%(count)d wait", {"count": 4}, "4 wait"),
        ("%s failed: %s", ("Ana",), f"{HIDDEN} failed: None"),
        ("%d rang", (5511987654321,), f"{HIDDEN} rang"),
        ("%x", (True,), "True"),
        ("%r", ("Ana",), HIDDEN),
        ("nothing to fill in", (), "nothing to fill in"),
        (ValueError("Ana"), (), HIDDEN),
    ],
)
def test_a_message_keeps_its_template_and_the_values_that_give_nobody_away(
    template: object, values: object, outline: str
) -> None:
    assert message_outline(template, values) == outline


@given(st.text(min_size=1), st.integers(min_value=LARGEST_NUMBER))
def test_no_text_and_no_long_number_is_kept(words: str, number: int) -> None:
    assert message_outline("%s and %d", (words, number)) == f"{HIDDEN} and {HIDDEN}"
    assert value_outline(float(number)) == HIDDEN
    assert value_outline([words]) == HIDDEN


@pytest.mark.parametrize(
    ("value", "outline"),
    [
        (None, "None"),
        (False, "False"),
        (1234, "1234"),
        (0.5, "0.5"),
        (Name.ANA, HIDDEN),
        (ProblemCode.PHONE_TAKEN, "phone_taken"),
        (datetime(2026, 11, 29, 10, tzinfo=UTC), "2026-11-29T10:00:00+00:00"),
        (date(2026, 11, 29), "2026-11-29"),
        (timedelta(minutes=2), "120 s"),
        (ValueError("Ana"), "ValueError"),
        (KeyError, "KeyError"),
        (Problem, "app.domain.errors.Problem"),
        (StrangeError, OTHER),
    ],
)
def test_a_value_is_kept_for_what_it_is(value: object, outline: str) -> None:
    assert value_outline(value) == outline


def raised(error: OSError) -> OSError:
    try:
        raise error
    except OSError as caught:
        return caught


def test_an_exception_loses_its_words_and_keeps_its_code() -> None:
    full = OSError(errno.ENOSPC, "no room for Ana", "/home/ana/5511987654321.db")
    assert exception_outline(full) == ("OSError ENOSPC",)
    problem = Problem(ProblemCode.PHONE_TAKEN, name="Ana Souza")
    assert exception_outline(problem) == ("app.domain.errors.Problem phone_taken",)
    with pytest.raises(sqlite3.OperationalError) as caught:
        sqlite3.connect(":memory:").execute("SELECT Ana")
    assert exception_outline(caught.value)[-1] == "sqlite3.OperationalError SQLITE_ERROR"
    strange = StrangeError()
    strange.sqlite_errorname = "Ana"  # type: ignore[attr-defined]
    assert exception_outline(strange) == (OTHER,)


def test_the_places_of_the_program_are_named_and_those_of_others_are_not() -> None:
    def ours() -> None:
        raise ValueError("Ana")

    in_the_program = FunctionType(ours.__code__, {"__name__": "app.core.actions", "ValueError": ValueError})
    with pytest.raises(ValueError, match="Ana") as of_ours:
        in_the_program()
    line = ours.__code__.co_firstlineno + 1
    named = f"  app.core.actions:{line} {ours.__code__.co_qualname}"
    assert exception_outline(of_ours.value) == (f"  {OTHER}", named, "ValueError")
    nowhere = FunctionType(ours.__code__, {"ValueError": ValueError})
    with pytest.raises(ValueError, match="Ana") as of_nobody:
        nowhere()
    assert exception_outline(of_nobody.value) == (f"  {OTHER}", f"  {OTHER}", "ValueError")


def test_causes_come_first_and_a_hidden_context_is_left_out() -> None:
    chained = ValueError("later")
    chained.__cause__ = KeyError("Ana")
    assert exception_outline(chained) == ("KeyError", "ValueError")
    in_passing = ValueError("later")
    in_passing.__context__ = KeyError("Ana")
    assert exception_outline(in_passing) == ("KeyError", "ValueError")
    in_passing.__suppress_context__ = True
    assert exception_outline(in_passing) == ("ValueError",)
    circle = ValueError("a")
    circle.__cause__ = circle
    assert exception_outline(circle) == ("ValueError",)
    first = last = KeyError("Ana")
    for _ in range(2 * MOST_CAUSES):
        last.__cause__ = last = KeyError("Ana")
    assert len(exception_outline(first)) == MOST_CAUSES


def test_each_exception_of_a_group_is_told() -> None:
    group = ExceptionGroup("of Ana", [KeyError("Ana"), raised(OSError(errno.EIO, "Ana"))])
    assert exception_outline(group) == ("ExceptionGroup", "  | KeyError", f"  |   {OTHER}", "  | OSError EIO")


def test_a_stack_is_cut_in_its_middle() -> None:
    def deeper(depth: int) -> tuple[str, ...]:
        return deeper(depth - 1) if depth else stack_outline(sys._getframe())

    places = deeper(2 * MOST_FRAMES)
    assert len(places) == MOST_FRAMES + 1
    assert " more" in places[MOST_FRAMES // 2]
    assert stack_outline(None) == ()


def test_a_class_is_named_with_its_module() -> None:
    assert class_outline(datetime) == "datetime.datetime"
    assert class_outline(dict) == "dict"


@pytest.mark.parametrize(
    "line",
    [
        OTHER,
        f"  {OTHER}",
        "  … 12 more",
        "  app.core.actions:12 ActionService.run.<locals>.do",
        "  | KeyError",
        "  |   asyncio.runners:118 Runner.run",
        "ValueError",
        "OSError ENOSPC",
        "app.domain.errors.Problem phone_taken",
        "sqlalchemy.exc.OperationalError",
    ],
)
def test_what_an_outline_can_be_is_known(line: str) -> None:
    assert is_outline(line)


@pytest.mark.parametrize(
    "line",
    [
        "",
        3,
        None,
        "Ana",
        "ValueError: Ana",
        "  app.core.actions:12 Ana Souza",
        "  ana.souza:12 run",
        "ana.souza.Error",
        "  … Ana more",
        "  5511987654321",
        "app." + "a" * 600,
    ],
)
def test_a_line_of_others_is_none(line: object) -> None:
    assert not is_outline(line)
