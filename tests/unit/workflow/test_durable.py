"""An execution goes on from JSON after each of its steps, on an engine that knows nothing of it: nothing is lost, no effect repeated."""

import json

import pytest

from tests.unit.workflow.build import node, workflow
from tests.unit.workflow.test_recorded import BENCHES, CASES, load, node_data, recorded
from tests.unit.workflow.test_recorded import order as order_of
from workflow.core.advance import advance
from workflow.core.codec import frame, from_frame, new_runs, run_from_json, run_to_json
from workflow.core.driver import Driver, new_execution, step
from workflow.core.effects import CallMcp, Effect, Respond, effect_from_json
from workflow.core.events import Begin, EffectEnded, Event, RunNode
from workflow.core.execution import Execution, Mode, Reply
from workflow.core.graph import plan
from workflow.n8n.document import Workflow
from workflow.n8n.parse import parse


class Store:
    """What a database would hold: texts."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.frame = ""

    def save(self, execution: Execution) -> None:
        self.runs += [json.dumps(run_to_json(run)) for run in new_runs(execution, since=self._next())]
        self.frame = json.dumps(frame(execution))

    def load(self) -> Execution:
        return from_frame(json.loads(self.frame), [run_from_json(json.loads(run)) for run in self.runs])

    def _next(self) -> int:
        return json.loads(self.runs[-1])["index"] + 1 if self.runs else 0


def run_with_a_crash_after_each_step(driver: Driver, workflow: Workflow, mode: Mode) -> tuple[Execution, list[str]]:
    """Each event meets an execution that was read from the store, and generators that are gone. Gives the keys of all effects too."""
    graph = plan(workflow)
    interpreter = driver.interpreter
    store = Store()
    store.save(new_execution(graph, interpreter, "1", mode=mode, now_ms=driver.clock_ms))
    event: Event | None = Begin(now_ms=driver.clock_ms)
    keys: list[str] = []
    pending: list[Effect] = []
    while event is not None:
        execution, orders = advance(graph, interpreter.registry, store.load(), event)
        store.save(execution)
        interpreter.forget("1")
        pending += [order for order in orders if isinstance(order, Effect)]
        keys += [order.key for order in orders if isinstance(order, Effect)]
        event = None
        if orders and isinstance(orders[0], RunNode):
            event = interpreter.run(graph, store.load())
        elif pending:
            effect = pending.pop(0)
            event = EffectEnded(key=effect.key, reply=driver._carry_out(effect, execution), now_ms=driver.clock_ms)
    return store.load(), keys


@pytest.mark.parametrize("name", CASES)
def test_a_crash_after_each_step_changes_nothing(name: str, driver: Driver) -> None:
    driver.workflows = {workflow.id: workflow for workflow in map(recorded, CASES)}
    straight = driver.run(recorded(name), mode=Mode.CLI)
    execution, keys = run_with_a_crash_after_each_step(driver, recorded(name), Mode.CLI)
    assert (execution.status, order_of(execution)) == (straight.status, order_of(straight))
    assert node_data(execution) == node_data(straight)
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", ["loop-batches", "merge-modes", "wait"])
def test_the_frame_holds_no_items(name: str, driver: Driver) -> None:
    """It is written at each step, so it must not grow with the data: a loop counts, and does not keep what it goes through."""
    document = load("cases", f"{name}.json")
    graph = plan(parse(document))
    execution = new_execution(graph, driver.interpreter, "1", mode=Mode.CLI)
    event: Event = Begin(now_ms=0)
    while True:
        execution, orders = advance(graph, driver.interpreter.registry, execution, event)
        written = frame(execution)
        assert '"json"' not in json.dumps(written)
        if not orders or not isinstance(orders[0], RunNode):
            break
        event = driver.interpreter.run(graph, execution)


@pytest.mark.parametrize("kind", ["webhook", "executeWorkflowTrigger"])
def test_what_a_call_brought_is_written_once(kind: str, driver: Driver) -> None:
    """With the trigger's run, and not again with each step: it may be megabytes."""
    brought = [{"json": {"body": {"n": n}}, "binary": {"data": {"data": "aGk=", "mimeType": "a/b"}}} for n in range(3)]
    wait = node("Wait", "wait", {"resume": "webhook"}, version=1.1)
    graph = plan(workflow(node("Start", kind), wait, links=["Start → Wait"]))
    begun = new_execution(graph, driver.interpreter, "1", mode=Mode.WEBHOOK, items=brought)
    assert frame(begun)["start_items"] == brought
    waits, _ = step(graph, driver.interpreter, begun, Begin(now_ms=0))
    written = frame(waits)
    assert written["start_items"] is None
    read = from_frame(json.loads(json.dumps(written)), [run_from_json(run_to_json(run)) for run in new_runs(waits, 0)])
    assert list(read.start_items) == brought
    assert frame(read)["start_items"] is None
    given_up = from_frame(written, [])
    assert frame(given_up)["start_items"] is None, "its runs are in the record, though they were not read"


def test_what_a_trigger_changed_is_kept_as_it_came(driver: Driver) -> None:
    brought = [{"json": {"chatInput": "hello", "more": 1}}]
    wait = node("Wait", "wait", {"resume": "webhook"}, version=1.1)
    graph = plan(workflow(node("Start", "@n8n/n8n-nodes-langchain.chatTrigger"), wait, links=["Start → Wait"]))
    begun = new_execution(graph, driver.interpreter, "1", mode=Mode.WEBHOOK, items=brought)
    waits, _ = step(graph, driver.interpreter, begun, Begin(now_ms=0))
    assert waits.runs["Start"][0].outputs != [brought]
    assert frame(waits)["start_items"] == brought


def test_an_effect_in_flight_is_told_again_with_its_key(driver: Driver) -> None:
    graph = plan(recorded("wait"))
    execution = new_execution(graph, driver.interpreter, "7", mode=Mode.CLI)
    event: Event = Begin(now_ms=0)
    orders: tuple[object, ...] = ()
    while not orders or isinstance(orders[0], RunNode):
        execution, orders = advance(graph, driver.interpreter.registry, execution, event)
        if isinstance(orders[0], RunNode):
            event = driver.interpreter.run(graph, execution)
    again, repeated = advance(graph, driver.interpreter.registry, execution, Begin(now_ms=5))
    assert again == execution
    assert repeated == orders
    ended = EffectEnded(key=repeated[0].key, reply=Reply(), now_ms=9)  # type: ignore[union-attr]
    on, _ = advance(graph, driver.interpreter.registry, again, ended)
    assert advance(graph, driver.interpreter.registry, on, ended) == (on, ()), "an answer that comes twice is ignored"


BEFORE = {
    "kind",
    "key",
    "repeatable",
    "url",
    "server",
    "sse",
    "operation",
    "tool",
    "arguments",
    "credentials",
    "timeout_seconds",
}
"""Of a call of an MCP server, as it was stored before agents had a limit of time."""


def test_versions_read_each_others_effects() -> None:
    """Engines of two versions take over from one another during an upgrade; each refuses fields that it does not know."""
    call = CallMcp(server="bees", tool="count", arguments={"hive": None}, key="1.0.0.0.0")
    stored = call.to_json()
    assert set(stored) == BEFORE
    assert effect_from_json(stored) == call
    bounded = call.model_copy(update={"until_ms": 5})
    assert effect_from_json(bounded.to_json()) == bounded
    answer = Respond(body={"found": None})
    assert effect_from_json(answer.to_json()) == answer


def test_bench_workflows_are_named_once() -> None:
    assert len(BENCHES) == len(set(BENCHES))
