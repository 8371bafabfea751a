"""What may be in a support bundle gets in because of what it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest

from app.domain.diagnosis import DiagnosisCode, diagnosed
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkStatus
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId
from app.domain.outline import HIDDEN
from app.domain.phone import PhoneNumber
from app.domain.settings import OperatorSettings
from app.domain.support_bundle import (
    LockFact,
    PrivateWords,
    Pseudonyms,
    crash_text,
    diagnosis_row,
    known_code,
    known_version,
    link_row,
    log_line,
    plain_settings,
    settings_text,
)
from app.platform.locks import OwnerState
from tests.clock import DAWN
from tests.crashes import crash_report

LINE = {"at": "2026-11-29T10:00:00.120+00:00", "level": "INFO", "logger": "app.core.actions", "outline": "It is done"}


def somebody(number: int, days: int = 0) -> Mentorado:
    link = Link(id=LinkId(f"link{number}"), mentorado_id=MentoradoId(f"id{number}"))
    return Mentorado(
        id=link.mentorado_id,
        name=f"Person {number}",
        phone=PhoneNumber(f"+551190000{number:04}"),
        created_at=DAWN + timedelta(days=days),
        link=link,
    )


def pseudonyms(*people: Mentorado) -> Pseudonyms:
    links = {person.id: person.link for person in people}

    def links_of(mentorado_id: MentoradoId) -> Sequence[Link]:
        beside = Link(id=LinkId("z"), mentorado_id=mentorado_id, in_use=False)
        return [beside, links[mentorado_id]]

    return Pseudonyms(people, links_of)


NOBODY, NO_WORDS = pseudonyms(), PrivateWords([])


def read(line: object) -> dict[str, object]:
    text = log_line(json.dumps(line), NOBODY, NO_WORDS)
    assert text is not None
    found: dict[str, object] = json.loads(text)
    return found


def test_people_are_numbers_in_the_order_in_which_they_were_added() -> None:
    late, early = somebody(1, days=3), somebody(2, days=1)
    numbers = pseudonyms(late, early)
    assert [numbers.mentorado(each.id) for each in (early, late)] == ["mentorado 1", "mentorado 2"]
    assert numbers.link(late.link.id) == "link 2.1"
    assert dict(numbers.people) == {1: early, 2: late}


def test_who_is_not_known_has_no_number_and_nobody_is_nobody() -> None:
    assert NOBODY.mentorado("Ana") == NOBODY.link("Ana") == HIDDEN
    assert NOBODY.mentorado(None) == NOBODY.link("") == ""


@pytest.mark.parametrize(
    ("text", "shown"), [("logged_out", "logged_out"), ("", ""), (None, ""), ("ana", HIDDEN), (7, HIDDEN)]
)
def test_a_code_is_one_of_ours(text: object, shown: str) -> None:
    assert known_code(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("6.11.3", "6.11.3"),
        ("2.0.0rc1", "2.0.0rc1"),
        ("Linux", "Linux"),
        ("", ""),
        ("1.0-ana", HIDDEN),
        ("11987654321", HIDDEN),
        (1.0, HIDDEN),
    ],
)
def test_a_version_is_nothing_else(text: object, shown: str) -> None:
    assert known_version(text) == shown


def test_private_words_are_covered_whoever_wrote_them() -> None:
    words = PrivateWords(["Ana Lima", "Jo", "Jô Li", "app", "", "pc-da-zeca", "ana.souza"])
    assert words.covered("ANA lima and lima, banana; Jo on app") == "[…] […] and […], banana; Jo on app"
    assert words.covered("jô li on pc-da-zeca of ana.souza, zeca.home") == "[…] on […] of […], […]"
    assert words.covered("app.core:12 run") == "app.core:12 run"
    assert "98765" not in words.covered("at 11 98765-4321")
    assert words.covered("token=hush-hush\u202e") == "token=[secret] "
    assert NO_WORDS.covered("Ana") == "Ana"


def test_settings_are_flags_numbers_times_and_codes() -> None:
    assert plain_settings(OperatorSettings(operator_name="Ana")) == plain_settings(
        OperatorSettings(operator_name="Bia")
    )
    found = json.loads(settings_text(OperatorSettings(operator_name="Ana"), {"on": True, "for": timedelta(hours=1)}))
    assert found["operator"]["operator_name"] == "set"
    assert found["operator"]["webhooks"]["public_url"] == "not set"
    assert found["operator"]["webhooks"]["port"] == 8790
    assert found["operator"]["smoke_test"]["target"] == "own"
    assert found["operator"]["outbound_limits"]["quiet_from"] == "20:00:00"
    assert found["environment"] == {"on": True, "for": "3600 s"}
    assert plain_settings(11987654321) == HIDDEN
    assert plain_settings(OperatorSettings) == "set"


def test_a_link_without_a_retry_has_no_attempt() -> None:
    person = somebody(1)
    row = link_row(person, person.link, LinkStatus(since=DAWN), pseudonyms(person), 0)
    assert (row["attempt"], row["next_try"], row["smoke_test"]) == (None, None, None)


def test_a_line_of_the_log_has_its_outline_and_no_message() -> None:
    found = read({**LINE, "message": "Ana", "error": "Traceback of Ana", "state": "off", "reason": "Ana"})
    assert found == {
        "at": "2026-11-29T10:00:00.120+00:00",
        "level": "INFO",
        "logger": "app.core.actions",
        "message": "It is done",
        "state": "off",
        "reason": HIDDEN,
    }


def test_a_line_of_a_former_version_has_no_outline() -> None:
    assert read({**LINE, "outline": None})["message"] == HIDDEN


def test_only_places_in_the_program_are_in_a_trace() -> None:
    trace = ["  app.core.actions:12 run", "Ana", 7, "KeyError"]
    assert read({**LINE, "trace": trace})["trace"] == ["  app.core.actions:12 run", HIDDEN, HIDDEN, "KeyError"]


@pytest.mark.parametrize(
    "line",
    [
        {**LINE, "at": "soon"},
        {**LINE, "at": None},
        {**LINE, "level": "Ana"},
        {**LINE, "logger": "ana"},
        {**LINE, "logger": 7},
        {"at": LINE["at"]},
        [],
    ],
)
def test_what_is_no_line_of_the_program_is_left_out(line: object) -> None:
    assert log_line(json.dumps(line), NOBODY, NO_WORDS) is None
    assert log_line("Ana", NOBODY, NO_WORDS) is None


def test_a_crash_report_says_its_version_only_if_it_is_one() -> None:
    report = crash_report("KeyError")
    assert crash_text(report, NO_WORDS).startswith("Conecta 1.2.3\nfirst 2026")


def test_a_lock_tells_no_computer_and_no_time_that_is_none() -> None:
    fact = LockFact(kind="window", whose="", state=OwnerState.DEAD, mine=False, pid=12, started="2026-11-29T10:00:00")
    assert fact.row()["started"] == "2026-11-29T10:00:00"
    assert fact.row()["owner"] == "dead"
    forged = LockFact(kind="window", whose="", state=OwnerState.DEAD, mine=False, pid=11987654321, started="Ana")
    assert (forged.row()["started"], forged.row()["pid"]) == (HIDDEN, HIDDEN)


def test_what_the_doctor_found_is_codes_without_evidence() -> None:
    problem = Problem(ProblemCode.DATABASE_CORRUPT, path="Ana")
    found = diagnosis_row(diagnosed(DiagnosisCode.DATABASE_UNUSABLE, problem, path="Ana"))
    assert found == {
        "check": "database",
        "outcome": "failed",
        "code": "database_unusable",
        "problem": "database_corrupt",
    }
    assert diagnosis_row(diagnosed(DiagnosisCode.LOCK_HELD, owner="Ana"))["problem"] is None
