"""Workflows and their executions, as the doors and the engines speak of them. `n8n_data` is n8n's JSON, kept whole."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, JsonValue

from bus.messages.base import Command, Message, Record, Slug, Text, Words

N8nDocument = Annotated[
    dict[str, Any],
    Field(description="the workflow as n8n's canvas copies it or downloads it; every field is kept"),
]


class ExecutionStatus(StrEnum):
    """n8n's words."""

    NEW = "new"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCESS = "success"
    ERROR = "error"
    CANCELED = "canceled"

    @property
    def ended(self) -> bool:
        return self in (ExecutionStatus.SUCCESS, ExecutionStatus.ERROR, ExecutionStatus.CANCELED)


class CreateWorkflow(Command):
    """The body of `POST /api/workflows`."""

    name: Text | None = Field(default=None, min_length=3, max_length=255, description="left out: the document's own")
    description: Text | None = Field(default=None, max_length=10_000)
    n8n_data: N8nDocument


class UpdateWorkflow(Command):
    """The body of `PUT /api/workflows/{id}`: what is left out stays. `version`: refuse when somebody else saved meanwhile."""

    name: Text | None = Field(default=None, min_length=3, max_length=255)
    description: Text | None = Field(default=None, max_length=10_000)
    n8n_data: N8nDocument | None = None
    version: int | None = Field(default=None, ge=1)


class ChangeWorkflow(UpdateWorkflow):
    """The same as a verb's body."""

    id: UUID


class WorkflowRef(Command):
    id: UUID


class ActivateWorkflow(Command):
    id: UUID
    active: bool


class ListWorkflows(Command):
    """Newest first. `cursor` is the `next_cursor` of the page before."""

    active: bool | None = None
    owner: Text | None = Field(default=None, description="who stored it first")
    search: Text | None = Field(default=None, max_length=255, description="words that its name or a tag of it has, in any case")
    limit: int = Field(default=50, ge=1, le=250)
    cursor: Text | None = None


class WorkflowProblem(Message):
    """Something in the document that a person should know of. `code` is stable."""

    code: str
    message: str
    severity: str
    node: str | None = None


class McpToolUse(Message):
    """A registered MCP server that a node needs, and the tool in it; null: which one is seen when it runs."""

    node: str
    server: str
    tool: str | None = None
    registered: bool


class LastExecution(Message):
    """The newest of a workflow's executions that its record keeps."""

    id: UUID
    status: ExecutionStatus
    created_at: datetime


class WorkflowRecord(Record):
    """A workflow as every door shows it."""

    id: UUID
    name: str
    description: str | None = None
    n8n_data: dict[str, Any] | None = Field(default=None, description="left out in lists")
    mcp_tools: tuple[McpToolUse, ...] = Field(
        default=(), description="what its nodes need of registered MCP servers; left out in lists"
    )
    created_by: str
    tenant: Slug = "default"
    version: int
    active: bool
    problems: tuple[WorkflowProblem, ...] = Field(default=(), description="what does not run as in n8n; left out in lists")
    tags: tuple[str, ...] = Field(default=(), description="names of the document's tags; in lists alone")
    last_execution: LastExecution | None = Field(default=None, description="in lists alone")
    created_at: datetime
    updated_at: datetime


class WorkflowList(Record):
    """Records without their documents; `GET /api/workflows/{id}` has those."""

    workflows: tuple[WorkflowRecord, ...]
    next_cursor: str | None = None


class WorkflowVersion(Record):
    version: int
    name: str
    created_by: str
    created_at: datetime


class WorkflowVersionRef(Command):
    id: UUID
    version: int = Field(ge=1)


class WorkflowVersionRecord(WorkflowVersion):
    """A version with its document."""

    workflow_id: UUID
    n8n_data: dict[str, Any]


class WorkflowVersions(Record):
    """Newest first."""

    versions: tuple[WorkflowVersion, ...]


class ExecuteWish(Command):
    """The body of `POST /api/workflows/{id}/execute`: what the trigger gives, and where to begin and to end."""

    items: tuple[dict[str, Any], ...] = Field(
        default=(), description='of the trigger, each as `{"json": {…}}`; none: one empty'
    )
    start: Text | None = Field(default=None, description="the trigger's name; left out: the first")
    destination: Text | None = Field(default=None, description="the last node to run; left out: all of them")


class ExecuteWorkflow(ExecuteWish):
    """The same as a verb's body. `execution_id` is the caller's, so that an order given twice is one execution."""

    id: UUID
    execution_id: UUID
    wait_seconds: float = Field(default=0, ge=0, le=300)


class WorkflowTool(Record):
    """An active workflow as something to call: `input_schema` is a JSON schema of an object."""

    id: UUID
    name: str
    description: str | None = None
    version: int
    input_schema: dict[str, Any]


class WorkflowTools(Record):
    """Those that whoever asks may call, newest first."""

    tools: tuple[WorkflowTool, ...]


class CallWorkflowTool(Command):
    """Runs an active workflow with the rights of whoever saved it. `execution_id`: as of `ExecuteWorkflow`."""

    id: UUID
    execution_id: UUID
    input: dict[str, Any] = Field(default_factory=dict)
    wait_seconds: float = Field(default=0, ge=0, le=300)


class ExecutionRef(Command):
    id: UUID


class RetryExecution(Command):
    """`execution_id`: of the new one, made by the caller. `node`: the one to begin with; left out: the one that failed."""

    id: UUID
    execution_id: UUID
    node: Text | None = None


class ListExecutions(Command):
    """Newest first. `cursor` is the `next_cursor` of the page before."""

    workflow_id: UUID | None = None
    status: tuple[ExecutionStatus, ...] = ()
    owner: Text | None = Field(default=None, description="whose rights it has")
    limit: int = Field(default=50, ge=1, le=250)
    cursor: Text | None = None


class ExecutionRecord(Record):
    """An execution as every door shows it. `data` is n8n's: `data.resultData.runData[node][run]`."""

    id: UUID
    workflow_id: UUID | None = None
    workflow_version: int
    workflow_name: str | None = None
    status: ExecutionStatus
    mode: str
    finished: bool
    created_by: str
    error_message: str | None = None
    wait_till: datetime | None = None
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    data: dict[str, Any] | None = Field(default=None, description="left out in lists")
    left_out: str | None = Field(
        default=None, description="what of `data` is missing, where all of it is more than an answer holds"
    )


class ExecutionList(Record):
    executions: tuple[ExecutionRecord, ...]
    next_cursor: str | None = None


CHAIN = "how many executions, each started by an event of the one before, led to the one that tells this; 0: none"


class WorkflowChange(Message):
    """What happened in an execution. Items stay in the record: events are read by many."""

    execution_id: UUID
    workflow_id: UUID | None = None
    root_workflow_id: UUID | None = Field(
        default=None, description="the workflow that began it all: of the first caller, or of what failed; else its own"
    )
    chain: int = Field(default=0, ge=0, description=CHAIN)
    owner: str
    mode: str
    status: ExecutionStatus
    node: str | None = None
    run: int | None = None
    index: int | None = None
    took_ms: int | None = None
    error: Words | None = None


class WorkflowMessage(Message):
    """What a workflow tells whoever listens: the data of `workflow.message`, an event that a node published."""

    name: str = Field(
        min_length=1, max_length=200, description="what it is about, such as `order.paid`; triggers can ask for it"
    )
    execution_id: UUID
    workflow_id: UUID | None = None
    root_workflow_id: UUID | None = Field(
        default=None, description="the workflow that began it all: of the first caller, or of what failed; else its own"
    )
    chain: int = Field(default=0, ge=0, description=CHAIN)
    owner: str
    payload: JsonValue = None


class Door(StrEnum):
    """Where a call came in: at `/webhook/…` or at `/form/…`."""

    WEBHOOK = "webhook"
    FORM = "form"


class UploadedFile(Message):
    """A file of a form. `data` is base64, `size` its bytes."""

    field: str
    name: str
    mime_type: str = "application/octet-stream"
    size: int
    data: str


class WebhookCall(Command):
    """A call of `/webhook/…` or `/form/…` as the door heard it. `body` is one that is read already; else the engine reads `text` by its
    Content-Type, or makes it of `fields`."""

    path: Text
    method: str
    headers: dict[str, str] = Field(default_factory=dict)
    query: dict[str, Any] = Field(default_factory=dict)
    body: Any = None
    text: str | None = Field(default=None, description="a body of text, as it came")
    fields: tuple[tuple[str, str], ...] = Field(
        default=(), description="of a form that came in parts, names and values in their order"
    )
    files: tuple[UploadedFile, ...] = ()
    door: Door = Door.WEBHOOK
    preflight: bool = Field(default=False, description="a browser asks whether a page of elsewhere may call with `method`")
    test: bool = False
    wait_seconds: float = Field(default=60, ge=0, le=300)


class ResumeCall(WebhookCall):
    """A call of `/webhook-waiting/{execution id}/…`: `path` is what follows the id; with `door` form of `/form-waiting/{execution id}`."""

    id: UUID


class WebhookReply(Message):
    """What the caller is answered. A string is sent as text, everything else as JSON."""

    status: int = 200
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = None
    body_base64: str | None = None
    refused: bool = Field(default=False, description="the caller showed a credential, and it was wrong")
    page: bool = Field(default=False, description="of Hive's own: it has a policy that the door need not add to")


class WorkflowNotice(Message):
    """Between engines, and for doors: a workflow was saved, an execution is to be stopped, or MCP servers changed; nothing: an engine is ready."""

    workflow_id: UUID | None = None
    tenant: Slug | None = Field(default=None, description="whose workflow it is; null where it concerns everybody")
    stop_execution: UUID | None = None
    mcp_servers: bool = False
