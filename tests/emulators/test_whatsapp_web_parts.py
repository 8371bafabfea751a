"""The emulator's parts, each alone: words to bytes, secrets to chains, one door."""

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulators.whatsapp_web.accounts import Accounts
from tests.emulators.whatsapp_web.binary_xml import BinaryXml
from tests.emulators.whatsapp_web.certificates import noise_identity, tls_context
from tests.emulators.whatsapp_web.connection import Attempt, Connection, UnknownDictionary
from tests.emulators.whatsapp_web.curve import KeyPair, signed_by
from tests.emulators.whatsapp_web.emulator import Emulator
from tests.emulators.whatsapp_web.faults import FAULTS, ArmedFaults, EntryFault, SendFault
from tests.emulators.whatsapp_web.installed import protobuf
from tests.emulators.whatsapp_web.iq import Asked, answer
from tests.emulators.whatsapp_web.message_builders import write_history
from tests.emulators.whatsapp_web.nodes import LID_SERVER, PHONE_SERVER, Jid, Node, leaf, node
from tests.emulators.whatsapp_web.noise import Cipher, Frames, Handshake, frame
from tests.emulators.whatsapp_web.signal_end import INSIDE, OPENING, SignalEnd
from tests.emulators.whatsapp_web.tokens import Tokens, installed_tokens, read_tokens, tokens_by_version
from tests.emulators.whatsapp_web.typed_code import unwrap, wrap
from tests.emulators.whatsapp_web.websocket import WebSocket

XML_BY_VERSION = {version: BinaryXml(words) for version, words in tokens_by_version().items()}
XML = XML_BY_VERSION[3]
WORDS = installed_tokens()
QUESTION = node("iq", node("count"), id="1", xmlns="encrypt", type="get", to=Jid("", PHONE_SERVER))
ANSWER = node("iq", node("count", value=812), id="1", type="result", from_=Jid("", PHONE_SERVER))


def nodes_with(tokens: Tokens) -> st.SearchStrategy[Node]:
    """Nodes of any shape, which also use the words of these dictionaries."""
    words = [word for word in (*tokens.single, *(word for words in tokens.double for word in words)) if word]
    known = st.integers(0, len(words) - 1).map(lambda number: words[number])  # sampled, they fill the repr
    texts = st.one_of(known, st.text(max_size=300), st.text("0123456789-.", max_size=130), st.text("0123456789ABCDEF"))
    users = st.one_of(st.text("0123456789", min_size=1, max_size=15), known)
    jids = st.one_of(
        st.builds(Jid, users, st.sampled_from([PHONE_SERVER, LID_SERVER]), st.integers(0, 255)),
        st.builds(Jid, st.one_of(st.just(""), users), st.sampled_from(["g.us", "broadcast", PHONE_SERVER])),
    )
    attributes = st.dictionaries(texts, st.one_of(texts, jids), max_size=4)
    return st.recursive(
        st.builds(Node, texts, attributes, st.one_of(st.none(), st.binary(max_size=400), known)),
        lambda inner: st.builds(Node, texts, attributes, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        max_leaves=6,
    )


NODES = {version: nodes_with(tokens) for version, tokens in tokens_by_version().items()}


class NoiseClient(WebSocket):
    """A client's end of the line: it shakes hands, asks one question, and keeps what it is answered."""

    def __init__(self, version: int, directory: Path) -> None:
        self._header = b"WA\6" + bytes((version,))
        self._xml = XML_BY_VERSION.get(version)
        self._identity = noise_identity(directory)
        self._received: list[bytes] = []
        self._read = self._write = Cipher(bytes(32))

    @property
    def open(self) -> bool:
        return True

    def send(self, data: bytes) -> None:
        self._received.append(data[3:])

    async def messages(self) -> AsyncIterator[bytes]:
        hands, static, ephemeral = Handshake(self._identity, self._header), KeyPair.new(), KeyPair.new()
        message = protobuf("waWa6.WAWebProtobufsWa6_pb2").HandshakeMessage()
        message.clientHello.ephemeral = ephemeral.public
        yield self._header + frame(message.SerializeToString())
        message.ParseFromString(self._received.pop())
        theirs = message.serverHello.ephemeral
        hands._see(ephemeral.public)
        hands._see(theirs)
        hands._mix(ephemeral.agree(theirs))
        hands._mix(ephemeral.agree(hands._decrypt(message.serverHello.static)))
        hands._decrypt(message.serverHello.payload)
        message.Clear()
        message.clientFinish.static = hands._encrypt(static.public)
        hands._mix(static.agree(theirs))
        message.clientFinish.payload = hands._encrypt(b"payload")
        yield frame(message.SerializeToString())
        self._write, self._read = hands.ciphers()
        assert self._xml is not None
        yield frame(self._write.encrypt(self._xml.encode(QUESTION)))

    async def meet(self) -> tuple[Node, Node]:
        """What the service understood, and what the client understood of its answer."""
        line = Connection(Attempt(1, 0.0), self, XML_BY_VERSION)
        _, payload, nodes = await line.shake_hands(self._identity)
        assert payload == b"payload"
        asked = await anext(nodes)
        line.send(ANSWER)
        assert [each async for each in nodes] == []
        assert self._xml is not None
        return asked, self._xml.decode(self._read.decrypt(self._received.pop()))


def test_the_dictionaries_of_the_installed_client_are_found() -> None:
    assert len(WORDS.single) == 236
    assert [len(words) for words in WORDS.double] == [256] * 4
    assert {"iq", "message", "s.whatsapp.net", "xmlns"} <= set(WORDS.single)


def test_every_version_of_the_dictionaries_is_whole_and_has_no_word_twice() -> None:
    assert set(tokens_by_version()) == {2, 3}
    for tokens in tokens_by_version().values():
        words = [*tokens.single, *(word for words in tokens.double for word in words)]
        assert [len(tokens.single), *map(len, tokens.double)] == [236, 256, 256, 256, 256]
        assert tokens.single[:3] == ("", "xmlstreamstart", "xmlstreamend")
        assert len(set(words)) == len(words)


def test_no_dictionaries_are_invented(tmp_path: Path) -> None:
    other = tmp_path / "other.so"
    other.write_bytes(b"MZ" + bytes(100))
    with pytest.raises(ValueError, match="ELF"):
        read_tokens(other)


@pytest.mark.parametrize("version", [2, 3])
@settings(deadline=None)
@given(data=st.data())
def test_a_node_survives_the_wire_with_the_dictionaries_of_each_version(version: int, data: st.DataObject) -> None:
    xml, stanza = XML_BY_VERSION[version], data.draw(NODES[version])
    assert xml.decode(xml.encode(stanza)) == stanza


@pytest.mark.parametrize(
    ("version", "raw"),
    [
        (2, bytes((0, 248, 3, 30, 14, 250, 0, 3))),  # as Baileys 6.17.16 has it
        (3, bytes((0, 248, 3, 25, 17, 250, 0, 3))),  # as Baileys 7 and whatsmeow have it
    ],
)
def test_the_same_node_has_other_bytes_in_another_version(version: int, raw: bytes) -> None:
    stanza = node("iq", to=Jid("", PHONE_SERVER))
    assert XML_BY_VERSION[version].encode(stanza) == raw
    assert XML_BY_VERSION[version].decode(raw) == stanza
    other = XML_BY_VERSION[5 - version].decode(raw)
    assert (other.tag, set(other.attrs)) != ("iq", {"to"})


@settings(deadline=None)
@given(NODES[3], st.data())
def test_half_a_node_is_refused(stanza: Node, data: st.DataObject) -> None:
    raw = XML.encode(stanza)
    with pytest.raises((ValueError, IndexError)):
        XML.decode(raw[: data.draw(st.integers(1, len(raw) - 1))])


def test_long_contents_and_long_lists_survive_too() -> None:
    many = node("list", *(leaf("item", b"x") for _ in range(300)))
    assert XML.decode(XML.encode(many)) == many
    for size in (255, 256, 1 << 20):
        stanza = leaf("enc", bytes(size))
        assert XML.decode(XML.encode(stanza)) == stanza


def test_a_compressed_node_is_read() -> None:
    raw = XML.encode(node("iq", id="12"))
    assert XML.decode(b"\x02" + zlib.compress(raw[1:])) == node("iq", id="12")


@given(st.lists(st.binary(max_size=50), min_size=1), st.integers(1, 7), st.sampled_from([b"", b"ED\0\1\0\0\3abc"]))
def test_frames_come_out_however_they_were_cut(payloads: list[bytes], step: int, routed: bytes) -> None:
    raw = routed + b"WA\6\3" + b"".join(frame(payload) for payload in payloads)
    frames = Frames()
    pieces = (raw[at : at + step] for at in range(0, len(raw), step))
    assert [each for piece in pieces for each in frames.feed(piece)] == payloads
    assert frames.header == b"WA\6\3"


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_a_client_is_spoken_to_with_the_dictionaries_that_its_header_announces(version: int, fast_dir: Path) -> None:
    client = NoiseClient(version, fast_dir)
    if version in XML_BY_VERSION:
        assert asyncio.run(client.meet()) == (QUESTION, ANSWER)
    else:
        with pytest.raises(UnknownDictionary, match=str(version)):
            asyncio.run(client.meet())


def test_signatures_hold_for_their_message_only() -> None:
    key = KeyPair.new()
    signature = key.sign(b"yes")
    assert signed_by(key.public, b"yes", signature)
    assert not signed_by(key.public, b"no", signature)


def test_two_ends_read_each_other_in_any_order() -> None:
    ours, theirs = (SignalEnd(KeyPair.new()) for _ in range(2))
    us, them = Jid("1", LID_SERVER, 1), Jid("2", LID_SERVER, 1)
    ours.open(them, theirs.bundle())
    sealed = [ours.encrypt(them, f"olá {number}".encode()) for number in range(5)]
    read = [theirs.decrypt(us, *each) for each in reversed(sealed)]
    assert read == [f"olá {number}".encode() for number in reversed(range(5))]
    assert {kind for kind, _ in sealed} == {OPENING}
    with pytest.raises(ValueError, match="read before"):
        theirs.decrypt(us, *sealed[0])


def test_a_message_inside_an_unknown_session_is_refused() -> None:
    with pytest.raises(LookupError):
        SignalEnd(KeyPair.new()).decrypt(Jid("1", LID_SERVER, 1), INSIDE, bytes(50))


@pytest.mark.parametrize(("inline", "kind"), [(True, "INITIAL_BOOTSTRAP"), (False, "INITIAL_STATUS_V3")])
def test_word_of_the_history_is_of_a_part_that_needs_no_media_server(inline: bool, kind: str) -> None:
    history = protobuf("waHistorySync.WAWebProtobufsHistorySync_pb2").HistorySync
    message = protobuf("waE2E.WAWebProtobufsE2E_pb2").Message.FromString(write_history(inline=inline))
    notification = message.protocolMessage.historySyncNotification
    assert message.protocolMessage.type == message.protocolMessage.HISTORY_SYNC_NOTIFICATION
    assert history.HistorySyncType.Name(notification.syncType) == kind
    assert notification.HasField("initialHistBootstrapInlinePayload") is inline
    if inline:
        part = history.FromString(zlib.decompress(notification.initialHistBootstrapInlinePayload))
        assert (part.syncType, part.progress) == (notification.syncType, 100)


def test_collections_without_changes_are_answered_by_name_and_version() -> None:
    asked = (
        node("collection", name=name, version=version) for name, version in (("regular", 0), ("critical_block", 7))
    )
    iq = node("iq", node("sync", *asked), id="1", xmlns="w:sync:app:state", type="set")
    collections = answer(Asked(iq, None, Accounts())).at("sync").children
    assert [(each.text("name"), each.text("version")) for each in collections] == [
        ("regular", "0"),
        ("critical_block", "7"),
    ]
    assert {each.text("has_more_patches") for each in collections} == {"false"}


def test_only_the_typed_code_opens_what_it_hides() -> None:
    key = KeyPair.new().public
    assert unwrap("ABCD-EFGH", wrap("ABCDEFGH", key)) == key
    assert unwrap("ABCD-EFGX", wrap("ABCDEFGH", key)) != key


def test_a_number_keeps_its_hidden_identity() -> None:
    accounts = Accounts()
    account = accounts.add("5511999990000")
    assert accounts.add("5511999990000") is account
    assert accounts.get(account.lid.user) is account
    assert [each.number for each in accounts] == ["5511999990000"]
    with pytest.raises(LookupError, match="nobody"):
        accounts.get("1")


def test_an_armed_fault_strikes_whom_and_as_often_as_it_should() -> None:
    faults = ArmedFaults()
    faults.arm(FAULTS["failure-401"], phone="1", times=2)
    assert faults.take(EntryFault, phone="2") is None
    assert faults.take(EntryFault, linking=True) is None
    assert faults.take(SendFault, phone="1") is None
    assert [faults.take(EntryFault, phone="1") is not None for _ in range(3)] == [True, True, False]
    faults.arm(FAULTS["failure-503"], phone=None, times=None)
    assert all(faults.take(EntryFault, phone=phone) for phone in "123")
    faults.clear()
    assert faults.take(EntryFault, phone="1") is None


@pytest.mark.parametrize(
    "asked", ["CONNECT example.com:443", "CONNECT mmg.whatsapp.net:443", "CONNECT web.whatsapp.com:80", "GET http://x/"]
)
def test_the_endpoint_leads_nowhere_else(asked: str, fast_dir: Path) -> None:
    async def knock() -> bytes:
        async with Emulator(fast_dir) as emulator:
            reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
            writer.write(f"{asked} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            return answer

    assert asyncio.run(knock()).startswith(b"HTTP/1.1 403 ")


def test_the_authority_vouches_for_one_host_only(tmp_path: Path) -> None:
    served = tls_context(tmp_path)
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))

    def meet(name: str) -> None:
        ours, theirs = (ssl.MemoryBIO() for _ in range(2))
        client = trusting.wrap_bio(ours, theirs, server_hostname=name)
        server = served.wrap_bio(theirs, ours, server_side=True)
        for _ in range(3):
            for side in (client, server):
                try:
                    side.do_handshake()
                except ssl.SSLWantReadError:
                    continue

    meet("web.whatsapp.com")
    with pytest.raises(ssl.SSLCertVerificationError):
        meet("example.com")
