"""What is said above the list while it lasts: about procedures, campaigns, the clock, settings that are not used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.domain.campaign import Campaign, CampaignId, PauseReason
from app.domain.mentorado import MentoradoId
from app.domain.procedure import Procedure, ProcedureId, ProcedureState
from app.text import status as status_text
from app.text.procedure import title
from app.text.status import clock_doubt, texts
from app.ui.async_slots import async_slot
from app.ui.banners import Banners, Choice

if TYPE_CHECKING:
    from app.core.bulk_work import BulkWorkService
    from app.core.trusted_time import ClockCheck
    from app.domain.bulk_work import BulkWork
    from app.domain.events import BulkWorkChanged, CampaignsChanged, ClockDoubted, ProcedureChanged
    from app.settings import Settings

_CAUSE = "interrupted"
_MOVES = frozenset({ProcedureState.RUNNING, ProcedureState.UNDOING, ProcedureState.DONE, ProcedureState.UNDONE})


class InterruptedBanner:
    """One banner, about the oldest of them; the next has its turn once that one was taken up.

    *show* brings a mentorado's procedure into view, and lets it continue when it is called with True.
    """

    def __init__(
        self, banners: Banners, name_of: Callable[[MentoradoId], str], show: Callable[[MentoradoId, bool], None]
    ) -> None:
        self._banners = banners
        self._name_of = name_of
        self._show = show
        self._left: dict[ProcedureId, Procedure] = {}

    def offer(self, unfinished: Iterable[Procedure]) -> None:
        """What was interrupted before this start, the oldest first. What asks or failed is told elsewhere."""
        paused = (procedure for procedure in unfinished if procedure.state is ProcedureState.PAUSED)
        self._left = {procedure.head.id: procedure for procedure in paused}
        self._update()

    def on_changed(self, event: ProcedureChanged) -> None:
        """Whatever moves again was taken up."""
        if event.procedure.head.id in self._left and event.procedure.state in _MOVES:
            del self._left[event.procedure.head.id]
            self._update()

    def _update(self) -> None:
        self._banners.clear(_CAUSE)
        first = next(iter(self._left.values()), None)
        if first is None:
            return
        mentorado_id, more = first.head.mentorado_id, len(self._left) - 1

        def say() -> str:
            text = texts(f"procedure.interrupted.{first.head.kind}", name=self._name_of(mentorado_id))
            return f"{text} {texts.plural('procedure.interrupted_more', more)}" if more else text

        choices = [
            (lambda: texts("procedure.continue"), lambda: self._show(mentorado_id, True)),
            (lambda: texts("procedure.see"), lambda: self._show(mentorado_id, False)),
        ]
        self._banners.show_words(say, _CAUSE, choices=choices)


_ANNOUNCED = frozenset({ProcedureState.ASKING, ProcedureState.FAILED, ProcedureState.DONE})


class PairingQueueBanner:
    """One banner for each procedure, until it is looked at, put aside, or moves on."""

    def __init__(
        self,
        banners: Banners,
        name_of: Callable[[MentoradoId], str],
        is_seen: Callable[[MentoradoId], bool],
        show: Callable[[MentoradoId], None],
    ) -> None:
        self._banners = banners
        self._name_of = name_of
        self._is_seen = is_seen  # whether that mentorado's procedure is on show now
        self._show = show

    def on_changed(self, event: ProcedureChanged) -> None:
        procedure = event.procedure
        mentorado_id, cause = procedure.head.mentorado_id, _waiting_cause(procedure)
        self._banners.clear(cause)
        if procedure.state not in _ANNOUNCED or self._is_seen(mentorado_id):
            return

        def say() -> str:
            named = title(procedure.head.kind, self._name_of(mentorado_id))
            return texts(f"procedure.elsewhere.{procedure.state}", title=named)

        def see() -> None:
            self._banners.clear(cause)
            self._show(mentorado_id)

        self._banners.show_words(say, cause, choices=[(lambda: texts("procedure.see"), see)])


def _waiting_cause(procedure: Procedure) -> str:
    return f"procedure {procedure.head.id}"


_CAMPAIGN_CAUSE = "campaigns"


class CampaignBanner:
    """One banner about the campaigns that were interrupted, until they are resumed, stopped or looked at."""

    def __init__(
        self, banners: Banners, campaigns: Callable[[], Sequence[Campaign]], show: Callable[[CampaignId], None]
    ) -> None:
        self._banners = banners
        self._campaigns = campaigns
        self._show = show
        self._known: list[CampaignId] = []

    def on_changed(self, _event: CampaignsChanged) -> None:
        interrupted = [each for each in self._campaigns() if each.pause_reason is PauseReason.INTERRUPTED]
        if (found := [each.id for each in interrupted]) == self._known:
            return
        self._known = found
        self._banners.clear(_CAMPAIGN_CAUSE)
        if interrupted:
            latest, count = interrupted[0], len(interrupted)
            self._banners.show_words(
                lambda: texts.plural("campaign.interrupted", count, name=latest.draft.name),
                _CAMPAIGN_CAUSE,
                choices=[(lambda: texts("campaign.see"), lambda: self._see(latest.id))],
            )

    def _see(self, campaign_id: CampaignId) -> None:
        self._banners.clear(_CAMPAIGN_CAUSE)
        self._show(campaign_id)


_BULK_CAUSE = "bulk work"


class BulkWorkBanner:
    """One banner about the oldest work on many that was interrupted, until it is taken up or left."""

    def __init__(self, banners: Banners, works: BulkWorkService, go_on: Callable[[BulkWork], None]) -> None:
        self._banners = banners
        self._works = works
        self._go_on = go_on
        self._shown: BulkWork | None = None

    def on_changed(self, _event: BulkWorkChanged) -> None:
        work = next(iter(self._works.interrupted), None)
        if work == self._shown:
            return
        self._shown = work
        self._banners.clear(_BULK_CAUSE)
        if work is not None:
            choices: list[Choice] = [
                (lambda: texts("procedure.continue"), lambda: self._go_on(work)),
                (lambda: texts("many.leave"), lambda: self._works.end(work.id)),
            ]
            self._banners.show_words(lambda: _interrupted_words(work), _BULK_CAUSE, choices=choices)


def _interrupted_words(work: BulkWork) -> str:
    return texts(f"many.{work.kind}.interrupted", done=work.done, count=work.count)


_CLOCK_CAUSE = "clock"


class ClockNotice(QObject):
    """One banner, which stays while the doubt does. Only what no provider denies can be confirmed."""

    def __init__(self, banners: Banners, check: ClockCheck) -> None:
        super().__init__(banners)
        self._banners = banners
        self._check = check

    def on_doubted(self, event: ClockDoubted) -> None:
        self._banners.clear(_CLOCK_CAUSE)
        doubt = event.doubt
        if doubt is None:
            return
        choices: list[Choice] = [(lambda: texts("clock.look"), self._check_clock)]
        if not doubt.certain:
            choices.append((lambda: texts("clock.confirm"), self._confirm))
        self._banners.show_words(lambda: clock_doubt(doubt), _CLOCK_CAUSE, dismissible=False, choices=choices)

    @async_slot
    async def _check_clock(self) -> None:
        await self._check.check()

    @async_slot
    async def _confirm(self) -> None:
        await self._check.confirm()


_LONGEST = 120


class SettingsNotice:
    """A quiet notice that stays as long as an override does, and one that can be put aside about unused settings."""

    def __init__(self, banners: Banners, settings: Settings, go_to_settings: Callable[[], None]) -> None:
        self._banners = banners
        self._settings = settings
        self._go_to_settings = go_to_settings

    def show(self) -> None:
        if self._settings.overrides:
            see = (lambda: texts("override.see"), self._go_to_settings)
            self._banners.show_words(self._overrides, "overrides", dismissible=False, quiet=True, choices=[see])
        if self._settings.unused is not None:
            self._banners.show_words(lambda: status_text.unused_settings(self._settings), "unused settings")

    def _overrides(self) -> str:
        named = (status_text.override(chosen)[0] for chosen in self._settings.overrides)
        return " ".join(f"{shortened(words)}." for words in (texts("override.title"), *named))


def shortened(words: str) -> str:
    """*words*, cut where a long command would fill the window; the settings show the whole."""
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
