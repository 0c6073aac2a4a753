"""How soon an agent would be done with a task. Pure.

Seconds until it could begin + the model's load where it is cold + prompt tokens / prompt rate + expected tokens / generation
rate, each as measured of that model on that agent, else as a plain assumption that is the same for all.
"""

from math import floor, inf
from typing import Final

from bus.messages import ModelInfo
from coordinator.agents.agent import Agent, OpenAttempt
from coordinator.models.inventory import GIB
from coordinator.scheduling.sizes import TYPICAL, Size
from coordinator.scheduling.speed import Speed

ASSUMED_COMPLETION_TOKENS: Final = 200.0
ASSUMED_PROMPT_RATE: Final = 500.0
ASSUMED_GENERATION_RATE: Final = 30.0
ASSUMED_LOAD_BYTES_PER_SECOND: Final = 1e9
ASSUMED_LOAD_SECONDS: Final = 5.0
KNOWN_SHARE: Final = 0.9
"""Of a conversation's prompt, what the host that had its last part need not read again."""
LEAST_SECONDS: Final = 0.5
"""Left of an attempt that takes longer than was predicted."""
_UNMEASURED: Final = Speed()


def load_seconds(agent: Agent, model: ModelInfo) -> float:
    """Until the model is in memory; 0 where it is warm."""
    if agent.holds(model):
        return 0.0
    speed = agent.speeds.get(model.name, _UNMEASURED)
    return speed.load_seconds or _assumed_load(model)


def _assumed_load(model: ModelInfo) -> float:
    return ASSUMED_LOAD_SECONDS if model.size_bytes is None else 0.5 + model.size_bytes / ASSUMED_LOAD_BYTES_PER_SECOND


def service_seconds(agent: Agent, model: ModelInfo, size: Size = TYPICAL, known_share: float = 0.0) -> float:
    """Reading and writing, once it has begun and the model is loaded."""
    speed = agent.speeds.get(model.name, _UNMEASURED)
    tokens = speed.completion_tokens or ASSUMED_COMPLETION_TOKENS
    if size.most_tokens is not None and size.most_tokens < tokens:
        tokens = size.most_tokens
    reading = size.prompt_tokens * (1.0 - known_share) / (speed.prompt_rate or ASSUMED_PROMPT_RATE)
    return reading + tokens / (speed.generation_rate or ASSUMED_GENERATION_RATE)


def completion_tokens(agent: Agent, model: ModelInfo) -> float:
    """What it writes as a rule."""
    return agent.speeds.get(model.name, _UNMEASURED).completion_tokens or ASSUMED_COMPLETION_TOKENS


def run_seconds(agent: Agent, model: ModelInfo, size: Size = TYPICAL, home: str | None = None) -> float:
    """As `service_seconds`, and the model's load before. `home` is the host that knows the conversation, while its model is warm."""
    load = load_seconds(agent, model)
    knows = home is not None and home == agent.agent_id and not load
    return load + service_seconds(agent, model, size, KNOWN_SHARE if knows else 0.0)


def starts_in(agent: Agent, model: ModelInfo, now: float) -> float:
    """Seconds until a slot is free, and the memory for the model beside those that are in use; infinite without any slot."""
    wait, attempts = agent.full_until - now if agent.full_until > now else 0.0, agent.attempts
    if len(attempts) >= agent.slots:
        if not agent.slots:
            return inf
        left = sorted(seconds_left(agent, attempt, now) for attempt in attempts.values())
        wait = max(wait, left[len(left) - agent.slots])
    if attempts and not agent.holds(model) and not has_room(agent, model):
        wait = max(wait, *(seconds_left(agent, attempt, now) for attempt in attempts.values()))
    return wait


def seconds_left(agent: Agent, attempt: OpenAttempt, now: float) -> float:
    """Of an attempt. One that another leader began is taken for a typical one that has just begun."""
    if attempt.ends_at is not None:
        return max(LEAST_SECONDS, attempt.ends_at - now)
    model = agent.model(attempt.model)
    return LEAST_SECONDS if model is None else service_seconds(agent, model)


def has_room(agent: Agent, model: ModelInfo, without: OpenAttempt | None = None) -> bool:
    """Beside the models that are in use, that of `without` aside. Idle ones can make room; of what is not known one hopes the best."""
    memory = agent.registration.hardware.vram_gb
    if memory is None:
        return True
    used = {attempt.model for attempt in agent.attempts.values() if attempt is not without}
    return _memory(model) + sum(_memory(other) for other in agent.models if other.name in used) <= memory * GIB


def _memory(model: ModelInfo) -> int:
    return model.vram_bytes or model.size_bytes or 0


def done_by(agent: Agent, model: ModelInfo, size: Size, now: float, within: float) -> int:
    """How many such tasks an agent without a free slot would have done within so many seconds."""
    took = run_seconds(agent, model, size)
    first = starts_in(agent, model, now)
    if max(first, took) >= within:
        return 0
    left = sorted(seconds_left(agent, attempt, now) for attempt in agent.attempts.values())[-agent.slots :]
    return sum(max(0, floor((within - max(first, seconds)) / took)) for seconds in left)
