"""The gateways that Hive is compared with, as their makers ship them, one process each, in an environment of their own (`make bench` makes it)."""

import asyncio
import json
from contextlib import AsyncExitStack, ExitStack, suppress
from pathlib import Path
from typing import Final

import httpx
import psutil

from deploy.local.launch import Launch
from deploy.local.ports import free_port
from tests.bench.asking import Door
from tests.bench.hive import launched
from tests.bench.stub_backend import MODEL

ENVIRONMENT: Final = Path(".venv-bench/bin").absolute()
SERVE_HERD: Final = Path(__file__).parent / "with_herd" / "serve.py"
KEY: Final = "sk-bench-0123456789abcdef"
START_SECONDS: Final = 120
BEAT_SECONDS: Final = 5.0
"""As its own nodes do."""
SLOTS: Final = 128

Peer = tuple[Door, psutil.Process]


def installed() -> bool:
    return (ENVIRONMENT / "litellm").exists() and (ENVIRONMENT / "herd").exists()


async def litellm(stack: ExitStack, folder: Path, stub_port: int) -> Peer:
    """By OpenAI's protocol, the one that it is made for; without a database, so nothing of a request is kept."""
    config = {
        "model_list": [
            {
                "model_name": MODEL,
                "litellm_params": {
                    "model": f"openai/{MODEL}",
                    "api_base": f"http://127.0.0.1:{stub_port}/v1",
                    "api_key": "none",
                },
            }
        ],
        "general_settings": {"master_key": KEY},
    }
    written = folder / "litellm.yaml"
    written.write_text(json.dumps(config))  # which is YAML too
    door = Door(port=free_port(), model=MODEL, key=KEY)
    command = (str(ENVIRONMENT / "litellm"), "--config", str(written), "--host", "127.0.0.1", "--port", str(door.port))
    # Its list of prices, and its own telemetry, would else be of the internet.
    environment = {"HOME": str(folder), "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "NO_DOCS": "True"}
    launch = Launch(name="litellm", command=(*command, "--telemetry", "False"), environment=environment)
    process = launched(stack, launch, folder)
    await _serves(f"http://127.0.0.1:{door.port}/health/liveliness")
    return door, process


async def herd(stack: ExitStack, beside: AsyncExitStack, folder: Path, stub_port: int) -> Peer:
    """By Ollama's protocol, the only one it asks by. Its node only tells it of a host and is on no request's way: the bench tells it the same."""
    door = Door(port=free_port(), model=MODEL)
    environment = {"HOME": str(folder), "FLEET_NODE_TELEMETRY": "false"}
    command = (str(ENVIRONMENT / "python"), str(SERVE_HERD), str(door.port), str(folder / "herd"))
    process = launched(stack, Launch(name="herd", command=command, environment=environment), folder)
    base = f"http://127.0.0.1:{door.port}"
    await _serves(f"{base}/fleet/status")
    client = await beside.enter_async_context(httpx.AsyncClient(base_url=base))
    await _beat(client, stub_port)
    beating = asyncio.create_task(_go_on_beating(client, stub_port))
    beside.callback(beating.cancel)
    return door, process


async def _go_on_beating(client: httpx.AsyncClient, stub_port: int) -> None:
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        with suppress(httpx.TransportError):  # one that its server closed just then: the next beat has another connection
            await _beat(client, stub_port)


async def _beat(client: httpx.AsyncClient, stub_port: int) -> None:
    model = {"name": MODEL, "size_gb": 0.001, "context_length": 4096}
    ollama = {"models_loaded": [model], "models_available": [MODEL], "num_parallel": SLOTS}
    beat = {
        "node_id": "stub",
        "cpu": {"cores_physical": 2, "utilization_pct": 10},
        "memory": {"total_gb": 1024, "used_gb": 10, "available_gb": 1014},
        "ollama": ollama,
        "ollama_host": f"http://127.0.0.1:{stub_port}",
        "lan_ip": "127.0.0.1",
    }
    (await client.post("/heartbeat", json=beat, timeout=30)).raise_for_status()


async def _serves(url: str) -> None:
    async with asyncio.timeout(START_SECONDS), httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(url)).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.2)
