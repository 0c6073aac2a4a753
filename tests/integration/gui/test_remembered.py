"""Logins that replicas of the dashboard share by Valkey: what is taken from there, and what is not."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import redis.asyncio as redis
from structlog.testing import capture_logs

from bus.messages import Claims, Role
from gui.remembered import Remembered
from gui.sessions import Session

ADA, BO = "a" * 64, "b" * 64
"""Browsers, hashed."""


def session(role: Role) -> Session:
    claims = Claims(sub="ada", roles=(role,), user_id=uuid4(), session_id=uuid4())
    return Session(claims=claims, signed_in_at=datetime.now(UTC), generation=1)


@pytest.fixture
async def remembered(valkey_url: str) -> AsyncIterator[Remembered]:
    replica = Remembered(valkey_url, timedelta(hours=1), "the secret of all replicas")
    yield replica
    await replica.close()


@pytest.fixture
async def valkey_itself(valkey_url: str) -> AsyncIterator[redis.Redis]:
    """As somebody who may write there sees it."""
    async with redis.from_url(valkey_url) as client:
        yield client


async def test_a_login_is_known_to_each_replica_and_again_once_valkey_has_lost_it(
    remembered: Remembered, valkey_itself: redis.Redis, valkey_url: str
) -> None:
    kept, other = session(Role.VIEWER), Remembered(valkey_url, timedelta(hours=1), "the secret of all replicas")
    await remembered.keep(ADA, kept)
    assert await other.find(ADA) == kept
    await valkey_itself.flushall()
    assert await other.find(ADA) is None
    await remembered.keep(ADA, kept)
    assert await other.find(ADA) == kept
    assert await remembered.forget(ADA)
    assert await other.find(ADA) is None
    await other.close()


@pytest.mark.parametrize("how", ["by hand", "with the old signature", "of another browser", "with another secret"])
async def test_nobody_is_let_in_by_what_somebody_wrote_into_valkey(
    remembered: Remembered, valkey_itself: redis.Redis, valkey_url: str, how: str
) -> None:
    admin = session(Role.ADMIN)
    if how == "by hand":
        await valkey_itself.set(f"session:{ADA}", admin.model_dump_json())
    elif how == "with the old signature":
        await remembered.keep(ADA, session(Role.VIEWER))
        stored = await valkey_itself.get(f"session:{ADA}")
        assert b'"viewer"' in stored
        await valkey_itself.set(f"session:{ADA}", stored.replace(b'"viewer"', b'"admin"'))
    elif how == "of another browser":
        await remembered.keep(BO, admin)
        await valkey_itself.copy(f"session:{BO}", f"session:{ADA}")
    else:
        stranger = Remembered(valkey_url, timedelta(hours=1), "somebody else's secret")
        await stranger.keep(ADA, admin)
        await stranger.close()
    assert await valkey_itself.exists(f"session:{ADA}")
    with capture_logs() as logs:
        assert await remembered.find(ADA) is None
    assert [(each["event"], each["reason"]) for each in logs] == [("remembered_login_refused", "BadSignature")]
    assert not await valkey_itself.exists(f"session:{ADA}"), "it is not looked at twice"
