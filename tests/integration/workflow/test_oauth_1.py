"""OAuth 1 through the gateway and engines, against a provider that is a real one: connected by a person, or with a token that one has."""

from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient

from bus.nats_bus import NatsBus
from tests.integration.workflow.authority import Authority
from tests.integration.workflow.authority_1 import CONSUMER, CONSUMER_SECRET, TOKEN, TOKEN_SECRET
from tests.integration.workflow.dumping import dump
from tests.integration.workflow.keeper import Keeper
from tests.integration.workflow.parts import EngineProcess, Workflows
from tests.integration.workflow.test_oauth import asked, back, error_of, hive, made  # noqa: F401 - a fixture
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow


async def begun(client: AsyncClient, credential: str) -> Any:
    """What the provider answers the person's browser."""
    answer = await client.post(f"/api/credentials/{credential}/connect")
    assert answer.status_code == 200, answer.text
    assert answer.json()["redirect_uri"].endswith("/oauth1/callback")
    async with AsyncClient() as browser:
        return await browser.get(answer.json()["url"])


@pytest.mark.parametrize("kind", ["oAuth1Api", "somebodysOAuth1Api"])
async def test_a_person_connects_it_and_requests_are_signed_with_its_token(
    hive: Any,  # noqa: F811
    workflows: Workflows,
    database_url: str,
    kind: str,
) -> None:
    client, logs = hive
    async with Authority() as authority:
        credential = await made(client, authority.one.data(authority.url), kind)
        assert "is not connected" in error_of(await asked(workflows, f"{authority.url}/signed", kind))
        sent = await begun(client, credential)
        page = await back(client, sent)
        assert (page.status_code, "Connected" in page.text) == (200, True), page.text
        again = await back(client, sent)
        assert (again.status_code, "used already" in again.text) == (400, True)
        shown = (await client.get(f"/api/credentials/{credential}")).json()
        assert (bool(shown["connected_at"]), shown["refreshable"], shown["token_expires_at"]) == (True, False, None)
        record = await asked(workflows, f"{authority.url}/signed?a=1%202", kind)
        assert (record.status, authority.one.signed) == ("success", [True])
        tried = (await client.post(f"/api/credentials/{credential}/test")).json()
        assert tried["ok"] is True
        everything = "\n".join(
            [page.text, str(shown), record.model_dump_json(), await dump(database_url), *(log.read_text() for log in logs)]
        )
        assert len(authority.one.rules.given) == 3
        assert not [secret for secret in (*authority.one.rules.given, CONSUMER_SECRET) if secret in everything]


async def test_what_a_provider_refuses_connects_nothing_and_says_why(hive: Any) -> None:  # noqa: F811
    client, _ = hive
    async with Authority() as authority, Authority() as elsewhere:
        credential = await made(client, authority.one.data(authority.url), "oAuth1Api")
        one = authority.one
        one.refusing = True
        page = await back(client, await begun(client, credential))
        assert (page.status_code, "said denied" in page.text) == (400, True)
        one.refusing = False
        where = str((await begun(client, credential)).headers["location"])
        async with AsyncClient(base_url=client.base_url) as browser:
            page = await browser.get(where.replace("oauth_token=", "oauth_token=another"))
        assert (page.status_code, "another token than this began with" in page.text) == (400, True)
        sent = await begun(client, credential)
        one.rules.requests.clear()
        page = await back(client, sent)
        assert (page.status_code, "gave no token: status 401" in page.text) == (400, True)
        one.older = True
        answer = await client.post(f"/api/credentials/{credential}/connect")
        assert (answer.status_code, "before its revision A" in answer.text) == (403, True)
        one.older = False
        await client.put(f"/api/credentials/{credential}", json={"data": {"consumerSecret": "another-than-the-provider-has"}})
        answer = await client.post(f"/api/credentials/{credential}/connect")
        assert (answer.status_code, "gave no token: status 401" in answer.text) == (403, True)
        assert "another-than-the-provider-has" not in answer.text
        await client.put(f"/api/credentials/{credential}", json={"data": {"consumerSecret": CONSUMER_SECRET}})
        sent = await begun(client, credential)
        changed = {"data": {"accessTokenUrl": f"{elsewhere.url}/oauth1/access"}}
        assert (await client.put(f"/api/credentials/{credential}", json=changed)).status_code == 200
        assert "used already" in (await back(client, sent)).text
        assert not elsewhere.one.asked
        assert (await client.get(f"/api/credentials/{credential}")).json()["connected_at"] is None


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512"])
async def test_a_request_is_signed_with_a_token_that_one_has(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows, method: str
) -> None:
    allowed = '["127.0.0.1"]'
    with EngineProcess(nats_server, tmp_path, database_url, HIVE_WORKFLOW_ALLOW_INTERNAL=allowed) as engine:
        await engine.ready(nats_bus)
        token = {"oauth_token": TOKEN, "oauth_token_secret": TOKEN_SECRET}
        data = {"consumerKey": CONSUMER, "consumerSecret": CONSUMER_SECRET, "signatureMethod": method, "oauthTokenData": token}
        keeper = Keeper(nats_bus)
        credential = await keeper.add("oAuth1Api", data)
        async with Authority() as authority:
            url = f"{authority.url}/signed?a=1%202&b=%C3%A9"
            form = {
                "method": "POST",
                "sendBody": True,
                "contentType": "form-urlencoded",
                "bodyParameters": {"parameters": [{"name": "c", "value": "x y&z"}]},
            }
            for more in ({}, form):
                record = await asked(workflows, url, "oAuth1Api", **more)
                assert (record.status, authority.one.signed[-1]) == ("success", True)
            await keeper.change(credential.id, data={"consumerSecret": "another-than-the-server-has"})
            await asked(workflows, url, "oAuth1Api")
            assert authority.one.signed == [True, True, False]
