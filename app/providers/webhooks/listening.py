"""Why one cannot listen somewhere."""

from __future__ import annotations

import errno
import socket


def why(error: OSError) -> str:
    """`taken`, `forbidden` or `address`; `disk` for what has nothing to do with it."""
    # Since Python 3.13 asyncio says without a number that none of the addresses is this computer's.
    if isinstance(error, socket.gaierror) or error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, None):
        return "address"
    if error.errno == errno.EADDRINUSE:
        return "taken"
    return "forbidden" if error.errno in (errno.EACCES, errno.EPERM) else "disk"
