"""What Ollama's /api/create is sent, and the lines that it answers. Does no I/O."""

from pydantic import BaseModel, ValidationError

from agent_sidecar.backends.backend import PullStep
from agent_sidecar.backends.ollama_answer import unreadable
from agent_sidecar.backends.ollama_wire import Json
from agent_sidecar.backends.refusal import said
from bus.errors import BackendError, BackendRefused
from bus.messages.definitions import ModelDefinition

_BAD_REQUEST = 400


class _Line(BaseModel):
    """`status` is what it does, and beside an error the HTTP status that came too late for its head."""

    status: str | int = ""
    error: str | None = None


def create_body(model: str, definition: ModelDefinition) -> Json:
    given = definition.model_dump(mode="json", exclude={"source"}, exclude_defaults=True)
    return {"model": model, "from": definition.source, "stream": True, **given}


def step_of(line: bytes) -> PullStep:
    """BackendRefused for a definition that every Ollama would refuse, BackendError for other errors and what Ollama never says."""
    try:
        found = _Line.model_validate_json(line)
    except ValidationError:
        raise unreadable(line) from None
    if found.error is None:
        return PullStep(said=said(str(found.status)))
    if found.status == _BAD_REQUEST:
        raise BackendRefused(f"Ollama refused to make it: {said(found.error)}. Correct the definition.")
    raise BackendError(f"Ollama could not make it: {said(found.error)}. See its log.")
