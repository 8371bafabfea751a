"""The dry run of a switch as a file: nothing in it is calculated, and nothing of a dry run is missing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from app.domain.mentorado import MentoradoId, ProviderKind
from app.domain.prices import PRICES_LISTED_AT
from app.domain.switch import FindingCode, MonthlyPrice, PlannedSwitch, SwitchDryRun, SwitchFinding, SwitchPlan
from app.formats.switch_export import switch_dry_run_csv, switch_dry_run_json
from app.text.status import texts
from tests.clock import DAWN

WEB, OFFICIAL = ProviderKind.WHATSAPP_WEB, ProviderKind.META_CLOUD
NAMES = {MentoradoId("m1"): "=HYPERLINK(1)", MentoradoId("m2"): "Bia"}
MADE = SwitchDryRun(
    plan=SwitchPlan(target=OFFICIAL, cohort="T1"),
    at=DAWN,
    people=[
        PlannedSwitch(
            mentorado_id=MentoradoId("m1"),
            source=WEB,
            findings=[
                SwitchFinding(code=FindingCode.OTHER_NUMBER, values={"number": "+55…34", "expected": "+55…21"}),
                SwitchFinding(code=FindingCode.PRICE),
            ],
            prices=[
                MonthlyPrice(provider=WEB, amount=None, messages=2),
                MonthlyPrice(provider=OFFICIAL, amount=Decimal("0.0136"), listed_at=PRICES_LISTED_AT, messages=2),
            ],
            downtime=timedelta(minutes=15),
        ),
        PlannedSwitch(
            mentorado_id=MentoradoId("m2"), source=WEB, findings=[SwitchFinding(code=FindingCode.LEAVES_PHONE_APP)]
        ),
    ],
)


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    texts.set_language("en")
    yield
    texts.set_language("pt-BR")


def test_a_spreadsheet_has_a_line_for_each_finding_and_calculates_none() -> None:
    written = switch_dry_run_csv(MADE, NAMES.__getitem__).decode("utf-8-sig")
    head, *lines = csv.reader(io.StringIO(written), delimiter=texts("audit.csv_separator"))
    assert head == ["name", "from", "to", "result", "meaning", "finding", "what it is", "what to do"]
    assert [line[0] for line in lines] == ["'=HYPERLINK(1)", "'=HYPERLINK(1)", "Bia"]
    assert lines[0][1:6] == [
        "WhatsApp Web",
        "Meta Cloud",
        "Stays on WhatsApp Web",
        "Prevents the switch",
        "Wrong number",
    ]
    assert lines[0][6:] == [
        "The credentials lead to +55…34, and the number of this person is +55…21.",
        "Enter the credentials of the right number.",
    ]
    assert (lines[1][4], lines[1][7]) == ("Good to know", "")
    assert lines[2][3] == "Will be switched"


def test_json_has_codes_values_and_words() -> None:
    read = json.loads(switch_dry_run_json(MADE, NAMES.__getitem__))
    assert {name: read[name] for name in ("at", "to", "cohort", "digest", "switching")} == {
        "at": DAWN.isoformat(),
        "to": "meta_cloud",
        "cohort": "T1",
        "digest": MADE.digest,
        "switching": 1,
    }
    first = read["people"][0]
    assert (first["name"], first["from"], first["will_switch"]) == ("=HYPERLINK(1)", "whatsapp_web", False)
    assert first["downtime_seconds"] == 900
    assert first["prices"] == [
        {"provider": "whatsapp_web", "usd": None, "listed_at": None, "messages": 2, "not_in_the_list": 0},
        {"provider": "meta_cloud", "usd": "0.0136", "listed_at": "2026-10-01", "messages": 2, "not_in_the_list": 0},
    ]
    assert first["findings"][0]["code"] == "other_number"
    assert first["findings"][0]["severity"] == "blocks"
    assert first["findings"][0]["values"] == {"number": "+55…34", "expected": "+55…21"}
