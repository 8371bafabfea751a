"""Linking a client to an account: a phone scans its code, or types it."""

import asyncio
import time
from collections.abc import Iterable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.emulators.whatsapp_web.accounts import Account, Accounts, Device
from tests.emulators.whatsapp_web.connection import Connection
from tests.emulators.whatsapp_web.curve import KeyPair, derive
from tests.emulators.whatsapp_web.faults import ArmedFaults, PairingFault, PairingStep
from tests.emulators.whatsapp_web.nodes import LID_SERVER, SERVICE, Jid, Node, leaf, node
from tests.emulators.whatsapp_web.phone import ScannedCode
from tests.emulators.whatsapp_web.registration import PairingCodeView, Registration, new_ref
from tests.emulators.whatsapp_web.typed_code import unwrap, wrap

_FINISH_SECONDS: Final = 20.0
_PASSKEY: Final = b'{"challenge":"Y29uZWN0YQ","rpId":"whatsapp.com","timeout":60000,"userVerification":"required"}'


class LinkingFailed(Exception):
    """The client refused the link, or the phone the client."""


class Linking:
    """What phones and clients say to each other before they are linked."""

    def __init__(self, accounts: Accounts, faults: ArmedFaults) -> None:
        self._accounts = accounts
        self._faults = faults

    def on_code(self, registration: Registration, stanza: Node) -> Iterable[Node]:
        """A client wants to be linked by a typed code, or answers the phone that typed it."""
        if stanza.text("stage") == "companion_hello":
            wrapped = stanza.at("link_code_pairing_wrapped_companion_ephemeral_pub").data
            registration.typed = PairingCodeView(stanza.jid("jid").user, new_ref().encode(), wrapped)
            yield node("link_code_companion_reg", leaf("link_code_pairing_ref", registration.typed.ref))
        else:
            registration.finish.put_nowait(stanza)

    async def scan(self, account: Account, line: Connection, text: str, question: str) -> Device:
        """Let the phone of *account* scan *text*, which *line* shows; return the new device once it is linked."""
        code = ScannedCode.parse(text)
        return await self._link(account, line, code.secret, question)

    async def type_code(self, account: Account, line: Connection, code: str, question: str) -> Device:
        """Let the phone of *account* type the *code* that *line* shows."""
        registration = _registration(line)
        if registration.typed is None:
            raise LinkingFailed("this client shows no code to type")
        theirs = unwrap(code, registration.typed.wrapped_key)
        ours, phone = KeyPair.new(), account.phone.identity
        stanza = node(
            "link_code_companion_reg",
            leaf("link_code_pairing_wrapped_primary_ephemeral_pub", wrap(code, ours.public)),
            leaf("primary_identity_pub", phone.public),
            leaf("link_code_pairing_ref", registration.typed.ref),
            stage="primary_hello",
        )
        line.send(_notification("link_code_companion_reg", question, stanza))
        async with asyncio.timeout(_FINISH_SECONDS):
            answer = await registration.finish.get()
        bundle = answer.at("link_code_pairing_wrapped_key_bundle").data
        shared = ours.agree(theirs)
        key = derive(shared, 32, salt=bundle[:32], info=b"link_code_pairing_key_bundle_encryption_key")
        try:
            opened = AESGCM(key).decrypt(bundle[32:44], bundle[44:], None)
        except InvalidTag as wrong:
            raise LinkingFailed("the code is wrong") from wrong
        identity, random = opened[:32], opened[64:]
        secret = derive(shared + phone.agree(identity) + random, 32, info=b"adv_secret")
        return await self._link(account, line, secret, f"{question}-success")

    async def _link(self, account: Account, line: Connection, secret: bytes, question: str) -> Device:
        registration = _registration(line)
        fault = self._faults.take(PairingFault, phone=account.number)
        step = fault.step if fault else None
        if step is PairingStep.PASSKEY:
            options = leaf("passkey_request_options", _PASSKEY)
            line.send(_notification("passkey_prologue_request", question, options))
            raise LinkingFailed("the account wants a passkey")
        if step is PairingStep.DOWNGRADE:
            line.send(node("ib", node("downgrade_webclient"), from_=SERVICE))
            raise LinkingFailed("the phone is too old to link devices")
        account.linked += 1
        number = account.linked
        proof = account.phone.vouch(
            registration.identity,
            secret,
            number,
            bad_hmac=step is PairingStep.BAD_HMAC,
            bad_signature=step is PairingStep.BAD_SIGNATURE,
        )
        answer = await line.ask(_success(account, number, proof, question))
        if (error := answer.child("error")) is not None:
            raise LinkingFailed(error.text("text"))
        signed = answer.at("pair-device-sign", "device-identity").data
        device = Device(
            jid=Jid(account.number, device=number),
            lid=account.device_address(number),
            noise=registration.noise,
            identity=registration.identity,
            registration=registration.registration,
            signed_key=registration.signed_key,
            vouched=account.phone.accept(registration.identity, signed),
            inline_history=registration.inline_history,
            sync_due=True,
        )
        account.devices[number] = device
        line.attempt.phone, line.attempt.device = account.number, number
        line.send(node("stream:error", code=515))
        return device


def _registration(line: Connection) -> Registration:
    if line.registration is None:
        raise LinkingFailed("this client is not waiting to be linked")
    return line.registration


def _success(account: Account, number: int, proof: bytes, question: str) -> Node:
    addresses = node("device", jid=Jid(account.number, device=number), lid=account.device_address(number, LID_SERVER))
    content = (leaf("device-identity", proof), node("biz", name=""), addresses, node("platform", name="android"))
    return node(
        "iq", node("pair-success", *content), from_=SERVICE, type="set", id=question, xmlns="md", t=int(time.time())
    )


def _notification(kind: str, question: str, content: Node) -> Node:
    return node("notification", content, from_=SERVICE, type=kind, id=question, t=int(time.time()))
