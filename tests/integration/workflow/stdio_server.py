"""An MCP server by standard input and output, on the official package: `python stdio_server.py`. What it may leave behind, it does.

With a port it is one of streamable HTTP.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("stubborn", log_level="CRITICAL")


@server.tool()
async def seen() -> dict[str, str]:
    """What it finds in its environment."""
    return dict(os.environ)


@server.tool()
async def echo(words: str) -> str:
    return words


@server.tool()
def leave() -> str:
    """Itself, and a process that left its session, closed everything and would stay for ever."""
    child = subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return json.dumps([os.getpid(), child.pid])


@server.tool()
async def works(until: str) -> str:
    """Answers nothing else before the file is there, as those do whose tools block."""
    while not Path(until).exists():  # noqa: ASYNC240
        time.sleep(0.02)  # noqa: ASYNC251
    return "done"


@server.tool(structured_output=False)
async def much(size: int) -> str:
    return "y" * size


@server.tool()
async def prints() -> str:
    """Past the protocol."""
    os.write(1, b"good morning\n{}\n[1]\n")
    return "done"


@server.tool()
async def dies() -> str:
    """In the middle of its call, with a word about it."""
    print("out of honey", file=sys.stderr, flush=True)
    os._exit(3)


@server.tool()
async def grow(context: Context) -> str:
    """From now on it has another tool."""
    server.tool(name="grown")(echo)
    await context.session.send_tool_list_changed()
    return "grown"


@server.tool()
async def waits(begun: str) -> str:
    """Says in that file that it began, and who it is; and answers nobody."""
    Path(begun).write_text(str(os.getpid()))  # noqa: ASYNC240
    await asyncio.Event().wait()
    return "never"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", port=int(sys.argv[1]))
    else:
        server.run("stdio")
