"""Tools for dev tasks: a piece of development, split over agents by what they are good at. Plan, change the plan, run, look, stop."""

import asyncio
from contextlib import ExitStack, suppress
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field

from bus.auth import Permission
from bus.errors import DatabaseUnavailable, DeadlineExceeded, NoLeader
from bus.messages.base import Command
from bus.messages.tasks import Priority
from coordinator.gateway.devtasks.parts import MAX_CHARACTERS, MAX_PARTS, DevPlan, Material, Part, PartKind
from coordinator.gateway.devtasks.running import DevTasks
from coordinator.gateway.devtasks.view import DevTaskState, words
from coordinator.gateway.mcp.tool import STEP_SECONDS, Call, Tool, WaitSeconds


class PlanDevTask(Material):
    parts: tuple[PartKind, ...] = Field(
        default=(),
        max_length=MAX_PARTS,
        description="kinds of parts; left out: code, review, test and docs, without code where there is a diff",
    )

    def material(self) -> Material:
        return Material(goal=self.goal, files=self.files, diff=self.diff)


class DevTaskRef(Command):
    id: UUID = Field(description="that plan_dev_task gave")


class RunDevTask(DevTaskRef):
    parts: tuple[Part, ...] | None = Field(
        default=None, description="the plan's parts as they are to be, all of them; left out: as they were planned"
    )
    priority: Priority = 3
    timeout_seconds: Annotated[float, Field(gt=0, le=86_400, description="of each part, from first dispatch to end")] = 1800
    wait_seconds: WaitSeconds = 0


class GetDevTask(DevTaskRef):
    wait_seconds: WaitSeconds = 0


async def _plan(call: Call[PlanDevTask]) -> DevPlan:
    return await DevTasks(call.gateway).plan(call.arguments.material(), call.arguments.parts, call.claims)


async def _run(call: Call[RunDevTask]) -> DevTaskState:
    wish = call.arguments
    state = await DevTasks(call.gateway).run(wish.id, wish.parts, wish.priority, wish.timeout_seconds, call.claims)
    return await _until_ended(call, state, wish.wait_seconds)


async def _get(call: Call[GetDevTask]) -> DevTaskState:
    state = await DevTasks(call.gateway).get(call.arguments.id, call.claims)
    return await _until_ended(call, state, call.arguments.wait_seconds)


async def _until_ended(call: Call[Any], state: DevTaskState, seconds: float) -> DevTaskState:
    """As it is at the end, or when the time is over; meanwhile the client is told how the parts stand. An end that is not heard is looked for."""
    tasks, waited, ended = DevTasks(call.gateway), 0.0, asyncio.Event()
    with ExitStack() as stack:
        for part in state.parts:
            if part.task_id is not None:
                stack.enter_context(call.gateway.waiting.expect(part.task_id, ended))
        while waited < seconds and not call.gateway.stopping.is_set() and _goes_on(state):
            await call.progress(waited, seconds, words(state))
            began = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(min(STEP_SECONDS, seconds - waited)):
                    await ended.wait()
            except TimeoutError:
                pass
            ended.clear()
            waited += asyncio.get_running_loop().time() - began
            with suppress(NoLeader, DeadlineExceeded, DatabaseUnavailable):  # whoever is away meanwhile is asked again
                state = await tasks.get(state.id, call.claims)
    return state


def _goes_on(state: DevTaskState) -> bool:
    return any(part.status is not None and not part.status.terminal for part in state.parts)


async def _cancel(call: Call[DevTaskRef]) -> DevTaskState:
    return await DevTasks(call.gateway).cancel(call.arguments.id, call.claims)


TOOLS: Final[tuple[Tool[Any], ...]] = (
    Tool(
        name="plan_dev_task",
        title="Plan a piece of development",
        description="Splits a goal, with files or a diff, into parts (code, review, test, docs) for the agents that are good at them. Nothing runs yet: "
        f"look at the plan and its notes, change its parts if need be, then run_dev_task. At most {MAX_CHARACTERS:,} characters of files and diff.",
        arguments=PlanDevTask,
        result=DevPlan,
        handler=_plan,
        permission=Permission.TASKS_CREATE,
    ),
    Tool(
        name="run_dev_task",
        title="Run a plan",
        description="As it was planned, or with `parts` as you changed them: instructions, model, require, depends_on, parts more or fewer. A part that "
        "depends on others is given what they answered. Answers at once; get_dev_task tells how it goes. Asked again, it runs nothing twice.",
        arguments=RunDevTask,
        result=DevTaskState,
        handler=_run,
        permission=Permission.TASKS_CREATE,
        idempotent=True,
    ),
    Tool(
        name="get_dev_task",
        title="Get a dev task",
        description="How each part stands, what it answered, and which agent made it with which model. With wait_seconds it waits for the end of all.",
        arguments=GetDevTask,
        result=DevTaskState,
        handler=_get,
        permission=None,
        reads=True,
    ),
    Tool(
        name="cancel_dev_task",
        title="Cancel a dev task",
        description="Parts that have not ended are cancelled; what others answered stays. A plan that was not run is forgotten.",
        arguments=DevTaskRef,
        result=DevTaskState,
        handler=_cancel,
        permission=None,
        destroys=True,
        idempotent=True,
    ),
)
