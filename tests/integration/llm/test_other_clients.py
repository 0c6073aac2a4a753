"""Clients whose packages need more than Hive's own environment has: langchain-ollama, LiteLLM, llm. And what n8n asks to test a credential."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.integration.gateway.parts import ADMIN_KEY
from tests.integration.llm.conftest import LlmHive

MODEL: Final = "smollm2:135m"
ENVIRONMENT: Final = Path(".venv-bench/bin").absolute()
SCRIPTS: Final = Path(__file__).parent / "other_clients"
RUN_SECONDS: Final = 200

slow = pytest.mark.slow


def run(command: str, *arguments: str | Path, needs: str, folder: Path, **env: str) -> str:
    """What a program of the other environment prints; skipped where that was not made."""
    if not (ENVIRONMENT / needs).exists():
        pytest.skip(f"{ENVIRONMENT / needs} is not there: `make clients` installs it")
    environment = {"PATH": f"{ENVIRONMENT}:/usr/bin:/bin", "HOME": str(folder), **env}
    done = subprocess.run(
        [ENVIRONMENT / command, *arguments], env=environment, cwd=folder, capture_output=True, text=True, timeout=RUN_SECONDS
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def asked(script: str, hive: LlmHive, needs: str, folder: Path, **env: str) -> Any:
    printed = run("python", SCRIPTS / script, hive.gateway.url, ADMIN_KEY, MODEL, needs=needs, folder=folder, **env)
    return json.loads(printed.splitlines()[-1])


def package(name: str) -> str:
    """Where the other environment has it."""
    found = next(ENVIRONMENT.parent.glob(f"lib/python*/site-packages/{name}"), None)
    return str(found or f"lib/{name}")


@slow
def test_langchain_ollama(hive: LlmHive, tmp_path: Path) -> None:
    found = asked("ask_by_langchain.py", hive, package("langchain_ollama"), tmp_path)
    assert found["whole"]
    assert "".join(found["pieces"]) == found["whole"]
    assert 0 < found["usage"]["output_tokens"] <= 8
    assert found["form"]["name"] in ("red", "green")
    assert found["text"]
    assert len(found["vectors"]) == 2
    assert found["vectors"][0] != found["vectors"][1]


@slow
def test_litellm_by_each_protocol(hive: LlmHive, tmp_path: Path) -> None:
    # Its own list of prices otherwise comes from the internet.
    found = asked("ask_by_litellm.py", hive, package("litellm"), tmp_path, LITELLM_LOCAL_MODEL_COST_MAP="True")
    for protocol in ("openai", "ollama_chat", "anthropic"):
        answer = found[protocol]
        assert answer["whole"], protocol
        assert "".join(answer["pieces"]) == answer["whole"], protocol
        assert 0 < answer["tokens"] <= 8, protocol
    assert "nope" in found["unknown"]
    assert len(found["vectors"]) == 2


@slow
def test_llm(hive: LlmHive, tmp_path: Path) -> None:
    models = f'- {{model_id: hive, model_name: "{MODEL}", api_base: "{hive.gateway.url}/v1", api_key_name: hive}}\n'
    (tmp_path / "extra-openai-models.yaml").write_text(models)
    known: dict[str, Any] = {"needs": "llm", "folder": tmp_path, "LLM_USER_PATH": str(tmp_path)}
    run("llm", "keys", "set", "hive", "--value", ADMIN_KEY, **known)
    asking = ("-m", "hive", "-o", "max_tokens", "8", "-o", "temperature", "0", "Say hello.")
    whole = run("llm", *asking, "--no-stream", **known)
    assert whole.strip()
    assert run("llm", *asking, **known) == whole
    assert "hive" in run("llm", "models", **known)


def test_what_n8n_asks_to_test_a_credential(hive: LlmHive) -> None:
    """GET with the key as Bearer: any 2xx is a good credential, 401 a wrong one."""
    for path, names in (
        ("/v1/models", lambda body: [each["id"] for each in body["data"]]),
        ("/api/tags", lambda body: [each["name"] for each in body["models"]]),
    ):
        for key, status in ((ADMIN_KEY, 200), ("sk-wrong", 401)):
            headers = {"Authorization": f"Bearer {key}", "Accept": "application/json,text/html,application/xhtml+xml"}
            answer = httpx.get(f"{hive.gateway.url}{path}", headers=headers)
            assert answer.status_code == status
            assert answer.headers["content-type"].startswith("application/json")
            if status == 200:
                assert names(answer.json()) == [MODEL]
