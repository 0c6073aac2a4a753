"""A real authorization server of OAuth 2 (oauthlib's) with what it guards; beside it a provider of OAuth 1 (authority_1.py)."""

import asyncio
import base64
import json
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from oauthlib import oauth2

from tests.integration.workflow.authority_1 import Provider

CLIENT, SECRET = "hive-client", "client-secret-of-the-hive"


class _Rules(oauth2.RequestValidator):  # type: ignore[misc]
    """One client, which must be known by its secret unless `public`. Refresh tokens are rotated (each works once) unless not `rotates`."""

    def __init__(self) -> None:
        self.codes: dict[str, dict[str, Any]] = {}
        self.access: set[str] = set()
        self.refresh: set[str] = set()
        self.given: list[str] = []
        self.redirects: set[str] = set()
        self.public = False
        self.rotates = True

    def validate_client_id(self, client_id: str, request: Any, *_: Any, **__: Any) -> bool:
        request.client = request.client or _Client()
        return client_id == CLIENT

    def validate_redirect_uri(self, client_id: str, redirect_uri: str, request: Any, *_: Any, **__: Any) -> bool:
        return redirect_uri in self.redirects

    def get_default_scopes(self, *_: Any, **__: Any) -> list[str]:
        return ["read"]

    def validate_scopes(self, client_id: str, scopes: list[str], *_: Any, **__: Any) -> bool:
        return set(scopes) <= {"read", "write"}

    def validate_response_type(self, client_id: str, response_type: str, *_: Any, **__: Any) -> bool:
        return response_type == "code"

    def validate_grant_type(self, client_id: str, grant_type: str, *_: Any, **__: Any) -> bool:
        return grant_type in ("authorization_code", "refresh_token")

    def is_pkce_required(self, client_id: str, request: Any) -> bool:
        return self.public

    def client_authentication_required(self, request: Any, *_: Any, **__: Any) -> bool:
        return not self.public

    def authenticate_client(self, request: Any, *_: Any, **__: Any) -> bool:
        request.client = _Client()
        by_header = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        by_body = (request.client_id, request.client_secret) == (CLIENT, SECRET)
        return request.headers.get("Authorization") == by_header or by_body

    def authenticate_client_id(self, client_id: str, request: Any, *_: Any, **__: Any) -> bool:
        request.client = _Client()
        return client_id == CLIENT

    def save_authorization_code(self, client_id: str, code: dict[str, Any], request: Any, *_: Any, **__: Any) -> None:
        self.codes[code["code"]] = {
            "redirect_uri": request.redirect_uri,
            "scopes": request.scopes,
            "challenge": request.code_challenge,
            "method": request.code_challenge_method,
        }

    def validate_code(self, client_id: str, code: str, client: Any, request: Any, *_: Any, **__: Any) -> bool:
        found = self.codes.get(code)
        if found is None:
            return False
        request.scopes, request.user = found["scopes"], "somebody"
        return True

    def confirm_redirect_uri(self, client_id: str, code: str, redirect_uri: str, *_: Any, **__: Any) -> bool:
        return bool(self.codes[code]["redirect_uri"] == redirect_uri)

    def get_code_challenge(self, code: str, request: Any) -> str | None:
        found: str | None = self.codes[code]["challenge"]
        return found

    def get_code_challenge_method(self, code: str, request: Any) -> str | None:
        found: str | None = self.codes[code]["method"]
        return found

    def invalidate_authorization_code(self, client_id: str, code: str, *_: Any, **__: Any) -> None:
        del self.codes[code]

    def rotate_refresh_token(self, request: Any) -> bool:
        return self.rotates

    def save_bearer_token(self, token: dict[str, Any], request: Any, *_: Any, **__: Any) -> None:
        self.refresh.discard(request.refresh_token)
        self.access.add(token["access_token"])
        self.refresh.add(token["refresh_token"])
        self.given += [token["access_token"], token["refresh_token"]]

    def validate_refresh_token(self, refresh_token: str, *_: Any, **__: Any) -> bool:
        return refresh_token in self.refresh

    def get_original_scopes(self, *_: Any, **__: Any) -> list[str]:
        return ["read"]

    def validate_bearer_token(self, token: str, scopes: list[str], request: Any) -> bool:
        return token in self.access


class _Client:
    client_id = CLIENT


class Authority:
    """`/authorize` lets everybody in, or nobody while `refusing`; `/token`; `/guarded` takes a token. `one`: of OAuth 1."""

    def __init__(self) -> None:
        self.rules, self.one = _Rules(), Provider()
        self.refusing = False
        self.token_requests: list[dict[str, str]] = []
        self.guarded: list[int] = []
        self.expires_in = 3600
        self.held = asyncio.Event()
        self.held.set()
        self._oauth2 = oauth2.WebApplicationServer(self.rules, token_expires_in=lambda _request: self.expires_in)

    async def __aenter__(self) -> "Authority":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def data(self, **more: Any) -> dict[str, Any]:
        return {
            "grantType": "authorizationCode",
            "authUrl": f"{self.url}/authorize",
            "accessTokenUrl": f"{self.url}/token",
            "clientId": CLIENT,
            "clientSecret": SECRET,
            "scope": "read",
            **more,
        }

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().split("\r\n")
                headers = {name.title(): value for name, value in (line.split(": ", 1) for line in lines if line)}
                body = (await reader.readexactly(int(headers.get("Content-Length", "0")))).decode()
                method, target, _ = first.split(" ")
                status, more, answer = await self._answer(method, target, headers, body)
                told = "".join(f"{name}: {value}\r\n" for name, value in more.items())
                writer.write(f"HTTP/1.1 {status} S\r\n{told}Content-Length: {len(answer)}\r\n\r\n{answer}".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, method: str, target: str, headers: dict[str, str], body: str) -> tuple[int, dict[str, str], str]:
        url, path = self.url + target, urlsplit(target).path
        if path == "/authorize":
            return self._authorized(url, method, headers)
        if path == "/token":
            self.token_requests.append(dict(parse_qsl(body)))
            await self.held.wait()
            more, answer, status = self._oauth2.create_token_response(url, method, body, headers)
            return status, more, answer
        if path == "/repeats":
            told = {
                "error": "invalid_client",
                "error_description": f"none of {SECRET} {dict(parse_qsl(body)).get('refresh_token')}",
            }
            return 400, {}, json.dumps(told)
        if path == "/signed" or path.startswith("/oauth1/"):
            return self.one.answer(path, url, method, headers, body)
        ok, _ = self._oauth2.verify_request(url, method, body, headers, ["read"])
        self.guarded.append(200 if ok else 401)
        return self.guarded[-1], {"Content-Type": "application/json"}, json.dumps({"ok": ok, "seen": headers})

    def _authorized(self, url: str, method: str, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        try:
            scopes, given = self._oauth2.validate_authorization_request(url, method, None, headers)
        except oauth2.OAuth2Error as error:
            return 400, {}, error.json
        if self.refusing:
            denied = urlencode({"error": "access_denied", "state": given["state"]})
            return 302, {"Location": f"{given['redirect_uri']}?{denied}"}, ""
        more, _, status = self._oauth2.create_authorization_response(url, method, None, headers, scopes, given)
        return status, more, ""


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
