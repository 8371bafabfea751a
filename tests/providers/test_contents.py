"""The words of everything that can be said: none of them is kept nowhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.messages import MessageKind
from app.providers.contents import name_on, numbers_on
from tests.providers.whatsapp_web.test_message_mapping import KEY, fill, message

_K = MessageKind

CARD = "BEGIN:VCARD\nVERSION:3.0\nFN:Caio Reis\nitem1.TEL;waid=5531987650002:+55 31 98765-0002\nEND:VCARD"
ORDER = json.dumps(
    {
        "currency": "BRL",
        "total_amount": {"value": 9980, "offset": 100},
        "order": {"items": [{"name": "Mentoria", "quantity": 2, "amount": {"value": 4990, "offset": 100}}]},
        "payment_settings": [{"pix_static_code": {"key": "caio@example.com", "merchant_name": "Caio Reis"}}],
    }
)
CHOICE = json.dumps({"title": "Horários", "sections": [{"title": "Manhã", "rows": [{"title": "9h", "id": "1"}]}]})
LOW = 49_900  # of which a thousand make one

WORDS: list[tuple[dict[str, Any], MessageKind, str]] = [
    # money
    ({"sendPaymentMessage": {"noteMessage": {"conversation": "aluguel"}}}, _K.PAYMENT, "aluguel"),
    (
        {
            "requestPaymentMessage": {
                "amount": {"value": 4990, "offset": 100, "currencyCode": "BRL"},
                "noteMessage": {"extendedTextMessage": {"text": "mentoria"}},
            }
        },
        _K.PAYMENT,
        "BRL 49.90\nmentoria",
    ),
    ({"requestPaymentMessage": {"amount1000": LOW, "currencyCodeIso4217": "BRL"}}, _K.PAYMENT, "BRL 49.90"),
    ({"requestPaymentMessage": {"amount": {"value": 12345, "offset": 1000}}}, _K.PAYMENT, "12.345"),
    ({"requestPaymentMessage": {"amount": {"value": 7, "currencyCode": "JPY"}}}, _K.PAYMENT, "JPY 7.00"),
    ({"declinePaymentRequestMessage": KEY}, _K.PAYMENT, "✗"),
    ({"cancelPaymentRequestMessage": KEY}, _K.PAYMENT, "✗"),
    ({"paymentInviteMessage": {"serviceType": 1}}, _K.PAYMENT, ""),
    ({"invoiceMessage": {"note": "parcela 2", "attachmentMimetype": "application/pdf"}}, _K.PAYMENT, "parcela 2"),
    ({"paymentReminderMessage": {"description": "parcela 3", "amount": {"value": 5}}}, _K.PAYMENT, "5.00\nparcela 3"),
    ({"splitPaymentMessage": {"description": "almoço", "totalAmount": {"value": 9}}}, _K.PAYMENT, "9.00\nalmoço"),
    (
        {"orderMessage": {"orderTitle": "Loja", "message": "dois", "totalAmount1000": LOW, "totalCurrencyCode": "BRL"}},
        _K.PAYMENT,
        "Loja\ndois\nBRL 49.90",
    ),
    (
        {
            "productMessage": {
                "product": {"title": "Livro", "priceAmount1000": LOW, "currencyCode": "BRL"},
                "body": "leia",
            }
        },
        _K.OTHER,
        "Livro\nBRL 49.90\nleia",
    ),
    # what is said about something else
    (
        {"commentMessage": {"message": {"conversation": "concordo"}, "targetMessageKey": KEY["key"]}},
        _K.TEXT,
        "concordo",
    ),
    ({"questionResponseMessage": {**KEY, "text": "às nove"}}, _K.TEXT, "às nove"),
    ({"statusQuestionAnswerMessage": {**KEY, "text": "azul"}}, _K.TEXT, "azul"),
    ({"questionMessage": {"message": {"conversation": "que horas?"}}}, _K.TEXT, "que horas?"),
    ({"questionReplyMessage": {"message": {"conversation": "às dez"}}}, _K.TEXT, "às dez"),
    ({"pollAddOptionMessage": {"addOption": {"optionName": "qua"}}}, _K.POLL, "- qua"),
    (
        {"pollResultSnapshotMessage": {"name": "Quando?", "pollVotes": [{"optionName": "seg", "optionVoteCount": 3}]}},
        _K.POLL,
        "Quando?\n- seg: 3",
    ),
    # people, and what is planned with them
    ({"contactMessage": {"displayName": "Caio", "vcard": CARD}}, _K.CONTACT, "Caio\n+55 31 98765-0002"),
    ({"contactMessage": {"vcard": CARD}}, _K.CONTACT, "Caio Reis\n+55 31 98765-0002"),
    (
        {"contactsArrayMessage": {"contacts": [{"displayName": "Caio", "vcard": CARD}, {"displayName": "Dora"}]}},
        _K.CONTACT,
        "Caio · +55 31 98765-0002\nDora",
    ),
    (
        {"eventMessage": {"name": "Aula", "isCanceled": True, "startTime": 1795000000, "location": {"name": "Sé"}}},
        _K.EVENT,
        "✗ Aula\n2026-11-18 11:06 UTC\nSé (0.000000, 0.000000)",
    ),
    ({"eventInviteMessage": {"eventTitle": "Aula", "caption": "venha"}}, _K.EVENT, "Aula\nvenha"),
    (
        {"scheduledCallCreationMessage": {"title": "Conversa", "scheduledTimestampMS": 1795000000000}},
        _K.EVENT,
        "Conversa\n2026-11-18 11:06 UTC",
    ),
    ({"stickerPackMessage": {"name": "Gatos", "publisher": "Ana", "caption": "olha"}}, _K.STICKER, "Gatos\nAna\nolha"),
    ({"groupInviteMessage": {"groupName": "Turma", "caption": "entre"}}, _K.OTHER, "Turma\nentre"),
    ({"newsletterAdminInviteMessage": {"newsletterName": "Canal", "caption": "ajude"}}, _K.OTHER, "Canal\najude"),
    # what businesses send
    (
        {
            "buttonsMessage": {
                "text": "Aviso",
                "contentText": "Confirma?",
                "footerText": "Até sexta",
                "buttons": [{"buttonText": {"displayText": "Sim"}}, {"buttonText": {"displayText": "Não"}}],
            }
        },
        _K.TEXT,
        "Aviso\nConfirma?\nAté sexta\n[Sim]\n[Não]",
    ),
    ({"buttonsMessage": {"imageMessage": {"caption": "mapa"}, "contentText": "aqui"}}, _K.IMAGE, "mapa\naqui"),
    (
        {
            "listMessage": {
                "title": "Planos",
                "description": "Escolha um",
                "buttonText": "Ver",
                "sections": [
                    {"title": "Mensais", "rows": [{"title": "Ouro", "description": "R$ 90"}, {"title": "Prata"}]}
                ],
            }
        },
        _K.TEXT,
        "Planos\nEscolha um\nMensais\n- Ouro: R$ 90\n- Prata\n[Ver]",
    ),
    (
        {
            "templateMessage": {
                "hydratedFourRowTemplate": {
                    "hydratedTitleText": "Lembrete",
                    "hydratedContentText": "Sua aula",
                    "hydratedFooterText": "Equipe",
                    "hydratedButtons": [
                        {"quickReplyButton": {"displayText": "Ok"}},
                        {"urlButton": {"displayText": "Abrir", "URL": "https://example.com"}},
                        {"callButton": {"displayText": "Ligar", "phoneNumber": "+551140028922"}},
                        {"index": 4},
                    ],
                }
            }
        },
        _K.TEXT,
        "Lembrete\nSua aula\nEquipe\n[Ok]\n[Abrir https://example.com]\n[Ligar +551140028922]",
    ),
    (
        {
            "templateMessage": {
                "hydratedTemplate": {"documentMessage": {"title": "a.pdf"}, "hydratedContentText": "leia"}
            }
        },
        _K.DOCUMENT,
        "leia",
    ),
    (
        {"templateMessage": {"interactiveMessageTemplate": {"header": {"title": "Oi"}, "body": {"text": "tudo bem?"}}}},
        _K.TEXT,
        "Oi\ntudo bem?",
    ),
    ({"templateMessage": {"fourRowTemplate": {"content": {"elementName": "boas_vindas"}}}}, _K.TEXT, "boas_vindas"),
    ({"highlyStructuredMessage": {"elementName": "aviso"}}, _K.TEXT, "aviso"),
    ({"highlyStructuredMessage": {"localizableParams": [{"default": "9h"}]}}, _K.TEXT, "9h"),
    (
        {"highlyStructuredMessage": {"hydratedHsm": {"hydratedTemplate": {"hydratedContentText": "Olá, Ana"}}}},
        _K.TEXT,
        "Olá, Ana",
    ),
    (
        {
            "interactiveMessage": {
                "header": {"title": "Agenda", "subtitle": "de maio"},
                "body": {"text": "Escolha"},
                "footer": {"text": "Equipe"},
                "nativeFlowMessage": {
                    "buttons": [
                        {"name": "quick_reply", "buttonParamsJSON": '{"display_text": "Sim", "id": "1"}'},
                        {"name": "single_select", "buttonParamsJSON": CHOICE},
                        {"name": "broken", "buttonParamsJSON": "{não"},
                        {"name": "empty"},
                    ]
                },
            }
        },
        _K.TEXT,
        "Agenda\nde maio\nEscolha\nEquipe\n[Sim]\n[Horários]\nManhã\n- 9h\n[{não]",
    ),
    (
        {
            "interactiveMessage": {
                "header": {"imageMessage": {"caption": ""}},
                "nativeFlowMessage": {"buttons": [{"name": "review_and_pay", "buttonParamsJSON": ORDER}]},
            }
        },
        _K.PAYMENT,
        "- 2 × Mentoria BRL 49.90\nBRL 99.80\nPix: caio@example.com\nCaio Reis",
    ),
    (
        {
            "interactiveMessage": {
                "header": {"productMessage": {"product": {"title": "Livro"}}},
                "carouselMessage": {"cards": [{"body": {"text": "um"}}, {"body": {"text": "dois"}}]},
            }
        },
        _K.TEXT,
        "Livro\num\ndois",
    ),
    # and what is chosen of it
    ({"buttonsResponseMessage": {"selectedButtonID": "sim-1"}}, _K.TEXT, "sim-1"),
    ({"listResponseMessage": {"title": "Ouro", "description": "R$ 90"}}, _K.TEXT, "Ouro\nR$ 90"),
    ({"listResponseMessage": {"singleSelectReply": {"selectedRowID": "ouro"}}}, _K.TEXT, "ouro"),
    ({"templateButtonReplyMessage": {"selectedID": "ok"}}, _K.TEXT, "ok"),
    (
        {
            "interactiveResponseMessage": {
                "body": {"text": "Enviado"},
                "nativeFlowResponseMessage": {
                    "paramsJSON": '{"flow_token": "t", "dias": ["seg", "ter"], "x": null, "fim": {"h": 9}}'
                },
            }
        },
        _K.TEXT,
        "Enviado\ndias: seg\ndias: ter\nfim.h: 9",
    ),
    ({"interactiveResponseMessage": {"nativeFlowResponseMessage": {"paramsJSON": "solto"}}}, _K.TEXT, "solto"),
    ({"richResponseMessage": {"submessages": [{"messageText": "resposta"}]}}, _K.TEXT, "resposta"),
    # and what has no reader here
    ({"extendedTextMessage": {"text": "oi"}, "musicMessage": {"songUri": "x"}}, _K.TEXT, "oi"),
    ({"chat": {"displayName": "x"}}, _K.OTHER, ""),
]


@pytest.mark.parametrize(("content", "kind", "text"), WORDS)
def test_no_words_are_lost(content: dict[str, Any], kind: MessageKind, text: str) -> None:
    incoming = message(fill(**content))
    assert (incoming.kind, incoming.text) == (kind, text)


@pytest.mark.parametrize(
    "content",
    [
        {"commentMessage": {"message": {"conversation": "concordo"}, "targetMessageKey": KEY["key"]}},
        {"questionResponseMessage": {**KEY, "text": "às nove"}},
        {"sendPaymentMessage": {"requestMessageKey": KEY["key"]}},
        {"declinePaymentRequestMessage": KEY},
        {"pollAddOptionMessage": {"pollCreationMessageKey": KEY["key"]}},
        {"encEventResponseMessage": {"eventCreationMessageKey": KEY["key"]}},
        {"encCommentMessage": {"targetMessageKey": KEY["key"]}},
        {"listResponseMessage": {"title": "Ouro", "contextInfo": {"stanzaID": "TARGET"}}},
        {"interactiveResponseMessage": {"contextInfo": {"stanzaID": "TARGET"}}},
        {"templateMessage": {"hydratedTemplate": {"templateID": "1"}, "contextInfo": {"stanzaID": "TARGET"}}},
    ],
)
def test_what_answers_something_refers_to_it(content: dict[str, Any]) -> None:
    assert message(fill(**content)).refers_to == "TARGET"


def test_a_content_without_a_reader_keeps_the_words_of_its_fields() -> None:
    value = fill(requestPhoneNumberMessage={}, statusNotificationMessage={})
    assert message(value).text == ""
    invitation = fill(bcallMessage={"caption": "ao vivo"})
    assert (message(invitation).kind, message(invitation).text) == (_K.OTHER, "ao vivo")


@pytest.mark.parametrize(
    ("card", "numbers"),
    [
        ("TEL:+55 31 98765-0002", ["+55 31 98765-0002"]),
        ("TEL;TYPE=CELL,VOICE:031987650002\r\nTEL;TYPE=WORK:3133334444", ["031987650002", "3133334444"]),
        ("item2.TEL;waid=5531987650002:", ["+5531987650002"]),
        ("tel;value=uri:tel:+55-31-98765-0002", ["+55-31-98765-0002"]),
        ("TEL;TYPE=CELL:+55 31\n  98765-0002", ["+55 31 98765-0002"]),
        ("TEL:1\nTEL:1", ["1"]),
        ("TEL:\nTEL", []),
        ("NOTE:TEL +55\nX-TEL:1", []),
        ("", []),
    ],
)
def test_numbers_on_a_card_are_read_as_they_are_written(card: str, numbers: list[str]) -> None:
    assert numbers_on(card) == numbers


@given(st.text(alphabet="TELFN;:=+0123456789\r\n .item-waid", max_size=200))
def test_no_card_stops_anything(card: str) -> None:
    assert len(numbers_on(card)) <= 20
    assert isinstance(name_on(card), str)


@given(st.binary(max_size=200))
def test_no_parameters_of_a_button_stop_anything(raw: bytes) -> None:
    text = raw.decode(errors="replace").replace("\x00", "")
    button = {"name": "single_select", "buttonParamsJSON": text}
    answer = {"nativeFlowResponseMessage": {"paramsJSON": text}}
    assert message(fill(interactiveMessage={"nativeFlowMessage": {"buttons": [button]}})).kind is _K.TEXT
    assert message(fill(interactiveResponseMessage=answer)).kind is _K.TEXT


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["sections", "rows", "order", "items", "amount", "value", "offset", "payment_settings", "title"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(_JSON)
def test_no_shape_of_parameters_stops_anything(value: object) -> None:
    button = {"name": "review_and_pay", "buttonParamsJSON": json.dumps(value)}
    shown = message(fill(interactiveMessage={"nativeFlowMessage": {"buttons": [button]}}))
    assert shown.kind is _K.PAYMENT
