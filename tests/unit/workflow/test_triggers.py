"""What triggers give their workflow: the values that n8n documents, or that were seen of it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.workflow.build import node, workflow
from workflow.core.driver import Driver
from workflow.core.ending import error_workflow, trigger_failed, with_url
from workflow.core.execution import Execution, Mode, NodeRun, Status
from workflow.core.failure import Failure
from workflow.doors.chat import CHAT
from workflow.running.due import due_item, trigger_item

STOP = node("Break", "stopAndError", {"errorMessage": "it broke"}, id="b", credentials={"httpBasicAuth": {"id": "1"}})


def given(driver: Driver, execution: Execution, name: str) -> dict[str, Any]:
    (item,) = (execution.runs[name][0].outputs or [()])[0] or ()
    found: dict[str, Any] = item["json"]
    return found


def test_a_schedule_gives_what_n8n_was_seen_to_give() -> None:
    assert trigger_item(datetime(2025, 7, 9, 16, 10, tzinfo=UTC), "UTC")["json"] == {
        "timestamp": "2025-07-09T16:10:00.000+00:00",
        "Readable date": "July 9th 2025, 4:10:00 pm",
        "Readable time": "4:10:00 pm",
        "Day of week": "Wednesday",
        "Year": "2025",
        "Month": "July",
        "Day of month": "09",
        "Hour": "16",
        "Minute": "10",
        "Second": "00",
        "Timezone": "UTC (UTC+00:00)",
    }
    there = trigger_item(datetime(2025, 7, 6, 15, 0, 58, 7000, tzinfo=UTC), "America/New_York")["json"]
    assert there["timestamp"] == "2025-07-06T11:00:58.007-04:00"
    assert there["Readable date"] == "July 6th 2025, 11:00:58 am"
    assert there["Timezone"] == "America/New_York (UTC-04:00)"


@pytest.mark.parametrize(
    ("day", "hour", "readable"),
    [
        (1, 0, "May 1st 2026, 12:00:00 am"),
        (2, 12, "May 2nd 2026, 12:00:00 pm"),
        (3, 23, "May 3rd 2026, 11:00:00 pm"),
        (11, 1, "May 11th 2026, 1:00:00 am"),
        (13, 13, "May 13th 2026, 1:00:00 pm"),
        (22, 11, "May 22nd 2026, 11:00:00 am"),
        (31, 9, "May 31st 2026, 9:00:00 am"),
    ],
)
def test_days_and_hours_are_said_in_english(day: int, hour: int, readable: str) -> None:
    assert trigger_item(datetime(2026, 5, day, hour, tzinfo=UTC), "UTC")["json"]["Readable date"] == readable


@pytest.mark.parametrize("kind", ["cron", "interval"])
def test_the_older_schedules_say_nothing(driver: Driver, kind: str) -> None:
    document = workflow(node("Every", kind), links=[])
    assert given(driver, driver.run(document), "Every") == {}
    assert due_item(document.by_name["Every"], datetime(2026, 5, 3, tzinfo=UTC), "UTC") == {"json": {}}


def test_by_hand_a_schedule_gives_the_present_time_in_the_workflow_s_zone(driver: Driver) -> None:
    document = workflow(node("Every", "scheduleTrigger"), links=[], settings={"timezone": "Asia/Kolkata"})
    found = given(driver, driver.run(document), "Every")
    assert found["timestamp"] == "2023-11-15T03:43:20.000+05:30"
    assert found["Timezone"] == "Asia/Kolkata (UTC+05:30)"
    kept = driver.run(document, items=({"json": {"timestamp": "mine"}},))
    assert given(driver, kept, "Every") == {"timestamp": "mine"}


def test_a_message_by_hand_gets_a_session_and_an_action(driver: Driver) -> None:
    document = workflow(node("Chat", CHAT, version=1.1), links=[])
    found = given(driver, driver.run(document, items=({"json": {"chatInput": "hello", "metadata": {"a": 1}}},)), "Chat")
    assert len(found.pop("sessionId")) == 32
    assert found == {"action": "sendMessage", "chatInput": "hello", "metadata": {"a": 1}}
    whole = {"sessionId": "s", "action": "sendMessage", "chatInput": "hello"}
    assert given(driver, driver.run(document, items=({"json": whole},)), "Chat") == whole


def failed(driver: Driver, mode: Mode = Mode.WEBHOOK, **settings: Any) -> dict[str, Any]:
    document = workflow(node("Hook", "webhook"), STOP, links=["Hook → Break"], settings={"errorWorkflow": "told", **settings})
    execution = driver.run(document, mode=mode, execution_id="231")
    effect = error_workflow(document, execution)
    assert effect is not None
    found: dict[str, Any] = with_url(effect.item, "https://hive.example")["json"]
    return found


def test_an_error_workflow_is_told_what_n8n_documents(driver: Driver) -> None:
    found = failed(driver)
    error = found["execution"].pop("error")
    assert found == {
        "execution": {
            "id": "231",
            "url": "https://hive.example/api/executions/231",
            "lastNodeExecuted": "Break",
            "mode": "webhook",
        },
        "workflow": {"id": "w", "name": "w"},
    }
    assert error["message"] == "it broke"
    assert error["name"]
    assert error["stack"].endswith("it broke\n    at Break (n8n-nodes-base.stopAndError)")
    assert {name: error["node"][name] for name in ("id", "name", "type", "parameters")} == {
        "id": "b",
        "name": "Break",
        "type": "n8n-nodes-base.stopAndError",
        "parameters": {"errorMessage": "it broke"},
    }
    assert "credentials" not in error["node"]


def test_a_failure_that_is_not_kept_has_no_id_and_no_url(driver: Driver) -> None:
    told = failed(driver, saveDataErrorExecution="none")["execution"]
    assert "id" not in told
    assert "url" not in told


def test_a_retry_names_what_it_retries(driver: Driver) -> None:
    document = workflow(node("Hook", "webhook"), STOP, links=["Hook → Break"], settings={"errorWorkflow": "told"})
    execution = driver.run(document, mode=Mode.RETRY, execution_id="232").evolve(retry_of="231")
    effect = error_workflow(document, execution)
    assert effect is not None
    assert effect.item["json"]["execution"]["retryOf"] == "231"


def test_a_trigger_that_failed_has_n8n_s_other_form() -> None:
    document = workflow(node("Every", "scheduleTrigger"), links=[], settings={"errorWorkflow": "told"})
    failure = Failure(message="no such time", node="Every", name="TriggerError")
    run = NodeRun(node="Every", index=0, started_ms=0, took_ms=0, failure=failure)
    execution = Execution(
        id="1",
        workflow_id="w",
        mode=Mode.TRIGGER,
        status=Status.ERROR,
        ended_ms=1654609328787,
        runs={"Every": (run,)},
        last_node="Every",
        last_failure=failure,
    )
    effect = error_workflow(document, execution)
    alone = trigger_failed(document, "Every", failure, 1654609328787)
    assert effect is not None
    assert alone is not None
    assert effect.item == alone.item
    assert "execution" not in effect.item["json"]
    told = effect.item["json"]["trigger"]
    assert told["mode"] == "trigger"
    assert {name: told["error"][name] for name in ("context", "name", "timestamp", "message")} == {
        "context": {},
        "name": "WorkflowActivationError",
        "timestamp": 1654609328787,
        "message": "no such time",
    }
    assert told["error"]["cause"]["message"] == "no such time"
    assert told["error"]["node"]["name"] == "Every"
    assert trigger_failed(workflow(node("Every", "scheduleTrigger"), links=[]), "Every", failure, 0) is None
