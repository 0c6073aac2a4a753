"""n8n's functions on lists, and JavaScript's own beside them."""

from typing import Any

import pytest

from tests.unit.workflow.expressions.table import Row, agrees, rows

TABLE = rows(
    ("['forget', 'me'].append('not')", ["forget", "me", "not"]),
    ("[9, 0, 2].append(1, 0)", [9, 0, 2, 1, 0]),
    ("[12, 1, 5].average()", 6),
    ("[].average()", 0),
    ("[1, 2, 3, 4, 5, 6].chunk(2)", [[1, 2], [3, 4], [5, 6]]),
    ("[1, 2, 3].chunk(2)", [[1, 2], [3]]),
    ("[2, null, 1, ''].compact()", [2, 1]),
    ("[0, false, undefined].compact()", [0, False]),
    ("['Nathan', 'Jan'].concat(['Steve', 'Bill'])", ["Nathan", "Jan", "Steve", "Bill"]),
    ("[5, 4].concat([100, 101], ['a', 'b'])", [5, 4, 100, 101, "a", "b"]),
    ("[1, 2, 3].difference([2, 3])", [1]),
    ("[{a: 1}, {a: 2}].difference([{a: 2}])", [{"a": 1}]),
    ("[12, 33, 16, 40].filter(age => age > 18)", [33, 40]),
    ("[1, 7, 3, 10, 5].filter((num, index) => {return index % 2 != 0})", [7, 10]),
    ("[12, 33].find(age => age > 18)", 33),
    ("[12].find(age => age > 18)", None),
    ("['quick', 'brown', 'fox'].first()", "quick"),
    ("[].first()", None),
    ("['Bob', 'Nat'].includes('Nat')", True),
    ("['Bob'].indexOf('Nathan')", -1),
    ("[1, 2].intersection([2, 3])", [2]),
    ("[].isEmpty()", True),
    ("['quick'].isEmpty()", False),
    ("['quick'].isNotEmpty()", True),
    ("[].isNotEmpty()", False),
    ("['Wind', 'Water', 'Fire'].join(' + ')", "Wind + Water + Fire"),
    ("['Wind', 'Water'].join('')", "WindWater"),
    ("['quick', 'brown', 'fox'].last()", "fox"),
    ("['Bob', 'Bill', 'Nat'].length", 3),
    ("[12, 33, 16].map(num => num * 2)", [24, 66, 32]),
    ("[1, 12, 5].max()", 12),
    ("[12, 1, 5].min()", 1),
    ("[{name: 'Nathan', age: 42}, {name: 'Jan', city: 'Berlin'}].pluck('name')", ["Nathan", "Jan"]),
    ("[{name: 'Nathan', age: 42}, {name: 'Jan', city: 'Berlin'}].pluck('age')", [42]),
    ("['a', 'b'].includes(['a', 'b'].randomItem())", True),
    ("[12, 33, 16].reduce((result, num) => result + num, 0)", 61),
    ("['quick', 'brown', 'quick'].removeDuplicates()", ["quick", "brown"]),
    ("[{a: 1, b: 1}, {a: 1, b: 2}].removeDuplicates('a')", [{"a": 1, "b": 1}]),
    ("[{a: 1, b: 1, c: 1}, {a: 1, b: 1, c: 2}, {a: 1, b: 2}].removeDuplicates('a', 'b').length", 2),
    ("[{a: 1}, {a: 1}].removeDuplicates()", [{"a": 1}]),
    ("[1, '1'].removeDuplicates()", [1, "1"]),
    ("[{name: 'bob'}, {name: 'meg'}].renameKeys('name', 'x')", [{"x": "bob"}, {"x": "meg"}]),
    ("[{a: 1, b: 2}].renameKeys('a', 'x', 'b', 'y')", [{"x": 1, "y": 2}]),
    ("['dog', 'bites', 'man'].reverse()", ["man", "bites", "dog"]),
    ("[1, 2, 3, 4, 5].slice(-2)", [4, 5]),
    ("[{field: 'age', value: 2}, {field: 'city', value: 'Berlin'}].smartJoin('field', 'value')", {"age": 2, "city": "Berlin"}),
    ("['d', 'a', 'c'].sort()", ["a", "c", "d"]),
    ("[4, 2, 1, 3].sort((a, b) => a - b)", [1, 2, 3, 4]),
    ("[12, 1, 5].sum()", 18),
    ("[].sum()", 0),
    ("['quick', 'fox'].toJsonString()", '["quick","fox"]'),
    ("['Jan', 'Mar'].toSpliced(1, 0, 'Feb')", ["Jan", "Feb", "Mar"]),
    ("['make', 'my', 'day'].toString()", "make,my,day"),
    ("[1, 2].union([2, 3])", [1, 2, 3]),
    ("['quick', 'brown', 'quick'].unique()", ["quick", "brown"]),
    ("[[1, 2], [3]].flat()", [1, 2, 3]),
    ("[1, 2, 3].at(-1)", 3),
    ("[3, 1].toSorted()", [1, 3]),
    ("[...[1, 2], 3]", [1, 2, 3]),
    ("[1, 2, 3].some(x => x > 2)", True),
    ("[1, 2, 3].every(x => x > 2)", False),
    ("Array.from({length: 3}, (_, i) => i)", [0, 1, 2]),
    ("Array.isArray([])", True),
    ("[...['a', 'b'].keys()]", [0, 1]),
    ("[...['a', 'b'].entries()]", [[0, "a"], [1, "b"]]),
)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.expression[:60])
def test_it_gives(look: Any, row: Row) -> None:
    found = look(TABLE)[row.expression, row.item]
    assert agrees(found, row), f"{row.expression} gave {found!r}, not {row.expected}"
