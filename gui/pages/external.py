"""Signing in at an OpenID provider: there with a state, a nonce and a PKCE challenge, and back with a code (ADR 0059).

Authlib keeps what belongs to one way there and back in the signed session cookie of this browser, and checks it against what comes back.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from joserfc.errors import JoseError
from nicegui import app as pages
from pydantic import ValidationError

from bus import subjects, telemetry
from bus.errors import HiveError, PermissionDenied, Unauthenticated, Unavailable, UserDisabled, UserExists
from bus.messages.people import BrowserSession
from gui.pages import way_in
from gui.pages.dashboard import Dashboard
from gui.pages.entry import entry
from gui.provider import algorithms, whom
from gui.settings import GuiSettings

logger = telemetry.log(__name__)

START_PATH: Final = "/login/oidc"
CALLBACK_PATH: Final = "/login/oidc/callback"
SECONDS: Final = 10.0
_TOLD: Final = (PermissionDenied, UserDisabled, UserExists)
"""Refusals that the login page has words for; of the others it says that the provider did not vouch, or is away."""


def register(dashboard: Dashboard, settings: GuiSettings) -> str | None:
    """The provider's name for the button."""
    client = _client(settings)

    @pages.get(START_PATH)
    async def start(request: Request, next: str = way_in.HOME) -> Response:
        way_in.keep(request.session, way_in.wanted(next))
        try:
            await _metadata(client, settings)
            redirect: Response = await client.authorize_redirect(request, _callback(request, settings))
        except (httpx.HTTPError, AuthlibBaseError, ValueError, HiveError) as error:
            return _refused(error, request)
        return redirect

    @pages.get(CALLBACK_PATH)
    async def back(request: Request) -> Response:
        door = entry(dashboard, request)
        try:
            asked = whom(await _said(client, request, settings), settings, door.browser)
            verb = subjects.service_verb(subjects.SERVICE_SESSIONS, "enter_externally")
            entered = await dashboard.bus.request(verb, asked, BrowserSession, timeout=SECONDS)
        except (httpx.HTTPError, AuthlibBaseError, JoseError, ValueError, HiveError) as error:
            return _refused(error, request)
        await door.enter(entered, "provider")
        return RedirectResponse(way_in.kept(request.session), status_code=303)

    return settings.oidc_name or urlsplit(settings.oidc_issuer or "").hostname


def _client(settings: GuiSettings) -> Any:
    """Authlib's, which fetches the provider's description when it is first needed."""
    secret = settings.oidc_client_secret
    return OAuth().register(
        name="hive",
        client_id=settings.oidc_client_id,
        client_secret=secret.get_secret_value() if secret else None,
        server_metadata_url=(settings.oidc_issuer or "").rstrip("/") + "/.well-known/openid-configuration",
        client_kwargs={"scope": settings.oidc_scopes, "code_challenge_method": "S256", "timeout": SECONDS},
    )


async def _metadata(client: Any, settings: GuiSettings) -> Mapping[str, Any]:
    """Of the provider itself, and bound to signatures that nobody else can make. Unauthenticated for another's."""
    found: dict[str, Any] = await client.load_server_metadata()
    if str(found.get("issuer", "")).rstrip("/") != (settings.oidc_issuer or "").rstrip("/"):
        raise Unauthenticated("The provider calls itself by another name than HIVE_OIDC_ISSUER.")
    key = "id_token_signing_alg_values_supported"
    found[key] = algorithms(found.get(key))
    return found


async def _said(client: Any, request: Request, settings: GuiSettings) -> dict[str, Any]:
    """What the ID token says, verified, and what the provider adds when it is asked. Unauthenticated."""
    metadata = await _metadata(client, settings)
    token = await client.authorize_access_token(request)
    said = dict(token.get("userinfo") or {})
    if not said.get("sub"):
        raise Unauthenticated("The provider gave no ID token.")
    if metadata.get("userinfo_endpoint"):
        more = dict(await client.userinfo(token=token))
        if more.get("sub") != said["sub"]:
            raise Unauthenticated("The provider told of two different people.")
        said = {**more, **said}
    return said


def _callback(request: Request, settings: GuiSettings) -> str:
    base = (settings.gui_url or f"{request.url.scheme}://{request.url.netloc}").rstrip("/")
    return base + CALLBACK_PATH


def _refused(error: Exception, request: Request) -> Response:
    """To the login page, by a code alone. What the provider wrote stays in the log, and no secret is in it."""
    if isinstance(error, _TOLD):
        code = error.code
    elif isinstance(error, httpx.HTTPError | Unavailable):
        code = Unavailable.code
    else:
        code = Unauthenticated.code
    why = error.message if isinstance(error, HiveError) else type(error).__name__
    logger.info("login_refused", by="provider", code=code, reason="invalid" if isinstance(error, ValidationError) else why)
    return RedirectResponse(way_in.leading(f"{way_in.LOGIN}?refused={code}", way_in.kept(request.session)), status_code=303)
