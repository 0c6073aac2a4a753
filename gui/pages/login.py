"""The way in: a one-time link that `hive up` prints, or an API key."""

from datetime import UTC, datetime

from fastapi.responses import RedirectResponse
from nicegui import app, ui
from nicegui.events import GenericEventArguments

from bus import subjects, telemetry
from bus.errors import BusUnavailable, HiveError, Unauthenticated
from bus.messages import Claims, FailureInfo, RedeemTicket
from gui import sessions
from gui.elements.parts import LoginForm
from gui.pages import shell, way_in
from gui.pages.dashboard import Dashboard

logger = telemetry.log(__name__)

REDEEM_SECONDS = 5.0


def register(dashboard: Dashboard) -> None:
    @ui.page("/login", title="Log in · Hive", response_timeout=REDEEM_SECONDS + 3)
    async def login(ticket: str = "", next: str = way_in.HOME) -> RedirectResponse | None:
        failure = await _redeem(dashboard, ticket) if ticket else None
        if dashboard.claims(app.storage.user) is not None:
            return RedirectResponse(way_in.wanted(next), status_code=303)
        _form(dashboard, app.storage.user, failure, way_in.wanted(next))
        return None


async def _redeem(dashboard: Dashboard, ticket: str) -> FailureInfo | None:
    """None when the ticket let its holder in. The redirect that follows takes it out of the address bar."""
    verb = subjects.service_verb(subjects.SERVICE_KEYS, "redeem")
    try:
        claims = await dashboard.bus.request(verb, RedeemTicket(ticket=ticket), Claims, timeout=REDEEM_SECONDS)
    except HiveError as error:
        logger.info("login_refused", by="ticket", code=error.code)
        return FailureInfo(code=error.code, message=error.message)
    _let_in(app.storage.user, claims, "ticket")
    return None


def _form(dashboard: Dashboard, storage: sessions.Storage, failure: FailureInfo | None, wanted: str) -> None:
    shell.dress()
    with ui.element("main").classes("hv-login"), ui.element("div").classes("hv-card hv-login-card"):
        shell.brand()
        shell.text("h1", "Log in to the dashboard")
        shell.sentence("Open the link that `hive up` printed, or use an API key.")
        form = LoginForm(failure)
        shell.sentence("Lost both? `hive login` on the machine that Hive runs on prints a new link.", "hv-small hv-muted")

    def log_in(event: GenericEventArguments) -> None:
        claims = dashboard.keyring.find(str(event.args))
        if claims is None:
            form.refuse(_refusal(dashboard))
            return
        _let_in(storage, claims, "key")
        ui.navigate.to(wanted)

    form.on("login", log_in)


def _refusal(dashboard: Dashboard) -> FailureInfo:
    if not dashboard.bus.connected:
        return FailureInfo(
            code=BusUnavailable.code, message="The bus does not answer, so no key can be checked. Try again shortly."
        )
    return FailureInfo(code=Unauthenticated.code, message="No key like this holds. Check that it is whole, or make a new one.")


def _let_in(storage: sessions.Storage, claims: Claims, by: str) -> None:
    sessions.sign_in(storage, claims, datetime.now(UTC))
    logger.info("login", by=by, owner=claims.sub)
