"""What an agent writes in one step: the use of a tool, or its answer. The form that a model is held to, and how it is read. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic_core import from_json

from workflow.nodes.ai import parsing

RULES: Final = """You may use these tools:
{tools}

Answer with one JSON object and nothing else. To use a tool: {{"tool": "<name>", "input": <what it takes>}}. You are then told what it gave.
When you need no tool (any more): {{"answer": "<your answer to the user>"}}."""
LAST: Final = "You may use no more tools. Answer the user now."
CUT: Final = "That was cut off before its end: nothing was done. Write it shorter."
_ANSWER: Final = {"answer": {"type": "string"}}


def form(inputs: Mapping[str, Mapping[str, Any]], *, last: bool) -> dict[str, Any]:
    """The JSON schema of a step. `inputs`: what each tool takes; `last`: there must be an answer."""
    calls = [] if last else [_exactly({"tool": {"enum": [name]}, "input": dict(schema)}) for name, schema in inputs.items()]
    return {"anyOf": [*calls, _exactly(_ANSWER)]} if calls else _exactly(_ANSWER)


def _exactly(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(properties), "additionalProperties": False}


def wish(text: str) -> tuple[str, Any] | None:
    """The tool that the model wants to use; None where it answers."""
    found = parsing.first_json(text)
    if isinstance(found, Mapping) and isinstance(found.get("tool"), str):
        return found["tool"], found.get("input", "")
    return None


def is_cut(text: str) -> bool:
    """Whether it is a use of a tool that was not written to its end: over the tokens that the model may write."""
    return wish(text) is None and "tool" in _begun(text)


def answer(text: str) -> str:
    """What is said to the user: also of an answer that was cut, and of one in plain words, where nothing held the model to the form."""
    found = parsing.first_json(text) or _begun(text)
    said = found.get("answer") if isinstance(found, Mapping) and set(found) == {"answer"} else None
    return said if isinstance(said, str) else text


def _begun(text: str) -> Mapping[str, Any]:
    """The object that a text begins, as far as it was written."""
    try:
        found = from_json(text.strip(), allow_partial="trailing-strings")
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}
