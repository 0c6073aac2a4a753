"""The AsyncAPI document: what Hive as a whole hears and says on the bus, for whoever writes a program against it.

FastStream makes it from the channels, declared on a broker that never connects. What it leaves open or writes against the
specification (https://www.asyncapi.com/docs/reference/specification/v3.0.0) is put right here: parameters of addresses, and
the names of components, which may hold no colons and no brackets.
"""

import json
import re
from typing import Final, TypeAlias
from urllib.parse import unquote

from faststream.nats import NatsBroker
from faststream.specification import AsyncAPI
from pydantic import JsonValue, RootModel

from bus.messages import TaskRequest
from bus.settings import HiveSettings
from bus.version import hive_version
from monitor.channels import PARAMETERS, SENT, SUBMIT, Parameter

DESCRIPTION: Final = """\
Everything in Hive meets on NATS. Publish a task to `submit`, read what becomes of it in `taskEvents` and its tokens in `output`.
Requests (`hive.svc.<service>.<verb>`) are NATS micro services: `nats micro ls` lists them, `nats req` calls them."""

Json: TypeAlias = dict[str, JsonValue]


class AsyncApiDocument(RootModel[Json]):
    """AsyncAPI 3.0.0, as it is served at `/asyncapi`."""


def describe(settings: HiveSettings) -> AsyncApiDocument:
    """The document of a hive on the NATS of these settings; its address is given without user and password."""
    broker = NatsBroker(settings.nats_servers, protocol_version="1", description="NATS with JetStream")

    async def hear(request: TaskRequest) -> None:
        """Gives the channel its message, and never runs."""

    broker.subscriber(SUBMIT.subject, title=SUBMIT.name, description=SUBMIT.description)(hear)
    for channel in SENT:
        broker.publisher(channel.subject, title=channel.name, schema=channel.message, description=channel.description)
    made = AsyncAPI(broker, title="Hive", version=hive_version(), description=DESCRIPTION).to_specification()
    return AsyncApiDocument(_put_right(json.loads(made.to_json())))


def _put_right(document: Json) -> Json:
    channels: Json = {name: _with_parameters(_object(channel)) for name, channel in _object(document["channels"]).items()}
    components: Json = {kind: _named(_object(group)) for kind, group in _object(document["components"]).items()}
    return _object(_with_names({**document, "channels": channels, "components": components}))


def _with_parameters(channel: Json) -> Json:
    names = re.findall(r"{(\w+)}", str(channel["address"]))
    return {**channel, "parameters": {name: _parameter(PARAMETERS[name]) for name in names}}


def _parameter(parameter: Parameter) -> Json:
    choices: Json = {"enum": [str(choice) for choice in parameter.choices]} if parameter.choices else {}
    return {"description": parameter.description, **choices}


def _named(group: Json) -> Json:
    return {_name(key): value for key, value in group.items()}


def _with_names(value: JsonValue) -> JsonValue:
    """References follow the names; the correlation header that FastStream would send is one that Hive does not."""
    match value:
        case dict():
            return {
                key: _reference(inner) if key == "$ref" else _with_names(inner)
                for key, inner in value.items()
                if key != "correlationId"
            }
        case list():
            return [_with_names(inner) for inner in value]
    return value


def _reference(pointer: JsonValue) -> str:
    root, *path = str(pointer).split("/")
    return "/".join([root, *map(_name, path)])


def _name(key: str) -> str:
    """`HiveEvent[TaskChange]` becomes `HiveEvent.TaskChange`."""
    return re.sub(r"[^A-Za-z0-9_-]+", ".", unquote(key)).strip(".")


def _object(value: JsonValue) -> Json:
    if not isinstance(value, dict):
        raise TypeError(f"FastStream wrote {type(value).__name__} where AsyncAPI has an object")
    return value
