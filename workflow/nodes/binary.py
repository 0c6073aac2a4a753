"""Binary data of items in n8n's shape: `{"data": base64, "mimeType": …, "fileName": …}`, bounded so that one file cannot fill an engine."""

import base64
import binascii
import mimetypes
from typing import Any, Final

from workflow.core.failure import LimitError, NodeError
from workflow.core.items import Item

MAX_BYTES: Final = 16 * 1024 * 1024
_TYPES: Final = mimetypes.MimeTypes()
"""Those that are known everywhere, not what files of this machine add."""
_EXTENSIONS: Final = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/gzip": "gz",
    "application/x-bzip": "bz",
    "application/x-bzip2": "bz2",
    "application/x-7z-compressed": "7z",
    "application/vnd.rar": "rar",
    "application/epub+zip": "epub",
    "application/vnd.ms-fontobject": "eot",
    "audio/ogg": "oga",
}
"""Of types that Python does not know."""
_OF_EXTENSIONS: Final = {ending: kind for kind, ending in _EXTENSIONS.items()}
_BEGINNINGS: Final = {
    b"\x89PNG\r\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"%PDF": "application/pdf",
    b"PK\x03\x04": "application/zip",
    b"\x1f\x8b": "application/gzip",
}
_PACKED: Final = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


def make(content: bytes, *, name: str | None, mime_type: str | None = None) -> dict[str, Any]:
    """Its kind is the one given, or that of its name, or what it begins with. Raises `evaluation_limit` for more than `MAX_BYTES`."""
    if len(content) > MAX_BYTES:
        raise LimitError(f"The file has {len(content):,} bytes; one in a workflow may have {MAX_BYTES:,}.")
    kind = mime_type or type_of_name(name or "") or _begins(content)
    known = {"fileType": _file_type(kind), "fileExtension": _extension(name or "", mime_type or ""), "fileName": name}
    made: dict[str, Any] = {"mimeType": kind, **{key: value for key, value in known.items() if value is not None}}
    made |= {"bytes": len(content), "fileSize": _size(len(content))}
    return {**made, "data": base64.b64encode(content).decode()}


def _begins(content: bytes) -> str:
    return next((kind for start, kind in _BEGINNINGS.items() if content.startswith(start)), "text/plain")


def _file_type(mime_type: str) -> str | None:
    """n8n's coarse sort of file, by which its editor shows it."""
    first = mime_type.partition("/")[0]
    if mime_type in ("application/json", "application/pdf"):
        return mime_type.partition("/")[2]
    if mime_type == "text/html":
        return "html"
    return first if first in ("image", "video", "audio", "text") else None


def _extension(name: str, mime_type: str) -> str | None:
    """The name's own, else the usual one of the type."""
    return name.rpartition(".")[2] if "." in name else extension_of(mime_type)


def extension_of(mime_type: str) -> str | None:
    found = _EXTENSIONS.get(mime_type) or _TYPES.guess_extension(mime_type)
    return found.removeprefix(".") if found else None


def type_of_name(name: str) -> str | None:
    """Of what is packed twice, the type of the outer package."""
    found, packed = _TYPES.guess_type(name)
    if packed:
        return _PACKED.get(packed, found)
    return found or _OF_EXTENSIONS.get(name.rpartition(".")[2].lower())


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.3g} kB" if count < 1_000_000 else f"{count / 1_000_000:.3g} MB"


def read(item: Item, name: str, index: int) -> tuple[bytes, dict[str, Any]]:
    """The bytes of a binary field, and its facts. Raises `NodeError` where there is none."""
    found = (item.get("binary") or {}).get(name)
    if item.get("binary") and not isinstance(found, dict):
        raise NodeError(f"The item has no binary field '{name}' [item {index}]", item=index)
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


def decoded(content: bytes, encoding: str, *, marked: bool = True) -> str:
    """Without its byte order mark, unless it is not looked for."""
    try:
        text = content.decode(_python_name(encoding), "replace")
        return text.removeprefix("\ufeff") if marked else text
    except LookupError:
        raise NodeError(f"The encoding {encoding!r} is not known") from None


def _python_name(encoding: str) -> str:
    return {"utf8": "utf-8", "utf16le": "utf-16-le", "binary": "latin-1"}.get(encoding, encoding)
