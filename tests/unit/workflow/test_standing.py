"""Keys that stand, as the bucket has them."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from bus import subjects
from bus.errors import PermissionDenied
from bus.messages import Claims, Role
from bus.messages.people import UserStanding
from bus.testing import InMemoryBus
from workflow.running.standing import Keys

ANNA = Claims(sub="anna", roles=(Role.DEVELOPER,), key_id=uuid4())
BO = Claims(sub="bo", roles=(Role.DEVELOPER,), key_id=uuid4())


@pytest.fixture
async def bus() -> InMemoryBus:
    bus = InMemoryBus()
    await bus.put(subjects.KV_KEYS, "of-anna", ANNA)
    return bus


@pytest.fixture
async def keys(bus: InMemoryBus) -> AsyncIterator[Keys]:
    keys = Keys(bus)
    await keys.start()
    yield keys
    await keys.close()


async def test_a_key_stands_until_it_is_revoked(bus: InMemoryBus, keys: Keys) -> None:
    keys.require(ANNA)
    await bus.delete(subjects.KV_KEYS, "of-anna")
    with pytest.raises(PermissionDenied, match="revoked"):
        keys.require(ANNA)


async def test_one_that_is_made_later_stands_too_and_the_end_of_one_is_not_that_of_another(
    bus: InMemoryBus, keys: Keys
) -> None:
    with pytest.raises(PermissionDenied):
        keys.require(BO)
    await bus.put(subjects.KV_KEYS, "of-bo", BO)
    await bus.delete(subjects.KV_KEYS, "of-anna")
    keys.require(BO)


async def test_who_has_no_key_is_asked_for_none(keys: Keys) -> None:
    keys.require(Claims(sub="system", roles=(Role.ADMIN,)))


async def test_a_user_who_signed_in_stands_until_disabled_or_given_fewer_rights(bus: InMemoryBus, keys: Keys) -> None:
    claims = Claims(sub="cleo", roles=(Role.DEVELOPER,), user_id=uuid4(), session_id=uuid4())
    assert claims.user_id

    async def stands(role: Role, *, disabled: bool = False) -> bool:
        standing = UserStanding(name="cleo", roles=(role,), generation=1, disabled=disabled)
        await bus.put(subjects.KV_USERS, claims.user_id.hex if claims.user_id else "", standing)
        try:
            keys.require(claims)
        except PermissionDenied:
            return False
        return True

    assert [await stands(role) for role in (Role.DEVELOPER, Role.ADMIN, Role.VIEWER)] == [True, True, False]
    assert not await stands(Role.ADMIN, disabled=True)
