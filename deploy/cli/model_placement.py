"""`hive placement`: where models are wished, and how far the fleet has come with it."""

from bus import subjects
from bus.messages import NoReply
from bus.messages.models import ModelState, Placement, PlacementState
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.screen import local_time, print_json, print_table, say


@command
async def model_placement(as_json: Json = False) -> None:
    """Show how far models are where they are wished, and why not."""
    async with operator_bus() as bus:
        verb = subjects.service_verb(subjects.SERVICE_MODELS, "placement")
        found = await bus.request(verb, NoReply(), Placement, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
        return
    wish = found.wish
    if wish.applied_at:
        say(f"Version {wish.version}, applied by {wish.applied_by} on {local_time(wish.applied_at)}.")
    show_models(found.state)


def show_models(state: PlacementState) -> None:
    columns = ("Model", "Ready", "Agents")
    print_table(
        columns,
        [_row(model) for model in state.models],
        "Nothing is wished. Write a models.yaml, then: hive apply -f models.yaml",
    )
    for model in state.models:
        if model.problem:
            say(f"{model.model}: {model.problem}", "yellow")


def _row(model: ModelState) -> tuple[object, ...]:
    agents = [
        f"{replica.agent_id}: {replica.state}{f' ({replica.reason})' if replica.reason else ''}" for replica in model.replicas
    ]
    return model.model, f"{model.ready}/{model.wanted}", "; ".join(agents)


def show_actions(state: PlacementState) -> None:
    rows = [(action.action, action.model, action.agent_id, action.reason) for action in state.actions]
    print_table(("Next", "Model", "Agent", "Why"), rows, "There is nothing to do now.")
