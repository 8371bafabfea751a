"""Nodes to bytes and back, in the token-compressed XML of WhatsApp."""

import string
import zlib
from collections.abc import Mapping
from typing import Final

from tests.emulators.whatsapp_web.nodes import LID_SERVER, PHONE_SERVER, Content, Jid, Node
from tests.emulators.whatsapp_web.tokens import Tokens

_EMPTY: Final = 0
_DICTIONARY: Final = 236
_INTEROP_JID: Final = 245
_FB_JID: Final = 246
_DEVICE_JID: Final = 247
_LIST_8: Final = 248
_LIST_16: Final = 249
_JID_PAIR: Final = 250
_HEX: Final = 251
_BYTES_8: Final = 252
_BYTES_20: Final = 253
_BYTES_32: Final = 254
_NIBBLE: Final = 255
_PACKED: Final = {_NIBBLE: "0123456789-.", _HEX: string.digits + "ABCDEF"}
_PACKED_MAX: Final = 127
_COMPRESSED: Final = 2
_DOMAINS: Final = {0: PHONE_SERVER, 1: LID_SERVER, 128: "hosted", 129: "hosted.lid"}
_AGENTS: Final = {server: agent for agent, server in _DOMAINS.items()}

Value = str | bytes | Jid | tuple[Node, ...] | None


class BinaryXml:
    """Writes and reads nodes with one client's dictionaries."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._index = tokens.index()

    def encode(self, node: Node) -> bytes:
        """The bytes of *node*, not compressed."""
        out = bytearray(1)
        self._write_node(out, node)
        return bytes(out)

    def decode(self, raw: bytes) -> Node:
        """The one node in *raw*."""
        body = zlib.decompress(raw[1:]) if raw[0] & _COMPRESSED else raw[1:]
        reader = _Reader(body, self._tokens)
        found = reader.node()
        if not reader.done:
            raise ValueError("bytes left over after a node")
        return found

    def _write_node(self, out: bytearray, node: Node) -> None:
        _write_list(out, 1 + 2 * len(node.attrs) + (node.content is not None))
        self._write_string(out, node.tag)
        self._write_attributes(out, node.attrs)
        match node.content:
            case None:
                pass
            case bytes(raw):
                _write_bytes(out, raw)
            case str(word):
                self._write_string(out, word)
            case children:
                _write_list(out, len(children))
                for child in children:
                    self._write_node(out, child)

    def _write_attributes(self, out: bytearray, attrs: Mapping[str, str | Jid]) -> None:
        for name, value in attrs.items():
            self._write_string(out, name)
            if isinstance(value, Jid):
                self._write_jid(out, value)
            else:
                self._write_string(out, value)

    def _write_jid(self, out: bytearray, jid: Jid) -> None:
        agent = _AGENTS.get(jid.server)
        if agent is not None and (jid.device or agent > 1):
            out += bytes((_DEVICE_JID, agent, jid.device))
            self._write_string(out, jid.user)
            return
        out.append(_JID_PAIR)
        if jid.user:
            self._write_string(out, jid.user)
        else:
            out.append(_EMPTY)
        self._write_string(out, jid.server)

    def _write_string(self, out: bytearray, text: str) -> None:
        if token := self._index.get(text):
            out += token
            return
        for tag, alphabet in _PACKED.items():
            if 0 < len(text) <= _PACKED_MAX and all(sign in alphabet for sign in text):
                out += _packed(tag, alphabet, text)
                return
        _write_bytes(out, text.encode())


class _Reader:
    """A position in the bytes of a node."""

    def __init__(self, raw: bytes, tokens: Tokens) -> None:
        self._raw = raw
        self._at = 0
        self._tokens = tokens

    @property
    def done(self) -> bool:
        return self._at == len(self._raw)

    def node(self) -> Node:
        size = self._list_size(self._number(1))
        if size == 0:
            raise ValueError("an empty list where a node should be")
        tag = self._text()
        attrs = {self._text(): self._attribute() for _ in range((size - 1) // 2)}
        return Node(tag, attrs, self._content() if size % 2 == 0 else None)

    def _content(self) -> Content:
        value = self._value(as_text=False)
        return str(value) if isinstance(value, Jid) else value

    def _attribute(self) -> str | Jid:
        value = self._value()
        return value if isinstance(value, Jid) else _word(value)

    def _text(self) -> str:
        return _word(self._value())

    def _value(self, *, as_text: bool = True) -> Value:
        tag = self._number(1)
        match tag:
            case 0:
                return None
            case 248 | 249:
                return tuple(self.node() for _ in range(self._list_size(tag)))
            case 252 | 253 | 254:
                raw = self._take(self._number({_BYTES_8: 1, _BYTES_20: 3, _BYTES_32: 4}[tag]))
                return raw.decode() if as_text else raw
            case 251 | 255:
                return self._packed(_PACKED[tag])
            case 245 | 246 | 247 | 250:
                return self._jid(tag)
            case _ if tag >= _DICTIONARY:
                return self._tokens.double[tag - _DICTIONARY][self._number(1)]
            case _:
                return self._tokens.single[tag]

    def _jid(self, tag: int) -> Jid:
        if tag == _DEVICE_JID:
            agent, device = self._number(1), self._number(1)
            return Jid(self._text(), _DOMAINS[agent], device)
        user = self._text()
        if tag == _JID_PAIR:
            return Jid(user, self._text())
        device = self._number(2)
        if tag == _INTEROP_JID:
            self._number(2)
        return Jid(user, self._text(), device)

    def _packed(self, alphabet: str) -> str:
        head = self._number(1)
        halves = [half for byte in self._take(head & 0x7F) for half in divmod(byte, 16)]
        if head & 0x80:
            halves.pop()
        return "".join(alphabet[half] for half in halves)

    def _list_size(self, tag: int) -> int:
        match tag:
            case 0:
                return 0
            case 248:
                return self._number(1)
            case 249:
                return self._number(2)
            case _:
                raise ValueError(f"{tag} does not begin a list")

    def _number(self, size: int) -> int:
        return int.from_bytes(self._take(size), "big")

    def _take(self, size: int) -> bytes:
        raw = self._raw[self._at : self._at + size]
        if len(raw) < size:
            raise ValueError("a node ends too early")
        self._at += size
        return raw


def _word(value: Value) -> str:
    match value:
        case str():
            return value
        case None:
            return ""
        case _:
            raise ValueError("a word was expected")


def _packed(tag: int, alphabet: str, text: str) -> bytes:
    halves = [alphabet.index(sign) for sign in text]
    odd = len(halves) % 2
    if odd:
        halves.append(15)
    pairs = bytes(high << 4 | low for high, low in zip(halves[::2], halves[1::2], strict=True))
    return bytes((tag, len(pairs) | (0x80 if odd else 0))) + pairs


def _write_list(out: bytearray, size: int) -> None:
    if size == 0:
        out.append(_EMPTY)
    elif size < 256:
        out += bytes((_LIST_8, size))
    else:
        out.append(_LIST_16)
        out += size.to_bytes(2, "big")


def _write_bytes(out: bytearray, raw: bytes) -> None:
    if len(raw) < 256:
        out += bytes((_BYTES_8, len(raw)))
    elif len(raw) < 1 << 20:
        out.append(_BYTES_20)
        out += len(raw).to_bytes(3, "big")
    else:
        out.append(_BYTES_32)
        out += len(raw).to_bytes(4, "big")
    out += raw
