"""Bodies of Ollama's /api/pull, /api/create and /api/copy, and what a model is to be made of. Pure."""

from typing import Literal

from pydantic import Field, JsonValue

from bus.messages.base import JsonObject, Text
from bus.messages.definitions import ModelDefinition, Opening
from coordinator.gateway.llm.ollama.common import Named
from coordinator.gateway.llm.reading import Foreign, wrong


class Pull(Named):
    stream: bool | None = None


class Copy(Foreign):
    source: Text = ""
    destination: Text = ""


class Message(Foreign):
    role: Literal["system", "user", "assistant"]
    content: Text = ""


class Create(Named):
    """`modelfile` and `path` are what clients before Ollama 0.5.5 send."""

    from_: Text = Field(default="", alias="from")
    system: Text | None = None
    template: Text | None = None
    parameters: JsonObject | None = None
    license: Text | tuple[Text, ...] | None = None
    messages: tuple[Message, ...] | None = None
    quantize: Text | None = None
    stream: bool | None = None
    files: JsonValue = None
    adapters: JsonValue = None
    modelfile: JsonValue = None
    path: JsonValue = None


def source_of(asked: Create) -> str:
    """InvalidRequest for what is made of files: they would have to be on a host, and a client here names none."""
    for name in ("files", "adapters", "modelfile", "path"):
        if getattr(asked, name):
            raise wrong(
                name,
                f"Hive takes no `{name}`: make the model by `ollama create` on a host, or pull it; others can be made `from` it.",
            )
    if not asked.from_:
        raise wrong("from", "neither 'from' or 'files' was specified")
    return asked.from_


def definition_of(asked: Create, source: str) -> ModelDefinition:
    license_ = (asked.license,) if isinstance(asked.license, str) else asked.license or ()
    return ModelDefinition(
        source=source,
        system=asked.system,
        template=asked.template,
        parameters=asked.parameters or {},
        license=license_,
        messages=tuple(Opening(role=message.role, content=message.content) for message in asked.messages or ()),
        quantize=asked.quantize or None,
    )
