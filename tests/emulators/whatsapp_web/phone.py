"""A simulated phone: it vouches for the devices it links, and shows what vouching looks like when it goes wrong."""

import hmac
import secrets
import time
from base64 import b64decode
from dataclasses import dataclass
from typing import Any, Final, Self

from tests.emulators.whatsapp_web.curve import KeyPair, signed_by
from tests.emulators.whatsapp_web.installed import protobuf
from tests.emulators.whatsapp_web.signal_end import SignalEnd

_ACCOUNT_SIGNATURE: Final = b"\x06\x00"
_DEVICE_SIGNATURE: Final = b"\x06\x01"
_DEVICE_LIST_SIGNATURE: Final = b"\x06\x02"


@dataclass(frozen=True, slots=True)
class ScannedCode:
    """What the text of a QR code says."""

    ref: str
    noise: bytes
    identity: bytes
    secret: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text that a linking client shows."""
        ref, *keys = text.rpartition("#")[2].split(",")
        if len(keys) < 3:
            raise ValueError("this is not a linking code")
        noise, identity, secret = (b64decode(key, validate=True) for key in keys[:3])
        return cls(ref, noise, identity, secret)


class Phone:
    """The keys of a phone and what it does with them when a device is linked."""

    def __init__(self) -> None:
        self.identity = KeyPair.new()
        self.raw_id = secrets.randbits(31)
        self.signal = SignalEnd(self.identity)

    def vouch(
        self, identity: bytes, secret: bytes, index: int, *, bad_signature: bool = False, bad_hmac: bool = False
    ) -> bytes:
        """The proof, sealed with the *secret* of the code, that this phone links the owner of *identity*."""
        messages = _messages()
        details = messages.ADVDeviceIdentity(rawID=self.raw_id, timestamp=int(time.time()), keyIndex=index)
        signed = messages.ADVSignedDeviceIdentity(
            details=details.SerializeToString(), accountSignatureKey=self.identity.public
        )
        signed.accountSignature = self.identity.sign(_ACCOUNT_SIGNATURE + signed.details + identity)
        if bad_signature:
            signed.accountSignature = self.identity.sign(b"something else")
        container = messages.ADVSignedDeviceIdentityHMAC(details=signed.SerializeToString())
        container.HMAC = hmac.digest(b"wrong" if bad_hmac else secret, container.details, "sha256")
        return bytes(container.SerializeToString())

    def accept(self, identity: bytes, answer: bytes) -> bytes:
        """Check the device's signature on the proof; return the proof with everything in it."""
        signed = _messages().ADVSignedDeviceIdentity.FromString(answer)
        signed.accountSignatureKey = self.identity.public
        value = _DEVICE_SIGNATURE + signed.details + identity + self.identity.public
        if not signed_by(identity, value, signed.deviceSignature):
            raise ValueError("the device's signature is wrong")
        return bytes(signed.SerializeToString())

    def countersign(self, identity: KeyPair, proof: bytes) -> bytes:
        """What a device with that *identity* makes of this phone's proof."""
        signed = _messages().ADVSignedDeviceIdentity.FromString(proof)
        value = _DEVICE_SIGNATURE + signed.details + identity.public + self.identity.public
        signed.deviceSignature = identity.sign(value)
        return self.accept(identity.public, signed.SerializeToString())

    def device_list(self, indexes: list[int]) -> bytes:
        """The signed list of the devices this phone has linked."""
        messages = _messages()
        details = messages.ADVKeyIndexList(
            rawID=self.raw_id, timestamp=int(time.time()), currentIndex=max(indexes, default=0), validIndexes=indexes
        ).SerializeToString()
        signature = self.identity.sign(_DEVICE_LIST_SIGNATURE + details)
        return bytes(messages.ADVSignedKeyIndexList(details=details, accountSignature=signature).SerializeToString())


def _messages() -> Any:
    return protobuf("waAdv.WAAdv_pb2")
