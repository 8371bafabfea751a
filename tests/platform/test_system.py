"""What the system is told and asked about this process."""

from __future__ import annotations

import os
import sys

import pytest

from app.platform.system import give_back_memory, own_memory, process_memory


@pytest.mark.skipif(sys.platform != "linux", reason="only GNU's C library can be asked to")
def test_what_lies_free_between_what_is_in_use_is_given_back() -> None:
    """What is last in the heap is in use: the C library gives nothing back by itself."""
    blocks = [bytes(16_000) for _ in range(2_000)]
    kept = blocks[::200]
    full = process_memory(os.getpid())
    del blocks
    give_back_memory()
    left = process_memory(os.getpid())
    assert full is not None
    assert left is not None
    assert full - left > 20_000_000
    assert len(kept) == 10


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_what_was_written_to_is_memory_of_this_process_alone() -> None:
    before = own_memory()
    kept = bytearray(b"x" * 20_000_000)
    after = own_memory()
    assert before is not None
    assert after is not None
    assert after - before > 18_000_000
    assert len(kept) == 20_000_000
