"""The fleet's models as the union of what its agents tell."""

from bus.messages import AgentRecord, AgentStatus, Hardware, ModelInfo
from coordinator.models.inventory import GIB, memory_needed, model_record, model_records, no_pull

LLAMA = ModelInfo(name="llama3.2:3b", size_bytes=2 * GIB, family="llama", quantization="Q4_K_M", context_limit=131_072)
WARM = LLAMA.model_copy(update={"loaded": True, "vram_bytes": 3 * GIB, "memory_bytes": 4 * GIB, "context_length": 8192})


def agent(agent_id: str, *models: ModelInfo, **more: object) -> AgentRecord:
    known = {"name": agent_id, "endpoint": "http://x", "status": AgentStatus.ONLINE, "models": models}
    return AgentRecord.model_validate({"agent_id": agent_id, **known, **more})


def test_a_model_is_told_once_with_every_copy_of_it() -> None:
    fleet = [
        agent("walnut", LLAMA, ModelInfo(name="phi")),
        agent("acacia", WARM, working={"llama3.2:3b": 2}),
        agent("oak", ModelInfo(name="phi:latest")),
    ]
    llama, phi = model_records(fleet)
    assert (llama.name, llama.family, llama.context_limit, llama.loaded_on) == ("llama3.2:3b", "llama", 131_072, ("acacia",))
    assert [(copy.agent_id, copy.loaded, copy.running) for copy in llama.agents] == [("acacia", True, 2), ("walnut", False, 0)]
    assert (llama.vram_bytes, llama.running, llama.could_pull) == (3 * GIB, 2, ("oak",))
    assert [copy.agent_id for copy in phi.agents] == ["oak", "walnut"], "a name without a tag is that of :latest"


def test_what_an_agent_that_is_offline_had_in_memory_is_not_loaded_anywhere() -> None:
    [found] = model_records([agent("acacia", WARM, status=AgentStatus.OFFLINE)])
    assert (found.loaded_on, found.vram_bytes) == ((), 0)
    assert found.agents[0].status is AgentStatus.OFFLINE


def test_one_model_is_told_with_a_word_about_every_agent_without_it() -> None:
    small = Hardware(vram_gb=2)
    found = model_record(
        "llama3.2:3b",
        [
            agent("acacia", WARM),
            agent("walnut", hardware=Hardware(vram_gb=8)),
            agent("oak", hardware=small),
            agent("pine", backend="openai"),
            agent("elm", status=AgentStatus.OFFLINE),
        ],
    )
    assert found is not None
    assert found.elsewhere is not None
    words = {other.agent_id: (other.could_pull, other.reason) for other in found.elsewhere}
    assert words == {
        "walnut": (True, "its backend pulls, and it has room"),
        "oak": (False, "it has 2.0 GiB of VRAM, and about 4.0 are needed"),
        "pine": (False, "its backend (openai) does not pull models"),
        "elm": (False, "it is offline"),
    }
    assert found.could_pull == ("walnut",)
    assert model_record("phi", [agent("acacia", WARM)]) is None


def test_memory_that_is_needed_is_what_was_measured_else_estimated_from_the_file() -> None:
    assert memory_needed([LLAMA, WARM]) == 4 * GIB
    assert memory_needed([LLAMA]) == int(2 * GIB * 1.2)
    assert memory_needed([ModelInfo(name="m")]) is None


def test_a_host_without_a_card_holds_models_in_its_memory_and_one_that_tells_nothing_may_try() -> None:
    cpu = agent("cpu", hardware=Hardware(ram_gb=16))
    assert no_pull(cpu, 15 * GIB) is None
    assert no_pull(cpu, 17 * GIB) == "it has 16.0 GiB of memory, and about 17.0 are needed"
    assert no_pull(agent("silent"), 100 * GIB) is None
    assert no_pull(cpu, None) is None
