"""Folds what the hive's services tell of themselves, and a coordinator of the stores, into those that are away. Pure: time is passed in."""

from datetime import datetime, timedelta
from typing import Final

from bus.messages.readings import ServiceVitals, StoreReadings
from bus.vitals import FRESH_SECONDS
from gui.rows import Revision

POSTGRES: Final = "postgres"
REDIS: Final = "redis"
TAKEN_AWAY: Final = timedelta(days=1)
"""A service that is silent for longer is not missed any more."""


class ServiceFold:
    """By service, not by process: while one gateway of two is there, the gateway is. What was never heard is not missed."""

    def __init__(self, revision: Revision) -> None:
        self._revision = revision
        self._heard: dict[str, datetime] = {}
        self._stores: dict[str, datetime] = {}
        self.away: dict[str, datetime] = {}
        """When each spoke last."""

    def apply_vitals(self, vitals: ServiceVitals, now: datetime) -> None:
        self._heard[vitals.service] = now

    def apply_stores(self, readings: StoreReadings, now: datetime) -> None:
        """As they were at `now`. A hive may have no Redis, so only one that once answered can be away."""
        found = {POSTGRES: readings.database_connections, REDIS: readings.redis_memory_bytes}
        self._stores.update(dict.fromkeys((name for name, reading in found.items() if reading is not None), now))
        silent = {name for name, reading in found.items() if reading is None and name in self._stores}
        self._say(
            {name: at for name, at in self.away.items() if name not in found} | {name: self._stores[name] for name in silent}
        )

    def tick(self, now: datetime) -> None:
        """Once a second."""
        fresh, missed = timedelta(seconds=FRESH_SECONDS), {}
        for name, at in self._heard.items():
            if fresh < now - at < TAKEN_AWAY:
                missed[name] = at
        self._say(missed | {name: at for name, at in self.away.items() if name in (POSTGRES, REDIS)})

    def pardon(self, now: datetime) -> None:
        """This side was away: what was not heard meanwhile says nothing about the services."""
        self._heard = dict.fromkeys(self._heard, now)

    def _say(self, away: dict[str, datetime]) -> None:
        if away != self.away:
            self.away = away
            self._revision.next()
