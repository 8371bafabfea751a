from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, time, timedelta, timezone
from pathlib import Path

import pytest

from app.domain.notifications import NotificationSettings
from app.domain.outbound import OutboundLimits
from app.domain.repositories import SettingsRepository
from app.domain.settings import SETTINGS, OperatorSettings
from app.domain.webhooks import WebhookSettings
from app.storage.database import Database
from app.storage.settings import SqlSettings
from tests.clock import DAWN
from tests.storage.talk import rows

DECIDED = OperatorSettings(
    operator_name="José",
    retention_days=365,
    provider_log_until=DAWN + timedelta(hours=1),
    webhooks=WebhookSettings(on=True, address="0.0.0.0", port=9000, public_url="https://relay.example"),  # noqa: S104
    outbound_limits=OutboundLimits(per_day=50, quiet_from=time(21, 30), partly_confirmed_counts=True),
)


async def test_nothing_is_decided_at_first(path: Path) -> None:
    async with Database(path) as database:
        store: SettingsRepository = SqlSettings(database)
        assert await store.load() == OperatorSettings()


async def test_what_is_decided_is_true_in_the_next_run(path: Path) -> None:
    async with Database(path) as database:
        await SqlSettings(database).save(DECIDED, DAWN)
    async with Database(path) as database:
        assert await SqlSettings(database).load() == DECIDED


async def test_the_rows_of_a_database_made_before_the_fields_were_a_table_are_read_and_written_as_they_are(
    path: Path,
) -> None:
    made_before = {
        "operator_name": '"José"',
        "retention_days": "365",
        "provider_log_until": f'"{(DAWN + timedelta(hours=1)).isoformat()}"',
        "webhooks_on": "true",
        "webhooks_address": '"0.0.0.0"',
        "webhooks_port": "9000",
        "webhooks_public_url": '"https://relay.example"',
    }
    async with Database(path) as database:
        insert = "INSERT INTO setting VALUES (?, ?, ?)"
        before = [(key, value, DAWN.isoformat()) for key, value in made_before.items()]
        await database.run(lambda c: c.exec_driver_sql(insert, before))
        made_then = replace(DECIDED, outbound_limits=OutboundLimits())
        assert await SqlSettings(database).load() == made_then
        await SqlSettings(database).save(made_then, DAWN + timedelta(days=1))
        written = dict(await rows(database, "SELECT key, value FROM setting"))
        assert {key: written[key] for key in made_before} == made_before
        await SqlSettings(database).save(OperatorSettings(), DAWN + timedelta(days=1))
        written = dict(await rows(database, "SELECT key, value FROM setting"))
    assert {key: written[key] for key in made_before} == {
        "operator_name": '""',
        "retention_days": "null",
        "provider_log_until": "null",
        "webhooks_on": "false",
        "webhooks_address": '"127.0.0.1"',
        "webhooks_port": "8790",
        "webhooks_public_url": '""',
    }


def test_every_decision_has_its_field_and_its_stable_code() -> None:
    assert [setting.name for setting in SETTINGS] == [each.name for each in fields(OperatorSettings)]
    actions = [setting.action for setting in SETTINGS]
    assert actions == [
        "set_operator_name",
        "set_retention",
        "set_provider_log",
        "set_webhooks",
        "set_smoke_test",
        "set_opt_out_words",
        "set_outbound_limits",
        "set_switch_second_person",
        "set_sessions_per_host",
        "set_notifications",
        "set_metrics",
    ]


async def test_a_row_says_when_it_changed_and_not_when_others_did(path: Path) -> None:
    async with Database(path) as database:
        store = SqlSettings(database)
        await store.save(OperatorSettings(), DAWN)
        await store.save(OperatorSettings(retention_days=30), DAWN + timedelta(days=1))
        changed = dict(await rows(database, "SELECT key, substr(changed_at, 1, 10) FROM setting"))
    assert changed == {
        "operator_name": "2026-01-01",
        "retention_days": "2026-01-02",
        "provider_log_until": "2026-01-01",
        "webhooks_on": "2026-01-01",
        "webhooks_address": "2026-01-01",
        "webhooks_port": "2026-01-01",
        "webhooks_public_url": "2026-01-01",
        "smoke_test_target": "2026-01-01",
        "smoke_test_partner": "2026-01-01",
        "smoke_test_number": "2026-01-01",
        "smoke_test_template": "2026-01-01",
        "opt_out_words": "2026-01-01",
        "sessions_per_host": "2026-01-01",
        **{f"outbound_limits_{each.name}": "2026-01-01" for each in fields(OutboundLimits)},
        "switch_second_person": "2026-01-01",
        **{f"notifications_{each.name}": "2026-01-01" for each in fields(NotificationSettings)},
        "metrics_on": "2026-01-01",
        "metrics_port": "2026-01-01",
    }


async def test_moments_are_stored_in_utc(path: Path) -> None:
    brasilia = datetime(2026, 1, 1, 9, tzinfo=timezone(timedelta(hours=-3)))
    async with Database(path) as database:
        store = SqlSettings(database)
        await store.save(OperatorSettings(provider_log_until=brasilia), DAWN)
        assert (await store.load()).provider_log_until == datetime(2026, 1, 1, 12, tzinfo=UTC)
        stored = await rows(database, "SELECT value FROM setting WHERE key = 'provider_log_until'")
    assert stored == [('"2026-01-01T12:00:00+00:00"',)]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("webhooks_on", '"yes"'),
        ("webhooks_port", "0"),
        ("webhooks_port", "true"),
        ("webhooks_port", "70000"),
        ("webhooks_port", '"80"'),
        ("webhooks_address", '""'),
        ("webhooks_public_url", "7"),
        ("retention_days", "-1"),
        ("retention_days", "true"),
        ("retention_days", '"30"'),
        ("provider_log_until", '"soon"'),
        ("provider_log_until", '"2026-01-01T00:00:00"'),
        ("operator_name", "7"),
        ("outbound_limits_per_day", "0"),
        ("outbound_limits_longest_gap", "4000"),
        ("outbound_limits_quiet_from", '"dawn"'),
        ("outbound_limits_partly_confirmed_counts", "1"),
        ("of_a_later_version", "{}"),
    ],
)
async def test_what_makes_no_sense_counts_as_not_decided(path: Path, key: str, value: str) -> None:
    async with Database(path) as database:
        await database.run(
            lambda c: c.exec_driver_sql("INSERT INTO setting VALUES (?, ?, ?)", (key, value, DAWN.isoformat()))
        )
        assert await SqlSettings(database).load() == OperatorSettings()


async def test_a_damaged_row_is_told_of_and_counts_as_not_decided(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Database(path) as database:
        insert = "INSERT INTO setting VALUES ('retention_days', '{', '2026')"
        await database.run(lambda c: c.exec_driver_sql(insert))
        assert await SqlSettings(database).load() == OperatorSettings()
    assert "retention_days is damaged" in caplog.text
