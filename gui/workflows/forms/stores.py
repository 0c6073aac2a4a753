"""Fields of the nodes that speak with databases and mail servers. Pure."""

from typing import Final

from gui.workflows.forms.fields import (
    Field,
    added,
    area,
    code,
    given,
    group,
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
    words,
)

_BY: Final = (("list", "From the list"), ("name", "By name"))
_TABLE: Final = (
    *until(2, text("schema", "Schema", "public"), text("table", "Table")),
    *since(2, locator("schema", "Schema", *_BY), locator("table", "Table", *_BY)),
)
_COLUMN: Final = text("column", "Column")
_CONDITIONS: Final = (("equal", "="), ("!=", "≠"), ("LIKE", "LIKE"), (">", ">"), ("<", "<"), (">=", "≥"), ("<=", "≤"), ("IS NULL", "is null"), ("IS NOT NULL", "is not null"))  # fmt: skip
_WHERE: Final = (
    rows(
        "where.values",
        "Rows where",
        "condition",
        _COLUMN,
        select("condition", "Condition", *_CONDITIONS),
        *given(on(condition=("equal", "!=", "LIKE", ">", "<", ">=", "<=")), text("value", "Value")),
        starts={"condition": "equal"},
    ),
    select("combineConditions", "Joined by", ("AND", "and"), ("OR", "or")),
)
_SORT: Final = rows(
    "sort.values",
    "Sorted by",
    "column",
    _COLUMN,
    select("direction", "Order", ("ASC", "Ascending"), ("DESC", "Descending")),
)
_MAP: Final = select("mappingMode", "Values", ("defineBelow", "Written below"), ("autoMapInputData", "The item’s fields"))
_MATCHED: Final = words("matchingColumns", "Columns by which rows are found, with commas")
_VALUES: Final = given(on(mappingMode="defineBelow"), pairs("value", "Columns", "column"))
_STARTS: Final = {"mappingMode": "defineBelow"}
_OLDER_COLUMNS: Final = (
    select("dataMode", "Values", ("defineBelow", "Written below"), ("autoMapInputData", "The item’s fields"), default="autoMapInputData"),
    *given({"operation": ("update", "upsert")}, locator("columnToMatchOn", "Column to match on", *_BY)),
    *given({"operation": ("update", "upsert"), "dataMode": ("defineBelow",)}, text("valueToMatchOn", "Value to match on")),
    *given(on(dataMode="defineBelow"), rows("valuesToSend.values", "Columns", "column", _COLUMN, text("value", "Value"))),
)  # fmt: skip
_WRITTEN: Final = ("insert", "update", "upsert")
_OPERATIONS: Final = (
    ("deleteTable", "Delete rows or a table"),
    ("executeQuery", "Run a query"),
    ("insert", "Insert rows"),
    ("upsert", "Insert or update rows"),
    ("select", "Select rows"),
    ("update", "Update rows"),
)

_FIRST: Final = (
    select("operation", "Do", ("executeQuery", "Run a query"), ("insert", "Insert rows"), ("update", "Update rows")),
    *given(on(operation="executeQuery"), code("query", "Query")),
    *given(
        on(operation=("insert", "update")),
        *_TABLE,
        *given(on(operation="update"), text("updateKey", "Field by which rows are found", "id")),
        text("columns", "Fields to write, with commas"),
        text("returnFields", "Columns to give, with commas", "*"),
    ),
    added(
        text("queryParams", "Fields for $1, $2 …, with commas"),
        select("mode", "Queries of the items", ("single", "In one"), ("independently", "Each by itself"), ("transaction", "In a transaction")),
        name="additionalFields",
    ),
)  # fmt: skip

_SECOND: Final = (
    select("operation", "Do", *_OPERATIONS, default="insert"),
    *given(on(operation="executeQuery"), code("query", "Query")),
    *given(on(operation=("deleteTable", "select", *_WRITTEN)), *_TABLE),
    *given(
        on(operation="deleteTable"),
        select("deleteCommand", "Delete", ("truncate", "All rows"), ("delete", "Some rows"), ("drop", "The table")),
        *given(on(deleteCommand="truncate"), switch("restartSequences", "Start sequences anew")),
        *given(on(deleteCommand="delete"), *_WHERE),
    ),
    *given(
        on(operation="select"),
        switch("returnAll", "All rows"),
        *given(on(returnAll="false"), number("limit", "Most rows", 50)),
        *_WHERE,
        _SORT,
    ),
    *until(2.2, *given(on(operation=_WRITTEN), *_OLDER_COLUMNS)),
    *since(2.2, *given(on(operation="insert"), group("columns", "Columns", _MAP, *_VALUES, starts=_STARTS))),
    *since(2.2, *given(on(operation=("update", "upsert")), group("columns", "Columns", _MAP, _MATCHED, *_VALUES, starts=_STARTS))),
    added(
        *given({"/operation": ("deleteTable",)}, switch("cascade", "With what depends on it")),
        select("queryBatching", "Queries of the items", ("single", "In one"), ("independently", "Each by itself"), ("transaction", "In a transaction")),
        *given({"/operation": ("executeQuery",)}, text("queryReplacement", "Values for $1, $2 …, with commas")),
        *given({"/operation": ("select", *_WRITTEN)}, words("outputColumns", "Columns to give, with commas")),
        select("largeNumbersOutput", "Large numbers", ("text", "As texts"), ("numbers", "As numbers")),
        *given({"/operation": ("insert",)}, switch("skipOnConflict", "Leave out rows that are there")),
        *given({"/operation": _WRITTEN}, switch("replaceEmptyStrings", "null for empty texts")),
    ),
)  # fmt: skip

POSTGRES: Final = (*until(2, *_FIRST), *since(2, *_SECOND))

_KEYED: Final = on(operation=("delete", "get", "incr", "set"))
_KEY_TYPES: Final = (("automatic", "As it is found"), ("hash", "Hash"), "list", ("sets", "Set"), ("string", "Text"))
_EXPIRES: Final = (
    switch("expire", "It expires"),
    *given(on(expire="true"), number("ttl", "After seconds", 60)),
)
REDIS: Final = (
    select(
        "operation",
        "Do",
        ("delete", "Delete a key"),
        ("get", "Read a key"),
        ("incr", "Count a key up"),
        ("info", "Tell about the server"),
        ("keys", "List keys"),
        ("pop", "Take from a list"),
        ("publish", "Publish to a channel"),
        ("push", "Add to a list"),
        ("set", "Write a key"),
        default="info",
    ),
    *given(on(operation=("get", "pop")), text("propertyName", "Field of the result", "propertyName")),
    *given(_KEYED, text("key", "Key")),
    *given(on(operation="get"), select("keyType", "Its type", *_KEY_TYPES)),
    *given(
        on(operation="set"),
        text("value", "Value"),
        select("keyType", "Its type", *_KEY_TYPES),
        *given(on(keyType="hash"), switch("valueIsJSON", "The value is JSON", True)),
    ),
    *given(on(operation=("incr", "set")), *_EXPIRES),
    *given(on(operation="keys"), text("keyPattern", "Pattern", "*"), switch("getValues", "With their values", True)),
    *given(on(operation=("pop", "push")), text("list", "List")),
    *given(on(operation="publish"), text("channel", "Channel")),
    *given(on(operation=("publish", "push")), text("messageData", "Data")),
    *given(on(operation=("pop", "push")), switch("tail", "At its end")),
    *given(on(operation=("get", "pop")), added(switch("dotNotation", "A dot in the field leads inwards", True))),
)

_MAIL: Final = (
    text("ccEmail", "Copy to (CC)"),
    text("bccEmail", "Hidden copy to (BCC)"),
    text("attachments", "Fields of files, with commas"),
)
MAIL: Final = (
    text("fromEmail", "From"),
    text("toEmail", "To"),
    *until(2, *_MAIL[:2]),
    text("subject", "Subject"),
    *until(2, area("text", "Text"), area("html", "HTML"), _MAIL[2]),
    *since(2, *until(2.1, select("emailFormat", "Format", "text", ("html", "HTML"), "both"))),
    *since(2.1, select("emailFormat", "Format", "text", ("html", "HTML"), "both", default="html")),
    *since(2, *given(on(emailFormat=("text", "both")), area("text", "Text"))),
    *since(2, *given(on(emailFormat=("html", "both")), area("html", "HTML"))),
    added(
        *since(2, *_MAIL),
        text("replyTo", "Answers to"),
        switch("allowUnauthorizedCerts", "Take any certificate"),
    ),
)

STORES: Final[dict[str, tuple[Field, ...]]] = {"postgres": POSTGRES, "redis": REDIS, "emailSend": MAIL}
