from __future__ import annotations

import pytest

from app.domain.phone import PhoneNumber, is_e164, last_digits, masked, readable, same_account

P = PhoneNumber


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("+5511987654321", "+5511987654321", True),
        ("+5511987654321", "+551187654321", True),  # the account was opened before the ninth digit came
        ("+5511987654321", "+5511987654322", False),
        ("+5511987654321", "+5521987654321", False),
        ("+551133334444", "+5511933334444", False),  # a landline has no ninth digit
        ("+15550000001", "+15550000001", True),
        ("+15550000001", "+15550000002", False),
    ],
)
def test_an_account_is_recognised_with_and_without_brazils_ninth_digit(one: str, other: str, same: bool) -> None:
    assert same_account(P(one), P(other)) is same
    assert same_account(P(other), P(one)) is same


def test_a_log_shows_country_and_two_digits_only() -> None:
    assert masked("+5511987654321") == "+55…21"
    assert masked("+1") == "+…"


def test_numbers_of_brazil_are_written_as_people_write_them() -> None:
    assert readable(P("+5598983015662")) == "+55 98 98301-5662"
    assert readable(P("+551187654321")) == "+55 11 8765-4321"
    assert readable(P("+15550000001")) == "+15550000001"


def test_staff_read_the_last_four_digits_aloud() -> None:
    assert last_digits(P("+5598983015662")) == "5662"


def test_e164_has_a_plus_and_no_leading_zero() -> None:
    assert is_e164("+5511987654321")
    assert not is_e164("5511987654321")
    assert not is_e164("+0511987654321")
