"""Fields of the nodes that are asked over HTTP, and of feeds. Pure."""

from typing import Final

from gui.workflows.forms.fields import (
    Field,
    added,
    area,
    given,
    group,
    json,
    number,
    on,
    rows,
    select,
    several,
    since,
    switch,
    text,
    until,
)
from gui.workflows.forms.request import METHODS, PAIR, REQUEST

HEADERS: Final = rows("responseHeaders.entries", "Headers", "header", *PAIR)
RESPOND: Final = (
    select(
        "respondWith",
        "With",
        "allIncomingItems",
        ("binary", "A file"),
        "firstIncomingItem",
        ("json", "JSON"),
        ("jwt", "A JWT"),
        "noData",
        ("redirect", "A redirect"),
        "text",
        default="firstIncomingItem",
    ),
    *given(on(respondWith="json"), json("responseBody", "Body")),
    *given(on(respondWith="text"), area("responseBody", "Body")),
    *given(on(respondWith="jwt"), json("payload", "Payload")),
    *given(on(respondWith="redirect"), text("redirectURL", "Address")),
    *given(
        on(respondWith="binary"),
        select("responseDataSource", "Which file", ("automatically", "The first"), ("set", "Of a field")),
        *given(on(responseDataSource="set"), text("inputFieldName", "Field of the file", "data")),
    ),
    added(
        number("responseCode", "Status", 200),
        HEADERS,
        *given({"/respondWith": ("allIncomingItems", "firstIncomingItem")}, text("responseKey", "Put the answer in a field")),
        *since(1.2, switch("enableResponseOutput", "An output for what was answered")),
    ),
)

_LAST: Final = on(responseMode="lastNode")
WEBHOOK: Final = (
    *since(2, switch("multipleMethods", "Several methods")),
    *given(on(multipleMethods=("false", "")), select("httpMethod", "Method", *METHODS)),
    *since(2, *given(on(multipleMethods="true"), several("httpMethod", "Methods", *METHODS))),
    text("path", "Path"),
    select("authentication", "Callers show", ("none", "Nothing"), ("basicAuth", "User and password"), ("headerAuth", "A header"), ("jwtAuth", "A JWT")),
    select("responseMode", "Respond", ("onReceived", "At once"), ("lastNode", "When the last node has run"), ("responseNode", "By a Respond to Webhook node")),
    *until(2, number("responseCode", "Status of the answer", 200)),
    *given(
        _LAST,
        select("responseData", "With", ("allEntries", "All items"), ("firstEntryJson", "The first item"), ("firstEntryBinary", "Its file"), ("noData", "Nothing"), default="firstEntryJson"),
        *given(on(responseData="firstEntryBinary"), text("responseBinaryPropertyName", "Field of the file", "data")),
    ),
    added(
        text("allowedOrigins", "Pages that may call it (CORS)", "*"),
        text("binaryPropertyName", "Field of files", "data"),
        *until(2, switch("binaryData", "The body is a file")),
        *given({"/responseMode": ("onReceived",)}, switch("noResponseBody", "Without a body"), text("responseData", "Body of the answer")),
        switch("rawBody", "The body as it came"),
        *since(
            2,
            *given(
                {"/responseMode": ("onReceived", "lastNode")},
                group(
                    "responseCode.values",
                    "Status of the answer",
                    select("responseCode", "Status", 200, 201, 204, 301, 302, 400, 401, 403, 404, ("customCode", "Another")),
                    *given(on(responseCode="customCode"), number("customCode", "Number")),
                ),
            ),
        ),
        *given({"/responseMode": ("lastNode",)}, text("responseContentType", "Type of the answer")),
        HEADERS,
        *given({"/responseMode": ("lastNode",)}, text("responsePropertyName", "The field of the item alone")),
    ),
)  # fmt: skip

WEB: Final[dict[str, tuple[Field, ...]]] = {
    "httpRequest": REQUEST,
    "respondToWebhook": RESPOND,
    "webhook": WEBHOOK,
    "rssFeedRead": (text("url", "Address of the feed"), added(switch("ignoreSSL", "Take any certificate"))),
}
