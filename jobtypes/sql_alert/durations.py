"""Durations as people write them: 90, "90s", "15m", "6h", "1h30m", "2d". Pure."""

import re

PART = re.compile(r"(\d{1,9})([smhd])")
WHOLE = re.compile(r"(\d{1,9}[smhd])+")
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
HINT = "Write seconds, or a duration such as 90s, 15m, 6h or 1h30m."


def seconds(text: object) -> int:
    """Return the whole seconds that are meant; raises ValueError with a sentence."""
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    compact = str(text).replace(" ", "").lower() if isinstance(text, str) else ""
    if compact.isascii() and compact.isdecimal() and len(compact) < 10:
        return int(compact)
    if not WHOLE.fullmatch(compact):
        raise ValueError(HINT)
    return sum(int(number) * SECONDS[unit] for number, unit in PART.findall(compact))
