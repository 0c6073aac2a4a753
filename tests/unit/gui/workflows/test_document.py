"""Edits of a document."""

import copy
import json
from itertools import pairwise
from typing import Any

import pytest

from bus.errors import InvalidRequest
from bus.messages.node_types import NodeGroup, NodeTypeRecord
from gui.workflows import document as documents
from gui.workflows.document import Link
from gui.workflows.edits import edited, read_edit
from gui.workflows.history import History
from gui.workflows.layout import laid_out
from gui.workflows.ports import ports_of, title_of


def node(name: str, kind: str = "n8n-nodes-base.set", **more: Any) -> dict[str, Any]:
    return {"id": f"id-{name}", "name": name, "type": kind, "typeVersion": 1, "position": [0, 0], "parameters": {}, **more}


def to(name: str, kind: str = "main", index: int = 0) -> dict[str, Any]:
    return {"node": name, "type": kind, "index": index}


TYPES = {
    each.name: each
    for each in (
        NodeTypeRecord(name="n8n-nodes-base.set", versions=(1, 3.4), group=NodeGroup.DATA, inputs=1, outputs=1),
        NodeTypeRecord(name="n8n-nodes-base.if", versions=(2.3,), group=NodeGroup.FLOW, inputs=1, outputs=2),
        NodeTypeRecord(name="n8n-nodes-base.switch", versions=(3.4,), group=NodeGroup.FLOW, inputs=1),
        NodeTypeRecord(name="n8n-nodes-base.manualTrigger", versions=(1,), group=NodeGroup.TRIGGER, inputs=0, outputs=1),
        NodeTypeRecord(name="@n8n/n8n-nodes-langchain.agent", versions=(3,), group=NodeGroup.AI, inputs=1, outputs=1),
        NodeTypeRecord(
            name="@n8n/n8n-nodes-langchain.lmChatOllama",
            versions=(1,),
            group=NodeGroup.HELPER,
            inputs=0,
            outputs=0,
            helper="ai_languageModel",
        ),
    )
}


@pytest.fixture
def workflow() -> dict[str, Any]:
    return {
        "name": "W",
        "unknown": {"kept": True},
        "nodes": [
            node("Go", "n8n-nodes-base.manualTrigger"),
            node("Old", parameters={"value": "=x {{ $json.a }}", "text": "$('Old')"}),
            node("After", parameters={"a": "={{ $('Old').item.json.x + $node[\"Old\"].json + $node.Old.json }}"}),
            node(
                "Code", "n8n-nodes-base.code", parameters={"jsCode": "return $(`Old`).all().concat($items('Old'), my$('Old'))"}
            ),
        ],
        "connections": {
            "Go": {"main": [[to("Old")]]},
            "Old": {"main": [[to("After"), to("Code")]]},
        },
        "pinData": {"Old": [{"json": {"a": 1}}]},
    }


def test_a_rename_reaches_connections_pins_and_expressions_and_nothing_else(workflow: dict[str, Any]) -> None:
    before = copy.deepcopy(workflow)
    made = documents.renamed(workflow, "Old", "It's new")
    assert workflow == before
    named = {each["name"]: each["parameters"] for each in made["nodes"]}
    assert named["It's new"] == {"value": "=x {{ $json.a }}", "text": "$('Old')"}
    assert named["After"]["a"] == ("={{ $('It\\'s new').item.json.x + $node[\"It's new\"].json + $node[\"It's new\"].json }}")
    assert named["Code"]["jsCode"] == "return $(`It's new`).all().concat($items('It\\'s new'), my$('Old'))"
    assert made["connections"] == {"Go": {"main": [[to("It's new")]]}, "It's new": {"main": [[to("After"), to("Code")]]}}
    assert list(made["pinData"]) == ["It's new"]
    assert made["unknown"] == {"kept": True}
    assert documents.renamed(made, "It's new", "Old") == {
        **before,
        "nodes": documents.renamed(made, "It's new", "Old")["nodes"],
    }


@pytest.mark.parametrize("name", ["After", "", "  "])
def test_a_name_is_unique_and_not_empty(workflow: dict[str, Any], name: str) -> None:
    with pytest.raises(InvalidRequest):
        documents.renamed(workflow, "Old", name)


def test_a_fragment_pastes_under_free_names_with_its_references(workflow: dict[str, Any]) -> None:
    text = json.dumps(documents.fragment(workflow, ["Old", "After"]))
    made, names = edited(workflow, read_edit({"kind": "paste", "text": text, "at": [100, 200]}), TYPES)
    assert names == ("Old1", "After1")
    assert "$('Old1')" in documents.node_named(made, "After1")["parameters"]["a"]
    assert documents.node_named(made, "Old1")["position"] == [100, 200]
    assert Link("Old1", "main", 0, "After1", "main", 0) in documents.links_of(made)
    ids = [each["id"] for each in made["nodes"]]
    assert len(ids) == len(set(ids))
    assert documents.fragment(made, ["Old", "After"]) == documents.fragment(workflow, ["Old", "After"])


@pytest.mark.parametrize("text", ["", "nothing", "[]", "{}", '{"nodes": []}', '{"nodes": 7}'])
def test_what_is_no_piece_of_a_workflow_is_refused(workflow: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidRequest):
        edited(workflow, read_edit({"kind": "paste", "text": text}), TYPES)


def test_a_node_goes_with_its_connections_and_pins(workflow: dict[str, Any]) -> None:
    made, _ = edited(workflow, read_edit({"kind": "remove", "names": ["Old"]}), TYPES)
    assert made["connections"] == {}
    assert made["pinData"] == {}
    assert [each["name"] for each in made["nodes"]] == ["Go", "After", "Code"]


def test_an_added_node_is_connected_to_the_one_before_it(workflow: dict[str, Any]) -> None:
    wish = {"kind": "add", "type": "n8n-nodes-base.if", "position": [1.4, 2.6], "after": "After"}
    made, names = edited(workflow, read_edit(wish), TYPES)
    assert names == ("If",)
    assert documents.node_named(made, "If")["typeVersion"] == 2.3
    assert documents.node_named(made, "If")["position"] == [1, 3]
    assert Link("After", "main", 0, "If", "main", 0) in documents.links_of(made)


def test_a_helper_is_attached_where_it_fits() -> None:
    start = {"nodes": [node("Agent", "@n8n/n8n-nodes-langchain.agent"), node("Set")], "connections": {}}
    wish = {"kind": "add", "type": "@n8n/n8n-nodes-langchain.lmChatOllama", "position": [0, 0]}
    made, _ = edited(start, read_edit({**wish, "after": "Agent"}), TYPES)
    assert documents.links_of(made) == [Link("Ollama Chat Model", "ai_languageModel", 0, "Agent", "ai_languageModel", 0)]
    made, _ = edited(start, read_edit({**wish, "after": "Set"}), TYPES)
    assert documents.links_of(made) == []


def test_kinds_of_connections_do_not_mix(workflow: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        documents.connected(workflow, Link("Go", "main", 0, "Code", "ai_tool", 0))


def test_toggling_disables_what_is_mixed_and_enables_what_is_disabled(workflow: dict[str, Any]) -> None:
    toggle = read_edit({"kind": "toggle", "names": ["Old", "After"]})
    once, _ = edited(workflow, toggle, TYPES)
    assert [each.get("disabled") for each in once["nodes"]] == [None, True, True, None]
    assert edited(once, toggle, TYPES)[0] == workflow


def test_an_unknown_edit_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        read_edit({"kind": "explode"})


def test_undo_and_redo_walk_the_same_way() -> None:
    history = History(now={"n": 0}).then({"n": 1}).then({"n": 1}).then({"n": 2})
    assert history.undone().now == {"n": 1}
    assert history.undone().undone().undone().now == {"n": 0}
    assert history.undone().undone().redone().redone().redone().now == {"n": 2}
    assert history.undone().then({"n": 9}).redone().now == {"n": 9}


def test_a_layout_puts_each_node_behind_what_it_gets_its_items_from(workflow: dict[str, Any]) -> None:
    workflow["nodes"].append(node("Loop"))
    workflow["connections"]["After"] = {"main": [[to("Loop")]]}
    workflow["connections"]["Loop"] = {"main": [[to("Old")]]}
    at = {each["name"]: each["position"] for each in laid_out(workflow)["nodes"]}
    assert at["Go"][0] < at["Old"][0] < at["After"][0] < at["Loop"][0]
    assert at["After"][0] == at["Code"][0]
    places = [tuple(each) for each in at.values()]
    assert len(places) == len(set(places))


def test_a_layout_of_a_long_chain_does_not_exhaust_the_stack() -> None:
    names = [f"N{number}" for number in range(3000)]
    connections = {a: {"main": [[to(b)]]} for a, b in pairwise(names)}
    made = laid_out({"nodes": [node(name) for name in names], "connections": connections})
    assert made["nodes"][-1]["position"][0] > made["nodes"][0]["position"][0]


def test_outputs_have_names() -> None:
    branch = node("If", "n8n-nodes-base.if", onError="continueErrorOutput")
    assert [port.label for port in ports_of(branch, TYPES, ()).outputs] == ["true", "false", "error"]
    rules = {"rules": {"values": [{"outputKey": "big"}, {}]}, "options": {"fallbackOutput": "extra"}}
    switch = node("S", "n8n-nodes-base.switch", typeVersion=3.4, parameters=rules)
    assert [port.label for port in ports_of(switch, TYPES, ()).outputs] == ["big", "1", "fallback"]
    agent = ports_of(node("A", "@n8n/n8n-nodes-langchain.agent"), TYPES, ())
    assert [port.type for port in agent.inputs] == ["main", "ai_languageModel", "ai_memory", "ai_tool", "ai_outputParser"]


def test_what_is_connected_has_a_place_even_in_unknown_types() -> None:
    ports = ports_of(node("X", "acme.unheardOf"), TYPES, [Link("X", "main", 2, "Y", "main", 0)])
    assert not ports.known
    assert len(ports.outputs) == 3


def test_titles_are_words() -> None:
    assert (title_of("n8n-nodes-base.splitOut"), title_of("n8n-nodes-base.set")) == ("Split Out", "Edit Fields")


def test_a_rule_of_a_switch_goes_with_its_connections_and_those_after_it_move_up() -> None:
    rules = [{"outputKey": each} for each in "abc"]
    switch = node("S", "n8n-nodes-base.switch", typeVersion=3.4, parameters={"rules": {"values": rules}, "options": {}})
    outputs = [[to("A")], [to("B"), to("A")], [to("C")], [to("Rest")]]
    names = ("A", "B", "C", "Rest")
    before = {"nodes": [switch, *map(node, names)], "connections": {"S": {"main": outputs}, "A": {"main": [[to("S")]]}}}
    kept = copy.deepcopy(before)
    made, _ = edited(before, read_edit({"kind": "unrule", "name": "S", "rule": 1}), TYPES)
    assert before == kept
    assert [each["outputKey"] for each in documents.node_named(made, "S")["parameters"]["rules"]["values"]] == ["a", "c"]
    assert made["connections"] == {"S": {"main": [[to("A")], [to("C")], [to("Rest")]]}, "A": {"main": [[to("S")]]}}
    with pytest.raises(InvalidRequest, match="no rule 4"):
        edited(before, read_edit({"kind": "unrule", "name": "S", "rule": 3}), TYPES)


@pytest.mark.parametrize(("fallback", "then"), [(-1, -1), (0, 0), (1, -1), (2, 1)])
def test_where_a_switch_before_version_3_sends_the_rest_moves_up_too(fallback: int, then: int) -> None:
    rules = [{"operation": "equal", "value2": each} for each in (1, 2, 3)]
    switch = node(
        "S", "n8n-nodes-base.switch", typeVersion=2, parameters={"rules": {"rules": rules}, "fallbackOutput": fallback}
    )
    made, _ = edited({"nodes": [switch], "connections": {}}, read_edit({"kind": "unrule", "name": "S", "rule": 1}), TYPES)
    assert documents.node_named(made, "S")["parameters"]["fallbackOutput"] == then


def test_rules_of_a_switch_before_version_3_go_with_their_connections_too() -> None:
    rules = [{"operation": "equal", "value2": each} for each in (1, 2)]
    switch = node("S", "n8n-nodes-base.switch", typeVersion=2, parameters={"rules": {"rules": rules}})
    before = {"nodes": [switch, node("A"), node("B")], "connections": {"S": {"main": [[to("A")], [to("B")]]}}}
    made, _ = edited(before, read_edit({"kind": "unrule", "name": "S", "rule": 0}), TYPES)
    assert documents.node_named(made, "S")["parameters"]["rules"] == {"rules": rules[1:]}
    assert made["connections"] == {"S": {"main": [[to("B")]]}}
