"""The packaged program's entry."""

import sys

from app.__main__ import main

sys.exit(main())
