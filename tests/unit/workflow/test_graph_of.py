"""What an execution runs: a document that a node gave it comes before any stored workflow."""

from typing import cast
from uuid import uuid4

import asyncpg
import pytest

from bus.auth import BUS_OPERATOR
from bus.errors import WorkflowNotFound
from workflow.library.library import Library
from workflow.nodes.catalogue import registry
from workflow.running.held import Origin


async def told(_: object) -> None:
    pass


@pytest.fixture
def library() -> Library:
    """Nothing here asks the database."""
    return Library(cast(asyncpg.Pool, None), registry(), "UTC", told)


async def test_the_document_of_a_node_is_what_runs_and_not_its_callers_workflow(library: Library) -> None:
    document = {
        "nodes": [
            {"name": "Page", "type": "n8n-nodes-base.form", "typeVersion": 1, "position": [0, 0], "parameters": {}},
        ],
        "connections": {},
    }
    graph = await library.graph_of(Origin(workflow_id=uuid4(), version=1, claims=BUS_OPERATOR, document=document))
    assert [node.name for node in graph.workflow.nodes] == ["Page"]


async def test_a_deleted_workflow_is_told(library: Library) -> None:
    with pytest.raises(WorkflowNotFound):
        await library.graph_of(Origin(workflow_id=None, version=1, claims=BUS_OPERATOR))
