"""What each operation of the clients' doors takes and gives, by an example. Held to be true by tests/unit/gateway/test_openapi.py."""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from bus.auth import Permission
from bus.errors import HiveError, UnknownModel
from coordinator.gateway.llm import sse
from coordinator.gateway.llm.anthropic.messages_request import CountRequest, MessagesRequest
from coordinator.gateway.llm.ollama import chat_request as ollama_chat
from coordinator.gateway.llm.ollama.answer import LINES
from coordinator.gateway.llm.ollama.common import Named
from coordinator.gateway.llm.ollama.create_request import Copy, Create, Pull
from coordinator.gateway.llm.ollama.embed_request import EmbeddingsRequest as OneEmbedding
from coordinator.gateway.llm.ollama.embed_request import EmbedRequest
from coordinator.gateway.llm.ollama.generate_request import GenerateRequest
from coordinator.gateway.llm.ollama.models import VERSION
from coordinator.gateway.llm.openai.chat_request import ChatRequest
from coordinator.gateway.llm.openai.completion_request import CompletionRequest
from coordinator.gateway.llm.openai.embeddings import EmbeddingsRequest
from coordinator.gateway.llm.openai.responses_request import ResponsesRequest

Json = dict[str, Any]
MODEL: Final = "llama3.2:3b"
_HI: Final = [{"role": "user", "content": "Say hello."}]
_AT: Final = "2026-11-26T12:00:00Z"
_USAGE: Final = {"prompt_tokens": 12, "completion_tokens": 2, "total_tokens": 14}
_COUNTED: Final = {"total_duration": 310000000, "prompt_eval_count": 12, "eval_count": 2, "eval_duration": 40000000}
_DETAILS: Final = {
    "parent_model": "",
    "format": "gguf",
    "family": "llama",
    "families": ["llama"],
    "parameter_size": "3.2B",
    "quantization_level": "Q4_K_M",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """`needs` None: any key. `takes`, `body`: of its request, `answer` whole, `streamed` by the media type `stream`. `errors`: beside those
    of every operation of its kind.
    """

    needs: Permission | None = None
    takes: type[BaseModel] | None = None
    body: Json | None = None
    answer: Any = None
    stream: str | None = None
    streamed: str = ""
    is_task: bool = False
    errors: tuple[type[HiveError], ...] = ()
    says: str = "As the protocol has it"


def _task(takes: type[BaseModel], body: Json, answer: Any, stream: str | None = None, streamed: str = "") -> Operation:
    found = Operation(needs=Permission.TASKS_CREATE, takes=takes, body={"model": MODEL, **body}, answer=answer, is_task=True)
    return found if stream is None else _streams(found, stream, streamed)


def _streams(found: Operation, stream: str, streamed: str) -> Operation:
    return Operation(
        needs=found.needs,
        takes=found.takes,
        body=found.body,
        answer=found.answer,
        stream=stream,
        streamed=streamed,
        is_task=found.is_task,
        says="Whole, or in pieces where `stream` asks for them",
    )


_LISTED: Final = {"id": MODEL, "object": "model", "created": 1795700000, "owned_by": "hive"}
_CHAT_HEAD: Final = (
    '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1795700000,"model":"llama3.2:3b","choices":[{"index":0,'
)
_VIEWS: Final = Permission.MODELS_VIEW
_MANAGES: Final = Permission.MODELS_MANAGE

OPENAI: Final[dict[tuple[str, str], Operation]] = {
    ("get", "/v1/models"): Operation(needs=_VIEWS, answer={"object": "list", "data": [_LISTED]}),
    ("get", "/v1/models/{name}"): Operation(needs=_VIEWS, answer=_LISTED, errors=(UnknownModel,)),
    ("post", "/v1/chat/completions"): _task(
        ChatRequest,
        {"messages": _HI, "max_tokens": 16},
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1795700000,
            "model": MODEL,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "Hello!"},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": _USAGE,
        },
        sse.MEDIA_TYPE,
        f'data: {_CHAT_HEAD}"delta":{{"content":"Hello!"}},"logprobs":null,"finish_reason":null}}]}}\n\ndata: [DONE]\n\n',
    ),
    ("post", "/v1/completions"): _task(
        CompletionRequest,
        {"prompt": "Rome is", "max_tokens": 4},
        {
            "id": "cmpl-1",
            "object": "text_completion",
            "created": 1795700000,
            "model": MODEL,
            "choices": [{"index": 0, "text": " a city", "logprobs": None, "finish_reason": "length"}],
            "usage": _USAGE,
        },
        sse.MEDIA_TYPE,
        "data: [DONE]\n\n",
    ),
    ("post", "/v1/embeddings"): _task(
        EmbeddingsRequest,
        {"input": ["a cat"]},
        {
            "object": "list",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.6, 0.8]}],
            "model": MODEL,
            "usage": {"prompt_tokens": 2, "total_tokens": 2},
        },
    ),
    ("post", "/v1/responses"): _task(
        ResponsesRequest,
        {"input": "Say hello."},
        {
            "id": "resp_1",
            "object": "response",
            "created_at": 1795700000,
            "status": "completed",
            "model": MODEL,
            "output": [
                {
                    "type": "message",
                    "id": "msg_1",
                    "status": "completed",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": "Hello!", "annotations": []}],
                }
            ],
        },
        sse.MEDIA_TYPE,
        'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"Hello!"}\n\n',
    ),
}
ANTHROPIC: Final[dict[tuple[str, str], Operation]] = {
    ("post", "/v1/messages"): _task(
        MessagesRequest,
        {"messages": _HI, "max_tokens": 16},
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": MODEL,
            "content": [{"type": "text", "text": "Hello!"}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 12, "output_tokens": 2},
        },
        sse.MEDIA_TYPE,
        'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    ),
    ("post", "/v1/messages/count_tokens"): Operation(
        needs=Permission.TASKS_CREATE, takes=CountRequest, body={"model": MODEL, "messages": _HI}, answer={"input_tokens": 3}
    ),
}
_SAID: Final = {"model": MODEL, "created_at": _AT, "message": {"role": "assistant", "content": "Hello!"}}
_WRITTEN: Final = {"model": MODEL, "created_at": _AT, "response": "Hello!"}
_LINE: Final = '{"model":"llama3.2:3b","created_at":"2026-11-26T12:00:00Z",'
_TAG: Final = {
    "name": MODEL,
    "model": MODEL,
    "modified_at": _AT,
    "size": 2019393189,
    "digest": "a80c4f17acd5",
    "details": _DETAILS,
}
_LOADED: Final = {
    "name": MODEL,
    "model": MODEL,
    "size": 3000000000,
    "digest": "a80c4f17acd5",
    "details": _DETAILS,
    "expires_at": _AT,
    "size_vram": 3000000000,
}


def _moves(takes: type[BaseModel], body: Json, *, steps: str = "", answer: Any = None) -> Operation:
    found = Operation(needs=_MANAGES, takes=takes, body=body, answer=answer, says="It is so")
    return _streams(found, LINES, steps) if steps else found


_SUCCESS: Final = {"status": "success"}
OLLAMA: Final[dict[tuple[str, str], Operation]] = {
    ("get", "/api/version"): Operation(answer={"version": VERSION}),
    ("get", "/api/tags"): Operation(needs=_VIEWS, answer={"models": [_TAG]}),
    ("get", "/api/ps"): Operation(needs=_VIEWS, answer={"models": [_LOADED]}),
    ("post", "/api/show"): Operation(
        needs=_VIEWS,
        takes=Named,
        body={"model": MODEL},
        answer={"modelfile": f"FROM {MODEL}\n", "template": "", "details": _DETAILS, "capabilities": ["completion"]},
    ),
    ("post", "/api/chat"): _task(
        ollama_chat.ChatRequest,
        {"messages": _HI, "stream": False},
        {**_SAID, "done_reason": "stop", "done": True, **_COUNTED},
        LINES,
        _LINE + '"message":{"role":"assistant","content":"Hello!"},"done":false}\n',
    ),
    ("post", "/api/generate"): _task(
        GenerateRequest,
        {"prompt": "Say hello.", "stream": False},
        {**_WRITTEN, "done": True, "done_reason": "stop", **_COUNTED},
        LINES,
        _LINE + '"response":"Hello!","done":false}\n',
    ),
    ("post", "/api/embed"): _task(EmbedRequest, {"input": ["a cat"]}, {"model": MODEL, "embeddings": [[0.6, 0.8]]}),
    ("post", "/api/embeddings"): _task(OneEmbedding, {"prompt": "a cat"}, {"embedding": [0.6, 0.8]}),
    ("post", "/api/pull"): _moves(Pull, {"model": MODEL}, steps='{"status":"pulling manifest"}\n', answer=_SUCCESS),
    ("post", "/api/create"): _moves(
        Create,
        {"model": "brief", "from": MODEL, "system": "Be brief.", "parameters": {"temperature": 0.2}},
        steps='{"status":"writing manifest"}\n{"status":"success"}\n',
        answer=_SUCCESS,
    ),
    ("post", "/api/copy"): _moves(Copy, {"source": MODEL, "destination": "mine"}),
    ("delete", "/api/delete"): _moves(Named, {"model": "mine"}),
}
OPERATIONS: Final = OPENAI | ANTHROPIC | OLLAMA
