"""The pages of workflows as somebody's hand finds them."""

import re
from typing import Any

from playwright.async_api import Locator, Page, expect

from bus import subjects
from bus.messages import Claims
from bus.messages.workflows import CreateWorkflow, WorkflowRecord
from bus.nats_bus import NatsBus
from tests.e2e.processes import GuiProcess
from tests.e2e.scripted_hive import ScriptedHive
from tests.parts.hive import Hive


async def store(bus: NatsBus, document: dict[str, Any]) -> WorkflowRecord:
    return await bus.request(
        subjects.service_verb(subjects.SERVICE_WORKFLOWS, "create"), CreateWorkflow(n8n_data=document), WorkflowRecord
    )


async def log_in(page: Page, hive: ScriptedHive, gui: GuiProcess, claims: Claims, then: str) -> None:
    """And on to the page `then`."""
    ticket = f"of-{claims.sub}"
    hive.tickets[ticket] = claims
    await page.goto(f"{gui.url}/login?ticket={ticket}")
    await page.wait_for_selector(".hv-connection")
    await page.goto(f"{gui.url}{then}")


async def enter_by(page: Page, hive: Hive, then: str = "/") -> str:
    """A whole hive's dashboard, by the link that `hive login` prints; its address."""
    printed = hive.run("login").stdout
    link = re.search(r"http\S+/login\?ticket=\S+", printed)
    assert link is not None, printed
    base = link.group().partition("/login")[0]
    await page.goto(link.group())
    await page.wait_for_selector(".hv-connection[data-kind=good]")
    if then != "/":
        await page.goto(f"{base}{then}")
    return base


def node(page: Page, name: str) -> Locator:
    return page.locator(f'.hvc-node[data-node="{name}"]')


async def add(page: Page, title: str) -> None:
    """From the palette, by its search."""
    search = page.get_by_role("searchbox", name="Search nodes")
    if not await search.is_visible():
        await page.get_by_role("button", name="+ Add node").click()
    await search.fill(title)
    await page.locator(".hvc-palette").get_by_role("button", name=title, exact=True).click()


async def saved(page: Page, version: int) -> None:
    await expect(page.locator(".hvc-saved")).to_have_text(f"Version {version}")
