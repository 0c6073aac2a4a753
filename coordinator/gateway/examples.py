"""Examples for the API's own documentation. A test sends each through its model."""

from typing import Final

from fastapi.openapi.models import Example

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
UPSTREAMS: Final[dict[str, Example]] = {
    "ollama": {"summary": "An Ollama host", "value": {"url": "http://gpu-host:11434", "agent_id": "acacia", "slots": 2}},
    "openai": {
        "summary": "An OpenAI-compatible server",
        "value": {"url": "http://gpu-host:8000", "kind": "openai", "labels": {"site": "basement"}},
    },
}
KEYS: Final[dict[str, Example]] = {
    "developer": {"summary": "May submit, and see its own tasks", "value": {"owner": "anna", "name": "notebook"}},
    "one model": {
        "summary": "May use one model only",
        "value": {"owner": "ci", "role": "developer", "models": ["llama3.2:3b"]},
    },
}
