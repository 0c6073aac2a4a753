"""Colours, spacing and type in one place, as CSS variables for light and dark; and what every page has in its head."""

from functools import cache
from pathlib import Path
from typing import Final

ASSETS: Final = Path(__file__).parent / "assets"
OWN: Final = "/_hive/"
"""How a page calls Hive's own files. Nothing is served by this name: gui/static_files.py puts another in its place."""
STYLESHEET: Final = "hive.css"
"""By which a page has all of STYLES, and the colours."""
STYLES: Final = ("base.css", "controls.css", "layout.css", "panels.css", "tasks.css", "shell.css", "sheets.css")

LIGHT: Final = {
    "bg": "#f5f6f8",
    "surface": "#ffffff",
    "raised": "#f8f9fb",
    "hover": "#f1f3f6",
    "border": "#e3e6ec",
    "border-strong": "#cdd2dc",
    "text": "#12161f",
    "text-soft": "#454d5d",
    "muted": "#667085",
    "track": "#e8ebf0",
    "accent": "#f2a31b",
    "accent-hover": "#e2940c",
    "on-accent": "#1d1400",
    "focus": "#b36b00",
    "link": "#8f5600",
    "blue": "#1f63d6",
    "blue-soft": "#e8f0fd",
    "green": "#147a46",
    "green-soft": "#e4f5eb",
    "red": "#c22f2f",
    "red-soft": "#fdecec",
    "amber": "#8f5600",
    "amber-soft": "#fdf2dc",
    "grey-soft": "#eef0f4",
    "shadow": "0 1px 2px rgb(16 24 40 / 5%)",
    "shadow-over": "0 16px 48px rgb(16 24 40 / 18%)",
    "veil": "rgb(16 24 40 / 36%)",
}
DARK: Final = {
    "bg": "#0c0e13",
    "surface": "#13161d",
    "raised": "#181c25",
    "hover": "#1b202a",
    "border": "#232935",
    "border-strong": "#343c4b",
    "text": "#e8ebf1",
    "text-soft": "#b9c0cd",
    "muted": "#8a93a5",
    "track": "#262c38",
    "accent": "#f5b13d",
    "accent-hover": "#ffc258",
    "on-accent": "#1d1400",
    "focus": "#f5b13d",
    "link": "#f5bd5c",
    "blue": "#78a9ff",
    "blue-soft": "#16243d",
    "green": "#5ccf8f",
    "green-soft": "#12291d",
    "red": "#ff8078",
    "red-soft": "#331a1b",
    "amber": "#f5bd5c",
    "amber-soft": "#30250f",
    "grey-soft": "#1e2430",
    "shadow": "none",
    "shadow-over": "0 16px 48px rgb(0 0 0 / 55%)",
    "veil": "rgb(0 0 0 / 56%)",
}
SCALE: Final = {
    "sans": '"Inter", system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
    "mono": 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
    "type-tiny": "11px",
    "type-small": "12px",
    "type-base": "13px",
    "type-read": "14px",
    "type-title": "15px",
    "type-figure": "22px",
    "space-1": "4px",
    "space-2": "8px",
    "space-3": "12px",
    "space-4": "16px",
    "space-5": "20px",
    "space-6": "24px",
    "radius": "10px",
    "radius-small": "6px",
    "control": "34px",
}

# Runs before the first paint, so that a page never flashes in the other theme. `system` is the absence of a choice.
_THEME_SCRIPT: Final = """
(() => {
  const root = document.documentElement;
  const choice = localStorage.getItem("hive-theme");
  if (choice === "light" || choice === "dark") root.dataset.theme = choice;
  root.lang = "en";
})();
"""


def _variables(values: dict[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in values.items())


@cache
def stylesheet() -> str:
    """Everything that a page needs, in one text."""
    light, dark = _variables(LIGHT), _variables(DARK)
    variables = (
        f":root{{{_variables(SCALE)}{light}color-scheme:light}}"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}color-scheme:dark}}}}"
        f":root[data-theme=dark]{{{dark}color-scheme:dark}}"
    )
    return "\n".join([variables, *((ASSETS / name).read_text() for name in STYLES)])


@cache
def head() -> str:
    """The head of every page."""
    return f'<script>{_THEME_SCRIPT}</script><link rel="stylesheet" href="{OWN}{STYLESHEET}">'
