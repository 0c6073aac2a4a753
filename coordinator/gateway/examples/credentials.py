"""Examples of credentials for the API's own documentation."""

from typing import Final
from uuid import UUID

from fastapi.openapi.models import Example
from pydantic import BaseModel

from bus.messages.credentials import ConnectUrl, CredentialList, CredentialRecord, CredentialTest
from coordinator.gateway.examples.time import NOON

_RECORD: Final = CredentialRecord(
    id=UUID("2a6f9c1e-7d43-4b7e-9b8f-0d5f4f1f7a10"),
    name="weather",
    type="httpHeaderAuth",
    fields=("name", "value"),
    owner="anna",
    shared=False,
    created_at=NOON,
    updated_at=NOON,
)

CREDENTIALS: Final[dict[str, Example]] = {
    "header": {
        "summary": "A header for requests, and for callers of webhooks",
        "value": {"name": "weather", "type": "httpHeaderAuth", "data": {"name": "X-Key", "value": "the secret"}},
    },
    "database": {
        "summary": "A PostgreSQL, by the id that it had in n8n",
        "value": {
            "name": "shop",
            "type": "postgres",
            "n8n_id": "QeD3sVc2Xb8ZtR1a",
            "data": {"host": "db.example", "database": "shop", "user": "reader", "password": "the secret"},
        },
    },
}
CREDENTIAL_CHANGES: Final[dict[str, Example]] = {
    "secret": {"summary": "Another secret; the rest stays", "value": {"data": {"value": "the new secret"}}},
    "share": {"summary": "Lend it to workflows of others", "value": {"shared": True}},
}
ANSWERS: Final[tuple[BaseModel, ...]] = (
    _RECORD,
    CredentialList(credentials=(_RECORD,)),
    ConnectUrl(
        url="https://provider.example/authorize?client_id=hive&response_type=code&state=…",
        redirect_uri="http://127.0.0.1:8420/oauth2/callback",
        expires_at=NOON,
    ),
    CredentialTest(ok=True, tried=True, message="The server gave a token."),
)
