"""One place for colours: what it promises to the eye."""

import re

import pytest

from gui import theme


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("text", "bg"),
        ("text-soft", "surface"),
        ("muted", "surface"),
        ("muted", "bg"),
        ("link", "surface"),
        ("on-accent", "accent"),
        ("blue", "blue-soft"),
        ("green", "green-soft"),
        ("red", "red-soft"),
        ("amber", "amber-soft"),
        ("text-soft", "grey-soft"),
    ],
)
def test_text_can_be_read_on_its_ground(colours: dict[str, str], text: str, ground: str) -> None:
    assert contrast(colours[text], colours[ground]) >= 4.5


def test_both_themes_name_the_same_colours() -> None:
    assert theme.LIGHT.keys() == theme.DARK.keys()


def test_every_variable_that_a_style_uses_is_defined() -> None:
    used = set(re.findall(r"var\(--([a-z0-9-]+)", theme.stylesheet()))
    assert used <= theme.LIGHT.keys() | theme.SCALE.keys()
