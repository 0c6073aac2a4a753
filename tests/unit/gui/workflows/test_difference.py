"""Two people change one document."""

import copy
from typing import Any

from gui.workflows.difference import Difference, Kind, differences, merged
from gui.workflows.document import links_of, renamed
from tests.unit.gui.workflows.test_document import node, to

BASE: dict[str, Any] = {
    "name": "W",
    "nodes": [node("A"), node("B"), node("C")],
    "connections": {"A": {"main": [[to("B")]]}},
    "settings": {},
}


def changed(**fields: dict[str, Any]) -> dict[str, Any]:
    made = copy.deepcopy(BASE)
    for each in made["nodes"]:
        each.update(fields.get(each["name"], {}))
    return made


def test_what_differs_is_named() -> None:
    after = changed(A={"disabled": True})
    after["nodes"] = [*after["nodes"][:2], node("D")]
    after["connections"] = {"A": {"main": [[to("D")]]}}
    assert differences(BASE, after) == (
        Difference(kind=Kind.REMOVED, what="node", name="C"),
        Difference(kind=Kind.ADDED, what="node", name="D"),
        Difference(kind=Kind.CHANGED, what="node", name="A", fields=("disabled",)),
        Difference(kind=Kind.REMOVED, what="connection", name="A → B"),
        Difference(kind=Kind.ADDED, what="connection", name="A → D"),
    )
    assert differences(BASE, copy.deepcopy(BASE)) == ()


def test_changes_of_different_things_are_both_kept() -> None:
    mine, theirs = changed(A={"position": [5, 5]}), changed(A={"notes": "theirs"}, B={"disabled": True})
    theirs["nodes"].append(node("D"))
    theirs["connections"]["B"] = {"main": [[to("D")]]}
    both, clashes = merged(BASE, mine, theirs)
    assert clashes == ()
    assert both["nodes"][0] == {**BASE["nodes"][0], "position": [5, 5], "notes": "theirs"}
    assert [each["name"] for each in both["nodes"]] == ["A", "B", "C", "D"]
    assert both["nodes"][1]["disabled"] is True
    assert both["connections"] == theirs["connections"]


def test_what_both_changed_is_told_and_mine_stands() -> None:
    both, clashes = merged(BASE, changed(A={"notes": "mine"}), changed(A={"notes": "theirs"}))
    assert both["nodes"][0]["notes"] == "mine"
    assert clashes == ("notes of 'A'",)


def test_a_removal_wins_over_nothing_and_loses_to_a_change() -> None:
    mine = changed()
    mine["nodes"] = mine["nodes"][:2]
    assert [each["name"] for each in merged(BASE, mine, changed())[0]["nodes"]] == ["A", "B"]
    both, clashes = merged(BASE, mine, changed(C={"notes": "needed"}))
    assert [each["name"] for each in both["nodes"]] == ["A", "B", "C"]
    assert len(clashes) == 1


def test_a_rename_there_and_a_new_connection_here_meet() -> None:
    mine = copy.deepcopy(BASE)
    mine["connections"]["B"] = {"main": [[to("C")]]}
    both, clashes = merged(BASE, mine, renamed(BASE, "B", "Bee"))
    assert clashes == ()
    assert [(link.source, link.target) for link in links_of(both)] == [("A", "Bee"), ("Bee", "C")]


def test_two_new_nodes_of_one_name_are_told_apart() -> None:
    mine, theirs = changed(), changed()
    mine["nodes"].append({**node("D"), "id": "mine"})
    theirs["nodes"].append({**node("D"), "id": "theirs"})
    both, clashes = merged(BASE, mine, theirs)
    assert [each["name"] for each in both["nodes"]] == ["A", "B", "C", "D", "D1"]
    assert len(clashes) == 1


def test_a_rename_is_one_difference_and_moves_no_connection() -> None:
    after = renamed(BASE, "B", "Bee")
    assert differences(BASE, after) == (Difference(kind=Kind.CHANGED, what="node", name="Bee (was B)", fields=("name",)),)
