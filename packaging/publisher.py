"""Whoever gives packages away, as they are named in them; their build sets the variables:

make package CONECTA_MAINTAINER="Ana Prates <ana@example.org>" CONECTA_APP_ID=org.example.Conecta
"""

from __future__ import annotations

import os
import re
import sys

NOBODY = "The Conecta developers <developers@conecta.invalid>"
"""Who it is until somebody says so; ``.invalid`` can never be reached."""

MAINTAINER = os.environ.get("CONECTA_MAINTAINER") or NOBODY
APP_ID = os.environ.get("CONECTA_APP_ID") or "app.conecta.Conecta"
"""The program's name among all programs: a domain of the publisher's, backwards, and a word."""

NAME = MAINTAINER.partition(" <")[0]

if not re.fullmatch(r"[^<>\n]+ <[^<>@\s]+@[^<>@\s]+>", MAINTAINER):
    sys.exit(f"CONECTA_MAINTAINER is to be a name and an address, as in 'Ana <ana@example.org>', not {MAINTAINER!r}.")
if not re.fullmatch(r"[A-Za-z][\w-]*(\.[A-Za-z][\w-]*){2,}", APP_ID, re.ASCII):
    sys.exit(f"CONECTA_APP_ID is to be a domain backwards and a word, as in 'org.example.Conecta', not {APP_ID!r}.")
