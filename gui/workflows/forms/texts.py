"""Fields of the nodes that read and write texts, dates and tokens, and that run code. Pure."""

from typing import Final

from gui.workflows.forms.fields import (
    Field,
    added,
    area,
    code,
    given,
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

_UNITS: Final = ("years", "quarters", "months", "weeks", "days", "hours", "minutes", "seconds", "milliseconds")
_PARTS: Final = ("year", "month", "week", "day", "hour", "minute", "second")
_FORMATS: Final = (
    ("custom", "As written below"),
    ("MM/dd/yyyy", "09/04/1986"),
    ("yyyy/MM/dd", "1986/09/04"),
    ("MMMM dd yyyy", "September 04 1986"),
    ("MM-dd-yyyy", "09-04-1986"),
    ("yyyy-MM-dd", "1986-09-04"),
    ("X", "Seconds since 1970"),
    ("x", "Milliseconds since 1970"),
)
_FIRST_FORMATS: Final = ("MM/DD/YYYY", "YYYY/MM/DD", "MMMM DD YYYY", "MM-DD-YYYY", "YYYY-MM-DD", ("X", "Seconds since 1970"), ("x", "Milliseconds since 1970"))  # fmt: skip
_MOVED: Final = on(operation=("addToDate", "subtractFromDate"))
_ROUNDED: Final = on(operation="roundDate")

DATE_TIME: Final = (
    *until(
        2,
        select("action", "Do", "format", "calculate"),
        text("value", "Date"),
        *given(
            on(action="format"),
            switch("custom", "A format of its own"),
            *given(on(custom="false"), select("toFormat", "Format", *_FIRST_FORMATS)),
            *given(on(custom="true"), text("toFormat", "Format")),
        ),
        *given(on(action="calculate"), select("operation", "Do", "add", "subtract"), number("duration", "How many"), select("timeUnit", "Unit", *_UNITS, default="days")),
        text("dataPropertyName", "Field of the result", "data"),
        added(text("fromFormat", "Format of the date"), text("fromTimezone", "Its time zone"), text("toTimezone", "Time zone of the result")),
    ),
    *since(
        2,
        select(
            "operation",
            "Do",
            ("addToDate", "Add to a date"),
            ("extractDate", "Take a part of a date"),
            ("formatDate", "Format a date"),
            ("getCurrentDate", "The present date"),
            ("getTimeBetweenDates", "Time between two dates"),
            ("roundDate", "Round a date"),
            ("subtractFromDate", "Subtract from a date"),
            default="getCurrentDate",
        ),
        *given(on(operation="getCurrentDate"), switch("includeTime", "With the time", True)),
        *given(_MOVED, text("magnitude", "Date"), select("timeUnit", "Unit", *_UNITS, default="days"), number("duration", "How many")),
        *given(on(operation=("formatDate", "roundDate", "extractDate")), text("date", "Date")),
        *given(on(operation="formatDate"), select("format", "Format", *_FORMATS, default="MM/dd/yyyy")),
        *given(on(operation="formatDate", format="custom"), text("customFormat", "Format in Luxon’s signs")),
        *given(_ROUNDED, select("mode", "Round", ("roundDown", "Down"), ("roundUp", "Up"))),
        *given(_ROUNDED, *given(on(mode="roundDown"), select("toNearest", "To", *_PARTS, default="month"))),
        *given(_ROUNDED, *given(on(mode="roundUp"), select("to", "To the end of the", *_PARTS, default="month"))),
        *given(on(operation="getTimeBetweenDates"), text("startDate", "From"), text("endDate", "To"), several("units", "In", "year", "month", "week", "day", "hour", "minute", "second", "millisecond")),
        *given(on(operation="extractDate"), select("part", "Part", *_PARTS, default="month")),
        text("outputFieldName", "Field of the result"),
        added(
            switch("includeInputFields", "Keep the item’s fields"),
            *given({"/operation": ("formatDate",)}, text("fromFormat", "Format of the date"), switch("timezone", "In the workflow’s time zone")),
            *given({"/operation": ("getTimeBetweenDates",)}, switch("isoString", "As an ISO duration")),
            *given({"/operation": ("getCurrentDate",)}, text("timezone", "Time zone")),
        ),
    ),
)  # fmt: skip

_VALUES: Final = rows(
    "extractionValues.values",
    "Values",
    "value",
    text("key", "Field"),
    text("cssSelector", "CSS selector"),
    select("returnValue", "Take", "attribute", ("html", "HTML"), "text", "value", default="text"),
    *given(on(returnValue="attribute"), text("attribute", "Attribute")),
    *given(on(returnValue="text"), text("skipSelectors", "Without, CSS selectors with commas")),
    switch("returnArray", "As a list"),
)
_EXTRACT: Final = (
    select("sourceData", "From", ("binary", "A file"), ("json", "A field"), default="json"),
    text("dataPropertyName", "Field of the HTML", "data"),
    _VALUES,
)
_TRIMS: Final = (switch("trimValues", "Trim values", True), switch("cleanUpText", "Make one space of several"))
_ATTRIBUTES: Final = (
    text("caption", "Caption"),
    switch("capitalize", "Headings with capitals"),
    switch("customStyling", "Without attributes"),
    text("tableAttributes", "Attributes of the table"),
    text("headerAttributes", "Attributes of its head"),
    text("rowAttributes", "Attributes of rows"),
    text("cellAttributes", "Attributes of cells"),
)
HTML: Final = (
    select(
        "operation",
        "Do",
        ("generateHtmlTemplate", "Write HTML"),
        ("extractHtmlContent", "Take values out of HTML"),
        ("convertToHtmlTable", "Make a table of the items"),
    ),
    *given(on(operation="generateHtmlTemplate"), code("html", "HTML")),
    *given(on(operation="extractHtmlContent"), *_EXTRACT, added(*_TRIMS)),
    *given(on(operation="convertToHtmlTable"), added(*_ATTRIBUTES)),
)

_CLAIMS: Final = added(
    text("audience", "Audience"),
    number("expiresIn", "Expires in seconds"),
    text("issuer", "Issuer"),
    text("jwtid", "Its id"),
    number("notBefore", "Not before, in seconds"),
    text("subject", "Subject"),
    name="claims",
    label="Claims",
)
_ALGORITHMS: Final = (
    "HS256",
    "HS384",
    "HS512",
    "RS256",
    "RS384",
    "RS512",
    "ES256",
    "ES384",
    "ES512",
    "PS256",
    "PS384",
    "PS512",
)
JWT: Final = (
    select("operation", "Do", "sign", "decode", "verify"),
    *given(
        on(operation="sign"),
        switch("useJson", "Claims as JSON"),
        *given(on(useJson="false"), _CLAIMS),
        *given(on(useJson="true"), json("claimsJson", "JSON of the claims")),
    ),
    *given(on(operation=("decode", "verify")), text("token", "Token")),
    added(
        select("algorithm", "Algorithm", *_ALGORITHMS),
        *given({"/operation": ("sign",)}, text("kid", "Id of the key")),
        *given({"/operation": ("decode", "verify")}, switch("complete", "Header and signature, too")),
        *given({"/operation": ("verify",)}, switch("ignoreExpiration", "Ignore when it expires")),
        *given({"/operation": ("verify",)}, switch("ignoreNotBefore", "Ignore when it begins"), number("clockTolerance", "Tolerance in seconds", 0)),
    ),
)  # fmt: skip

_HASHES: Final = ("MD5", "SHA256", "SHA3-256", "SHA3-384", "SHA3-512", "SHA384", "SHA512")
_OF_VALUE: Final = on(action=("hash", "hmac", "sign"))
CRYPTO: Final = (
    select("action", "Do", ("generate", "Make something up"), "hash", ("hmac", "HMAC"), "sign", default="hash"),
    *given(on(action=("hash", "hmac")), select("type", "Kind", *_HASHES)),
    *given(on(action=("hash", "hmac")), switch("binaryData", "Of a file")),
    *given({**_OF_VALUE, "binaryData": ("false",)}, text("value", "Value")),
    *given(on(action=("hash", "hmac"), binaryData="true"), text("binaryPropertyName", "Field of the file", "data")),
    *given(on(action="hmac"), text("secret", "Secret")),
    *given(on(action="sign"), text("algorithm", "Algorithm", "RSA-SHA256"), area("privateKey", "Private key, PEM")),
    *given(_OF_VALUE, select("encoding", "Written as", ("base64", "Base64"), ("hex", "Hex"), default="hex")),
    *given(
        on(action="generate"),
        select("encodingType", "Kind", ("ascii", "ASCII"), ("base64", "Base64"), ("hex", "Hex"), ("uuid", "UUID"), default="uuid"),
        *given(on(encodingType=("ascii", "base64", "hex")), number("stringLength", "Length", 32)),
    ),
    text("dataPropertyName", "Field of the result", "data"),
)  # fmt: skip

XML: Final = (
    select("mode", "Make", ("jsonToxml", "XML of JSON"), ("xmlToJson", "JSON of XML"), default="xmlToJson"),
    text("dataPropertyName", "Field of the XML", "data"),
    added(
        text("attrkey", "Name for attributes", "$"),
        text("charkey", "Name for text", "_"),
        *given({"/mode": ("xmlToJson",)}, switch("explicitRoot", "Keep the root", True), switch("explicitArray", "Always lists")),
        *given({"/mode": ("xmlToJson",)}, switch("ignoreAttrs", "Leave attributes out"), switch("mergeAttrs", "Attributes as fields", True)),
        *given({"/mode": ("xmlToJson",)}, switch("normalize", "Trim within texts"), switch("normalizeTags", "Names in lower case"), switch("trim", "Trim texts")),
        *given({"/mode": ("jsonToxml",)}, text("rootName", "Name of the root", "root"), switch("headless", "Without the XML declaration")),
    ),
)  # fmt: skip

MARKDOWN: Final = (
    select("mode", "Make", ("markdownToHtml", "HTML of Markdown"), ("htmlToMarkdown", "Markdown of HTML"), default="htmlToMarkdown"),
    *given(on(mode="markdownToHtml"), area("markdown", "Markdown")),
    *given(on(mode="htmlToMarkdown"), area("html", "HTML")),
    text("destinationKey", "Field of the result", "data"),
    added(
        *given({"/mode": ("htmlToMarkdown",)}, text("bulletMarker", "Mark of lists", "*"), text("strongDelimiter", "Mark of bold text", "**")),
        *given({"/mode": ("markdownToHtml",)}, switch("tables", "Tables"), switch("strikethrough", "Struck text")),
        *given({"/mode": ("markdownToHtml",)}, switch("simpleLineBreaks", "A line break is one"), switch("noHeaderId", "Headings without ids")),
    ),
)  # fmt: skip

CODE: Final = (
    select("mode", "Run", "runOnceForAllItems", "runOnceForEachItem"),
    *since(2, select("language", "Language", "javaScript", "python")),
    *given(on(language=("javaScript", "")), code("jsCode", "JavaScript")),
    *since(2, *given(on(language=("python", "pythonNative")), code("pythonCode", "Python"))),
)

EXECUTION_DATA: Final = (
    rows("dataToSave.values", "Values by which executions are found", "value", text("key", "Name"), text("value", "Value")),
)

TEXTS: Final[dict[str, tuple[Field, ...]]] = {
    "dateTime": DATE_TIME,
    "html": HTML,
    "htmlExtract": (*_EXTRACT, added(*_TRIMS)),
    "jwt": JWT,
    "crypto": CRYPTO,
    "xml": XML,
    "markdown": MARKDOWN,
    "code": CODE,
    "function": (code("functionCode", "JavaScript"),),
    "functionItem": (code("functionCode", "JavaScript"),),
    "executionData": EXECUTION_DATA,
    "stickyNote": (area("content", "Text"), number("width", "Width"), number("height", "Height"), number("color", "Colour, 1 to 7", 1)),
}  # fmt: skip
