# mypy: allow-untyped-calls
# ruff: noqa: ASYNC240 - tests may touch files while their loop waits
"""Secrets over keyring's own API; its back ends are played, the encrypted file is real."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.backends.chainer import ChainerBackend
from keyring.compat import properties
from keyring.errors import KeyringLocked, PasswordDeleteError

from app.domain.errors import Problem, ProblemCode
from app.domain.repositories import SecretStoreSelector
from app.domain.settings import SecretBackendKind
from app.storage.secrets.store import LARGEST, LONGEST, EncryptedFile, SelectableSecretStore

PASSPHRASE = "quatro palavras são o bastante"
TOKEN = "EAAG-token-of-the-cloud"


class FakeKeyring(KeyringBackend):
    """A keyring in memory; it can refuse, forget, or ask a person and wait."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False
        self.forgets = False
        self.answers = threading.Event()
        self.answers.set()

    def get_password(self, service: str, username: str) -> str | None:
        self.answers.wait(5)
        if self.locked:
            raise KeyringLocked("the secret is ...")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.answers.wait(5)
        if self.locked:
            raise KeyringLocked
        if not self.forgets:
            self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.kept:
            raise PasswordDeleteError
        del self.kept[service, username]


TRUSTED = frozenset({f"{__name__}.FakeKeyring"})


@pytest.fixture
def system() -> Iterator[FakeKeyring]:
    before = keyring.get_keyring()
    keyring.set_keyring(played := FakeKeyring())
    yield played
    played.answers.set()
    keyring.set_keyring(before)


@pytest.fixture
def file(fast_dir: Path) -> Path:
    return fast_dir / "data" / "secrets.enc"


@pytest.fixture
def no_keyring(system: FakeKeyring) -> None:
    keyring.set_keyring(fail.Keyring())


def secret_store(file: Path, timeout: float = 5) -> SelectableSecretStore:
    return SelectableSecretStore(file, trusted=TRUSTED, timeout=timeout, cost=4)


def kept_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def refused(secrets: SecretStoreSelector) -> ProblemCode:
    with pytest.raises(Problem) as caught:
        await secrets.set("token", TOKEN)
    return caught.value.code


# --- the keyring -----------------------------------------------------------------------------------------------------


async def test_a_trusted_keyring_is_used_and_nothing_is_left_of_the_trial(system: FakeKeyring, file: Path) -> None:
    secrets: SecretStoreSelector = secret_store(file)
    assert await secrets.place() is SecretBackendKind.KEYRING
    assert system.kept == {}
    await secrets.set("token", TOKEN)
    assert system.kept == {("conecta", "token"): TOKEN}
    assert await secrets.get("token") == TOKEN
    await secrets.delete("token")
    await secrets.delete("token")
    assert await secrets.get("token") is None
    assert not file.parent.exists()


async def test_what_the_allow_list_does_not_name_is_not_used(system: FakeKeyring, file: Path) -> None:
    for untrusted in (system, null.Keyring(), fail.Keyring()):
        keyring.set_keyring(untrusted)
        secrets = SelectableSecretStore(file)
        assert await secrets.place() is SecretBackendKind.NONE
        assert await refused(secrets) is ProblemCode.SECRETS_UNAVAILABLE
    assert system.kept == {}


class Chain(ChainerBackend):
    """keyring's chain, of what a test puts in it."""

    links: tuple[KeyringBackend, ...] = ()

    @properties.classproperty
    def backends(cls) -> list[KeyringBackend]:  # noqa: N805 - as in keyring
        return list(cls.links)


async def test_a_chain_is_taken_apart(system: FakeKeyring, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Chain, "links", (null.Keyring(), system))
    keyring.set_keyring(Chain())
    secrets = secret_store(file)
    await secrets.set("token", TOKEN)
    assert system.kept == {("conecta", "token"): TOKEN}
    monkeypatch.setattr(Chain, "links", (null.Keyring(),))
    assert await secret_store(file).place() is SecretBackendKind.NONE


@pytest.mark.parametrize("fault", ["locked", "forgets"])
async def test_a_keyring_that_does_not_give_back_is_none(system: FakeKeyring, file: Path, fault: str) -> None:
    setattr(system, fault, True)
    secrets = secret_store(file)
    assert await secrets.place() is SecretBackendKind.NONE
    setattr(system, fault, False)
    assert await secrets.place() is SecretBackendKind.NONE  # until somebody says to look again
    assert await secrets.retry_keyring() is SecretBackendKind.KEYRING
    assert await secrets.retry_keyring() is SecretBackendKind.KEYRING


async def test_a_prompt_that_nobody_answers_holds_up_nobody_for_long(system: FakeKeyring, file: Path) -> None:
    system.answers.clear()
    secrets = secret_store(file, timeout=0.1)
    looked = asyncio.get_running_loop().create_task(secrets.place())
    await asyncio.sleep(0)  # the loop goes on meanwhile
    assert not looked.done()
    assert await looked is SecretBackendKind.NONE
    system.answers.set()
    assert await secrets.retry_keyring() is SecretBackendKind.KEYRING


async def test_a_keyring_that_is_locked_later_is_a_problem(
    system: FakeKeyring, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = secret_store(file)
    await secrets.set("token", TOKEN)
    system.locked = True
    assert await refused(secrets) is ProblemCode.SECRETS_UNAVAILABLE
    system.locked = False
    assert await secrets.get("token") == TOKEN
    assert TOKEN not in caplog.text


async def test_asking_is_given_up_with_who_asked(system: FakeKeyring, file: Path) -> None:
    system.answers.clear()
    looking = asyncio.get_running_loop().create_task(secret_store(file).place())
    await asyncio.sleep(0.01)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    system.answers.set()
    await asyncio.sleep(0.05)


@pytest.mark.parametrize("letter", ["x", "\N{PILE OF POO}"])
async def test_what_windows_could_not_hold_is_held_nowhere(system: FakeKeyring, file: Path, letter: str) -> None:
    units = len(letter.encode("utf-16-le")) // 2
    await secret_store(file).set("token", letter * (LONGEST // units))
    with pytest.raises(Problem) as caught:
        await secret_store(file).set("token", letter * (LONGEST // units + 1))
    assert caught.value.code is ProblemCode.SECRET_TOO_LONG


# --- memory, as a person chose ---------------------------------------------------------------------------------------


async def test_memory_holds_secrets_for_this_run(no_keyring: None, file: Path) -> None:
    secrets = secret_store(file)
    await secrets.use_memory()
    assert await secrets.place() is SecretBackendKind.MEMORY
    await secrets.set("token", TOKEN)
    await secrets.set("other", "x")
    await secrets.delete("other")
    await secrets.delete("other")
    assert (await secrets.get("token"), await secrets.get("other")) == (TOKEN, None)
    assert not file.parent.exists()
    assert await secret_store(file).place() is SecretBackendKind.NONE


async def test_a_known_passphrase_makes_the_file_and_opens_it_again(no_keyring: None, file: Path) -> None:
    """On a server nobody is there to be asked."""
    for _start in range(2):
        secrets = SelectableSecretStore(file, trusted=TRUSTED, cost=4, passphrase=lambda: "correct horse battery")
        assert await secrets.get("other") is None
        assert await secrets.place() is SecretBackendKind.ENCRYPTED_FILE
        await secrets.set("name", "value")
    assert await secrets.get("name") == "value"
    assert await SelectableSecretStore(file, trusted=TRUSTED, cost=4).place() is SecretBackendKind.LOCKED_FILE


async def test_a_known_passphrase_is_not_needed_where_there_is_a_keyring(system: FakeKeyring, file: Path) -> None:
    secrets = SelectableSecretStore(file, trusted=TRUSTED, cost=4, passphrase=lambda: "correct horse battery")
    assert await secrets.place() is SecretBackendKind.KEYRING
    assert not file.exists()


async def test_where_there_is_a_keyring_it_stays_in_use(system: FakeKeyring, file: Path) -> None:
    secrets = secret_store(file)
    await secrets.use_memory()
    await secrets.use_file(PASSPHRASE)
    assert await secrets.place() is SecretBackendKind.KEYRING
    assert not file.exists()


# --- the encrypted file ----------------------------------------------------------------------------------------------


async def test_the_file_holds_secrets_for_later_runs_and_shows_nothing(no_keyring: None, file: Path) -> None:
    secrets = secret_store(file)
    await secrets.use_memory()
    await secrets.set("early", "kept in memory first")
    await secrets.use_file(PASSPHRASE)
    assert await secrets.place() is SecretBackendKind.ENCRYPTED_FILE
    await secrets.set("token", TOKEN)
    await secrets.set("gone", "x")
    await secrets.delete("gone")
    await secrets.delete("gone")

    later = secret_store(file)
    assert await later.place() is SecretBackendKind.LOCKED_FILE
    assert await refused(later) is ProblemCode.SECRETS_LOCKED
    await later.use_memory()
    assert await later.place() is SecretBackendKind.LOCKED_FILE  # it is not forgotten for something worse
    await later.use_file(PASSPHRASE)
    assert [await later.get(name) for name in ("early", "token", "gone")] == ["kept in memory first", TOKEN, None]

    for secret in (TOKEN, "kept in memory first", "early", PASSPHRASE):
        for encoding in ("utf-8", "utf-16-le"):
            assert secret.encode(encoding) not in kept_below(file.parent)
    assert [path.name for path in file.parent.iterdir()] == ["secrets.enc"]
    assert (file.stat().st_mode | file.parent.stat().st_mode) & 0o077 == 0


async def test_a_passphrase_is_the_same_on_every_keyboard(no_keyring: None, file: Path) -> None:
    await secret_store(file).use_file("coração de ouro")
    await secret_store(file).use_file("corac\u0327a\u0303o de ouro")


async def test_a_short_passphrase_makes_no_file(no_keyring: None, file: Path) -> None:
    with pytest.raises(Problem) as caught:
        await secret_store(file).use_file("onze letras")
    assert (caught.value.code, caught.value.context) == (ProblemCode.PASSPHRASE_SHORT, {"least": "12"})
    assert not file.parent.exists()


async def test_a_wrong_passphrase_opens_nothing_and_the_right_one_still_does(no_keyring: None, file: Path) -> None:
    await secret_store(file).use_file(PASSPHRASE)
    later = secret_store(file)
    with pytest.raises(Problem) as caught:
        await later.use_file(PASSPHRASE + " ")
    assert caught.value.code is ProblemCode.PASSPHRASE_WRONG
    assert await later.place() is SecretBackendKind.LOCKED_FILE
    await later.use_file(PASSPHRASE)


async def opening(file: Path) -> ProblemCode | None:
    try:
        await secret_store(file).use_file(PASSPHRASE)
    except Problem as problem:
        return problem.code
    return None


async def test_damage_is_told_wherever_it_is(no_keyring: None, file: Path) -> None:
    secrets = secret_store(file)
    await secrets.use_file(PASSPHRASE)
    await secrets.set("token", TOKEN)
    whole = file.read_bytes()
    for damaged in (b"", whole[:20], whole[:-1], whole[:-40], whole + b"x"):
        file.write_bytes(damaged)
        assert await opening(file) is ProblemCode.SECRETS_FILE_DAMAGED
    for position in range(len(whole)):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << (position % 8)
        file.write_bytes(flipped)
        assert await opening(file) is ProblemCode.SECRETS_FILE_DAMAGED
    assert await refused(secrets) is ProblemCode.SECRETS_FILE_DAMAGED  # nor is it written over
    assert file.read_bytes() == bytes(flipped)
    file.write_bytes(whole)
    assert await opening(file) is None


def mended(content: bytes) -> bytes:
    """What somebody who alters the file on purpose would make of it."""
    return content[:-32] + hashlib.sha256(content[:-32]).digest()


async def test_altering_it_on_purpose_is_told_too(no_keyring: None, file: Path) -> None:
    await secret_store(file).use_file(PASSPHRASE)
    whole = file.read_bytes()
    codes = set()
    for position in range(len(whole) - 32):
        if position == 17:  # the cost is tried below: some would take all the memory they are allowed
            continue
        flipped = bytearray(whole)
        flipped[position] ^= 0x40
        file.write_bytes(mended(bytes(flipped)))
        codes.add(await opening(file))
    assert codes == {ProblemCode.PASSPHRASE_WRONG, ProblemCode.SECRETS_FILE_DAMAGED, ProblemCode.SECRETS_FILE_NEWER}
    for cost in (0, 3, 19, 255):
        forged = bytearray(whole)
        forged[17] = cost
        file.write_bytes(mended(bytes(forged)))
        assert await opening(file) in (ProblemCode.PASSPHRASE_WRONG, ProblemCode.SECRETS_FILE_DAMAGED)
    for version in (0, 2, 255):
        forged = bytearray(whole)
        forged[16] = version
        file.write_bytes(mended(bytes(forged)))
        assert await opening(file) is (ProblemCode.SECRETS_FILE_NEWER if version else ProblemCode.SECRETS_FILE_DAMAGED)


async def test_a_file_without_end_takes_no_memory(no_keyring: None, file: Path) -> None:
    await secret_store(file).use_file(PASSPHRASE)
    with file.open("r+b") as grown:
        grown.truncate(1 << 30)
    tracemalloc.start()
    assert await opening(file) is ProblemCode.SECRETS_FILE_DAMAGED
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * LARGEST
    file.unlink()
    os.mkfifo(file)
    assert await opening(file) is ProblemCode.SECRETS_FILE_DAMAGED


async def test_nothing_is_written_that_could_not_be_read_again(
    no_keyring: None, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = secret_store(file)
    await secrets.use_file(PASSPHRASE)
    await secrets.set("token", TOKEN)
    monkeypatch.setattr("app.storage.secrets.store.LARGEST", 400)
    with pytest.raises(Problem) as caught:
        await secrets.set("another", "x" * 400)
    assert caught.value.code is ProblemCode.SECRETS_NOT_SAVED
    assert await secrets.get("token") == TOKEN


async def test_two_programs_may_use_it_one_after_the_other(no_keyring: None, file: Path) -> None:
    one, other = secret_store(file), secret_store(file)
    await one.use_file(PASSPHRASE)
    await other.use_file(PASSPHRASE)
    await one.set("a", "1")
    await other.set("b", "2")
    assert [await one.get("b"), await other.get("a")] == ["2", "1"]


async def test_a_file_that_was_made_anew_or_taken_away_is_noticed(no_keyring: None, file: Path) -> None:
    secrets = secret_store(file)
    await secrets.use_file(PASSPHRASE)
    EncryptedFile.create(file, "another passphrase", {}, cost=4)
    assert await refused(secrets) is ProblemCode.SECRETS_LOCKED
    assert await secrets.place() is SecretBackendKind.LOCKED_FILE
    await secrets.use_file("another passphrase")
    file.unlink()
    assert await refused(secrets) is ProblemCode.SECRETS_LOCKED
    assert await secrets.place() is SecretBackendKind.NONE


async def test_a_lost_passphrase_leaves_the_file_and_begins_anew(no_keyring: None, file: Path) -> None:
    for passphrase in ("the first passphrase", "the second passphrase"):
        await secret_store(file).use_file(passphrase)
        secrets = secret_store(file)
        await secrets.retire_file()
        assert await secrets.place() is SecretBackendKind.NONE
    await secrets.retire_file()
    assert sorted(path.name for path in file.parent.iterdir()) == ["secrets.enc.1", "secrets.enc.2"]
    EncryptedFile.open(file.with_name("secrets.enc.1"), "the first passphrase")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is forbidden to this user")
async def test_a_folder_that_may_not_be_written_is_a_problem(no_keyring: None, file: Path) -> None:
    secrets = secret_store(file)
    await secrets.use_file(PASSPHRASE)
    file.parent.chmod(0o500)
    try:
        assert await refused(secrets) is ProblemCode.SECRETS_NOT_SAVED
    finally:
        file.parent.chmod(0o700)


async def test_a_full_disk_keeps_what_was_kept(no_keyring: None, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = secret_store(file)
    await secrets.use_file(PASSPHRASE)
    await secrets.set("token", "before")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert await refused(secrets) is ProblemCode.SECRETS_NOT_SAVED
    assert await secrets.get("token") == "before"
    assert [path.name for path in file.parent.iterdir()] == ["secrets.enc"]


async def test_a_file_that_cannot_be_read_is_a_problem(no_keyring: None, file: Path) -> None:
    file.mkdir(parents=True)
    assert await opening(file) is ProblemCode.SECRETS_FILE_DAMAGED
