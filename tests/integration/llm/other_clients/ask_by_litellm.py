"""Runs in the benchmark's environment (see ../test_other_clients.py): LiteLLM as a client, by each protocol. Prints what came back."""

import json
import sys

import litellm

url, key, model = sys.argv[1:]
messages = [{"role": "user", "content": "Say hello."}]
by_protocol = {"openai": f"{url}/v1", "ollama_chat": url, "anthropic": url}


def ask(protocol: str) -> dict[str, object]:
    hive = {"model": f"{protocol}/{model}", "api_base": by_protocol[protocol], "api_key": key}
    asked = {**hive, "messages": messages, "max_tokens": 8, "temperature": 0, "num_retries": 0}
    whole = litellm.completion(**asked)
    chunks = litellm.completion(**asked, stream=True)
    return {
        "whole": whole.choices[0].message.content,
        "tokens": whole.usage.completion_tokens,
        "pieces": [chunk.choices[0].delta.content or "" for chunk in chunks],
    }


def unknown() -> str:
    """The error that its users get for a model that is nowhere."""
    try:
        litellm.completion(model="openai/nope", api_base=by_protocol["openai"], api_key=key, messages=messages, num_retries=0)
    except litellm.NotFoundError as error:
        return str(error)
    return ""


vectors = litellm.embedding(
    model=f"openai/{model}", api_base=by_protocol["openai"], api_key=key, input=["a cat", "a house"], encoding_format="float"
)
answers = {protocol: ask(protocol) for protocol in by_protocol}
print(json.dumps({**answers, "unknown": unknown(), "vectors": [each["embedding"] for each in vectors.data]}))
