"""Windows of maintenance as silences: nobody is called by an agent that is being worked on. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from bus.messages.alerts import AlertScope, Silence
from bus.messages.maintenance import MaintenancePhase, MaintenanceWindow


def silences_of(windows: Iterable[MaintenanceWindow], labels: Mapping[str, Mapping[str, str]], now: datetime) -> list[Silence]:
    """Those of the windows that hold. `labels` are those of each agent. A window of everything silences all, queue and models included."""
    found: list[Silence] = []
    for window in windows:
        if window.phase is MaintenancePhase.CANCELLED or not window.starts_at <= now < window.ends_at:
            continue
        if window.everything:
            found.append(_silence(window, None))
            continue
        marked = [agent_id for agent_id, own in labels.items() if window.labels and window.labels.items() <= own.items()]
        found += [_silence(window, agent_id) for agent_id in (*window.agents, *marked)]
    return found


def _silence(window: MaintenanceWindow, agent_id: str | None) -> Silence:
    return Silence(
        id=window.id,
        entity=agent_id,
        scope=None if agent_id is None else AlertScope.AGENT,
        reason=f"maintenance, {window.reason}",
        by=window.by,
        starts_at=window.starts_at,
        ends_at=window.ends_at,
    )
