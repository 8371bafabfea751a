"""The codes of one pairing: the library says neither how many there are nor how long each of them lives."""

from __future__ import annotations

import time
from typing import Final

from app.providers.whatsapp_web.protocol import Code

# whatsmeow's qrchan.go: of six codes the first lives 60 s, all others 20 s. WhatsApp sends six, and neonize passes on
# neither the number nor the time, so a server that sends another number makes the total wrong, not the codes.
_TOTAL: Final = 6
_FIRST_LIFETIME, _LIFETIME = 60.0, 20.0


class QrCodes:
    """Counts them as they are shown."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._shown = 0
        self._last_at = 0.0

    def next(self, text: str) -> Code:
        """What to tell of the code that is shown from now on."""
        self._shown += 1
        self._last_at = time.monotonic()
        lifetime = _FIRST_LIFETIME if self._shown == 1 else _LIFETIME
        total = max(_TOTAL, self._shown)
        return Code(session=self._session, text=text, number=self._shown, total=total, lifetime=lifetime)

    def ran_out(self) -> bool:
        """Whether the last of them has been shown for as long as it lives."""
        # The last code always lives 20 s; only a first of six, which others would follow, is still shown after that.
        shown_for = time.monotonic() - self._last_at
        return self._shown > 0 and _LIFETIME - 0.5 <= shown_for <= _LIFETIME + 5
