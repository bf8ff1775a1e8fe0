"""What a name may hold. Pure."""

import re
import unicodedata

REFUSED = {"Cc", "Cf", "Zl", "Zp"}
COMMANDING = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]")


def has_control_characters(text: str) -> bool:
    """Tell whether `text` holds control, format or line-separator characters (ANSI, RTL override, NUL)."""
    return any(unicodedata.category(character) in REFUSED for character in text)


def on_one_line(text: str) -> str:
    """Return `text` with what moves a terminal's cursor or colours written out, as \\x1b."""
    return COMMANDING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
