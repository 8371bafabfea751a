"""Rules of the house that no linter knows. Each says why it is one."""

from __future__ import annotations

import ast
import functools
import gc
import re
import subprocess
import sys
import tokenize
import tomllib
from collections import Counter
from collections.abc import Collection
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from app import __version__
from app.settings import ENV_FILE, NAMES

ROOT = Path(__file__).parent.parent
APP = ROOT / "app"
HOST = APP / "providers" / "whatsapp_web" / "host"
SOURCES = sorted(APP.rglob("*.py"))
LONGEST = 500  # lines, for one idea; a cap that is too low cuts one idea into fragments
MOST_FRAGMENTS = 30

# Trust is weakened by the tests' session host only, outside app/, so that nothing shipped can be talked into it.
TRUST_WEAKENING = re.compile(
    r"InsecureSkipVerify|SSL_CERT_(?:FILE|DIR)|CERT_NONE|check_hostname|_create_unverified_context|verify\s*=\s*False"
)
# Ana is nobody: examples may use her home.
MACHINE_PATH = re.compile(r"(?<![\w./:~-])/(?:(?:home|Users)/(?!ana/)\w+/|(?:root|work|tmp)/\w)|\b[A-Z]:\\Users\\\w")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def trees() -> dict[Path, tuple[ast.AST, ...]]:
    """The nodes of every file of the program; frozen, they cost the collections between tests no time."""
    found = {path: tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8")))) for path in SOURCES}
    gc.freeze()
    return found


def nodes(path: Path) -> tuple[ast.AST, ...]:
    return trees()[path]


def imports(path: Path) -> set[str]:
    """The top-level packages that *path* imports, anywhere in it."""
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def tracked_files() -> list[Path]:
    """Everything git tracks here; also when another user owns the checkout, as in a container."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip(f"not a git checkout: {listed.stderr.strip()}")
    return [path for line in listed.stdout.split("\0") if line and (path := ROOT / line).is_file()]


def test_no_dialog_nests_an_event_loop() -> None:
    """`exec()` inside a coroutine stops other tasks for good; `await ask(...)` does not."""
    nesting = [
        f"{name(path)}:{call.lineno}"
        for path in SOURCES
        if APP / "ui" in path.parents
        for called in ("exec", "exec_")
        for call in calls(path, called)
        if isinstance(call.func, ast.Attribute)
    ]
    assert nesting == []


def calls(path: Path, called: str) -> list[ast.Call]:
    """The calls in *path* of a function or method of that name."""
    every = [node for node in nodes(path) if isinstance(node, ast.Call)]
    return [call for call in every if called in (getattr(call.func, "id", ""), getattr(call.func, "attr", ""))]


def test_every_label_shows_plain_text() -> None:
    """A label guesses: a name with a tag in it would be rendered, and its images loaded."""
    guessing = [
        f"{name(path)}:{call.lineno}"
        for path in SOURCES
        for call in calls(path, "QLabel")
        if not any(each.arg == "textFormat" and "PlainText" in ast.unparse(each.value) for each in call.keywords)
    ]
    assert guessing == []


def test_every_tool_tip_is_plain() -> None:
    """A tool tip guesses too, and cannot be told not to: only what the catalogue says by itself goes unescaped."""
    plain = re.compile(r"plain_tip\(.*\)|texts\([^,]*\)|'[^']*'", re.DOTALL)
    guessing = [
        f"{name(path)}:{call.lineno}"
        for path in SOURCES
        for call in calls(path, "setToolTip")
        if not plain.fullmatch(ast.unparse(call.args[-1]))
    ]
    assert guessing == []
    rendering = {"setHtml", "QTextBrowser", "QTextEdit", "QMessageBox", "setTextFormat", "insertHtml", "setMarkdown"}
    texts_alone = [  # they set plain text
        (APP / "ui" / "mentorado_list" / "delegate.py", "setTextFormat"),
        (APP / "gui.py", "QMessageBox"),
        (APP / "gui.py", "setTextFormat"),
    ]
    found = [(path, each) for path in SOURCES for each in rendering if calls(path, each)]
    assert [each for each in found if each not in texts_alone] == []


def test_commands_write_what_others_wrote_with_its_control_characters_visible() -> None:
    """`print` would hand a stranger's escape sequences to the terminal."""
    bare = [
        name(path)
        for path in SOURCES
        if calls(path, "print") and HOST not in path.parents and path != APP / "platform" / "terminal.py"
        if "printed as print" not in path.read_text(encoding="utf-8")
    ]
    assert bare == []


def test_every_file_is_opened_byte_for_byte() -> None:
    """Where `os.open` is used as it is, Windows turns line feeds into two characters: a record would fail its check."""
    places = [
        name(path)
        for path in SOURCES
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr == "open" and ast.unparse(node.value) == "os"
    ]
    assert places == ["app/platform/files.py"]


def test_the_engine_is_touched_by_the_session_host_only() -> None:
    """Its Go runtime can abort a whole process: that must never be the window's."""
    assert [name(path) for path in SOURCES if "neonize" in imports(path) and HOST not in path.parents] == []


def test_only_the_outbound_service_reaches_a_providers_send() -> None:
    """Consent, limits and quiet hours are checked in one place: whoever knows `CanSend` could go around it."""
    knowing = {name(path) for path in SOURCES for node in nodes(path) if "CanSend" in names_in(node)}
    assert knowing == {"app/domain/provider.py", "app/core/outbound/service.py"}


def names_in(node: ast.AST) -> set[object]:
    """What *node* itself is called, imports or refers to."""
    return {getattr(node, field, None) for field in ("id", "attr", "name")}


def test_whatever_is_imported_is_declared() -> None:
    """A package that only comes along with another one is gone the day that one no longer needs it."""
    declared = {
        re.split(r"[^\w.-]", wanted)[0].replace("_", "-").lower()
        for wanted in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    }
    from_where = packages_distributions()
    missing = {
        f"{name(path)}: {package}"
        for path in SOURCES
        for package in imports(path) - sys.stdlib_module_names - {"app", "__feature__"}
        if not {each.replace("_", "-").lower() for each in from_where.get(package, ())} & declared
    }
    assert missing == set()


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_documents_name_only_what_is_there(document: str) -> None:
    words = (ROOT / document).read_text(encoding="utf-8")
    named = re.findall(r"`((?:app|tests|docs|resources|packaging)/[\w./-]+)`", words)
    linked = re.findall(r"\]\(((?!https?:)[^)#]+)\)", words)
    missing = [path for path in named if not (ROOT / path).exists() and not (ROOT / f"{path}.py").exists()]
    assert [*missing, *(path for path in linked if not (ROOT / document).parent.joinpath(path).exists())] == []


def test_the_readme_has_every_setting() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted({*NAMES, ENV_FILE})


def test_the_version_is_the_latest_of_the_changelog() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"(?m)^## \[(\d[^\]]*)\] - \d{4}-\d\d-\d\d$", changes)
    assert released[0] == __version__


def test_qt_and_asyncio_meet_in_one_file() -> None:
    """Should qasync ever fail us, this is the only file that changes."""
    assert [name(path) for path in SOURCES if "qasync" in imports(path) and path != APP / "ui" / "async_slots.py"] == []


def test_nothing_shipped_can_weaken_trust() -> None:
    assert [name(path) for path in SOURCES if TRUST_WEAKENING.search(path.read_text(encoding="utf-8"))] == []


def test_files_stay_readable() -> None:
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {file: length for file, length in lengths.items() if length > LONGEST} == {}


def test_no_tracked_file_knows_a_developers_machine() -> None:
    found = [
        f"{name(path)}: {hit[0]}"
        for path in tracked_files()
        if (hit := MACHINE_PATH.search(path.read_bytes().decode("utf-8", errors="ignore")))
    ]
    assert found == []


def test_the_packaging_directory_does_not_pose_as_the_package_of_that_name() -> None:
    """With an `__init__.py` in it, whatever runs in this directory would import ours in place of PyPI's."""
    assert not (ROOT / "packaging" / "__init__.py").exists()


@pytest.mark.parametrize("path", ["/home/{}/x", "see /root/{}", "'/tmp/{}'", r"C:\Users\{}"])
def test_paths_of_machines_are_recognised(path: str) -> None:
    assert MACHINE_PATH.search(path.format("joao"))


@pytest.mark.parametrize(
    "path", ["https://example.com/home/{}", "docs/work/{}", "~/tmp/{}", "//root/{}", "/home/ana/{}"]
)
def test_other_paths_are_not_taken_for_them(path: str) -> None:
    assert not MACHINE_PATH.search(path.format("joao"))


# Words that a reader would have to learn here: the field has its own (queue, audit, service, repository, handler, ...).
PRIVATE_WORDS = frozenset(
    """
    album believed chore chores clerk crowd deed deeds desk desks door doors doorway drawer drawers ear enrolment
    enrolments entrance errand errands folded heard keeper kitchen office patience postman reception recital roster said
    scene scribe shelf studio tallied teller told vault witness
    """.split()  # noqa: SIM905 - a list of words reads better so
)


def verbs_of(identifier: str) -> frozenset[str]:
    """What is a plain verb in the sentence that a test's name is."""
    return frozenset({"believed", "folded", "heard", "said", "told"} if identifier.startswith("test_") else ())


def words_in(identifier: str) -> set[str]:
    """The words of a name in snake_case or CamelCase, in small letters."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier)}


@functools.cache
def is_private(identifier: str) -> bool:
    return not words_in(identifier).isdisjoint(PRIVATE_WORDS - verbs_of(identifier))


@functools.cache
def names_of(path: Path) -> frozenset[str]:
    """Every name in the code of *path*."""
    with path.open("rb") as file:
        return frozenset(token.string for token in tokenize.tokenize(file.readline) if token.type == tokenize.NAME)


def test_no_name_needs_a_private_language() -> None:
    private = [
        f"{name(path)}: {each}"
        for path in [*SOURCES, *sorted((ROOT / "tests").rglob("*.py"))]
        if any(map(is_private, re.findall(r"\w+", f"{path.stem} {path.read_text(encoding='utf-8')}")))  # quicker
        for each in names_of(path) | {path.stem}
        if is_private(each)
    ]
    assert private == []


IN_PROSE = frozenset(
    "chore chores clerk deed deeds desk desks doorway enrolment enrolments errand errands roster scribe teller".split()  # noqa: SIM905
)
"""Of the private words, those that no sentence about a program needs in another meaning."""


def test_no_docstring_and_no_comment_needs_a_private_language() -> None:
    spoken = re.compile(rf"\b(?:{'|'.join(sorted(IN_PROSE))})\b", re.IGNORECASE)
    private = []
    for path in SOURCES:
        if not spoken.search(path.read_text(encoding="utf-8")):
            continue
        with path.open("rb") as file:
            prose = [t for t in tokenize.tokenize(file.readline) if t.type == tokenize.COMMENT or t.string[:3] == '"""']
        private += [f"{name(path)}:{t.start[0]}: {each}" for t in prose for each in spoken.findall(t.string)]
    assert private == []


def test_what_a_docstring_names_in_backticks_exists() -> None:
    """Names of other programs are in double backticks."""
    identifiers = {part for path in SOURCES for part in path.with_suffix("").parts} | {"py"} | NAMES | {ENV_FILE}
    identifiers = identifiers.union(*(names_of(path) for path in SOURCES))
    texts = [
        (path, node.value.value)
        for path in SOURCES
        for node in nodes(path)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    missing = [
        f"{name(path)}: {each}"
        for path, text in texts
        for each in re.findall(r"(?<!`)`([A-Za-z_][\w.]*)`(?!`)", text)
        if not identifiers.issuperset(each.split("."))
    ]
    assert missing == []


def test_every_class_of_the_program_has_a_name_of_its_own() -> None:
    classes = [node.name for path in SOURCES for node in nodes(path) if isinstance(node, ast.ClassDef)]
    public = [each for each in classes if not each.startswith("_")]
    assert {each for each in public if public.count(each) > 1} == set()


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(path: Path, modules: Collection[str]) -> set[str]:
    """The modules of the program that *path* imports at run time, anywhere in it."""
    found: set[str] = set()
    types = {
        id(inner)
        for node in nodes(path)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in nodes(path):
        if id(node) in types:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (inner & set(modules)) or ({node.module} & set(modules))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & set(modules)
    return found


@functools.cache
def import_graph() -> dict[str, set[str]]:
    modules = {module_of(path): path for path in SOURCES}
    return {module: imported_modules(path, modules.keys()) - {module} for module, path in modules.items()}


def test_no_module_imports_itself_through_others() -> None:
    """Each circle is one idea cut in two."""
    graph = {module: set(imported) for module, imported in import_graph().items()}
    while ends := [
        module
        for module, imported in graph.items()
        if not imported & graph.keys() or not any(module in others for others in graph.values())
    ]:
        for module in ends:
            del graph[module]
        graph = {module: imported & graph.keys() for module, imported in graph.items()}
    assert sorted(graph) == []


def test_ideas_are_not_cut_into_fragments() -> None:
    """A short file that one other alone imports is a part of that one, unless a layer or a process begins there."""
    graph = import_graph()
    importers = Counter(each for imported in graph.values() for each in imported)
    fragments = [
        name(path)
        for path in SOURCES
        if path.name not in ("__init__.py", "__main__.py") and "migrations" not in path.parts
        if len(path.read_text(encoding="utf-8").splitlines()) < 130 and importers[module_of(path)] == 1
    ]
    assert len(fragments) <= MOST_FRAGMENTS, "\n".join(fragments)


def test_every_log_message_is_a_literal() -> None:
    """A support bundle repeats the message and hides its values: a text that is put together would go out whole."""
    levels = ("debug", "info", "warning", "error", "exception", "critical")
    made_up = [
        f"{name(path)}:{call.lineno}"
        for path in SOURCES
        for level in levels
        for call in calls(path, level)
        if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) in ("log", "logger", "logging")
        if not (call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str))
    ]
    assert made_up == []


def test_nobody_asks_qt_who_is_next_in_the_order_of_tab() -> None:
    """Python takes who is named for a part of whoever was asked, and forgets its layouts when that one is gone."""
    asking = ("nextInFocusChain", "previousInFocusChain")
    assert [name(path) for path in SOURCES for each in asking if list(calls(path, each))] == []
