"""Issue 14, 4: "a test that plants secrets, numbers, names, message texts and QR texts everywhere and finds none in
it".

Everything is planted in a real program over a real database; the bundle is the file that would be sent."""

from __future__ import annotations

import io
import json
import logging
import re
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.bootstrap import build_services
from app.doctor import build_doctor
from app.domain.audit import Actor, AuditOutcome
from app.domain.cases import CaseKind
from app.domain.consent import Purpose
from app.domain.crash_report import CrashEffect, child_line
from app.domain.link_status import Evidence, LinkState, LinkStatus, QrCode, Reason, Retry, Trigger
from app.domain.mentorado import LinkId, Mentorado, MentoradoId
from app.domain.messages import SetAsideReason, WireUnknown
from app.domain.phone import PhoneNumber
from app.domain.procedure import (
    EntryKind,
    JournalEntry,
    ProcedureInfo,
    ProcedureKind,
    StepName,
    new_procedure_id,
)
from app.domain.repositories import Transition
from app.domain.settings import OPERATOR_NAME, OPT_OUT_WORDS, SMOKE_TEST, WEBHOOKS
from app.domain.smoke_test import SmokeTestSettings, SmokeTestTarget
from app.domain.support_bundle import BundlePart, SupportBundle
from app.domain.webhooks import WebhookSettings
from app.platform.crash_recorder import CrashRecorder
from app.platform.locks import Owner
from app.platform.logging import DETAILED, configure_logging, log_context
from app.services import Services
from app.settings import Settings
from app.storage.journal import SqlProcedureJournal
from tests.storage.talk import a_message, minutes, phone

NAME, COHORT, OPERATOR = "Quitéria Valadão Prates", "Turma Girassol Amarelo", "Rosângela Mouzinho"
USER, HOST, ACCOUNT_NAME = "joanaprates", "pc-da-quiteria", "Clínica Valadão"
MESSAGE = "o remédio da Filomena chega amanhã cedo"
QR = "2@AbCdEfGhIjKlMnOpQrStUvWxYz0123456789+/=,KeyKeyKeyKey0123456789AbCdEf=,OtherKey9876543210=,Xy"
TYPED_CODE = "WXYZ-7K2M"
TOKEN = "EAAGm0PX4ZCpsBAKqYt1ZBdeadbeefToken0123456789"
CLIENT_TOKEN = "F8A1B2C3D4E5F60718293A4B5C6D7E8F"
PASSWORD = "hush-hush-segredo"
DIGITS = "5521998761234"
NUMBERS = ("+5521998761234", "+55 21 99876-1234", "(21) 99876-1234", "21998761234", "99876-1234", "5521998761234@c.us")
HOME = f"/home/{USER}/conecta/Fotos da Filomena/sessao.db"
PLANTED = f"{NAME} {NUMBERS[1]} {MESSAGE} {QR} token={TOKEN} {CLIENT_TOKEN} {PASSWORD} {HOME} {ACCOUNT_NAME} {HOST}"

pytestmark = pytest.mark.usefixtures("caplog")  # warnings are planted, too

WORDS = (
    "quit", "valad", "prates", "girassol", "rosângela", "mouzinho", "joana", "pc-da", "clínica", "remédio", "filomena",
    "abcdefghij", "keykey", "otherkey", "wxyz", "7k2m", "eaagm0", "deadbeef", "f8a1b2c3", "hush", "segredo", "/home",
    "fotos", "sessao", "99876", "9987-6", "998761",
)  # fmt: skip


def given_away(content: str) -> list[str]:
    """What of the planted is in *content*, however it is written."""
    plain = content.casefold()
    digits = re.sub(r"[\s().\-+/]", "", plain)
    return [word for word in WORDS if word in plain] + [n for n in (DIGITS, DIGITS[2:], DIGITS[-8:]) if n in digits]


@contextmanager
def logging_to(file: Path) -> Iterator[None]:
    root, before = logging.getLogger("app"), list(logging.getLogger("app").handlers)
    configure_logging(file)
    try:
        yield
    finally:
        for handler in set(root.handlers) - set(before):
            root.removeHandler(handler)
            handler.close()


@pytest.fixture
def settings(fast_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr("platform.node", lambda: HOST)
    monkeypatch.setattr("getpass.getuser", lambda: USER)
    monkeypatch.setattr("platform.release", lambda: f"6.1.0-{USER}")
    monkeypatch.setenv("HOME", f"/home/{USER}")
    monkeypatch.setenv("XDG_SESSION_TYPE", HOST)
    data = fast_dir / USER
    data.mkdir(mode=0o700)
    return Settings(
        data_dir=data,
        session_dir=data / "sessions",
        session_dir_was_chosen=True,
        session_host=("host", PASSWORD),
        zapi_url=f"https://zapi.example/{TOKEN}",
        passphrase_file=None,
        files={"CONECTA_ZAPI_URL": Path(HOME)},
    )


@asynccontextmanager
async def planted(settings: Settings) -> AsyncIterator[Services]:
    """The program with secrets, names, numbers and messages wherever it can keep any."""
    with logging_to(settings.log_file):
        core = build_services(settings)
        await core.open()
        try:
            async with core.supervisor:
                await _plant(core)
                yield core
        finally:
            await core.close()


async def _plant(core: Services) -> None:
    ana = await core.mentorados.add(NAME, NUMBERS[0], COHORT)
    await core.mentorados.save_link(replace(ana.link, account=PhoneNumber(NUMBERS[0])))
    ana = core.mentorados.get(ana.id)
    await core.supervisor.restore()
    change = core.settings_service.change
    await change(OPERATOR_NAME, OPERATOR)
    await change(WEBHOOKS, WebhookSettings(public_url=f"https://{HOST}.example/{PASSWORD}"))
    target = SmokeTestTarget.NUMBER
    await change(SMOKE_TEST, SmokeTestSettings(target=target, number=PhoneNumber(NUMBERS[0]), template="filomena"))
    await change(OPT_OUT_WORDS, ("sair", "filomena"))
    await _plant_history(core, ana)
    await _plant_work(core, ana)
    _plant_files(core.settings, ana)
    _plant_log(core.settings.log_file, ana)


async def _plant_history(core: Services, ana: Mentorado) -> None:
    message = a_message("P1", MESSAGE, phone(NUMBERS[0]), sender_name=ACCOUNT_NAME)
    reason = SetAsideReason.NOT_STORABLE
    unknown = WireUnknown(kind=NAME, payload=PLANTED, at=minutes(2), reason=reason, detail=PLANTED[:200])
    await core.history.store(ana, [message], minutes(1))
    await core.history.store(ana, [unknown], minutes(2))
    now = core.clock.now()
    code = QrCode(text=QR, typed=TYPED_CODE, number=1, total=6, issued_at=now, expires_at=now + timedelta(seconds=60))
    status = LinkStatus(
        state=LinkState.BLOCKED,
        reason=Reason.WRONG_ACCOUNT,
        since=now,
        qr=code,
        retry=Retry(2, now),
        account=PhoneNumber(NUMBERS[0]),
        holder=f"{HOST}, {USER}",
        evidence=Evidence(last_inbound=now),
        detail=PLANTED,
    )
    before = LinkStatus(state=LinkState.CONNECTING, since=now)
    trigger = Trigger.REFUSED
    await core.transitions.append(Transition(link_id=ana.link.id, at=now, trigger=trigger, before=before, after=status))
    core.supervisor._board.restore(ana.link, status)


async def _plant_work(core: Services, ana: Mentorado) -> None:
    whom, now = phone(NUMBERS[0]), core.clock.now()
    for action in ("reauthenticate", f"set_{PASSWORD}"):
        await core.audit_service.write(
            action,
            ana,
            before={"value": PLANTED},
            after={"path": HOME, PASSWORD: TOKEN},
            outcome=AuditOutcome.FAILED,
            reason=f"{NAME}: {MESSAGE}",
        )
    await core.consent.ledger.grant(ana.id, whom, Purpose.CAMPAIGN, wording=MESSAGE, version="1", note=PLANTED)
    core.cases.open(CaseKind.BAN, ana.id, NUMBERS[1], {"note": PLANTED})
    await core.audit_service.flush()
    journal = SqlProcedureJournal(core.database)
    head = ProcedureInfo(
        id=new_procedure_id(),
        kind=ProcedureKind.RESTORE,
        mentorado_id=ana.id,
        actor=Actor(user=USER, operator=OPERATOR),
        began_at=now,
        facts={"path": HOME, "code": PLANTED, PASSWORD: TOKEN},
    )
    await journal.begin(head, JournalEntry(procedure_id=head.id, number=1, at=now, kind=EntryKind.BEGAN))
    facts = {"code": NAME, "reason": f"{MESSAGE} {NUMBERS[2]}", "undone": PASSWORD, "detail": PLANTED, TOKEN: HOME}
    failed = JournalEntry(
        procedure_id=head.id,
        number=2,
        at=now,
        kind=EntryKind.STEP_FAILED,
        step=StepName.CHECK_ARCHIVE,
        facts=facts,
    )
    await journal.append(failed)


def _plant_files(settings: Settings, ana: Mentorado) -> None:
    owner = Owner(pid=4_000_000, host=HOST, machine=USER, started=PLANTED[:80], boot=HOST, namespace=HOME)
    session = settings.session_dir / ana.id
    stranger = settings.session_dir / USER
    for path in (
        settings.instance,
        session / "owner.lock",
        stranger / "host.lock",
        settings.data_dir / "procedures/x.lock",
    ):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(owner)))
    recorder = CrashRecorder(settings.crash_dir, f"{NAME} 1.0")
    undo = recorder.install()
    try:
        log = logging.getLogger("app.core.actions")
        try:
            raise ValueError(PLANTED) from KeyError(NUMBERS[3], QR)
        except ValueError:
            log.exception("It failed for %s in %s", NAME, HOME)
        (line, lines) = (
            child_line(LookupError(PLANTED), CrashEffect.LINK_RETRIES),
            ["  app.core.actions:1 x", "KeyError"],
        )
        assert given_away(line) == []
    finally:
        undo()
    forged = {
        "version": f"1.2 {NAME}",
        "first_at": "2026-11-29T10:00:00+00:00",
        "last_at": "2026-11-29T10:00:00+00:00",
        "count": 1,
        "place": "task",
        "effect": "went_on",
        "about": f"{NAME} {NUMBERS[1]} token={PASSWORD} {QR} {HOST}",
        "lines": lines,
    }
    (settings.crash_dir / "forged.json").write_text(json.dumps(forged))


def _plant_log(file: Path, ana: Mentorado) -> None:
    log = logging.getLogger("app.core.links.link_worker")
    with log_context(ana.id):
        log.info("Moved %s of %s to %s: %s", NUMBERS[0], NAME, Reason.LOGGED_OUT, PLANTED, extra={"link": ana.link.id})
        log.warning("%(who)s has %(number)d", {"who": NAME, "number": int(DIGITS)})
        logging.getLogger(DETAILED).debug("%s", PLANTED)
        try:
            raise OSError(2, PLANTED, HOME)
        except OSError:
            log.warning("Could not open %s", HOME, exc_info=True)
    forged = {"at": "2026-11-29T10:00:00+00:00", "level": "INFO", "logger": "app.core", "outline": "fine"}
    former = {"at": "2026-11-29T10:00:00+00:00", "level": "INFO", "logger": "app.core", "message": PLANTED}
    lines = [
        former,
        {**forged, "outline": f"{NAME} and {OPERATOR} of {COHORT} at {NUMBERS[1]} with token={PASSWORD} on {HOST}"},
        {**forged, "outline": f"{NUMBERS[2]} {NUMBERS[5]} {QR} {TOKEN} {CLIENT_TOKEN} code {TYPED_CODE}\u202e\x1b[0m"},
        {**forged, "trace": [PLANTED, "  app.core:1 Prates", 7], "state": PLANTED, "reason": NAME},
        {**forged, "mentorado": NAME, "link": NUMBERS[0]},
        {**forged, "level": NAME},
        {**forged, "logger": f"app.{USER} x"},
        {**forged, "at": PLANTED},
    ]
    with file.open("a") as log_file:
        log_file.writelines(f"{line}\n" for line in (*map(json.dumps, lines), PLANTED, "[" * 5000, "7"))


def read(bundle: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


async def written(core: Services, folder: Path) -> tuple[SupportBundle, Path]:
    core.support_bundle.doctor = build_doctor(core.settings, live=core)
    bundle = await core.support_bundle.prepare()
    file = folder / "bundle.zip"
    await core.support_bundle.write(bundle, file, [file.name for file in bundle.files])
    return bundle, file


async def test_nothing_that_was_planted_is_in_the_bundle(settings: Settings, tmp_path: Path) -> None:
    async with planted(settings) as core:
        bundle, file = await written(core, tmp_path)
        (ana,) = core.mentorados.all()
    content = file.read_bytes()
    files = read(content)
    found = {name: away for name, text in files.items() if (away := given_away(text))}
    assert found == {}
    names = given_away(" ".join(files))
    assert names == []
    assert given_away(content.decode("latin-1")) == [], "nor beside the files, as a comment or a path"
    for secret in (ana.id, ana.link.id, str(settings.data_dir), settings.data_dir.name):
        assert not any(secret in text for text in files.values())
    assert {name: file.text for name, file in zip(files, bundle.files, strict=True)} == files, (
        "what was shown is written"
    )
    assert {each.part for each in bundle.files} == set(BundlePart)
    assert file.stat().st_mode & 0o077 == 0


async def test_what_support_needs_is_in_it(settings: Settings, tmp_path: Path) -> None:
    async with planted(settings) as core:
        _bundle, file = await written(core, tmp_path)
    files = read(file.read_bytes())
    (link,) = json.loads(files["links.json"])
    assert (link["mentorado"], link["link"]) == ("mentorado 1", "link 1.1")
    assert (link["state"], link["reason"], link["attempt"]) == ("blocked", "wrong_account", 2)
    assert link["deliveries_set_aside"] == 1
    (move,) = json.loads(files["moves.json"])
    assert move["after"] == "blocked, wrong_account"
    (procedure,) = json.loads(files["procedures.json"])
    assert (procedure["kind"], procedure["state"]) == ("restore", "failed")
    actions = {each["action"] for each in json.loads(files["actions.json"])}
    assert {"add_mentorado", "reauthenticate", "grant_consent", "set_operator_name", "[…]"} <= actions
    locks = json.loads(files["locks.json"])
    assert {each["lock"] for each in locks} == {"window", "session", "host", "procedure"}
    assert {each["mentorado"] for each in locks} == {"", "mentorado 1", "[…]"}
    lines = [json.loads(line) for line in files["log.jsonl"].splitlines()]
    moved = next(line for line in lines if line["message"].startswith("Moved "))
    assert moved["message"] == "Moved […] of […] to logged_out: […]"
    assert (moved["mentorado"], moved["link"]) == ("mentorado 1", "link 1.1")
    opened = next(line for line in lines if line["message"].startswith("Could not open"))
    assert opened["trace"][-1] == "FileNotFoundError ENOENT"
    crashes = [text for name, text in files.items() if name.startswith("crash-")]
    assert any("KeyError\n" in text and "ValueError" in text for text in crashes)
    found = {each["check"]: each["outcome"] for each in json.loads(files["doctor.json"])}
    assert found["engine"] == "failed", "the command of the session host is no program"
    versions = json.loads(files["versions.json"])
    assert versions["PySide6-Essentials"].startswith("6.")
    assert versions["release"] == "6.1.0"
    chosen = json.loads(files["settings.json"])
    assert chosen["environment"]["CONECTA_ZAPI_URL"] is True
    assert chosen["operator"]["operator_name"] == "set"


async def test_the_same_person_has_the_same_number_in_each_bundle_and_the_key_stays_here(
    settings: Settings, tmp_path: Path
) -> None:
    async with planted(settings) as core:
        first = await core.support_bundle.prepare()
        await core.mentorados.add("Abel Primeiro", "+5511987650001")
        second, _file = await written(core, tmp_path)
        assert first.people[1].name == second.people[1].name == NAME
        assert second.people[2].name == "Abel Primeiro"
        assert not any("Abel" in file.text for file in second.files)


async def test_a_link_of_nobody_is_no_way_in(settings: Settings) -> None:
    """Ids that this computer does not know are no pseudonyms, and are not shown as they are."""
    from app.domain.support_bundle import Pseudonyms

    people = Pseudonyms([], lambda _id: [])
    assert people.mentorado(MentoradoId(USER)) == people.link(LinkId(USER)) == "[…]"
