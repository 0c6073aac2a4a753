"""Fields of the nodes that join the items of several inputs. Pure."""

from typing import Final

from gui.workflows.forms.fields import (
    Field,
    FieldKind,
    added,
    given,
    number,
    on,
    rows,
    select,
    since,
    switch,
    text,
    until,
)

_PAIR: Final = (text("field1", "Field of the first input"), text("field2", "Field of the second input"))
_DOTS: Final = switch("disableDotNotation", "A dot in a name is part of it")
_CLASH: Final = (
    select(
        "clashHandling.values.resolveClash",
        "Where both have a field",
        ("preferInput2", "The second’s counts"),
        ("preferInput1", "The first’s counts"),
        ("addSuffix", "Keep both, with a suffix"),
    ),
    select(
        "clashHandling.values.mergeMode", "Objects within", ("deepMerge", "Are merged, too"), ("shallowMerge", "Are replaced")
    ),
    switch("clashHandling.values.overrideEmpty", "Where one is empty the other counts"),
)
_FUZZY: Final = switch("fuzzyCompare", "Compare loosely: 1 and “1” are the same")
_MATCHES: Final = (("all", "Each of them"), ("first", "The first alone"))
_BY_FIELDS: Final = on(mode="combine", combineBy="combineByFields")
_OLDER_FIELDS: Final = on(mode="combine", combinationMode="mergeByFields")
_JOINS: Final = (
    select(
        "joinMode",
        "Give",
        ("keepMatches", "What matches"),
        ("keepNonMatches", "What does not match"),
        ("keepEverything", "Everything"),
        ("enrichInput1", "All of the first, enriched"),
        ("enrichInput2", "All of the second, enriched"),
    ),
    *given(
        on(joinMode=("keepMatches", "keepNonMatches")),
        select("outputDataFrom", "With fields of", ("both", "Both inputs"), ("input1", "The first"), ("input2", "The second")),
    ),
)

MERGE: Final = (
    *until(
        2,
        select(
            "mode",
            "Mode",
            "append",
            ("keepKeyMatches", "Keep what matches"),
            ("mergeByIndex", "By place"),
            ("mergeByKey", "By key"),
            ("multiplex", "Every with every"),
            ("passThrough", "One input"),
            ("removeKeyMatches", "Remove what matches"),
            "wait",
        ),
        *given(
            on(mode="mergeByIndex"), select("join", "Keep", ("left", "All of the first"), ("inner", "Pairs"), ("outer", "All"))
        ),
        *given(
            on(mode=("keepKeyMatches", "mergeByKey", "removeKeyMatches")),
            text("propertyName1", "Field of the first input"),
            text("propertyName2", "Field of the second input"),
        ),
        *given(
            on(mode="mergeByKey"),
            select("overwrite", "Overwrite", "always", ("blank", "Where it is empty"), ("undefined", "Where it is not there")),
        ),
        *given(on(mode="passThrough"), select("output", "Which", "input1", "input2")),
    ),
    *since(2, *until(3, select("mode", "Mode", "append", "combine", "chooseBranch"))),
    *since(3, select("mode", "Mode", "append", "combine", ("combineBySql", "Combine by SQL"), "chooseBranch")),
    *given(on(mode=("append", "chooseBranch", "combineBySql")), *since(3, number("numberInputs", "Inputs", 2))),
    *since(
        2,
        *until(
            3,
            *given(
                on(mode="combine"),
                select(
                    "combinationMode",
                    "Pair by",
                    ("mergeByFields", "Equal fields"),
                    ("mergeByPosition", "Place"),
                    ("multiplex", "Every with every"),
                ),
            ),
            *given(_OLDER_FIELDS, rows("mergeByFields.values", "Fields that match", "pair", *_PAIR), *_JOINS),
        ),
    ),
    *since(
        3,
        *given(
            on(mode="combine"),
            select(
                "combineBy",
                "Pair by",
                ("combineByFields", "Equal fields"),
                ("combineByPosition", "Place"),
                ("combineAll", "Every with every"),
            ),
        ),
        *given(
            _BY_FIELDS,
            switch("advanced", "The fields have different names"),
            *given(on(advanced="false"), text("fieldsToMatchString", "Fields that match, with commas")),
            *given(on(advanced="true"), rows("mergeByFields.values", "Fields that match", "pair", *_PAIR)),
            *_JOINS,
        ),
        *given(
            on(mode="combineBySql"), Field(name="query", label="Query; the inputs are input1, input2 …", kind=FieldKind.CODE)
        ),
    ),
    *since(
        2, *given(on(mode="chooseBranch"), select("output", "Give", ("input1", "An input’s items"), ("empty", "An empty item")))
    ),
    *since(3, *given(on(mode="chooseBranch"), number("useDataOfInput", "Of input", 1))),
    *since(
        2,
        *given(
            on(mode="combine"),
            added(
                *_CLASH,
                _FUZZY,
                _DOTS,
                select("multipleMatches", "Of several matches", *_MATCHES),
                switch("includeUnpaired", "By place: items without a pair, too"),
            ),
        ),
    ),
)

COMPARE: Final = (
    rows("mergeByFields.values", "Fields that match", "pair", *_PAIR),
    *until(
        2,
        select("resolve", "Where they differ", ("preferInput1", "The first’s counts"), ("preferInput2", "The second’s counts"), ("mix", "Some of each"), "includeBoth"),
    ),
    *since(
        2,
        select("resolve", "Where they differ", "includeBoth", ("preferInput1", "The first’s counts"), ("preferInput2", "The second’s counts"), ("mix", "Some of each")),
    ),
    *given(
        on(resolve="mix"),
        select("preferWhenMix", "What counts", ("input1", "The first’s"), ("input2", "The second’s")),
        text("exceptWhenMix", "Except of the fields, with commas"),
    ),
    *since(2.1, switch("fuzzyCompare", _FUZZY.label)),
    added(
        *until(2.1, _FUZZY),
        text("skipFields", "Fields that are not compared, with commas"),
        _DOTS,
        select("multipleMatches", "Of several matches", ("first", "The first alone"), ("all", "Each of them")),
    ),
)  # fmt: skip
