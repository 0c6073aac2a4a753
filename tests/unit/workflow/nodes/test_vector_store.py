"""Documents in pieces, their vectors, and the store that finds them. The model here is a script."""

import base64
import json
from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workflow.nodes.test_ai import MODEL, attach, flow
from workflow.core.driver import Driver
from workflow.core.effects import Effect, HandleDocuments, SubmitTask
from workflow.core.execution import Execution, Reply
from workflow.nodes.ai.loading import split
from workflow.outside.vectors import nearness


def packed(*numbers: float) -> str:
    return base64.b64encode(array("f", numbers).tobytes()).decode()


def embed(model: str = "embeddingsOllama", name: str = "nomic") -> Any:
    return attach("Embed", model, "Node", "ai_embedding", {"model": name})


def load(to: str = "Node", **parameters: Any) -> Any:
    return attach("Load", "documentDefaultDataLoader", to, "ai_document", parameters)


def run(driver: Driver, parameters: Any, items: Any, *helpers: Any, found: Any = ()) -> Execution:
    def carry_out(effect: Effect) -> Reply:
        if isinstance(effect, SubmitTask):
            texts: Any = effect.request["input"]
            return Reply(value={"status": "completed", "output": {"embeddings": [packed(len(text), 1) for text in texts]}})
        assert isinstance(effect, HandleDocuments)
        return Reply(value=list(found) if effect.operation == "search" else None)

    driver.carry_out = carry_out
    return driver.run(flow("vectorStoreInMemory", parameters, items, *helpers, version=1.1))


def test_items_are_added_in_pieces(driver: Driver) -> None:
    about = {"metadata": {"metadataValues": [{"name": "of", "value": "={{ $json.id }}"}]}}
    loader = load(jsonMode="expressionData", jsonData="={{ $json.text }}", options=about)
    splitter = attach("Split", "textSplitterRecursiveCharacterTextSplitter", "Load", "ai_textSplitter", {"chunkSize": 10})
    wish = {"mode": "insert", "memoryKey": {"__rl": True, "value": "notes"}, "clearStore": True}
    items = [{"id": 1, "text": "first part\n\nsecond"}, {"id": 2, "text": "third"}]
    execution = run(driver, wish, items, embed(), loader, splitter)
    assert execution.failure is None, execution.failure
    assert [item["json"]["pageContent"] for item in execution.last_items()] == ["first part", "second", "third"]
    assert [item["pairedItem"] for item in execution.last_items()] == [{"item": 0}, {"item": 0}, {"item": 1}]
    asked, added = driver.effects
    assert isinstance(asked, SubmitTask)
    assert (asked.request["kind"], asked.request["model"]) == ("embed", "nomic")
    assert isinstance(added, HandleDocuments)
    assert (added.operation, added.store, added.clear) == ("add", "notes", True)
    assert added.metadata == [{"of": "1"}, {"of": "1"}, {"of": "2"}]
    assert added.vectors[1] == packed(6, 1)


def test_a_prompt_finds_documents(driver: Driver) -> None:
    found = [{"text": "one", "metadata": {"a": "b"}, "score": 0.9}]
    execution = run(driver, {"mode": "load", "prompt": "={{ $json.q }}", "topK": 2}, [{"q": "what"}], embed(), found=found)
    (item,) = execution.last_items()
    assert item["json"] == {"document": {"pageContent": "one", "metadata": {"a": "b"}}, "score": 0.9}
    searched = driver.effects[-1]
    assert isinstance(searched, HandleDocuments)
    assert (searched.top, searched.store, searched.vectors) == (2, "vector_store_key", [packed(4, 1)])


def test_an_agent_looks_for_documents(driver: Driver) -> None:
    texts = [json.dumps({"tool": "ask", "input": "bees"}), "done"]
    name, link = "ask", {"ai_tool": [[{"node": "Node", "type": "ai_tool", "index": 0}]]}
    store, _ = attach(
        "ask", "vectorStoreInMemory", "Node", "ai_tool", {"mode": "retrieve-as-tool", "toolDescription": "knows bees"}
    )
    embedding = attach("Embed", "embeddingsOllama", "ask", "ai_embedding", {"model": "nomic"})

    def carry_out(effect: Effect) -> Reply:
        if isinstance(effect, HandleDocuments):
            return Reply(value=[{"text": "They hum", "metadata": {}, "score": 1}])
        assert isinstance(effect, SubmitTask)
        if effect.request.get("kind") == "embed":
            return Reply(value={"output": {"embeddings": [packed(1, 0)]}})
        return Reply(value={"output": {"text": texts.pop(0)}})

    driver.carry_out = carry_out
    execution = driver.run(flow("agent", {}, [{"chatInput": "x"}], MODEL, (store, (name, link)), embedding))
    assert execution.last_items()[0]["json"] == {"output": "done"}
    asked = [effect.request for effect in driver.effects if isinstance(effect, SubmitTask)]
    assert "- ask: knows bees" in str(asked[0]["messages"])
    assert "They hum" in str(asked[-1]["messages"])


@pytest.mark.parametrize(
    ("parameters", "helpers", "says"),
    [
        ({"mode": "load", "prompt": "x"}, [], "embeddings sub-node"),
        ({"mode": "load", "prompt": ""}, [embed()], "prompt is empty"),
        ({"mode": "insert"}, [embed()], "document loader"),
        ({"mode": "retrieve"}, [embed()], "does nothing by itself"),
    ],
)
def test_what_is_missing_is_told(driver: Driver, parameters: Any, helpers: Any, says: str) -> None:
    execution = run(driver, parameters, [{}], *helpers)
    assert execution.failure is not None
    assert says in execution.failure.message


def test_pieces_end_where_they_may_and_share_what_they_shall() -> None:
    assert split("a b c\n\nd e f", 6) == ["a b c", "d e f"]
    assert split("one two three four", 9) == ["one two", "three", "four"]
    assert split("one two three four", 9, 4) == ["one two", "two three", "four"]
    assert split("abcdefghij", 4, 1) == ["abcd", "defg", "ghij"]
    assert split("", 4) == []


@given(st.text(alphabet="ab \n", max_size=60), st.integers(2, 10), st.integers(0, 1))
def test_no_piece_is_too_long_and_nothing_is_lost(text: str, size: int, shared: int) -> None:
    pieces = split(text, size, shared)
    assert all(0 < len(piece) <= size for piece in pieces)
    assert set("".join(text.split())) == set("".join("".join(pieces).split()))


def test_what_points_the_same_way_is_near() -> None:
    assert nearness([1.0, 0.0], [2.0, 0.0]) == 1
    assert nearness([1.0, 0.0], [0.0, 3.0]) == 0
    assert nearness([0.0, 0.0], [1.0, 1.0]) == 0
