"""What a person orders of tasks by the mouse, on a whole hive of two hosts; what is said when one of them dies, and when stores hang."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psutil
import pytest
from playwright.async_api import Page, expect

from tests.e2e.canvas import enter_by
from tests.parts.hive import Hive, wait_until
from tests.parts.replica import Replica

pytestmark = pytest.mark.slow

KEY = "sk-hive-orders-0123456789abcdef0123456789abcdef"
HERE, THERE = "acacia", "walnut"
WORK_MS = 60_000
ONLINE_SECONDS = 60
LONG = {"num_predict": 1500, "temperature": 1, "repeat_penalty": 1.3}


class TwoHosts:
    """Each has the built-in model and one slot. `other` is the process of the one that a test may kill."""

    def __init__(self, folder: Path) -> None:
        self.hive = Hive(
            folder / "hive",
            HIVE_ADMIN_KEY=KEY,
            HIVE_BACKENDS=f"{HERE}=builtin",
            HIVE_BUILTIN_SLOTS="1",
            HIVE_BENCHMARK_NEW="false",
        )
        self.hive.start()
        state = self.hive.json("status")
        environment = {
            "NATS_URL": state["nats"]["url"],
            "HIVE_DATA_DIR": str(folder / "other"),
            "HIVE_BACKENDS": f"{THERE}=builtin",
            "HIVE_BUILTIN_SLOTS": "1",
        }
        self.other = Replica.of("sidecar", THERE, environment, folder)
        self._api = httpx.Client(base_url=state["api"], headers={"Authorization": f"Bearer {KEY}"}, timeout=30)

    def whole(self) -> None:
        """Both are there, with nothing to do."""
        if not self.other.running:
            self.other.start()
        for agent in self._api.get("/api/agents").json()["agents"]:
            if agent["drain"] is not None:
                self.resume(agent["agent_id"])
        for task in self._api.get("/api/tasks", params={"limit": 100}).json()["tasks"]:
            if task["status"] in ("queued", "running", "assigned"):
                self._api.delete(f"/api/tasks/{task['id']}")
        wait_until(self._idle, ONLINE_SECONDS)

    def _idle(self) -> bool:
        agents = self._api.get("/api/agents").json()["agents"]
        return len(agents) == 2 and all(agent["status"] == "online" and not agent["running"] for agent in agents)

    def submit(self, title: str, on: str | None = None, **more: Any) -> UUID:
        asked = {"prompt": "Tell a story about bees.", "title": title, "options": LONG, **more}
        task_id = UUID(self._api.post("/api/tasks", json=asked).raise_for_status().json()["id"])
        if on is not None:
            wait_until(lambda: self.task(task_id)["assigned_agent_id"] == on, ONLINE_SECONDS)
        return task_id

    def drain(self, *agents: str) -> None:
        for agent in agents:
            self._api.post(f"/api/agents/{agent}/drain", json={}).raise_for_status()

    def resume(self, agent: str) -> None:
        self._api.post(f"/api/agents/{agent}/resume").raise_for_status()

    def task(self, task_id: UUID) -> dict[str, Any]:
        found: dict[str, Any] = self._api.get(f"/api/tasks/{task_id}").json()
        return found

    def stop(self) -> None:
        self._api.close()
        if self.other.running:
            self.other.kill()
        self.hive.stop()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoHosts]:
    found = TwoHosts(tmp_path_factory.mktemp("orders"))
    yield found
    found.stop()


@pytest.fixture
def hosts(running: TwoHosts) -> TwoHosts:
    running.whole()
    return running


async def test_a_task_that_waits_is_given_to_an_agent_and_waits_for_it(page: Page, hosts: TwoHosts) -> None:
    hosts.drain(HERE, THERE)
    waiting = hosts.submit("Third", options={"num_predict": 4})
    await enter_by(page, hosts.hive, f"/tasks/{waiting}")
    await page.get_by_label("Assign to an agent").select_option(THERE)
    await page.get_by_role("button", name="Assign", exact=True).click()
    await expect(page.locator(".hv-note")).to_contain_text(f"Given to {THERE}.")
    hosts.resume(HERE)
    await page.get_by_role("button", name="Why does it wait?").click()
    await expect(page.locator(".hv-why li").filter(has_text=HERE)).to_contain_text("assigned")
    await expect(page.locator(".hv-status")).to_have_text("Queued")
    hosts.resume(THERE)
    await expect(page.locator(".hv-attempts")).to_contain_text(f"Completed on {THERE}", timeout=WORK_MS)


async def test_a_failed_task_runs_again_and_its_priority_is_changed_and_changed_back(page: Page, hosts: TwoHosts) -> None:
    failed = hosts.submit("Too long", timeout_seconds=1, max_attempts=1)
    await enter_by(page, hosts.hive, f"/tasks/{failed}")
    await expect(page.locator(".hv-status")).to_have_text("Failed", timeout=WORK_MS)
    hosts.drain(HERE, THERE)
    await page.get_by_role("button", name="Run again").click()
    await expect(page.locator(".hv-status")).to_have_text("Queued")
    await page.get_by_label("Priority").select_option("High")
    note = page.locator(".hv-note")
    await expect(note).to_contain_text("Its priority is High now.")
    await note.get_by_role("button", name="Undo").click()
    await expect(note).to_contain_text("Its priority is Medium now.")
    await expect(page.get_by_label("Priority")).to_have_value("3")
    await page.get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Cancel task").click()
    await expect(page.locator(".hv-status")).to_have_text("Cancelled")


async def test_a_host_is_killed_turns_red_and_its_work_moves(page: Page, hosts: TwoHosts) -> None:
    await enter_by(page, hosts.hive)
    hosts.drain(HERE)
    moved = hosts.submit("Moves", on=THERE, options={**LONG, "num_predict": 150})
    hosts.resume(HERE)
    card = page.locator(f"#agent-{THERE}")
    await expect(card.get_by_role("list", name="Running tasks")).to_contain_text("Moves")
    row = page.get_by_role("row", name="Open Moves")
    await row.click()
    answer = page.get_by_role("dialog").locator(".hv-answer")
    await expect(answer).to_have_text(re.compile(r"\w+ \w+"), timeout=WORK_MS)
    hosts.other.kill()
    await page.keyboard.press("Escape")
    await expect(card).to_have_attribute("data-state", "offline")
    red = await card.locator(".hv-dot").first.evaluate("dot => getComputedStyle(dot).backgroundColor")
    healthy = await page.locator(f"#agent-{HERE} .hv-dot").first.evaluate("dot => getComputedStyle(dot).backgroundColor")
    assert is_red(red), red
    assert not is_red(healthy), healthy
    await expect(page.get_by_role("list", name="What is wrong")).to_contain_text(f"{THERE} is offline")
    await expect(page.locator(f"#agent-{HERE}").get_by_role("list", name="Running tasks")).to_contain_text("Moves")
    await expect(row).to_contain_text("attempt 2")
    await expect(row).to_contain_text("Done", timeout=WORK_MS)
    assert hosts.task(moved)["assigned_agent_id"] == HERE


async def test_stores_that_hang_are_named_and_the_page_goes_on_when_they_do(page: Page, hosts: TwoHosts) -> None:
    await enter_by(page, hosts.hive)
    said = page.get_by_role("list", name="What is wrong")
    with hanging(hosts.hive, "postgres", "valkey"):
        await expect(said).to_contain_text("PostgreSQL does not answer")
        await expect(said).to_contain_text("Redis does not answer")
        await expect(said).to_contain_text("It spoke last")
        await expect(page.locator(".hv-connection")).to_have_text("Live")
    await expect(said.get_by_text("does not answer")).to_have_count(0)


@contextmanager
def hanging(hive: Hive, *names: str) -> Iterator[None]:
    """As when a machine swaps: they hold their connections and say nothing."""
    pids = hive.pids()
    found = [process for name in names for process in (psutil.Process(pids[name]), *psutil.Process(pids[name]).children())]
    for process in found:
        process.suspend()
    try:
        yield
    finally:
        for process in found:
            process.resume()


def is_red(colour: str) -> bool:
    red, green, blue = map(int, re.findall(r"\d+", colour)[:3])
    return red > 1.5 * max(green, blue)
