"""Logins by password: tokens, their renewal, and every way in which a session ends. What doors would say is asked of a door's own part."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg
import jwt
import pytest
from argon2 import PasswordHasher
from pydantic import BaseModel
from structlog.testing import capture_logs

from bus import subjects
from bus.errors import (
    BusUnavailable,
    DatabaseUnavailable,
    HiveError,
    LoginFailed,
    NotFound,
    SessionOver,
    UserDisabled,
    UserExists,
)
from bus.guarding.guard import Guard
from bus.guarding.pace import PACE
from bus.messages import Claims, NoReply, Role
from bus.messages.audit import AuditRecord
from bus.messages.people import (
    Browser,
    BrowserSession,
    ChangePassword,
    CreateUser,
    EndSession,
    Refresh,
    SetPassword,
    SetRoles,
    SignIn,
    SignInExternally,
    SigningKeyList,
    Tokens,
    UserRecord,
    UserRef,
    UserStanding,
)
from bus.testing import InMemoryBus
from bus.vault import Vault
from coordinator.gateway.verified import Verified
from coordinator.people import passwords
from coordinator.people.sessions import Sessions
from coordinator.people.signing import SigningKeys
from coordinator.store.database import Statements
from tests.integration.coordinator.conftest import Hive

PASSWORD = "maple-harbour-tin-42"
M = TypeVar("M", bound=BaseModel)


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same algorithm with little work."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
async def people(idle_hive: Hive, tmp_path: Path) -> Hive:
    """With anna, who is a developer."""
    idle_hive.start_coordinator(data_dir=tmp_path)
    asked = CreateUser(name="anna", password=PASSWORD)
    await idle_hive.ask("create", asked, UserRecord, service="users", seconds=20)
    return idle_hive


@pytest.fixture
async def door(people: Hive) -> AsyncIterator[Verified]:
    verified = await Verified(people.bus).start()
    yield verified
    await verified.close()


async def ask(hive: Hive, verb: str, body: BaseModel, answer: type[M], claims: Claims | None = None) -> M:
    return await hive.ask(verb, body, answer, service="sessions", seconds=20, claims=claims)


async def login(hive: Hive, name: str = "anna", password: str = PASSWORD) -> Tokens:
    return await ask(hive, "login", SignIn(name=name, password=password), Tokens)


async def refused(door: Verified, tokens: Tokens) -> HiveError:
    """By the door, within seconds."""
    async with asyncio.timeout(5):
        while True:
            try:
                await door.claims(tokens.access_token)
            except HiveError as error:
                return error
            await asyncio.sleep(0.01)


async def test_a_login_gives_a_token_that_the_doors_take(people: Hive, door: Verified) -> None:
    tokens = await login(people)
    claims = await door.claims(tokens.access_token)
    assert (claims.sub, claims.roles, tokens.expires_in, tokens.token_type) == ("anna", (Role.DEVELOPER,), 900, "Bearer")
    [row] = await people.sql("SELECT last_login_at FROM users")
    assert row["last_login_at"] is not None
    stored = str(await people.sql("SELECT * FROM refresh_tokens")) + str(await people.sql("SELECT * FROM signing_keys"))
    assert tokens.refresh_token not in stored
    assert "PRIVATE" not in stored


async def test_who_is_wrong_is_not_told_why(people: Hive) -> None:
    said = set()
    for name, password in (("anna", "wrong"), ("nobody", PASSWORD), ("Anna", PASSWORD)):
        with pytest.raises(LoginFailed) as caught:
            await login(people, name, password)
        said.add((caught.value.code, caught.value.message))
    assert len(said) == 1
    await people.ask("create", CreateUser(name="root", roles=(Role.ADMIN,)), UserRecord, service="users")
    await people.ask("disable", UserRef(name="anna"), UserRecord, service="users")
    with pytest.raises(UserDisabled):
        await login(people)


async def test_a_record_that_is_away_makes_nobody_a_guesser() -> None:
    class Away:
        async def one(self, *_: object) -> None:
            raise ConnectionRefusedError

    away: Any = Away()
    sessions = Sessions(away, away, away, timedelta(hours=1), Guard(None))
    for _ in range(PACE.free + 2):
        with pytest.raises(DatabaseUnavailable):
            await sessions._checked(SignIn(name="anna", password=PASSWORD, address="10.0.0.7"))


async def test_refresh_tokens_are_good_once_and_an_old_one_ends_the_session(people: Hive, door: Verified) -> None:
    first = await login(people)
    second = await ask(people, "refresh", Refresh(refresh_token=first.refresh_token), Tokens)
    third = await ask(people, "refresh", Refresh(refresh_token=second.refresh_token), Tokens)
    other = await login(people)
    assert third.refresh_expires_in <= first.refresh_expires_in
    with capture_logs() as logs, pytest.raises(SessionOver):
        await ask(people, "refresh", Refresh(refresh_token=first.refresh_token), Tokens)
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == ["refresh_token_came_again", "refused"]
    assert first.refresh_token not in str(logs)
    with pytest.raises(SessionOver):
        await ask(people, "refresh", Refresh(refresh_token=third.refresh_token), Tokens)
    for tokens in (first, third):
        assert isinstance(await refused(door, tokens), SessionOver)
    assert (await door.claims(other.access_token)).sub == "anna", "another login of the same user goes on"
    with pytest.raises(SessionOver):
        await ask(people, "refresh", Refresh(refresh_token="hive-refresh-made-up"), Tokens)


async def test_of_two_who_refresh_at_once_one_is_let(people: Hive) -> None:
    shown = Refresh(refresh_token=(await login(people)).refresh_token)
    both = await asyncio.gather(*(ask(people, "refresh", shown, Tokens) for _ in range(2)), return_exceptions=True)
    assert sum(isinstance(each, Tokens) for each in both) <= 1


@pytest.mark.parametrize("how", ["logout", "disable", "password"])
async def test_a_session_ends_at_every_door(people: Hive, door: Verified, how: str) -> None:
    tokens = await login(people)
    claims = await door.claims(tokens.access_token)
    assert claims.session_id
    if how == "logout":
        await ask(people, "logout", EndSession(session_id=claims.session_id), NoReply, claims)
    elif how == "disable":
        await people.ask("disable", UserRef(name="anna"), UserRecord, service="users")
    else:
        change = ChangePassword(current=PASSWORD, new="otter-lantern-quartz-7")
        await people.ask("change_password", change, NoReply, service="users", claims=claims)
    assert isinstance(await refused(door, tokens), SessionOver)
    with pytest.raises(SessionOver):
        await ask(people, "refresh", Refresh(refresh_token=tokens.refresh_token), Tokens)


async def test_keys_are_replaced_and_old_ones_verify_what_they_signed(people: Hive, door: Verified) -> None:
    before = await login(people)
    keys = await ask(people, "rotate", NoReply(), SigningKeyList)
    after = await login(people)
    kids = [jwt.get_unverified_header(tokens.access_token)["kid"] for tokens in (after, before)]
    assert kids == [key.kid for key in keys.keys]
    for tokens in (before, after):
        assert (await door.claims(tokens.access_token)).sub == "anna"
    await people.sql("UPDATE signing_keys SET created_at = created_at - interval '20 minutes'")
    await login(people)
    assert [key.kid for key in (await ask(people, "signing_keys", NoReply(), SigningKeyList)).keys] == kids[:1]
    await refused(door, before)
    await people.sql("UPDATE signing_keys SET created_at = created_at - interval '31 days'")
    by_age = await login(people)
    assert jwt.get_unverified_header(by_age.access_token)["kid"] not in kids
    await ask(people, "forget", NoReply(), SigningKeyList)
    await refused(door, after)
    assert (await door.claims(by_age.access_token)).sub == "anna"


async def test_another_coordinator_without_the_vault_s_key_signs_with_a_new_one(
    people: Hive, tmp_path: Path, door: Verified
) -> None:
    before = await login(people)
    [first] = people.coordinators
    await people.stop(first)
    people.start_coordinator(data_dir=tmp_path / "elsewhere")
    await people.leading()
    after = await login(people)
    for tokens in (before, after):
        assert (await door.claims(tokens.access_token)).sub == "anna"


async def test_a_browser_s_session_is_recalled_until_it_ends(people: Hive) -> None:
    entered = await ask(people, "enter", SignIn(name="anna", password=PASSWORD, browser="b" * 64), BrowserSession)
    recalled = await ask(people, "recall", Browser(browser="b" * 64), BrowserSession)
    assert (recalled.claims, recalled.generation) == (entered.claims, entered.generation)
    assert abs(recalled.signed_in_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert entered.claims.session_id
    await ask(people, "logout", EndSession(session_id=entered.claims.session_id), NoReply)
    for browser in ("b" * 64, "c" * 64):
        with pytest.raises(NotFound):
            await ask(people, "recall", Browser(browser=browser), BrowserSession)


async def test_a_browser_that_was_logged_out_stays_out_though_it_was_long_ago(people: Hive) -> None:
    entered = await ask(people, "enter", SignIn(name="anna", password=PASSWORD, browser="b" * 64), BrowserSession)
    by_token = await login(people)
    user_id, session_id = entered.claims.user_id, entered.claims.session_id
    assert user_id
    assert session_id
    await ask(people, "logout", EndSession(session_id=session_id), NoReply)
    token_session = jwt.decode(by_token.access_token, options={"verify_signature": False})["sid"]
    await ask(people, "logout", EndSession(session_id=token_session), NoReply)
    await people.sql("UPDATE sessions SET ended_at = ended_at - interval '3 hours'")

    async def ended() -> tuple[UUID, ...]:
        value = await people.bus.get(subjects.KV_USERS, user_id.hex)
        return UserStanding.model_validate_json(value or b"").ended

    await people.ask("roles", SetRoles(name="anna", roles=(Role.VIEWER,)), UserRecord, service="users")
    assert await ended() == (session_id,), "another replica of the dashboard may still hold the login"
    await people.ask("password", SetPassword(name="anna", password="otter-lantern-quartz-7"), UserRecord, service="users")
    assert await ended() == (), "all sessions of before are over anyway"


async def test_a_key_that_the_doors_have_not_heard_of_signs_nothing(people: Hive, tmp_path: Path, door: Verified) -> None:
    class Deaf(InMemoryBus):
        async def put(self, bucket: str, key: str, value: BaseModel | bytes) -> None:
            raise BusUnavailable("The bus is away.")

    await people.leading()
    pool = await asyncpg.create_pool(people.database_url, min_size=1, max_size=1)
    try:
        bus, claims = people.bus, Claims(sub="anna", roles=(), user_id=uuid4(), session_id=uuid4())
        signing = SigningKeys(Deaf(), Statements(pool), Vault(tmp_path / "vault.key", None), timedelta(days=1))
        for _ in range(2):
            with pytest.raises(BusUnavailable):
                await signing.sign(claims, 1, datetime.now(UTC))
        signing._bus = bus
        kid = jwt.get_unverified_header(await signing.sign(claims, 1, datetime.now(UTC)))["kid"]
        assert await bus.get(subjects.KV_SIGNING_KEYS, kid) is not None
        assert len(await signing.all()) == 1
    finally:
        await pool.close()


async def test_who_tries_in_a_loop_without_being_anybody_fills_no_audit_log(people: Hive) -> None:
    await login(people)
    for _ in range(5):
        with pytest.raises(SessionOver):
            await ask(people, "refresh", Refresh(refresh_token="hive-refresh-" + "x" * 43), Tokens)
        with pytest.raises(NotFound):
            await ask(people, "recall", Browser(browser="c" * 64), BrowserSession)
        with pytest.raises(LoginFailed):
            await ask(people, "login", SignIn(name="anna", password="wrong"), Tokens)
    reader = await people.bus.read(subjects.AUDIT, subjects.ALL_AUDIT)
    told = [received.decode(AuditRecord).action for received in await reader.batch(1000)]
    assert sorted(action for action in told if "users" not in action) == ["doors.login", "sessions.login", "sessions.refresh"]


async def test_who_comes_from_a_provider_is_known_by_its_id_and_never_by_a_name(people: Hive) -> None:
    def said(subject: str, name: str, role: Role = Role.VIEWER) -> SignInExternally:
        return SignInExternally(issuer="https://id.example", subject=subject, name=name, roles=(role,), browser="b" * 64)

    first = await ask(people, "enter_externally", said("42", "bob"), BrowserSession)
    again = await ask(people, "enter_externally", said("42", "robert", Role.DEVELOPER), BrowserSession)
    assert (again.claims.user_id, again.claims.sub, again.claims.roles) == (first.claims.user_id, "bob", (Role.DEVELOPER,))
    for subject, name in (("43", "bob"), ("44", "anna")):
        with pytest.raises(UserExists):
            await ask(people, "enter_externally", said(subject, name), BrowserSession)
    value = await people.bus.get(subjects.KV_USERS, first.claims.user_id.hex if first.claims.user_id else "")
    assert value is not None
    with pytest.raises(LoginFailed):
        await login(people, "bob")
