"""A state as the workshop's tables show it: glyph, colour and word together."""

from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

GLYPHS = {"active": "success", "completed": "plan", "deleted": "cancelled"}
COLOURS = {"active": "success", "deleted": "cancelled"}


def badge(state: str, word: str) -> SafeString:
    """Return the badge of a schedule's or a run's `state`, saying `word`."""
    where = f"{static('icons.svg')}#{GLYPHS.get(state, state)}"
    drawn = format_html('<svg class="glyph" aria-hidden="true"><use href="{}"/></svg>', where)
    return format_html('<span class="badge {}">{}{}</span>', COLOURS.get(state, state), drawn, word)
