from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.messages import Address, AddressKind, DeliveryStatus, merge_delivery


def test_brazils_ninth_digit_makes_no_other_address() -> None:
    with_it, without = Address(AddressKind.PHONE, "+5511987654321"), Address(AddressKind.PHONE, "+551187654321")
    assert with_it.key == without.key
    assert Address(AddressKind.LID, "5511987654321").key != with_it.key


@given(st.lists(st.sampled_from(DeliveryStatus), min_size=1, max_size=6))
def test_delivery_ends_the_same_in_whatever_order_it_is_reported(reports: list[DeliveryStatus]) -> None:
    ends = set()
    for order in permutations(reports):
        known = None
        for report in order:
            known = merge_delivery(known, report)
        ends.add(known)
    assert len(ends) == 1


@pytest.mark.parametrize(
    ("before", "after", "then"),
    [
        (None, DeliveryStatus.SENT, DeliveryStatus.SENT),
        (DeliveryStatus.READ, DeliveryStatus.DELIVERED, DeliveryStatus.READ),
        (DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.FAILED),
        (DeliveryStatus.FAILED, DeliveryStatus.ACCEPTED, DeliveryStatus.FAILED),
        (DeliveryStatus.FAILED, DeliveryStatus.DELIVERED, DeliveryStatus.DELIVERED),
        (DeliveryStatus.DELIVERED, DeliveryStatus.FAILED, DeliveryStatus.DELIVERED),
    ],
)
def test_delivery_only_moves_forward(
    before: DeliveryStatus | None, after: DeliveryStatus, then: DeliveryStatus
) -> None:
    assert merge_delivery(before, after) is then
