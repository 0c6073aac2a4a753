"""The plainest expressions are evaluated without V8, and give what V8 gives."""

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workflow.expressions.needs import needs_of
from workflow.expressions.parameters import UNDEFINED
from workflow.expressions.pool import Pool
from workflow.expressions.simple import compile_simple, evaluate

PATHS = (
    "$json.a",
    "$json.b.c",
    "$json.b?.c",
    '$json["a"]',
    "$json.list[1]",
    "$json.list[9]",
    "$json.none.deep",
    "$json.keys",
    "$json.missing",
    "$json.prototype",
)
OPERANDS = (*PATHS, "1", "0", "-3", "2.5", "0.1", "true", "null", "99999999999999", "1.0", "-2.50")
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.integers(-20, 20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.lists(st.integers(-3, 3), max_size=2),
)
SOURCES = st.one_of(
    st.sampled_from([f"{{{{ {path} }}}}" for path in PATHS]),
    st.builds(
        lambda one, sign, other: f"{{{{ {one} {sign} {other} }}}}",
        st.sampled_from(OPERANDS),
        st.sampled_from(["+", "-", "*", "/", "<", ">", "<=", ">=", "===", "!=="]),
        st.sampled_from(OPERANDS),
    ),
    st.builds(
        lambda before, path, after: f"{before}{{{{{path}}}}}{after}",
        st.text("ab {}", max_size=4),
        st.sampled_from(PATHS),
        st.text("xy {}", max_size=4),
    ),
    st.text("ab{} $", max_size=8),
)


def by_v8(pool: Pool, source: str, item: dict[str, Any]) -> Any:
    with pool.lease() as engine:
        program = engine.program((source,), json.dumps({"sources": [source]}).encode())
        found = json.loads(
            engine.isolate.call(
                "__evaluate", json.dumps({"program": program, "items": [item], "at": [0], "zone": "UTC"}).encode(), 5
            )
        )
    if found["errors"]:
        return "failed"
    return UNDEFINED if found["missing"] else found["rows"][0][0]


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(source=SOURCES, a=VALUES, c=VALUES, second=VALUES)
def test_what_is_not_declined_is_what_v8_gives(pool: Pool, source: str, a: Any, c: Any, second: Any) -> None:
    item = {"json": {"a": a, "b": {"c": c}, "list": [1, second], "none": None}}
    programs = compile_simple((source,))
    rows = None if programs is None else evaluate(programs, [item], [0])
    if rows is None:
        return
    expected = by_v8(pool, source, item)
    assert rows[0][0] == expected
    assert type(rows[0][0]) is type(expected)


@pytest.mark.parametrize(
    "source", ["{{ $json.n + 1 }}", "{{ $json.n }}", "Hello {{ $json.n }}!", "plain", "{{ $json.n > 3 }}", "{{ $json.gone }}"]
)
def test_the_common_ones_need_no_v8(source: str) -> None:
    programs = compile_simple((source,))
    assert programs is not None
    assert evaluate(programs, [{"json": {"n": 4}}], [0]) is not None


@pytest.mark.parametrize(
    "source",
    [
        "{{ $json.name.length }}",
        "{{ $json.name.toUpperCase() }}",
        "{{ $('A').item.json.x }}",
        "{{ $now }}",
        "{{ $json.name + 1 }}",
    ],
)
def test_what_is_more_is_left_to_v8(source: str) -> None:
    programs = compile_simple((source,))
    assert programs is None or evaluate(programs, [{"json": {"name": "ann"}}], [0]) is None


@pytest.mark.parametrize("source", ["{{" * 100_000, "{{ 'a" + " " * 200_000 + "b }}", "$items(" + " " * 200_000])
def test_a_long_text_is_read_in_no_time(source: str) -> None:
    """Else the engine would stand still for minutes, and be buried."""
    begun = time.process_time()
    compile_simple((source,))
    needs_of((source,))
    assert time.process_time() - begun < 5
