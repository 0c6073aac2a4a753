"""A server that repeats what it is asked, so that whatever a request carried comes back; and one that asks for a digest or a token."""

import asyncio
import hashlib
import json
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: str


class Echo:
    """`redirect`: where `/` sends everybody. `/refused` answers 403, `/binary` bytes that are no text, `/slashes` JSON with escaped
    slashes; all repeat the request too."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.redirect = ""
        self.digest = ("", "")
        self.token = ""
        self.tokens_given = 0
        self._server: asyncio.Server | None = None
        self.url = ""

    async def __aenter__(self) -> "Echo":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    def revoke(self) -> None:
        self.token = "revoked"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().split("\r\n")
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                method, target, _ = first.split(" ")
                parts = urlsplit(target)
                request = Request(method, parts.path, parse_qs(parts.query), headers, body.decode())
                self.requests.append(request)
                writer.write(self._answer(request, target))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, request: Request, target: str) -> bytes:
        seen = {"target": target, "headers": request.headers, "body": request.body}
        if request.path == "/token":
            self.tokens_given += 1
            self.token = f"token-number-{self.tokens_given}"
            return _response(200, {"access_token": self.token, "expires_in": 3600})
        if request.path == "/guarded" and request.headers.get("authorization") != f"Bearer {self.token}":
            return _response(401, seen)
        if request.path == "/digest" and not self._knows(request):
            return _response(401, seen, 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth", algorithm=MD5\r\n')
        if request.path == "/" and self.redirect:
            return _response(307, seen, f"Location: {self.redirect}\r\n")
        if request.path == "/binary":
            return _raw(200, b"\xff\xfe" + json.dumps(seen).encode(), "application/octet-stream")
        if request.path == "/slashes":
            return _raw(200, json.dumps(seen).replace("/", "\\/").encode(), "application/json")
        return _response(403 if request.path == "/refused" else 200, seen, f"X-Echo: {target}\r\n")

    def _knows(self, request: Request) -> bool:
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', request.headers.get("authorization", "")))
        if "response" not in given:
            return False
        user, password = self.digest
        left = hashlib.md5(f"{user}:r:{password}".encode()).hexdigest()
        right = hashlib.md5(f"{request.method}:{given['uri']}".encode()).hexdigest()
        wanted = hashlib.md5(f"{left}:n:{given['nc']}:{given['cnonce']}:auth:{right}".encode()).hexdigest()
        return given["response"] == wanted


def _response(status: int, body: object, headers: str = "") -> bytes:
    return _raw(status, json.dumps(body).encode(), "application/json", headers)


def _raw(status: int, body: bytes, kind: str, headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status} S\r\nContent-Type: {kind}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
