"""What is inside a sealed message, in the service's own protobuf."""

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
