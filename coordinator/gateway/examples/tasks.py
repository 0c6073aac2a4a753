"""Examples of tasks, for the API's own documentation."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from fastapi.openapi.models import Example
from pydantic import BaseModel

from bus.messages import (
    AgentRow,
    AttemptRecord,
    AttemptStatus,
    Explanation,
    Output,
    TaskList,
    TaskRecord,
    TaskStatus,
    Timings,
    Usage,
)
from bus.messages.places import Delay, QueuePlace, Rise
from coordinator.gateway.examples.time import NOON
from coordinator.gateway.places import HEADERS

TASK_REQUESTS: Final[dict[str, Example]] = {
    "prompt": {
        "summary": "A prompt, for whatever model is warm",
        "value": {"prompt": "Say hello in one short sentence.", "options": {"num_predict": 64}},
    },
    "chat": {
        "summary": "A conversation with a model by name, urgent",
        "value": {
            "messages": [
                {"role": "system", "content": "You answer in one sentence."},
                {"role": "user", "content": "Why is the sky blue?"},
            ],
            "model": "llama3.2:3b",
            "priority": "high",
            "timeout_seconds": 120,
        },
    },
    "placed": {
        "summary": "Only where the host can do it, after another task",
        "value": {
            "prompt": "Review this deployment plan: …",
            "require": {"capabilities": {"devops": 0.8}, "labels": {"site": "basement"}, "vram_gb": 12},
            "depends_on": ["6f9fd1b2-98a5-4f3a-9a0e-2f6f4f0c2f4e"],
            "metadata": {"ticket": "OPS-12"},
        },
    },
}
ASSIGNMENTS: Final[dict[str, Example]] = {
    "agent": {"summary": "To one agent and no other", "value": {"agent_id": "acacia"}},
}
PRIORITIES: Final[dict[str, Example]] = {
    "number": {"summary": "By its number: 1 is first, 5 is last", "value": {"priority": 1}},
    "word": {"summary": "By a word: high, medium or low", "value": {"priority": "low"}},
}
TASK: Final = TaskRecord(
    id=UUID("6f9fd1b2-98a5-4f3a-9a0e-2f6f4f0c2f4e"),
    owner="anna",
    status=TaskStatus.COMPLETED,
    priority=3,
    prompt="Say hello in one short sentence.",
    model="llama3.2:3b",
    created_at=NOON,
    started_at=NOON + timedelta(seconds=0.1),
    completed_at=NOON + timedelta(seconds=1),
    assigned_agent_id="acacia",
    attempts=(
        AttemptRecord(
            id=UUID("c0a8012e-5d0b-4a4f-8a52-1f0d2f9b6f10"),
            number=1,
            agent_id="acacia",
            model="llama3.2:3b",
            status=AttemptStatus.COMPLETED,
            offered_at=NOON,
            started_at=NOON + timedelta(seconds=0.1),
            ended_at=NOON + timedelta(seconds=1),
        ),
    ),
    output=Output(text="Hello, it is good to meet you.", finish_reason="stop"),
    usage=Usage(prompt_tokens=31, completion_tokens=9),
    timings=Timings(queue_seconds=0.01, time_to_first_token_seconds=0.2, generation_tokens_per_second=52.4),
)
_PLACE: Final = QueuePlace(
    position=4,
    eta_seconds=8.5,
    rise=Rise(reason=Delay.PRIORITY, before=3, position=4, at=NOON),
)
OUTPUT_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The events, until the task has ended",
        "headers": HEADERS,
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": f"event: queue\ndata: {_PLACE.model_dump_json()}\n\n"
                'id: 1:5\nevent: delta\ndata: {"number":1,"offset":0,"text":"Hello"}\n\n'
                f"event: done\ndata: {TASK.model_dump_json()}\n\n",
            }
        },
    }
}
ANSWERS: Final[tuple[BaseModel, ...]] = (
    TASK,
    TaskList(tasks=(TASK.model_copy(update={"prompt": None, "output": None}),), next_cursor=None),
    Explanation(
        agents=(
            AgentRow(agent_id="acacia", able=True, reason="has the model warm", warm=True, free_slots=1, predicted_seconds=0.9),
            AgentRow(agent_id="walnut", able=False, reason="does not have the model"),
        ),
        choice="acacia",
        reason="lowest predicted finish",
    ),
)
