"""The whole window over a core in which Z-API and Meta are played, with one mentorado at each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from app.core.action import ActionName
from app.domain.credentials import CredentialField, as_text, secret_name
from app.domain.mentorado import Enrolment, LinkId, MentoradoId, ProviderKind
from app.ui.dialogs.sheet import Sheet
from app.ui.theme import Theme
from tests.clock import settle
from tests.played_hosted import PlayedHosted, PlayedMeta, PlayedTries, PlayedVault, PlayedZapi
from tests.ui.detail.scene import people
from tests.ui.hosted import desks
from tests.ui.stage import Stage

S = TypeVar("S", bound=Sheet)


def somebody(kind: ProviderKind, number: int) -> Enrolment:
    """Thiago or Luíza, at *kind*."""
    first = people()[0 if number == 0 else 1]
    mentorado_id = MentoradoId(f"{number + 1:x}" * 32)
    link = replace(
        first.link, id=LinkId(f"{number + 8:x}" * 32), mentorado_id=mentorado_id, provider=kind, account=None
    )
    name = {ProviderKind.WHATSAPP_WEB: "Heitor Muniz"}.get(kind, first.mentorado.name)
    return Enrolment(replace(first.mentorado, id=mentorado_id, name=name), link)


class Office:
    """What is on the stage, by provider."""

    def __init__(
        self, stage: Stage, vault: PlayedVault, tries: PlayedTries, zapi: PlayedZapi, meta: PlayedMeta
    ) -> None:
        self.stage = stage
        self.window = stage.window
        self.vault, self.tries = vault, tries
        self.crashes: list[object] = []
        self.window.crashed.connect(self.crashes.append)
        self.zapi, self.meta = zapi, meta
        self.hosted: dict[ProviderKind, PlayedHosted] = {ProviderKind.ZAPI: zapi, ProviderKind.META_CLOUD: meta}

    def enrolment(self, kind: ProviderKind) -> Enrolment:
        return next(each for each in self.stage.enrolments.all() if each.link.provider is kind)

    def keep(self, kind: ProviderKind, typed: Mapping[str, str]) -> None:
        """Let these be kept already."""
        credentials = {CredentialField(name): value for name, value in typed.items()}
        self.vault.kept[secret_name(self.enrolment(kind).link.id)] = as_text(credentials)

    async def open(self, kind: ProviderKind, name: ActionName, sheet: type[S]) -> S:
        """Ask for *name* as the pane's button does, and wait for its sheet."""
        mentorado_id = self.enrolment(kind).mentorado.id
        self.window.choose(mentorado_id)
        self.window.errands.perform(name, mentorado_id)
        async with asyncio.timeout(5):
            while not (found := [each for each in self.window.findChildren(sheet) if each.isVisible()]):
                await asyncio.sleep(0.005)
        await settle()
        return found[0]

    def shown(self) -> list[Sheet]:
        """The sheets that are open now."""
        return [each for each in self.window.findChildren(Sheet) if each.isVisible()]

    def deeds(self) -> list[str]:
        """What the audit holds, in order."""
        return [entry.deed.action for entry in self.stage.audit.outcomes]


Play = Callable[[Callable[[Office], Awaitable[None]]], None]


@asynccontextmanager
async def office(theme: Theme, folder: Path) -> AsyncIterator[Office]:
    vault, tries, zapi, meta = PlayedVault(), PlayedTries(), PlayedZapi(), PlayedMeta()
    enrolled = [
        somebody(ProviderKind.ZAPI, 0),
        somebody(ProviderKind.META_CLOUD, 2),
        somebody(ProviderKind.WHATSAPP_WEB, 4),
    ]
    hosted = {ProviderKind.ZAPI: zapi, ProviderKind.META_CLOUD: meta}
    stage = Stage(folder, enrolled, theme, hosted=hosted)
    stage.sheets.tools = replace(stage.sheets.tools, hosted=desks(stage, stage.clock, vault, tries))
    await stage.load()
    stage.window.resize(1240, 860)
    await stage.show()
    async with stage.supervisor:
        try:
            yield Office(stage, vault, tries, zapi, meta)
        finally:
            await stage.close()
