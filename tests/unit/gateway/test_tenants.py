"""That the attack of one tenant on another (tests/integration/gateway/test_tenants.py) knows every route and tool there is."""

from bus.testing import InMemoryBus
from coordinator.gateway.app import create_app
from coordinator.gateway.gateway import open_gateway
from coordinator.gateway.mcp.catalogue import TOOLS
from coordinator.gateway.settings import GatewaySettings
from tests.integration.gateway import tenants


async def test_of_every_route_it_is_known_whose_things_it_names() -> None:
    async with open_gateway(InMemoryBus(), GatewaySettings()) as gateway:
        document = create_app(gateway).openapi()
    assert tenants.not_thought_of(document) == []
    named = {f"{each.name} {name}" for each in tenants.operations(document) for name in (*each.queries, *each.fields)}
    assert (tenants.FIELDS.keys() | tenants.OF_NOBODY.keys()) - named == set()


def test_of_every_tool_it_is_known_whose_things_it_names() -> None:
    schemas = {name: tool.arguments.model_json_schema() for name, tool in TOOLS.items()}
    assert tenants.tools_not_thought_of(schemas) == []
    assert tenants.TOOLS.keys() <= schemas.keys()
