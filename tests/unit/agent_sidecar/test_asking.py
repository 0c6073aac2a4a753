"""What a backend is asked when an attempt goes on from what earlier ones wrote."""

from uuid import uuid4

import pytest
from pydantic import JsonValue

from agent_sidecar.asking import ask_of, seam, whole_usage
from agent_sidecar.backends.backend import Piece
from agent_sidecar.backends.ollama_wire import Shown
from bus.messages import ChatMessage, Continuation, DispatchOffer, Output, Usage


def offer(written: str | None = None, tokens: int = 0, **options: JsonValue) -> DispatchOffer:
    going_on = (
        None
        if written is None
        else Continuation(output=Output(text=written), usage=Usage(prompt_tokens=7, completion_tokens=tokens))
    )
    return DispatchOffer(
        attempt_id=uuid4(),
        task_id=uuid4(),
        tenant="default",
        number=1,
        epoch=1,
        model="m",
        prompt="Say hello.",
        options=options,
        continue_from=going_on,
        seconds_left=60,
    )


def test_a_prompt_is_a_conversation_of_one_message() -> None:
    assert ask_of(offer()).messages == (ChatMessage(role="user", content="Say hello."),)


def test_what_was_written_is_the_assistants_message_without_the_space_at_its_end() -> None:
    assert ask_of(offer("Hello, ")).messages[-1] == ChatMessage(role="assistant", content="Hello,")


@pytest.mark.parametrize(("limit", "written", "left"), [(10, 4, 6), (10, 12, 1), (-1, 4, -1), (0, 4, 0)])
def test_a_limit_counts_what_was_written(limit: int, written: int, left: int) -> None:
    assert ask_of(offer("Hello", written, num_predict=limit)).options == {"num_predict": left}


@pytest.mark.parametrize(
    ("written", "then", "text"),
    [
        ("Hello, ", ["world"], "world"),
        ("Hello, ", [" world"], "world"),
        ("Hello\n\n", ["\n", "\n", "\nso"], "\nso"),
        ("Hello", [" w"], " w"),
    ],
)
def test_white_space_at_the_seam_is_written_once(written: str, then: list[str], text: str) -> None:
    joint = seam(offer(written))
    assert "".join(joint.join(Piece(text=more)).text for more in then) == text


def test_usage_is_of_the_whole_answer() -> None:
    assert whole_usage(offer("Hello", 3), Usage(prompt_tokens=10, completion_tokens=5)) == Usage(
        prompt_tokens=7, completion_tokens=8
    )
    assert whole_usage(offer(), Usage(prompt_tokens=10, completion_tokens=5)) == Usage(prompt_tokens=10, completion_tokens=5)


@pytest.mark.parametrize(
    ("template", "continues"),
    [
        ("{{ .System }}{{ .Prompt }}<|a|>{{ .Response }}<|end|>", True),
        ("{{ range $i, $_ := .Messages }}{{ $last := eq (len (slice $.Messages $i)) 1 }}{{ end }}", True),
        ("{{ range .Messages }}{{ .Content }}<|end|>{{ end }}", False),
        ("", False),
    ],
)
def test_which_templates_leave_an_answer_open(template: str, continues: bool) -> None:
    assert Shown(template=template).continues is continues
