"""The process that receives webhooks: ``python -m app.providers.webhooks.host``. It ends when its input does."""

import asyncio
import os
import sys
from collections.abc import Mapping

from app.domain.mentorado import ProviderKind
from app.platform.system import forbid_core_dumps, ignore_terminal
from app.providers.hosts.crash import install_crash_hooks
from app.providers.registry import webhook_parsers
from app.providers.webhooks.host.dispatcher import Parser
from app.providers.webhooks.host.main_loop import raise_limits, serve


def run(parsers: Mapping[ProviderKind, Parser]) -> None:
    """Serve until the app is gone. The app ends us, not its terminal."""
    ignore_terminal()
    install_crash_hooks()
    forbid_core_dumps()  # the secrets of the applications are in its memory
    os.umask(0o077)
    sys.setswitchinterval(0.0005)  # an answer must not wait long for a delivery that is parsed
    raise_limits()
    asyncio.run(serve(sys.stdin.buffer, sys.stdout.fileno(), parsers))


def main() -> None:
    run(webhook_parsers())


if __name__ == "__main__":
    main()
