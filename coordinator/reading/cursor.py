"""Where a page of a list ended, as text that a caller hands back: the time and the id of its last row. Pure."""

import base64
from datetime import datetime
from uuid import UUID

from bus.errors import InvalidRequest


def write_cursor(created_at: datetime, row_id: UUID) -> str:
    return base64.urlsafe_b64encode(f"{created_at.isoformat()} {row_id}".encode()).decode()


def read_cursor(cursor: str | None) -> tuple[datetime | None, UUID | None]:
    """InvalidRequest for what no list gave."""
    if cursor is None:
        return None, None
    try:
        at, row_id = base64.urlsafe_b64decode(cursor.encode()).decode().split(" ")
        return datetime.fromisoformat(at), UUID(row_id)
    except ValueError:
        raise InvalidRequest("The cursor is not one that a list gave. Begin again without it.") from None
