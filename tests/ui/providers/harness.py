"""The whole window over a core in which Z-API and Meta are played, with one mentorado at each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from app.domain.actions import ActionName
from app.domain.mentorado import LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.provider_descriptor import CredentialField, dumps, secret_key
from app.ui.dialogs.base import BaseDialog
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.fake_providers import (
    FakeHosted,
    FakeMeta,
    FakeSecretStore,
    FakeTries,
    FakeZapi,
)
from tests.ui.detail_pane.harness import people
from tests.ui.window_harness import WindowHarness

S = TypeVar("S", bound=BaseDialog)


def somebody(kind: ProviderKind, number: int) -> Mentorado:
    """Thiago or Luíza, at *kind*."""
    first = people()[0 if number == 0 else 1]
    mentorado_id = MentoradoId(f"{number + 1:x}" * 32)
    link = replace(
        first.link, id=LinkId(f"{number + 8:x}" * 32), mentorado_id=mentorado_id, provider=kind, account=None
    )
    name = {ProviderKind.WHATSAPP_WEB: "Heitor Muniz"}.get(kind, first.name)
    return replace(first, id=mentorado_id, name=name, link=link)


class Harness:
    """The window with one mentorado per provider."""

    def __init__(
        self, harness: WindowHarness, secret_store: FakeSecretStore, tries: FakeTries, zapi: FakeZapi, meta: FakeMeta
    ) -> None:
        self.window_harness = harness
        self.window = harness.window
        self.secret_store, self.tries = secret_store, tries
        self.crashes: list[object] = []
        self.window.crashed.connect(self.crashes.append)
        self.zapi, self.meta = zapi, meta
        self.hosted: dict[ProviderKind, FakeHosted] = {ProviderKind.ZAPI: zapi, ProviderKind.META_CLOUD: meta}

    def mentorado(self, kind: ProviderKind) -> Mentorado:
        return next(each for each in self.window_harness.mentorados.all() if each.link.provider is kind)

    def keep(self, kind: ProviderKind, typed: Mapping[str, str]) -> None:
        """Let these be kept already."""
        credentials = {CredentialField(name): value for name, value in typed.items()}
        self.secret_store.kept[secret_key(self.mentorado(kind).link.id)] = dumps(credentials)

    async def open(self, kind: ProviderKind, name: ActionName, sheet: type[S]) -> S:
        """Ask for *name* as the pane's button does, and wait for its sheet."""
        mentorado_id = self.mentorado(kind).id
        self.window.choose(mentorado_id)
        self.window.controller.perform(name, mentorado_id)
        async with asyncio.timeout(5):
            while not (found := [each for each in self.window.findChildren(sheet) if each.isVisible()]):
                await asyncio.sleep(0.005)
        await settle()
        return found[0]

    def shown(self) -> list[BaseDialog]:
        """The runner that are open now."""
        return [each for each in self.window.findChildren(BaseDialog) if each.isVisible()]

    def audited_actions(self) -> list[str]:
        """What the audit holds, in order."""
        return [entry.record.action for entry in self.window_harness.audit.outcomes]


Play = Callable[[Callable[[Harness], Awaitable[None]]], None]


@asynccontextmanager
async def open_harness(theme: Theme, folder: Path) -> AsyncIterator[Harness]:
    zapi, meta = FakeZapi(), FakeMeta()
    mentorados = [
        somebody(ProviderKind.ZAPI, 0),
        somebody(ProviderKind.META_CLOUD, 2),
        somebody(ProviderKind.WHATSAPP_WEB, 4),
    ]
    hosted = {ProviderKind.ZAPI: zapi, ProviderKind.META_CLOUD: meta}
    harness = WindowHarness(folder, mentorados, theme, hosted=hosted)
    await harness.load()
    harness.window.resize(1240, 860)
    await harness.show()
    async with harness.supervisor:
        try:
            yield Harness(harness, harness.core.secrets, harness.core.tries, zapi, meta)
        finally:
            await harness.close()
