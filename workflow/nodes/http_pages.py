"""Pages of an HTTP Request: what the next one asks for, and whether there is one. Its expressions see `$response`, `$request`, `$pageCount`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import JsonValue

from workflow.core.effects import CallHttp
from workflow.core.failure import LimitError, NodeError
from workflow.expressions.parameters import Parameters
from workflow.nodes.contract import NodeCall
from workflow.nodes.http_building import build
from workflow.nodes.http_query import Pairs
from workflow.nodes.http_reading import body_value
from workflow.nodes.values import number_of, text_of, truthy

_MOST: Final = 1000
_PLACES: Final = {"qs": "qs", "headers": "headers", "body": "body"}


def mode(parameters: Parameters) -> str | None:
    """None where the node does not page."""
    found = parameters.raw("options.pagination.pagination")
    if not isinstance(found, Mapping):
        return None
    chosen = str(found.get("paginationMode", "updateAParameterInEachRequest"))
    return None if chosen == "off" else chosen


class Pages:
    """The pages of one item. Parameters are evaluated again for each, since they may refer to the response before."""

    def __init__(self, call: NodeCall, index: int) -> None:
        self._call = call
        self._index = index
        self._seen: dict[str, Any] = {"page_count": 0, "response": {"body": {}, "headers": {}}, "request": {}}
        self.count = 0

    @property
    def _settings(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._parameters().get("options.pagination.pagination", {})
        return found

    @property
    def pause_ms(self) -> int:
        return int(number_of(self._settings.get("requestInterval", 0)) or 0)

    def request(self) -> CallHttp:
        parameters = self._parameters()
        if mode(parameters) != "responseContainsNextURL":
            return build(self._call, parameters, self._index, extra=self._extra())
        if not self.count:
            return build(self._call, parameters, self._index)
        url = self._settings.get("nextURL")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise _no_address(url, self._index)
        return build(self._call, parameters, self._index, url=url)

    def goes_on(self, request: CallHttp, response: Mapping[str, Any]) -> bool:
        """Notes the response; raises `evaluation_limit` where the pages never end."""
        self.count += 1
        self._seen = {
            "page_count": self.count,
            "response": {
                "body": body_value(response),
                "headers": response.get("headers", {}),
                "statusCode": response.get("status"),
            },
            "request": {"url": request.url, "method": request.method, "headers": request.headers},
        }
        settings = self._settings
        if settings.get("limitPagesFetched") is True and self.count >= int(number_of(settings.get("maxRequests", 100)) or 100):
            return False
        if self._complete(settings, response):
            return False
        if self.count >= _MOST:
            raise LimitError(f"The node fetched {_MOST} pages and is not complete. Check the condition, or limit the pages.")
        return True

    def ends_with(self, response: Mapping[str, Any]) -> bool:
        """Whether the answer's status is one that the last page has: such a one is no error."""
        settings = self._settings
        if settings.get("paginationCompleteWhen") != "receiveSpecificStatusCodes":
            return False
        codes = text_of(settings.get("statusCodesWhenComplete")).split(",")
        return str(response.get("status", 0)) in [code.strip() for code in codes]

    def _complete(self, settings: Mapping[str, Any], response: Mapping[str, Any]) -> bool:
        when = settings.get("paginationCompleteWhen", "responseIsEmpty")
        if when == "responseIsEmpty":
            body = self._seen["response"]["body"]
            return body in ("", None) or body == [] or body == {}
        if when == "receiveSpecificStatusCodes":
            return self.ends_with(response)
        return truthy(settings.get("completeExpression"))

    def _extra(self) -> dict[str, Pairs]:
        found: dict[str, Pairs] = {}
        for each in (self._settings.get("parameters") or {}).get("parameters", []):
            place = _PLACES.get(str(each.get("type", "qs")))
            if place is None:
                raise NodeError(f"A page cannot set a parameter of type {each.get('type')!r}", item=self._index)
            found.setdefault(place, []).append((str(each.get("name", "")), each.get("value")))
        return found

    def _parameters(self) -> Parameters:
        """As this page sees them."""
        seen = replace(self._call, environment={**self._call.environment, **self._seen}, _each=None, _once=None)
        return self._call.scripts.parameters(seen, (self._index,))[0]


def _no_address(given: Any, index: int) -> NodeError:
    message = f"'{'null' if given is None else text_of(given)}' is not a valid URL."
    hint = 'Make sure the "Next URL" parameter evaluates to a valid URL.'
    cause: JsonValue = {"name": "Error", "message": message}
    shown: JsonValue = {"message": message, "name": NodeError.kind, "description": hint, "context": {}, "cause": cause}
    return NodeError(message, description=hint, item=index, shown=shown)
