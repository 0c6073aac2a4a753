"""Carries out `CallHttp`: by httpx, through connections that the guard lets be made, with a bound on the answer."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLContext
from typing import Any, Final

import httpcore
import httpx
from httpcore import AsyncNetworkBackend, AsyncNetworkStream

from bus.errors import RequestRefused
from workflow.core.effects import CallHttp
from workflow.core.execution import Reply
from workflow.core.failure import Failure
from workflow.credentials.http_auth import HttpAuth, cleared, cleared_bytes, cleared_text, with_body, with_query
from workflow.outside.guard import Guard
from workflow.outside.http_failures import invalid_url, no_answer, not_connected, not_resolved, timed_out, too_many_redirects
from workflow.outside.reaching import resolved
from workflow.outside.sharing import Shares
from workflow.running.fence import Fence

KEY_HEADER: Final = "Idempotency-Key"
NO_AUTH: Final = HttpAuth()
_HOME: Final = "hive_home"
"""Of a request: where its credential belongs, and what of the request is the credential."""
MOST_OF_ONE: Final = 100
"""Requests that the workflows of one owner have under way here. What waits for its place has all of its time still before it."""
_CONNECTIONS: Final = httpx.Limits(max_connections=5 * MOST_OF_ONE, max_keepalive_connections=20)
_METHOD: Final = "hive_method"
"""Of a request: how it was sent first; a redirect may make another of it."""
CONNECT_SECONDS: Final = 10.0


class GuardedBackend(AsyncNetworkBackend):
    """Resolves a name, asks the guard about every address, and connects to one that it was asked about."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        try:
            addresses = await resolved(self._guard, host, port)
        except OSError as error:
            raise httpcore.ConnectError(not_resolved(error, host)) from error
        for address in addresses[:-1]:
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        try:
            return await self._backend.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)
        except httpcore.ConnectError as error:
            raise httpcore.ConnectError(not_connected(error, addresses[-1], port) or str(error)) from error

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> AsyncNetworkStream:
        raise RequestRefused("Workflows reach no unix sockets.")

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


class HttpCalls:
    """One pool of connections where certificates are checked, and one where not. `max_bytes`: of an answer. `fence`: passed before a request
    leaves."""

    def __init__(self, guard: Guard, max_bytes: int, fence: Fence | None = None) -> None:
        self._guard, self._max_bytes, self._fence = guard, max_bytes, fence or Fence()
        self._clients: dict[bool, httpx.AsyncClient] = {}
        self._shares = Shares(MOST_OF_ONE)

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def carry_out(self, effect: CallHttp, auth: HttpAuth = NO_AUTH, owner: str = "") -> Reply:
        """Never raises: what goes wrong is the reply's failure. Neither that nor the answer has what `auth` added."""
        async with self._shares.place(owner):
            reply = await self._carried_out(effect, auth)
        return reply if reply.failure is None else _cleared(reply.failure, auth)

    async def _carried_out(self, effect: CallHttp, auth: HttpAuth) -> Reply:
        try:
            async with asyncio.timeout(effect.timeout_seconds):
                return Reply(value=await self._call(effect, auth))
        except RequestRefused as error:
            return _failed(error.message, code=error.code)
        except TimeoutError:
            return Reply(failure=timed_out(effect.timeout_seconds))
        except httpx.TooManyRedirects:
            return Reply(failure=too_many_redirects())
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            return Reply(failure=invalid_url(effect.url))
        except ValueError as error:
            return _failed(f"Invalid URL or request: {error}")
        except httpx.HTTPError as error:
            return Reply(failure=no_answer(error))

    async def _check_target(self, request: httpx.Request) -> None:
        """A proxy resolves the name itself, so this is as near as the guard comes: before each request, redirects among them."""
        url = request.url
        try:
            await resolved(self._guard, url.host, url.port or 443)
        except OSError:
            raise RequestRefused(f"The name {url.host} cannot be resolved, so a proxy is not asked for it.") from None

    async def _call(self, effect: CallHttp, auth: HttpAuth) -> dict[str, Any]:
        auth.require_way(proxied=effect.proxy is not None, verified=effect.verify_tls)
        async with self._client(effect) as client:
            return await self._asked(client, effect, auth)

    async def _asked(self, client: httpx.AsyncClient, effect: CallHttp, auth: HttpAuth) -> dict[str, Any]:
        client.max_redirects = max(client.max_redirects, effect.max_redirects)
        request = _request(client, effect, auth)
        auth.require_host(request.url.host)
        digest = httpx.DigestAuth(*auth.digest) if auth.digest is not None else None
        request.extensions["trace"] = self._before_it_leaves
        response = await client.send(request, stream=True, auth=digest, follow_redirects=effect.follow_redirects)
        try:
            if len(response.history) > effect.max_redirects:
                raise httpx.TooManyRedirects("", request=request)
            return _value(response, await self._read(response), auth)
        finally:
            await response.aclose()

    async def _before_it_leaves(self, step: str, _about: Mapping[str, Any]) -> None:
        """httpcore tells of each step. By this one a connection stands, which may have taken seconds, and nothing was written; a redirect comes here anew."""
        if step.endswith(".send_request_headers.started"):
            await self._fence.passed()

    async def _read(self, response: httpx.Response) -> bytes:
        pieces, size = [], 0
        async for piece in response.aiter_bytes():
            size += len(piece)
            if size > self._max_bytes:
                raise RequestRefused(f"The answer has more than {self._max_bytes:,} bytes (HIVE_WORKFLOW_MAX_ANSWER_BYTES).")
            pieces.append(piece)
        return b"".join(pieces)

    @asynccontextmanager
    async def _client(self, effect: CallHttp) -> AsyncIterator[httpx.AsyncClient]:
        """One with a proxy is not kept: some workflows have another proxy, or another name at it, for each request."""
        verify, proxy = effect.verify_tls, effect.proxy
        if proxy is not None:
            async with self._new_client(verify, proxy) as client:
                yield client
            return
        if verify not in self._clients:
            self._clients[verify] = self._new_client(verify, None)
        yield self._clients[verify]

    @cached_property
    def _tls(self) -> SSLContext:
        """Made once: it reads a file of certificates."""
        return httpx.create_ssl_context()

    def _new_client(self, verify: bool, proxy: str | None) -> httpx.AsyncClient:
        transport = httpx.AsyncHTTPTransport(verify=self._tls if verify else False, proxy=proxy, limits=_CONNECTIONS)
        # httpx has no setting for it; the pool's own attribute is where every connection is made
        transport._pool._network_backend = GuardedBackend(self._guard)
        # all workflows share the client: a cookie that was set for one is not sent for another
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        # trust_env off: a proxy of the environment would be the engine's, not the workflow's
        before: list[Any] = [_keep_at_home] if proxy is None else [_keep_at_home, self._check_target]
        return httpx.AsyncClient(
            transport=transport, cookies=no_cookies, trust_env=False, max_redirects=50, event_hooks={"request": before}
        )


def _request(client: httpx.AsyncClient, effect: CallHttp, auth: HttpAuth) -> httpx.Request:
    """What the credential says counts, where the node says something else."""
    headers = {name: value for name, value in effect.headers.items() if name.lower() not in auth.headers} | dict(auth.headers)
    if all(name.lower() != KEY_HEADER.lower() for name in headers):
        headers[KEY_HEADER] = effect.key
    content = base64.b64decode(effect.body_base64) if effect.body_base64 is not None else (effect.body or "").encode()
    if auth.body:
        content = with_body(content, auth.body)
        headers.setdefault("content-type", "application/json")
    url = with_query(effect.url, auth.query)
    sent = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    request = client.build_request(effect.method, url, headers=sent, content=content or None, timeout=effect.timeout_seconds)
    request.extensions[_METHOD] = request.method
    request.extensions[_HOME] = (_origin(request.url), tuple(auth.headers), bool(auth.body))
    return request


def _without(request: httpx.Request, names: Iterable[str]) -> None:
    for name in names:
        if name in request.headers:
            del request.headers[name]


async def _keep_at_home(request: httpx.Request) -> None:
    """A redirect to somewhere else takes no credential along. httpx drops `Authorization` itself, and no header that it does not know."""
    if request.method != request.extensions.get(_METHOD, request.method):
        _without(request, ("content-type",))  # it has no body any more
    origin, headers, in_body = request.extensions.get(_HOME, (None, (), False))
    if origin is None or _origin(request.url) == origin:
        return
    _without(request, headers)
    if in_body and request.method not in ("GET", "HEAD"):
        raise RequestRefused(f"The service redirects to {request.url.host}, which the credential in the body is not for.")


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _value(response: httpx.Response, content: bytes, auth: HttpAuth) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "status": response.status_code,
        "status_text": response.extensions.get("reason_phrase", b"").decode("latin-1"),
        "headers": _headers(response),
        "url": str(response.url),
    }
    shown = cleared(shown, auth.secrets)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return {**shown, "body_base64": base64.b64encode(cleared_bytes(content, auth.secrets)).decode()}
    return {**shown, "body": cleared_text(text, auth.secrets)}


def _headers(response: httpx.Response) -> dict[str, Any]:
    """Cookies are a list, however many there are."""
    cookies = response.headers.get_list("set-cookie")
    return {**response.headers, **({"set-cookie": cookies} if cookies else {})}


def _cleared(failure: Failure, auth: HttpAuth) -> Reply:
    message, description, shown = cleared([failure.message, failure.description, failure.shown], auth.secrets)
    return Reply(failure=replace(failure, message=message, description=description, shown=shown))


def _failed(message: str, code: str = "node_failed") -> Reply:
    return Reply(failure=Failure(message=message, code=code, name="NodeApiError"))
