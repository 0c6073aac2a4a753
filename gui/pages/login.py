"""The way in: a name and a password, an OpenID provider, an API key, or a one-time link that `hive up` prints."""

from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse
from nicegui import ui
from nicegui.events import GenericEventArguments
from pydantic import ValidationError

from bus import subjects, telemetry
from bus.codec import explain
from bus.errors import BusUnavailable, HiveError, TooManyAttempts, Unauthenticated
from bus.messages import Claims, FailureInfo, RedeemTicket
from bus.messages.people import BrowserSession, SignIn
from gui import sessions
from gui.elements.parts import LoginForm
from gui.pages import shell, way_in
from gui.pages.dashboard import Dashboard
from gui.pages.entry import DOOR, Entry, entry, session_by_key

logger = telemetry.log(__name__)

REDEEM_SECONDS = 5.0
ENTER_SECONDS = 10.0


def register(dashboard: Dashboard, provider: str | None = None) -> None:
    """`provider`: the name on the button of the OpenID provider, where there is one."""

    @ui.page("/login", title="Log in · Hive", response_timeout=REDEEM_SECONDS + 3)
    async def login(request: Request, ticket: str = "", refused: str = "", next: str = way_in.HOME) -> RedirectResponse | None:
        door, wanted = entry(dashboard, request), way_in.wanted(next)
        if sessions.signed_out(door.storage):
            return _anew(request)
        failure = await _redeem(door, ticket) if ticket else _by_provider(refused)
        if door.claims() is None:
            await door.recall()
        if door.claims() is not None:
            return RedirectResponse(wanted, status_code=303)
        _form(door, failure, provider, wanted)
        return None


def _anew(request: Request) -> RedirectResponse:
    """Without the cookie of the login that is over: nobody who still knows that browser, such as a replica, lets this one in by it."""
    request.session.clear()
    return RedirectResponse(f"{request.url.path}?{request.url.query}".rstrip("?"), status_code=303)


async def _redeem(door: Entry, ticket: str) -> FailureInfo | None:
    """None when the ticket let its holder in. The redirect that follows takes it out of the address bar."""
    verb = subjects.service_verb(subjects.SERVICE_KEYS, "redeem")
    try:
        async with door.guarded():
            claims = await door.dashboard.bus.request(verb, RedeemTicket(ticket=ticket), Claims, timeout=REDEEM_SECONDS)
    except HiveError as error:
        logger.info("login_refused", by="ticket", code=error.code)
        return FailureInfo(code=error.code, message=error.message)
    await door.welcome(session_by_key(claims), "ticket")
    return None


def _by_provider(code: str) -> FailureInfo | None:
    """What the way back from the provider says by a code (gui/pages/external.py): an address must not be able to put words here."""
    return REFUSALS.get(code)


REFUSALS = {
    "unauthenticated": FailureInfo(
        code="unauthenticated", message="The provider did not vouch for you, or you took too long. Try again."
    ),
    "permission_denied": FailureInfo(
        code="permission_denied", message="Your account at the provider has no role here, or is not of an allowed domain."
    ),
    "user_exists": FailureInfo(code="user_exists", message="Your name is that of another user here. Ask who manages users."),
    "user_disabled": FailureInfo(code="user_disabled", message="You are disabled here. Ask who manages users."),
    "unavailable": FailureInfo(code="unavailable", message="The provider, or the hive, does not answer. Try again shortly."),
}


def _form(door: Entry, failure: FailureInfo | None, provider: str | None, wanted: str) -> None:
    shell.dress()
    with ui.element("main").classes("hv-login"), ui.element("div").classes("hv-card hv-login-card"):
        shell.brand()
        shell.text("h1", "Log in to the dashboard")
        shell.sentence("With your name and password, with an API key, or by the link that `hive up` printed.")
        form = LoginForm(failure, provider, wanted)
        shell.sentence("Lost all? `hive login` on the machine that Hive runs on prints a new link.", "hv-small hv-muted")

    async def log_in(event: GenericEventArguments) -> None:
        claims = door.dashboard.keyring.find(str(event.args))
        if claims is None:
            form.refuse(await _refused(door))
            return
        await door.welcome(session_by_key(claims), "key")
        ui.navigate.to(wanted)

    async def enter(event: GenericEventArguments) -> None:
        try:
            entered = await _entered(door, event.args)
        except HiveError as error:
            logger.info("login_refused", by="password", code=error.code)
            form.refuse(FailureInfo(code=error.code, message=error.message))
            return
        await door.enter(entered, "password")
        ui.navigate.to(wanted)

    form.on("login", log_in)
    form.on("enter", enter)


async def _entered(door: Entry, given: Any) -> BrowserSession:
    try:
        asked = SignIn.model_validate({**given, "address": door.address, "browser": door.browser})
    except (ValidationError, TypeError) as error:
        raise explain(error) if isinstance(error, ValidationError) else Unauthenticated("This is no login.") from None
    verb = subjects.service_verb(subjects.SERVICE_SESSIONS, "enter")
    return await door.dashboard.bus.request(verb, asked, BrowserSession, timeout=ENTER_SECONDS, patience=3.0)


async def _refused(door: Entry) -> FailureInfo:
    """Counted, unless no key can be checked. A key that holds is let in however many were wrong: it cannot be guessed."""
    if door.dashboard.bus.connected:
        try:
            await door.dashboard.guard.failed(await door.dashboard.guard.begin(DOOR, door.address))
        except TooManyAttempts as error:
            return FailureInfo(code=error.code, message=error.message)
    return _refusal(door.dashboard)


def _refusal(dashboard: Dashboard) -> FailureInfo:
    if not dashboard.bus.connected:
        return FailureInfo(
            code=BusUnavailable.code, message="The bus does not answer, so no key can be checked. Try again shortly."
        )
    return FailureInfo(code=Unauthenticated.code, message="No key like this holds. Check that it is whole, or make a new one.")
