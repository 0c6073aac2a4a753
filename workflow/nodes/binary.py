"""Binary data of items in n8n's shape: `{"data": base64, "mimeType": …, "fileName": …}`, bounded so that one file cannot fill an engine."""

import base64
import binascii
import mimetypes
from typing import Any, Final

from workflow.failure import LimitError, NodeError
from workflow.items import Item

MAX_BYTES: Final = 16 * 1024 * 1024


def make(content: bytes, *, name: str, mime_type: str | None = None) -> dict[str, Any]:
    """Raises `evaluation_limit` for more than `MAX_BYTES`."""
    if len(content) > MAX_BYTES:
        raise LimitError(f"The file has {len(content):,} bytes; one in a workflow may have {MAX_BYTES:,}.")
    kind = mime_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
    made: dict[str, Any] = {"mimeType": kind, "fileType": _file_type(kind), "fileName": name, "fileSize": _size(len(content))}
    if "." in name:
        made["fileExtension"] = name.rpartition(".")[2]
    return {**made, "data": base64.b64encode(content).decode()}


def _file_type(mime_type: str) -> str:
    """n8n's coarse sort of file, by which its editor shows it."""
    first = mime_type.partition("/")[0]
    if mime_type in ("application/json", "application/pdf"):
        return mime_type.partition("/")[2]
    if mime_type == "text/html":
        return "html"
    return first if first in ("image", "video", "audio", "text") else "file"


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.3g} kB" if count < 1_000_000 else f"{count / 1_000_000:.3g} MB"


def read(item: Item, name: str, index: int) -> tuple[bytes, dict[str, Any]]:
    """The bytes of a binary field, and its facts. Raises `NodeError` where there is none."""
    found = (item.get("binary") or {}).get(name)
    if not isinstance(found, dict):
        raise NodeError(
            f"This operation expects the node's input data to contain a binary file '{name}', but none was found [item {index}]",
            description="Check the name of the field, and that the previous node outputs a file",
            item=index,
        )
    return decode(found.get("data", ""), index), found


def decode(text: Any, index: int) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        raise NodeError("The binary data are not valid base64", item=index) from None


def encoded(text: str, encoding: str) -> bytes:
    """Raises `NodeError` for an encoding that is not known."""
    try:
        return text.encode(_python_name(encoding), "replace")
    except LookupError:
        raise NodeError(f"The encoding {encoding!r} is not known") from None


def decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(_python_name(encoding), "replace").removeprefix("\ufeff")
    except LookupError:
        raise NodeError(f"The encoding {encoding!r} is not known") from None


def _python_name(encoding: str) -> str:
    return {"utf8": "utf-8", "utf16le": "utf-16-le", "binary": "latin-1"}.get(encoding, encoding)
