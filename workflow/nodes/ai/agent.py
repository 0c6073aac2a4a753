"""AI Agent: a model that may call the tools attached to it, step by step, until it answers.

Tools are described in the prompt and called by JSON, which a host writes by a grammar where it can: so any model of the hive can be an agent,
whether it was trained to call tools or not. Each step is a task, and so survives a crash.
"""

import json
from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any, Final

from workflow.core.effects import Effect
from workflow.core.execution import Reply
from workflow.core.failure import NodeError
from workflow.core.items import Item, Outputs, paired
from workflow.nodes.ai import mcp, parsing, step, tools
from workflow.nodes.ai.asking import Message, ask, prompt_of
from workflow.nodes.ai.budget import UNBOUNDED, Budget, budget_of
from workflow.nodes.ai.chain import ask_structured
from workflow.nodes.ai.memory import Memory
from workflow.nodes.ai.models import Model, model_of
from workflow.nodes.contract import EffectRun, NodeCall, NodeType, error_item
from workflow.nodes.values import number_of

Others = Mapping[str, mcp.McpTool]
"""Tools of MCP servers, by name."""
_SYSTEM: Final = "You are a helpful assistant"


def run(call: NodeCall) -> EffectRun:
    made: list[Item] = []
    budget = budget_of(call.now_ms, call.once()) if call.items else UNBOUNDED
    others = yield from mcp.listed(call, budget.until_ms)
    for index in range(len(call.items)):
        try:
            fields = yield from _answered(call, index, others, budget)
            made.append({"json": fields, "pairedItem": paired(index)})
        except NodeError as error:
            error.item = index if error.item is None else error.item
            if not call.continues:
                raise
            made.append(error_item(error, index))
    outputs: Outputs = [made]
    return outputs


def _answered(call: NodeCall, index: int, others: Others, budget: Budget) -> Generator[Effect, Reply, dict[str, Any]]:
    prompt = prompt_of(call, index)
    if not prompt:
        raise NodeError("No prompt specified", description="Expected to find the prompt in an input field called 'chatInput'")
    model, memory = replace(model_of(call, index), budget=budget), Memory(call, index)
    parameters = call.each()[index]
    messages: list[Message] = [
        {"role": "system", "content": _system(call, parameters.text("options.systemMessage", _SYSTEM), others)},
        *memory.messages(),
        {"role": "user", "content": prompt},
    ]
    most = int(number_of(parameters.get("options.maxIterations", 10)) or 10)
    text, steps = yield from _steps(call, index, model, messages, most, memory.session, others)
    schema = parsing.schema_of(call, index)
    output: Any = text
    if schema is not None:
        asked: list[Message] = [*messages, {"role": "assistant", "content": text or "…"}]
        output = yield from ask_structured(call, model, asked, schema)
    memory.add(prompt, output if isinstance(output, str) else json.dumps(output, ensure_ascii=False))
    shown = {"intermediateSteps": steps} if parameters.get("options.returnIntermediateSteps") is True else {}
    return {"output": output, **shown}


def _system(call: NodeCall, text: str, others: Others) -> str:
    return f"{text}\n\n{step.RULES.format(tools=tools.described(call, others))}" if call.helpers.get("ai_tool") else text


def _steps(
    call: NodeCall, index: int, model: Model, messages: list[Message], most: int, session: str | None, others: Others
) -> Generator[Effect, Reply, tuple[str, list[dict[str, Any]]]]:
    """The final answer, and the tools that were used on the way. `messages` grows by the steps. The last one that it may take has no tools:
    it answers by what it was told."""
    steps: list[dict[str, Any]] = []
    inputs = tools.inputs(call, others)
    for left in reversed(range(most)):
        form = step.form(inputs, last=not left) if inputs else None
        text = yield from ask(call, model, messages, session, form)
        wish = step.wish(text) if inputs else None
        if wish is not None:
            name, given = wish
            model.budget.require()  # what it gave could not be told to the model
            observation = yield from tools.use(call, index, name, given, others, model.budget.until_ms)
            steps.append({"action": {"tool": name, "toolInput": given}, "observation": observation})
            told = f"The tool {name} gave:\n{observation}"
        elif inputs and step.is_cut(text):
            told = step.CUT
        else:
            return step.answer(text) if inputs else text, steps
        messages.append({"role": "assistant", "content": text})
        messages.append({"role": "user", "content": told if left != 1 else f"{told}\n\n{step.LAST}"})
    raise NodeError("Max iterations reached: the agent could not complete the task", description=f"It took {most} steps")


TYPES = (
    NodeType(
        name="@n8n/n8n-nodes-langchain.agent",
        versions=(1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2, 2.1, 2.2, 3),
        run=run,
        effect=True,
        note="All kinds of agent work as the tools agent; tools are called by JSON in the text, and the last step that it may take answers; "
        "Hive's own options maxSeconds and maxTokens bound a run of the node",
    ),
)
