"""Credentials are looked at, checked live, kept as one text, and never shown or written down."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.provider_setup.credentials import Accounts, CredentialService, clean_input, parse_pasted_url
from app.domain.actions import ActionName, UnavailableReason
from app.domain.audit import AuditOutcome
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import LinkId, Mentorado, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.provider import Blocked, Connected
from app.domain.provider_descriptor import CredentialField, CredentialReport, Credentials, dumps, loads, secret_key
from tests.clock import ManualClock, settle
from tests.core.conftest import Run
from tests.fake_providers import FakeMeta, FakeSecretStore, FakeZapi
from tests.services import Core

F = CredentialField
ZAPI = {F.INSTANCE_ID: "3C01ABCD", F.INSTANCE_TOKEN: "hush-token", F.CLIENT_TOKEN: "hush-client"}
META = {F.ACCESS_TOKEN: "EAAhush", F.PHONE_NUMBER_ID: "106540352242922", F.WABA_ID: "102290129340398"}


class Harness:
    """A core with both hosted providers, and the desk over it."""

    def __init__(self, clock: ManualClock) -> None:
        self.zapi, self.meta = FakeZapi(), FakeMeta()
        self.core = Core(clock, hosted={ProviderKind.ZAPI: self.zapi, ProviderKind.META_CLOUD: self.meta})
        self.secret_store = FakeSecretStore()
        accounts = Accounts(mentorados=self.core.mentorados, secrets=self.secret_store)
        self.service = CredentialService(
            mentorados=self.core.mentorados,
            supervisor=self.core.supervisor,
            actions=self.core.actions,
            providers=self.core.providers,
            secrets=self.secret_store,
            audit_service=self.core.audit_service,
            accounts=accounts,
        )
        self.core.mentorados.attach(accounts.require_unshared)

    async def add(self, kind: ProviderKind = ProviderKind.ZAPI) -> Mentorado:
        return await self.core.mentorados.add("Ana", "11 98765-4321", provider=kind)

    def written(self) -> list[tuple[str, dict[str, str], AuditOutcome, str]]:
        audited_actions = [entry.record for entry in self.core.audit.outcomes]
        return [
            (record.action, {**record.before, **record.after}, record.outcome, record.reason)
            for record in audited_actions
        ]


@pytest.fixture
def harness(manual_clock: ManualClock) -> Harness:
    return Harness(manual_clock)


async def test_what_is_saved_is_one_text_and_only_plain_fields_are_shown_again(harness: Harness) -> None:
    async with harness.core.running():
        ana = await harness.add()
        nothing = await harness.service.known(ana.id)
        assert not nothing.anything
        assert await harness.service.save(ana.id, ZAPI, CredentialReport(valid=True)) == (
            F.INSTANCE_ID,
            F.INSTANCE_TOKEN,
            F.CLIENT_TOKEN,
        )
        assert loads(harness.secret_store.kept[secret_key(ana.link.id)]) == ZAPI
        known = await harness.service.known(ana.id)
        assert known.anything
        assert known.plain == {F.INSTANCE_ID: "3C01ABCD"}
        assert known.secret == {F.INSTANCE_TOKEN, F.CLIENT_TOKEN}
        assert "hush" not in repr(known)
    fields = {"fields": "instance_id, instance_token, client_token", "checked": "good"}
    assert harness.written() == [("enter_credentials", fields, AuditOutcome.DONE, "")]
    assert "hush" not in repr(harness.core.audit.outcomes)


async def test_fields_left_empty_mean_what_is_kept(harness: Harness) -> None:
    async with harness.core.running():
        ana = await harness.add(ProviderKind.META_CLOUD)
        await harness.service.save(ana.id, META)
        typed = {F.ACCESS_TOKEN: "EAAnew", F.PHONE_NUMBER_ID: " ", F.APP_SECRET: ""}
        await harness.service.check(ana.id, typed)
        assert harness.meta.checked == [{**META, F.ACCESS_TOKEN: "EAAnew"}]
        refused = CredentialReport(valid=False, reason=Reason.TOKEN_INVALID)
        assert await harness.service.save(ana.id, typed, refused) == (F.ACCESS_TOKEN,)
        assert await harness.service.save(ana.id, typed) == ()
        silent = CredentialReport(valid=None)
        await harness.service.save(ana.id, {F.APP_SECRET: "abc"}, silent)
    assert [values["checked"] for _, values, _, _ in harness.written()] == ["not_asked", "refused", "silent"]


@pytest.mark.parametrize(
    ("kind", "typed", "code", "field"),
    [
        (ProviderKind.ZAPI, {}, ProblemCode.CREDENTIAL_EMPTY, F.INSTANCE_ID),
        (ProviderKind.ZAPI, {F.INSTANCE_ID: "3C01"}, ProblemCode.CREDENTIAL_EMPTY, F.INSTANCE_TOKEN),
        (ProviderKind.ZAPI, {**ZAPI, F.INSTANCE_ID: "../../me"}, ProblemCode.CREDENTIAL_MALFORMED, F.INSTANCE_ID),
        (ProviderKind.ZAPI, {**ZAPI, F.CLIENT_TOKEN: "ção"}, ProblemCode.CREDENTIAL_MALFORMED, F.CLIENT_TOKEN),
        (
            ProviderKind.META_CLOUD,
            {**META, F.PHONE_NUMBER_ID: "+5511"},
            ProblemCode.CREDENTIAL_MALFORMED,
            F.PHONE_NUMBER_ID,
        ),
        (
            ProviderKind.META_CLOUD,
            {**META, F.PHONE_NUMBER_ID: "00106"},
            ProblemCode.CREDENTIAL_MALFORMED,
            F.PHONE_NUMBER_ID,
        ),
        (ProviderKind.META_CLOUD, {**META, F.WABA_ID: "١٢٣"}, ProblemCode.CREDENTIAL_MALFORMED, F.WABA_ID),
    ],
)
async def test_what_cannot_be_right_is_refused_before_anybody_is_asked(
    harness: Harness,
    kind: ProviderKind,
    typed: dict[CredentialField, str],
    code: ProblemCode,
    field: CredentialField,
) -> None:
    async with harness.core.running():
        ana = await harness.add(kind)
        with pytest.raises(Problem) as caught:
            await harness.service.check(ana.id, typed)
        assert (caught.value.code, caught.value.context) == (code, {"field": field})
        with pytest.raises(Problem):
            await harness.service.save(ana.id, typed)
    assert harness.zapi.checked == harness.meta.checked == []
    assert harness.secret_store.kept == {}
    assert harness.written() == [("enter_credentials", {}, AuditOutcome.FAILED, code.value)]


async def test_a_link_that_runs_signs_in_again_with_what_is_new(harness: Harness) -> None:
    async with harness.core.running():
        ana = await harness.add()
        await harness.service.save(ana.id, ZAPI)
        assert harness.zapi.lines == []
        await harness.core.do(ActionName.CONNECT, ana)
        harness.zapi.line.say(Connected(ana.phone))
        await settle()
        await harness.service.save(ana.id, {F.INSTANCE_TOKEN: "hush-new"})
        await settle()
        assert [line.closed for line in harness.zapi.lines] == [True, False]
        assert harness.core.status(ana).state is LinkState.CONNECTING
        await harness.service.save(ana.id, {F.INSTANCE_TOKEN: "hush-new"})
        assert len(harness.zapi.lines) == 2, "nothing changed"
        harness.zapi.line.say(Blocked(Reason.TOKEN_INVALID))
        await settle()
        await harness.service.save(ana.id, ZAPI)
        assert len(harness.zapi.lines) == 2, "a person says when"


async def test_a_place_that_is_locked_is_said_and_written_down(harness: Harness) -> None:
    async with harness.core.running():
        ana = await harness.add()
        harness.secret_store.lock()
        for asked in (harness.service.known(ana.id), harness.service.save(ana.id, ZAPI)):
            with pytest.raises(Problem) as caught:
                await asked
            assert caught.value.code is ProblemCode.SECRETS_LOCKED
    assert harness.written() == [("enter_credentials", {}, AuditOutcome.FAILED, "secrets_locked")]


async def test_without_a_place_for_them_they_are_checked_and_behind_a_lock_they_are_not(harness: Harness) -> None:
    async with harness.core.running():
        ana = await harness.add()
        harness.secret_store.lock(ProblemCode.SECRETS_UNAVAILABLE)
        assert await harness.service.check(ana.id, ZAPI)
        assert harness.zapi.checked[-1] == ZAPI
        with pytest.raises(Problem) as caught:
            await harness.service.save(ana.id, ZAPI)
        assert caught.value.code is ProblemCode.SECRETS_UNAVAILABLE
        harness.secret_store.lock(ProblemCode.SECRETS_LOCKED)
        with pytest.raises(Problem) as caught:
            await harness.service.check(ana.id, ZAPI)
        assert caught.value.code is ProblemCode.SECRETS_LOCKED


def test_damage_is_nothing_kept_and_is_not_logged_in_full(
    harness: Harness, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with harness.core.running():
            ana = await harness.add()
            harness.secret_store.kept[secret_key(ana.link.id)] = "hush-damaged"
            assert not (await harness.service.known(ana.id)).anything
            await harness.service.save(ana.id, ZAPI)
            assert (await harness.service.known(ana.id)).anything

    with caplog.at_level(logging.DEBUG):
        run(main())
    assert "cannot be read" in caplog.text
    assert "hush" not in caplog.text


async def test_what_is_forgotten_is_gone_unless_the_link_runs(harness: Harness) -> None:
    async with harness.core.running():
        ana = await harness.add()
        await harness.service.save(ana.id, ZAPI)
        await harness.core.do(ActionName.CONNECT, ana)
        with pytest.raises(Problem) as caught:
            await harness.service.forget(ana.id)
        assert caught.value.code is ProblemCode.NOT_POSSIBLE_NOW
        await harness.core.do(ActionName.CANCEL, ana)
        await harness.service.forget(ana.id)
        assert harness.secret_store.kept == {}
    last = harness.written()[-1]
    assert last == (
        "forget_credentials",
        {"fields": "instance_id, instance_token, client_token"},
        AuditOutcome.DONE,
        "",
    )


async def test_a_provider_that_asks_for_none_takes_none(harness: Harness) -> None:
    async with harness.core.running():
        ana = await harness.add(ProviderKind.WHATSAPP_WEB)
        for asked in (harness.service.check(ana.id, ZAPI), harness.service.save(ana.id, ZAPI)):
            with pytest.raises(Problem) as caught:
                await asked
            assert caught.value.code is ProblemCode.NOT_POSSIBLE_NOW
        del harness.core.providers[ProviderKind.ZAPI]
        bia = await harness.core.mentorados.add("Bia", "21 98765-4321", provider=ProviderKind.ZAPI)
        with pytest.raises(Problem) as caught:
            await harness.service.check(bia.id, ZAPI)
        assert caught.value.code is ProblemCode.PROVIDER_UNAVAILABLE


def test_what_is_pasted_is_taken_as_it_was_meant() -> None:
    assert clean_input(" EAA\n hush\u200b\t") == "EAAhush"
    address = "https://api.z-api.io/instances/3C01ABCD/token/FF00\nAA/send-text"
    assert parse_pasted_url(address) == {F.INSTANCE_ID: "3C01ABCD", F.INSTANCE_TOKEN: "FF00AA"}
    assert parse_pasted_url("3C01ABCD") == {}


# --- one account, one link -------------------------------------------------------------------------------------------

KINDS = pytest.mark.parametrize(("kind", "typed"), [(ProviderKind.ZAPI, ZAPI), (ProviderKind.META_CLOUD, META)])
BIA_TOO = "21 98765-4321"


def other(typed: Credentials) -> Credentials:
    """The same kind of credentials, of another account."""
    return {**typed, **{name: f"{typed[name]}9" for name in (F.INSTANCE_ID, F.PHONE_NUMBER_ID) if name in typed}}


def taken(caught: pytest.ExceptionInfo[Problem]) -> str:
    assert caught.value.code is ProblemCode.ACCOUNT_TAKEN
    return caught.value.context["name"]


@KINDS
@pytest.mark.parametrize("checked", [False, True])
async def test_an_account_that_another_link_has_is_refused_with_the_others_name(
    harness: Harness, kind: ProviderKind, typed: Credentials, checked: bool
) -> None:
    async with harness.core.running():
        ana = await harness.add(kind)
        bia = await harness.core.mentorados.add("Bia", BIA_TOO, provider=kind)
        await harness.service.save(ana.id, typed)
        await harness.service.save(bia.id, other(typed))
        kept = dict(harness.secret_store.kept)
        again = {name: value.upper() if name is F.INSTANCE_ID else value for name, value in typed.items()}
        for asked in (
            harness.service.check(bia.id, again),
            harness.service.save(bia.id, again, CredentialReport(valid=True) if checked else None),
        ):
            with pytest.raises(Problem) as caught:
                await asked
            assert taken(caught) == "Ana"
        assert harness.secret_store.kept == kept, "nothing was kept"
        assert (harness.zapi.checked, harness.meta.checked) == ([], []), "and nobody was asked"
        await settle()
        assert harness.written()[-1][2:] == (AuditOutcome.FAILED, ProblemCode.ACCOUNT_TAKEN)
        assert await harness.service.save(ana.id, {**typed, F.ACCESS_TOKEN: "new", F.INSTANCE_TOKEN: "new"})
        await harness.core.mentorados.archive(ana.id)
        assert await harness.service.save(bia.id, again), "who is archived owns nothing"
        with pytest.raises(Problem) as caught:
            await harness.core.mentorados.unarchive(ana.id)
        assert taken(caught) == "Bia"
        await harness.service.save(bia.id, other(typed))
        await harness.core.mentorados.unarchive(ana.id)
        await harness.core.mentorados.archive(ana.id)
        harness.secret_store.kept[secret_key(ana.link.id)] = "damaged"
        await harness.core.mentorados.unarchive(ana.id)  # nobody can sign in with that


async def test_who_is_archived_comes_back_while_no_credentials_can_be_read(harness: Harness) -> None:
    async with harness.core.running():
        ana = await harness.add()
        await harness.service.save(ana.id, ZAPI)
        await harness.core.mentorados.archive(ana.id)
        harness.secret_store.lock()
        await harness.core.mentorados.unarchive(ana.id)
        assert harness.core.mentorados.get(ana.id).archived_at is None


@KINDS
async def test_an_account_that_a_command_gave_to_another_link_meanwhile_is_refused(
    harness: Harness, kind: ProviderKind, typed: Credentials
) -> None:
    """A window remembers whose account is which; what another program kept since counts all the same."""
    async with harness.core.running():
        ana = await harness.add(kind)
        bia = await harness.core.mentorados.add("Bia", BIA_TOO, provider=kind)
        await harness.service.save(bia.id, other(typed))
        await harness.service.save(ana.id, typed)
        harness.secret_store.kept[secret_key(bia.link.id)] = dumps(
            {**typed, F.INSTANCE_ID: "3E", F.PHONE_NUMBER_ID: "9"}
        )
        with pytest.raises(Problem) as caught:
            await harness.service.save(ana.id, {**typed, F.INSTANCE_ID: "3E", F.PHONE_NUMBER_ID: "9"})
        assert taken(caught) == "Bia"


async def test_of_two_that_are_saved_at_once_one_is_refused(harness: Harness) -> None:
    async with harness.core.running():
        ana = await harness.add()
        bia = await harness.core.mentorados.add("Bia", BIA_TOO, provider=ProviderKind.ZAPI)
        both = [harness.service.save(each.id, ZAPI) for each in (ana, bia)]
        ended = await asyncio.gather(*both, return_exceptions=True)
        assert [type(each) for each in ended] == [tuple, Problem]


@KINDS
async def test_credentials_that_lead_to_the_number_of_another_link_are_refused(
    harness: Harness, kind: ProviderKind, typed: Credentials
) -> None:
    async with harness.core.running():
        ana = await harness.core.mentorados.add("Ana", "11 98765-4321")  # through WhatsApp Web
        bia = await harness.core.mentorados.add("Bia", BIA_TOO, provider=kind)
        report = CredentialReport(valid=True, account=ana.phone)
        harness.zapi.report = harness.meta.report = report
        for asked in (
            harness.service.check(bia.id, typed),
            harness.service.save(bia.id, typed, report),
        ):
            with pytest.raises(Problem) as caught:
                await asked
            assert taken(caught) == "Ana"
        assert harness.secret_store.kept == {}
        own = CredentialReport(valid=True, account=bia.phone)
        assert await harness.service.save(bia.id, typed, own)


async def test_of_two_that_kept_one_account_before_the_one_that_was_connected_keeps_it(harness: Harness) -> None:
    """From before it was refused: nothing is done with it for the other, and its owner's token can be renewed."""
    accounts = Accounts(mentorados=harness.core.mentorados, secrets=harness.secret_store)
    async with harness.core.running():
        ana = await harness.add()
        harness.core.clock.time += timedelta(seconds=1)  # of two that are enrolled at once nobody was first
        bia = await harness.core.mentorados.add("Bia", BIA_TOO, provider=ProviderKind.ZAPI)
        caio = await harness.core.mentorados.add("Caio", "31 98765-4321", provider=ProviderKind.ZAPI)
        for each in (ana, bia):
            harness.secret_store.kept[secret_key(each.link.id)] = dumps(ZAPI)
        harness.secret_store.kept[secret_key(caio.link.id)] = "damaged"
        await accounts.require_first(ana.link, ZAPI)  # enrolled before
        with pytest.raises(Problem) as caught:
            await accounts.require_first(bia.link, ZAPI)
        assert taken(caught) == "Ana"
        for link, whose in ((ana.link, "Bia"), (bia.link, "Ana")):
            with pytest.raises(Problem) as caught:
                await accounts.require_alone(link, ZAPI)
            assert taken(caught) == whose
        bia = await harness.core.mentorados.save_link(replace(bia.link, account=bia.phone))
        await accounts.require_first(bia.link, ZAPI)  # it was connected
        with pytest.raises(Problem) as caught:
            await accounts.require_first(ana.link, ZAPI)
        assert taken(caught) == "Bia"
        await harness.service.save(bia.id, {F.INSTANCE_TOKEN: "renewed"})
        with pytest.raises(Problem) as caught:
            await harness.service.save(ana.id, {F.INSTANCE_TOKEN: "renewed"})
        assert taken(caught) == "Bia"
        ana = await harness.core.mentorados.save_link(replace(ana.link, account=ana.phone))
        await accounts.require_first(ana.link, ZAPI)  # both were: the number that signs in decides
        await accounts.require_first(replace(caio.link, id=LinkId("9" * 32)), ZAPI)  # of nobody
        await accounts.require_alone(caio.link, {})
        accounts.require_nobodys(PhoneNumber("+5541987654321"), caio.link.id)
        with pytest.raises(Problem) as caught:
            accounts.require_nobodys(bia.phone, caio.link.id)
        assert taken(caught) == "Bia"


async def test_with_other_credentials_there_is_nothing_to_decide_about_the_number_before(harness: Harness) -> None:
    async with harness.core.running():
        ana = await harness.add(ProviderKind.META_CLOUD)
        await harness.service.save(ana.id, META)
        await harness.core.do(ActionName.CONNECT, ana)
        harness.meta.line.say(Connected(PhoneNumber("+5541987654321")))
        await settle()
        assert harness.core.status(ana).reason is Reason.WRONG_ACCOUNT
        await harness.service.save(ana.id, {F.ACCESS_TOKEN: "renewed"})
        assert harness.core.status(ana).reason is Reason.WRONG_ACCOUNT
        await harness.service.save(ana.id, other(META))
        assert harness.core.status(ana).state is LinkState.OFF
        assert harness.core.actions.unavailable_reason(ActionName.CONNECT, ana.id) is None


async def test_a_number_that_somebody_accepted_is_theirs(harness: Harness) -> None:
    """A WhatsApp number belongs to one link: not enrolled, edited, accepted or brought back a second time."""
    core, number = harness.core, PhoneNumber("+5541987654321")
    async with core.running():
        ana = await harness.add()
        bia = await core.mentorados.add("Bia", BIA_TOO)
        await core.mentorados.save_link(replace(ana.link, accepted_account=number))
        with pytest.raises(Problem) as caught:
            await core.mentorados.add("Caio", "41 98765-4321")
        assert (caught.value.code, caught.value.context["name"]) == (ProblemCode.PHONE_TAKEN, "Ana")
        for accepted in (number, ana.phone):
            with pytest.raises(Problem) as caught:
                await core.mentorados.save_link(replace(bia.link, accepted_account=accepted))
            assert taken(caught) == "Ana"
        await core.mentorados.archive(ana.id)
        await core.mentorados.save_link(replace(bia.link, accepted_account=number))
        with pytest.raises(Problem) as caught:
            await core.mentorados.unarchive(ana.id)
        assert taken(caught) == "Bia"


async def test_a_link_whose_account_is_anothers_says_whose(harness: Harness) -> None:
    async with harness.core.running():
        ana = await harness.add()
        harness.zapi.refusal = Problem(ProblemCode.ACCOUNT_TAKEN, name="Bia")
        await harness.core.do(ActionName.CONNECT, ana)
        status = harness.core.status(ana)
        assert (status.state, status.reason, status.detail) == (LinkState.BLOCKED, Reason.ACCOUNT_TAKEN, "Bia")
        assert (
            harness.core.actions.unavailable_reason(ActionName.REAUTHENTICATE, ana.id)
            is UnavailableReason.FIX_ACCESS_FIRST
        )
