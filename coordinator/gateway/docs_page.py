"""/docs: the API's description as one page that needs nothing but itself.

The usual page loads its program from a content network: blank in a house without internet, and a stranger's code where
somebody has just typed an admin key.
"""

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

Node = Mapping[str, Any]
"""A part of an OpenAPI document, whose shape is the OpenAPI Initiative's and not Hive's."""

router = APIRouter(include_in_schema=False)

_STYLE: Final = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --soft: color-mix(in srgb, currentColor 6%, transparent) }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 2rem 1rem 6rem }
h1 { margin: 0 } h2 { margin: 2.5rem 0 .5rem; text-transform: capitalize } h3 { margin: 1.5rem 0 .25rem; font-size: 1rem }
code, pre { font: .875em/1.45 ui-monospace, monospace } pre { background: var(--soft); padding: .75rem; border-radius: .5rem; overflow: auto }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .4rem 0; padding: 0 1rem } details[open] { padding-bottom: 1rem }
summary { cursor: pointer; padding: .6rem 0 } summary b { display: inline-block; width: 4.5rem; font-size: .8rem }
summary span { float: right; opacity: .7 } table { border-collapse: collapse; width: 100%; display: block; overflow: auto }
td, th { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line) } small { opacity: .7 }
.get { color: #1a73c7 } .post { color: #188a42 } .put { color: #a86400 } .delete { color: #c5362b }
@media (prefers-color-scheme: dark) { .get { color: #6db3f2 } .post { color: #6bd08c } .put { color: #e8b15a } .delete { color: #f2877e } }
"""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """For whoever has a key; a browser asks for it (the key is the password)."""
    return HTMLResponse(render(request.app.openapi()), headers={"Content-Security-Policy": _POLICY})


def render(document: Node) -> str:
    """The page. Pure."""
    operations = [(method, path, operation) for path, item in document["paths"].items() for method, operation in item.items()]
    tags = dict.fromkeys(operation["tags"][0] for _, _, operation in operations)
    sections = "".join(
        f"<h2>{escape(tag)}</h2>" + "".join(_operation(*found) for found in operations if found[2]["tags"][0] == tag)
        for tag in tags
    )
    schemas = "".join(_schema(name, schema) for name, schema in sorted(document["components"]["schemas"].items()))
    info = document["info"]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style>"
        f"<h1>{escape(info['title'])} API <small>{escape(info['version'])}</small></h1>{_prose(info['description'])}"
        f'<p>As a file: <a href="openapi.json">openapi.json</a>, and for the bus <a href="asyncapi">asyncapi</a>.</p>'
        f"{_keys(document)}{sections}<h2>Bodies</h2>{schemas}"
    )


def _keys(document: Node) -> str:
    rows = (
        (name, scheme.get("description", f"in the {scheme.get('in')} {scheme.get('name')}"))
        for name, scheme in document["components"]["securitySchemes"].items()
    )
    return "<h2>Keys</h2>" + _table(("form", "how"), ((escape(name), _inline(how)) for name, how in rows))


def _operation(method: str, path: str, operation: Node) -> str:
    parameters = _table(("parameter", "in", "type", ""), map(_parameter, operation.get("parameters", ())))
    body = operation.get("requestBody", {}).get("content", {})
    return (
        f'<details><summary><b class="{method}">{method.upper()}</b><code>{escape(path)}</code>'
        f"<span>{escape(operation['summary'])}</span></summary>{_prose(operation['description'])}"
        f"<p><small>Needs: {escape(operation['x-hive-permission'])}</small></p>{parameters}"
        f"{''.join(_content('Body', content) for content in body.values())}"
        f"<h3>Answers</h3>{_table(('status', 'body', ''), map(_answer, operation['responses'].items()))}"
        f"{''.join(_content('For example', content) for content in _examples(operation))}</details>"
    )


def _examples(operation: Node) -> list[Node]:
    contents = [content for response in operation["responses"].values() for content in response.get("content", {}).values()]
    return [content for content in contents if "example" in content]


def _parameter(parameter: Node) -> tuple[str, ...]:
    needed = " <small>required</small>" if parameter.get("required") else ""
    name = f"<code>{escape(parameter['name'])}</code>{needed}"
    return name, parameter["in"], _type(parameter["schema"]), _inline(parameter.get("description", ""))


def _answer(answer: tuple[str, Node]) -> tuple[str, ...]:
    status, response = answer
    contents = list(response.get("content", {}).values())
    codes = ", ".join(f"<code>{escape(code)}</code>" for content in contents for code in content.get("examples", {}))
    return status, " ".join(_type(content.get("schema", {})) for content in contents), codes or _inline(response["description"])


def _content(title: str, content: Node) -> str:
    examples = "".join(
        f"<p>{escape(example['summary'])}</p>{_pretty(example['value'])}" for example in content.get("examples", {}).values()
    )
    shown = _pretty(content["example"]) if "example" in content else ""
    return f"<h3>{title}: {_type(content['schema'])}</h3>{examples}{shown}"


def _pretty(value: object) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def _schema(name: str, schema: Node) -> str:
    required = schema.get("required", ())
    rows = (
        (
            f"<code>{escape(field)}</code>{' <small>required</small>' if field in required else ''}",
            _type(inner),
            _inline(inner.get("description", "")),
        )
        for field, inner in schema.get("properties", {}).items()
    )
    values = " ".join(f"<code>{escape(str(value))}</code>" for value in schema.get("enum", ()))
    return (
        f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>'
        f"{_prose(schema.get('description', ''))}<p>{values}</p>{_table(('field', 'type', ''), rows)}</details>"
    )


def _type(schema: Node) -> str:
    """A schema in a few words, with links to those that have a name."""
    match schema:
        case {"$ref": str(reference)}:
            name = escape(reference.rpartition("/")[2])
            return f'<a href="#{name}">{name}</a>'
        case {"anyOf": [*choices]} | {"oneOf": [*choices]}:
            return " | ".join(map(_type, choices))
        case {"enum": [*values]}:
            return " | ".join(f"<code>{escape(str(value))}</code>" for value in values)
        case {"type": "array"}:
            return f"list of {_type(schema.get('items', {}))}"
        case {"format": str(kind)} | {"type": str(kind)}:
            return escape(kind)
    return "anything"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Nothing where there are no rows. Cells are HTML already."""
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    titles = "".join(f"<th>{title}</th>" for title in head)
    return f"<table><tr>{titles}</tr>{body}</table>" if body else ""


def _prose(text: str) -> str:
    return "".join(f"<p>{_inline(paragraph)}</p>" for paragraph in text.split("\n\n") if paragraph)


def _inline(text: str) -> str:
    """Escaped, with `code` as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))
