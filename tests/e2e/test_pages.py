"""What a person finds on the pages beside the overview."""

from datetime import UTC, datetime

import pytest
from playwright.async_api import Page, expect

from bus import subjects
from bus.auth import Permission
from bus.messages import Claims, FailureInfo, Role, TaskRequest
from bus.messages.usage import ListUsage, UsageBy, UsageReport, UsageRow
from bus.service import Call, Endpoint, Service
from tests.e2e.processes import GuiProcess
from tests.e2e.scripted_hive import ADMIN, ScriptedHive
from tests.e2e.test_dashboard import ACACIA

pytestmark = pytest.mark.slow

TODAY = datetime.now(UTC).date()
VIEWER = Claims(sub="vic", roles=(Role.VIEWER,))


async def visit(page: Page, hive: ScriptedHive, gui: GuiProcess, claims: Claims, path: str) -> None:
    ticket = f"of-{claims.sub}"
    hive.tickets[ticket] = claims
    await page.goto(f"{gui.url}/login?ticket={ticket}")
    await page.wait_for_selector(".hv-connection[data-kind=good]")
    await page.goto(f"{gui.url}{path}")


async def test_every_page_is_one_press_away_and_says_where_one_is(dashboard: Page) -> None:
    pages = dashboard.get_by_role("navigation", name="Pages")
    await pages.get_by_role("link", name="Tasks").click()
    await expect(dashboard.get_by_role("heading", name="Tasks", level=1)).to_be_visible()
    await expect(pages.locator("[aria-current=page]")).to_have_text("Tasks")


async def test_the_palette_finds_pages_agents_and_a_task_by_its_id(
    dashboard: Page, hive: ScriptedHive, gui: GuiProcess
) -> None:
    await hive.agent(ACACIA)
    task = await hive.add(TaskRequest(prompt="Digest it.", title="Weekly digest"))
    await expect(dashboard.locator("#agent-acacia")).to_be_visible()
    await dashboard.keyboard.press("Control+k")
    find = dashboard.get_by_role("combobox", name="Find")
    await find.fill("acac")
    await expect(dashboard.get_by_role("option").first).to_contain_text("acacia")
    await find.fill("nothing is called this")
    await expect(dashboard.get_by_role("dialog")).to_contain_text("Nothing is called that")
    await find.fill(str(task.id))
    await find.press("Enter")
    await expect(dashboard.get_by_role("heading", name="Weekly digest")).to_be_visible()
    assert dashboard.url == f"{gui.url}/tasks/{task.id}"


async def test_tasks_are_filtered_by_the_coordinator_and_the_address_keeps_the_filter(
    dashboard: Page, hive: ScriptedHive, gui: GuiProcess
) -> None:
    await hive.agent(ACACIA)
    good, bad = [await hive.add(TaskRequest(prompt="p", title=title)) for title in ("A <b>good</b> one", "A bad one")]
    for task in (good, bad):
        await hive.assign(task.id, "acacia")
    await hive.complete(good.id, "Done.")
    await hive.fail(bad.id, FailureInfo(code="backend_error", message="It answered 500."))
    await dashboard.goto(f"{gui.url}/tasks")
    rows = dashboard.locator("tbody tr")
    await expect(rows).to_have_count(2)
    await expect(rows.filter(has_text="A <b>good</b> one")).to_have_count(1)
    await dashboard.get_by_label("Status").select_option("failed")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("backend_error")
    await dashboard.reload()
    await expect(rows).to_have_count(1)
    await dashboard.get_by_role("button", name="Run again A bad one").click()
    await expect(dashboard.get_by_role("heading", name="No task like that")).to_be_visible()
    await dashboard.get_by_role("button", name="Clear the filters").click()
    await expect(rows.filter(has_text="A bad one")).to_contain_text("Queued")


async def test_a_task_is_followed_explained_and_cancelled_on_its_page(
    dashboard: Page, hive: ScriptedHive, gui: GuiProcess
) -> None:
    await hive.agent(ACACIA)
    task = await hive.add(TaskRequest(prompt="Tell me.", title="A long story"))
    await dashboard.goto(f"{gui.url}/tasks/{task.id}")
    await dashboard.get_by_role("button", name="Why does it wait?").click()
    await expect(dashboard.get_by_text("Every agent that has the model is busy.")).to_be_visible()
    await hive.assign(task.id, "acacia")
    await hive.write(task.id, "Once upon a time", 0)
    await expect(dashboard.locator(".hv-answer")).to_have_text("Once upon a time")
    await dashboard.get_by_role("button", name="Cancel").click()
    question = dashboard.get_by_role("dialog", name="Cancel this task?")
    await question.get_by_role("button", name="Keep it so").click()
    await expect(question).to_have_count(0)
    await expect(dashboard.locator(".hv-status")).to_have_text("Running")
    await dashboard.get_by_role("button", name="Cancel").click()
    await question.get_by_role("button", name="Cancel task").click()
    await expect(dashboard.locator(".hv-status")).to_have_text("Cancelled")
    await expect(dashboard.locator(".hv-events")).to_contain_text("Begun: attempt 1 on acacia")


async def test_an_answer_that_comes_before_its_task_is_said_to_run_is_shown_once(
    dashboard: Page, hive: ScriptedHive, gui: GuiProcess
) -> None:
    await hive.agent(ACACIA)
    task = await hive.add(TaskRequest(prompt="Tell me.", title="A long story"))
    await dashboard.goto(f"{gui.url}/tasks/{task.id}")
    await expect(dashboard.locator(".hv-status")).to_have_text("Queued")
    await hive.offer(task.id, "acacia")
    await hive.write(task.id, "Once upon a time", 0)
    await expect(dashboard.locator(".hv-answer")).to_have_text("Once upon a time")
    await hive.begin(task.id)
    await expect(dashboard.locator(".hv-status")).to_have_text("Running")
    await expect(dashboard.locator(".hv-events")).to_contain_text("Begun: attempt 1 on acacia")
    await hive.write(task.id, " there was a bee", 16)
    await expect(dashboard.locator(".hv-answer")).to_have_text("Once upon a time there was a bee")


async def test_a_viewer_is_not_offered_what_a_viewer_may_not_and_is_refused(
    page: Page, hive: ScriptedHive, gui: GuiProcess
) -> None:
    task = await hive.add(TaskRequest(prompt="p", title="Of somebody else"))
    await visit(page, hive, gui, VIEWER, "/tasks")
    await expect(page.get_by_role("heading", name="My tasks")).to_be_visible()
    pages = page.get_by_role("navigation", name="Pages")
    await expect(pages.get_by_role("link", name="Agents")).to_have_count(1)
    await expect(pages.get_by_role("link", name="Playground")).to_have_count(0)
    await expect(page.get_by_role("button", name="Cancel Of somebody else")).to_have_count(0)
    await page.goto(f"{gui.url}/tasks/{task.id}")
    await expect(page.get_by_role("alert").filter(has_text="permission_denied")).to_be_visible()
    await expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    assert "Of somebody else" not in await page.locator("#main").inner_text()


async def test_who_manages_models_alone_is_offered_these_and_neither_hosts_nor_alerts(
    page: Page, hive: ScriptedHive, gui: GuiProcess
) -> None:
    await hive.agent(ACACIA)
    await visit(page, hive, gui, Claims(sub="mo", roles=(Role.ADMIN,), scopes=("models.*",)), "/models")
    await expect(page.get_by_role("form", name="Pull a model")).to_be_visible()
    await expect(page.get_by_role("form", name="Name a model")).to_be_visible()
    pages = page.get_by_role("navigation", name="Pages")
    await expect(pages.get_by_role("link", name="Models")).to_have_count(1)
    for absent in ("Agents", "Alerts"):
        await expect(pages.get_by_role("link", name=absent)).to_have_count(0)
    await page.keyboard.press("Control+k")
    await page.get_by_role("combobox", name="Find").fill("a")
    options = page.get_by_role("option")
    await expect(options.filter(has_text="Pull a model")).to_have_count(1)
    await expect(options.filter(has_text="New alert rule").or_(options.filter(has_text="Drain"))).to_have_count(0)


async def test_the_age_of_what_is_shown_is_said_while_nobody_answers(
    dashboard: Page, hive: ScriptedHive, gui: GuiProcess
) -> None:
    await hive.add(TaskRequest(prompt="p", title="Still there"))
    await dashboard.goto(f"{gui.url}/tasks")
    await expect(dashboard.locator("tbody tr")).to_have_count(1)
    await hive.resign()
    away = dashboard.locator(".hv-away")
    await expect(away).to_contain_text("no_leader")
    await expect(away).to_contain_text("What you see is from")
    await expect(dashboard.locator("tbody tr")).to_have_count(1)
    await hive.lead()
    await expect(away).to_have_count(0)


async def test_a_part_of_a_page_that_nobody_tells_is_named_beside_the_others(
    dashboard: Page, hive: ScriptedHive, gui: GuiProcess
) -> None:
    async def report(_call: Call[ListUsage]) -> UsageReport:
        return UsageReport(
            by=UsageBy.USER,
            since=TODAY,
            until=TODAY,
            rows=(UsageRow(name="dora", tasks=3, prompt_tokens=5, completion_tokens=7, seconds=1),),
        )

    told = Endpoint(verb="report", body=ListUsage, handler=report, permission=Permission.METRICS_VIEW)
    await hive.bus.serve(Service(name=subjects.SERVICE_USAGE, version="1.0.0", description="scripted", endpoints=(told,)))
    await dashboard.goto(f"{gui.url}/usage")
    await expect(dashboard.get_by_role("row").filter(has_text="dora")).to_have_count(1)
    await expect(dashboard.get_by_role("region", name="Quotas").locator(".hv-away")).to_contain_text("usage.quotas")
    await expect(dashboard.get_by_text("everybody may use what there is")).to_have_count(0)


PLACES = (
    "/?task={task}",
    "/tasks?status=failed",
    "/tasks/{task}",
    "/agents/acacia",
    "/models?model=a%3A8b",
    "/workflows/{task}",
)


async def test_a_link_to_any_place_leads_there_by_way_of_the_login(page: Page, hive: ScriptedHive, gui: GuiProcess) -> None:
    task = await hive.add(TaskRequest(prompt="p", title="Linked"))
    key = await hive.key(ADMIN)
    for place in PLACES:
        await page.context.clear_cookies()
        wanted = gui.url + place.format(task=task.id)
        await page.goto(wanted)
        await page.get_by_label("API key").fill(key)
        await page.get_by_role("button", name="Log in").click()
        await page.wait_for_url(wanted)
        await page.wait_for_selector(".hv-connection")
