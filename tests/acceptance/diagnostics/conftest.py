"""The program with the emulators of its services around it, as the tests of connecting have them."""

from tests.acceptance.connect.conftest import harness as harness
from tests.acceptance.connect.conftest import shared as shared
from tests.acceptance.connect.conftest import shared_home as shared_home
from tests.acceptance.connect.conftest import veteran as veteran
