"""The verbs of credentials: `hive.svc.credentials.*`. None of them answers with what a credential holds."""

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel

from bus import subjects
from bus.auth import Permission
from bus.errors import CredentialNotFound, HiveError
from bus.messages import NoReply
from bus.messages.credentials import (
    ChangeCredential,
    ConnectCredential,
    ConnectResult,
    ConnectReturn,
    ConnectUrl,
    CreateCredential,
    CredentialList,
    CredentialRecord,
    CredentialRef,
    CredentialTest,
    TryCredential,
)
from bus.service import Call, Endpoint, Service
from bus.version import hive_version
from workflow.credentials.connecting import Connecting
from workflow.credentials.lending import Lending
from workflow.credentials.store import Credentials


class _Verbs:
    def __init__(self, credentials: Credentials, lending: Lending, connecting: Connecting) -> None:
        self._credentials, self._lending, self._connecting = credentials, lending, connecting

    async def create(self, call: Call[CreateCredential]) -> CredentialRecord:
        return await self._credentials.create(call.body, call.claims)

    async def change(self, call: Call[ChangeCredential]) -> CredentialRecord:
        return await self._credentials.change(call.body, call.claims)

    async def get(self, call: Call[CredentialRef]) -> CredentialRecord:
        return await self._credentials.get(call.body.id, call.claims)

    async def list(self, call: Call[NoReply]) -> CredentialList:
        return await self._credentials.list(call.claims)

    async def delete(self, call: Call[CredentialRef]) -> NoReply:
        await self._credentials.delete(call.body.id, call.claims)
        return NoReply()

    async def connect(self, call: Call[ConnectCredential]) -> ConnectUrl:
        return await self._connecting.begin(call.body, call.claims)

    async def connected(self, call: Call[ConnectReturn]) -> ConnectResult:
        """Whoever has the state was given it: no right is asked for."""
        return await self._connecting.finish(call.body)

    async def test(self, call: Call[TryCredential]) -> CredentialTest:
        """CredentialNotFound; everything else is an answer."""
        await self._credentials.get(call.body.id, call.claims)
        try:
            credential = await self._credentials.opened(call.body.id, call.claims)
            return await self._lending.tried(credential, call.body.url)
        except CredentialNotFound:
            raise
        except HiveError as error:
            return CredentialTest(ok=False, tried=True, message=error.message)


def service(credentials: Credentials, lending: Lending, connecting: Connecting) -> Service:
    verbs = _Verbs(credentials, lending, connecting)
    return Service(
        name=subjects.SERVICE_CREDENTIALS,
        version=hive_version(),
        description="Credentials of workflows",
        endpoints=(
            _endpoint("create", CreateCredential, verbs.create, "Seal a credential"),
            _endpoint("update", ChangeCredential, verbs.change, "What is left out stays"),
            _endpoint("get", CredentialRef, verbs.get, "What it is, not what it holds"),
            _endpoint("list", NoReply, verbs.list, "Without what they hold"),
            _endpoint("delete", CredentialRef, verbs.delete, "Nodes that name it fail from then on"),
            _endpoint("test", TryCredential, verbs.test, "Whether the other side takes it"),
            _endpoint("connect", ConnectCredential, verbs.connect, "Where a person lets the hive in at the provider"),
            Endpoint(
                verb="connected",
                body=ConnectReturn,
                handler=verbs.connected,
                permission=None,
                description="What the provider sent a browser back with; the state is the secret",
            ),
        ),
    )


def _endpoint(
    verb: str, body: type[BaseModel], handler: Callable[[Call[Any]], Awaitable[BaseModel]], description: str
) -> Endpoint:
    return Endpoint(verb=verb, body=body, handler=handler, permission=Permission.CREDENTIALS_OWN, description=description)
