"""Nodes and addresses: what the service and its clients say to each other, before it is bytes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

PHONE_SERVER: Final = "s.whatsapp.net"
LID_SERVER: Final = "lid"


@dataclass(frozen=True, slots=True)
class Jid:
    """An address: a user, one of the user's devices (0 is the phone), or with no user the service itself."""

    user: str
    server: str = PHONE_SERVER
    device: int = 0

    def __str__(self) -> str:
        device = f":{self.device}" if self.device else ""
        return f"{self.user}{device}@{self.server}" if self.user else self.server

    @classmethod
    def parse(cls, text: str) -> "Jid":
        """Read what `str` writes."""
        name, at, server = text.rpartition("@")
        if not at:
            return cls("", text)
        user, _, device = name.partition(":")
        return cls(user, server, int(device or 0))

    @property
    def bare(self) -> "Jid":
        """The user, whatever the device."""
        return Jid(self.user, self.server)


SERVICE: Final = Jid("", PHONE_SERVER)

Content = bytes | str | tuple["Node", ...] | None


@dataclass(frozen=True, slots=True)
class Node:
    """An element with attributes, and children, bytes or a word inside."""

    tag: str
    attrs: Mapping[str, str | Jid] = field(default_factory=dict)
    content: Content = None

    @property
    def children(self) -> tuple["Node", ...]:
        """The nodes inside; none if there are bytes."""
        return self.content if isinstance(self.content, tuple) else ()

    @property
    def data(self) -> bytes:
        """The bytes inside, also of a word that travelled as a token."""
        match self.content:
            case bytes(raw):
                return raw
            case str(word):
                return word.encode()
            case _:
                return b""

    def child(self, tag: str) -> "Node | None":
        """The first child called *tag*."""
        return next(self.all(tag), None)

    def all(self, tag: str) -> Iterator["Node"]:
        """Every child called *tag*."""
        return (child for child in self.children if child.tag == tag)

    def at(self, *path: str) -> "Node":
        """The node at the end of *path*, which must be there."""
        node = self
        for tag in path:
            found = node.child(tag)
            if found is None:
                raise LookupError(f"no <{tag}> in <{node.tag}>")
            node = found
        return node

    def text(self, name: str) -> str:
        """An attribute as text, empty when missing."""
        return str(self.attrs.get(name, ""))

    def jid(self, name: str) -> Jid:
        """An attribute that must be an address."""
        value = self.attrs.get(name)
        return value if isinstance(value, Jid) else Jid.parse(self.text(name))


def node(tag: str, *children: Node, **attrs: str | int | Jid) -> Node:
    """Build a node with children; ``class_`` and ``from_`` lose their underscore."""
    named = {
        name.rstrip("_").replace("__", "-"): value if isinstance(value, Jid) else str(value)
        for name, value in attrs.items()
    }
    return Node(tag, named, children or None)


def leaf(tag: str, content: bytes | str, **attrs: str | int | Jid) -> Node:
    """Build a node with bytes inside; words become bytes too, as clients expect of contents."""
    return Node(tag, node(tag, **attrs).attrs, content.encode() if isinstance(content, str) else content)
