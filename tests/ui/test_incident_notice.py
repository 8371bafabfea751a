from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.domain.events import IncidentBegan, IncidentChanged, IncidentEnded
from app.domain.incident import CheckResult, Finding, Incident
from app.domain.link_status import Reason
from app.domain.mentorado import MentoradoId, ProviderKind
from app.text.status import texts
from app.ui import notices as incident_notice
from app.ui.notices import Banners, IncidentBanner
from app.ui.theme.theme import Mode, Theme
from tests.clock import DAWN, StillClock
from tests.ui.controls import read_aloud

PEOPLE = tuple(MentoradoId(f"{number:032x}") for number in range(12))
INCIDENT = Incident(
    provider=ProviderKind.WHATSAPP_WEB, since=DAWN, affected=PEOPLE, of=14, causes=((Reason.NETWORK_DOWN, 12),)
)


@pytest.fixture(autouse=True)
def in_portuguese() -> Iterator[None]:
    texts.set_language("pt-BR")
    yield
    texts.set_language("pt-BR")


@pytest.fixture
def banners(qtbot: QtBot) -> Banners:
    made = Banners(Theme(Mode.LIGHT))
    qtbot.addWidget(made)
    return made


def shown(banners: Banners) -> list[str]:
    return [label.text() for label in banners.findChildren(QLabel) if label.text() and not label.isHidden()]


def test_it_says_how_many_fell_what_is_checked_and_what_not_to_do(banners: Banners) -> None:
    clock = StillClock(DAWN + timedelta(seconds=70))
    notice = IncidentBanner(banners, clock)
    notice.on_lasting(IncidentBegan(INCIDENT))
    assert shown(banners) == [
        "WhatsApp Web: 12 de 14 conexões caíram há 1 min. Verificando rede, relógio e versão. "
        "Não reautentique ninguém agora."
    ]
    (cross,) = banners.findChildren(QPushButton)
    assert cross.isHidden()
    clock.time += timedelta(minutes=1)
    texts.set_language("en")
    banners.retranslate()
    assert shown(banners)[0].startswith("12 of 14 connections of WhatsApp Web fell 2 min ago.")


def test_results_take_the_place_of_the_checking(banners: Banners, qtbot: QtBot) -> None:
    found = (Finding(CheckResult.NETWORK_DOWN), Finding(CheckResult.CLOCK_UNKNOWN), Finding(CheckResult.VERSION_GOOD))
    notice = IncidentBanner(banners, StillClock())
    notice.on_lasting(IncidentBegan(INCIDENT))
    notice.on_lasting(IncidentChanged(replace(INCIDENT, findings=found)))
    qtbot.waitUntil(lambda: len(shown(banners)) == 1)
    assert (
        "A rede não alcança o provedor. O relógio não pôde ser conferido. A versão do Conecta não foi recusada."
        in shown(banners)[0]
    )


def test_the_report_names_who_is_missing_and_waits_to_be_read(banners: Banners, qtbot: QtBot) -> None:
    notice = IncidentBanner(banners, StillClock())
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
    monkeypatch.setattr(incident_notice, "REPORT_MILLISECONDS", 10)
    notice = IncidentBanner(banners, StillClock())
    notice.on_ended(IncidentEnded(INCIDENT, DAWN, back=PEOPLE, away=()))
    assert "as 12 conexões voltaram" in shown(banners)[0]
    qtbot.waitUntil(banners.isHidden)


def test_the_next_incident_takes_the_place_of_the_report(banners: Banners, qtbot: QtBot) -> None:
    notice = IncidentBanner(banners, StillClock())
    notice.on_ended(IncidentEnded(INCIDENT, DAWN, back=PEOPLE[:10], away=PEOPLE[10:]))
    notice.on_lasting(IncidentBegan(INCIDENT))
    qtbot.waitUntil(lambda: len(shown(banners)) == 1)
    assert any("caíram" in each for each in shown(banners))


@pytest.mark.parametrize(
    ("provider", "cause", "words"),
    [
        (
            ProviderKind.WHATSAPP_WEB,
            Reason.LOGGED_OUT,
            "WhatsApp Web: o WhatsApp encerrou 12 de 14 conexões há 1 min. O histórico delas está guardado. "
            "Verificando rede, relógio e versão. "
            "Não reautentique ninguém agora. Quando este aviso sair, comece por uma conexão só.",
        ),
        (
            ProviderKind.ZAPI,
            Reason.UNREACHABLE,
            "Z-API: 12 de 14 conexões estão sem confirmação (há 1 min). Verificando rede e relógio. "
            "Não reautentique ninguém agora.",
        ),
    ],
)
def test_what_most_of_them_fell_for_is_said_in_its_own_words(
    banners: Banners, provider: ProviderKind, cause: Reason, words: str
) -> None:
    notice = IncidentBanner(banners, StillClock(DAWN + timedelta(seconds=70)))
    notice.on_lasting(IncidentBegan(replace(INCIDENT, provider=provider, causes=((cause, 12),))))
    assert read_aloud(shown(banners)[0]) == words
    few = replace(INCIDENT, provider=provider, causes=((cause, 6), (Reason.NETWORK_DOWN, 6)))
    notice.on_lasting(IncidentChanged(few))
    assert any("caíram" in each for each in shown(banners))
