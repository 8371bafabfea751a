"""Looks at what is stored without opening it as the program does: nothing is made, migrated or locked.

Of the database it reads pages, version and names; of the secrets, whether tokens could be kept and read now. A keyring
that is locked may ask the person for its password.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any, Final, TypeVar

from app.domain.diagnosis import Diagnosis, DiagnosisCode, LinksInUse, diagnosed
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.procedure import ProcedureKind
from app.platform.files import os_errors_as
from app.storage.audit_integrity import AuditHeads
from app.storage.columns import metadata
from app.storage.engine import refuse_cut_short, require_known
from app.storage.errors import map_sqlite_errors
from app.storage.lost_database import Trace, is_missing, refuse_lost
from app.storage.migrations import OURS, SHAPE_QUERY, Migrations, is_due, shape_fault
from app.storage.repair import SEARCH, lacking_parts, only_leaves_room, rest_is_whole, search_damage
from app.storage.secrets.store import TRUSTED, EncryptedFile, SystemKeyring, name_of, require_readable, round_trips
from app.storage.time_records import known_time

T = TypeVar("T")

_C: Final = DiagnosisCode

BUDGET_SECONDS: Final = 1.0
"""How long the pages of a database are looked through, about a gigabyte of a file that is in memory."""

_STEPS: Final = 10_000
"""Instructions of SQLite between two looks at the time."""

_IN_USE: Final = (
    "SELECT mentorado.id, mentorado.name, link.provider, mentorado.phone, link.account, link.accepted_account"
    " FROM mentorado JOIN link ON link.mentorado_id = mentorado.id WHERE mentorado.archived_at IS NULL"
)
_PEOPLE: Final = (
    "SELECT mentorado.name, mentorado.phone, mentorado.created_at, link.provider FROM mentorado"
    " LEFT JOIN link ON link.mentorado_id = mentorado.id AND link.active"
)
_UNFINISHED: Final = (
    "SELECT procedure.id, procedure.kind, mentorado.name, procedure.began_at,"
    " (SELECT kind FROM procedure_entry WHERE procedure_id = procedure.id ORDER BY number DESC LIMIT 1)"
    " FROM procedure JOIN mentorado ON mentorado.id = procedure.mentorado_id WHERE NOT EXISTS"
    " (SELECT 1 FROM procedure_entry WHERE procedure_id = procedure.id AND kind = 'ended')"
)


def inspect_database(
    path: Path,
    traces: Sequence[Trace] = (),
    heads: AuditHeads | None = None,
    *,
    migrations: Migrations = OURS,
    budget: float = BUDGET_SECONDS,
) -> Sequence[Diagnosis]:
    """Whether the database is there, whole, of the shape that its stamp says, and the one that *heads*, the file beside
    it, knows. Blocks for *budget* and a little."""
    evidence = {"path": str(path)}
    try:
        with os_errors_as(ProblemCode.DATABASE_NOT_WRITABLE, path):
            if is_missing(path):
                refuse_lost(path, traces)
                return [diagnosed(_C.DATABASE_NEW, **evidence)]
            refuse_cut_short(path)
        with map_sqlite_errors(path), closing(_open(path)) as opened:
            judged = _judge(opened, path, migrations, budget, evidence)
            replaced = None if heads is None or judged.code is _C.DATABASE_UNUSABLE else _replaced(opened, heads)
            return [judged] if replaced is None else [replaced]
    except Problem as problem:
        if _waits_for_rollback(problem):
            return [diagnosed(_C.DATABASE_INTERRUPTED, **evidence)]
        locked = problem.code is ProblemCode.DATABASE_LOCKED
        return [diagnosed(_C.DATABASE_BUSY if locked else _C.DATABASE_UNUSABLE, problem, **evidence)]


def _waits_for_rollback(problem: Problem) -> bool:
    """Whether there is a journal that a writer has to roll back first: a reader would see half of a change."""
    code = getattr(problem.__cause__, "sqlite_errorcode", None)
    return code in (sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_READONLY_RECOVERY)


def _judge(
    opened: sqlite3.Connection, path: Path, migrations: Migrations, budget: float, evidence: dict[str, str]
) -> Diagnosis:
    revision = _revision(opened, path)
    require_known(revision, path, migrations)
    shape = frozenset(str(name) for (name,) in opened.execute(SHAPE_QUERY))
    of_today = revision == OURS.head
    fault = shape_fault(shape, revision, migrations, aside=SEARCH) or (of_today and _lacking_columns(shape | SEARCH))
    if fault:
        raise Problem(ProblemCode.DATABASE_CORRUPT, path=str(path), detail=fault)
    evidence |= {"revision": revision, "known": migrations.head, "size": f"{path.stat().st_size / (1 << 20):.1f}"}
    whole = _in_time(opened, budget, _first_fault)
    damage = _in_time(opened, budget / 2, search_damage) if of_today else ""
    faulty = bool(whole) and whole != "ok" and not only_leaves_room(str(whole), opened)
    if faulty and not (damage and _in_time(opened, budget, rest_is_whole)):
        corrupt = Problem(ProblemCode.DATABASE_CORRUPT, path=str(path), detail=str(whole))
        return diagnosed(_C.DATABASE_UNUSABLE, corrupt, **evidence)
    if damage:
        return diagnosed(_C.SEARCH_DAMAGED, **evidence, fault=damage)
    if lacking := lacking_parts(opened, revision, migrations):
        return diagnosed(_C.DATABASE_LACKS, **evidence, names=", ".join(lacking))
    if whole is None:
        return diagnosed(_C.DATABASE_PARTLY_READ, **evidence, seconds=f"{budget:g}")
    if unreadable := _unreadable_people(opened):
        return diagnosed(_C.PEOPLE_UNREADABLE, **evidence, count=str(unreadable))
    return diagnosed(_C.DATABASE_FINE if revision == migrations.head else _C.DATABASE_OLDER, **evidence)


def _lacking_columns(shape: frozenset[str]) -> str:
    """Which columns of today are not in *shape*, as text; empty if none."""
    from app.storage import figure_tables, staff_tables, tables  # noqa: F401 - they make the tables known

    due = (f"{table.name}.{column.name}" for table in metadata.sorted_tables for column in table.columns)
    lacking = [name for name in due if name not in shape]
    return f"missing: {', '.join(lacking)}" if lacking else ""


def _revision(opened: sqlite3.Connection, path: Path) -> str:
    tables = {name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    ours = "alembic_version" in tables
    found = opened.execute("SELECT version_num FROM alembic_version").fetchone() if ours else None
    if found is None or found[0] is None:
        raise Problem(ProblemCode.DATABASE_CORRUPT, path=str(path), detail="a database of another program")
    return str(found[0])


def _unreadable_people(opened: sqlite3.Connection) -> int:
    """How many mentorados the program would leave out, because their rows are invalid."""
    kinds = set(ProviderKind)
    return sum(
        1
        for name, phone, created, provider in opened.execute(_PEOPLE)
        if provider not in kinds or not _is_moment(created) or not isinstance(name, str) or not isinstance(phone, str)
    )


def _is_moment(written: object) -> bool:
    try:
        return datetime.fromisoformat(str(written)).tzinfo is not None
    except ValueError:
        return False


def _replaced(opened: sqlite3.Connection, heads: AuditHeads) -> Diagnosis | None:
    """What the file beside the database knows and the database does not, or otherwise: it is not the former one."""
    try:
        noted = heads.latest()
    except Problem as problem:
        return diagnosed(_C.AUDIT_NOTES_UNREADABLE, problem, path=str(heads.path))
    if noted is None:
        return None
    number, its_hash = noted
    has = {name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE name = 'audit'")}
    row = opened.execute("SELECT hash FROM audit WHERE number = ?", (number,)).fetchone() if has else None
    if row is not None and row[0] == its_hash:
        return None
    last = opened.execute("SELECT max(number) FROM audit").fetchone()[0] if has else None
    evidence = {"noted": str(number), "last": str(last or 0), "folder": str(heads.path.parent)}
    return diagnosed(_C.DATABASE_REPLACED, path=str(heads.path), **evidence)


def _first_fault(opened: sqlite3.Connection) -> str:
    """The first result of SQLite's check of the pages: ok, or a fault."""
    found = str(opened.execute("PRAGMA quick_check(1)").fetchone()[0])
    return found.removeprefix("*** in database main ***\n").partition("\n")[0]


def _in_time(opened: sqlite3.Connection, budget: float, look: Callable[[sqlite3.Connection], T]) -> T | None:
    """What *look* finds; None when the time was over before."""
    deadline = monotonic() + budget
    opened.set_progress_handler(lambda: int(monotonic() > deadline), _STEPS)
    try:
        return look(opened)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return None
    finally:
        opened.set_progress_handler(None, 0)


def _open(path: Path) -> sqlite3.Connection:
    """Raises `sqlite3.Error`; never waits for a pipe."""
    if not path.is_file():
        raise sqlite3.OperationalError("not a file")
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0.5)


def read_links(path: Path) -> LinksInUse | None:
    """Whose links are in use, and at which providers; None where the database cannot be read."""
    try:
        with closing(_open(path)) as opened:
            rows = opened.execute(_IN_USE).fetchall()
    except sqlite3.Error:
        return None
    known = set(ProviderKind)
    names, numbers = dict[MentoradoId, str](), dict[MentoradoId, frozenset[PhoneNumber]]()
    paired = set[MentoradoId]()
    for id_, name, provider, *theirs in rows:
        mentorado_id = MentoradoId(str(id_))
        names[mentorado_id] = str(name)
        numbers[mentorado_id] = numbers.get(mentorado_id, frozenset()) | {
            PhoneNumber(str(each)) for each in theirs if each
        }
        if provider == ProviderKind.WHATSAPP_WEB and theirs[1] is not None:
            paired.add(mentorado_id)
    providers = frozenset(ProviderKind(provider) for _, _, provider, *_ in rows if provider in known)
    return LinksInUse(providers=providers, names=names, numbers=numbers, paired=frozenset(paired))


def read_procedures(path: Path, *, held: Callable[[str], bool]) -> Sequence[Diagnosis]:
    """What is not finished, as the journal says; *held* is whether a program is at work on the one with an id."""
    try:
        rows = _unfinished(path)
    except (sqlite3.Error, Problem):
        return [diagnosed(_C.PROCEDURES_UNREAD, path=str(path))]
    found, strange = [], 0
    for id_, kind, name, began, last in rows:
        if kind not in set(ProcedureKind) or not _is_moment(began):
            strange += 1
            continue
        waits = _C.PROCEDURE_WAITS if last == "asked" else _C.PROCEDURE_INTERRUPTED
        code = _C.PROCEDURE_MOVES if held(str(id_)) else waits
        found.append(diagnosed(code, id=str(id_), kind=str(kind), name=str(name), since=str(began)))
    if strange:
        found.append(diagnosed(_C.PROCEDURES_DAMAGED, path=str(path), count=str(strange)))
    return found or [diagnosed(_C.PROCEDURES_FINE)]


def read_open_procedures(path: Path) -> frozenset[str] | None:
    """The ids of the procedures that are not finished; None where they cannot be read."""
    try:
        return frozenset(str(id_) for id_, *_ in _unfinished(path))
    except (sqlite3.Error, Problem):
        return None


def _unfinished(path: Path) -> Sequence[tuple[Any, ...]]:
    if is_missing(path):
        return []
    with closing(_open(path)) as opened:
        revision = _revision(opened, path)
        if revision in OURS.revisions and not is_due("procedure", revision, OURS):
            return []  # the first versions had none
        return opened.execute(_UNFINISHED).fetchall()


def read_known_time(path: Path) -> datetime | None:
    """How far time had got when something was stored last; None where that cannot be read."""
    try:
        with closing(_open(path)) as opened:
            return known_time(lambda query: [row[0] for row in opened.execute(query)])
    except sqlite3.Error:
        return None


# --- secrets --------------------------------------------------------------------------------------------------------

_NO_KEYRING: Final = frozenset({"keyring.backends.fail.Keyring", "keyring.backends.null.Keyring"})


def inspect_secrets(
    file: Path, passphrase: Callable[[], str] | None, *, needed: bool, trusted: frozenset[str] = TRUSTED
) -> Sequence[Diagnosis]:
    """*needed*: some link signs in with tokens. Blocks, for as long as a keyring waits for its password."""
    evidence = {"path": str(file)}
    try:
        if file.exists():
            require_readable(file)
            if passphrase is None:
                return [diagnosed(_C.SECRETS_FILE_CLOSED, **evidence)]
            EncryptedFile.open(file, passphrase())
            return [diagnosed(_C.SECRETS_FILE_FINE, **evidence)]
        if passphrase is not None:
            passphrase()
    except Problem as problem:
        return [diagnosed(_C.SECRETS_UNUSABLE, problem, **evidence)]
    found = _keyring(trusted)
    if found.code is _C.KEYRING_FINE or found.code is _C.KEYRING_LOCKED:
        return [found]
    if passphrase is not None:  # the file is made when a first token is kept
        return [diagnosed(_C.SECRETS_FILE_FINE, **evidence)]
    return [found if needed else diagnosed(_C.KEYRING_NOT_NEEDED, **found.evidence)]


def _keyring(trusted: frozenset[str]) -> Diagnosis:
    import keyring
    from keyring.backends.chainer import ChainerBackend

    chosen = keyring.get_keyring()
    candidates = list(chosen.backends) if isinstance(chosen, ChainerBackend) else [chosen]
    names = ", ".join(map(name_of, candidates))
    for candidate in candidates:
        if name_of(candidate) in trusted:
            usable = round_trips(SystemKeyring(candidate))
            return diagnosed(_C.KEYRING_FINE if usable else _C.KEYRING_LOCKED, backend=name_of(candidate))
    none = all(name_of(candidate) in _NO_KEYRING for candidate in candidates)
    return diagnosed(_C.KEYRING_NONE if none else _C.KEYRING_UNTRUSTED, backend=names)
