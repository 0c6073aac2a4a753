"""models.yaml, and how what is wrong with it is told."""

from pathlib import Path

import pytest

from bus.errors import InvalidRequest
from bus.messages.models import FOREVER, ModelWish, Pins, WishedModels
from deploy.models_file import parse_models, read_models

GOOD = """
models:
  llama3.2:3b:
    replicas: 2
    prefer: [acacia]
    num_ctx: 8192
    never_evict: true
  registry.example/team/qwen3:8b:
    replicas: all
    pins: {labels: {site: basement}, agents: [oak]}
    keep_alive: 1h30m
  phi:
"""


def test_a_file_of_wishes_by_name() -> None:
    llama, qwen, phi = parse_models(GOOD, "models.yaml").models
    assert llama == ModelWish(model="llama3.2:3b", replicas=2, prefer=("acacia",), num_ctx=8192, never_evict=True)
    assert (qwen.replicas, qwen.keep_alive, qwen.pins) == ("all", 5400, Pins(agents=("oak",), labels={"site": "basement"}))
    assert (phi.model, phi.replicas, phi.keep_alive) == ("phi", 1, None)


def test_a_list_of_wishes_says_the_same() -> None:
    listed = "models:\n- {model: phi, keep_alive: -1}\n- model: qwen\n  keep_alive: 90\n"
    assert [wish.keep_alive for wish in parse_models(listed, "f").models] == [FOREVER, 90]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("models:\n  phi:\n    replicas: many\n", "f: line 3: `models.phi.replicas"),
        ("models:\n  phi:\n    replica: 2\n", "f: line 3: `models.phi.replica` is not a field"),
        ("models:\n  phi: {}\n  qwen:\n    pins:\n      agents: [Oak]\n", "f: line 5: `models.qwen.pins.agents.0`"),
        ("models:\n  phi:\n    keep_alive: soon\n", "f: line 3: `models.phi.keep_alive`: 'soon' is no duration"),
        ("models:\n- replicas: 1\n", "f: line 2: `models.0.model`"),
        ("models:\n  phi: {}\n  phi: {}\n", "f: line 3: `phi` stands in line 2 already"),
        ("models:\n  phi: {}\n  phi:latest: {}\n", "phi:latest is named twice"),
        ("models:\n  phi: 3\n", "f: line 2: `models.phi`"),
        ("models: [\n", "f: line 2: this is not YAML"),
        ("", "f has no `models:`"),
        ("modells: {}\n", "f: line 1: `modells` is not a field"),
    ],
)
def test_what_is_wrong_is_told_by_line_and_field(text: str, told: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_models(text, "f")
    assert told in refused.value.message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read"):
        read_models(tmp_path / "models.yaml")


def test_no_models_at_all_is_a_wish_too() -> None:
    assert parse_models("models: {}", "f") == WishedModels()
