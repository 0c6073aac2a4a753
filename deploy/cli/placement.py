"""`hive task explain`, `assign` and `priority`: why a task goes where it goes, and having it go elsewhere or sooner."""

from typing import Annotated

import typer
from pydantic import ValidationError

from bus import subjects
from bus.codec import explain as in_words
from bus.messages import AgentRow, AssignTask, Explanation, PrioritizeTask, TaskRecord, TaskRef
from deploy.cli.command import Json, TaskArgument, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.screen import print_json, print_table, say


@command
async def explain(task_id: TaskArgument, as_json: Json = False) -> None:
    """Show which agents could take a task, and why."""
    verb = subjects.service_verb(subjects.SERVICE_TASKS, "explain")
    async with operator_bus() as bus:
        found = await bus.request(verb, TaskRef(id=task_id), Explanation, timeout=REQUEST_SECONDS)
    show_explanation(found, as_json)


def show_explanation(found: Explanation, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    say(found.reason)
    columns = ("Agent", "Able", "Model", "Warm", "Free slots", "Seconds", "Price", "Why")
    print_table(
        columns, [_row(agent) for agent in found.agents], "No agents yet. Add one: hive agents add http://gpu-host:11434"
    )


def _row(agent: AgentRow) -> tuple[object, ...]:
    seconds = None if agent.predicted_seconds is None else f"{agent.predicted_seconds:.1f}"
    price = None if agent.price is None else f"{agent.price:g}"
    return (
        agent.agent_id,
        _yes(agent.able),
        agent.model,
        _yes(agent.warm),
        agent.free_slots,
        seconds,
        price,
        agent.reason,
    )


def _yes(value: bool) -> str:
    return "yes" if value else "no"


@command
async def assign(
    task_id: TaskArgument,
    agent_id: Annotated[str, typer.Argument(help="As `hive agents` shows it.", metavar="AGENT")],
    as_json: Json = False,
) -> None:
    """Have a waiting task go to one agent and no other."""
    try:
        wish = AssignTask(id=task_id, agent_id=agent_id)
    except ValidationError as error:
        raise in_words(error) from None
    await _order("assign", wish, f"Task {task_id} is for {agent_id}.", as_json)


@command
async def priority(
    task_id: TaskArgument,
    to: Annotated[str, typer.Argument(help="1 (first) to 5, or high, medium, low.", metavar="PRIORITY")],
    as_json: Json = False,
) -> None:
    """Change the priority of a task that waits."""
    try:
        wish = PrioritizeTask.model_validate({"id": task_id, "priority": to})
    except ValidationError as error:
        raise in_words(error) from None
    await _order("prioritize", wish, f"Task {task_id} has priority {wish.priority}.", as_json)


async def _order(verb: str, wish: AssignTask | PrioritizeTask, done: str, as_json: bool) -> None:
    async with operator_bus() as bus:
        subject = subjects.service_verb(subjects.SERVICE_TASKS, verb)
        record = await bus.request(subject, wish, TaskRecord, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(record)
    else:
        say(done)
