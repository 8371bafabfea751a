"""Nothing that is planted in a text comes out of `redacted`, and what helps to find a fault does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.redaction import redacted

SPELLINGS = [
    "{0}{1}{2}{3}{4}",
    "+{0}{1}{2}{3}{4}",
    "+{0} {1} {2}{3}-{4}",
    "+{0} ({1}) {2}{3}-{4}",
    "+{0}-{1}-{2}{3}-{4}",
    "+{0}.{1}.{2}{3}.{4}",
    "+{0} {1} {2} {3}-{4}",
    "+{0} {1} {2} {3} {4}",
    "{0} {1} {2}{3} {4}",
    "00{0}{1}{2}{3}{4}",
    "00 {0} {1} {2}{3} {4}",
    "({1}) {2}{3}-{4}",
    "({1}){2}{3}-{4}",
    "({1}) {2} {3}-{4}",
    "{1} {2}{3}-{4}",
    "{1} {2}{3} {4}",
    "{1}{2}{3}{4}",
    "{1}-{2}{3}-{4}",
    "{1}/{2}{3}-{4}",
    "0{1} {2}{3}-{4}",
    "0{1}{2}{3}{4}",
    "(0xx{1}) {2}{3}-{4}",
    "{2}{3}-{4}",
    "{2}{3} {4}",
    "tel:+{0}-{1}-{2}{3}-{4}",
    "https://wa.me/{0}{1}{2}{3}{4}",
    "?phone=%2B{0}{1}{2}{3}{4}&x=1",
    "?phone=%2B{0}%20{1}%20{2}{3}-{4}",
    "{0}{1}{2}{3}{4}@s.whatsapp.net",
    "{0}{1}{2}{3}{4}:12@s.whatsapp.net",
    "{0}{1}{2}{3}{4}-1400000000@g.us",
    "user_{0}{1}{2}{3}{4}",
    "fone{0}{1}{2}{3}{4}",
    "'+{0}\\xa0{1}\\xa0{2}{3}\\u2011{4}'",
    "+{0}\u00a0{1}\u00a0{2}{3}\u2011{4}",
    "+{0} {1} {2}{3}\u2013{4}",
    '{{"phone": "{0}{1}{2}{3}{4}"}}',
    "\\u002b{0}{1}{2}{3}{4}",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
@settings(max_examples=15, deadline=None)
@given(
    area=st.integers(11, 99),
    middle=st.integers(2000, 9999).filter(lambda n: len(set(str(n))) > 1),
    last=st.integers(1000, 9999),
)
def test_a_number_is_masked_however_it_is_written(spelling: str, area: int, middle: int, last: int) -> None:
    written = spelling.format(55, area, 9, middle, last)
    line = redacted(f"typed {written}, and left")
    assert str(middle) not in line
    assert str(last) not in line
    assert "…" in line
    assert line.startswith("typed ")
    assert line.endswith(", and left")


@pytest.mark.parametrize(
    "number",
    [
        "+1 (415) 555-0132", "+1 415.555.0132", "+44 20 7946 0958", "+351 912 345 678", "+52 1 55 1234 5678",
        "+54 9 11 2345-6789", "+49 1512 3456789", "+34 612 34 56 78", "+33 6 12 34 56 78", "+595 981 123456",
        "11 3456-7890", "3456-7890",
    ],
)  # fmt: skip
def test_a_number_of_any_country_is_masked(number: str) -> None:
    line = redacted(f"from {number}!")
    assert line.startswith("from +")
    assert line.endswith("!")
    assert "…" in line
    assert len(line) < len("from +12…34!") + 1


SECRETS = [
    "EAAGm0PX4ZCpsBAKZB2x7ZBq1",
    "Bearer EAAGm0PX4ZCpsBAKZB2x7ZBq1",
    "Authorization: Bearer abcdefgh1234",
    "access_token=hush-hush-hush",
    '"client_token": "hush-hush-hush"',
    "'Client-Token': 'hush-hush-hush'",
    "Client-Token: hush-hush-hush",
    "https://api.z-api.io/instances/3C01A4E7F9B8D6C5A2E1F0B9C8D7E6F5/token/hush-hush-hush/status",
    "/instances/3C01A4E7F9B8D6C5A2E1F0B9C8D7E6F5/token/7F3A9C1E5B7D2F4A6C8E0B1D/send-text",
    "app_secret=0123456789abcdef0123456789abcdef",
    "verify_token=hush-hush-hush&x=1",
    "passphrase: hush-hush-hush",
    "PIN: 123456",
    "pin=123456",
    "senha=hush-hush-hush",
    "('token', 'hush-hush-hush')",
    "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJABC=",
    "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5z",
    "2@abcdefghijklmnop/qrst,Key4567=,Id=,Adv=",
    "https://wa.me/settings/linked_devices#2@abc,def",
    "ABCD-1234",
    "K7XQ-93TR",
    "WXYZ-ABCD",
    "K7XQ93TR",
    "pairing code: ABCDEFGH",
    "código ABCDEFGH",
]
HIDDEN = [
    "hush", "EAAG", "abcdefgh", "3C01A4", "7F3A9C", "0123456789ab", "123456", "q83v", "aB3d", "Key4", "2@abc", "ABCD",
    "K7XQ", "WXYZ",
]  # fmt: skip


@pytest.mark.parametrize("planted", SECRETS)
def test_no_credential_and_no_code_stays(planted: str) -> None:
    line = redacted(f"it said {planted} and left")
    assert not [part for part in HIDDEN if part in line]
    assert line.startswith("it said ")
    assert line.endswith(" and left")


def test_what_a_statement_was_given_does_not_stay() -> None:
    line = redacted(
        "(sqlite3.IntegrityError) broken\n[SQL: INSERT INTO message (text) VALUES (?)]\n"
        "[parameters: ('te amo\n[segredo]', 'x')]\n(Background on this error at: https://sqlalche.me/e/20/gkpj)"
    )
    assert "te amo" not in line
    assert "(sqlite3.IntegrityError) broken" in line
    assert "INSERT INTO message" in line


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-22 10:00:00,123 link 05f6184e94f14d54be1242a65a815229 after 12345 ms",
        "2026-11-22T10:00:00.123456+00:00 and 2026-11-22",
        "procedure 123e4567-e89b-42d3-a456-426614174000 is done",
        "head 0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "listening on 127.0.0.1:8765 and 192.168.100.200",
        'File "/usr/lib/python3/dist-packages/app/storage/migrations/upgrade.py", line 123, in upgrade',
        'File "/opt/conecta/app/providers/whatsapp_web/session_files.py", line 88, in take_over_session',
        "12345678 bytes, 3.5 s, 404 of 1000",
        "<Future pending at 0x7f0123456789>",
        "MENTORADO_UNKNOWN DATABASE_LOCKED CRITICAL",
    ],
)
def test_what_helps_to_find_a_fault_stays(line: str) -> None:
    assert redacted(line) == line
    assert redacted(redacted("token=abc 11 98765-4321")) == redacted("token=abc 11 98765-4321")
