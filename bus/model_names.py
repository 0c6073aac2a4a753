"""When two names mean one model. Ollama's rule, which its users know: a name without a tag means `:latest`."""

from functools import lru_cache


@lru_cache(maxsize=4096)
def tagged(name: str) -> str:
    return name if ":" in name.rsplit("/", 1)[-1] else f"{name}:latest"


def same_model(one: str, other: str) -> bool:
    return tagged(one) == tagged(other)
