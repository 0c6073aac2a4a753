"""What of a workflow runs on Hive, what does not, and what to do: `hive workflow check FILE`. Pure.

A workflow with findings is saved and shown all the same. Only an error keeps it from starting; an unknown node fails when it is reached.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bus.errors import InvalidWorkflow, WorkflowCycle
from workflow.core.graph import Graph, endless_cycles, plan
from workflow.credentials import needed as credentials
from workflow.doors import chat, forms
from workflow.n8n.document import Node, Problem, Severity, Workflow
from workflow.n8n.tools import HTTP_REQUEST, SETTING, McpNeed, needs_of
from workflow.nodes.registry import Registry
from workflow.nodes.tool_nodes import can_be_carried

_PACKAGE: Final = re.compile(r"(@[a-z0-9][\w.~-]*/)?n8n-nodes-[a-z0-9][\w.~-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`runs` and `unknown`: names of nodes by type. `problems`: from reading and planning it, errors first. `needs`: of MCP servers."""

    runs: dict[str, Sequence[str]]
    unknown: dict[str, Sequence[str]]
    problems: Sequence[Problem]
    needs: Sequence[McpNeed] = ()

    @property
    def startable(self) -> bool:
        return all(problem.severity is not Severity.ERROR for problem in self.problems)

    @property
    def complete(self) -> bool:
        """Whether all of it runs as it does in n8n."""
        return not self.problems and not self.unknown


Servers = Mapping[str, Collection[str] | None]
"""MCP servers that are registered, by name, with the names of their tools; None where they were not listed yet."""


def check(workflow: Workflow, registry: Registry, servers: Servers | None = None) -> Report:
    """`servers`: None where nobody is there to ask."""
    graph, needs = plan(workflow), needs_of(workflow)
    known = [node for node in workflow.nodes if registry.find(node) is not None]
    unknown = [node for node in workflow.nodes if registry.find(node) is None]
    found = [
        *workflow.problems,
        *_cycles(graph, registry),
        *_no_trigger(workflow, registry),
        *(problem for node in known for problem in _version(node, registry)),
        *(found for node in known if not node.disabled and (found := credentials.problem(node)) is not None),
        *(
            problem
            for node in workflow.nodes
            if servers is None and not node.disabled
            for problem in credentials.addresses(node)
        ),
        *(problem for node in known if not node.disabled for problem in _differs(node)),
        *(_unknown(node, registry.unfit(node)) for node in unknown),
        *_not_carried(workflow, registry),
        *(problem for need in needs if (problem := _needed(need, servers)) is not None),
        *(problem for node in workflow.nodes if (problem := _secret(node)) is not None),
    ]
    return Report(
        runs=_by_type(known),
        unknown=_by_type(unknown),
        problems=tuple(sorted(found, key=lambda problem: problem.severity is not Severity.ERROR)),
        needs=needs,
    )


def check_startable(graph: Graph, registry: Registry) -> None:
    """Raises `workflow_cycle` or `invalid_workflow` for what must not be started."""
    for problem in _cycles(graph, registry):
        raise WorkflowCycle(problem.message)
    for problem in (*graph.workflow.problems, *_not_carried(graph.workflow, registry)):
        if problem.severity is Severity.ERROR:
            raise InvalidWorkflow(problem.message)


def _by_type(nodes: Iterable[Node]) -> dict[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for node in nodes:
        found.setdefault(node.type, []).append(node.name)
    return {kind: tuple(names) for kind, names in sorted(found.items())}


def _cycles(graph: Graph, registry: Registry) -> Iterable[Problem]:
    for names in endless_cycles(graph, registry.outputs):
        way = " → ".join([*names, names[0]])
        message = f"The cycle {way} can never end: no node in it chooses between outputs. Put an If or Loop Over Items into it."
        yield Problem(code="workflow_cycle", message=message, severity=Severity.ERROR, node=names[0])


def _no_trigger(workflow: Workflow, registry: Registry) -> Iterable[Problem]:
    if workflow.nodes and not any(registry.is_trigger(node) and not node.disabled for node in workflow.nodes):
        message = "Nothing starts it: it has no trigger. Add one, for instance a Manual Trigger."
        yield Problem(code="no_trigger", message=message)


def _version(node: Node, registry: Registry) -> Iterable[Problem]:
    kind = registry.get(node)
    if node.version not in kind.versions:
        known = ", ".join(f"{version:g}" for version in kind.versions)
        message = f"{node.name!r} is version {node.version:g} of {node.type}; Hive knows {known} and runs it as the nearest. Compare its result."
        yield Problem(code="node_version", message=message, node=node.name)
    if kind.note is not None:
        yield Problem(code="node_note", message=f"{node.name!r}: {kind.note}.", node=node.name)


def _not_carried(workflow: Workflow, registry: Registry) -> Iterable[Problem]:
    for node in workflow.nodes:
        if node.tool is not None and not can_be_carried(node, registry.own(node)):
            message = f"{node.name!r} of type {node.type} cannot be carried out by a tool: it has not one input and one output. Take it out of `settings.{SETTING}`."
            yield Problem(code="mcp_tool_impossible", message=message, severity=Severity.ERROR, node=node.name)


def _needed(need: McpNeed, servers: Servers | None) -> Problem | None:
    what = f"{need.node!r} needs " + (f"the tool {need.tool} of " if need.tool else "") + f"the MCP server {need.server}"
    if servers is None:
        message = f"{what}, which must be registered where it runs (`hive mcp-server add`)."
        return Problem(code="mcp_server_needed", message=message, node=need.node)
    if need.server not in servers:
        message = f"{what}, which is not registered. Register it with `hive mcp-server add {need.server}`."
        return Problem(code="mcp_server_not_found", message=message, node=need.node)
    tools = servers[need.server]
    if tools is None or need.tool is None or need.tool in tools:
        return None
    message = f"{what}, which has no tool of that name. It has {', '.join(sorted(tools))}."
    return Problem(code="mcp_tool_not_found", message=message, node=need.node)


def _secret(node: Node) -> Problem | None:
    if node.tool is None or node.type != HTTP_REQUEST or node.parameters.get("authentication", "none") == "none":
        return None
    message = f"{node.name!r} needs a credential, and the MCP server that is to carry it out is given none, so it fails. Take one of the two out."
    return Problem(code="mcp_tool_credentials", message=message, node=node.name)


def _differs(node: Node) -> Iterable[Problem]:
    found = chat.difference(node) if node.type == chat.CHAT else forms.difference(node) if node.type == forms.FORM else None
    if found is not None:
        yield Problem(code="node_note", message=f"{node.name!r} {found}.", node=node.name)


def _unknown(node: Node, unfit: str | None) -> Problem:
    message = (
        f"{node.name!r} is of type {node.type}, which Hive does not run; it fails when it is reached. {_advice(node, unfit)}"
    )
    return Problem(code="unknown_node_type", message=message, node=node.name)


def _advice(node: Node, unfit: str | None) -> str:
    if node.type.startswith("@n8n/n8n-nodes-langchain."):
        return "Replace it with an AI node that Hive runs, or call the model with an HTTP Request."
    if node.type.lower().endswith("trigger"):
        return "Start the workflow with a Webhook in its place, called by the service."
    if unfit is not None:
        return f"Its package is installed, but it is {unfit}, which Hive does not run. Replace it with an HTTP Request to the service, or disable it."
    if (package := package_of(node.type)) is not None:
        return f"Install its package with `hive nodes install {package}`, replace it with an HTTP Request to the service, or disable it."
    return "Replace it with an HTTP Request to the service, or disable it."


def package_of(kind: str) -> str | None:
    """The npm package of a type of node, as n8n names them; None for what is no such name."""
    package, dot, _ = kind.rpartition(".")
    return package if dot and _PACKAGE.fullmatch(package) else None
