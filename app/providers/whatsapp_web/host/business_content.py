"""What businesses send, and what people choose of it: shown as the text that it is on the phone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from app.domain.messages import MessageKind
from app.providers.contents import joined, list_of_dicts
from app.providers.whatsapp_web.host.message_parts import (
    TEXT_LIMIT,
    MessageContent,
    amount,
    file_reader,
    location,
    quoted,
)

_K = MessageKind


def order(message: Any) -> MessageContent:
    total = amount(message.totalAmount1000, 1000, message.totalCurrencyCode)
    return MessageContent(
        kind=_K.PAYMENT, text=joined(message.orderTitle, message.message, total), refers_to=quoted(message)
    )


def _product_words(message: Any) -> str:
    product = message.product
    price = amount(product.salePriceAmount1000 or product.priceAmount1000, 1000, product.currencyCode)
    return joined(product.title, product.description, price, message.body, message.footer, product.URL)


def product(message: Any) -> MessageContent:
    return MessageContent(kind=_K.OTHER, text=_product_words(message), refers_to=quoted(message))


def _choices(labels: Iterable[str]) -> Iterator[str]:
    return (f"[{label}]" for label in labels if label)


def _headed(message: Any, text: str, header: Any) -> MessageContent:
    """*text* below the file or the place that *header* shows."""
    for name, value in header.ListFields():
        if name.name in _HEADERS:
            above = _HEADERS[name.name](value)
            return replace(above, text=joined(above.text, text), refers_to=quoted(message))
    return MessageContent(kind=_K.TEXT, text=text, refers_to=quoted(message))


_HEADERS: Final[Mapping[str, Callable[[Any], MessageContent]]] = MappingProxyType(
    {
        "documentMessage": file_reader(_K.DOCUMENT),
        "imageMessage": file_reader(_K.IMAGE),
        "videoMessage": file_reader(_K.VIDEO),
        "locationMessage": location,
    }
)


def buttons(message: Any) -> MessageContent:
    labels = (
        button.buttonText.displayText or _parameters(button.nativeFlowInfo.paramsJSON) for button in message.buttons
    )
    return _headed(message, joined(message.text, message.contentText, message.footerText, *_choices(labels)), message)


def choice_list(message: Any) -> MessageContent:
    lines = []
    for section in message.sections:
        lines.append(section.title)
        lines += (f"- {joined(row.title, row.description, between=': ')}" for row in section.rows)
    text = joined(message.title, message.description, *lines, message.footerText, *_choices([message.buttonText]))
    return MessageContent(kind=_K.TEXT, text=text, refers_to=quoted(message))


def chosen(*names: str, otherwise: str) -> Callable[[Any], MessageContent]:
    """Reads what was chosen: its words, or its id where there are none."""

    def read(message: Any) -> MessageContent:
        text = joined(*(getattr(message, name) for name in names))
        value = message
        for name in otherwise.split("."):
            value = getattr(value, name)
        return MessageContent(kind=_K.TEXT, text=text or str(value), refers_to=quoted(message))

    return read


def template(message: Any) -> MessageContent:
    if message.HasField("interactiveMessageTemplate"):
        return replace(interactive(message.interactiveMessageTemplate), refers_to=quoted(message))
    for name in ("hydratedTemplate", "hydratedFourRowTemplate"):
        if message.HasField(name):
            filled = getattr(message, name)
            labels = (_label(button) for button in filled.hydratedButtons)
            words = (filled.hydratedTitleText, filled.hydratedContentText, filled.hydratedFooterText)
            return replace(_headed(filled, joined(*words, *_choices(labels)), filled), refers_to=quoted(message))
    raw = message.fourRowTemplate
    return MessageContent(kind=_K.TEXT, text=joined(structured(raw.content), structured(raw.footer)))


def _label(button: Any) -> str:
    for name in ("quickReplyButton", "urlButton", "callButton"):
        if button.HasField(name):
            pressed = getattr(button, name)
            return joined(
                pressed.displayText, *(getattr(pressed, to, "") for to in ("URL", "phoneNumber")), between=" "
            )
    return ""


def structured(message: Any) -> str:
    """A template by its name, with what fills its gaps."""
    if message.HasField("hydratedHsm"):
        return template(message.hydratedHsm).text
    gaps = list(message.params) or [each.default for each in message.localizableParams]
    return joined(message.elementName, *gaps)


def interactive(message: Any) -> MessageContent:
    """Words between a header and a footer, above buttons, lists or further cards."""
    header, flow = message.header, list(message.nativeFlowMessage.buttons)
    kind = _K.PAYMENT if any(button.name in _PAYING for button in flow) else _K.TEXT
    text = joined(
        header.title,
        header.subtitle,
        _product_words(header.productMessage) if header.HasField("productMessage") else "",
        message.body.text,
        message.footer.text,
        *(_parameters(button.buttonParamsJSON) for button in flow),
        *(interactive(card).text for card in message.carouselMessage.cards),
    )
    shown = _headed(message, text, header)
    return replace(shown, kind=kind) if kind is _K.PAYMENT else shown


_PAYING: Final = frozenset({"payment_info", "review_and_pay", "payment_status", "payment_method", "review_order"})
"""Buttons that ask for money (native flows: documented for Brazil's Pix and order details)."""


def interactive_answer(message: Any) -> MessageContent:
    """The words of a choice, and the answers of a form that was filled in."""
    answers = _answers(_json(message.nativeFlowResponseMessage.paramsJSON))
    return MessageContent(kind=_K.TEXT, text=joined(message.body.text, *answers), refers_to=quoted(message))


_NOBODY_S_WORDS: Final = frozenset({"flow_token", "wa_flow_response_params"})


def _answers(answers: object, name: str = "", depth: int = 0) -> Iterator[str]:
    """``name: value`` for each plain value."""
    if depth > 6:
        return
    if isinstance(answers, dict):
        for key, value in answers.items():
            if key not in _NOBODY_S_WORDS:
                yield from _answers(value, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(answers, list):
        for value in answers:
            yield from _answers(value, name, depth + 1)
    elif answers not in (None, ""):
        yield f"{name}: {answers}"[:TEXT_LIMIT] if name else str(answers)[:TEXT_LIMIT]


def _json(text: str) -> object:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return text  # kept as it came


def _parameters(text: str) -> str:
    """What a button of a native flow shows: its label, the rows of its list, the order and the key to pay to."""
    fields = _json(text)
    if not isinstance(fields, dict):
        return joined(*_choices([str(fields or "")]))
    label = joined(
        *(_text(fields.get(name)) for name in ("display_text", "title", "url", "copy_code", "phone_number")),
        between=" ",
    )
    lines = [*_choices([label]), *_rows(fields)]
    order = fields.get("order")
    for item in list_of_dicts(order.get("items")) if isinstance(order, dict) else ():
        price = _parts(item.get("amount"), _text(fields.get("currency")))
        lines.append(f"- {joined(_count(item.get('quantity')), _text(item.get('name')), price, between=' ')}")
    lines.append(_parts(fields.get("total_amount"), _text(fields.get("currency"))))
    for way in list_of_dicts(fields.get("payment_settings")):
        lines += (_pix(pix) for pix in way.values() if isinstance(pix, dict))
    return joined(*lines, _text(fields.get("additional_note")))


def _rows(fields: Mapping[str, Any]) -> Iterator[str]:
    for section in list_of_dicts(fields.get("sections")):
        yield _text(section.get("title"))
        for row in list_of_dicts(section.get("rows")):
            yield f"- {joined(_text(row.get('title')), _text(row.get('description')), between=': ')}"


def _pix(fields: Mapping[str, Any]) -> str:
    key = _text(fields.get("key")) or _text(fields.get("code"))
    return joined(f"Pix: {key}" if key else "", _text(fields.get("merchant_name")))


def _parts(fields: object, currency: str) -> str:
    return amount(fields.get("value"), fields.get("offset"), currency) if isinstance(fields, dict) else ""


def _count(value: object) -> str:
    return f"{value} ×" if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9 else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def rich_response(message: Any) -> MessageContent:
    return MessageContent(
        kind=_K.TEXT, text=joined(*(each.messageText for each in message.submessages)), refers_to=quoted(message)
    )
