"""The AsyncAPI document holds what it says it does, and every message that it describes is the real one."""

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from nats.js.api import StreamConfig
from pydantic import SecretStr

from bus import streams, subjects
from bus.settings import HiveSettings
from bus.testing import matches
from bus.version import hive_version
from monitor.channels import PARAMETERS, SENT, SUBMIT, Channel
from monitor.document import describe
from monitor.ends import MODELS
from monitor.listener import AGENT_EVENTS

CHANNELS = (SUBMIT, *SENT)
COMPONENT_NAME = re.compile(r"^[A-Za-z0-9._-]+$")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return describe(HiveSettings(nats_url=SecretStr("nats://hive:secret-word@bus.example:4222"))).root


def references(value: object) -> Iterator[str]:
    match value:
        case dict():
            for key, inner in value.items():
                if key == "$ref":
                    yield inner
                else:
                    yield from references(inner)
        case list():
            for inner in value:
                yield from references(inner)


def resolve(document: dict[str, Any], pointer: str) -> Any:
    found: Any = document
    for part in pointer.removeprefix("#/").split("/"):
        found = found[part]
    return resolve(document, found["$ref"]) if "$ref" in found else found


def test_it_is_asyncapi_of_hive_on_its_server(document: dict[str, Any]) -> None:
    assert (document["asyncapi"], document["info"]["title"], document["info"]["version"]) == ("3.0.0", "Hive", hive_version())
    assert [(server["host"], server["protocol"]) for server in document["servers"].values()] == [("bus.example:4222", "nats")]


def test_it_holds_no_password(document: dict[str, Any]) -> None:
    assert "secret-word" not in str(document)


def test_every_reference_leads_somewhere_and_every_name_is_allowed(document: dict[str, Any]) -> None:
    pointers = list(references(document))
    assert len(pointers) > len(CHANNELS)
    for pointer in pointers:
        resolve(document, pointer)
    names = [name for group in document["components"].values() for name in group]
    assert [name for name in names if not COMPONENT_NAME.match(name)] == []


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_a_channel_has_its_subject_its_parameters_and_its_message(document: dict[str, Any], channel: Channel) -> None:
    found = document["channels"][channel.name]
    assert found["address"] == channel.subject
    assert found["description"] == channel.description
    assert set(found["parameters"]) == set(re.findall(r"{(\w+)}", channel.subject))
    (message,) = (resolve(document, entry["$ref"]) for entry in found["messages"].values())
    payload = resolve(document, message["payload"]["$ref"])
    assert set(payload["properties"]) == set(channel.message.model_fields)


def test_hive_hears_submits_and_says_the_rest(document: dict[str, Any]) -> None:
    actions = {name: operation["action"] for name, operation in document["operations"].items()}
    assert actions == {SUBMIT.name: "receive"} | {channel.name: "send" for channel in SENT}


def test_a_required_field_of_an_event_is_required_in_the_document(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["HiveEvent.TaskChange"]
    assert set(schema["required"]) == {"id", "type", "source", "timestamp", "data"}


def spelled_out(channel: Channel) -> list[str]:
    """Every subject of a channel, with each value that a parameter names, and `x` where it may be anything."""
    names = re.findall(r"{(\w+)}", channel.subject)
    choices = [PARAMETERS[name].choices or ("x",) for name in names]
    return [channel.subject.format(**dict(zip(names, chosen, strict=True))) for chosen in product(*choices)]


@pytest.mark.parametrize("stream", streams.STREAMS, ids=lambda stream: stream.name)
def test_every_stream_stores_a_channel_of_the_document(stream: StreamConfig) -> None:
    addresses = [subject for channel in CHANNELS for subject in spelled_out(channel)]
    assert any(matches(listen, address) for address in addresses for listen in stream.subjects or ())


@pytest.mark.parametrize("consumed", [*MODELS, AGENT_EVENTS, subjects.ALL_METRICS, subjects.ALL_VITALS])
def test_what_the_monitor_listens_to_is_in_the_document(consumed: str) -> None:
    assert any(matches(consumed, address) for channel in CHANNELS for address in spelled_out(channel))
