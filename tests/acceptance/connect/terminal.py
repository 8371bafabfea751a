"""The program's commands, run as an operator runs them, and the code read off the terminal as a phone does."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import zxingcpp

_HALVES = {" ": (255, 255), "\xa0": (255, 255), "▀": (0, 255), "▄": (255, 0), "█": (0, 0)}


@dataclass(slots=True)
class Finished:
    """What a command left behind."""

    exit_code: int
    out: str
    error: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """Standard output, a JSON object a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(slots=True)
class Command:
    """A command that runs."""

    process: asyncio.subprocess.Process
    drawn: list[str] = field(default_factory=list)
    _out: str = ""

    async def code(self, within: float = 20) -> str:
        """The text of the next code that is drawn on standard error."""
        assert self.process.stderr is not None
        drawing: list[str] = []
        async with asyncio.timeout(within):
            while line := (await self.process.stderr.readline()).decode().rstrip("\n"):
                self.drawn.append(line)
                if set(line) <= set(_HALVES):
                    drawing.append(line)
                elif drawing:
                    return read_code(drawing)
        raise AssertionError(f"no code was drawn, but: {self.drawn}")

    async def finished(self, within: float = 30) -> Finished:
        async with asyncio.timeout(within):
            out, error = await self.process.communicate()
        return Finished(self.process.returncode or 0, out.decode(), "\n".join([*self.drawn, error.decode()]))


@asynccontextmanager
async def started(
    folder: Path,
    environment: Mapping[str, str],
    *arguments: str,
    program: Sequence[str] = (sys.executable, "-m", "app"),
) -> AsyncIterator[Command]:
    """``conecta`` with these *arguments*; it is killed when the context ends before it does."""
    process = await asyncio.create_subprocess_exec(
        *program,
        *arguments,
        cwd=folder,
        env={**environment, "PYTHONUTF8": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Command(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def conecta(folder: Path, environment: Mapping[str, str], *arguments: str) -> Finished:
    """Run ``conecta`` to its end."""
    async with started(folder, environment, *arguments) as command:
        return await command.finished()


def read_code(drawing: list[str]) -> str:
    """The text in a *drawing* of half blocks, dark on light or light on dark."""
    rows = [[_HALVES[sign] for sign in line] for line in drawing]
    image = np.full((2 * len(rows), max(map(len, rows))), 255, dtype=np.uint8)
    for y, row in enumerate(rows):
        for x, (above, below) in enumerate(row):
            image[2 * y, x], image[2 * y + 1, x] = above, below
    for picture in (image, 255 - image):
        big = np.kron(np.pad(picture, 4, constant_values=picture[0, 0]), np.ones((4, 4), dtype=np.uint8))
        for found in zxingcpp.read_barcodes(np.ascontiguousarray(big)):
            return str(found.text)
    raise AssertionError("the drawing holds no code")
