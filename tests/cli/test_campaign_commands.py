"""The commands about campaigns, over the real core and a real database."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

from app.domain.campaign import Campaign, CampaignDraft, CampaignId, Recipient, RecipientState
from app.storage.campaigns import SqlCampaigns
from tests.cli.conftest import Conecta
from tests.core.outbound.harness import phone
from tests.services import build_services


def test_a_campaign_is_listed_and_shown_with_its_recipients(conecta: Conecta, fast_dir: Path) -> None:
    conecta("mentorado", "add", "Ana Prates", "11 98765-4321")
    assert conecta("campaign", "list")[1] == "No campaigns yet\n"

    async def happen() -> None:
        core = build_services(fast_dir / "data")
        await core.open()
        (ana,) = core.mentorados.all()
        now, repository = core.clock.now(), SqlCampaigns(core.database)
        campaign = Campaign(
            id=CampaignId("0123456789abcdef"),
            draft=CampaignDraft(name="Aula", cohort="Turma A", text="Amanhã às 19 h."),
            digest="d",
            approved_at=now,
            approved_by="Bia",
        )
        first = Recipient(campaign_id=campaign.id, number=1, mentorado_id=ana.id, address=phone(1), name="Zoé")
        people = [first, replace(first, number=2, address=phone(2))]
        await repository.add(campaign, people)
        refused = replace(first, state=RecipientState.NOT_SENT, reason="no_consent", at=now)
        await repository.mark(refused, None)
        await core.close()

    asyncio.run(happen())
    code, out, _ = conecta("campaign", "pause", "0123")
    assert code == 0
    assert out.startswith("01234567  Aula  Paused  0 of 2 accepted by the provider · 1 waiting · 1 not sent\n")
    assert conecta("campaign", "stop", "0123")[0] == 0
    code, _, err = conecta("campaign", "pause", "0123")
    assert code == 1
    assert "campaign_ended" in err
    (listed,) = json.loads(conecta("campaign", "list", "--json")[1])["campaigns"]
    assert (listed["name"], listed["state"]) == ("Aula", "stopped")
    assert listed["counts"] == {"accepted": 0, "waiting": 1, "not_sent": 1, "uncertain": 0}
    line = "01234567  Aula  Stopped  0 of 2 accepted by the provider · 1 left out · 1 not sent\n"
    assert conecta("campaign", "list")[1] == line
    code, out, _ = conecta("campaign", "show", "0123")
    assert code == 0
    assert "Amanhã às 19 h." in out
    assert "Zoé  +55 11 90000-0001  Ana Prates  not sent  No consent of this contact to campaigns is recorded." in out
    assert "Zoé  +55 11 90000-0002  Ana Prates  left out\n" in out
    shown = json.loads(conecta("campaign", "show", "0123", "--json")[1])
    assert [each["state"] for each in shown["recipients"]] == ["not_sent", "waiting"]
    code, _, err = conecta("campaign", "show", "9")
    assert code == 1
    assert "conecta campaign list" in err
