"""Credentials are looked at, checked live, kept as one text, and never shown or written down."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.action import ActionName, Refusal
from app.core.hosted.accounts import Accounts
from app.core.hosted.credentials import CredentialsDesk, spread, tidied
from app.domain.audit import AuditOutcome
from app.domain.connection import LinkState, Reason
from app.domain.credentials import CredentialField, CredentialReport, Credentials, as_text, from_text, secret_name
from app.domain.errors import Code, Problem
from app.domain.mentorado import Enrolment, LinkId, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.provider import Opened, Refused
from tests.clock import ManualClock, settle
from tests.core.conftest import Core, Run
from tests.played_hosted import PlayedMeta, PlayedVault, PlayedZapi

F = CredentialField
ZAPI = {F.INSTANCE_ID: "3C01ABCD", F.INSTANCE_TOKEN: "hush-token", F.CLIENT_TOKEN: "hush-client"}
META = {F.ACCESS_TOKEN: "EAAhush", F.PHONE_NUMBER_ID: "106540352242922", F.WABA_ID: "102290129340398"}


class Office:
    """A core with both hosted providers, and the desk over it."""

    def __init__(self, clock: ManualClock) -> None:
        self.zapi, self.meta = PlayedZapi(), PlayedMeta()
        self.core = Core(clock, hosted={ProviderKind.ZAPI: self.zapi, ProviderKind.META_CLOUD: self.meta})
        self.vault = PlayedVault()
        self.desk = CredentialsDesk(
            enrolments=self.core.enrolments,
            supervisor=self.core.supervisor,
            actions=self.core.actions,
            providers=self.core.providers,
            secrets=self.vault,
            witness=self.core.witness,
        )

    async def add(self, kind: ProviderKind = ProviderKind.ZAPI) -> Enrolment:
        return await self.core.enrolments.add("Ana", "11 98765-4321", provider=kind)

    def written(self) -> list[tuple[str, dict[str, str], AuditOutcome, str]]:
        deeds = [entry.deed for entry in self.core.audit.outcomes]
        return [(deed.action, {**deed.before, **deed.after}, deed.outcome, deed.reason) for deed in deeds]


@pytest.fixture
def office(manual_clock: ManualClock) -> Office:
    return Office(manual_clock)


def test_what_is_saved_is_one_text_and_only_plain_fields_are_shown_again(office: Office, run: Run) -> None:
    async def main() -> None:
        async with office.core.running():
            ana = await office.add()
            nothing = await office.desk.known(ana.mentorado.id)
            assert not nothing.anything
            assert await office.desk.save(ana.mentorado.id, ZAPI, CredentialReport(good=True)) == (
                F.INSTANCE_ID,
                F.INSTANCE_TOKEN,
                F.CLIENT_TOKEN,
            )
            assert from_text(office.vault.kept[secret_name(ana.link.id)]) == ZAPI
            known = await office.desk.known(ana.mentorado.id)
            assert known.anything
            assert known.plain == {F.INSTANCE_ID: "3C01ABCD"}
            assert known.secret == {F.INSTANCE_TOKEN, F.CLIENT_TOKEN}
            assert "hush" not in repr(known)
        fields = {"fields": "instance_id, instance_token, client_token", "checked": "good"}
        assert office.written() == [("enter_credentials", fields, AuditOutcome.DONE, "")]
        assert "hush" not in repr(office.core.audit.outcomes)

    run(main())


def test_fields_left_empty_mean_what_is_kept(office: Office, run: Run) -> None:
    async def main() -> None:
        async with office.core.running():
            ana = await office.add(ProviderKind.META_CLOUD)
            await office.desk.save(ana.mentorado.id, META)
            typed = {F.ACCESS_TOKEN: "EAAnew", F.PHONE_NUMBER_ID: " ", F.APP_SECRET: ""}
            await office.desk.check(ana.mentorado.id, typed)
            assert office.meta.checked == [{**META, F.ACCESS_TOKEN: "EAAnew"}]
            refused = CredentialReport(good=False, reason=Reason.TOKEN_INVALID)
            assert await office.desk.save(ana.mentorado.id, typed, refused) == (F.ACCESS_TOKEN,)
            assert await office.desk.save(ana.mentorado.id, typed) == ()
            silent = CredentialReport(good=None)
            await office.desk.save(ana.mentorado.id, {F.APP_SECRET: "abc"}, silent)
        assert [values["checked"] for _, values, _, _ in office.written()] == ["not_asked", "refused", "silent"]

    run(main())


@pytest.mark.parametrize(
    ("kind", "typed", "code", "field"),
    [
        (ProviderKind.ZAPI, {}, Code.CREDENTIAL_EMPTY, F.INSTANCE_ID),
        (ProviderKind.ZAPI, {F.INSTANCE_ID: "3C01"}, Code.CREDENTIAL_EMPTY, F.INSTANCE_TOKEN),
        (ProviderKind.ZAPI, {**ZAPI, F.INSTANCE_ID: "../../me"}, Code.CREDENTIAL_MALFORMED, F.INSTANCE_ID),
        (ProviderKind.ZAPI, {**ZAPI, F.CLIENT_TOKEN: "ção"}, Code.CREDENTIAL_MALFORMED, F.CLIENT_TOKEN),
        (ProviderKind.META_CLOUD, {**META, F.PHONE_NUMBER_ID: "+5511"}, Code.CREDENTIAL_MALFORMED, F.PHONE_NUMBER_ID),
        (ProviderKind.META_CLOUD, {**META, F.PHONE_NUMBER_ID: "00106"}, Code.CREDENTIAL_MALFORMED, F.PHONE_NUMBER_ID),
        (ProviderKind.META_CLOUD, {**META, F.WABA_ID: "١٢٣"}, Code.CREDENTIAL_MALFORMED, F.WABA_ID),
    ],
)
def test_what_cannot_be_right_is_refused_before_anybody_is_asked(
    office: Office,
    run: Run,
    kind: ProviderKind,
    typed: dict[CredentialField, str],
    code: Code,
    field: CredentialField,
) -> None:
    async def main() -> None:
        async with office.core.running():
            ana = await office.add(kind)
            with pytest.raises(Problem) as caught:
                await office.desk.check(ana.mentorado.id, typed)
            assert (caught.value.code, caught.value.context) == (code, {"field": field})
            with pytest.raises(Problem):
                await office.desk.save(ana.mentorado.id, typed)
        assert office.zapi.checked == office.meta.checked == []
        assert office.vault.kept == {}
        assert office.written() == [("enter_credentials", {}, AuditOutcome.FAILED, code.value)]

    run(main())


def test_a_link_that_runs_signs_in_again_with_what_is_new(office: Office, run: Run) -> None:
    async def main() -> None:
        async with office.core.running():
            ana = await office.add()
            await office.desk.save(ana.mentorado.id, ZAPI)
            assert office.zapi.lines == []
            await office.core.do(ActionName.CONNECT, ana)
            office.zapi.line.say(Opened(ana.mentorado.phone))
            await settle()
            await office.desk.save(ana.mentorado.id, {F.INSTANCE_TOKEN: "hush-new"})
            await settle()
            assert [line.closed for line in office.zapi.lines] == [True, False]
            assert office.core.status(ana).state is LinkState.CONNECTING
            await office.desk.save(ana.mentorado.id, {F.INSTANCE_TOKEN: "hush-new"})
            assert len(office.zapi.lines) == 2, "nothing changed"
            office.zapi.line.say(Refused(Reason.TOKEN_INVALID))
            await settle()
            await office.desk.save(ana.mentorado.id, ZAPI)
            assert len(office.zapi.lines) == 2, "a person says when"

    run(main())


def test_a_place_that_is_locked_is_said_and_written_down(office: Office, run: Run) -> None:
    async def main() -> None:
        async with office.core.running():
            ana = await office.add()
            office.vault.lock()
            for asked in (office.desk.known(ana.mentorado.id), office.desk.save(ana.mentorado.id, ZAPI)):
                with pytest.raises(Problem) as caught:
                    await asked
                assert caught.value.code is Code.SECRETS_LOCKED
        assert office.written() == [("enter_credentials", {}, AuditOutcome.FAILED, "secrets_locked")]

    run(main())


def test_damage_is_nothing_kept_and_is_not_logged_in_full(
    office: Office, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with office.core.running():
            ana = await office.add()
            office.vault.kept[secret_name(ana.link.id)] = "hush-damaged"
            assert not (await office.desk.known(ana.mentorado.id)).anything
            await office.desk.save(ana.mentorado.id, ZAPI)
            assert (await office.desk.known(ana.mentorado.id)).anything

    with caplog.at_level(logging.DEBUG):
        run(main())
    assert "cannot be read" in caplog.text
    assert "hush" not in caplog.text


def test_what_is_forgotten_is_gone_unless_the_link_runs(office: Office, run: Run) -> None:
    async def main() -> None:
        async with office.core.running():
            ana = await office.add()
            await office.desk.save(ana.mentorado.id, ZAPI)
            await office.core.do(ActionName.CONNECT, ana)
            with pytest.raises(Problem) as caught:
                await office.desk.forget(ana.mentorado.id)
            assert caught.value.code is Code.NOT_POSSIBLE_NOW
            await office.core.do(ActionName.CANCEL, ana)
            await office.desk.forget(ana.mentorado.id)
            assert office.vault.kept == {}
        last = office.written()[-1]
        assert last == (
            "forget_credentials",
            {"fields": "instance_id, instance_token, client_token"},
            AuditOutcome.DONE,
            "",
        )

    run(main())


def test_a_provider_that_asks_for_none_takes_none(office: Office, run: Run) -> None:
    async def main() -> None:
        async with office.core.running():
            ana = await office.add(ProviderKind.WHATSAPP_WEB)
            for asked in (office.desk.check(ana.mentorado.id, ZAPI), office.desk.save(ana.mentorado.id, ZAPI)):
                with pytest.raises(Problem) as caught:
                    await asked
                assert caught.value.code is Code.NOT_POSSIBLE_NOW
            del office.core.providers[ProviderKind.ZAPI]
            bia = await office.core.enrolments.add("Bia", "21 98765-4321", provider=ProviderKind.ZAPI)
            with pytest.raises(Problem) as caught:
                await office.desk.check(bia.mentorado.id, ZAPI)
            assert caught.value.code is Code.PROVIDER_UNAVAILABLE

    run(main())


def test_what_is_pasted_is_taken_as_it_was_meant() -> None:
    assert tidied(" EAA\n hush\u200b\t") == "EAAhush"
    address = "https://api.z-api.io/instances/3C01ABCD/token/FF00\nAA/send-text"
    assert spread(address) == {F.INSTANCE_ID: "3C01ABCD", F.INSTANCE_TOKEN: "FF00AA"}
    assert spread("3C01ABCD") == {}


# --- one account, one link -------------------------------------------------------------------------------------------

KINDS = pytest.mark.parametrize(("kind", "typed"), [(ProviderKind.ZAPI, ZAPI), (ProviderKind.META_CLOUD, META)])
BIA_TOO = "21 98765-4321"


def other(typed: Credentials) -> Credentials:
    """The same kind of credentials, of another account."""
    return {**typed, **{name: f"{typed[name]}9" for name in (F.INSTANCE_ID, F.PHONE_NUMBER_ID) if name in typed}}


def taken(caught: pytest.ExceptionInfo[Problem]) -> str:
    assert caught.value.code is Code.ACCOUNT_TAKEN
    return caught.value.context["name"]


@KINDS
@pytest.mark.parametrize("checked", [False, True])
def test_an_account_that_another_link_has_is_refused_with_the_others_name(
    office: Office, run: Run, kind: ProviderKind, typed: Credentials, checked: bool
) -> None:
    async def main() -> None:
        async with office.core.running():
            ana = await office.add(kind)
            bia = await office.core.enrolments.add("Bia", BIA_TOO, provider=kind)
            await office.desk.save(ana.mentorado.id, typed)
            await office.desk.save(bia.mentorado.id, other(typed))
            kept = dict(office.vault.kept)
            again = {name: value.upper() if name is F.INSTANCE_ID else value for name, value in typed.items()}
            for asked in (
                office.desk.check(bia.mentorado.id, again),
                office.desk.save(bia.mentorado.id, again, CredentialReport(good=True) if checked else None),
            ):
                with pytest.raises(Problem) as caught:
                    await asked
                assert taken(caught) == "Ana"
            assert office.vault.kept == kept, "nothing was kept"
            assert (office.zapi.checked, office.meta.checked) == ([], []), "and nobody was asked"
            await settle()
            assert office.written()[-1][2:] == (AuditOutcome.FAILED, Code.ACCOUNT_TAKEN)
            assert await office.desk.save(ana.mentorado.id, {**typed, F.ACCESS_TOKEN: "new", F.INSTANCE_TOKEN: "new"})
            await office.core.enrolments.archive(ana.mentorado.id)
            assert await office.desk.save(bia.mentorado.id, again), "who is archived owns nothing"

    run(main())


@KINDS
def test_an_account_that_a_command_gave_to_another_link_meanwhile_is_refused(
    office: Office, run: Run, kind: ProviderKind, typed: Credentials
) -> None:
    """A window remembers whose account is which; what another program kept since counts all the same."""

    async def main() -> None:
        async with office.core.running():
            ana = await office.add(kind)
            bia = await office.core.enrolments.add("Bia", BIA_TOO, provider=kind)
            await office.desk.save(bia.mentorado.id, other(typed))
            await office.desk.save(ana.mentorado.id, typed)
            office.vault.kept[secret_name(bia.link.id)] = as_text(
                {**typed, F.INSTANCE_ID: "3E", F.PHONE_NUMBER_ID: "9"}
            )
            with pytest.raises(Problem) as caught:
                await office.desk.save(ana.mentorado.id, {**typed, F.INSTANCE_ID: "3E", F.PHONE_NUMBER_ID: "9"})
            assert taken(caught) == "Bia"

    run(main())


def test_of_two_that_are_saved_at_once_one_is_refused(office: Office, run: Run) -> None:
    async def main() -> None:
        async with office.core.running():
            ana = await office.add()
            bia = await office.core.enrolments.add("Bia", BIA_TOO, provider=ProviderKind.ZAPI)
            both = [office.desk.save(each.mentorado.id, ZAPI) for each in (ana, bia)]
            ended = await asyncio.gather(*both, return_exceptions=True)
            assert [type(each) for each in ended] == [tuple, Problem]

    run(main())


@KINDS
def test_credentials_that_lead_to_the_number_of_another_link_are_refused(
    office: Office, run: Run, kind: ProviderKind, typed: Credentials
) -> None:
    async def main() -> None:
        async with office.core.running():
            ana = await office.core.enrolments.add("Ana", "11 98765-4321")  # through WhatsApp Web
            bia = await office.core.enrolments.add("Bia", BIA_TOO, provider=kind)
            report = CredentialReport(good=True, account=ana.mentorado.phone)
            office.zapi.report = office.meta.report = report
            for asked in (
                office.desk.check(bia.mentorado.id, typed),
                office.desk.save(bia.mentorado.id, typed, report),
            ):
                with pytest.raises(Problem) as caught:
                    await asked
                assert taken(caught) == "Ana"
            assert office.vault.kept == {}
            own = CredentialReport(good=True, account=bia.mentorado.phone)
            assert await office.desk.save(bia.mentorado.id, typed, own)

    run(main())


def test_of_two_that_kept_one_account_before_the_one_that_was_connected_keeps_it(office: Office, run: Run) -> None:
    """From before it was refused: nothing is done with it for the other, and its owner's token can be renewed."""

    async def main() -> None:
        accounts = Accounts(enrolments=office.core.enrolments, secrets=office.vault)
        async with office.core.running():
            ana = await office.add()
            office.core.clock.time += timedelta(seconds=1)  # of two that are enrolled at once nobody was first
            bia = await office.core.enrolments.add("Bia", BIA_TOO, provider=ProviderKind.ZAPI)
            caio = await office.core.enrolments.add("Caio", "31 98765-4321", provider=ProviderKind.ZAPI)
            for each in (ana, bia):
                office.vault.kept[secret_name(each.link.id)] = as_text(ZAPI)
            office.vault.kept[secret_name(caio.link.id)] = "damaged"
            await accounts.require_first(ana.link, ZAPI)  # enrolled before
            with pytest.raises(Problem) as caught:
                await accounts.require_first(bia.link, ZAPI)
            assert taken(caught) == "Ana"
            for link, whose in ((ana.link, "Bia"), (bia.link, "Ana")):
                with pytest.raises(Problem) as caught:
                    await accounts.require_alone(link, ZAPI)
                assert taken(caught) == whose
            bia = await office.core.enrolments.save_link(replace(bia.link, account=bia.mentorado.phone))
            await accounts.require_first(bia.link, ZAPI)  # it was connected
            with pytest.raises(Problem) as caught:
                await accounts.require_first(ana.link, ZAPI)
            assert taken(caught) == "Bia"
            await office.desk.save(bia.mentorado.id, {F.INSTANCE_TOKEN: "renewed"})
            with pytest.raises(Problem) as caught:
                await office.desk.save(ana.mentorado.id, {F.INSTANCE_TOKEN: "renewed"})
            assert taken(caught) == "Bia"
            ana = await office.core.enrolments.save_link(replace(ana.link, account=ana.mentorado.phone))
            await accounts.require_first(ana.link, ZAPI)  # both were: the number that signs in decides
            await accounts.require_first(replace(caio.link, id=LinkId("9" * 32)), ZAPI)  # of nobody
            await accounts.require_alone(caio.link, {})
            accounts.require_nobodys(PhoneNumber("+5541987654321"), caio.link.id)
            with pytest.raises(Problem) as caught:
                accounts.require_nobodys(bia.mentorado.phone, caio.link.id)
            assert taken(caught) == "Bia"

    run(main())


def test_with_other_credentials_there_is_nothing_to_decide_about_the_number_before(office: Office, run: Run) -> None:
    async def main() -> None:
        async with office.core.running():
            ana = await office.add(ProviderKind.META_CLOUD)
            await office.desk.save(ana.mentorado.id, META)
            await office.core.do(ActionName.CONNECT, ana)
            office.meta.line.say(Opened(PhoneNumber("+5541987654321")))
            await settle()
            assert office.core.status(ana).reason is Reason.WRONG_ACCOUNT
            await office.desk.save(ana.mentorado.id, {F.ACCESS_TOKEN: "renewed"})
            assert office.core.status(ana).reason is Reason.WRONG_ACCOUNT
            await office.desk.save(ana.mentorado.id, other(META))
            assert office.core.status(ana).state is LinkState.OFF
            assert office.core.actions.refusal(ActionName.CONNECT, ana.mentorado.id) is None

    run(main())


def test_a_number_that_somebody_accepted_is_theirs(office: Office, run: Run) -> None:
    """A WhatsApp number belongs to one link: not enrolled, edited, accepted or brought back a second time."""

    async def main() -> None:
        core, number = office.core, PhoneNumber("+5541987654321")
        async with core.running():
            ana = await office.add()
            bia = await core.enrolments.add("Bia", BIA_TOO)
            await core.enrolments.save_link(replace(ana.link, accepted_account=number))
            with pytest.raises(Problem) as caught:
                await core.enrolments.add("Caio", "41 98765-4321")
            assert (caught.value.code, caught.value.context["name"]) == (Code.PHONE_TAKEN, "Ana")
            for accepted in (number, ana.mentorado.phone):
                with pytest.raises(Problem) as caught:
                    await core.enrolments.save_link(replace(bia.link, accepted_account=accepted))
                assert taken(caught) == "Ana"
            await core.enrolments.archive(ana.mentorado.id)
            await core.enrolments.save_link(replace(bia.link, accepted_account=number))
            with pytest.raises(Problem) as caught:
                await core.enrolments.bring_back(ana.mentorado.id)
            assert taken(caught) == "Bia"

    run(main())


def test_a_link_whose_account_is_anothers_says_whose(office: Office, run: Run) -> None:
    async def main() -> None:
        async with office.core.running():
            ana = await office.add()
            office.zapi.refusal = Problem(Code.ACCOUNT_TAKEN, name="Bia")
            await office.core.do(ActionName.CONNECT, ana)
            status = office.core.status(ana)
            assert (status.state, status.reason, status.detail) == (LinkState.BLOCKED, Reason.ACCOUNT_TAKEN, "Bia")
            assert office.core.actions.refusal(ActionName.REAUTHENTICATE, ana.mentorado.id) is Refusal.FIX_ACCESS_FIRST

    run(main())
