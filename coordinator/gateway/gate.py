"""Nothing answers without a key, and what is added tomorrow does not either: the exceptions are listed here."""

import secrets
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from bus.errors import Unauthenticated
from bus.guarding.guard import Guard
from bus.messages import Claims
from coordinator.gateway.address_keys import hash_for
from coordinator.gateway.asking import CLAIMS, WEBHOOK_PREFIXES, address_of, via
from coordinator.gateway.identity import Identity
from coordinator.gateway.llm import dialects
from coordinator.gateway.settings import GatewaySettings

LOGIN_PATH: Final = "/api/auth/login"
REFRESH_PATH: Final = "/api/auth/refresh"
"""What these two are sent is the secret."""
JWKS_PATH: Final = "/.well-known/jwks.json"
JOIN_PATH: Final = "/api/join"
"""Takes a join token instead, and bounds how often somebody may try one."""
AUTHORITY_PATH: Final = "/api/join/authority"
"""A certificate is for everybody; who has a join token knows its fingerprint."""
OPEN_PATHS: Final = frozenset({"/healthz", "/readyz", JWKS_PATH, AUTHORITY_PATH})
METRICS_PATH: Final = "/metrics"
CALLBACK_PATH: Final = "/oauth2/callback"
"""Where a provider sends a browser back: the state that it brings is the secret."""
CALLBACK_1_PATH: Final = "/oauth1/callback"
_SECRET_IS_SENT: Final = frozenset({JOIN_PATH, CALLBACK_PATH, CALLBACK_1_PATH, LOGIN_PATH, REFRESH_PATH})


class Gate:
    """ASGI: who asks is known before anything of the request is read."""

    def __init__(self, app: ASGIApp, identity: Identity, guard: Guard, settings: GatewaySettings) -> None:
        self._app, self._identity, self._guard, self._settings = app, identity, guard, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            if scope["path"] == METRICS_PATH:
                await self._scraped(scope, headers)
            elif not _is_open(scope["path"]):
                address = address_of(scope)
                found = await self._by_address(scope, headers)
                claims = found or await self._identity.claims(scope["method"], headers, address)
                scope[CLAIMS] = claims.model_copy(update={"address": address, "via": via(scope)})
        await self._app(scope, receive, send)

    async def _by_address(self, scope: Scope, headers: Headers) -> Claims | None:
        """At the doors of clients that cannot send a key. None where an address says nothing."""
        keys = self._settings.address_keys
        if not keys or not dialects.takes_addresses(scope["path"]):
            return None
        key_hash = hash_for(address_of(scope) or None, headers, keys)
        return None if key_hash is None else await self._identity.known(key_hash)

    async def _scraped(self, scope: Scope, headers: Headers) -> None:
        """Unauthenticated, TooManyAttempts. Who scrapes with the right token is never asked to wait."""
        try:
            check_scrape(self._settings, headers)
        except Unauthenticated:
            if "authorization" in headers:
                await self._guard.failed(await self._guard.begin("metrics", address_of(scope)))
            raise


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or path in _SECRET_IS_SENT or path.startswith(WEBHOOK_PREFIXES)


def check_scrape(settings: GatewaySettings, headers: Headers) -> None:
    """/metrics is open to this machine; beyond it the scrape token is needed. Unauthenticated otherwise."""
    if settings.on_loopback:
        return
    if settings.metrics_token is None:
        raise Unauthenticated("/metrics is closed beyond loopback. Set HIVE_METRICS_TOKEN and send it as Bearer.")
    given = headers.get("authorization", "").removeprefix("Bearer ")
    if not secrets.compare_digest(given.encode(), settings.metrics_token.get_secret_value().encode()):
        raise Unauthenticated("/metrics needs the scrape token of HIVE_METRICS_TOKEN as Bearer.")
