"""What code and expressions may use beside the language: Buffer, URL, text encoders."""

from typing import Any

import pytest

from tests.unit.workflow.expressions.table import Row, agrees, rows

TABLE = rows(
    ("Buffer.from('hällo').toString('base64')", "aMOkbGxv"),
    ("Buffer.from('aMOkbGxv', 'base64').toString()", "hällo"),
    ("Buffer.from('hello').toString('hex')", "68656c6c6f"),
    ("Buffer.from('68656c6c6f', 'hex').toString('utf8')", "hello"),
    ("Buffer.from([104, 105]).toString()", "hi"),
    ("Buffer.from('a?b>').toString('base64url')", "YT9iPg"),
    ("Buffer.from('é', 'latin1').length", 1),
    ("Buffer.byteLength('é')", 2),
    ("Buffer.concat([Buffer.from('a'), Buffer.from('b')]).toString()", "ab"),
    ("Buffer.isBuffer(Buffer.alloc(2))", True),
    ("Buffer.from('hello').slice(1, 3).toString()", "el"),
    ("Buffer.from('ab').toJSON()", {"type": "Buffer", "data": [97, 98]}),
    (
        "(() => { try { return Buffer.from('a', 'nonsense') } catch (error) { return error.message } })()",
        "Unknown encoding: nonsense",
    ),
    ("new TextEncoder().encode('é').length", 2),
    ("new TextDecoder().decode(new TextEncoder().encode('é'))", "é"),
    ("atob('aGk=')", "hi"),
    ("btoa('hi')", "aGk="),
    ("new URL('https://me:pw@Example.com:8080/a/b?x=1&y=2#z').hostname", "example.com"),
    ("new URL('https://example.com:443/').href", "https://example.com/"),
    ("new URL('https://example.com').pathname", "/"),
    ("new URL('https://example.com:8080/a').host", "example.com:8080"),
    ("new URL('https://example.com/a?x=1').origin", "https://example.com"),
    ("new URL('https://example.com/a?x=1&x=2').searchParams.getAll('x')", ["1", "2"]),
    ("new URL('../c?d', 'https://example.com/a/b/x').href", "https://example.com/a/c?d"),
    ("new URL('/c', 'https://example.com/a/b').href", "https://example.com/c"),
    (
        "(() => { const url = new URL('https://a.example/'); url.searchParams.set('q', 'x y'); return url.toString() })()",
        "https://a.example/?q=x+y",
    ),
    ("URL.canParse('nonsense')", False),
    ("(() => { try { return new URL('nonsense') } catch (error) { return error.message } })()", "Invalid URL: nonsense"),
    ("new URLSearchParams({a: 1, b: 'x&y'}).toString()", "a=1&b=x%26y"),
    ("new URLSearchParams('?a=1&b=x%20y').get('b')", "x y"),
    ("[...new URLSearchParams('a=1&b=2')]", [["a", "1"], ["b", "2"]]),
    ("Object.fromEntries(new URLSearchParams('a=1'))", {"a": "1"}),
    ("/^[0-9a-f-]{36}$/.test(crypto.randomUUID())", True),
)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.expression[:60])
def test_it_gives(look: Any, row: Row) -> None:
    found = look(TABLE)[row.expression, row.item]
    assert agrees(found, row), f"{row.expression} gave {found!r}, not {row.expected}"
