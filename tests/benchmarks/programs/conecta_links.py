"""The core without a window: told how many sessions share a host, it connects the mentorados whose numbers follow."""

import asyncio
import sys
import time

from app.bootstrap import build_services
from app.domain.events import StatusChanged
from app.domain.link_status import LinkState
from app.domain.phone import PhoneNumber
from app.domain.settings import SESSIONS_PER_HOST
from app.settings import read_settings
from tests.benchmarks.programs.marks import mark


async def connect(per_host: int, numbers: list[str]) -> None:
    core = build_services(read_settings())

    def tell(event: StatusChanged) -> None:
        after, before = event.after, event.before
        number = core.mentorados.get(event.mentorado_id).phone
        if after.state is LinkState.QR_READY and after.qr != before.qr and after.qr is not None:
            mark("qr_ready", f"{number} {after.qr.text}")
        elif after.state is LinkState.CONNECTED and before.state is not LinkState.CONNECTED:
            mark("connected", number)

    core.bus.subscribe(StatusChanged, tell)
    async with core.running():
        await core.open()
        await core.settings_service.change(SESSIONS_PER_HOST, per_host)
        known = {mentorado.phone: mentorado for mentorado in core.mentorados.all()}
        mark("ready", f"{1000 * time.process_time():.0f}")
        for number in numbers:
            mentorado = known.get(PhoneNumber(number)) or await core.mentorados.add(f"Pessoa {number}", number)
            mark("asked", number)
            await core.supervisor.connect(mentorado.id)
        await asyncio.to_thread(sys.stdin.read)
        mark("closing")
    mark("closed")


if __name__ == "__main__":
    asyncio.run(connect(int(sys.argv[1]), sys.argv[2:]))
