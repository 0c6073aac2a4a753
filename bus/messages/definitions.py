"""A model made of another one: Ollama's Modelfile without files."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from bus.messages.base import JsonObject, Message, Text


class Opening(Message):
    """What every conversation with the model begins with."""

    role: Literal["system", "user", "assistant"]
    content: Text


class ModelDefinition(Message):
    """From `source`, with what it is to have in place of the source's. All left out: a copy."""

    source: Annotated[Text, StringConstraints(min_length=1, max_length=255)]
    system: Text | None = None
    template: Text | None = None
    parameters: JsonObject = Field(default_factory=dict, description="in Ollama's words, such as temperature or num_ctx")
    license: tuple[Text, ...] = ()
    messages: tuple[Opening, ...] = ()
    quantize: Text | None = Field(default=None, description="such as q4_K_M; of a source that is not quantised")
