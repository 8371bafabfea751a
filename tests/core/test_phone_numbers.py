"""Numbers as people write them: what is surely one is taken, and what may be somebody else's is asked about."""

from __future__ import annotations

import pytest

from app.core.mentorado_service import is_landline, parse_phone
from app.domain.errors import Problem, ProblemCode
from app.domain.phone import PhoneNumber


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("(11) 9999-8888", "+5511999998888"),  # written before the ninth digit
        ("+55 11 3333-4444", "+551133334444"),  # a landline keeps its form
        ("005511900000001", "+5511900000001"),  # dialled from abroad
        ("0055 (11) 90000-0002", "+5511900000002"),
        ("00 55 11 90000-0003", "+5511900000003"),
        ("5511900000004", "+5511900000004"),
        ("'+5511900000006", "+5511900000006"),  # kept from being an amount
        ('="5511900000007"', "+5511900000007"),
        ("11900000008.0", "+5511900000008"),
        ("011 90000-0009", "+5511900000009"),
        ("0xx11 90000-0010", "+5511900000010"),
        ("(0**11) 90000-0011", "+5511900000011"),
        ("0 15 11 90000-0012", "+5511900000012"),
        ("55 99999-0013", "+5555999990013"),  # area code 55
        ("\u202a+55 11 90000\u20110014\u202c", "+5511900000014"),  # copied out of WhatsApp
        ("Cel.: 11 90000-0015", "+5511900000015"),
        ("https://wa.me/5511900000016?text=oi", "+5511900000016"),
        ("https://api.whatsapp.com/send?phone=5511900000017&text=oi", "+5511900000017"),
        ("+55 (0)11 90000-0018", "+5511900000018"),
        ("\uff15\uff15\uff11\uff11\uff19\uff10\uff10\uff10\uff10\uff10\uff10\uff11\uff19", "+5511900000019"),
        ("0800 123 4567", "+558001234567"),
        ("+52 1 55 0000 0001", "+525500000001"),
        ("+52 55 0000 0001", "+525500000001"),
        ("0052 1 55 0000 0001", "+525500000001"),
        ("+54 9 11 2345 6789", "+5491123456789"),
        ("+54 11 15 2345 6789", "+5491123456789"),
        ("+47 912 34 567", "+4791234567"),
        ("0015 47 912 34 567", "+4791234567"),  # with the code of a Brazilian operator
        ("(47) 9123-4567", "+5547991234567"),  # an area code in brackets is Brazilian
        ("047 9123-4567", "+5547991234567"),
        ("5547 9123-4567", "+5547991234567"),
        ("(45) 3333-4444", "+554533334444"),
        ("47 99123-4567", "+5547991234567"),
        ("51 91234-5678", "+5551912345678"),
        ("51912345678", "+5551912345678"),
        ("11 987 654 321", "+5511987654321"),
    ],
)
def test_what_is_surely_a_number_is_taken(typed: str, number: str) -> None:
    assert parse_phone(typed) == number


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", ProblemCode.PHONE_MISSING),
        (" ", ProblemCode.PHONE_MISSING),
        ("+55 11 2999", ProblemCode.PHONE_INVALID),
        ("(20) 7123-4567", ProblemCode.PHONE_INVALID),
        ("+1 555", ProblemCode.PHONE_INVALID),
        ("900000015", ProblemCode.PHONE_INVALID),  # no area code
        ("190", ProblemCode.PHONE_INVALID),
        ("+", ProblemCode.PHONE_INVALID),
        ("0021 98765-4321", ProblemCode.PHONE_INVALID),
        ("5,51E+12", ProblemCode.PHONE_SHORTENED),  # its digits are lost
        ("+55 11 98765 4321 5", ProblemCode.PHONE_INVALID),
        ("11 9FLOWERS", ProblemCode.PHONE_INVALID),  # letters are not dialled
        ("5.51199E+12", ProblemCode.PHONE_SHORTENED),
        ("(11) 90000-0024 (mãe)", ProblemCode.PHONE_WORDS),
        ("Mãe: 11 90000-0024", ProblemCode.PHONE_WORDS),
        ("11 98765-4321 ramal 2", ProblemCode.PHONE_WORDS),
        ("(11) 90000-0022 / (11) 90000-0023", ProblemCode.PHONE_SEVERAL),
        ("11 90000-0022 ou 11 90000-0023", ProblemCode.PHONE_SEVERAL),
        ("47 912 34 567", ProblemCode.PHONE_AMBIGUOUS),  # Norway
        ("4791234567", ProblemCode.PHONE_AMBIGUOUS),
        ("6591234567", ProblemCode.PHONE_AMBIGUOUS),  # Singapore
        ("45 21 23 45 67", ProblemCode.PHONE_AMBIGUOUS),  # Denmark
        ("45 3333-4444", ProblemCode.PHONE_AMBIGUOUS),
        ("51 912 345 678", ProblemCode.PHONE_AMBIGUOUS),  # Peru, by its groups
        ("7 991 234-56-78", ProblemCode.PHONE_AMBIGUOUS),  # Russia
        ("351 912 345 678", ProblemCode.PHONE_FOREIGN),
        ("5215500000001", ProblemCode.PHONE_FOREIGN),
        ("14155552671", ProblemCode.PHONE_FOREIGN),
    ],
)
def test_what_may_be_no_number_or_another_persons_is_refused_with_a_sentence(typed: str, code: ProblemCode) -> None:
    with pytest.raises(Problem) as caught:
        parse_phone(typed)
    assert caught.value.code is code


def test_the_forms_that_a_refusal_offers_are_taken() -> None:
    for typed in ("47 912 34 567", "65 9123 4567", "45 3333-4444", "351 912 345 678"):
        with pytest.raises(Problem) as caught:
            parse_phone(typed)
        for offered in ("brazilian", "foreign"):
            if number := caught.value.context.get(offered):
                assert parse_phone(number).startswith(number.split()[0])


@pytest.mark.parametrize(
    ("number", "landline"),
    [("+551133334444", True), ("+5511987654321", False), ("+4533334444", False), ("+558001234567", False)],
)
def test_a_landline_of_brazil_is_recognised(number: str, landline: bool) -> None:
    assert is_landline(PhoneNumber(number)) is landline
