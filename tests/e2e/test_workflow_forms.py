"""Forms of nodes: conditions row by row, rules with their outputs, and credentials that are chosen or made."""

from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from bus import subjects
from bus.messages import Claims, NoReply, Role
from bus.messages.credentials import CreateCredential, CredentialList, CredentialRecord, CredentialRef
from bus.messages.workflows import WorkflowRecord, WorkflowRef
from bus.nats_bus import NatsBus
from gui.workflows.listing import example_workflow
from tests.e2e.axe import serious
from tests.e2e.canvas import log_in, node, saved, store
from tests.e2e.processes import GuiProcess
from tests.e2e.scripted_hive import DEVELOPER, ScriptedHive
from tests.integration.workflow.parts import EngineProcess

pytestmark = pytest.mark.slow

VIEWER = Claims(sub="vic", roles=(Role.VIEWER,))


def with_judge(type_: str, version: float, parameters: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """The example, whose last node is of another type."""
    document = example_workflow()
    document["nodes"][2] |= {"type": type_, "typeVersion": version, "parameters": parameters or {}, **more}
    return document


async def judge(bus: NatsBus, made: WorkflowRecord) -> dict[str, Any]:
    """As it is stored."""
    found = await bus.request(subjects.service_verb(subjects.SERVICE_WORKFLOWS, "get"), WorkflowRef(id=made.id), WorkflowRecord)
    assert found.n8n_data is not None
    return next(each for each in found.n8n_data["nodes"] if each["name"] == "Judge")


def row(page: Page, number: int) -> Locator:
    return page.get_by_role("group", name=f"Condition {number}", exact=True)


async def write(field: Locator, text: str) -> None:
    await field.fill(text)
    await field.blur()


async def test_an_if_is_written_row_by_row_and_decides_by_it(
    page: Page, hive: ScriptedHive, gui: GuiProcess, engine: EngineProcess, nats_bus: NatsBus
) -> None:
    made = await store(nats_bus, with_judge("n8n-nodes-base.if", 2.3))
    await log_in(page, hive, gui, DEVELOPER, f"/workflows/{made.id}")
    await node(page, "Judge").click()
    await page.get_by_role("button", name="Add a condition").click()
    await write(row(page, 1).get_by_label("Value", exact=True), "{{ $json.total }}")
    await row(page, 1).get_by_label("Operator").select_option("number:gt")
    await write(row(page, 1).get_by_label("Value to compare with", exact=True), "30")
    await page.get_by_role("button", name="Add a condition").click()
    await row(page, 2).get_by_label("Operator").select_option("string:notExists")
    await expect(row(page, 2).get_by_label("Value to compare with", exact=True)).to_have_count(0)
    await write(row(page, 2).get_by_label("Value", exact=True), "{{ $json.missing }}")
    assert await serious(page) == []
    await page.get_by_label("Convert types where required", exact=True).check()
    await page.get_by_role("button", name="Execute workflow").click()
    await page.get_by_role("tab", name="Output").click()
    await expect(page.get_by_label("Output", exact=True)).to_contain_text("true (3)")
    await expect(page.get_by_label("Output", exact=True)).to_contain_text("false (1)")
    parameters = (await judge(nats_bus, made))["parameters"]
    conditions = parameters["conditions"]
    assert (conditions["combinator"], parameters["looseTypeValidation"]) == ("and", True)
    assert conditions["options"] == {"caseSensitive": True, "leftValue": "", "typeValidation": "loose", "version": 2}
    assert [{key: each[key] for key in ("leftValue", "rightValue", "operator")} for each in conditions["conditions"]] == [
        {"leftValue": "={{ $json.total }}", "rightValue": 30, "operator": {"type": "number", "operation": "gt"}},
        {
            "leftValue": "={{ $json.missing }}",
            "rightValue": "",
            "operator": {"type": "string", "operation": "notExists", "singleValue": True},
        },
    ]
    await page.get_by_role("tab", name="Parameters").click()
    await page.get_by_label("How the conditions are joined").select_option("or")
    await page.get_by_role("button", name="Remove condition 1").click()
    await expect(row(page, 2)).to_have_count(0)
    await page.get_by_role("button", name="Save").click()
    await saved(page, 3)
    conditions = (await judge(nats_bus, made))["parameters"]["conditions"]
    assert (conditions["combinator"], len(conditions["conditions"])) == ("or", 1)


async def test_a_switch_has_an_output_for_each_rule_and_loses_it_with_the_rule(
    page: Page, hive: ScriptedHive, gui: GuiProcess, engine: EngineProcess, nats_bus: NatsBus
) -> None:
    document = with_judge("n8n-nodes-base.switch", 3.4)
    made = await store(nats_bus, document)
    await log_in(page, hive, gui, DEVELOPER, f"/workflows/{made.id}")
    await node(page, "Judge").click()
    ports = node(page, "Judge").locator(".hvc-port.right")
    for number, word in ((1, "Small"), (2, "Large")):
        await page.get_by_role("button", name="Add a rule").click()
        rule = page.get_by_role("region", name=f"Rule {number}")
        await write(rule.get_by_label("by name"), word)
        await rule.get_by_role("button", name="Add a condition").click()
        await write(rule.get_by_label("Value", exact=True), "{{ $json.total }}")
        await rule.get_by_label("Operator").select_option("number:lte" if number == 1 else "number:gt")
        await write(rule.get_by_label("Value to compare with", exact=True), "100")
    await expect(ports).to_have_text(["Small", "Large"])
    await page.get_by_label("What fits no rule", exact=True).select_option("extra")
    await expect(ports).to_have_text(["Small", "Large", "fallback"])
    assert await serious(page) == []
    await page.get_by_role("button", name="Execute workflow").click()
    await page.get_by_role("tab", name="Output").click()
    await expect(page.get_by_label("Output", exact=True)).to_contain_text("Large (2)")
    await page.get_by_role("tab", name="Parameters").click()
    await page.get_by_role("button", name="Remove rule 1").click()
    await expect(ports).to_have_text(["Large", "fallback"])
    await page.get_by_role("button", name="Undo").click()
    await expect(ports).to_have_text(["Small", "Large", "fallback"])


async def test_an_if_of_the_first_version_has_rows_too(
    page: Page, hive: ScriptedHive, gui: GuiProcess, engine: EngineProcess, nats_bus: NatsBus
) -> None:
    conditions = {"number": [{"value1": "={{ $json.total }}", "operation": "larger", "value2": 30}]}
    made = await store(nats_bus, with_judge("n8n-nodes-base.if", 1, {"conditions": conditions}))
    await log_in(page, hive, gui, DEVELOPER, f"/workflows/{made.id}")
    await node(page, "Judge").click()
    await expect(row(page, 1).get_by_label("Operator")).to_have_value("number:larger")
    await page.get_by_role("button", name="Add a condition").click()
    await row(page, 1).get_by_label("Operator").select_option("string:isEmpty")
    await expect(row(page, 1).get_by_label("Value to compare with", exact=True)).to_have_count(0)
    await write(row(page, 1).get_by_label("Value", exact=True), "{{ $json.missing }}")
    assert await serious(page) == []
    await page.get_by_role("button", name="Execute workflow").click()
    await page.get_by_role("tab", name="Output").click()
    await expect(page.get_by_label("Output", exact=True)).to_contain_text("true (3)")
    await page.get_by_role("tab", name="Parameters").click()
    await page.get_by_label("An item fits", exact=True).select_option("any")
    await row(page, 2).get_by_label("Operator").select_option("string:contains")
    await page.get_by_role("button", name="Remove condition 1").click()
    await page.get_by_role("button", name="Save").click()
    await saved(page, 3)
    assert (await judge(nats_bus, made))["parameters"] == {
        "conditions": {"string": [{"value1": "={{ $json.total }}", "operation": "contains"}]},
        "combineOperation": "any",
    }


async def test_a_switch_before_version_3_holds_one_value_against_each_rule(
    page: Page, hive: ScriptedHive, gui: GuiProcess, engine: EngineProcess, nats_bus: NatsBus
) -> None:
    made = await store(nats_bus, with_judge("n8n-nodes-base.switch", 2, {"value1": "={{ $json.total }}"}))
    await log_in(page, hive, gui, DEVELOPER, f"/workflows/{made.id}")
    await node(page, "Judge").click()
    for number, (operation, word) in enumerate((("smallerEqual", "Small"), ("larger", "Large")), 1):
        await page.get_by_role("button", name="Add a rule").click()
        rule = page.get_by_role("region", name=f"Rule {number}")
        await rule.get_by_label("Operator").select_option(operation)
        await write(rule.get_by_label("Value to compare with", exact=True), "100")
        await write(rule.get_by_label("by name"), word)
    ports = node(page, "Judge").locator(".hvc-port.right")
    await expect(ports).to_have_text(["Small", "Large"])
    assert await serious(page) == []
    await page.get_by_role("button", name="Execute workflow").click()
    await page.get_by_role("tab", name="Output").click()
    await expect(page.get_by_label("Output", exact=True)).to_contain_text("Large (2)")
    await page.get_by_role("tab", name="Parameters").click()
    await page.get_by_role("button", name="Remove rule 1").click()
    await expect(ports).to_have_text(["Large"])
    assert [each["outputKey"] for each in (await judge(nats_bus, made))["parameters"]["rules"]["rules"]] == ["Small", "Large"]


async def test_times_of_a_schedule_are_rows(
    page: Page, hive: ScriptedHive, gui: GuiProcess, engine: EngineProcess, nats_bus: NatsBus
) -> None:
    made = await store(nats_bus, with_judge("n8n-nodes-base.scheduleTrigger", 1.2))
    await log_in(page, hive, gui, DEVELOPER, f"/workflows/{made.id}")
    await node(page, "Judge").click()
    first, second = (page.get_by_role("group", name=f"Time {number}") for number in (1, 2))
    await expect(first.get_by_label("By")).to_have_value("days")
    await write(first.get_by_label("At the hour (0–23)", exact=True), "9")
    await page.get_by_role("button", name="Add a time").click()
    await second.get_by_label("By").select_option("weeks")
    await second.get_by_label("Friday").check()
    await second.get_by_label("Sunday").uncheck()
    assert await serious(page) == []
    await page.get_by_role("button", name="Save").click()
    await saved(page, 2)
    interval = (await judge(nats_bus, made))["parameters"]["rule"]["interval"]
    assert interval == [{"triggerAtHour": 9}, {"field": "weeks", "triggerAtDay": [5]}]


async def test_a_credential_is_made_in_the_node_that_wants_it_and_chosen_in_another(
    page: Page, hive: ScriptedHive, gui: GuiProcess, engine: EngineProcess, nats_bus: NatsBus
) -> None:
    way = {"authentication": "genericCredentialType", "genericAuthType": "httpHeaderAuth", "url": "http://127.0.0.1:9"}
    gone = {"credentials": {"httpHeaderAuth": {"id": "7", "name": "From n8n"}}}
    made = await store(nats_bus, with_judge("n8n-nodes-base.httpRequest", 4.2, way, **gone))
    await log_in(page, hive, gui, DEVELOPER, f"/workflows/{made.id}")
    await node(page, "Judge").click()
    choice = page.get_by_label("Credential: Header", exact=True)
    await expect(page.locator(".hvc-credential")).to_contain_text("no such credential")
    await page.get_by_role("button", name="New credential: Header").click()
    dialog = page.get_by_role("dialog")
    assert await serious(page) == []
    await dialog.get_by_role("button", name="Save and use it").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("data.name")
    await dialog.get_by_label("Name").fill("Door")
    await dialog.get_by_role("textbox", name="Header").fill("X-Key")
    await dialog.get_by_label("Value").fill("open sesame")
    await dialog.get_by_role("button", name="Save and use it").click()
    await expect(dialog).to_have_count(0)
    await expect(choice.locator("option:checked")).to_have_text("Door")
    await page.get_by_role("button", name="Save").click()
    await saved(page, 2)
    verb = subjects.service_verb(subjects.SERVICE_CREDENTIALS, "list")
    (stored,) = (await nats_bus.request(verb, NoReply(), CredentialList, claims=DEVELOPER)).credentials
    assert (stored.name, stored.type, stored.fields, stored.owner) == ("Door", "httpHeaderAuth", ("name", "value"), "dora")
    assert (await judge(nats_bus, made))["credentials"] == {"httpHeaderAuth": {"id": str(stored.id), "name": "Door"}}
    assert "open sesame" not in await page.content()
    await choice.select_option("None")
    await page.get_by_role("button", name="Save").click()
    await saved(page, 3)
    assert "credentials" not in await judge(nats_bus, made)
    await choice.select_option("Door")
    await expect(page.locator(".hvc-saved")).to_have_text("Not saved")


async def test_a_stored_credential_is_edited_and_what_is_left_empty_stays(
    page: Page, hive: ScriptedHive, gui: GuiProcess, engine: EngineProcess, nats_bus: NatsBus
) -> None:
    wish = CreateCredential(name="Door", type="httpHeaderAuth", data={"name": "X-Key", "value": "open sesame"})
    create = subjects.service_verb(subjects.SERVICE_CREDENTIALS, "create")
    own = await nats_bus.request(create, wish, CredentialRecord, claims=DEVELOPER)
    theirs = wish.model_copy(update={"name": "Not mine", "shared": True})
    await nats_bus.request(create, theirs, CredentialRecord, claims=Claims(sub="kurt", roles=(Role.DEVELOPER,)))
    way = {"authentication": "genericCredentialType", "genericAuthType": "httpHeaderAuth", "url": "http://127.0.0.1:9"}
    made = await store(nats_bus, with_judge("n8n-nodes-base.httpRequest", 4.2, way))
    await log_in(page, hive, gui, DEVELOPER, f"/workflows/{made.id}")
    await node(page, "Judge").click()
    choice = page.get_by_label("Credential: Header", exact=True)
    await choice.select_option("Not mine (shared)")
    await expect(page.get_by_role("button", name="Edit credential: Not mine")).to_have_count(0)
    await choice.select_option("Door")
    await page.get_by_role("button", name="Edit credential: Door").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Value")).to_have_attribute("placeholder", "stored, not shown")
    assert await dialog.get_by_label("Value").input_value() == ""
    assert "open sesame" not in await page.content()
    assert await serious(page) == []
    await dialog.get_by_label("Name").fill("Front door")
    await dialog.get_by_role("textbox", name="Header").fill("X-Other")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_have_count(0)
    await expect(choice.locator("option:checked")).to_have_text("Front door")
    verb = subjects.service_verb(subjects.SERVICE_CREDENTIALS, "get")
    now = await nats_bus.request(verb, CredentialRef(id=own.id), CredentialRecord, claims=DEVELOPER)
    assert (now.name, now.fields) == ("Front door", ("name", "value"))


async def test_an_expression_s_value_stands_beside_it_for_each_item_of_the_last_execution(
    page: Page, hive: ScriptedHive, gui: GuiProcess, engine: EngineProcess, nats_bus: NatsBus
) -> None:
    made = await store(nats_bus, example_workflow())
    await log_in(page, hive, gui, DEVELOPER, f"/workflows/{made.id}")
    await node(page, "Judge").click()
    preview, field = page.locator(".hvc-preview"), page.get_by_label("Value", exact=True)
    await expect(preview).to_have_text("Execute the workflow to see its value.")
    await page.get_by_role("button", name="Execute workflow").click()
    await expect(preview).to_have_text("small")
    await page.get_by_role("button", name="Values of the next item").click()
    await expect(preview).to_have_text("large")
    await expect(page.get_by_role("group", name="The item whose values")).to_contain_text("item 2 of 4, from Orders")
    await field.fill("{{ $json.total / 2 }}")  # seen while it is written: the field still has it
    await expect(preview).to_have_text("240 number")
    await expect(field).to_have_value("{{ $json.total / 2 }}")
    assert await serious(page) == []
    await field.fill("{{ $json. }}")
    await expect(page.locator(".hvc-preview.wrong")).to_contain_text("syntax")
    assert await serious(page) == []
    await field.fill("{{ $json.order }}")
    await page.get_by_role("button", name="ƒx: Value is an expression").click()
    await expect(field).to_have_value("{{ $json.order }}")
    await expect(preview).to_have_count(0)
    await page.reload()
    await node(page, "Orders").click()
    await expect(page.locator(".hvc-preview")).to_have_count(0)


async def test_a_viewer_chooses_no_credential_and_sees_no_value(
    page: Page, hive: ScriptedHive, gui: GuiProcess, engine: EngineProcess, nats_bus: NatsBus
) -> None:
    way = {"authentication": "headerAuth", "url": "={{ 1 + 1 }}"}
    made = await store(nats_bus, with_judge("n8n-nodes-base.httpRequest", 4.2, way))
    await log_in(page, hive, gui, VIEWER, f"/workflows/{made.id}")
    await node(page, "Judge").click()
    await expect(page.locator(".hvc-credential")).to_contain_text("none")
    await expect(page.locator(".hvc-credential").get_by_role("combobox")).to_have_count(0)
    send = "async ([event, about]) => (await import('hive-editor')).send(event, about)"
    await page.evaluate(send, ["credentials", None])
    await expect(page.get_by_role("alert")).to_contain_text("credentials.own")
    await page.evaluate(send, ["preview", {"number": 0, "node": "Judge", "expressions": ["={{ 1 }}"]}])
    await expect(page.locator(".hvc-preview")).to_have_count(0)
