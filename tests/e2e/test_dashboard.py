"""What a person sees and does on the live page."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from bus.messages import AgentRecord, AgentStatus, FailureInfo, Hardware, ModelInfo, TaskRequest
from tests.e2e.processes import GuiProcess
from tests.e2e.scripted_hive import ADMIN, ScriptedHive, ago
from tests.parts.nats import NatsServer

ACACIA = AgentRecord(
    agent_id="acacia",
    name="acacia",
    endpoint="http://192.168.1.72:11434",
    status=AgentStatus.ONLINE,
    slots=2,
    models=(ModelInfo(name="llama3.1:8b", loaded=True), ModelInfo(name="phi3:mini")),
    hardware=Hardware(gpu_type="RTX 4090", vram_gb=24),
)


async def test_an_empty_hive_says_what_to_do_next(dashboard: Page) -> None:
    await expect(dashboard.get_by_text("No agent yet")).to_be_visible()
    await expect(dashboard.get_by_text("hive agents add http://gpu-host:11434")).to_be_visible()
    await expect(dashboard.get_by_text("No task yet")).to_be_visible()


async def test_an_agent_and_its_work_show_as_they_come(dashboard: Page, hive: ScriptedHive) -> None:
    await hive.agent(ACACIA)
    card = dashboard.locator("#agent-acacia")
    await expect(card).to_contain_text("RTX 4090 24 GB")
    await expect(card).to_contain_text("llama3.1:8b")
    task = await hive.add(TaskRequest(prompt="Digest it.", title="Weekly digest"))
    attempt = await hive.assign(task.id, "acacia")
    await hive.heartbeat("acacia", (attempt.id,))
    await expect(card).to_contain_text("1 / 2 slots")
    await expect(card.get_by_role("list", name="Running tasks")).to_contain_text("Weekly digest")
    await hive.complete(task.id, "Done.")
    await expect(card.get_by_role("list", name="Running tasks")).to_have_count(0)
    await expect(dashboard.get_by_role("row", name="Open Weekly digest")).to_contain_text("Done")


async def test_the_summary_tells_of_agents_that_take_nothing_new(dashboard: Page, hive: ScriptedHive) -> None:
    summary = dashboard.get_by_label("Summary")
    await hive.agent(ACACIA)
    await expect(summary).to_contain_text("all here")
    await hive.agent(ACACIA.model_copy(update={"agent_id": "walnut", "status": AgentStatus.DRAINING}))
    await expect(summary).to_contain_text("1 draining")
    await expect(summary.get_by_role("img", name="0 of 2 slots in use")).to_have_count(1)
    await hive.agent(ACACIA.model_copy(update={"agent_id": "slate", "status": AgentStatus.DEGRADED}))
    await expect(summary).to_contain_text("1 degraded")


async def test_a_task_is_sent_and_its_words_show_while_they_are_written(dashboard: Page, hive: ScriptedHive) -> None:
    await hive.agent(ACACIA)
    await dashboard.get_by_role("combobox", name="Model").select_option("llama3.1:8b")
    await dashboard.get_by_label("Prompt").fill("Say hello to the bees.")
    await dashboard.get_by_role("button", name="Run", exact=True).click()
    async with asyncio.timeout(30):
        task = await hive.submitted.get()
    assert (task.prompt, task.model, task.owner, task.priority) == ("Say hello to the bees.", "llama3.1:8b", "ada", 3)
    result = dashboard.locator(f".hv-result[data-task='{task.id}']")
    await expect(result).to_contain_text("Queued")
    await hive.assign(task.id, "acacia")
    await hive.write(task.id, "Hello, ", 0)
    await expect(result.locator(".hv-answer")).to_have_text("Hello,")
    await hive.write(task.id, "bees <b>and</b> all.", 7)
    await expect(result.locator(".hv-answer")).to_have_text("Hello, bees <b>and</b> all.")
    await expect(result).to_contain_text("Running")
    await hive.complete(task.id, "Hello, bees <b>and</b> all.", tokens=6)
    await expect(result).to_contain_text("Done")
    await expect(result).to_contain_text("6 tokens")
    row = dashboard.get_by_role("row", name="Open Say hello to the bees.")
    await expect(row).to_contain_text("Done")
    await expect(row).to_contain_text("acacia")


async def test_a_running_task_can_be_stopped(dashboard: Page, hive: ScriptedHive) -> None:
    await hive.agent(ACACIA)
    await dashboard.get_by_label("Prompt").fill("Count to a million.")
    await dashboard.get_by_label("Prompt").press("Control+Enter")
    async with asyncio.timeout(30):
        task = await hive.submitted.get()
    await hive.assign(task.id, "acacia")
    await hive.write(task.id, "1 2 3", 0)
    await dashboard.get_by_role("button", name="Stop").click()
    await expect(dashboard.locator(".hv-result")).to_contain_text("Cancelled")


async def test_a_refusal_shows_its_reason_and_its_code(dashboard: Page, hive: ScriptedHive) -> None:
    await hive.resign()
    await expect(dashboard.locator(".hv-connection")).to_have_text("No leader")
    await dashboard.get_by_label("Prompt").fill("Is anybody there?")
    await dashboard.get_by_role("button", name="Run", exact=True).click()
    await expect(dashboard.locator(".hv-composer").get_by_role("alert")).to_contain_text("no_leader")
    await expect(dashboard.get_by_label("Prompt")).to_have_value("Is anybody there?")


async def test_the_drawer_tells_a_failed_task_and_runs_it_again(dashboard: Page, hive: ScriptedHive) -> None:
    await hive.agent(ACACIA)
    task = await hive.add(TaskRequest(prompt="Read the contract.", title="Contract 4411"))
    await hive.assign(task.id, "acacia")
    await hive.fail(task.id, FailureInfo(code="backend_stalled", message="The backend wrote nothing for 30 s."))
    problems = dashboard.get_by_role("list", name="What is wrong")
    await expect(problems).to_contain_text("A task failed within the hour")
    await dashboard.get_by_role("row", name="Open Contract 4411").click()
    drawer = dashboard.get_by_role("dialog")
    await expect(drawer).to_contain_text("Read the contract.")
    await expect(drawer).to_contain_text("The backend wrote nothing for 30 s.")
    await expect(drawer).to_contain_text("Failed on acacia")
    assert f"task={task.id}" in dashboard.url
    await drawer.get_by_role("button", name="Run again").click()
    await expect(drawer).to_contain_text("Queued")
    await drawer.get_by_role("button", name="Why does it wait?").click()
    await expect(drawer).to_contain_text("Every agent that has the model is busy.")
    await drawer.get_by_role("button", name="Cancel").click()
    await dashboard.get_by_role("button", name="Cancel task").click()
    await expect(drawer).to_contain_text("Cancelled")
    await dashboard.keyboard.press("Escape")
    await expect(drawer).to_have_count(0)


async def test_a_page_opened_late_shows_what_was_written_before(dashboard: Page, hive: ScriptedHive, gui: GuiProcess) -> None:
    await hive.agent(ACACIA)
    task = await hive.add(TaskRequest(prompt="Tell me.", title="A long story"))
    await hive.assign(task.id, "acacia")
    await hive.write(task.id, "Once upon a time", 0)
    await dashboard.goto(f"{gui.url}/?task={task.id}")
    drawer = dashboard.get_by_role("dialog")
    await expect(drawer.locator(".hv-answer")).to_have_text("Once upon a time")
    await hive.write(task.id, " there was a hive.", 16)
    await expect(drawer.locator(".hv-answer")).to_have_text("Once upon a time there was a hive.")


async def test_what_is_wrong_is_named_with_its_code(dashboard: Page, hive: ScriptedHive) -> None:
    gone = ACACIA.model_copy(update={"status": AgentStatus.OFFLINE, "status_reason": "Its connection closed."})
    await hive.agent(gone)
    problems = dashboard.get_by_role("list", name="What is wrong")
    await expect(problems).to_contain_text("acacia is offline")
    await expect(problems).to_contain_text("agent_offline")
    await expect(dashboard.locator("#agent-acacia")).to_have_attribute("data-state", "offline")


async def test_tasks_from_before_the_dashboard_are_there(
    page: Page, hive: ScriptedHive, nats_server: NatsServer, tmp_path: Path
) -> None:
    await hive.add(TaskRequest(prompt="Old.", title="From yesterday"), created_at=ago(days=1))
    hive.tickets["later"] = ADMIN
    gui = GuiProcess(tmp_path, nats_server.url)
    await gui.start()
    try:
        await page.goto(f"{gui.url}/login?ticket=later")
        await expect(page.get_by_role("row", name="Open From yesterday")).to_contain_text("1d")
    finally:
        gui.kill()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_theme_follows_the_system_until_it_is_chosen(
    browser: Browser, hive: ScriptedHive, gui: GuiProcess, scheme: str
) -> None:
    context = await browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
    page = await context.new_page()
    hive.tickets["theme"] = ADMIN
    await page.goto(f"{gui.url}/login?ticket=theme")
    ground = "getComputedStyle(document.body).backgroundColor"
    colours = {"light": "rgb(245, 246, 248)", "dark": "rgb(12, 14, 19)"}
    await page.wait_for_selector(".hv-summary")
    assert await page.evaluate(ground) == colours[scheme]
    switch = page.get_by_role("button", name="Theme:")
    await switch.click()
    await switch.click()
    assert await page.evaluate(ground) == colours["dark"]
    await page.reload()
    await page.wait_for_selector(".hv-summary")
    assert await page.evaluate(ground) == colours["dark"]


async def test_on_a_phone_nothing_scrolls_sideways(browser: Browser, hive: ScriptedHive, gui: GuiProcess) -> None:
    await hive.agent(ACACIA.model_copy(update={"name": "a-host-with-quite-a-long-name-in-a-rack-far-away"}))
    task = await hive.add(
        TaskRequest(prompt="p", title="A title that is much longer than a phone is wide, as titles are", model="m" * 80)
    )
    await hive.assign(task.id, "acacia")
    await hive.fail(
        task.id, FailureInfo(code="backend_error", message="The backend answered 500 with a very long explanation of why.")
    )
    context = await browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = await context.new_page()
    hive.tickets["phone"] = ADMIN
    await page.goto(f"{gui.url}/login?ticket=phone")
    await page.wait_for_selector("tbody tr")
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    await page.locator("tbody tr").tap()
    await expect(page.get_by_role("dialog")).to_contain_text("backend_error")
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
