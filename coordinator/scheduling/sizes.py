"""How large a task is, in tokens, as far as one can tell without its prompt: the queue holds none."""

from functools import lru_cache
from typing import Final, NamedTuple

from bus.messages import ChatMessage, TaskKind, TaskRequest
from bus.messages.work import CHARACTERS_A_TOKEN, TOKENS_AN_IMAGE

_LIMITS: Final = ("num_predict", "max_tokens", "max_completion_tokens")
"""What the backends call the most tokens that they may write. Ollama's -1 and -2 mean no limit."""


class Size(NamedTuple):
    """`most_tokens` is the request's own limit to what is written."""

    prompt_tokens: int
    most_tokens: int | None = None


TYPICAL: Final = Size(200)


def size_of(request: TaskRequest) -> Size:
    """Of what was asked for; a successor, which reads no prompts, finds the same by lengths (rows.py)."""
    characters = len(request.prompt or "") + len(request.system or "") + sum(map(len, request.input or ()))
    tokens = characters // CHARACTERS_A_TOKEN + sum(_tokens(message) for message in request.messages or ())
    return size(tokens + TOKENS_AN_IMAGE * len(request.images), request.options, request.kind)


def _tokens(message: ChatMessage) -> int:
    return len(message.content) // CHARACTERS_A_TOKEN + TOKENS_AN_IMAGE * len(message.images)


def size(prompt_tokens: int, options: object, kind: str | None = None) -> Size:
    """`options` is whatever somebody wrote there. Who only makes vectors writes nothing."""
    if kind == TaskKind.EMBED:
        return _shared(_step(prompt_tokens), 1)
    limits = [options.get(name) for name in _LIMITS] if isinstance(options, dict) else []
    most = next((limit for limit in limits if isinstance(limit, int) and not isinstance(limit, bool) and limit > 0), None)
    return _shared(_step(prompt_tokens), None if most is None else _step(most))


def _step(tokens: int) -> int:
    """Rounded up by at most a quarter, so that a million tasks have a few hundred sizes between them."""
    grain = 1 << max(0, tokens.bit_length() - 3)
    return max(1, -(-tokens // grain) * grain)


@lru_cache(maxsize=4096)
def _shared(prompt_tokens: int, most_tokens: int | None) -> Size:
    return Size(prompt_tokens, most_tokens)
