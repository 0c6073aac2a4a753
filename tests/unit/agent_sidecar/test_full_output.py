"""An output has a bound. What does not fit is told so: never an answer that looks complete."""

from collections.abc import AsyncIterator
from typing import cast
from uuid import uuid4

from agent_sidecar.attempt import Attempt
from agent_sidecar.backends.backend import Ask, Backend, Piece, Result
from agent_sidecar.deltas import Deltas
from bus.messages import AttemptOutcome, DispatchOffer, OutcomeStatus, OutputChunk, TaskKind


class Saying:
    """The same pieces at each ask."""

    endpoint = "http://host"

    def __init__(self, *pieces: Piece) -> None:
        self._pieces = pieces

    async def generate(self, _ask: Ask) -> AsyncIterator[Piece | Result]:
        for piece in self._pieces:
            yield piece
        yield Result(finish_reason="stop")


async def outcome_of(backend: Saying, limit_bytes: int, **work: object) -> AttemptOutcome:
    async def publish(_chunk: OutputChunk) -> None: ...

    known = {
        "attempt_id": uuid4(),
        "task_id": uuid4(),
        "tenant": "default",
        "number": 1,
        "epoch": 1,
        "model": "m",
        "seconds_left": 60,
    }
    offer = DispatchOffer.model_validate(known | work)
    attempt = Attempt(offer, cast(Backend, backend), Deltas(publish, 1, limit_bytes), first_seconds=60, stall_seconds=60)
    return await attempt.run("acacia", "one")


async def test_vectors_that_do_not_fit_are_an_error_and_not_an_answer_without_them() -> None:
    backend = Saying(Piece(embeddings=("A" * 800, "B" * 800)))
    outcome = await outcome_of(backend, 1000, kind=TaskKind.EMBED, input=["one", "two"])
    assert outcome.error is not None
    assert (outcome.status, outcome.error.code, outcome.retryable) == (OutcomeStatus.FAILED, "backend_refused", False)
    assert "The 2 vectors take more room" in outcome.error.message


async def test_answers_for_which_there_is_no_room_did_not_come_to_their_end() -> None:
    outcome = await outcome_of(Saying(Piece(text="x" * 60)), 100, prompt="hi", n=4)
    answers = (outcome.output, *outcome.output.others)
    assert [(len(each.text), each.finish_reason) for each in answers] == [
        (60, "stop"),
        (40, "length"),
        (0, "length"),
        (0, "length"),
    ]
