"""The only place that spells a subject, a stream, a bucket or a durable name.

Tokens are lower-case, broad to narrow, ids last. What a user may write freely (model names) is encoded here or stays in the body.
"""

from typing import Final
from uuid import UUID

from bus.messages import EventType, TaskClass
from bus.model_names import tagged
from bus.tenancy import HOME

ROOT: Final = "hive"
DEFAULT_TENANT: Final = HOME
"""Of what is the hive's own: hosts, models, alerts."""

# Streams (declared in bus/streams.py).
TASKS: Final = "HIVE_TASKS"
OUTCOMES: Final = "HIVE_OUTCOMES"
OUTPUT: Final = "HIVE_OUTPUT"
EVENTS: Final = "HIVE_EVENTS"
PROGRESS: Final = "HIVE_PROGRESS"
METRICS: Final = "HIVE_METRICS"
AUDIT: Final = "HIVE_AUDIT"

# Durable consumers.
INFLUX_SINK: Final = "sink_influx"
OTLP_SINK: Final = "sink_otlp"

# Key-value buckets.
KV_AGENTS: Final = "hive_agents"
KV_MODELS: Final = "hive_models"
KV_ALIASES: Final = "hive_aliases"
KV_KEYS: Final = "hive_keys"
KV_USERS: Final = "hive_users"
KV_SIGNING_KEYS: Final = "hive_signing_keys"
KV_UPSTREAMS: Final = "hive_upstreams"
KV_JOBS: Final = "hive_jobs"
KV_PLACEMENT: Final = "hive_placement"
KV_STATUS: Final = "hive_status"
KV_DEV_PLANS: Final = "hive_dev_plans"
KV_QUOTAS: Final = "hive_quotas"
KV_HOSTS: Final = "hive_hosts"

# Headers. Those of a submit carry what the request's body must not: a user may not write them.
HEADER_MSG_ID: Final = "Nats-Msg-Id"
HEADER_OWNER: Final = "Hive-Owner"
HEADER_BODY_HASH: Final = "Hive-Body-Hash"
HEADER_KEY: Final = "Hive-Key"
HEADER_WORKFLOW: Final = "Hive-Workflow"
"""Whom its use is charged to, beside the owner (docs/adr/0055)."""
HEADER_CLAIMS: Final = "Hive-Claims"
HEADER_TRACEPARENT: Final = "traceparent"
HEADER_ERROR_CODE: Final = "Nats-Service-Error-Code"
HEADER_ERROR: Final = "Nats-Service-Error"

# Micro services: `nats micro ls` lists these.
SERVICE_TASKS: Final = "tasks"
SERVICE_QUEUE: Final = "queue"
SERVICE_STATUS: Final = "status"
SERVICE_AGENTS: Final = "agents"
SERVICE_MAINTENANCE: Final = "maintenance"
SERVICE_KEYS: Final = "keys"
SERVICE_USERS: Final = "users"
SERVICE_SESSIONS: Final = "sessions"
SERVICE_JOIN_TOKENS: Final = "join-tokens"
SERVICE_UPSTREAMS: Final = "upstreams"
SERVICE_MODELS: Final = "models"
SERVICE_PLACEMENT: Final = "placement"
SERVICE_SCHEDULES: Final = "schedules"
SERVICE_METRICS: Final = "metrics"
SERVICE_ALERTS: Final = "alerts"
SERVICE_AUDIT: Final = "audit"
SERVICE_USAGE: Final = "usage"
SERVICE_DOCS: Final = "docs"
SERVICE_WORKFLOWS: Final = "workflows"
SERVICE_EXECUTIONS: Final = "executions"
SERVICE_WEBHOOKS: Final = "webhooks"
SERVICE_CREDENTIALS: Final = "credentials"
SERVICE_MCP_SERVERS: Final = "mcp-servers"

ALL_OUTCOMES: Final = f"{ROOT}.outcomes.>"
ALL_REPORTS: Final = f"{ROOT}.reports.>"
ALL_OUTPUT: Final = f"{ROOT}.output.>"
ALL_EVENTS: Final = f"{ROOT}.events.>"
ALL_AUDIT: Final = f"{ROOT}.audit.>"
ALL_METRICS: Final = f"{ROOT}.agents.*.metrics"
ALL_HEARTBEATS: Final = f"{ROOT}.agents.*.heartbeat"
ALL_VITALS: Final = f"{ROOT}.vitals.*.*"
WORKFLOW_NOTICES: Final = f"{ROOT}.workflow.notices"
"""What one engine tells the others. One that misses what was saved finds it when it next uses it, within seconds (workflow/library/current.py)."""
DISCONNECTED: Final = "$SYS.ACCOUNT.HIVE.DISCONNECT"
ADMISSIONS: Final = "$SYS.REQ.USER.AUTH"
"""Whether somebody who is no user of nats.conf may come in: the server asks, and waits two seconds (docs/adr/0060)."""
SITES_ADMISSIONS: Final = f"{ROOT}.admissions"
"""The same, asked by the bus of a site (deploy/leaf): what begins with `$SYS.` does not leave its server."""
ADMISSION_REPLIES: Final = "$SYS._INBOX.>"
CONNECTIONS: Final = "$SYS.REQ.SERVER.PING.CONNZ"
"""Each server answers for its own."""
SITES_DISCONNECTED: Final = f"{ROOT}.sites.disconnected"
SITES_CONNECTIONS: Final = f"{ROOT}.sites.connections"
"""As DISCONNECTED and CONNECTIONS, of the buses of sites."""


def submit(tenant: str, task_class: TaskClass | str, task_id: UUID | str) -> str:
    return f"{ROOT}.tasks.submit.{tenant}.{task_class}.{task_id}"


def submits_of(task_class: TaskClass) -> str:
    return f"{ROOT}.tasks.submit.*.{task_class}.*"


def submits_of_task(task_id: UUID | str) -> str:
    return f"{ROOT}.tasks.submit.*.*.{task_id}"


def parse_submit(subject: str) -> tuple[str, str, str]:
    """Tenant, class and task id as they stand in a submit subject, unchecked. ValueError when it has another form."""
    match subject.split("."):
        case [_, "tasks", "submit", tenant, task_class, task_id]:
            return tenant, task_class, task_id
    raise ValueError(f"not a submit subject: {subject}; it is {ROOT}.tasks.submit.<tenant>.<high|medium|low>.<task id>")


def dispatch(agent_id: str, instance: str) -> str:
    return f"{ROOT}.dispatch.{agent_id}.{instance}"


def outcome(agent_id: str, task_id: UUID | str, attempt_id: UUID | str) -> str:
    return f"{ROOT}.outcomes.{agent_id}.{task_id}.{attempt_id}"


def report(agent_id: str, task_id: UUID | str, attempt_id: UUID | str) -> str:
    """The same outcome, told to the leader itself, which answers when it is committed."""
    return f"{ROOT}.reports.{agent_id}.{task_id}.{attempt_id}"


def parse_outcome(subject: str) -> tuple[str, UUID, UUID]:
    """Agent, task and attempt of an outcome's subject, whichever way it came. ValueError when it has another form."""
    match subject.split("."):
        case [_, "outcomes" | "reports", agent_id, task_id, attempt_id]:
            return agent_id, UUID(task_id), UUID(attempt_id)
    raise ValueError(f"not an outcome subject: {subject}")


def output(agent_id: str, task_id: UUID | str, attempt_id: UUID | str) -> str:
    return f"{ROOT}.output.{agent_id}.{task_id}.{attempt_id}"


def outputs_of_task(task_id: UUID) -> str:
    return f"{ROOT}.output.*.{task_id}.*"


def agent_of_output(subject: str) -> str:
    """Who says it."""
    return subject.split(".", 3)[2]


def event(tenant: str, event_type: EventType, entity_id: UUID | str) -> str:
    return f"{ROOT}.events.{tenant}.{event_type}.{entity_id}"


def tenant_of_event(subject: str) -> str:
    return subject.split(".", 3)[2]


def events(event_type: str = "*.*", *, tenant: str = "*", entity_id: UUID | str = "*") -> str:
    """A filter: `events("task.*")` is every event of every task."""
    return f"{ROOT}.events.{tenant}.{event_type}.{entity_id}"


def event_type(subject: str) -> EventType:
    """The type of an event by its subject."""
    _, _, _, entity, kind, _ = subject.split(".")
    return EventType(f"{entity}.{kind}")


def is_output(subject: str) -> bool:
    return subject.startswith(f"{ROOT}.output.")


def is_inbox(subject: str) -> bool:
    """Whether an answer may go there: anywhere else it would be a message in somebody else's name."""
    return subject.startswith("_INBOX.")


def last_token(subject: str) -> str:
    return subject.rsplit(".", 1)[1]


def heartbeat(agent_id: str) -> str:
    return f"{ROOT}.agents.{agent_id}.heartbeat"


def metrics(agent_id: str) -> str:
    return f"{ROOT}.agents.{agent_id}.metrics"


def vitals(service: str, instance: str) -> str:
    """What a process of Hive says of itself."""
    return f"{ROOT}.vitals.{service}.{instance}"


def health(agent_id: str) -> str:
    return f"{ROOT}.agents.{agent_id}.health"


def control(agent_id: str) -> str:
    return f"{ROOT}.agents.{agent_id}.control"


def tick(instance: str) -> str:
    """What a leading coordinator says to itself, to know that it hears."""
    return f"{ROOT}.coordinator.{instance}.tick"


def audit(tenant: str, action: str) -> str:
    """Of a record in the audit log; `action` is `<service>.<verb>`, or what a door refuses."""
    return f"{ROOT}.audit.{tenant}.{action}"


def service_verb(service: str, verb: str) -> str:
    return f"{ROOT}.svc.{service}.{verb}"


def agents_verb(service: str, verb: str, agent_id: str) -> str:
    """A verb that an agent calls for itself: who may publish here is that agent's own sidecar (bus/permissions.py)."""
    return f"{ROOT}.svc.{service}.{verb}.{agent_id}"


def inbox(identity: str) -> str:
    """Where the answers to one identity's requests go, and nobody else listens."""
    return f"_INBOX.{identity}"


def key_of(bucket: str, key: str) -> str:
    return f"$KV.{bucket}.{key}"


def kick(server_id: str) -> str:
    """Asks that server to end a connection."""
    return f"$SYS.REQ.SERVER.{server_id}.KICK"


def sites_kick(server_id: str) -> str:
    """The same of the bus of a site."""
    return f"{ROOT}.sites.kick.{server_id}"


def model_key(model: str) -> str:
    """A model's name as a key of KV_MODELS: hexadecimal, since names hold `:`, `/` and whatever else people like."""
    return tagged(model).encode().hex()


WISH_KEY: Final = "wish"
STATE_KEY: Final = "state"
"""In KV_PLACEMENT: what is wished, and how far that has come."""


def job_key(agent_id: str, job_id: UUID | str) -> str:
    """Of a job in KV_JOBS: an agent writes its own and no other's."""
    return f"{agent_id}.{job_id}"


def sidecar_connection(instance: str) -> str:
    """The name of a sidecar's connection, by which the server's disconnect notice names the instance."""
    return f"sidecar/{instance}"


def parse_sidecar_connection(name: str) -> str | None:
    prefix, _, instance = name.partition("/")
    return instance if prefix == "sidecar" and instance else None
