"""What commands write can be read, whoever wrote it."""

from __future__ import annotations

import json
import sys

import pytest

from app.domain.errors import Problem, ProblemCode
from app.platform.terminal import json_line, printed
from app.text.status import problem, texts

NASTY = "Ana\x1b]0;owned\x07\x9b2J\u202e\ud800"


def test_control_characters_of_others_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    printed(NASTY, 3, flush=True)
    printed(NASTY, file=sys.stderr)
    out, err = capsys.readouterr()
    assert out == "Ana␛]0;owned␇\ufffd2J\ufffd\ufffd 3\n"
    assert "\x1b" not in err


def test_a_machine_gets_them_escaped_and_whole() -> None:
    line = json_line({"name": NASTY, "plain": "João\n"})
    assert not any(sign in line for sign in "\x1b\x9b\u202e\ud800")
    assert json.loads(line) == {"name": NASTY, "plain": "João\n"}
    assert "João" in line


def test_sentences_show_what_they_are_filled_with() -> None:
    assert "\x1b" not in texts("cli.archived", name=NASTY, phone="")
    assert "\u202e" not in problem(Problem(ProblemCode.PHONE_INVALID, typed=NASTY))[0]
