"""RSS Read: entries of the three kinds of feeds, and what is none."""

from typing import Any

import pytest

from tests.unit.workflow.nodes.case import Case, Fails, check
from workflow.core.driver import Driver
from workflow.core.execution import Reply

RSS = """<?xml version="1.0"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>T</title>
<item><title>One &amp; two</title><link>/one</link><pubDate>Tue, 02 Jan 2024 03:04:05 +0100</pubDate><guid isPermaLink="false">g1</guid>
<dc:creator>Ann</dc:creator><description>&lt;p&gt;Hello &amp;amp; bye&lt;/p&gt;</description><category>a</category><category>b</category></item>
<item><title><![CDATA[Two <b>]]></title></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title>
<entry><title>One</title><link rel="self" href="/self"/><link href="https://x.example/one"/><id>urn:1</id><updated>2024-01-02T03:04:05Z</updated>
<author><name>Ann</name></author><summary>Short</summary><content type="html">&lt;i&gt;long&lt;/i&gt;</content></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>T</title></channel>
<item><title>One</title><link>https://x.example/1</link><dc:date>2024-01-02T03:04:05+00:00</dc:date></item></rdf:RDF>"""


@pytest.mark.parametrize(
    ("document", "gives"),
    [
        (
            RSS,
            [
                {
                    "title": "One & two", "pubDate": "Tue, 02 Jan 2024 03:04:05 +0100", "creator": "Ann", "guid": "g1",
                    "link": "https://feed.example/one", "content": "<p>Hello &amp; bye</p>", "contentSnippet": "Hello & bye",
                    "categories": ["a", "b"], "isoDate": "2024-01-02T02:04:05.000Z",
                },
                {"title": "Two <b>"},
            ],
        ),
        (
            ATOM,
            [
                {
                    "title": "One", "id": "urn:1", "link": "https://x.example/one", "author": "Ann", "content": "<i>long</i>",
                    "contentSnippet": "long", "summary": "Short", "summarySnippet": "Short", "pubDate": "2024-01-02T03:04:05Z",
                    "isoDate": "2024-01-02T03:04:05.000Z",
                }
            ],
        ),
        (RDF, [{"title": "One", "link": "https://x.example/1", "pubDate": "2024-01-02T03:04:05+00:00", "isoDate": "2024-01-02T03:04:05.000Z"}]),
        ("<html><body/></html>", Fails("not recognized")),
        ("nonsense", Fails("not well formed")),
        ('<!DOCTYPE a [<!ENTITY b "c">]><rss/>', Fails("entities of its own")),
        ("<rss><channel/></rss>", []),
        (
            "<rss><channel><item><title>One</title><pubDate>0001-01-01T00:00:00+05:00</pubDate></item></channel></rss>",
            [{"title": "One", "pubDate": "0001-01-01T00:00:00+05:00"}],
        ),
    ],
)  # fmt: skip
def test_entries(driver: Driver, document: str, gives: Any) -> None:
    case = Case(
        name="",
        kind="rssFeedRead",
        version=1.2,
        parameters={"url": "https://feed.example/rss"},
        gives=gives if isinstance(gives, Fails) else [gives] if gives else [],
    )
    check(
        driver, case, lambda _: Reply(value={"status": 200, "headers": {}, "body": document, "url": "https://feed.example/rss"})
    )


@pytest.mark.parametrize(("version", "count"), [(1, 1), (1.2, 2)])
def test_each_item_is_a_feed_but_in_version_1(driver: Driver, version: float, count: int) -> None:
    case = Case(
        name="", kind="rssFeedRead", version=version, parameters={"url": "={{ $json.u }}"}, items=[{"u": "http://a"}, {"u": "http://b"}],
        gives=[[{"title": "One", "link": "https://x.example/1", "pubDate": "2024-01-02T03:04:05+00:00", "isoDate": "2024-01-02T03:04:05.000Z"}] * count],
    )  # fmt: skip
    check(driver, case, lambda _: Reply(value={"status": 200, "headers": {}, "body": RDF, "url": "http://a"}))


@pytest.mark.parametrize(
    ("url", "status", "says"), [("", 200, "has to be set"), ("ftp://x", 200, "not valid"), ("http://x", 404, "status 404")]
)
def test_what_is_no_feed_is_told(driver: Driver, url: str, status: int, says: str) -> None:
    case = Case(name="", kind="rssFeedRead", version=1.2, parameters={"url": url}, gives=Fails(says))
    check(driver, case, lambda _: Reply(value={"status": status, "headers": {}, "body": "", "url": url}))
