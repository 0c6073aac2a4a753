"""The fields of the parameters that a form offers, by type, as n8n's documentation names them. All else is written as JSON.

The engine reads parameters and asks for none, so that it has no list of them: this is the dashboard's own. Tools of MCP servers say theirs.
"""

from enum import StrEnum
from typing import Final

from pydantic import JsonValue

from bus.messages import Message
from bus.messages.node_types import NodeTypeRecord


class FieldKind(StrEnum):
    TEXT = "text"
    AREA = "area"
    CODE = "code"
    NUMBER = "number"
    SELECT = "select"
    SWITCH = "switch"
    CONDITIONS = "conditions"
    RULES = "rules"
    """Of a Switch: conditions for each output."""
    OLDER_CONDITIONS = "older_conditions"
    OLDER_RULES = "older_rules"
    SCHEDULE = "schedule"


class Field(Message):
    """`name` is the way to the parameter, its parts separated by dots. `when`: the field that decides whether this one matters, and its
    values for which it does. `since`: the version of the type that has it first, `before`: the first that has it no more."""

    name: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    default: str | int | bool | None = None
    options: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    since: float = 1
    before: float | None = None


def _select(name: str, label: str, *options: str, since: float = 1, when: tuple[str, ...] = ()) -> Field:
    select = Field(name=name, label=label, kind=FieldKind.SELECT, default=options[0], options=options)
    return select.model_copy(update={"since": since, "when": when})


def _number(name: str, label: str, default: int | None = None, since: float = 1, when: tuple[str, ...] = ()) -> Field:
    return Field(name=name, label=label, kind=FieldKind.NUMBER, default=default, since=since, when=when)


def _switch(name: str, label: str, default: bool = False, since: float = 1, when: tuple[str, ...] = ()) -> Field:
    return Field(name=name, label=label, kind=FieldKind.SWITCH, default=default, since=since, when=when)


def _until(version: float, field: Field) -> Field:
    return field.model_copy(update={"before": version})


def _area(name: str, label: str, when: tuple[str, ...] = ()) -> Field:
    return Field(name=name, label=label, kind=FieldKind.AREA, when=when)


_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
_MODEL: Final = (Field(name="model", label="Model"), _number("options.temperature", "Temperature"))
_PROMPT: Final = (
    _select("promptType", "Prompt", "auto", "define"),
    _area("text", "Text of the prompt", when=("promptType", "define")),
)

_IGNORE_CASE: Final = "Ignore case"
_CONVERT: Final = "Convert types where required"
_OLDER_CONDITIONS: Final = Field(name="conditions", label="Conditions", kind=FieldKind.OLDER_CONDITIONS, before=2)
_CONDITIONS: Final = (
    Field(name="conditions", label="Conditions", kind=FieldKind.CONDITIONS, since=2),
    _switch("options.ignoreCase", _IGNORE_CASE, since=2),
    _switch("looseTypeValidation", _CONVERT, since=2.1),
)
_PREDEFINED: Final = ("authentication", "predefinedCredentialType")
_GENERIC: Final = ("authentication", "genericCredentialType")
_WAYS: Final = (
    "httpBasicAuth",
    "httpBearerAuth",
    "httpCustomAuth",
    "httpDigestAuth",
    "httpHeaderAuth",
    "httpQueryAuth",
    "oAuth2Api",
)
_RULED: Final = ("mode", "rules")
_OUTPUT: Final = Field(name="output", label="Number of the output, from 0", when=("mode", "expression"))
_OLDER_SWITCH: Final = tuple(
    _until(3, field)
    for field in (
        _select("mode", "By", "rules", "expression"),
        _select("dataType", "Type of the value", "number", "string", "boolean", "dateTime", when=_RULED),
        Field(name="value1", label="Value", when=_RULED),
        Field(name="rules.rules", label="Rules", kind=FieldKind.OLDER_RULES, when=_RULED),
        _number("fallbackOutput", "Output of what fits no rule, -1 for none", -1, when=_RULED),
        _number("outputsAmount", "Outputs", 4, since=2, when=("mode", "expression")),
        _OUTPUT,
    )
)

FIELDS: Final[dict[str, tuple[Field, ...]]] = {
    "n8n-nodes-base.set": (_switch("includeOtherFields", "Keep the other fields"),),
    "n8n-nodes-base.if": (
        _OLDER_CONDITIONS,
        _until(2, _select("combineOperation", "An item fits", "all", "any")),
        *_CONDITIONS,
    ),
    "n8n-nodes-base.filter": (
        _OLDER_CONDITIONS,
        _until(2, _select("combineConditions", "Joined by", "AND", "OR")),
        *_CONDITIONS,
    ),
    "n8n-nodes-base.switch": (
        *_OLDER_SWITCH,
        _select("mode", "By", "rules", "expression", since=3),
        Field(name="rules.values", label="Rules", kind=FieldKind.RULES, since=3, when=_RULED),
        _number("numberOutputs", "Outputs", 4, since=3, when=("mode", "expression")),
        _OUTPUT.model_copy(update={"since": 3}),
        _select("options.fallbackOutput", "What fits no rule", "none", "extra", since=3, when=_RULED),
        _switch("options.allMatchingOutputs", "To every output whose rule fits", since=3, when=_RULED),
        _switch("options.ignoreCase", _IGNORE_CASE, since=3, when=_RULED),
        _switch("looseTypeValidation", _CONVERT, since=3.1, when=_RULED),
    ),
    "n8n-nodes-base.code": (
        _select("mode", "Run", "runOnceForAllItems", "runOnceForEachItem"),
        _select("language", "Language", "javaScript", "python"),
        Field(name="jsCode", label="JavaScript", kind=FieldKind.CODE, when=("language", "javaScript")),
        Field(name="pythonCode", label="Python", kind=FieldKind.CODE, when=("language", "python", "pythonNative")),
    ),
    "n8n-nodes-base.httpRequest": (
        _select("method", "Method", *_METHODS),
        Field(name="url", label="URL"),
        _select("authentication", "Authentication", "none", "predefinedCredentialType", "genericCredentialType", since=3),
        Field(name="nodeCredentialType", label="Type of the credential", since=3, when=_PREDEFINED),
        _select("genericAuthType", "Way", *_WAYS, since=3, when=_GENERIC),
        _switch("sendBody", "Send a body"),
        _select("specifyBody", "Body as", "keypair", "json", when=("sendBody", "true")),
        _area("jsonBody", "JSON of the body", when=("specifyBody", "json")),
    ),
    "n8n-nodes-base.scheduleTrigger": (Field(name="rule.interval", label="It starts", kind=FieldKind.SCHEDULE),),
    "n8n-nodes-base.webhook": (
        _select("httpMethod", "Method", *_METHODS),
        Field(name="path", label="Path"),
        _select("authentication", "Callers show", "none", "basicAuth", "headerAuth", "jwtAuth"),
        _select("responseMode", "Respond", "onReceived", "lastNode", "responseNode"),
    ),
    "n8n-nodes-base.respondToWebhook": (
        _select("respondWith", "With", "firstIncomingItem", "allIncomingItems", "json", "text", "noData"),
        _area("responseBody", "Body", when=("respondWith", "json", "text")),
    ),
    "n8n-nodes-base.wait": (
        _select("resume", "Until", "timeInterval", "specificTime", "webhook"),
        _number("amount", "Amount", 5, when=("resume", "timeInterval")),
        _select("unit", "Unit", "seconds", "minutes", "hours", "days", when=("resume", "timeInterval")),
        Field(name="dateTime", label="Date and time", when=("resume", "specificTime")),
    ),
    "n8n-nodes-base.limit": (_number("maxItems", "Most items", 1), _select("keep", "Keep", "firstItems", "lastItems")),
    "n8n-nodes-base.merge": (
        _select("mode", "Mode", "append", "combine", "combineBySql", "chooseBranch"),
        _number("numberInputs", "Inputs", 2),
    ),
    "n8n-nodes-base.splitInBatches": (_number("batchSize", "Items of a round", 1),),
    "n8n-nodes-base.splitOut": (Field(name="fieldToSplitOut", label="Field to split out"),),
    "n8n-nodes-base.stopAndError": (_area("errorMessage", "Message"),),
    "n8n-nodes-base.emailSend": (
        Field(name="fromEmail", label="From"),
        Field(name="toEmail", label="To"),
        Field(name="subject", label="Subject"),
        _select("emailFormat", "Format", "html", "text", "both"),
        _area("text", "Text", when=("emailFormat", "text", "both")),
        _area("html", "HTML", when=("emailFormat", "html", "both")),
    ),
    "@n8n/n8n-nodes-langchain.agent": (*_PROMPT, _area("options.systemMessage", "System message")),
    "@n8n/n8n-nodes-langchain.chainLlm": _PROMPT,
    "@n8n/n8n-nodes-langchain.lmChatOllama": _MODEL,
    "@n8n/n8n-nodes-langchain.embeddingsOllama": _MODEL[:1],
}


def fields_of(kind: NodeTypeRecord) -> tuple[Field, ...]:
    """Of a tool of an MCP server by its schema: what is neither text, number, yes or no, nor one of several is written as JSON."""
    if kind.parameters_schema is None:
        return FIELDS.get(kind.name, ())
    properties = kind.parameters_schema.get("properties")
    needed = kind.parameters_schema.get("required")
    required = needed if isinstance(needed, list) else []
    named = properties.items() if isinstance(properties, dict) else ()
    found = (_of_schema(name, about, name in required) for name, about in named if "." not in name)
    return tuple(field for field in found if field is not None)


def _of_schema(name: str, about: JsonValue, required: bool) -> Field | None:
    if not isinstance(about, dict):
        return None
    title = about.get("title")
    label = f"{title if isinstance(title, str) and title else name}{' *' if required else ''}"
    given = about.get("default")
    default = given if isinstance(given, str | int | bool) else None
    options = about.get("enum")
    if isinstance(options, list) and all(isinstance(option, str) for option in options):
        return Field(name=name, label=label, kind=FieldKind.SELECT, default=default, options=tuple(map(str, options)))
    kind = _KINDS.get(str(about.get("type")))
    return None if kind is None else Field(name=name, label=label, kind=kind, default=default)


_KINDS: Final = {
    "string": FieldKind.TEXT,
    "integer": FieldKind.NUMBER,
    "number": FieldKind.NUMBER,
    "boolean": FieldKind.SWITCH,
}
