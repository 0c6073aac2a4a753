"""Versions of workflows, read and made ready once each: what executions are started with."""

import json
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from bus.database import NamedStatements, available
from bus.errors import WorkflowNotFound
from bus.messages import Claims
from workflow.core.graph import Graph, plan
from workflow.library.current import Currents
from workflow.n8n.parse import parse
from workflow.running.held import Origin

MAX_PLANS: Final = 200
_STATIC: Final = ("getWorkflowStaticData", "memoryBufferWindow")
"""What remembers between executions: a plan of such a workflow is read anew for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A version of a workflow, ready to be executed. `origin` has the rights of whoever saved it."""

    graph: Graph
    origin: Origin
    active: bool
    uses_static: bool


class Plans:
    """The MAX_PLANS that were asked for last are kept."""

    def __init__(self, statements: NamedStatements) -> None:
        self._statements = statements
        self._currents = Currents(statements)
        self._plans: OrderedDict[tuple[UUID, int], Plan] = OrderedDict()

    def forget(self, workflow_id: UUID | None = None) -> None:
        """What is known of it may have changed; None: of all of them."""
        self._currents.forget(workflow_id)
        if workflow_id is None:
            self._plans.clear()
            return
        for key in [key for key in self._plans if key[0] == workflow_id]:
            del self._plans[key]

    async def of(self, workflow_id: UUID, version: int | None = None) -> Plan:
        """The current version unless one is named. WorkflowNotFound."""
        current = await self._currents.of(workflow_id) if version is None else None
        if version is None:
            if current is None:
                raise no_workflow(workflow_id)
            version = current.version
        found = self._plans.get((workflow_id, version))
        if found is None or found.uses_static or (current is not None and current.active != found.active):
            found = await self._load(workflow_id, version)
        self._plans[workflow_id, version] = found
        self._plans.move_to_end((workflow_id, version))
        if len(self._plans) > MAX_PLANS:
            self._plans.popitem(last=False)
        return found

    async def _load(self, workflow_id: UUID, version: int) -> Plan:
        with available():
            row = await self._statements.one("workflow_version", workflow_id, version)
        if row is None:
            raise no_workflow(workflow_id)
        document = {**json.loads(row["n8n_data"]), "id": str(workflow_id), "name": row["name"]}
        workflow = parse(document)
        if row["static_data"] is not None:
            workflow = replace(workflow, static_data=json.loads(row["static_data"]))
        claims = Claims.model_validate_json(row["claims"])
        return Plan(
            graph=plan(workflow),
            origin=Origin(workflow_id=workflow_id, version=version, claims=claims),
            active=row["active"],
            uses_static=any(word in row["n8n_data"] for word in _STATIC),
        )


def no_workflow(workflow_id: UUID) -> WorkflowNotFound:
    return WorkflowNotFound(f"There is no workflow {workflow_id}.")
