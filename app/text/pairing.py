"""A pairing code as it is read out on the telephone, and as it is sent to a mentorado."""

from __future__ import annotations

from datetime import datetime

from app.domain.phone import PhoneNumber, last_digits
from app.text.status import texts
from app.text.translator import Translator

_of_mentorados = Translator("pt-BR")
"""Mentorados read Portuguese, whatever language the staff chose for the window."""


def spelled(code: str) -> str:
    """Return *code* as it is read out: one line for each group, a word for each character."""
    return "\n".join(", ".join(_word(character) for character in group) for group in code.split("-"))


def steps_to_send(code: str, account: PhoneNumber, until: datetime) -> str:
    """Return what a mentorado is to do with *code*, in Portuguese, and until when; it is a credential."""
    at = f"{until.astimezone():%H:%M:%S}"
    return _of_mentorados("qr.message", code=code, digits=last_digits(account), until=at)


def _word(character: str) -> str:
    key = f"spelling.{character.upper()}"
    return texts(key) if texts.has(key) else character
