"""Sample data to learn Conecta with: people who do not exist, in a folder of their own that goes with its window."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from app.bootstrap import build_services
from app.domain.link_status import Reason, SendCapability
from app.domain.mentorado import ProviderKind
from app.domain.messages import Address, AddressKind, ProviderMessage
from app.domain.phone import PhoneNumber
from app.domain.provider import Blocked, Connected, ConnectionEvent, Lost, MessagesReceived
from app.domain.repositories import Clock
from app.ports import Ports
from app.providers.sample import SampleChecks, SampleProvider
from app.services import Services
from app.settings import Settings
from app.text.status import texts

_CONTACTS = ("Marina", "Otávio", "Lúcia")
_OUR_LINE = 2


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """A mentorado who does not exist; without *events* they never connected."""

    name: str
    phone: PhoneNumber
    events: Sequence[ConnectionEvent] = ()


@contextmanager
def sample_folder(settings: Settings) -> Iterator[Settings]:
    """Settings whose every file lies in a new folder, which is removed at the end with all that is in it.

    Of *settings*, language and look are taken over, and nothing else.
    """
    with tempfile.TemporaryDirectory(prefix="conecta-sample-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        sample = Settings(data_dir=data, session_dir=data / "sessions")
        with suppress(OSError):  # there is none before the first start was closed
            shutil.copyfile(settings.preferences, sample.preferences)
        yield sample


def sample_people(now: datetime) -> Sequence[SamplePerson]:
    """One for each situation that is worth seeing."""
    phones = [PhoneNumber(f"+55119000000{number:02}") for number in range(1, 6)]
    names = (texts("sample.name", name=name) for name in ("Ana", "Bruno", "Carla", "Davi", "Elisa"))
    ana, bruno, carla, davi, elisa = names
    restricted = Connected(
        phones[1], SendCapability.RESTRICTED, Reason.NONE, until=now.replace(second=0) + timedelta(hours=2)
    )
    return (
        SamplePerson(ana, phones[0], (Connected(phones[0]), _messages(phones[0], now))),
        SamplePerson(bruno, phones[1], (restricted,)),
        SamplePerson(carla, phones[2], (Blocked(Reason.LOGGED_OUT),)),
        SamplePerson(davi, phones[3], (Connected(phones[3]), Lost(Reason.NETWORK_DOWN))),
        SamplePerson(elisa, phones[4]),
    )


def sample_services(settings: Settings, clock: Clock) -> Services:
    """The program's services, over a provider that reaches nobody."""
    people = sample_people(clock.now())
    scripts = {person.phone: person.events for person in people}
    checks = SampleChecks()
    provider = SampleProvider(clock, scripts, lambda: texts("sample.code"))
    ports = Ports(providers={ProviderKind.WHATSAPP_WEB: provider}, checks=checks)
    return build_services(settings, clock=clock, provider_time=checks, ports=ports)


async def add_sample_people(settings: Settings, clock: Clock) -> None:
    """Write the sample people into the empty database of *settings*."""
    services = sample_services(settings, clock)
    try:
        await services.open()
        for person in sample_people(clock.now()):
            added = await services.mentorados.add(person.name, person.phone, texts("sample.cohort"))
            if person.events:
                link = replace(added.link, enabled=True, account=person.phone)
                await services.mentorados.save_link(link)
    finally:
        await services.close()


def _messages(phone: PhoneNumber, now: datetime) -> MessagesReceived:
    """A few conversations of today and yesterday."""
    ours = (Address(AddressKind.PHONE, phone),)
    messages = [
        ProviderMessage(
            provider_id=f"sample-{number}-{line}",
            chat=(chat := (Address(AddressKind.PHONE, PhoneNumber(f"+55119000001{number:02}")),)),
            sender=ours if line == _OUR_LINE else chat,
            from_me=line == _OUR_LINE,
            text=texts(f"sample.message.{line}", name=contact),
            sender_name="" if line == _OUR_LINE else contact,
            sent_at=(at := now - timedelta(hours=3 * number, minutes=12 - 4 * line)),
            received_at=at,
        )
        for number, contact in enumerate(_CONTACTS, 1)
        for line in range(1, 4)
    ]
    messages.sort(key=lambda message: message.sent_at)
    return MessagesReceived(tuple(messages), 1)
