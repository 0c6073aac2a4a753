"""The credentials that a person may choose in a node, new ones, and changes of them, on the bus in that person's name."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from bus.auth import Permission, allows, require
from bus.errors import HiveError, InvalidRequest
from bus.messages.credentials import ChangeCredential, CreateCredential, CredentialRecord, CredentialTest, TryCredential
from gui.canvas.parts import WorkflowEditor
from gui.workflows.credentials import PARTS
from gui.workflows.office import Office
from gui.workflows.understanding import understood
from gui.workflows.wiring import Handler


class Choosing:
    """What a credential holds goes from the browser to the engine, and is kept nowhere here."""

    def __init__(self, editor: WorkflowEditor, office: Office) -> None:
        self._editor, self._office = editor, office

    def handlers(self) -> dict[str, Handler]:
        return {
            "credentials": self._list,
            "credential": self._create,
            "change_credential": self._change,
            "delete_credential": self._delete,
            "try_credential": self._try,
            "connect": self._connect,
        }

    async def _list(self, _: Any) -> None:
        require(self._office.claims, Permission.CREDENTIALS_OWN)
        found = await self._office.credentials()
        parts = {kind: [part.model_dump() for part in given] for kind, given in PARTS.items()}
        shown = [{**each.model_dump(mode="json"), "changeable": self._changeable(each)} for each in found.credentials]
        self._editor.tell("credentials", {"credentials": shown, "parts": parts})

    def _changeable(self, credential: CredentialRecord) -> bool:
        claims = self._office.claims
        return credential.owner == claims.sub or allows(claims, Permission.CREDENTIALS_MANAGE)

    async def _create(self, given: Any) -> None:
        await self._made(lambda: self._office.create_credential(understood(CreateCredential, given)))

    async def _change(self, given: Any) -> None:
        """Fields that are left out stay as they are."""
        await self._made(lambda: self._office.change_credential(understood(ChangeCredential, given)))

    async def _made(self, order: Callable[[], Awaitable[CredentialRecord]]) -> None:
        """A refusal is told where the form is."""
        try:
            made = await order()
        except HiveError as error:
            self._editor.tell("credential_refused", {"code": error.code, "message": error.message})
            return
        await self._list(None)
        self._editor.tell("credential_made", {"id": str(made.id), "name": made.name, "type": made.type})

    async def _delete(self, credential_id: Any) -> None:
        try:
            await self._office.delete_credential(_id(credential_id))
        except HiveError as error:
            self._editor.tell("credential_refused", {"code": error.code, "message": error.message})
            return
        await self._list(None)
        self._editor.tell("credential_gone", {"id": str(credential_id)})

    async def _try(self, given: Any) -> None:
        """What is stored, and not what stands in the form."""
        try:
            found = await self._office.try_credential(understood(TryCredential, given))
        except HiveError as error:
            found = CredentialTest(ok=False, tried=False, message=error.message)
        self._editor.tell("credential_tried", {"id": str(given["id"]), **found.model_dump()})

    async def _connect(self, credential_id: Any) -> None:
        """Where a person lets the hive in at the provider."""
        found = await self._office.connect_credential(_id(credential_id))
        self._editor.tell("connect", {"id": str(credential_id), "url": found.url})


def _id(value: Any) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise InvalidRequest("This is not a credential's id.") from None
