"""A client that wants to be linked: what it left with the service, and the codes it may show."""

import asyncio
import os
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any, Self

from tests.emulators.whatsapp_web.installed import protobuf
from tests.emulators.whatsapp_web.nodes import SERVICE, Node, leaf, node
from tests.emulators.whatsapp_web.signal_end import PreKey


@dataclass(frozen=True, slots=True)
class PairingCodeView:
    """A client's wish to be linked by an eight-letter code, typed on the phone of *phone*."""

    phone: str
    ref: bytes
    wrapped_key: bytes


@dataclass(slots=True)
class Registration:
    """The public keys of a client that has no account yet."""

    registration: bytes
    identity: bytes
    signed_key: PreKey
    inline_history: bool = False  # takes the first part of the history inside a message
    noise: bytes = b""  # known from the handshake
    refs: list[str] = field(default_factory=list)
    typed: PairingCodeView | None = None
    finish: asyncio.Queue[Node] = field(default_factory=asyncio.Queue)  # what the client says to a typed code

    @classmethod
    def of(cls, pairing: Any) -> Self:
        """Read it from the client's payload."""
        signed = PreKey(pairing.eSkeyID, pairing.eSkeyVal, pairing.eSkeySig)
        props = protobuf("waCompanionReg.WACompanionReg_pb2").DeviceProps.FromString(pairing.deviceProps)
        return cls(pairing.eRegid, pairing.eIdent, signed, props.historySyncConfig.inlineInitialPayloadInE2EeMsg)

    def offer(self, count: int, question: str) -> Node:
        """New codes to show, *count* of them, which the client answers as *question*."""
        new = [new_ref() for _ in range(count)]
        self.refs += new
        refs = (leaf("ref", ref) for ref in new)
        return node("iq", node("pair-device", *refs), from_=SERVICE, type="set", id=question, xmlns="md")


def new_ref() -> str:
    """A reference as long as the real ones."""
    return "2@" + b64encode(os.urandom(60)).decode()
