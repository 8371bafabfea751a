"""A key under the eight letters that a person copies from one screen to another."""

import os
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

_ROUNDS: Final = 131_072
_SALT: Final = 32
_VECTOR: Final = 16


def wrap(code: str, key: bytes) -> bytes:
    """Hide *key* from whoever does not know the *code*."""
    salt, vector = os.urandom(_SALT), os.urandom(_VECTOR)
    return salt + vector + _crypt(code, salt, vector, key)


def unwrap(code: str, wrapped: bytes) -> bytes:
    """What `wrap` hid; another code gives another key, and no error."""
    salt, vector, hidden = wrapped[:_SALT], wrapped[_SALT : _SALT + _VECTOR], wrapped[_SALT + _VECTOR :]
    return _crypt(code, salt, vector, hidden)


def _crypt(code: str, salt: bytes, vector: bytes, data: bytes) -> bytes:
    letters = code.replace("-", "").encode()
    key = PBKDF2HMAC(SHA256(), 32, salt, _ROUNDS).derive(letters)
    stream = Cipher(AES(key), CTR(vector)).encryptor()
    return stream.update(data) + stream.finalize()
