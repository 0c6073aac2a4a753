"""What a workflow engine can be told."""

import os
from pathlib import Path

from pydantic import Field, SecretStr

from bus.hosts import in_url
from bus.settings import HiveSettings
from workflow.python.host import Confinement


class WorkflowSettings(HiveSettings):
    database_url: SecretStr = Field(default=SecretStr("postgresql:///hive"), description="PostgreSQL: the truth")
    redis_url: SecretStr | None = Field(
        default=None, description="Redis or Valkey: a cache of workflows; without it nothing stops"
    )
    workflow_url: str = Field(
        default="",
        description="base of webhook, resume and OAuth redirect URLs as callers reach them; left out: the API of this machine",
    )
    workflow_threads: int = Field(
        default=0,
        ge=0,
        le=64,
        description="nodes that are computed at once, and the most of one owner; 0: as many as there are cores, at most 8",
    )
    workflow_running: int = Field(default=256, ge=1, description="executions in memory at once; those that wait long are not")
    workflow_waiting: int = Field(
        default=2000,
        ge=0,
        description="executions that wait for room, one owner's half of them; more are refused (503 `too_many_executions`)",
    )
    workflow_held_bytes: int = Field(
        default=64 * 1024 * 1024,
        ge=1024,
        description="of webhook calls and items that executions in memory were started with, one owner's half of them; "
        "more are refused in the same way",
    )
    workflow_lease_seconds: float = Field(
        default=5, ge=1, description="silence after which an engine is dead and others go on with its executions"
    )
    workflow_take_ups: int = Field(
        default=5,
        ge=1,
        description="how often an execution is taken up from an engine that died without it getting any further; "
        "then it ends (`engine_died`)",
    )
    workflow_time_zone: str = Field(default="UTC", description="of workflows that name none")
    workflow_retain_days: float = Field(default=14, ge=0, description="how long ended executions stay; 0: for ever")
    workflow_event_chain: int = Field(
        default=10,
        ge=0,
        description="executions that may be started one after the other, each by an event of the one before; a node that would publish "
        "one more fails (`events_too_deep`)",
    )
    workflow_allow_internal: tuple[str, ...] = Field(
        default=(),
        description="hosts and networks that requests of workflows may reach though they are internal, as JSON: "
        '`["10.0.0.0/8", "localhost"]`',
    )
    workflow_models: dict[str, str] = Field(
        default_factory=dict,
        description='models of the hive for those that workflows name, as JSON: `{"gpt-4o": "qwen3:8b", "*": "llama3.2:3b"}`; '
        "`*`: all others, without it any model that is warm; `embeddings`: for embeddings nodes; an Ollama node means its own name",
    )
    workflow_files: tuple[Path, ...] = Field(
        default=(),
        description='folders of this machine whose files workflows may read and write, as JSON: `["/srv/exchange"]`; none: no files',
    )
    workflow_python: Confinement = Field(
        default=Confinement.CONFINED,
        description="code in Python: `confined` runs it where the kernel keeps it from files, network and processes (Linux 5.13 or newer), "
        "`unconfined` also where it cannot, so that such code may do what the engine may, `off` not at all",
    )
    workflow_node: str = Field(
        default="node", description="the program of Node.js (20 or newer) that runs nodes of packages (`hive nodes install`)"
    )
    workflow_node_seconds: float = Field(
        default=300, gt=0, description="how long a node of a package may run; then its process is stopped (`outcome_unknown`)"
    )
    workflow_max_answer_bytes: int = Field(
        default=32 * 1024 * 1024,
        gt=0,
        description="of an HTTP answer that a node asks for, and of all that a database answers to it at once",
    )
    workflow_mcp_servers: int = Field(
        default=50, ge=0, description="MCP servers that one user may register; who manages all of them may register any number"
    )
    workflow_metrics_port: int | None = Field(
        default=None, ge=0, le=65535, description="of its own `/metrics`, 0 takes a free one; left out: there is none"
    )
    credentials_key: SecretStr | None = Field(
        default=None,
        description="seals credentials, the same for all engines; several by comma: the first seals, all read "
        "(`hive credential key` makes one); left out: `credentials.key` in the data folder, made when it is first needed",
    )
    host: str = Field(default="127.0.0.1", description="address of the API")
    api_port: int = Field(default=8420, ge=0, le=65535, description="of the API")

    @property
    def threads(self) -> int:
        return self.workflow_threads or min(8, os.cpu_count() or 2)

    @property
    def base_url(self) -> str:
        return (self.workflow_url or f"http://{in_url(self.host)}:{self.api_port}").rstrip("/")
