"""Forms with files: their fields and files, from a body that was read and bounded before."""

import base64
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from bus.errors import InvalidRequest
from bus.messages.workflows import UploadedFile

MAX_FILES: Final = 100
MAX_FIELDS: Final = 1000


@dataclass(slots=True)
class Parts:
    fields: list[tuple[str, str]] = field(default_factory=list)
    files: list[UploadedFile] = field(default_factory=list)


async def parts_of(data: bytes, headers: Headers) -> Parts:
    """InvalidRequest for what is no such form, or has too many parts. A file without a name and content is a field left empty."""

    async def once() -> AsyncGenerator[bytes, None]:
        yield data

    parser = MultiPartParser(headers, once(), max_files=MAX_FILES, max_fields=MAX_FIELDS, max_part_size=max(1, len(data)))
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise InvalidRequest(f"The form cannot be read: {error.message}") from None
    except (KeyError, UnicodeDecodeError, LookupError):
        raise InvalidRequest("The form cannot be read: its boundary is missing, or its text is no UTF-8.") from None
    found = Parts()
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                await _add(found, name, value)
            else:
                found.fields.append((name, value))
    finally:
        await form.close()
    return found


async def _add(found: Parts, name: str, file: UploadFile) -> None:
    content = await file.read()
    if not content and not file.filename:
        return
    found.files.append(
        UploadedFile(
            field=name,
            name=(file.filename or name).replace("\\", "/").rpartition("/")[2],
            mime_type=(file.content_type or "application/octet-stream").partition(";")[0].strip().lower(),
            size=len(content),
            data=base64.b64encode(content).decode(),
        )
    )
