"""Workflows of several kinds whose effects can be told apart: each request has a path of its own, made of the execution's token and a label."""

from collections.abc import Mapping
from typing import Any, Final

from tests.integration.workflow.parts import chain, node

SAVED: Final = {"saveDataSuccessExecution": "all", "saveDataErrorExecution": "all"}
TOKEN: Final = "$('Start').first().json.token"
HOOK_TOKEN: Final = "$('Start').first().json.body.token"


def request(name: str, url: str, token: str = TOKEN, label: str = "", **more: Any) -> dict[str, Any]:
    """`label`: an expression's text that follows the node's name."""
    address = f"={{{{ '{url}' + {token} + '/{name}'{label} }}}}"
    return node(name, "httpRequest", {"method": "POST", "url": address, "options": {}}, 4.2, **more)


def start(kind: str = "manualTrigger", parameters: dict[str, Any] | None = None, version: float = 1) -> dict[str, Any]:
    return node("Start", kind, parameters, version)


def with_model(document: dict[str, Any], name: str, model: str) -> dict[str, Any]:
    """Attaches a chat model to the node `name`. Its answers are short: a real model computes each of their tokens."""
    parameters = {"model": model, "options": {"temperature": 0, "numPredict": 6}}
    document["nodes"].append(node("Model", "@n8n/n8n-nodes-langchain.lmChatOllama", parameters, 1))
    document["connections"]["Model"] = {"ai_languageModel": [[{"node": name, "type": "ai_languageModel", "index": 0}]]}
    return document


def ask(token: str = TOKEN) -> dict[str, Any]:
    text = f"={{{{ 'Say a word about ' + {token} }}}}"
    return node("Ask", "@n8n/n8n-nodes-langchain.chainLlm", {"promptType": "define", "text": text}, 1.4)


def question(url: str, model: str) -> dict[str, Any]:
    """Pure nodes, requests, and a question between them."""
    given = {"mode": "raw", "jsonOutput": '={{ {"n": 1} }}'}
    code = node("Code", "code", {"jsCode": "return [{json: {n: $input.first().json.ok ? 2 : 0}}]"}, 2)
    nodes = (start(), node("Given", "set", given, 3.4), request("One", url), code, ask(), request("Two", url))
    return with_model(chain(*nodes), "Ask", model)


def loop(url: str) -> dict[str, Any]:
    """A request for each of three items, one after the other."""
    split = node("Three", "code", {"jsCode": "return [1, 2, 3].map(n => ({json: {n}}))"}, 2)
    each = request("Each", url, label=" + $runIndex")
    document = chain(start(), split, node("Loop", "splitInBatches", {"batchSize": 1}, 3))
    document["nodes"] += [each, request("After", url, executeOnce=True)]
    document["connections"]["Loop"] = {
        "main": [[{"node": "After", "type": "main", "index": 0}], [{"node": "Each", "type": "main", "index": 0}]]
    }
    document["connections"]["Each"] = {"main": [[{"node": "Loop", "type": "main", "index": 0}]]}
    return document


def branches(url: str) -> dict[str, Any]:
    """Two requests side by side, their merge, and one more."""
    document = chain(start(), request("Left", url), node("Merge", "merge", {"mode": "append"}, 3), request("End", url))
    document["nodes"] += [request("Right", url)]
    document["nodes"][-1]["position"] = [0, 200]
    document["nodes"][3]["executeOnce"] = True
    document["connections"]["Start"]["main"][0].append({"node": "Right", "type": "main", "index": 0})
    document["connections"]["Right"] = {"main": [[{"node": "Merge", "type": "main", "index": 1}]]}
    return document


def waits(url: str) -> dict[str, Any]:
    """A wait that stays in memory, and one that is let go of."""
    short = node("Short", "wait", {"amount": 1, "unit": "seconds"}, 1.1)
    long = node("Long", "wait", {"amount": 6, "unit": "seconds"}, 1.1)
    return chain(start(), request("One", url), short, request("Two", url), long, request("Three", url))


def child(url: str, model: str) -> dict[str, Any]:
    called = node("Start", "executeWorkflowTrigger")
    return with_model(chain(called, request("Inner", url), ask(), request("Last", url)), "Ask", model)


def parent(url: str, child_id: str) -> dict[str, Any]:
    given = node("Given", "set", {"mode": "raw", "jsonOutput": f'={{{{ {{"token": {TOKEN}}} }}}}'}, 3.4)
    call = node("Call", "executeWorkflow", {"workflowId": {"__rl": True, "mode": "id", "value": child_id}}, 1.2)
    return chain(start(), request("Before", url), given, call, request("After", url))


def told(url: str) -> dict[str, Any]:
    """An error workflow: it gets the failed execution's id, and the token in the message."""
    token = "$('Start').first().json.execution.error.message"
    return chain(node("Start", "errorTrigger"), request("Told", url, token), settings=SAVED)


def failing(url: str, error_workflow: str) -> dict[str, Any]:
    """Called by a webhook that answers at once."""
    hook = start("webhook", {"path": "failing", "httpMethod": "POST"}, 2)
    stop = node("Stop", "stopAndError", {"errorMessage": f"={{{{ {HOOK_TOKEN} }}}}"})
    return chain(hook, request("One", url, HOOK_TOKEN), stop, settings={"errorWorkflow": error_workflow})


def outward(url: str, mcp: str) -> dict[str, Any]:
    """Code in Python, a mail that may come twice, one that must not, and a tool that must not be called twice, between requests."""
    python = {"language": "pythonNative", "pythonCode": "return [{'json': {'word': 'py' * 2}}]"}
    calls = {"endpointUrl": mcp, "authentication": "none", "tool": "pay", "inputMode": "json"}
    given = {"jsonInput": f"={{{{ {{token: {TOKEN}}} }}}}"}
    pay = node("Pay", "@n8n/n8n-nodes-langchain.mcpClient", {**calls, **given}, 1)
    nodes = (
        start(),
        request("One", url),
        node("Python", "code", python, 2),
        mail("Mail"),
        mail("Once", onInterrupt="outcomeUnknown"),
        pay,
        request("Two", url, label=" + $('Python').first().json.word"),
    )
    return chain(*nodes, settings=SAVED)


def mail(name: str, **more: Any) -> dict[str, Any]:
    """Its subject says whose it is."""
    to = {"fromEmail": "bee@example.org", "toEmail": "ann@example.com", "subject": f"={{{{ {TOKEN} + '/{name}' }}}}"}
    return node(
        name, "emailSend", {**to, "emailFormat": "text", "text": "x"}, 2.1, credentials={"smtp": {"name": "post"}}, **more
    )


LABELS: Final[Mapping[str, tuple[str, ...]]] = {
    "question": ("One", "Two"),
    "real": ("One", "Two"),
    "loop": ("Each0", "Each1", "Each2", "After"),
    "branches": ("Left", "Right", "End"),
    "waits": ("One", "Two", "Three"),
    "parent": ("Before", "Inner", "Last", "After"),
    "failing": ("One", "Told"),
}
"""What the witness hears of an execution of each kind."""
ASKING: Final = ("question", "real", "parent")
"""Kinds with one question to a model, of their own or of what they call."""
