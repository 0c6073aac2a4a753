"""The files of deploy/ that containers are started by, held against Hive's own settings, services and routes, and checked by compose itself."""

import importlib
import os
import pkgutil
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import coordinator.gateway.routes
from coordinator.gateway.live import socket
from coordinator.gateway.mcp import PATH as MCP_PATH
from deploy.known_settings import known_variables
from deploy.modules import MODULES

DEPLOY = Path(__file__).parents[3] / "deploy"
COMPOSE, STACK = DEPLOY / "compose" / "compose.yaml", DEPLOY / "swarm" / "stack.yaml"
BOTH = pytest.mark.parametrize("path", [COMPOSE, STACK], ids=["compose", "stack"])
KEPT_INSIDE = {"/metrics", "/"}
"""/ is the dashboard's where both have one name."""
NOT_HIVES = {"FORWARDED_ALLOW_IPS"}
"""uvicorn's own."""


def services(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text())["services"]
    return found


def of_hive(path: Path) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in services(path).items() if name.startswith("hive-")}


def variables(path: Path) -> set[str]:
    return set(re.findall(r"(?<!\$)\$\{(\w+)", path.read_text()))


@BOTH
def test_every_service_of_hive_is_there_and_is_one_that_there_is(path: Path) -> None:
    run = {each["command"][1] for each in of_hive(path).values()}
    assert run == set(MODULES) - (set() if path == COMPOSE else {"sidecar"})


@BOTH
def test_every_variable_of_a_service_is_a_setting_of_it(path: Path) -> None:
    """Of one that all have in common, of some service."""
    known = set.union(*map(known_variables, MODULES))
    for name, each in of_hive(path).items():
        given = {variable.removesuffix("_FILE") for variable in each["environment"]} - NOT_HIVES
        assert given <= known, name


@BOTH
def test_a_container_has_bounds_and_no_rights(path: Path) -> None:
    for name, each in services(path).items():
        if name != "nats-folders":  # it changes an owner, and ends
            assert each["deploy"]["resources"]["limits"]["memory"], name
            assert each.get("privileged") is None, name
    for name, each in of_hive(path).items():
        assert each["read_only"] is True, name
        assert each["cap_drop"] == ["ALL"], name


@BOTH
def test_nothing_but_the_proxy_listens_beyond_this_machine(path: Path) -> None:
    listens = {name: each["ports"] for name, each in services(path).items() if "ports" in each}
    del listens["traefik"]
    assert listens == ({"nats-1": ["${HIVE_BUS_ADDRESS:-127.0.0.1}:4222:4222"]} if path == COMPOSE else {})


def test_the_example_names_every_variable() -> None:
    names = {line.partition("=")[0] for line in (DEPLOY / "compose" / ".env.example").read_text().splitlines() if "=" in line}
    assert variables(COMPOSE) - names == {"HIVE_IMAGE", "HIVE_SIDECAR_IMAGE"}
    assert names <= variables(COMPOSE)


def test_both_proxies_know_every_path_of_the_api() -> None:
    paths = {"/openapi.json", socket.PATH, MCP_PATH}
    for module in pkgutil.iter_modules(coordinator.gateway.routes.__path__):
        loaded = importlib.import_module(f"coordinator.gateway.routes.{module.name}")
        routers = (getattr(loaded, name, None) for name in ("router", "door"))
        paths |= {f"/{route.path.split('/')[1]}" for router in routers if router is not None for route in router.routes}
    paths -= KEPT_INSIDE
    traefik = (DEPLOY / "compose" / "traefik" / "routes.yaml").read_text().partition("grafana:")[0]
    prefixes = tuple(re.findall(r"PathPrefix\(`([^`]+)`\)", traefik))
    assert {path for path in paths if not path.startswith(prefixes)} == set()
    named = re.search(r"location ~ \^/\(([^)]+)\)", (DEPLOY / "proxy" / "nginx.conf").read_text())
    assert named is not None
    assert paths - {f"/{name}".replace("\\", "") for name in named[1].split("|")} == set()


@BOTH
def test_compose_itself_takes_the_file(path: Path, tmp_path: Path) -> None:
    if (compose := shutil.which("docker-compose")) is None:
        pytest.skip("docker-compose is not installed (apt install docker-compose)")
    lines = (DEPLOY / "compose" / ".env.example").read_text().splitlines()
    given = {name: value or "aSecret1" for name, equals, value in (line.partition("=") for line in lines) if equals}
    done = subprocess.run(
        [compose, "-f", path.name, "--profile", "local-gpu", "--profile", "influxdb", "config", "--quiet"],
        cwd=path.parent,
        env={**os.environ, **given, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_images_are_made_of_what_there_is() -> None:
    """Each path that the Dockerfile copies, and each extra that it installs."""
    text = (DEPLOY / "Dockerfile").read_text()
    copied = [word for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE) for word in line.split()[:-1]]
    assert copied
    assert [path for path in copied if not (DEPLOY.parent / path).exists()] == []
    kept = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) == kept
    extras = re.search(r"hive\[([^\]]+)\]", text)
    project = (DEPLOY.parent / "pyproject.toml").read_text()
    assert extras is not None
    assert [extra for extra in extras[1].split(",") if not re.search(rf"^{extra} = \[", project, re.MULTILINE)] == []
    pinned = re.search(r"uv==(\S+)", text)
    assert pinned is not None
    assert f"UV_VERSION := {pinned[1]}" in (DEPLOY.parent / "Makefile").read_text()
