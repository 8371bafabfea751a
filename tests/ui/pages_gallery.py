"""Pictures of the pages beside home, for people to judge: ``python -m tests.ui.pages_gallery OUT [NAME_PART]``."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.ui.window_harness import WindowHarness

WIDTHS = {"wide": (1240, 860), "narrow": (700, 620)}


def main(folder: Path, only: str) -> None:
    """Take the pictures at both pixel ratios; the ratio is fixed once a process has begun."""
    folder.mkdir(parents=True, exist_ok=True)
    if "QT_SCALE_FACTOR" not in os.environ:
        for factor in ("1", "2"):
            environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ, "QT_SCALE_FACTOR": factor}
            command = [sys.executable, "-m", "tests.ui.pages_gallery", str(folder), only]
            subprocess.run(command, env=environment, check=True)
        return

    from PySide6.QtWidgets import QApplication

    from app.ui.async_slots import run

    app = QApplication([])
    run(app, lambda: take_all(folder, only))


async def take_all(folder: Path, only: str) -> None:
    from app.text.status import texts
    from app.ui.theme.theme import Mode, Theme
    from tests.ui.window_harness import WindowHarness, person, status

    suffix = "" if os.environ["QT_SCALE_FACTOR"] == "1" else "@2x"
    for language in ("pt-BR", "en"):
        texts.set_language(language)
        for mode in (Mode.LIGHT, Mode.DARK):
            if not any(only in f"{language}-{mode}-{kind}" for kind in KINDS) and only not in f"{language}-{mode}":
                continue
            with tempfile.TemporaryDirectory() as home:
                harness = WindowHarness(Path(home), [person(n) for n in range(60)], Theme(mode))
                await harness.load(*(status(n) for n in range(60)))
                await fill_audit(harness)
                await harness.show()
                for kind, take in KINDS.items():
                    if only in f"{language}-{mode}-{kind}":
                        await take(PageScreenshots(harness, folder, f"{language}-{mode}-{kind}", suffix))
                await harness.close()


class PageScreenshots:
    """Takes a picture of the window at every width."""

    def __init__(self, harness: WindowHarness, folder: Path, name: str, suffix: str) -> None:
        self.window_harness = harness
        self._folder = folder
        self._name = name
        self._suffix = suffix

    async def take(self, what: str = "", *, widths: tuple[str, ...] = tuple(WIDTHS)) -> None:
        for size in widths:
            self.window_harness.window.resize(*WIDTHS[size])
            await self.wait()
            name = "-".join(filter(None, (self._name, size, what)))
            self.window_harness.window.grab().save(str(self._folder / f"{name}{self._suffix}.png"))

    async def wait(self) -> None:
        for _ in range(12):
            await asyncio.sleep(0.01)


async def fill_audit(harness: WindowHarness) -> None:
    """Some days of work: what every kind of entry looks like, the latest hour first."""
    from app.domain.actions import ActionName
    from app.domain.audit import Actor, AuditAction, AuditOutcome, AuditRecord
    from app.domain.settings import OPERATOR_NAME, PROVIDER_LOG, RETENTION
    from tests.ui.window_harness import NOON, person

    rosa, caio = Actor(user="rosa", operator="Rosa Prado"), Actor(user="caio")
    off, on = {"state": "off", "reason": "none"}, {"state": "connected", "reason": "none"}
    out = {"state": "blocked", "reason": "logged_out"}
    wrong = {"state": "blocked", "reason": "wrong_account", "account": "+55…21"}
    audited_actions: list[tuple[str, int | None, dict[str, str], dict[str, str], AuditOutcome, str]] = [
        (ActionName.CONNECT, 4, off, {"state": "connecting", "reason": "none"}, AuditOutcome.DONE, ""),
        (ActionName.DISCONNECT, 7, on, on, AuditOutcome.DECLINED, ""),
        (ActionName.REAUTHENTICATE, 9, out, {"state": "qr_ready", "reason": "none"}, AuditOutcome.DONE, ""),
        (ActionName.ACCEPT_ACCOUNT, 12, wrong, on, AuditOutcome.DONE, "trocou de chip; confirmado por telefone"),
        (RETENTION.action, None, {"value": "off"}, {"value": "365"}, AuditOutcome.DONE, ""),
        (OPERATOR_NAME.action, None, {"value": ""}, {"value": "Rosa Prado"}, AuditOutcome.DONE, ""),
        (ActionName.CONNECT, 17, off, {"state": "blocked", "reason": "network_down"}, AuditOutcome.FAILED, ""),
        (ActionName.ARCHIVE, 22, off, off, AuditOutcome.DONE, ""),
        (AuditAction.FORGET_OLD, None, {}, {"days": "365", "messages": "1204"}, AuditOutcome.DONE, ""),
        (
            PROVIDER_LOG.action,
            None,
            {"value": "off"},
            {"value": f"until {(NOON + timedelta(hours=1)).isoformat()}"},
            AuditOutcome.DONE,
            "",
        ),
        (ActionName.DISCONNECT, 30, on, off, AuditOutcome.DONE, ""),
        (ActionName.TRY_NOW, 31, {"state": "reconnecting", "reason": "flapping"}, on, AuditOutcome.DONE, ""),
    ]
    for number in range(90):
        action, whom, before, after, outcome, reason = audited_actions[(89 - number) % len(audited_actions)]
        somebody = None if whom is None else person(whom)
        record = AuditRecord(
            at=NOON - timedelta(minutes=(90 - number) * 47),
            actor=rosa if number % 3 else caio,
            action=str(action),
            mentorado_id=somebody.id if somebody else None,
            subject=somebody.name if somebody else "",
            before=before,
            after=after,
            outcome=outcome,
            reason=reason,
        )
        await harness.audit.record(replace(record))


async def _audit(screenshots: PageScreenshots) -> None:
    from app.domain.audit import ChainBreak, Verification
    from app.ui.audit.page import AuditPage
    from app.ui.audit.verification_card import Verdict
    from tests.ui.window_harness import NOON

    harness = screenshots.window_harness
    await screenshots.take("home", widths=("wide",))
    harness.window.go("audit")
    page = harness.window.places.page
    assert isinstance(page, AuditPage)
    await screenshots.wait()
    page.table.show_number(88)
    await screenshots.take()
    page.verdict.show_running(90)
    await screenshots.take("running", widths=("wide",))
    page.verdict.show_verdict(
        Verdict(
            NOON,
            Verification(broken=None, number=90, sealed_from=41, sealed_to=90, remembered=90),
            harness.audit.outcomes[-1],
        )
    )
    await screenshots.take("intact")
    page.verdict.show_verdict(Verdict(NOON, Verification(broken=ChainBreak(number=87, found="altered")), None))
    page.model.mark_broken(87)
    await screenshots.take("broken")
    page.verdict.hide()
    page.model.mark_broken(None)
    page.filters.search.setText("zzz")
    await asyncio.sleep(0.2)
    await screenshots.take("not-found", widths=("wide",))
    page.filters.search.clear()
    await asyncio.sleep(0.2)
    line = page.model.line_at(page.model.index(9))
    assert line is not None
    page._show_entry(line)
    await screenshots.take("entry", widths=())
    await screenshots.wait()
    from app.ui.audit.page import EntryDialog

    for sheet in harness.window.findChildren(EntryDialog):
        sheet.grab().save(str(screenshots._folder / f"{screenshots._name}-entry{screenshots._suffix}.png"))
        sheet.close()
    harness.theme.set_text_scale(200)
    await screenshots.take("text200")
    harness.theme.set_text_scale(100)


async def _settings(screenshots: PageScreenshots) -> None:
    from app.ui.navigation import SETTINGS
    from app.ui.settings.page import SettingsPage
    from tests.ui.settings.harness import Copy
    from tests.ui.window_harness import NOON

    harness = screenshots.window_harness
    for number, mentorado in enumerate(harness.people):
        await harness.mentorados.save_link(replace(mentorado.link, enabled=True))
        harness.settings_harness.copies[mentorado.link.id] = [
            Copy(NOON - timedelta(hours=number * 5 + 1), harness.folder) for _ in range(number % 6)
        ]
    harness.window.go(SETTINGS)
    page = harness.window.places.page
    assert isinstance(page, SettingsPage)
    await screenshots.wait()
    await screenshots.take("1")
    for step, link in ((2, 2), (3, 4), (4, 6)):
        for size, (width, height) in WIDTHS.items():
            harness.window.resize(width, height)
            await screenshots.wait()
            page._links[link].click()
            await screenshots.take(str(step), widths=(size,))
    harness.theme.set_text_scale(200)
    await screenshots.wait()
    for step in range(len(page._links)):
        page._links[step].click()
        await screenshots.take(f"text200-{step}", widths=("narrow",))
    page._links[1].click()
    await screenshots.take("text200", widths=("wide",))
    harness.theme.set_text_scale(100)


KINDS = {"audit": _audit, "settings": _settings}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
