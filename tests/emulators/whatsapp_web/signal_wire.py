"""The two messages of the Signal protocol as bytes: inside a session, and the one that opens it."""

from dataclasses import dataclass
from typing import Final, Self

_VERSION: Final = b"\x33"
_MAC: Final = 8
_KEY_TYPE: Final = b"\x05"
_VARINT: Final = 0
_BYTES: Final = 2

Fields = dict[int, int | bytes]


@dataclass(frozen=True, slots=True)
class SignalMessage:
    """One ciphertext, and where it stands in its chain."""

    ratchet: bytes
    counter: int
    ciphertext: bytes

    def signed_part(self) -> bytes:
        """What the authentication code covers, and what precedes it."""
        return _VERSION + _write({1: _KEY_TYPE + self.ratchet, 2: self.counter, 3: 0, 4: self.ciphertext})

    @classmethod
    def parse(cls, raw: bytes) -> tuple[Self, bytes, bytes]:
        """The message, the part that its authentication code covers, and the code."""
        signed, code = raw[:-_MAC], raw[-_MAC:]
        fields = _read(signed[1:])
        return cls(_key(fields, 1), _int(fields, 2), _bytes(fields, 4)), signed, code


@dataclass(frozen=True, slots=True)
class OpeningMessage:
    """A message together with all that its receiver needs to enter the session it belongs to."""

    one_time: int | None
    base: bytes
    identity: bytes
    message: bytes
    registration: int
    signed: int

    def encode(self) -> bytes:
        """The bytes of a pkmsg."""
        fields: Fields = {} if self.one_time is None else {1: self.one_time}
        fields |= {
            2: _KEY_TYPE + self.base,
            3: _KEY_TYPE + self.identity,
            4: self.message,
            5: self.registration,
            6: self.signed,
        }
        return _VERSION + _write(fields)

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read what `encode` writes."""
        fields = _read(raw[1:])
        one_time = _int(fields, 1) if 1 in fields else None
        return cls(one_time, _key(fields, 2), _key(fields, 3), _bytes(fields, 4), _int(fields, 5), _int(fields, 6))


def _write(fields: Fields) -> bytes:
    out = bytearray()
    for number, value in fields.items():
        if isinstance(value, int):
            out += _varint(number << 3 | _VARINT) + _varint(value)
        else:
            out += _varint(number << 3 | _BYTES) + _varint(len(value)) + value
    return bytes(out)


def _read(raw: bytes) -> Fields:
    fields: Fields = {}
    at = 0
    while at < len(raw):
        key, at = _take_varint(raw, at)
        size, at = _take_varint(raw, at)
        if key & 7 == _BYTES:
            fields[key >> 3] = raw[at : at + size]
            at += size
        elif key & 7 == _VARINT:
            fields[key >> 3] = size
        else:
            raise ValueError("a Signal message has only numbers and bytes")
    return fields


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _take_varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _bytes(fields: Fields, number: int) -> bytes:
    value = fields.get(number)
    if isinstance(value, bytes):
        return value
    raise ValueError(f"field {number} of a Signal message should be bytes")


def _int(fields: Fields, number: int) -> int:
    value = fields.get(number, 0)
    if isinstance(value, int):
        return value
    raise ValueError(f"field {number} of a Signal message should be a number")


def _key(fields: Fields, number: int) -> bytes:
    return _bytes(fields, number)[1:]
