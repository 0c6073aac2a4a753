"""Which backends a sidecar speaks for when nobody, or somebody, said so."""

from collections.abc import Callable

import pytest

from agent_sidecar.backends.builtin import installed, threads
from agent_sidecar.backends.ollama import OllamaBackend
from agent_sidecar.backends.opening import open_backend
from agent_sidecar.settings import SidecarSettings
from agent_sidecar.upstreams import BUILTIN, named_upstreams
from bus.messages import AgentStatus, BackendKind, Upstream
from deploy.local.ports import free_port
from tests.integration.agent_sidecar.conftest import StartAgent
from tests.integration.agent_sidecar.leader import Leader
from tests.integration.agent_sidecar.raw_server import Serve, answer

Settings = Callable[..., SidecarSettings]


async def test_an_ollama_that_answers_is_the_default(serve: Serve, sidecar_settings: Settings) -> None:
    address = await serve(answer("200 OK", b'{"version":"0.6.5"}'))
    settings = sidecar_settings(ollama_host=f"127.0.0.1:{address.port}")
    assert await named_upstreams(settings) == (Upstream(url=address.url, kind="ollama"),)


async def test_without_one_the_builtin_model_stands_in(sidecar_settings: Settings) -> None:
    if not installed():
        pytest.skip("the built-in model is not installed (extra `embedded`)")
    assert await named_upstreams(sidecar_settings(ollama_host=f"127.0.0.1:{free_port()}")) == (BUILTIN,)


@pytest.mark.parametrize("kind", ["ollama", None], ids=["by OLLAMA_HOST", "by HIVE_BACKENDS"])
async def test_hive_that_is_named_as_a_backend_is_an_agent_that_says_why_it_is_refused(
    serve: Serve, sidecar_settings: Settings, leader: Leader, start_agent: StartAgent, kind: BackendKind | None
) -> None:
    address = await serve(answer("200 OK", b'{"version":"0.6.5"}', "X-Hive-Version: 0.1.0"))
    await start_agent(open_backend(Upstream(url=address.url, kind=kind), sidecar_settings(), None))
    heard = await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.DEGRADED)
    assert "is Hive itself" in (heard.reason or "")
    assert "Name the address of an Ollama" in (heard.reason or "")


async def test_hive_that_was_named_as_the_ollama_stands_beside_the_builtin_model(
    serve: Serve, sidecar_settings: Settings
) -> None:
    if not installed():
        pytest.skip("the built-in model is not installed (extra `embedded`)")
    address = await serve(answer("200 OK", b'{"version":"0.6.5"}', "X-Hive-Version: 0.1.0"))
    assert await named_upstreams(sidecar_settings(ollama_host=address.url)) == (
        BUILTIN,
        Upstream(url=address.url, kind="ollama"),
    )


async def test_hive_where_an_ollama_is_looked_for_by_default_is_passed_over(serve: Serve, sidecar_settings: Settings) -> None:
    """Hive may stand at Ollama's own address for its clients' sake; that is nobody's mistake."""
    if not installed():
        pytest.skip("the built-in model is not installed (extra `embedded`)")
    address = await serve(answer("200 OK", b'{"version":"0.6.5"}', "X-Hive-Version: 0.1.0"))
    named = sidecar_settings(ollama_host=address.url)
    unset = SidecarSettings.model_construct(named.model_fields_set - {"ollama_host"}, **dict(named))
    assert await named_upstreams(unset) == (BUILTIN,)


async def test_the_builtin_model_can_be_refused_or_demanded(sidecar_settings: Settings) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert await named_upstreams(sidecar_settings(ollama_host=url, builtin_model="never")) == (
        Upstream(url=url, kind="ollama"),
    )
    both = await named_upstreams(sidecar_settings(backends=url, builtin_model="always"))
    assert both == (Upstream(url=url), BUILTIN)


async def test_named_backends_need_not_answer(sidecar_settings: Settings) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert await named_upstreams(sidecar_settings(backends=f"acacia={url}")) == (
        Upstream(url=url, name="acacia", agent_id="acacia"),
    )


@pytest.mark.parametrize(("cores", "expected"), [(1, 1), (2, 1), (8, 7), (64, 8)])
def test_a_core_is_left_to_the_rest_of_the_hive(cores: int, expected: int) -> None:
    assert threads(cores) == expected


async def test_of_what_speaks_only_a_part_of_ollama_s_api_no_answer_is_gone_on_with(serve: Serve) -> None:
    """It is begun anew there, and not refused."""
    backend = OllamaBackend(await serve(answer("404 Not Found", b"404 page not found")))
    assert not await backend.continues("llama3")
    await backend.aclose()
