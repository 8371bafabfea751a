from __future__ import annotations

import pytest

from app.domain.mentorado import ProviderKind
from app.domain.provider import CanPair, CanRegister, HandlesWebhooks, HasQueue, HasSessionBackup, UsesCredentials
from app.domain.provider_descriptor import DESCRIPTORS, WEBHOOK_SCHEMES
from app.providers.meta_cloud.provider import MetaCloudProvider
from app.providers.registry import webhook_parsers
from app.providers.whatsapp_web.provider import WhatsAppWebProvider
from app.providers.zapi.provider import ZapiProvider

CLASSES = {
    ProviderKind.WHATSAPP_WEB: WhatsAppWebProvider,
    ProviderKind.ZAPI: ZapiProvider,
    ProviderKind.META_CLOUD: MetaCloudProvider,
}


@pytest.mark.parametrize("kind", ProviderKind)
def test_what_a_descriptor_says_the_provider_can(kind: ProviderKind) -> None:
    provider, descriptor = CLASSES[kind], DESCRIPTORS[kind]
    assert issubclass(provider, CanPair) is descriptor.pairs_by_code
    assert issubclass(provider, HasQueue) is descriptor.has_queue
    assert issubclass(provider, CanRegister) is descriptor.registers_numbers
    assert issubclass(provider, HasSessionBackup) is descriptor.keeps_session
    assert issubclass(provider, UsesCredentials) is bool(descriptor.fields)
    assert issubclass(provider, HandlesWebhooks) is (descriptor.webhooks is not None)


def test_whoever_calls_us_has_a_parser_and_a_path_of_its_own() -> None:
    assert set(webhook_parsers()) == set(WEBHOOK_SCHEMES)
    paths = [scheme.path for scheme in WEBHOOK_SCHEMES.values()]
    assert not [one for one in paths for other in paths if one is not other and one.startswith(other)]
