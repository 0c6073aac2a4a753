"""Debian's databases of time series, each on a free port and a folder of its own: both take InfluxDB's line protocol."""

import json
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import httpx

from deploy.local.ports import free_port

READY_SECONDS: Final = 30

Points = dict[tuple[str, str, int], float]
"""Values by agent, field and time (Unix milliseconds)."""


class TimeSeries(ABC):
    """`program` is also the name of Debian's package, but for a `d` at its end."""

    program: ClassVar[str]
    login: ClassVar[Mapping[str, str]] = {}

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def settings(self) -> dict[str, str]:
        """Of a monitor that writes there."""
        return {"HIVE_INFLUX_URL": self.url, **self.login}

    def start(self) -> None:
        """Returns once it serves, on the data that it had."""
        log = self._folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(self._command(), cwd=self._folder, stdout=output, stderr=output)
        deadline = time.monotonic() + READY_SECONDS
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{self.program} does not start: {log.read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(20)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()

    @abstractmethod
    def points(self) -> Points: ...

    @abstractmethod
    def _command(self) -> list[str]: ...

    @abstractmethod
    def _ready(self) -> bool: ...

    def _answers(self, path: str, status: int) -> bool:
        try:
            return httpx.get(f"{self.url}{path}", trust_env=False).status_code == status
        except httpx.HTTPError:
            return False


class VictoriaMetrics(TimeSeries):
    program = "victoria-metrics"

    def points(self) -> Points:
        httpx.get(f"{self.url}/internal/force_flush", trust_env=False, timeout=10)
        asked = {"match[]": '{__name__=~"hive_agent_.+"}'}
        text = httpx.get(f"{self.url}/api/v1/export", params=asked, trust_env=False, timeout=10).text
        found: Points = {}
        for series in map(json.loads, text.splitlines()):
            name = series["metric"]["__name__"].removeprefix("hive_agent_")
            for value, at in zip(series["values"], series["timestamps"], strict=True):
                found[series["metric"]["agent_id"], name, at] = value
        return found

    def _command(self) -> list[str]:
        listen = f"-httpListenAddr=127.0.0.1:{self._port}"
        return [self.program, listen, "-storageDataPath=data", "-memory.allowedBytes=64MB"]

    def _ready(self) -> bool:
        return self._answers("/health", 200)


class InfluxDB(TimeSeries):
    """Version 1, which lets nobody in without a password."""

    program = "influxd"
    _AUTH: Final = ("ann", "sesame")
    login: ClassVar[Mapping[str, str]] = {"HIVE_INFLUX_TOKEN": ":".join(_AUTH)}

    def start(self) -> None:
        super().start()
        asked = {"q": "CREATE USER ann WITH PASSWORD 'sesame' WITH ALL PRIVILEGES"}
        httpx.post(f"{self.url}/query", params=asked, trust_env=False, timeout=10)  # refused where she is there already
        self._query("CREATE DATABASE hive")

    def points(self) -> Points:
        found: Points = {}
        for series in self._query("SELECT * FROM hive_agent GROUP BY agent_id")["results"][0].get("series", []):
            for at, *values in series["values"]:
                for name, value in zip(series["columns"][1:], values, strict=True):
                    if value is not None:
                        found[series["tags"]["agent_id"], name, at] = value
        return found

    def _query(self, text: str) -> Any:
        asked = {"q": text, "db": "hive", "epoch": "ms"}
        answer = httpx.post(f"{self.url}/query", params=asked, auth=self._AUTH, trust_env=False, timeout=10)
        return answer.raise_for_status().json()

    def _command(self) -> list[str]:
        (self._folder / "influxdb.conf").write_text(
            f"""reporting-disabled = true
bind-address = "127.0.0.1:{free_port()}"
[meta]
dir = "meta"
[data]
dir = "data"
wal-dir = "wal"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{self._port}"
auth-enabled = true
"""
        )
        return [self.program, "-config", "influxdb.conf"]

    def _ready(self) -> bool:
        return self._answers("/ping", 204)
