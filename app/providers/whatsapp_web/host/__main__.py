"""The session host's process: ``python -m app.providers.whatsapp_web.host``, or what `CONECTA_SESSION_HOST` says."""

import os
import sys

from app.platform.system import forbid_core_dumps
from app.providers.hosts.crash import install_crash_hooks


def claim_channel() -> int:
    """Keep standard output for the protocol alone: the Go library prints to it, so what it sees there is our stderr."""
    channel = os.dup(1)
    os.dup2(2, 1)
    return channel


def main() -> None:
    """Serve until the app is gone. Never returns: the library's threads would keep a normal exit waiting for ever."""
    channel = claim_channel()
    sys.setswitchinterval(0.00005)  # the library's calls must not wait long for a thread of ours that is busy
    forbid_core_dumps()
    os.umask(0o077)  # the library makes the session file, and it holds keys
    install_crash_hooks()
    try:
        from app.providers.whatsapp_web.host.service import SessionHost

        SessionHost(channel).serve(sys.stdin.buffer)
    except BaseException:  # noqa: BLE001 - nothing else would say why the host ended
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
