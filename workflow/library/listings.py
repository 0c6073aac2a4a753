"""Lists of workflows and executions as they are shown: a row of the list, and where the next page begins."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from bus.errors import InvalidRequest
from bus.messages.workflows import LastExecution, WorkflowRecord


def listed(row: Mapping[str, Any]) -> WorkflowRecord:
    last = None
    if row["last_id"] is not None:
        last = LastExecution(id=row["last_id"], status=row["last_status"], created_at=row["last_at"])
    return WorkflowRecord(**{**row, "tags": _tags(row["tags"]), "last_execution": last})


def _tags(given: str | None) -> tuple[str, ...]:
    """n8n writes a tag as an object with its name, or as the name alone."""
    found = json.loads(given) if given else None
    named = (each.get("name") if isinstance(each, dict) else each for each in found) if isinstance(found, list) else ()
    return tuple(name for name in named if isinstance(name, str) and name)


def cursor(at: datetime, last: UUID) -> str:
    return urlsafe_b64encode(f"{at.isoformat()} {last}".encode()).decode()


def read_cursor(given: str | None) -> tuple[datetime | None, UUID | None]:
    """InvalidRequest for what no list gave."""
    if given is None:
        return None, None
    try:
        at, _, last = urlsafe_b64decode(given).decode().rpartition(" ")
        return datetime.fromisoformat(at), UUID(last)
    except ValueError:
        raise InvalidRequest("The cursor is none that a list gave. Leave it out to begin with the newest.") from None
