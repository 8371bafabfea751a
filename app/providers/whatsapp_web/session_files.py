"""The session folders: one a mentorado, one current file in it, and nothing ever deleted.

    BAILEYS_SESSION_DIR/
      about-this-folder.txt     proves that the folder is the one sessions were kept in
      <mentorado id>/           0700
        owner.lock  host.lock   who has it open (`file_lock`)
        current                 the name of the file in use, swapped in one step
        candidate               the name of the file of a pairing that nobody accepted yet
        session-….db            0600, one WhatsApp session each
        spool/                  what arrived and is not stored yet (`host/spool.py`)
      snapshots/              copies of the sessions (`snapshots.py`)
      quarantine/             what was replaced or given up, each with a note of why

Everything here blocks, briefly: call it from a worker thread.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from app.domain.errors import Code, Problem
from app.domain.mentorado import MentoradoId, is_id
from app.providers.whatsapp_web.plain_files import problems_with, require_folder, write_whole
from app.providers.whatsapp_web.session_folder import SessionFolder

MINIMUM_FREE: Final = 16 << 20
"""Bytes that must be free before a session is opened: the library cannot say that a write failed."""

_MARK: Final = "about-this-folder.txt"
_ABOUT: Final = """\
These are the WhatsApp sessions of Conecta: keys that let a program write as somebody else.
Do not copy, edit or synchronise them. Two programs with the same session throw each other out.
"""


class SessionFiles:
    """All session folders, under one root."""

    def __init__(self, root: Path, *, chosen: bool, minimum_free: int = MINIMUM_FREE) -> None:
        self.root = root.absolute()
        self._chosen = chosen  # by a setting; else it is the default place, which may be made whole
        self._minimum_free = minimum_free

    def folder(self, mentorado_id: MentoradoId) -> SessionFolder:
        """The folder of one mentorado, whether it exists or not."""
        if not is_id(mentorado_id):
            raise ValueError("not an id; it must never become a path")
        return SessionFolder(self.root / mentorado_id)

    def check(self) -> None:
        """Raise `Problem` unless sessions can be opened here."""
        if not self.root.exists():
            raise Problem(Code.SESSION_DIR_MISSING, path=str(self.root))
        require_folder(self.root, may_be_linked=True)
        if shutil.disk_usage(self.root).free < self._minimum_free:
            raise Problem(Code.SESSION_DISK_FULL, path=str(self.root))

    def prepare(self, *, paired_before: bool) -> None:
        """Make the root for a first pairing. Somebody's chosen root that had sessions and is gone is not made again:
        its drive may be missing, and a new folder would hide that."""
        with problems_with(self.root):
            if not self.root.exists():
                if self._chosen and (paired_before or not self.root.parent.is_dir()):
                    raise Problem(Code.SESSION_DIR_MISSING, path=str(self.root))
                self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.check()
            mark = self.root / _MARK
            if not mark.exists():
                write_whole(mark, _ABOUT)

    def folder_of_paired(self, mentorado_id: MentoradoId) -> SessionFolder:
        """The folder of somebody who was paired; raises `Problem`, and says which when the root itself is not right."""
        self.check()
        folder = self.folder(mentorado_id)
        if not folder.path.exists():
            marked = (self.root / _MARK).exists()  # without the mark this is an empty mount point, or another folder
            raise Problem(Code.SESSION_MISSING if marked else Code.SESSION_DIR_MISSING, path=str(folder.path))
        return folder
