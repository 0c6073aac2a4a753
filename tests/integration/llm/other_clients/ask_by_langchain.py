"""Runs in the benchmark's environment (see ../test_other_clients.py): langchain-ollama as its users write it. Prints what came back."""

import json
import sys

from langchain_core.messages import HumanMessage, SystemMessage
from langchain_ollama import ChatOllama, OllamaEmbeddings, OllamaLLM

url, key, model = sys.argv[1:]
hive = {"model": model, "base_url": url, "client_kwargs": {"headers": {"Authorization": f"Bearer {key}"}}}
COLOUR = {
    "title": "Colour",
    "description": "A colour.",
    "type": "object",
    "properties": {"name": {"type": "string", "enum": ["red", "green"]}},
    "required": ["name"],
}

chat = ChatOllama(**hive, temperature=0, num_predict=8, validate_model_on_init=True)
messages = [SystemMessage("Be brief."), HumanMessage("Say hello.")]
whole = chat.invoke(messages)
print(
    json.dumps(
        {
            "whole": whole.content,
            "usage": whole.usage_metadata,
            "pieces": [chunk.content for chunk in chat.stream(messages)],
            "form": ChatOllama(**hive, temperature=0).with_structured_output(COLOUR, method="json_schema").invoke("A colour?"),
            "text": OllamaLLM(**hive, temperature=0, num_predict=8).invoke("Say hello."),
            "vectors": OllamaEmbeddings(**hive).embed_documents(["a cat", "a house"]),
        }
    )
)
