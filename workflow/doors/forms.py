"""Forms that start workflows: their fields, what a person fills in, and what becomes of it. Pure.

`n8n-nodes-base.formTrigger` in all its versions: a field has a label, later ones a name beside it, by which its value is found in the item.
On the page the fields are `field-0`, `field-1`, …, as in n8n; who posts a form without its page may use the names of the values too.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, Final
from zoneinfo import ZoneInfo

from bus.errors import InvalidWorkflow
from bus.messages.workflows import UploadedFile, WebhookCall
from workflow.expressions.parameters import has_expressions
from workflow.n8n.document import Node
from workflow.nodes.values import number_of, text_of

FORM: Final = "n8n-nodes-base.formTrigger"
MAX_FIELDS: Final = 200
_EMAIL: Final = re.compile(r"[^\s@<>]+@[^\s@<>.]+(\.[^\s@<>.]+)+")
_BOTS: Final = re.compile(r"bot\b|crawl|spider|preview|slurp|facebookexternalhit|whatsapp|embedly", re.IGNORECASE)


class Kind(StrEnum):
    """n8n's words."""

    TEXT = "text"
    TEXTAREA = "textarea"
    NUMBER = "number"
    EMAIL = "email"
    PASSWORD = "password"  # noqa: S105 - a kind of field
    DATE = "date"
    DROPDOWN = "dropdown"
    CHECKBOX = "checkbox"
    RADIO = "radio"
    FILE = "file"
    HIDDEN = "hiddenField"
    HTML = "html"


CHOICES: Final = (Kind.DROPDOWN, Kind.CHECKBOX, Kind.RADIO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """`key`: in the item. `least` and `most`: of choices, where the node limits them. `many`: it may have several values."""

    name: str
    key: str
    label: str
    kind: Kind = Kind.TEXT
    required: bool = False
    options: tuple[str, ...] = ()
    many: bool = False
    least: int = 0
    most: int | None = None
    placeholder: str = ""
    value: str = ""
    accept: tuple[str, ...] = ()
    date_format: str = ""
    html: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """`problems` by the name of the field."""

    json: dict[str, Any]
    files: dict[str, UploadedFile]
    problems: dict[str, str]


def form_path(node: Node) -> str:
    """Where the node stands under `/form/`: the path that it names, else its own id."""
    return str(node.options.get("path") or node.parameters.get("path") or node.webhook_id or node.id).strip("/")


def mode_of(node: Node) -> str:
    return str(node.parameters.get("responseMode") or "onReceived")


def is_bot(node: Node, call: WebhookCall) -> bool:
    return node.options.get("ignoreBots") is True and _BOTS.search(call.headers.get("user-agent", "")) is not None


def fields_of(node: Node) -> Sequence[Field]:
    """InvalidWorkflow for what is no form."""
    given = _given(node)
    if len(given) > MAX_FIELDS:
        raise InvalidWorkflow(f"The form of {node.name!r} has {len(given)} fields; it may have {MAX_FIELDS}.")
    return [_field(node, number, each) for number, each in enumerate(given)]


def require_form(node: Node) -> None:
    """InvalidWorkflow for what is no form. What expressions make of its fields is known when it is shown."""
    try:
        fields_of(node)
    except InvalidWorkflow:
        if not has_expressions([node.parameters.get("formFields"), node.parameters.get("jsonOutput")]):
            raise


def difference(node: Node) -> str | None:
    """What of the form is not as in n8n, or why it is none."""
    try:
        require_form(node)
    except InvalidWorkflow as error:
        return f"cannot be activated. {error.message.rstrip('.')}"
    if node.options.get("customCss"):
        return "has styles of its own, which are not used: its page is Hive's"
    return None


def _given(node: Node) -> Sequence[Any]:
    if node.parameters.get("defineForm") == "json":
        try:
            given = node.parameters.get("jsonOutput") or "[]"
            found = json.loads(given) if isinstance(given, str) else given
        except (ValueError, RecursionError):
            raise InvalidWorkflow(f"The form of {node.name!r} is defined by JSON that cannot be read.") from None
    else:
        fields = node.parameters.get("formFields") or {}
        found = (fields.get("values") or []) if isinstance(fields, Mapping) else None
    if not isinstance(found, list):
        raise InvalidWorkflow(f"The fields of the form of {node.name!r} are no list.")
    return found


def _field(node: Node, number: int, given: Any) -> Field:
    if not isinstance(given, Mapping):
        raise InvalidWorkflow(f"Field {number + 1} of the form of {node.name!r} is no object.")
    kind = text_of(given.get("fieldType")) or Kind.TEXT
    if kind not in tuple(Kind):
        raise InvalidWorkflow(
            f"Field {number + 1} of the form of {node.name!r} is of type {kind!r}; forms have {', '.join(Kind)}."
        )
    label = text_of(given.get("fieldLabel")) or text_of(given.get("fieldName"))
    key = text_of(given.get("fieldName")) or text_of(given.get("elementName")) or text_of(given.get("fieldLabel"))
    if not key and kind != Kind.HTML:
        raise InvalidWorkflow(f"Field {number + 1} of the form of {node.name!r} has no label.")
    least, most = _limits(given)
    many = kind == Kind.CHECKBOX or (kind == Kind.DROPDOWN and given.get("multiselect") is True)
    many = many or (kind == Kind.FILE and given.get("multipleFiles") is not False)
    return Field(
        name=f"field-{number}",
        key=key,
        label=label,
        kind=Kind(kind),
        required=given.get("requiredField") is True,
        options=_options(given),
        many=many,
        least=least,
        most=most,
        placeholder=text_of(given.get("placeholder")),
        value=text_of(given.get("fieldValue")) or text_of(given.get("defaultValue")),
        accept=tuple(each.strip().lower() for each in text_of(given.get("acceptFileTypes")).split(",") if each.strip()),
        date_format=text_of(given.get("formatDate")),
        html=text_of(given.get("html")),
    )


def _options(given: Mapping[str, Any]) -> tuple[str, ...]:
    found = given.get("fieldOptions")
    values = found.get("values") if isinstance(found, Mapping) else None
    listed = values if isinstance(values, list) else ()
    return tuple(text_of(each.get("option")) for each in listed if isinstance(each, Mapping))


def _limits(given: Mapping[str, Any]) -> tuple[int, int | None]:
    if given.get("limitSelection") == "exact":
        exact = _count(given.get("numberOfSelections")) or 1
        return exact, exact
    if given.get("limitSelection") == "range":
        return _count(given.get("minSelections")), _count(given.get("maxSelections")) or None
    return 0, None


def _count(given: Any) -> int:
    return int(min(max(number_of(given) or 0, 0), MAX_FIELDS * MAX_FIELDS))


def filled(fields: Sequence[Field], call: WebhookCall) -> Filled:
    """What was filled in, checked: what a browser would refuse, and what a browser never sends."""
    body = call.body if isinstance(call.body, Mapping) else {}
    values: dict[str, Any] = {}
    files: dict[str, UploadedFile] = {}
    problems: dict[str, str] = {}
    for field in fields:
        if field.kind is Kind.HTML:
            if field.key:
                values[field.key] = field.html
            continue
        try:
            if field.kind is Kind.FILE:
                values[field.key] = _uploads(field, call.files, files)
            else:
                values[field.key] = _value(field, _texts(body, field))
        except ValueError as error:
            problems[field.name] = str(error)
    return Filled(json=values, files=files, problems=problems)


def _texts(body: Mapping[str, Any], field: Field) -> list[str]:
    found = body.get(field.name, body.get(field.key))
    several = found if isinstance(found, list) else [] if found is None else [found]
    if not all(isinstance(each, str | int | float) for each in several):
        raise ValueError("This is no text.")
    return [str(each) for each in several if each != ""]


def _value(field: Field, texts: list[str]) -> Any:
    if field.required and not any(text.strip() for text in texts):
        raise ValueError("This field is required.")
    if field.kind in CHOICES and not set(texts) <= set(field.options):
        raise ValueError("This is none of the choices.")
    if field.many:
        return _chosen(field, texts)
    if len(texts) > 1:
        raise ValueError("This field takes one value.")
    return _single(field, texts[0] if texts else "")


def _chosen(field: Field, texts: list[str]) -> list[str]:
    if field.kind is Kind.CHECKBOX and (texts or field.required):
        if len(texts) < field.least:
            raise ValueError(f"Choose at least {field.least}.")
        if field.most is not None and len(texts) > field.most:
            raise ValueError(f"Choose at most {field.most}.")
    return texts


def _single(field: Field, text: str) -> Any:
    if field.kind is Kind.NUMBER:
        return _number(text) if text.strip() else None
    if not text:
        return ""
    if field.kind is Kind.EMAIL and not _EMAIL.fullmatch(text.strip()):
        raise ValueError("This is no address of e-mail.")
    if field.kind is Kind.DATE:
        return _date(text, field.date_format)
    return text


def _number(text: str) -> int | float:
    try:
        found = float(text)
    except ValueError:
        raise ValueError("This is no number.") from None
    if not math.isfinite(found):
        raise ValueError("This is no number.")
    return int(found) if found.is_integer() and abs(found) < 2**53 else found


def _date(text: str, pattern: str) -> str:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ValueError("This is no date; write it as 2026-12-31.") from None
    if not pattern:
        return found.isoformat()
    words = {"yyyy": f"{found.year:04}", "yy": f"{found.year % 100:02}", "mm": f"{found.month:02}", "dd": f"{found.day:02}"}
    return re.sub("yyyy|yy|mm|dd", lambda match: words[match[0].lower()], pattern, flags=re.IGNORECASE)


def _uploads(field: Field, files: Sequence[UploadedFile], found: dict[str, UploadedFile]) -> Any:
    """What the item says of the files; those come into `found` by the name of their binary data."""
    own = [file for file in files if file.field in (field.name, field.key)]
    if field.required and not own:
        raise ValueError("This field is required.")
    if not field.many and len(own) > 1:
        raise ValueError("This field takes one file.")
    for file in own:
        if field.accept and not _accepted(file, field.accept):
            raise ValueError(f"{file.name} is none of {', '.join(field.accept)}.")
    name = re.sub(r"\W", "_", field.key)
    found |= {f"{name}_{number}" if field.many else name: file for number, file in enumerate(own)}
    told = [{"filename": file.name, "mimetype": file.mime_type, "size": file.size} for file in own]
    return told if field.many else (told[0] if told else None)


def _accepted(file: UploadedFile, accept: Sequence[str]) -> bool:
    """As the attribute of a browser's field: endings, kinds, and kinds with a star."""
    kind, ending = file.mime_type.lower(), PurePosixPath(file.name.lower()).suffix
    return any(
        each in ("*", "*/*", kind, ending) or f".{each}" == ending or (each.endswith("/*") and kind.startswith(each[:-1]))
        for each in accept
    )


def item_of(found: Filled, binaries: Mapping[str, Any], now: datetime, zone: str, *, test: bool) -> dict[str, Any]:
    """As n8n documents it: the values, when it was sent, and by which of the two addresses."""
    at = now.astimezone(ZoneInfo(zone)).isoformat(timespec="milliseconds")
    if zone == "UTC":
        at = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    item: dict[str, Any] = {"json": {**found.json, "submittedAt": at, "formMode": "test" if test else "production"}}
    return {**item, "binary": dict(binaries)} if binaries else item
