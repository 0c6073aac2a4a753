"""Bodies that are none, at every door of language models' clients: each is refused in that protocol's own form."""

from collections.abc import Callable
from typing import Any

import pytest
from httpx import AsyncClient, Response

from coordinator.gateway.llm import examples

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b" \n",
    "a brace": b"{",
    "words": b"hello",
    "a form": b"model=m&prompt=hi",
    "null": b"null",
    "a list": b"[]",
    "a number": b"5",
    "a string": b'"llama3.2:3b"',
    "no UTF-8": b'{"model": "\xff\xfe"}',
    "half a surrogate pair": b'{"model": "\\ud800"}',
    "two documents": b'{"model": "m"} {"model": "m"}',
    "a comma too many": b'{"model": "m",}',
    "deep lists": b"[" * 4000,
    "deep objects": b'{"model":' * 900 + b"1" + b"}" * 900,
    "no fields": b"{}",
    "a model that is a number": b'{"model": 5}',
    "a model that is a list": b'{"model": ["llama3.2:3b"], "source": ["a"]}',
    "no model": b'{"model": null, "name": null, "source": null}',
    "a name without an end": b'{"model": "' + b"m" * 3000 + b'", "source": "' + b"m" * 3000 + b'"}',
    "a name with a NUL": b'{"model": "a\\u0000b", "source": "a\\u0000b", "messages": [], "prompt": "a", "input": "a", "max_tokens": 1}',
    "everything a number": b'{"model": "m", "messages": 5, "prompt": 5, "input": 5, "source": 5, "from": 5, "stream": "maybe"}',
    "too much": b'{"model": "' + b"m" * 20_000 + b'"}',
}
NOT_A_NUMBER = b'{"model": "llama3.2:3b", "messages": [{"role": "user", "content": "a"}], "max_tokens": 1, "temperature": NaN, "prompt": 5, "input": 5}'


def is_openais(response: Response) -> None:
    body = response.json()
    assert list(body) == ["error"]
    assert list(body["error"]) == ["message", "type", "param", "code"]
    assert body["error"]["message"]
    assert body["error"]["type"] == "invalid_request_error"


def is_anthropics(response: Response) -> None:
    body = response.json()
    assert (list(body), body["type"]) == (["type", "error", "request_id"], "error")
    assert body["error"]["message"]
    assert body["error"]["type"] in ("invalid_request_error", "not_found_error", "request_too_large")
    assert response.headers["request-id"] == body["request_id"]


def is_ollamas(response: Response) -> None:
    body = response.json()
    assert list(body) == ["error"]
    assert isinstance(body["error"], str)
    assert body["error"]


FORMS: list[tuple[dict[tuple[str, str], examples.Operation], Callable[[Response], None]]] = [
    (examples.OPENAI, is_openais),
    (examples.ANTHROPIC, is_anthropics),
    (examples.OLLAMA, is_ollamas),
]
DOORS = [
    pytest.param(method, path, is_form, id=path)
    for operations, is_form in FORMS
    for (method, path), operation in operations.items()
    if operation.takes is not None
]


@pytest.mark.parametrize(("method", "path", "is_form"), DOORS)
async def test_a_body_that_is_none_is_refused_in_the_protocols_form(
    admin: AsyncClient, method: str, path: str, is_form: Callable[[Response], None]
) -> None:
    for name, body in {**BODIES, "not a number": NOT_A_NUMBER}.items():
        response = await admin.request(method, path, content=body)
        assert response.status_code in (400, 404, 413), (name, response.status_code, response.text)
        assert response.headers["content-type"].startswith("application/json"), name
        is_form(response)
        assert response.headers["x-request-id"]


def bodies_of(operation: examples.Operation) -> list[dict[str, Any]]:
    """The example, each field in turn of a type that it never has."""
    assert operation.body is not None
    return [{**operation.body, field: wrong} for field in operation.body for wrong in (0.5, [[[]]])]


@pytest.mark.parametrize(("operations", "is_form"), FORMS)
async def test_a_field_of_the_wrong_type_is_refused_in_the_protocols_form(
    admin: AsyncClient, operations: dict[tuple[str, str], examples.Operation], is_form: Callable[[Response], None]
) -> None:
    for (method, path), operation in operations.items():
        for body in bodies_of(operation) if operation.takes is not None else ():
            response = await admin.request(method, path, json=body)
            assert response.status_code in (400, 404), (path, body, response.text)
            is_form(response)


async def test_another_method_is_refused_in_the_protocols_form_and_says_which_is_taken(admin: AsyncClient) -> None:
    for method, path, is_form in (door.values for door in DOORS):
        response = await admin.request("PATCH", str(path), content=b"{}")
        assert response.status_code == 405
        assert response.headers["allow"] == str(method).upper()
        is_form(response)  # type: ignore[operator]


NAMES = ["\u00ef\U00025f7d", "a\r\nX-Evil: 1", "a\u0000b", " ", "a" * 255, "%2e", "\u202e"]


@pytest.mark.parametrize("name", NAMES)
async def test_a_model_of_any_name_is_unknown_and_nothing_worse(admin: AsyncClient, name: str) -> None:
    for operations, is_form in FORMS:
        for (method, path), operation in operations.items():
            if operation.is_task and operation.body is not None:
                response = await admin.request(method, path, json={**operation.body, "model": name})
                assert response.status_code in (400, 404), (path, response.text)
                is_form(response)
                assert "x-evil" not in response.headers
