"""OAuth through the gateway and engines, against an authorization server that is a real one."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from httpx import AsyncClient, Response

from bus.nats_bus import NatsBus
from tests.integration.gateway.parts import CoordinatorProcess, GatewayProcess
from tests.integration.workflow.authority import SECRET, Authority, query
from tests.integration.workflow.dumping import dump
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow


@pytest.fixture
async def hive(nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path):  # type: ignore[no-untyped-def]
    """A client of the gateway, in front of two engines; and what they and it logged."""
    allowed = {"HIVE_WORKFLOW_ALLOW_INTERNAL": '["127.0.0.1"]', "HIVE_DATA_DIR": str(tmp_path / "hive")}
    with (
        EngineProcess(nats_server, tmp_path, database_url, "one", **allowed) as one,
        CoordinatorProcess(nats_server, tmp_path, database_url),
        GatewayProcess(nats_server, tmp_path) as gateway,
    ):
        await one.ready(nats_bus)
        with EngineProcess(nats_server, tmp_path, database_url, "two", **allowed) as two:
            await two.ready(nats_bus)
            await gateway.answers("/healthz", 90)
            async with gateway.client() as client:
                async with asyncio.timeout(90):
                    while (await client.get("/api/credentials")).status_code != 200:
                        await asyncio.sleep(0.05)
                yield client, (one.log, two.log, gateway.log)


async def made(client: AsyncClient, data: dict[str, Any], kind: str = "oAuth2Api") -> str:
    answer = await client.post("/api/credentials", json={"name": "mine", "type": kind, "data": data, "shared": True})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def begun(client: AsyncClient, authority: Authority, credential: str) -> Response:
    """What the provider answers the person's browser."""
    answer = await client.post(f"/api/credentials/{credential}/connect")
    assert answer.status_code == 200, answer.text
    authority.rules.redirects.add(answer.json()["redirect_uri"])
    async with AsyncClient() as browser:
        return await browser.get(answer.json()["url"])


async def back(client: AsyncClient, sent: Response) -> Response:
    assert sent.status_code == 302, sent.text
    async with AsyncClient(base_url=client.base_url) as browser:  # without a key, as a browser has none
        return await browser.get(sent.headers["location"])


async def connected(client: AsyncClient, authority: Authority, credential: str) -> Response:
    page = await back(client, await begun(client, authority, credential))
    assert page.status_code == 200, page.text
    return page


async def asked(workflows: Workflows, url: str, kind: str = "oAuth2Api", **more: Any) -> Any:
    how = {"authentication": "genericCredentialType", "genericAuthType": kind}
    if kind not in ("oAuth2Api", "oAuth1Api"):
        how = {"authentication": "predefinedCredentialType", "nodeCredentialType": kind}
    document = chain(
        node("Start", "manualTrigger"),
        node("Ask", "httpRequest", {**how, "url": url, "options": {}, **more}, 4.2, credentials={kind: {"name": "mine"}}),
    )
    return await workflows.execute((await workflows.create(document)).id, wait=60)


def error_of(record: Any) -> str:
    return str(record.data["resultData"]["runData"]["Ask"][0]["error"]["message"])


@pytest.mark.parametrize(
    ("grant", "kind"),
    [("authorizationCode", "oAuth2Api"), ("pkce", "oAuth2Api"), ("authorizationCode", "somebodysOAuth2Api")],
)
async def test_a_person_connects_it_and_requests_have_its_token(
    hive: Any, workflows: Workflows, database_url: str, nats_bus: NatsBus, grant: str, kind: str
) -> None:
    client, logs = hive
    async with Authority() as authority:
        more: dict[str, Any] = {"authentication": "body"}
        if grant == "pkce":
            authority.rules.public, more = True, {"clientSecret": ""}
        credential = await made(client, authority.data(grantType=grant, **more), kind)
        record = await asked(workflows, f"{authority.url}/guarded", kind)
        assert "is not connected" in error_of(record)
        page = await connected(client, authority, credential)
        assert "Connected" in page.text
        shown = (await client.get(f"/api/credentials/{credential}")).json()
        assert shown["connected_at"]
        assert shown["token_expires_at"] > shown["connected_at"]
        assert shown["refreshable"] is True
        record = await asked(workflows, f"{authority.url}/guarded", kind)
        assert (record.status, authority.guarded) == ("success", [200])
        assert ("code_verifier" in authority.token_requests[0]) is (grant == "pkce")
        everything = "\n".join(
            [page.text, str(shown), record.model_dump_json(), await dump(database_url), *(log.read_text() for log in logs)]
        )
        assert len(authority.rules.given) == 2
        assert not [secret for secret in (*authority.rules.given, SECRET) if secret in everything]
        assert "credential_connected" in everything


async def test_a_state_works_once_for_its_time_and_no_other_does(hive: Any, database_url: str) -> None:
    client, _ = hive
    async with Authority() as authority:
        credential = await made(client, authority.data())
        sent = await begun(client, authority, credential)
        assert (await back(client, sent)).status_code == 200
        again = await back(client, sent)
        assert (again.status_code, "used already" in again.text) == (400, True)
        for state in ("unknown", "<script>alert(1)</script>", ""):
            page = await client.get("/oauth2/callback", params={"code": "x", "state": state})
            assert page.status_code == 400
            assert "<script>" not in page.text
        sent = await begun(client, authority, credential)
        connection = await asyncpg.connect(database_url)
        await connection.execute("UPDATE credential_connects SET expires_at = now() - interval '1 second'")
        await connection.close()
        assert "has expired" in (await back(client, sent)).text
        assert len(authority.token_requests) == 1


async def test_a_consent_that_is_refused_says_so(hive: Any) -> None:
    client, _ = hive
    async with Authority() as authority:
        credential = await made(client, authority.data())
        authority.refusing = True
        page = await back(client, await begun(client, authority, credential))
        assert (page.status_code, "access_denied" in page.text) == (400, True)
        authority.refusing = False
        state = query(str((await begun(client, authority, credential)).headers["location"]))["state"]
        page = await client.get("/oauth2/callback", params={"error": "<b>x</b>", "state": state})
        assert "&lt;b&gt;" in page.text
        assert (await client.get(f"/api/credentials/{credential}")).json()["connected_at"] is None


async def test_a_token_is_refreshed_once_for_all_who_need_it(hive: Any, workflows: Workflows) -> None:
    client, _ = hive
    async with Authority() as authority:
        credential = await made(client, authority.data())
        authority.expires_in = 1  # at once too old to be used
        await connected(client, authority, credential)
        authority.expires_in = 3600
        authority.held.clear()
        many = [asyncio.create_task(asked(workflows, f"{authority.url}/guarded")) for _ in range(6)]
        async with asyncio.timeout(60):
            while len(authority.token_requests) < 2:
                await asyncio.sleep(0.02)
        authority.held.set()
        records = await asyncio.gather(*many)
        assert {record.status for record in records} == {"success"}
        assert [each["grant_type"] for each in authority.token_requests] == ["authorization_code", "refresh_token"]


async def test_what_was_rotated_is_used_next_and_what_was_revoked_ends_it(hive: Any, workflows: Workflows) -> None:
    client, _ = hive
    async with Authority() as authority:
        credential = await made(client, authority.data())
        await connected(client, authority, credential)
        for _ in range(2):
            authority.rules.access.clear()  # answered with 401, though it had not expired
            assert (await asked(workflows, f"{authority.url}/guarded")).status == "success"
        used = [each["refresh_token"] for each in authority.token_requests[1:]]
        assert used == [authority.rules.given[1], authority.rules.given[3]]
        authority.rules.access.clear()
        authority.rules.refresh.clear()
        record = await asked(workflows, f"{authority.url}/guarded")
        assert "invalid_grant" in error_of(record)
        assert "Connect it anew" in error_of(record)
        assert not [secret for secret in authority.rules.given if secret in record.model_dump_json()]
        assert (await client.get(f"/api/credentials/{credential}")).json()["connected_at"] is None


async def test_another_address_of_tokens_gets_none_of_them(hive: Any, workflows: Workflows) -> None:
    client, _ = hive
    async with Authority() as authority, Authority() as elsewhere:
        credential = await made(client, authority.data())
        await connected(client, authority, credential)
        changed = await client.put(
            f"/api/credentials/{credential}", json={"data": {"accessTokenUrl": f"{elsewhere.url}/token"}}
        )
        assert changed.json()["connected_at"] is None
        assert "is not connected" in error_of(await asked(workflows, f"{authority.url}/guarded"))
        assert not elsewhere.token_requests
