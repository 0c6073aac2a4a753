"""Any JSON that n8n writes is read, kept whole, and refused with its place where it is wrong."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import InvalidWorkflow, WorkflowTooLarge
from workflow.n8n.document import OnError
from workflow.n8n.limits import MAX_NODES
from workflow.n8n.parse import parse, parse_text

NODE = {"name": "A", "type": "n8n-nodes-base.noOp"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
EXTRA = st.dictionaries(st.text(min_size=1, max_size=8).map("x".__add__), JSON, max_size=3)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=4, unique=True))
    nodes = [
        {
            "name": name,
            "type": draw(st.sampled_from(["n8n-nodes-base.set", "n8n-nodes-base.unheardOf"])),
            "parameters": draw(st.dictionaries(st.text(max_size=5), JSON, max_size=3)),
            **draw(EXTRA),
        }
        for name in names
    ]
    target = st.fixed_dictionaries({"node": st.sampled_from(names), "type": st.just("main"), "index": st.integers(0, 3)})
    kinds = st.dictionaries(
        st.sampled_from(["main", "ai_tool"]), st.lists(st.none() | st.lists(target, max_size=2), max_size=3), max_size=2
    )
    connections = draw(st.dictionaries(st.sampled_from(names), kinds, max_size=3))
    return {"nodes": nodes, "connections": connections, **draw(EXTRA)}


@given(document=documents())
def test_saved_again_nothing_is_lost(document: dict[str, Any]) -> None:
    before = json.dumps(document)
    assert json.dumps(parse(document).to_document()) == before
    assert json.dumps(parse_text(before).to_document()) == before


@given(given_json=JSON)
def test_whatever_is_given_is_read_or_refused(given_json: Any) -> None:
    with suppress(InvalidWorkflow):
        assert parse(given_json).document


@pytest.mark.parametrize(
    "wrap",
    [lambda w: w, lambda w: [w], lambda w: {"data": w}, lambda w: {"workflow": {"workflow": w}}, lambda w: {"data": [w]}],
    ids=["export", "list", "api", "template", "api-list"],
)
def test_each_form_is_unwrapped(wrap: Any) -> None:
    assert parse(wrap({"nodes": [NODE]})).by_name.keys() == {"A"}


def test_an_old_node_has_what_newer_ones_say_otherwise() -> None:
    node = parse({"nodes": [{**NODE, "continueOnFail": True, "position": None, "parameters": []}]}).nodes[0]
    assert (node.version, node.on_error, node.position, node.parameters) == (1, OnError.CONTINUE, (0, 0), {})
    assert not parse({"nodes": [NODE]}).depth_first


def test_tries_and_waits_are_bounded_as_in_n8n() -> None:
    given_node = {**NODE, "retryOnFail": True, "maxTries": 99, "waitBetweenTries": 99_999}
    node = parse({"nodes": [given_node]}).nodes[0]
    assert (node.tries, node.retry_wait_ms) == (5, 5000)


def test_a_connection_to_nothing_is_told_and_left_out() -> None:
    workflow = parse(
        {"nodes": [NODE], "connections": {"A": {"main": [[{"node": "B", "type": "main", "index": 0}]]}, "C": {"main": []}}}
    )
    assert {problem.code for problem in workflow.problems} == {"unknown_target", "unknown_source"}
    assert workflow.connections == ()


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"nodes": {}}, "nodes"),
        ({"nodes": [1]}, "nodes[0]"),
        ({"nodes": [{"name": "A"}]}, "nodes[0].type"),
        ({"nodes": [{"type": "t"}]}, "nodes[0].name"),
        ({"nodes": [{**NODE, "typeVersion": "2"}]}, "typeVersion"),
        ({"nodes": [{**NODE, "onError": "explode"}]}, "onError"),
        ({"nodes": [{**NODE, "position": [1, "2"]}]}, "position"),
        ({"nodes": [NODE, NODE]}, "called 'A'"),
        ({"nodes": [NODE], "connections": {"A": {"main": {"a": 1}}}}, "connections['A'].main"),
        ({"nodes": [NODE], "connections": {"A": {"main": [[{"node": "A", "index": -1}]]}}}, "index"),
        ({}, "nodes"),
        ("x", "nodes"),
    ],
)
def test_a_wrong_type_is_refused_with_its_place(document: Any, place: str) -> None:
    with pytest.raises(InvalidWorkflow) as refused:
        parse(document)
    assert place in refused.value.message


def test_what_is_too_deep_or_too_large_is_refused() -> None:
    deep: Any = {}
    for _ in range(200):
        deep = {"a": deep}
    with pytest.raises(WorkflowTooLarge):
        parse({"nodes": [{**NODE, "parameters": deep}]})
    with pytest.raises(WorkflowTooLarge):
        parse_text("[" * 100_000)
    with pytest.raises(WorkflowTooLarge):
        parse({"nodes": [{"name": str(n), "type": "t"} for n in range(MAX_NODES + 1)]})
