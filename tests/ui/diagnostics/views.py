"""The page Diagnostics over checks whose findings a test chooses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from app.core.diagnostics.service import DoctorService
from app.domain.diagnosis import Check, CheckName, Diagnosis, DiagnosisCode, Fix, diagnosed
from app.domain.errors import Problem, ProblemCode
from app.ui.async_slots import cancel_slots
from app.ui.diagnostics.page import DiagnosticsPage
from app.ui.theme.theme import Theme
from tests.clock import StillClock

C = DiagnosisCode
DATA = "/srv/conecta"

FINE = {
    CheckName.SETTINGS: diagnosed(C.SETTINGS_FINE, path="/etc/conecta/.env", changed=""),
    CheckName.VERSIONS: diagnosed(C.VERSIONS_FINE, python="3.11.7", pyside="6.11.3", shiboken="6.11.3", wanted=""),
    CheckName.ENGINE: diagnosed(C.ENGINE_FINE, version="0.5.2", path="/opt/neonize.so"),
    CheckName.DISPLAY: diagnosed(C.DISPLAY_FINE, display="DISPLAY=:0"),
    CheckName.DATA_FOLDER: diagnosed(C.DATA_FOLDER_FINE, path=DATA),
    CheckName.SESSION_FOLDER: diagnosed(C.SESSION_FOLDER_FINE, path=f"{DATA}/sessions", count="12"),
    CheckName.SPACE: diagnosed(C.SPACE_FINE, path=DATA, free="75514", wanted="500"),
    CheckName.DATABASE: diagnosed(
        C.DATABASE_FINE, path=f"{DATA}/conecta.db", size="41.2", revision="0014", known="0014"
    ),
    CheckName.BACKUPS: diagnosed(C.BACKUPS_FINE, path=f"{DATA}/backups", count="24", locked="2"),
    CheckName.SECRETS: diagnosed(C.KEYRING_FINE, backend="keyring.backends.SecretService.Keyring"),
    CheckName.CLOCK: diagnosed(C.CLOCK_FINE, computer="2026-01-05 09:30", trusted="2026-01-05 09:30", minutes="+0"),
    CheckName.NETWORK: diagnosed(
        C.NETWORK_FINE, provider="whatsapp_web", host="web.whatsapp.com", proxy="", detail="", milliseconds="84"
    ),
    CheckName.CHANNEL: diagnosed(C.CHANNEL_FINE, count="12", milliseconds="6"),
    CheckName.LOOP: diagnosed(C.LOOP_FINE, milliseconds="2"),
    CheckName.LOCKS: diagnosed(C.LOCK_HELD, owner="rosa-pc, 2026-01-05 08:00 UTC, PID 4211", count="13"),
    CheckName.PROCEDURES: diagnosed(C.PROCEDURES_FINE),
    CheckName.LEFTOVERS: diagnosed(C.LEFTOVERS_FINE),
}
OPEN = diagnosed(C.DATA_FOLDER_OPEN, path=DATA, mode="0755")
TROUBLE: dict[CheckName, Sequence[Diagnosis]] = {
    CheckName.DATA_FOLDER: [OPEN],
    CheckName.CLOCK: [diagnosed(C.CLOCK_WRONG, computer="2026-01-05 09:30", trusted="2026-01-05 10:30", minutes="-60")],
    CheckName.NETWORK: [
        FINE[CheckName.NETWORK],
        diagnosed(
            C.PROXY_REFUSES,
            provider="zapi",
            host="api.z-api.io",
            proxy="proxy.loja:3128",
            detail="407 Proxy Authentication Required",
            milliseconds="9",
        ),
    ],
    CheckName.CHANNEL: [diagnosed(C.HOST_DEAF, name="Bruno Tavares", age="140", seconds="1.5")],
    CheckName.DATABASE: [
        diagnosed(
            C.DATABASE_BUSY, Problem(ProblemCode.DATABASE_LOCKED, path=f"{DATA}/conecta.db"), path=f"{DATA}/conecta.db"
        )
    ],
    CheckName.LEFTOVERS: [diagnosed(C.PARTS_LEFT, path=f"{DATA}/backups", count="1", names="ana.copy.part")],
    CheckName.ENGINE: [diagnosed(C.ENGINE_UNVERIFIED, path="/opt/conecta/library", version="0.5.2")],
}


class Findings:
    """What the checks find, until a test says otherwise."""

    def __init__(self) -> None:
        self.found: dict[CheckName, Sequence[Diagnosis]] = {name: [each] for name, each in FINE.items()}
        self.fixed: list[Diagnosis] = []
        self.refusal: Problem | None = None
        self.asked: list[CheckName] = []
        self.may_end = asyncio.Event()
        self.may_end.set()

    def service(self) -> DoctorService:
        return DoctorService({name: self._check(name) for name in FINE}, dict.fromkeys(Fix, self._fix))

    def _check(self, name: CheckName) -> Check:
        async def check() -> Sequence[Diagnosis]:
            self.asked.append(name)
            await self.may_end.wait()
            return self.found[name]

        return check

    async def _fix(self, diagnosis: Diagnosis) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.fixed.append(diagnosis)
        self.found[diagnosis.check] = [FINE[diagnosis.check]]


@asynccontextmanager
async def open_page(theme: Theme, findings: Findings) -> AsyncIterator[DiagnosticsPage]:
    page = DiagnosticsPage(theme=theme, doctor=findings.service(), clock=StillClock())
    page.resize(1220, 720)
    page.show()
    try:
        yield page
    finally:
        findings.may_end.set()
        await cancel_slots()
        page.hide()
        page.deleteLater()
