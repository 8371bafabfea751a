"""What the head of the board and the cards say where a switch did not go straight to its end."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.domain.link_status import Reason
from app.domain.phone import PhoneNumber
from app.domain.prices import PRICES_LISTED_AT
from app.domain.provider import Blocked, Connected, QrScanned
from app.domain.switch import MonthlyPrice, SwitchItemState, SwitchPlan, SwitchState
from app.text import switch_run as run_text
from app.text.signs import Tone
from app.ui.theme.theme import Theme
from tests.clock import DAWN
from tests.ui.switches.harness import META, WEB, ZAPI, SwitchesHarness, open_switches, shut_out
from tests.ui.switches.test_board import begun, card, mentorado, question, resume

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

S = SwitchItemState
ANOTHER = PhoneNumber("+5511912344321")


def words_of_head(h: SwitchesHarness) -> str:
    head = h.page.board.head
    return f"{head.sentence.text()} {head.next.text()}"


async def with_another_phone(h: SwitchesHarness) -> None:
    """A switch of which the first waits for a decision."""
    people = await h.core.people(3)
    zapi = h.core.played[ZAPI]
    zapi.waits = {people[0].id}
    h.plan(ZAPI)
    await h.dry_run()
    await h.approve()
    await h.moved()
    link = h.core.item(people[0]).to_link
    assert link is not None
    zapi.open[link].say(QrScanned(ANOTHER), Connected(ANOTHER))
    await h.moved()


async def test_who_really_goes_first_is_named_where_the_chosen_one_stays(theme: Theme) -> None:
    async with open_switches(theme) as h:
        people = await h.core.people(4)
        await h.lacks(people[0])
        h.plan(ZAPI)
        await h.dry_run()
        dialog = h.page.approval_dialog()
        assert dialog is not None
        spoken = " ".join(each.text() for each in dialog.findChildren(type(h.page.board.head.next)))
        assert "Ana 01" in spoken
        assert "Ana 00" not in spoken
        dialog.deleteLater()
        await h.approve()
        await h.moved()
        assert h.page.board.waves.waves[0].heading.text() == "O primeiro, sozinho"


async def test_another_phone_is_a_red_card_and_leads_to_the_mentorado(theme: Theme) -> None:
    async with open_switches(theme) as h:
        await with_another_phone(h)
        first, head = h.core.run().items[0].mentorado_id, h.page.board.head
        assert (card(h, first).state, card(h, first).tone) == ("Outro celular: decida", Tone.ERROR)
        assert "Abra Ana 00" in words_of_head(h)
        assert head.decide.isVisible()
        assert head.resume.property("role") == ""
        assert h.page.board.item.step.text().startswith("Abra Ana 00: desconecte o celular")
        assert shut_out(h.page) == []
        head.decide.click()
        assert h.opened == [first]
        head.stop.click()
        (await question(h)).confirm.click()
        await h.later(lambda: h.core.run().state is SwitchState.STOPPED)
        await h.moved()
        assert "leu o código de Ana 00" in words_of_head(h)
        assert "nada a fazer" not in words_of_head(h)
        assert head.decide.isVisible()


async def test_a_stopped_switch_names_who_is_still_under_way(theme: Theme) -> None:
    async with open_switches(theme) as h:
        _first, second, *_rest = await begun(h, 4)
        h.core.played[ZAPI].waits = {second}
        await resume(h)
        await h.core.switches.stop(h.core.run().id)
        await h.moved()
        assert "Ana 01 ainda está em andamento." in words_of_head(h)
        assert "Ninguém mais começa." in words_of_head(h)
        assert "anteriores" in words_of_head(h), "of those who were switched"


async def test_who_failed_here_and_was_switched_since_is_not_to_be_tried_again(theme: Theme) -> None:
    async with open_switches(theme) as h:
        zapi = h.core.played[ZAPI]
        people = await h.core.people(3)
        other = people[1].id
        zapi.trouble = {other: Blocked(Reason.TOKEN_INVALID)}
        h.plan(ZAPI)
        await h.dry_run()
        run = await h.approve()
        await h.moved()
        await resume(h)
        await resume(h)
        assert h.core.run().state is SwitchState.FINISHED
        assert "1 de 3 falhou" in words_of_head(h)
        assert h.page.board.head.retry.isVisible()
        zapi.trouble.clear()
        await h.core.approved(SwitchPlan(target=ZAPI, mentorados=(other,)))
        await h.moved()
        h.page.show_run(run.id)
        h.page.board._pick(other)
        assert (card(h, other).provider, card(h, other).state) == ("Z-API", "Trocado depois")
        assert "continua" not in h.page.board.item.line.text()
        assert not h.page.board.head.retry.isVisible()
        assert not h.page.board.item.enter.isVisible()
        assert "falh" not in words_of_head(h)


async def test_a_pause_that_counts_down_can_be_made_to_wait_for_a_person(theme: Theme) -> None:
    async with open_switches(theme) as h:
        await h.core.people(3)
        h.plan(ZAPI)
        h.page.form.pause.button("minutes").click()
        await h.dry_run()
        await h.approve()
        await h.moved()
        head = h.page.board.head
        assert head.pause.isVisible()
        head.pause.click()
        await h.later(lambda: h.core.run().pause_until is None)
        await h.moved()
        assert "Uma pessoa pausou a troca." in words_of_head(h)
        assert not head.pause.isVisible()


async def test_a_way_back_that_is_stuck_is_named_and_not_counted_as_due(theme: Theme) -> None:
    async with open_switches(theme) as h:
        first, *_rest = await begun(h, 3)
        await resume(h)
        h.core.played[WEB].open[h.core.item(mentorado(h, first)).from_link].say(Blocked(Reason.LOGGED_OUT))
        await h.moved()
        await h.core.switches.roll_back(first)
        await h.core.clock.advance(73 * 3600)
        await h.moved()
        head = h.page.board.head
        assert head.release.text() == "Liberar os 2 anteriores com prazo vencido…"
        assert "A volta de Ana 00 está parada." in words_of_head(h)
        assert run_text.look(h.core.run(), h.page.board.context_of(h.core.run()))[0] is Tone.ERROR
        assert h.page.board.item.name.text() == "Ana 00"
        head.decide.click()
        assert h.opened == [first]
        head.release.click()
        (await question(h)).confirm.click()
        await h.later(lambda: h.core.run().count(S.RELEASED) == 2)
        await h.moved()
        assert not head.release.isVisible()


async def test_who_went_back_is_not_counted_as_switched(theme: Theme) -> None:
    async with open_switches(theme) as h:
        first, second = await begun(h, 2)
        await resume(h)
        await h.core.switches.roll_back(first)
        await h.moved()
        assert "1 de 2 voltou" in words_of_head(h)
        assert "dá para voltar" in words_of_head(h)
        await h.core.switches.roll_back(second)
        await h.moved()
        assert "2 de 2 voltaram" in words_of_head(h)
        assert "Não há mais nada a fazer aqui." in words_of_head(h)


async def test_a_switch_of_which_all_failed_is_no_success(theme: Theme) -> None:
    async with open_switches(theme) as h:
        people = await h.core.people(1)
        h.core.played[ZAPI].trouble = {people[0].id: Blocked(Reason.TOKEN_INVALID)}
        h.plan(ZAPI)
        await h.dry_run()
        await h.approve()
        await h.moved()
        run = h.core.run()
        assert run.state is SwitchState.FINISHED
        assert "ninguém foi trocado" in words_of_head(h)
        assert run_text.look(run)[0] is Tone.IDLE


def test_a_month_names_the_contract_beside_what_is_known() -> None:
    contract = MonthlyPrice(provider=ZAPI, amount=None)
    free = MonthlyPrice(provider=WEB, amount=Decimal(0))
    listed = MonthlyPrice(provider=META, amount=Decimal(1), listed_at=PRICES_LISTED_AT)
    assert run_text.month([free, contract], DAWN) == "sem custo + conforme o contrato"
    assert run_text.month([listed, contract], DAWN).endswith(" + conforme o contrato")
    assert run_text.month([contract], DAWN) == "conforme o contrato"
    assert "contrato" not in run_text.month([free, listed], DAWN)
