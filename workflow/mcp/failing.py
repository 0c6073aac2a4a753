"""What a call of an MCP server failed with, as a node is told."""

from collections.abc import Sequence

from bus.errors import HiveError, McpServerFailed, OutcomeUnknown
from workflow.core.effects import CallMcp
from workflow.core.execution import Reply
from workflow.core.failure import Failure
from workflow.credentials.http_auth import cleared


def failed(effect: CallMcp, error: HiveError, secrets: Sequence[str]) -> Reply:
    """A call that may be made twice is no mystery: its node tries again, where it is set to."""
    code = McpServerFailed.code if effect.repeatable and isinstance(error, OutcomeUnknown) else error.code
    return Reply(failure=Failure(message=cleared(error.message, secrets), code=code, name="NodeApiError"))
