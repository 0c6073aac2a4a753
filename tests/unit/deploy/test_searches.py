"""No statement searches within texts or JSON without an index that helps (docs/adr/0038): the next one brings its GIN or trigram index."""

import re
from collections.abc import Callable

import pytest

from coordinator.sql import queries as of_coordinators
from monitor.sql import queries as of_monitors
from workflow.sql import queries as of_engines

SEARCH = re.compile(r"\b(?:I?LIKE|SIMILAR TO|to_tsvector)\b|@>|<@|@\?|@@|\?[|&]?|!?~", re.IGNORECASE)
KNOWN = {
    "overdue_pending": "idx_tasks_pending_deadline has those rows alone",
    "release_dependents": "asked of rows that were found by their keys",
    "live_tasks": "the same",
    "waiting_tasks": "the same",
    "clear_documents": "within one store, by the beginning of its key",
    "count_documents": "the same",
    "workflows_with_webhooks": "workflows of one tenant, hundreds: read through when one of them is tried",
    "detached": "names of tables",
}


def searches(statement: str) -> set[str]:
    code = "\n".join(line.partition("--")[0] for line in statement.splitlines())
    return set(SEARCH.findall(code))


@pytest.mark.parametrize("queries", [of_coordinators, of_monitors, of_engines])
def test_no_statement_searches_within_texts_or_json_without_an_index(queries: Callable[[], dict[str, str]]) -> None:
    assert {name: found for name, text in queries().items() if (found := searches(text)) and name not in KNOWN} == {}


def test_every_exception_is_one() -> None:
    there = of_coordinators() | of_monitors() | of_engines()
    assert {name for name in KNOWN if not searches(there.get(name, ""))} == set()


@pytest.mark.parametrize(
    "condition",
    [
        "title ILIKE $1",
        "prompt LIKE '%' || $1",
        "metadata @> $1::jsonb",
        "request ? 'a'",
        "record ?| $1",
        "text ~* $1",
        "doc @@ $1",
    ],
)
def test_a_search_is_seen(condition: str) -> None:
    assert searches(f"SELECT id FROM tasks -- LIKE none\nWHERE {condition}")
    assert not searches("SELECT id FROM tasks -- LIKE none?\nWHERE id = $1 AND starts_with(action, $2)")
