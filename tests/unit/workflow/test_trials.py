"""What is asked with a credential, and what an answer says."""

from typing import Any

import pytest

from workflow.core.execution import Reply
from workflow.core.failure import Failure
from workflow.credentials import types
from workflow.credentials.trials import TRIALS, address_of, judged, question


@pytest.mark.parametrize(
    ("kind", "data", "address"),
    [
        ("openAiApi", {"apiKey": "k"}, "https://api.openai.com/v1/models"),
        ("openAiApi", {"apiKey": "k", "url": "http://mine.test/v1/"}, "http://mine.test/v1/models"),
        ("twilioApi", {"accountSid": "a/b", "authToken": "t"}, "https://api.twilio.com/2010-04-01/Accounts/a%2Fb.json"),
        ("twilioApi", {"authToken": "t"}, None),
        ("jiraSoftwareCloudApi", {"email": "a"}, None),
        ("httpHeaderAuth", {"name": "a", "value": "b"}, None),
    ],
)
def test_an_address_is_the_service_s_or_none(kind: str, data: dict[str, Any], address: str | None) -> None:
    assert address_of(kind, data) == address


def test_only_types_that_a_request_can_use_are_asked_with() -> None:
    assert set(TRIALS) <= {*types.BEARER, *types.HEADER, *types.BASIC, *types.QUERY}


def test_a_question_changes_nothing_and_follows_nobody() -> None:
    asked = question("https://x.test/", "k")
    assert (asked.method, asked.follow_redirects, asked.body) == ("GET", False, None)


@pytest.mark.parametrize(
    ("status", "body", "ok"),
    [
        (200, "{}", True),
        (302, "", False),
        (401, "", False),
        (403, "", False),
        (404, "", False),
        (500, "", False),
        (200, '{"ok": false}', False),
        (200, "[" * 5000, True),
    ],
)
def test_an_answer_says_yes_or_no_and_nothing_that_is_in_it(status: int, body: str, ok: bool) -> None:
    found = judged(Reply(value={"status": status, "body": body}))
    assert (found.ok, found.tried) == (ok, True)
    assert str(status) in found.message


def test_where_nobody_answers_it_is_said_why() -> None:
    found = judged(Reply(failure=Failure(message="It is not there")))
    assert (found.ok, found.message) == (False, "It is not there")
