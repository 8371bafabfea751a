"""Pictures of the runner of hosted providers, for people to judge: ``python -m tests.ui.providers.gallery OUT``."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QPoint
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QApplication

from app.domain.actions import ActionName
from app.domain.errors import ProblemCode
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.provider_descriptor import CredentialField, CredentialReport
from app.domain.sending import NumberDetails, QueuedMessage, Template
from app.text.status import texts
from app.ui import async_slots as loop
from app.ui.dialogs.base import BaseDialog
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.dialogs.mentorado import Draft, MentoradoDialog
from app.ui.providers.comparison import ComparisonDialog
from app.ui.providers.credentials_dialog import CredentialsDialog
from app.ui.providers.queue_dialog import QueueDialog
from app.ui.providers.register_dialog import RegisterDialog
from app.ui.theme.theme import Mode, Theme
from tests.clock import settle
from tests.ui.providers.harness import Harness, open_harness

F = CredentialField


async def fill(sheet: CredentialsDialog, **typed: str) -> None:
    for name, value in typed.items():
        sheet.form.inputs[CredentialField(name)].take(value)


ZAPI = {"instance_id": "3C01A7F2D9E84B6CA1", "instance_token": "9F00112233445566778899AA", "client_token": "Fb0aa12"}
META = {"access_token": "EAAG" + "x" * 60, "phone_number_id": "106540352242922", "waba_id": "102290129340398"}


async def credentials(harness: Harness, kind: ProviderKind, report: CredentialReport | None, **typed: str) -> None:
    sheet = await harness.open(kind, ActionName.ENTER_CREDENTIALS, CredentialsDialog)
    await fill(sheet, **typed)
    if report is not None:
        harness.hosted[kind].report = report
        sheet.ask_provider()
        await settle()


def right(account: str = "+5598983015662") -> CredentialReport:
    facts = {"name": "Instância do Thiago", "plan": "Ultimate, até 12/12/2026"}
    return CredentialReport(valid=True, account=PhoneNumber(account), facts=facts)


async def locked(harness: Harness) -> None:
    harness.secret_store.lock(ProblemCode.SECRETS_UNAVAILABLE)
    await credentials(harness, ProviderKind.ZAPI, right(), **ZAPI)
    (sheet,) = harness.shown()
    assert isinstance(sheet, CredentialsDialog)
    sheet.save.click()
    await settle()


async def malformed(harness: Harness) -> None:
    sheet = await harness.open(ProviderKind.META_CLOUD, ActionName.ENTER_CREDENTIALS, CredentialsDialog)
    await fill(sheet, **{**META, "phone_number_id": "+5598983015662"})
    sheet.ask_provider()
    await settle()


async def asking(harness: Harness) -> None:
    sheet = await harness.open(ProviderKind.ZAPI, ActionName.ENTER_CREDENTIALS, CredentialsDialog)
    await fill(sheet, **ZAPI)
    from app.ui.providers.credentials_dialog import Check

    sheet.verdict.show_verdict(Check.ASKING, texts("credentials.asking", provider="Z-API"))
    sheet._update_buttons()


async def kept(harness: Harness) -> None:
    harness.keep(ProviderKind.ZAPI, ZAPI)
    sheet = await harness.open(ProviderKind.ZAPI, ActionName.ENTER_CREDENTIALS, CredentialsDialog)
    sheet.form.inputs[F.CLIENT_TOKEN].take("Fb0aa12-new")
    sheet.form.inputs[F.CLIENT_TOKEN].reveal.setChecked(True)


async def queue(harness: Harness, count: int, *, removing: bool = False) -> None:
    lines = (
        "Oi, Carla. Passando para confirmar a nossa conversa de amanhã às 10h. Pode ser?",
        "Bom dia! Segue o material do módulo 3, com os exercícios que combinamos na última sessão. "
        "Responda por aqui quando terminar, e marcamos a devolutiva para a próxima semana, no horário de sempre.",
        "",
    )
    recipients = ("5598987650001", "5511912340002", "120363000000000001@g.us")
    harness.zapi.waiting[:] = [
        QueuedMessage(
            id=f"Q{number}",
            to=recipients[number % 3],
            text=lines[number % 3],
            since=harness.window_harness.clock.now() - timedelta(minutes=14 + 7 * number),
        )
        for number in range(count)
    ]
    status = LinkStatus(state=LinkState.BLOCKED, reason=Reason.QUEUE_PENDING, since=harness.window_harness.clock.now())
    harness.window_harness.observe(harness.mentorado(ProviderKind.ZAPI), status)
    sheet = await harness.open(ProviderKind.ZAPI, ActionName.DECIDE_QUEUE, QueueDialog)
    if removing:
        sheet.remove.click()
        sheet.typed.setText("Thiago Torquato")


async def register(harness: Harness, used: int) -> None:
    link, now = harness.mentorado(ProviderKind.META_CLOUD).link.id, harness.window_harness.clock.now()
    harness.tries.made.extend((link, now - timedelta(hours=60 - number)) for number in range(used))
    sheet = await harness.open(ProviderKind.META_CLOUD, ActionName.REGISTER, RegisterDialog)
    sheet.pin.setText("1234")


async def deregister(harness: Harness) -> None:
    await harness.open(ProviderKind.META_CLOUD, ActionName.DEREGISTER, ConfirmDialog)


async def number(harness: Harness, *, asked: bool = True) -> None:
    facts = {
        "quality": "green",
        "tier": "tier_2k",
        "throughput": "standard",
        "verified_name": "Prates Mentoria e Desenvolvimento",
        "name_status": "pending_review",
        "ownership": "verified",
        "pin": "yes",
        "status": "connected",
        "moon_phase": "full",
    }
    known = (
        ("boas_vindas", "UTILITY", "APPROVED"),
        ("lembrete_de_sessao_individual_de_mentoria", "UTILITY", "APPROVED"),
        ("convite_evento", "MARKETING", "REJECTED"),
        ("pesquisa", "MARKETING", "PENDING"),
        ("retorno", "UTILITY", "PAUSED"),
    )
    templates = tuple(
        Template(name=name, language="pt_BR", category=category, status=status, usable=status == "APPROVED")
        for name, category, status in known
    )
    harness.meta.answer = NumberDetails(facts=facts, templates=templates)
    mentorado = harness.mentorado(ProviderKind.META_CLOUD)
    status = LinkStatus(state=LinkState.CONNECTED, since=harness.window_harness.clock.now())
    harness.window_harness.observe(mentorado, status)
    harness.window.resize(1240, 1500)
    harness.window.choose(mentorado.id)
    pane = harness.window._pane
    assert pane is not None
    section = pane._content.number
    assert section is not None
    if asked:
        section.ask()
        await settle()
        harness.window_harness.clock.time += timedelta(minutes=3)
        pane._refresh()


async def form(harness: Harness, kind: ProviderKind | None) -> None:
    hosted = harness.window_harness.runner.hosted
    editing = harness.mentorado(kind) if kind else None
    if kind is ProviderKind.META_CLOUD and editing is not None:
        editing = await harness.window_harness.mentorados.save_link(replace(editing.link, account=editing.phone))
    sheet = MentoradoDialog(
        harness.window_harness.theme,
        harness.window,
        harness.window_harness.mentorados,
        editing,
        choice=hosted.choice,
        kinds=hosted.kinds,
        draft=None if editing else Draft(name="Débora Falcão", phone="98 98408-8104", provider=ProviderKind.ZAPI),
    )
    sheet.open()


async def comparison(harness: Harness, *, choosing: bool) -> None:
    kinds = harness.window_harness.runner.hosted.kinds
    chosen = ProviderKind.WHATSAPP_WEB if choosing else None
    ComparisonDialog(harness.window_harness.theme, harness.window, kinds, chosen=chosen, choosing=choosing).open()


Z, M = ProviderKind.ZAPI, ProviderKind.META_CLOUD
SHOTS: dict[str, Callable[[Harness], Awaitable[None]]] = {
    "zapi-empty": lambda s: credentials(s, Z, None),
    "zapi-asking": asking,
    "zapi-good": lambda s: credentials(s, Z, right(), **ZAPI),
    "zapi-other-number": lambda s: credentials(s, Z, right("+5511912344321"), **ZAPI),
    "zapi-refused": lambda s: credentials(
        s, Z, CredentialReport(valid=False, reason=Reason.CLIENT_TOKEN_MISSING), **ZAPI
    ),
    "zapi-silent": lambda s: credentials(s, Z, CredentialReport(valid=None), **ZAPI),
    "zapi-kept": kept,
    "zapi-locked": locked,
    "queue-three": lambda s: queue(s, 3),
    "queue-many": lambda s: queue(s, 42),
    "queue-none": lambda s: queue(s, 0),
    "queue-removing": lambda s: queue(s, 3, removing=True),
    "form-add": lambda s: form(s, None),
    "form-edit": lambda s: form(s, Z),
    "form-locked": lambda s: form(s, M),
    "comparison-choosing": lambda s: comparison(s, choosing=True),
    "comparison-reading": lambda s: comparison(s, choosing=False),
    "register": lambda s: register(s, 0),
    "register-few": lambda s: register(s, 8),
    "register-none": lambda s: register(s, 10),
    "deregister": deregister,
    "number-asked": number,
    "number-never": lambda s: number(s, asked=False),
    "meta-empty": lambda s: credentials(s, M, None),
    "meta-malformed": malformed,
    "meta-good": lambda s: credentials(s, M, right(), **META),
}


async def take(app: QApplication, out: Path, part: str) -> None:
    theme = Theme(Mode.LIGHT)
    theme.apply(app)
    for name, shot in SHOTS.items():
        for mode, language, scale in itertools.product((Mode.LIGHT, Mode.DARK), ("pt-BR", "en"), (100, 200)):
            label = f"{name}-{mode}-{language}{'' if scale == 100 else '-text200'}"
            if part not in label:
                continue
            texts.set_language(language)
            theme.set_mode(mode)
            theme.set_text_scale(scale)
            with tempfile.TemporaryDirectory() as folder:
                async with open_harness(theme, Path(folder)) as harness:
                    await shot(harness)
                    await asyncio.sleep(0.15)
                    keep(harness, out / f"{label}.png")


def keep(harness: Harness, file: Path) -> None:
    window = harness.window
    picture = window.grab()
    for sheet in window.findChildren(BaseDialog):
        if sheet.isVisible():
            painter = QPainter(picture)
            painter.drawPixmap(sheet.pos() - window.mapToGlobal(QPoint(0, 0)), sheet.grab())
            painter.end()
    picture.save(str(file))


def main(out: Path, part: str) -> None:
    out.mkdir(parents=True, exist_ok=True)
    app = QApplication([])
    loop.run(app, lambda: take(app, out, part))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
