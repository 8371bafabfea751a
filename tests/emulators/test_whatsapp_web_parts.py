"""The emulator's parts, each alone: words to bytes, secrets to chains, one door."""

import asyncio
import ssl
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulators.whatsapp_web.accounts import Accounts
from tests.emulators.whatsapp_web.binary_xml import BinaryXml
from tests.emulators.whatsapp_web.certificates import tls_context
from tests.emulators.whatsapp_web.curve import KeyPair, signed_by
from tests.emulators.whatsapp_web.emulator import Emulator
from tests.emulators.whatsapp_web.faults import FAULTS, ArmedFaults, EntryFault, SendFault
from tests.emulators.whatsapp_web.nodes import LID_SERVER, PHONE_SERVER, Jid, Node, leaf, node
from tests.emulators.whatsapp_web.noise import Frames, frame
from tests.emulators.whatsapp_web.signal_end import INSIDE, OPENING, SignalEnd
from tests.emulators.whatsapp_web.tokens import installed_tokens, read_tokens
from tests.emulators.whatsapp_web.typed_code import unwrap, wrap

XML = BinaryXml(installed_tokens())
WORDS = installed_tokens()
ALL_WORDS = [word for word in (*WORDS.single, *(word for words in WORDS.double for word in words)) if word]
KNOWN = st.integers(0, len(ALL_WORDS) - 1).map(lambda number: ALL_WORDS[number])  # sampled, they fill the repr
TEXTS = st.one_of(KNOWN, st.text(max_size=300), st.text("0123456789-.", max_size=130), st.text("0123456789ABCDEF"))
USERS = st.one_of(st.text("0123456789", min_size=1, max_size=15), KNOWN)
JIDS = st.one_of(
    st.builds(Jid, USERS, st.sampled_from([PHONE_SERVER, LID_SERVER]), st.integers(0, 255)),
    st.builds(Jid, st.one_of(st.just(""), USERS), st.sampled_from(["g.us", "broadcast", PHONE_SERVER])),
)
ATTRIBUTES = st.dictionaries(TEXTS, st.one_of(TEXTS, JIDS), max_size=4)
NODES = st.recursive(
    st.builds(Node, TEXTS, ATTRIBUTES, st.one_of(st.none(), st.binary(max_size=400), KNOWN)),
    lambda inner: st.builds(Node, TEXTS, ATTRIBUTES, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    max_leaves=6,
)


def test_the_dictionaries_of_the_installed_client_are_found() -> None:
    assert len(WORDS.single) == 236
    assert [len(words) for words in WORDS.double] == [256] * 4
    assert {"iq", "message", "s.whatsapp.net", "xmlns"} <= set(WORDS.single)


def test_no_dictionaries_are_invented(tmp_path: Path) -> None:
    other = tmp_path / "other.so"
    other.write_bytes(b"MZ" + bytes(100))
    with pytest.raises(ValueError, match="ELF"):
        read_tokens(other)


@settings(deadline=None)
@given(NODES)
def test_a_node_survives_the_wire(said: Node) -> None:
    assert XML.decode(XML.encode(said)) == said


@settings(deadline=None)
@given(NODES, st.data())
def test_half_a_node_is_refused(said: Node, data: st.DataObject) -> None:
    raw = XML.encode(said)
    with pytest.raises((ValueError, IndexError)):
        XML.decode(raw[: data.draw(st.integers(1, len(raw) - 1))])


def test_long_contents_and_long_lists_survive_too() -> None:
    many = node("list", *(leaf("item", b"x") for _ in range(300)))
    assert XML.decode(XML.encode(many)) == many
    for size in (255, 256, 1 << 20):
        said = leaf("enc", bytes(size))
        assert XML.decode(XML.encode(said)) == said


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
def test_the_door_leads_nowhere_else(asked: str, fast_dir: Path) -> None:
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
