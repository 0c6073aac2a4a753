"""Fields of the nodes that lead items: conditions, loops, waits, other workflows. Pure."""

from typing import Final

from gui.workflows.forms.fields import (
    Field,
    FieldKind,
    added,
    area,
    given,
    group,
    json,
    locator,
    number,
    on,
    pairs,
    rows,
    select,
    since,
    switch,
    text,
    until,
)
from gui.workflows.forms.joining import COMPARE, MERGE

_IGNORE_CASE: Final = "Ignore case"
_CONVERT: Final = "Convert types where required"
_OLDER: Final = until(2, Field(name="conditions", label="Conditions", kind=FieldKind.OLDER_CONDITIONS))
_CONDITIONS: Final = (
    *since(
        2,
        Field(name="conditions", label="Conditions", kind=FieldKind.CONDITIONS),
        switch("options.ignoreCase", _IGNORE_CASE),
    ),
    *since(2.1, switch("looseTypeValidation", _CONVERT)),
)
_RULED: Final = on(mode="rules")
_OUTPUT: Final = given(on(mode="expression"), text("output", "Number of the output, from 0"))

SWITCH: Final = (
    *until(
        3,
        select("mode", "By", "rules", "expression"),
        *given(
            _RULED,
            select("dataType", "Type of the value", "number", "string", "boolean", "dateTime"),
            text("value1", "Value"),
            Field(name="rules.rules", label="Rules", kind=FieldKind.OLDER_RULES),
            number("fallbackOutput", "Output of what fits no rule, -1 for none", -1),
        ),
        *since(2, *given(on(mode="expression"), number("outputsAmount", "Outputs", 4))),
        *_OUTPUT,
    ),
    *since(
        3,
        select("mode", "By", "rules", "expression"),
        *given(_RULED, Field(name="rules.values", label="Rules", kind=FieldKind.RULES)),
        *given(on(mode="expression"), number("numberOutputs", "Outputs", 4)),
        *_OUTPUT,
        *given(
            _RULED,
            select("options.fallbackOutput", "What fits no rule", "none", ("extra", "To an output of its own")),
            switch("options.allMatchingOutputs", "To every output whose rule fits"),
            switch("options.ignoreCase", _IGNORE_CASE),
        ),
    ),
    *since(3.1, *given(_RULED, switch("looseTypeValidation", _CONVERT))),
)

_UNITS: Final = ("seconds", "minutes", "hours", "days")
_CALLED: Final = (
    select("incomingAuthentication", "Callers show", "none", ("basicAuth", "User and password"), ("headerAuth", "A header"), ("jwtAuth", "A JWT")),
    select("httpMethod", "Method", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"),
    select("responseMode", "Respond", ("onReceived", "At once"), ("lastNode", "When the last node has run"), ("responseNode", "By a Respond node")),
    number("responseCode", "Status of the answer", 200),
    switch("limitWaitTime", "Wait no longer than a time"),
    *given(
        on(limitWaitTime="true"),
        select("limitType", "Until", ("afterTimeInterval", "A time has passed"), ("atSpecifiedTime", "A date")),
        *given(on(limitType="afterTimeInterval"), number("resumeAmount", "Amount", 1), select("resumeUnit", "Unit", *_UNITS, default="hours")),
        *given(on(limitType="atSpecifiedTime"), text("maxDateAndTime", "Date and time")),
    ),
    added(text("webhookSuffix", "End of its address")),
)  # fmt: skip

WAIT: Final = (
    select("resume", "Until", ("timeInterval", "A time has passed"), ("specificTime", "A date"), ("webhook", "It is called")),
    *given(
        on(resume="timeInterval"),
        *until(1.1, number("amount", "Amount", 1), select("unit", "Unit", *_UNITS, default="hours")),
        *since(1.1, number("amount", "Amount", 5), select("unit", "Unit", *_UNITS)),
    ),
    *given(
        on(resume="specificTime"),
        text("dateTime", "Date and time", hint="Such as 2026-03-01T09:00; in the workflow’s time zone"),
    ),
    *given(on(resume="webhook"), *_CALLED),
)

SUB_WORKFLOW: Final = (
    select("source", "Workflow", ("database", "One that is stored"), ("parameter", "Written here as JSON")),
    *given(on(source="database"), *until(1.1, text("workflowId", "Its id"))),
    *given(
        on(source="database"),
        *since(1.1, locator("workflowId", "Which", ("list", "From the list"), ("id", "By its id"), source="workflows")),
    ),
    *given(on(source="parameter"), json("workflowJson", "Its JSON")),
)

INPUTS: Final = group("workflowInputs", "What it is given", pairs("value", "Fields"), starts={"mappingMode": "defineBelow"})
_TYPES: Final = select("type", "Type", "string", "number", "boolean", "array", "object", "any")

FLOW: Final[dict[str, tuple[Field, ...]]] = {
    "if": (*_OLDER, *until(2, select("combineOperation", "An item fits", ("all", "Where all hold"), ("any", "Where any holds"))), *_CONDITIONS),
    "filter": (*_OLDER, *until(2, select("combineConditions", "Joined by", ("AND", "and"), ("OR", "or"))), *_CONDITIONS),
    "switch": SWITCH,
    "merge": MERGE,
    "compareDatasets": COMPARE,
    "splitInBatches": (
        *until(3, number("batchSize", "Items of a round", 10)),
        *since(3, number("batchSize", "Items of a round", 1)),
        added(switch("reset", "Begin anew with what comes in")),
    ),
    "wait": WAIT,
    "noOp": (),
    "stopAndError": (
        select("errorType", "Error as", ("errorMessage", "A message"), ("errorObject", "An object")),
        *given(on(errorType="errorMessage"), area("errorMessage", "Message")),
        *given(on(errorType="errorObject"), json("errorObject", "JSON of the error")),
    ),
    "executeWorkflow": (
        *SUB_WORKFLOW,
        *since(1.2, *given(on(source="database"), INPUTS)),
        select("mode", "Run", ("once", "Once, with all items"), ("each", "For each item")),
        added(switch("waitForSubWorkflow", "Wait until it has ended", True)),
    ),
    "executeWorkflowTrigger": since(
        1.1,
        select("inputSource", "It takes", ("workflowInputs", "The fields below"), ("jsonExample", "Fields as in an example"), ("passthrough", "Everything")),
        *given(on(inputSource="workflowInputs"), rows("workflowInputs.values", "Fields", "field", text("name", "Name"), _TYPES)),
        *given(on(inputSource="jsonExample"), json("jsonExample", "Example as JSON")),
    ),
}  # fmt: skip
