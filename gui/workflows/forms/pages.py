"""Fields of the nodes that show a page to a person: forms and chats. Pure."""

from typing import Final

from gui.workflows.forms.fields import (
    Field,
    added,
    area,
    code,
    given,
    group,
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

_KINDS: Final = (
    "checkbox",
    ("html", "HTML"),
    "date",
    "dropdown",
    "email",
    "file",
    ("hiddenField", "Hidden"),
    "number",
    "password",
    ("radio", "Radio buttons"),
    "text",
    ("textarea", "Text of several lines"),
)
_CHOICES: Final = ("dropdown", "checkbox", "radio")
_TYPED: Final = ("text", "textarea", "number", "email", "password")
_FIELDS: Final = rows(
    "formFields.values",
    "Fields of the form",
    "field",
    *given(on(fieldType=(*_CHOICES, *_TYPED, "date", "file")), text("fieldLabel", "Label")),
    *since(2.4, *given(on(fieldType=(*_CHOICES, *_TYPED, "date", "file", "hiddenField")), text("fieldName", "Name in the item", hint="Left empty it is the label"))),
    *until(2.4, *given(on(fieldType="hiddenField"), text("fieldName", "Name in the item"))),
    *given(on(fieldType="html"), text("elementName", "Name in the item"), code("html", "HTML")),
    select("fieldType", "Type", *_KINDS, default="text"),
    *given(on(fieldType=_TYPED), text("placeholder", "Placeholder")),
    *since(2.4, *given(on(fieldType=(*_TYPED, "date", "dropdown", "radio")), text("defaultValue", "Value at first"))),
    *given(on(fieldType="hiddenField"), text("fieldValue", "Value")),
    *given(on(fieldType=_CHOICES), rows("fieldOptions.values", "Choices", "choice", text("option", "Choice"))),
    *given(
        on(fieldType="dropdown"),
        switch("multiselect", "Several may be chosen"),
    ),
    *given(
        on(fieldType="checkbox"),
        select("limitSelection", "How many", ("exact", "A number"), ("range", "From … to"), ("unlimited", "Any"), default="unlimited"),
        *given(on(limitSelection="exact"), number("numberOfSelections", "Number", 1)),
        *given(on(limitSelection="range"), number("minSelections", "At least", 0), number("maxSelections", "At most", 1)),
    ),
    *given(on(fieldType="file"), switch("multipleFiles", "Several files", True), text("acceptFileTypes", "Kinds of files, such as .jpg, .png")),
    *given(on(fieldType="date"), text("formatDate", "Format in the item, in Luxon’s signs")),
    *given(on(fieldType=(*_CHOICES, *_TYPED, "date", "file")), switch("requiredField", "Required")),
    starts={"fieldLabel": "", "fieldType": "text"},
)  # fmt: skip
_DEFINED: Final = (
    select("defineForm", "Define the form by", ("fields", "Fields"), ("json", "JSON")),
    *given(on(defineForm="fields"), _FIELDS),
    *given(on(defineForm="json"), json("jsonOutput", "JSON of the fields")),
)

TRIGGER: Final = (
    select("authentication", "Who may open it", ("none", "Everybody"), ("basicAuth", "Who has user and password")),
    *until(2.2, text("path", "Path")),
    text("formTitle", "Title"),
    area("formDescription", "Description"),
    *_DEFINED,
    select("responseMode", "Respond", ("onReceived", "At once"), ("lastNode", "When the workflow has run"), ("responseNode", "By a Respond to Webhook node")),
    added(
        text("buttonLabel", "Button", "Submit"),
        *since(2.2, text("path", "Path")),
        *given(
            {"/responseMode": ("onReceived", "lastNode")},
            group(
                "respondWithOptions.values",
                "What is shown then",
                select("respondWith", "Show", ("text", "A text"), ("redirect", "Another address")),
                *given(on(respondWith="text"), area("formSubmittedText", "Text")),
                *given(on(respondWith="redirect"), text("redirectUrl", "Address")),
            ),
        ),
        switch("ignoreBots", "Ignore bots"),
        switch("useWorkflowTimezone", "Times in the workflow’s time zone", True),
    ),
)  # fmt: skip

_ENDS: Final = on(operation="completion")
FORM: Final = (
    select("operation", "Show", ("page", "One more page"), ("completion", "The end")),
    *given(on(operation="page"), *_DEFINED),
    *given(
        on(operation="page"),
        added(text("formTitle", "Title"), area("formDescription", "Description"), text("buttonLabel", "Button", "Submit")),
    ),
    *given(
        _ENDS,
        select("respondWith", "End with", ("text", "A text"), ("redirect", "Another address"), ("showText", "A page of its own"), ("returnBinary", "A file")),
        *given(on(respondWith=("text", "returnBinary")), text("completionTitle", "Title"), area("completionMessage", "Message")),
        *given(on(respondWith="redirect"), text("redirectUrl", "Address")),
        *given(on(respondWith="showText"), code("responseText", "HTML")),
        *given(on(respondWith="returnBinary"), text("inputDataFieldName", "Field of the file", "data")),
        added(text("formTitle", "Title of the window")),
    ),
)  # fmt: skip

_PUBLIC: Final = on(public="true")
CHAT: Final = (
    switch("public", "Others may chat"),
    *given(
        _PUBLIC,
        select("mode", "By", ("hostedChat", "Hive’s page"), ("webhook", "A page of your own")),
        select("authentication", "Who", ("none", "Everybody"), ("basicAuth", "Who has user and password")),
        *given(on(mode="hostedChat"), area("initialMessages", "First messages, a line each")),
    ),
    added(
        switch("allowFileUploads", "Files may be sent"),
        text("allowedFilesMimeTypes", "Kinds of files", "*"),
        *given({"/public": ("true",)}, text("allowedOrigins", "Pages that may use it (CORS)", "*")),
        *given({"/public": ("true",)}, text("title", "Title"), text("subtitle", "Subtitle"), text("inputPlaceholder", "Placeholder")),
        *given({"/public": ("true",)}, select("loadPreviousSession", "Earlier messages", ("notSupported", "Are not shown"), ("memory", "Of the memory"), ("manually", "Of the workflow"))),
        *given({"/public": ("true",)}, select("responseMode", "Respond", ("lastNode", "When the workflow has run"), ("responseNode", "By a Respond node"), "streaming")),
    ),
)  # fmt: skip

PAGES: Final[dict[str, tuple[Field, ...]]] = {
    "formTrigger": TRIGGER,
    "form": FORM,
    "chatTrigger": CHAT,
    "manualChatTrigger": (),
}
