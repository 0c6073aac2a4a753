"""Why a request got no answer, as n8n says it: a message for people, and the object with a code that an item shows."""

import errno
import socket
import ssl
from collections.abc import Iterator
from typing import Final

import httpx
from pydantic import JsonValue

from workflow.core.failure import Failure

_TITLES: Final = {
    "ECONNREFUSED": "The service refused the connection - perhaps it is offline",
    "ENOTFOUND": "The connection cannot be established, this usually occurs due to an incorrect host (domain) value",
    "ECONNABORTED": "The connection was aborted, perhaps the server is offline",
    "ECONNRESET": "The connection to the server was closed unexpectedly, perhaps it is offline. "
    "You can retry the request immediately or wait and retry later.",
    "ETIMEDOUT": "The connection timed out, consider setting the 'Retry on Fail' option in the node settings",
}
_REDIRECTS: Final = "ERR_FR_TOO_MANY_REDIRECTS"
_CUT: Final = "without sending complete message body"
_CERTIFICATES: Final = {
    10: "CERT_HAS_EXPIRED",
    18: "DEPTH_ZERO_SELF_SIGNED_CERT",
    19: "SELF_SIGNED_CERT_IN_CHAIN",
    20: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    21: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    62: "ERR_TLS_CERT_ALTNAME_INVALID",
}
"""What OpenSSL's numbers are called."""


def timed_out(seconds: float) -> Failure:
    return _failure("ECONNABORTED", f"timeout of {seconds * 1000:g}ms exceeded", name="AxiosError", code="deadline_exceeded")


def too_many_redirects() -> Failure:
    return _failure(_REDIRECTS, "Maximum number of redirects exceeded", name=f"Error [{_REDIRECTS}]")


def invalid_url(url: str) -> Failure:
    return Failure(message="Invalid URL", name="NodeApiError", shown={"code": "ERR_INVALID_URL", "input": url})


def no_answer(error: httpx.HTTPError) -> Failure:
    """Of a connection that was not made, or ended too early."""
    text = str(error)
    if isinstance(error, httpx.ConnectError) and text.startswith(("connect ", "getaddrinfo ")):
        return _failure(text.split(" ")[1], text)
    if isinstance(error, httpx.ConnectTimeout):
        return _failure("ETIMEDOUT", "connect ETIMEDOUT")
    if isinstance(error, httpx.RemoteProtocolError) and _CUT in text:
        return Failure(message="aborted", name="NodeApiError")
    if isinstance(error, httpx.ReadError | httpx.WriteError | httpx.RemoteProtocolError) and _is_reset(error):
        return _failure("ECONNRESET", "socket hang up")
    if (insecure := next((each for each in _causes(error) if isinstance(each, ssl.SSLError)), None)) is not None:
        return _not_secured(insecure)
    return Failure(message=f"The service does not answer: {text or type(error).__name__}", name="NodeApiError")


def _not_secured(error: ssl.SSLError) -> Failure:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _failure(_CERTIFICATES.get(error.verify_code, "ERR_TLS"), error.verify_message)
    return _failure("EPROTO", f"write EPROTO {error.reason or error}")


def not_connected(error: BaseException, address: str, port: int) -> str | None:
    """`connect ECONNREFUSED 127.0.0.1:9`: what kept a connection from being made, where the system says it."""
    number = next((each.errno for each in _causes(error) if isinstance(each, OSError) and each.errno in errno.errorcode), None)
    return None if number is None else f"connect {errno.errorcode[number]} {address}:{port}"


def not_resolved(error: OSError, host: str) -> str:
    again = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
    return f"getaddrinfo {'EAI_AGAIN' if again else 'ENOTFOUND'} {host}"


def _is_reset(error: httpx.HTTPError) -> bool:
    return "disconnected" in str(error) or any(isinstance(each, ConnectionError | BrokenPipeError) for each in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _causes(each)
        error = error.__cause__ or error.__context__


def _failure(shown_code: str, text: str, *, name: str = "Error", code: str = "node_failed") -> Failure:
    shown: dict[str, JsonValue] = {"message": text, "name": name, "stack": f"{name}: {text}", "code": shown_code}
    title = _TITLES.get(shown_code, text)
    return Failure(message=title, code=code, name="NodeApiError", description=text if title != text else None, shown=shown)
