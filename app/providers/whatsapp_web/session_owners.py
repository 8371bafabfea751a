"""Whose device a session file holds, found out before anything signs in with it.

A folder that was restored or copied by hand can hold the keys of another mentorado. Signing in with them takes messages
that are somebody else's, and ends the connection that is open with the same keys. So the device in the file is compared
with the number of its link and with what every other link has, all of it on this disk. Everything here blocks, briefly.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.domain.mentorado import Mentorado, MentoradoId, ProviderKind, is_id
from app.domain.phone import PhoneNumber, same_account
from app.domain.provider import Blocked
from app.providers.whatsapp_web.session_repository import SessionDevice, SessionRepository, device_in


class SessionOwners:
    """Compares session files with the links of all mentorados."""

    def __init__(self, files: SessionRepository, mentorados: Callable[[], Iterable[Mentorado]]) -> None:
        self._files = files
        self._mentorados = mentorados

    def refusal(self, mentorado: Mentorado, file: Path) -> Blocked | None:
        """Why *file* must not be signed in with for *mentorado*; None when it may be.

        Raises `Problem(SESSION_IN_USE)` when that cannot be told because another process locks a file.
        """
        device = device_in(file)
        if device is None:
            return None  # no keys: nothing could sign in
        claiming = [other for other in self._others(mentorado.id) if _claims(other, device.account)]
        if same_account(device.account, mentorado.expected_account):
            # Its own number. Nobody but the holder of the same device could be harmed, and an archived one is not.
            holder = self._holder(device, [other for other in claiming if not other.archived])
            return None if holder is None else self._of_another(file, device, holder)
        holder = self._holder(device, self._others(mentorado.id)) or next(iter(claiming), None)
        if holder is not None:
            return self._of_another(file, device, holder)
        return Blocked(Reason.WRONG_ACCOUNT, detail=f"{file.name} holds another number", account=device.account)

    def require_owner(self, mentorado_id: MentoradoId, file: Path) -> None:
        """Raise `Problem(SESSION_OF_ANOTHER_MENTORADO)` when another mentorado's folder holds the same device.

        Raises `Problem(SESSION_IN_USE)` when that cannot be told now.
        """
        device = device_in(file)
        holder = None if device is None else self._holder(device, self._others(mentorado_id))
        if holder is not None:
            raise Problem(ProblemCode.SESSION_OF_ANOTHER_MENTORADO, name=holder.name, path=str(file))

    def may_log_out(self, mentorado_id: MentoradoId, file: Path) -> bool:
        """Whether it is certain that unlinking the device in *file* from its phone harms no other link."""
        try:
            device = device_in(file)
            if device is None or self._holder(device, self._others(mentorado_id)) is not None:
                return False
        except Problem:
            return False
        return not any(self._lost_it(other, device) for other in self._others(mentorado_id))

    def came_with_messages(self, mentorado: Mentorado, file: Path) -> bool:
        """Whether the messages beside *file*, whose device is not this link's, belong to that device as well.

        They do when the whole folder was copied or moved. They do not when the file alone was put in the place of the
        link's own: then its owner has the device under another name.
        """
        device = device_in(file)
        if device is None or same_account(device.account, mentorado.expected_account):
            return False
        if mentorado.link.account is not None and same_account(device.account, mentorado.link.account):
            return False  # the link's own former number
        return not any(
            found.name != file.name and (held := device_in(found)) is not None and held.is_same(device)
            for other in self._others(mentorado.id)
            for found in self._files_of(other)
        )

    def of_others(self, mentorado_id: MentoradoId, sessions: Iterable[str]) -> list[str]:
        """Which of *sessions*, names without their ending, are or were another mentorado's: names are never used twice.

        What such a session received may lie in this mentorado's folder, as after a copy that was put right by hand.
        """
        others = [self._files.folder(each.id) for each in self._others(mentorado_id)]
        return [name for name in sorted(sessions) if any(folder.knows(name) for folder in others)]

    # ----------------------------------------------------------------------------------------------------------------

    def _others(self, mentorado_id: MentoradoId) -> list[Mentorado]:
        return [each for each in self._mentorados() if each.id != mentorado_id]

    def _holder(self, device: SessionDevice, others: Iterable[Mentorado]) -> Mentorado | None:
        """Which of *others* has a session file with the same device, under whatever name."""
        for other in others:
            for file in self._files_of(other):
                held = device_in(file)
                if held is not None and held.is_same(device):
                    return other
        return None

    def _lost_it(self, other: Mentorado, device: SessionDevice) -> bool:
        """Whether *other* was signed in as the device's account here and has no session file: this may be its own."""
        known = other.link.account
        if other.link.provider is not ProviderKind.WHATSAPP_WEB or known is None:
            return False
        return same_account(known, device.account) and not any(self._files_of(other))

    def _files_of(self, other: Mentorado) -> Iterator[Path]:
        if not is_id(other.id):
            return
        folder = self._files.folder(other.id).path
        try:
            if stat.S_ISDIR(os.lstat(folder).st_mode):
                yield from sorted(folder.glob("session-*.db"))
        except OSError:
            return

    @staticmethod
    def _of_another(file: Path, device: SessionDevice, holder: Mentorado) -> Blocked:
        detail = f"{ProblemCode.SESSION_OF_ANOTHER_MENTORADO}: {file} holds the session of {holder.name}"
        return Blocked(Reason.SESSION_OF_ANOTHER_MENTORADO, detail=detail, account=device.account)


def _claims(other: Mentorado, account: PhoneNumber) -> bool:
    """Whether *account* is the number of *other*: the one expected, or the one that signed in last."""
    numbers = (other.expected_account, other.phone, other.link.account)
    return any(number is not None and same_account(number, account) for number in numbers)
