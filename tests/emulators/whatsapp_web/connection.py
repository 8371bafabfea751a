"""One client's encrypted line, and what is known about it."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

from tests.emulators.whatsapp_web.accounts import Device
from tests.emulators.whatsapp_web.binary_xml import BinaryXml
from tests.emulators.whatsapp_web.certificates import NoiseIdentity
from tests.emulators.whatsapp_web.faults import Ending
from tests.emulators.whatsapp_web.installed import protobuf
from tests.emulators.whatsapp_web.nodes import Node, node
from tests.emulators.whatsapp_web.noise import Cipher, Frames, Handshake, frame
from tests.emulators.whatsapp_web.registration import Registration
from tests.emulators.whatsapp_web.websocket import WebSocket

_ANSWER_SECONDS: Final = 20.0
_LAST_WORDS_SECONDS: Final = 0.1  # a client that sees the end first does not look at what was said before it


@dataclass(slots=True)
class Attempt:
    """One dial of a client, from the proxy's door to the end; times are of the machine's monotonic clock."""

    number: int
    began: float
    kind: str = "dial"  # then refused, upgrade, registration or login
    phone: str = ""
    device: int = 0
    outcome: str = ""  # what the service did about it, if anything special
    online: float | None = None
    ended: float | None = None


class UnknownDictionary(Exception):
    """The client announced a version of the token dictionaries that the service does not have."""


class Connection:
    """A line to one client: whole nodes in, whole nodes out."""

    def __init__(self, attempt: Attempt, socket: WebSocket, xml_by_version: Mapping[int, BinaryXml]) -> None:
        self.attempt = attempt
        self.device: Device | None = None
        self.registration: Registration | None = None
        self._socket = socket
        self._xml_by_version = xml_by_version
        self._xml: BinaryXml | None = None  # known once the client has announced its version
        self._frames = Frames()
        self._read: Cipher | None = None
        self._write: Cipher | None = None
        self._asked: dict[str, asyncio.Future[Node]] = {}

    @property
    def dictionary_version(self) -> int:
        """Which dictionaries the client speaks with, once it has said hello."""
        return self._frames.dictionary_version

    async def shake_hands(self, identity: NoiseIdentity) -> tuple[bytes, bytes, AsyncIterator[Node]]:
        """Return the client's static key, its payload, and what it says after that."""
        frames = self._incoming()
        first = await anext(frames)
        version = self._frames.dictionary_version
        xml = self._xml = self._xml_by_version.get(version)
        if xml is None:
            raise UnknownDictionary(f"there is no dictionary {version}")
        handshake = Handshake(identity, self._frames.header)
        self._socket.send(frame(handshake.hello(first)))
        static, payload = handshake.finish(await anext(frames))
        self._read, self._write = handshake.ciphers()
        return static, payload, self._nodes(frames, self._read, xml)

    def send(self, stanza: Node) -> None:
        """Say one node; nothing happens once the client has gone."""
        if self._write is not None and self._xml is not None and self._socket.open:
            self._socket.send(frame(self._write.encrypt(self._xml.encode(stanza))))

    async def ask(self, question: Node) -> Node:
        """Send an iq and wait for its answer."""
        answer: asyncio.Future[Node] = asyncio.get_running_loop().create_future()
        self._asked[question.text("id")] = answer
        self.send(question)
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await answer

    def answered(self, answer: Node) -> None:
        """Take an iq that answers one of ours."""
        waiting = self._asked.pop(answer.text("id"), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def end(self, ending: Ending, stanza: Node | None = None) -> None:
        """Leave the client, in one of the ways a service does; after last words it gets a moment to hear them."""
        if stanza is None:
            self._leave(ending)
        else:
            self.send(stanza)
            asyncio.get_running_loop().call_later(_LAST_WORDS_SECONDS, self._leave, ending)

    def _leave(self, ending: Ending) -> None:
        match ending:
            case Ending.KEEP:
                pass
            case Ending.CLOSE:
                self._socket.close()
            case Ending.ABORT:
                self._socket.abort()
            case Ending.STREAM_END:
                self.send(node("xmlstreamend"))
                self._socket.close()

    @property
    def open(self) -> bool:
        """Whether the client is still there."""
        return self._socket.open

    def finished(self) -> None:
        """The client has gone: nobody will answer any more."""
        self.attempt.ended = time.monotonic()
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the client hung up"))
                waiting.exception()
        self._asked.clear()

    async def _incoming(self) -> AsyncIterator[bytes]:
        async for data in self._socket.messages():
            for each in self._frames.feed(data):
                yield each

    async def _nodes(self, frames: AsyncIterator[bytes], cipher: Cipher, xml: BinaryXml) -> AsyncIterator[Node]:
        async for each in frames:
            yield xml.decode(cipher.decrypt(each))


def client_payload(raw: bytes) -> tuple[Registration | None, str, int]:
    """What a client wants: to be linked (a registration), or to log in as a number's device."""
    payload = protobuf("waWa6.WAWebProtobufsWa6_pb2").ClientPayload.FromString(raw)
    if payload.HasField("devicePairingData"):
        return Registration.of(payload.devicePairingData), "", 0
    return None, str(payload.username), int(payload.device)
