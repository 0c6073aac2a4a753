"""n8n's functions on objects: called like methods, and no fields."""

from typing import Any

import pytest

from tests.unit.workflow.expressions.table import Row, agrees, rows

TABLE = rows(
    ("({x: null, y: 2, z: ''}).compact()", {"y": 2}),
    ("({a: {b: null, c: 1}}).compact()", {"a": {"c": 1}}),
    ("({name: 'Nathan', age: 42}).hasField('name')", True),
    ("({name: 'Nathan', age: 42}).hasField('Name')", False),
    ("({}).hasField('toString')", True),
    ("({name: 'Nathan'}).isEmpty()", False),
    ("({}).isEmpty()", True),
    ("({name: 'Nathan'}).isNotEmpty()", True),
    ("({}).isNotEmpty()", False),
    ("({name: 'Mr Nathan', city: 'hanoi', age: 42}).keepFieldsContaining('Nathan')", {"name": "Mr Nathan"}),
    ("({name: 'Mr Nathan', city: 'hanoi', age: 42}).keepFieldsContaining('nathan')", {}),
    ("({name: 'Mr Nathan', city: 'hanoi', age: 42}).keepFieldsContaining('han')", {"name": "Mr Nathan", "city": "hanoi"}),
    ("({name: 'Mr Nathan', age: 42}).keys()", ["name", "age"]),
    ("({name: 'Mr Nathan', age: 42}).values()", ["Mr Nathan", 42]),
    ("({name: 'Nathan', city: 'hanoi'}).removeField('name')", {"city": "hanoi"}),
    ("({name: 'Mr Nathan', city: 'hanoi', age: 42}).removeFieldsContaining('Nathan')", {"city": "hanoi", "age": 42}),
    ("({name: 'Mr Nathan', city: 'hanoi', age: 42}).removeFieldsContaining('han')", {"age": 42}),
    ("({name: 'Nathan', age: 42}).toJsonString()", '{"name":"Nathan","age":42}'),
    ("({name: 'Mr Nathan', city: 'hanoi'}).urlEncode()", "name=Mr+Nathan&city=hanoi"),
    ("({a: 'x&y'}).urlEncode()", "a=x%26y"),
    ("Object.keys({a: 1, b: 2})", ["a", "b"]),
    ("Object.values({a: 1, b: 2})", [1, 2]),
    ("Object.entries({a: 1})", [["a", 1]]),
    ("Object.fromEntries([['a', 1]])", {"a": 1}),
    ("Object.assign({}, {a: 1}, {b: 2})", {"a": 1, "b": 2}),
    ("({...{a: 1}, b: 2})", {"a": 1, "b": 2}),
    ("({keys: 1}).keys", 1),
    ("({}).keys", None),
    ("({}).values ? 'there' : 'gone'", "gone"),
    ("({keys: () => 'own'}).keys()", ["keys"]),
    ("new Map([['a', 1]]).keys()", []),
    ("({a: {b: 1}}).a.keys().concat(({c: 1}).keys())", ["b", "c"]),
    ("({a: 1}).keys().map(key => ({[key]: 2}).values())", [[2]]),
    ("({b: 1, a: {c: [1, 2]}})", {"b": 1, "a": {"c": [1, 2]}}),
    ("JSON.stringify({a: [1, {b: 2}]})", '{"a":[1,{"b":2}]}'),
    ("JSON.parse('{\"a\": 1}').a", 1),
    ("({a: 1}) instanceof Object", True),
    ("'a' in {a: 1}", True),
    ("({undefined: undefined})", {}),
)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.expression[:60])
def test_it_gives(look: Any, row: Row) -> None:
    found = look(TABLE)[row.expression, row.item]
    assert agrees(found, row), f"{row.expression} gave {found!r}, not {row.expected}"
