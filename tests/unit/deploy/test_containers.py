"""The files of deploy/ that containers are started by, held against Hive's own settings, services and routes, and checked by compose itself."""

import importlib
import os
import pkgutil
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import yaml

import coordinator.gateway.routes
from coordinator.gateway.live import socket
from coordinator.gateway.mcp import PATH as MCP_PATH
from coordinator.gateway.settings import GatewaySettings
from deploy.known_settings import known_variables
from deploy.modules import MODULES
from gui.settings import GuiSettings
from monitor.notifying.targets import given

DEPLOY = Path(__file__).parents[3] / "deploy"
COMPOSE, STACK = DEPLOY / "compose" / "compose.yaml", DEPLOY / "swarm" / "stack.yaml"
BOTH = pytest.mark.parametrize("path", [COMPOSE, STACK], ids=["compose", "stack"])
KEPT_INSIDE = {"/metrics", "/"}
"""/ is the dashboard's where both have one name."""
DOORS = {"hive-gateway": 8420, "hive-frontend": 8430}
ROUTES = DEPLOY / "compose" / "traefik" / "routes.yaml"
PATHS = re.compile(r"\^/\(api\S+\(/\|\$\)")
PAGES = DEPLOY.parent / "gui" / "pages"
METRICS_PORT = "HIVE_{}_METRICS_PORT"
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
        told = {variable.removesuffix("_FILE") for variable in each["environment"]} - NOT_HIVES
        assert told <= known, name


@BOTH
def test_what_faces_the_world_knows_no_secret_of_those_that_keep_the_record(path: Path) -> None:
    secret = re.compile(r"HIVE_(DATABASE|CREDENTIALS|ADMIN)|(database|credentials|admin)_")
    for name, each in of_hive(path).items():
        held = (word if isinstance(word, str) else word["target"] for word in each.get("secrets", ()))
        known = [word for word in (*each["environment"], *held) if secret.match(word)]
        assert bool(known) == (name not in {*DOORS, "hive-sidecar"}), name


@BOTH
def test_a_container_has_bounds_and_no_rights(path: Path) -> None:
    for name, each in services(path).items():
        if name != "nats-folders":  # it changes an owner, and ends
            assert each["deploy"]["resources"]["limits"]["memory"], name
            assert each.get("privileged") is None, name
    for name, each in of_hive(path).items():
        assert each["read_only"] is True, name
        assert each["cap_drop"] == ["ALL"], name


HARDENED: Final[dict[str, Callable[[dict[str, Any]], bool]]] = {
    "read-only": lambda each: each.get("read_only") is True,
    "no capabilities": lambda each: each.get("cap_drop") == ["ALL"] and "cap_add" not in each,
    "says how it is": lambda each: "test" in each.get("healthcheck", {}),
    "not root": lambda each: each.get("user", "root") != "root" or each["image"].startswith(NOT_ROOT),
}
NOT_ROOT: Final = (
    "${HIVE_",
    "prom/",
    "grafana/",
    "quay.io/prometheuscommunity/",
    "oliver006/redis_exporter",
)
"""Images whose own user is another."""
EXEMPT: Final = {
    ("traefik", "no capabilities"): "it takes the ports 80 and 443",
    ("traefik", "not root"): "its certificates lie in a volume that is root's; of root's rights it has those ports",
    ("nats-folders", "no capabilities"): "it makes a folder another user's, and ends",
    ("nats-folders", "not root"): "it makes a folder another user's, and ends",
    ("nats-folders", "says how it is"): "it makes a folder another user's, and ends",
    ("influxdb", "read-only"): "its image sets itself up in /etc/influxdb2",
    ("influxdb", "no capabilities"): "its image begins as root, and becomes another user",
    ("influxdb", "not root"): "its image begins as root, and becomes another user",
    ("redis-exporter", "says how it is"): "there is nothing in its image that could ask",
    ("jaeger", "says how it is"): "its image promises nothing that could ask",
    **{(f"nats-exporter-{number}", "not root"): "its image has no user; it has no rights either" for number in (1, 2, 3)},
    ("nats-exporter", "not root"): "its image has no user; it has no rights either",
}
ON_A_SWARM: Final = {
    (f"nats-{number}", "not root"): "its volume is root's, and nothing there could change that; it has no rights"
    for number in (1, 2, 3)
}


@BOTH
def test_every_container_is_hardened_or_there_is_a_reason(path: Path) -> None:
    reasons = EXEMPT | (ON_A_SWARM if path == STACK else {})
    lacks = {(name, what) for name, each in services(path).items() for what, has in HARDENED.items() if not has(each)}
    assert lacks == {(name, what) for name, what in reasons if name in services(path)}
    if path == COMPOSE:  # a swarm does not know it
        for name, each in services(path).items():
            assert each.get("security_opt") == ["no-new-privileges:true"], name


@BOTH
def test_what_is_left_empty_is_as_if_it_were_not_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container is given the variable all the same."""
    for service, settings in (("hive-gateway", GatewaySettings), ("hive-frontend", GuiSettings)):
        told = {name: value for name, value in services(path)[service]["environment"].items() if str(value).endswith(":-}")}
        assert (
            told.keys()
            >= {
                "hive-gateway": {"HIVE_RATE_LIMITS"},
                "hive-frontend": {
                    "HIVE_STATIC_URL",
                    "HIVE_RATE_LIMITS",
                    *(f"HIVE_{name.upper()}" for name in GuiSettings.model_fields if "oidc" in name),
                },
            }[service]
        )
        assert all(value == f"${{{name}:-}}" for name, value in told.items())
        bare = settings()
        for name in told:
            monkeypatch.setenv(name, "")
        assert settings() == bare


@BOTH
def test_nothing_but_the_proxy_listens_beyond_this_machine(path: Path) -> None:
    listens = {name: each["ports"] for name, each in services(path).items() if "ports" in each}
    del listens["traefik"]
    assert listens == ({"nats-1": ["${HIVE_BUS_ADDRESS:-127.0.0.1}:4222:4222"]} if path == COMPOSE else {})


def test_the_example_names_every_variable() -> None:
    names = {line.partition("=")[0] for line in (DEPLOY / "compose" / ".env.example").read_text().splitlines() if "=" in line}
    assert variables(COMPOSE) - names == {"HIVE_IMAGE", "HIVE_SIDECAR_IMAGE"}
    assert names <= variables(COMPOSE)


def test_both_proxies_know_every_path_of_the_api_and_leave_the_dashboard_its_own() -> None:
    paths = {"/openapi.json", socket.PATH, MCP_PATH}
    for module in pkgutil.iter_modules(coordinator.gateway.routes.__path__):
        loaded = importlib.import_module(f"coordinator.gateway.routes.{module.name}")
        routers = (getattr(loaded, name, None) for name in ("router", "door"))
        paths |= {f"/{route.path.split('/')[1]}" for router in routers if router is not None for route in router.routes}
    paths -= KEPT_INSIDE
    rules = [PATHS.search(file.read_text()) for file in (ROUTES, DEPLOY / "proxy" / "nginx.conf")]
    of_traefik, of_nginx = (rule[0] for rule in rules if rule)
    assert of_traefik == of_nginx
    assert [path for path in paths if not re.match(of_nginx, path)] == []
    pages = {
        path
        for text in PAGES.glob("*.py")
        for path in re.findall(r'^ +(?:@ui\.page\()?"(/[a-z-]*)', text.read_text(), re.MULTILINE)
    }
    assert {"/mcp-servers", "/login"} <= pages
    assert [path for path in pages if re.match(of_nginx, path)] == []


@BOTH
def test_every_service_of_hive_says_whether_it_is_well(path: Path) -> None:
    """The doors by their own page, the others by that of their metrics, at the port that they are given."""
    for name, each in of_hive(path).items():
        check, own = each["healthcheck"]["test"][-1], METRICS_PORT.format(each["command"][1].upper())
        if name in DOORS:
            assert f":{DOORS[name]}/healthz" in check, name
        else:
            assert f":{each['environment'][own]}/metrics" in check, name
        compile(check, name, "exec")


@BOTH
def test_metrics_are_open_to_who_has_the_token(path: Path) -> None:
    for name, each in of_hive(path).items():
        told = each["environment"]
        assert told["HIVE_METRICS_HOST"] == "0.0.0.0", name
        assert told["HIVE_METRICS_TOKEN_FILE"] == "/run/secrets/metrics_token", name
        assert "metrics_token" in each["secrets"], name
        assert name == "hive-gateway" or METRICS_PORT.format(each["command"][1].upper()) in told, name


def test_prometheus_scrapes_every_service_at_its_port() -> None:
    prometheus = yaml.safe_load((DEPLOY / "compose" / "prometheus.yml").read_text())
    jobs = {each["job_name"]: each for each in prometheus["scrape_configs"]}
    scraped = {
        name: found["port"]
        for job in ("hive", "hive-services")
        for found in jobs[job]["dns_sd_configs"]
        for name in found["names"]
    }
    ports = {
        name: int(each["environment"].get(METRICS_PORT.format(each["command"][1].upper()), DOORS["hive-gateway"]))
        for name, each in of_hive(COMPOSE).items()
    }
    assert scraped == ports
    there = services(COMPOSE)
    named = [each for job in jobs.values() for found in job.get("static_configs", []) for each in found["targets"]]
    named += [
        each
        for found in prometheus["alerting"]["alertmanagers"]
        for fixed in found["static_configs"]
        for each in fixed["targets"]
    ]
    assert [each for each in named if each.partition(":")[0] not in there] == []
    own = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    assert [each["job_name"] for each in own["scrape_configs"]] == list(jobs)
    assert own["rule_files"] == prometheus["rule_files"]


def test_on_a_swarm_prometheus_scrapes_the_same_but_for_the_servers_of_the_bus() -> None:
    own, other = (yaml.safe_load((DEPLOY / name / "prometheus.yml").read_text()) for name in ("swarm", "compose"))
    (nats,) = (each for each in own["scrape_configs"] if each["job_name"] == "nats")
    assert nats["static_configs"] == [{"targets": ["nats-exporter:7777"]}]
    nats["static_configs"] = [{"targets": [f"nats-{number}:7777" for number in (1, 2, 3)]}]
    assert own == other


def test_what_is_mounted_is_there() -> None:
    mounted = [volume for each in services(COMPOSE).values() for volume in each.get("volumes", []) if volume.startswith(".")]
    assert len(mounted) > 10
    assert [each for each in mounted if not (COMPOSE.parent / each.split(":")[0]).exists()] == []


def test_every_file_of_the_stack_is_there_and_every_dashboard_is_one_of_them() -> None:
    given_files = {name: STACK.parent / each["file"] for name, each in yaml.safe_load(STACK.read_text())["configs"].items()}
    assert [path for path in given_files.values() if not path.is_file()] == []
    used = {one["source"]: one["target"] for each in services(STACK).values() for one in each.get("configs", ())}
    assert used.keys() == given_files.keys()
    boards = {path.name for path in (DEPLOY / "grafana" / "dashboards").iterdir()}
    assert {target.rpartition("/")[2] for target in used.values() if target.startswith("/etc/grafana/dashboards/")} == boards


COMPOSE_ALONE = {
    "hive-sidecar",
    "influxdb",
    "jaeger",
    "nats-folders",
    "postgres-replica",
    *(f"nats-exporter-{number}" for number in (1, 2, 3)),
}


def test_both_files_say_the_same_of_what_both_run() -> None:
    compose, stack = services(COMPOSE), services(STACK)
    assert (compose.keys() - stack.keys(), stack.keys() - compose.keys()) == (COMPOSE_ALONE, {"nats-exporter"})
    same = sorted(compose.keys() & stack.keys())
    for fact in ("image", "read_only", "healthcheck", "tmpfs"):
        assert {name: compose[name].get(fact) for name in same} == {name: stack[name].get(fact) for name in same}, fact
    limits = [{name: file[name]["deploy"]["resources"] for name in same if name != "traefik"} for file in (compose, stack)]
    assert limits[0] == limits[1]
    told = [name for name in same if not name.startswith(("nats", "postgres", "traefik"))]
    assert {name: compose[name].get("command") for name in told} == {name: stack[name].get("command") for name in told}
    for name in DOORS.keys() | {"hive-coordinator", "hive-workflow", "hive-monitor"}:
        elsewhere = {"NATS_URL", "HIVE_DATABASE_URL", "HIVE_DATABASE_READ_URL", "HIVE_ALERT_TARGETS"}
        settings = [
            {key: value for key, value in each[name]["environment"].items() if key.startswith("HIVE") and "INFLUX" not in key}
            for each in (compose, stack)
        ]
        bare = [{key.removesuffix("_FILE") for key in each} - elsewhere - {"HIVE_GUI_SECRET"} for each in settings]
        assert bare[0] == bare[1], name
        shared = settings[0].keys() & settings[1].keys()
        assert {key: settings[0][key] for key in shared} == {key: settings[1][key] for key in shared}, name


def test_several_dashboards_sign_logins_with_one_secret() -> None:
    """Without it each makes its own, and a login would be good at one replica alone; a secret that is not there stops the deployment."""
    frontend = services(STACK)["hive-frontend"]
    assert frontend["environment"]["HIVE_GUI_SECRET_FILE"] == "/run/secrets/gui_secret"
    assert "gui_secret" in frontend["secrets"]
    assert services(COMPOSE)["hive-frontend"]["deploy"].get("replicas", 1) == 1


def test_a_client_of_mcp_comes_back_to_its_gateway_without_a_cookie() -> None:
    text = re.sub(r"\{\{-? .*?\}\}", "", ROUTES.read_text().replace('{{ env "HIVE_GATEWAYS" }}{{ add1 . }}', "gateway"))
    routes = yaml.safe_load(text)["http"]
    router = routes["routers"]["mcp"]
    assert re.search(r"`(\^\S+)`", router["rule"].split("PathRegexp")[1])[1] == f"^{MCP_PATH}(/|$)"  # type: ignore[index]
    assert router["priority"] > max(len(each["rule"]) for each in routes["routers"].values())
    assert routes["services"][router["service"]]["loadBalancer"]["strategy"] == "hrw"
    for path in (COMPOSE, STACK):
        major, minor = services(path)["traefik"]["image"].partition(":v")[2].split(".")
        assert (int(major), int(minor)) >= (3, 6), "hrw is not known before"


def test_grafana_is_told_what_its_provisioning_asks_for() -> None:
    grafana = services(COMPOSE)["grafana"]
    of_stack = services(STACK)["grafana"]["environment"]
    assert {name: of_stack.get(name) for name in grafana["environment"] if "PASSWORD" not in name} == {
        name: value for name, value in grafana["environment"].items() if "PASSWORD" not in name
    }
    texts = [path.read_text() for path in (DEPLOY / "grafana" / "provisioning").glob("*/*.yml")]
    asked = {name for text in texts for name in re.findall(r"\$(HIVE_\w+)", text)}
    assert len(asked) == 3
    assert asked <= set(grafana["environment"])
    mounted = dict(volume.split(":")[:2][::-1] for volume in grafana["volumes"])
    assert mounted["/etc/grafana/provisioning"] == "../grafana/provisioning"
    assert mounted[grafana["environment"]["HIVE_GRAFANA_DASHBOARDS"]] == "../grafana/dashboards"


@BOTH
def test_an_exemplar_leads_to_a_trace_that_is_kept(path: Path) -> None:
    """What every service exports, where Grafana reads it, and the data source that Prometheus's exemplars name."""
    provisioned = [
        each
        for file in (DEPLOY / "grafana" / "provisioning" / "datasources").iterdir()
        for each in yaml.safe_load(file.read_text())["datasources"]
    ]
    sources = {each["uid"]: each for each in provisioned}
    (exemplars,) = sources["hive-prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    traces = sources[exemplars["datasourceUid"]]
    assert (exemplars["name"], traces["type"], traces["url"]) == ("trace_id", "jaeger", "$HIVE_TRACES_URL")
    own = services(path)
    assert own["grafana"]["environment"]["HIVE_TRACES_URL"] == "${HIVE_TRACES_URL:-http://jaeger:16686}"
    exporting = {name for name, each in of_hive(path).items() if "HIVE_OTLP_ENDPOINT" in each["environment"]}
    assert exporting == of_hive(path).keys()
    with_login = {
        name for name, each in of_hive(path).items() if {"HIVE_OTLP_HEADERS", "HIVE_TRACE_RATIO"} <= each["environment"].keys()
    }
    assert with_login == exporting
    if path == COMPOSE:
        assert (own["jaeger"]["profiles"], own["jaeger"]["networks"]) == (["traces"], ["hive"])
        assert "ports" not in own["jaeger"]
        assert "HIVE_OTLP_ENDPOINT=http://jaeger:4318" in (path.parent / "README.md").read_text()
    else:
        assert {"source": "grafana_traces", "target": "/etc/grafana/provisioning/datasources/traces.yml"} in own["grafana"][
            "configs"
        ]


def test_the_monitor_tells_alertmanager_and_reads_the_replica() -> None:
    told = services(COMPOSE)["hive-monitor"]["environment"]
    (target,) = given(told["HIVE_ALERT_TARGETS"])
    assert target.is_alertmanager
    assert urlsplit(target.url).hostname in services(COMPOSE)
    assert urlsplit(told["HIVE_DATABASE_READ_URL"]).hostname == "postgres-replica"
    assert "HIVE_CREDENTIALS_KEY" in told  # its own folder is gone with the container


def test_a_gateway_is_asked_while_nobody_leads_too() -> None:
    """Submits are acknowledged then; `/readyz` says no."""
    assert re.findall(r"healthCheck: \{path: (\S+),", ROUTES.read_text()) == ["/healthz"] * 3


@BOTH
def test_the_proxy_knows_each_of_several_doors_by_a_name_of_its_own(path: Path) -> None:
    """A cookie tells servers apart, not the addresses behind one name."""
    proxy = services(path)["traefik"]["environment"]
    for service, which in (("hive-gateway", "GATEWAY"), ("hive-frontend", "FRONTEND")):
        each, prefix = services(path)[service], f"{service}-"
        assert proxy[f"HIVE_{which}S"].endswith(prefix)
        assert str(proxy[f"HIVE_{which}_REPLICAS"]) == str(each["deploy"].get("replicas", 1))
        assert path == COMPOSE or each["hostname"] == prefix + "{{.Task.Slot}}"
        assert f'"http://{{{{ env "HIVE_{which}S" }}}}{{{{ add1 . }}}}:{DOORS[service]}"' in ROUTES.read_text()


@BOTH
def test_compose_itself_takes_the_file(path: Path, tmp_path: Path) -> None:
    if (compose := shutil.which("docker-compose")) is None:
        pytest.skip("docker-compose is not installed (apt install docker-compose)")
    lines = (DEPLOY / "compose" / ".env.example").read_text().splitlines()
    filled = {name: value or "aSecret1" for name, equals, value in (line.partition("=") for line in lines) if equals}
    done = subprocess.run(
        [
            compose,
            "-f",
            path.name,
            "--profile",
            "local-gpu",
            "--profile",
            "influxdb",
            "--profile",
            "traces",
            "config",
            "--quiet",
        ],
        cwd=path.parent,
        env={**os.environ, **filled, "HOME": str(tmp_path)},
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


@BOTH
def test_each_service_has_its_own_identity_on_the_bus_and_coordinators_let_hosts_in(path: Path) -> None:
    """A gateway with the operator's password would hand it to every host that joins."""
    for name, each in of_hive(path).items():
        service, told = each["command"][1], each["environment"]
        if path == COMPOSE:
            assert told["NATS_URL"].startswith(f"nats://{service}:"), name
        else:
            assert {"source": f"nats_url_{service}", "target": "nats_url"} in each["secrets"], name
        lets_in = {variable for variable in told if variable.startswith("HIVE_NATS_ADMISSION_SEED")}
        assert bool(lets_in) is (service == "coordinator"), name


def test_every_secret_of_the_stack_is_declared() -> None:
    stack = yaml.safe_load(STACK.read_text())
    used = {
        one if isinstance(one, str) else one["source"] for each in services(STACK).values() for one in each.get("secrets", ())
    }
    assert used == set(stack["secrets"])
