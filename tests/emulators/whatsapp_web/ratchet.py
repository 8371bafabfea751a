"""Chains of message keys, and the secrets they grow from."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from tests.emulators.whatsapp_web.curve import KeyPair, derive

_BLOCK_BITS: Final = 128
_DISCONTINUITY: Final = b"\xff" * 32
_MOST_SKIPPED: Final = 25_000


@dataclass(frozen=True, slots=True)
class MessageKeys:
    """What encrypts and authenticates exactly one message."""

    cipher: bytes
    mac: bytes
    vector: bytes

    @classmethod
    def of(cls, seed: bytes) -> Self:
        """The keys that grow from a chain's *seed*."""
        keys = derive(seed, 80, info=b"WhisperMessageKeys")
        return cls(keys[:32], keys[32:64], keys[64:])

    def encrypt(self, plain: bytes) -> bytes:
        """Seal *plain*."""
        padder = PKCS7(_BLOCK_BITS).padder()
        encryptor = Cipher(AES(self.cipher), CBC(self.vector)).encryptor()
        return encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()

    def decrypt(self, sealed: bytes) -> bytes:
        """Open *sealed*."""
        decryptor = Cipher(AES(self.cipher), CBC(self.vector)).decryptor()
        unpadder = PKCS7(_BLOCK_BITS).unpadder()
        padded = decryptor.update(sealed) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()

    def code(self, sender: bytes, receiver: bytes, signed_part: bytes) -> bytes:
        """What proves who wrote *signed_part* to whom."""
        return hmac.digest(self.mac, b"\x05" + sender + b"\x05" + receiver + signed_part, "sha256")[:8]


@dataclass(slots=True)
class Chain:
    """One side's messages in a row; a key is handed out once."""

    key: bytes
    counter: int = 0
    _skipped: dict[int, bytes] = field(default_factory=dict)

    def next(self) -> MessageKeys:
        """The keys of the next message."""
        return MessageKeys.of(self._step())

    def at(self, counter: int) -> MessageKeys:
        """The keys of message *counter*, also when others were overtaken."""
        if counter - self.counter > _MOST_SKIPPED:
            raise ValueError("too far ahead in a chain")
        while self.counter <= counter:
            position = self.counter
            self._skipped[position] = self._step()
        if counter not in self._skipped:
            raise ValueError("this message was read before")
        return MessageKeys.of(self._skipped[counter])

    def used(self, counter: int) -> None:
        """Forget the keys of message *counter*."""
        self._skipped.pop(counter, None)

    def _step(self) -> bytes:
        seed = hmac.digest(self.key, b"\x01", "sha256")
        self.key = hmac.digest(self.key, b"\x02", "sha256")
        self.counter += 1
        return seed


def first_root(agreements: Sequence[bytes]) -> bytes:
    """The root key of a new session, from what its two sides agreed on."""
    return derive(_DISCONTINUITY + b"".join(agreements), 64, info=b"WhisperText")[:32]


def turn(root: bytes, ours: KeyPair, theirs: bytes) -> tuple[bytes, Chain]:
    """The next root key, and the chain that begins with it."""
    keys = derive(ours.agree(theirs), 64, salt=root, info=b"WhisperRatchet")
    return keys[:32], Chain(keys[32:])
