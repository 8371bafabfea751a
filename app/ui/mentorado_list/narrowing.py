"""Narrows the list further than a chip does: to a cohort, a provider, or those who never connected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.domain.link_status import LinkState

if TYPE_CHECKING:
    from app.domain.mentorado import MentoradoId, ProviderKind
    from app.ui.mentorado_list.row import MentoradoRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """Everything that is set must be true of a row. None is any cohort, and an empty one is who has none."""

    cohort: str | None = None
    provider: ProviderKind | None = None
    never_connected: bool = False
    only: frozenset[MentoradoId] | None = None  # these, whatever else is true of them

    def matches(self, row: MentoradoRow) -> bool:
        mentorado = row.mentorado
        return (
            (self.cohort is None or mentorado.cohort == self.cohort)
            and (self.provider is None or mentorado.link.provider is self.provider)
            and (self.only is None or row.id in self.only)
            and not (self.never_connected and has_connected(row))
        )


EVERYBODY: Final = Narrowing()


def has_connected(row: MentoradoRow) -> bool:
    """Whether a number ever signed in over the link in use."""
    return row.mentorado.link.account is not None or (
        row.status is not None and row.status.state is LinkState.CONNECTED
    )
