"""The request that an HTTP Request node makes of one item: method, URL, query, headers, and which credentials go with it."""

import base64
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from bus.version import hive_version
from workflow.core.effects import CallHttp
from workflow.core.failure import NodeError
from workflow.credentials.needed import OLDER, chosen
from workflow.expressions.parameters import Parameters
from workflow.nodes.contract import NodeCall
from workflow.nodes.http_bodies import body_of
from workflow.nodes.http_older import older_body, older_pairs
from workflow.nodes.http_pairs import pairs_of
from workflow.nodes.http_query import Pairs, all_of_each, last_of_each, query_text
from workflow.nodes.values import boolean_of, number_of, text_of, type_of

USER_AGENT: Final = f"Hive/{hive_version()}"
"""Of a node that says nothing else: who asks is Hive, and not n8n."""
_ACCEPTS: Final = {
    "json": "application/json,text/*;q=0.99",
    "text": "application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, */*;q=0.1",
}
_ACCEPT_ANY: Final = "application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, image/*;q=0.8, */*;q=0.7"
_TOKEN: Final = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+\Z")
_OF_ITSELF: Final = {"accept": (*_ACCEPTS.values(), _ACCEPT_ANY), "user-agent": (USER_AGENT,)}


def build(
    call: NodeCall, parameters: Parameters, index: int, *, extra: Mapping[str, Pairs] | None = None, url: str | None = None
) -> CallHttp:
    """`extra`: pairs of `qs`, `headers` and `body` that a page adds; `url`: the page's own. Raises `NodeError`."""
    extra = extra or {}
    older = call.node.version < 3
    address = _url(parameters.get("url") if url is None else url, parameters, index)
    headers = older_pairs(parameters, "header") if older else pairs_of(parameters, "Headers", "sendHeaders")
    sent = dict(filter(None, map(_header, [*headers, *extra.get("headers", ())])))
    body, kind, wins = (older_body if older else body_of)(call, parameters, index, extra.get("body", []))
    if kind is not None and (wins or "content-type" not in sent):
        sent["content-type"] = kind
    sent.setdefault("accept", _ACCEPTS.get(response_format(parameters, older), _ACCEPT_ANY))
    sent.setdefault("user-agent", USER_AGENT)
    return CallHttp(
        method=parameters.text("requestMethod" if older else "method", "GET").upper(),
        url=_with_query(address, _query(parameters, older, extra.get("qs", []))),
        headers=sent,
        body_base64=base64.b64encode(body).decode() if body is not None else None,
        credentials=credentials_of(call, parameters),
        **_options(call, parameters),
    )


def own_headers(request: CallHttp) -> dict[str, str]:
    """Those that the node asks for, or needs; not those that are sent when it says nothing."""
    return {name: value for name, value in request.headers.items() if value not in _OF_ITSELF.get(name, ())}


def response_format(parameters: Parameters, older: bool) -> str:
    """One of `autodetect`, `json`, `text`, `file`."""
    if older:
        found = parameters.text("responseFormat", "json")
        return "text" if found == "string" else found
    return parameters.text("options.response.response.responseFormat", "autodetect")


def _url(given: Any, parameters: Parameters, index: int) -> str:
    if not isinstance(given, str):
        kind = type_of(given) if given is not None or not parameters.is_undefined("url") else "undefined"
        raise NodeError(f"URL parameter must be a string, got {kind}", item=index)
    text = given.strip()
    if not text.startswith(("http://", "https://")):
        raise NodeError(f'Invalid URL: {text}. URL must start with "http" or "https".', item=index)
    try:
        parts = urlsplit(text)
        valid = bool(parts.hostname) and " " not in parts.netloc and (parts.port or 0) >= 0
    except ValueError:
        valid = False
    if not valid:
        raise NodeError("Invalid URL", item=index, shown={"code": "ERR_INVALID_URL", "input": text})
    return text


def _with_query(url: str, query: str) -> str:
    """An apostrophe of the query stands as browsers write it."""
    address, mark, fragment = url.partition("#")
    path, has, own = address.partition("?")
    joined = "&".join(filter(None, (own.replace("'", "%27"), query)))
    return f"{path}{'?' if has or joined else ''}{joined}{mark}{fragment}"


def _query(parameters: Parameters, older: bool, extra: Pairs) -> str:
    if older:
        return query_text(all_of_each([*older_pairs(parameters, "query"), *extra]))
    fields = last_of_each([*pairs_of(parameters, "Query", "sendQuery"), *extra])
    return query_text(fields, parameters.text("options.queryParameterArrays", "indices"))


def _header(pair: tuple[str, Any]) -> tuple[str, str] | None:
    """One that is nothing is not sent, and none has more than one line."""
    name, value = pair
    if value is None:
        return None
    if isinstance(value, list):
        text = ", ".join(map(text_of, value))
    else:
        text = "[object Object]" if isinstance(value, Mapping) else text_of(value)
    if not _TOKEN.match(name):
        raise NodeError(f'Header name must be a valid HTTP token ["{name}"]', shown={"code": "ERR_INVALID_HTTP_TOKEN"})
    return name.lower(), text.replace("\r", "").replace("\n", "")


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


def _options(call: NodeCall, parameters: Parameters) -> dict[str, Any]:
    older = call.node.version < 3
    redirect = parameters.get("options.redirect.redirect", {})
    insecure = parameters.get("allowUnauthorizedCerts" if older else "options.allowUnauthorizedCerts")
    return {
        "timeout_seconds": (number_of(parameters.get("options.timeout", 300_000)) or 300_000) / 1000,
        "follow_redirects": _older_follows(parameters)
        if older
        else redirect.get("followRedirects", call.node.version >= 4) is True,
        "max_redirects": int(number_of(redirect.get("maxRedirects", 21)) or 21),
        "verify_tls": insecure is not True,
        "proxy": parameters.text("options.proxy") or None,
    }


def _older_follows(parameters: Parameters) -> bool:
    """The first versions followed for what only reads, unless they were told to follow for all."""
    if parameters.get("options.followAllRedirects") is True:
        return True
    reads = parameters.text("requestMethod", "GET").upper() in ("GET", "HEAD", "OPTIONS")
    return reads and boolean_of(parameters.get("options.followRedirect", True)) is not False
