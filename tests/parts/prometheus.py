"""Debian's own Prometheus, on a free port and a folder of its own, with the configuration that Hive ships."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from deploy.local.ports import free_port

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"
CONFIGURATION = FOLDER / "prometheus.yml"
READY_SECONDS = 30
EXEMPT: frozenset[str] = frozenset()
"""Names of the seed that promtool dislikes and that stay. None so far: `hive_active_agents_total` goes out without a type."""


def promtool(*arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["promtool", *arguments], input=given, cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False
    )


def check_metrics(page: str) -> None:
    """AssertionError with what promtool has to say against a page of metrics."""
    found = promtool("check", "metrics", given=page)
    complaints = [line for line in found.stderr.splitlines() if line.strip()]
    assert [line for line in complaints if line.split()[0] not in EXEMPT] == []
    assert found.returncode in ((0, 3) if EXEMPT else (0,)), found.stdout


class Prometheus:
    def __init__(self, url: str) -> None:
        self._url = url

    def _get(self, path: str, **asked: str) -> Any:
        return httpx.get(f"{self._url}/api/v1/{path}", params=asked, trust_env=False, timeout=10).json()

    def query(self, expression: str) -> list[dict[str, Any]]:
        answer = self._get("query", query=expression)
        assert answer["status"] == "success", answer
        return list(answer["data"]["result"])

    def value(self, expression: str) -> float | None:
        """Of the one series that it gives."""
        found = self.query(expression)
        return float(found[0]["value"][1]) if len(found) == 1 else None

    def names(self) -> set[str]:
        return set(self._get("label/__name__/values")["data"])

    def alerts(self) -> list[str]:
        groups = self._get("rules")["data"]["groups"]
        return [rule["name"] for group in groups for rule in group["rules"] if rule["type"] == "alerting"]

    def exemplars(self, series: str) -> list[dict[str, Any]]:
        now = time.time()
        found = self._get("query_exemplars", query=series, start=f"{now - 3600:.0f}", end=f"{now + 60:.0f}")["data"]
        return [exemplar for each in found for exemplar in each["exemplars"]]


@contextmanager
def prometheus(folder: Path, jobs: Mapping[str, list[dict[str, Any]]]) -> Iterator[Prometheus]:
    """`jobs`: static configs in the place of those that the file has; its other jobs are left out. Scrapes every half second."""
    port, log = free_port(), folder / "prometheus.log"
    configuration = yaml.safe_load(CONFIGURATION.read_text())
    configuration["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
    configuration["rule_files"] = [str(CONFIGURATION.parent / file) for file in configuration["rule_files"]]
    kept = [job for job in configuration["scrape_configs"] if job["job_name"] in jobs]
    configuration["scrape_configs"] = [job | {"static_configs": jobs[job["job_name"]]} for job in kept]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    command = [
        "prometheus",
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen([*command, "--enable-feature=exemplar-storage"], cwd=folder, stdout=output, stderr=output)
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + READY_SECONDS
        while not _ready(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"Prometheus does not start: {log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield Prometheus(url)
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def postgres_exporter(url: str) -> Iterator[str | None]:
    """Debian's, of the PostgreSQL at `url`; where it listens. None where it is not installed."""
    program = shutil.which("prometheus-postgres-exporter")
    if program is None:
        yield None
        return
    address = f"127.0.0.1:{free_port()}"
    environment = {**os.environ, "DATA_SOURCE_NAME": f"{url}&sslmode=disable"}
    process = subprocess.Popen([program, f"--web.listen-address={address}"], env=environment, stderr=subprocess.DEVNULL)
    try:
        yield address
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def redis_exporter(url: str) -> Iterator[str | None]:
    """Debian's, of the Valkey at `url`; where it listens. None where it is not installed."""
    program = shutil.which("prometheus-redis-exporter")
    if program is None:
        yield None
        return
    address = f"127.0.0.1:{free_port()}"
    command = [program, f"-redis.addr={url}", f"-web.listen-address={address}"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield address
    finally:
        process.terminate()
        process.wait(10)


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
