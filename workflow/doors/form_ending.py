"""What a form that goes on over several pages shows between them and in the end. Pure."""

from collections.abc import Mapping
from html import escape
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from bus.errors import EvaluationLimit, ExpressionError
from bus.messages.workflows import WebhookReply
from workflow.core.effects import Respond
from workflow.core.execution import Execution, NodeRun, Status
from workflow.core.graph import Graph
from workflow.doors.form_nodes import ENDING, PAGE, ends
from workflow.doors.form_page import answer_page, broken_page
from workflow.doors.pages import origin_of, page, simple_html
from workflow.doors.webhooks import reply_of
from workflow.n8n.document import Node

_OF_EXPRESSIONS: Final = (ExpressionError.code, EvaluationLimit.code)
REFRESH_SECONDS: Final = 2


def led_on(execution_id: UUID, query: Mapping[str, Any]) -> WebhookReply:
    """To the address where the form goes on, with the query that every page of it is given."""
    more = f"?{urlencode(query, doseq=True)}" if query else ""
    return page("", "", status=303, headers={"location": f"/form-waiting/{execution_id}{more}"})


def at_work_page(*, stored: bool = True) -> WebhookReply:
    """Asks again by itself. Not `stored`: nothing is acknowledged, to a program either."""
    told = (
        "What you sent is stored and being worked on."
        if stored
        else "What you sent is not stored yet. If you are asked for it again, send it again."
    )
    body = f'<div class="card" role="status"><h1>One moment</h1><div>{told}</div></div>'
    return page("One moment", body, status=200 if stored else 504, headers={"refresh": str(REFRESH_SECONDS)})


def over_page() -> WebhookReply:
    body = '<div class="card" role="status"><h1>This form is over</h1><div>There is nothing more to fill in here.</div></div>'
    return page("This form is over", body, status=404)


def end_page(graph: Graph, execution: Execution, trigger: Node | None) -> WebhookReply:
    """Of one that has ended. Of several pages that end it the last one counts, as n8n documents it. `trigger`: the form's, evaluated."""
    if _cannot_be_shown(graph, execution):
        return broken_page()
    last = max(_endings(graph, execution), key=lambda run: run.index, default=None)
    if execution.status is not Status.SUCCESS or last is None:
        return over_page() if trigger is None else answer_page(trigger, execution)
    return _ending(graph.workflow.by_name[last.node], execution.contexts.get(last.node, {}).get(ENDING) or {}, last)


def _cannot_be_shown(graph: Graph, execution: Execution) -> bool:
    """Whether it ended at a page that has an expression which failed."""
    failure = execution.last_failure
    node = graph.workflow.by_name.get(failure.node or "") if failure is not None else None
    failed = execution.status is Status.ERROR and failure is not None and failure.code in _OF_EXPRESSIONS
    return failed and node is not None and node.type == PAGE


def _endings(graph: Graph, execution: Execution) -> list[NodeRun]:
    by_name = graph.workflow.by_name
    return [run for name, runs in execution.runs.items() if name in by_name and ends(by_name[name]) for run in runs]


def _ending(node: Node, told: Mapping[str, Any], run: NodeRun) -> WebhookReply:
    kind = told.get("respondWith", "text")
    if kind == "redirect":
        return _redirect(str(told.get("redirectUrl") or "").strip())
    if kind == "showText":  # the workflow's own page: the door keeps it in a sandbox
        return WebhookReply(headers={"content-type": "text/html; charset=utf-8"}, body=str(told.get("responseText") or ""))
    if kind == "returnBinary":
        return _file(str(told.get("inputDataFieldName") or "data"), run)
    title = str(told.get("completionTitle") or node.name)
    head = str((told.get("options") or {}).get("formTitle") or title)
    message = simple_html(str(told.get("completionMessage") or ""))
    return page(head, f'<div class="card" role="status"><h1>{escape(title)}</h1><div>{message}</div></div>')


def _redirect(address: str) -> WebhookReply:
    """By the page: a redirect of the answer would be held against the policy of the page that the form was sent from."""
    address = address if "://" in address else f"https://{address}"
    if origin_of(address) is None or not address.isprintable():
        return over_page()
    link = f'<a href="{escape(address)}">{escape(address)}</a>'
    body = f'<div class="card" role="status"><h1>You are led on</h1><div>To {link}.</div></div>'
    return page("You are led on", body, headers={"refresh": f"0; url={address}"})


def _file(name: str, run: NodeRun) -> WebhookReply:
    items = run.outputs[0] if run.outputs else []
    found = (items[0].get("binary") or {}).get(name) if items else None
    if found is None:
        return over_page()
    return reply_of(Respond(binary=dict(found), headers={"content-disposition": "attachment"}))
