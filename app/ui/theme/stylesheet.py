"""The one style sheet, written from the tokens. Chips, badges and rows are painted by hand."""

from __future__ import annotations

from collections.abc import Callable

from app.text.signs import Tone
from app.ui.theme import tokens as t

_TEMPLATE = """
QWidget {{ color: {text}; }}
QMainWindow, QDialog {{ background: {surface}; }}
QToolTip {{ color: {text}; background: {raised}; border: 1px solid {border_strong}; padding: 4px 6px; }}

QLabel {{ background: transparent; }}
QLabel[role="title"] {{ font-size: {px_title}px; font-weight: 600; }}
QLabel[role="heading"] {{ font-size: {px_heading}px; font-weight: 600; }}
QLabel[role="name"] {{ font-size: {px_name}px; font-weight: 600; }}
QLabel[role="secondary"] {{ font-size: {px_small}px; color: {text2}; }}
QLabel[role="caption"] {{ font-size: {px_caption}px; color: {text3}; }}
QLabel[role="danger"] {{ color: {danger_text}; }}

QFrame[role="card"] {{ background: {raised}; border: 1px solid {border}; border-radius: 14px; }}
QFrame[role="sunken"] {{ background: {bg}; border: 1px solid {border}; border-radius: 14px; }}
QFrame[role="header"] {{ background: {surface}; border: none; border-bottom: 1px solid {border}; }}
QFrame[role="footer"] {{ background: {surface}; border: none; border-top: 1px solid {border}; }}
QFrame[role="side"] {{ background: {surface}; border: none; border-left: 1px solid {border}; }}
QFrame[role="rail"] {{ background: {surface}; border: none; border-right: 1px solid {border}; }}
QFrame[role="banner"] {{ background: {notice_bg}; border: none; border-radius: 10px; }}
QFrame[role="quiet-banner"] {{ background: {bg}; border: 1px solid {border}; border-radius: 10px; }}
QLabel[role="banner"] {{ color: {notice_fg}; font-size: {px_body}px; }}
QFrame[role="toast"] {{ background: {text}; border: none; border-radius: 10px; }}
QLabel[role="toast"] {{ color: {surface}; font-size: {px_body}px; }}
QPushButton[role="toast"] {{
    background: transparent; border: 1px solid transparent; color: {toast_link}; padding: 0 9px;
}}
QPushButton[role="toast"]:hover {{ text-decoration: underline; }}
QPushButton[role="toast"]:focus {{ border: 2px solid {toast_link}; padding: 0 8px; }}
QFrame[role="line"] {{ background: {border}; border: none; min-height: 1px; max-height: 1px; }}

QPushButton {{
    background: {raised}; color: {text}; border: 1px solid {border_strong}; border-radius: 8px;
    padding: 0 14px; min-height: {control}px; font-size: {px_body}px; font-weight: 600; outline: none;
}}
QPushButton:hover {{ background: {hover}; }}
QPushButton:focus {{ border: 2px solid {focus}; padding: 0 13px; min-height: {control_focused}px; }}
QPushButton:disabled {{ color: {text3}; border-color: {border}; background: {bg}; }}
QPushButton[role="primary"] {{ background: {accent}; color: {on_accent}; border: 1px solid {accent}; padding: 0 16px; }}
QPushButton[role="primary"]:hover {{ background: {accent_hover}; border-color: {accent_hover}; }}
QPushButton[role="primary"]:focus {{ border: 2px solid {text}; padding: 0 15px; }}
QPushButton[role="danger"] {{ background: {danger}; color: {on_danger}; border: 1px solid {danger}; padding: 0 16px; }}
QPushButton[role="danger"]:hover {{ background: {danger_hover}; border-color: {danger_hover}; }}
QPushButton[role="danger"]:focus {{ border: 2px solid {text}; padding: 0 15px; }}
QPushButton[role="primary"]:disabled, QPushButton[role="danger"]:disabled {{
    background: {bg}; color: {text3}; border-color: {border};
}}
QPushButton[role="quiet"] {{ background: transparent; border: 1px solid transparent; padding: 0 9px; }}
QPushButton[role="quiet"]:hover {{ background: {hover}; border-color: {border}; }}
QPushButton[role="quiet"]:focus {{ border: 2px solid {focus}; padding: 0 8px; }}
QPushButton[role="pick"] {{ background: {surface}; padding: 0 11px; font-weight: 400; }}
QPushButton[role="pick"]:hover {{ background: {hover}; }}
QPushButton[role="pick"]:focus {{ padding: 0 10px; }}
QPushButton[role="index"] {{
    background: transparent; border: 1px solid transparent; color: {text2}; padding: 0 11px; text-align: left;
    font-weight: 400;
}}
QPushButton[role="index"]:hover {{ background: {hover}; }}
QPushButton[role="index"][here="true"] {{ background: {accent_soft}; color: {on_accent_soft}; font-weight: 600; }}
QPushButton[role="index"]:focus {{ border: 2px solid {focus}; padding: 0 10px; }}
QPushButton[role="link"] {{
    background: transparent; border: 1px solid transparent; color: {on_accent_soft}; padding: 0 3px; text-align: left;
}}
QPushButton[role="link"]:hover {{ text-decoration: underline; }}
QPushButton[role="link"]:focus {{ border: 2px solid {focus}; padding: 0 2px; }}

QLineEdit, QPlainTextEdit, QTextEdit {{
    background: {bg}; color: {text}; border: 1px solid {border}; border-radius: 8px; font-size: {px_body}px;
    selection-background-color: {accent}; selection-color: {on_accent};
}}
QLineEdit {{ padding: 0 12px; min-height: {control}px; }}
QPlainTextEdit, QTextEdit {{ padding: 8px; }}
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus {{ border: 2px solid {focus}; }}
QLineEdit:focus {{ padding: 0 11px; min-height: {control_focused}px; }}
QLineEdit[invalid="true"] {{ border-color: {danger_text}; }}

QMenu {{ background: {raised}; border: 1px solid {border_strong}; padding: 6px 0; }}
QMenu::item {{ padding: 7px 26px 7px 14px; font-size: {px_body}px; }}
QMenu::item:selected {{ background: {accent_soft}; color: {on_accent_soft}; }}
QMenu::item:disabled {{ color: {text3}; background: transparent; }}
QMenu::icon {{ padding-left: 12px; }}
QMenu::separator {{ height: 1px; background: {border}; margin: 6px 0; }}

QScrollArea, QScrollArea > QWidget > QWidget {{ background: transparent; border: none; }}
QScrollBar:vertical {{ background: transparent; width: 12px; margin: 0; }}
QScrollBar::handle:vertical {{
    background: {scroll}; border-radius: 3px; min-height: 36px; margin: 2px 3px; border: none;
}}
QScrollBar::handle:vertical:hover {{ background: {border_strong}; }}
QScrollBar:horizontal {{ background: transparent; height: 12px; margin: 0; }}
QScrollBar::handle:horizontal {{
    background: {scroll}; border-radius: 3px; min-width: 36px; margin: 3px 2px; border: none;
}}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}

QProgressBar {{ background: {border}; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; }}
QProgressBar::chunk {{ background: {accent}; border-radius: 2px; }}

QTableView {{ background: {surface}; border: none; outline: none; selection-background-color: transparent; }}
"""


def stylesheet(colours: t.Tokens, scaled: Callable[[int], int]) -> str:
    """The sheet for *colours*; *scaled* turns a design size into the user's."""
    fields = {name: getattr(colours, name) for name in colours.__slots__}
    return _TEMPLATE.format(
        **fields,
        notice_fg=colours.badge[Tone.WAITING].fg,
        notice_bg=colours.badge[Tone.WAITING].bg,
        toast_link=(t.LIGHT if colours.dark else t.DARK).accent,  # a toast is painted in the other scheme
        px_title=scaled(t.TEXT_TITLE),
        px_heading=scaled(t.TEXT_HEADING),
        px_name=scaled(t.TEXT_NAME),
        px_body=scaled(t.TEXT_BODY),
        px_small=scaled(t.TEXT_SMALL),
        px_caption=scaled(t.TEXT_CAPTION),
        control=scaled(t.CONTROL_HEIGHT) - 2,
        control_focused=scaled(t.CONTROL_HEIGHT) - 4,
    )
