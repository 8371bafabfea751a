"""Smoke tests of hosted providers, what relies on the results, and how they are stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.core.outbound.smoke_test import random_word
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.messages import DeliveryStatus
from app.domain.outbound import OutboundLimits
from app.domain.phone import PhoneNumber
from app.domain.sending import NotSent, SendErrorKind, TemplateMessage
from app.domain.settings import OUTBOUND_LIMITS, OperatorSettings
from app.domain.smoke_test import SmokeTest, SmokeTestSettings, SmokeTestTarget
from app.domain.webhooks import WebhookSettings
from app.storage.mentorados import SqlMentoradoRepository
from app.storage.settings import SqlSettings
from app.text.outbound import result_lines
from app.text.status import problem as words_of
from app.text.status import texts
from tests.core.outbound.harness import asked
from tests.core.outbound.smoke_test_harness import ALL, COLLEAGUE, SENT, E, G, T, TwoLinks, result, two_links
from tests.waiting import until

# --- hosted providers -------------------------------------------------------------------------------------------------


async def hosted(t: TwoLinks, kind: ProviderKind, *, webhooks: bool, who: Mentorado | None = None) -> None:
    """The messages of Ana, or of *who*, are carried by *kind* from now on, as far as the test is concerned."""
    t.core.providers[kind] = t.provider
    await t.core.mentorados.save_link(replace(t.core.mentorados.get((who or t.ana).id).link, provider=kind))
    t.settings._settings = replace(t.settings.settings, webhooks=WebhookSettings(on=webhooks))


async def test_without_webhooks_no_more_than_the_providers_yes_is_seen(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.NUMBER) as t:
        await hosted(t, ProviderKind.ZAPI, webhooks=False)
        test = await t.run()
        assert (result(test), test.expected) == ((E.PARTLY, T.NONE, SENT), SENT)


async def test_without_webhooks_a_partner_still_proves_the_delivery(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.PARTNER) as t:
        await hosted(t, ProviderKind.ZAPI, webhooks=False)
        task = t.begun()
        await t.deliver(1, t.bia, t.ana)
        assert result(await t.over(task)) == (E.PARTLY, T.NONE, ALL[:3])
        assert len(t.provider.sent) == 1


async def test_with_webhooks_everything_is_seen(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.NUMBER) as t:
        await hosted(t, ProviderKind.ZAPI, webhooks=True)
        task = t.begun()
        await asked(t.provider)
        await t.receipt(DeliveryStatus.DELIVERED)
        await until(lambda: G.DELIVERED in t.seen[-1].stages)
        await t.core.write_queue.flush()
        await t.receive(t.ana, COLLEAGUE, "ok")
        assert (await t.over(task)).outcome is E.PASSED


async def test_webhooks_that_never_came_cannot_tell_that_it_was_not_delivered(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.NUMBER) as t:
        await hosted(t, ProviderKind.ZAPI, webhooks=True)
        test = await t.run()
        assert (result(test), test.expected) == ((E.PARTLY, T.DELIVERY_UNSEEN, SENT), SENT)
        unseen = tuple(texts(f"smoke.result.delivery_unseen.{line}") for line in ("sentence", "next"))
        assert result_lines(test, t.clock.now()) == unseen
        assert held(t) is ProblemCode.SMOKE_TEST_PARTLY
        await t.receive(t.ana, "+5511977770000", "oi")  # messages come in, and receipts are another address at Z-API
        assert result(await t.run()) == (E.PARTLY, T.DELIVERY_UNSEEN, SENT)
        await t.receipt(DeliveryStatus.SENT, number=9)  # of a message that is not known yet
        assert result(await t.run()) == (E.FAILED, T.NOT_DELIVERED, SENT)


async def test_a_receipt_of_a_message_before_shows_that_webhooks_come(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.NUMBER) as t:
        await hosted(t, ProviderKind.META_CLOUD, webhooks=True)
        task = t.begun()
        await asked(t.provider)
        await t.receipt(DeliveryStatus.READ)
        assert (await t.over(task)).trouble is T.NO_ANSWER
        assert result(await t.run()) == (E.FAILED, T.NOT_DELIVERED, SENT)


@pytest.mark.parametrize("webhooks", [False, True])
async def test_a_partner_whose_webhooks_do_not_come_proves_no_loss(tmp_path: Path, webhooks: bool) -> None:
    async with two_links(tmp_path, SmokeTestTarget.PARTNER) as t:
        for who in (t.ana, t.bia):
            await hosted(t, ProviderKind.ZAPI, webhooks=webhooks, who=who)
        assert result(await t.run()) == (E.PARTLY, T.DELIVERY_UNSEEN if webhooks else T.NONE, SENT)
        await t.receive(t.bia, COLLEAGUE, "oi")
        not_delivered = (E.FAILED, T.NOT_DELIVERED, SENT)
        assert result(await t.run()) == (not_delivered if webhooks else (E.PARTLY, T.NONE, SENT))


async def test_a_number_at_meta_cannot_write_to_itself(tmp_path: Path) -> None:
    async with two_links(tmp_path, None) as t:
        await hosted(t, ProviderKind.META_CLOUD, webhooks=True)
        assert result(await t.run()) == (E.FAILED, T.NOT_TO_ITSELF, ())


@pytest.mark.parametrize(("named", "language"), [("teste/en_US", "en_US"), ("teste", "pt_BR")])
async def test_a_closed_window_is_passed_with_the_template_that_was_named(
    tmp_path: Path, named: str, language: str
) -> None:
    async with two_links(tmp_path, None) as t:
        await t.choose(SmokeTestTarget.NUMBER, template=named)
        await hosted(t, ProviderKind.META_CLOUD, webhooks=False)
        t.provider.answers.append(NotSent(trouble=SendErrorKind.WINDOW_CLOSED, code="131047"))
        assert result(await t.run()) == (E.PARTLY, T.NONE, SENT)
        text, template = t.provider.sent
        assert (text.template, template.text) == (None, "")
        assert template.template == TemplateMessage(name="teste", language=language)


async def test_a_window_that_is_known_to_be_closed_costs_no_question(tmp_path: Path) -> None:
    async with two_links(tmp_path, None) as t:
        t.provider.window = timedelta(hours=24)
        await t.choose(SmokeTestTarget.NUMBER)
        await hosted(t, ProviderKind.META_CLOUD, webhooks=False)
        closed = await t.run()
        assert (closed.over, result(closed)) == (True, (E.FAILED, T.WINDOW_CLOSED, ()))
        await t.choose(SmokeTestTarget.NUMBER, template="teste")
        assert result(await t.run()) == (E.PARTLY, T.NONE, SENT)
        assert [sent.template is None for sent in t.provider.sent] == [False]


# --- what relies on it ------------------------------------------------------------------------------------------------


def held(t: TwoLinks) -> ProblemCode | None:
    problem = t.service.bulk_hold(t.ana.id)
    if problem is not None:
        assert problem.context["name"] == t.ana.name
        assert all("—" not in line for line in words_of(problem)), "the sentence knows everything it says"
    return None if problem is None else problem.code


async def test_bulk_use_relies_on_a_test_that_passed_within_a_day(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.NUMBER) as t:
        assert held(t) is ProblemCode.SMOKE_TEST_MISSING
        task = t.begun()
        await asked(t.provider)
        await t.receive(t.ana, COLLEAGUE, "ok")
        assert (await t.over(task)).outcome is E.PASSED
        assert held(t) is None
        await t.clock.advance(23 * 3600)
        assert held(t) is None
        await t.clock.advance(3600 + 1)
        assert held(t) is ProblemCode.SMOKE_TEST_OLD
        await t.settings.change(OUTBOUND_LIMITS, OutboundLimits(smoke_test_hours=48), reason="feriado prolongado")
        assert held(t) is None
        t.provider.answers.append(NotSent(trouble=SendErrorKind.POLICY_BLOCK, code="463"))
        assert (await t.run()).outcome is E.FAILED
        assert held(t) is ProblemCode.SMOKE_TEST_FAILED


async def test_a_test_of_a_former_link_or_of_a_date_to_come_proves_nothing(tmp_path: Path) -> None:
    async with two_links(tmp_path, None) as t:
        now, ana = t.clock.now(), t.ana
        passed = SmokeTest(
            mentorado_id=ana.id, link_id=ana.link.id, target=SmokeTestTarget.PARTNER,
            began_at=now, ended_at=now, outcome=E.PASSED,
        )  # fmt: skip
        t.service._last[ana.link.id] = passed
        assert held(t) is None
        del t.service._last[ana.link.id]
        assert held(t) is ProblemCode.SMOKE_TEST_MISSING
        t.service._last[ana.link.id] = replace(passed, ended_at=now + timedelta(days=2))
        assert held(t) is ProblemCode.SMOKE_TEST_OLD


@pytest.mark.parametrize("kind", [ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI])
@pytest.mark.parametrize("webhooks", [False, True])
async def test_partly_confirmed_counts_only_where_no_more_can_be_seen_and_the_limits_say_so(
    tmp_path: Path, kind: ProviderKind, webhooks: bool
) -> None:
    async with two_links(tmp_path, None) as t:
        await hosted(t, kind, webhooks=webhooks)
        assert (await t.run()).outcome is E.PARTLY
        assert held(t) is ProblemCode.SMOKE_TEST_PARTLY
        await t.settings.change(OUTBOUND_LIMITS, OutboundLimits(partly_confirmed_counts=True), reason="sem webhooks")
        nothing_better = kind is ProviderKind.ZAPI and not webhooks
        assert held(t) is (None if nothing_better else ProblemCode.SMOKE_TEST_PARTLY)
        await t.clock.advance(25 * 3600)
        assert held(t) is (ProblemCode.SMOKE_TEST_OLD if nothing_better else ProblemCode.SMOKE_TEST_PARTLY)


# --- what is kept -----------------------------------------------------------------------------------------------------


async def test_results_outlive_the_program(tmp_path: Path) -> None:
    async with two_links(tmp_path, None) as t:
        good = await t.run()
        t.provider.answers.append(NotSent(trouble=SendErrorKind.POLICY_BLOCK, code="463"))
        failed = await t.run()
        stored = [replace(test, word="", to=PhoneNumber(""), expected=ALL) for test in (good, failed)]
        assert await t.repository.latest() == stored
        again = t.made()
        t.core.supervisor._board._tested.clear()
        t.core.supervisor._board._statuses.clear()
        await again.load()
        assert again.last(t.ana.id) == stored[1]
        await t.core.supervisor.restore()
        evidence = t.core.status(t.ana).evidence
        assert (evidence.smoke_test, evidence.last_smoke_test) == (E.FAILED, good.ended_at)


async def test_a_result_that_no_version_writes_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with two_links(tmp_path, None) as t:
        await t.run()
        test = t.seen[-1]
        await t.repository.add(replace(test, outcome=E.PASSED, ended_at=t.clock.now()))
        await t.s.database.run(
            lambda connection: connection.exec_driver_sql("UPDATE smoke_test SET stages = '[' WHERE outcome = 'passed'")
        )
        assert await t.repository.latest() == []
        assert "1 rows of smoke_test" in caplog.text


async def test_choosing_records_the_consent_of_the_number_for_everybody(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.PARTNER) as t:
        assert t.service.chosen.partner == t.bia.id
        carla = await t.core.add("Carla", "11 93333-2222")
        await SqlMentoradoRepository(t.s.database).add(carla)
        await t.core.write_queue.flush()
        rows = await t.s.database.read(
            lambda connection: connection.exec_driver_sql(
                "SELECT mentorado_id, purpose, source, wording, version FROM consent_entry ORDER BY number"
            ).fetchall()
        )
        agreed = ("smoke_test", "setting", "um número do negócio", "1")
        assert [tuple(row) for row in rows] == [(t.ana.id, *agreed), (carla.id, *agreed)]


@pytest.mark.parametrize(
    ("chosen", "code"),
    [
        (SmokeTestSettings(target=SmokeTestTarget.NUMBER), ProblemCode.PHONE_MISSING),
        (SmokeTestSettings(target=SmokeTestTarget.NUMBER, number=PhoneNumber("12")), ProblemCode.PHONE_INVALID),
        (SmokeTestSettings(target=SmokeTestTarget.PARTNER), ProblemCode.MENTORADO_UNKNOWN),
    ],
)
async def test_what_cannot_be_written_to_is_not_chosen(
    tmp_path: Path, chosen: SmokeTestSettings, code: ProblemCode
) -> None:
    async with two_links(tmp_path, None) as t:
        with pytest.raises(Problem) as refused:
            await t.service.choose(chosen)
        assert refused.value.code is code
        assert t.settings.settings == OperatorSettings()


async def test_the_choice_is_audited_without_the_whole_number(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.NUMBER) as t:
        await t.choose(SmokeTestTarget.PARTNER)
        await t.choose(SmokeTestTarget.OWN)
        found = [e.record.after["value"] for e in t.core.audit.outcomes if e.record.action == "set_smoke_test"]
        assert found == ["number +55…00", f"partner {t.bia.id}", "own"]
        again = SqlSettings(t.s.database)
        assert (await again.load()).smoke_test == SmokeTestSettings()


def test_words_can_be_read_aloud_and_differ() -> None:
    words = {random_word() for _ in range(200)}
    assert len(words) > 190
    assert all(len(word) == 6 and word.isalpha() for word in words)
