"""Curve25519 as Signal uses it: agreement, and signatures with the same keys (XEdDSA)."""

import os
from dataclasses import dataclass
from typing import Self

import xeddsa.bindings
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key and its public half, both 32 bytes."""

    private: bytes
    public: bytes

    @classmethod
    def new(cls) -> Self:
        """A key nobody had before."""
        key = X25519PrivateKey.generate()
        return cls(key.private_bytes_raw(), key.public_key().public_bytes_raw())

    def agree(self, public: bytes) -> bytes:
        """The secret that the owner of *public* computes too."""
        key = X25519PrivateKey.from_private_bytes(self.private)
        return key.exchange(X25519PublicKey.from_public_bytes(public))

    def sign(self, message: bytes) -> bytes:
        """A signature that a client accepts for *message*."""
        forced = xeddsa.bindings.priv_force_sign(self.private, False)
        return bytes(xeddsa.bindings.ed25519_priv_sign(forced, message, os.urandom(64)))


def signed_by(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the owner of *public* signed *message*; clients hide the sign of the Edwards key in the last bit."""
    negative = bool(signature[63] & 0x80)
    edwards = xeddsa.bindings.curve25519_pub_to_ed25519_pub(public, negative)
    plain = signature[:63] + bytes((signature[63] & 0x7F,))
    return bool(xeddsa.bindings.ed25519_verify(plain, edwards, message))


def derive(secret: bytes, length: int, *, salt: bytes | None = None, info: bytes = b"") -> bytes:
    """HKDF-SHA256; no salt means a salt of zeros."""
    return HKDF(SHA256(), length, salt, info).derive(secret)
