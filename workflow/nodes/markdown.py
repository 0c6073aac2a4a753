"""Markdown: HTML to Markdown, or Markdown to HTML."""

import re
from typing import Any

from workflow.core.items import Item, Outputs, paired
from workflow.core.paths import with_value
from workflow.expressions.parameters import Parameters
from workflow.nodes.contract import NodeCall, NodeType, each_item, lone_error


def run(call: NodeCall) -> Outputs:
    return [each_item(call, _converted, lone_error)]


def _converted(index: int, item: Item, parameters: Parameters) -> Item:
    to_html = parameters.get("mode", "htmlToMarkdown") == "markdownToHtml"
    text = _to_html(parameters) if to_html else _to_markdown(parameters)
    fields = with_value(item["json"], parameters.text("destinationKey", "data") or "data", text)
    return {**item, "json": fields, "pairedItem": paired(index)}


def _to_markdown(parameters: Parameters) -> str:
    from markdownify import ATX, markdownify  # an engine that converts none spares its memory

    options: dict[str, Any] = {"heading_style": ATX, "bullets": parameters.text("options.bulletMarker", "*")}
    mark = parameters.text("options.strongDelimiter", "**")
    text = markdownify(parameters.text("html"), strong_em_symbol=mark[:1], **options)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _to_html(parameters: Parameters) -> str:
    """Tables and struck text are options in n8n; headings get an id unless that is turned off."""
    from markdown_it import MarkdownIt

    renderer = MarkdownIt("commonmark", {"breaks": parameters.get("options.simpleLineBreaks") is True})
    if parameters.get("options.tables") is True:
        renderer.enable("table")
    if parameters.get("options.strikethrough") is True:
        renderer.enable("strikethrough")
    html = str(renderer.render(parameters.text("markdown"))).strip()
    if parameters.get("options.noHeaderId") is True:
        return html
    return re.sub(r"<(h[1-6])>(.*?)</\1>", _with_id, html)


def _with_id(found: re.Match[str]) -> str:
    tag, inner = found.groups()
    name = re.sub(r"[^\w]", "", re.sub(r"<[^>]*>", "", inner)).lower()
    return f'<{tag} id="{name}">{inner}</{tag}>'


TYPES = (NodeType(name="n8n-nodes-base.markdown", versions=(1,), run=run, note="Its output may differ in blank lines"),)
