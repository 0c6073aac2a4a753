"""The doors of join tokens: who may, what is shown, and the one door that is open to a token alone."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from httpx import AsyncClient
from pydantic import SecretStr

from bus import subjects
from bus.auth import Permission
from bus.errors import JoinTokenExpired, NameTaken, UnknownJoinToken
from bus.guarding.pace import PACE
from bus.messages import Claims
from bus.messages.joining import (
    CreateJoinToken,
    IssuedJoinToken,
    JoinedHost,
    JoinHive,
    JoinTokenList,
    JoinTokenRecord,
    JoinTokenRef,
    JoinTokenState,
    ListJoinTokens,
)
from bus.service import Call, Endpoint, Service
from bus.testing import InMemoryBus
from coordinator.gateway.bus_address import bus_address
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.settings import GatewaySettings

TOKEN_ID = UUID("33333333-3333-4333-8333-333333333333")
HIVE_ID = UUID("44444444-4444-4444-8444-444444444444")
ASKED = {"token": "hive-join-right", "name": "walnut", "key": "U" + 55 * "A", "signature": "c2lnbmVk"}


class Leader:
    """As the leader answers the verbs; tests/integration/coordinator/test_joining.py has the real one."""

    def __init__(self) -> None:
        self.asked: list[tuple[JoinHive, Claims]] = []

    def service(self) -> Service:
        manage = Permission.AGENTS_MANAGE
        endpoints = (
            Endpoint(verb="create", body=CreateJoinToken, handler=self._create, permission=manage),
            Endpoint(verb="list", body=ListJoinTokens, handler=self._list, permission=manage),
            Endpoint(verb="revoke", body=JoinTokenRef, handler=self._revoke, permission=manage),
            Endpoint(verb="redeem", body=JoinHive, handler=self._redeem, permission=None),
        )
        return Service(name=subjects.SERVICE_JOIN_TOKENS, version="0", description="", endpoints=endpoints)

    def _record(self, asked: CreateJoinToken) -> JoinTokenRecord:
        now = datetime.now(UTC)
        return JoinTokenRecord(
            id=TOKEN_ID,
            name=asked.name,
            labels=asked.labels,
            uses_allowed=asked.uses,
            created_by="admin",
            created_at=now,
            expires_at=now + timedelta(seconds=asked.expires_seconds),
            state=JoinTokenState.ACTIVE,
        )

    async def _create(self, call: Call[CreateJoinToken]) -> IssuedJoinToken:
        return IssuedJoinToken(token="hive-join-right", record=self._record(call.body))

    async def _list(self, call: Call[ListJoinTokens]) -> JoinTokenList:
        return JoinTokenList(tokens=(self._record(CreateJoinToken()),) * call.body.limit)

    async def _revoke(self, call: Call[JoinTokenRef]) -> JoinTokenRecord:
        return self._record(CreateJoinToken()).model_copy(update={"state": JoinTokenState.REVOKED})

    async def _redeem(self, call: Call[JoinHive]) -> JoinedHost:
        self.asked.append((call.body, call.claims))
        match call.body.token.get_secret_value():
            case "hive-join-right":
                return JoinedHost(hive_id=HIVE_ID, name=call.body.name, labels={"site": "attic"}, token_id=TOKEN_ID)
            case "hive-join-old":
                raise JoinTokenExpired("This join token expired.")
            case "hive-join-taken":
                raise NameTaken("Another host has joined as walnut.")
        raise UnknownJoinToken("This join token is not known here.")


@pytest.fixture
async def leader(memory_bus: InMemoryBus) -> Leader:
    leader = Leader()
    await memory_bus.serve(leader.service())
    return leader


async def test_an_administrator_makes_lists_and_revokes_tokens(leader: Leader, admin: AsyncClient) -> None:
    made = await admin.post("/api/join-tokens", json={"uses": 3, "labels": {"site": "attic"}, "expires_seconds": 600})
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    assert (made.json()["token"], made.json()["record"]["uses_allowed"]) == ("hive-join-right", 3)
    assert len((await admin.get("/api/join-tokens?limit=2")).json()["tokens"]) == 2
    revoked = await admin.delete(f"/api/join-tokens/{TOKEN_ID}")
    assert (revoked.status_code, revoked.json()["state"]) == (200, "revoked")
    assert (await admin.delete("/api/join-tokens/seven")).json()["code"] == "invalid_id"


async def test_nobody_else_does(leader: Leader, anna: AsyncClient, nobody: AsyncClient) -> None:
    for client, status in ((anna, 403), (nobody, 401)):
        assert (await client.post("/api/join-tokens", json={})).status_code == status
        assert (await client.get("/api/join-tokens")).status_code == status
        assert (await client.delete(f"/api/join-tokens/{TOKEN_ID}")).status_code == status


async def test_a_host_needs_nothing_but_a_token(leader: Leader, nobody: AsyncClient, gateway: Gateway) -> None:
    joined = await nobody.post("/api/join", json=ASKED)
    assert (joined.status_code, joined.headers["cache-control"]) == (200, "no-store")
    told = {
        "hive_id": str(HIVE_ID),
        "name": "walnut",
        "labels": {"site": "attic"},
        "agents": [],
        "nats_url": "nats://hive:4222",
    }
    assert joined.json() == told
    [(asked, claims)] = leader.asked
    assert (asked.token.get_secret_value(), claims.roles) == ("hive-join-right", ())
    assert "hive-join-right" not in repr(asked)


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        ("hive-join-wrong", 403, "unknown_join_token"),
        ("hive-join-old", 403, "join_token_expired"),
        ("hive-join-taken", 409, "name_taken"),
        ("", 422, "invalid_request"),
    ],
)
async def test_a_refusal_has_its_code(leader: Leader, nobody: AsyncClient, token: str, status: int, code: str) -> None:
    refused = await nobody.post("/api/join", json={**ASKED, "token": token})
    assert (refused.status_code, refused.json()["code"]) == (status, code)


async def test_guessing_is_slowed_down_and_the_leader_is_spared(leader: Leader, nobody: AsyncClient) -> None:
    for number in range(PACE.free):
        assert (await nobody.post("/api/join", json={**ASKED, "token": f"guess-{number}"})).status_code == 403
    for token in ("guess", "hive-join-right"):
        refused = await nobody.post("/api/join", json={**ASKED, "token": token})
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert len(leader.asked) == PACE.free


async def test_hosts_that_join_are_not_slowed_down(leader: Leader, nobody: AsyncClient) -> None:
    for number in range(2 * PACE.free):
        assert (await nobody.post("/api/join", json={**ASKED, "name": f"host-{number}"})).status_code == 200


async def test_the_open_door_takes_little(leader: Leader, nobody: AsyncClient) -> None:
    refused = await nobody.post("/api/join", json={**ASKED, "signature": 5000 * "a"})
    assert (refused.status_code, refused.json()["code"]) == (413, "payload_too_large")
    assert leader.asked == []


@pytest.mark.parametrize(
    ("servers", "reached", "told"),
    [
        (["nats://hive:secret@127.0.0.1:4222"], "10.0.0.5", "nats://hive:secret@10.0.0.5:4222"),
        (["nats://hive:secret@localhost:4222"], "hive-machine", "nats://hive:secret@hive-machine:4222"),
        (["nats://hive:secret@127.0.0.1:4222"], "fd00::5", "nats://hive:secret@[fd00::5]:4222"),
        (["nats://hive:secret@[::1]:4222"], "127.0.0.1", "nats://hive:secret@127.0.0.1:4222"),
        (["nats://a:b@10.0.0.1:1", "tls://a:b@10.0.0.2:2"], "10.0.0.5", "nats://a:b@10.0.0.1:1,tls://a:b@10.0.0.2:2"),
        (["127.0.0.1:4222"], "10.0.0.5", "nats://10.0.0.5:4222"),
    ],
)
def test_the_bus_is_told_as_the_host_can_reach_it(servers: list[str], reached: str, told: str) -> None:
    assert bus_address(servers, reached) == told


OWN = "nats://gateway:its-own@127.0.0.1:4222"
FOR_HOSTS = "nats://hosts:for-them@10.0.0.5:4222"


@pytest.mark.parametrize("settings", [GatewaySettings(nats_url=SecretStr(OWN))])
async def test_a_gateway_gives_its_own_password_to_nobody(leader: Leader, nobody: AsyncClient) -> None:
    """Here no coordinator lets hosts in by their keys."""
    refused = await nobody.post("/api/join", json=ASKED)
    assert (refused.status_code, refused.json()["code"]) == (409, "joining_not_set_up")
    assert "HIVE_JOIN_NATS_URL" in refused.text
    assert "its-own" not in refused.text


@pytest.mark.parametrize("settings", [GatewaySettings(nats_url=SecretStr(OWN), join_nats_url=SecretStr(FOR_HOSTS))])
async def test_a_host_is_given_the_address_that_is_meant_for_hosts(leader: Leader, nobody: AsyncClient) -> None:
    assert (await nobody.post("/api/join", json=ASKED)).json()["nats_url"] == FOR_HOSTS
