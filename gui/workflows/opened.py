"""What the handlers of one open canvas share: its draft, the execution that it shows, and the line to the browser."""

from uuid import UUID

from bus.auth import Permission, require
from bus.errors import InvalidRequest
from gui.canvas.parts import WorkflowEditor
from gui.workflows.draft import Draft
from gui.workflows.following import Following
from gui.workflows.office import Office


class Opened:
    """The draft is there once the workflow was read."""

    def __init__(self, editor: WorkflowEditor, office: Office, workflow_id: UUID) -> None:
        self.editor, self.office, self.id = editor, office, workflow_id
        self.following = Following(office, editor.tell)
        self.read: Draft | None = None
        self.saving = False

    @property
    def draft(self) -> Draft:
        if self.read is None:
            raise InvalidRequest("The workflow has not been read yet.")
        return self.read

    def show(self) -> None:
        self.editor.tell("view", self.draft.view())

    def require(self, permission: Permission) -> None:
        require(self.office.claims, permission)
