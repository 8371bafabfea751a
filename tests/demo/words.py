"""What the demo's phone says, in the language the window speaks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.text.status import texts

_PORTUGUESE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "title": "Celular da demonstração",
        "about": "Faz o papel dos celulares e da rede. Nada aqui chega ao WhatsApp de verdade.",
        "scan": "Ler o código na tela",
        "stranger": "Outra pessoa lê o código",
        "log_out": "Sair da conta no celular",
        "suspend": "Suspender por uma hora",
        "network": "Derrubar a rede por 10 s",
        "hint": "Conecte alguém na janela do Conecta e leia o código daqui.",
        "no_code": "Não há código na tela. Escolha alguém e peça para conectar.",
        "nobody": "Escolha na lista alguém que esteja conectado.",
        "scanned": "O celular de {name} leu o código.",
        "scanned_stranger": "Um celular de outro número leu o código.",
        "logged_out": "{name} saiu da conta no celular.",
        "suspended": "O WhatsApp suspendeu o número de {name}.",
        "network_down": "A rede caiu. Volta em 10 s.",
        "network_up": "A rede voltou.",
        "failed": "Não deu certo: {why}",
    }
)
_ENGLISH: Final[Mapping[str, str]] = MappingProxyType(
    {
        "title": "The demo's phone",
        "about": "Plays the phones and the network. Nothing here reaches the real WhatsApp.",
        "scan": "Scan the code shown",
        "stranger": "Somebody else's phone scans",
        "log_out": "Log out on the phone",
        "suspend": "Suspend for an hour",
        "network": "Drop the network for 10 s",
        "hint": "Connect somebody in Conecta's window, and scan the code from here.",
        "no_code": "There is no code on the screen. Choose somebody and ask to connect.",
        "nobody": "Choose somebody in the list who is connected.",
        "scanned": "{name}'s phone scanned the code.",
        "scanned_stranger": "A phone of another number scanned the code.",
        "logged_out": "{name} logged out on the phone.",
        "suspended": "WhatsApp suspended the number of {name}.",
        "network_down": "The network is down. It comes back in 10 s.",
        "network_up": "The network is back.",
        "failed": "That did not work: {why}",
    }
)


def say(key: str, **known: str) -> str:
    words = _PORTUGUESE if texts.language == "pt-BR" else _ENGLISH
    return words[key].format_map(known)
