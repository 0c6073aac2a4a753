"""Fields of Item Lists, the node that Aggregate, Split Out, Sort and others came from: theirs, each for its operation. Pure."""

from typing import Final

from gui.workflows.forms.data import AGGREGATE, DOTS, LIMIT, SORT, SUMMARIZE
from gui.workflows.forms.fields import Field, FieldKind, added, given, on, rows, select, since, switch, text, until

_NEW_NAMES: Final = 3
"""The version from which names are one text with commas; before it they are rows."""


_ROWS_BEFORE: Final = ("fieldsToInclude", "fieldsToExclude")


def _names(name: str, label: str) -> tuple[Field, ...]:
    older = rows(f"{name}.fields", label, "field", text("fieldName", "Field"))
    return (*until(_NEW_NAMES, older), *since(_NEW_NAMES, text(name, f"{label}, with commas")))


def _renamed(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """With the names of fields as each version has them, and without options, which are added together below."""
    found: list[Field] = []
    for field in fields:
        if field.kind is FieldKind.ADDED:
            continue
        if field.name in _ROWS_BEFORE and field.kind is FieldKind.TEXT:
            named = _names(field.name, field.label.removesuffix(", with commas"))
            found += [each.model_copy(update={"when": field.when}) for each in named]
        else:
            found.append(field)
    return tuple(found)


_SPLIT: Final = (
    text("fieldToSplitOut", "Field to split out"),
    select("include", "Keep", ("noOtherFields", "No other field"), ("allOtherFields", "All others"), ("selectedOtherFields", "Some others")),
    *given(on(include="selectedOtherFields"), *_names("fieldsToInclude", "Fields to keep")),
)  # fmt: skip
_COMPARED: Final = (
    select("compare", "Compare", "allFields", ("allFieldsExcept", "All fields but some"), ("selectedFields", "Some fields")),
    *given(on(compare="allFieldsExcept"), *_names("fieldsToExclude", "Fields to leave out")),
    *given(on(compare="selectedFields"), *_names("fieldsToCompare", "Fields")),
)

ITEM_LISTS: Final = (
    *until(3, select("operation", "Do", "splitOutItems", "aggregateItems", "limit", "removeDuplicates", "sort", "summarize")),
    *since(3, select("operation", "Do", "splitOutItems", "concatenateItems", "limit", "removeDuplicates", "sort", "summarize")),
    *given(on(operation="splitOutItems"), *_SPLIT),
    *given(on(operation=("aggregateItems", "concatenateItems")), *_renamed(AGGREGATE)),
    *given(on(operation="limit"), *LIMIT),
    *given(on(operation="removeDuplicates"), *_COMPARED),
    *given(on(operation="sort"), *_renamed(SORT)),
    *given(on(operation="summarize"), *_renamed(SUMMARIZE)),
    added(
        DOTS,
        *given({"/operation": ("splitOutItems",)}, text("destinationFieldName", "Name of the new field")),
        *given({"/operation": ("removeDuplicates",)}, switch("removeOtherFields", "Leave out all fields that are not compared")),
        *given({"/operation": ("aggregateItems", "concatenateItems")}, switch("mergeLists", "Make one list of lists")),
        *given({"/operation": ("aggregateItems", "concatenateItems")}, switch("keepMissing", "null where a field is not there")),
        *given({"/operation": ("summarize",)}, switch("continueIfFieldNotFound", "Go on where a field is nowhere")),
        *given({"/operation": ("summarize",)}, select("outputFormat", "Give", ("separateItems", "An item for each result"), ("singleItem", "One item"))),
    ),
)  # fmt: skip
