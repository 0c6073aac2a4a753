"""The lines of Ollama's /api/pull, and how far they say that it is. Does no I/O."""

from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from agent_sidecar.backends.backend import PullStep
from agent_sidecar.backends.ollama_answer import unreadable
from agent_sidecar.backends.refusal import said
from bus.errors import BackendError

Bytes = Annotated[int, Field(ge=0, lt=2**63)]


class PullLine(BaseModel):
    """One line of /api/pull; bytes are those of the layer `digest`."""

    status: str = ""
    digest: str | None = None
    total: Bytes | None = None
    completed: Bytes | None = None
    error: str | None = None


class PullProgress:
    """Adds up the layers of a pull, which come one after the other."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}

    def take(self, line: bytes) -> PullStep:
        """BackendError when the line is an error, or nothing that Ollama says."""
        try:
            found = PullLine.model_validate_json(line)
        except ValidationError:
            raise unreadable(line) from None
        if found.error is not None:
            raise BackendError(f"Ollama could not pull it: {said(found.error)}. {_advice(found.error)}")
        if found.digest is not None and found.total is not None:
            self._layers[found.digest] = (found.completed or 0, found.total)
        if not self._layers:
            return PullStep(said=said(found.status))
        done, total = (sum(part) for part in zip(*self._layers.values(), strict=True))
        return PullStep(said=said(found.status), bytes_done=done, bytes_total=total)


def _advice(error: str) -> str:
    """A pull that met a full disk leaves parts that Ollama cannot read, and every later pull ends with EOF until it is started anew."""
    if "no space left" in error or error == "EOF":
        return "Make room on its disk, and then start that Ollama anew: it clears away the broken parts."
    return "Check the name, and that its host reaches the registry."
