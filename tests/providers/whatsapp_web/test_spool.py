"""The spool: what was appended is read in order, by the next process too, whatever happened to the file in between."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.providers.whatsapp_web.host.spool import (
    CorruptRange,
    SessionSpool,
    SpoolRecord,
    iter_records,
    pack_record,
    unpack,
)
from tests.small_disk import MOUNTS, needs_small_disk

_ROOT = Path(__file__).parents[3]


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def reopen(fast_dir: Path, notes: list[str]) -> Callable[..., SessionSpool]:
    """The spool of one folder, as the next host finds it."""

    def spool(session: str = "session-1", **sizes: int) -> SessionSpool:
        return SessionSpool(fast_dir, session, note=notes.append, **{"reserve": 1000, **sizes})

    return spool


def taken(spool: SessionSpool, most: int = 1 << 30) -> list[tuple[int, bytes]]:
    """All there is to read now."""
    spool.sync()
    found: list[tuple[int, bytes]] = []
    while len(found) < most and (records := spool.read(most - len(found))):
        found += [(record.number, record.payload) for record in records]
    return found


def fill(spool: SessionSpool, count: int, size: int = 10) -> None:
    for number in range(count):
        spool.append(17, f"{number}".encode().ljust(size))


def segments(folder: Path) -> list[Path]:
    return sorted((folder / "spool").glob("*.spool"))


def test_what_was_appended_is_read_in_order_and_once(reopen: Callable[..., SessionSpool]) -> None:
    spool = reopen()
    assert taken(spool) == []
    assert [spool.append(17, b"a"), spool.append(18, b""), spool.append(44, b"c" * 70_000)] == [1, 2, 3]
    assert taken(spool, 2) == [(1, b"a"), (2, b"")]
    assert taken(spool) == [(3, b"c" * 70_000)]
    assert taken(spool) == []


def test_what_was_not_made_to_last_is_not_read(reopen: Callable[..., SessionSpool]) -> None:
    spool = reopen()
    spool.append(17, b"a")
    assert spool.read(10) == []
    spool.sync()
    assert [record.payload for record in spool.read(10)] == [b"a"]


def test_what_is_not_confirmed_is_read_again_by_the_next(reopen: Callable[..., SessionSpool]) -> None:
    first = reopen()
    fill(first, 5)
    taken(first)
    first.confirm(3)
    second = reopen("session-2")
    assert second.append(17, b"new") == 6
    assert [number for number, _ in taken(second)] == [4, 5, 6]
    assert second.replayed_to == 5
    second.confirm(6)
    third = reopen()
    assert taken(third) == []
    assert third.append(17, b"x") == 7


def test_a_confirmation_of_what_was_never_read_counts_for_nothing(reopen: Callable[..., SessionSpool]) -> None:
    spool = reopen()
    fill(spool, 3)
    spool.confirm(1000)
    assert len(taken(reopen())) == 3


def test_files_go_when_they_are_wholly_confirmed(reopen: Callable[..., SessionSpool], fast_dir: Path) -> None:
    spool = reopen(rotate_at=1000)
    for _ in range(10):
        fill(spool, 30, size=50)
        spool.sync()
        spool.confirm(0)
    assert len(segments(fast_dir)) > 5
    numbers = [number for number, _ in taken(spool)]
    assert numbers == list(range(1, 301))
    spool.confirm(150)
    some = len(segments(fast_dir))
    spool.confirm(300)
    assert 1 == len(segments(fast_dir)) < some
    assert taken(reopen()) == []


def test_nothing_stays_of_what_is_stored_elsewhere(reopen: Callable[..., SessionSpool], fast_dir: Path) -> None:
    """Else the words of somebody who was erased would stay in the spool until a megabyte more was received."""
    spool = reopen()
    for each in range(3):
        number = spool.append(17, b"Jabuticaba")
        assert [found for found, _ in taken(spool)] == [number]
        assert b"Jabuticaba" in segments(fast_dir)[0].read_bytes()
        spool.confirm(number)
        assert [file.read_bytes() for file in segments(fast_dir)] == [b""], each
    fill(spool, 2)
    assert [number for number, _ in taken(spool)] == [4, 5]
    spool.confirm(4)
    assert [number for number, _ in taken(reopen())] == [5]


def test_reading_and_writing_at_once_loses_nothing(reopen: Callable[..., SessionSpool]) -> None:
    spool = reopen(rotate_at=5000)
    writer = threading.Thread(target=fill, args=(spool, 5000))
    writer.start()
    numbers: list[int] = []
    end = time.monotonic() + 20
    while len(numbers) < 5000 and time.monotonic() < end:
        numbers += [number for number, _ in taken(spool, 70)]
        spool.confirm(numbers[-1] - 3 if numbers else 0)
    writer.join()
    assert numbers == list(range(1, 5001))


def test_files_are_for_the_owner_only(reopen: Callable[..., SessionSpool], fast_dir: Path) -> None:
    spool = reopen()
    fill(spool, 1)
    taken(spool)
    spool.confirm(1)
    if os.name == "posix":
        assert (fast_dir / "spool").stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in (fast_dir / "spool").iterdir()} == {0o600}


@pytest.mark.parametrize("cut", [1, 5, 13, 31, 35])
def test_a_record_that_was_not_written_to_its_end_is_set_aside(
    reopen: Callable[..., SessionSpool], fast_dir: Path, notes: list[str], cut: int
) -> None:
    spool = reopen()
    fill(spool, 3)
    (path,) = segments(fast_dir)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    again = reopen()
    assert [number for number, _ in taken(again)] == [1, 2]
    (kept,) = (fast_dir / "quarantine").glob("*.bytes")
    assert whole[:-cut].endswith(kept.read_bytes())
    assert "not written to its end" in notes[0]
    assert again.append(17, b"x") == 3
    reopen()
    assert len(notes) == 1, "told once"


@given(st.integers(0, 2**32))
def test_damage_costs_no_record_but_those_it_hit(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - what to break, not a secret
    records = [SpoolRecord(n, 1.5, 17, chance.randbytes(chance.randrange(80))) for n in range(1, 9)]
    packed = [pack_record(record) for record in records]
    hit = chance.randrange(len(packed))
    spoiled = bytearray(packed[hit])
    spoiled[chance.randrange(len(spoiled))] ^= 1 + chance.randrange(255)
    data = b"".join([*packed[:hit], bytes(spoiled), *packed[hit + 1 :]])
    found = list(iter_records(data))
    assert [each for each, _ in found if isinstance(each, SpoolRecord)] == [*records[:hit], *records[hit + 1 :]]
    (damage,) = (each for each, _ in found if isinstance(each, CorruptRange))
    assert data[damage.begin : damage.end] == bytes(spoiled)


def test_rubbish_holds_no_records() -> None:
    assert [type(each) for each, _ in iter_records(os.urandom(100_000))] == [CorruptRange]
    assert list(iter_records(b"")) == []
    assert unpack(b"\0" * 4096) is None


def test_a_spool_of_nothing_but_damage_is_kept_and_goes_on(reopen: Callable[..., SessionSpool], fast_dir: Path) -> None:
    spool = reopen()
    fill(spool, 3)
    taken(spool)
    spool.confirm(2)
    (path,) = segments(fast_dir)
    path.write_bytes(b"\0" * 500)  # what a power cut may leave of a file that grew
    (fast_dir / "spool" / "confirmed").write_text("two")
    assert taken(reopen()) == []
    (kept,) = (fast_dir / "quarantine").glob("*.bytes")
    assert kept.read_bytes() == b"\0" * 500


def test_a_file_that_shrinks_under_us_is_an_error(reopen: Callable[..., SessionSpool], fast_dir: Path) -> None:
    spool = reopen()
    fill(spool, 3)
    (path,) = segments(fast_dir)
    os.truncate(path, 10)
    with pytest.raises(OSError, match="the spool"):
        taken(spool)


_WRITER = """
import sys
from pathlib import Path
from app.providers.whatsapp_web.host.spool import SessionSpool
spool = SessionSpool(Path(sys.argv[1]), "session-1", note=print, rotate_at=20_000)
while True:
    number = spool.append(17, b"x" * 500)
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
    if number % 10 == 0:
        spool.sync()
        spool.read(10)
        spool.confirm(number - 50)
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
def test_what_was_appended_outlives_a_kill(reopen: Callable[..., SessionSpool], fast_dir: Path) -> None:
    """ "`kill -9`": whatever `append` returned for is there, however often and whenever its process is killed."""
    chance, last = random.Random(7), 0  # noqa: S311 - when to kill, not a secret
    for _ in range(8):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(fast_dir)], stdout=subprocess.PIPE, cwd=_ROOT, text=True
        )
        assert writer.stdout is not None
        lines = [writer.stdout.readline()]
        time.sleep(chance.uniform(0, 0.1))
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.readlines()
        writer.wait(10)
        writer.stdout.close()
        numbers = [int(line) for line in lines if line.endswith("\n")]
        assert numbers == list(range(last + 1, last + 1 + len(numbers)))
        spool = reopen()
        kept = [number for number, _ in taken(spool)]
        assert kept == list(range(kept[0], kept[-1] + 1))
        assert kept[-1] - numbers[-1] in (0, 1)  # killed between writing a record and saying so
        assert kept[0] <= max(1, numbers[-1] - 48)
        last = kept[-1]


_FILLER = """
import errno, sys
from pathlib import Path
from app.providers.whatsapp_web.host.spool import SessionSpool
spool = SessionSpool(Path(sys.argv[1]), "session-1", note=print)
number = 0
while not spool.full:
    number = spool.append(17, b"x" * 4000)
for _ in range(100):
    assert spool.append(17, b"y" * 4000) == (number := number + 1)
try:
    while True:
        spool.append(17, b"z" * 4000)
        number += 1
except OSError as error:
    assert error.errno == errno.ENOSPC, error
again = SessionSpool(Path(sys.argv[1]), "session-1", note=print, reserve=0)
read = []
while records := again.read(1000):
    read += records
assert [record.number for record in read] == list(range(1, number + 1)), (len(read), number)
print("all there")
"""


@needs_small_disk
def test_a_full_disk_is_told_and_what_is_on_its_way_still_fits(fast_dir: Path) -> None:
    """Disk full: the reserve takes a hundred records more, and what could not be written has not spoiled any other."""
    script = 'mount -t tmpfs -o size=4m,mode=700 none "$1" && exec "$2" -c "$3" "$1"'
    result = subprocess.run(
        [*MOUNTS, "sh", "-c", script, "sh", str(fast_dir), sys.executable, _FILLER],
        capture_output=True,
        check=False,
        cwd=_ROOT,
        text=True,
        timeout=60,
    )
    assert result.stdout == "all there\n", result.stderr
