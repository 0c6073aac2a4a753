"""docs/errors.md, made of the error tree: `python -m coordinator.gateway.errors_page > docs/errors.md`. A test compares the two."""

import sys
from collections.abc import Mapping
from typing import Final

from bus import errors
from bus.errors import HiveError, all_errors

INTRODUCTION: Final = """# Errors

Made from `bus/errors.py` by `python -m coordinator.gateway.errors_page > docs/errors.md`; a test keeps the two equal.

Every door answers an error with one of these codes, and they never change. REST sends RFC 9457 problem JSON
(`application/problem+json`) whose `type` is `urn:hive:error:<code>`; a verb on the bus answers with the code in the header
`Nats-Service-Error-Code`; a task that failed holds it in `error.code`. The message says what happened; this page says what to do.
Where waiting helps, `Retry-After` says for how many seconds.

| code | status | what it means | what to do |
|---|---|---|---|
"""

REMEDIES: Final[Mapping[type[HiveError], str]] = {
    HiveError: "Look in `hive logs` under the request id that the message names, and report it: this is a fault of Hive.",
    errors.InvalidRequest: "Correct the fields that the message names.",
    errors.InvalidJson: "Send one JSON object; the message says where reading stopped.",
    errors.InvalidId: "Task and key ids are UUIDs; agent ids are lower-case words such as `acacia`.",
    errors.InvalidSubject: "Publish to `hive.tasks.submit.<tenant>.<high, medium or low>.<task id>`.",
    errors.PayloadTooLarge: "Shorten the prompt, split the work, or raise `HIVE_MAX_BODY_BYTES`.",
    errors.UnsupportedMediaType: "Send `Content-Type: application/json`.",
    errors.MethodNotAllowed: "Use a method that the header `Allow` names.",
    errors.UnknownModel: "Take a model that the message names, or pull this one on a host.",
    errors.UnknownDependency: "Submit the other task first, and name its id.",
    errors.DependencyCycle: "Take the task's own id out of `depends_on`.",
    errors.WeakPassword: "Take 12 characters or more that nobody would guess; four random words do well.",
    errors.InvalidCron: "Correct the field that the message names; `hive schedule next` tries an expression.",
    errors.UnknownTimeZone: "Take a name of the IANA database, such as `Europe/Berlin`.",
    errors.UnsupportedMcpTransport: "Give the server's URL for streamable HTTP or SSE (`http://`, `https://`), or the command that starts it.",
    errors.InvalidWorkflow: "Correct the place that the message names; `hive workflow check` lists them all.",
    errors.WorkflowsTooDeep: "Look for a workflow that calls itself, at once or by others, and give it a condition under which it stops.",
    errors.EventsTooDeep: "Look for workflows that start each other by their events, and give one a condition under which it publishes nothing; "
    "or raise `HIVE_WORKFLOW_EVENT_CHAIN`.",
    errors.WorkflowCycle: "Give the cycle a node that can leave it, such as If or Loop Over Items.",
    errors.WorkflowTooLarge: "Remove pinned data, or move a part into a sub-workflow.",
    errors.NodeFailed: "See the execution's run data for node and item; correct the node, and retry from there.",
    errors.UnknownNodeType: "Replace or disable the node, or install its package; `hive workflow check` says which of these helps.",
    errors.NodeJsUnavailable: "Install Node.js 20 or newer with npm on the engine's machine, or name its program in `HIVE_WORKFLOW_NODE`.",
    errors.NodePackageFailed: "Correct what npm says in the message (the name, the version, the way to the registry), and install again.",
    errors.ExpressionError: "Correct the expression in the parameter that the message names.",
    errors.CodeError: "Correct the code at the line that the message names.",
    errors.EvaluationLimit: "Work on fewer items at a time, or raise the limit that the message names.",
    errors.RequestRefused: "Call a public address, or let an administrator allow this one (`HIVE_WORKFLOW_ALLOW_INTERNAL`).",
    errors.GrantRefused: "Connect the credential anew: `hive credential connect NAME`.",
    errors.OutcomeUnknown: "Look at the other side whether it happened, then go on from the node or after it.",
    errors.EngineDied: "Look in the engine's log how it died (memory, most often); let the node do less at once, then retry the execution.",
    errors.McpServerFailed: "See its status and reason (`hive mcp-server show NAME`). Whether a call that had begun happened is the server's to say.",
    errors.CredentialUnreadable: "Give the engine the key that it was sealed with (`HIVE_CREDENTIALS_KEY`), or enter the credential anew.",
    errors.DependencyFailed: "See why the other task failed; requeue both.",
    errors.IdempotencyMismatch: "Take a new key for another body.",
    errors.BackupUnusable: "Take another backup, or upgrade this Hive where the message says so. `hive backup --check FILE` tells whether one is whole.",
    errors.Unauthenticated: "Send a key that holds; `hive keys create` makes one.",
    errors.LoginFailed: "Check name and password; who may manage users sets another (`hive users password NAME`).",
    errors.UserDisabled: "Ask who may manage users: `hive users enable NAME`.",
    errors.SessionOver: "Sign in again. If you did not log out, an old refresh token came back: somebody may have a copy of it.",
    errors.TokenExpired: "Refresh it: `POST /api/auth/refresh`.",
    errors.PermissionDenied: "Ask for a key with the role or the model that the message names.",
    errors.JoinRefused: "Sign with the key that is sent; `hive join` does.",
    errors.UnknownJoinToken: "Copy the whole token, or make one: `hive join-token create`.",
    errors.JoinTokenExpired: "Make another: `hive join-token create`.",
    errors.JoinTokenUsedUp: "Make another, with `--uses N` for several hosts: `hive join-token create`.",
    errors.JoinTokenRevoked: "Ask whoever revoked it, or make another: `hive join-token create`.",
    errors.QuotaExceeded: "Wait until it resets (`Retry-After`), or ask an administrator for more: `hive usage quotas` shows what there is.",
    errors.RateLimited: "Wait for `Retry-After`; the answer's `RateLimit-*` headers tell how the limit stands. `HIVE_RATE_LIMITS` changes it. Without those headers: the same change was asked for 120 times in a minute, in vain.",
    errors.TooManyAttempts: "Wait for `Retry-After`, and copy the whole key, token or password. Where somebody else at the address guesses, stop that first: the log names it (`attempt_failed`).",
    errors.NotFound: "Check the path against `/docs`, and the id.",
    errors.UserNotFound: "`hive users list` shows them; `hive users create` makes one.",
    errors.TaskNotFound: "Check the id; tasks are deleted when their retention ends.",
    errors.AgentNotFound: "`hive agents` lists those that exist.",
    errors.ModelNotFound: "`hive models` lists those that there are; pull it with `hive models pull`.",
    errors.JobNotFound: "Ask within a day of the job's end; `hive models jobs` lists them.",
    errors.WorkflowNotFound: "`hive workflow list` lists them.",
    errors.ExecutionNotFound: "`hive execution list` lists them; a workflow's settings may keep none, and old ones go.",
    errors.McpServerNotFound: "`hive mcp-server list` lists those that are registered; `hive mcp-server add` and `import` register some.",
    errors.CredentialNotFound: "`hive credential list` lists those that are yours; `hive credential add` makes one, and `--shared` lends it to others.",
    errors.WebhookNotFound: "Activate the workflow, and check path and method of its Webhook node.",
    errors.ScheduleNotFound: "`hive schedule list` lists those that are yours.",
    errors.NoHistory: "Ask for a later or a shorter time; the message says what is stored, how often, and from when on.",
    errors.HiveNotFound: "Name the hive: `hive join TOKEN --url http://HIVE-MACHINE:8420`. Over routers mDNS finds nothing.",
    errors.UntrustedHive: "make a new join token on the hive's machine, and copy the whole of it; if it stays, somebody stands between",
    errors.NameTaken: "Choose another with `--name`; for a machine set up anew, `hive agents remove NAME` frees the name.",
    errors.JoiningNotSetUp: "Give the coordinators `HIVE_NATS_ADMISSION_SEED` (`python -m bus.identities`), or the gateway `HIVE_JOIN_NATS_URL`; then join again with the same token.",
    errors.UserExists: "Choose another name, or change the user that there is (`hive users roles`, `hive users password`).",
    errors.LastAdmin: "Make another administrator first: `hive users create NAME --role admin`.",
    errors.SeveralHives: "Choose one of those that the message names, with `--url`.",
    errors.Conflict: "Look at the thing's state; the message says what stands in the way.",
    errors.HiveNotEmpty: "Restore into an empty data folder, or let go of the hive that is there: `hive restore --replace FILE`.",
    errors.NotEnoughRoom: "Make room, or restore elsewhere: the message says how much is needed and what is there. Nothing was changed.",
    errors.RestoreInterrupted: "Do the restore again, as the message says; until then the streams are neither the old ones nor the new ones.",
    errors.UpgradeRefused: "Do what the message says; `hive upgrade --check` lists all that stands in the way.",
    errors.AlreadyEnded: "Nothing: it is over. A failed task can be requeued.",
    errors.TooManySchedules: "Remove one, or raise `HIVE_SCHEDULES_PER_OWNER`.",
    errors.TooManyMcpServers: "Remove one (`hive mcp-server remove`), raise `HIVE_WORKFLOW_MCP_SERVERS`, or let an administrator register it.",
    errors.WebhookTaken: "Choose another path, or deactivate the other workflow.",
    errors.ExecutionEnded: "Nothing: there is nothing left to stop.",
    errors.ExecutionNotWaiting: "Read the execution: it went on, or waits for another method or path.",
    errors.AgentUnable: "Ask `explain` why, and choose another agent.",
    errors.Unavailable: "Try again; nothing was done.",
    errors.UpgradeFailed: "See the log of the part that the message names, mend that, and give `hive upgrade` again; or go back as the message says.",
    errors.NoLeader: "Try again in a moment; if it lasts, see `hive logs coordinator`.",
    errors.BusUnavailable: "Try again under an `Idempotency-Key`: whether a submit was taken may be open. See `hive logs nats`, where a full disk shows.",
    errors.TooManyExecutions: "Try again after `Retry-After`; start another engine (`hive run workflow`), or raise `HIVE_WORKFLOW_WAITING`.",
    errors.QueueFull: "Try again after `Retry-After`; what is urgent has a reserve. Add hosts, or raise `HIVE_MAX_WAITING`.",
    errors.StoreFull: "Try again when some tasks are done.",
    errors.NotReady: "Try again in a moment; the doors have done so for some seconds.",
    errors.AuditUnavailable: "Try again: nothing was changed. The bus does not take records; `hive logs nats` and `hive logs monitor` say why (a full disk, or PostgreSQL away for long).",
    errors.DatabaseTooOld: "Upgrade PostgreSQL, or name a newer one with HIVE_DATABASE_URL; the message says which is the oldest.",
    errors.DatabaseUnavailable: "Try again; submits are taken all the while. See `hive logs postgres`.",
    errors.AnswerTooLarge: "Ask for less at a time; a workflow can answer with a part, or with an address of the whole.",
    errors.DeadlineExceeded: "Look whether it happened before you ask again.",
    errors.TaskTimeout: "Give `timeout_seconds` more, or the queue fewer tasks.",
    errors.AttemptsExhausted: "`attempts` of the task says what went wrong each time; requeue it when that is mended.",
    errors.AgentLost: "Nothing: the task is tried elsewhere. If every attempt ends so, look at the hosts.",
    errors.NotificationFailed: "Correct the target's address (`hive alerts targets put`), or start what it leads to. Alerts are sent again by themselves for a day.",
    errors.BackendUnreachable: "Start the backend, or correct its address.",
    errors.BackendError: "The message has the backend's own words; its log has more.",
    errors.BackendStalled: "Look at the host: the backend took the work and gave nothing back.",
    errors.BackendRefused: "Correct the request: the message says what the backend does not take.",
    errors.UnsupportedByBackend: "Leave out what the message names, or add a host whose backend can do it.",
    errors.StreamInterrupted: "Ask again. Without streaming such an answer is begun anew by itself.",
    errors.ModelNotOnAgent: "Pull the model there, or let Hive choose the agent.",
}


def render() -> str:
    """The page as Markdown."""
    return INTRODUCTION + "".join(
        f"| `{error.code}` | {error.http_status} | {error.title} | {REMEDIES[error]} |\n" for error in all_errors()
    )


if __name__ == "__main__":
    sys.stdout.write(render())
