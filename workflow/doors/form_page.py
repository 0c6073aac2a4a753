"""The page of a form, and the pages that answer one. Without a script: what a browser does not check is checked when it is sent."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from typing import Any, Final

from bus.messages.workflows import WebhookCall, WebhookReply
from workflow.core.execution import Execution, Status
from workflow.doors.forms import CHOICES, Field, Kind, fields_of
from workflow.doors.pages import origin_of, page, simple_html
from workflow.n8n.document import Node
from workflow.nodes.values import text_of

RECORDED: Final = "Your response has been recorded"
_TYPES: Final = {Kind.NUMBER: "number", Kind.EMAIL: "email", Kind.PASSWORD: "password", Kind.DATE: "date"}
_NOTHING: Final[Mapping[str, str]] = {}
MARK: Final = "hive-page"
"""The hidden input by which what was sent says which of several pages it was filled in on: their fields have the same names."""


def mark_of(key: str) -> str:
    """Of the page that the effect of this key shows."""
    return sha256(key.encode()).hexdigest()[:16]


def is_from(call: WebhookCall, mark: str) -> bool:
    """Whether it was filled in on the page. Who posts without having been shown one does not say, and is believed."""
    return not isinstance(call.body, Mapping) or call.body.get(MARK, mark) == mark


def form_page(node: Node, call: WebhookCall, problems: Mapping[str, str] = _NOTHING, mark: str = "") -> WebhookReply:
    """Empty, filled in by the address's query, or, with `problems`, as it was sent. `mark`: of a page among several."""
    fields = fields_of(node)
    given = call.body if problems and isinstance(call.body, dict) else call.query
    title = text_of(node.parameters.get("formTitle")) or node.name
    told = simple_html(text_of(node.parameters.get("formDescription")))
    button = text_of(node.options.get("buttonLabel")) or "Submit"
    kind = ' enctype="multipart/form-data"' if any(field.kind is Kind.FILE for field in fields) else ""
    inputs = f'<input type="hidden" name="{MARK}" value="{escape(mark)}">' if mark else ""
    inputs += "".join(_shown(field, given, problems.get(field.name)) for field in fields)
    note = '<p class="bad" role="alert">Nothing was sent yet. Correct what is marked.</p>' if problems else ""
    body = (
        f'<div class="card"><h1>{escape(title)}</h1><div class="soft">{told}</div>{note}'
        f'<form method="post"{kind}>{inputs}<button>{escape(button)}</button></form></div>'
    )
    leads = _redirect(node)
    origin = origin_of(leads) if leads else None
    return page(title, body, status=400 if problems else 200, to=[origin] if origin else [])


def _shown(field: Field, given: Mapping[str, Any], problem: str | None) -> str:
    if field.kind is Kind.HTML:
        return f"<div>{simple_html(field.html)}</div>"
    found = given.get(field.name, given.get(field.key))
    values = [str(each) for each in found] if isinstance(found, list) else [field.value if found is None else str(found)]
    if field.kind is Kind.HIDDEN:
        return f'<input type="hidden" name="{field.name}" value="{escape(values[0])}">'
    about = f' aria-describedby="{field.name}-problem" aria-invalid="true"' if problem else ""
    told = f'<p class="bad" id="{field.name}-problem">{escape(problem)}</p>' if problem else ""
    label = escape(field.label) + (" *" if field.required else "")
    if field.kind in (Kind.CHECKBOX, Kind.RADIO):
        return f"<fieldset{about}><legend>{label}</legend>{_boxes(field, values)}{told}</fieldset>"
    return f'<label for="{field.name}">{label}</label>{_input(field, values, about)}{told}'


def _boxes(field: Field, values: Sequence[str]) -> str:
    kind = field.kind.value
    needed = " required" if field.required and field.kind is Kind.RADIO else ""
    return "".join(
        f'<label class="choice"><input type="{kind}" name="{field.name}" value="{escape(option)}"'
        f"{' checked' if option in values else ''}{needed}>{escape(option)}</label>"
        for option in field.options
    )


def _input(field: Field, values: Sequence[str], about: str) -> str:
    rest = f'id="{field.name}" name="{field.name}"{" required" if field.required else ""}{about}'
    hint = f' placeholder="{escape(field.placeholder)}"' if field.placeholder else ""
    if field.kind in CHOICES:
        return _select(field, values, rest)
    if field.kind is Kind.TEXTAREA:
        return f"<textarea {rest}{hint} rows=4>{escape(values[0])}</textarea>"
    if field.kind is Kind.FILE:
        accept = f' accept="{escape(",".join(field.accept))}"' if field.accept else ""
        return f'<input type="file" {rest}{accept}{" multiple" if field.many else ""}>'
    value = ' autocomplete="off"' if field.kind is Kind.PASSWORD else f' value="{escape(values[0])}"'
    step = " step=any" if field.kind is Kind.NUMBER else ""
    return f'<input type="{_TYPES.get(field.kind, "text")}" {rest}{hint}{step}{value}>'


def _select(field: Field, values: Sequence[str], rest: str) -> str:
    first = "" if field.many else '<option value="">…</option>'
    chosen = "".join(
        f'<option value="{escape(option)}"{" selected" if option in values else ""}>{escape(option)}</option>'
        for option in field.options
    )
    return f"<select {rest}{' multiple' if field.many else ''}>{first}{chosen}</select>"


def answer_page(node: Node, execution: Execution | None) -> WebhookReply:
    """`execution`: None where it was only begun. One that failed is said to have failed, and no more."""
    if execution is not None and execution.status is not Status.SUCCESS:
        return told_page(node, "Problem submitting response", "It was received, and could not be dealt with.", status=500)
    leads = _redirect(node)
    if leads:
        return page("", "", status=303, headers={"location": leads})
    found = _response(node).get("formSubmittedText") or node.options.get("formSubmittedText")
    return told_page(node, "Form submitted", text_of(found) or RECORDED)


def told_page(node: Node, headline: str, text: str, *, status: int = 200) -> WebhookReply:
    title = text_of(node.parameters.get("formTitle")) or node.name
    body = f'<div class="card" role="status"><h1>{escape(headline)}</h1><div>{simple_html(text)}</div></div>'
    return page(title, body, status=status)


def broken_page(reason: str = "") -> WebhookReply:
    """Of a workflow whose own texts cannot be made."""
    told = "An expression in what it is to say failed. Tell whoever gave you its address."
    more = f"<p>{escape(reason)}</p>" if reason else ""
    body = f'<div class="card" role="alert"><h1>This page cannot be shown</h1><div>{told}</div>{more}</div>'
    return page("This page cannot be shown", body, status=422)


def _response(node: Node) -> Mapping[str, Any]:
    found = node.options.get("respondWithOptions")
    values = found.get("values") if isinstance(found, Mapping) else None
    return values if isinstance(values, Mapping) else {}


def _redirect(node: Node) -> str | None:
    """To http and https alone; an address without either is taken for https."""
    response = _response(node)
    if response.get("respondWith") != "redirect":
        return None
    address = text_of(response.get("redirectUrl")).strip()
    if address and "://" not in address:
        address = f"https://{address}"
    return address if origin_of(address) is not None and address.isprintable() else None
