"""What edits and revocations make of a message.

It is worked out anew from all stored rows whenever one of them, or what is known of their senders, changes: so it does
not matter what came first, but for edits of which nobody says which was sent first: of those the last stored counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from json import dumps
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from app.domain.mentorado import MentoradoId
from app.domain.messages import ConversationId, MessageKind
from app.storage.history_contacts import among
from app.storage.tables import contact, conversation, link, message

_CHANGING = message.c.kind.in_((MessageKind.EDIT.value, MessageKind.REVOCATION.value)) & ~message.c.shown
_THOSE = among("targets")
# By the index on `refers_to` alone: the conversation tells apart what belongs to whom.
_CHANGES = select(message).where(message.c.refers_to.in_(_THOSE), _CHANGING)
_THEIR_LINKS = select(link.c.id).where(link.c.mentorado_id == bindparam("mentorado_id"))
_TARGETS = (
    select(message, contact.c.many)
    .join(conversation, conversation.c.id == message.c.conversation_id)
    .join(contact, contact.c.id == conversation.c.contact_id)
    .where(message.c.link_id.in_(_THEIR_LINKS), message.c.provider_id.in_(_THOSE), message.c.shown)
)


def targets_in(connection: Connection, conversations: Collection[ConversationId]) -> set[str]:
    """The provider ids of what is edited or revoked there."""
    there = message.c.conversation_id.in_(conversations)
    found = select(message.c.refers_to).where(there, _CHANGING, message.c.refers_to.is_not(None))
    return set(connection.execute(found).scalars())


def fold(connection: Connection, mentorado_id: MentoradoId, targets: Collection[str]) -> set[ConversationId]:
    """Bring the messages with the provider ids *targets* up to date; returns the conversations that changed."""
    changes: defaultdict[tuple[str, str], list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(_CHANGES, {"targets": dumps(list(targets))}):
        changes[row.conversation_id, row.refers_to].append(row)
    if not changes:
        return set()
    changed = set()
    wanted = sorted({provider_id for _, provider_id in changes})
    for row in connection.execute(_TARGETS, {"mentorado_id": mentorado_id, "targets": dumps(wanted)}).all():
        is_now = _outcome(row, changes.get((row.conversation_id, row.provider_id), ()))
        if is_now != {name: getattr(row, name) for name in is_now}:
            connection.execute(message.update().where(message.c.number == row.number).values(**is_now))
            changed.add(row.conversation_id)
    return changed


def _outcome(target: Row[Any], changes: Iterable[Row[Any]]) -> dict[str, Any]:
    allowed = [change for change in changes if _may(change, target)]
    edits = [change for change in allowed if change.kind == MessageKind.EDIT]
    edit = max(edits, key=lambda change: (change.sent_at, change.number), default=None)
    revocations = [change.sent_at for change in allowed if change.kind == MessageKind.REVOCATION]
    return {
        "edited_text": None if edit is None else edit.text,
        "edited_at": None if edit is None else edit.sent_at,
        "revoked_at": min(revocations, default=None),
    }


def _may(change: Row[Any], target: Row[Any]) -> bool:
    """Authors change what they wrote. In a group its admins may revoke what others wrote: who is one is not known here,
    except that the mentorado's own phone offers it to admins only."""
    if change.from_me or target.from_me:
        admin = bool(target.many) and change.kind == MessageKind.REVOCATION
        return bool(change.from_me and (target.from_me or admin))
    return bool(change.sender_id == target.sender_id and (change.sender_id or not target.many))
