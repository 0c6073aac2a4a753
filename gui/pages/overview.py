"""The one live page: agents, queue and tasks, and the form that sends a new one."""

from fastapi.responses import RedirectResponse
from nicegui import Client, ui

from bus.messages import Claims
from gui.desk import Desk
from gui.elements.parts import Agents, Composer, Drawer, Live, Problems, Queue, Summary, Tasks
from gui.pages import shell, way_in
from gui.pages.answers import Answers
from gui.pages.dashboard import Dashboard
from gui.pages.entry import Entry, entry
from gui.pages.line import Line
from gui.pages.orders import Orders
from gui.pages.viewer import PageViewer


def register(dashboard: Dashboard) -> None:
    @ui.page("/", title="Hive")
    def overview(client: Client) -> RedirectResponse | None:
        door = entry(dashboard, client.request)
        claims = door.arrive()
        if claims is None:
            return RedirectResponse(way_in.login_from(client), status_code=303)

        shell.dress()
        shell.header(claims, door.log_out)
        live = _layout(claims)
        _wire(dashboard, client, live, claims, door)
        return None


def _layout(claims: Claims) -> Live:
    with ui.element("main").classes("hv-page").props("id=main tabindex=-1"):
        with ui.element("div").classes("hv-area-top"):
            Problems()
            Summary()
        Agents().classes("hv-area-agents")
        with ui.element("div").classes("hv-side"):
            Composer()
            Queue()
        Tasks().classes("hv-area-tasks")
    Drawer()
    return Live(claims)


def _wire(dashboard: Dashboard, client: Client, live: Live, claims: Claims, door: Entry) -> None:
    """From the bus to this page and back, until the page is closed."""
    answers = Answers(live, Desk(dashboard.bus, door.claims, dashboard.take))
    Orders(live, Desk(dashboard.bus, door.claims, dashboard.take), answers).wire()
    Line(live, dashboard.bus, door.claims, answers, dashboard.take).wire()
    viewer = PageViewer(live, claims, door.claims)

    def leave() -> None:
        dashboard.feed.detach(viewer)
        answers.keep(())

    live.on("ready", lambda: dashboard.feed.attach(viewer))
    client.on_delete(leave)
