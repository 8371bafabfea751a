from tests.ui.themes import session_theme as session_theme
from tests.ui.themes import theme as theme
