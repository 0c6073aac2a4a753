"""Pages of Hive's own for people without a key: one file each, nothing loaded from elsewhere, and a policy that allows nothing else.

What a workflow's document says is text on them. Simple marks in a description stay (`simple_html`); whatever could load or run does not.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from html import escape
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import urlsplit

from bus.messages.workflows import WebhookReply

STYLE: Final = """
:root{color-scheme:light dark;--back:#f4f5f7;--card:#fff;--text:#1d2430;--soft:#5b6472;--line:#cdd3dc;--mark:#2f5fd0;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--back:#14171c;--card:#1d2127;--text:#e7eaf0;--soft:#a3adbb;--line:#3b424d;--mark:#7ea2ff;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif}
main{max-width:36rem;margin:0 auto;padding:1rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.25rem}
h1{font-size:1.4rem;margin:0 0 .5rem}
.soft{color:var(--soft);margin:0 0 1rem}
label,legend{display:block;font-weight:600;margin:1rem 0 .25rem;padding:0}
fieldset{border:0;margin:0;padding:0}
.choice{display:flex;gap:.5rem;align-items:center;font-weight:400;margin:.25rem 0}
input:not([type=checkbox]):not([type=radio]),textarea,select{width:100%;font:inherit;color:inherit;background:var(--back);border:1px solid var(--line);
border-radius:.5rem;padding:.6rem}
:focus-visible{outline:2px solid var(--mark);outline-offset:1px}
button{font:inherit;font-weight:600;margin-top:1.25rem;padding:.6rem 1.25rem;border:0;border-radius:.5rem;background:var(--mark);color:var(--card)}
.bad{color:var(--bad);margin:.25rem 0 0}
a{color:var(--mark)}
pre{overflow:auto}
.log{display:flex;flex-direction:column;gap:.5rem;min-height:50vh;margin:0 0 1rem;padding:0;list-style:none}
.log li{padding:.5rem .75rem;border-radius:.75rem;border:1px solid var(--line);max-width:85%;white-space:pre-wrap;overflow-wrap:anywhere}
.log .mine{align-self:flex-end;background:var(--mark);color:var(--card);border-color:var(--mark)}
.send{display:flex;gap:.5rem;align-items:flex-end;flex-wrap:wrap}
.send textarea{flex:1}
.send button{margin:0}
"""


def page(
    title: str, body: str, *, status: int = 200, script: str = "", to: Sequence[str] = (), headers: dict[str, str] | None = None
) -> WebhookReply:
    """`body` is HTML; `title` is text. `to`: origins that a form on it may lead to, beside this one."""
    tail = f"<script>{script}</script>" if script else ""
    content = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>{body}</main>{tail}</body></html>"
    )
    policy = [
        "default-src 'none'",
        f"style-src {_hash(STYLE)}",
        " ".join(["form-action 'self'", *to]),
        "base-uri 'none'",
        "frame-ancestors 'none'",
        *((f"script-src {_hash(script)}", "connect-src 'self'") if script else ()),
    ]
    own = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": "; ".join(policy),
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return WebhookReply(status=status, headers={**own, **(headers or {})}, body=content, page=True)


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def origin_of(address: str) -> str | None:
    """Of an http or https address; None for all else, which no page may lead to."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or any(char in parts.netloc for char in " ;,'\"<>\r\n"):
        return None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


_ALONE: Final = frozenset({"br"})
_KEPT: Final = frozenset(
    [
        "a",
        "b",
        "br",
        "code",
        "div",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "i",
        "li",
        "ol",
        "p",
        "pre",
        "span",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "u",
        "ul",
    ]
)
_SILENT: Final = frozenset({"script", "style", "iframe", "object", "template", "noscript", "title", "textarea", "svg", "math"})


def simple_html(text: str) -> str:
    """Marks that n8n allows and that load nothing, without attributes but a link's address; line breaks are kept."""
    reader = _Simple()
    reader.feed(text.replace("\\n", "\n"))
    reader.close()
    return reader.result()


class _Simple(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._made: list[str] = []
        self._open: list[str] = []
        self._silent: list[str] = []

    def result(self) -> str:
        return "".join([*self._made, *(f"</{tag}>" for tag in reversed(self._open))])

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent.append(tag)
        elif tag in _KEPT and not self._silent:
            self._made.append(f"<{tag}{_link(tag, dict(attrs))}>")
            if tag not in _ALONE:
                self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._silent and tag == self._silent[-1]:
            self._silent.pop()
        elif tag in self._open and not self._silent:
            while (last := self._open.pop()) != tag:
                self._made.append(f"</{last}>")
            self._made.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._made.append(escape(data).replace("\n", "<br>"))


def _link(tag: str, attributes: dict[str, Any]) -> str:
    address = str(attributes.get("href") or "")
    if tag != "a" or origin_of(address) is None:
        return ""
    return f' href="{escape(address)}" target="_blank" rel="noopener noreferrer"'
