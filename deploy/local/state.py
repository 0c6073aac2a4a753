"""What a running hive says of itself: the file that every command reads, and the shape of `hive status --json`."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import Field

from bus.messages import Message


class ProcessState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPED = "stopped"


class ProcessStatus(Message):
    """`pid` is null while there is none: before the start, and between a crash and the restart."""

    name: str
    pid: int | None = None
    state: ProcessState
    restarts: int = 0
    version: str = Field(default="", description="of what it runs; empty where that is not known")


class UpgradeStage(StrEnum):
    UNDER_WAY = "under_way"
    DONE = "done"
    FAILED = "failed"


class UpgradeState(Message):
    """How far the last `hive upgrade` is. `done`: the processes that run the newer version since."""

    asked_at: datetime
    stage: UpgradeStage = UpgradeStage.UNDER_WAY
    doing: str | None = None
    done: tuple[str, ...] = ()
    message: str = ""


class NatsAddress(Message):
    """`url` holds user and password: it is what an operator connects with. `creds`: a credentials file, where one is used."""

    url: str
    creds: str | None = None
    ca: Path | None = Field(default=None, description="file of the authority that its certificate is of")


class HiveState(Message):
    """`fingerprint`: of the authority by which API, dashboard and bus have their certificates."""

    api: str
    gui: str
    nats: NatsAddress
    lan_api: str | None = Field(default=None, description="the API as other machines reach it; null where it is on loopback")
    fingerprint: str | None = Field(
        default=None, description="SHA-256 of the authority that its certificates are of; null: without TLS"
    )
    lan_bus: bool = Field(default=False, description="whether other machines reach the bus")
    leaf: str | None = Field(
        default=None, description="where buses of sites come in, as other machines reach it; null: nowhere"
    )
    processes: tuple[ProcessStatus, ...] = ()
    database_url: str = Field(description="with its password, if any: the file is this user's alone")
    redis_url: str
    version: str = Field(description="of the supervisor")
    started_at: datetime
    upgrades: bool = Field(default=False, description="whether the supervisor knows how another takes over from it")
    upgrade: UpgradeState | None = None
