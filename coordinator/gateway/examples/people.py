"""Examples of users and logins, for the API's own documentation."""

from typing import Final
from uuid import UUID

from fastapi.openapi.models import Example
from pydantic import BaseModel

from bus.messages import Role
from bus.messages.people import Tokens, UserList, UserRecord
from coordinator.gateway.examples.time import NOON

_PASSWORD: Final = "maple-harbour-tin-42"  # noqa: S105 - an example
USERS: Final[dict[str, Example]] = {
    "developer": {
        "summary": "Signs in with a password",
        "value": {"name": "anna", "roles": ["developer"], "password": _PASSWORD},
    },
}
ROLES: Final[dict[str, Example]] = {"viewer": {"summary": "May look", "value": {"roles": ["viewer"]}}}
PASSWORDS: Final[dict[str, Example]] = {"new": {"summary": "Another password", "value": {"password": _PASSWORD}}}
LOGINS: Final[dict[str, Example]] = {"anna": {"summary": "Name and password", "value": {"name": "anna", "password": _PASSWORD}}}
REFRESHES: Final[dict[str, Example]] = {"next": {"summary": "The last one", "value": {"refresh_token": "hive-refresh-…"}}}
CHANGES: Final[dict[str, Example]] = {
    "new": {"summary": "One's own", "value": {"current": _PASSWORD, "new": "otter-lantern-quartz-7"}}
}
ME: Final = {
    "claims": {
        "sub": "anna",
        "roles": ["viewer"],
        "tenant": "default",
        "models": [],
        "scopes": [],
        "key_id": None,
        "user_id": "5d4c1f0e-9a3b-4f7e-8f63-0c2e7a9d1b22",
        "session_id": "7a1f0c35-52a1-4a43-8b6e-91f0a6c3d204",
        "expires_at": None,
    },
    "permissions": ["agents.view", "models.view", "metrics.view", "alerts.view", "workflows.view", "executions.view"],
}
KEY_SET: Final = {
    "keys": [
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "WKn-ZIGevcwGIyyrzFoZNBdaq9_TsqzGl96oc0CWuis",
            "y": "y77t-RvAHRKTsSGdIYUfweuOvwrvDD-Q3Hv5J0fSKbE",
            "kid": "q2Vd0bJ4mC1x8Zkr",
            "use": "sig",
            "alg": "ES256",
        }
    ]
}
_USER: Final = UserRecord(
    id=UUID("5d4c1f0e-9a3b-4f7e-8f63-0c2e7a9d1b22"),
    name="anna",
    roles=(Role.DEVELOPER,),
    has_password=True,
    created_at=NOON,
    last_login_at=NOON,
)
ANSWERS: Final[tuple[BaseModel, ...]] = (
    _USER,
    UserList(users=(_USER,)),
    Tokens(access_token="eyJ…", expires_in=900, refresh_token="hive-refresh-…", refresh_expires_in=604800),  # noqa: S106
)
