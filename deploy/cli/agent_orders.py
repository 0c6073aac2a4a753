"""`hive agents drain`, `resume` and `label`: orders about an agent, which hold until they are taken back."""

from collections.abc import Callable
from typing import Annotated

import typer
from pydantic import BaseModel, ValidationError

from bus import subjects
from bus.codec import explain
from bus.messages import AgentRecord, AgentRef
from bus.messages.orders import DrainAgent, LabelAgent
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.labels import label_changes
from deploy.cli.screen import print_json, say

AgentArgument = Annotated[str, typer.Argument(help="As `hive agents` shows it.", metavar="AGENT")]


@command
async def drain(
    agent_id: AgentArgument,
    reason: Annotated[str | None, typer.Option(help="Shown to whoever asks why it takes nothing.")] = None,
    as_json: Json = False,
) -> None:
    """Give an agent nothing more; what runs there ends. It holds until it is resumed."""
    record = await _order("drain", lambda: DrainAgent(agent_id=agent_id, reason=reason))
    left = "nothing runs there" if record.drained else f"{record.running} attempts still run there"
    _show(record, f"{agent_id} is {record.status}; {left}.", as_json=as_json)


@command
async def resume(agent_id: AgentArgument, as_json: Json = False) -> None:
    """Give a drained agent work again."""
    record = await _order("resume", lambda: AgentRef(agent_id=agent_id))
    why = f": {record.status_reason}" if record.status_reason else ""
    _show(record, f"{agent_id} is {record.status}{why}.", as_json=as_json)


@command
async def label(
    agent_id: AgentArgument,
    changes: Annotated[list[str], typer.Argument(help="Such as site=basement; `site-` takes it back.", metavar="LABEL")],
    as_json: Json = False,
) -> None:
    """Give an agent labels, for tasks to ask for, or take them back."""
    record = await _order("label", lambda: LabelAgent(agent_id=agent_id, labels=label_changes(changes)))
    shown = ", ".join(f"{name}={value}" for name, value in sorted(record.labels.items())) or "no labels"
    _show(record, f"{agent_id} has {shown}.", as_json=as_json)


async def _order(verb: str, make: Callable[[], BaseModel]) -> AgentRecord:
    try:
        order = make()
    except ValidationError as error:
        raise explain(error) from None
    async with operator_bus() as bus:
        subject = subjects.service_verb(subjects.SERVICE_AGENTS, verb)
        return await bus.request(subject, order, AgentRecord, timeout=REQUEST_SECONDS)


def _show(record: AgentRecord, sentence: str, *, as_json: bool) -> None:
    print_json(record) if as_json else say(sentence)
