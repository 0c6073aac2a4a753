"""Values of expressions for an item that an execution had, which run nothing and may not be asked for by everybody."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from bus import subjects
from bus.errors import ExecutionNotFound, InvalidRequest, PermissionDenied
from bus.messages import Claims, Role
from bus.messages.previews import MOST_EXPRESSIONS, PreviewExpressions, Previews, PreviewSource
from bus.messages.workflows import ExecutionRecord
from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, node

DEVELOPER = Claims(sub="dora", roles=(Role.DEVELOPER,))
VERB = subjects.service_verb(subjects.SERVICE_EXECUTIONS, "preview")


def _orders() -> dict[str, Any]:
    code = "return ['ada', 'bo'].map((who, i) => ({ json: { who, total: i * 10, tags: [who] } }));"
    nodes = [node("Go", "manualTrigger"), node("Orders", "code", {"jsCode": code}, 2), node("Next", "noOp")]
    links = {"Go": {"main": [[{"node": "Orders", "type": "main", "index": 0}]]}}
    links["Orders"] = {"main": [[{"node": "Next", "type": "main", "index": 0}]]}
    return {"name": "Orders", "nodes": nodes, "connections": links}


async def ask(bus: NatsBus, run: ExecutionRecord, *expressions: str, claims: Claims = DEVELOPER, **more: Any) -> Previews:
    wish = PreviewExpressions(
        execution_id=run.id,
        expressions=expressions,
        **{"node": "New", "sources": (PreviewSource(node="Orders"),), **more},
    )
    return await bus.request(VERB, wish, Previews, claims=claims, timeout=20)


@pytest.fixture
async def run(engine: EngineProcess, workflows: Workflows) -> ExecutionRecord:
    made = await workflows.create(_orders())
    return await workflows.execute(made.id, wait=20)


async def test_a_node_that_is_not_saved_yet_sees_the_items_before_it(nats_bus: NatsBus, run: ExecutionRecord) -> None:
    texts = ("={{ $json.total + 1 }}", "=Dear {{ $json.who }}", "={{ $('Orders').item.json.tags }}", "={{ $json.none }}")
    found = await ask(nats_bus, run, *texts, "plain", item=1)
    assert (found.item, found.items, found.source) == (1, 2, "Orders")
    assert [(each.type, each.text) for each in found.values] == [
        ("number", "11"),
        ("string", "Dear bo"),
        ("array", '["bo"]'),
        ("undefined", "undefined"),
        ("string", "plain"),
    ]
    assert (await ask(nats_bus, run, "={{ $json.who }}", item=9)).item == 1
    assert (await ask(nats_bus, run, "={{ $itemIndex }}", node="Next")).source == "Orders"
    assert (await ask(nats_bus, run, "={{ 1 + 1 }}", node="Go", sources=())).values[0].text == "2"


async def test_what_is_wrong_with_one_is_told_in_its_place(nats_bus: NatsBus, run: ExecutionRecord) -> None:
    texts = (
        "={{ $json.who.nope() }}",
        "={{ $json. }}",
        "={{ $('Absent').item }}",
        "={{ $json.who }}",
    )  # n8n gives nothing for the first
    values = (await ask(nats_bus, run, *texts)).values
    assert [bool(each.error) for each in values] == [False, True, True, False]
    assert values[0].type == "undefined"
    assert values[3].text == "ada"
    (long,) = (await ask(nats_bus, run, "={{ 'x'.repeat(5000) }}")).values
    assert (len(long.text or ""), long.cut) == (2000, True)


async def test_one_that_does_not_end_is_stopped_and_others_go_on(nats_bus: NatsBus, run: ExecutionRecord) -> None:
    endless, other = await asyncio.gather(
        ask(nats_bus, run, "={{ (() => { while (true) {} })() }}"),
        ask(nats_bus, run, "={{ $json.who }}", claims=Claims(sub="ola", roles=(Role.DEVELOPER,))),
    )
    assert "longer than 1 s" in (endless.values[0].error or "")
    assert other.values[0].text == "ada"


async def test_what_one_person_s_leave_behind_no_workflow_and_nobody_else_meets(
    nats_bus: NatsBus, run: ExecutionRecord
) -> None:
    mark = "={{ (() => { try { Array.prototype.mark = 1; globalThis.mark = 1; } catch {} return 'left'; })() }}"
    await ask(nats_bus, run, mark)
    seen = "={{ String([].mark) + String(globalThis.mark) }}"
    found = await ask(nats_bus, run, seen, claims=Claims(sub="ola", roles=(Role.DEVELOPER,)))
    assert found.values[0].text == "undefinedundefined"


async def test_who_may_not_execute_it_sees_no_value(nats_bus: NatsBus, run: ExecutionRecord) -> None:
    with pytest.raises(PermissionDenied, match=r"executions\.start"):
        await ask(nats_bus, run, "={{ 1 }}", claims=Claims(sub="vic", roles=(Role.VIEWER,)))
    elsewhere = Claims(sub="eve", roles=(Role.ADMIN,), tenant="other")
    with pytest.raises(ExecutionNotFound):
        await ask(nats_bus, run, "={{ 1 }}", claims=elsewhere)
    with pytest.raises(ExecutionNotFound):
        await ask(nats_bus, run.model_copy(update={"id": uuid4()}), "={{ 1 }}")


async def test_a_look_is_bounded(nats_bus: NatsBus, run: ExecutionRecord) -> None:
    many = ("={{ 1 }}",) * (MOST_EXPRESSIONS + 1)
    body = PreviewExpressions.model_construct(execution_id=run.id, node="N", sources=(), expressions=many, item=0)
    with pytest.raises(InvalidRequest):
        await nats_bus.request(VERB, body, Previews, claims=DEVELOPER)
