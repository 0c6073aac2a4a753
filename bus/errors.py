"""One tree of errors. The code crosses the wire and never changes; the message says what happened, why, and what to do next.

A door maps `http_status` once to its own protocol's error shape. docs/errors.md lists the codes.
"""

from typing import ClassVar


class HiveError(Exception):
    """Base of everything that Hive tells a user. `retry_after_seconds` when waiting helps."""

    code: ClassVar[str] = "internal_error"
    http_status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(self, message: str = "", *, retry_after_seconds: int | None = None) -> None:
        super().__init__(message or self.title)
        self.message = message or self.title
        self.retry_after_seconds = retry_after_seconds
        self.param: str | None = None
        """The field of a client's body that is wrong, where a door knows it."""
        self.recorded = False
        """Whether the audit log has it, where it is a refusal: a room that refused on the bus has written so."""


class InvalidRequest(HiveError):
    code, http_status, title = "invalid_request", 422, "The request is not valid"


class InvalidJson(InvalidRequest):
    code, http_status, title = "invalid_json", 400, "The body is not valid JSON"


class InvalidId(InvalidRequest):
    code, http_status, title = "invalid_id", 400, "The id is not valid"


class InvalidSubject(InvalidRequest):
    code, http_status, title = "invalid_subject", 400, "The subject is not one that Hive knows"


class PayloadTooLarge(InvalidRequest):
    code, http_status, title = "payload_too_large", 413, "The request is too large"


class UnsupportedMediaType(InvalidRequest):
    code, http_status, title = "unsupported_media_type", 415, "The body is not of a type that this takes"


class MethodNotAllowed(InvalidRequest):
    code, http_status, title = "method_not_allowed", 405, "The path does not take this method"


class UnknownModel(InvalidRequest):
    code, http_status, title = "unknown_model", 422, "No agent has ever offered this model"


class UnknownDependency(InvalidRequest):
    code, http_status, title = "unknown_dependency", 422, "A task to depend on does not exist"


class DependencyCycle(InvalidRequest):
    code, http_status, title = "dependency_cycle", 422, "The dependencies form a cycle"


class WeakPassword(InvalidRequest):
    code, title = "weak_password", "The password is too easy to guess"


class InvalidCron(InvalidRequest):
    code, title = "invalid_cron", "The cron expression is not valid"


class UnknownTimeZone(InvalidRequest):
    code, title = "unknown_time_zone", "There is no such time zone"


class UnsupportedMcpTransport(InvalidRequest):
    """MCP has no transport by WebSocket, among others."""

    code, title = "unsupported_mcp_transport", "MCP servers are not reached that way"


class InvalidWorkflow(InvalidRequest):
    """The document is not a workflow, or not one that can ever run; the message names the place."""

    code, title = "invalid_workflow", "The workflow is not valid"


class WorkflowsTooDeep(InvalidWorkflow):
    code, title = "workflows_too_deep", "More workflows call one another than may"


class EventsTooDeep(InvalidWorkflow):
    code, title = "events_too_deep", "More executions start one another by events than may"


class WorkflowCycle(InvalidWorkflow):
    code, title = "workflow_cycle", "The workflow has a cycle that nothing in it can leave"


class WorkflowTooLarge(InvalidWorkflow):
    code, http_status, title = "workflow_too_large", 413, "The workflow is larger or deeper than one may be"


class NodeFailed(HiveError):
    """A node of a workflow failed; the run data name the node and the item."""

    code, http_status, title = "node_failed", 422, "A node of the workflow failed"


class NodeJsUnavailable(HiveError):
    """Nodes of packages run in Node.js, which is not there, or too old."""

    code, http_status, title = "nodejs_unavailable", 503, "Node.js or npm is missing or too old"


class NodePackageFailed(HiveError):
    code, http_status, title = "node_package_failed", 422, "A package of nodes could not be installed or removed"


class UnknownNodeType(NodeFailed):
    code, title = "unknown_node_type", "The node is of a type that Hive does not run"


class ExpressionError(NodeFailed):
    code, title = "expression_error", "An expression could not be evaluated"


class CodeError(NodeFailed):
    code, title = "code_error", "The code of a node threw an error, or returned what is no item"


class EvaluationLimit(NodeFailed):
    """The same input would end the same."""

    code, title = "evaluation_limit", "An expression or code used more time, memory or output than it may"


class OutcomeUnknown(NodeFailed):
    """It may have happened: the engine died while the effect was under way, and the node says not to repeat it."""

    code, title = "outcome_unknown", "Whether the node's effect happened is not known"


class EngineDied(NodeFailed):
    """Each engine that went on with the execution died before it got further, so no other one does."""

    code, http_status, title = "engine_died", 500, "The execution ends each engine that goes on with it"


class RequestRefused(NodeFailed):
    """The guard of requests: the address is internal, or the answer is larger than one may be."""

    code, http_status, title = "request_refused", 403, "The workflow may not make this request"


class GrantRefused(RequestRefused):
    """OAuth's `invalid_grant`: what was to be exchanged for a token is used up, revoked or expired. No second try helps."""

    code, http_status, title = "grant_refused", 403, "The provider takes the grant no more"


class McpServerFailed(NodeFailed):
    """The server is not connected, ended during the call, or answers what is no MCP. A call that had begun may have happened."""

    code, http_status, title = "mcp_server_failed", 502, "The MCP server does not work"


class CredentialUnreadable(NodeFailed):
    """It was sealed with a key that this engine does not have, or was changed in the database."""

    code, http_status, title = "credential_unreadable", 500, "The credential cannot be read"


class DependencyFailed(HiveError):
    code, http_status, title = "dependency_failed", 424, "A task that this one depends on did not complete"


class IdempotencyMismatch(HiveError):
    code, http_status, title = "idempotency_mismatch", 409, "The Idempotency-Key was used with another body"


class BackupUnusable(HiveError):
    code, http_status, title = "backup_unusable", 422, "The file is no backup that can be restored"


class Unauthenticated(HiveError):
    code, http_status, title = "unauthenticated", 401, "A valid API key is needed"


class LoginFailed(Unauthenticated):
    """Which of name and password is wrong is not told, nor whether there is such a user."""

    code, title = "login_failed", "The name or the password is wrong"


class UserDisabled(LoginFailed):
    """Told to whoever has shown the right password."""

    code, title = "user_disabled", "The user is disabled"


class SessionOver(Unauthenticated):
    """Logged out, expired, or ended because an old refresh token came back."""

    code, title = "session_over", "The session is over"


class TokenExpired(Unauthenticated):
    code, title = "token_expired", "The access token has expired"


class PermissionDenied(HiveError):
    code, http_status, title = "permission_denied", 403, "The key does not allow this"


class JoinRefused(PermissionDenied):
    """A join token that opens nothing. Who is told so has shown a token; why it does not hold is no secret from its owner."""

    code, title = "join_refused", "The host may not join"


class UnknownJoinToken(JoinRefused):
    code, title = "unknown_join_token", "There is no such join token"


class JoinTokenExpired(JoinRefused):
    code, title = "join_token_expired", "The join token has expired"


class JoinTokenUsedUp(JoinRefused):
    code, title = "join_token_used_up", "The join token has no uses left"


class JoinTokenRevoked(JoinRefused):
    code, title = "join_token_revoked", "The join token was revoked"


class JoiningNotSetUp(HiveError):
    """Hosts have no identities of their own here, and there is no address of the bus that may be given to one."""

    code, http_status, title = "joining_not_set_up", 409, "The hive is not set up for hosts to join"


class QuotaExceeded(HiveError):
    code, http_status, title = "quota_exceeded", 429, "A quota is used up"


class RateLimited(HiveError):
    """Of a user, at one of the doors' routes: so many times an hour."""

    code, http_status, title = "rate_limited", 429, "This was asked for too often"


class TooManyAttempts(HiveError):
    code, http_status, title = "too_many_attempts", 429, "There were too many attempts"


class NotFound(HiveError):
    code, http_status, title = "not_found", 404, "There is no such thing"


class TaskNotFound(NotFound):
    code, title = "task_not_found", "There is no such task"


class AgentNotFound(NotFound):
    code, title = "agent_not_found", "There is no such agent"


class ModelNotFound(NotFound):
    code, title = "model_not_found", "No agent has the model"


class JobNotFound(NotFound):
    code, title = "job_not_found", "There is no such job"


class UserNotFound(NotFound):
    code, title = "user_not_found", "There is no such user"


class ScheduleNotFound(NotFound):
    code, title = "schedule_not_found", "There is no such schedule"


class WorkflowNotFound(NotFound):
    code, title = "workflow_not_found", "There is no such workflow"


class ExecutionNotFound(NotFound):
    code, title = "execution_not_found", "There is no such execution"


class CredentialNotFound(NotFound):
    """There is none, or none that whoever asks may use: which of the two is not told."""

    code, title = "credential_not_found", "There is no such credential"


class McpServerNotFound(NotFound):
    code, title = "mcp_server_not_found", "There is no such MCP server"


class WebhookNotFound(NotFound):
    code, title = "webhook_not_found", "No active workflow listens there"


class NoHistory(NotFound):
    """Of what a dry run would read nothing is stored, in the time that was asked for."""

    code, title = "no_history", "Nothing is stored of it"


class HiveNotFound(NotFound):
    code, title = "hive_not_found", "No hive was found on the network"


class UntrustedHive(HiveError):
    code, http_status, title = "untrusted_hive", 502, "What answers is not the hive that was meant"


class Conflict(HiveError):
    code, http_status, title = "conflict", 409, "The state does not allow this"


class HiveNotEmpty(Conflict):
    code, title = "hive_not_empty", "A backup is restored into an empty hive"


class RestoreInterrupted(Conflict):
    code, title = "restore_interrupted", "A restore has not come to its end"


class UpgradeRefused(Conflict):
    code, title = "upgrade_refused", "Something stands in the way of an upgrade, and nothing was begun"


class AlreadyEnded(Conflict):
    code, title = "already_ended", "It has ended already"


class NameTaken(Conflict):
    code, title = "name_taken", "Another host has this name"


class UserExists(Conflict):
    code, title = "user_exists", "There is a user of this name"


class LastAdmin(Conflict):
    code, title = "last_admin", "It is the last administrator"


class SeveralHives(Conflict):
    code, title = "several_hives", "There are several hives on the network"


class TooManySchedules(Conflict):
    code, title = "too_many_schedules", "The owner has as many schedules as one may have"


class TooManyMcpServers(Conflict):
    code, title = "too_many_mcp_servers", "The owner has as many MCP servers as one may have"


class WebhookTaken(Conflict):
    code, title = "webhook_taken", "Another active workflow listens there"


class ExecutionEnded(Conflict):
    code, title = "execution_ended", "The execution has ended already"


class ExecutionNotWaiting(Conflict):
    """For a resume URL: the execution does not wait to be called."""

    code, title = "execution_not_waiting", "The execution does not wait for a call"


class AgentUnable(Conflict):
    code, title = "agent_unable", "The agent cannot take the task"


class Unavailable(HiveError):
    """Nothing was done, and the same call may work later."""

    code, http_status, title = "unavailable", 503, "Hive cannot do this right now"


class NotEnoughRoom(Unavailable):
    code, title = "not_enough_room", "What is to be restored has no room there"


class UpgradeFailed(Unavailable):
    code, title = "upgrade_failed", "A part did not become ready; what follows it runs as before"


class NoLeader(Unavailable):
    code, title = "no_leader", "No coordinator leads at the moment"


class NotReady(Unavailable):
    """Of a service that has just begun."""

    code, title = "not_ready", "The service has just started"


class BusUnavailable(Unavailable):
    code, title = "bus_unavailable", "The bus does not answer"


class StoreFull(Unavailable):
    code, title = "store_full", "The bus holds as much as it may"


class QueueFull(Unavailable):
    code, title = "queue_full", "As many tasks wait as may wait"


class TooManyExecutions(Unavailable):
    code, title = "too_many_executions", "As many executions wait as may wait"


class AuditUnavailable(Unavailable):
    """Nothing is changed while no record of it can be kept."""

    code, title = "audit_unavailable", "The audit log cannot be written"


class DatabaseUnavailable(Unavailable):
    code, title = "database_unavailable", "The database does not answer"


class DatabaseTooOld(HiveError):
    """Of a service that starts: it ends, since waiting would not help."""

    code, title = "database_too_old", "The PostgreSQL server is too old"


class AnswerTooLarge(HiveError):
    """Of a verb, or of a webhook: larger than the bus carries."""

    code, http_status, title = "answer_too_large", 500, "The answer is larger than one may be"


class DeadlineExceeded(HiveError):
    code, http_status, title = "deadline_exceeded", 504, "It did not happen in time"


class TaskTimeout(HiveError):
    code, http_status, title = "task_timeout", 504, "The task's timeout passed"


class AttemptsExhausted(HiveError):
    code, http_status, title = "attempts_exhausted", 502, "No attempt at the task succeeded"


class AgentLost(HiveError):
    code, http_status, title = "agent_lost", 502, "The agent died while it worked on the task"


class NotificationFailed(HiveError):
    """What it was sent to did not take it. Never says its address, which holds secrets."""

    code, http_status, title = "notification_failed", 502, "The notification was not taken"


class BackendUnreachable(HiveError):
    code, http_status, title = "backend_unreachable", 502, "The backend does not answer"


class BackendError(HiveError):
    code, http_status, title = "backend_error", 502, "The backend reported an error"


class BackendStalled(HiveError):
    code, http_status, title = "backend_stalled", 504, "The backend stopped making progress"


class BackendRefused(HiveError):
    """The backend will not do this whatever the host: another attempt would end the same."""

    code, http_status, title = "backend_refused", 422, "The backend refused the request"


class UnsupportedByBackend(HiveError):
    """This backend cannot do what was asked for, and said so before it began; another may."""

    code, http_status, title = "unsupported_by_backend", 422, "The backend cannot do what was asked for"


class StreamInterrupted(HiveError):
    """Some of the output was shown already, and no other attempt can go on behind it."""

    code, http_status, title = "stream_interrupted", 502, "The answer broke off and cannot be gone on with"


class ModelNotOnAgent(HiveError):
    code, http_status, title = "model_not_on_agent", 409, "The agent does not have the model"


def _tree(root: type[HiveError]) -> dict[str, type[HiveError]]:
    found = {root.code: root}
    for child in root.__subclasses__():
        found |= _tree(child)
    return found


def from_code(code: str, message: str, retry_after_seconds: int | None = None) -> HiveError:
    """The error that crossed the wire as `code`; an unknown code of a newer service becomes the base class."""
    return _tree(HiveError).get(code, HiveError)(message, retry_after_seconds=retry_after_seconds)


def all_errors() -> list[type[HiveError]]:
    return sorted(_tree(HiveError).values(), key=lambda error: error.code)
