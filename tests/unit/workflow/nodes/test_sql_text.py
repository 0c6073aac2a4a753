"""SQL as text: values are literals that cannot end early, places are filled outside of quotes and comments alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.core.failure import NodeError
from workflow.nodes.sql_text import array, filled, literal, name, statements


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        (True, "TRUE"),
        (7, "7"),
        (-7, "(-7)"),
        (1.5, "1.5"),
        (float("nan"), "'NaN'"),
        ("it's", "'it''s'"),
        ("a\\'b", " E'a\\\\''b'"),
        ({"a": "it's"}, "'{\"a\":\"it''s\"}'"),
        ([1, "a"], "'[1,\"a\"]'"),
    ],
)
def test_literals(value: Any, text: str) -> None:
    assert literal(value) == text


def test_arrays_and_names() -> None:
    assert array(["a", 'b"c\\', None, 1, True, ["d"]]) == ' E\'{"a","b\\\\"c\\\\\\\\",NULL,"1","true",{"d"}}\''
    assert name('odd"name') == '"odd""name"'
    for bad in ("", "a\x00b"):
        with pytest.raises(NodeError):
            name(bad)
    with pytest.raises(NodeError, match=r"U\+0000"):
        literal("a\x00b")


@pytest.mark.parametrize(
    ("query", "values", "made"),
    [
        ("SELECT $1, $2", ["a", 2], "SELECT 'a', 2"),
        ("SELECT $1::int", [2], "SELECT 2::int"),
        ("SELECT '$1', $1", ["a"], "SELECT '$1', 'a'"),
        ("SELECT \"$1\", $1", ["a"], "SELECT \"$1\", 'a'"),
        ("SELECT 'it''s $1', $1", ["a"], "SELECT 'it''s $1', 'a'"),
        ("SELECT E'it\\'s $1', $1", ["a"], "SELECT E'it\\'s $1', 'a'"),
        ("SELECT $1 -- $1\n, $1", ["a"], "SELECT 'a' -- $1\n, 'a'"),
        ("SELECT /* $1 /* $1 */ $1 */ $1", ["a"], "SELECT /* $1 /* $1 */ $1 */ 'a'"),
        ("SELECT $$ $1 $$, $1", ["a"], "SELECT $$ $1 $$, 'a'"),
        ("SELECT $b$ $$ $1 $b$, $1", ["a"], "SELECT $b$ $$ $1 $b$, 'a'"),
        ("SELECT $1:name FROM $2:name", [["a", "b"], "t"], 'SELECT "a", "b" FROM "t"'),
        ("SELECT * FROM $1~", ["t"], 'SELECT * FROM "t"'),
        ("WHERE a IN ($1:csv)", [[1, "b"]], "WHERE a IN (1, 'b')"),
        ("SELECT $1:json", [{"a": 1}], "SELECT '{\"a\":1}'"),
        ("SELECT a[$1:n]", [1], "SELECT a[1:n]"),
        ("SELECT $1, $10", list("abcdefghij"), "SELECT 'a', 'j'"),
        ("SELECT $1", [], "SELECT $1"),
        ("SELECT a$1", ["x"], "SELECT a$1"),
        ("SELECT 1-$1", [-1], "SELECT 1-(-1)"),
        ("SELECT 'open $1", ["x'; DROP TABLE t; --"], "SELECT 'open $1"),
    ],
)  # fmt: skip
def test_places_are_filled(query: str, values: list[Any], made: str) -> None:
    assert filled(query, values) == made


@pytest.mark.parametrize(
    ("query", "says"), [("SELECT $3", "out of range"), ("SELECT $1:raw", "as SQL"), ("SELECT $1^", "as SQL")]
)
def test_what_cannot_be_filled_is_told(query: str, says: str) -> None:
    with pytest.raises(NodeError, match=says):
        filled(query, ["a", "b"])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1; SELECT ';' ;", ["SELECT 1", "SELECT ';'"]),
        (" ; -- nothing;\n ;", []),
        ("DO $$ BEGIN a; b; END $$; SELECT 2", ["DO $$ BEGIN a; b; END $$", "SELECT 2"]),
        ("/* a; */ SELECT 1", ["/* a; */ SELECT 1"]),
    ],
)
def test_statements_are_told_apart(query: str, found: list[str]) -> None:
    assert statements(query) == found


@given(st.text(st.characters(blacklist_characters="\x00")))
def test_a_value_never_makes_a_statement(value: str) -> None:
    assert len(statements(filled("SELECT $1", [value]))) == 1
    assert len(statements(filled("SELECT $1:name FROM t", [value or "x"]))) == 1


@given(st.text(alphabet="';\"$a-/*\\ eE\n1", max_size=30))
def test_the_pieces_of_a_query_make_it_again(query: str) -> None:
    assert filled(query.replace("1", ""), ["x"]) == query.replace("1", "")
