from __future__ import annotations

import pytest

from app.domain.mentorado import LinkId, ProviderKind
from app.domain.provider_descriptor import DESCRIPTORS, CredentialField, dumps, loads, secret_key

F = CredentialField


def test_what_is_kept_is_read_back_without_what_was_empty() -> None:
    kept = dumps({F.INSTANCE_ID: "3C01", F.INSTANCE_TOKEN: "ção", F.CLIENT_TOKEN: ""})
    assert kept == '{"instance_id": "3C01", "instance_token": "ção"}'
    assert loads(kept) == {F.INSTANCE_ID: "3C01", F.INSTANCE_TOKEN: "ção"}


def test_a_field_of_a_later_version_is_left_out() -> None:
    assert loads('{"waba_id": "1", "moon_phase": "full", "app_secret": ""}') == {F.WABA_ID: "1"}


@pytest.mark.parametrize(
    "text", [None, "", "hush-hush", '["hush-hush"]', '{"waba_id": 17, "app_secret": "hush-hush"}', "null"]
)
def test_nothing_is_read_from_what_is_damaged(text: str | None) -> None:
    assert loads(text) == {}


def test_what_a_provider_cannot_do_without_is_named_when_it_is_empty() -> None:
    assert DESCRIPTORS[ProviderKind.ZAPI].missing({F.INSTANCE_ID: "3C01", F.INSTANCE_TOKEN: ""}) == (F.INSTANCE_TOKEN,)
    assert (
        DESCRIPTORS[ProviderKind.META_CLOUD].missing({F.ACCESS_TOKEN: "t", F.PHONE_NUMBER_ID: "1", F.WABA_ID: "2"})
        == ()
    )
    assert DESCRIPTORS[ProviderKind.WHATSAPP_WEB].missing({}) == ()


def test_every_provider_says_what_it_asks_for() -> None:
    assert list(DESCRIPTORS) == list(ProviderKind)
    for descriptor in DESCRIPTORS.values():
        named = [asked.name for asked in descriptor.fields]
        assert bool(named) is (descriptor.account in named)
        if scheme := descriptor.webhooks:
            assert {scheme.account, scheme.signed_with} <= {*named, None}
            assert bool(scheme.signed_with) is not bool(scheme.account_in)


def test_each_link_has_a_place_of_its_own() -> None:
    assert secret_key(LinkId("a" * 32)) == f"link/{'a' * 32}/credentials"
