from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.messages import Address, AddressKind, Delivery, forward


def test_brazils_ninth_digit_makes_no_other_address() -> None:
    with_it, without = Address(AddressKind.PHONE, "+5511987654321"), Address(AddressKind.PHONE, "+551187654321")
    assert with_it.key == without.key
    assert Address(AddressKind.LID, "5511987654321").key != with_it.key


@given(st.lists(st.sampled_from(Delivery), min_size=1, max_size=6))
def test_delivery_ends_the_same_in_whatever_order_it_is_reported(reports: list[Delivery]) -> None:
    ends = set()
    for order in permutations(reports):
        known = None
        for report in order:
            known = forward(known, report)
        ends.add(known)
    assert len(ends) == 1


@pytest.mark.parametrize(
    ("before", "after", "then"),
    [
        (None, Delivery.SENT, Delivery.SENT),
        (Delivery.READ, Delivery.DELIVERED, Delivery.READ),
        (Delivery.SENT, Delivery.FAILED, Delivery.FAILED),
        (Delivery.FAILED, Delivery.ACCEPTED, Delivery.FAILED),
        (Delivery.FAILED, Delivery.DELIVERED, Delivery.DELIVERED),
        (Delivery.DELIVERED, Delivery.FAILED, Delivery.DELIVERED),
    ],
)
def test_delivery_only_moves_forward(before: Delivery | None, after: Delivery, then: Delivery) -> None:
    assert forward(before, after) is then
