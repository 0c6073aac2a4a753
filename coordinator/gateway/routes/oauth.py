"""Where a provider sends a person's browser back to, after they let the hive in or did not."""

from html import escape
from typing import Final

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from bus import subjects
from bus.errors import HiveError
from bus.messages import Claims
from bus.messages.credentials import ConnectResult, ConnectReturn
from coordinator.gateway import verbs
from coordinator.gateway.asking import address_of
from coordinator.gateway.gate import CALLBACK_1_PATH, CALLBACK_PATH
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.identity import read
from coordinator.gateway.routes.declared import Door

router = APIRouter(include_in_schema=False)

SECONDS: Final = 45.0
"""The provider is asked for the token while the browser waits."""
NOBODY: Final = Claims(sub="oauth2", roles=())
DOOR: Final = "connect"
"""By which name the guard knows states: each that is brought is a change, with a record, whoever brings it."""
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",  # the address has the code in it
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><p>{message}</p></body></html>
"""


@router.get(CALLBACK_PATH)
async def callback(request: Request, gateway: Door) -> Response:
    """Answers a page, whatever happened: a person looks at it."""
    given = request.query_params
    return await _finished(request, gateway, code=given.get("code"), error=given.get("error"))


@router.get(CALLBACK_1_PATH)
async def callback_1(request: Request, gateway: Door) -> Response:
    """OAuth 1 has no word for a person who says no; providers use one of these."""
    given = request.query_params
    error = given.get("oauth_problem") or ("denied" if "denied" in given else None)
    return await _finished(request, gateway, token=given.get("oauth_token"), verifier=given.get("oauth_verifier"), error=error)


async def _finished(request: Request, gateway: Gateway, **brought: str | None) -> Response:
    try:
        back = ConnectReturn(state=request.query_params.get("state", ""), by=await _by(request, gateway), **brought)
    except ValidationError:
        return _page(ConnectResult(ok=False, message="This address lacks what a provider sends. Begin to connect anew."))
    try:
        attempt = await gateway.guard.begin(DOOR, address_of(request.scope))
        found = await verbs.order(
            gateway.bus, subjects.SERVICE_CREDENTIALS, "connected", back, ConnectResult, NOBODY, seconds=SECONDS
        )
    except HiveError as error:
        return _page(ConnectResult(ok=False, message=f"{error.message} Begin to connect anew."), error.http_status)
    if found.ok:
        await gateway.guard.succeeded(attempt)
    return _page(found)


async def _by(request: Request, gateway: Gateway) -> str | None:
    """Who the browser is signed in as: one who is must be who began. Most have no key of the API."""
    try:
        read(request.headers)
        return (await gateway.identity.claims("GET", request.headers, address_of(request.scope))).sub
    except HiveError:
        return None


def _page(found: ConnectResult, status: int = 400) -> Response:
    title = "Connected" if found.ok else "Not connected"
    page = _PAGE.format(title=title, message=escape(found.message))
    return Response(page, 200 if found.ok else status, _HEADERS, media_type="text/html")
