"""Who exists: accounts with a simulated phone each, and the devices linked to them."""

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.emulators.whatsapp_web.nodes import LID_SERVER, Jid, Node
from tests.emulators.whatsapp_web.phone import Phone
from tests.emulators.whatsapp_web.signal_end import Bundle, PreKey


@dataclass(slots=True)
class Device:
    """A linked device, as the service remembers it between connections."""

    jid: Jid
    lid: Jid
    noise: bytes
    identity: bytes
    registration: bytes
    signed_key: PreKey
    vouched: bytes  # the device identity that both the phone and the device have signed
    inline_history: bool = False  # takes the first part of the history inside a message
    sync_due: bool = False  # newly linked: the phone has not sent its keys and history yet
    keys: deque[PreKey] = field(default_factory=deque)
    waiting: dict[str, Node] = field(default_factory=dict)  # sent, or to be sent, and not acknowledged

    def bundle(self) -> Bundle:
        """What somebody needs to write to this device; without one-time keys when they have run out."""
        return Bundle(self.identity, self.signed_key, self.keys.popleft() if self.keys else None)


@dataclass(slots=True)
class Account:
    """A phone number with its hidden identity (LID), phone and linked devices."""

    number: str
    phone: Phone
    devices: dict[int, Device] = field(default_factory=dict)
    linked: int = 0  # how many devices were ever linked; numbers are not used twice

    @property
    def jid(self) -> Jid:
        """The address by phone number."""
        return Jid(self.number)

    @property
    def lid(self) -> Jid:
        """The hidden address; the same number always has the same one."""
        digest = int.from_bytes(hashlib.sha256(self.number.encode()).digest()[:6], "big")
        return Jid(str(100_000_000_000_000 + digest % 10**14), LID_SERVER)

    def device_address(self, number: int, server: str = LID_SERVER) -> Jid:
        """The address of one device, hidden or by phone number."""
        return Jid(self.lid.user if server == LID_SERVER else self.number, server, number)


class Accounts:
    """Every account, found by phone number or hidden identity."""

    def __init__(self) -> None:
        self._by_user: dict[str, Account] = {}

    def __iter__(self) -> Iterator[Account]:
        return iter({account.number: account for account in self._by_user.values()}.values())

    def add(self, number: str) -> Account:
        """The account of *number*, made if it is new."""
        if not number.isdigit():
            raise ValueError("a phone number has only digits here")
        if number in self._by_user:
            return self._by_user[number]
        account = Account(number, Phone())
        self._by_user[number] = self._by_user[account.lid.user] = account
        return account

    def get(self, user: str) -> Account:
        """The account of a phone number or hidden identity that must exist."""
        found = self._by_user.get(user)
        if found is None:
            raise LookupError(f"nobody has the number {user}")
        return found

    def find(self, jid: Jid) -> Account | None:
        """The account at *jid*, if any."""
        return self._by_user.get(jid.user)

    def device(self, jid: Jid) -> Device | None:
        """The linked device at *jid*, if any."""
        account = self.find(jid)
        return account.devices.get(jid.device) if account else None
