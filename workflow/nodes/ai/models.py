"""Chat model nodes: which model of the hive answers for the one that a workflow names, and with which options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workflow.core.failure import NodeError
from workflow.core.items import Outputs
from workflow.expressions.parameters import Parameters
from workflow.nodes.ai.budget import UNBOUNDED, Budget
from workflow.nodes.contract import NodeCall, NodeType
from workflow.nodes.values import number_of

_LANGCHAIN: Final = "@n8n/n8n-nodes-langchain."
_OPTIONS: Final = {
    "temperature": "temperature",
    "topP": "top_p",
    "topK": "top_k",
    "frequencyPenalty": "frequency_penalty",
    "presencePenalty": "presence_penalty",
    "repeatPenalty": "repeat_penalty",
    "numCtx": "num_ctx",
    "numPredict": "num_predict",
    "maxTokens": "num_predict",
    "maxTokensToSample": "num_predict",
    "maxOutputTokens": "num_predict",
    "maxTokensToGenerate": "num_predict",
}
"""n8n's names of options, and Ollama's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """`name` is None where any model that is warm may answer. `budget`: of whoever asks it."""

    name: str | None
    options: Mapping[str, Any]
    budget: Budget = UNBOUNDED


def model_of(call: NodeCall, index: int) -> Model:
    """Of the chat model that is attached to the node. Raises `NodeError` without one."""
    found = call.helpers.get("ai_languageModel")
    if not found:
        raise NodeError(
            "A model sub-node must be connected and enabled", description="Attach a chat model to the node's Model input"
        )
    helper = call.of_helper(found[0])
    return read_model(helper, helper.scripts.parameters(helper, (index,))[0])


def read_model(call: NodeCall, parameters: Parameters) -> Model:
    """Of a node's own parameters `model` (or `modelName`, `modelId`) and `options`."""
    given = parameters.get("model", parameters.get("modelName", parameters.get("modelId", "")))
    name = given.get("value", "") if isinstance(given, Mapping) else given
    return Model(name=_hive_name(call, str(name or "")), options=_options(parameters.get("options") or {}))


def _hive_name(call: NodeCall, name: str) -> str | None:
    """By the mapping of the environment (`models`): the name of the workflow, else `*`. An Ollama name means itself."""
    mapping: Mapping[str, str] = call.environment.get("models") or {}
    if name in mapping:
        return mapping[name] or None
    if call.node.short_type in ("lmChatOllama", "lmOllama"):
        return name or mapping.get("*") or None
    return mapping.get("*") or None


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    found = {_OPTIONS[name]: value for name, value in given.items() if name in _OPTIONS and number_of(value) is not None}
    return {name: number_of(value) for name, value in found.items() if number_of(value) != -1 or name != "num_predict"}


def run_attached(call: NodeCall) -> Outputs:
    """An attached node is read by the one that it is attached to, and never run."""
    raise NodeError(f"{call.node.name!r} does nothing by itself: attach it to another node")


def attached(name: str, versions: Sequence[float], kind: str, note: str | None = None) -> NodeType:
    return NodeType(
        name=f"{_LANGCHAIN}{name}", versions=tuple(versions), run=run_attached, inputs=0, outputs=0, helper=kind, note=note
    )


_MAPPED: Final = "A model of the hive answers in its place, by the mapping of models"
_OTHERS: Final = {
    "lmChatOpenAi": (1, 1.1, 1.2, 1.3),
    "lmOpenAi": (1,),
    "lmChatAnthropic": (1, 1.1, 1.2, 1.3),
    "lmChatAwsBedrock": (1, 1.1),
    "lmChatAzureOpenAi": (1,),
    "lmChatCohere": (1,),
    "lmChatDeepSeek": (1,),
    "lmChatGoogleGemini": (1,),
    "lmChatGoogleVertex": (1,),
    "lmChatGroq": (1,),
    "lmChatMistralCloud": (1,),
    "lmChatOpenRouter": (1,),
    "lmChatXAiGrok": (1,),
}
TYPES = (
    attached("lmChatOllama", (1,), "ai_languageModel"),
    attached("lmOllama", (1,), "ai_languageModel"),
    *(attached(name, versions, "ai_languageModel", _MAPPED) for name, versions in _OTHERS.items()),
)
