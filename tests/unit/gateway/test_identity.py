"""Who may: keys in every form, what is open without one, and what another site cannot make a browser do."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from httpx import AsyncClient
from starlette.datastructures import Headers

from bus import auth, subjects
from bus.errors import Unauthenticated
from bus.messages import Claims, Role
from bus.testing import InMemoryBus
from coordinator.gateway.app import create_app
from coordinator.gateway.gate import AUTHORITY_PATH, OPEN_PATHS, check_scrape
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.identity import Credential, read
from coordinator.gateway.llm.dialects import dialect_of
from coordinator.gateway.settings import GatewaySettings
from tests.unit.gateway.conftest import ANNA
from tests.unit.gateway.rooms import Rooms


def basic(password: str) -> str:
    return "Basic " + b64encode(f"anyone:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("headers", "credential"),
    [
        ({"Authorization": "Bearer k"}, Credential("k")),
        ({"authorization": "bearer  k "}, Credential("k")),
        ({"x-api-key": "k"}, Credential("k")),
        ({"Authorization": basic("k:1")}, Credential("k:1", ambient=True)),
        ({"Authorization": basic("other"), "x-api-key": "k"}, Credential("k")),
    ],
)
def test_a_key_comes_in_every_usual_form(headers: dict[str, str], credential: Credential) -> None:
    assert read(Headers(headers)) == credential


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer "}, {"Authorization": "Basic %%"}, {"x-api-key": " "}])
def test_no_key_is_refused_with_the_way_to_send_one(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated, match="Authorization: Bearer"):
        read(Headers(headers))


async def test_nothing_answers_without_a_key_but_health(nobody: AsyncClient, gateway: Gateway) -> None:
    paths = {"/", "/nowhere", "/docs", "/openapi.json", "/asyncapi", "/api/tasks"}
    paths |= {path for path, item in create_app(gateway).openapi()["paths"].items() if "get" in item}
    for path in sorted(paths - OPEN_PATHS - {"/metrics", AUTHORITY_PATH}):
        response = await nobody.get(path)
        assert (path, response.status_code) == (path, 401)
        if dialect_of(path) is None:
            assert response.json()["code"] == "unauthenticated"
        else:
            assert response.json()["error"]
        assert response.headers["www-authenticate"].startswith("Bearer")
    for path in OPEN_PATHS:
        there_is_none = 404 if path == AUTHORITY_PATH else 200  # this hive has no authority of its own
        assert (await nobody.get(path)).status_code == there_is_none


async def test_a_browser_is_asked_for_the_key(nobody: AsyncClient) -> None:
    response = await nobody.get("/docs", headers={"accept": "text/html"})
    assert response.headers["www-authenticate"].startswith("Basic")
    assert (await nobody.get("/docs", headers={"authorization": basic(ANNA)})).status_code == 200


async def test_a_key_that_is_not_known_is_refused(nobody: AsyncClient) -> None:
    response = await nobody.get("/api/tasks", headers={"x-api-key": "sk-hive-wrong"})
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")


async def test_a_revoked_key_is_refused_at_once(anna: AsyncClient, memory_bus: InMemoryBus) -> None:
    assert (await anna.get("/api/tasks")).status_code == 200
    await memory_bus.delete(subjects.KV_KEYS, auth.hash_key(ANNA))
    assert (await anna.get("/api/tasks")).status_code == 401


async def test_claims_that_cannot_be_read_open_nothing(nobody: AsyncClient, memory_bus: InMemoryBus) -> None:
    await memory_bus.put(subjects.KV_KEYS, auth.hash_key("sk-hive-odd"), b"not claims")
    assert (await nobody.get("/api/tasks", headers={"x-api-key": "sk-hive-odd"})).status_code == 401


@pytest.mark.parametrize(("origin", "status"), [("https://evil.example", 403), ("http://hive", 201), (None, 201)])
async def test_another_site_cannot_use_the_key_that_a_browser_remembers(
    nobody: AsyncClient, rooms: Rooms, origin: str | None, status: int
) -> None:
    headers = {"authorization": basic(ANNA)} | ({"origin": origin} if origin else {})
    assert (await nobody.post("/api/tasks", json={"prompt": "hi"}, headers=headers)).status_code == status


def test_metrics_beyond_loopback_need_the_scrape_token() -> None:
    check_scrape(GatewaySettings(host="127.0.0.1"), Headers({}))
    check_scrape(GatewaySettings(host="::1"), Headers({}))
    for settings in (GatewaySettings(host="0.0.0.0"), GatewaySettings(host="hive.example")):
        with pytest.raises(Unauthenticated, match="HIVE_METRICS_TOKEN"):
            check_scrape(settings, Headers({"authorization": "Bearer "}))
    guarded = GatewaySettings.model_validate({"host": "0.0.0.0", "metrics_token": "scrape-me"})
    check_scrape(guarded, Headers({"authorization": "Bearer scrape-me"}))
    for wrong in ({}, {"authorization": "Bearer scrape-you"}, {"authorization": "Bearer é"}):
        with pytest.raises(Unauthenticated, match="scrape token"):
            check_scrape(guarded, Headers(wrong))


async def test_a_key_that_has_expired_opens_nothing(nobody: AsyncClient, memory_bus: InMemoryBus) -> None:
    now = datetime.now(UTC)
    for key, ends, status in (("sk-hive-old", now - timedelta(seconds=1), 401), ("sk-hive-new", now + timedelta(days=1), 200)):
        claims = Claims(sub="anna", roles=(Role.DEVELOPER,), expires_at=ends)
        await memory_bus.put(subjects.KV_KEYS, auth.hash_key(key), claims)
        assert (await nobody.get("/api/tasks", headers={"x-api-key": key})).status_code == status


async def test_a_key_may_no_more_than_its_scopes(nobody: AsyncClient, memory_bus: InMemoryBus) -> None:
    claims = Claims(sub="anna", roles=(Role.ADMIN,), scopes=("agents.view", "keys.*"))
    await memory_bus.put(subjects.KV_KEYS, auth.hash_key("sk-hive-bound"), claims)
    bound = {"x-api-key": "sk-hive-bound"}
    assert (await nobody.get("/api/keys", headers=bound)).status_code == 200
    refused = await nobody.get("/api/users", headers=bound)
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert "agents.view" in refused.json()["detail"]
    assert (await nobody.post("/api/tasks", json={"prompt": "hi"}, headers=bound)).status_code == 403
