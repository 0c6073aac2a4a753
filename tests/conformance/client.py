"""What the suite starts in client mode: `python -m tests.conformance.client URL`. The bridge's own client lists the tools, and calls those that
it knows arguments for."""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any, Final

from workflow.outside.guard import Guard
from workflow.outside.mcp_client import McpClient, McpServer

SECONDS: Final = 20
MAX_BYTES: Final = 1_000_000
ARGUMENTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "add_numbers": {"a": 5, "b": 3},
    "test_client_elicitation_defaults": {},
    "test_reconnection": {},
}


async def main(url: str) -> None:
    client, server = McpClient(Guard.of(["localhost"]), MAX_BYTES), McpServer(url=url)
    for tool in await client.tools(server, SECONDS):
        if (name := tool["name"]) in ARGUMENTS:
            print(json.dumps(await client.call(server, name, ARGUMENTS[name], "conformance", SECONDS)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
