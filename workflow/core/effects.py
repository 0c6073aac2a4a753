"""Effects: what a node asks of the outside world. A node yields one, an engine carries it out, its reply re-enters as an event.

An effect is a frozen message with a `kind`, so it can be stored before it is carried out and carried out by another engine after a
crash. `key` is its idempotency key, the same each time that the effect is repeated; `advance` sets it, nodes leave it empty.
New kinds are subclasses with a `kind` of their own; `register` makes them readable from the store.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeVar

from pydantic import ConfigDict, Field, JsonValue

from bus.messages.base import Message

_KINDS: dict[str, type["Effect"]] = {}
EffectClass = TypeVar("EffectClass", bound=type["Effect"])


class Effect(Message):
    """Base of all. `repeatable`: whether one that was in flight when its engine died may be carried out again with the same key."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: ClassVar[str]
    inside: ClassVar[bool] = False
    """It stays within the hive, where its key makes it happen once however often it is carried out; so no setting keeps it from that."""
    key: str = ""
    repeatable: bool = True

    def keyed(self, key: str, *, repeatable: bool) -> Self:
        return self.model_copy(update={"key": key, "repeatable": repeatable})

    def to_json(self) -> dict[str, Any]:
        """Without the fields that are null unless they are given: an engine of the version before refuses those that it does not know."""
        unset = {
            name for name, field in type(self).model_fields.items() if field.default is None and getattr(self, name) is None
        }
        return {"kind": self.kind, **self.model_dump(mode="json", exclude=unset)}


def register(kind: EffectClass) -> EffectClass:
    """Class decorator: effects of this kind can be read from the store."""
    _KINDS[kind.kind] = kind
    return kind


def effect_from_json(given: Mapping[str, Any]) -> Effect:
    """Raises KeyError for a kind that this version does not know."""
    fields = dict(given)
    return _KINDS[fields.pop("kind")].model_validate(fields)


@register
class CallWorkflow(Effect):
    """Run another workflow with these items; the reply is what its last node left at each output, or `null` where nobody waits for it.

    `document` is a workflow given in the node itself; else `workflow_id`. One that is not active is refused unless the caller runs
    manually, as n8n does.
    """

    kind = "call_workflow"
    inside = True
    workflow_id: str | None = None
    document: dict[str, JsonValue] | None = None
    items: list[dict[str, Any]] = Field(default_factory=list)
    wait: bool = True


@register
class WaitUntil(Effect):
    """Nothing until a time (Unix milliseconds). The reply is `null`. An execution that waits so costs no memory."""

    kind = "wait_until"
    inside = True
    at_ms: int


@register
class WaitForCall(Effect):
    """Nothing until the execution's resume URL is called, or until `at_ms`. The reply is the call as a webhook item, or `null`."""

    kind = "wait_for_call"
    inside = True
    at_ms: int | None = None
    suffix: str = ""
    method: str = "GET"
    reply: dict[str, JsonValue] = Field(default_factory=dict)
    """How the call is answered: `mode`, `status`, `headers`, `body`, as the webhook node's options."""


@register
class ShowForm(WaitForCall):
    """Nothing until a person has filled in a page at the execution's form address. The reply is the item of what was filled in.

    `page`: the parameters of the page, evaluated. No HTTP method is its `method`, so its resume URL stays without effect.
    """

    kind = "show_form"
    method: str = "FORM"
    page: dict[str, JsonValue] = Field(default_factory=dict)


@register
class Respond(Effect):
    """Answer the webhook call that started the execution; a second answer does nothing. The reply is `null`."""

    kind = "respond"
    inside = True
    status: int = 200
    headers: dict[str, str] = Field(default_factory=dict)
    body: JsonValue = None
    """An object or list is sent as JSON, a string as it is."""
    binary: dict[str, JsonValue] | None = None
    """A binary field of an item (n8n's shape) in the place of `body`."""


@register
class CallHttp(Effect):
    """One HTTP request. The reply is `{"status", "status_text", "headers", "body", "url"}`: body as text, or base64 under `body_base64`."""

    kind = "call_http"
    method: str = "GET"
    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    body: str | None = None
    body_base64: str | None = None
    credentials: dict[str, JsonValue] = Field(default_factory=dict)
    """Credentials of the node by type, as in its document: an id and a name, never a secret."""
    timeout_seconds: float = 300
    follow_redirects: bool = True
    max_redirects: int = 21
    verify_tls: bool = True
    proxy: str | None = None


@register
class SubmitTask(Effect):
    """One inference task for the hive; `request` is the body of `hive.svc.tasks.submit`. The reply is the ended task."""

    kind = "submit_task"
    inside = True
    request: dict[str, JsonValue]


@register
class PublishEvent(Effect):
    """A `workflow.message` on the bus, told after it is stored there. The reply is `{"subject", "id"}`. Its id is the effect's key, so that
    one that is published twice is one for whoever it starts."""

    kind = "publish_event"
    inside = True
    name: str
    payload: JsonValue = None


@register
class HandleToken(Effect):
    """Sign or verify a JWT with a credential's secret, which only the engine may read. The reply is `{"token"}`, or `{"payload", "header"}`.

    `workflow.nodes.jwt.handle` is how an engine carries it out.
    """

    kind = "handle_token"
    inside = True
    operation: str
    token: str = ""
    claims: dict[str, JsonValue] = Field(default_factory=dict)
    headers: dict[str, JsonValue] = Field(default_factory=dict)
    algorithm: str | None = None
    """Left out: the credential's."""
    tolerance_seconds: float = 0
    ignore_expiration: bool = False
    ignore_not_before: bool = False
    credentials: dict[str, JsonValue] = Field(default_factory=dict)


@register
class RunSql(Effect):
    """Statements on a PostgreSQL, a text for each item; it may hold several. The reply is a list as long: `{"rows"}` or `{"error"}`.

    `batching`: `single` and `transaction` do all or nothing, and fail with the item at fault; `independently` does each by itself.
    """

    kind = "run_sql"
    credentials: dict[str, JsonValue]
    queries: list[str]
    batching: str = "single"
    goes_on: bool = False
    """With `independently`: whether what follows a query that failed is done too."""
    numbers_as_text: bool = True
    """Of bigint and numeric, which JavaScript's numbers do not hold."""
    timeout_seconds: float = 300


@register
class CallRedis(Effect):
    """Commands to a Redis, each a list of words, one after the other. The reply is a list of what it answered: `{"value"}` or `{"error"}`."""

    kind = "call_redis"
    credentials: dict[str, JsonValue]
    commands: list[list[str]]
    goes_on: bool = False
    """Whether what follows a command that failed is done too."""
    timeout_seconds: float = 60


@register
class CallMcp(Effect):
    """One question to an MCP server. The reply to `list` is its tools, to `call` the result of one, both in MCP's own shape.

    `known`: the tools of a registered one as they were listed last; the server is asked only where `tool` was not among them.
    """

    kind = "call_mcp"
    url: str = ""
    server: str = ""
    """The name of one that is registered, in place of `url`, `sse` and `credentials`."""
    sse: bool = False
    """The older transport; else streamable HTTP."""
    operation: str = "call"
    tool: str = ""
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    credentials: dict[str, JsonValue] = Field(default_factory=dict)
    timeout_seconds: float = 60
    until_ms: int | None = None
    """When whoever asks has no more time (Unix milliseconds), also where that is before `timeout_seconds` have passed."""

    def within(self, now_ms: int) -> Self:
        """With the time that is left of both; 0 or less where there is none."""
        if self.until_ms is None:
            return self
        return self.model_copy(update={"timeout_seconds": min(self.timeout_seconds, (self.until_ms - now_ms) / 1000)})


class Attachment(Message):
    """A file of a mail; `content` is base64."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    mime_type: str
    content: str


@register
class SendMail(Effect):
    """One mail by SMTP. The reply says who was accepted, who was refused, and its `messageId`, which is the same each time that it is sent.

    Addresses are as a mail's head has them: `Ann <ann@example.org>`. `date_ms`: Unix milliseconds.
    """

    kind = "send_mail"
    credentials: dict[str, JsonValue]
    sender: str
    to: list[str]
    cc: list[str] = Field(default_factory=list)
    bcc: list[str] = Field(default_factory=list)
    reply_to: list[str] = Field(default_factory=list)
    subject: str = ""
    text: str | None = None
    html: str | None = None
    attachments: list[Attachment] = Field(default_factory=list)
    date_ms: int
    verify_tls: bool = True
    timeout_seconds: float = 60


@register
class RunPackagedNode(Effect):
    """Run a node that a package of npm brings, for all of its items at once. The reply is `{"outputs", "static_data"}`.

    `parameters` and `failed` are by item: values, and why others could not be evaluated. `credentials`: as the document names them.
    """

    kind = "run_packaged_node"
    node: dict[str, JsonValue]
    inputs: list[list[dict[str, Any]]]
    parameters: list[dict[str, Any]]
    failed: list[dict[str, str]]
    credentials: dict[str, JsonValue] = Field(default_factory=dict)
    continues: bool = False
    mode: str = "manual"
    time_zone: str = "UTC"
    workflow: dict[str, JsonValue] = Field(default_factory=dict)
    execution_id: str = ""
    static_data: dict[str, Any] = Field(default_factory=dict)


@register
class HandleFiles(Effect):
    """Reads files of the engine's machine by a pattern, or writes one, within the folders that an administrator allows.

    The reply of a read is a list of `{"path", "content"}` (base64); of a write it is `null`.
    """

    kind = "handle_files"
    operation: str
    path: str
    content: str = ""
    append: bool = False


@register
class HandleDocuments(Effect):
    """Adds texts with their vectors to a store of the owner's, or looks for those that are nearest to a vector.

    Vectors are base64 of little-endian numbers of 32 bits. The reply of a search is a list of `{"text", "metadata", "score"}`,
    of an addition `null`; one that is repeated adds nothing.
    """

    kind = "handle_documents"
    operation: str
    store: str
    texts: list[str] = Field(default_factory=list)
    metadata: list[dict[str, JsonValue]] = Field(default_factory=list)
    vectors: list[str] = Field(default_factory=list)
    clear: bool = False
    """With an addition: what the store had before goes."""
    top: int = 4


@register
class StartErrorWorkflow(Effect):
    """Tell another workflow that this execution failed. Emitted by `advance` at the end; nobody waits for it."""

    kind = "start_error_workflow"
    inside = True
    workflow_id: str
    item: dict[str, Any]
