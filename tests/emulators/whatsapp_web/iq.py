"""The smallest answers that satisfy a client, one function for each question it asks."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tests.emulators.whatsapp_web.accounts import Account, Accounts, Device
from tests.emulators.whatsapp_web.nodes import LID_SERVER, SERVICE, Jid, Node, leaf, node
from tests.emulators.whatsapp_web.signal_end import Bundle, PreKey

_PRIVACY: Final = ("groupadd", "last", "status", "profile", "readreceipts", "online", "calladd")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, who asks it, and what the service knows."""

    iq: Node
    device: Device | None
    accounts: Accounts

    @property
    def child(self) -> Node:
        """What the iq is about."""
        return self.iq.children[0]


Answer = Callable[[Asked], Iterable[Node]]


def answer(asked: Asked) -> Node:
    """The result of an iq; a question nobody knows has an empty one."""
    name = asked.child.tag if asked.iq.children else ""
    found = _ANSWERS.get((asked.iq.text("xmlns"), name))
    return result(asked.iq, *(found(asked) if found else ()))


def result(iq: Node, *content: Node) -> Node:
    """The answer to *iq* with *content* in it."""
    return node("iq", *content, from_=SERVICE, id=iq.text("id"), type="result")


def _key_count(asked: Asked) -> Iterable[Node]:
    yield node("count", value=len(asked.device.keys) if asked.device else 0)


def _take_keys(asked: Asked) -> Iterable[Node]:
    device = asked.device
    if device is not None:
        device.registration = asked.iq.at("registration").data
        device.identity = asked.iq.at("identity").data
        device.keys.extend(read_key(key) for key in asked.iq.at("list").children)
        device.signed_key = read_key(asked.iq.at("skey"))
    return ()


def _give_keys(asked: Asked) -> Iterable[Node]:
    yield node("list", *(_bundle(asked.accounts, user.jid("jid")) for user in asked.child.children))


def _bundle(accounts: Accounts, jid: Jid) -> Node:
    account, device = accounts.find(jid), accounts.device(jid)
    if account is not None and not jid.device:
        signal = account.phone.signal
        return _user_keys(jid, signal.registration, signal.bundle())
    if device is None:
        return node("user", node("error", code=404, text="item-not-found"), jid=jid)
    return _user_keys(jid, device.registration, device.bundle(), leaf("device-identity", device.vouched))


def _user_keys(jid: Jid, registration: bytes, bundle: Bundle, *more: Node) -> Node:
    head = (leaf("registration", registration), leaf("type", b"\x05"), leaf("identity", bundle.identity))
    once = (_key_node("key", bundle.one_time),) if bundle.one_time else ()
    return node("user", *head, *once, _key_node("skey", bundle.signed), *more, jid=jid)


def read_key(stanza: Node) -> PreKey:
    """A public key as a device sends it."""
    signature = stanza.child("signature")
    return PreKey(stanza.at("id").data, stanza.at("value").data, signature.data if signature else b"")


def _key_node(tag: str, key: PreKey) -> Node:
    signature = (leaf("signature", key.signature),) if key.signature else ()
    return node(tag, leaf("id", key.number), leaf("value", key.public), *signature)


def _look_up(asked: Asked) -> Iterable[Node]:
    question = asked.child
    wanted = [part.tag for part in question.at("query").children]
    users = (_user(asked.accounts, user, wanted) for user in question.at("list").children)
    echoed = {name: value for name, value in question.attrs.items() if name != "xmlns"}
    yield Node("usync", echoed, (node("result"), node("list", *users)))


def _user(accounts: Accounts, asked: Node, wanted: list[str]) -> Node:
    contact = asked.child("contact")
    jid = Jid(contact.data.decode().partition("@")[0].lstrip("+")) if contact else asked.jid("jid")
    account = accounts.find(jid)
    if account is None:
        missing = (leaf("contact", contact.data, type="out"),) if contact else ()
        return node("user", *missing, jid=jid)
    known = {"devices": _devices, "lid": _lid, "status": _status}
    parts = [known[name](account) for name in wanted if name in known]
    if contact:
        return node("user", leaf("contact", contact.data, type="in"), *parts, jid=account.lid, pn_jid=account.jid)
    return node("user", *parts, jid=jid)


def _devices(account: Account) -> Node:
    linked = (node("device", id=number, key__index=number) for number in account.devices)
    signed = leaf("key-index-list", account.phone.device_list(list(account.devices)), ts=1)
    return node("devices", node("device-list", node("device", id=0), *linked), signed)


def _lid(account: Account) -> Node:
    return node("lid", val=Jid(account.lid.user, LID_SERVER))


def _status(_account: Account) -> Node:
    return leaf("status", "", t=0)


def _privacy(_asked: Asked) -> Iterable[Node]:
    yield node("privacy", *(node("category", name=name, value="all") for name in _PRIVACY))


def _no_groups(_asked: Asked) -> Iterable[Node]:
    yield node("groups")


def _nobody_blocked(_asked: Asked) -> Iterable[Node]:
    yield node("list", dhash="0")


def _app_state(asked: Asked) -> Iterable[Node]:
    collections = (
        node("collection", name=each.text("name"), version=each.text("version"), has_more_patches="false")
        for each in asked.child.children
    )
    yield node("sync", *collections)


def _media_servers(_asked: Asked) -> Iterable[Node]:
    host = node("host", hostname="mmg.whatsapp.net")
    yield node("media_conn", host, auth="none", ttl=300, auth_ttl=300, max_buckets=12)


_ANSWERS: Final[Mapping[tuple[str, str], Answer]] = MappingProxyType(
    {
        ("encrypt", "count"): _key_count,
        ("encrypt", "registration"): _take_keys,
        ("encrypt", "key"): _give_keys,
        ("usync", "usync"): _look_up,
        ("privacy", "privacy"): _privacy,
        ("w:g2", "participating"): _no_groups,
        ("blocklist", ""): _nobody_blocked,
        ("w:sync:app:state", "sync"): _app_state,
        ("w:m", "media_conn"): _media_servers,
    }
)
