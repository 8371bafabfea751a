"""A support bundle as a dialog gets it, without a program behind it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from app.domain.errors import Problem
from app.domain.mentorado import Mentorado
from app.domain.support_bundle import BundleFile, BundlePart, SupportBundle, as_json
from tests.clock import DAWN
from tests.ui.window_harness import person

CRASH = "0123456789abcdef"
_TEXTS = {
    BundlePart.VERSIONS: as_json({"Conecta": "0.1.0", "Python": "3.11.7", "PySide6-Essentials": "6.11.3"}),
    BundlePart.LINKS: as_json([{"mentorado": f"mentorado {n}", "state": "connected"} for n in range(1, 40)]),
    BundlePart.LOG: '{"at": "2026-11-29T10:00:00.000+00:00", "level": "INFO", "logger": "app.core", "message": "ok"}\n',
    BundlePart.CRASH: "Conecta 0.1.0\nfirst 2026\n\n  app.core.actions:12 run\nKeyError\n",
}


def made_up_bundle(*, everybody: int = 3) -> SupportBundle:
    files = tuple(
        BundleFile(
            part=part,
            name=f"crash-{CRASH}.txt" if part is BundlePart.CRASH else f"{part}.json",
            text=_TEXTS.get(part, ""),
            wanted=part is not BundlePart.CRASH,
        )
        for part in BundlePart
    )
    people: dict[int, Mentorado] = {number: person(number) for number in range(1, everybody + 1)}
    return SupportBundle(at=DAWN, files=files, people=people)


@dataclass
class FakeBundles:
    """Hands out one bundle, and remembers what was to be written; refuses to with *problem*."""

    bundle: SupportBundle = field(default_factory=made_up_bundle)
    problem: Problem | None = None
    error: Exception | None = None
    written: list[tuple[Path, list[str]]] = field(default_factory=list)

    async def prepare(self) -> SupportBundle:
        if self.error is not None:
            raise self.error
        return self.bundle

    async def write(self, _bundle: SupportBundle, path: Path, names: Collection[str]) -> None:
        if self.problem is not None:
            raise self.problem
        self.written.append((path, list(names)))
