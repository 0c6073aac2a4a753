"""Fields of the nodes that make other items of items. Pure."""

from typing import Final

from gui.workflows.forms.fields import (
    Field,
    FieldKind,
    added,
    code,
    given,
    json,
    number,
    on,
    rows,
    select,
    since,
    switch,
    text,
    until,
)

DOTS: Final = switch("disableDotNotation", "A dot in a name is part of it")
_NAME: Final = text("name", "Name")
_OLDER_VALUES: Final = tuple(
    given(on(type=f"{kind}Value"), Field(name=f"{kind}Value", label="Value", kind=how))[0]
    for kind, how in (
        ("string", FieldKind.TEXT),
        ("number", FieldKind.NUMBER),
        ("boolean", FieldKind.SWITCH),
        ("array", FieldKind.JSON),
        ("object", FieldKind.JSON),
    )
)
_OLDER_TYPES: Final = select(
    "type",
    "Type",
    ("stringValue", "Text"),
    ("numberValue", "Number"),
    ("booleanValue", "Yes or no"),
    ("arrayValue", "List"),
    ("objectValue", "Object"),
)
_KEPT: Final = (
    ("all", "All of them"),
    ("selected", "Some of them"),
    ("except", "All but some"),
)
_NAMED: Final = (
    *given(on(include="selected"), text("includeFields", "Fields to keep, with commas")),
    *given(on(include="except"), text("excludeFields", "Fields to leave out, with commas")),
)

SET: Final = (
    *until(
        3,
        rows("values.string", "Texts", "text", _NAME, text("value", "Value")),
        rows("values.number", "Numbers", "number", _NAME, number("value", "Value")),
        rows("values.boolean", "Yes or no", "value", _NAME, switch("value", "Value")),
        switch("keepOnlySet", "Give these fields alone"),
    ),
    *since(
        3,
        select("mode", "By", ("manual", "Fields"), ("raw", "JSON")),
        *given(on(mode="raw"), json("jsonOutput", "JSON of the fields")),
        *given(on(mode="manual"), *until(3.3, rows("fields.values", "Fields to set", "field", _NAME, _OLDER_TYPES, *_OLDER_VALUES))),
    ),
    *since(
        3.3,
        *given(on(mode="manual"), Field(name="assignments.assignments", label="Fields to set", kind=FieldKind.ASSIGNMENTS)),
        switch("includeOtherFields", "Keep the other fields"),
        *given(on(includeOtherFields="true"), select("include", "Which", *_KEPT), *_NAMED),
    ),
    *since(3, *until(3.3, select("include", "Other fields", *_KEPT, ("none", "None")), *_NAMED)),
    *since(3, switch("duplicateItem", "Give each item several times, to try things"), *given(on(duplicateItem="true"), number("duplicateCount", "How many more", 0))),
    added(
        switch("dotNotation", "A dot in a name leads inwards", True),
        *since(3, switch("ignoreConversionErrors", "Ignore values that do not fit their type")),
        *since(3, *until(3.4, switch("includeBinary", "Keep files", True))),
        *since(3.4, switch("stripBinary", "Leave files out", True)),
    ),
)  # fmt: skip

AGGREGATE: Final = (
    select("aggregate", "Make", ("aggregateIndividualFields", "Lists of some fields"), ("aggregateAllItemData", "One list of all items")),
    *given(
        on(aggregate="aggregateIndividualFields"),
        rows(
            "fieldsToAggregate.fieldToAggregate",
            "Fields",
            "field",
            text("fieldToAggregate", "Field"),
            switch("renameField", "Give the list another name"),
            *given(on(renameField="true"), text("outputFieldName", "Name of the list")),
        ),
    ),
    *given(
        on(aggregate="aggregateAllItemData"),
        text("destinationFieldName", "Name of the list", "data"),
        select("include", "With", ("allFields", "All fields"), ("specifiedFields", "Some fields"), ("allFieldsExcept", "All fields but some")),
        *given(on(include="specifiedFields"), text("fieldsToInclude", "Fields, with commas")),
        *given(on(include="allFieldsExcept"), text("fieldsToExclude", "Fields to leave out, with commas")),
    ),
    added(
        DOTS,
        switch("mergeLists", "Make one list of lists"),
        switch("includeBinaries", "Keep files"),
        switch("keepMissing", "null where a field is not there"),
    ),
)  # fmt: skip

_ORDER: Final = select("order", "Order", "ascending", "descending")
SORT: Final = (
    select("type", "By", ("simple", "Fields"), ("random", "Chance"), ("code", "Code")),
    *given(on(type="simple"), rows("sortFieldsUi.sortField", "Fields", "field", text("fieldName", "Field"), _ORDER)),
    *given(on(type="code"), code("code", "JavaScript that compares a and b")),
    added(DOTS),
)

SPLIT_OUT: Final = (
    text("fieldToSplitOut", "Field to split out"),
    select("include", "Keep", ("noOtherFields", "No other field"), ("allOtherFields", "All others"), ("selectedOtherFields", "Some others")),
    *given(on(include="selectedOtherFields"), text("fieldsToInclude", "Fields to keep, with commas")),
    added(DOTS, text("destinationFieldName", "Name of the new field"), switch("includeBinary", "Keep files")),
)  # fmt: skip

SUMMARIZE: Final = (
    rows(
        "fieldsToSummarize.values",
        "Fields to summarize",
        "field",
        select(
            "aggregation",
            "How",
            "append",
            "average",
            "concatenate",
            "count",
            "countUnique",
            "max",
            "min",
            "sum",
            default="count",
        ),
        text("field", "Field"),
        *given(on(aggregation=("append", "concatenate", "countUnique")), switch("includeEmpty", "Empty values, too")),
        *given(
            on(aggregation="concatenate"),
            select(
                "separateBy",
                "Between them",
                (",", "A comma"),
                (", ", "A comma and a space"),
                ("\n", "A new line"),
                ("", "Nothing"),
                (" ", "A space"),
                ("other", "Something else"),
            ),
            *given(on(separateBy="other"), text("customSeparator", "What")),
        ),
        starts={"aggregation": "count"},
    ),
    text("fieldsToSplitBy", "One result for each value of these fields, with commas"),
    added(
        DOTS,
        select("outputFormat", "Give", ("separateItems", "An item for each result"), ("singleItem", "One item")),
        switch("continueIfFieldNotFound", "Go on where a field is nowhere"),
        switch("skipEmptySplitFields", "Leave out what has nothing in these fields"),
    ),
)

_COMPARED: Final = (
    select("compare", "Compare", "allFields", ("allFieldsExcept", "All fields but some"), ("selectedFields", "Some fields")),
    *given(on(compare="allFieldsExcept"), text("fieldsToExclude", "Fields to leave out, with commas")),
    *given(on(compare="selectedFields"), text("fieldsToCompare", "Fields, with commas")),
)
_SEEN: Final = on(operation="removeItemsSeenInPreviousExecutions")
DUPLICATES: Final = (
    *until(2, *_COMPARED),
    *since(
        2,
        select(
            "operation",
            "Remove",
            ("removeDuplicateInputItems", "Equal items of the input"),
            ("removeItemsSeenInPreviousExecutions", "What earlier executions saw"),
            ("clearDeduplicationHistory", "Nothing: forget what was seen"),
        ),
        *given(on(operation="removeDuplicateInputItems"), *_COMPARED),
        *given(
            _SEEN,
            select(
                "logic",
                "Keep an item where its value",
                ("removeItemsWithAlreadySeenKeyValues", "Is new"),
                ("removeItemsUpToStoredIncrementalKey", "Is higher than any before"),
                ("removeItemsUpToStoredDate", "Is later than any before"),
            ),
            *given(on(logic="removeItemsWithAlreadySeenKeyValues"), text("dedupeValue", "Value")),
            *given(on(logic=("removeItemsUpToStoredIncrementalKey", "removeItemsUpToStoredDate")), text("incrementalDedupeValue", "Value")),
        ),
    ),
    added(
        DOTS,
        switch("removeOtherFields", "Leave out all fields that are not compared"),
        *since(2, select("scope", "Remember for", ("node", "This node"), ("workflow", "The workflow")), number("historySize", "Values to remember", 10000)),
    ),
)  # fmt: skip

RENAME: Final = (
    rows("keys.key", "Fields", "field", text("currentKey", "Name now"), text("newKey", "New name")),
    added(
        rows(
            "regexReplacement.replacements",
            "By regular expressions",
            "expression",
            text("searchRegex", "Regular expression"),
            text("replaceRegex", "Replace with"),
            added(switch("caseInsensitive", "Ignore case"), number("depth", "Depth, -1 for all", -1)),
        ),
        name="additionalOptions",
    ),
)

LIMIT: Final = (number("maxItems", "Most items", 1), select("keep", "Keep", "firstItems", "lastItems"))

DATA: Final[dict[str, tuple[Field, ...]]] = {
    "set": SET,
    "aggregate": AGGREGATE,
    "sort": SORT,
    "splitOut": SPLIT_OUT,
    "summarize": SUMMARIZE,
    "removeDuplicates": DUPLICATES,
    "renameKeys": RENAME,
    "limit": LIMIT,
}
