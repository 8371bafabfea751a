"""The offices of the connecting tests: recovery begins where a connection was."""

from __future__ import annotations

from tests.acceptance.connect.conftest import office as office
from tests.acceptance.connect.conftest import shared as shared
from tests.acceptance.connect.conftest import shared_home as shared_home
from tests.acceptance.connect.conftest import veteran as veteran
