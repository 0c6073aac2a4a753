"""Folds what is told of alerts into those that are active. Pure: what is heard late, or twice, changes nothing."""

from collections.abc import Iterable
from uuid import UUID

from bus.messages.alerts import Alert
from gui.rows import Revision


class AlertFold:
    """By rank, which grows with each change of an alert."""

    def __init__(self, revision: Revision) -> None:
        self._revision = revision
        self._alerts: dict[UUID, Alert] = {}

    @property
    def active(self) -> tuple[Alert, ...]:
        return tuple(alert for alert in self._alerts.values() if alert.active)

    def apply(self, alert: Alert) -> None:
        """What is over is held until the next list, so that an older word of it does not bring it back."""
        before = self._alerts.get(alert.id)
        if before is None or alert.rank > before.rank:
            self._alerts[alert.id] = alert
            self._revision.next()

    def apply_listed(self, alerts: Iterable[Alert], known: Iterable[Alert]) -> None:
        """The monitor's word: all that are active. `known` were active when it was asked; of them what is not named is over."""
        named = {alert.id: alert for alert in alerts}
        gone = {alert.id for alert in known} - set(named)
        over = {alert_id for alert_id, alert in self._alerts.items() if not alert.active}
        self._alerts = {alert_id: alert for alert_id, alert in self._alerts.items() if alert_id not in gone | over}
        if gone:
            self._revision.next()
        for alert in named.values():
            self.apply(alert)
