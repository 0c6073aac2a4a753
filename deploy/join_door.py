"""The door that takes a join token, asked from the host that has one. Plain HTTP by Python's own client: nothing else is needed."""

import http.client
import json
import ssl
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from bus.errors import InvalidRequest, Unavailable, from_code
from bus.messages.joining import JoinGrant, JoinHive

PATH: Final = "/api/join"
DEFAULT_PORT: Final = 8420
ANSWER_SECONDS: Final = 20.0
MOST_BYTES: Final = 64 * 1024


def door_url(named: str) -> str:
    """`host`, `host:port` or a URL, as a base URL without a `/` at its end. InvalidRequest."""
    separator = "://" in named
    try:
        parts = urlsplit(named if separator else f"http://{named}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in ("http", "https") or parts.username or parts.query or parts.fragment:
        raise InvalidRequest(f"`{named.rpartition('@')[2]}` is no address of an API. Write it like http://hive-machine:8420.")
    bracketed = f"[{host}]" if ":" in host else host
    port = port or (None if separator else DEFAULT_PORT)
    return f"{parts.scheme}://{bracketed}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def ask_to_join(api: str, request: JoinHive) -> JoinGrant:
    """Blocks. The gateway's own refusal as it is; Unavailable when no hive answers there."""
    status, body = _post(api, request.model_dump_json().encode())
    try:
        if status == HTTPStatus.OK:
            return JoinGrant.model_validate_json(body)
        problem = json.loads(body)
        refusal = from_code(str(problem["code"]), str(problem["detail"]))
    except (ValueError, ValidationError, KeyError, TypeError):
        raise Unavailable(f"What answers at {api} is no hive (HTTP {status}). Name the hive's API with --url.") from None
    raise refusal


def _post(api: str, body: bytes) -> tuple[int, bytes]:
    parts = urlsplit(api)
    try:
        if parts.scheme == "https":
            context = ssl.create_default_context()
            secure = http.client.HTTPSConnection(parts.netloc, timeout=ANSWER_SECONDS, context=context)
            return _exchange(secure, parts.path, body)
        return _exchange(http.client.HTTPConnection(parts.netloc, timeout=ANSWER_SECONDS), parts.path, body)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise Unavailable(
            f"The hive's API at {api} does not answer: {reason}. It must listen beyond loopback (HIVE_HOST=0.0.0.0); name another "
            "address with --url."
        ) from None


def _exchange(connection: http.client.HTTPConnection, path: str, body: bytes) -> tuple[int, bytes]:
    try:
        connection.request("POST", f"{path}{PATH}", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read(MOST_BYTES)
    finally:
        connection.close()
