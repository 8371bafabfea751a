from tests.ui.dressed import session_theme as session_theme
from tests.ui.dressed import theme as theme
