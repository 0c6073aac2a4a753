"""The dashboard's HTTP side: NiceGUI mounted on a FastAPI app that also answers for the process's health."""

from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI
from nicegui import app as pages
from nicegui import ui
from nicegui.storage import Storage
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bus.web.hardening import hardened, secured
from bus.web.same_origin import SameOrigin
from gui import theme
from gui.kept import KeptAnswers
from gui.pages import login, overview, sheets
from gui.pages.dashboard import Dashboard
from gui.pages.workflows import register as register_workflows
from gui.secret import secret_of
from gui.serving import MovedAddresses, ServedFiles
from gui.settings import GuiSettings
from gui.static_files import PLACE, collected


def build(dashboard: Dashboard, settings: GuiSettings) -> FastAPI:
    """Everything but `/healthz` and the assets asks for a login."""
    web = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    web.get("/healthz")(_healthz)
    found = collected()
    _ = found.digest  # of what is installed now
    pages.add_middleware(MovedAddresses, found=found, base=settings.static_url or PLACE)  # inside of what compresses
    register_workflows(dashboard)
    overview.register(dashboard)
    login.register(dashboard, _provider(dashboard, settings))
    sheets.register(dashboard)
    _keep_sessions_in(settings.data_dir / "gui")
    ui.run_with(
        web,
        title="Hive",
        favicon=theme.ASSETS / "favicon.svg",
        dark=None,
        tailwind=False,
        storage_secret=secret_of(settings),
        session_middleware_kwargs={
            "session_cookie": "hive_gui",
            "same_site": "lax",
            "max_age": int(settings.gui_session_hours * 3600),
        },
        show_welcome_message=False,
        reconnect_timeout=20,
    )
    web.add_middleware(SameOrigin, always="/_nicegui_ws")
    web.add_middleware(ServedFiles, found=found)
    web.add_middleware(_Hardened, policy=policy(settings.static_url).encode())
    web.add_middleware(KeptAnswers)  # the last is the outermost
    return web


def policy(static_url: str | None) -> str:
    """What a browser may load, and from where. As strict as NiceGUI lets it be: its pages begin by an inline script, and Vue compiles
    templates in the browser.
    """
    origin = "" if static_url is None else " {0.scheme}://{0.netloc}".format(urlsplit(static_url))
    return (
        f"default-src 'self'; script-src 'self'{origin} 'unsafe-inline' 'unsafe-eval'; style-src 'self'{origin} 'unsafe-inline'; "
        f"img-src 'self'{origin} data: blob:; font-src 'self'{origin} data:; connect-src 'self' ws: wss:; worker-src 'self' blob:; "
        "object-src 'none'; frame-src 'self' blob: data:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
    )


def _provider(dashboard: Dashboard, settings: GuiSettings) -> str | None:
    """The name on the button of the OpenID provider. What speaks to it takes a third of the start to load, so it is loaded for one."""
    if settings.oidc_issuer is None:
        return None
    from gui.pages import external

    return external.register(dashboard, settings)


def _keep_sessions_in(folder: Path) -> None:
    """Logins live in the data folder, readable by its owner only, and not in whatever folder the process began in."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    Storage.path = folder


async def _healthz() -> dict[str, str]:
    return {"status": "ok"}


class _Hardened:
    """With the headers of bus/web/hardening.py on every answer."""

    def __init__(self, app: ASGIApp, policy: bytes) -> None:
        self._app, self._policy = app, policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = hardened(secured(list(message["headers"]), scope["scheme"]), scope["scheme"], self._policy)
            await send(message)

        await self._app(scope, receive, send_hardened if scope["type"] == "http" else send)
