"""When a window of maintenance holds, and for whom. Pure."""

from collections.abc import Iterable
from datetime import datetime

from bus.messages.maintenance import MaintenancePhase, MaintenanceWindow
from coordinator.agents.agent import Agent

OVER = (MaintenancePhase.ENDED, MaintenancePhase.CANCELLED)


def phase_of(window: MaintenanceWindow, now: datetime) -> MaintenancePhase:
    if window.cancelled_at is not None:
        return MaintenancePhase.CANCELLED
    if now < window.starts_at:
        return MaintenancePhase.PLANNED
    return MaintenancePhase.UNDER_WAY if now < window.ends_at else MaintenancePhase.ENDED


def covers(window: MaintenanceWindow, agent: Agent) -> bool:
    if window.everything or agent.agent_id in window.agents:
        return True
    return bool(window.labels) and window.labels.items() <= agent.traits.labels.items()


def rest(windows: Iterable[MaintenanceWindow], agent: Agent, now: datetime) -> str | None:
    """Why the agent rests now, by the window that holds longest; None when none does."""
    holding = [window for window in windows if phase_of(window, now) is MaintenancePhase.UNDER_WAY and covers(window, agent)]
    last = max(holding, key=lambda window: window.ends_at, default=None)
    return None if last is None else f"maintenance until {last.ends_at:%Y-%m-%d %H:%M} UTC: {last.reason}"
