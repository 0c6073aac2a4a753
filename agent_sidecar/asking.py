"""What an offer asks of the backend, and how an attempt goes on from what earlier ones wrote. Pure.

A conversation whose last message is the assistant's is one to go on with: Ollama, llama.cpp and vLLM write behind it instead of
beginning an answer.
"""

from dataclasses import replace
from typing import Final

from agent_sidecar.backends.backend import Ask, Piece
from bus.messages import ChatMessage, Continuation, DispatchOffer, JsonObject, TaskKind, Timings, Usage

_LIMITS: Final = ("num_predict", "max_tokens", "max_completion_tokens")


def ask_of(offer: DispatchOffer, choice: int = 0) -> Ask:
    """`choice`: which of the answers that were asked for, from 0."""
    ask = _begun(offer) if offer.continue_from is None else _continued(offer, offer.continue_from)
    seed = ask.options.get("seed")
    if choice and isinstance(seed, int) and not isinstance(seed, bool):
        return replace(ask, options={**ask.options, "seed": seed + choice})
    return ask


def _begun(offer: DispatchOffer) -> Ask:
    if offer.kind is TaskKind.CHAT:
        return Ask(model=offer.model, messages=conversation(offer), options=offer.options, work=offer)
    return Ask(model=offer.model, kind=offer.kind, prompt=offer.prompt or "", options=offer.options, work=offer)


def conversation(offer: DispatchOffer) -> tuple[ChatMessage, ...]:
    """A prompt is a conversation of one message, so that the model's chat template applies to both."""
    if offer.messages:
        return offer.messages
    asked = ChatMessage(role="user", content=offer.prompt or "", images=offer.images)
    return (asked,) if offer.system is None else (ChatMessage(role="system", content=offer.system), asked)


def is_exact(offer: DispatchOffer) -> bool:
    """Whether it goes on behind the very characters that were written, and not behind what a chat template makes of them."""
    return offer.kind is TaskKind.GENERATE and offer.raw


def _continued(offer: DispatchOffer, left: Continuation) -> Ask:
    written = left.output.text
    options = _remaining(offer.options, left.usage.completion_tokens)
    if is_exact(offer):
        return Ask(model=offer.model, kind=offer.kind, prompt=(offer.prompt or "") + written, options=options, work=offer)
    messages = (*conversation(offer), ChatMessage(role="assistant", content=written.rstrip()))
    return Ask(model=offer.model, messages=messages, options=options, work=offer)


def _remaining(options: JsonObject, written_tokens: int) -> JsonObject:
    """A limit to the answer counts what was written before; what is not positive means no limit, so one token is left at least."""
    found = dict(options)
    for name in _LIMITS:
        limit = options.get(name)
        if isinstance(limit, int) and not isinstance(limit, bool) and limit > 0:
            found[name] = max(1, limit - written_tokens)
    return found


def whole_usage(offer: DispatchOffer, usage: Usage) -> Usage:
    """Of the whole answer: what an earlier attempt wrote is read by this one, and was nobody's prompt."""
    if offer.continue_from is None:
        return usage
    before = offer.continue_from.usage
    return Usage(
        prompt_tokens=max(before.prompt_tokens, usage.prompt_tokens - before.completion_tokens),
        completion_tokens=before.completion_tokens + usage.completion_tokens,
        cached_prompt_tokens=before.cached_prompt_tokens,
    )


def added_usage(one: Usage, other: Usage) -> Usage:
    """Of two answers to one prompt, which counts once."""
    return one.model_copy(
        update={
            "prompt_tokens": max(one.prompt_tokens, other.prompt_tokens),
            "completion_tokens": one.completion_tokens + other.completion_tokens,
        }
    )


def added_timings(one: Timings, other: Timings) -> Timings:
    """Of two answers, one after the other: what the first read, and what both wrote at the rate of the second."""
    seconds = [each.generation_seconds for each in (one, other) if each.generation_seconds is not None]
    rate = other.generation_tokens_per_second or one.generation_tokens_per_second
    written = {"generation_seconds": sum(seconds) if seconds else None, "generation_tokens_per_second": rate}
    return one.model_copy(update=written)


class Seam:
    """Chat templates trim a message, so the model is shown the text without the white space at its end, and may write it again."""

    def __init__(self, shown_already: str) -> None:
        self._expected = shown_already

    def join(self, piece: Piece) -> Piece:
        """The piece without what stands before it already."""
        if not self._expected or not piece.text:
            return piece
        text = piece.text
        while self._expected and text and text[0] == self._expected[0]:
            text, self._expected = text[1:], self._expected[1:]
        if text:
            self._expected = ""
        return replace(piece, text=text)


def seam(offer: DispatchOffer) -> Seam:
    text = "" if offer.continue_from is None or is_exact(offer) else offer.continue_from.output.text
    return Seam(text[len(text.rstrip()) :])
