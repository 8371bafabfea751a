"""Blocks of the event loop: when nothing that is due was done, for how long, and in which code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Final

from app.domain.outline import HIDDEN

MOST_KINDS: Final = 50

_LOOP_CALLS: Final = (" run_forever", ".run_forever", " _run_once", "._run_once", " Handle._run")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopBlock:
    """One kind of block: those with the same stack. Times are in milliseconds."""

    stack: tuple[str, ...]
    first_at: datetime
    last_at: datetime
    longest: int
    worked: int  # how much of that the loop computed; the rest it waited: for a file, a lock, another thread
    starved: int  # how much of that it waited for a processor that another program had
    count: int = 1

    @property
    def key(self) -> str:
        """The same for each repetition."""
        return sha256("\n".join(self.stack).encode()).hexdigest()[:16]

    @property
    def own(self) -> int:
        """How long the longest would have been with a processor for itself."""
        return self.longest - self.starved


class BlockLog:
    """Counts the blocks of this run by their kind; of many kinds the latest stay."""

    def __init__(self) -> None:
        self._blocks: dict[str, LoopBlock] = {}

    def add(self, block: LoopBlock) -> LoopBlock:
        """Count *block*, and return all of its kind."""
        known = self._blocks.pop(block.key, None)
        if known is not None:
            worse = block if block.own > known.own else known
            block = replace(worse, first_at=known.first_at, last_at=block.last_at, count=known.count + block.count)
        self._blocks[block.key] = block
        while len(self._blocks) > MOST_KINDS:
            del self._blocks[next(iter(self._blocks))]
        return block

    @property
    def blocks(self) -> tuple[LoopBlock, ...]:
        """The latest first."""
        return tuple(reversed(list(self._blocks.values())))


def cause_of(stacks: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The stack that was seen most often while the loop was blocked, without the calls that lead to the loop itself.

    Of as many, the first. One that ends in the loop means that no Python was running: Qt painted or laid out.
    """
    counted = Counter(_inside_loop(stack) for stack in stacks)
    return counted.most_common(1)[0][0] if counted else (HIDDEN,)


def _inside_loop(stack: tuple[str, ...]) -> tuple[str, ...]:
    last = max((place for place, line in enumerate(stack) if line.endswith(_LOOP_CALLS)), default=-1)
    return stack[last + 1 :] or stack[-1:]


def block_text(block: LoopBlock) -> str:
    """*block* as it goes to support: in English, as the program's log."""
    head = (
        f"longest {block.longest} ms: {block.worked} ms of work, {block.starved} ms taken by other programs,"
        f" times: {block.count}",
        f"first {block.first_at:%Y-%m-%dT%H:%M:%SZ}, last {block.last_at:%Y-%m-%dT%H:%M:%SZ}",
    )
    return "\n".join((*head, *block.stack))
