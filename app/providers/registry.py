"""Every provider there is, and where each is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from app.domain.mentorado import Mentorado, MentoradoId, ProviderKind
from app.domain.provider import Provider
from app.domain.repositories import (
    AccountOwners,
    Clock,
    SecretStore,
)
from app.providers.connectivity import PROBE_URLS, HttpConnectivityChecker
from app.providers.meta_cloud.provider import MetaCloudProvider
from app.providers.whatsapp_web.provider import WhatsAppWebProvider
from app.providers.zapi.provider import ZapiProvider
from app.settings import Settings


def build_whatsapp_web(
    settings: Settings,
    clock: Clock,
    *,
    on_taken_over: Callable[[MentoradoId, str], None],
    mentorados: Callable[[], Iterable[Mentorado]],
) -> WhatsAppWebProvider:
    """The one that is hosted here; *on_taken_over* hears whose stale session lock was broken, and who had left it."""
    return WhatsAppWebProvider(
        settings.session_dir,
        clock=clock,
        root_chosen=settings.session_dir_was_chosen,
        command=settings.session_host,
        library_log=settings.provider_logging,
        on_taken_over=on_taken_over,
        mentorados=mentorados,
    )


def build_providers(
    settings: Settings, clock: Clock, whatsapp_web: WhatsAppWebProvider, secrets: SecretStore, owners: AccountOwners
) -> dict[ProviderKind, Provider]:
    """All of them; those that are hosted elsewhere sign in with *secrets*, to accounts that *owners* know."""
    return {
        ProviderKind.WHATSAPP_WEB: whatsapp_web,
        ProviderKind.ZAPI: ZapiProvider(secrets=secrets, clock=clock, base_url=settings.zapi_url, owners=owners),
        ProviderKind.META_CLOUD: MetaCloudProvider(
            secrets=secrets, clock=clock, base_url=settings.meta_url, version=settings.meta_version, owners=owners
        ),
    }


def build_checks(settings: Settings, clock: Clock) -> HttpConnectivityChecker:
    """What is looked at when many links of one provider fall together, and asked for the time."""
    hosted = {ProviderKind.ZAPI: settings.zapi_url, ProviderKind.META_CLOUD: settings.meta_url}
    return HttpConnectivityChecker(clock, probe_urls={**PROBE_URLS, **hosted})
