"""A process's own /metrics: what it shows, and to whom."""

from collections.abc import Iterable

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bus.exposition import Sample, exposed
from bus.settings import HiveSettings
from bus.testing import InMemoryBus

FREE = 0


def samples() -> Iterable[Sample]:
    yield Sample("tree_height_metres", "gauge", "How tall.", 12.5)
    yield Sample("tree_rings", "counter", "How old.", 80)


async def ask(port: int | None, path: str = "/metrics", method: str = "GET", **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(method, f"http://127.0.0.1:{port}{path}", headers=headers)


async def test_it_shows_what_the_process_knows_of_itself() -> None:
    async with exposed(HiveSettings(), FREE, "monitor", InMemoryBus(), samples) as port:
        answer = await ask(port)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = {sample.name: sample for family in text_string_to_metric_families(answer.text) for sample in family.samples}
    assert found["hive_process_info"].labels == {"service": "monitor"}
    assert (found["hive_tree_height_metres"].value, found["hive_tree_rings_total"].value) == (12.5, 80)
    assert found["hive_bus_connected"].value == 1
    assert found["process_resident_memory_bytes"].value > 1_000_000


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/", "GET", 404), ("/metrics", "POST", 405), ("/metrics?x=1", "GET", 200)]
)
async def test_there_is_nothing_else(path: str, method: str, status: int) -> None:
    async with exposed(HiveSettings(), FREE, "monitor", InMemoryBus()) as port:
        assert (await ask(port, path, method)).status_code == status


async def test_a_token_is_asked_for_where_there_is_one() -> None:
    settings = HiveSettings.model_validate({"metrics_token": "open-sesame"})
    async with exposed(settings, FREE, "monitor", InMemoryBus()) as port:
        assert (await ask(port)).status_code == 401
        assert (await ask(port, authorization="Bearer other")).status_code == 401
        assert (await ask(port, authorization="Bearer open-sesame")).status_code == 200


async def test_beyond_loopback_it_needs_a_token_and_nobody_needs_it() -> None:
    async with exposed(HiveSettings(metrics_host="0.0.0.0"), FREE, "monitor", InMemoryBus()) as port:
        assert port is None
    async with exposed(HiveSettings(), None, "monitor", InMemoryBus()) as port:
        assert port is None


async def test_an_address_that_is_taken_stops_nobody() -> None:
    async with (
        exposed(HiveSettings(), FREE, "monitor", InMemoryBus()) as taken,
        exposed(HiveSettings(), taken, "gui", InMemoryBus()) as port,
    ):
        assert (taken is None, port) == (False, None)


async def test_a_reading_that_fails_is_an_error_of_that_scrape_alone() -> None:
    answers = iter([ValueError("not now"), samples()])

    def read() -> Iterable[Sample]:
        found = next(answers)
        if isinstance(found, ValueError):
            raise found
        return found

    async with exposed(HiveSettings(), FREE, "monitor", InMemoryBus(), read) as port:
        assert [(await ask(port)).status_code for _ in range(2)] == [500, 200]
