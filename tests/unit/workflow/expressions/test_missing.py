"""What is not there gives nothing, and no error; what is nothing is empty."""

from typing import Any

import pytest

from tests.unit.workflow.expressions.table import Row, agrees, rows

TABLE = rows(
    ("$json.gone", None),
    ("$json.gone.deeper.still", None),
    ("$json.gone?.deeper", None),
    ("$json.gone.isEmpty()", True),
    ("$json.gone.isNotEmpty()", False),
    ("$json.gone.deeper.isEmpty()", None),
    ("$json.gone?.deeper.isEmpty()", None),
    ("$json.gone?.isEmpty()", None),
    ("null.isEmpty()", True),
    ("undefined.isNotEmpty()", False),
    ("$json.gone.isEmpty() ? 'nothing' : 'something'", "nothing"),
    ("!$json.gone.isEmpty()", False),
    ("$('Customers').item.json.none.isEmpty()", True),
    ("$('Customers').item.json.empty.isEmpty()", True),
    ("$('Customers').item.json.address.isEmpty()", False),
    ("$('Customers').item.json.address.isEmpty() || 'x'", True, 1),
    ("$('Customers').item.json.tags.isEmpty()", True, 1),
    ("$('Customers').item.json.tags.isEmpty() === false", True),
    ("$json.gone.toUpperCase()", None),
    ("$json.keys", None),
    ("$json.values", None),
    ("$json.merge ?? 'none'", "none"),
    ("$json.compact === undefined", True),
    ("typeof $json.isEmpty", "undefined"),
    ("typeof $json.gone", "undefined"),
    ("$json.gone ?? 'other'", "other"),
    ("$json.gone || 'other'", "other"),
    ("$json.gone === undefined", True),
    ("$json.gone == null", True),
    ("$json.gone + 1", None),
    ("gone", None),
    ("gone.deeper", None),
    ("gone || 'other'", "other"),
    ("[gone, missing, 1].length", 3),
    ("(() => { throw new ReferenceError('boom') })()", None),
    ("$json.gone?.deeper.first().last() ?? 'none'", "none"),
    ("$('Customers').first()?.json.name.toTitleCase().length", 3),
    ("$('Customers').last().json?.people.first()?.name.toTitleCase()", "Bo"),
    ("Hello {{ $json.gone }}!", "Hello !"),
    ("Hello {{ $json.gone.deeper }}!", "Hello !"),
    ("Hello {{ null }}!", "Hello !"),
    ("$ifEmpty($json.gone, 'there')", "there"),
    ("$ifEmpty(null, 'there')", "there"),
    ("$ifEmpty('', 'there')", "there"),
    ("$ifEmpty([], 'there')", "there"),
    ("$ifEmpty({}, 'there')", "there"),
    ("$ifEmpty(0, 'there')", 0),
    ("$ifEmpty(false, 'there')", False),
    ("$ifEmpty('Nathan', 'there')", "Nathan"),
)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.expression[:60])
def test_it_gives(look: Any, row: Row) -> None:
    found = look(TABLE)[row.expression, row.item]
    assert agrees(found, row), f"{row.expression} gave {found!r}, not {row.expected}"
