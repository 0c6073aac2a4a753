"""The request that an HTTP Request node makes of one item: method, URL, query, headers, body, and which credentials go with it."""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from workflow.credentials import OLDER, chosen
from workflow.effects import CallHttp
from workflow.expressions.parameters import Parameters
from workflow.failure import NodeError
from workflow.nodes import binary
from workflow.nodes.contract import NodeCall
from workflow.nodes.values import boolean_of, json_text, number_of, text_of

_BOUNDARY: Final = "----hive-form-boundary"
ACCEPT: Final = "application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, image/*;q=0.8, */*;q=0.7"
"""Of a node that says nothing else."""
Pairs = list[tuple[str, Any]]


def build(
    call: NodeCall, parameters: Parameters, index: int, *, extra: Mapping[str, Pairs] | None = None, url: str | None = None
) -> CallHttp:
    """`extra`: pairs of `qs`, `headers` and `body` that a page adds; `url`: the page's own. Raises `NodeError`."""
    extra = extra or {}
    older = call.node.version < 3
    query = _older_pairs(parameters, "query") if older else _pairs(parameters, "Query", "sendQuery")
    headers = _older_pairs(parameters, "header") if older else _pairs(parameters, "Headers", "sendHeaders")
    sent = {name.lower(): text_of(value) for name, value in [*headers, *extra.get("headers", ())]}
    body, kind = (_older_body if older else _body)(call, parameters, index, extra.get("body", []))
    if kind and "content-type" not in sent:
        sent["content-type"] = kind
    sent.setdefault("accept", ACCEPT)
    return CallHttp(
        method=parameters.text("requestMethod" if older else "method", "GET").upper(),
        url=_with_query(_url(url or parameters.text("url"), index), _override(query, extra.get("qs", [])), parameters),
        headers=sent,
        body_base64=base64.b64encode(body).decode() if body is not None else None,
        credentials=credentials_of(call, parameters),
        **_options(parameters, older),
    )


def _url(text: str, index: int) -> str:
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise NodeError(f'Invalid URL: {text}. URL must start with "http" or "https".', item=index)
    return text.strip()


def _override(pairs: Pairs, extra: Pairs) -> Pairs:
    names = {name for name, _ in extra}
    return [*((name, value) for name, value in pairs if name not in names), *extra]


def _with_query(url: str, pairs: Pairs, parameters: Parameters) -> str:
    if not pairs:
        return url
    arrays = parameters.text("options.queryParameterArrays", "brackets")
    flat: list[tuple[str, str]] = []
    for name, value in pairs:
        if not isinstance(value, list):
            flat.append((name, text_of(value)))
            continue
        for number, each in enumerate(value):
            key = {"repeat": name, "brackets": f"{name}[]", "indices": f"{name}[{number}]"}.get(arrays, name)
            flat.append((key, text_of(each)))
    address, mark, fragment = url.partition("#")
    joiner = "&" if "?" in address else "?"
    return f"{address}{joiner}{urlencode(flat, quote_via=quote)}{mark}{fragment}"


def _pairs(parameters: Parameters, kind: str, switch: str) -> Pairs:
    if parameters.get(switch) is not True:
        return []
    if parameters.get(f"specify{kind}", "keypair") == "json":
        return list(_object(parameters.get(f"json{kind}", {}), kind).items())
    group = {"Query": "queryParameters", "Headers": "headerParameters", "Body": "bodyParameters"}[kind]
    return _listed(parameters.get(f"{group}.parameters", []))


def _listed(given: Any) -> Pairs:
    return [(str(each.get("name", "")), each.get("value")) for each in given or [] if each.get("name")]


def _older_pairs(parameters: Parameters, kind: str) -> Pairs:
    """Version 1 and 2: `queryParametersUi.parameter`, or JSON where `jsonParameters` is on."""
    if parameters.get("jsonParameters") is True:
        return list(_object(parameters.get(f"{kind}ParametersJson", {}), kind).items())
    return _listed(parameters.get(f"{kind}ParametersUi.parameter", []))


def _object(given: Any, what: str) -> dict[str, Any]:
    if isinstance(given, str):
        try:
            given = json.loads(given) if given.strip() else {}
        except ValueError as error:
            raise NodeError(f"The JSON of {what} is not valid: {error}") from None
    if not isinstance(given, dict):
        raise NodeError(f"The JSON of {what} must be an object")
    return given


def _body(call: NodeCall, parameters: Parameters, index: int, extra: Pairs) -> tuple[bytes | None, str | None]:
    if parameters.get("sendBody") is not True:
        return None, None
    kind = parameters.text("contentType", "json")
    if kind == "json":
        return _json_body(parameters, extra), "application/json"
    if kind == "form-urlencoded":
        if parameters.get("specifyBody", "keypair") == "string":
            return parameters.text("body").encode(), "application/x-www-form-urlencoded"
        return _form([*_pairs(parameters, "Body", "sendBody"), *extra]), "application/x-www-form-urlencoded"
    if kind == "multipart-form-data":
        return _multipart(call, parameters, index), f"multipart/form-data; boundary={_BOUNDARY}"
    if kind == "binaryData":
        content, facts = binary.read(call.items[index], parameters.text("inputDataFieldName", "data"), index)
        return content, str(facts.get("mimeType", "application/octet-stream"))
    if kind == "raw":
        return parameters.text("body").encode(), parameters.text("rawContentType") or "text/plain"
    raise NodeError(f"The body content type {kind!r} is not known", item=index)


def _json_body(parameters: Parameters, extra: Pairs) -> bytes:
    if parameters.get("specifyBody", "keypair") != "json":
        return json_text(dict([*_pairs(parameters, "Body", "sendBody"), *extra])).encode()
    given = parameters.get("jsonBody", {})
    if isinstance(given, str):
        try:
            given = json.loads(given) if given.strip() else {}
        except ValueError:
            raise NodeError("JSON parameter needs to be valid JSON", description=given[:500]) from None
    if extra and isinstance(given, dict):
        given = {**given, **dict(extra)}
    return json_text(given).encode()


def _form(pairs: Pairs) -> bytes:
    return urlencode([(name, text_of(value)) for name, value in pairs]).encode()


def _multipart(call: NodeCall, parameters: Parameters, index: int) -> bytes:
    parts: list[bytes] = []
    for each in parameters.get("bodyParameters.parameters", []):
        name = str(each.get("name", "")).replace('"', "%22")
        if each.get("parameterType") == "formBinaryData":
            content, facts = binary.read(call.items[index], str(each.get("inputDataFieldName", "data")), index)
            file_name = str(facts.get("fileName", "file")).replace('"', "%22")
            head = f'name="{name}"; filename="{file_name}"\r\nContent-Type: {facts.get("mimeType", "application/octet-stream")}'
        else:
            content, head = text_of(each.get("value")).encode(), f'name="{name}"'
        parts.append(f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()


def _older_body(call: NodeCall, parameters: Parameters, index: int, _: Pairs) -> tuple[bytes | None, str | None]:
    if parameters.text("requestMethod", "GET").upper() in ("GET", "HEAD", "OPTIONS"):
        return None, None
    if parameters.get("sendBinaryData") is True:
        name = parameters.text("binaryPropertyName", "data")
        content, facts = binary.read(call.items[index], name.rpartition(":")[2], index)
        return content, str(facts.get("mimeType", "application/octet-stream"))
    kind = parameters.text("options.bodyContentType", "json")
    if kind == "raw":
        return text_of(parameters.get("bodyParametersJson", "")).encode(), parameters.text(
            "options.bodyContentCustomMimeType"
        ) or None
    pairs = _older_pairs(parameters, "body")
    if not pairs:
        return None, None
    if kind == "form-urlencoded":
        return _form(pairs), "application/x-www-form-urlencoded"
    return json_text(dict(pairs)).encode(), "application/json"


def credentials_of(call: NodeCall, parameters: Parameters) -> dict[str, Any]:
    """Those that its authentication names; one that is set but not chosen is not used."""
    how = parameters.get("authentication", "none")
    if how in ("none", None, ""):
        return {}
    if how == "predefinedCredentialType":
        name = parameters.text("nodeCredentialType")
    elif how == "genericCredentialType":
        name = parameters.text("genericAuthType")
    else:
        name = OLDER.get(str(how), str(how))
    return chosen(call.node, name)


def _options(parameters: Parameters, older: bool) -> dict[str, Any]:
    redirect = parameters.get("options.redirect.redirect", {})
    if older:
        follows = boolean_of(parameters.get("options.followRedirect", True)) is not False
        verifies = parameters.get("allowUnauthorizedCerts") is not True
    else:
        follows = redirect.get("followRedirects", True) is not False
        verifies = parameters.get("options.allowUnauthorizedCerts") is not True
    timeout = number_of(parameters.get("options.timeout", 300_000)) or 300_000
    return {
        "timeout_seconds": timeout / 1000,
        "follow_redirects": follows,
        "max_redirects": int(number_of(redirect.get("maxRedirects", 21)) or 21),
        "verify_tls": verifies,
        "proxy": parameters.text("options.proxy") or None,
    }
