"""An agent's limits: the time and the tokens of a run of its node, in the requests that it makes and in how it ends."""

import json
from datetime import UTC, datetime
from math import inf, nan
from typing import Any

import pytest

from tests.unit.workflow.nodes.test_ai import CODE, MODEL, attach, flow, requests
from workflow.core.driver import Driver
from workflow.core.effects import CallMcp, Effect, SubmitTask
from workflow.core.execution import Execution, Reply, Status
from workflow.core.failure import Failure

WISH = json.dumps({"tool": "add_up", "input": "1,2"})
ANSWER = json.dumps({"answer": "3"})
SERVER = attach("Bees", "mcpClientTool", "Node", "ai_tool", {"server": "bees"}, 1.2)
COUNT = {"name": "count", "inputSchema": {"type": "object", "properties": {"hive": {"type": "string"}}}}


def run(driver: Driver, options: dict[str, Any], *replies: tuple[str, int] | str, items: int = 1, **settings: Any) -> Execution:
    """A reply is a text and the tokens that it took, or the code that the task fails with."""
    left = list(replies)

    def carry_out(effect: Effect) -> Reply:
        if isinstance(effect, CallMcp):
            return Reply(value=[COUNT] if effect.operation == "list" else {"content": [{"type": "text", "text": "3"}]})
        assert isinstance(effect, SubmitTask)
        given = left.pop(0)
        if isinstance(given, str):
            return Reply(failure=Failure(message="late", code=given))
        usage = {"prompt_tokens": given[1] - 1, "completion_tokens": 1}
        return Reply(value={"status": "completed", "output": {"text": given[0]}, "usage": usage})

    driver.carry_out = carry_out
    helpers = settings.pop("helpers", (CODE,))
    return driver.run(flow("agent", {"options": options}, [{"chatInput": "x"}] * items, MODEL, *helpers, **settings))


def test_tokens_are_counted_over_steps_and_items(driver: Driver) -> None:
    execution = run(driver, {"maxTokens": 100}, (WISH, 30), (ANSWER, 40), (WISH, 35), items=2)
    assert execution.failure is not None
    assert "105 of the 100" in execution.failure.message
    assert [request["options"]["num_predict"] for request in requests(driver)] == [50, 50, 30]


def test_an_answer_that_took_more_than_there_was_is_an_answer(driver: Driver) -> None:
    execution = run(driver, {"maxTokens": 20}, (ANSWER, 25))
    assert execution.last_items()[0]["json"] == {"output": "3"}


def test_a_tool_is_not_used_when_nobody_could_be_told_what_it_gave(driver: Driver) -> None:
    call = json.dumps({"tool": "count", "input": {"hive": "acacia"}})
    execution = run(driver, {"maxTokens": 20}, (call, 25), helpers=(SERVER,))
    assert execution.failure is not None
    assert [effect.operation for effect in driver.effects if isinstance(effect, CallMcp)] == ["list"]


@pytest.mark.parametrize("wished", [-2, 400])
def test_a_model_s_own_wish_does_not_lift_the_limit(driver: Driver, wished: int) -> None:
    """Ollama takes numbers below 0 for as much as there is room for."""
    model = attach(
        "Model", "lmChatOllama", "Node", "ai_languageModel", {"model": "phi3:mini", "options": {"numPredict": wished}}
    )
    driver.carry_out = lambda effect: Reply(value={"status": "completed", "output": {"text": ANSWER}})
    driver.run(flow("agent", {"options": {"maxTokens": 20}}, [{"chatInput": "x"}], model))
    assert [request["options"]["num_predict"] for request in requests(driver)] == [20]


def test_time_is_a_deadline_of_each_question_and_of_each_call(driver: Driver) -> None:
    call = json.dumps({"tool": "count", "input": {"hive": "acacia"}})
    execution = run(driver, {"maxSeconds": 2.5}, (call, 5), (ANSWER, 5), helpers=(SERVER,))
    assert execution.status is Status.SUCCESS
    began_ms = execution.runs["Node"][0].started_ms
    deadlines = {datetime.fromisoformat(request["deadline"]) for request in requests(driver)}
    assert deadlines == {datetime.fromtimestamp((began_ms + 2500) / 1000, UTC)}
    asked, called = [effect for effect in driver.effects if isinstance(effect, CallMcp)]
    assert (asked.operation, called.operation) == ("list", "call")
    assert asked.until_ms == called.until_ms == began_ms + 2500
    assert called.within(began_ms + 500).timeout_seconds == 2
    assert called.within(began_ms + 3000).timeout_seconds < 0


def test_what_ends_for_want_of_time_says_so(driver: Driver) -> None:
    execution = run(driver, {"maxSeconds": 2}, (WISH, 5), "task_timeout", onError="continueRegularOutput")
    (item,) = execution.last_items()
    assert "may take 2 s" in item["json"]["error"]


def test_without_limits_nothing_is_bounded(driver: Driver) -> None:
    run(driver, {"maxTokens": 0, "maxSeconds": 0}, (ANSWER, 500))
    (request,) = requests(driver)
    assert "deadline" not in request
    assert request["options"]["num_predict"] == 50
    failed = run(driver, {}, "task_timeout")
    assert failed.failure is not None
    assert failed.failure.message == "late"


@pytest.mark.parametrize("given", ["soon", -1, [1], inf, nan])
def test_a_limit_that_is_no_number_is_refused(driver: Driver, given: Any) -> None:
    execution = run(driver, {"maxSeconds": given})
    assert execution.failure is not None
    assert "maxSeconds must be a number" in execution.failure.message
