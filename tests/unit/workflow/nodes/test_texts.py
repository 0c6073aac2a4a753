"""HTML, Markdown and XML."""

import pytest

from tests.unit.workflow.nodes.case import Case, Fails, check, file
from workflow.core.driver import Driver

PAGE = '<html><body><h1>Hi <b>you</b></h1><ul><li class="a">one</li><li>two</li></ul><a href="/x">l</a><input value="7"></body></html>'


def extract(name: str, *wanted: dict[str, object], gives: object, item: object = None, **more: object) -> Case:
    options = more.pop("options", {})
    parameters = {"operation": "extractHtmlContent", "extractionValues": {"values": list(wanted)}, "options": options, **more}
    given = item if item is not None else {"data": PAGE}
    return Case(name=name, kind="html", version=1.2, parameters=parameters, items=[given], gives=gives)


CASES = (
    extract("text", {"key": "t", "cssSelector": "h1"}, gives=[[{"t": "Hi you"}]]),
    extract("html", {"key": "t", "cssSelector": "h1", "returnValue": "html"}, gives=[[{"t": "Hi <b>you</b>"}]]),
    extract(
        "attribute", {"key": "t", "cssSelector": "a", "returnValue": "attribute", "attribute": "href"}, gives=[[{"t": "/x"}]]
    ),
    extract("value", {"key": "t", "cssSelector": "input", "returnValue": "value"}, gives=[[{"t": "7"}]]),
    extract("array", {"key": "t", "cssSelector": "li", "returnArray": True}, gives=[[{"t": ["one", "two"]}]]),
    extract("class", {"key": "t", "cssSelector": "li.a"}, gives=[[{"t": "one"}]]),
    extract("nothing found", {"key": "t", "cssSelector": "h9"}, gives=[[{"t": ""}]]),
    extract("no array found", {"key": "t", "cssSelector": "h9", "returnArray": True}, gives=[[{"t": []}]]),
    extract("skip", {"key": "t", "cssSelector": "h1", "skipSelectors": "b"}, gives=[[{"t": "Hi"}]]),
    extract(
        "not trimmed",
        {"key": "t", "cssSelector": "p"},
        item={"data": "<p> a </p>"},
        options={"trimValues": False},
        gives=[[{"t": " a "}]],
    ),
    extract(
        "cleaned",
        {"key": "t", "cssSelector": "p"},
        item={"data": "<p>a\n\n  b</p>"},
        options={"cleanUpText": True},
        gives=[[{"t": "a b"}]],
    ),
    extract(
        "two values", {"key": "a", "cssSelector": "li.a"}, {"key": "b", "cssSelector": "a"}, gives=[[{"a": "one", "b": "l"}]]
    ),
    extract(
        "another field",
        {"key": "t", "cssSelector": "i"},
        item={"page": {"raw": "<i>x</i>"}},
        dataPropertyName="page.raw",
        gives=[[{"t": "x"}]],
    ),
    extract(
        "several documents",
        {"key": "t", "cssSelector": "i"},
        item={"data": ["<i>x</i>", "<i>y</i>"]},
        gives=[[{"t": "x"}, {"t": "y"}]],
    ),
    extract("no field", {"key": "t", "cssSelector": "i"}, item={"other": 1}, gives=Fails('No property named "data"')),
    extract("bad selector", {"key": "t", "cssSelector": "p["}, gives=Fails("cannot be read")),
    extract(
        "from a file",
        {"key": "t", "cssSelector": "i"},
        item={"json": {}, "binary": {"data": file("<i>ü</i>")}},
        sourceData="binary",
        gives=[[{"t": "ü"}]],
    ),
    Case(
        name="older",
        kind="htmlExtract",
        parameters={"extractionValues": {"values": [{"key": "t", "cssSelector": "i"}]}},
        items=[{"data": "<i>x</i>"}],
        gives=[[{"t": "x"}]],
    ),
    Case(
        name="template",
        kind="html",
        parameters={"html": "=<p>{{ $json.n }}</p>"},
        items=[{"n": 1}, {"n": 2}],
        gives=[[{"html": "<p>1</p>"}, {"html": "<p>2</p>"}]],
    ),
    Case(
        name="table",
        kind="html",
        version=1.2,
        parameters={"operation": "convertToHtmlTable", "options": {"capitalize": True}},
        items=[{"first_name": "A<b"}, {"ok": True}],
        gives=[
            [
                {
                    "table": "<table><thead><tr><th>First name</th><th>Ok</th></tr></thead><tbody><tr><td>A&lt;b</td><td></td></tr>"
                    '<tr><td></td><td><input type="checkbox" checked/></td></tr></tbody></table>'
                }
            ]
        ],
    ),
    Case(
        name="to html",
        kind="markdown",
        parameters={"mode": "markdownToHtml", "markdown": "# Hello World\n\nsome *text*"},
        gives=[[{"data": '<h1 id="helloworld">Hello World</h1>\n<p>some <em>text</em></p>'}]],
    ),
    Case(
        name="no ids",
        kind="markdown",
        parameters={"mode": "markdownToHtml", "markdown": "# A", "options": {"noHeaderId": True}},
        gives=[[{"data": "<h1>A</h1>"}]],
    ),
    Case(
        name="table",
        kind="markdown",
        parameters={
            "mode": "markdownToHtml",
            "markdown": "|a|\n|-|\n|1|",
            "destinationKey": "x.y",
            "options": {"tables": True},
        },
        items=[{"k": 1}],
        gives=[
            [
                {
                    "k": 1,
                    "x": {
                        "y": "<table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n</tr>\n</tbody>\n</table>"
                    },
                }
            ]
        ],
    ),
    Case(
        name="from html",
        kind="markdown",
        parameters={"html": "<h2>T</h2><p>a <b>b</b> <a href='u'>l</a></p>"},
        gives=[[{"data": "## T\n\na **b** [l](u)"}]],
    ),
    Case(
        name="list",
        kind="markdown",
        parameters={"html": "=<ul><li>{{ $json.a }}</li><li>y</li></ul>"},
        items=[{"a": "x"}],
        gives=[[{"a": "x", "data": "* x\n* y"}]],
    ),
    Case(
        name="to json",
        kind="xml",
        parameters={},
        items=[{"data": '<a id="1"><b>x</b><b>y</b><c/></a>'}],
        gives=[[{"a": {"id": "1", "b": ["x", "y"], "c": ""}}]],
    ),
    Case(
        name="attributes apart",
        kind="xml",
        parameters={"options": {"mergeAttrs": False}},
        items=[{"data": '<a id="1">t</a>'}],
        gives=[[{"a": {"_": "t", "$": {"id": "1"}}}]],
    ),
    Case(
        name="lists always",
        kind="xml",
        parameters={"options": {"explicitArray": True}},
        items=[{"data": "<a><b>x</b></a>"}],
        gives=[[{"a": {"b": ["x"]}}]],
    ),
    Case(
        name="no root",
        kind="xml",
        parameters={"options": {"explicitRoot": False}},
        items=[{"data": "<a><b>x</b></a>"}],
        gives=[[{"b": "x"}]],
    ),
    Case(
        name="no attributes",
        kind="xml",
        parameters={"options": {"ignoreAttrs": True}},
        items=[{"data": '<a i="1"><b j="2">x</b></a>'}],
        gives=[[{"a": {"b": "x"}}]],
    ),
    Case(
        name="normalised",
        kind="xml",
        parameters={"options": {"normalizeTags": True, "trim": True}},
        items=[{"data": "<A><B> x </B></A>"}],
        gives=[[{"a": {"b": "x"}}]],
    ),
    Case(name="cdata", kind="xml", items=[{"data": "<a><![CDATA[1 < 2]]></a>"}], gives=[[{"a": "1 < 2"}]]),
    Case(name="not well formed", kind="xml", items=[{"data": "<a>"}], gives=Fails("not well formed")),
    Case(
        name="entities",
        kind="xml",
        items=[{"data": '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'}],
        gives=Fails("entities of its own"),
    ),
    Case(name="no field", kind="xml", items=[{"b": 1}], gives=Fails('no JSON property called "data"')),
    Case(
        name="to xml",
        kind="xml",
        parameters={"mode": "jsonToxml"},
        items=[{"a": {"$": {"id": 1}, "b": ["x", "y & z"]}}],
        gives=[
            [
                {
                    "data": '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<a id="1">\n  <b>x</b>\n  <b>y &amp; z</b>\n</a>'
                }
            ]
        ],
    ),
    Case(
        name="several fields",
        kind="xml",
        parameters={"mode": "jsonToxml", "options": {"headless": True}},
        items=[{"a": 1, "b": ""}],
        gives=[[{"data": "<root>\n  <a>1</a>\n  <b/>\n</root>"}]],
    ),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_gives(driver: Driver, case: Case) -> None:
    check(driver, case)
