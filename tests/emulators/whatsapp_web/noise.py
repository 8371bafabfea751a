"""The service's side of Noise XX, and the framing around it."""

import hashlib
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.emulators.whatsapp_web.certificates import NoiseIdentity
from tests.emulators.whatsapp_web.curve import KeyPair, derive
from tests.emulators.whatsapp_web.installed import protobuf

_NAME: Final = b"Noise_XX_25519_AESGCM_SHA256\0\0\0\0"
_HEADER: Final = 4  # "WA", 6, version of the dictionaries
_ROUTED: Final = b"ED\0\1"  # some clients tell the way they came before they say hello


class Cipher:
    """One direction of an encrypted line: a key and how often it was used."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._count = 0

    def encrypt(self, plain: bytes, seen: bytes | None = None) -> bytes:
        """Seal *plain*, bound to what both sides have *seen*."""
        return self._cipher.encrypt(self._nonce(), plain, seen)

    def decrypt(self, sealed: bytes, seen: bytes | None = None) -> bytes:
        """Open *sealed*."""
        return self._cipher.decrypt(self._nonce(), sealed, seen)

    def _nonce(self) -> bytes:
        nonce = self._count.to_bytes(12, "big")
        self._count += 1
        return nonce


class Handshake:
    """The three messages that end in two ciphers and the client's first words."""

    def __init__(self, identity: NoiseIdentity, header: bytes) -> None:
        self._identity = identity
        self._ephemeral = KeyPair.new()
        self._chain = _NAME
        self._cipher = Cipher(_NAME)
        self._seen = hashlib.sha256(_NAME + header).digest()
        self._client_ephemeral = b""

    def hello(self, raw: bytes) -> bytes:
        """Answer the client's hello with our key and its certificates."""
        message = protobuf("waWa6.WAWebProtobufsWa6_pb2").HandshakeMessage.FromString(raw)
        self._client_ephemeral = message.clientHello.ephemeral
        self._see(self._client_ephemeral)
        self._see(self._ephemeral.public)
        self._mix(self._ephemeral.agree(self._client_ephemeral))
        static = self._encrypt(self._identity.key.public)
        self._mix(self._identity.key.agree(self._client_ephemeral))
        payload = self._encrypt(self._identity.chain)
        answer = protobuf("waWa6.WAWebProtobufsWa6_pb2").HandshakeMessage()
        answer.serverHello.ephemeral = self._ephemeral.public
        answer.serverHello.static = static
        answer.serverHello.payload = payload
        return bytes(answer.SerializeToString())

    def finish(self, raw: bytes) -> tuple[bytes, bytes]:
        """Return the client's static public key and its payload."""
        message = protobuf("waWa6.WAWebProtobufsWa6_pb2").HandshakeMessage.FromString(raw)
        static = self._decrypt(message.clientFinish.static)
        self._mix(self._ephemeral.agree(static))
        return static, self._decrypt(message.clientFinish.payload)

    def ciphers(self) -> tuple[Cipher, Cipher]:
        """What is read from the client, and what is written to it."""
        keys = derive(b"", 64, salt=self._chain)
        return Cipher(keys[:32]), Cipher(keys[32:])

    def _see(self, data: bytes) -> None:
        self._seen = hashlib.sha256(self._seen + data).digest()

    def _mix(self, secret: bytes) -> None:
        keys = derive(secret, 64, salt=self._chain)
        self._chain, self._cipher = keys[:32], Cipher(keys[32:])

    def _encrypt(self, plain: bytes) -> bytes:
        sealed = self._cipher.encrypt(plain, self._seen)
        self._see(sealed)
        return sealed

    def _decrypt(self, sealed: bytes) -> bytes:
        plain = self._cipher.decrypt(sealed, self._seen)
        self._see(sealed)
        return plain


class Frames:
    """Cuts a stream of bytes into frames, after the header that comes once."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.header = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that *data* completed."""
        self._buffer += data
        if not self.header and not self._take_header():
            return []
        frames: list[bytes] = []
        while len(self._buffer) >= 3:
            end = 3 + int.from_bytes(self._buffer[:3], "big")
            if len(self._buffer) < end:
                break
            frames.append(bytes(self._buffer[3:end]))
            del self._buffer[:end]
        return frames

    @property
    def dictionary_version(self) -> int:
        """The version of the token dictionaries that the client announced: the header's last byte."""
        return self.header[-1]

    def _take_header(self) -> bool:
        if self._buffer.startswith(_ROUTED):
            skip = 7 + int.from_bytes(self._buffer[4:7], "big")
            if len(self._buffer) < skip:
                return False
            del self._buffer[:skip]
        if len(self._buffer) < _HEADER:
            return False
        self.header = bytes(self._buffer[:_HEADER])
        if not self.header.startswith(b"WA"):
            raise ValueError("the client does not begin with WA")
        del self._buffer[:_HEADER]
        return True


def frame(payload: bytes) -> bytes:
    """Put the length before *payload*."""
    return len(payload).to_bytes(3, "big") + payload
