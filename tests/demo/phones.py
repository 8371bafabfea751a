"""What the people of the demo do with their phones. No phone is harmed: the emulator plays all of them."""

from __future__ import annotations

import asyncio

from tests.demo.gateways import Gateways
from tests.demo.people import STRANGER
from tests.emulators.whatsapp_web.control import EmulatorControl

SUSPENDED = "failure-402"
"""The emulator's name for a ban of an hour."""


class Phones:
    """Every phone there is. A number nobody used before gets a phone when it is first needed."""

    def __init__(self, control: EmulatorControl, gateways: Gateways) -> None:
        self.control = control
        self._gateways = gateways

    async def scan(self, digits: str, code: str) -> None:
        """Let the phone of that number read *code*; returns once it is linked, which is before the first sign-in."""
        if self._gateways.scan(digits, code):
            return
        await asyncio.to_thread(self.control.add_account, digits)
        await asyncio.to_thread(self.control.scan, digits, code)

    async def log_out(self, digits: str) -> None:
        """Remove every linked device on the phone, as one does under "Linked devices"."""
        for device in await asyncio.to_thread(self.control.devices, digits):
            await asyncio.to_thread(self.control.remove_device, digits, device.device)

    async def suspend(self, digits: str) -> None:
        """Let WhatsApp suspend the number for an hour, and its line fall so that it hears of that."""
        await asyncio.to_thread(self.control.fault, SUSPENDED, digits)
        await asyncio.to_thread(self.control.fault, "abort", digits)

    async def receive(self, digits: str) -> None:
        """Let somebody write to the number."""
        await asyncio.to_thread(self.control.add_account, STRANGER)
        await asyncio.to_thread(self.control.send_text, STRANGER, digits, "Bom dia")

    async def network(self, *, up: bool) -> None:
        await asyncio.to_thread(self.control.network, up)

    async def think(self, seconds: float) -> None:
        """Let WhatsApp take its time with every answer, so that what is short can be seen."""
        await asyncio.to_thread(self.control.set_latency, seconds)

    async def offer_codes(self, count: int) -> None:
        """How many codes the next pairing may show before they run out."""
        await asyncio.to_thread(self.control.set_ref_count, count)
