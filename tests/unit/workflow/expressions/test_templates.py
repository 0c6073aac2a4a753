"""Texts with expressions in them, and what may stand between the braces."""

from typing import Any

import pytest

from tests.unit.workflow.expressions.table import Fails, Row, agrees, rows

TABLE = rows(
    ("a {{ 1 + 1 }} b", "a 2 b"),
    ("{{ 1 }}{{ 2 }}", "12"),
    ("{{ 1 }} {{ 'x' }}", "1 x"),
    ("{{ [1, 2] }}", [1, 2]),
    ("x{{ [1, 2] }}", "x1,2"),
    ("x{{ {a: 1} }}", "x[object Object]"),
    ("{{ {a: {b: 1}} }}", {"a": {"b": 1}}),
    ("{{ true }}", True),
    ("is {{ true }}", "is true"),
    ("{{ '}' + '}' }}", "}}"),
    ("{{ \"a\" }}\n{{ 'b' }}", "a\nb"),
    ("{{\n  1 +\n  1\n}}", 2),
    ("{{ 5; }}", 5),
    ("{{ /* note */ 5 }}", 5),
    ("{{ 5 // note\n }}", 5),
    ("{{ (() => { const a = 2; return a * 3 })() }}", 6),
    ("{{ ((a, b = 2) => a + b)(1) }}", 3),
    ("{{ $json.twice > 5 ? 'yes' : 'no' }}", "yes"),
    ("{{ `x${$json.twice}` }}", "x6"),
    ("{{ $json?.twice }}", 6),
    ("{{ typeof 1 }}", "number"),
    ("{{ [3, 1, 2].sort().join('-') }}", "1-2-3"),
    ("{{ /a(b)/.exec('ab')[1] }}", "b"),
    ("{{ 'a\\nb' }}", "a\nb"),
    ("{{ encodeURIComponent('a b&c') }}", "a%20b%26c"),
    ("{{ isNaN('x') }}", True),
    ("{{ new Set([1, 1, 2]).size }}", 2),
    ("{{ [...new Set([1, 1, 2])] }}", [1, 2]),
    ("{{ BigInt(5) + '' }}", "5"),
    ("$json { single } braces {{ 1 }}", "$json { single } braces 1"),
    ("{{ (function () { return typeof require })() }}", "undefined"),
    ("{{ typeof process }}", "undefined"),
    ("{{ typeof fetch }}", "undefined"),
    ("{{ Object.prototype.x = 1, ({}).x }}", Fails('Cannot access "prototype" due to security concerns')),
    ("{{ ({})['proto' + 'type'] }}", Fails('Cannot access "prototype" due to security concerns')),
    ("{{ ({}).constructor.constructor('return 7')() }}", Fails("invalid constructor function call")),
)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.expression[:60])
def test_it_gives(look: Any, row: Row) -> None:
    found = look(TABLE)[row.expression, row.item]
    assert agrees(found, row), f"{row.expression} gave {found!r}, not {row.expected}"
