"""Whether a number is one of an account's: the wrong account would send the templates of somebody else."""

from __future__ import annotations

from app.domain.connection import Reason
from app.domain.credentials import CredentialReport
from app.providers.meta_cloud.errors import meaning_of
from app.providers.meta_cloud.graph import Declined, Graph, Reply, Said
from app.providers.meta_cloud.plain import mappings, text
from app.providers.meta_cloud.templates import MOST_PAGES, next_cursor
from app.providers.wire import Unanswered


async def wrong_account(graph: Graph, waba_id: str, number_id: str) -> CredentialReport | None:
    """What is wrong with the account's id; None when the number is among the account's."""
    after = ""
    for _ in range(MOST_PAGES):
        params = {"fields": "id", "limit": "100"} | ({"after": after} if after else {})
        reply = await graph.get(f"{waba_id}/phone_numbers", **params)
        if isinstance(reply, Declined) and meaning_of(reply).wait is None:
            return CredentialReport(good=False, reason=Reason.PERMISSION_MISSING, detail=why(reply))
        if not isinstance(reply, Said) or not isinstance(reply.body.get("data"), list):
            return CredentialReport(good=None, reason=Reason.UNREACHABLE, detail=why(reply))
        if any(text(each.get("id")) == number_id for each in mappings(reply.body["data"])):
            return None
        after = next_cursor(reply.body)
        if not after:
            break
    detail = "the number is not one of this account's"
    return CredentialReport(good=False, reason=Reason.PERMISSION_MISSING, detail=detail)


def why(reply: Reply) -> str:
    """Why *reply* was of no use, for the details line."""
    match reply:
        case Declined(code=code, detail=detail):
            return f"{code}: {detail}"
        case Unanswered(why=words):
            return words
        case Said():
            return "an answer that nobody understands"
