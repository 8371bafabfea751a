"""What commands write can be read, whoever wrote it."""

from __future__ import annotations

import ctypes
import io
import json
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import zxingcpp

from app.cli.output import print_qr
from app.domain.errors import Problem, ProblemCode
from app.platform.terminal import can_write, json_line, prepare_streams, printed, understands_colours
from app.text.status import problem, texts
from app.text.translator import load

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


# --- letters that a terminal does not have -----------------------------------------------------------------------

SENTENCE = "João — “conexões” às 10…\xa0→ Ação, nº 2"
CODE = "https://example.invalid/a-harmless-code"


class OldTerminal(io.TextIOWrapper):
    """A stream with the letters of *encoding*; *shown*, a person looks at it."""

    def __init__(self, encoding: str, *, shown: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="\n")
        self.shown = shown

    def isatty(self) -> bool:
        return self.shown

    def fileno(self) -> int:
        return 2

    def content(self) -> bytes:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue()


def out_of(monkeypatch: pytest.MonkeyPatch, encoding: str) -> OldTerminal:
    out = OldTerminal(encoding)
    monkeypatch.setattr(sys, "stdout", out)
    prepare_streams()
    return out


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", SENTENCE),
        ("cp1252", SENTENCE.replace("→", "->")),
        ("cp850", 'João - "conexões" às 10...\xa0-> Ação, nº 2'),
        ("cp437", 'Joao - "conexoes" às 10...\xa0-> Açao, nº 2'),
        ("latin-1", 'João - "conexões" às 10...\xa0-> Ação, nº 2'),
        ("ascii", 'Joao - "conexoes" as 10... -> Acao, no 2'),
    ],
)
def test_a_terminal_gets_the_nearest_letters_it_has(monkeypatch: pytest.MonkeyPatch, encoding: str, shown: str) -> None:
    out = out_of(monkeypatch, encoding)
    printed(SENTENCE)
    assert out.content().decode(encoding) == f"{shown}\n"


@pytest.mark.parametrize("language", ["pt-BR", "en"])
@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "cp437", "latin-1", "ascii"])
def test_no_text_of_ours_ends_as_an_escape(monkeypatch: pytest.MonkeyPatch, encoding: str, language: str) -> None:
    out = out_of(monkeypatch, encoding)
    for words in load(language).values():
        out.write(words)
    assert b"\\u" not in out.content()


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "cp437", "ascii"])
def test_a_machine_gets_the_same_whatever_the_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    out = out_of(monkeypatch, encoding)
    value = {"name": "João 🎉 \x1b", "text": SENTENCE}
    printed(json_line(value))
    assert json.loads(out.content().decode(encoding)) == value


def test_windows_gives_pipes_and_files_every_letter_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own encoding for them has the letters of one part of the world."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("maçã 🎉\n".encode()), encoding="cp1252"))
    out = out_of(monkeypatch, "cp1252")
    printed(sys.stdin.readline().strip())
    assert out.content().decode() == "maçã 🎉\n"
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    out = out_of(monkeypatch, "cp1252")
    printed("maçã")
    assert out.content().decode("cp1252") == "maçã\n"


def test_a_program_without_streams_starts_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows starts what has no console."""
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    prepare_streams()
    assert sys.stdin.read() == ""
    assert json_line({"name": "João"}) == '{"name": "João"}'
    sys.stdin.close()


DRAWN = {"▀": "10", "▄": "01", "█": "11", "\xa0": "00", " ": "00", "#": "1"}


def scanned(drawing: str) -> str:
    """What a phone reads off *drawing*, of half blocks or of pairs of signs."""
    lines = drawing.splitlines()
    if "#" in drawing:
        dark = np.array([[sign == " " for sign in line[::2]] for line in lines])
    else:
        halves = np.array([[[int(bit) for bit in DRAWN[sign]] for sign in line] for line in lines])
        dark = halves.transpose(0, 2, 1).reshape(2 * len(lines), -1) == 0
    image = np.where(np.kron(dark, np.ones((4, 4), dtype=bool)), 0, 255).astype(np.uint8)
    return "".join(found.text for found in zxingcpp.read_barcodes(np.ascontiguousarray(np.pad(image, 16, "edge"))))


@pytest.mark.parametrize("encoding", ["utf-8", "cp850", "cp437", "cp1252", "latin-1", "ascii"])
def test_a_code_is_drawn_with_what_the_encoding_has(encoding: str) -> None:
    out = OldTerminal(encoding)
    print_qr(CODE, out)
    assert scanned(out.content().decode(encoding)) == CODE


def test_a_terminal_without_half_blocks_gets_colours() -> None:
    out = OldTerminal("latin-1", shown=True)
    print_qr(CODE, out)
    assert out.content().startswith(b"\x1b[1;47m  ")


@pytest.mark.parametrize(("known", "taken"), [(1, 1), (1, 0), (0, 1)])
def test_the_console_of_windows_is_asked_whether_it_understands_colours(
    monkeypatch: pytest.MonkeyPatch, known: int, taken: int
) -> None:
    """An older one would write the escape sequences themselves into the code."""
    modes: list[int] = []

    def get_mode(_handle: object, mode: object) -> int:
        vars_of(mode).value = 3
        return known

    def set_mode(_handle: object, mode: int) -> int:
        modes.append(mode)
        return taken

    console = SimpleNamespace(GetConsoleMode=get_mode, SetConsoleMode=set_mode)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "WinDLL", lambda _name: console, raising=False)
    runtime = ModuleType("msvcrt")
    monkeypatch.setattr(runtime, "get_osfhandle", lambda descriptor: descriptor + 1, raising=False)
    monkeypatch.setitem(sys.modules, "msvcrt", runtime)
    assert not understands_colours(OldTerminal("cp850"))
    out = OldTerminal("cp850", shown=True)
    assert understands_colours(out) == bool(known and taken)
    assert modes == [7] * known
    print_qr(CODE, out)
    assert (b"\x1b" in out.content()) == bool(known and taken)


def vars_of(reference: object) -> ctypes.c_uint32:
    """What `ctypes.byref` refers to."""
    found = getattr(reference, "_obj", None)
    assert isinstance(found, ctypes.c_uint32)
    return found


def test_letters_are_asked_for_by_what_the_stream_says_it_has() -> None:
    assert can_write("▀", io.StringIO())
    assert not can_write("▀", OldTerminal("cp1252"))
