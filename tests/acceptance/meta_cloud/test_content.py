"""What Meta's webhooks say ends in the history with its words, and in the conversation with whoever it is about."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.messages import Conversation, MessageKind, StoredMessage
from app.providers.meta_cloud import webhook_parser as callbacks
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.text import conversation as conversation_text
from app.text.status import texts
from tests.acceptance.meta_cloud.harness import Harness, ProgramRun
from tests.acceptance.meta_cloud.test_deliveries import deliver
from tests.acceptance.program import Person, run
from tests.clock import DAWN
from tests.emulators.meta_cloud.webhooks import Change, envelope, inbound, messages
from tests.storage.talk import add_mentorado

AT = int(DAWN.timestamp())
OLD, NEW, BIA_ID, BIA_NEW_ID = "5521912340006", "5521912349999", "BR.111AAA", "BR.222BBB"


async def taken_in(run: ProgramRun, ana: Person, *changes: Change) -> dict[str, tuple[Conversation, StoredMessage]]:
    """Every message that is shown, by its id, once all of *changes* are stored."""
    confirmed = deliver(run, ana, *map(envelope, changes))
    await run.soon(lambda: len(confirmed) == len(changes))
    assert not [each for each in confirmed if "not taken" in each]
    found = {}
    for conversation in await run.core.history.conversations(ana.id):
        for message in await run.core.history.messages(conversation.id, limit=500):
            found[message.provider_id] = conversation, message
    return found


def changed(**system: Any) -> Change:
    notice = {"id": "wamid.K1", "from": OLD, "timestamp": str(AT + 2), "type": "system"}
    return messages(messages=[{**notice, "system": {"body": f"User Ivo changed from {OLD} to {NEW}", **system}}])


async def test_a_message_in_a_group_is_not_in_the_private_conversation(harness: Harness) -> None:
    """ "a group conversation of its own, with Caio as its sender" """
    async with harness.running() as run:
        ana = await run.connected()
        private = inbound("wamid.P", OLD, name="Caio", at=AT)
        grouped = inbound("wamid.G", OLD, name="Caio", at=AT, group_id="Z3J1cG8tMQ", type="text", text={"body": "x"})
        found = await taken_in(run, ana, private, grouped)
        assert found["wamid.P"][0].id != found["wamid.G"][0].id
        assert (found["wamid.P"][0].is_group, found["wamid.G"][0].is_group) == (False, True)
        assert conversation_text.title(found["wamid.G"][0].title, is_group=True) == texts("conversation.nameless_group")
        assert found["wamid.G"][1].sender_name == "Caio"


async def test_an_edited_caption_is_the_new_caption(harness: Harness) -> None:
    """ "shown as an image with the caption "nova", edited" """
    async with harness.running() as run:
        ana = await run.connected()
        image = {"id": "1", "mime_type": "image/jpeg"}
        edit = {
            "original_message_id": "wamid.E0",
            "message": {"type": "image", "image": {**image, "caption": "nova"}},
        }
        found = await taken_in(
            run,
            ana,
            inbound("wamid.E0", at=AT, type="image", image={**image, "caption": "velha"}),
            inbound("wamid.E1", at=AT + 1, type="edit", edit=edit),
        )
        shown = found["wamid.E0"][1]
        assert (shown.kind, shown.text, shown.original_text) == (MessageKind.IMAGE, "nova", "velha")
        assert shown.edited_at is not None


async def test_a_number_that_changed_leaves_one_conversation_and_a_notice_with_words(harness: Harness) -> None:
    """ "ONE conversation that has both numbers, and K1 says that the number changed" """
    async with harness.running() as run:
        ana = await run.connected()
        found = await taken_in(
            run,
            ana,
            inbound("wamid.K0", OLD, at=AT),
            changed(type="user_changed_number", wa_id=NEW),
            inbound("wamid.K2", NEW, at=AT + 3),
        )
        (conversation,) = {each.id: each for each, _ in found.values()}.values()
        assert {address.value for address in conversation.addresses} == {f"+{OLD}", f"+{NEW}"}
        assert NEW in found["wamid.K1"][1].text


async def test_a_number_on_a_card_that_was_asked_for_is_the_contacts_own(harness: Harness) -> None:
    """ "the number on the card is kept and linked to the contact known by user id" """
    async with harness.running() as run:
        ana = await run.connected()
        card = {
            "name": {"formatted_name": "Caio Melo"},
            "phones": [{"phone": "+55 21 90000-0009", "wa_id": "5521900000009"}],
            "origin": "contact_request",
        }
        found = await taken_in(
            run,
            ana,
            inbound("wamid.C1", None, user_id="BR.333", at=AT, type="contacts", contacts=[card]),
            inbound("wamid.C2", "5521900000009", at=AT + 1),
        )
        conversation, shown = found["wamid.C1"]
        assert "+55 21 90000-0009" in shown.text
        assert {address.value for address in conversation.addresses} == {"BR.333", "+5521900000009"}
        assert found["wamid.C2"][0].id == conversation.id


async def test_what_is_not_understood_is_counted_and_what_is_behind_it_goes_on(harness: Harness) -> None:
    """ "Deliveries that are parsed but not understood must be kept or counted and shown as "not taken in"." """
    async with harness.running() as run:
        ana = await run.connected()
        fields = ["smb_app_state_sync", "group_lifecycle_update", "never_heard_of"]
        unknown = [{**messages(), "field": field} for field in fields]
        found = await taken_in(run, ana, *unknown, inbound("wamid.after", at=AT))
        assert list(found) == ["wamid.after"]
        counts = await run.core.set_aside.counts(ana.id)
        assert {each.kind: each.count for each in counts} == dict.fromkeys(fields, 1)


async def test_a_file_too_large_for_any_column_keeps_nothing_back(harness: Harness) -> None:
    """ "both are stored (the size left out)" """
    async with harness.running() as run:
        ana = await run.connected()
        document = {"filename": "a.pdf", "mime_type": "application/pdf", "file_size": 2**63}
        found = await taken_in(
            run,
            ana,
            inbound("wamid.X", at=AT, type="document", document=document),
            inbound("wamid.Y", at=AT + 1),
        )
        media = found["wamid.X"][1].media
        assert media is not None
        assert (media.name, media.size) == ("a.pdf", None)
        assert found["wamid.Y"][1].text == "oi"


# Every way in which Meta may name somebody before, in and after a change; all are one person.
_BEFORE = st.sampled_from([(OLD, ""), (OLD, BIA_ID), (None, BIA_ID)])
_AFTER = st.sampled_from([(NEW, ""), (NEW, BIA_NEW_ID), (None, BIA_NEW_ID)])


@settings(
    max_examples=12,
    deadline=None,
)
@given(before=_BEFORE, after=_AFTER, order=st.permutations(range(3)))
def test_whoever_changes_number_and_id_stays_one_person_in_whatever_order_it_is_told(
    before: tuple[str | None, str], after: tuple[str | None, str], order: list[int]
) -> None:
    items = [
        inbound("wamid.1", before[0], user_id=before[1], at=AT),
        changed(type="user_changed_number", wa_id=NEW, user_id=BIA_NEW_ID, previous_user_id=BIA_ID),
        inbound("wamid.3", after[0], user_id=after[1], at=AT + 3),
    ]

    async def main() -> None:
        async with Database(Path(folder) / "data" / "conecta.db") as database:
            mentorado = await add_mentorado(database)
            history = SqlMessageRepository(database)
            for number in order:
                for callback in callbacks.parse(envelope(items[number]), DAWN):
                    await history.store(mentorado, callback.facts, DAWN)
            (conversation,) = await history.conversations(mentorado.id)
            assert conversation.messages == 3

    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:  # noqa: S108
        run(main())
