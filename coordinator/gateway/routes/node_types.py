"""The types of nodes that the engines run, for whoever draws or writes a workflow."""

from fastapi import APIRouter, Response

from bus import subjects
from bus.auth import Permission
from bus.messages import NoReply
from bus.messages.node_types import NodeTypeList
from coordinator.gateway import verbs
from coordinator.gateway.routes.declared import Caller, Door, answer, needs

router = APIRouter(prefix="/api/node-types", tags=["workflows"])


@router.get("", summary="List the types of nodes", response_model=NodeTypeList, **needs(Permission.WORKFLOWS_VIEW))
async def list_node_types(gateway: Door, caller: Caller) -> Response:
    """Hive's own, and each tool of a registered MCP server (`hive.mcp.<server>.<tool>`), with the JSON Schema of its parameters."""
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_WORKFLOWS, "node-types", NoReply(), NodeTypeList, caller))
