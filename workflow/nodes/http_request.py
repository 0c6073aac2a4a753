"""HTTP Request: one request for each item, in batches, and page after page where the node says so.

It yields `CallHttp`; the engine sends it, guards internal addresses, and puts the credentials in, which are known here by name only.
"""

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final

from workflow.core.effects import CallHttp, WaitUntil
from workflow.core.execution import Reply
from workflow.core.failure import NodeError
from workflow.core.items import Item, Outputs
from workflow.nodes import http_pages
from workflow.nodes.contract import EffectFailed, EffectRun, NodeCall, NodeType, error_item, value_of
from workflow.nodes.http_building import build
from workflow.nodes.http_errors import ApiError, refused_page
from workflow.nodes.http_reading import read_response, text_of
from workflow.nodes.values import number_of

_AT_ONCE: Final = 50


def run(call: NodeCall) -> EffectRun:
    made: list[list[Item]] = [[] for _ in call.items]
    batches = _batches(call)
    for number, batch in enumerate(batches):
        if number and (pause := _pause_ms(call)) > 0:
            # From when the node began: a generator that is run again asks for the same.
            value_of((yield WaitUntil(at_ms=call.now_ms + number * pause)))
        if http_pages.mode(call.once()) is not None:
            for index in batch:
                made[index] = yield from _paged(call, index)
        else:
            yield from _batch(call, batch, made)
    outputs: Outputs = [[item for items in made for item in items]]
    return outputs


def _batches(call: NodeCall) -> list[range]:
    """Without batching n8n has 50 requests under way at most."""
    count = len(call.items)
    if not count:
        return []
    parameters = call.once()
    given = parameters.get("options.batching.batch.batchSize", parameters.get("options.batchSize", _AT_ONCE))
    size = int(number_of(given) or 0)
    size = size if size > 0 else count
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def _pause_ms(call: NodeCall) -> int:
    parameters = call.once()
    found = parameters.get("options.batching.batch")
    if isinstance(found, Mapping):
        return int(number_of(found.get("batchInterval", 1000)) or 0)
    return int(number_of(parameters.get("options.batchInterval", 0)) or 0)


def _batch(call: NodeCall, batch: Sequence[int], made: list[list[Item]]) -> Generator[Sequence[CallHttp], list[Reply], None]:
    asked: dict[int, CallHttp] = {}
    for index in batch:
        try:
            asked[index] = build(call, call.each()[index], index)
        except NodeError as error:
            made[index] = [_failed(call, error, index)]
    if not asked:
        return
    replies = yield list(asked.values())
    for index, reply in zip(asked, replies, strict=True):
        try:
            made[index] = read_response(call, call.each()[index], value_of(reply), index)
        except NodeError as error:
            made[index] = [_failed(call, error, index)]


def _failed(call: NodeCall, error: NodeError, index: int) -> Item:
    """The first versions failed as a whole for what was no answer of a service."""
    error.item = index if error.item is None else error.item
    if not call.continues or (call.node.version < 3 and not isinstance(error, ApiError | EffectFailed)):
        raise error
    return error_item(error, index)


def _paged(call: NodeCall, index: int) -> Generator[CallHttp | WaitUntil, Reply, list[Item]]:
    """Page after page of one item, until its condition, its limit, or a page without a next URL."""
    made: list[Item] = []
    pages = http_pages.Pages(call, index)
    try:
        while True:
            request = pages.request()
            response = value_of((yield request))
            made.extend(_page(call, index, response, accepted=pages.ends_with(response)))
            if not pages.goes_on(request, response):
                return made
            if pages.pause_ms > 0:
                value_of((yield WaitUntil(at_ms=call.now_ms + pages.count * pages.pause_ms)))
    except NodeError as error:
        return [_failed(call, error, index)]


def _page(call: NodeCall, index: int, response: Mapping[str, Any], *, accepted: bool) -> list[Item]:
    """`accepted`: whatever its status."""
    try:
        return read_response(call, call.each()[index], response, index, accepted=accepted)
    except ApiError as error:
        error.shown = refused_page(response, text_of(response))
        raise


TYPES = (
    NodeType(
        name="n8n-nodes-base.httpRequest",
        versions=(1, 2, 3, 4, 4.1, 4.2, 4.3),
        run=run,
        effect=True,
        note="Requests to internal addresses are refused unless the administrator allows them",
    ),
)
