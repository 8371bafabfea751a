"""The engine's own Python client in a process of its own, doing what it is told line by line.

``python -m … DIRECTORY SESSION_FILE`` writes JSON lines: codes to scan, login statuses, events, and answers to the
JSON lines it reads: ``{"do": "send", "to": …, "text": …}``, ``{"do": "code", "phone": …}``, ``{"do": "logout"}``.
It never ends by itself in good order, because the client cannot; it is to be killed, or its input closed.
"""

import ctypes
import json
import os
import sys
import threading
import types
from pathlib import Path
from typing import Any, Final

from tests.emulators.whatsapp_web.session_host import trust_emulator

# Three quarters of the client's start is spent importing these, for stickers, previews and media that no test sends.
_UNUSED: Final = (
    *("PIL", "PIL.Image", "PIL.ImageSequence", "bs4", "httpx", "linkpreview", "magic", "phonenumbers", "requests"),
    *("segno", "tqdm"),
)


class _AnyName(type):
    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls


class _Anything(metaclass=_AnyName):
    """Whatever somebody imports from a module that is left out."""


class _LeftOut(types.ModuleType):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__ = []  # a package, so that what is inside it is looked for here

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Anything


def main(directory: Path, session: Path) -> None:
    """Connect, report, obey."""
    output = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # the client prints to standard output
    lock = threading.Lock()

    def say(**what: Any) -> None:
        with lock:
            output.write(json.dumps(what).encode() + b"\n")

    sys.modules.update({name: _LeftOut(name) for name in _UNUSED})
    trust_emulator(directory)
    client = _client(session, say)
    threading.Thread(target=_connect, args=(client, say), daemon=True).start()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            say(answer=request["do"], **_obey(client, request))
        except Exception as error:  # noqa: BLE001 - the test should read it
            say(answer=request["do"], error=str(error))
    os._exit(0)


def _client(session: Path, say: Any) -> Any:
    from neonize import events
    from neonize.client import NewClient

    class Client(NewClient):  # type: ignore[misc]
        """Tells the statuses of a login, which the engine's client throws away."""

        def _NewClient__onLoginStatus(self, _uuid: int, status: int) -> None:  # noqa: N802 - its name, mangled
            say(status=ctypes.string_at(status).decode())

    client = Client(str(session))
    client.qr(lambda _client, text: say(qr=text.decode()))
    for name in (
        *("Connected", "Disconnected", "LoggedOut", "StreamReplaced", "StreamError", "TemporaryBan"),
        *("ClientOutdated", "ConnectFailure", "PairStatus", "KeepAliveTimeout", "KeepAliveRestored"),
    ):
        client.event(getattr(events, f"{name}Ev"))(lambda _client, event, name=name: say(event=name, detail=str(event)))
    client.event(events.MessageEv)(lambda _client, event: say(**_message(event)))
    client.event(events.ReceiptEv)(
        lambda _client, event: say(event="Receipt", ids=list(event.MessageIDs), kind=int(event.Type))
    )
    return client


def _message(event: Any) -> dict[str, str]:
    from neonize.utils.message import extract_text

    source = event.Info.MessageSource
    kind = "ProtocolMessage" if event.Message.HasField("protocolMessage") else "Message"  # from its phone, or a person
    return {"event": kind, "id": event.Info.ID, "text": extract_text(event.Message), "chat": source.Chat.User}


def _connect(client: Any, say: Any) -> None:
    try:
        client.connect()
        say(event="connect-returned")
    except Exception as error:  # noqa: BLE001 - the test should read it
        say(event="connect-raised", detail=str(error))


def _obey(client: Any, request: dict[str, str]) -> dict[str, Any]:
    from neonize.utils import build_jid

    match request["do"]:
        case "send":
            return {"id": client.send_message(build_jid(request["to"]), request["text"]).ID}
        case "code":
            return {"code": client.PairPhone(request["phone"], True)}
        case "logout":
            client.logout()
            return {}
        case other:
            raise ValueError(other)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
