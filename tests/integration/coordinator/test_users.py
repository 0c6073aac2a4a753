"""Users: what is made, disabled and removed, and what the doors are told of it."""

import asyncio
from typing import TypeVar
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from pydantic import BaseModel, SecretStr

from bus import auth, subjects
from bus.errors import (
    LastAdmin,
    LoginFailed,
    PermissionDenied,
    TooManyAttempts,
    UserDisabled,
    UserExists,
    UserNotFound,
    WeakPassword,
)
from bus.guarding.pace import PACE
from bus.messages import Claims, CreateKey, IssuedKey, NoReply, Role
from bus.messages.people import (
    ChangePassword,
    CreateUser,
    SetPassword,
    SetRoles,
    UserList,
    UserRecord,
    UserRef,
    UserStanding,
)
from coordinator.people import passwords
from tests.integration.coordinator.conftest import Hive

PASSWORD = "maple-harbour-tin-42"
OTHER = "otter-lantern-quartz-7"
M = TypeVar("M", bound=BaseModel)


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same algorithm with little work."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


async def users(hive: Hive, verb: str, body: BaseModel, answer: type[M], claims: Claims | None = None) -> M:
    return await hive.ask(verb, body, answer, service="users", seconds=20, claims=claims)


async def make(hive: Hive, name: str, *roles: Role, password: str | None = PASSWORD) -> UserRecord:
    return await users(hive, "create", CreateUser(name=name, roles=roles or (Role.DEVELOPER,), password=password), UserRecord)


async def standing(hive: Hive, user: UserRecord) -> UserStanding | None:
    value = await hive.bus.get(subjects.KV_USERS, user.id.hex)
    return None if value is None else UserStanding.model_validate_json(value)


async def key_of(hive: Hive, owner: str, role: Role = Role.DEVELOPER) -> str:
    made = await hive.ask("create", CreateKey(owner=owner, role=role), IssuedKey, service="keys", seconds=20)
    return auth.hash_key(made.key)


async def test_users_from_their_making_to_their_end(hive: Hive) -> None:
    anna = await make(hive, "anna")
    assert (anna.roles, anna.has_password, anna.disabled_at) == ((Role.DEVELOPER,), True, None)
    stored = str(await hive.sql("SELECT * FROM users"))
    assert "$argon2id$" in stored
    assert PASSWORD not in stored + (await hive.bus.get(subjects.KV_USERS, anna.id.hex) or b"").decode()
    with pytest.raises(UserExists):
        await make(hive, "anna")

    changed = await users(hive, "roles", SetRoles(name="anna", roles=(Role.VIEWER,)), UserRecord)
    assert changed.roles == (Role.VIEWER,)
    told = await standing(hive, anna)
    assert told is not None
    assert (told.roles, told.generation) == ((Role.VIEWER,), 1)

    key = await key_of(hive, "anna")
    await users(hive, "disable", UserRef(name="anna"), UserRecord)
    told = await standing(hive, anna)
    assert told is not None
    assert (told.disabled, told.generation) == (True, 2)
    assert await hive.bus.get(subjects.KV_KEYS, key) is None
    with pytest.raises(UserDisabled):
        await key_of(hive, "anna")
    await users(hive, "enable", UserRef(name="anna"), UserRecord)
    assert await hive.bus.get(subjects.KV_KEYS, key) is not None

    await users(hive, "remove", UserRef(name="anna"), NoReply)
    assert await standing(hive, anna) is None
    assert await hive.bus.get(subjects.KV_KEYS, key) is None
    assert (await users(hive, "list", NoReply(), UserList)).users == ()
    with pytest.raises(UserNotFound):
        await users(hive, "disable", UserRef(name="anna"), UserRecord)
    assert (await make(hive, "anna")).id == anna.id, "whoever is made again has again what bears the name"


async def test_who_had_keys_alone_gets_a_password(hive: Hive) -> None:
    await key_of(hive, "ci")
    (alone,) = (await users(hive, "list", NoReply(), UserList)).users
    assert (alone.name, alone.roles, alone.has_password) == ("ci", (), False)
    assert (await make(hive, "ci")).has_password


async def test_the_last_administrator_stays(hive: Hive) -> None:
    await make(hive, "root", Role.ADMIN)
    for verb, body in (
        ("disable", UserRef(name="root")),
        ("remove", UserRef(name="root")),
        ("roles", SetRoles(name="root", roles=(Role.VIEWER,))),
    ):
        with pytest.raises(LastAdmin):
            await users(hive, verb, body, NoReply)
    await make(hive, "ruth", Role.ADMIN)
    both = await asyncio.gather(
        *(users(hive, "disable", UserRef(name=name), UserRecord) for name in ("root", "ruth")), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in both) == ["LastAdmin", "UserRecord"]


@pytest.mark.parametrize("verb", ["disable", "remove"])
async def test_a_hive_starts_again_though_nobody_is_called_admin_any_more(idle_hive: Hive, verb: str) -> None:
    key = SecretStr("sk-hive-chosen-by-the-administrator-0123456789")
    leader = idle_hive.start_coordinator(admin_key=key)
    await make(idle_hive, "anna", Role.ADMIN)
    await users(idle_hive, verb, UserRef(name="admin"), UserRecord if verb == "disable" else NoReply)
    await idle_hive.stop(leader)
    idle_hive.start_coordinator(admin_key=key)
    await idle_hive.leading()
    assert await idle_hive.bus.get(subjects.KV_KEYS, auth.hash_key(key.get_secret_value())) is None


async def test_an_administrator_by_key_counts(hive: Hive) -> None:
    await key_of(hive, "admin", Role.ADMIN)
    with pytest.raises(LastAdmin):
        await users(hive, "disable", UserRef(name="admin"), UserRecord)
    await make(hive, "root", Role.ADMIN)
    assert (await users(hive, "disable", UserRef(name="admin"), UserRecord)).disabled_at is not None


async def test_only_who_may_manages_users_and_everybody_changes_the_own_password(hive: Hive) -> None:
    anna = await make(hive, "anna")
    claims = Claims(sub="anna", roles=(Role.DEVELOPER,), user_id=anna.id)
    for verb, body in (("create", CreateUser(name="eve")), ("list", NoReply()), ("remove", UserRef(name="anna"))):
        with pytest.raises(PermissionDenied):
            await users(hive, verb, body, NoReply, claims)
    with pytest.raises(LoginFailed):
        await users(hive, "change_password", ChangePassword(current=OTHER, new=PASSWORD), NoReply, claims)
    with pytest.raises(WeakPassword):
        await users(hive, "change_password", ChangePassword(current=PASSWORD, new="anna"), NoReply, claims)
    await users(hive, "change_password", ChangePassword(current=PASSWORD, new=OTHER), NoReply, claims)
    told = await standing(hive, anna)
    assert told is not None
    assert told.generation == 2
    by_key = Claims(sub="anna", roles=(Role.DEVELOPER,))
    with pytest.raises(PermissionDenied, match="Sign in"):
        await users(hive, "change_password", ChangePassword(current=OTHER, new=PASSWORD), NoReply, by_key)
    await users(hive, "password", SetPassword(name="anna", password=PASSWORD), UserRecord)


async def test_the_doors_copy_is_rebuilt_by_whoever_leads(hive: Hive) -> None:
    [leader] = hive.coordinators
    anna = await make(hive, "anna")
    before = await standing(hive, anna)
    await hive.stop(leader)
    forged = anna.model_copy(update={"id": anna.id.__class__(int=7)})
    for user in (anna, forged):
        await hive.bus.put(
            subjects.KV_USERS, user.id.hex, UserStanding(name="anna", roles=(Role.ADMIN,), generation=9, disabled=False)
        )
    hive.start_coordinator()
    await hive.leading()
    assert await standing(hive, anna) == before
    assert await standing(hive, forged) is None


async def test_who_runs_the_hive_manages_the_users_of_every_tenant_and_nobody_else_does(hive: Hive) -> None:
    await make(hive, "anna")
    eve = Claims(sub="eve", roles=(Role.ADMIN,), tenant="elsewhere")
    asked: tuple[tuple[str, BaseModel], ...] = (
        ("list", NoReply()),
        ("create", CreateUser(name="mallory", tenant="elsewhere")),
        ("disable", UserRef(name="anna")),
        ("enable", UserRef(name="anna")),
        ("remove", UserRef(name="anna")),
        ("roles", SetRoles(name="anna", roles=(Role.ADMIN,))),
        ("password", SetPassword(name="anna", password=OTHER)),
    )
    for verb, body in asked:
        with pytest.raises(PermissionDenied):
            await users(hive, verb, body, NoReply, eve)
    ada = Claims(sub="ada", roles=(Role.ADMIN,))
    root = CreateUser(name="root", roles=(Role.DEVELOPER,), password=PASSWORD, tenant="elsewhere")
    await users(hive, "create", root, UserRecord, ada)
    assert (await users(hive, "disable", UserRef(name="root"), UserRecord, ada)).disabled_at is not None
    found = (await users(hive, "list", NoReply(), UserList, ada)).users
    assert {user.name: user.tenant for user in found} == {"anna": "default", "root": "elsewhere"}


async def test_who_has_somebody_s_token_cannot_guess_the_password_by_it(hive: Hive) -> None:
    anna = await make(hive, "anna")
    thief = Claims(sub="anna", roles=anna.roles, user_id=anna.id, session_id=uuid4(), address="10.0.0.9")
    guess = ChangePassword(current="wrong", new=OTHER)
    for _ in range(PACE.free):
        with pytest.raises(LoginFailed):
            await users(hive, "change_password", guess, NoReply, thief)
    with pytest.raises(TooManyAttempts):
        await users(hive, "change_password", guess, NoReply, thief)
    owner = thief.model_copy(update={"address": "10.0.0.7"})
    await users(hive, "change_password", ChangePassword(current=PASSWORD, new=OTHER), NoReply, owner)
