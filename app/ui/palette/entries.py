"""What the palette finds: people, what can be done with the one on show, places and commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from app.core.action import ActionName
from app.core.actions import Actions
from app.domain.mentorado import Enrolment, MentoradoId
from app.domain.phone import readable
from app.ui.action_slots import ICON_OF
from app.ui.mentorado_list.search import Query, fold, haystack
from app.ui.text import action as words_of
from app.ui.text import texts

MOST = 40
"""More than anybody reads; typing another letter is quicker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the palette. *hay* is what typing is compared with."""

    title: str
    line: str
    icon: str
    hay: str
    do: Callable[[], object]


def found(entries: Iterable[Entry], typed: str) -> Sequence[Entry]:
    """Those that have every word of *typed*, whose beginning it is first; all of them while nothing is typed."""
    query = Query.of(typed)
    matching = [entry for entry in entries if query.matches(entry.hay)]
    start = fold(typed.strip())
    return sorted(matching, key=lambda entry: not entry.hay.startswith(start))[:MOST]


def command(title: str, keys: str, icon: str, do: Callable[[], object]) -> Entry:
    """Something the window does; *keys* is its shortcut."""
    return Entry(title=title, line=keys, icon=icon, hay=fold(title), do=do)


def actions_on(
    enrolment: Enrolment, actions: Actions, perform: Callable[[ActionName, MentoradoId], None]
) -> Iterator[Entry]:
    """What can be done with *enrolment* now; what cannot is in the pane, with its reason."""
    person = enrolment.mentorado
    for name in ActionName:
        if actions.refusal(name, person.id) is None:
            label, line = words_of(name)
            title = texts("palette.action", action=label, name=person.name)
            yield Entry(
                title=title, line=line, icon=ICON_OF[name], hay=fold(title), do=partial(perform, name, person.id)
            )


def people(everybody: Iterable[Enrolment], choose: Callable[[MentoradoId], None]) -> Iterator[Entry]:
    """Everybody who is not archived, to be shown in the pane."""
    for enrolment in everybody:
        person = enrolment.mentorado
        if not person.archived:
            line = " · ".join(filter(None, (readable(person.phone), person.cohort)))
            yield Entry(title=person.name, line=line, icon="users", hay=haystack(person), do=partial(choose, person.id))
