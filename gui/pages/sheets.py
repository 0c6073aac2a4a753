"""The pages beside the overview: each one element, one line to the server and one place at the feed."""

from collections.abc import Callable

from fastapi.responses import RedirectResponse
from nicegui import Client, ui
from nicegui.element import Element

from bus.messages import Claims
from gui.desk import Desk
from gui.elements import sheets
from gui.elements.parts import Drawer, Live, Problems
from gui.pages import shell, way_in
from gui.pages.answers import Answers
from gui.pages.dashboard import Dashboard
from gui.pages.entry import entry
from gui.pages.line import Line
from gui.pages.orders import Orders
from gui.pages.viewer import PageViewer


def register(dashboard: Dashboard) -> None:
    plain: dict[str, tuple[str, Callable[[], Element]]] = {
        "/tasks": ("Tasks", sheets.TaskSheet),
        "/agents": ("Agents", sheets.AgentSheet),
        "/models": ("Models", sheets.ModelSheet),
        "/playground": ("Playground", sheets.Playground),
        "/mcp-servers": ("MCP servers", sheets.McpServerSheet),
        "/alerts": ("Alerts", sheets.AlertSheet),
        "/usage": ("Usage", sheets.UsageSheet),
        "/audit": ("Audit log", sheets.AuditSheet),
        "/timeline": ("Timeline", sheets.Timeline),
        "/users": ("Users", sheets.UserSheet),
        "/settings": ("Settings", sheets.SettingSheet),
    }
    for path, (title, build) in plain.items():
        _register(dashboard, path, title, build)

    @ui.page("/tasks/{task_id}", title="Task · Hive")
    def task(client: Client, task_id: str) -> RedirectResponse | None:
        return _open(dashboard, client, lambda: sheets.OneTask(task_id))

    @ui.page("/agents/{agent_id}", title="Agent · Hive")
    def agent(client: Client, agent_id: str) -> RedirectResponse | None:
        return _open(dashboard, client, lambda: sheets.OneAgent(agent_id))


def _register(dashboard: Dashboard, path: str, title: str, build: Callable[[], Element]) -> None:
    @ui.page(path, title=f"{title} · Hive")
    def page(client: Client) -> RedirectResponse | None:
        return _open(dashboard, client, build)


def _open(dashboard: Dashboard, client: Client, build: Callable[[], Element]) -> RedirectResponse | None:
    door = entry(dashboard, client.request)
    claims = door.arrive()
    if claims is None:
        return RedirectResponse(way_in.login_from(client), status_code=303)

    shell.dress()
    shell.header(claims, door.log_out)
    with ui.element("main").classes("hv-page hv-page-one").props("id=main tabindex=-1"):
        Problems()
        build()
    Drawer()
    _wire(dashboard, client, Live(claims), claims, door.claims)
    return None


def _wire(dashboard: Dashboard, client: Client, live: Live, claims: Claims, still: Callable[[], Claims | None]) -> None:
    """From the bus to this page and back, until the page is closed."""
    answers = Answers(live, Desk(dashboard.bus, still, dashboard.take))
    Orders(live, Desk(dashboard.bus, still, dashboard.take), answers).wire()
    Line(live, dashboard.bus, still, answers, dashboard.take).wire()
    viewer = PageViewer(live, claims, still)

    def leave() -> None:
        dashboard.feed.detach(viewer)
        answers.keep(())

    live.on("ready", lambda: dashboard.feed.attach(viewer))
    client.on_delete(leave)
