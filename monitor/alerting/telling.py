"""Says on the bus what became of an alert: once, whatever becomes of the monitor."""

from typing import Final

from bus import subjects
from bus.client import Bus
from bus.messages import EventType
from bus.messages.alerts import Alert
from bus.messages.events import AlertEvent

SOURCE: Final = "monitor"


async def is_told(bus: Bus, alert: Alert) -> bool:
    """Whoever died may have told it and not noted that. Who listens without the stream would hear a repetition, which the stream drops."""
    stored = await bus.last(subjects.EVENTS, _subject(alert))
    return stored is not None and stored.decode(AlertEvent).data.rank >= alert.rank


def _subject(alert: Alert) -> str:
    return subjects.event(subjects.DEFAULT_TENANT, EventType.SYSTEM_ALERT, alert.id)


async def tell(bus: Bus, alert: Alert) -> None:
    """With an id of its own, so that what is told again after a crash is stored once."""
    event_id = f"{alert.id}.{alert.rank}"
    event = AlertEvent(id=event_id, type=EventType.SYSTEM_ALERT, source=SOURCE, timestamp=alert.changed_at, data=alert)
    await bus.publish_durable(_subject(alert), event, message_id=event_id)
