"""The doors to what is known of an agent and to what a person orders about it."""

from httpx import AsyncClient


async def test_the_health_of_an_agent_is_read_page_by_page(viewer: AsyncClient) -> None:
    first = (await viewer.get("/api/agents/acacia/health", params={"limit": 2})).json()
    assert (len(first["history"]), first["last"]) == (2, first["history"][0])
    second = (await viewer.get("/api/agents/acacia/health", params={"before": first["next_before"]})).json()
    assert (len(second["history"]), second["last"]["timestamp"]) == (100, first["next_before"])


async def test_a_page_has_a_bound_and_a_time_its_zone(viewer: AsyncClient) -> None:
    for wrong in ({"limit": 1001}, {"limit": 0}, {"before": "2026-11-23T12:00:00"}, {"since": "1"}):
        refused = await viewer.get("/api/agents/acacia/health", params=wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request"), wrong
