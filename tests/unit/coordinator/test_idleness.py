"""Who is measured without being asked, with what, and when a task needs the slot."""

from datetime import timedelta

from bus.messages import AgentStatus, Hardware, ModelInfo
from coordinator.agents.idleness import UNKNOWN, Idleness, hardware_of, new_model, wanted
from coordinator.scheduling.queue import Queue
from tests.unit.coordinator.parts import COLD, NOON, WARM, agent, registration, task

OTHER = ModelInfo(name="llama3:8b")


def test_an_agent_is_idle_for_long_when_it_has_been_so_each_time_that_it_was_looked() -> None:
    idleness, acacia = Idleness(30), agent()
    assert idleness.since_long([acacia], 100) == []
    assert idleness.since_long([acacia], 129.9) == []
    assert idleness.since_long([acacia], 130) == [acacia]
    assert idleness.since_long([agent(busy=1)], 131) == []
    assert idleness.since_long([acacia], 132) == []
    assert idleness.since_long([acacia], 162) == [acacia]


def test_who_was_measured_just_now_begins_anew() -> None:
    idleness, acacia = Idleness(30), agent()
    idleness.since_long([acacia], 0)
    idleness.begin_anew("acacia", 40)
    assert idleness.since_long([acacia], 69) == []
    assert idleness.since_long([acacia], 70) == [acacia]


def test_nobody_is_measured_who_drains_is_ill_or_is_being_measured_and_nobody_at_all_where_it_is_switched_off() -> None:
    measuring = agent("cedar")
    measuring.measuring = True
    idleness = Idleness(0)
    agents = [agent("acacia", status=AgentStatus.DRAINING), agent("birch", status=AgentStatus.DEGRADED), measuring]
    assert idleness.since_long(agents, 50) == []
    assert Idleness(None).since_long([agent()], 1e9) == []


def test_what_is_in_memory_is_measured_and_only_while_nothing_is_the_agent_s_own_choice() -> None:
    assert new_model(agent(models=(OTHER, WARM)), set()) == WARM.name
    assert new_model(agent(models=(OTHER, COLD)), set()) == OTHER.name
    assert new_model(agent(models=()), set()) is None


def test_each_model_is_measured_once_on_the_same_hardware() -> None:
    acacia = agent(models=(WARM, OTHER))
    assert new_model(acacia, {("acacia", WARM.name, UNKNOWN)}) is None
    assert new_model(acacia, {("birch", WARM.name, UNKNOWN)}) == WARM.name
    assert new_model(acacia, {("acacia", WARM.name, "another card")}) == WARM.name


def test_hardware_is_told_for_a_person() -> None:
    known = Hardware(gpu_type="AMD Radeon RX 7900 XTX", vram_gb=24, cpu_cores=16, ram_gb=62.7)
    shown = hardware_of(registration(hardware=known))
    assert shown == "AMD Radeon RX 7900 XTX, 24 GB of VRAM, 16 cores, 62.7 GB"
    assert hardware_of(registration()) == UNKNOWN


def test_a_waiting_task_wants_an_agent_that_it_could_have_and_no_other() -> None:
    queue = Queue()
    assert not wanted(queue, agent())
    queue.add(task(model="qwen3:8b"), NOON)
    queue.add(task(pin="birch"), NOON)
    queue.add(task(not_before=NOON + timedelta(hours=1)), NOON)
    assert not wanted(queue, agent())
    queue.add(task(model=WARM.name), NOON)
    assert wanted(queue, agent())
