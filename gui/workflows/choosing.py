"""The credentials that a person may choose in a node, and a new one, on the bus in that person's name."""

from typing import Any

from bus.auth import Permission, require
from bus.errors import HiveError, InvalidRequest
from bus.messages.credentials import CreateCredential, CredentialRef
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
        return {"credentials": self._list, "credential": self._create, "connect": self._connect}

    async def _list(self, _: Any) -> None:
        require(self._office.claims, Permission.CREDENTIALS_OWN)
        found = await self._office.credentials()
        parts = {kind: [part.model_dump() for part in given] for kind, given in PARTS.items()}
        shown = [each.model_dump(mode="json") for each in found.credentials]
        self._editor.tell("credentials", {"credentials": shown, "parts": parts})

    async def _create(self, given: Any) -> None:
        """A refusal is told where the form is."""
        try:
            made = await self._office.create_credential(understood(CreateCredential, given))
        except HiveError as error:
            self._editor.tell("credential_refused", {"code": error.code, "message": error.message})
            return
        await self._list(None)
        self._editor.tell("credential_made", {"id": str(made.id), "name": made.name, "type": made.type})

    async def _connect(self, credential_id: Any) -> None:
        """Where a person lets the hive in at the provider."""
        try:
            wish = CredentialRef.model_validate({"id": credential_id})
        except ValueError:
            raise InvalidRequest("This is not a credential's id.") from None
        found = await self._office.connect_credential(wish.id)
        self._editor.tell("connect", {"id": str(wish.id), "url": found.url})
