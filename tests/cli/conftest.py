"""The command line over a folder of its own, in English."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from app.__main__ import main
from app.domain.messages import MessageUpdate
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.mentorados import SqlMentoradoRepository
from app.text.status import texts
from tests.clock import DAWN

Conecta = Callable[..., tuple[int, str, str]]


@pytest.fixture
def conecta(fast_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Conecta]:
    """Run the command line, with *typed* on its standard input; returns exit code, standard output and error."""
    monkeypatch.setenv("CONECTA_DATA_DIR", str(fast_dir / "data"))
    monkeypatch.delenv("BAILEYS_SESSION_DIR", raising=False)
    monkeypatch.setattr("app.platform.logging.configure_logging", lambda _file: None)
    monkeypatch.chdir(fast_dir)
    language = texts.language
    texts.set_language("en")
    logging.getLogger("app").setLevel(logging.NOTSET)

    def run(*arguments: str, typed: str | None = None) -> tuple[int, str, str]:
        if typed is not None:
            monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        code = main(arguments)
        out = capsys.readouterr()
        return code, out.out, out.err

    yield run
    texts.set_language(language)


async def store_talk(file: Path, talk: Sequence[MessageUpdate]) -> None:
    """Store *talk* as what the only mentorado in *file* said."""
    async with Database(file) as database:
        (ana,) = await SqlMentoradoRepository(database).all()
        await SqlMessageRepository(database).store(ana, talk, DAWN)
