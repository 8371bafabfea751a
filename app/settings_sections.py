"""The sections of the settings page, made of the services that each needs. Imported when the page is first opened."""

from __future__ import annotations

import os
from collections.abc import Sequence

from app import __version__
from app.platform.autostart import Autostart, autostart_folder, start_command
from app.services import Services
from app.settings import NAMES, Settings, default_settings_file
from app.ui.appearance import Preferences
from app.ui.desktop.tray import TrayIcon
from app.ui.main_window import MainWindow
from app.ui.settings.data import HistorySection, PersonalSection
from app.ui.settings.general import (
    AboutSection,
    AppearanceSection,
    DiagnosisSection,
    MetricsSection,
    OperatorSection,
)
from app.ui.settings.limits import LimitsSection
from app.ui.settings.notifications import NotificationsSection
from app.ui.settings.providers import ProvidersSection, SwitchesSection
from app.ui.settings.secrets import SecretsSection
from app.ui.settings.section import OpenFolder, Section
from app.ui.settings.smoke_test import SmokeTestSection
from app.ui.settings.storage import BackupsSection, SessionsSection
from app.ui.settings.webhooks import WebhooksSection
from app.ui.theme.theme import Theme


def settings_sections(
    core: Services, window: MainWindow, theme: Theme, preferences: Preferences, open_folder: OpenFolder
) -> Sequence[Section]:
    """The sections of the settings, from top to bottom."""
    bus, clock, mentorados, settings = core.bus, core.clock, core.mentorados, core.settings
    return (
        OperatorSection(theme, settings_service=core.settings_service),
        NotificationsSection(
            theme,
            bus=bus,
            settings_service=core.settings_service,
            clock=clock,
            preferences=preferences,
            has_tray=TrayIcon.available,
            autostart=_autostart(settings),
        ),
        ProvidersSection(
            theme, bus=bus, mentorados=mentorados, kinds=tuple(core.providers), status=core.supervisor.status
        ),
        SecretsSection(theme, secrets=core.secret_service, path=settings.secrets),
        HistorySection(
            theme,
            bus=bus,
            settings_service=core.settings_service,
            mentorados=mentorados,
            stats=core.history.extent,
            clock=clock,
        ),
        PersonalSection(theme, personal_data=core.personal_data, mentorados=mentorados, open_folder=open_folder),
        DiagnosisSection(
            theme,
            bus=bus,
            provider_log=core.provider_log,
            clock=clock,
            folder=settings.log_file.parent,
            open_folder=open_folder,
            prepare_bundle=lambda: window.bundle_requested.emit(()),
        ),
        SessionsSection(
            theme,
            mentorados=mentorados,
            snapshots=core.whatsapp_web.snapshots,
            clock=clock,
            folder=settings.session_dir,
            open_folder=open_folder,
            settings_service=core.settings_service,
        ),
        BackupsSection(
            theme, backups=core.backups.all, clock=clock, folder=settings.backup_dir, open_folder=open_folder
        ),
        WebhooksSection(
            theme,
            bus=bus,
            webhooks=core.webhooks,
            mentorados=mentorados,
            set_aside=core.set_aside.counts,
            clock=clock,
        ),
        MetricsSection(theme, bus=bus, metrics=core.metrics),
        SmokeTestSection(theme, bus=bus, smoke_tests=core.smoke_tests, mentorados=mentorados),
        LimitsSection(theme, bus=bus, settings_service=core.settings_service),
        SwitchesSection(theme, bus=bus, settings_service=core.settings_service),
        AppearanceSection(theme, set_language=window.check.set_language),
        AboutSection(
            theme,
            version=__version__,
            data=settings.data_dir,
            overrides=settings.overrides,
            settings_file=settings.settings_file,
            open_folder=open_folder,
        ),
    )


def _autostart(settings: Settings) -> Autostart | None:
    """The entry that opens this program at login, with the settings that it runs with now."""
    folder = autostart_folder()
    if folder is None:
        return None
    given = {name: os.environ[name] for name in NAMES if name in os.environ}
    named = settings.settings_file if settings.settings_file != default_settings_file() else None
    return Autostart(folder, start_command(given, named, os.environ))
