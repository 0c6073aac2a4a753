"""Fields of agents and chains, and of memories, parsers and loaders. Pure."""

from typing import Final

from gui.workflows.forms.fields import (
    Field,
    added,
    area,
    given,
    json,
    locator,
    number,
    on,
    rows,
    select,
    since,
    switch,
    text,
    until,
)
from gui.workflows.forms.models import BY, MOST, PENALTIES, TEMPERATURE

_PROMPT: Final = (
    select("promptType", "Prompt", ("auto", "From the chat’s input"), ("define", "Written below")),
    *given(on(promptType="define"), area("text", "Text of the prompt")),
)
_MESSAGES: Final = rows(
    "messages.messageValues",
    "Messages before the prompt",
    "message",
    select(
        "type",
        "Of",
        ("AIMessagePromptTemplate", "The model"),
        ("SystemMessagePromptTemplate", "The system"),
        ("HumanMessagePromptTemplate", "A person"),
        default="SystemMessagePromptTemplate",
    ),
    area("message", "Message"),
)
_ROLES: Final = select("role", "Of", ("user", "A person"), ("assistant", "The model"), ("system", "The system"))
_TYPES: Final = select("type", "Type", ("boolean", "Yes or no"), "date", "number", ("string", "Text"), default="string")
SCHEMA: Final = (
    *given(on(schemaType="fromJson"), json("jsonSchemaExample", "Example as JSON")),
    *given(on(schemaType="manual"), json("inputSchema", "JSON Schema")),
)
_SYSTEM: Final = area("systemPromptTemplate", "System message")

_CHAINS: Final = {
    "agent": (
        *until(1.6, area("text", "Text of the prompt")),
        *since(1.6, *_PROMPT),
        added(
            area("systemMessage", "System message"),
            number("maxIterations", "Most steps", 10),
            switch("returnIntermediateSteps", "Give the steps, too"),
            number("maxSeconds", "Time limit in seconds"),
            number("maxTokens", "Most tokens"),
        ),
    ),
    "chainLlm": (*until(1.4, area("prompt", "Text of the prompt")), *since(1.4, *_PROMPT), _MESSAGES),
    "chainSummarization": (),
    "openAi": (
        select("resource", "About", "text"),
        select("operation", "Do", ("message", "Ask a model"), ("response", "Ask a model (responses)")),
        locator("modelId", "Model", *BY),
        *given(on(operation="message"), rows("messages.values", "Messages", "message", area("content", "Message"), _ROLES)),
        *given(on(operation="response"), rows("responses.values", "Messages", "message", area("content", "Message"), _ROLES)),
        switch("simplify", "The answer alone", True),
        switch("jsonOutput", "The answer is JSON"),
        added(*TEMPERATURE, *PENALTIES, MOST),
    ),
    "informationExtractor": (
        area("text", "Text"),
        select(
            "schemaType",
            "What to find",
            ("fromAttributes", "The attributes below"),
            ("fromJson", "As in an example"),
            ("manual", "By a JSON Schema"),
        ),
        *given(
            on(schemaType="fromAttributes"),
            rows(
                "attributes.attributes",
                "Attributes",
                "attribute",
                text("name", "Name"),
                _TYPES,
                text("description", "What it is"),
                switch("required", "Required"),
            ),
        ),
        *SCHEMA,
        added(_SYSTEM),
    ),
    "textClassifier": (
        area("inputText", "Text"),
        rows("categories.categories", "Categories", "category", text("category", "Name"), area("description", "What belongs to it")),
        added(
            switch("multiClass", "Several may fit"),
            select("fallback", "Where none fits", ("discard", "Leave the item out"), ("other", "To an output of its own")),
            _SYSTEM,
        ),
    ),
    "sentimentAnalysis": (
        area("inputText", "Text"),
        added(text("categories", "Categories, with commas", "Positive, Neutral, Negative"), _SYSTEM),
    ),
}  # fmt: skip

_SPLITTER: Final = (number("chunkSize", "Letters of a piece", 1000), number("chunkOverlap", "Letters that two share", 0))
_HELPERS: Final = {
    "memoryBufferWindow": (
        select("sessionIdType", "Session", ("fromInput", "Of the chat"), ("customKey", "By a key")),
        *given(on(sessionIdType="customKey"), text("sessionKey", "Key")),
        number("contextWindowLength", "Exchanges to remember", 5),
    ),
    "outputParserAutofixing": (),
    "outputParserStructured": (
        *until(1.2, json("jsonSchema", "JSON Schema")),
        *since(1.2, select("schemaType", "By", ("fromJson", "An example"), ("manual", "A JSON Schema")), *SCHEMA),
    ),
    "documentDefaultDataLoader": (
        select("dataType", "Load", ("binary", "Files"), ("json", "Fields"), default="json"),
        *given(
            on(dataType="json"),
            select("jsonMode", "Which", ("allInputData", "All fields"), ("expressionData", "What is written below")),
            *given(on(jsonMode="expressionData"), area("jsonData", "Text")),
        ),
        *given(on(dataType="binary"), text("binaryDataKey", "Field of the file", "data")),
        *since(1.1, select("textSplittingMode", "Split", ("simple", "Simply"), ("custom", "By what is attached"))),
        added(rows("metadata.metadataValues", "Metadata", "field", text("name", "Name"), text("value", "Value"))),
    ),
    "textSplitterCharacterTextSplitter": (text("separator", "Separator"), *_SPLITTER),
    "textSplitterRecursiveCharacterTextSplitter": _SPLITTER,
    "textSplitterTokenSplitter": (number("chunkSize", "Tokens of a piece", 1000), number("chunkOverlap", "Tokens that two share", 0)),
}  # fmt: skip


FIRST_OPEN_AI: Final = (
    select("resource", "About", ("chat", "Chat")),
    select("operation", "Do", ("complete", "Ask a model")),
    locator("model", "Model", *BY),
    rows("prompt.messages", "Messages", "message", _ROLES, area("content", "Message")),
    switch("simplifyOutput", "The answer alone", True),
    added(*TEMPERATURE, *PENALTIES, MOST),
)

AI: Final[dict[str, tuple[Field, ...]]] = {**_CHAINS, **_HELPERS}
