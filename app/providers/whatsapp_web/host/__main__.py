"""The session host's process: ``python -m app.providers.whatsapp_web.host``, or what `CONECTA_SESSION_HOST` says.

With ``--fork-server N`` it is a fork server: for each request on the socket N it forks, and the child is a host. Only
then `selectors` and `socket` are loaded: they take half a megabyte, and there may be a hundred hosts.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from app.platform.system import forbid_core_dumps, ignore_terminal
from app.providers.hosts.crash import install_crash_hooks

if TYPE_CHECKING:
    import socket


def claim_channel() -> int:
    """Keep standard output for the protocol alone: the Go library prints to it, so what it sees there is our stderr."""
    channel = os.dup(1)
    os.dup2(2, 1)
    return channel


def main() -> None:
    """Serve until the app is gone. Never returns: the library's threads would keep a normal exit waiting for ever.

    The app ends us, not its terminal: sessions are to leave the server first, and what they received is kept.
    """
    ignore_terminal()
    sys.setswitchinterval(0.00005)  # the library's calls must not wait long for a thread of ours that is busy
    forbid_core_dumps()
    os.umask(0o077)  # the library makes the session file, and it holds keys
    install_crash_hooks()
    try:
        if sys.argv[-2:-1] == ["--fork-server"]:
            serve_forks(int(sys.argv[-1]))
        serve()
    except BaseException:  # noqa: BLE001 - nothing else would say why the host ended
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def serve() -> None:
    """Be a host."""
    channel = claim_channel()
    from app.providers.whatsapp_web.host.service import SessionHost

    SessionHost(channel).serve(sys.stdin.buffer)


def serve_forks(descriptor: int) -> None:
    """Fork for each request on the socket *descriptor*, until the app closes it or standard input.

    Returns in each child, and nowhere else. A request brings the child's three standard streams. The answer is
    ``pid PID`` with a descriptor that stands for the child, or ``failed TEXT``; ``exit PID CODE`` tells of its end,
    with a negative code for a signal.
    """
    import selectors
    import socket

    from app.providers.whatsapp_web.host import engine, service  # noqa: F401 - the children need both

    with suppress(engine.EngineMissing, ImportError):  # each child says so
        engine.messages()
    # Not the library: its threads would not live on in a child.
    gc.collect()
    gc.freeze()  # a child's collections would write to every page that they look at, and so copy it
    control = socket.socket(fileno=descriptor)
    events = selectors.DefaultSelector()
    events.register(control, selectors.EVENT_READ)
    events.register(sys.stdin, selectors.EVENT_READ)
    children = dict[int, int]()  # by the descriptor that stands for each
    while True:
        for event, _ in events.select():
            if (ended := children.pop(event.fd, None)) is not None:
                events.unregister(event.fd)
                os.close(event.fd)
                _, status = os.waitpid(ended, 0)
                _tell(control, f"exit {ended} {os.waitstatus_to_exitcode(status)}")
                continue
            streams = _requested(control)
            try:
                child = os.fork()
            except OSError as error:
                _tell(control, f"failed {error.strerror}")
            else:
                if not child:
                    events.close()
                    control.close()
                    _take(streams)
                    _close(children)
                    return
                ends = os.pidfd_open(child)
                children[ends] = child
                events.register(ends, selectors.EVENT_READ)
                _tell(control, f"pid {child}", ends)
            _close(streams)


def _requested(control: socket.socket) -> Sequence[int]:
    """The standard streams of the child that is asked for; ends the process when the app is gone."""
    import socket

    try:
        request, streams, *_ = socket.recv_fds(control, 64, 3, socket.MSG_CMSG_CLOEXEC | socket.MSG_DONTWAIT)
    except OSError:
        request = b""
    if not request:
        os._exit(0)
    return streams


def _tell(control: socket.socket, text: str, *descriptors: int) -> None:
    import socket

    try:
        socket.send_fds(control, [text.encode()], descriptors)
    except OSError:  # the app is gone
        os._exit(0)


def _take(streams: Sequence[int]) -> None:
    """Make *streams* the standard ones of this process."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    _close(streams)


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


if __name__ == "__main__":
    main()
