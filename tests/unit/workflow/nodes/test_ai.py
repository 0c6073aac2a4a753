"""Chains and agents: what they ask the hive, and what they make of the answers. The model here is a script; real ones are in the engine's tests."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.workflow.build import node, workflow
from workflow.core.driver import Driver
from workflow.core.effects import CallWorkflow, Effect, SubmitTask
from workflow.core.execution import Execution, Reply, Status
from workflow.core.failure import Failure
from workflow.n8n.document import Workflow
from workflow.n8n.parse import parse
from workflow.nodes.ai.step import CUT, LAST

LANG = "@n8n/n8n-nodes-langchain."


def attach(
    name: str, kind: str, to: str, connection: str, parameters: dict[str, Any] | None = None, version: float = 1
) -> tuple[Any, Any]:
    return node(name, LANG + kind, parameters, version=version), (
        name,
        {connection: [[{"node": to, "type": connection, "index": 0}]]},
    )


def flow(
    kind: str, parameters: dict[str, Any], items: list[Any], *helpers: Any, version: float = 1.7, **settings: Any
) -> Workflow:
    made = workflow(
        node("Start", "manualTrigger"),
        node("Node", LANG + kind, parameters, version=version, **settings),
        *(helper for helper, _ in helpers),
        links=["Start → Node"],
        pinData={"Start": [{"json": item} for item in items]},
    )
    document = made.to_document()
    return parse({**document, "connections": {**document["connections"], **dict(link for _, link in helpers)}})


def says(*texts: str) -> Callable[[Effect], Reply]:
    """A model that answers with these, one after the other."""
    left = list(texts)

    def carry_out(effect: Effect) -> Reply:
        assert isinstance(effect, SubmitTask)
        return Reply(value={"status": "completed", "output": {"text": left.pop(0)}})

    return carry_out


def requests(driver: Driver) -> list[dict[str, Any]]:
    return [dict(effect.request) for effect in driver.effects if isinstance(effect, SubmitTask)]


def run(driver: Driver, flow: Workflow, *texts: str) -> Execution:
    driver.carry_out = says(*texts)
    return driver.run(flow)


MODEL = attach(
    "Model", "lmChatOllama", "Node", "ai_languageModel", {"model": "llama3", "options": {"temperature": 0.2, "numPredict": 50}}
)
OPENAI = attach(
    "Model",
    "lmChatOpenAi",
    "Node",
    "ai_languageModel",
    {"model": {"__rl": True, "value": "gpt-4o-mini", "mode": "list"}, "options": {"maxTokens": -1, "topP": 0.5}},
    1.2,
)
MEMORY = attach("Memory", "memoryBufferWindow", "Node", "ai_memory", {"contextWindowLength": 1}, 1.3)
PARSER = attach(
    "Parser", "outputParserStructured", "Node", "ai_outputParser", {"jsonSchemaExample": '{"name": "x", "age": 1}'}, 1.2
)
CODE = attach(
    "add_up",
    "toolCode",
    "Node",
    "ai_tool",
    {"description": "adds", "jsCode": "return query.split(',').reduce((a, b) => a + Number(b), 0)"},
    1.1,
)


@pytest.mark.parametrize(
    ("version", "parameters", "item", "content", "gives"),
    [
        (1.5, {}, {"chatInput": "hi"}, "hi", {"text": "hello"}),
        (1.5, {"promptType": "define", "text": "=Say {{ $json.w }}"}, {"w": "ho"}, "Say ho", {"text": "hello"}),
        (1.4, {"promptType": "auto"}, {"chatInput": "hi"}, "hi", {"text": "hello"}),
        (1.3, {"prompt": "=Old {{ $json.w }}"}, {"w": "ho"}, "Old ho", {"text": "hello"}),
        (1, {"prompt": "Older"}, {}, "Older", {"response": {"text": "hello"}}),
    ],
)
def test_a_chain_asks_its_prompt(driver: Driver, version: float, parameters: Any, item: Any, content: str, gives: Any) -> None:
    execution = run(driver, flow("chainLlm", parameters, [item], MODEL, version=version), "hello")
    assert [each["json"] for each in execution.last_items()] == [gives]
    (request,) = requests(driver)
    assert request["model"] == "llama3"
    assert request["options"] == {"temperature": 0.2, "num_predict": 50}
    assert request["messages"] == [{"role": "user", "content": content}]


def test_a_chain_has_messages_before_the_prompt(driver: Driver) -> None:
    values = [
        {"message": "Be brief"},
        {"type": "AIMessagePromptTemplate", "message": "ok"},
        {"type": "HumanMessagePromptTemplate", "message": "q"},
    ]
    run(driver, flow("chainLlm", {"messages": {"messageValues": values}}, [{"chatInput": "hi"}], MODEL, version=1.5), "x")
    assert [each["role"] for each in requests(driver)[0]["messages"]] == ["system", "assistant", "user", "user"]


def test_each_item_is_a_question(driver: Driver) -> None:
    execution = run(driver, flow("chainLlm", {}, [{"chatInput": "a"}, {"chatInput": "b"}], MODEL, version=1.5), "1", "2")
    assert [(item["json"]["text"], item["pairedItem"]) for item in execution.last_items()] == [
        ("1", {"item": 0}),
        ("2", {"item": 1}),
    ]


@pytest.mark.parametrize(
    ("mapping", "name"), [({}, None), ({"*": "small"}, "small"), ({"gpt-4o-mini": "big", "*": "small"}, "big")]
)
def test_a_model_of_a_provider_is_mapped(driver: Driver, mapping: dict[str, str], name: str | None) -> None:
    driver.interpreter.environment = lambda _: {"models": mapping}
    run(driver, flow("chainLlm", {}, [{"chatInput": "hi"}], OPENAI, version=1.5), "hello")
    assert requests(driver)[0].get("model") == name
    assert requests(driver)[0]["options"] == {"top_p": 0.5}


def test_without_a_model_it_says_so(driver: Driver) -> None:
    execution = run(driver, flow("chainLlm", {}, [{"chatInput": "hi"}], version=1.5))
    assert execution.failure is not None
    assert "model sub-node must be connected" in execution.failure.message


def test_without_a_prompt_it_says_so(driver: Driver) -> None:
    execution = run(driver, flow("agent", {}, [{"other": 1}], MODEL))
    assert execution.failure is not None
    assert "No prompt specified" in execution.failure.message


def test_a_task_that_fails_fails_its_item(driver: Driver) -> None:
    driver.carry_out = lambda _: Reply(failure=Failure(message="No agent has the model", code="no_agent"))
    execution = driver.run(flow("chainLlm", {}, [{"chatInput": "hi"}], MODEL, version=1.5, onError="continueRegularOutput"))
    assert [item["json"] for item in execution.last_items()] == [{"error": "No agent has the model"}]


@pytest.mark.parametrize("kind", ["chainLlm", "agent"])
def test_structured_output_is_read_from_what_stands_around_it(driver: Driver, kind: str) -> None:
    texts = ['Sure: ```json\n{"name": "Ada", "age": 36}\n```']
    execution = run(
        driver,
        flow(kind, {}, [{"chatInput": "who"}], MODEL, PARSER, version=1.6),
        *(["she is Ada"] if kind == "agent" else []),
        *texts,
    )
    assert [item["json"] for item in execution.last_items()] == [{"output": {"name": "Ada", "age": 36}}]
    assert "valid against this JSON schema" in requests(driver)[-1]["messages"][-1]["content"]


def test_an_answer_that_does_not_fit_is_asked_for_again(driver: Driver) -> None:
    texts = '{"name": "Ada"}', '{"name": "Ada", "age": 36}'
    execution = run(driver, flow("chainLlm", {}, [{"chatInput": "who"}], MODEL, PARSER, version=1.6), *texts)
    assert execution.status is Status.SUCCESS
    assert "output lacks age" in requests(driver)[1]["messages"][-1]["content"]


@pytest.mark.parametrize("text", ["no", '{"name": 1, "age": 2}', "[]"])
def test_one_that_never_fits_fails(driver: Driver, text: str) -> None:
    execution = run(driver, flow("chainLlm", {}, [{"chatInput": "who"}], MODEL, PARSER, version=1.6), text, text)
    assert execution.failure is not None
    assert "doesn't fit required format" in execution.failure.message


def test_an_agent_answers(driver: Driver) -> None:
    execution = run(driver, flow("agent", {"options": {"systemMessage": "Be kind"}}, [{"chatInput": "hi"}], MODEL), "hello")
    assert [item["json"] for item in execution.last_items()] == [{"output": "hello"}]
    assert requests(driver)[0]["messages"] == [{"role": "system", "content": "Be kind"}, {"role": "user", "content": "hi"}]


def test_an_agent_uses_a_tool_of_code(driver: Driver) -> None:
    wish = json.dumps({"tool": "add_up", "input": "1,2,3"})
    parameters = {"options": {"returnIntermediateSteps": True}}
    execution = run(driver, flow("agent", parameters, [{"chatInput": "sum"}], MODEL, CODE), wish, "It is 6")
    (item,) = execution.last_items()
    assert item["json"]["output"] == "It is 6"
    assert item["json"]["intermediateSteps"] == [{"action": {"tool": "add_up", "toolInput": "1,2,3"}, "observation": "6"}]
    first, second = requests(driver)
    assert "- add_up: adds" in first["messages"][0]["content"]
    assert second["messages"][-1]["content"] == "The tool add_up gave:\n6"


def test_an_agent_is_told_of_a_tool_that_fails_or_is_none(driver: Driver) -> None:
    tool = attach("bad", "toolCode", "Node", "ai_tool", {"jsCode": "throw new Error('broken')"}, 1.1)
    texts = '{"tool": "bad", "input": ""}', '{"tool": "gone", "input": ""}', "sorry"
    execution = run(driver, flow("agent", {}, [{"chatInput": "x"}], MODEL, tool), *texts)
    assert execution.last_items()[0]["json"] == {"output": "sorry"}
    assert "broken" in requests(driver)[1]["messages"][-1]["content"]
    assert "no tool 'gone'" in requests(driver)[2]["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("given", "answer"), [("(2 + 3) * 4", "20"), ("2^3", "8"), ("process.exit()", "numbers, brackets"), ("(1", "failed")]
)
def test_the_calculator_calculates_and_no_more(driver: Driver, given: str, answer: str) -> None:
    tool = attach("calculator", "toolCalculator", "Node", "ai_tool")
    run(
        driver, flow("agent", {}, [{"chatInput": "x"}], MODEL, tool), json.dumps({"tool": "calculator", "input": given}), "done"
    )
    assert answer in requests(driver)[1]["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("parameters", "version", "given", "fields"),
    [
        ({"workflowId": "sub"}, 1.1, "Bonn", {"query": "Bonn"}),
        ({"workflowId": {"__rl": True, "value": "sub"}}, 1.2, {"query": "Bonn"}, {"query": "Bonn"}),
        (
            {"workflowId": {"value": "sub"}, "workflowInputs": {"value": {"city": "={{ $fromAI('city') }}", "n": 1}}},
            2,
            {"city": "Ulm"},
            {"city": "Ulm", "n": 1},
        ),
    ],
)
def test_an_agent_calls_another_workflow(driver: Driver, parameters: Any, version: float, given: Any, fields: Any) -> None:
    sub = workflow(
        node("In", "executeWorkflowTrigger"),
        node("Out", "set", {"mode": "raw", "jsonOutput": '={"got": {{ JSON.stringify($json) }}}'}, version=3.4),
        links=["In → Out"],
    )
    driver.workflows = {"sub": sub}
    tool = attach("weather", "toolWorkflow", "Node", "ai_tool", {"name": "weather", "description": "d", **parameters}, version)
    run(driver, flow("agent", {}, [{"chatInput": "x"}], MODEL, tool), json.dumps({"tool": "weather", "input": given}), "fine")
    assert next(effect for effect in driver.effects if isinstance(effect, CallWorkflow)).items == [{"json": fields}]
    assert json.loads(requests(driver)[1]["messages"][-1]["content"].partition("\n")[2]) == {"got": fields}


def test_an_agent_that_never_answers_is_stopped(driver: Driver) -> None:
    wish = json.dumps({"tool": "add_up", "input": "1"})
    execution = run(driver, flow("agent", {"options": {"maxIterations": 2}}, [{"chatInput": "x"}], MODEL, CODE), wish, wish)
    assert execution.failure is not None
    assert "Max iterations" in execution.failure.message


def test_memory_keeps_the_last_exchanges_of_a_session(driver: Driver) -> None:
    items = [{"chatInput": text, "sessionId": session} for text, session in (("a", "1"), ("b", "1"), ("c", "1"), ("d", "2"))]
    execution = run(driver, flow("agent", {}, items, MODEL, MEMORY), "A", "B", "C", "D")
    said = [[each["content"] for each in request["messages"][1:]] for request in requests(driver)]
    assert said == [["a"], ["a", "A", "b"], ["b", "B", "c"], ["d"]]
    assert requests(driver)[0]["session"] == "Memory:1"
    assert set(execution.static_data["memory"]) == {"Memory:1", "Memory:2"}


@pytest.mark.parametrize(
    ("parameters", "answer", "gives"),
    [
        ({}, "hi", {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}),
        (
            {"jsonOutput": True},
            '{"a": 1}',
            {"index": 0, "message": {"role": "assistant", "content": {"a": 1}}, "finish_reason": "stop"},
        ),
        (
            {"simplify": False},
            "hi",
            {"choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]},
        ),
    ],
)
def test_the_open_ai_node_messages_a_model(driver: Driver, parameters: Any, answer: str, gives: Any) -> None:
    messages = {"values": [{"content": "=Hello {{ $json.n }}"}, {"role": "system", "content": "s"}]}
    execution = run(driver, flow("openAi", {"messages": messages, **parameters}, [{"n": 1}], version=1.8), answer)
    assert [item["json"] for item in execution.last_items()] == [gives]
    assert requests(driver)[0]["messages"][:2] == [{"role": "user", "content": "Hello 1"}, {"role": "system", "content": "s"}]


def test_what_the_open_ai_node_does_beside_is_refused(driver: Driver) -> None:
    execution = run(driver, flow("openAi", {"resource": "image", "operation": "generate"}, [{}], version=1.8))
    assert execution.failure is not None
    assert "image: generate is not run here" in execution.failure.message


def test_information_is_extracted_by_attributes(driver: Driver) -> None:
    attributes = {"attributes": [{"name": "city", "required": True}, {"name": "people", "type": "number"}]}
    parameters = {"text": "={{ $json.t }}", "attributes": attributes}
    execution = run(driver, flow("informationExtractor", parameters, [{"t": "Ulm"}], MODEL, version=1), '{"city": "Ulm"}')
    assert [item["json"] for item in execution.last_items()] == [{"output": {"city": "Ulm"}}]
    assert '"required": ["city"]' in requests(driver)[0]["messages"][-1]["content"]


def test_information_is_extracted_by_a_schema(driver: Driver) -> None:
    parameters = {"text": "x", "schemaType": "fromJson", "jsonSchemaExample": '{"n": 1}'}
    execution = run(driver, flow("informationExtractor", parameters, [{}], MODEL, version=1), '{"n": "a"}', '{"n": 2}')
    assert [item["json"] for item in execution.last_items()] == [{"output": {"n": 2}}]


def outputs_of(execution: Execution) -> list[list[Any]]:
    return [[item["json"] for item in items or ()] for items in execution.runs["Node"][-1].outputs or ()]


@pytest.mark.parametrize(
    ("options", "answer", "gives"),
    [
        ({}, '{"categories": ["b", "a"]}', [[], [{"t": 1}]]),
        ({"multiClass": True}, '{"categories": ["b", "a"]}', [[{"t": 1}], [{"t": 1}]]),
        ({"fallback": "other"}, '{"categories": []}', [[], [], [{"t": 1}]]),
        ({}, '{"categories": []}', [[], []]),
    ],
)
def test_texts_are_sorted_into_categories(driver: Driver, options: Any, answer: str, gives: Any) -> None:
    categories = {"categories": [{"category": "a", "description": "first"}, {"category": "b"}]}
    parameters = {"inputText": "={{ $json.t }}", "categories": categories, "options": options}
    assert outputs_of(run(driver, flow("textClassifier", parameters, [{"t": 1}], MODEL, version=1), answer)) == gives


def test_a_sentiment_chooses_the_output(driver: Driver) -> None:
    execution = run(
        driver, flow("sentimentAnalysis", {"inputText": "fine"}, [{"t": 1}], MODEL, version=1), '{"sentiment": "Neutral"}'
    )
    assert outputs_of(execution) == [[], [{"t": 1, "sentimentAnalysis": {"category": "Neutral"}}], []]


def test_a_long_text_is_summed_up_in_pieces(driver: Driver) -> None:
    execution = run(driver, flow("chainSummarization", {}, [{"text": "x" * 13_000}], MODEL, version=2), "one", "two", "all")
    assert [item["json"] for item in execution.last_items()] == [{"response": {"text": "all"}}]
    assert requests(driver)[2]["messages"][0]["content"].endswith("one\n\ntwo")


def refusing(*texts: str, code: str) -> Callable[[Effect], Reply]:
    """Hosts of which none writes by a grammar."""
    speaks = says(*texts)

    def carry_out(effect: Effect) -> Reply:
        assert isinstance(effect, SubmitTask)
        return Reply(failure=Failure(message="no", code=code)) if "format" in effect.request else speaks(effect)

    return carry_out


def test_structured_output_is_written_by_the_schema(driver: Driver) -> None:
    run(driver, flow("chainLlm", {}, [{"chatInput": "who"}], MODEL, PARSER, version=1.6), '{"name": "Ada", "age": 36}')
    form = requests(driver)[0]["format"]
    assert form["properties"] == {"name": {"type": "string"}, "age": {"type": "number"}}
    assert form["required"] == ["name", "age"]


@pytest.mark.parametrize("code", ["unsupported_by_backend", "backend_refused"])
def test_where_no_host_writes_by_a_schema_the_model_is_only_told_of_it(driver: Driver, code: str) -> None:
    driver.carry_out = refusing('{"name": "Ada"}', 'So: {"name": "Ada", "age": 36}', code=code)
    execution = driver.run(flow("chainLlm", {}, [{"chatInput": "who"}], MODEL, PARSER, version=1.6))
    assert [item["json"] for item in execution.last_items()] == [{"output": {"name": "Ada", "age": 36}}]
    assert [("format" in each) for each in requests(driver)] == [True, False, True, False]


def test_a_task_that_failed_otherwise_is_not_asked_again_without_its_form(driver: Driver) -> None:
    driver.carry_out = refusing(code="task_timeout")
    execution = driver.run(flow("chainLlm", {}, [{"chatInput": "who"}], MODEL, PARSER, version=1.6))
    assert execution.status is Status.ERROR
    assert len(requests(driver)) == 1


TYPED = attach(
    "look",
    "toolCode",
    "Node",
    "ai_tool",
    {
        "description": "looks",
        "jsCode": "return `${query.shelf}: full`",
        "specifyInputSchema": True,
        "jsonSchemaExample": '{"shelf": 3}',
    },
    1.3,
)


def test_a_step_is_the_use_of_a_tool_or_an_answer(driver: Driver) -> None:
    """Each tool with what it takes; the last step that it may take is an answer, and the model is told so."""
    texts = '{"tool": "look", "input": {"shelf": 4}}', '{"answer": "It is full"}'
    parameters = {"options": {"maxIterations": 2}}
    execution = run(driver, flow("agent", parameters, [{"chatInput": "x"}], MODEL, TYPED, CODE), *texts)
    assert execution.last_items()[0]["json"] == {"output": "It is full"}
    first, last = requests(driver)
    assert '- look: looks Its input is an object with "shelf" (number).' in first["messages"][0]["content"]
    steps = first["format"]["anyOf"]
    taken = {step["properties"]["tool"]["enum"][0]: step["properties"]["input"] for step in steps[:-1]}
    assert taken == {
        "look": {"type": "object", "properties": {"shelf": {"type": "number"}}, "required": ["shelf"]},
        "add_up": {"type": "string"},
    }
    assert list(steps[-1]["properties"]) == list(last["format"]["properties"]) == ["answer"]
    assert last["messages"][-1]["content"] == f"The tool look gave:\n4: full\n\n{LAST}"


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ('{"answer": "All is wel', "All is wel"),
        ("In plain words", "In plain words"),
        ('```json\n{"answer": "fenced"}\n```', "fenced"),
        ('{"answer": {"a": 1}}', '{"answer": {"a": 1}}'),
        ('{"answer": "x", "more": 1}', '{"answer": "x", "more": 1}'),
        ('See {"a": 1}', 'See {"a": 1}'),
    ],
)
def test_an_agent_s_answer_is_read_also_where_it_was_cut_or_has_no_form(driver: Driver, text: str, output: str) -> None:
    execution = run(driver, flow("agent", {}, [{"chatInput": "x"}], MODEL, CODE), text)
    assert execution.last_items()[0]["json"] == {"output": output}


def test_a_use_of_a_tool_that_was_cut_is_no_answer(driver: Driver) -> None:
    execution = run(
        driver, flow("agent", {}, [{"chatInput": "x"}], MODEL, CODE), '{"tool": "add_up", "input": "1,2,', '{"answer": "3"}'
    )
    assert execution.last_items()[0]["json"] == {"output": "3"}
    assert requests(driver)[1]["messages"][-1]["content"] == CUT


@pytest.mark.parametrize(
    ("tool", "takes"),
    [
        (attach("t", "toolCalculator", "Node", "ai_tool"), {"type": "string"}),
        (
            attach(
                "t", "toolWorkflow", "Node", "ai_tool", {"workflowInputs": {"value": {"city": "={{ $fromAI('city') }}"}}}, 2.1
            ),
            {"type": "object", "properties": {"city": {"type": ["string", "number", "boolean"]}}, "required": ["city"]},
        ),
        (
            attach("t", "toolHttpRequest", "Node", "ai_tool", {"url": "https://x.example/{id}"}, 1.1),
            {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
        ),
        (attach("t", "toolHttpRequest", "Node", "ai_tool", {"url": "https://x.example"}, 1.1), {"type": "string"}),
    ],
)
def test_the_model_is_held_to_what_a_tool_takes(driver: Driver, tool: Any, takes: Any) -> None:
    run(driver, flow("agent", {}, [{"chatInput": "x"}], MODEL, tool), '{"answer": "ok"}')
    assert requests(driver)[0]["format"]["anyOf"][0]["properties"]["input"] == takes
