"""Pictures of the place where a reply is written, in every state and look, for people to judge.

python -m tests.ui.conversations.reply_gallery OUT_DIR
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.domain.consent import ConsentChange
from app.domain.outbound import OutboundLimits
from app.domain.sending import NotSent, SendErrorKind, SendResult, Uncertain
from tests.ui.conversations.reply_harness import BIA, ReplyHarness, open_reply
from tests.ui.looks import run_in_every_look


async def take(harness: ReplyHarness, folder: Path, look: str) -> None:
    async def shot(name: str) -> None:
        await asyncio.sleep(0.2)
        harness.panel.grab().save(str(folder / f"{name}-{look}.png"))

    async def send(text: str, *answers: SendResult) -> None:
        harness.s.provider.answers = [*answers]
        harness.write(text)
        harness.box.button.click()

    await shot("1-empty")
    harness.write("Pode sim, quinta às 10h está ótimo.\nLevo o plano de aula e as dúvidas da semana.")
    harness.box.field.setFocus()
    await shot("2-typed")
    harness.s.provider.holding = asyncio.Event()
    harness.box.button.click()
    await shot("3-sending")
    harness.s.provider.holding.set()
    await shot("4-sent")
    await send("Chego cinco minutos antes.", Uncertain())
    await shot("5-uncertain")
    await send("Levo café.", NotSent(trouble=SendErrorKind.RECIPIENT_INVALID))
    await shot("6-not-sent")
    await send("Levo café.", NotSent(trouble=SendErrorKind.POLICY_BLOCK, code="463"))
    await shot("7-stopped")
    await harness.s.service.release(harness.s.ana.id)
    harness.s.limits = OutboundLimits(per_recipient_hour=1)
    harness.box.refresh()
    await shot("8-limit")
    await harness.s.say(BIA, ConsentChange.OPTED_OUT)
    harness.box.refresh()
    await shot("9-opted-out")


if __name__ == "__main__":
    run_in_every_look(open_reply, take)
