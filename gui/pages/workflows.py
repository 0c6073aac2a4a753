"""The pages of workflows: their list, one on the canvas, and an execution on the canvas."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi.responses import RedirectResponse
from nicegui import Client, ui

from bus.messages import Claims
from gui.canvas import parts
from gui.canvas.parts import WorkflowEditor, WorkflowTable
from gui.desk import Desk
from gui.elements.parts import Live
from gui.pages import shell, way_in
from gui.pages.answers import Answers
from gui.pages.dashboard import Dashboard
from gui.pages.entry import entry
from gui.pages.line import Line
from gui.pages.viewer import PageViewer
from gui.workflows.editing import Editing
from gui.workflows.hearing import Hearing
from gui.workflows.listing import Listing
from gui.workflows.looking import Looking
from gui.workflows.office import Office
from gui.workflows.rights import rights_of

Still = Callable[[], Claims | None]
"""The claims of who looks at the page, as they are now; None once the login no longer holds."""


def register(dashboard: Dashboard) -> None:
    hearing = Hearing(dashboard.bus)

    @ui.page("/workflows", title="Workflows · Hive")
    def workflows(client: Client) -> RedirectResponse | None:
        def build(claims: Claims, still: Still) -> Callable[[], Awaitable[None]] | None:
            Listing(WorkflowTable(rights_of(claims)), Office(dashboard.bus, still, dashboard.take)).wire()
            return None

        return _page(dashboard, client, "hv-page hv-page-one", build)

    @ui.page("/workflows/{workflow_id}", title="Workflow · Hive")
    def workflow(client: Client, workflow_id: UUID) -> RedirectResponse | None:
        def build(claims: Claims, still: Still) -> Callable[[], Awaitable[None]]:
            editor = WorkflowEditor(rights_of(claims), f"hive-draft-{claims.sub}-{workflow_id}")
            editing = Editing(editor, Office(dashboard.bus, still, dashboard.take), hearing, workflow_id)
            editing.wire()
            return editing.close

        return _page(dashboard, client, "hv-canvas-page", build, parts.MODULES)

    @ui.page("/executions/{execution_id}", title="Execution · Hive")
    def execution(client: Client, execution_id: UUID) -> RedirectResponse | None:
        def build(claims: Claims, still: Still) -> Callable[[], Awaitable[None]]:
            editor = WorkflowEditor(rights_of(claims), "", execution=str(execution_id))
            looking = Looking(editor, Office(dashboard.bus, still, dashboard.take), hearing, execution_id)
            looking.wire()
            return looking.close

        return _page(dashboard, client, "hv-canvas-page", build, parts.MODULES)


def _page(
    dashboard: Dashboard,
    client: Client,
    classes: str,
    build: Callable[[Claims, Still], Callable[[], Awaitable[None]] | None],
    modules: tuple[str, ...] = (),
) -> RedirectResponse | None:
    """What all three have in common: the login, the header, and the line that tells whether the page is live."""
    door = entry(dashboard, client.request)
    claims = door.arrive()
    if claims is None:
        return RedirectResponse(way_in.login_from(client), status_code=303)

    shell.dress(*modules)
    ui.add_head_html(parts.head())
    shell.header(claims, door.log_out)
    with ui.element("div").classes(classes).props("id=main tabindex=-1"):
        close = build(claims, door.claims)
    live = Live(claims)
    answers = Answers(live, Desk(dashboard.bus, door.claims, dashboard.take))
    Line(live, dashboard.bus, door.claims, answers, dashboard.take).wire()
    viewer = PageViewer(live, claims, door.claims)

    async def leave() -> None:
        dashboard.feed.detach(viewer)
        answers.keep(())
        if close is not None:
            await close()

    live.on("ready", lambda: dashboard.feed.attach(viewer))
    client.on_delete(leave)
    return None
