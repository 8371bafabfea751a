"""The baseline of links: neonize's own Python client, as its documentation starts it, on the session in a file."""

import os
import sys
from pathlib import Path

from tests.benchmarks.programs.marks import mark
from tests.emulators.whatsapp_web.session_host import trust_emulator


def main(emulator: Path, session: Path) -> None:
    os.dup2(2, 1)  # the library prints
    trust_emulator(emulator)
    from neonize.client import NewClient
    from neonize.events import ConnectedEv

    mark("imported")
    client = NewClient(str(session))
    client.qr(lambda _client, text: mark("qr_ready", text.decode()))
    client.event(ConnectedEv)(lambda _client, _event: mark("connected"))
    client.connect()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
