"""What every page shares: its head, and the header of the signed-in ones."""

from collections.abc import Awaitable, Callable
from functools import cache

from nicegui import __version__, ui
from nicegui.dependencies import esm_modules

from bus.messages import Claims
from gui import theme
from gui.elements.parts import Connection, ThemeSwitch
from gui.elements.sheets import Navigation
from gui.sessions import may

_OUT = '<path d="M6.5 2.8H3.2v10.4h3.3M7 8h6.2m-2.4-2.6L13.4 8l-2.6 2.6"/>'


@cache
def logo() -> str:
    return (theme.ASSETS / "favicon.svg").read_text()


@cache
def _preloads(name: str) -> str:
    """What a module is made of is asked for at once, and not as each file turns out to need the next."""
    key, module = next((key, module) for key, module in esm_modules.items() if module.name == name)
    files = sorted(path.name for path in module.path.glob("*.js"))
    return "".join(f'<link rel="modulepreload" href="/_nicegui/{__version__}/esm/{key}/{file}">' for file in files)


def dress(*modules: str) -> None:
    """Give the page Hive's looks. `modules`: of the page's elements, beside the one of every page."""
    ui.add_head_html(theme.head() + "".join(map(_preloads, ("hive-live", *modules))))


def text(tag: str, words: str, classes: str = "") -> None:
    """An element that holds nothing but text, which is never taken for markup."""
    ui.label(words).classes(classes).tag = tag


def sentence(words: str, classes: str = "") -> None:
    """A paragraph in which what stands between backticks is set as code."""
    with ui.element("p").classes(classes):
        for place, part in enumerate(words.split("`")):
            text("code" if place % 2 else "span", part)


def brand() -> None:
    with ui.element("div").classes("hv-brand"):
        ui.html(logo(), sanitize=False)
        text("span", "Hive")


def header(claims: Claims, on_logout: Callable[[], Awaitable[None]]) -> None:
    """The pages, who is here, whether the page is live, and the way out."""
    ui.label("Skip to the page").classes("hv-skip").props("href=#main").tag = "a"
    Navigation()
    with ui.element("header").classes("hv-header"), ui.element("div").classes("hv-header-in"):
        brand()
        Connection()
        ui.element("div").classes("hv-space")
        if may(claims).submit:
            ui.label("New task").classes("hv-primary hv-jump").props("href=/#new-task").tag = "a"
        with ui.element("div").classes("hv-who"):
            text("b", claims.sub, "hv-clip")
            text("span", ", ".join(claims.roles))
        ThemeSwitch()
        with (
            ui.element("button")
            .classes("hv-ghost hv-square")
            .props('type=button aria-label="Log out" title="Log out"')
            .on("click", on_logout)
        ):
            ui.html(
                f'<svg class="hv-icon" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round">{_OUT}</svg>',
                sanitize=False,
            )
