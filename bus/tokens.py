"""Access tokens: JWTs in the seed's form, signed by ES256 with a key that the coordinators share. Pure (ADR 0059).

A token says who, until when, and which session. What its bearer may do right now is the user's standing's to say (bus/standing.py).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from bus import auth
from bus.errors import TokenExpired, Unauthenticated
from bus.messages import Claims

ALGORITHM: Final = "ES256"
ISSUER: Final = "hive"
AUDIENCE: Final = "hive"
ACCESS_SECONDS: Final = 15 * 60
LEEWAY_SECONDS: Final = 30
"""By which the clocks of two machines may differ."""
_REQUIRED: Final = ["sub", "iat", "exp", "iss", "aud", "sid", "gen"]
_FORM: Final = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
_KID: Final = re.compile(r"[\w-]{8,64}")
_MOST_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Token:
    """What an access token says that its signature vouches for. `expires` is in Unix seconds."""

    user_id: UUID
    session_id: UUID
    generation: int
    expires: int


def is_token(secret: str) -> bool:
    """Whether it is meant as one: a key of Hive's never looks so."""
    return len(secret) <= _MOST_BYTES and _FORM.fullmatch(secret) is not None


def kid_of(secret: str) -> str:
    """Which key it claims to be signed with. Unauthenticated for one that is not named as Hive names keys."""
    try:
        kid = jwt.get_unverified_header(secret).get("kid")
    except jwt.InvalidTokenError:
        kid = None
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise Unauthenticated("The access token cannot be read, or does not say which key it was signed with.")
    return kid


def sign(claims: Claims, generation: int, key: ec.EllipticCurvePrivateKey, kid: str, now: datetime) -> str:
    """`claims` has a user and a session."""
    issued = int(now.timestamp())
    payload = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(claims.user_id),
        "iat": issued,
        "exp": issued + ACCESS_SECONDS,
        "name": claims.sub,
        "roles": [role.value for role in claims.roles],
        "permissions": auth.granted(claims.roles),
        "tenant": claims.tenant,
        "sid": str(claims.session_id),
        "gen": generation,
    }
    return jwt.encode(payload, key, algorithm=ALGORITHM, headers={"kid": kid})


def verify(secret: str, key: ec.EllipticCurvePublicKey) -> Token:
    """By this key and by ES256 alone, whatever the token's header says. TokenExpired, Unauthenticated."""
    options: Any = {"require": _REQUIRED, "strict_aud": True}
    try:
        said = jwt.decode(
            secret, key, algorithms=[ALGORITHM], issuer=ISSUER, audience=AUDIENCE, leeway=LEEWAY_SECONDS, options=options
        )
        return Token(UUID(said["sub"]), UUID(said["sid"]), int(said["gen"]), int(said["exp"]) + LEEWAY_SECONDS)
    except jwt.ExpiredSignatureError:
        raise expired() from None
    except (jwt.InvalidTokenError, ValueError, TypeError):
        raise Unauthenticated("The access token was not made by this hive, or was changed. Sign in again.") from None


def expired() -> TokenExpired:
    return TokenExpired("The access token has expired. Refresh it: POST /api/auth/refresh.")


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_jwk(key: ec.EllipticCurvePrivateKey, kid: str) -> dict[str, str]:
    """As RFC 7517 writes it."""
    made: dict[str, str] = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**made, "kid": kid, "use": "sig", "alg": ALGORITHM}


def public_key(jwk: Mapping[str, str]) -> ec.EllipticCurvePublicKey:
    """ValueError for what is none."""
    try:
        key = ECAlgorithm(ECAlgorithm.SHA256).from_jwk(dict(jwk))
    except jwt.InvalidKeyError as error:
        raise ValueError(f"no key of {ALGORITHM}: {error}") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("a key that is not public")
    return key
