"""Numbers and booleans."""

from typing import Any

import pytest

from tests.unit.workflow.expressions.table import Fails, Row, agrees, rows

TABLE = rows(
    ("(-1.7).abs()", 1.7),
    ("(1.234).ceil()", 2),
    ("(-1.5).ceil()", -1),
    ("(1.234).floor()", 1),
    ("(-1.2).floor()", -2),
    ("(123456.789).format('de-DE')", "123.456,789"),
    ("(123456.789).format('de-DE', {style: 'currency', currency: 'EUR'}).replace(/\\s/g, ' ')", "123.456,79 €"),
    ("(123456.789).format()", "123,456.789"),
    ("(10).isEmpty()", False),
    ("(33).isEven()", False),
    ("(34).isEven()", True),
    ("(33).isOdd()", True),
    ("(-3).isOdd()", True),
    ("(1.5).isEven()", Fails("integer")),
    ("(4).isInteger()", True),
    ("(4.12).isInteger()", False),
    ("(1.256).round()", 1),
    ("(1.256).round(1)", 1.3),
    ("(1.256).round(2)", 1.26),
    ("(2.5).round()", 3),
    ("(12).toBoolean()", True),
    ("(0).toBoolean()", False),
    ("(1708695471).toDateTime('s').toUTC().toISO()", "2024-02-23T13:37:51.000Z"),
    ("(1708695471000).toDateTime().toISO()", "2024-02-23T14:37:51.000+01:00"),
    ("(45345).toDateTime('excel').toISO()", "2024-02-23T01:00:00.000+01:00"),
    ("(1).toDateTime('days')", Fails("Unsupported format")),
    ("(500000.125).toLocaleString('en-US')", "500,000.125"),
    ("(500000.125).toString(16)", "7a120.2"),
    ("(3.14159).toFixed(2)", "3.14"),
    ("0.1 + 0.2", 0.30000000000000004),
    ("7 % 3", 1),
    ("2 ** 10", 1024),
    ("1 / 0", None),
    ("0 / 0", None),
    ("Math.max(1, 2, 3)", 3),
    ("Math.round(2.5)", 3),
    ("Number('12')", 12),
    ("parseInt('12px')", 12),
    ("1e21", 1e21),
    ("9007199254740991", 9007199254740991),
    ("true.isEmpty()", False),
    ("true.toNumber()", 1),
    ("false.toNumber()", 0),
    ("true.toInt()", 1),
    ("true.toString()", "true"),
    ("false.toString()", "false"),
    ("!true", False),
    ("true && 'x'", "x"),
    ("null ?? 7", 7),
    ("0 || 7", 7),
    ("0 ?? 7", 0),
)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.expression[:60])
def test_it_gives(look: Any, row: Row) -> None:
    found = look(TABLE)[row.expression, row.item]
    assert agrees(found, row), f"{row.expression} gave {found!r}, not {row.expected}"
