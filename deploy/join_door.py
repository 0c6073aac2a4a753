"""The door that takes a join token, asked from the host that has one, by Python's own client: nothing else is needed.

A token may carry the fingerprint of the authority by which that hive has its certificates. The host then asks for the authority first,
believes it if it has that fingerprint, and shows the token to nobody whose certificate is not of it.
"""

import hashlib
import hmac
import http.client
import json
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from bus.errors import InvalidRequest, Unavailable, UntrustedHive, from_code
from bus.hosts import in_url
from bus.messages.joining import JoinGrant, JoinHive

PATH: Final = "/api/join"
AUTHORITY_PATH: Final = "/api/join/authority"
DEFAULT_PORT: Final = 8420
ANSWER_SECONDS: Final = 20.0
MOST_BYTES: Final = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Door:
    """`authority`: the certificate of whoever vouches for the hive, as PEM; None: one that this machine trusts."""

    url: str
    authority: str | None = None

    @property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.authority)


def with_address(token: str, api: str, fingerprint: str | None) -> str:
    """What a person types on the new host."""
    return f"{token}@{api.removeprefix('http://')}{f'#{fingerprint}' if fingerprint else ''}"


def open_door(named: str, fingerprint: str | None) -> Door:
    """Blocks. UntrustedHive for one whose authority has another fingerprint; Unavailable; InvalidRequest."""
    url = door_url(named)
    if not fingerprint:
        return Door(url=url)
    if not url.startswith("https://"):
        raise InvalidRequest("The token carries a fingerprint, so its address must begin with https://. Copy the whole of it.")
    unverified = ssl.create_default_context()
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE  # the fingerprint tells
    status, body = _ask(url, "GET", AUTHORITY_PATH, None, unverified)
    try:
        authority = body.decode()
        if hmac.compare_digest(hashlib.sha256(ssl.PEM_cert_to_DER_cert(authority.strip())).hexdigest(), fingerprint.lower()):
            return Door(url=url, authority=authority)
    except ValueError:
        raise Unavailable(
            f"What answers at {url} is no hive with TLS (HTTP {status}). Name the hive's API with --url."
        ) from None
    raise UntrustedHive(
        f"What answers at {url} is not the hive that made this token: its authority has another fingerprint. It was shown nothing. "
        "Make a new token on the hive's machine; if it happens again, somebody stands between."
    )


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
    port = port or (None if separator else DEFAULT_PORT)
    return f"{parts.scheme}://{in_url(host)}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def ask_to_join(door: Door, request: JoinHive) -> JoinGrant:
    """Blocks. The gateway's own refusal as it is; Unavailable when no hive answers there."""
    api = door.url
    status, body = _ask(api, "POST", PATH, request.model_dump_json().encode(), door.context)
    try:
        if status == HTTPStatus.OK:
            return JoinGrant.model_validate_json(body)
        problem = json.loads(body)
        refusal = from_code(str(problem["code"]), str(problem["detail"]))
    except (ValueError, ValidationError, KeyError, TypeError):
        raise Unavailable(f"What answers at {api} is no hive (HTTP {status}). Name the hive's API with --url.") from None
    raise refusal


def _ask(api: str, method: str, path: str, body: bytes | None, context: ssl.SSLContext) -> tuple[int, bytes]:
    parts = urlsplit(api)
    secure = parts.scheme == "https"
    connection = (
        http.client.HTTPSConnection(parts.netloc, timeout=ANSWER_SECONDS, context=context)
        if secure
        else http.client.HTTPConnection(parts.netloc, timeout=ANSWER_SECONDS)
    )
    try:
        connection.request(method, f"{parts.path}{path}", body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read(MOST_BYTES)
    except ssl.SSLCertVerificationError as error:
        raise UntrustedHive(
            f"The certificate of {api} is not believed: {error.verify_message}. It was shown nothing."
        ) from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise Unavailable(
            f"The hive's API at {api} does not answer: {reason}. It must listen beyond loopback (hive up --listen, or HIVE_HOST=0.0.0.0); "
            "name another address with --url."
        ) from None
    finally:
        connection.close()
