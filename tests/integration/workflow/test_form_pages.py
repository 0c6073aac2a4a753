"""Forms of several pages: by real HTTP through a gateway, while the engine is killed, and in a real browser."""

import asyncio
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
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
from workflow.doors.form_steps import open_form, stored
from workflow.running.reading import Reading

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


def addresses(path: str) -> dict[str, Any]:
    """Two pages after the first, whose fields have the same names: what is filled in on one would do on the other."""
    fields = {"Home": "Town", "Work": "Place"}
    asked = [
        node(name, "form", {"formFields": {"values": [{"fieldLabel": label, "requiredField": True}]}, "options": {}}, 1)
        for name, label in fields.items()
    ]
    first = {"path": path, "formTitle": "Where", "formFields": {"values": [{"fieldLabel": "Name"}]}}
    last = {"operation": "completion", "completionTitle": "=From {{ $('Home').first().json.Town }} to {{ $json.Place }}"}
    return chain(node("First", "formTrigger", first, 2.2, webhookId=f"hook-{path}"), *asked, node("End", "form", last, 1))


def _mark(page: Response) -> str:
    """What a browser sends of it without being asked."""
    found = re.search(r'<input type="hidden" name="hive-page" value="(\w+)">', page.text)
    assert found is not None, page.text
    return found[1]


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


async def test_a_page_that_is_sent_again_does_not_fill_in_the_next(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    html = {"accept": "text/html"}
    async with doors(nats_bus, nats_server, database_url, tmp_path) as client, asyncio.timeout(90):
        made = await saved(client, addresses("twice"))
        address = (await client.post("/form/twice", data={"field-0": "Ann"})).headers["location"]
        home = _mark(await _got(client, address, "Town"))
        refused = await client.post(address, data={"hive-page": home, "field-0": ""}, headers=html)
        assert (refused.status_code, _mark(refused)) == (400, home), "what is shown again is the same page"
        assert (await client.post(address, data={"hive-page": home, "field-0": "Ulm"})).status_code == 303
        work = _mark(await _got(client, address, "Place"))
        again = await client.post(address, data={"hive-page": home, "field-0": "Ulm"})
        assert (again.status_code, again.headers["location"]) == (303, address)
        assert _mark(await _got(client, address, "Place")) == work, "the next page is still open"
        assert (await client.post(address, data={"hive-page": work, "field-0": "Bonn"})).status_code == 303
        await _got(client, address, "From Ulm to Bonn")
        (item,) = await given(client, made, "Work")
        assert item["json"]["Place"] == "Bonn"


async def test_who_asks_whether_a_page_is_stored_is_answered_in_time(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    async with doors(nats_bus, nats_server, database_url, tmp_path) as client, asyncpg.create_pool(database_url) as pool:
        async with asyncio.timeout(90):
            await saved(client, addresses("open"))
            address = (await client.post("/form/open", data={"field-0": "Ann"})).headers["location"]
            await _got(client, address, "Town")
            reading, execution_id = Reading(pool), UUID(address.rpartition("/")[2])
            while (effect := open_form((await reading.execution(execution_id))[1])) is None:
                await asyncio.sleep(0.1)
            assert not await stored(reading, execution_id, effect.key, 0.3), "nobody has sent it"
            assert (await client.post(address, data={"field-0": "Ulm"})).status_code == 303, "who names no page is believed"
            assert await stored(reading, execution_id, effect.key, 0.3)
