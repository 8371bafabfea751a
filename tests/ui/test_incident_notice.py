from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.domain.events import IncidentBegan, IncidentChanged, IncidentEnded
from app.domain.incident import CheckResult, Finding, Incident
from app.domain.link_status import LinkState, LinkStatus, Reason, Retry
from app.domain.mentorado import MentoradoId, ProviderKind
from app.text.status import texts
from app.ui import incident_card
from app.ui.banners import Banners
from app.ui.incident_card import IncidentBanner, IncidentCard
from app.ui.theme.theme import Mode, Theme
from tests.clock import DAWN, StillClock
from tests.ui.controls import read_aloud

pytestmark = pytest.mark.usefixtures("in_portuguese")

PEOPLE = tuple(MentoradoId(f"{number:032x}") for number in range(12))
INCIDENT = Incident(
    provider=ProviderKind.WHATSAPP_WEB, since=DAWN, affected=PEOPLE, of=14, causes=((Reason.NETWORK_DOWN, 12),)
)


def about(banners: Banners, clock: StillClock | None = None, **statuses: LinkStatus) -> IncidentBanner:
    """The notice of people whose links stand as *statuses* say; by default all wait for another attempt."""
    clock = clock or StillClock()
    waiting = LinkStatus(state=LinkState.RECONNECTING, since=DAWN, retry=Retry(2, DAWN + timedelta(seconds=82)))

    def make_card() -> IncidentCard:
        return IncidentCard(
            Theme(Mode.LIGHT),
            clock,
            lambda who: statuses.get(f"p{PEOPLE.index(who)}", waiting),
            show=lambda who: ASKED.append(("show", len(who))),
            try_all=lambda who: ASKED.append(("try", len(who))),
        )

    ASKED.clear()
    return IncidentBanner(banners, make_card)


ASKED: list[tuple[str, int]] = []


def buttons(banners: Banners) -> dict[str, QPushButton]:
    return {each.text(): each for each in banners.findChildren(QPushButton) if each.text() and not each.isHidden()}


def shown(banners: Banners) -> list[str]:
    return [label.text() for label in banners.findChildren(QLabel) if label.text() and not label.isHidden()]


def test_it_says_since_when_what_is_checked_and_what_not_to_do(banners: Banners) -> None:
    clock = StillClock(DAWN + timedelta(seconds=70))
    notice = about(banners, clock)
    notice.on_lasting(IncidentBegan(INCIDENT))
    at = f"{DAWN.astimezone():%H:%M}"
    assert shown(banners) == [
        f"12 de 14 conexões do WhatsApp Web caíram juntas às {at}.",
        "Elas voltam sozinhas; não peça códigos novos agora.",
        "Verificando rede, relógio e versão.",
        "Próxima tentativa automática em 12\N{NO-BREAK SPACE}s.",
    ]
    assert [*buttons(banners)] == ["Mostrar as 12"]
    texts.set_language("en")
    banners.retranslate()
    assert shown(banners)[0] == f"12 of 14 connections of WhatsApp Web fell together at {at}."
    clock.time += timedelta(days=1)
    banners.retranslate()
    assert " on " in shown(banners)[0]


def test_results_take_the_place_of_the_checking_each_with_its_mark(banners: Banners) -> None:
    found = (Finding(CheckResult.NETWORK_DOWN), Finding(CheckResult.CLOCK_UNKNOWN), Finding(CheckResult.VERSION_GOOD))
    notice = about(banners)
    notice.on_lasting(IncidentBegan(INCIDENT))
    notice.on_lasting(IncidentChanged(replace(INCIDENT, findings=found)))
    assert shown(banners)[2:6] == [
        "Este computador não consegue chegar ao WhatsApp.",
        "?",
        "O relógio não pôde ser conferido.",
        "A versão do Conecta não foi recusada.",
    ]
    names = [label.accessibleName() for label in banners.findChildren(QLabel)]
    assert "Com problema: Este computador não consegue chegar ao WhatsApp." in names
    assert "Sem resposta: O relógio não pôde ser conferido." in names
    assert "Em ordem: A versão do Conecta não foi recusada." in names
    assert "Tentar todas agora" not in buttons(banners), "the network does not answer"


def test_its_buttons_show_who_is_still_down_and_hurry_who_waits(banners: Banners) -> None:
    connected = LinkStatus(state=LinkState.CONNECTED, since=DAWN)
    blocked = LinkStatus(state=LinkState.BLOCKED, reason=Reason.LOGGED_OUT, since=DAWN)
    notice = about(banners, None, p0=connected, p1=connected, p2=blocked)
    notice.on_lasting(IncidentChanged(replace(INCIDENT, findings=(Finding(CheckResult.NETWORK_GOOD),))))
    buttons(banners)["Mostrar as 10"].click()
    buttons(banners)["Tentar todas agora"].click()
    assert ASKED == [("show", 10), ("try", 9)]


def test_nothing_is_said_of_attempts_that_will_not_come(banners: Banners) -> None:
    blocked = LinkStatus(state=LinkState.BLOCKED, reason=Reason.CLIENT_OUTDATED, since=DAWN)
    notice = about(banners, None, **{f"p{place}": blocked for place in range(12)})
    refused = (Finding(CheckResult.NETWORK_GOOD), Finding(CheckResult.VERSION_REFUSED))
    notice.on_lasting(IncidentChanged(replace(INCIDENT, causes=((Reason.CLIENT_OUTDATED, 12),), findings=refused)))
    assert not any("tentativa" in each or "sozinhas" in each for each in shown(banners))
    assert [*buttons(banners)] == ["Mostrar as 12"]


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (None, "Tentando reconectar agora…"),
        (timedelta(seconds=-1), "Tentando reconectar agora…"),
        (timedelta(minutes=5), "Próxima tentativa automática em 5 min."),
    ],
)
def test_the_next_attempt_is_told_as_it_stands(banners: Banners, at: timedelta | None, words: str) -> None:
    retry = Retry(2, None if at is None else DAWN + at)
    waiting = LinkStatus(state=LinkState.RECONNECTING, since=DAWN, retry=retry)
    notice = about(banners, None, **{f"p{place}": waiting for place in range(12)})
    notice.on_lasting(IncidentBegan(INCIDENT))
    assert read_aloud(shown(banners)[3]) == words


def test_the_report_names_who_is_missing_and_waits_to_be_read(banners: Banners, qtbot: QtBot) -> None:
    notice = about(banners)
    notice.on_lasting(IncidentBegan(INCIDENT))
    notice.on_ended(IncidentEnded(INCIDENT, DAWN, back=PEOPLE[:10], away=PEOPLE[10:]))
    qtbot.waitUntil(lambda: len(shown(banners)) == 1)
    assert "10 voltaram, 2 não" in shown(banners)[0]
    (cross,) = banners.findChildren(QPushButton)
    cross.click()
    assert banners.isHidden()


def test_a_report_without_anything_to_do_goes_by_itself(
    banners: Banners, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incident_card, "REPORT_MILLISECONDS", 10)
    notice = about(banners)
    notice.on_ended(IncidentEnded(INCIDENT, DAWN, back=PEOPLE, away=()))
    assert "as 12 conexões voltaram" in shown(banners)[0]
    qtbot.waitUntil(banners.isHidden)


def test_the_next_incident_takes_the_place_of_the_report(banners: Banners, qtbot: QtBot) -> None:
    notice = about(banners)
    notice.on_ended(IncidentEnded(INCIDENT, DAWN, back=PEOPLE[:10], away=PEOPLE[10:]))
    notice.on_lasting(IncidentBegan(INCIDENT))
    qtbot.waitUntil(lambda: not any("voltaram" in each for each in shown(banners)))
    assert any("caíram" in each for each in shown(banners))


@pytest.mark.parametrize(
    ("provider", "cause", "words"),
    [
        (
            ProviderKind.WHATSAPP_WEB,
            Reason.LOGGED_OUT,
            [
                "O WhatsApp encerrou juntas 12 de 14 conexões do WhatsApp Web às {at}. "
                "O histórico delas está guardado.",
                "Não reautentique ninguém agora. Quando este aviso sair, comece por uma conexão só.",
                "Verificando rede, relógio e versão.",
            ],
        ),
        (
            ProviderKind.ZAPI,
            Reason.UNREACHABLE,
            [
                "12 de 14 conexões da Z-API estão sem confirmação desde {at}.",
                "Elas voltam sozinhas; não peça códigos novos agora.",
                "Verificando rede e relógio.",
            ],
        ),
    ],
)
def test_what_most_of_them_fell_for_is_said_in_its_own_words(
    banners: Banners, provider: ProviderKind, cause: Reason, words: list[str]
) -> None:
    notice = about(banners)
    notice.on_lasting(IncidentBegan(replace(INCIDENT, provider=provider, causes=((cause, 12),))))
    at = f"{DAWN.astimezone():%H:%M}"
    assert [read_aloud(each) for each in shown(banners)[:3]] == [each.format(at=at) for each in words]
    few = replace(INCIDENT, provider=provider, causes=((cause, 6), (Reason.NETWORK_DOWN, 6)))
    notice.on_lasting(IncidentChanged(few))
    assert any("caíram" in each for each in shown(banners))
