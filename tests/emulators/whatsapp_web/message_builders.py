"""What is inside a sealed message, in the service's own protobuf."""

import os
import time
import zlib
from dataclasses import dataclass
from typing import Any

from tests.emulators.whatsapp_web.installed import protobuf
from tests.emulators.whatsapp_web.nodes import Jid


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as a person sees it: its kind (text, or the name of a protobuf field) and its text, if it has one."""

    kind: str
    text: str


def write_text(text: str) -> bytes:
    """A plain text."""
    return bytes(_message(conversation=text).SerializeToString())


def write_copy(to: Jid, plain: bytes) -> bytes:
    """The copy of a message to *to* for the sender's other devices."""
    copy = _message()
    copy.deviceSentMessage.destinationJID = str(to)
    copy.deviceSentMessage.message.ParseFromString(plain)
    return bytes(copy.SerializeToString())


def write_app_state_keys(raw_id: int, devices: list[int]) -> bytes:
    """A new key for the settings that an account's devices share, as the phone sends it to a newly linked one."""
    message = _message()
    protocol = message.protocolMessage
    protocol.type = protocol.APP_STATE_SYNC_KEY_SHARE
    key = protocol.appStateSyncKeyShare.keys.add()
    key.keyID.keyID = b"\0\0" + os.urandom(4)
    key.keyData.keyData = os.urandom(32)
    key.keyData.timestamp = int(time.time() * 1000)
    fingerprint = key.keyData.fingerprint
    fingerprint.rawID, fingerprint.currentIndex = raw_id, max(devices, default=0)
    fingerprint.deviceIndexes.extend([0, *devices])
    return bytes(message.SerializeToString())


def write_history(*, inline: bool) -> bytes:
    """Tell a newly linked device of the history of a phone without conversations.

    The first part of it travels *inline*, inside this message. A device that does not take it so would fetch it from
    the media servers, which are not emulated: it is told of the part with the status updates instead.
    """
    history = protobuf("waHistorySync.WAWebProtobufsHistorySync_pb2").HistorySync
    kind = history.INITIAL_BOOTSTRAP if inline else history.INITIAL_STATUS_V3
    message = _message()
    protocol = message.protocolMessage
    protocol.type = protocol.HISTORY_SYNC_NOTIFICATION
    notification = protocol.historySyncNotification
    notification.syncType, notification.chunkOrder, notification.progress = kind, 1, 100
    if inline:
        part = history(syncType=kind, chunkOrder=1, progress=100)
        notification.initialHistBootstrapInlinePayload = zlib.compress(part.SerializeToString())
    return bytes(message.SerializeToString())


def read_letter(plain: bytes) -> Letter:
    """What a message says; of a copy, what the copied message says."""
    message = _message()
    message.ParseFromString(plain)
    if message.HasField("deviceSentMessage"):
        message = message.deviceSentMessage.message
    if message.HasField("extendedTextMessage"):
        return Letter("text", message.extendedTextMessage.text)
    if message.HasField("conversation"):
        return Letter("text", message.conversation)
    return Letter(next((field.name for field, _ in message.ListFields()), ""), "")


def _message(**fields: str) -> Any:
    return protobuf("waE2E.WAWebProtobufsE2E_pb2").Message(**fields)
