"""The whole journey on a whole hive: the link that `hive up` prints, the real coordinator and the real model."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.parts.hive import Hive

ANSWER_MS = 60_000


@pytest.fixture
def real_hive(tmp_path: Path) -> Iterator[tuple[Hive, str]]:
    hive = Hive(tmp_path / "hive")
    printed = hive.start()
    yield hive, printed
    hive.stop()


async def test_a_task_from_the_page_is_answered_by_the_real_model(page: Page, real_hive: tuple[Hive, str]) -> None:
    _, printed = real_hive
    link = re.search(r"http\S+/login\?ticket=\S+", printed)
    assert link is not None, printed
    await page.goto(link.group())
    await expect(page.locator(".hv-connection")).to_have_text("Live")
    assert "ticket" not in page.url
    await expect(page.locator(".hv-agent[data-state=online]")).to_have_count(1)
    await page.get_by_label("Prompt").fill("Write two short sentences about bees.")
    await page.get_by_role("button", name="Run", exact=True).click()
    result = page.locator(".hv-result")
    await expect(result.locator(".hv-answer")).to_have_text(re.compile(r"\w+"), timeout=ANSWER_MS)
    await expect(result).to_contain_text("Done", timeout=ANSWER_MS)
    await expect(result).to_contain_text("tok/s")
    row = page.get_by_role("row", name="Open Write two short sentences about bees.")
    await expect(row).to_contain_text("Done")
    await row.click()
    await expect(page.get_by_role("dialog")).to_contain_text("Completed on")
