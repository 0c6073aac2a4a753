"""A migration is made while services of the version before still run: it takes nothing away that they use, and asks nothing new of them."""

import re
from collections.abc import Iterator

import pytest

import coordinator.sql
import monitor.sql
import workflow.sql

ROOMS = {"coordinator": coordinator.sql, "monitor": monitor.sql, "workflow": workflow.sql}
BEFORE = {"coordinator": 20, "monitor": 8, "workflow": 9}
"""The last of each that was written before this test; none of the later ones needs an exception."""
_NO_CODE = re.compile(r"--[^\n]*|\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'", re.DOTALL)
_TAKEN = re.compile(r"\bDROP\s+(?!INDEX\b|CONSTRAINT\b|NOT\s+NULL\b)\w+|\bRENAME\b|\bTRUNCATE\b")
_ANOTHER_TYPE = re.compile(r"\bALTER\s+(COLUMN\s+)?\w+\s+(SET\s+DATA\s+)?TYPE\b")
_ASKED = re.compile(r"(?<!DROP )\bNOT NULL\b")


def not_tolerated(sql: str) -> Iterator[str]:
    """What of a migration breaks a service of the version before. A table that it makes is unknown to that, and may be as it likes."""
    for statement in " ".join(_NO_CODE.sub(" ", sql).upper().split()).split(";"):
        yield from (found[0] for found in _TAKEN.finditer(statement))
        if statement.strip().startswith("ALTER TABLE"):
            yield from (found[0] for found in _ANOTHER_TYPE.finditer(statement))
            yield from (clause.strip() for clause in _clauses(statement) if _ASKED.search(clause) and "DEFAULT" not in clause)


def _clauses(statement: str) -> list[str]:
    """Of an ALTER TABLE: commas within parentheses part nothing."""
    while (bare := re.sub(r"\([^()]*\)", " ", statement)) != statement:
        statement = bare
    return statement.split(",")


@pytest.mark.parametrize("room", ROOMS)
def test_services_of_the_version_before_bear_each_migration(room: str) -> None:
    made = list(ROOMS[room].migrations())
    assert max(number for number, _ in made) >= BEFORE[room]
    assert [
        (number, list(not_tolerated(sql))) for number, sql in made if number > BEFORE[room] and any(not_tolerated(sql))
    ] == []


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE tasks DROP COLUMN title;",
        "drop table tasks;",
        "DROP FUNCTION commit_turn(int);",
        "ALTER TABLE tasks RENAME COLUMN title TO name;",
        "ALTER TABLE tasks ADD COLUMN note text NOT NULL;",
        "ALTER TABLE tasks ADD COLUMN n numeric(3, 1) DEFAULT 0 NOT NULL, ADD COLUMN note text NOT NULL;",
        "ALTER TABLE tasks ALTER COLUMN title SET NOT NULL;",
        "ALTER TABLE tasks ALTER COLUMN title DROP DEFAULT;",
        "ALTER TABLE tasks ALTER COLUMN title TYPE int USING title::int;",
        "TRUNCATE tasks;",
    ],
)
def test_what_takes_something_away_is_found(sql: str) -> None:
    assert list(not_tolerated(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE notes (id uuid PRIMARY KEY, note text NOT NULL);",
        "ALTER TABLE tasks ADD COLUMN note text NOT NULL DEFAULT '', ADD COLUMN other text;",
        "ALTER TABLE tasks ALTER COLUMN title DROP NOT NULL; DROP INDEX tasks_by_title;",
        "-- DROP TABLE tasks\nSELECT 'RENAME';",
        "CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE sql AS $$ DROP TABLE tasks; $$;",
    ],
)
def test_what_adds_something_is_none(sql: str) -> None:
    assert list(not_tolerated(sql)) == []
