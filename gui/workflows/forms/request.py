"""Fields of HTTP Request in all its versions. Pure."""

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
    since,
    switch,
    text,
    until,
)

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_WAYS: Final = (
    ("httpBasicAuth", "User and password"),
    ("httpBearerAuth", "Bearer token"),
    ("httpCustomAuth", "As JSON says"),
    ("httpDigestAuth", "Digest"),
    ("httpHeaderAuth", "Header"),
    ("httpQueryAuth", "In the query"),
    ("oAuth1Api", "OAuth 1"),
    ("oAuth2Api", "OAuth 2"),
)
_NAME, _VALUE = text("name", "Name"), text("value", "Value")
PAIR: Final = (_NAME, _VALUE)
_AS: Final = (("keypair", "Fields"), ("json", "JSON"))

AUTHENTICATION: Final = (
    select(
        "authentication",
        "Authentication",
        ("none", "None"),
        ("predefinedCredentialType", "Of a service"),
        ("genericCredentialType", "By a credential’s way"),
    ),
    *given(on(authentication="predefinedCredentialType"), text("nodeCredentialType", "Type of the credential")),
    *given(on(authentication="genericCredentialType"), select("genericAuthType", "Way", *_WAYS)),
)


def _part(which: str, word: str, rows_of: str, written: str) -> tuple[Field, ...]:
    """Query or headers: whether it is sent, as rows or as JSON."""
    return (
        switch(f"send{which}", f"Send {word}"),
        *given(
            {f"send{which}": ("true",)},
            select(f"specify{which}", f"Write the {word} as", *_AS),
            *given({f"specify{which}": ("keypair",)}, rows(rows_of, word.capitalize(), "field", *PAIR)),
            *given({f"specify{which}": ("json",)}, json(written, f"JSON of the {word}")),
        ),
    )


_FORMS: Final = on(contentType=("json", "form-urlencoded"))
_BODY: Final = (
    select(
        "contentType",
        "Type of the body",
        ("form-urlencoded", "Form"),
        ("multipart-form-data", "Form with files"),
        ("json", "JSON"),
        ("binaryData", "A file"),
        ("raw", "Anything"),
        default="json",
    ),
    *given(on(contentType="json"), select("specifyBody", "Body as", *_AS)),
    *given(on(contentType="form-urlencoded"), select("specifyBody", "Body as", ("keypair", "Fields"), ("string", "Text"))),
    *given({**_FORMS, "specifyBody": ("keypair",)}, rows("bodyParameters.parameters", "Fields of the body", "field", *PAIR)),
    *given(
        on(contentType="multipart-form-data"),
        rows(
            "bodyParameters.parameters",
            "Parts of the body",
            "part",
            select("parameterType", "Kind", ("formBinaryData", "A file"), ("formData", "A value"), default="formData"),
            _NAME,
            *given(on(parameterType="formData"), _VALUE),
            *given(on(parameterType="formBinaryData"), text("inputDataFieldName", "Field of the file", "data")),
            starts={"parameterType": "formData"},
        ),
    ),
    *given(on(contentType="json", specifyBody="json"), json("jsonBody", "JSON of the body")),
    *given(on(contentType="form-urlencoded", specifyBody="string"), area("body", "Body")),
    *given(on(contentType="raw"), text("rawContentType", "Its type, such as text/html"), area("body", "Body")),
    *given(on(contentType="binaryData"), text("inputDataFieldName", "Field of the file", "data")),
)

_ANSWERS: Final = (("autodetect", "As it says"), ("file", "A file"), ("json", "JSON"), "text")
_PAGES: Final = group(
    "pagination.pagination",
    "Pages",
    select(
        "paginationMode",
        "By",
        "off",
        ("updateAParameterInEachRequest", "A parameter that changes"),
        ("responseContainsNextURL", "An address in the answer"),
        default="updateAParameterInEachRequest",
    ),
    *given(on(paginationMode="responseContainsNextURL"), text("nextURL", "Address of the next page")),
    *given(
        on(paginationMode="updateAParameterInEachRequest"),
        rows(
            "parameters.parameters",
            "Parameters",
            "parameter",
            select("type", "In the", ("body", "Body"), ("headers", "Headers"), ("qs", "Query"), default="qs"),
            *PAIR,
            starts={"type": "qs"},
        ),
    ),
    *given(
        on(paginationMode=("updateAParameterInEachRequest", "responseContainsNextURL")),
        select(
            "paginationCompleteWhen",
            "The last page is there when",
            ("responseIsEmpty", "The answer is empty"),
            ("receiveSpecificStatusCodes", "It has a status"),
            ("other", "An expression holds"),
        ),
        *given(
            on(paginationCompleteWhen="receiveSpecificStatusCodes"), text("statusCodesWhenComplete", "Statuses, with commas")
        ),
        *given(on(paginationCompleteWhen="other"), text("completeExpression", "Expression")),
        switch("limitPagesFetched", "Not more pages than"),
        *given(on(limitPagesFetched="true"), number("maxRequests", "Pages", 100)),
        number("requestInterval", "Wait between them (ms)", 0),
    ),
    starts={"paginationMode": "updateAParameterInEachRequest"},
)
_OPTIONS: Final = added(
    group(
        "batching.batch",
        "A batch at a time",
        number("batchSize", "Requests of a batch", 50),
        number("batchInterval", "Wait between them (ms)", 1000),
    ),
    switch("allowUnauthorizedCerts", "Take any certificate"),
    select("queryParameterArrays", "Lists in the query", ("repeat", "a=1&a=2"), ("brackets", "a[]=1&a[]=2"), ("indices", "a[0]=1&a[1]=2")),
    *until(4, group("redirect.redirect", "Redirects", switch("followRedirects", "Follow them"), number("maxRedirects", "Most of them", 21))),
    *since(4, group("redirect.redirect", "Redirects", switch("followRedirects", "Follow them", True), number("maxRedirects", "Most of them", 21))),
    group(
        "response.response",
        "Answer",
        switch("fullResponse", "With status and headers"),
        switch("neverError", "No status is an error"),
        select("responseFormat", "Format", *_ANSWERS),
        *given(on(responseFormat=("file", "text")), text("outputPropertyName", "Field of it", "data")),
    ),
    _PAGES,
    text("proxy", "Proxy"),
    number("timeout", "Time limit (ms)", 300_000),
)  # fmt: skip

_WITH_BODY: Final = on(requestMethod=("POST", "PUT", "PATCH", "DELETE"))


def _older(kind: str, word: str) -> tuple[Field, ...]:
    return (
        *given(on(jsonParameters="true"), json(f"{kind}ParametersJson", f"JSON of the {word}")),
        *given(on(jsonParameters="false"), rows(f"{kind}ParametersUi.parameter", word.capitalize(), "field", *PAIR)),
    )


_OLDER: Final = (
    *until(2, select("authentication", "Authentication", "none", "basicAuth", "digestAuth", "headerAuth", "queryAuth", ("oAuth1", "OAuth 1"), ("oAuth2", "OAuth 2"))),
    *since(2, *AUTHENTICATION),
    select("requestMethod", "Method", *METHODS),
    text("url", "URL"),
    *until(2, switch("allowUnauthorizedCerts", "Take any certificate")),
    select("responseFormat", "Answer as", ("file", "A file"), ("json", "JSON"), ("string", "Text"), default="json"),
    *given(on(responseFormat=("file", "string")), text("dataPropertyName", "Field of it", "data")),
    switch("jsonParameters", "Write query, headers and body as JSON"),
    *given({**_WITH_BODY, "jsonParameters": ("true",)}, switch("sendBinaryData", "Send a file")),
    *given(on(sendBinaryData="true"), text("binaryPropertyName", "Field of the file", "data")),
    *given(_WITH_BODY, *_older("body", "body")),
    *_older("query", "query"),
    *_older("header", "headers"),
    added(
        number("batchSize", "Requests of a batch", 50),
        number("batchInterval", "Wait between them (ms)", 1000),
        select("bodyContentType", "Type of the body", ("json", "JSON"), ("form-urlencoded", "Form"), ("multipart-form-data", "Form with files"), ("raw", "Anything")),
        text("bodyContentCustomMimeType", "Its own type"),
        switch("fullResponse", "With status and headers"),
        switch("followAllRedirects", "Follow all redirects"),
        switch("followRedirect", "Follow redirects", True),
        switch("ignoreResponseCode", "No status is an error"),
        text("proxy", "Proxy"),
        select("queryParameterArrays", "Lists in the query", ("indices", "a[0]=1&a[1]=2"), ("brackets", "a[]=1&a[]=2"), ("repeat", "a=1&a=2")),
        switch("splitIntoItems", "A list as items"),
        number("timeout", "Time limit (ms)", 300_000),
    ),
)  # fmt: skip

REQUEST: Final = (
    *until(3, *_OLDER),
    *since(
        3,
        select("method", "Method", *METHODS),
        text("url", "URL"),
        *AUTHENTICATION,
        *_part("Query", "query", "queryParameters.parameters", "jsonQuery"),
        *_part("Headers", "headers", "headerParameters.parameters", "jsonHeaders"),
        switch("sendBody", "Send a body"),
        *given(on(sendBody="true"), *_BODY),
        _OPTIONS,
    ),
)
