"""Embeddings nodes: which model of the hive makes the vectors, and the tasks that do."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final

from workflow.core.effects import SubmitTask
from workflow.core.execution import Reply
from workflow.core.failure import NodeError
from workflow.nodes.ai.models import attached
from workflow.nodes.contract import NodeCall, value_of

_AT_ONCE: Final = 100
_NOTE: Final = "A model of the hive makes the vectors in its place, by the mapping of models; without one any that can"


def vectors(call: NodeCall, texts: Sequence[str]) -> Generator[SubmitTask, Reply, list[str]]:
    """Of each text, packed. Raises NodeError without an embeddings node, and what a task failed with."""
    model = _model(call)
    found: list[str] = []
    for start in range(0, len(texts), _AT_ONCE):
        given = list(texts[start : start + _AT_ONCE])
        request: dict[str, Any] = {
            "kind": "embed",
            "input": given,
            "title": f"{call.graph.workflow.name}: {call.node.name}"[:255],
            "metadata": {"workflow_id": call.graph.workflow.id, "execution_id": call.execution.id, "node": call.node.name},
        }
        if model:
            request["model"] = model
        record = value_of((yield SubmitTask(request=request)))
        made = (record.get("output") or {}).get("embeddings") or []
        if len(made) != len(given):
            raise NodeError(f"The model made {len(made)} vectors of {len(given)} texts")
        found.extend(made)
    return found


def _model(call: NodeCall) -> str | None:
    """As for chat models, but `*` is not meant: it names a model that chats."""
    attached_ones = call.helpers.get("ai_embedding")
    if not attached_ones:
        raise NodeError(
            "An embeddings sub-node must be connected and enabled", description="Attach one to the node's Embedding input"
        )
    helper = call.of_helper(attached_ones[0])
    parameters = helper.scripts.parameters(helper, (0,))[0]
    given = parameters.get("model", parameters.get("modelName", ""))
    name = str((given.get("value") if isinstance(given, Mapping) else given) or "")
    mapping: Mapping[str, str] = call.environment.get("models") or {}
    if name in mapping:
        return mapping[name] or None
    return name or None if helper.node.short_type == "embeddingsOllama" else mapping.get("embeddings") or None


_OTHERS: Final = {
    "embeddingsAzureOpenAi": (1,),
    "embeddingsCohere": (1,),
    "embeddingsGoogleGemini": (1,),
    "embeddingsHuggingFaceInference": (1,),
    "embeddingsMistralCloud": (1,),
    "embeddingsOpenAi": (1, 1.1, 1.2),
}
TYPES = (
    attached("embeddingsOllama", (1,), "ai_embedding"),
    *(attached(name, versions, "ai_embedding", _NOTE) for name, versions in _OTHERS.items()),
)
