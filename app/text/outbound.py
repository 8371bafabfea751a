"""Sentences about what is sent: refusals, stops, and the smoke test."""

from __future__ import annotations

import secrets
from datetime import datetime

from app.domain.link_status import SmokeTestOutcome
from app.domain.outbound import Hold, HoldReason
from app.domain.sending import SendErrorKind
from app.domain.smoke_test import SmokeTest, SmokeTestStage, SmokeTestTarget, SmokeTestTrouble
from app.text.status import date_time, texts, unbroken


def hold(held: Hold, now: datetime) -> tuple[str, str]:
    """Return why a message is held back, and the next step. Times are local."""
    until = "" if held.until is None else date_time(held.until.astimezone(), now.astimezone().date())
    key = f"hold.{held.reason}"
    if held.reason is HoldReason.RESTRICTED and until:
        key += "_until"
    return texts(f"{key}.sentence", until=until), texts(f"{key}.next", until=until)


def send_error(trouble: SendErrorKind) -> tuple[str, str]:
    """Return why the provider refused a message, and the next step."""
    return texts(f"send.{trouble}.sentence"), texts(f"send.{trouble}.next")


_VARIANTS = 3


def smoke_test_text(kind: str, word: str) -> str:
    """Return one of several texts of *kind* (``test``, ``asks_person`` or ``answer``) with *word* in it."""
    return texts(f"smoke.text.{kind}_{secrets.randbelow(_VARIANTS) + 1}", word=word)


def recipient_line(test: SmokeTest, partner: str) -> str:
    """Return the line that names the test's recipient."""
    return texts(f"smoke.to.{test.target}", phone=unbroken(test.to), partner=partner)


def stage_name(stage: SmokeTestStage) -> str:
    return texts(f"smoke.stage.{stage}")


def result_lines(test: SmokeTest, now: datetime) -> tuple[str, str]:
    """Return the result of a finished test, and the next step."""
    key = _result(test)
    sentence, step = texts(f"smoke.result.{key}.sentence"), texts(f"smoke.result.{key}.next")
    if test.until is not None and test.until > now:
        until = date_time(test.until.astimezone(), now.astimezone().date())
        step = f"{step} {texts('smoke.until', until=until)}"
    return sentence, step


def _result(test: SmokeTest) -> str:
    match test.outcome:
        case SmokeTestOutcome.FAILED:
            return test.trouble.value
        case SmokeTestOutcome.PARTLY if test.trouble is SmokeTestTrouble.DELIVERY_UNSEEN:
            return test.trouble.value
        case SmokeTestOutcome.PARTLY if test.target is SmokeTestTarget.OWN:
            return "own"
        case SmokeTestOutcome.PARTLY:
            return "unanswerable" if SmokeTestStage.DELIVERED in test.stages else "unseen"
        case SmokeTestOutcome.PASSED | SmokeTestOutcome.CANCELLED:
            return test.outcome.value
        case None:
            raise ValueError("the test is under way")
