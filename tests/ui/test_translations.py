"""Both languages say everything, the program uses all that they say, and they say it in the same calm way."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path

import pytest

from app.cli.self_test import SelfTestPart
from app.domain.actions import ActionName, UnavailableReason
from app.domain.diagnosis import CheckName, CheckOutcome, DiagnosisCode, Fix
from app.domain.errors import Problem, ProblemCode
from app.domain.guidance import Recommendation
from app.domain.incident import CheckResult
from app.domain.link_status import (
    LinkState,
    LinkStatus,
    Reason,
    SendCapability,
)
from app.domain.mentorado import ProviderKind
from app.domain.messages import SetAsideReason
from app.domain.settings import SecretBackendKind
from app.domain.switch import FindingCode, Severity, SwitchItemState, SwitchState
from app.text import status as status_text
from app.text.status import texts
from app.text.translator import LANGUAGES, Translator, load, placeholders
from app.ui.mentorado_list.row import ListFilter
from app.ui.theme.theme import Mode
from tests.ui.window_harness import NOON, person

APP = Path(__file__).parent.parent.parent / "app"
PLURAL = re.compile(r"_(zero|one|other)$")
QUESTION = re.compile(rf"question\.({'|'.join(ActionName)})\.(title|confirm|kept|changes|lost)")
"""The sheet puts its keys together from an action and an aspect, and leaves out what there are no words for."""
FAMILIES: tuple[tuple[str, type[StrEnum]], ...] = (
    ("badge.blocked.{}", Reason),
    ("sentence.blocked.{}", Reason),
    ("next.{}", Recommendation),
    ("action.{}.label", ActionName),
    ("action.{}.line", ActionName),
    ("refusal.{}", UnavailableReason),
    ("provider.{}", ProviderKind),
    ("problem.{}.sentence", ProblemCode),
    ("problem.{}.next", ProblemCode),
    ("secrets.place.{}", SecretBackendKind),
    ("finding.{}", CheckResult),
    ("chips.{}", ListFilter),
    ("window.mode.{}", Mode),
    ("aside.reason.{}", SetAsideReason),
    ("switch.label.{}", FindingCode),
    ("switch.severity.{}", Severity),
    ("switch.state.{}", SwitchState),
    ("switch.item.{}", SwitchItemState),
    ("doctor.check.{}", CheckName),
    ("selftest.part.{}", SelfTestPart),
    ("doctor.outcome.{}", CheckOutcome),
    ("doctor.found.{}", DiagnosisCode),
    ("doctor.fix.{}", Fix),
)


@pytest.fixture(autouse=True)
def in_portuguese_afterwards() -> Iterator[None]:
    yield
    texts.set_language("pt-BR")


@cache
def constants() -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    """Every string in the program, and every one that is put together from pieces, as a pattern."""
    plain: set[str] = set()
    patterns: list[re.Pattern[str]] = []
    for file in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                plain.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                pieces = [re.escape(str(p.value)) if isinstance(p, ast.Constant) else r"[\w.]+" for p in node.values]
                first = node.values[0] if node.values else None
                # A pattern that begins with a hole would match anything.
                if isinstance(first, ast.Constant) and re.match(r"[a-z]+\.", str(first.value)):
                    patterns.append(re.compile("".join(pieces)))
    return frozenset(plain), tuple(patterns)


def is_used(key: str) -> bool:
    plain, patterns = constants()
    key = PLURAL.sub("", key)
    if QUESTION.fullmatch(key):
        return True
    return key in plain or any(pattern.fullmatch(key) for pattern in patterns)


def test_both_catalogues_have_the_same_keys() -> None:
    portuguese, english = (load(language) for language in LANGUAGES)
    assert set(portuguese) == set(english)


def test_both_catalogues_want_the_same_values_filled_in() -> None:
    portuguese, english = (load(language) for language in LANGUAGES)
    differing = [key for key in portuguese if placeholders(portuguese[key]) != placeholders(english[key])]
    assert differing == []


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: str(family[0]))
def test_every_code_has_words(language: str, family: tuple[str, type[StrEnum]]) -> None:
    pattern, codes = family
    words = load(language)
    assert [code for code in codes if pattern.format(code) not in words] == []


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: str(family[0]))
def test_no_words_are_left_of_a_code_that_is_gone(family: tuple[str, type[StrEnum]]) -> None:
    pattern, codes = family
    section = re.compile(re.escape(pattern).replace(r"\{\}", r"([^.]+)"))
    named = {match[1] for key in load("en") if (match := section.fullmatch(key))}
    assert named - {*codes, "name"} == set()


def test_every_key_is_used() -> None:
    assert sorted(key for key in load("en") if not is_used(key)) == []


def test_nothing_is_empty_and_nobody_shouts(language: str) -> None:
    words = load(language)
    assert [key for key, text in words.items() if not text.strip() or "!" in text] == []


def test_every_problem_is_a_sentence_with_a_next_step(language: str) -> None:
    for code in ProblemCode:
        sentence, next_step = status_text.problem(Problem(code))
        assert sentence.endswith(".")
        assert next_step.endswith(".")
        assert "{" not in sentence + next_step


def test_a_refused_action_says_why(language: str) -> None:
    for why in UnavailableReason:
        _sentence, next_step = status_text.problem(Problem(ProblemCode.NOT_POSSIBLE_NOW, action="connect", why=why))
        assert next_step == f"{status_text.refusal(why)}."


@pytest.mark.parametrize("state", LinkState)
def test_every_state_and_reason_can_be_said(language: str, state: LinkState) -> None:
    ends = (None, NOON + timedelta(days=1), NOON)
    for reason, capability, until in itertools.product(Reason, SendCapability, ends):
        status = LinkStatus(state=state, reason=reason, since=NOON, capability=capability, until=until)
        assert status_text.state_badge(status)
        text = status_text.sentence(status, person(1), NOON)
        assert text.endswith((".", "…"))
        assert "{" not in text


def test_each_problem_is_raised_with_what_its_words_want() -> None:
    words = load("en")
    lacking = []
    for file in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "Problem" and node.args):
                continue
            named = re.fullmatch(r"Code\.(\w+)", ast.unparse(node.args[0]))
            if named:
                code = ProblemCode[named[1]]
                wanted = placeholders(words[f"problem.{code}.sentence"] + words[f"problem.{code}.next"])
                given = {keyword.arg for keyword in node.keywords}
                if not wanted <= given and None not in given:
                    lacking.append(f"{file.name}:{node.lineno} {code} lacks {wanted - given}")
    assert lacking == []


def test_a_missing_key_is_a_bug() -> None:
    with pytest.raises(KeyError):
        texts("there.is.no.such.key")


@pytest.mark.parametrize(
    ("seconds", "portuguese", "english"),
    [
        (-5, "agora", "now"),
        (59, "agora", "now"),
        (60, "há 1 min", "1 min ago"),
        (3599, "há 59 min", "59 min ago"),
        (7200, "há 2 h", "2 h ago"),
        (86400, "há 1 dia", "1 day ago"),
        (86400 * 40, "há 40 dias", "40 days ago"),
    ],
)
def test_ages(seconds: int, portuguese: str, english: str) -> None:
    lines = []
    for language in LANGUAGES:
        texts.set_language(language)
        lines.append(status_text.age(timedelta(seconds=seconds)))
    assert lines == [portuguese, english]


def test_times_are_short_when_they_are_near() -> None:
    texts.set_language("pt-BR")
    local = NOON.replace(tzinfo=None)
    assert status_text.date_time(local, local.date()) == "15:00"
    assert status_text.date_time(local) == "22/11 15:00"
    assert status_text.date_time(local, local.date().replace(year=2027)) == "22/11/2026 15:00"
    texts.set_language("en")
    assert status_text.date_time(local) == "22 Nov 15:00"


def test_none_one_and_many_are_said_apart() -> None:
    texts.set_language("pt-BR")
    lines = [texts.plural("window.connected", count) for count in (0, 1, 2)]
    assert lines == ["nenhum conectado", "1 conectado", "2 conectados"]


def test_a_listener_hears_of_a_change_until_it_leaves() -> None:
    lines: list[str] = []
    stop = texts.on_change(lambda: lines.append(texts.language))
    texts.set_language("en")
    texts.set_language("en")
    stop()
    texts.set_language("pt-BR")
    assert lines == ["en"]


@pytest.mark.parametrize(
    ("spoken", "language"), [("pt_BR.UTF-8", "pt-BR"), ("pt_PT", "pt-BR"), ("de_DE", "en"), ("C", "en")]
)
def test_the_first_language_is_the_systems(monkeypatch: pytest.MonkeyPatch, spoken: str, language: str) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", spoken)
    assert Translator().language == language


def test_the_words_need_no_qt() -> None:
    import subprocess
    import sys

    program = "import sys, app.text.status as t; t.texts('app.name'); sys.exit('PySide6' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_digits_of_counts_are_grouped_in_every_text(language: str) -> None:
    texts.set_language(language)
    mark = "." if language == "pt-BR" else ","
    assert texts.plural("switch.count.messages", 12431).startswith(f"12{mark}431 ")
    assert f"4{mark}097" in texts("campaign.draft.counter", count=4097, most=4096)
    assert f"1{mark}234" in texts("switches.wave", number=1234)
    assert "2026" in texts("date.with_year", day=1, month="01", year=2026, time="10:00")
    assert (
        f"10{mark}000"
        in status_text.problem(Problem(ProblemCode.LIMIT_INVALID, limit="per_day", least="1", most="10000"))[1]
    )
    assert "8443" in status_text.problem(Problem(ProblemCode.WEBHOOK_PORT_TAKEN, port="8443"))[0]


def test_numbers_and_days_of_a_problem_are_written_as_people_do() -> None:
    texts.set_language("pt-BR")
    problem = Problem(ProblemCode.CONSENT_REVOKED, contact="+5511987654321", day="2026-11-05")
    sentence = status_text.problem(problem)[0].replace("\u00a0", " ").replace("\u2011", "-")
    assert sentence == "+55 11 98765-4321 retirou o consentimento em 05/11/2026."
