"""The pages on a whole hive: the real coordinator, monitor, engine and model."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.parts.hive import Hive

pytestmark = pytest.mark.slow

ANSWER_MS = 60_000


@pytest.fixture
def real_hive(tmp_path: Path) -> Iterator[str]:
    """The link that logs in."""
    hive = Hive(tmp_path / "hive")
    printed = hive.start()
    link = re.search(r"http\S+/login\?ticket=\S+", printed)
    assert link is not None, printed
    yield link.group()
    hive.stop()


async def test_a_day_at_the_dashboard(page: Page, real_hive: str) -> None:
    base = real_hive.partition("/login")[0]
    await page.goto(real_hive)
    await expect(page.locator(".hv-agent[data-state=online]")).to_have_count(1, timeout=ANSWER_MS)
    agent = await page.locator(".hv-agent h3").inner_text()

    await page.goto(f"{base}/playground")
    await page.get_by_label("Message").fill("Write a long story about bees, with many chapters.")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".hv-answer")).to_have_text(re.compile(r"\w+"), timeout=ANSWER_MS)
    task = page.get_by_role("link", name=re.compile("Task "))
    address = await task.get_attribute("href")
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator(".hv-turn .hv-status")).to_have_text("Cancelled", timeout=ANSWER_MS)
    await task.click()
    await expect(page.locator(".hv-task-view .hv-status")).to_have_text("Cancelled")
    assert page.url == f"{base}{address}"

    await page.goto(f"{base}/tasks?status=cancelled")
    await expect(page.locator("tbody tr")).to_have_count(1)

    await page.goto(f"{base}/agents/{agent}")
    await expect(page.locator(".hv-attempts")).to_contain_text("Write a long story")
    await page.get_by_role("button", name="Drain").click()
    await expect(page.locator(".hv-state")).to_have_text("draining", timeout=ANSWER_MS)
    await expect(page.locator(".hv-away")).to_contain_text("Drained by admin")
    await page.get_by_role("button", name="Resume").click()
    await expect(page.locator(".hv-state")).to_have_text("online", timeout=ANSWER_MS)

    await page.goto(f"{base}/settings")
    form = page.get_by_role("form", name="New key")
    await form.get_by_label("User").fill("dora")
    await form.get_by_role("button", name="Create key").click()
    key = await page.locator(".hv-secret").inner_text()
    assert key.startswith("sk-hive-")
    await page.get_by_role("button", name="I have it").click()
    await expect(page.get_by_role("row").filter(has_text="dora")).to_have_count(1)
    assert key not in await page.content()

    for path, name in (
        ("/models", "Models"),
        ("/mcp-servers", "MCP servers"),
        ("/alerts", "Alerts"),
        ("/timeline", "Timeline"),
    ):
        await page.goto(f"{base}{path}")
        await expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
        await expect(page.locator(".hv-lines")).to_have_count(0)
        await expect(page.locator(".hv-away")).to_have_count(0)
