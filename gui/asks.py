"""What an open page may ask of the other rooms: verb by verb, so that a browser can never reach anything else on the bus.

The rooms check the claims again; this only says which questions there are and what shape each has.
"""

from typing import Any, Final

from pydantic import BaseModel, ValidationError

from bus import subjects
from bus.client import Bus
from bus.codec import explain
from bus.errors import InvalidRequest
from bus.messages import (
    AgentList,
    AgentRecord,
    AgentRef,
    Claims,
    Explanation,
    IssuedKey,
    KeyList,
    KeyRecord,
    KeyRef,
    ListTasks,
    Message,
    NoReply,
    TaskList,
    TaskRecord,
    TaskRef,
    TaskRequest,
)
from bus.messages.access import CreateKey
from bus.messages.alerts import (
    Alert,
    AlertList,
    AlertRef,
    ChangeRule,
    CreateSilence,
    DryRun,
    DryRunResult,
    ListAlerts,
    PutRules,
    RuleSet,
    Silence,
    SilenceList,
    SilenceRef,
)
from bus.messages.aliases import AliasList, AliasRef, ModelAlias
from bus.messages.audit import AuditPage, ListAudit
from bus.messages.benchmarks import AgentBenchmark, BenchmarkAgent, BenchmarkList, ListBenchmarks
from bus.messages.history import ListMetrics, MetricsHistory
from bus.messages.joining import CreateJoinToken, IssuedJoinToken, JoinTokenList, JoinTokenRecord, JoinTokenRef, ListJoinTokens
from bus.messages.maintenance import ListMaintenance, MaintenanceList, MaintenanceRef, MaintenanceWindow, PlanMaintenance
from bus.messages.mcp_servers import (
    ImportMcpServers,
    McpImport,
    McpServerList,
    McpServerRecord,
    McpServerRef,
    RegisterMcpServer,
    ReplaceMcpServer,
)
from bus.messages.models import JobList, JobRef, ListJobs, ModelJob, ModelList, ModelOrder, OrderedJobs, Placement
from bus.messages.notifications import NotificationTarget, PutTarget, SentTest, TargetList, TargetRef
from bus.messages.orders import DrainAgent
from bus.messages.people import ChangePassword, CreateUser, SetPassword, SetRoles, UserList, UserRecord, UserRef
from bus.messages.tasks import AssignTask, PrioritizeTask
from bus.messages.usage import ListUsage, PutQuota, Quota, QuotaList, QuotaRef, SlowHosts, UsageReport
from bus.messages.workflows import ListWorkflows, WorkflowList
from gui.counted import Take

SECONDS: Final = 10.0
"""For an answer. That nobody is there is said after PATIENCE_SECONDS: the page shows what it has, and asks again by itself."""
PATIENCE_SECONDS: Final = 3.0


class Verb(Message):
    """What goes in, and what comes back."""

    service: str
    verb: str
    body: type[BaseModel]
    answer: type[BaseModel]


def _verbs(service: str, **shapes: tuple[type[BaseModel], type[BaseModel]]) -> dict[str, Verb]:
    return {
        f"{service}.{verb}": Verb(service=service, verb=verb, body=body, answer=answer)
        for verb, (body, answer) in shapes.items()
    }


VERBS: Final[dict[str, Verb]] = {
    **_verbs(
        subjects.SERVICE_TASKS,
        list=(ListTasks, TaskList),
        get=(TaskRef, TaskRecord),
        submit=(TaskRequest, TaskRecord),
        cancel=(TaskRef, TaskRecord),
        requeue=(TaskRef, TaskRecord),
        assign=(AssignTask, TaskRecord),
        prioritize=(PrioritizeTask, TaskRecord),
        explain=(TaskRef, Explanation),
    ),
    **_verbs(
        subjects.SERVICE_AGENTS,
        list=(NoReply, AgentList),
        get=(AgentRef, AgentRecord),
        drain=(DrainAgent, AgentRecord),
        resume=(AgentRef, AgentRecord),
        remove=(AgentRef, NoReply),
        benchmark=(BenchmarkAgent, AgentBenchmark),
        benchmarks=(ListBenchmarks, BenchmarkList),
    ),
    **_verbs(subjects.SERVICE_WORKFLOWS, list=(ListWorkflows, WorkflowList)),
    **_verbs(subjects.SERVICE_METRICS, history=(ListMetrics, MetricsHistory)),
    **_verbs(
        subjects.SERVICE_MODELS,
        list=(NoReply, ModelList),
        jobs=(ListJobs, JobList),
        cancel=(JobRef, ModelJob),
        placement=(NoReply, Placement),
        pull=(ModelOrder, OrderedJobs),
        load=(ModelOrder, OrderedJobs),
        unload=(ModelOrder, OrderedJobs),
        delete=(ModelOrder, OrderedJobs),
        aliases=(NoReply, AliasList),
        alias=(ModelAlias, ModelAlias),
        unalias=(AliasRef, NoReply),
    ),
    **_verbs(
        subjects.SERVICE_ALERTS,
        list=(ListAlerts, AlertList),
        acknowledge=(AlertRef, Alert),
        rules=(NoReply, RuleSet),
        change_rule=(ChangeRule, RuleSet),
        put_rules=(PutRules, RuleSet),
        reset_rules=(NoReply, RuleSet),
        silences=(NoReply, SilenceList),
        silence=(CreateSilence, Silence),
        end_silence=(SilenceRef, Silence),
        dry_run=(DryRun, DryRunResult),
        targets=(NoReply, TargetList),
        put_target=(PutTarget, NotificationTarget),
        remove_target=(TargetRef, NotificationTarget),
        test_target=(TargetRef, SentTest),
    ),
    **_verbs(
        subjects.SERVICE_USAGE,
        report=(ListUsage, UsageReport),
        quotas=(NoReply, QuotaList),
        put_quota=(PutQuota, Quota),
        remove_quota=(QuotaRef, QuotaList),
        slow_hosts=(NoReply, SlowHosts),
    ),
    **_verbs(subjects.SERVICE_AUDIT, list=(ListAudit, AuditPage)),
    **_verbs(
        subjects.SERVICE_MCP_SERVERS,
        **{"import": (ImportMcpServers, McpImport)},
        list=(NoReply, McpServerList),
        get=(McpServerRef, McpServerRecord),
        register=(RegisterMcpServer, McpServerRecord),
        replace=(ReplaceMcpServer, McpServerRecord),
        remove=(McpServerRef, NoReply),
    ),
    **_verbs(subjects.SERVICE_KEYS, list=(NoReply, KeyList), create=(CreateKey, IssuedKey), revoke=(KeyRef, KeyRecord)),
    **_verbs(
        subjects.SERVICE_USERS,
        list=(NoReply, UserList),
        create=(CreateUser, UserRecord),
        disable=(UserRef, UserRecord),
        enable=(UserRef, UserRecord),
        roles=(SetRoles, UserRecord),
        password=(SetPassword, UserRecord),
        remove=(UserRef, NoReply),
        change_password=(ChangePassword, NoReply),
    ),
    **_verbs(
        subjects.SERVICE_JOIN_TOKENS,
        list=(ListJoinTokens, JoinTokenList),
        create=(CreateJoinToken, IssuedJoinToken),
        revoke=(JoinTokenRef, JoinTokenRecord),
    ),
    **_verbs(
        subjects.SERVICE_MAINTENANCE,
        list=(ListMaintenance, MaintenanceList),
        plan=(PlanMaintenance, MaintenanceWindow),
        cancel=(MaintenanceRef, MaintenanceWindow),
    ),
}


def understood(name: Any, body: Any) -> tuple[Verb, BaseModel]:
    """InvalidRequest for a verb that no page has, and for a body that is not the verb's."""
    verb = VERBS.get(name) if isinstance(name, str) else None
    if verb is None:
        raise InvalidRequest("No page of the dashboard asks for this. Reload the page: it may be older than the server.")
    try:
        return verb, verb.body.model_validate(body)
    except ValidationError as error:
        raise explain(error) from None


async def ask(bus: Bus, claims: Claims, name: Any, body: Any, take: Take) -> BaseModel:
    """The room's answer, or the HiveError that it answered with. Sent once: a person sees the refusal and decides."""
    verb, wanted = understood(name, body)
    subject = subjects.service_verb(verb.service, verb.verb)
    await take(subject, claims)
    return await bus.request(subject, wanted, verb.answer, claims=claims, timeout=SECONDS, patience=PATIENCE_SECONDS)
