"""The mentorados: validates what operators enter, stores it and publishes the changes."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.domain.actions import ActionName
from app.domain.audit import AuditAction
from app.domain.errors import Problem, ProblemCode
from app.domain.events import MentoradoAdded, MentoradoChanged, MentoradosLoaded
from app.domain.mentorado import (
    Link,
    LinkId,
    Mentorado,
    MentoradoId,
    ProviderKind,
    new_link_id,
    new_mentorado_id,
)
from app.domain.names import checked_cohort, checked_name
from app.domain.phone import PhoneNumber, masked, same_account
from app.domain.repositories import Clock, MentoradoRepository

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber as Parsed


_LINK: Final = re.compile(r"(?:wa\.me/|[?&]phone=)\+?(?P<digits>\d+)", re.IGNORECASE)
_LABEL: Final = re.compile(
    r"(?:tel|telefone|fone|phone|cel|celular|mobile|whats|whatsapp|wpp|zap)\b[.:\s]*", re.IGNORECASE
)
_OPERATOR: Final = re.compile(r"^(\(?)0[\s-]*[x*]{2}[\s-]*", re.IGNORECASE)
"""As in ``0xx11``: the place of an operator's code, as Brazilian stationery prints it."""

_SEVERAL: Final = re.compile(r"[/;,|\n]|:::|\b(?:e|ou|or|and|y)\b")
_SHORTENED: Final = re.compile(r"\d(?:[.,]\d+)?e\+?\d{1,2}", re.IGNORECASE)
"""As in ``1.19877E+10``: what a spreadsheet program makes of a long number."""

_CARRIERS: Final = re.compile(r"1[245]|2[1-35]|31|4[13]|55|65|99")
"""Brazilian operators whose code follows 00 when a number abroad is dialled."""

_BRAZILIAN_GROUPS: Final = frozenset({(11,), (2, 9), (2, 5, 4), (2, 1, 4, 4), (2, 1, 8)})
"""How the digits of a mobile with its area code are grouped in Brazil."""

_OWN_REGION: Final = 55


def parse_phone(text: str) -> PhoneNumber:
    """Read *text* as a number of Brazil unless it names its own country, with + or 00; raise `Problem` otherwise.

    What can as well be a number of another country, written without its +, is not guessed: `PHONE_AMBIGUOUS`.
    """
    if not text.strip():
        raise Problem(ProblemCode.PHONE_MISSING)
    plain = _plain_text(text)
    if sum(sum(map(str.isdigit, part)) >= 8 for part in _SEVERAL.split(plain)) > 1:
        raise Problem(ProblemCode.PHONE_SEVERAL, typed=text)
    if _SHORTENED.fullmatch(plain):
        raise Problem(ProblemCode.PHONE_SHORTENED, typed=text)
    if any(map(str.isalpha, plain)):
        raise Problem(
            ProblemCode.PHONE_WORDS if sum(map(str.isdigit, plain)) >= 8 else ProblemCode.PHONE_INVALID, typed=text
        )
    digits = "".join(filter(str.isdigit, plain))
    if plain.lstrip(" (").startswith("+") or digits.startswith("00"):
        return _e164(_parse_international(digits), text)
    return _e164(_parse_national(plain, digits, text), text)


def is_landline(number: PhoneNumber) -> bool:
    """Whether *number* is a landline of Brazil, which has WhatsApp only with the Business app."""
    return re.fullmatch(r"\+55[1-9]\d[2-5]\d{7}", number) is not None


def _plain_text(text: str) -> str:
    """Normalize digits and signs of *text*, and strip what surrounds the number."""
    shown = unicodedata.normalize("NFKC", text)
    kept = "".join(_plain_sign(letter) for letter in shown if unicodedata.category(letter) != "Cf").strip()
    if link := _LINK.search(kept):
        return f"+{link['digits']}"
    kept = kept.removeprefix("=").strip("\"' ")
    kept = re.sub(r"^(\+?\d{8,15})[.,]0$", r"\1", kept)  # a number that a program took for an amount
    kept = _LABEL.sub("", kept, 1) if _LABEL.match(kept) else kept
    return _OPERATOR.sub(r"\g<1>0", kept).replace("(0)", "")


def _plain_sign(letter: str) -> str:
    digit = unicodedata.decimal(letter, None)
    if digit is not None:
        return str(digit)
    return "-" if unicodedata.category(letter) == "Pd" else letter


def _parse_international(digits: str) -> Parsed | None:
    """The number that *digits* are with their country code, perhaps after 00 and an operator's code."""
    rest = digits.removeprefix("00")
    found = _parse_valid(f"+{rest}")
    if found is None and rest != digits and _CARRIERS.match(rest):
        found = _parse_valid(f"+{rest[2:]}")
    return found


def _parse_national(plain: str, digits: str, text: str) -> Parsed | None:
    """The number of Brazil that *digits* are. Raises `Problem` when they may be another country's."""
    import phonenumbers
    from phonenumbers import PhoneNumberFormat, PhoneNumberType

    found = _parse_valid(digits, "BR")
    other = None if digits.startswith("0") else _parse_valid(f"+{digits}")
    if other is not None and other.country_code == _OWN_REGION:
        other = None
    if other is None:
        return found
    foreign = phonenumbers.format_number(other, PhoneNumberFormat.INTERNATIONAL)
    if found is None:
        raise Problem(ProblemCode.PHONE_FOREIGN, typed=text, foreign=foreign)
    if re.match(r"\s*\(\d\d\)", plain):
        return found
    mobile = phonenumbers.number_type(other) in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
    if len(str(found.national_number)) > len(digits):  # the ninth digit was missing
        is_ambiguous = True
    elif len(digits) == 11:
        is_ambiguous = mobile and tuple(map(len, re.findall(r"\d+", plain))) not in _BRAZILIAN_GROUPS
    else:
        is_ambiguous = mobile
    if is_ambiguous:
        brazilian = phonenumbers.format_number(found, PhoneNumberFormat.INTERNATIONAL)
        raise Problem(ProblemCode.PHONE_AMBIGUOUS, typed=text, brazilian=brazilian, foreign=foreign)
    return found


def _e164(number: Parsed | None, text: str) -> PhoneNumber:
    import phonenumbers

    if number is None:
        raise Problem(ProblemCode.PHONE_INVALID, typed=text)
    return PhoneNumber(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _parse_valid(digits: str, region: str | None = None) -> Parsed | None:
    """*digits* as a number that can exist, with what changed in its country's plan; None when it cannot."""
    import phonenumbers  # its tables take a moment to load, and only staff who add somebody need them

    digits = re.sub(r"^\+521(?=[2-9]\d{9}$)", "+52", digits)  # Mexico's mobiles lost the 1 in 2019
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        number = _with_ninth_digit(number)
    if number.country_code == _OWN_REGION and len(str(number.national_number)) < 10:
        return None  # the area code is missing; what is that short is a service of the operators
    return number if phonenumbers.is_valid_number(number) else None


def _with_ninth_digit(number: Parsed) -> Parsed:
    """Brazilian mobiles written as they were before 2016: eight digits after the area code, from 6 up."""
    import phonenumbers

    national = str(number.national_number)
    if number.country_code != _OWN_REGION or len(national) != 10 or national[2] < "6":
        return number
    return phonenumbers.PhoneNumber(country_code=_OWN_REGION, national_number=int(f"{national[:2]}9{national[2:]}"))


class MentoradoService:
    """All mentorados in memory. A change is stored with its audit entry first, then published."""

    def __init__(
        self, *, bus: EventBus, mentorado_repository: MentoradoRepository, clock: Clock, audit_service: AuditService
    ) -> None:
        self._bus = bus
        self._repository = mentorado_repository
        self._clock = clock
        self._audit_service = audit_service
        self._by_id: dict[MentoradoId, Mentorado] = {}
        self._beside: dict[LinkId, Link] = {}  # links that are not in use
        self._writing = asyncio.Lock()
        self._changed_elsewhere: list[tuple[Mentorado, Mentorado]] = []  # since `follow` was asked
        self._unarchive_checks: list[Callable[[Mentorado], Awaitable[None]]] = []

    async def load(self) -> None:
        """Load all mentorados from the database."""
        everybody = await self._repository.all()
        self._by_id = {mentorado.id: mentorado for mentorado in everybody}
        await self._load_beside()
        self._bus.publish(MentoradosLoaded(tuple(everybody)))

    async def follow(self) -> list[tuple[Mentorado, Mentorado]]:
        """Reload, and publish what another program changed; returns each changed mentorado before and after."""
        async with self._writing:
            await self._apply_stored()
            changed, self._changed_elsewhere = self._changed_elsewhere, []
            return changed

    async def _load_beside(self) -> None:
        links = await self._repository.links_beside()
        self._beside = {link.id: link for link in links if link.mentorado_id in self._by_id}

    async def _apply_stored(self) -> None:
        for now in await self._repository.all():
            before = self._by_id.get(now.id)
            if before is None:
                self._by_id[now.id] = now
                self._bus.publish(MentoradoAdded(now))
            elif before != now:
                self._changed_elsewhere.append((before, self._replace(now)))
        await self._load_beside()

    def name_of(self, mentorado_id: MentoradoId) -> str:
        """The name of a mentorado; the id of one that is not in this database any more."""
        found = self._by_id.get(mentorado_id)
        return mentorado_id if found is None else found.name

    def all(self) -> Iterable[Mentorado]:
        return tuple(self._by_id.values())

    def get(self, mentorado_id: MentoradoId, link_id: LinkId | None = None) -> Mentorado:
        """The mentorado as it is now, with the link in use or with *link_id*. Raises `Problem(MENTORADO_UNKNOWN)`."""
        if link_id is not None:
            return self.through(link_id)
        try:
            return self._by_id[mentorado_id]
        except KeyError:
            raise Problem(ProblemCode.MENTORADO_UNKNOWN, name=mentorado_id) from None

    def through(self, link_id: LinkId) -> Mentorado:
        """The mentorado of *link_id*, in use or beside, with that link. Raises `Problem(MENTORADO_UNKNOWN)`."""
        beside = self._beside.get(link_id)
        if beside is not None:
            return self.get(beside.mentorado_id).through(beside)
        found = next((each for each in self._by_id.values() if each.link.id == link_id), None)
        if found is None:
            raise Problem(ProblemCode.MENTORADO_UNKNOWN, name=link_id)
        return found

    def through_all(self) -> Iterable[Mentorado]:
        """Every mentorado once for each of their links, those in use first."""
        beside = (self.get(link.mentorado_id).through(link) for link in self._beside.values())
        return (*self._by_id.values(), *beside)

    def links_beside(self, mentorado_id: MentoradoId) -> Sequence[Link]:
        """The links of *mentorado_id* that are not in use: of former providers, and of those that were prepared."""
        return [link for link in self._beside.values() if link.mentorado_id == mentorado_id]

    def links_of(self, mentorado_id: MentoradoId) -> Sequence[Link]:
        """All links of *mentorado_id*, the one in use first."""
        return [self.get(mentorado_id).link, *self.links_beside(mentorado_id)]

    async def add(
        self, name: str, phone: str, cohort: str = "", *, provider: ProviderKind = ProviderKind.WHATSAPP_WEB
    ) -> Mentorado:
        """Add a mentorado. Raises `Problem` when the name is empty, or the number is none or is taken."""
        async with self._writing:
            mentorado_id = new_mentorado_id()
            mentorado = Mentorado(
                id=mentorado_id,
                name=checked_name(name),
                phone=await self._free_phone(phone),
                cohort=checked_cohort(cohort),
                created_at=self._clock.now(),
                link=Link(id=new_link_id(), mentorado_id=mentorado_id, provider=provider),
            )
            with self._audit_service.with_changes(AuditAction.ADD_MENTORADO, mentorado, after=_audit_values(mentorado)):
                await self._repository.add(mentorado)
            self._by_id[mentorado.id] = mentorado
        self._bus.publish(MentoradoAdded(mentorado))
        return mentorado

    async def edit(self, mentorado_id: MentoradoId, name: str, phone: str, cohort: str) -> Mentorado:
        """Edit a mentorado. An accepted other number is forgotten when the number changes."""
        async with self._writing:
            await self._apply_stored()  # what another program changed must not be written over
            before = self.get(mentorado_id)
            number = await self._free_phone(phone, besides=mentorado_id)
            link = before.link
            if number != before.phone and link.accepted_account is not None:
                link = replace(link, accepted_account=None)
            after = replace(before, name=checked_name(name), phone=number, cohort=checked_cohort(cohort), link=link)
            if after == before:
                return before
            was, now = _audit_changes(_audit_values(before), _audit_values(after))
            with self._audit_service.with_changes(AuditAction.EDIT_MENTORADO, after, before=was, after=now):
                await self._repository.save(after)
            return self._replace(after)

    async def archive(self, mentorado_id: MentoradoId, *, undo_import: bool = False) -> None:
        """Take a mentorado out of the list. Session files and history stay where they are.

        With *undo_import* the audit says that it is because their import was taken back.
        """
        action = AuditAction.UNDO_IMPORT if undo_import else ActionName.ARCHIVE
        async with self._writing:
            await self._apply_stored()
            before = self.get(mentorado_id)
            mentorado = replace(before, archived_at=self._clock.now())
            with self._audit_service.with_changes(action, before):
                await self._repository.save_mentorado(mentorado)
            self._replace(mentorado)

    def attach(self, check: Callable[[Mentorado], Awaitable[None]]) -> None:
        """Have *check* raise a `Problem` when who is archived must not come back."""
        self._unarchive_checks.append(check)

    async def unarchive(self, mentorado_id: MentoradoId) -> None:
        """Undo `archive`; raises `Problem` when the number or the provider's account is somebody else's by now."""
        async with self._writing:
            await self._apply_stored()
            before = self.get(mentorado_id)
            await self._free_phone(before.phone, besides=mentorado_id)
            if before.link.accepted_account is not None:
                await self._require_free(before.link.accepted_account, before.link)
            for check in self._unarchive_checks:
                await check(before)
            mentorado = replace(before, archived_at=None)
            with self._audit_service.with_changes(ActionName.BRING_BACK, before):
                await self._repository.save_mentorado(mentorado)
            self._replace(mentorado)

    def link_for(self, mentorado_id: MentoradoId, provider: ProviderKind) -> Link:
        """The link beside the one in use that goes through *provider*; a new one, not stored, where there is none."""
        known = (link for link in self.links_beside(mentorado_id) if link.provider is provider)
        new = Link(id=new_link_id(), mentorado_id=mentorado_id, provider=provider, in_use=False)
        return next(known, new)

    async def prepare_link(self, mentorado_id: MentoradoId, provider: ProviderKind) -> Link:
        """The link that `link_for` returns, stored. Audited when it is new."""
        async with self._writing:
            await self._load_beside()
            mentorado, link = self.get(mentorado_id), self.link_for(mentorado_id, provider)
            if link.id not in self._beside:
                after = {"provider": provider.value}
                with self._audit_service.with_changes(AuditAction.PREPARE_LINK, mentorado, after=after):
                    await self._repository.add_link(link)
                self._beside[link.id] = link
            return link

    async def put_in_use(self, link_id: LinkId) -> Mentorado:
        """Let *link_id* carry the messages of its mentorado; the link that did is kept beside it."""
        async with self._writing:
            link = self.through(link_id).link
            before = self.get(link.mentorado_id)
            if link.in_use:
                return before
            link = replace(link, in_use=True, enabled=link.enabled or before.link.enabled)
            await self._repository.put_in_use(link)
            former = replace(before.link, in_use=False)
            del self._beside[link.id]
            self._beside[former.id] = former
            return self._replace(replace(before, link=link))

    async def save_link(self, link: Link) -> Mentorado:
        """Store how a link is configured now; returns its mentorado with that link."""
        async with self._writing:
            before = self.through(link.id)
            if link == before.link:
                return before
            if link.accepted_account is not None and link.accepted_account != before.link.accepted_account:
                await self._require_free(link.accepted_account, link)
            await self._repository.save_link(link)
            after = replace(before, link=link)
            if link.in_use:
                return self._replace(after)
            self._beside[link.id] = link
            self._bus.publish(MentoradoChanged(self.get(after.id)))
            return after

    def find(self, name: str, *, archived: bool = False) -> Mentorado:
        """The one active mentorado called *name*, or whose number it is; with *archived*, an archived one is found as
        well, where nobody active is called so.

        Raises `Problem` when none or several are.
        """
        wanted, number = name.strip().casefold(), _number_in(name)
        found: list[Mentorado] = []
        for exactly in (True, False):
            for among in (False, True) if archived else (False,):
                everybody = [each for each in self._by_id.values() if each.archived is among]
                found = found or [each for each in everybody if _is_called(each, wanted, number, exactly)]
        if not found:
            raise Problem(ProblemCode.MENTORADO_UNKNOWN, name=name)
        if len(found) > 1:
            raise Problem(ProblemCode.MENTORADO_AMBIGUOUS, name=name, count=str(len(found)))
        return found[0]

    async def _require_free(self, number: PhoneNumber, link: Link) -> None:
        """Raises `Problem(ACCOUNT_TAKEN)`. Reads the database, too: a command may have added somebody meanwhile."""
        here = self.holder(number, link.id)
        holder = await self._repository.by_phone(number) if here is None else here
        if holder is not None and holder.id != link.mentorado_id:
            raise Problem(ProblemCode.ACCOUNT_TAKEN, name=holder.name)

    def _replace(self, mentorado: Mentorado) -> Mentorado:
        self._by_id[mentorado.id] = mentorado
        self._bus.publish(MentoradoChanged(mentorado))
        return mentorado

    async def _free_phone(self, typed: str, besides: MentoradoId | None = None) -> PhoneNumber:
        number = parse_phone(typed)
        holder = await self._repository.by_phone(number)
        if holder is None or holder.id == besides:
            holder = self._find_by_accepted_account(number, besides)
        if holder is not None:
            raise Problem(ProblemCode.PHONE_TAKEN, name=holder.name)
        return number

    def _find_by_accepted_account(self, number: PhoneNumber, besides: MentoradoId | None) -> Mentorado | None:
        """Who connects with *number*, although it is not the one that was typed for them."""
        for each in self._by_id.values():
            accepted = each.link.accepted_account
            if each.archived or each.id == besides or accepted is None:
                continue
            if same_account(accepted, number):
                return each
        return None

    def holder(self, number: PhoneNumber, besides: LinkId) -> Mentorado | None:
        """Whose WhatsApp number *number* is, of everybody who is not archived, but for whoever has the link *besides*.

        Somebody whose link is expected to have it, or signed in with it last.
        """
        owner = next((each.id for each in self.through_all() if each.link.id == besides), None)
        others = [each for each in self._by_id.values() if each.id != owner and not each.archived]
        numbers = ((each, {each.expected_account, each.phone}) for each in others)
        expecting = (each for each, theirs in numbers if any(same_account(one, number) for one in theirs))
        signed_in = (each for each in others if each.link.account and same_account(each.link.account, number))
        return next(expecting, None) or next(signed_in, None)


def _audit_values(mentorado: Mentorado) -> dict[str, str]:
    """As the audit has it."""
    known = {"name": mentorado.name, "phone": masked(mentorado.phone), "cohort": mentorado.cohort}
    return {key: value for key, value in known.items() if value} | {"provider": mentorado.link.provider.value}


def _audit_changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The changed fields, before and after. Two masked numbers may look the same."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)] or ["phone"]
    return {name: before.get(name, "") for name in names}, {name: after.get(name, "") for name in names}


def _number_in(typed: str) -> PhoneNumber | None:
    """The number that was *typed* in place of a name, in any spelling."""
    if sum(map(str.isdigit, typed)) < 8:
        return None
    try:
        return parse_phone(typed)
    except Problem:
        return None


def _is_called(person: Mentorado, wanted: str, number: PhoneNumber | None, exactly: bool) -> bool:
    if not exactly:
        return bool(wanted) and wanted in person.name.casefold()
    has_number = number is not None and same_account(person.phone, number)
    return has_number or wanted in (person.name.casefold(), person.phone, person.id)
