"""Examples of keys and join tokens, for the API's own documentation."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from fastapi.openapi.models import Example
from pydantic import BaseModel

from bus.messages import IssuedKey, KeyList, KeyRecord, Role
from bus.messages.joining import IssuedJoinToken, JoinGrant, JoinTokenList, JoinTokenRecord, JoinTokenState
from coordinator.gateway.examples.time import NOON

JOIN_TOKENS: Final[dict[str, Example]] = {
    "one host": {"summary": "For one host, within a day", "value": {"name": "walnut"}},
    "a room": {
        "summary": "For ten hosts of a room",
        "value": {"uses": 10, "expires_seconds": 3600, "labels": {"site": "basement"}},
    },
}
JOINS: Final[dict[str, Example]] = {
    "walnut": {
        "summary": "As `hive join` asks",
        "value": {
            "token": "hive-join-…",
            "name": "walnut",
            "key": "UBEFVI6HCMG5J4PJUNIGU7VPF45RWKDGZO73TKBDJ42DSSW2F5FZWQBM",
            "signature": "bm90IGEgc2lnbmF0dXJlIGJ1dCBpbiBpdHMgZm9ybQ==",
        },
    }
}
KEYS: Final[dict[str, Example]] = {
    "developer": {"summary": "May submit, and see its own tasks", "value": {"owner": "anna", "name": "notebook"}},
    "one model": {
        "summary": "May use one model only",
        "value": {"owner": "ci", "role": "developer", "models": ["llama3.2:3b"]},
    },
    "models alone": {
        "summary": "May pull, load and delete models, and nothing else",
        "value": {"owner": "ci", "role": "admin", "scopes": ["models.view", "models.manage"]},
    },
}
_HIVE_ID: Final = UUID("c0ffee00-6d2e-4c59-9a3b-2f1d5f7c0a11")
_KEY: Final = KeyRecord(
    id=UUID("0b5a8d1e-7c55-4f0c-8c3c-9d4d3f1f6a01"),
    owner="anna",
    role=Role.DEVELOPER,
    name="notebook",
    prefix="sk-hive-3f9a",
    created_at=NOON,
)
_JOIN_TOKEN: Final = JoinTokenRecord(
    id=UUID("7a1f0c35-52a1-4a43-8b6e-91f0a6c3d204"),
    name="cellar",
    labels={"site": "basement"},
    uses_allowed=10,
    uses=1,
    hosts=("walnut",),
    created_by="anna",
    created_at=NOON,
    expires_at=NOON + timedelta(days=1),
    state=JoinTokenState.ACTIVE,
)
ANSWERS: Final[tuple[BaseModel, ...]] = (
    IssuedKey(key="sk-hive-…", record=_KEY),
    _KEY,
    KeyList(keys=(_KEY,)),
    IssuedJoinToken(token="hive-join-…", record=_JOIN_TOKEN),  # noqa: S106,
    _JOIN_TOKEN,
    JoinTokenList(tokens=(_JOIN_TOKEN,)),
    JoinGrant(
        hive_id=_HIVE_ID,
        name="walnut",
        labels={"site": "basement"},
        nats_url="nats://hive:…@192.168.1.5:4222",
    ),
)
