"""HTTP Request Tool: a request whose open places the model fills, and what of the answer the model is shown."""

import base64
import json
import re
from collections.abc import Generator, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from workflow.core.effects import CallHttp
from workflow.core.execution import Reply
from workflow.core.failure import NodeError
from workflow.core.paths import read
from workflow.credentials.http_auth import with_query
from workflow.expressions.parameters import Parameters
from workflow.nodes.ai import parsing
from workflow.nodes.contract import NodeCall, value_of
from workflow.nodes.http_building import credentials_of
from workflow.nodes.http_reading import text_of as body_of
from workflow.nodes.values import json_text, number_of, text_of

_PLACE: Final = re.compile(r"\{([A-Za-z_]\w*)\}")
_AFTER: Final = re.compile(r"[/?#]")
_QUOTE: Final = re.compile(r'\\.|"')
_TYPES: Final[Mapping[str, Any]] = {
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "json": {"type": ["object", "array", "string"]},
}
_PARTS: Final = ("Query", "Headers", "Body")
_MOST_LETTERS: Final = 20_000
"""Of an answer that is not shortened by the node: more than a small model reads."""


def description(call: NodeCall, parameters: Parameters) -> str:
    """What it does, and what the model gives it."""
    told = parameters.text("toolDescription", parameters.text("description")) or "makes an HTTP request"
    places = _places(parameters)
    if not places:
        return told
    known = {str(each.get("name")): each for each in parameters.get("placeholderDefinitions.values", [])}
    fields = ", ".join(_field(name, required, known.get(name, {})) for name, required in places.items())
    return f"{told} Its input is an object with {fields}."


def input_of(parameters: Parameters) -> dict[str, Any]:
    """The JSON schema of what the model gives."""
    places = _places(parameters)
    if not places:
        return {"type": ["string", "object"]} if _model_writes(parameters) else {"type": "string"}
    known = {str(each.get("name")): str(each.get("type")) for each in parameters.get("placeholderDefinitions.values", [])}
    properties = {name: _TYPES.get(known.get(name, ""), {"type": "string"}) for name in places}
    return parsing.object_of(properties, [name for name, required in places.items() if required])


def _model_writes(parameters: Parameters) -> bool:
    """A whole part of the request, whose fields nobody named."""
    return any(parameters.get(f"send{part}") is True and parameters.get(f"specify{part}") == "model" for part in _PARTS)


def _field(name: str, required: bool, known: Mapping[str, Any]) -> str:
    kind = str(known.get("type") or "string")
    about = f": {known['description']}" if known.get("description") else ""
    return f'"{name}" ({kind}{"" if required else ", may be left out"}{about})'


def _places(parameters: Parameters) -> dict[str, bool]:
    """Names that the model fills, and whether each must be given."""
    found = {match[1]: True for text in _texts(parameters) for match in _PLACE.finditer(text)}
    for part in _PARTS:
        for each in parameters.get(f"parameters{part}.values", []):
            if str(each.get("valueProvider", "")).startswith("model"):
                found[str(each.get("name", ""))] = each["valueProvider"] == "modelRequired"
    return found


def _texts(parameters: Parameters) -> Iterable[str]:
    yield parameters.text("url")
    for part in _PARTS:
        if parameters.get(f"send{part}") is True and parameters.get(f"specify{part}", "keypair") == "json":
            yield text_of(parameters.get(f"json{part}", ""))
        for each in parameters.get(f"parameters{part}.values", []):
            if each.get("valueProvider") == "fieldValue":
                yield text_of(each.get("value"))


def use(call: NodeCall, index: int, given: Any) -> Generator[CallHttp, Reply, str]:
    """What the answer has for the model. Raises NodeError for a place that is not filled, and a status that is an error."""
    parameters = call.scripts.parameters(call, (index,))[0]
    response = value_of((yield request(call, parameters, _seen(parameters, given))))
    status = int(response.get("status", 0))
    if not 200 <= status < 300:
        raise NodeError(f"The service answered with status {status}: {body_of(response)[:500]}")
    return _shown(parameters, response)


def _seen(parameters: Parameters, given: Any) -> Mapping[str, Any]:
    """A text is what the only place is filled with."""
    places = list(_places(parameters))
    if isinstance(given, str):
        try:
            parsed = json.loads(given)
        except ValueError:
            parsed = None
        given = parsed if isinstance(parsed, dict) else {places[0]: given} if len(places) == 1 else {}
    seen: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    missing = [name for name, required in _places(parameters).items() if required and name not in seen]
    if missing:
        raise NodeError(f"The input lacks {', '.join(missing)}")
    return seen


def request(call: NodeCall, parameters: Parameters, seen: Mapping[str, Any]) -> CallHttp:
    url = parameters.text("url").strip()
    whole = _PLACE.fullmatch(url)
    url = (
        text_of(seen[whole[1]])
        if whole is not None
        else _PLACE.sub(lambda m: quote(text_of(seen.get(m[1], "")), safe=",:@"), url)
    )
    if not url.startswith(("http://", "https://")):
        raise NodeError(f"Invalid URL: {url}")
    if whole is None:
        _require_host(parameters.text("url").strip(), url)
    query, headers = _part(parameters, "Query", seen), _part(parameters, "Headers", seen)
    body = _part(parameters, "Body", seen)
    sent = {name.lower(): text_of(value) for name, value in headers.items()}
    if body:
        sent.setdefault("content-type", "application/json")
    return CallHttp(
        method=parameters.text("method", "GET").upper(),
        url=with_query(url, [(name, text_of(value)) for name, value in query.items()]),
        headers=sent,
        body_base64=base64.b64encode(json_text(body).encode()).decode() if body else None,
        credentials=credentials_of(call, parameters),
    )


def _require_host(template: str, url: str) -> None:
    """What the model fills is the host, or stands before its end, where the template says so, and changes no other. Raises NodeError."""
    host = _AFTER.split(template.partition("://")[2])[0].rpartition("@")[2].partition(":")[0]
    before, found = _host(_PLACE.sub("", template)), _host(url)
    end = _PLACE.split(host)[-1].lower() if _PLACE.search(host) else ""
    if _PLACE.fullmatch(host) or found == before or (end and found.endswith(end)):
        return
    raise NodeError(f"The URL's host is {before}, and with what was filled in it would be {found}")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        raise NodeError(f"Invalid URL: {url}") from None


def _part(parameters: Parameters, part: str, seen: Mapping[str, Any]) -> dict[str, Any]:
    if parameters.get(f"send{part}") is not True:
        return {}
    how = parameters.get(f"specify{part}", "keypair")
    if how == "model":
        found = seen.get(part.lower(), seen)
        return dict(found) if isinstance(found, Mapping) else {}
    if how == "json":
        return _json(text_of(parameters.get(f"json{part}", "")), part, seen)
    made: dict[str, Any] = {}
    for each in parameters.get(f"parameters{part}.values", []):
        name = str(each.get("name", ""))
        if each.get("valueProvider") == "fieldValue":
            made[name] = _PLACE.sub(lambda m: text_of(seen.get(m[1], "")), text_of(each.get("value")))
        elif name in seen:
            made[name] = seen[name]
    return made


def _json(text: str, part: str, seen: Mapping[str, Any]) -> dict[str, Any]:
    """A place in quotes is filled as a part of the text, another with a value of its own."""
    filled = _PLACE.sub(lambda m: _as_json(seen.get(m[1]), within=_quoted(text[: m.start()])), text)
    try:
        found = json.loads(filled) if filled.strip() else {}
    except ValueError as error:
        raise NodeError(f"The JSON of {part} is not valid with what was filled in: {error}") from None
    if not isinstance(found, dict):
        raise NodeError(f"The JSON of {part} must be an object")
    return found


def _quoted(before: str) -> bool:
    """Whether what follows stands in a string."""
    return len([each for each in _QUOTE.findall(before) if each == '"']) % 2 == 1


def _as_json(value: Any, *, within: bool) -> str:
    return json.dumps(text_of(value))[1:-1] if within else json.dumps(value)


def _shown(parameters: Parameters, response: Mapping[str, Any]) -> str:
    text = body_of(response)
    if parameters.get("optimizeResponse") is True:
        kind = parameters.get("responseType", "json")
        if kind == "json":
            text = _of_json(parameters, text)
        elif kind == "html":
            text = _of_html(parameters, text)
        if parameters.get("truncateResponse") is True or (kind == "text" and parameters.get("maxLength") is not None):
            text = text[: int(number_of(parameters.get("maxLength", 1000)) or 1000)]
    return text[:_MOST_LETTERS]


def _of_json(parameters: Parameters, text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        raise NodeError("The service did not answer with JSON") from None
    field = parameters.text("dataField")
    found = read(found, field) if field and isinstance(found, dict) else found
    how = parameters.get("fieldsToInclude", "all")
    names = [each.strip() for each in parameters.text("fields").split(",") if each.strip()]
    if how == "all" or not names:
        return json_text(found)
    return json_text(
        [_chosen(each, names, how == "selected") for each in found]
        if isinstance(found, list)
        else _chosen(found, names, how == "selected")
    )


def _chosen(value: Any, names: list[str], wanted: bool) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {name: each for name, each in value.items() if (name in names) is wanted}


def _of_html(parameters: Parameters, text: str) -> str:
    parser = LexborHTMLParser(text)
    try:
        found = parser.css(parameters.text("cssSelector", "body") or "body")
        if parameters.get("onlyContent") is not True:
            return "\n".join(each.html or "" for each in found)
        for each in parser.css(parameters.text("elementsToOmit") or "script, style"):
            each.decompose()
        return "\n".join(each.text(separator=" ", strip=True) for each in found)
    except (SelectolaxError, ValueError) as error:
        raise NodeError(f"The CSS selector is not valid: {error}") from None
