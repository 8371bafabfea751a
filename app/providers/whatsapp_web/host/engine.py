"""The only touch of neonize's library: a thin binding over the Go code its wheel ships, and its protobuf messages.

neonize's own Python classes are left alone. They double the memory of a host, need libmagic, download the library when
they miss it, and throw away what it says of a pairing. The signatures are those of `neonize/_binder.py` 0.5.2, and this
binding refuses any other version: a wrong argument list would crash instead of failing.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import platform
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from app.providers.whatsapp_web.host.event_mapping import user_of

VERSION: Final = "0.5.2"

_OnStrings = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
_OnEvent = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int)
_OnLog = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int)

_FIREFOX: Final = 3  # the client type a phone shows beside a pairing code; WhatsApp accepts browsers only


class EngineMissing(Exception):
    """The library is not installed, or not for this platform."""


class EngineMismatch(Exception):
    """Another version of the library than this binding was written for."""


class EngineError(Exception):
    """The library refused a call; the text is the library's own."""


class _Bytes(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_size_t))


class _Proxy(ctypes.Structure):
    _fields_ = (
        ("address", ctypes.c_char_p),
        ("no_websocket", ctypes.c_bool),
        ("only_login", ctypes.c_bool),
        ("no_media", ctypes.c_bool),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Whom a session's news go to. All are called on threads of the library, and must be quick: it waits for them."""

    code: Callable[[str], None]
    login_status: Callable[[str], None]
    event: Callable[[int, bytes], None]
    log: Callable[[str, str, str], None]  # level, source, text


def library_path() -> Path:
    """Where the wheel put the Go library; raises `EngineMissing`."""
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    suffix = {"windows": "dll", "darwin": "dylib"}.get(system, "so")
    path = _package() / f"neonize-{system}-{machine}.{suffix}"
    if not path.is_file():
        raise EngineMissing(f"{path.name} is not installed")
    return path


def _package() -> Path:
    """neonize's folder, found without running any of its code."""
    spec = importlib.util.find_spec("neonize")
    if spec is None or not spec.submodule_search_locations:
        raise EngineMissing("neonize is not installed")
    return Path(spec.submodule_search_locations[0])


def messages() -> Any:
    """neonize's generated protobuf messages. They import each other as top-level modules, hence the path."""
    folder = str(_package() / "proto")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module("Neonize_pb2")


def fields_of(message: bytes) -> dict[int, bytes | int]:
    """The top fields of a protobuf *message* by their numbers, texts and messages in them as bytes.

    What every session needs on its way to being connected is read with this: the generated classes take 0.2 s to load.
    Raises `ValueError` for what is no such message. (https://protobuf.dev/programming-guides/encoding)
    """
    found: dict[int, bytes | int] = {}
    at = 0
    try:
        while at < len(message):
            tag, at = _varint(message, at)
            if tag & 7 == 0:
                found[tag >> 3], at = _varint(message, at)
                continue
            if tag & 7 != _LENGTH_DELIMITED:
                raise ValueError(f"wire type {tag & 7}")  # neither of the two messages has one
            size, at = _varint(message, at)
            if at + size > len(message):
                raise ValueError("cut off")
            found[tag >> 3], at = message[at : at + size], at + size
    except IndexError:
        raise ValueError("cut off") from None
    return found


_LENGTH_DELIMITED: Final = 2


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


@dataclass(frozen=True, slots=True)
class DeviceAddress:
    """A JID, as far as it says whose device it is."""

    user: str
    text: str  # as whatsmeow writes it: ``user:device@server``


def device_addresses(payload: bytes) -> tuple[DeviceAddress, DeviceAddress]:
    """By number and by LID, from neonize's ``Device`` message."""
    device = fields_of(payload)
    return _address(device.get(1)), _address(device.get(2))


def _address(jid: bytes | int | None) -> DeviceAddress:
    """From neonize's ``JID`` message: user 1, device 3, server 5."""
    fields = fields_of(jid) if isinstance(jid, bytes) else {}
    user, device, server = _text_of(fields.get(1)), fields.get(3), _text_of(fields.get(5))
    if not user:
        return DeviceAddress("", "")
    number = f":{device}" if isinstance(device, int) and device else ""
    return DeviceAddress(user, f"{user}{number}@{server}")


def _text_of(value: bytes | int | None) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else ""


def sqlite_uri_path(file: Path) -> str:
    """*file* as the library wants it: it puts the text into a URI, where ``#``, ``%`` and ``?`` mean something else."""
    return quote(file.absolute().as_posix(), safe="/:")


def device_properties(device_name: str) -> bytes:
    """What the phone lists: a ``DeviceProps`` message of a name and the platform Chrome.

    Written by hand, because the messages take as long to load as the library takes to dial: so it does both at once.
    """
    name = device_name.encode()[:100].decode(errors="ignore").encode()  # one byte holds a length below 128
    return b"\x0a" + bytes([len(name)]) + name + b"\x18\x01"


def message_id_of(file: Path, secret: bytes) -> str:
    """The id that the library chose for the message with *secret* (``whatsmeow_message_secrets``), or an empty text."""
    newest = "SELECT message_id FROM whatsmeow_message_secrets WHERE key = ? ORDER BY rowid DESC LIMIT 1"
    try:
        with closing(sqlite3.connect(f"file:{sqlite_uri_path(file)}?mode=ro", uri=True, timeout=1.0)) as session:
            found = session.execute(newest, (secret,)).fetchone()
    except sqlite3.Error:
        return ""
    return str(found[0]) if found else ""


def own_users_of(file: Path) -> frozenset[str]:
    """The user parts of the addresses that the device of *file* has, by number and by LID; empty without a device.

    Only for a *file* that the library has not opened: a second SQLite in one process takes away the first one's locks.
    """
    try:
        with closing(sqlite3.connect(f"file:{sqlite_uri_path(file)}?mode=ro", uri=True, timeout=1.0)) as session:
            found = session.execute("SELECT jid, lid FROM whatsmeow_device").fetchone() or ()
    except sqlite3.Error:
        return frozenset()
    return frozenset(user_of(str(jid)) for jid in found if jid)


class Engine:
    """The loaded library. Every session is named by a key that no other one ever had in this process."""

    def __init__(self) -> None:
        try:
            self._go = ctypes.CDLL(str(library_path()))
        except OSError as error:
            raise EngineMissing(str(error)) from None
        self._go.GetVersion.restype = ctypes.c_char_p
        self.version: str = self._go.GetVersion().decode()
        if self.version != VERSION:
            raise EngineMismatch(f"found {self.version}, made for {VERSION}")
        self._kept: list[object] = []
        self._declare()

    def _declare(self) -> None:
        go, text, size = self._go, ctypes.c_char_p, ctypes.c_int
        go.FreeString.argtypes = [ctypes.c_void_p]
        go.FreeString.restype = None
        go.FreeBytesStruct.argtypes = [ctypes.POINTER(_Bytes)]
        go.FreeBytesStruct.restype = None
        go.Neonize.argtypes = [
            *(text, text, text, size, size, text),  # file, key, JID and its size, new device, log level
            *(_OnStrings, _OnStrings, _OnEvent, _OnLog),
            *(text, size, text, size, text, size),  # subscriptions, device properties, pairing by phone
            ctypes.POINTER(_Proxy),
        ]
        go.Neonize.restype = go.Logout.restype = ctypes.c_void_p
        go.SendMessage.argtypes = [text, text, size, text, size]
        go.PairPhone.argtypes = [text, text, size]
        go.SendMessage.restype = go.PairPhone.restype = ctypes.POINTER(_Bytes)
        go.Logout.argtypes = go.Disconnect.argtypes = [text]
        go.Disconnect.restype = None

    def run(
        self, key: str, file: Path, *, device_name: str, proxy: str, events: Sequence[int], listener: Listener
    ) -> str:
        """Open the session in *file* and stay in it. Returns what went wrong; without a fault it never returns."""
        subscriptions = bytes(events)
        properties = device_properties(device_name)
        settings = ctypes.byref(_Proxy(proxy.encode(), False, False, False)) if proxy else None
        callbacks = (
            _OnStrings(lambda _key, text: listener.code(ctypes.string_at(text).decode())),
            _OnStrings(lambda _key, text: listener.login_status(ctypes.string_at(text).decode())),
            _OnEvent(lambda _key, data, size, code: listener.event(code, ctypes.string_at(data, size))),
            _OnLog(lambda data, size: self._pass_on(ctypes.string_at(data, size), listener.log)),
        )
        self._kept.append(callbacks)  # Go may still call after we returned
        error = self._go.Neonize(
            *(sqlite_uri_path(file).encode(), key.encode(), b"", 0, 0, b"INFO"),
            *callbacks,
            *(subscriptions, len(subscriptions), properties, len(properties), b"", 0, settings),
        )
        return self._text(error)

    def send_text(self, key: str, to: str, text: str, secret: bytes) -> tuple[str, int]:
        """Send *text* to the number *to*; returns the message's id and time. Blocks up to 75 s without an answer.

        *secret*, 32 random bytes as every client adds, is what the library notes the id under before it sends: an
        answer that never comes leaves no other trace of it (see `message_id_of`).
        """
        pb = messages()
        recipient = pb.JID(User=to, Server="s.whatsapp.net", Device=0, RawAgent=0, Integrator=0, IsEmpty=False)
        # A plain conversation: the other kinds turn "@123" into a mention.
        message = pb.SendResponse().Message
        message.conversation = text
        message.messageContextInfo.messageSecret = secret
        address, body = recipient.SerializeToString(), message.SerializeToString()
        raw = self._go.SendMessage(key.encode(), address, len(address), body, len(body))
        answer = pb.SendMessageReturnFunction.FromString(self._bytes(raw))
        if answer.Error:
            raise EngineError(answer.Error)
        return answer.SendResponse.ID, answer.SendResponse.Timestamp

    def pair_phone(self, key: str, phone: str) -> str:
        """The code to type on the phone that has number *phone*."""
        pb = messages()
        question = pb.PairPhoneParams(
            phone=phone, showPushNotification=True, clientType=_FIREFOX, clientDisplayName="Firefox (Linux)"
        ).SerializeToString()
        answer = pb.PairPhoneReturnFunction.FromString(
            self._bytes(self._go.PairPhone(key.encode(), question, len(question)))
        )
        if answer.Error:
            raise EngineError(answer.Error)
        return str(answer.Code)

    def log_out(self, key: str) -> None:
        """Unlink from the phone. On success the library deletes the keys from the session's file."""
        if error := self._text(self._go.Logout(key.encode())):
            raise EngineError(error)

    def disconnect(self, key: str) -> None:
        """Leave the server. The library's own ``Stop`` is never used: it writes its maps (see `gate`)."""
        self._go.Disconnect(key.encode())

    def _pass_on(self, raw: bytes, log: Callable[[str, str, str], None]) -> None:
        entry = fields_of(raw)  # neonize's ``LogEntry``: message 1, level 2, name 3
        log(*(_text_of(entry.get(number)) for number in (2, 3, 1)))

    def _text(self, pointer: int | None) -> str:
        """The string Go handed over, which is ours to free."""
        if not pointer:
            return ""
        try:
            return ctypes.string_at(pointer).decode(errors="replace")
        finally:
            self._go.FreeString(pointer)

    def _bytes(self, pointer: Any) -> bytes:
        if not pointer:
            return b""
        try:
            content = pointer.contents
            return ctypes.string_at(content.data, content.size) if content.data and content.size else b""
        finally:
            self._go.FreeBytesStruct(pointer)
