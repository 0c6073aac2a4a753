"""If, Filter and Switch: items go to one output or another by conditions."""

from functools import partial
from typing import Any

from workflow.core.failure import NodeError
from workflow.core.items import Item, Outputs
from workflow.expressions.parameters import Parameters
from workflow.n8n.document import Node
from workflow.nodes.conditions import conditions_at, passes, rules_of
from workflow.nodes.contract import NodeCall, NodeType
from workflow.nodes.older_conditions import compare_older, passes_older
from workflow.nodes.patterns import Matches, settled
from workflow.nodes.values import number_of


def run_two_ways(call: NodeCall) -> Outputs:
    """If and Filter: what passes, then what does not. An item whose conditions fail does not pass, where the node continues; in the
    first version the node fails as a whole."""
    return settled(call, partial(_two_ways, call))


def _two_ways(call: NodeCall, matches: Matches) -> Outputs:
    kept: list[Item] = []
    others: list[Item] = []
    parameters = call.each()
    for index, item in enumerate(call.items):
        try:
            target = kept if _passes(call, parameters[index], index, matches) else others
        except NodeError as error:
            if not call.continues or call.node.version < 2:
                error.item = index if error.item is None else error.item
                raise
            target = others
        target.append(item)
    return [kept, others]


def _passes(call: NodeCall, parameters: Parameters, index: int, matches: Matches) -> bool:
    conditions = parameters.get("conditions", {})
    if call.node.version < 2:
        joined = parameters.get("combineOperation", parameters.get("combineConditions", "all"))
        return passes_older(conditions, call.time_zone, matches, every=joined in ("all", "AND"))
    return passes(conditions_at(parameters, "conditions", conditions), _rules(call, parameters, conditions, matches), index)


def _rules(call: NodeCall, parameters: Parameters, conditions: Any, matches: Matches) -> Any:
    loose = parameters.get("looseTypeValidation", parameters.get("options.looseTypeValidation")) is True
    return rules_of(conditions, call.time_zone, matches, loose=loose, ignore_case=parameters.get("options.ignoreCase") is True)


def run_switch(call: NodeCall) -> Outputs:
    return settled(call, partial(_switched, call))


def _switched(call: NodeCall, matches: Matches) -> Outputs:
    outputs: list[list[Item]] = [[] for _ in range(switch_outputs(call.node))]
    parameters = call.each()
    for index, item in enumerate(call.items):
        try:
            numbers = _targets(call, parameters[index], index, matches)
            _require_outputs(numbers, len(outputs))
        except NodeError as error:
            error.item = index if error.item is None else error.item
            if not call.continues:
                raise
            outputs[0].append({"json": {"error": error.message}})
            continue
        for number in numbers:
            outputs[number].append(item)
    return outputs


def _require_outputs(numbers: list[int], count: int) -> None:
    for number in numbers:
        if not 0 <= number < count:
            # n8n spells it so, and people search for what they saw
            raise NodeError(f"The ouput {number} is not allowed", description=f"It has to be between 0 and {count - 1}!")


def _targets(call: NodeCall, parameters: Parameters, index: int, matches: Matches) -> list[int]:
    if parameters.get("mode", "rules") == "expression":
        number = number_of(parameters.get("output", 0))
        if number is None:
            raise NodeError("The output must be a number", item=index)
        return [int(number)]
    if call.node.version >= 3:
        return _by_rules(call, parameters, index, matches)
    return _by_older_rules(call, parameters, matches)


def _by_rules(call: NodeCall, parameters: Parameters, index: int, matches: Matches) -> list[int]:
    every = parameters.get("options.allMatchingOutputs") is True
    matched: list[int] = []
    rules = _rule_list(parameters)
    for number, rule in enumerate(rules):
        conditions = rule.get("conditions") or {}
        found = conditions_at(parameters, f"rules.values[{number}].conditions", conditions)
        if passes(found, _rules(call, parameters, conditions, matches), index):
            matched.append(number)
            if not every:
                break
    if matched:
        return matched
    fallback = parameters.get("options.fallbackOutput", "none")
    if fallback == "none":
        return []
    return [len(rules) if fallback == "extra" else int(number_of(fallback) or 0)]


def _rule_list(parameters: Parameters) -> list[Any]:
    found: list[Any] = parameters.get("rules.values") or parameters.get("rules.rules") or []
    return found


def _by_older_rules(call: NodeCall, parameters: Parameters, matches: Matches) -> list[int]:
    kind, left = parameters.get("dataType", "number"), parameters.get("value1")
    for number, rule in enumerate(parameters.get("rules.rules") or []):
        default = {"boolean": "equal", "dateTime": "after", "number": "smaller"}.get(kind, "equal")
        if compare_older(kind, rule.get("operation", default), left, rule.get("value2"), call.time_zone, matches):
            return [int(rule.get("output", number if call.node.version >= 2 else 0))]
    fallback = int(number_of(parameters.get("fallbackOutput", -1)) or 0)
    return [] if fallback == -1 else [fallback]


def switch_outputs(node: Node) -> int:
    """By its rules, and one more for an extra fallback; the first version always has four."""
    parameters = node.parameters
    if parameters.get("mode") == "expression":
        return int(number_of(parameters.get("numberOutputs", parameters.get("outputsAmount", 4))) or 4)
    rules = parameters.get("rules") or {}
    if node.version < 2:
        return 4
    count = len(rules.get("values") or rules.get("rules") or [])
    options = parameters.get("options") or {}
    return max(1, count + (1 if options.get("fallbackOutput") == "extra" or parameters.get("fallbackOutput") == "extra" else 0))


TYPES = (
    NodeType(name="n8n-nodes-base.if", versions=(1, 2, 2.1, 2.2, 2.3), run=run_two_ways, outputs=2),
    NodeType(name="n8n-nodes-base.filter", versions=(1, 2, 2.1, 2.2, 2.3), run=run_two_ways),
    NodeType(name="n8n-nodes-base.switch", versions=(1, 2, 3, 3.1, 3.2, 3.3, 3.4), run=run_switch, outputs=switch_outputs),
)
