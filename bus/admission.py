"""How a server of the bus asks whether somebody may come in, and how it is answered: NATS's auth callout (ADR-26 of NATS). Pure.

Questions and answers are JWTs, signed by nkeys. The server believes an answer of the account whose public key stands in nats.conf.
"""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from uuid import uuid4

from bus.host_key import public_key, sign_bytes, signed_bytes
from bus.permissions import Permissions

ACCOUNT: Final = "HIVE"
ANSWERS_SECONDS: Final = 120
"""How long after a request its answer may be published."""
_HEADER: Final = {"typ": "JWT", "alg": "ed25519-nkey"}


@dataclass(frozen=True, slots=True)
class Admission:
    """Who asks to come in: from which address, by which key, and as which agents it wants to speak. `proven`: it holds the key."""

    server_id: str
    connection_key: str
    address: str
    name: str
    key: str
    proven: bool
    agents: tuple[str, ...]

    @classmethod
    def parse(cls, token: bytes) -> Self:
        """ValueError for what is no question of a server's."""
        try:
            asked = _payload(token)["nats"]
            client, options = asked["client_info"], asked["connect_opts"]
            key, nonce, signature = options.get("nkey", ""), client.get("nonce", ""), options.get("sig", "")
            return cls(
                server_id=asked["server_id"]["id"],
                connection_key=asked["user_nkey"],
                address=client.get("host", ""),
                name=options.get("user") or client.get("name", ""),
                key=key,
                proven=bool(nonce) and signed_bytes(key, nonce.encode(), signature),
                agents=tuple(name for name in options.get("auth_token", "").split(",") if name),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a question of a server of NATS's: {error!r}") from None


def wanted(agents: tuple[str, ...]) -> str:
    """What a client says beside its signature, for `Admission.agents`."""
    return ",".join(agents)


def admitted(asked: Admission, user: str, permissions: Permissions, seed: str, now: datetime) -> bytes:
    """The answer that lets it in under this name, with these permissions and no more."""
    said: dict[str, Any] = {
        "type": "user",
        "version": 2,
        "pub": {"allow": list(permissions.publish)},
        "sub": {"allow": list(permissions.subscribe)},
    }
    if permissions.answers:
        said["resp"] = {"max": 1, "ttl": ANSWERS_SECONDS * 1_000_000_000}
    token = _signed({"aud": ACCOUNT, "sub": asked.connection_key, "name": user, "nats": said}, seed, now)
    return _answer(asked, {"jwt": token}, seed, now)


def refused(asked: Admission, reason: str, seed: str, now: datetime) -> bytes:
    """The server logs the reason; who asked is told that it is not let in."""
    return _answer(asked, {"error": reason}, seed, now)


def _answer(asked: Admission, said: dict[str, str], seed: str, now: datetime) -> bytes:
    content = {"type": "authorization_response", "version": 2, **said}
    return _signed({"aud": asked.server_id, "sub": asked.connection_key, "nats": content}, seed, now).encode()


def _signed(claims: dict[str, Any], seed: str, now: datetime) -> str:
    claims = {**claims, "iss": public_key(seed), "iat": int(now.timestamp()), "jti": uuid4().hex}
    said = b".".join(_encoded(json.dumps(part).encode()) for part in (_HEADER, claims))
    return (said + b"." + _encoded(sign_bytes(seed, said))).decode()


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _payload(token: bytes) -> dict[str, Any]:
    """ValueError."""
    parts = token.split(b".")
    if len(parts) != 3:  # header, claims, signature
        raise ValueError("a JWT has three parts")
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4)))
    return claims
