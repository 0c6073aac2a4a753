"""Which protocol a path belongs to, and so how its errors are worded: also those of the key, the router and what nobody foresaw."""

from typing import Final, Protocol

from starlette.responses import Response

from bus.errors import HiveError
from coordinator.gateway import problem
from coordinator.gateway.llm.anthropic import errors as anthropic
from coordinator.gateway.llm.ollama import errors as ollama
from coordinator.gateway.llm.openai import errors as openai

ANTHROPIC_PATH: Final = "/v1/messages"


class Dialect(Protocol):
    """A module with this function is one."""

    def respond(self, error: HiveError, request_id: str) -> Response:
        """The whole answer to a request that failed before anything was sent; see `headers_of`."""
        ...


def dialect_of(path: str) -> Dialect | None:
    """None: Hive's own, problem JSON."""
    if path == ANTHROPIC_PATH or path.startswith(f"{ANTHROPIC_PATH}/"):
        return anthropic
    if path == "/v1" or path.startswith("/v1/"):
        return openai
    return ollama if ollama.speaks(path) else None


def takes_addresses(path: str) -> bool:
    """Whether it is for clients of language models, some of which cannot send a key."""
    return path == ollama.ROOT or dialect_of(path) is not None


def respond(error: HiveError, path: str, request_id: str, *, browser: bool = False) -> Response:
    dialect = dialect_of(path)
    if dialect is None:
        return problem.respond(error, path, request_id, browser=browser)
    return dialect.respond(error, request_id)
