"""A browser at the dashboard's door: whether it is let in, how it was, and its way out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request
from nicegui import app, background_tasks, ui

from bus import auth, subjects, telemetry
from bus.errors import HiveError, Unauthenticated
from bus.messages import Claims
from bus.messages.people import Browser, BrowserSession
from gui import sessions
from gui.pages.dashboard import Dashboard

logger = telemetry.log(__name__)

SECONDS = 3.0
DOOR = "login"
"""By which name the guard knows keys and links that are shown to the dashboard."""


@dataclass(frozen=True)
class Entry:
    """`browser` is the hash of the id in its cookie: what stands in Redis and in the record opens nothing."""

    dashboard: Dashboard
    storage: sessions.Storage
    browser: str
    address: str

    def claims(self) -> Claims | None:
        """As long as whoever looks is welcome."""
        return self.dashboard.claims(self.storage)

    def arrive(self) -> Claims | None:
        """As `claims`, of a page that is opened."""
        claims = self.claims()
        if claims is not None:
            self.remember()
        return claims

    @asynccontextmanager
    async def guarded(self) -> AsyncIterator[None]:
        """Around the look at a link's ticket, which raises Unauthenticated where it is wrong. TooManyAttempts."""
        guard = self.dashboard.guard
        attempt = await guard.begin(DOOR, self.address)
        try:
            yield
        except Unauthenticated:
            await guard.failed(attempt)
            raise
        await guard.succeeded(attempt)

    def let_in(self, session: sessions.Session) -> None:
        sessions.sign_in(self.storage, session, self.address)
        self.remember()

    async def welcome(self, session: sessions.Session, by: str) -> None:
        """As `let_in`, of who has just shown a secret: the audit log has it."""
        self.let_in(session)
        logger.info("login", by=by, owner=session.claims.sub, address=self.address)
        said = session.claims.model_copy(update={"address": self.address, "via": "dashboard"})
        await self.dashboard.bus.auditor.happened("doors.login", said, f"by={by}")

    def remember(self) -> None:
        """For the other replicas, and again where Redis has lost it."""
        if (session := sessions.session_of(self.storage)) is not None:
            background_tasks.create(self.dashboard.remembered.keep(self.browser, session))

    async def enter(self, entered: BrowserSession, by: str) -> None:
        """Whom the coordinator took for a user."""
        await self.welcome(await self._known(entered), by)

    async def _known(self, entered: BrowserSession) -> sessions.Session:
        """Of a user who may be so new that it was not heard here yet."""
        if entered.claims.user_id is not None:
            await self.dashboard.people.look(entered.claims.user_id)
        return sessions.Session.model_validate(entered.model_dump())

    async def recall(self) -> None:
        """What another replica knows of this browser, or the record of users' sessions: where it was never let in here, or that login is over.
        Not where it was logged out.
        """
        if sessions.signed_out(self.storage):
            return
        found = await self.dashboard.remembered.find(self.browser)
        if found is not None:
            self.let_in(found)
            if self.claims() is not None:
                return
        verb, asked = subjects.service_verb(subjects.SERVICE_SESSIONS, "recall"), Browser(browser=self.browser)
        with suppress(HiveError):
            entered = await self.dashboard.bus.request(verb, asked, BrowserSession, timeout=SECONDS, patience=0.5)
            self.let_in(await self._known(entered))

    async def log_out(self) -> None:
        """Here, at once. Who else knows the session is told as soon as they answer."""
        session = sessions.session_of(self.storage)
        sessions.sign_out(self.storage)
        ui.navigate.to("/login")
        if session is not None:
            self.dashboard.logouts.begin(self.browser, session)


def entry(dashboard: Dashboard, request: Request) -> Entry:
    """Of the browser whose request is answered."""
    address = request.client.host if request.client else ""
    return Entry(dashboard, app.storage.user, auth.hash_key(str(app.storage.browser["id"])), address)


def session_by_key(claims: Claims) -> sessions.Session:
    """Of a login by key or link."""
    return sessions.Session(claims=claims, signed_in_at=datetime.now(UTC))
