"""RSS Read: an item for each entry of a feed, RSS 2.0, RSS 1.0 or Atom, with the fields that n8n's reader gives."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any, Final
from urllib.parse import urljoin

from workflow.core.effects import CallHttp
from workflow.core.failure import NodeError
from workflow.core.items import Item, paired
from workflow.expressions.parameters import Parameters
from workflow.nodes.contract import EffectRun, NodeCall, NodeType, error_item, value_of
from workflow.nodes.http_reading import text_of
from workflow.nodes.xml import to_json

_TEXTS: Final[Mapping[str, str]] = {
    "title": "title",
    "pubDate": "pubDate",
    "published": "pubDate",
    "dc:creator": "creator",
    "author": "author",
    "guid": "guid",
    "id": "id",
    "comments": "comments",
    "content:encoded": "content:encoded",
}
_TAG: Final = re.compile(r"<[^>]*>")
Entry = dict[str, Any]


def run(call: NodeCall) -> EffectRun:
    """In version 1 the first item's feed alone."""
    made: list[Item] = []
    for index in range(len(call.items) if call.node.version > 1 else min(1, len(call.items))):
        parameters = call.each()[index]
        try:
            response = value_of((yield _request(parameters)))
            if not 200 <= int(response.get("status", 0)) < 300:
                raise NodeError(f"The feed cannot be read: status {response.get('status')}")
            made.extend(
                {"json": each, "pairedItem": paired(index)} for each in entries(text_of(response), str(response["url"]))
            )
        except NodeError as error:
            error.item = index if error.item is None else error.item
            if not call.continues:
                raise
            made.append(error_item(error, index))
    return [made]


def _request(parameters: Parameters) -> CallHttp:
    url = parameters.text("url").strip()
    if not url.startswith(("http://", "https://")):
        raise NodeError("The provided 'URL' is not valid!" if url else "The parameter 'URL' has to be set!")
    return CallHttp(
        url=url,
        headers={"accept": "application/rss+xml, application/rdf+xml;q=0.8, application/atom+xml;q=0.6, application/xml;q=0.4"},
        verify_tls=parameters.get("options.ignoreSSL") is not True,
    )


def entries(document: str, base: str) -> list[Entry]:
    """Raises NodeError for what is no feed."""
    found = to_json(document.lstrip("\ufeff \r\n\t"), {"explicitArray": True, "mergeAttrs": False})
    (name, root), *_ = found.items() if isinstance(found, dict) and found else [("", {})]
    if name == "feed":
        return [_atom(each, base) for each in _all(root, "entry")]
    if name not in ("rss", "rdf:RDF"):
        raise NodeError("Feed not recognized as RSS 1 or 2, or Atom")
    channel: Any = next(iter(_all(root, "channel")), {})
    return [_rss(each, base) for each in (_all(channel, "item") or _all(root, "item"))]


def _all(element: Any, name: str) -> Sequence[Any]:
    return element.get(name, []) if isinstance(element, Mapping) else []


def _text(value: Any) -> str:
    """Of an element: its characters, without its attributes."""
    if isinstance(value, Mapping):
        return str(value.get("_", "") or "".join(_text(each) for name, inner in value.items() if name != "$" for each in inner))
    return str(value or "")


def _known(element: Any) -> Entry:
    return {to: text for name, to in _TEXTS.items() for each in _all(element, name)[:1] if (text := _text(each).strip())}


def _rss(element: Any, base: str) -> Entry:
    entry = _known(element)
    links = [_text(each).strip() for each in _all(element, "link")]
    if links:
        entry["link"] = urljoin(base, links[0])
    for content in _all(element, "description")[:1]:
        entry |= {"content": _text(content), "contentSnippet": _snippet(_text(content))}
    if "content:encoded" in entry:
        entry["content:encodedSnippet"] = _snippet(entry["content:encoded"])
    categories = [_text(each) for each in _all(element, "category")]
    return _dated({**entry, "categories": categories} if categories else entry, _all(element, "dc:date"))


def _atom(element: Any, base: str) -> Entry:
    entry = _known(element)
    links = [each.get("$", {}) for each in _all(element, "link") if isinstance(each, Mapping)]
    chosen = next((each for each in links if each.get("rel", "alternate") == "alternate"), links[0] if links else {})
    if chosen.get("href"):
        entry["link"] = urljoin(base, str(chosen["href"]))
    for author in _all(element, "author")[:1]:
        entry["author"] = _text(next(iter(_all(author, "name")), author))
    for name in ("content", "summary"):
        for each in _all(element, name)[:1]:
            entry |= {name: _text(each), f"{name}Snippet": _snippet(_text(each))}
    return _dated(entry, _all(element, "updated"))


def _dated(entry: Entry, others: Sequence[Any]) -> Entry:
    """With `isoDate`, where the date can be read."""
    text = entry.get("pubDate") or next((_text(each).strip() for each in others), "")
    if not text:
        return entry
    entry.setdefault("pubDate", text)
    try:
        when = parsedate_to_datetime(text) if "," in text else datetime.fromisoformat(text)
        there = (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return entry
    return {**entry, "isoDate": f"{there:%Y-%m-%dT%H:%M:%S}.{there.microsecond // 1000:03d}Z"}


def _snippet(content: str) -> str:
    return unescape(_TAG.sub("", content)).strip()


TYPES = (NodeType(name="n8n-nodes-base.rssFeedRead", versions=(1, 1.1, 1.2), run=run, effect=True),)
