"""Fields of the tools that agents have, of MCP clients and of the vector store. Pure."""

from typing import Final

from gui.workflows.forms.ai import SCHEMA
from gui.workflows.forms.fields import (
    Field,
    added,
    area,
    code,
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
    words,
)
from gui.workflows.forms.flow import INPUTS, SUB_WORKFLOW

_ABOUT: Final = (
    *until(1.1, text("name", "Name")),
    area("description", "What it does, for the model"),
)
_PROVIDED: Final = select(
    "valueProvider",
    "Filled by",
    ("modelRequired", "The model"),
    ("modelOptional", "The model, if it wants to"),
    ("fieldValue", "What is written here"),
)


def _part(which: str, word: str) -> tuple[Field, ...]:
    return (
        switch(f"send{which}", f"Send {word}"),
        *given(
            {f"send{which}": ("true",)},
            select(
                f"specify{which}", f"The {word} as", ("keypair", "Fields"), ("json", "JSON"), ("model", "The model writes it")
            ),
            *given(
                {f"specify{which}": ("keypair",)},
                rows(
                    f"parameters{which}.values",
                    word.capitalize(),
                    "field",
                    text("name", "Name"),
                    _PROVIDED,
                    *given(on(valueProvider="fieldValue"), text("value", "Value")),
                    starts={"valueProvider": "modelRequired"},
                ),
            ),
            *given({f"specify{which}": ("json",)}, json(f"json{which}", f"JSON of the {word}")),
        ),
    )


_MCP: Final = (
    text("server", "Registered MCP server", hint="Its name in this hive; left empty it is the one at the address"),
    *given(on(server=""), text("endpointUrl", "Address")),
    *given(
        on(server=""),
        select("serverTransport", "Transport", ("httpStreamable", "Streamable HTTP"), ("sse", "SSE")),
        select("authentication", "Authentication", "none", ("bearerAuth", "Bearer token"), ("headerAuth", "Header"), ("multipleHeadersAuth", "Several headers")),
    ),
)  # fmt: skip
TOOLS: Final[dict[str, tuple[Field, ...]]] = {
    "toolCalculator": (),
    "toolCode": (
        *_ABOUT,
        select("language", "Language", ("javaScript", "JavaScript"), "python"),
        *given(on(language="javaScript"), code("jsCode", "JavaScript; `query` is what the model gives")),
        *given(on(language=("python", "pythonNative")), code("pythonCode", "Python; `query` is what the model gives")),
        switch("specifyInputSchema", "Say what the model is to give"),
        *given(
            on(specifyInputSchema="true"),
            select("schemaType", "By", ("fromJson", "An example"), ("manual", "A JSON Schema")),
            *SCHEMA,
        ),
    ),
    "toolWorkflow": (
        *until(2.2, text("name", "Name")),
        area("description", "What it does, for the model"),
        *SUB_WORKFLOW,
        *since(2, *given(on(source="database"), INPUTS)),
        *until(2, rows("fields.values", "Fields that it is given", "field", text("name", "Name"), text("stringValue", "Value"))),
        *until(2, text("responsePropertyName", "Field of the answer", "response")),
    ),
    "toolHttpRequest": (
        *until(1.1, text("name", "Name")),
        area("toolDescription", "What it does, for the model"),
        select("method", "Method", "GET", "POST", "PUT", "PATCH", "DELETE"),
        text("url", "URL", hint="{name} is filled by the model"),
        select("authentication", "Authentication", "none", ("predefinedCredentialType", "Of a service"), ("genericCredentialType", "By a credential’s way")),
        *given(on(authentication="predefinedCredentialType"), text("nodeCredentialType", "Type of the credential")),
        *given(on(authentication="genericCredentialType"), text("genericAuthType", "Way")),
        *_part("Query", "query"),
        *_part("Headers", "headers"),
        *_part("Body", "body"),
        rows(
            "placeholderDefinitions.values",
            "What the model fills",
            "placeholder",
            text("name", "Name"),
            text("description", "What it is"),
            select("type", "Type", ("not specified", "Any"), "string", "number", "boolean", ("json", "JSON")),
        ),
        switch("optimizeResponse", "Shorten the answer"),
        *given(
            on(optimizeResponse="true"),
            select("responseType", "It is", ("json", "JSON"), ("html", "HTML"), "text"),
            *given(on(responseType="json"), text("dataField", "Field with the data")),
            *given(on(responseType="json"), select("fieldsToInclude", "Fields", "all", ("selected", "Some"), ("except", "All but some")), text("fields", "Which, with commas")),
            *given(on(responseType="html"), text("cssSelector", "CSS selector", "body"), switch("onlyContent", "The text alone"), text("elementsToOmit", "Without, CSS selectors with commas")),
            switch("truncateResponse", "Cut it"),
            *given(on(truncateResponse="true"), number("maxLength", "Letters", 1000)),
        ),
    ),
    "mcpClientTool": (
        *until(1.1, text("sseEndpoint", "Address of the SSE endpoint")),
        *since(1.1, *_MCP),
        select("include", "Tools", "all", ("selected", "Some"), ("except", "All but some")),
        *given(on(include="selected"), words("includeTools", "Tools, with commas")),
        *given(on(include="except"), words("excludeTools", "Tools to leave out, with commas")),
        added(number("timeout", "Time limit (ms)", 60000)),
    ),
    "mcpClient": (
        *_MCP,
        locator("tool", "Tool", ("list", "From the list"), ("id", "By its name")),
        select("inputMode", "Input", ("manual", "Fields"), ("json", "JSON")),
        *given(on(inputMode="json"), json("jsonInput", "JSON of the input")),
        *given(on(inputMode="manual"), group("parameters", "Input", pairs("value", "Fields"), starts={"mappingMode": "defineBelow"})),
        added(number("timeout", "Time limit (ms)", 60000)),
    ),
    "vectorStoreInMemory": (
        select(
            "mode",
            "Do",
            ("load", "Find documents"),
            ("insert", "Add documents"),
            ("retrieve", "Serve a chain or tool"),
            ("retrieve-as-tool", "Be a tool of an agent"),
            default="retrieve",
        ),
        *given(
            on(mode="retrieve-as-tool"),
            *until(1.3, text("toolName", "Name")),
            area("toolDescription", "What it knows, for the model"),
        ),
        *until(1.2, text("memoryKey", "Store", "vector_store_key")),
        *since(1.2, locator("memoryKey", "Store", ("list", "From the list"), ("id", "By its name"))),
        *given(on(mode="load"), text("prompt", "What to find")),
        *given(on(mode=("load", "retrieve-as-tool")), number("topK", "Most documents", 4)),
        *given(on(mode=("load", "retrieve-as-tool")), switch("includeDocumentMetadata", "With their metadata", True)),
        *given(on(mode="insert"), switch("clearStore", "Empty the store before")),
    ),
}  # fmt: skip
