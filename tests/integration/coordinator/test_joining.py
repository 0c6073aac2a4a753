"""Join tokens and the hosts that use them: what is refused and by which code, what is stored, what is told, and who decides."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from pydantic import BaseModel, SecretStr

from bus import host_key, subjects
from bus.auth import Permission
from bus.errors import (
    AgentNotFound,
    BusUnavailable,
    Conflict,
    HiveError,
    JoinRefused,
    JoinTokenExpired,
    JoinTokenRevoked,
    JoinTokenUsedUp,
    NameTaken,
    NoLeader,
    NotFound,
    PermissionDenied,
    UnknownJoinToken,
)
from bus.identities import admission_seed
from bus.messages import AgentList, AgentRef, AgentStatus, Claims, NoReply, Role, TaskStatus, Upstream, UpstreamList
from bus.messages.events import JoinTokenEvent
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
from coordinator.agents.hosts import Hosts
from coordinator.agents.joining import Joining
from coordinator.agents.registry import REMOVED
from coordinator.leading.facts import Fact
from coordinator.leading.state import State
from coordinator.settings import CoordinatorSettings
from coordinator.store.database import Statements
from coordinator.store.retention import MOST_REMOVED_HOSTS, clear_once
from tests.integration.coordinator.conftest import Hive
from tests.parts.nats import SYS_PASSWORD

ADA = Claims(sub="ada", roles=(Role.ADMIN,))
NOBODY = Claims(sub="join", roles=())


class Host:
    """A machine with a key of its own, as `hive join` makes one."""

    def __init__(self, name: str = "walnut") -> None:
        self.name, self.seed = name, host_key.new_seed()

    def asks(self, token: str, *, name: str | None = None, signed_for: str | None = None) -> JoinHive:
        name = name or self.name
        signature = host_key.sign(self.seed, signed_for or token, name)
        return JoinHive.model_validate(
            {"token": token, "name": name, "key": host_key.public_key(self.seed), "signature": signature}
        )


async def tokens(hive: Hive, verb: str, body: BaseModel, answer: type[BaseModel], claims: Claims = ADA) -> BaseModel:
    return await hive.ask(verb, body, answer, service=subjects.SERVICE_JOIN_TOKENS, claims=claims, seconds=20)


async def make(hive: Hive, **more: object) -> IssuedJoinToken:
    issued = await tokens(hive, "create", CreateJoinToken.model_validate(more), IssuedJoinToken)
    assert isinstance(issued, IssuedJoinToken)
    return issued


async def join(hive: Hive, asked: JoinHive) -> JoinedHost:
    joined = await tokens(hive, "redeem", asked, JoinedHost, NOBODY)
    assert isinstance(joined, JoinedHost)
    return joined


async def listed(hive: Hive) -> tuple[JoinTokenRecord, ...]:
    found = await tokens(hive, "list", ListJoinTokens(), JoinTokenList)
    assert isinstance(found, JoinTokenList)
    return found.tokens


async def revoke(hive: Hive, token: IssuedJoinToken) -> JoinTokenRecord:
    record = await tokens(hive, "revoke", JoinTokenRef(id=token.record.id), JoinTokenRecord)
    assert isinstance(record, JoinTokenRecord)
    return record


async def told(hive: Hive, number: int) -> list[JoinTokenEvent]:
    reader, found = await hive.bus.read(subjects.EVENTS, subjects.events("join_token.*")), list[JoinTokenEvent]()
    async with asyncio.timeout(15):
        while len(found) < number:
            found += [received.decode(JoinTokenEvent) for received in await reader.batch(100)]
    await reader.close()
    return found


async def test_a_host_joins_by_a_token_that_is_stored_nowhere_and_each_step_is_told(hive: Hive) -> None:
    issued, host = await make(hive, labels={"site": "basement"}, name="cellar"), Host()
    assert (issued.record.state, issued.record.created_by, issued.record.uses) == (JoinTokenState.ACTIVE, "ada", 0)
    joined = await join(hive, host.asks(issued.token))
    assert (joined.name, joined.labels, joined.again) == ("walnut", {"site": "basement"}, False)
    assert joined.hive_id == (await hive.leading()).hive_id
    [record] = await listed(hive)
    assert (record.uses, record.hosts, record.state) == (1, ("walnut",), JoinTokenState.USED_UP)
    await revoke(hive, issued)
    events = await told(hive, 3)
    assert [event.type for event in events] == ["join_token.created", "join_token.used", "join_token.revoked"]
    assert [(event.data.by, event.data.host, event.data.uses) for event in events] == [
        ("ada", None, 0), (None, "walnut", 1), ("ada", None, 1),
    ]  # fmt: skip
    everything = str([await hive.sql(f"SELECT * FROM {table}") for table in ("join_tokens", "joined_hosts", "outbox")])
    assert issued.token not in everything + str(events) + record.model_dump_json()


async def test_a_token_is_good_for_as_many_hosts_as_it_says(hive: Hive) -> None:
    issued = await make(hive, uses=2)
    await join(hive, Host("oak").asks(issued.token))
    await join(hive, Host("elm").asks(issued.token))
    with pytest.raises(JoinTokenUsedUp, match=r"\(2\), by elm, oak"):
        await join(hive, Host("ash").asks(issued.token))


async def test_of_hosts_that_come_at_once_no_more_join_than_may(hive: Hive) -> None:
    issued = await make(hive, uses=3)
    asked = [join(hive, Host(f"host-{number}").asks(issued.token)) for number in range(12)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, JoinedHost) for answer in answers) == 3
    assert sum(isinstance(answer, JoinTokenUsedUp) for answer in answers) == 9
    assert len(await hive.sql("SELECT FROM joined_hosts")) == 3


async def test_a_token_that_nobody_made_is_unknown(hive: Hive) -> None:
    issued = await make(hive)
    for token in ("hive-join-" + 48 * "0", issued.token[:-1], issued.record.id.hex):
        with pytest.raises(UnknownJoinToken):
            await join(hive, Host().asks(token))
    assert (await listed(hive))[0].uses == 0


async def test_a_token_that_expired_is_refused_as_such(hive: Hive) -> None:
    issued = await make(hive)
    await hive.sql("UPDATE join_tokens SET expires_at = now() - interval '1 second'")
    with pytest.raises(JoinTokenExpired):
        await join(hive, Host().asks(issued.token))
    assert (await listed(hive))[0].state is JoinTokenState.EXPIRED


async def test_a_revoked_token_is_refused_as_such_and_stays_revoked(hive: Hive) -> None:
    issued, host = await make(hive, uses=5), Host()
    await join(hive, host.asks(issued.token))
    first = await revoke(hive, issued)
    assert first.state is JoinTokenState.REVOKED
    assert await revoke(hive, issued) == first
    for again in (host, Host("oak")):
        with pytest.raises(JoinTokenRevoked):
            await join(hive, again.asks(issued.token))
    with pytest.raises(NotFound):
        await tokens(hive, "revoke", JoinTokenRef(id=uuid4()), JoinTokenRecord)


async def test_the_same_host_keeps_its_name_and_uses_a_token_once(hive: Hive) -> None:
    issued, host = await make(hive), Host()
    first = await join(hive, host.asks(issued.token))
    again = await join(hive, host.asks(issued.token))
    assert again == first.model_copy(update={"again": True})
    another = await make(hive, labels={"site": "attic"})
    moved = await join(hive, host.asks(another.token))
    assert (moved.again, moved.labels) == (False, {"site": "attic"})
    assert [record.uses for record in await listed(hive)] == [1, 1]


async def test_another_host_of_that_name_is_refused_until_the_name_is_free(hive: Hive) -> None:
    issued = await make(hive, uses=5)
    await join(hive, Host("walnut").asks(issued.token))
    with pytest.raises(NameTaken, match="hive agents remove walnut"):
        await join(hive, Host("walnut").asks(issued.token))
    ref = AgentRef(agent_id="walnut")
    await hive.ask("remove", ref, NoReply, service=subjects.SERVICE_AGENTS)
    await join(hive, Host("walnut").asks(issued.token))
    assert (await listed(hive))[0].uses == 2
    await hive.ask("remove", ref, NoReply, service=subjects.SERVICE_AGENTS)
    with pytest.raises(AgentNotFound):
        await hive.ask("remove", ref, NoReply, service=subjects.SERVICE_AGENTS)


async def test_a_host_that_could_not_be_cut_off_is_found_by_whoever_asks_again(
    hive: Hive, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued, ref = await make(hive), AgentRef(agent_id="walnut")
    await join(hive, Host("walnut").asks(issued.token))

    async def fails(*_: object) -> None:
        raise BusUnavailable("the server did not answer")

    with monkeypatch.context() as away:
        away.setattr(Hosts, "cut_off", fails)
        with pytest.raises(BusUnavailable):
            await hive.ask("remove", ref, NoReply, service=subjects.SERVICE_AGENTS)
    assert len(await hive.bus.keys(subjects.KV_HOSTS)) == 1
    await hive.ask("remove", ref, NoReply, service=subjects.SERVICE_AGENTS)
    assert await hive.bus.keys(subjects.KV_HOSTS) == []


async def test_a_host_that_takes_another_name_frees_its_old_one(hive: Hive) -> None:
    issued, host = await make(hive, uses=5), Host("walnut")
    await join(hive, host.asks(issued.token))
    await join(hive, host.asks(issued.token, name="pecan"))
    await join(hive, Host("walnut").asks(issued.token))
    assert (await listed(hive))[0].hosts == ("pecan", "walnut")


async def test_a_host_that_takes_another_name_speaks_no_longer_under_its_old_one(
    hive: Hive, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued, host, ended = await make(hive, uses=5), Host("walnut"), list[str]()

    async def end(_hosts: Hosts, name: str) -> None:
        ended.append(name)

    monkeypatch.setattr(Hosts, "end", end)
    await join(hive, host.asks(issued.token))
    await join(hive, host.asks(issued.token))
    assert ended == []
    await join(hive, host.asks(issued.token, name="pecan"))
    assert ended == ["walnut"]


async def test_a_removed_host_that_is_still_heard_gets_no_work_and_nothing_that_it_says_counts(
    idle_hive: Hive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by way of a leaf that was away then: the connections of this test are not of the host's name either. It is put out when it is heard."""
    admitting = {"nats_admission_seed": SecretStr(admission_seed(SYS_PASSWORD))}
    hive, host, coordinator = idle_hive, Host("walnut"), idle_hive.start_coordinator(**admitting)
    issued = await make(hive, uses=2)
    await join(hive, host.asks(issued.token))
    walnut = await hive.sidecar("walnut")
    task_id = await hive.submit()
    offer = await walnut.offered()
    second, oak = await hive.sidecar("walnut-2"), await hive.sidecar("oak")
    await hive.agent_is("walnut-2", AgentStatus.ONLINE)
    await hive.ask("remove", AgentRef(agent_id="walnut"), NoReply, service=subjects.SERVICE_AGENTS)
    assert (await hive.agent("walnut-2")).status_reason == REMOVED
    elsewhere = await oak.offered()
    await walnut.complete(offer, "forged")
    await oak.complete(elsewhere, "done")
    ended = await hive.ended(task_id)
    assert (ended.status, ended.assigned_agent_id, ended.output and ended.output.text) == (TaskStatus.COMPLETED, "oak", "done")

    await hive.stop(coordinator)
    hive.start_coordinator(**admitting)
    await hive.leading()
    put_out = set[str]()

    async def end(_hosts: Hosts, name: str) -> None:
        put_out.add(name)

    with monkeypatch.context() as watched:
        watched.setattr(Hosts, "end", end)
        for sidecar in (walnut, second):
            await sidecar.beaten(3)
            with pytest.raises(Conflict, match="was removed"):
                await sidecar.register()
        assert put_out == {"walnut"}
    await oak.register()
    found = await hive.ask("list", NoReply(), AgentList, service=subjects.SERVICE_AGENTS)
    assert {agent.agent_id: agent.status for agent in found.agents} == {"oak": "online", "walnut-2": "offline"}

    await join(hive, host.asks((await make(hive)).token))
    await walnut.register()
    await hive.agent_is("walnut", AgentStatus.ONLINE)


async def test_of_removed_hosts_those_are_forgotten_that_were_not_heard_for_the_longest_time(idle_hive: Hive) -> None:
    hive = idle_hive
    hive.start_coordinator(nats_admission_seed=SecretStr(admission_seed(SYS_PASSWORD)))
    await hive.leading()
    await hive.sql(
        "INSERT INTO removed_hosts (name, removed_at) SELECT 'host' || n, now() - interval '2 hours' - n * interval '1 second' "
        "FROM generate_series(0, $1::int) n",
        MOST_REMOVED_HOSTS + 4,
    )
    oldest = f"host{MOST_REMOVED_HOSTS + 4}"
    with pytest.raises(Conflict, match="was removed"):
        await hive.sidecar(f"{oldest}-1")
    await clear_once(Statements(await hive.database()), CoordinatorSettings(), datetime.now(UTC))
    assert (await hive.sql("SELECT count(*) AS kept FROM removed_hosts"))[0]["kept"] == MOST_REMOVED_HOSTS
    assert await hive.sql("SELECT FROM removed_hosts WHERE name = $1", oldest), "it was heard just now"
    assert await hive.sql("SELECT FROM removed_hosts WHERE name = $1", f"host{MOST_REMOVED_HOSTS + 3}") == []
    with pytest.raises(Conflict, match="was removed"):
        await hive.sidecar(oldest)


async def test_an_agent_of_the_hive_s_own_sidecar_is_not_the_removed_host_s_whatever_it_is_called(idle_hive: Hive) -> None:
    """By its settings: no bucket has it."""
    hive, spoken_for = idle_hive, UpstreamList(upstreams=(Upstream(url="http://127.0.0.1:11434", agent_id="walnut-1"),))
    hive.start_coordinator(nats_admission_seed=SecretStr(admission_seed(SYS_PASSWORD)))
    await join(hive, Host("walnut").asks((await make(hive)).token))
    await hive.ask("remove", AgentRef(agent_id="walnut"), NoReply, service=subjects.SERVICE_AGENTS)
    with pytest.raises(Conflict, match="was removed"):
        await hive.sidecar("walnut-1")

    async def told(_call: Call[NoReply]) -> UpstreamList:
        return spoken_for

    lists = Endpoint(verb="list", body=NoReply, handler=told, permission=Permission.AGENTS_MANAGE)
    own = Service(name=subjects.SERVICE_UPSTREAMS, version="1.0.0", description="The hive's own", endpoints=(lists,))
    closing = await hive.bus.serve(own)
    await hive.sidecar("walnut-1")
    await hive.agent_is("walnut-1", AgentStatus.ONLINE)
    with pytest.raises(Conflict, match="was removed"):
        await hive.sidecar("walnut-2")
    await closing.close()


async def test_a_removal_that_broke_off_is_made_good_by_whoever_asks_again(
    idle_hive: Hive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host is forgotten by then, and by way of a leaf it is heard all the same."""
    hive, ref = idle_hive, AgentRef(agent_id="walnut")
    hive.start_coordinator(nats_admission_seed=SecretStr(admission_seed(SYS_PASSWORD)))
    await join(hive, Host("walnut").asks((await make(hive)).token))
    await hive.sidecar("walnut")
    await hive.agent_is("walnut", AgentStatus.ONLINE)

    async def fails(*_: object) -> None:
        raise BusUnavailable("the server did not answer")

    with monkeypatch.context() as away:
        away.setattr(Hosts, "removed", fails)
        with pytest.raises(BusUnavailable):
            await hive.ask("remove", ref, NoReply, service=subjects.SERVICE_AGENTS)
    await hive.ask("remove", ref, NoReply, service=subjects.SERVICE_AGENTS)
    found = await hive.ask("list", NoReply(), AgentList, service=subjects.SERVICE_AGENTS)
    assert found.agents == ()


async def test_the_name_of_an_agent_that_is_here_by_other_means_is_taken(hive: Hive) -> None:
    sidecar, issued = await hive.sidecar("walnut"), await make(hive, uses=5)
    with pytest.raises(NameTaken, match="is here already"):
        await join(hive, Host("walnut").asks(issued.token))
    await sidecar.vanish()
    async with asyncio.timeout(15):
        while True:
            try:
                await join(hive, Host("walnut").asks(issued.token))
                break
            except NameTaken:
                await asyncio.sleep(0.05)


async def test_what_is_not_signed_by_the_key_that_it_names_is_refused(hive: Hive) -> None:
    issued = await make(hive)
    with pytest.raises(JoinRefused, match="not signed"):
        await join(hive, Host().asks(issued.token, signed_for="another token"))
    assert (await listed(hive))[0].uses == 0


async def test_only_who_manages_agents_makes_lists_and_revokes(hive: Hive) -> None:
    await hive.leading()
    bodies: dict[str, BaseModel] = {"create": CreateJoinToken(), "list": ListJoinTokens(), "revoke": JoinTokenRef(id=uuid4())}
    for role in (Role.DEVELOPER, Role.VIEWER):
        for verb, body in bodies.items():
            with pytest.raises(PermissionDenied, match=r"agents\.manage"):
                await tokens(hive, verb, body, JoinTokenList, Claims(sub="eve", roles=(role,)))


async def test_tokens_and_hosts_outlive_the_leader(hive: Hive) -> None:
    issued, host = await make(hive, uses=2), Host()
    before = await join(hive, host.asks(issued.token))
    [leader] = hive.coordinators
    await hive.stop(leader)
    hive.start_coordinator()
    assert await join(hive, host.asks(issued.token)) == before.model_copy(update={"again": True})
    await join(hive, Host("oak").asks(issued.token))
    with pytest.raises(JoinTokenUsedUp):
        await join(hive, Host("elm").asks(issued.token))


async def test_a_deposed_leader_makes_uses_and_revokes_no_token(hive: Hive) -> None:
    issued = await make(hive)
    connection, facts = await hive.database(), list[Fact]()
    hosts = Hosts(hive.bus, Statements(connection), admits=False)
    deposed = Joining(State(epoch=0, instance="deposed"), Statements(connection), lambda _row, told: facts.extend(told), hosts)
    attempts = (
        deposed.create(CreateJoinToken(), "ada"),
        deposed.redeem(Host().asks(issued.token)),
        deposed.revoke(JoinTokenRef(id=issued.record.id), "ada"),
    )
    for attempt in attempts:
        with pytest.raises(NoLeader):
            await attempt
    assert await deposed.forget(AgentRef(agent_id="walnut")) is False
    assert (facts, await listed(hive)) == ([], (issued.record,))
    assert await hive.sql("SELECT FROM joined_hosts") == []


async def test_tokens_that_were_over_long_ago_are_forgotten_and_their_hosts_stay(hive: Hive) -> None:
    old, young = await make(hive), await make(hive)
    await join(hive, Host().asks(old.token))
    await hive.sql(
        "UPDATE join_tokens SET expires_at = $1 WHERE id = $2", datetime.now(UTC) - timedelta(days=31), old.record.id
    )
    await clear_once(Statements(await hive.database()), CoordinatorSettings(), datetime.now(UTC))
    assert [record.id for record in await listed(hive)] == [young.record.id]
    assert len(await hive.sql("SELECT FROM joined_hosts")) == 1


async def test_what_is_no_token_wish_is_refused_in_words(hive: Hive) -> None:
    for wish in (b'{"uses": 0}', b'{"expires_seconds": 5}', b'{"labels": {"": "x"}}', b'{"hosts": 3}'):
        with pytest.raises(HiveError) as refused:
            await hive.ask("create", wish, IssuedJoinToken, service=subjects.SERVICE_JOIN_TOKENS)
        assert refused.value.code == "invalid_request"
