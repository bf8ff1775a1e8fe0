"""The colours of the stylesheet can be read: WCAG 2.2 ratios, recomputed from its tokens."""

import re
from pathlib import Path

import pytest

SHEET = (Path(__file__).parents[2] / "static" / "carillon.css").read_text()
TOKENS = {
    name: (light, dark)
    for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", SHEET)
}
GROUNDS = ("paper", "surface", "sunken", "tint")
STATES = ("success", "failed", "running", "warn", "paused", "alert", "idle")
TEXTS = ("ink", "ink-2", "ink-3", "link", "bronze", *STATES)
MARKS = ("success", "failed", "running", "warn", "alert", "idle")


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one: str, other: str, side: int) -> float:
    high, low = sorted((luminance(TOKENS[one][side]), luminance(TOKENS[other][side])), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("text", TEXTS)
def test_text_can_be_read_on_every_ground(text: str, ground: str, side: int) -> None:
    assert ratio(text, ground, side) >= 4.5


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("state", STATES)
def test_a_badge_can_be_read_on_its_own_ground(state: str, side: int) -> None:
    assert ratio(state, f"{state}-soft", side) >= 4.5


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "surface", "sunken"])
@pytest.mark.parametrize("mark", [*(f"{name}-mark" for name in MARKS), "edge"])
def test_a_mark_can_be_seen_on_every_ground(mark: str, ground: str, side: int) -> None:
    assert ratio(mark, ground, side) >= 3


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
def test_the_primary_button_can_be_read(side: int) -> None:
    assert ratio("on-primary", "primary", side) >= 4.5


def test_nothing_is_coloured_past_the_tokens() -> None:
    rules = SHEET.split("@layer base {", 1)[1]
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", rules) == []
