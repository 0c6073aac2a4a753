"""A GPU host as Ollama runs it: slots, models that take memory and must be loaded, and a queue of its own, first come, first served.

What decides the time is physics of a kind: reading a prompt costs compute, writing a token costs one pass of the memory over the
model, loading one costs a pass of the disk. The same hosts serve every policy.
"""

import random
from collections import deque
from dataclasses import dataclass, field

MODELS_GB = {"tiny": 1.3, "small": 4.7, "coder": 4.4, "medium": 9.0, "large": 19.0}
SHARE = {"tiny": 0.2, "small": 0.35, "coder": 0.2, "medium": 0.15, "large": 0.1}
"""Of the tasks."""


@dataclass(slots=True, kw_only=True)
class Job:
    number: int
    at: float
    user: str
    priority: int
    model: str
    prompt_tokens: int
    completion_tokens: int
    first_token_at: float = 0.0
    ended_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Kind:
    slots: int
    vram_gb: float
    memory_gb_per_second: float
    prompt_tokens_per_second: float
    """Of a model of 5 GB."""
    disk_gb_per_second: float


KINDS = {
    "workstation": Kind(4, 24, 900, 5000, 2.5),
    "desktop": Kind(2, 12, 400, 2000, 1.5),
    "laptop": Kind(1, 8, 200, 800, 1.0),
    "old": Kind(1, 6, 90, 250, 0.4),
}


@dataclass(slots=True, eq=False)
class Host:
    name: str
    kind: Kind
    models: tuple[str, ...]
    waiting: deque[Job] = field(default_factory=deque)
    running: dict[int, Job] = field(default_factory=dict)
    loaded: dict[str, float] = field(default_factory=dict)
    """When each was ready, least lately used first."""
    swaps: int = 0

    @property
    def in_flight(self) -> int:
        return len(self.waiting) + len(self.running)

    def prompt_rate(self, model: str) -> float:
        return self.kind.prompt_tokens_per_second * 5 / MODELS_GB[model]

    def generation_rate(self, model: str) -> float:
        return 0.7 * self.kind.memory_gb_per_second / MODELS_GB[model]

    def service_seconds(self, job: Job) -> float:
        """Of a job whose model is loaded."""
        return job.prompt_tokens / self.prompt_rate(job.model) + job.completion_tokens / self.generation_rate(job.model)

    def load_seconds(self, model: str) -> float:
        return 1.0 + MODELS_GB[model] / self.kind.disk_gb_per_second

    def start_what_can(self, now: float) -> list[Job]:
        """Of its own queue, in order. Each job that starts is told when it will be done."""
        started = []
        while self.waiting and len(self.running) < self.kind.slots and self._make_room(self.waiting[0].model):
            job = self.waiting.popleft()
            ready_at = self._ready_at(job.model, now)
            job.first_token_at = ready_at + job.prompt_tokens / self.prompt_rate(job.model)
            job.ended_at = ready_at + self.service_seconds(job)
            self.running[job.number] = job
            started.append(job)
        return started

    def _ready_at(self, model: str, now: float) -> float:
        if model not in self.loaded:
            self.swaps += 1
            self.loaded[model] = now + self.load_seconds(model)
        else:
            self.loaded[model] = self.loaded.pop(model)  # the latest used is last
        return max(now, self.loaded[model])

    def _make_room(self, model: str) -> bool:
        """Idle models leave, the least lately used first; those in use stay."""
        if model in self.loaded:
            return True
        used = {job.model for job in self.running.values()}
        if MODELS_GB[model] + sum(MODELS_GB[name] for name in used) > self.kind.vram_gb:
            return False
        for idle in [name for name in self.loaded if name not in used]:
            if sum(MODELS_GB[name] for name in self.loaded) + MODELS_GB[model] <= self.kind.vram_gb:
                break
            del self.loaded[idle]
        return True


def fleet(kinds: list[str], dice: random.Random) -> list[Host]:
    """Every host has on its disk the models that fit its memory, but for one now and then. One of them is loaded."""
    made = []
    for number, kind in enumerate(kinds):
        fitting = [name for name, gigabytes in MODELS_GB.items() if gigabytes <= KINDS[kind].vram_gb]
        kept = tuple(name for name in fitting if number < len(KINDS) or dice.random() < 0.8) or (fitting[0],)
        made.append(Host(f"{kind}-{number}", KINDS[kind], kept, loaded={dice.choice(kept): 0.0}))
    return made
