"""Who is let in, and for how long."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from bus import auth, subjects
from bus.messages import Claims, Role
from bus.messages.people import UserStanding
from bus.standing import Standings
from bus.testing import InMemoryBus
from gui import sessions
from gui.keyring import Keyring
from tests.unit.gui.samples import NOON, after

DAY = timedelta(days=1)


async def keyring_with(bus: InMemoryBus, secret: str, claims: Claims) -> Keyring:
    keyring = Keyring()
    await keyring.watch(bus)
    await bus.put(subjects.KV_KEYS, auth.hash_key(secret), claims)
    return keyring


async def test_a_key_opens_the_dashboard_and_its_revocation_closes_it() -> None:
    bus, secret = InMemoryBus(), auth.new_key()
    claims = Claims(sub="ada", roles=(Role.DEVELOPER,), key_id=uuid4())
    keyring, people = await keyring_with(bus, secret, claims), Standings(bus)
    storage: dict[str, Any] = {}
    assert keyring.find(f" {secret}\n") == claims
    sessions.sign_in(storage, sessions.Session(claims=claims, signed_in_at=NOON), "10.0.0.9")
    told = claims.model_copy(update={"address": "10.0.0.9", "via": "dashboard"})
    assert sessions.claims_of(storage, keyring, people, after(1), DAY) == told
    await bus.delete(subjects.KV_KEYS, auth.hash_key(secret))
    assert keyring.find(secret) is None
    assert sessions.claims_of(storage, keyring, people, after(2), DAY) is None


async def test_a_login_by_link_holds_until_it_is_too_old() -> None:
    storage: dict[str, Any] = {}
    sessions.sign_in(storage, sessions.Session(claims=Claims(sub="bus", roles=(Role.ADMIN,)), signed_in_at=NOON))
    assert sessions.claims_of(storage, Keyring(), Standings(InMemoryBus()), NOON + DAY, DAY) is not None
    assert sessions.claims_of(storage, Keyring(), Standings(InMemoryBus()), NOON + DAY + timedelta(seconds=1), DAY) is None


@pytest.mark.parametrize("stored", [{}, {sessions.KEY: None}, {sessions.KEY: {"claims": {"roles": ["emperor"]}}}])
def test_what_is_no_session_lets_nobody_in(stored: dict[str, Any]) -> None:
    assert sessions.claims_of(stored, Keyring(), Standings(InMemoryBus()), NOON, DAY) is None


def test_files_of_logins_that_are_over_are_dropped(tmp_path: Path) -> None:
    for name, at in (("storage-user-old.json", NOON), ("storage-user-new.json", after(10)), ("other.json", NOON)):
        (tmp_path / name).write_text("{}")
        os.utime(tmp_path / name, (at.timestamp(), at.timestamp()))
    gone = tmp_path / "storage-user-gone.json"
    gone.symlink_to("nowhere")  # as a file that another dashboard has just dropped
    sessions.drop_old(tmp_path, after(5))
    assert {file.name for file in tmp_path.iterdir()} == {"storage-user-new.json", "other.json", gone.name}


def test_who_logs_out_is_out() -> None:
    storage: dict[str, Any] = {}
    sessions.sign_in(storage, sessions.Session(claims=Claims(sub="ada", roles=(Role.ADMIN,)), signed_in_at=NOON))
    sessions.sign_out(storage)
    assert sessions.claims_of(storage, Keyring(), Standings(InMemoryBus()), NOON, DAY) is None


def test_a_role_is_offered_what_it_may_do() -> None:
    viewer = sessions.may(Claims(sub="eve", roles=(Role.VIEWER,)))
    developer = sessions.may(Claims(sub="ada", roles=(Role.DEVELOPER,)))
    admin = sessions.may(Claims(sub="root", roles=(Role.ADMIN,)))
    assert (viewer.submit, developer.submit, admin.submit) == (False, True, True)
    assert (developer.view_all, developer.requeue, admin.view_all, admin.requeue) == (False, False, True, True)


async def test_a_user_is_in_with_the_roles_of_now_until_the_user_stands_otherwise() -> None:
    bus = InMemoryBus()
    people = await Standings(bus).start()
    user_id, session_id, other = uuid4(), uuid4(), uuid4()
    standing = UserStanding(name="ada", roles=(Role.VIEWER,), generation=3, disabled=False, ended=(other,))
    await bus.put(subjects.KV_USERS, user_id.hex, standing)

    def session(generation: int, session_id: UUID) -> dict[str, Any]:
        claims = Claims(sub="ada", roles=(Role.ADMIN,), user_id=user_id, session_id=session_id)
        storage: dict[str, Any] = {}
        sessions.sign_in(storage, sessions.Session(claims=claims, generation=generation, signed_in_at=NOON))
        return storage

    storage = session(3, session_id)
    claims = sessions.claims_of(storage, Keyring(), people, NOON, DAY)
    assert claims is not None
    assert claims.roles == (Role.VIEWER,)
    for over in (session(2, session_id), session(3, other)):
        assert sessions.claims_of(over, Keyring(), people, NOON, DAY) is None
    await bus.put(subjects.KV_USERS, user_id.hex, standing.model_copy(update={"disabled": True}))
    assert sessions.claims_of(storage, Keyring(), people, NOON, DAY) is None
    await bus.delete(subjects.KV_USERS, user_id.hex)
    assert sessions.claims_of(storage, Keyring(), people, NOON, DAY) is None


async def test_a_key_that_has_expired_lets_nobody_in() -> None:
    bus, secret = InMemoryBus(), auth.new_key()
    claims = Claims(sub="ada", roles=(Role.DEVELOPER,), key_id=uuid4(), expires_at=NOON)
    keyring = await keyring_with(bus, secret, claims)
    assert keyring.find(secret) is None
    storage: dict[str, Any] = {}
    sessions.sign_in(storage, sessions.Session(claims=claims, signed_in_at=NOON))
    assert sessions.claims_of(storage, keyring, Standings(bus), NOON, DAY) is None
