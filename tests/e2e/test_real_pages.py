"""The pages on a whole hive: the real coordinator, monitor, engine and model."""

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Page, expect

from tests.e2e.axe import serious
from tests.integration.monitor.receivers import JsonReceiver
from tests.parts.hive import Hive

pytestmark = pytest.mark.slow

ANSWER_MS = 60_000


@pytest.fixture(scope="module")
def running_hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    hive = Hive(tmp_path_factory.mktemp("pages") / "hive")
    hive.start()
    yield hive
    hive.stop()


@pytest.fixture
def real_hive(running_hive: Hive) -> str:
    """A link that logs in, once."""
    printed = running_hive.run("login").stdout
    link = re.search(r"http\S+/login\?ticket=\S+", printed)
    assert link is not None, printed
    return link.group()


async def enter(page: Page, link: str) -> str:
    """The dashboard's address."""
    await page.goto(link)
    await expect(page.locator(".hv-agent[data-state=online]")).not_to_have_count(0, timeout=ANSWER_MS)
    return link.partition("/login")[0]


async def test_a_day_at_the_dashboard(page: Page, real_hive: str) -> None:
    base = await enter(page, real_hive)
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
    await expect(page.locator("tbody tr").filter(has_text="Write a long story")).to_have_count(1)

    await page.goto(f"{base}/agents/{agent}")
    await expect(page.locator(".hv-attempts")).to_contain_text("Write a long story")
    await page.get_by_role("button", name="Drain").click()
    await expect(page.locator(".hv-state")).to_have_text("Draining", timeout=ANSWER_MS)
    await expect(page.locator(".hv-away")).to_contain_text("Drained by admin")
    await page.get_by_role("button", name="Resume").click()
    await expect(page.locator(".hv-state")).to_have_text("Online", timeout=ANSWER_MS)

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


async def test_what_a_page_asks_first_is_asked_by_whoever_looks(page: Page, real_hive: str) -> None:
    """Settings were empty for ten seconds, for a person whom the page did not know yet."""
    base = await enter(page, real_hive)
    await page.goto(f"{base}/settings")
    await expect(page.get_by_role("row").filter(has_text="admin")).not_to_have_count(0, timeout=5000)


async def test_a_task_that_waits_is_made_urgent_and_cancelled(page: Page, real_hive: str, running_hive: Hive) -> None:
    """It waits for a card that no host has."""
    first, second = [
        running_hive.run("task", "submit", "--no-wait", "--vram", "500", "Say hello.").stdout.strip() for _ in range(2)
    ]
    base = await enter(page, real_hive)
    await page.goto(f"{base}/tasks/{second}")
    await expect(page.locator(".hv-facts")).to_contain_text("Place in queue2")
    await page.get_by_label("Priority").select_option("High")
    await expect(page.locator(".hv-note")).to_contain_text("Its priority is High now.")
    await expect(page.locator(".hv-facts")).to_contain_text("Place in queue1")
    await page.goto(f"{base}/tasks?status=queued")
    urgent = page.get_by_role("row", name=f"Open Task {second[:8]}")
    await expect(urgent).to_contain_text("High#1")
    for task_id in (first, second):
        await page.get_by_role("button", name=f"Cancel Task {task_id[:8]}").click()
        await page.get_by_role("button", name="Cancel task", exact=True).click()
        await expect(page.get_by_role("row", name=f"Open Task {task_id[:8]}")).to_have_count(0)


async def test_tasks_of_another_time_are_not_shown(page: Page, real_hive: str) -> None:
    base = await enter(page, real_hive)
    await page.get_by_label("Prompt").fill("Say hello.")
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.locator(".hv-result .hv-status")).to_have_text("Done", timeout=ANSWER_MS)
    await page.goto(f"{base}/tasks?within=hour")
    await expect(page.locator("tbody tr")).not_to_have_count(0)
    await page.get_by_label("Asked for").select_option("range")
    await page.get_by_label("To", exact=True).fill("2020-01-01T10:00")
    await page.get_by_label("From", exact=True).fill("2020-01-01T09:00")
    await expect(page.get_by_role("heading", name="No task like that")).to_be_visible()
    assert "within=range" in page.url
    await page.get_by_role("button", name="Clear the filters").click()
    await expect(page.locator("tbody tr")).not_to_have_count(0)
    await page.goto(f"{base}/timeline")
    bars = page.locator(".hv-lane button")
    await expect(bars).not_to_have_count(0)
    span = page.get_by_role("group", name="Time shown")
    for _ in range(3):
        await span.get_by_role("button", name="Earlier").click()
    await expect(bars).to_have_count(0)
    await span.get_by_role("button", name="Now").click()
    await expect(bars).not_to_have_count(0)
    await bars.last.click()
    await expect(page.get_by_role("dialog")).to_be_visible()


async def test_a_rule_is_written_fires_is_silenced_and_goes(page: Page, real_hive: str) -> None:
    base = await enter(page, real_hive)
    await page.goto(f"{base}/alerts")
    await page.get_by_role("button", name="New rule").click()
    form = page.get_by_role("dialog", name="New rule")
    await form.get_by_label("Name").fill("busy")
    await form.get_by_label("Condition").fill("cpu_uses >= 0")
    await form.get_by_label("What it says").fill("There is a processor")
    await form.get_by_role("button", name="Save rule").click()
    await expect(form.get_by_role("alert")).to_contain_text("cpu_uses")
    await form.get_by_label("Condition").fill("cpu_usage >= 0")
    fired = form.get_by_role("region", name="When it would have fired")
    async with asyncio.timeout(120):  # of a hive that began just now nothing is stored of the day until a minute is over
        while await fired.count() == 0:
            await form.get_by_role("button", name="When would it have fired?").click()
            await expect(fired.or_(form.get_by_role("alert"))).not_to_have_count(0)
            await page.wait_for_timeout(1000)
    await form.get_by_role("button", name="Save rule").click()
    await expect(form).to_have_count(0)
    fires = page.get_by_role("row").filter(has_text="There is a processor").filter(has_text="firing")
    await expect(fires).to_have_count(1, timeout=ANSWER_MS)
    await expect(page.get_by_text("busy fires")).to_be_visible()
    await page.get_by_role("button", name=re.compile("Acknowledge busy of")).click()
    await expect(page.get_by_role("row").filter(has_text="acknowledged by admin")).to_have_count(1)
    await expect(page.get_by_text("busy fires")).to_have_count(0)

    await page.get_by_role("button", name=re.compile("Silence busy of")).click()
    await page.get_by_label("Why").fill("the fan is new")
    await page.get_by_role("dialog").get_by_role("button", name="Silence").click()
    await page.get_by_role("listitem").filter(has_text="the fan is new").get_by_role("button", name="End").click()
    await expect(page.get_by_role("listitem").filter(has_text="the fan is new")).to_have_count(0)

    await page.get_by_role("button", name="Change busy").click()
    form = page.get_by_role("dialog", name="Change busy")
    await form.get_by_label("Severity").select_option("critical")
    await form.get_by_role("button", name="Save rule").click()
    rule = page.get_by_role("region", name="Rules").get_by_role("row").filter(has_text="busy")
    await expect(rule).to_contain_text("critical")
    await page.get_by_role("button", name="Disable busy").click()
    await expect(rule).to_contain_text("disabled")
    await expect(page.get_by_role("button", name=re.compile("Silence busy of"))).to_have_count(0, timeout=ANSWER_MS)
    await page.get_by_role("button", name="Enable busy").click()
    await expect(rule).not_to_contain_text("disabled")
    await page.get_by_role("button", name="Delete busy").click()
    await page.get_by_role("button", name="Delete rule").click()
    await expect(rule).to_have_count(0)


async def test_rules_that_were_put_are_reset_and_put_back(
    page: Page, real_hive: str, running_hive: Hive, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    put = tmp_path / "rules.yml"
    put.write_text('alerts: {crowd: {condition: "waiting > 1000", scope: queue, severity: info}}')
    running_hive.run("alerts", "rules", "--put", str(put))
    request.addfinalizer(lambda: running_hive.run("alerts", "rules", "--reset"))
    base = await enter(page, real_hive)
    await page.goto(f"{base}/alerts")
    rules, sure = page.get_by_role("region", name="Rules"), page.get_by_role("dialog", name="Reset all rules?")
    await expect(rules.get_by_role("row").filter(has_text="crowd")).to_have_count(1)
    await rules.get_by_role("button", name="Reset rules …").click()
    await expect(sure).to_contain_text("(crowd) are forgotten")
    await sure.get_by_role("button", name="Keep it so").click()
    await rules.get_by_role("button", name="Reset rules …").click()
    await sure.get_by_role("button", name="Reset rules", exact=True).click()
    await expect(rules).to_contain_text("Hive's own")
    await expect(rules.get_by_role("row").filter(has_text="agent_available == false")).to_have_count(1)
    await expect(rules.get_by_role("button", name="Reset rules …")).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(rules.get_by_role("row").filter(has_text="crowd")).to_have_count(1)
    assert "crowd" in running_hive.run("alerts", "rules").stdout


async def test_a_target_is_added_tried_changed_and_removed_and_its_address_is_never_shown(page: Page, real_hive: str) -> None:
    base = await enter(page, real_hive)
    await page.goto(f"{base}/alerts")
    with JsonReceiver() as receiver:
        await page.get_by_role("button", name="New target").click()
        form = page.get_by_role("dialog", name="New target")
        await form.get_by_label("Name").fill("hook")
        await form.get_by_label("Address").fill("nonsense://sesame")
        await form.get_by_role("button", name="Save target").click()
        await expect(form.get_by_role("alert")).to_contain_text("apprise", timeout=ANSWER_MS)
        await form.get_by_label("Address").fill(f"json://ann:sesame@127.0.0.1:{receiver.port}")
        await form.get_by_label("critical").check()
        await form.get_by_role("button", name="Save target").click()
        target = page.get_by_role("region", name="Where alerts are sent").get_by_role("row").filter(has_text="hook")
        await expect(target).to_contain_text("critical", timeout=ANSWER_MS)
        await page.get_by_role("button", name="Send a test to hook").click()
        assert (await receiver.next())["title"] == "Hive: a test"
        await page.get_by_role("button", name="Change hook").click()
        form = page.get_by_role("dialog", name="Change hook")
        await expect(form.get_by_label("Address")).to_have_value("")
        await form.get_by_label("Enabled").uncheck()
        await form.get_by_role("button", name="Save target").click()
        await expect(target).to_contain_text("disabled")
        assert "sesame" not in await page.content()
        await page.get_by_role("button", name="Remove hook").click()
        await page.get_by_role("button", name="Remove target").click()
        await expect(target).to_have_count(0)


async def test_an_mcp_server_is_added_looked_into_replaced_imported_and_removed(page: Page, real_hive: str) -> None:
    base = await enter(page, real_hive)
    program = str(Path(sys.executable).with_name("mcp-server-time"))
    await page.goto(f"{base}/mcp-servers")
    await page.get_by_role("button", name="Add server").click()
    form = page.get_by_role("dialog", name="Add an MCP server")
    await form.get_by_label("Name", exact=True).fill("time")
    await form.get_by_label("Transport").select_option("stdio")
    await form.get_by_label("Command").fill(program)
    await form.get_by_label("Arguments").fill("--local-timezone\nEurope/Berlin")
    await form.get_by_label("Environment").fill("SECRET_ZONE=of nobody")
    await form.get_by_role("button", name="Save").click()
    row = page.get_by_role("row").filter(has=page.get_by_role("button", name="time", exact=True))
    await expect(row).to_contain_text("connected", timeout=ANSWER_MS)
    await expect(row).to_contain_text("SECRET_ZONE")
    assert "of nobody" not in await page.content()
    await row.get_by_role("button", name="time", exact=True).click()
    await expect(page.get_by_role("listitem").filter(has_text="get_current_time")).to_have_count(1)

    await page.get_by_role("button", name="Edit time").click()
    form = page.get_by_role("dialog", name="Replace time")
    await form.get_by_label("Command").fill("/nobody/has/this")
    await form.get_by_role("button", name="Save").click()
    await expect(row).to_contain_text("failed", timeout=ANSWER_MS)

    await page.get_by_role("button", name="Import").first.click()
    taking = page.get_by_role("dialog", name="Import servers")
    await taking.get_by_role("textbox").fill("no json")
    await taking.get_by_role("button", name="Import").click()
    await expect(taking.get_by_role("alert")).to_contain_text("invalid_json")
    await taking.get_by_role("textbox").fill(json.dumps({"mcpServers": {"clock": {"command": program}}}))
    await taking.get_by_role("button", name="Import").click()
    clock = page.get_by_role("row").filter(has=page.get_by_role("button", name="clock", exact=True))
    await expect(clock).to_contain_text("connected", timeout=ANSWER_MS)

    for name in ("clock", "time"):
        await page.get_by_role("button", name=f"Remove {name}").click()
        await page.get_by_role("button", name="Remove server").click()
        await expect(page.get_by_role("button", name=f"Remove {name}")).to_have_count(0)
    await expect(page.get_by_role("heading", name="No MCP server yet")).to_be_visible()


async def test_files_go_with_a_message_and_two_models_answer_side_by_side(page: Page, real_hive: str) -> None:
    base = await enter(page, real_hive)
    await page.goto(f"{base}/playground")
    files = page.locator("input[type=file]")
    await files.set_input_files([{"name": "a.bin", "mimeType": "application/octet-stream", "buffer": b"\x00"}])
    await expect(page.get_by_role("alert").filter(has_text="unsupported_media_type")).to_be_visible()
    await files.set_input_files([{"name": "big.txt", "mimeType": "text/plain", "buffer": b"x" * 700_000}])
    await expect(page.get_by_role("alert").filter(has_text="payload_too_large")).to_be_visible()
    await files.set_input_files(
        [{"name": name, "mimeType": "text/plain", "buffer": b"The queen is called Maja."} for name in ("bees.txt", "more.txt")]
    )
    await page.get_by_role("button", name="Leave out more.txt").click()
    await page.get_by_text("System prompt and options").click()
    await page.get_by_label("Most tokens").fill("20")
    await page.get_by_role("button", name="Compare two").click()
    await page.get_by_label("Message").fill("What is the queen called?")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".hv-turn .hv-status", has_text="Done")).to_have_count(2, timeout=ANSWER_MS)
    await expect(page.locator(".hv-turn .hv-tag").first).to_have_text("bees.txt")
    await page.get_by_role("link", name=re.compile("Task ")).first.click()
    await expect(page.locator(".hv-prompt")).to_contain_text("The queen is called Maja.")


async def test_a_token_a_rest_and_another_name_are_made_and_ended(page: Page, real_hive: str) -> None:
    base = await enter(page, real_hive)
    agent = await page.locator(".hv-agent h3").inner_text()
    await page.goto(f"{base}/settings")
    form = page.get_by_role("form", name="New join token")
    await form.get_by_label("What for").fill("the rack")
    await form.get_by_role("button", name="Create token").click()
    assert (await page.locator(".hv-secret").inner_text()).startswith("hive join ")
    await page.get_by_role("button", name="I have it").click()
    await page.get_by_role("button", name="Revoke the rack").click()
    await page.get_by_role("button", name="Revoke token").click()
    await expect(page.get_by_role("row").filter(has_text="the rack")).to_contain_text("revoked")

    form = page.get_by_role("form", name="New maintenance")
    await form.get_by_label("Agents").fill(agent)
    await form.get_by_label("Why").fill("the fan is new")
    await form.get_by_role("button", name="Begin").click()
    rest = page.get_by_role("row").filter(has_text="the fan is new")
    await expect(rest).to_contain_text("under way")
    await rest.get_by_role("button", name="End").click()
    await expect(rest).not_to_contain_text("under way")

    form = page.get_by_role("form", name="New key")
    await form.get_by_label("User").fill("kurt")
    await form.get_by_role("button", name="Create key").click()
    await page.get_by_role("button", name="I have it").click()
    key = page.get_by_role("row").filter(has_text="kurt")
    await key.get_by_role("button", name=re.compile("Revoke")).click()
    await page.get_by_role("button", name="Revoke key").click()
    await expect(key).to_contain_text("revoked")

    await page.goto(f"{base}/models")
    form = page.get_by_role("form", name="Name a model")
    await form.get_by_label("Name").fill("gpt-4o-mini")
    await form.get_by_label("Models").fill("smollm2:135m")
    await form.get_by_role("button", name="Name it").click()
    await page.get_by_role("button", name="Forget gpt-4o-mini").click()
    await page.get_by_role("button", name="Forget name").click()
    await expect(page.get_by_text("gpt-4o-mini →")).to_have_count(0)


async def test_what_was_used_is_shown_and_a_quota_is_set_and_removed(page: Page, real_hive: str, running_hive: Hive) -> None:
    running_hive.run("task", "submit", "Say hello.", "--option", "num_predict=16")
    base = await enter(page, real_hive)
    await page.goto(f"{base}/usage")
    await expect(page.get_by_role("row").filter(has_text=re.compile("bus|admin"))).not_to_have_count(0, timeout=ANSWER_MS)
    await page.get_by_role("button", name="Set a quota").click()
    await page.get_by_label("Name", exact=True).fill("admin")
    await page.get_by_label("At most").fill("0.5")
    await page.get_by_role("dialog").get_by_role("combobox").nth(1).select_option("watt hours")
    await page.get_by_role("button", name="Set", exact=True).click()
    await expect(page.get_by_text("user admin")).to_be_visible()
    await expect(page.get_by_text("of 0.5 watt hours a day")).to_be_visible()
    assert "0.5 watt hours a day" in running_hive.run("usage", "quotas").stdout
    assert "smollm2" in running_hive.run("usage", "--by", "model").stdout
    await page.get_by_role("button", name="Remove the quota of admin").click()
    await expect(page.get_by_text("There are none: everybody may use what there is.")).to_be_visible()


ORDERS: dict[str, Any] = {
    "tasks.submit": {"prompt": "Say hello."},
    "tasks.cancel": {"id": "{task}"},
    "tasks.requeue": {"id": "{task}"},
    "tasks.assign": {"id": "{task}", "agent_id": "{agent}"},
    "tasks.prioritize": {"id": "{task}", "priority": 1},
    "agents.drain": {"agent_id": "{agent}"},
    "agents.resume": {"agent_id": "{agent}"},
    "agents.remove": {"agent_id": "{agent}"},
    "agents.benchmark": {"agent_id": "{agent}"},
    "models.pull": {"model": "llama3.2:3b", "agents": ["{agent}"]},
    "models.load": {"model": "smollm2:135m", "agents": ["{agent}"]},
    "models.unload": {"model": "smollm2:135m", "agents": ["{agent}"]},
    "models.delete": {"model": "smollm2:135m", "agents": ["{agent}"]},
    "models.cancel": {"id": "00000000-0000-4000-8000-000000000000"},
    "models.alias": {"alias": "gpt-4o-mini", "models": ["smollm2:135m"]},
    "models.unalias": {"alias": "gpt-4o-mini"},
    "alerts.change_rule": {"name": "high_cpu", "rule": None, "before": None},
    "alerts.put_rules": {"alerts": {}},
    "alerts.reset_rules": {},
    "alerts.silence": {"rule": "high_cpu", "minutes": 5, "reason": "it is loud"},
    "mcp-servers.list": {},
    "mcp-servers.register": {"name": "mine", "transport": "streamable_http", "endpoint": "http://127.0.0.1:9/mcp"},
    "keys.list": {},
    "keys.create": {"owner": "vic", "role": "admin"},
    "join-tokens.list": {"limit": 5},
    "join-tokens.create": {"uses": 1, "expires_seconds": 3600},
    "maintenance.plan": {"agents": ["{agent}"], "ends_at": "2100-01-01T00:00:00Z", "reason": "a rest"},
}
LOOKS = re.compile(
    r"(\d+ (hour|day|week)s?|Find|Clear|Earlier|Later|Now|All|Waiting|Running|Done|Failed|Show|Compare two|Search|Executions|Versions|Export|Zoom|Fit)\b"
)
"""What changes nothing but the view."""


async def test_a_viewer_is_offered_no_order_and_refused_each(page: Page, real_hive: str, running_hive: Hive) -> None:
    base = await enter(page, real_hive)
    agent = await page.locator(".hv-agent h3").inner_text()
    task = running_hive.run("task", "submit", "--no-wait", "--vram", "500", "Say hello.").stdout.strip()
    await page.get_by_role("button", name="Log out").click()
    await page.get_by_label("API key").fill(running_hive.run("keys", "create", "vic", "--role", "viewer").stdout.strip())
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_selector(".hv-connection[data-kind=good]")
    offered = []
    for path in (*PATHS, f"/agents/{agent}", "/workflows"):
        await page.goto(f"{base}{path}")
        await expect(page.locator(".hv-connection")).to_have_text("Live")
        await expect(page.locator(".hv-lines")).to_have_count(0)
        for button in await page.locator("#main").get_by_role("button").all():
            name = await button.get_attribute("aria-label") or await button.inner_text()
            offered += [] if LOOKS.match(name.strip()) else [(path, name)]
    assert offered == []
    await page.goto(f"{base}/")
    ask = (
        "([verb, body]) => import('hive-live').then(({ ask }) => ask(verb, body).then(() => 'done', (failure) => failure.code))"
    )
    codes = {
        verb: await page.evaluate(ask, [verb, json.loads(json.dumps(body).replace("{agent}", agent).replace("{task}", task))])
        for verb, body in ORDERS.items()
    }
    running_hive.run("task", "cancel", task)
    assert codes == dict.fromkeys(ORDERS, "permission_denied")


async def test_the_palette_finds_a_workflow_and_drains_an_agent(page: Page, real_hive: str) -> None:
    base = await enter(page, real_hive)
    agent = await page.locator(".hv-agent h3").inner_text()
    await page.goto(f"{base}/workflows")
    await page.get_by_role("button", name="Start with an example").click()
    await page.wait_for_url(re.compile(r"/workflows/[0-9a-f-]{36}"))
    made = page.url
    await page.goto(f"{base}/")
    await page.keyboard.press("Control+k")
    search = page.get_by_role("combobox", name="Find")
    await search.fill("which orders")
    await expect(page.get_by_role("option").first).to_contain_text("Example: which orders are large")
    await search.press("Enter")
    await page.wait_for_url(made)
    await page.keyboard.press("Control+k")
    await search.fill(f"drain {agent}")
    await expect(page.get_by_role("option").first).to_contain_text(f"Drain {agent}")
    await search.press("Enter")
    await page.get_by_role("button", name="Drain", exact=True).click()
    await page.locator(".hv-note").get_by_role("button", name="Undo").click()
    await expect(page.locator(".hv-note")).to_contain_text("is given work again")
    await page.keyboard.press("Control+k")
    await search.fill("new join token")
    await search.press("Enter")
    await expect(page.get_by_role("form", name="New join token").get_by_label("What for")).to_be_focused()


PATHS = ("/", "/tasks", "/agents", "/models", "/playground", "/mcp-servers", "/alerts", "/usage", "/timeline", "/settings")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious_on_any_page(page: Page, real_hive: str, scheme: Literal["light", "dark"]) -> None:
    base = await enter(page, real_hive)
    agent = await page.locator(".hv-agent h3").inner_text()
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size({"width": 390, "height": 844} if scheme == "dark" else {"width": 1440, "height": 900})
    found = {}
    for path in (*PATHS, f"/agents/{agent}"):
        await page.goto(f"{base}{path}")
        await expect(page.locator(".hv-connection")).to_have_text("Live")
        await expect(page.locator(".hv-lines")).to_have_count(0)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is wider than the screen"
        if violations := await serious(page):
            found[path] = violations
    assert found == {}
