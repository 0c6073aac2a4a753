"""The way in: a one-time link that `hive up` prints, or an API key."""

from datetime import UTC, datetime

from fastapi import Request
from fastapi.responses import RedirectResponse
from nicegui import app, ui
from nicegui.events import GenericEventArguments

from bus import subjects, telemetry
from bus.errors import BusUnavailable, HiveError, TooManyAttempts, Unauthenticated
from bus.messages import Claims, FailureInfo, RedeemTicket
from gui import sessions
from gui.elements.parts import LoginForm
from gui.pages import shell, way_in
from gui.pages.dashboard import Dashboard

logger = telemetry.log(__name__)

REDEEM_SECONDS = 5.0


def register(dashboard: Dashboard) -> None:
    @ui.page("/login", title="Log in · Hive", response_timeout=REDEEM_SECONDS + 3)
    async def login(request: Request, ticket: str = "", next: str = way_in.HOME) -> RedirectResponse | None:
        address = request.client.host if request.client else ""
        failure = await _redeem(dashboard, ticket, address) if ticket else None
        if dashboard.claims(app.storage.user) is not None:
            return RedirectResponse(way_in.wanted(next), status_code=303)
        _form(dashboard, app.storage.user, failure, way_in.wanted(next), address)
        return None


async def _redeem(dashboard: Dashboard, ticket: str, address: str) -> FailureInfo | None:
    """None when the ticket let its holder in. The redirect that follows takes it out of the address bar."""
    verb = subjects.service_verb(subjects.SERVICE_KEYS, "redeem")
    try:
        attempt = await dashboard.guard.begin("login", address)
        claims = await dashboard.bus.request(verb, RedeemTicket(ticket=ticket), Claims, timeout=REDEEM_SECONDS)
    except HiveError as error:
        logger.info("login_refused", by="ticket", code=error.code)
        if isinstance(error, Unauthenticated):
            await dashboard.guard.failed(attempt)
        return FailureInfo(code=error.code, message=error.message)
    await dashboard.guard.succeeded(attempt)
    await _let_in(dashboard, app.storage.user, claims, "ticket", address)
    return None


def _form(dashboard: Dashboard, storage: sessions.Storage, failure: FailureInfo | None, wanted: str, address: str) -> None:
    shell.dress()
    with ui.element("main").classes("hv-login"), ui.element("div").classes("hv-card hv-login-card"):
        shell.brand()
        shell.text("h1", "Log in to the dashboard")
        shell.sentence("Open the link that `hive up` printed, or use an API key.")
        form = LoginForm(failure)
        shell.sentence("Lost both? `hive login` on the machine that Hive runs on prints a new link.", "hv-small hv-muted")

    async def log_in(event: GenericEventArguments) -> None:
        claims = dashboard.keyring.find(str(event.args))
        if claims is None:
            form.refuse(await _refused(dashboard, address))
            return
        await _let_in(dashboard, storage, claims, "key", address)
        ui.navigate.to(wanted)

    form.on("login", log_in)


async def _refused(dashboard: Dashboard, address: str) -> FailureInfo:
    """Counted, unless no key can be checked. A key that holds is let in however many were wrong: it cannot be guessed."""
    if dashboard.bus.connected:
        try:
            await dashboard.guard.failed(await dashboard.guard.begin("login", address))
        except TooManyAttempts as error:
            return FailureInfo(code=error.code, message=error.message)
    return _refusal(dashboard)


def _refusal(dashboard: Dashboard) -> FailureInfo:
    if not dashboard.bus.connected:
        return FailureInfo(
            code=BusUnavailable.code, message="The bus does not answer, so no key can be checked. Try again shortly."
        )
    return FailureInfo(code=Unauthenticated.code, message="No key like this holds. Check that it is whole, or make a new one.")


async def _let_in(dashboard: Dashboard, storage: sessions.Storage, claims: Claims, by: str, address: str) -> None:
    sessions.sign_in(storage, claims, datetime.now(UTC), address)
    logger.info("login", by=by, owner=claims.sub, address=address)
    told = claims.model_copy(update={"address": address, "via": "dashboard"})
    await dashboard.bus.auditor.happened("doors.login", told, f"by={by}")
