"""Prompts that a person chooses: they tell an assistant how to share work over the hive, with the models that are there now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    PaginatedRequestParams,
    Prompt,
    PromptArgument,
    PromptMessage,
    TextContent,
)

from bus import auth
from bus.auth import Permission
from bus.messages import AgentStatus, Claims
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.mcp.context import Context, claims_of

MODEL_ARGUMENTS: Final = ("first_model", "second_model")
MAX_CHARACTERS: Final = 500_000
"""Of one argument."""

_PLAN: Final = """Plan this work over the GPU hosts of a hive, and have it done there.

Goal: {goal}

{context}{fleet}

1. Where it is software development, let plan_dev_task split it: give it the goal, and the files or the diff that matter. Else, or where its parts do
   not fit, make the parts yourself (kind `other`): each is what one model can do in one answer.
2. Show the plan as a table, with its notes: parts, what each asks for (`model`, or `require`), what it depends on. Let me change it before anything runs.
3. Have it run by run_dev_task, with all the parts as they are to be. A part is given what those that it depends on answered.
4. Ask get_dev_task with wait_seconds until it has ended. When a part failed, say why (its `error`, explain_task with its task_id) and propose what to do.
5. Check the parts and put them together, and say of each which agent and which model made it."""

_REVIEW: Final = """Have this reviewed by two models of a hive, and merge what they find.

{code}

{fleet}

1. Submit two tasks with submit_task and the same prompt: the code, and to review it for errors, risks and what is missing, each finding with its place,
   its severity and a proposal. One with the model {first_model}, one with {second_model}.
2. Ask get_task with wait_seconds until both have ended.
3. Merge: what both found comes first, then what one found, with who found it. Check every finding against the code yourself, and leave out what does not
   hold, with the reason.
4. End with what to change, in the order of its weight."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """A prompt as it is listed, and how it becomes text. Pure."""

    described: Prompt
    text: Callable[[Mapping[str, str], str], str]


def _plan(given: Mapping[str, str], fleet: str) -> str:
    context = given.get("context", "")
    return _PLAN.format(goal=given["goal"], context=f"What to know:\n\n{context}\n\n" if context else "", fleet=fleet)


def _review(given: Mapping[str, str], fleet: str) -> str:
    return _REVIEW.format(**given, fleet=fleet)


def _argument(name: str, description: str, *, required: bool = True) -> PromptArgument:
    return PromptArgument(name=name, description=description, required=required)


PROMPTS: Final[Mapping[str, Told]] = {
    told.described.name: told
    for told in (
        Told(
            described=Prompt(
                name="plan_work",
                title="Plan work over the hive",
                description="Splits a goal into tasks for the hive's models, shows the plan, and has it done.",
                arguments=[
                    _argument("goal", "what is to come of it"),
                    _argument("context", "what there is to know: files, a diff, constraints", required=False),
                ],
            ),
            text=_plan,
        ),
        Told(
            described=Prompt(
                name="review_with_two_models",
                title="Review code with two models",
                description="Two models of the hive review the same code, and what they find is merged.",
                arguments=[
                    _argument("code", "a file, or a diff"),
                    _argument("first_model", "a model of the hive"),
                    _argument("second_model", "another one"),
                ],
            ),
            text=_review,
        ),
    )
}


class Prompts:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def list(self, context: Context, _: PaginatedRequestParams | None) -> ListPromptsResult:
        """For those who may submit tasks."""
        if not auth.allows(claims_of(context), Permission.TASKS_CREATE):
            return ListPromptsResult(prompts=[])
        return ListPromptsResult(prompts=[told.described for told in PROMPTS.values()])

    async def get(self, context: Context, params: GetPromptRequestParams) -> GetPromptResult:
        told, claims = PROMPTS.get(params.name), claims_of(context)
        if told is None or not auth.allows(claims, Permission.TASKS_CREATE):
            raise MCPError(INVALID_PARAMS, f"There is no prompt {params.name}. prompts/list has those that this key may use.")
        given = checked(told.described, params.arguments or {})
        text = told.text(given, fleet_words(self._gateway, claims))
        message = PromptMessage(role="user", content=TextContent(text=text))
        return GetPromptResult(description=told.described.description, messages=[message])


def checked(prompt: Prompt, given: Mapping[str, str]) -> Mapping[str, str]:
    """MCPError, naming the argument. Pure."""
    known = {argument.name: argument for argument in prompt.arguments or ()}
    for name, argument in known.items():
        if argument.required and not given.get(name, "").strip():
            raise MCPError(INVALID_PARAMS, f"`{name}` is missing: {argument.description}.")
    for name, value in given.items():
        if name not in known:
            raise MCPError(INVALID_PARAMS, f"`{name}` is no argument of {prompt.name}. It takes: {', '.join(known)}.")
        if len(value) > MAX_CHARACTERS:
            raise MCPError(INVALID_PARAMS, f"`{name}` has more than {MAX_CHARACTERS:,} characters. Shorten it.")
    return given


def models_there(gateway: Gateway, claims: Claims) -> dict[str, list[str]]:
    """The agents that take work and have it, by model, for those models that the key may use."""
    found: dict[str, list[str]] = {}
    for agent in gateway.overview.agent_list().agents:
        if agent.status in (AgentStatus.ONLINE, AgentStatus.DEGRADED):
            for model in agent.models:
                if auth.allows_model(claims, model.name):
                    found.setdefault(model.name, []).append(agent.agent_id)
    return dict(sorted(found.items()))


def fleet_words(gateway: Gateway, claims: Claims) -> str:
    found = models_there(gateway, claims)
    if not found:
        return "No agent takes work just now; list_agents tells why, and tasks wait until one does."
    return "Models that take work now:\n" + "\n".join(f"- {model} on {', '.join(agents)}" for model, agents in found.items())


def complete_prompt(gateway: Gateway, claims: Claims, prompt: str, argument: str, start: str) -> Sequence[str]:
    """Names of models. MCPError for an argument that there is not."""
    told = PROMPTS.get(prompt)
    if told is None or argument not in {each.name for each in told.described.arguments or ()}:
        raise MCPError(INVALID_PARAMS, f"There is no prompt {prompt} with an argument {argument!r}.")
    if argument not in MODEL_ARGUMENTS:
        return ()
    return [model for model in models_there(gateway, claims) if model.startswith(start)]
