"""One attempt, from the accepted offer to the outcome: reads the backend, sends deltas, and ends in time."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from time import monotonic
from typing import Final

from agent_sidecar.asking import added_timings, added_usage, ask_of, is_exact, seam, whole_usage
from agent_sidecar.backends.backend import Backend, Piece, Result
from agent_sidecar.deltas import Deltas
from agent_sidecar.spans import describe_result, generation_span
from agent_sidecar.watchdog import Stop, Watchdog
from bus import telemetry
from bus.errors import (
    AgentLost,
    BackendError,
    BackendRefused,
    BackendStalled,
    HiveError,
    InvalidRequest,
    StreamInterrupted,
    TaskTimeout,
)
from bus.messages import AttemptOutcome, DispatchOffer, FailureInfo, OutcomeStatus, Timings, Usage

logger = telemetry.log(__name__)

_STATUS: Final[dict[Stop | None, OutcomeStatus]] = {
    Stop.CANCELLED: OutcomeStatus.CANCELLED,
    Stop.PREEMPTED: OutcomeStatus.PREEMPTED,
}
_FINAL = (BackendRefused, InvalidRequest, TaskTimeout)
"""Errors that another attempt would end in as well."""


class Attempt:
    """`run` once. `stop` ends it from outside; the outcome then says why."""

    def __init__(
        self, offer: DispatchOffer, backend: Backend, deltas: Deltas, *, first_seconds: float, stall_seconds: float
    ) -> None:
        self.offer, self.deltas = offer, deltas
        self._backend = backend
        self._first_seconds, self._stall_seconds = first_seconds, stall_seconds
        self._result: Result | None = None
        self._stopped: Stop | None = None
        self._working: asyncio.Task[object] | None = None
        self._first_token_seconds: float | None = None
        self._seam = seam(offer)
        self._pieces = 0
        self._reasons: list[str | None] = []
        self._full = False

    def stop(self, why: Stop) -> None:
        """Ends the backend's work too. Does nothing to an attempt that has ended."""
        if self._stopped is None:
            self._stopped = why
            if self._working is not None:
                self._working.cancel()

    async def run(self, agent_id: str, instance: str) -> AttemptOutcome:
        """Never raises for what a backend does."""
        started = monotonic()
        error = await self._work(started)
        await self.deltas.flush()
        status = OutcomeStatus.COMPLETED
        if error is not None or self._stopped is not None:
            status = _STATUS.get(self._stopped, OutcomeStatus.FAILED)
        result = self._result or Result(usage=Usage(completion_tokens=self._pieces))
        reasons = () if error is not None else self._reasons
        return AttemptOutcome(
            attempt_id=self.offer.attempt_id,
            task_id=self.offer.task_id,
            agent_id=agent_id,
            instance=instance,
            status=status,
            output=self.deltas.output(*reasons).model_copy(update={"context": result.context}),
            begins_at=self.deltas.begins_at,
            usage=whole_usage(self.offer, result.usage),
            timings=self._timings(result.timings, monotonic() - started),
            error=None if error is None else FailureInfo(code=error.code, message=error.message),
            retryable=status is OutcomeStatus.FAILED and not isinstance(error, _FINAL),
        )

    async def _work(self, started: float) -> HiveError | None:
        if self._stopped is not None:
            return self._why()
        self._working = asyncio.current_task()
        watchdog = Watchdog(
            first_seconds=self._first_seconds,
            stall_seconds=self._stall_seconds,
            total_seconds=self.offer.seconds_left,
            stop=self.stop,
        )
        try:
            await self._generate(watchdog, started)
        except asyncio.CancelledError:
            if self._stopped is None:
                raise
            _forget_cancellation()
        except HiveError as error:
            return self._why() if self._stopped else error
        except Exception:
            logger.exception("attempt_failed_inside", attempt_id=str(self.offer.attempt_id))
            return HiveError("The sidecar failed while it worked on the task; its log has the reason.")
        finally:
            self._working = None
            watchdog.close()
        return self._why()

    async def _generate(self, watchdog: Watchdog, started: float) -> None:
        await self._find_footing()
        for choice in range(self.offer.n):
            if choice:
                await self.deltas.begin_answer()
            result = await self._answer(choice, watchdog, started)
            self._reasons.append(result.finish_reason)
            self._result = result if self._result is None else _together(self._result, result)
            self.deltas.output(*self._reasons)  # an answer that is none is an error while there is time for one
            if self._full:
                await self._give_up_the_others(choice)
                return

    async def _give_up_the_others(self, choice: int) -> None:
        """The output is full: for answers behind this one there is no room to begin, and none of them came to its end."""
        for _ in range(choice + 1, self.offer.n):
            await self.deltas.begin_answer()
            self._reasons.append("length")

    async def _find_footing(self) -> None:
        """StreamInterrupted where what was shown cannot be gone on with here; unshown, it is written again."""
        if self.offer.continue_from is None or is_exact(self.offer) or await self._backend.continues(self.offer.model):
            return
        if self.offer.streamed:
            raise StreamInterrupted(
                f"Some of the answer was sent already, and {self._backend.endpoint} does not go on behind it. Ask again."
            )
        self.offer = self.offer.model_copy(update={"continue_from": None})
        self.deltas.begin_anew()
        self._seam = seam(self.offer)

    async def _answer(self, choice: int, watchdog: Watchdog, started: float) -> Result:
        """One answer, from the ask to its result."""
        with generation_span(self.offer, self._backend) as span:
            result = await self._read(choice, watchdog, started)
            describe_result(span, result, self._first_token_seconds)
        return result

    async def _read(self, choice: int, watchdog: Watchdog, started: float) -> Result:
        async with aclosing(self._backend.generate(ask_of(self.offer, choice))) as items:
            async for item in items:
                if isinstance(item, Result):
                    return item
                watchdog.hear(output=bool(item))
                if (item or item.logprobs) and not await self._take(item, started):
                    self._full = True
                    return Result(finish_reason="length")
        raise BackendError("The backend ended the answer without its final message. See its log for why.")

    async def _take(self, piece: Piece, started: float) -> bool:
        if self._first_token_seconds is None:
            self._first_token_seconds = monotonic() - started
        self._pieces += 1
        fits = await self.deltas.add(self._seam.join(piece))
        if not fits and piece.embeddings:
            raise BackendRefused(
                f"The {len(piece.embeddings)} vectors take more room than one answer has. Send fewer inputs at once, say half as many."
            )
        return fits

    def _why(self) -> HiveError | None:
        model, seconds = self.offer.model, self.offer.seconds_left
        match self._stopped:
            case Stop.TIMED_OUT:
                return TaskTimeout(
                    f"The task's time was over ({seconds:.0f} s for this attempt). Give it a longer timeout_seconds."
                )
            case Stop.STALLED if self._first_token_seconds is None:
                return BackendStalled(
                    f"The backend gave no first token of {model} within {self._first_seconds:.0f} s. It hangs, or loads for "
                    "longer than HIVE_FIRST_TOKEN_SECONDS allows; see its log."
                )
            case Stop.STALLED:
                return BackendStalled(
                    f"The backend gave no token of {model} for {self._stall_seconds:.0f} s in the middle of the answer. See its log."
                )
            case Stop.AGENT_LEAVES:
                return AgentLost("The agent was stopped before the attempt ended. Another attempt can succeed.")
        return None

    def _timings(self, measured: Timings, total_seconds: float) -> Timings:
        return measured.model_copy(
            update={"total_seconds": total_seconds, "time_to_first_token_seconds": self._first_token_seconds}
        )


def _together(one: Result, other: Result) -> Result:
    """Of two answers to one prompt."""
    return replace(one, usage=added_usage(one.usage, other.usage), timings=added_timings(one.timings, other.timings))


def _forget_cancellation() -> None:
    """The cancellation was ours and has done its work; the task goes on to report."""
    if task := asyncio.current_task():
        task.uncancel()
