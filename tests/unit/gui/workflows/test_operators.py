"""What a condition's form offers is what the engine compares by, and all of it."""

from gui.workflows.operators import OPERATORS
from workflow.nodes.conditions import OPERATIONS, UNARY

_EVERYWHERE = {"exists", "notExists"}


def test_the_form_has_the_engine_s_operators() -> None:
    offered = {(each.type, each.operation) for each in OPERATORS}
    known = {(kind, name) for kind, names in OPERATIONS.items() for name in (*names, *_EVERYWHERE)}
    assert offered == {(kind, name) for kind, name in known if kind != "any"}
    assert len(offered) == len(OPERATORS)


def test_those_that_ask_the_left_value_alone_are_the_engine_s() -> None:
    assert {(each.type, each.operation) for each in OPERATORS if each.right is None} == {
        (each.type, each.operation) for each in OPERATORS if each.operation in UNARY
    }
