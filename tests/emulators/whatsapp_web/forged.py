"""A linked device that no client here was ever linked as: what another program would have left in its session files."""

import os
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from tests.emulators.whatsapp_web.accounts import Account, Device
from tests.emulators.whatsapp_web.curve import KeyPair
from tests.emulators.whatsapp_web.installed import protobuf
from tests.emulators.whatsapp_web.nodes import Jid
from tests.emulators.whatsapp_web.signal_end import PreKey


def forge(account: Account) -> tuple[Device, Mapping[str, Any]]:
    """Link a new device to *account*; return it, and its private side as plain JSON with keys in base64."""
    noise, identity, signed, secret = KeyPair.new(), KeyPair.new(), KeyPair.new(), os.urandom(32)
    registration = int.from_bytes(os.urandom(2), "big") % 16380 + 1
    account.linked += 1
    number = account.linked
    proof = account.phone.vouch(identity.public, secret, number)
    account_proof = _messages().ADVSignedDeviceIdentityHMAC.FromString(proof).details
    vouched = account.phone.countersign(identity, account_proof)
    signature = identity.sign(b"\x05" + signed.public)
    device = Device(
        jid=Jid(account.number, device=number),
        lid=account.device_address(number),
        noise=noise.public,
        identity=identity.public,
        registration=registration.to_bytes(4, "big"),
        signed_key=PreKey((1).to_bytes(3, "big"), signed.public, signature),
        vouched=vouched,
    )
    account.devices[number] = device
    parts = _messages().ADVSignedDeviceIdentity.FromString(vouched)
    return device, {
        "jid": str(device.jid),
        "lid": str(device.lid),
        "registration_id": registration,
        "signed_key_id": 1,
        **_base64(
            noise_private=noise.private,
            noise_public=noise.public,
            identity_private=identity.private,
            identity_public=identity.public,
            signed_key_private=signed.private,
            signed_key_public=signed.public,
            signed_key_signature=signature,
            adv_secret=secret,
            account_details=parts.details,
            account_signature=parts.accountSignature,
            account_signature_key=parts.accountSignatureKey,
            device_signature=parts.deviceSignature,
        ),
    }


def _base64(**keys: bytes) -> dict[str, str]:
    return {name: b64encode(key).decode() for name, key in keys.items()}


def _messages() -> Any:
    return protobuf("waAdv.WAAdv_pb2")
