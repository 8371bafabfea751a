"""A phone's end of Signal: it opens sessions with devices, and reads what they answer or open themselves."""

import hmac
import os
import secrets
from dataclasses import dataclass, field
from typing import Final

from tests.emulators.whatsapp_web.curve import KeyPair
from tests.emulators.whatsapp_web.nodes import Jid
from tests.emulators.whatsapp_web.ratchet import Chain, first_root, turn
from tests.emulators.whatsapp_web.signal_wire import OpeningMessage, SignalMessage

OPENING: Final = "pkmsg"
INSIDE: Final = "msg"


@dataclass(frozen=True, slots=True)
class PreKey:
    """A public key that a device left with the service, signed or for one use."""

    number: bytes
    public: bytes
    signature: bytes = b""


@dataclass(frozen=True, slots=True)
class Bundle:
    """All that is needed to write to a device for the first time."""

    identity: bytes
    signed: PreKey
    one_time: PreKey | None


@dataclass(slots=True)
class _Outgoing:
    """A session that the phone opened. It repeats the opening, so that every message can be the first to arrive."""

    base: bytes
    ratchet: KeyPair
    chain: Chain
    bundle: Bundle


@dataclass(slots=True)
class _Peer:
    identity: bytes
    outgoing: _Outgoing | None = None
    roots: list[tuple[bytes, KeyPair]] = field(default_factory=list)  # where a chain of theirs may begin, newest first
    chains: dict[bytes, Chain] = field(default_factory=dict)
    opened: set[bytes] = field(default_factory=set)


class SignalEnd:
    """One phone's keys and its sessions with the devices it writes to."""

    def __init__(self, identity: KeyPair) -> None:
        self._identity = identity
        self._registration = secrets.randbelow(16380) + 1
        self._signed = KeyPair.new()
        self._one_time: dict[int, KeyPair] = {}
        self._peers: dict[Jid, _Peer] = {}

    @property
    def registration(self) -> bytes:
        """The phone's registration number."""
        return self._registration.to_bytes(4, "big")

    def bundle(self) -> Bundle:
        """What somebody needs to write to this phone; each has a one-time key of its own."""
        number = len(self._one_time) + 1
        key = self._one_time[number] = KeyPair.new()
        signature = self._identity.sign(b"\x05" + self._signed.public)
        signed = PreKey((1).to_bytes(3, "big"), self._signed.public, signature)
        return Bundle(self._identity.public, signed, PreKey(number.to_bytes(3, "big"), key.public))

    def knows(self, jid: Jid, identity: bytes) -> bool:
        """Whether there is a session of ours with the device at *jid*, and it is still the same device."""
        peer = self._peers.get(jid)
        return peer is not None and peer.outgoing is not None and peer.identity == identity

    def open(self, jid: Jid, bundle: Bundle) -> None:
        """Begin a new session with the device at *jid*."""
        peer = self._peer(jid, bundle.identity)
        base, ratchet = KeyPair.new(), KeyPair.new()
        signed = bundle.signed.public
        agreed = [self._identity.agree(signed), base.agree(bundle.identity), base.agree(signed)]
        if bundle.one_time is not None:
            agreed.append(base.agree(bundle.one_time.public))
        root, chain = turn(first_root(agreed), ratchet, signed)
        peer.roots.insert(0, (root, ratchet))
        peer.outgoing = _Outgoing(base.public, ratchet, chain, bundle)

    def encrypt(self, jid: Jid, plain: bytes) -> tuple[str, bytes]:
        """Seal *plain* for the device at *jid*; return what kind of message it is, and its bytes."""
        peer = self._peers[jid]
        session = peer.outgoing
        if session is None:
            raise LookupError(f"no session with {jid}")
        counter, keys = session.chain.counter, session.chain.next()
        message = SignalMessage(session.ratchet.public, counter, keys.encrypt(_pad(plain)))
        signed_part = message.signed_part()
        raw = signed_part + keys.code(self._identity.public, peer.identity, signed_part)
        one_time = session.bundle.one_time
        opening = OpeningMessage(
            int.from_bytes(one_time.number, "big") if one_time else None,
            session.base,
            self._identity.public,
            raw,
            self._registration,
            int.from_bytes(session.bundle.signed.number, "big"),
        )
        return OPENING, opening.encode()

    def decrypt(self, jid: Jid, kind: str, raw: bytes) -> bytes:
        """Open a message from the device at *jid*."""
        if kind == INSIDE:
            return self._read(self._peers[jid], raw)
        opening = OpeningMessage.parse(raw)
        peer = self._peer(jid, opening.identity)
        if opening.base not in peer.opened:
            peer.roots.insert(0, (self._root_of(opening), self._signed))
            peer.opened.add(opening.base)
        return self._read(peer, opening.message)

    def _peer(self, jid: Jid, identity: bytes) -> _Peer:
        peer = self._peers.get(jid)
        if peer is None or peer.identity != identity:
            peer = self._peers[jid] = _Peer(identity)
        return peer

    def _root_of(self, opening: OpeningMessage) -> bytes:
        signed = self._signed
        agreed = [
            signed.agree(opening.identity),
            self._identity.agree(opening.base),
            signed.agree(opening.base),
        ]
        if opening.one_time is not None:
            agreed.append(self._one_time[opening.one_time].agree(opening.base))
        return first_root(agreed)

    def _read(self, peer: _Peer, raw: bytes) -> bytes:
        message, signed_part, code = SignalMessage.parse(raw)
        known = peer.chains.get(message.ratchet)
        chains = [known] if known else [turn(root, ours, message.ratchet)[1] for root, ours in peer.roots]
        for chain in chains:
            keys = chain.at(message.counter)
            if hmac.compare_digest(keys.code(peer.identity, self._identity.public, signed_part), code):
                peer.chains[message.ratchet] = chain
                chain.used(message.counter)
                return _unpad(keys.decrypt(message.ciphertext))
        raise ValueError("no session of this phone opens the message")


def _pad(plain: bytes) -> bytes:
    size = os.urandom(1)[0] % 16 + 1
    return plain + bytes((size,)) * size


def _unpad(padded: bytes) -> bytes:
    return padded[: -padded[-1]]
