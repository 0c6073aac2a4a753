"""What the index of packages makes of nodes and credentials, and what the check report says of those that need one."""

import json
import os
from pathlib import Path
from typing import Any

from workflow.n8n.check import check
from workflow.n8n.parse import parse
from workflow.nodes.catalogue import registry
from workflow.packages.installed import INDEX, Installed


def described(version: str = "1.0.0", **more: Any) -> dict[str, Any]:
    def node(name: str, versions: list[float], **rest: Any) -> dict[str, Any]:
        base = {"type": f"n8n-nodes-x.{name}", "title": name, "file": "a.js", "versions": versions, "outputs": 1, "inputs": 1}
        return {**base, **rest}

    nodes = [node("a", [1]), node("a", [2, 2.1], outputs=3), node("b", [1], unfit="an AI sub-node"), node("set", [1])]
    credentials = [{"name": "xApi", "file": "c.js", "required": ["key"]}]
    return {"name": "n8n-nodes-x", "version": version, "nodes": nodes, "credentials": credentials, **more}


def write(folder: Path, *packages: dict[str, Any]) -> None:
    file = folder / "new"
    file.write_text(json.dumps({"packages": packages}))
    os.replace(file, folder / INDEX)  # noqa: PTH105 - as the installer does


def document(*kinds: tuple[str, float]) -> dict[str, Any]:
    nodes = [
        {"name": f"N{place}", "type": kind, "typeVersion": version, "position": [0, 0], "parameters": {}}
        for place, (kind, version) in enumerate(kinds)
    ]
    return {
        "nodes": [*nodes, {"name": "Go", "type": "n8n-nodes-base.manualTrigger", "position": [0, 0], "parameters": {}}],
        "connections": {},
    }


def test_a_node_has_the_outputs_of_its_version(tmp_path: Path) -> None:
    write(tmp_path, described())
    types = registry(Installed(tmp_path))
    nodes = parse(document(("n8n-nodes-x.a", 1), ("n8n-nodes-x.a", 2.1), ("n8n-nodes-x.a", 9), ("n8n-nodes-x.none", 1))).nodes
    assert [types.outputs(each) for each in nodes[:3]] == [1, 3, 3]
    assert types.find(nodes[3]) is None
    assert types.reaches_outside(nodes[0])


def test_what_is_installed_later_is_seen_and_what_is_removed_is_gone(tmp_path: Path) -> None:
    installed = Installed(tmp_path / "nodes")
    assert (installed.packages, installed.required("xApi")) == ((), ())
    (tmp_path / "nodes").mkdir()
    write(tmp_path / "nodes", described())
    assert installed.required("xApi") == ("key",)
    write(tmp_path / "nodes", described("1.0.1"))
    assert [each.version for each in installed.packages] == ["1.0.1"]
    (tmp_path / "nodes" / INDEX).write_text("{ this is no index")
    assert installed.packages == ()


def test_the_report_says_which_nodes_need_a_package_and_the_command(tmp_path: Path) -> None:
    wanted = document(
        ("n8n-nodes-base.gitlab", 1), ("@else/n8n-nodes-x.b", 1), ("n8n-nodes-base.gitlabTrigger", 1), ("odd; rm.x", 1)
    )
    said = [each.message for each in check(parse(wanted), registry(Installed(tmp_path))).problems]
    assert "`hive nodes install n8n-nodes-base`" in said[0]
    assert "`hive nodes install @else/n8n-nodes-x`" in said[1]
    assert not any("hive nodes install" in each for each in said[2:4])


def test_the_report_says_what_a_package_runs_and_what_it_has_and_hive_does_not_run(tmp_path: Path) -> None:
    write(tmp_path, described())
    report = check(parse(document(("n8n-nodes-x.a", 1), ("n8n-nodes-x.b", 1))), registry(Installed(tmp_path)))
    said = " ".join(each.message for each in report.problems)
    assert "it is run by the package n8n-nodes-x 1.0.0" in said
    assert "Its package is installed, but it is an AI sub-node" in said
    assert list(report.unknown) == ["n8n-nodes-x.b"]
