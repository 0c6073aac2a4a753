"""The way in: a name and a password, an OpenID provider, an API key, or a one-time link that `hive up` prints."""

from typing import Any

from fastapi.responses import RedirectResponse
from nicegui import ui
from nicegui.events import GenericEventArguments
from pydantic import ValidationError

from bus import subjects, telemetry
from bus.codec import explain
from bus.errors import BusUnavailable, HiveError, Unauthenticated
from bus.messages import Claims, FailureInfo, RedeemTicket
from bus.messages.people import BrowserSession, SignIn
from gui.elements.parts import LoginForm
from gui.pages import shell
from gui.pages.dashboard import Dashboard
from gui.pages.entry import Entry, entry, session_by_key

logger = telemetry.log(__name__)

REDEEM_SECONDS = 5.0
ENTER_SECONDS = 10.0


def register(dashboard: Dashboard, provider: str | None = None) -> None:
    """`provider`: the name on the button of the OpenID provider, where there is one."""

    @ui.page("/login", title="Log in · Hive", response_timeout=REDEEM_SECONDS + 3)
    async def login(ticket: str = "", refused: str = "") -> RedirectResponse | None:
        door = entry(dashboard)
        failure = await _redeem(door, ticket) if ticket else _by_provider(refused)
        if door.claims() is None:
            await door.recall()
        if door.claims() is not None:
            return RedirectResponse("/", status_code=303)
        _form(door, failure, provider)
        return None


async def _redeem(door: Entry, ticket: str) -> FailureInfo | None:
    """None when the ticket let its holder in. The redirect that follows takes it out of the address bar."""
    verb = subjects.service_verb(subjects.SERVICE_KEYS, "redeem")
    try:
        claims = await door.dashboard.bus.request(verb, RedeemTicket(ticket=ticket), Claims, timeout=REDEEM_SECONDS)
    except HiveError as error:
        logger.info("login_refused", by="ticket", code=error.code)
        return FailureInfo(code=error.code, message=error.message)
    door.let_in(session_by_key(claims))
    logger.info("login", by="ticket", owner=claims.sub)
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


def _form(door: Entry, failure: FailureInfo | None, provider: str | None) -> None:
    shell.dress()
    with ui.element("main").classes("hv-login"), ui.element("div").classes("hv-card hv-login-card"):
        shell.brand()
        shell.text("h1", "Log in to the dashboard")
        shell.sentence("With your name and password, with an API key, or by the link that `hive up` printed.")
        form = LoginForm(failure, provider)
        shell.sentence("Lost all? `hive login` on the machine that Hive runs on prints a new link.", "hv-small hv-muted")

    def log_in(event: GenericEventArguments) -> None:
        claims = door.dashboard.keyring.find(str(event.args))
        if claims is None:
            form.refuse(_refusal(door.dashboard))
            return
        door.let_in(session_by_key(claims))
        logger.info("login", by="key", owner=claims.sub)
        ui.navigate.to("/")

    async def enter(event: GenericEventArguments) -> None:
        try:
            entered = await _entered(door, event.args, form.client.ip)
        except HiveError as error:
            logger.info("login_refused", by="password", code=error.code)
            form.refuse(FailureInfo(code=error.code, message=error.message))
            return
        await door.enter(entered)
        logger.info("login", by="password", owner=entered.claims.sub)
        ui.navigate.to("/")

    form.on("login", log_in)
    form.on("enter", enter)


async def _entered(door: Entry, given: Any, address: str | None) -> BrowserSession:
    try:
        asked = SignIn.model_validate({**given, "address": address, "browser": door.browser})
    except (ValidationError, TypeError) as error:
        raise explain(error) if isinstance(error, ValidationError) else Unauthenticated("This is no login.") from None
    verb = subjects.service_verb(subjects.SERVICE_SESSIONS, "enter")
    return await door.dashboard.bus.request(verb, asked, BrowserSession, timeout=ENTER_SECONDS, patience=3.0)


def _refusal(dashboard: Dashboard) -> FailureInfo:
    if not dashboard.bus.connected:
        return FailureInfo(
            code=BusUnavailable.code, message="The bus does not answer, so no key can be checked. Try again shortly."
        )
    return FailureInfo(code=Unauthenticated.code, message="No key like this holds. Check that it is whole, or make a new one.")
