"""The verb `tasks.submit`: the same submit as by REST."""

import pytest

from bus import subjects
from bus.errors import HiveError, UnknownModel, from_code
from bus.messages import Claims, Role, TaskRecord, TaskRequest
from bus.testing import InMemoryBus
from coordinator.gateway.gateway import Gateway

SUBMIT = subjects.service_verb(subjects.SERVICE_TASKS, "submit")
ANNA = Claims(sub="anna", roles=(Role.DEVELOPER,))


async def submit(bus: InMemoryBus, prompt: str, key: str) -> TaskRecord:
    headers = {"idempotency-key": key, subjects.HEADER_CLAIMS: ANNA.model_dump_json()}
    received = await bus.request_raw(SUBMIT, TaskRequest(prompt=prompt).model_dump_json().encode(), headers=headers)
    if code := received.headers.get(subjects.HEADER_ERROR_CODE):
        raise from_code(code, received.headers[subjects.HEADER_ERROR])
    return received.decode(TaskRecord)


async def test_a_key_holds_on_the_bus_too(gateway: Gateway, memory_bus: InMemoryBus) -> None:
    first = await submit(memory_bus, "hi", "k")
    assert (await submit(memory_bus, "hi", "k")).id == first.id
    assert first.owner == "anna"
    for prompt, key in (("ho", "k"), ("hi", "")):
        with pytest.raises(HiveError) as refused:
            await submit(memory_bus, prompt, key)
        assert refused.value.code in ("idempotency_mismatch", "invalid_request")


async def test_an_unknown_model_is_refused_on_the_bus_too(gateway: Gateway, memory_bus: InMemoryBus) -> None:
    with pytest.raises(UnknownModel, match=r"llama3.2:3b"):
        await memory_bus.request(SUBMIT, TaskRequest(prompt="hi", model="x"), TaskRecord, claims=ANNA)
