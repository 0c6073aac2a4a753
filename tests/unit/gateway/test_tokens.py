"""Access tokens at the door: what is taken, and every way in which one is refused."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from httpx import AsyncClient
from structlog.testing import capture_logs

from bus import subjects, tokens
from bus.errors import TokenExpired
from bus.messages import Claims, Role
from bus.messages.audit import AuditRecord
from bus.messages.people import SigningKey, UserStanding
from bus.testing import InMemoryBus
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.verified import Verified
from tests.unit.gateway.conftest import client_of

ANNA = Claims(
    sub="anna",
    roles=(Role.DEVELOPER,),
    user_id=UUID("5d4c1f0e-9a3b-4f7e-8f63-0c2e7a9d1b22"),
    session_id=UUID("7a1f0c35-52a1-4a43-8b6e-91f0a6c3d204"),
)
KEY, KID = tokens.new_key(), "kid-of-the-test"
STANDING = UserStanding(name="anna", roles=(Role.DEVELOPER,), generation=1, disabled=False)


async def stand(bus: InMemoryBus, **changes: Any) -> None:
    assert ANNA.user_id
    await bus.put(subjects.KV_USERS, ANNA.user_id.hex, STANDING.model_copy(update=changes))


@pytest.fixture
async def bus(memory_bus: InMemoryBus) -> InMemoryBus:
    jwk = tokens.public_jwk(KEY, KID)
    key = SigningKey(kid=KID, algorithm=tokens.ALGORITHM, created_at=datetime.now(UTC), jwk=jwk)
    await memory_bus.put(subjects.KV_SIGNING_KEYS, KID, key)
    await stand(memory_bus)
    return memory_bus


@pytest.fixture
async def door(bus: InMemoryBus, gateway: Gateway) -> AsyncIterator[AsyncClient]:
    async with client_of(gateway, None) as client:
        yield client


def token(**changes: Any) -> str:
    return tokens.sign(ANNA, 1, changes.get("key", KEY), changes.get("kid", KID), changes.get("now", datetime.now(UTC)))


def payload(**changes: Any) -> dict[str, Any]:
    said: dict[str, Any] = jwt.decode(token(), options={"verify_signature": False})
    return {name: value for name, value in {**said, **changes}.items() if value is not None}


def part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def signed_with_the_public_key() -> str:
    """The confusion of algorithms: the public key, which everybody has, taken for a shared secret."""
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = f"{part({'typ': 'JWT', 'alg': 'HS256', 'kid': KID})}.{part(payload())}"
    mark = hmac.new(pem, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"


def es256(content: dict[str, Any], **headers: Any) -> str:
    return jwt.encode(content, KEY, algorithm="ES256", headers={"kid": KID, **headers})


async def refusal(door: AsyncClient, secret: str) -> str:
    answer = await door.get("/api/tasks", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 401, answer.text
    return str(answer.json()["code"])


async def test_a_token_says_what_the_seed_says_and_opens_the_door(door: AsyncClient) -> None:
    said = payload()
    assert said["exp"] - said["iat"] == 900
    assert (said["sub"], said["roles"], said["tenant"]) == (str(ANNA.user_id), ["developer"], "default")
    assert "workflows.*" in said["permissions"]
    me = (await door.get("/api/auth/me", headers={"Authorization": f"Bearer {token()}"})).json()
    assert (me["claims"]["sub"], me["claims"]["roles"]) == ("anna", ["developer"])
    assert "tasks.create" in me["permissions"]
    assert "users.manage" not in me["permissions"]


async def test_what_was_not_signed_by_this_hive_is_refused_logged_and_in_the_audit_log(
    door: AsyncClient, bus: InMemoryBus
) -> None:
    none = f"{part({'typ': 'JWT', 'alg': 'none', 'kid': KID})}.{part(payload())}."
    whole = token()
    changed = f"{whole.split('.')[0]}.{part(payload(roles=['admin']))}.{whole.split('.')[2]}"
    es384 = jwt.encode(payload(), ec.generate_private_key(ec.SECP384R1()), algorithm="ES384", headers={"kid": KID})
    for forged in (
        none,
        signed_with_the_public_key(),
        token(key=tokens.new_key()),
        token(kid="kid-of-nobody"),
        changed,
        es384,
        jwt.encode(payload(), KEY, algorithm="ES256"),
        es256(payload(), kid="../../etc/passwd"),
        "eyJh.eyJh.",
    ):
        with capture_logs() as logs:
            assert await refusal(door, forged) == "unauthenticated"
        assert [log["door"] for log in logs if log["event"] == "attempt_failed"] == ["key"]
        assert forged not in str(logs)
    records = await (await bus.read(subjects.AUDIT, subjects.ALL_AUDIT)).batch(100)
    told = [record.decode(AuditRecord) for record in records]
    assert [(record.action, record.result, record.code) for record in told] == [("doors.key", "refused", "unauthenticated")]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": int(datetime.now(UTC).timestamp()) - 60}, "token_expired"),
        ({"iss": "https://elsewhere.example"}, "unauthenticated"),
        ({"aud": "another"}, "unauthenticated"),
        ({"aud": ["hive", "another"]}, "unauthenticated"),
        ({"exp": None}, "unauthenticated"),
        ({"sid": None}, "unauthenticated"),
        ({"sub": "anna"}, "unauthenticated"),
        ({"iat": int(datetime.now(UTC).timestamp()) + 3600}, "unauthenticated"),
        ({"gen": 2}, "session_over"),
    ],
)
async def test_what_it_says_is_checked(door: AsyncClient, changes: dict[str, Any], code: str) -> None:
    with capture_logs() as logs:
        assert await refusal(door, es256(payload(**changes))) == code
    event = "attempt_failed" if code == "unauthenticated" else "token_refused"
    assert [log["event"] for log in logs if log["event"] in ("attempt_failed", "token_refused")] == [event]


@pytest.mark.parametrize("changes", [{"disabled": True}, {"generation": 2}, {"ended": (ANNA.session_id,)}])
async def test_a_token_that_was_good_is_refused_as_soon_as_the_user_stands_otherwise(
    door: AsyncClient, bus: InMemoryBus, changes: dict[str, Any]
) -> None:
    good = token()
    assert (await door.get("/api/tasks", headers={"Authorization": f"Bearer {good}"})).status_code == 200
    await stand(bus, **changes)
    assert await refusal(door, good) == "session_over"


async def test_other_roles_hold_at_once(door: AsyncClient, bus: InMemoryBus) -> None:
    good = {"Authorization": f"Bearer {token()}"}
    assert (await door.get("/api/users", headers=good)).status_code == 403
    await stand(bus, roles=(Role.ADMIN,))
    assert (await door.get("/api/auth/me", headers=good)).json()["claims"]["roles"] == ["admin"]


async def test_the_public_keys_are_served_and_one_that_went_verifies_nothing(door: AsyncClient, bus: InMemoryBus) -> None:
    served = (await door.get("/.well-known/jwks.json")).json()["keys"]
    assert [key["kid"] for key in served] == [KID]
    assert "d" not in served[0], "the private half"
    jwt.decode(token(), jwt.PyJWK(served[0]), algorithms=["ES256"], audience="hive", issuer="hive")
    good = token()
    assert (await door.get("/api/tasks", headers={"Authorization": f"Bearer {good}"})).status_code == 200
    await bus.delete(subjects.KV_SIGNING_KEYS, KID)
    assert await refusal(door, good) == "unauthenticated"


async def test_a_verified_token_is_held_until_it_expires(bus: InMemoryBus) -> None:
    now = datetime.now(UTC).timestamp()
    clock = [now]
    verified = await Verified(bus, lambda: clock[0]).start()
    secret = token(now=datetime.now(UTC) - timedelta(minutes=10))
    assert (await verified.claims(secret)).sub == "anna"
    clock[0] += 600
    with pytest.raises(TokenExpired):
        await verified.claims(secret)
    await verified.close()
