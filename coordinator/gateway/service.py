"""The door for the NATS CLI and for other rooms: the micro service verb `tasks.submit`."""

from functools import partial

from bus import subjects
from bus.auth import Permission
from bus.messages import TaskRecord, TaskRequest
from bus.service import Call, Endpoint, Service
from bus.version import hive_version
from coordinator.gateway.submission import Submission, checked_key, new_task_id


def submit_service(submission: Submission) -> Service:
    """Every gateway serves it; requests are shared among them."""
    submit = Endpoint(
        verb="submit",
        body=TaskRequest,
        handler=partial(_submit, submission),
        permission=Permission.TASKS_CREATE,
        description="Take in a task: the body of POST /api/tasks, and optionally the header Idempotency-Key.",
    )
    return Service(
        name=subjects.SERVICE_TASKS, part="submit", version=hive_version(), description="Taking tasks in", endpoints=(submit,)
    )


async def _submit(submission: Submission, call: Call[TaskRequest]) -> TaskRecord:
    given = next((value for name, value in call.headers.items() if name.lower() == "idempotency-key"), None)
    key = checked_key(given)
    task_id = new_task_id(call.claims.tenant, key)
    return (await submission.submit(call.body, call.claims, task_id=task_id, idempotency_key=key)).record
