"""What /v1/completions answers, whole and as chunks. Pure."""

from time import time
from typing import Any
from uuid import uuid4

from pydantic_core import to_json

from bus.errors import HiveError
from bus.follow import Delta
from bus.messages import TokenLogprob
from coordinator.gateway.llm import sse
from coordinator.gateway.llm.openai.chat_answer import DONE, usage_of
from coordinator.gateway.llm.openai.completion_request import CompletionRequest
from coordinator.gateway.llm.openai.errors import body_of
from coordinator.gateway.llm.wording import Whole

Json = dict[str, Any]


class CompletionWording:
    """See coordinator.gateway.llm.wording.Wording."""

    whole_type = "application/json"
    stream_type = sse.MEDIA_TYPE

    def __init__(self, asked: CompletionRequest) -> None:
        self._choices, self._logprobs = asked.n or 1, asked.logprobs is not None
        self._echo = asked.prompt if asked.echo else ""
        self._lengths = [len(self._echo)] * self._choices
        """Of each answer, how much of its text was told: logprobs name the places of their tokens."""
        self._usage: Json = {"usage": None} if asked.includes_usage else {}
        self._head: Json = {
            "id": f"cmpl-{uuid4().hex}",
            "object": "text_completion",
            "created": int(time()),
            "model": asked.model,
        }

    def whole(self, whole: Whole) -> bytes:
        choices = [
            self._choice(index, self._echo + each.text, each.logprobs, each.finish_reason or "stop")
            for index, each in enumerate(whole.choices)
        ]
        return to_json({**self._head, "choices": choices, "usage": usage_of(whole.usage)})

    def _choice(self, index: int, text: str, tokens: list[TokenLogprob], reason: str | None) -> Json:
        told = logprobs_of(tokens, self._lengths[index]) if self._logprobs and tokens else None
        self._lengths[index] += sum(len(token.token) for token in tokens)
        return {"index": index, "text": text, "logprobs": told, "finish_reason": reason}

    def _chunk(self, choices: list[Json], usage: Json) -> bytes:
        return sse.data(to_json({**self._head, "choices": choices, **usage}))

    def stream_begin(self) -> bytes:
        if not self._echo:
            return b""
        return b"".join(self._chunk([self._choice(index, self._echo, [], None)], self._usage) for index in range(self._choices))

    def stream_delta(self, delta: Delta) -> bytes:
        if not delta.text and not delta.logprobs:
            return b""
        return self._chunk([self._choice(delta.choice, delta.text, list(delta.logprobs), None)], self._usage)

    def stream_idle(self, note: str) -> bytes:
        return sse.comment(note)

    def stream_end(self, whole: Whole) -> bytes:
        ends = [
            self._chunk([self._choice(index, "", [], choice.finish_reason or "stop")], self._usage)
            for index, choice in enumerate(whole.choices)
        ]
        if self._usage:
            ends.append(self._chunk([], {"usage": usage_of(whole.usage)}))
        return b"".join(ends) + DONE

    def stream_error(self, error: HiveError) -> bytes:
        """Without [DONE], which would end it well."""
        return sse.data(to_json(body_of(error)))


def logprobs_of(tokens: list[TokenLogprob], offset: int) -> Json:
    """In the old form: a list for each property."""
    offsets = []
    for token in tokens:
        offsets.append(offset)
        offset += len(token.token)
    return {
        "tokens": [token.token for token in tokens],
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [{each.token: each.logprob for each in token.top_logprobs} for token in tokens],
        "text_offset": offsets,
    }
