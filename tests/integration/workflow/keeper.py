"""The verbs of credentials, as a test calls them."""

from typing import Any
from uuid import UUID

from bus import subjects
from bus.client import Bus
from bus.messages import Claims, NoReply
from bus.messages.credentials import (
    ChangeCredential,
    CreateCredential,
    CredentialList,
    CredentialRecord,
    CredentialRef,
    CredentialTest,
    TryCredential,
)


class Keeper:
    """The verbs of credentials."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def add(
        self, kind: str, data: dict[str, Any], *, name: str = "mine", claims: Claims | None = None, **more: Any
    ) -> CredentialRecord:
        wish = CreateCredential(name=name, type=kind, data=data, **more)
        return await self._bus.request(_verb("create"), wish, CredentialRecord, claims=claims, timeout=20)

    async def change(self, credential_id: UUID, claims: Claims | None = None, **changes: Any) -> CredentialRecord:
        wish = ChangeCredential(id=credential_id, **changes)
        return await self._bus.request(_verb("update"), wish, CredentialRecord, claims=claims, timeout=20)

    async def list(self, claims: Claims | None = None) -> list[CredentialRecord]:
        found = await self._bus.request(_verb("list"), NoReply(), CredentialList, claims=claims, timeout=20)
        return list(found.credentials)

    async def remove(self, credential_id: UUID, claims: Claims | None = None) -> None:
        await self._bus.request(_verb("delete"), CredentialRef(id=credential_id), NoReply, claims=claims, timeout=20)

    async def test(self, credential_id: UUID, url: str | None = None) -> CredentialTest:
        return await self._bus.request(_verb("test"), TryCredential(id=credential_id, url=url), CredentialTest, timeout=40)


def _verb(verb: str) -> str:
    return subjects.service_verb(subjects.SERVICE_CREDENTIALS, verb)
