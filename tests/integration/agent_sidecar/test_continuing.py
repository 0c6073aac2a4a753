"""An attempt that yields its slot, and the next one that goes on from its words: on the built-in model and on the real Ollama."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from agent_sidecar.addresses import Address, parse_address
from agent_sidecar.backends.backend import Backend
from agent_sidecar.backends.ollama import OllamaBackend
from agent_sidecar.backends.openai import OpenAIBackend
from bus.messages import AgentRegistration, AttemptOutcome, Continuation, ControlAction, DispatchOffer, OutcomeStatus
from tests.integration.agent_sidecar.conftest import StartAgent
from tests.integration.agent_sidecar.leader import Leader, offer
from tests.integration.agent_sidecar.test_attempts import LONG
from tests.parts.ollama import MODEL, OPEN_ENDED, Ollama
from tests.parts.refrain import REFRAIN, SURE

pytestmark = pytest.mark.slow

STORY = "Tell me about the history of the city of Rome."
CONTINUING = "continuing:135m"


@pytest.fixture(scope="module")
def continuing_ollama(ollama: Ollama) -> Iterator[OllamaBackend]:
    ollama.make_model(CONTINUING, template=OPEN_ENDED)
    yield OllamaBackend(parse_address(ollama.url))
    ollama.remove_model(CONTINUING)


@pytest.fixture(params=["llama.cpp", "ollama"])
def backend(request: pytest.FixtureRequest) -> Backend:
    if request.param == "ollama":
        found: Backend = request.getfixturevalue("continuing_ollama")
        return found
    address: Address = request.getfixturevalue("builtin_server")
    return OpenAIBackend(address)


def model_of(agent: AgentRegistration) -> str:
    names = [model.name for model in agent.models]
    return CONTINUING if CONTINUING in names else names[0]


def next_after(first: DispatchOffer, outcome: AttemptOutcome, **more: object) -> DispatchOffer:
    going_on = Continuation(output=outcome.output, usage=outcome.usage)
    return first.model_copy(update={"attempt_id": uuid4(), "number": first.number + 1, "continue_from": going_on, **more})


@pytest.mark.parametrize("tokens", [5, 17])
async def test_what_was_written_in_two_attempts_is_what_one_would_have_written(
    leader: Leader, start_agent: StartAgent, backend: Backend, tokens: int
) -> None:
    await start_agent(backend)
    agent = await leader.registered("acacia")
    at_once = offer(REFRAIN, model=model_of(agent), options={"num_predict": 40, **SURE})
    first = offer(REFRAIN, model=model_of(agent), options={"num_predict": tokens, **SURE})
    await leader.offer(agent, at_once)
    whole = await leader.outcome(at_once)
    await leader.offer(agent, first)
    then = next_after(first, begun := await leader.outcome(first), options=at_once.options)
    await leader.offer(agent, then)
    ended = await leader.outcome(then)
    assert ended.output.text == whole.output.text
    assert (begun.begins_at, ended.begins_at) == (0, len(begun.output.text))
    tokens_of = {"prompt_tokens", "completion_tokens"}  # what was in the server's cache differs
    assert ended.usage.model_dump(include=tokens_of) == whole.usage.model_dump(include=tokens_of)
    chunks = await leader.ended(then)
    assert (chunks[0].offset, chunks[0].begins_at) == (len(begun.output.text), len(begun.output.text))


async def test_an_attempt_yields_its_slot_with_what_it_has_written(
    leader: Leader, start_agent: StartAgent, builtin_server: Address
) -> None:
    await start_agent(OpenAIBackend(builtin_server))
    agent = await leader.registered("acacia")
    what = offer(STORY, options=LONG)
    await leader.offer(agent, what)
    await leader.first_words(what)
    assert (await leader.control("acacia", ControlAction.PREEMPT, attempt_id=what.attempt_id)).running
    outcome = await leader.outcome(what)
    assert (outcome.status, outcome.error) == (OutcomeStatus.PREEMPTED, None)
    assert outcome.output.text
    assert outcome.usage.completion_tokens > 0
    again = await leader.control("acacia", ControlAction.PREEMPT, attempt_id=what.attempt_id)
    assert not again.running


async def test_a_model_that_would_begin_again_is_let_begin_again(
    leader: Leader, start_agent: StartAgent, ollama: Ollama
) -> None:
    """Its template closes every message, so the model would say everything twice."""
    await start_agent(OllamaBackend(parse_address(ollama.url)))
    agent = await leader.registered("acacia")
    first = offer(STORY, model=MODEL, options={"num_predict": 12, "temperature": 0})
    await leader.offer(agent, first)
    begun = await leader.outcome(first)
    then = next_after(first, begun)
    await leader.offer(agent, then)
    ended = await leader.outcome(then)
    assert (ended.begins_at, ended.output.text, ended.usage) == (0, begun.output.text, begun.usage)
    assert (await leader.ended(then))[0].offset == 0
