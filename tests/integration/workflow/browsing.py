"""A person's browser: what its policy complains of, and what it asks for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from playwright.async_api import Browser, Page

WIDTH = 360
"""Pixels of a small telephone."""


@dataclass(slots=True)
class Watched:
    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def fits(self) -> bool:
        """Whether nothing stands out at the side."""
        return bool(await self.page.evaluate("document.documentElement.scrollWidth") <= WIDTH)


@asynccontextmanager
async def watched(browser: Browser, scheme: Literal["light", "dark"] = "light") -> AsyncIterator[Watched]:
    context = await browser.new_context(viewport={"width": WIDTH, "height": 700}, color_scheme=scheme)
    found = Watched(await context.new_page())
    found.page.set_default_timeout(30_000)
    found.page.on("console", lambda message: found.complaints.append(message.text))
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("request", lambda request: found.asked.append(request.url))
    yield found
    await context.close()
