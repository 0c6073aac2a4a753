"""Keys and logins: shown once, stored as hashes, mirrored for the doors."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest
from pydantic import BaseModel, SecretStr

from bus import auth, subjects
from bus.errors import NotFound, PermissionDenied, Unauthenticated
from bus.messages import Claims, CreateKey, IssuedKey, KeyList, KeyRecord, KeyRef, LoginTicket, NoReply, RedeemTicket, Role
from bus.messages.people import CreateUser, SetPassword, SetRoles, UserRecord
from bus.testing import InMemoryBus
from coordinator.keys import Keys
from coordinator.store.database import Statements
from tests.integration.coordinator.conftest import Hive

ADA = Claims(sub="ada", roles=(Role.DEVELOPER,))


async def create(hive: Hive, owner: str = "ada", **more: object) -> IssuedKey:
    asked = CreateKey.model_validate({"owner": owner, **more})
    return await hive.ask("create", asked, IssuedKey, service="keys", seconds=20)


async def mirrored(hive: Hive, key: str) -> Claims | None:
    value = await hive.bus.get(subjects.KV_KEYS, auth.hash_key(key))
    return None if value is None else Claims.model_validate_json(value)


async def test_a_new_key_opens_the_doors_and_is_stored_nowhere(hive: Hive) -> None:
    issued = await create(hive, role="viewer", models=["llama3"], name="laptop")
    claims = await mirrored(hive, issued.key)
    assert claims == Claims(sub="ada", roles=(Role.VIEWER,), models=("llama3",), key_id=issued.record.id)
    listed = await hive.ask("list", NoReply(), KeyList, service="keys")
    assert listed.keys == (issued.record,)
    assert issued.key.startswith(issued.record.prefix)
    assert issued.key not in listed.model_dump_json() + str(await hive.sql("SELECT * FROM api_keys"))


async def test_a_revoked_key_stops_at_once_and_stays_in_the_list(hive: Hive) -> None:
    issued, other = await create(hive), await create(hive)
    revoked = await hive.ask("revoke", KeyRef(id=issued.record.id), KeyRecord, service="keys")
    assert revoked.revoked_at is not None
    assert await mirrored(hive, issued.key) is None
    assert await mirrored(hive, other.key) is not None
    again = await hive.ask("revoke", KeyRef(id=issued.record.id), KeyRecord, service="keys")
    assert again == revoked
    assert (await hive.ask("list", NoReply(), KeyList, service="keys")).keys == (revoked, other.record)
    with pytest.raises(NotFound):
        await hive.ask("revoke", KeyRef(id=uuid4()), KeyRecord, service="keys")


async def test_a_key_that_is_made_while_its_user_is_disabled_opens_nothing(hive: Hive, connection: asyncpg.Connection) -> None:
    class Meanwhile(InMemoryBus):
        async def put(self, bucket: str, key: str, value: BaseModel | bytes) -> None:
            await hive.sql("UPDATE users SET disabled_at = now()")
            await super().put(bucket, key, value)

    await hive.leading()
    bus, key = Meanwhile(), auth.new_key()
    await Keys(bus, Statements(connection))._store(CreateKey(owner="ada"), key, "default")
    assert await bus.get(subjects.KV_KEYS, auth.hash_key(key)) is None


async def test_two_keys_of_one_owner_are_one_user(hive: Hive) -> None:
    await create(hive)
    await create(hive)
    assert len(await hive.sql("SELECT FROM users")) == 1


async def test_only_an_administrator_manages_keys(hive: Hive) -> None:
    await hive.leading()
    for verb, body in (("create", CreateKey(owner="ada")), ("list", NoReply()), ("revoke", KeyRef(id=uuid4()))):
        with pytest.raises(PermissionDenied):
            await hive.ask(verb, body, NoReply, service="keys", claims=ADA)


async def test_a_bound_key_makes_keys_and_users_that_are_bound_alike(hive: Hive) -> None:
    """tests/unit/bus/test_scopes.py has the whole table."""
    made = await create(hive, role="admin", scopes=["keys.manage", "users.manage", "tasks.*"])
    bound = await mirrored(hive, made.key)
    for more in ({"role": "admin"}, {"role": "viewer"}, {"role": "admin", "scopes": ["credentials.manage"]}):
        with pytest.raises(PermissionDenied, match="Nobody gives"):
            await hive.ask("create", CreateKey.model_validate({"owner": "eve", **more}), NoReply, service="keys", claims=bound)
    fewer = CreateKey(owner="bo", role=Role.ADMIN, scopes=("tasks.create",))
    assert (await hive.ask("create", fewer, IssuedKey, service="keys", claims=bound)).record.scopes == ("tasks.create",)

    await hive.ask("create", CreateUser(name="root", roles=(Role.ADMIN,)), UserRecord, service="users")
    for verb, body in (
        ("create", CreateUser(name="eve", roles=(Role.ADMIN,))),
        ("roles", SetRoles(name="bo", roles=(Role.ADMIN,))),
        ("password", SetPassword(name="root", password="maple-harbour-tin-42")),
    ):
        with pytest.raises(PermissionDenied, match="Nobody gives"):
            await hive.ask(verb, body, NoReply, service="users", claims=bound)


async def test_the_mirror_is_rebuilt_by_whoever_leads(hive: Hive) -> None:
    [leader] = hive.coordinators
    kept, revoked = await create(hive), await create(hive)
    await hive.ask("revoke", KeyRef(id=revoked.record.id), KeyRecord, service="keys")
    await hive.stop(leader)
    await hive.bus.delete(subjects.KV_KEYS, auth.hash_key(kept.key))
    for key in (revoked.key, "sk-hive-forged"):
        await hive.bus.put(subjects.KV_KEYS, auth.hash_key(key), Claims(sub="eve", roles=(Role.ADMIN,)))
    hive.start_coordinator()
    await hive.leading()
    assert (await mirrored(hive, kept.key), await mirrored(hive, revoked.key), await mirrored(hive, "sk-hive-forged")) == (
        Claims(sub="ada", roles=(Role.DEVELOPER,), key_id=kept.record.id),
        None,
        None,
    )


async def test_the_key_that_the_administrator_chose_opens_the_hive(idle_hive: Hive) -> None:
    key = "sk-hive-chosen-by-the-administrator-0123456789"
    for _ in range(2):
        coordinator = idle_hive.start_coordinator(admin_key=SecretStr(key))
        await idle_hive.leading()
        await idle_hive.stop(coordinator)
    claims = await mirrored(idle_hive, key)
    assert claims is not None
    assert (claims.sub, claims.roles) == ("admin", (Role.ADMIN,))
    assert len(await idle_hive.sql("SELECT FROM api_keys")) == 1


async def ticket(hive: Hive, claims: Claims | None = None) -> str:
    return (await hive.ask("ticket", NoReply(), LoginTicket, service="keys", seconds=20, claims=claims)).ticket


async def redeem(hive: Hive, secret: str) -> Claims:
    return await hive.ask("redeem", RedeemTicket(ticket=secret), Claims, service="keys")


async def test_a_login_lets_in_whoever_asked_for_it_and_only_once(hive: Hive) -> None:
    secret = await ticket(hive, ADA)
    results = await asyncio.gather(*(redeem(hive, secret) for _ in range(3)), return_exceptions=True)
    assert [result for result in results if isinstance(result, Claims)] == [ADA]
    assert sum(isinstance(result, Unauthenticated) for result in results) == 2


async def test_a_login_made_on_the_machine_itself_is_the_administrator_s(hive: Hive) -> None:
    claims = await redeem(hive, await ticket(hive))
    assert (claims.sub, claims.roles) == ("admin", (Role.ADMIN,))


async def test_a_login_expires(hive: Hive) -> None:
    old, fresh = await ticket(hive), await ticket(hive)
    await hive.sql("UPDATE login_tickets SET expires_at = now() - interval '1 second' WHERE hash = $1", auth.hash_key(old))
    with pytest.raises(Unauthenticated):
        await redeem(hive, old)
    assert await redeem(hive, fresh)
    with pytest.raises(Unauthenticated):
        await redeem(hive, "nonsense")
    assert await hive.sql("SELECT FROM login_tickets") == []


async def test_a_key_that_is_revoked_while_a_new_leader_copies_the_keys_stays_revoked(
    hive: Hive, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued, put = await create(hive), hive.bus.put

    async def put_late(bucket: str, key: str, value: BaseModel | bytes) -> None:
        await hive.ask("revoke", KeyRef(id=issued.record.id), KeyRecord, service="keys")
        await put(bucket, key, value)

    monkeypatch.setattr(hive.bus, "put", put_late)
    await Keys(hive.bus, Statements(await hive.database())).mirror()
    assert await mirrored(hive, issued.key) is None
