"""Who is signed in to this computer."""

from __future__ import annotations

import os

from app.domain.audit import Actor


def current_actor(operator: str = "") -> Actor:
    """The user who is signed in to this computer, and the name the *operator* goes by."""
    import getpass

    try:
        return Actor(user=getpass.getuser(), operator=operator)
    except (KeyError, OSError):  # a user without a name
        return Actor(user=str(os.getuid()) if hasattr(os, "getuid") else "", operator=operator)
