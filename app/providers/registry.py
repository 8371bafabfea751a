"""Every provider there is: how it is built, where it is asked, and what reads its webhooks.

A provider is imported when it is built: the process that receives webhooks needs no more than their parsers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from app.domain.mentorado import Mentorado, MentoradoId, ProviderKind

if TYPE_CHECKING:
    from app.domain.provider import Provider
    from app.domain.repositories import AccountOwners, Clock, SecretStore
    from app.providers.connectivity import HttpConnectivityChecker
    from app.providers.webhooks.host.dispatcher import Parser
    from app.providers.whatsapp_web.provider import WhatsAppWebProvider
    from app.settings import Settings


def build_whatsapp_web(
    settings: Settings,
    clock: Clock,
    *,
    on_taken_over: Callable[[MentoradoId, str], None],
    mentorados: Callable[[], Iterable[Mentorado]],
    sessions_per_host: Callable[[], int],
) -> WhatsAppWebProvider:
    """The one that is hosted here; *on_taken_over* hears whose stale session lock was broken, and who had left it."""
    from app.providers.whatsapp_web.provider import WhatsAppWebProvider

    return WhatsAppWebProvider(
        settings.session_dir,
        clock=clock,
        root_chosen=settings.session_dir_was_chosen,
        command=settings.session_host,
        library_log=settings.provider_logging,
        on_taken_over=on_taken_over,
        mentorados=mentorados,
        sessions_per_host=sessions_per_host,
    )


def build_providers(
    settings: Settings, clock: Clock, whatsapp_web: WhatsAppWebProvider, secrets: SecretStore, owners: AccountOwners
) -> dict[ProviderKind, Provider]:
    """All of them; those that are hosted elsewhere sign in with *secrets*, to accounts that *owners* know."""
    from app.providers.meta_cloud.provider import MetaCloudProvider
    from app.providers.zapi.provider import ZapiProvider

    return {
        ProviderKind.WHATSAPP_WEB: whatsapp_web,
        ProviderKind.ZAPI: ZapiProvider(secrets=secrets, clock=clock, base_url=settings.zapi_url, owners=owners),
        ProviderKind.META_CLOUD: MetaCloudProvider(
            secrets=secrets, clock=clock, base_url=settings.meta_url, version=settings.meta_version, owners=owners
        ),
    }


def build_checks(settings: Settings, clock: Clock, *, within: float | None = None) -> HttpConnectivityChecker:
    """What is looked at when many links of one provider fall together, and asked for the time; *within* seconds."""
    from app.providers.connectivity import PROBE_URLS, WITHIN_SECONDS, HttpConnectivityChecker

    hosted = {ProviderKind.ZAPI: settings.zapi_url, ProviderKind.META_CLOUD: settings.meta_url}
    return HttpConnectivityChecker(clock, probe_urls={**PROBE_URLS, **hosted}, within=within or WITHIN_SECONDS)


def webhook_parsers() -> dict[ProviderKind, Parser]:
    """What the webhooks of each provider mean."""
    from app.providers.meta_cloud.webhook_parser import parse
    from app.providers.zapi.webhook_parser import read_callback

    return {ProviderKind.ZAPI: read_callback, ProviderKind.META_CLOUD: parse}
