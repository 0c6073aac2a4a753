"""What a webhook's body becomes, which the door leaves to the engine to read."""

from base64 import b64decode
from typing import Any

import pytest

from bus.errors import InvalidJson
from bus.messages.workflows import WebhookCall
from tests.unit.workflow.build import node, workflow
from workflow.doors.webhook_heard import heard_item, read
from workflow.doors.webhooks import WEBHOOK
from workflow.n8n.document import Node


def hook(version: float = 2, **options: Any) -> Node:
    return workflow(node("Hook", WEBHOOK, {"options": options}, version=version), links=[]).by_name["Hook"]


def sent(text: str | None, kind: str = "application/json", **more: Any) -> WebhookCall:
    return read(WebhookCall(path="hook", method="POST", headers={"content-type": kind}, text=text, **more))


@pytest.mark.parametrize(
    ("kind", "text", "body"),
    [
        ("application/json; charset=utf-8", ' {"a": [1, "ü"]}', {"a": [1, "ü"]}),
        ("application/x-www-form-urlencoded", "a=1&b=&a=2", {"a": ["1", "2"], "b": ""}),
        ("text/plain", '{"a": 1}', '{"a": 1}'),
    ],
)
def test_text_is_read_by_its_type(kind: str, text: str, body: Any) -> None:
    assert sent(text, kind).body == body


def test_fields_of_a_form_in_parts_have_a_list_where_a_name_comes_again() -> None:
    assert sent(None, "multipart/form-data", fields=(("a", "1"), ("b", "x"), ("a", "2"))).body == {"a": ["1", "2"], "b": "x"}


def test_json_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidJson):
        sent('{"a":')


def test_a_raw_body_lies_beside_what_was_read_of_it_byte_for_byte() -> None:
    text = '{ "ü" :1}\n'
    item = heard_item(hook(rawBody=True), sent(text))
    assert item["json"]["body"] == {"ü": 1}
    assert item["binary"]["data"] == {"data": item["binary"]["data"]["data"], "mimeType": "application/json"}
    assert b64decode(item["binary"]["data"]["data"]).decode() == text


def test_where_the_first_version_takes_a_file_json_is_one() -> None:
    item = heard_item(hook(1, binaryData=True, binaryPropertyName="up"), sent('{"a": 1}'))
    assert item["json"]["body"] == {}
    assert b64decode(item["binary"]["up"]["data"]) == b'{"a": 1}'
    assert item["binary"]["up"]["fileExtension"] == "json"
