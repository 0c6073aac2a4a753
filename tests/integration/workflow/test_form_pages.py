"""Forms of several pages: by real HTTP through a gateway, while the engine is killed, and in a real browser."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient, Response
from playwright.async_api import Browser

from bus.nats_bus import NatsBus
from tests.e2e.conftest import browser  # noqa: F401 - a fixture
from tests.integration.gateway.parts import CoordinatorProcess, GatewayProcess
from tests.integration.workflow.browsing import watched
from tests.integration.workflow.doors import doors, given, saved
from tests.integration.workflow.parts import EngineProcess, chain, node
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow


def pages(path: str) -> dict[str, Any]:
    first = {"path": path, "formTitle": "Order", "formFields": {"values": [{"fieldLabel": "Name", "requiredField": True}]}}
    size = {"fieldLabel": "={{ 'Size for ' + $json.Name }}", "fieldName": "Size", "fieldType": "number", "requiredField": True}
    last = {
        "operation": "completion",
        "completionTitle": "=Thanks, {{ $('First').first().json.Name }}",
        "completionMessage": "=Size {{ $json.Size }}",
    }
    return chain(
        node("First", "formTrigger", first, 2.2, webhookId=f"hook-{path}"),
        node("Page", "form", {"formFields": {"values": [size]}, "options": {}}, 1),
        node("End", "form", last, 1),
    )


async def _got(client: AsyncClient, address: str, said: str, seconds: float = 60) -> Response:
    """Until the page at the address says so; meanwhile an engine may be away."""
    async with asyncio.timeout(seconds):
        while True:
            found = await client.get(address)
            if said in found.text:
                return found
            await asyncio.sleep(0.1)


async def test_a_person_goes_through_all_pages(
    nats_bus: NatsBus,
    nats_server: NatsServer,
    database_url: str,
    tmp_path: Path,
    browser: Browser,  # noqa: F811
) -> None:
    async with doors(nats_bus, nats_server, database_url, tmp_path) as client:
        made = await saved(client, pages("shop"))
        async with watched(browser) as seen, asyncio.timeout(90):
            page = seen.page
            await page.goto(f"{client.base_url}/form/shop")
            await page.get_by_label("Name *").fill("Ann")
            await page.get_by_role("button", name="Submit").click()
            await page.get_by_label("Size for Ann *").fill("7")
            await page.get_by_role("button", name="Submit").click()
            await page.get_by_role("heading", name="Thanks, Ann").wait_for()
            assert await page.get_by_text("Size 7").is_visible()
            assert seen.complaints == []
        (item,) = await given(client, made, "Page")
        assert (item["json"]["Size"], item["json"]["formMode"]) == (7, "production")


async def test_a_form_outlives_its_engine_and_nothing_that_was_sent_is_lost(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    with (
        EngineProcess(nats_server, tmp_path, database_url) as engine,
        CoordinatorProcess(nats_server, tmp_path, database_url),
        GatewayProcess(nats_server, tmp_path) as gateway,
    ):
        await engine.ready(nats_bus)
        await gateway.answers("/healthz", 90)
        async with gateway.client() as client, AsyncClient(base_url=client.base_url, timeout=60) as stranger:
            async with asyncio.timeout(90):
                while (await client.get("/api/workflows")).status_code != 200:
                    await asyncio.sleep(0.05)
            made = await saved(client, pages("killed"))
            led = await stranger.post("/form/killed", data={"field-0": "Ann"})
            assert led.status_code == 303
            engine.kill()
            engine.restart()
            address = led.headers["location"]
            assert "Order" in (await _got(stranger, address, "Size for Ann")).text
            resume = address.replace("/form-waiting/", "/webhook-waiting/")
            for method in ("GET", "POST"):
                assert (await stranger.request(method, resume)).status_code == 409, "nobody goes past the page"
            wrong = await stranger.post(address, data={"field-0": "large"}, headers={"accept": "text/html"})
            assert (wrong.status_code, "This is no number" in wrong.text) == (400, True)
            assert (await stranger.post(address, data={"field-0": "7"})).status_code == 303
            engine.kill()
            engine.restart()
            done = await _got(stranger, address, "Thanks, Ann")
            assert "Size 7" in done.text
            again = await stranger.post(address, data={"field-0": "8"})
            assert again.status_code == 303, "sent twice, it is led on"
            assert "Size 7" in (await _got(stranger, address, "Thanks, Ann")).text
            (item,) = await given(client, made, "Page")
            assert item["json"]["Size"] == 7
