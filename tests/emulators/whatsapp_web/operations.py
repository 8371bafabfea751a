"""What a test may ask of the emulator, each by name over the control line; arguments and results are plain JSON."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from tests.emulators.whatsapp_web.accounts import Device
from tests.emulators.whatsapp_web.connection import Attempt, Connection
from tests.emulators.whatsapp_web.faults import FAULTS, Ending, LineFault
from tests.emulators.whatsapp_web.forged import forge
from tests.emulators.whatsapp_web.linking import LinkingFailed
from tests.emulators.whatsapp_web.mail import PEER
from tests.emulators.whatsapp_web.phone import ScannedCode
from tests.emulators.whatsapp_web.proxy import Proxy
from tests.emulators.whatsapp_web.service import Service

_TICK: Final = 0.005
_BATCH: Final = 50

Json = dict[str, Any]


class Operations:
    """The public methods are the operations."""

    def __init__(self, service: Service, proxy: Proxy) -> None:
        self._service = service
        self._proxy = proxy

    async def add_account(self, phone: str) -> Json:
        """Make a phone with that number; nothing happens if there is one."""
        account = self._service.accounts.add(phone)
        return {"phone": phone, "lid": str(account.lid)}

    async def scan(self, phone: str, qr_text: str) -> Json:
        """Let the phone scan a code, and wait until the client is linked."""
        ref = ScannedCode.parse(qr_text).ref
        line = self._registering(lambda each: ref in each.registration.refs if each.registration else False)
        account = self._service.accounts.get(phone)
        device = await self._service.linking.scan(account, line, qr_text, self._service.next_id())
        self._service.tell_devices_changed(phone)
        return _device(device)

    async def type_pairing_code(self, phone: str, code: str) -> Json:
        """Let the phone type the code that a client shows for its number, and wait until the client is linked."""
        line = self._registering(lambda each: self._typed_for(each) == phone)
        account = self._service.accounts.get(phone)
        device = await self._service.linking.type_code(account, line, code, self._service.next_id())
        self._service.tell_devices_changed(phone)
        return _device(device)

    async def forge_session(self, phone: str) -> Json:
        """Link a device without a client, and return what its client would keep."""
        _, kept = forge(self._service.accounts.get(phone))
        self._service.tell_devices_changed(phone)
        return {"session": dict(kept)}

    async def devices(self, phone: str) -> Json:
        """The devices linked to a phone."""
        return {"devices": [_device(device) for device in self._service.accounts.get(phone).devices.values()]}

    async def remove_device(self, phone: str, device: int) -> Json:
        """Unlink a device on the phone: if it is online it is told, if not it learns at its next login."""
        removed = FAULTS["device-removed"]
        account = self._service.accounts.get(phone)
        found = account.devices[device]
        count = (
            self._service.strike(removed, lambda line: line.device is found) if isinstance(removed, LineFault) else 0
        )
        self._service.unlink(found)
        return {"told": count}

    async def fault(self, name: str, phone: str | None = None, times: int | None = 1, linking: bool = False) -> Json:
        """Let a fault of the table happen, now or when its moment comes; return how many lines it struck."""
        fault = FAULTS[name]
        if isinstance(fault, LineFault):
            return {"struck": self._service.strike(fault, lambda line: phone in (None, line.attempt.phone))}
        self._service.faults.arm(fault, phone=phone, times=times, linking=linking)
        return {"struck": 0}

    async def clear_faults(self, phone: str | None = None) -> Json:
        """Forget the faults that wait, and behave again."""
        self._service.faults.clear(phone)
        if phone is None:
            manners = self._service.manners
            manners.answers_iqs = manners.answers_pings = True
            manners.latency = 0.0
            self._proxy.reachable = True
        return {}

    async def behave(
        self,
        latency: float | None = None,
        refs: int | None = None,
        pings: bool | None = None,
        iqs: bool | None = None,
        network: bool | None = None,
    ) -> Json:
        """Change how the service behaves; what is not given stays."""
        manners = self._service.manners
        manners.latency = manners.latency if latency is None else latency
        manners.refs = manners.refs if refs is None else refs
        manners.answers_pings = manners.answers_pings if pings is None else pings
        manners.answers_iqs = manners.answers_iqs if iqs is None else iqs
        self._proxy.reachable = self._proxy.reachable if network is None else network
        if network is False:
            self._service.strike(LineFault(ending=Ending.ABORT), lambda _line: True)
        return {}

    async def more_refs(self, count: int) -> Json:
        """Give every client that waits to be linked new codes to show, at once."""
        waiting = [line for line in self._service.lines if line.registration is not None and line.open]
        for line in waiting:
            if line.registration is not None:
                line.send(line.registration.offer(count, self._service.next_id()))
        return {"clients": len(waiting)}

    async def send_text(self, sender: str, to: str, text: str, device: int | None = None) -> Json:
        """Let a phone write a text."""
        accounts = self._service.accounts
        return {"id": self._service.mail.send_text(accounts.get(sender), accounts.get(to), text, device)}

    async def stream_texts(self, sender: str, to: str, count: int, prefix: str, device: int | None = None) -> Json:
        """Let a phone write many texts as fast as it can, numbered after a prefix."""
        ids: list[str] = []
        accounts = self._service.accounts
        for number in range(count):
            text = f"{prefix}{number}"
            ids.append(self._service.mail.send_text(accounts.get(sender), accounts.get(to), text, device))
            if number % _BATCH == 0:
                await asyncio.sleep(0)
        return {"ids": ids}

    async def read(self, phone: str, message: str) -> Json:
        """Let a phone read a message, and say so."""
        self._service.mail.read(self._service.accounts.get(phone), message)
        return {}

    async def answer_texts(self, phone: str, text: str | None) -> Json:
        """Let a phone answer every text it gets with this one; None ends it."""
        answers = self._service.mail.answers
        if text is None:
            answers.pop(phone, None)
        else:
            answers[phone] = text
        return {}

    async def silence(self, phone: str, silent: bool) -> Json:
        """Let a phone keep its receipts and answers to itself, as if it were in a tunnel."""
        (self._service.mail.silent.add if silent else self._service.mail.silent.discard)(phone)
        return {}

    async def inbox(self, phone: str) -> Json:
        """What a phone has read."""
        return {"messages": [asdict(each) for each in self._service.mail.inboxes.get(phone, [])]}

    async def receipts(self) -> Json:
        """Everything that devices said about messages."""
        return {"receipts": [asdict(each) for each in self._service.mail.receipts]}

    async def acknowledged(self) -> Json:
        """The ids of messages that devices have, in order."""
        return {"ids": self._service.mail.acknowledged}

    async def waiting(self, phone: str) -> Json:
        """The ids of messages that each device of a phone has not acknowledged."""
        devices = self._service.accounts.get(phone).devices
        return {"ids": {str(number): _messages(device) for number, device in devices.items()}}

    async def attempts(self) -> Json:
        """Every time a client dialed, oldest first."""
        return {"attempts": [asdict(attempt) for attempt in self._service.attempts]}

    async def wait_online(self, phone: str, within: float, since: float | None = None) -> Json:
        """Wait until a device of the phone has logged in (after *since*) and is still there."""
        return asdict(await self._wait(lambda: self._online(phone, since), within))

    async def wait_received(self, phone: str, count: int, within: float) -> Json:
        """Wait until a phone has read *count* messages in all."""
        inbox = self._service.mail.inboxes.setdefault(phone, [])
        await self._wait(lambda: len(inbox) >= count or None, within)
        return await self.inbox(phone)

    async def wait_acknowledged(self, count: int, within: float) -> Json:
        """Wait until devices have acknowledged *count* messages in all."""
        await self._wait(lambda: len(self._service.mail.acknowledged) >= count or None, within)
        return await self.acknowledged()

    async def _wait(self, look: Callable[[], Any], within: float) -> Any:
        end = time.monotonic() + within
        while (found := look()) is None:
            if time.monotonic() > end:
                raise TimeoutError(f"not within {within} seconds")
            await asyncio.sleep(_TICK)
        return found

    def _online(self, phone: str, since: float | None) -> Attempt | None:
        for line in self._service.lines:
            attempt = line.attempt
            if line.open and attempt.phone == phone and attempt.online and attempt.online >= (since or 0):
                return attempt
        return None

    def _registering(self, wanted: Callable[[Connection], bool]) -> Connection:
        for line in self._service.lines:
            if line.open and line.registration is not None and wanted(line):
                return line
        raise LinkingFailed("no client shows this code any more")

    @staticmethod
    def _typed_for(line: Connection) -> str:
        typed = line.registration.typed if line.registration else None
        return typed.phone if typed else ""


def _messages(device: Device) -> list[str]:
    """What people wrote that *device* has not acknowledged; what its phone tells it does not count."""
    return [name for name, waiting in device.waiting.items() if waiting.text("category") != PEER]


def _device(device: Device) -> Json:
    return {"device": device.jid.device, "jid": str(device.jid), "lid": str(device.lid), "keys": len(device.keys)}
