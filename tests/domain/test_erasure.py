"""What somebody who is erased is searched for."""

from __future__ import annotations

import pytest

from app.domain.erasure import spellings, traces_of
from app.domain.messages import Address, AddressKind


@pytest.mark.parametrize(
    ("address", "named"),
    [
        (Address(AddressKind.PHONE, "+5521987650001"), {"5521987650001", "552187650001"}),
        (Address(AddressKind.PHONE, "+525512345678"), {"525512345678", "5215512345678"}),
        (Address(AddressKind.LID, "200000000000001"), {"200000000000001"}),
        (Address(AddressKind.OTHER, "abc"), {"abc"}),
    ],
)
def test_an_address_is_found_in_each_of_its_spellings_unless_it_is_too_short(address: Address, named: set[str]) -> None:
    assert set(spellings(address)) == named
    assert traces_of([address, address]) == tuple(
        dict.fromkeys(each.encode() for each in spellings(address) if len(each) > 7)
    )
