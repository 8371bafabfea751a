from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.phone import (
    PhoneNumber,
    comparison_key,
    former_keys,
    is_e164,
    last_digits,
    masked,
    readable,
    same_account,
)

P = PhoneNumber


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("+5511987654321", "+5511987654321", True),
        ("+5511987654321", "+551187654321", True),  # the account was opened before the ninth digit came
        ("+5511987654321", "+5511987654322", False),
        ("+5511987654321", "+5521987654321", False),
        ("+551133334444", "+5511933334444", False),  # a landline has no ninth digit
        ("+525500000001", "+5215500000001", True),  # Mexico: mobiles were dialled with a 1
        ("+525500000001", "+5215500000002", False),
        ("+541123456789", "+5491123456789", True),  # Argentina: mobiles have a 9 that is not always written
        ("+541123456789", "+5491123456780", False),
        ("+5491123456789", "+5521123456789", False),
        ("+15550000001", "+15550000001", True),
        ("+15550000001", "+15550000002", False),
    ],
)
def test_an_account_is_recognised_in_each_form_of_its_number(one: str, other: str, same: bool) -> None:
    assert same_account(P(one), P(other)) is same
    assert same_account(P(other), P(one)) is same


@given(st.sampled_from(["+55119", "+5511", "+521", "+52", "+549", "+54", "+1", "+351"]), st.integers(10**7, 10**10 - 1))
def test_the_comparison_is_the_same_for_each_form_and_for_its_own_outcome(country: str, rest: int) -> None:
    number = P(f"{country}{rest}")
    key = comparison_key(number)
    assert comparison_key(P(key)) == key
    assert all(same_account(number, P(former)) for former in former_keys(number))


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
