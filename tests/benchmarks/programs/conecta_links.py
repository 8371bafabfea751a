"""The core without a window: connects the mentorados whose numbers it is given, each in a session host of its own."""

import asyncio
import sys

from app.bootstrap import build_core
from app.domain.connection import LinkState
from app.domain.events import StatusChanged
from app.domain.phone import PhoneNumber
from app.settings import read_settings
from tests.benchmarks.programs.marks import mark


async def connect(numbers: list[str]) -> None:
    core = build_core(read_settings())

    def tell(event: StatusChanged) -> None:
        after, before = event.after, event.before
        number = core.enrolments.get(event.mentorado_id).mentorado.phone
        if after.state is LinkState.QR_READY and after.qr != before.qr and after.qr is not None:
            mark("qr_ready", f"{number} {after.qr.text}")
        elif after.state is LinkState.CONNECTED and before.state is not LinkState.CONNECTED:
            mark("connected", number)

    core.bus.subscribe(StatusChanged, tell)
    async with core.running():
        await core.open()
        known = {enrolment.mentorado.phone: enrolment for enrolment in core.enrolments.all()}
        for number in numbers:
            enrolment = known.get(PhoneNumber(number)) or await core.enrolments.add(f"Pessoa {number}", number)
            mark("asked", number)
            await core.supervisor.connect(enrolment.mentorado.id)
        await asyncio.to_thread(sys.stdin.read)
        mark("closing")
    mark("closed")


if __name__ == "__main__":
    asyncio.run(connect(sys.argv[1:]))
