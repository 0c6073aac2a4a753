"""Who is let in, and for how long."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from bus import auth, subjects
from bus.messages import Claims, Role
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
    keyring = await keyring_with(bus, secret, claims)
    storage: dict[str, Any] = {}
    assert keyring.find(f" {secret}\n") == claims
    sessions.sign_in(storage, claims, NOON, "10.0.0.7")
    told = claims.model_copy(update={"address": "10.0.0.7", "via": "dashboard"})
    assert sessions.claims_of(storage, keyring, after(1), DAY) == told
    await bus.delete(subjects.KV_KEYS, auth.hash_key(secret))
    assert keyring.find(secret) is None
    assert sessions.claims_of(storage, keyring, after(2), DAY) is None


async def test_a_login_by_link_holds_until_it_is_too_old() -> None:
    storage: dict[str, Any] = {}
    sessions.sign_in(storage, Claims(sub="bus", roles=(Role.ADMIN,)), NOON)
    assert sessions.claims_of(storage, Keyring(), NOON + DAY, DAY) is not None
    assert sessions.claims_of(storage, Keyring(), NOON + DAY + timedelta(seconds=1), DAY) is None


@pytest.mark.parametrize("stored", [{}, {sessions.KEY: None}, {sessions.KEY: {"claims": {"roles": ["emperor"]}}}])
def test_what_is_no_session_lets_nobody_in(stored: dict[str, Any]) -> None:
    assert sessions.claims_of(stored, Keyring(), NOON, DAY) is None


def test_who_logs_out_is_out() -> None:
    storage: dict[str, Any] = {}
    sessions.sign_in(storage, Claims(sub="ada", roles=(Role.ADMIN,)), NOON)
    sessions.sign_out(storage)
    assert sessions.claims_of(storage, Keyring(), NOON, DAY) is None


def test_a_role_is_offered_what_it_may_do() -> None:
    viewer = sessions.may(Claims(sub="eve", roles=(Role.VIEWER,)))
    developer = sessions.may(Claims(sub="ada", roles=(Role.DEVELOPER,)))
    admin = sessions.may(Claims(sub="root", roles=(Role.ADMIN,)))
    assert (viewer.submit, developer.submit, admin.submit) == (False, True, True)
    assert (developer.view_all, developer.requeue, admin.view_all, admin.requeue) == (False, False, True, True)
