"""The emulator as a program: ``python -m tests.emulators.meta_cloud [port]``, until it is interrupted."""

from __future__ import annotations

import sys

from tests.emulators.meta_cloud.graph import MetaCloud
from tests.emulators.meta_cloud.state import NUMBER_ID, TOKEN, WABA_ID
from tests.emulators.serving import Served


def main() -> None:
    emulator = MetaCloud()
    served = Served(emulator, int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    print(f"CONECTA_META_URL={served.url}")  # noqa: T201
    print(f"access token {TOKEN}, phone number id {NUMBER_ID}, WABA id {WABA_ID}", flush=True)  # noqa: T201
    served.serve_until_interrupted()


if __name__ == "__main__":
    main()
