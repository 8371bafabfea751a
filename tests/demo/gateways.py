"""The two hosted services of the demo, played over real HTTP: a Z-API instance, and a number at Meta."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import keyring
import keyring.backends.fail

from app.domain.provider_descriptor import CredentialField
from tests.demo.people import FABIO, LUCAS, MARINA
from tests.emulators.meta_cloud.graph import MetaCloud
from tests.emulators.meta_cloud.state import (
    NUMBER_ID,
    TOKEN,
    WABA_ID,
    template,
)
from tests.emulators.serving import Served
from tests.emulators.zapi.emulator import ZapiEmulator
from tests.emulators.zapi.instance import Instance

_F = CredentialField
META_CREDENTIALS: Final[Mapping[CredentialField, str]] = {
    _F.ACCESS_TOKEN: TOKEN,
    _F.PHONE_NUMBER_ID: NUMBER_ID,
    _F.WABA_ID: WABA_ID,
}


@dataclass(frozen=True, slots=True)
class Gateways:
    """Where they answer, and what lets one in. The instances are for LUCAS and FABIO, the number is MARINA's."""

    zapi_url: str
    meta_url: str
    instance: Instance
    other_instance: Instance

    @property
    def zapi_credentials(self) -> Mapping[CredentialField, str]:
        return self.credentials_of(self.instance)

    def credentials_of(self, instance: Instance) -> Mapping[CredentialField, str]:
        return {_F.INSTANCE_ID: instance.id, _F.INSTANCE_TOKEN: instance.token}

    def scan(self, digits: str, code: str) -> bool:
        """Let a phone read *code*, if it is an instance's; returns whether it was."""
        for instance in (self.instance, self.other_instance):
            if code == instance.qr():
                instance.scan(digits, code)
                return True
        return False

    def lines(self) -> Iterator[str]:
        """What a person types to play with them."""
        for person, instance in ((LUCAS, self.instance), (FABIO, self.other_instance)):
            yield f"Z-API, for {person.name}: instance {instance.id}, token {instance.token}"
        yield f"Meta, for {MARINA.name}: token {TOKEN}, number id {NUMBER_ID}, account id {WABA_ID}"


@contextmanager
def open_gateways() -> Iterator[Gateways]:
    """Serve both until the context is left. What is typed here is not for the keyring of whoever plays."""
    zapi, meta = ZapiEmulator(), MetaCloud()
    number, digits = meta.world.number, MARINA.digits
    number.digits = digits
    number.fields["display_phone_number"] = f"+{digits[:2]} {digits[2:4]} {digits[4:-4]}-{digits[-4:]}"
    number.fields["verified_name"] = "Mentoria da Marina"
    meta.world.templates[WABA_ID] = [
        template("boas_vindas", "Olá {{1}}, boas-vindas à mentoria."),
        template("lembrete_de_sessao"),
        template("convite_turma_15", "Vem aí a turma 15.", status="PENDING", category="MARKETING"),
        template("promocao", "Só hoje.", status="REJECTED", category="MARKETING"),
    ]
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]
    try:
        with Served(zapi) as zapi_served, Served(meta) as meta_served:
            yield Gateways(zapi_served.url, meta_served.url, zapi.add_instance(), zapi.add_instance())
    finally:
        keyring.set_keyring(before)
