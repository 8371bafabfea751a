"""What goes out, and what is kept back: the window, templates, paces, and answers that never come."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from app.domain.actions import ActionName
from app.domain.link_status import LinkState, Reason, SendCapability
from app.domain.messages import Address, AddressKind
from app.domain.sending import Accepted, NotSent, OutgoingMessage, SendErrorKind, TemplateMessage, Uncertain
from app.providers.meta_cloud import webhook_parser as callbacks
from tests.acceptance.meta_cloud.harness import BIA, QUICK, Harness
from tests.acceptance.meta_cloud.rows import FINE, SLOWED
from tests.acceptance.meta_cloud.test_errors import shown
from tests.emulators.meta_cloud import webhooks
from tests.emulators.meta_cloud.faults import Fault
from tests.emulators.meta_cloud.state import WABA_ID, template

REMINDER = TemplateMessage(name="lembrete", language="pt_BR", parameters=("Bia", "amanhã"))


async def test_a_text_inside_the_window_goes_out_as_meta_wants_it(harness: Harness) -> None:
    """With plus and country code, our own id beside it, and the address back as Meta writes it: without the 9."""
    async with harness.running() as run:
        ana = await run.connected()
        result = await run.send(ana, "Olá, Bia", reference="m-17")
        (sent,) = harness.cloud.world.number.sent
        written_as = Address(AddressKind.PHONE, "+552187650001")
        assert result == Accepted(provider_id=sent.wamid, to=written_as)
        assert sent.payload == {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "+5521987650001",
            "type": "text",
            "text": {"preview_url": False, "body": "Olá, Bia"},
            "biz_opaque_callback_data": "m-17",
        }
        await run.until_status(ana, lambda s: s.evidence.last_ack is not None)


async def test_outside_the_window_nothing_but_a_template_leaves(harness: Harness) -> None:
    """ "the 24-hour window and templates respected when sending"."""
    async with harness.running() as run:
        ana = await run.connected()
        closed = NotSent(trouble=SendErrorKind.WINDOW_CLOSED, code="131047")
        assert await run.send(ana, wrote=False) == closed
        now = harness.clock.now()
        for ago, passes in ((24 * 3600, False), (24 * 3600 - 60, True)):
            harness.cloud.world.number.inbound[BIA] = now - timedelta(seconds=ago)
            message = OutgoingMessage(
                to=Address(AddressKind.PHONE, f"+{BIA}"), text="oi", last_inbound=now - timedelta(seconds=ago)
            )
            result = await run.provider.send(run.core.mentorados.get(ana.id), message)
            assert isinstance(result, Accepted) is passes
        assert len(harness.cloud.asked("messages")) == 1  # the others never left

        assert isinstance(await run.send(ana, template=REMINDER, wrote=False), Accepted)
        components = harness.cloud.world.number.sent[-1].payload["template"]["components"]
        assert components == [
            {"type": "body", "parameters": [{"type": "text", "text": "Bia"}, {"type": "text", "text": "amanhã"}]}
        ]


TEMPLATES = [
    template(),
    template("pausado", status="PAUSED"),
    template("pendente", status="PENDING"),
    template("de_um_dia_depois", status="DREAMING"),
    template("oi", "Olá!"),
    template("nomeado", "Olá {{nome}}, até {{dia}}."),
    template(
        "com_titulo",
        components=[{"type": "HEADER", "format": "TEXT", "text": "Oi {{1}}"}, {"type": "BODY", "text": "Até {{1}}."}],
    ),
    template("com_foto", components=[{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "Veja."}]),
    template(
        "com_botao",
        components=[
            {"type": "BODY", "text": "Veja."},
            {"type": "BUTTONS", "buttons": [{"type": "URL", "url": "https://example.com/{{1}}"}]},
        ],
    ),
]


@pytest.mark.parametrize(
    ("name", "parameters", "code"),
    [
        ("lembrete", ("Bia",), "132000"),
        ("lembrete", ("Bia", "amanhã", "cedo"), "132000"),
        ("lembrete", ("Bia", " "), "132000"),
        ("oi", ("Bia",), "132000"),
        ("pausado", ("Bia", "amanhã"), "132001"),
        ("pendente", ("Bia", "amanhã"), "132001"),
        ("de_um_dia_depois", ("Bia", "amanhã"), "132001"),
        ("com_foto", (), "132001"),
        ("com_botao", (), "132001"),
        ("nunca_visto", (), "132001"),
    ],
)
async def test_only_an_approved_template_with_every_gap_filled_leaves(
    harness: Harness, name: str, parameters: tuple[str, ...], code: str
) -> None:
    harness.cloud.world.templates[WABA_ID] = TEMPLATES
    async with harness.running() as run:
        ana = await run.connected()
        use = TemplateMessage(name=name, language="pt_BR", parameters=parameters)
        result = await run.send(ana, template=use, wrote=False)
        assert isinstance(result, NotSent)
        assert (result.trouble, result.code, result.after) == (SendErrorKind.TEMPLATE, code, None)
        assert harness.cloud.asked("messages") == []


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("oi", ()), ("nomeado", ("Bia", "sexta")), ("com_titulo", ("Bia", "sexta"))],
)
async def test_gaps_are_filled_in_header_and_body_by_number_or_by_name(
    harness: Harness, name: str, parameters: tuple[str, ...]
) -> None:
    harness.cloud.world.templates[WABA_ID] = TEMPLATES
    harness.cloud.world.page = 2  # the list comes in pages
    async with harness.running() as run:
        ana = await run.connected()
        use = TemplateMessage(name=name, language="pt_BR", parameters=parameters)
        assert isinstance(await run.send(ana, template=use, wrote=False), Accepted)


async def test_a_template_that_was_paused_since_is_not_used_again(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        assert isinstance(await run.send(ana, template=REMINDER, wrote=False), Accepted)
        harness.cloud.world.templates[WABA_ID] = [template(status="PAUSED")]
        refused = await run.send(ana, template=REMINDER, wrote=False)
        assert isinstance(refused, NotSent)
        assert refused.code == "132015"
        again = await run.send(ana, template=REMINDER, wrote=False)
        assert isinstance(again, NotSent)
        assert (again.trouble, again.code) == (SendErrorKind.TEMPLATE, "132001")
        assert len(harness.cloud.asked("messages")) == 2


async def test_one_that_was_approved_a_minute_ago_can_be_used(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        new = TemplateMessage(name="novo", language="pt_BR")
        assert isinstance(await run.send(ana, template=new, wrote=False), NotSent)
        harness.cloud.world.templates[WABA_ID].append(template("novo", "Olá!"))
        assert isinstance(await run.send(ana, template=new, wrote=False), NotSent)  # just asked
        assert len(harness.cloud.asked("message_templates")) == 1
        await harness.clock.advance(60)
        assert isinstance(await run.send(ana, template=new, wrote=False), Accepted)
        newer = TemplateMessage(name="mais_novo", language="pt_BR")
        harness.cloud.world.templates[WABA_ID].append(template("mais_novo", "Olá!"))
        run.check(ana)  # a webhook told of it
        assert isinstance(await run.send(ana, template=newer, wrote=False), Accepted)


@pytest.mark.parametrize("fault", [Fault.HTML_502, Fault.EMPTY, Fault.RESET, Fault.HANG, Fault.DRIP, Fault.WRONG_TYPES])
async def test_an_answer_that_never_comes_is_uncertain_and_is_never_sent_again_by_itself(
    harness: Harness, fault: Fault
) -> None:
    """ "a timeout after a write is *ambiguous* and is never resent blindly"."""
    async with harness.running(timeouts=QUICK) as run:
        ana = await run.connected()
        harness.cloud.fault("messages", fault)
        assert isinstance(await run.send(ana), Uncertain)
        await run.later(ana, 600)
        assert len(harness.cloud.world.number.sent) == 1  # it went out, although nobody said so
        assert shown(run, ana) == FINE


async def test_what_never_left_may_be_tried_again(harness: Harness) -> None:
    async with harness.running(timeouts=QUICK) as run:
        ana = await run.connected()
        wire = run.provider._connections[ana.link][1]._graph._wire
        wire._client.base_url = "http://127.0.0.1:9"  # nobody is there
        result = await run.send(ana)
        assert isinstance(result, NotSent)
        assert result.trouble is SendErrorKind.TRANSIENT
        assert result.after is not None
        assert 1 <= result.after <= 2


async def test_a_pair_that_is_too_quick_waits_longer_each_time_and_others_do_not(harness: Harness) -> None:
    """ "131056: retry after 4^X s for that recipient"."""
    async with harness.running() as run:
        ana = await run.connected()
        waits = []
        for _ in range(4):
            harness.cloud.decline("messages", 131056)
            result = await run.send(ana)
            assert isinstance(result, NotSent)
            assert result.trouble is SendErrorKind.RATE_PAIR
            assert result.after is not None
            waits.append(result.after)
            asked = len(harness.cloud.asked("messages"))
            held = await run.send(ana)
            assert isinstance(held, NotSent)
            assert (held.code, held.after) == ("131056", result.after)
            assert len(harness.cloud.asked("messages")) == asked
            await harness.clock.advance(result.after)
        assert waits == [1, 4, 16, 64]
        harness.cloud.decline("messages", 131056)
        await run.send(ana)
        assert isinstance(await run.send(ana, to="5521987650002"), Accepted)
        assert shown(run, ana) == FINE
        await harness.clock.advance(256)
        assert isinstance(await run.send(ana), Accepted)


async def test_the_emulators_own_pair_bucket_is_respected_to_its_end(harness: Harness) -> None:
    harness.cloud.world.pair_burst = 3
    async with harness.running() as run:
        ana = await run.connected()
        results = []
        while len(harness.cloud.world.number.sent) < 5:
            results.append(result := await run.send(ana))
            if isinstance(result, NotSent):
                assert result.after is not None
                await harness.clock.advance(result.after)
        assert len([result for result in results if isinstance(result, NotSent)]) <= 6


@pytest.mark.parametrize(("code", "least", "most"), [(130429, 1, 2), (4, 30, 60), (80007, 150, 300)])
async def test_a_number_that_is_too_quick_shows_it_until_the_wait_is_over(
    harness: Harness, code: int, least: float, most: float
) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        harness.cloud.decline("messages", code)
        result = await run.send(ana)
        assert isinstance(result, NotSent)
        assert result.after is not None
        assert least <= result.after <= most
        status = await run.until(ana, LinkState.CONNECTED, Reason.RATE_LIMITED)
        assert status.until == harness.clock.now() + timedelta(seconds=result.after)
        held = await run.send(ana, to="5521987650002")
        assert isinstance(held, NotSent)
        assert (held.trouble, held.code, held.after) == (SendErrorKind.RATE_GLOBAL, str(code), result.after)
        assert shown(run, ana) == SLOWED
        await run.rested(ana)
        await harness.clock.advance(result.after)
        await run.until_status(ana, lambda _: shown(run, ana) == FINE)
        assert isinstance(await run.send(ana), Accepted)


async def test_meta_may_ask_for_a_longer_wait(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        harness.cloud.decline("messages", 130429, retry_after=90)
        result = await run.send(ana)
        assert isinstance(result, NotSent)
        assert result.after == 90


async def test_after_enough_tries_nothing_is_tried_again_by_itself(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        harness.cloud.decline("messages", 131000, times=5)
        afters = []
        for _ in range(4):
            result = await run.send(ana, reference="m-1")
            assert isinstance(result, NotSent)
            afters.append(result.after)
        assert [after is None for after in afters] == [False, False, False, True]
        other = await run.send(ana, reference="m-2")
        assert isinstance(other, NotSent)
        assert other.after is not None


async def test_somebody_for_whom_meta_holds_marketing_back_gets_no_template_for_a_day(harness: Harness) -> None:
    """131049: "≥24 h before any resend"; an answer inside the window is another matter."""
    async with harness.running() as run:
        ana = await run.connected()
        harness.cloud.world.recipients[BIA] = 131049
        first = await run.send(ana, template=REMINDER, wrote=False)
        assert isinstance(first, NotSent)
        assert (first.code, first.after) == ("131049", None)
        del harness.cloud.world.recipients[BIA]
        held = NotSent(trouble=SendErrorKind.RATE_PAIR, code="131049")
        assert await run.send(ana, template=REMINDER, wrote=False) == held
        assert isinstance(await run.send(ana), Accepted)
        await harness.clock.advance(24 * 3600)
        await run.until(ana, LinkState.CONNECTED)
        assert isinstance(await run.send(ana, template=REMINDER, wrote=False), Accepted)


@pytest.mark.parametrize("known_by_user_id", [False, True])
@pytest.mark.parametrize(
    ("code", "trouble", "held_for_good"),
    [(131049, SendErrorKind.RATE_PAIR, False), (131050, SendErrorKind.OPTED_OUT, True)],
)
async def test_a_failure_told_later_holds_templates_back_just_as_in_the_answer(
    harness: Harness, code: int, trouble: SendErrorKind, held_for_good: bool, known_by_user_id: bool
) -> None:
    """ "the second is held back (RATE_PAIR 131049), as after the same code in the answer" """
    async with harness.running() as run:
        ana = await run.connected()
        taken = await run.send(ana, template=REMINDER, wrote=False)
        assert isinstance(taken, Accepted)
        who = "BR.1502" if known_by_user_id else "552187650001"  # as Meta names whoever we wrote to as +5521987650001
        fields = webhooks.status(taken.provider_id, "failed", who, code=code, at=1_700_000_000)
        for callback in callbacks.parse(webhooks.envelope(fields), harness.clock.now()):
            assert run.provider.handle(ana.link, callback.facts, callback.check, lambda: None)
        held = NotSent(trouble=trouble, code=str(code))
        assert await run.send(ana, template=REMINDER, wrote=False) == held
        assert isinstance(await run.send(ana), Accepted)  # an answer is no marketing
        await run.do(ActionName.DISCONNECT, ana)
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.CONNECTED)
        assert await run.send(ana, template=REMINDER, wrote=False) == held
        await run.later(ana, 24 * 3600)
        later = await run.send(ana, template=REMINDER, wrote=False)
        assert later == held if held_for_good else isinstance(later, Accepted)


async def test_whoever_wants_no_marketing_gets_no_template_until_they_want_it_again(harness: Harness) -> None:
    """ "opt-outs told by webhook (`user_preferences` stop/resume) must hold templates back" """
    async with harness.running() as run:
        ana = await run.connected()

        async def wish(value: str, at: int = 1_760_000_000) -> None:
            body = webhooks.envelope(webhooks.preference(value, "552187650001", at=at))
            for callback in callbacks.parse(body, harness.clock.now()):
                assert run.provider.handle(ana.link, callback.facts, callback.check, lambda: None)

        await wish("stop")
        held = NotSent(trouble=SendErrorKind.OPTED_OUT, code="131050")
        assert await run.send(ana, template=REMINDER, wrote=False) == held
        assert harness.cloud.asked("messages") == []
        await wish("resume", 1_760_000_009)
        assert isinstance(await run.send(ana, template=REMINDER, wrote=False), Accepted)
        await wish("stop", 1_760_000_005)  # it came late
        assert isinstance(await run.send(ana, template=REMINDER, wrote=False), Accepted)
        await wish("stop", 1_760_000_009)
        assert await run.send(ana, template=REMINDER, wrote=False) == held


async def test_somebody_known_by_a_user_id_only_is_written_to_by_it(harness: Harness) -> None:
    """ "To *send* to such a contact the id goes in `recipient` instead of `to`"."""
    async with harness.running() as run:
        ana = await run.connected()
        bia = Address(AddressKind.META_USER, "BR.1502AB")
        harness.cloud.world.number.inbound[bia.value] = harness.clock.now()
        message = OutgoingMessage(to=bia, text="oi", last_inbound=harness.clock.now())
        result = await run.provider.send(run.core.mentorados.get(ana.id), message)
        (sent,) = harness.cloud.world.number.sent
        assert result == Accepted(provider_id=sent.wamid, to=bia)
        assert (sent.payload["recipient"], "to" in sent.payload) == ("BR.1502AB", False)


@pytest.mark.parametrize(
    ("to", "words", "trouble"),
    [
        (Address(AddressKind.GROUP, "1203630000"), "oi", SendErrorKind.RECIPIENT_INVALID),
        (Address(AddressKind.META_USER, "nobody"), "oi", SendErrorKind.RECIPIENT_INVALID),
        (Address(AddressKind.PHONE, "21987650001"), "oi", SendErrorKind.RECIPIENT_INVALID),
        (Address(AddressKind.PHONE, "+5521987650001"), "", SendErrorKind.REQUEST),
        (Address(AddressKind.PHONE, "+5521987650001"), "x" * 4097, SendErrorKind.REQUEST),
    ],
)
async def test_what_cannot_be_a_message_never_leaves(
    harness: Harness, to: Address, words: str, trouble: SendErrorKind
) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        message = OutgoingMessage(to=to, text=words, last_inbound=harness.clock.now())
        result = await run.provider.send(run.core.mentorados.get(ana.id), message)
        assert isinstance(result, NotSent)
        assert result.trouble is trouble
        assert harness.cloud.asked("messages") == []


async def test_nothing_is_sent_without_an_open_line_of_the_right_number(harness: Harness) -> None:
    nothing = NotSent(trouble=SendErrorKind.NOT_CONNECTED)
    async with harness.running() as run:
        ana = await run.add_mentorado()
        assert await run.send(ana) == nothing
        harness.cloud.fault("debug_token", Fault.HANG)
        await run.do(ActionName.CONNECT, ana)
        while not harness.cloud.asked("debug_token"):
            await asyncio.sleep(0.001)
        assert await run.send(ana) == nothing  # nobody knows yet whose number it is
        await run.do(ActionName.CANCEL, ana)
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.CONNECTED)
        assert isinstance(await run.send(ana), Accepted)
        await run.do(ActionName.DISCONNECT, ana)
        assert await run.send(ana) == nothing
        assert run.status(ana).capability is SendCapability.UNKNOWN
        assert len(harness.cloud.asked("messages")) == 1


async def test_a_line_that_is_closed_while_a_message_is_under_way_leaves_it_uncertain(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        harness.cloud.fault("messages", Fault.HANG)
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(run.send(ana))
            while not harness.cloud.asked("messages"):
                await asyncio.sleep(0.001)
            await run.do(ActionName.DISCONNECT, ana)
        assert isinstance(sending.result(), Uncertain)


@pytest.mark.parametrize("body", [b"<html>slow down</html>", b'{"error":"too many"}'])
async def test_a_gateway_that_asks_for_a_pause_is_given_one_whatever_it_says(harness: Harness, body: bytes) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        await run.rested(ana)
        harness.cloud.answer("messages", body, 429, retry_after="90")
        first = await run.send(ana)
        assert not isinstance(first, Accepted)
        second = await run.send(ana, to="5521987650002")
        assert isinstance(second, NotSent)
        assert second.trouble is SendErrorKind.RATE_GLOBAL
        assert second.after is not None
        assert second.after >= 85
