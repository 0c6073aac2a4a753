"""The watch over alerts: a round each second, and at once when an agent turns. What changed is a row first, then an event."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Final
from uuid import UUID

from bus import telemetry
from bus.client import Bus
from bus.errors import HiveError, NotFound
from bus.messages.alerts import (
    Alert,
    AlertList,
    AlertRule,
    ChangeRule,
    CreateSilence,
    ListAlerts,
    PutRules,
    RuleSet,
    RuleSource,
    Silence,
)
from monitor.alerting.alerts import AlertKey, Alerts, Verdict, grouped
from monitor.alerting.hearing import Hearing
from monitor.alerting.record import AlertRecord
from monitor.alerting.rules import Rule, changed, readable, ready, windows
from monitor.alerting.samples import Samples
from monitor.alerting.silences import planned
from monitor.alerting.telling import is_told, tell
from monitor.ingest import Ledger
from monitor.notifying.notifier import Notifier

logger = telemetry.log(__name__)

ALIVE_SECONDS: Final = 2.0
"""Between two looks whether the session is there, and with it the lock."""
ROUND_SECONDS: Final = 1.0
FORGET_SECONDS: Final = 3600.0


def now_utc() -> datetime:
    return datetime.now(UTC)


class Watch:
    """Everything that changes something has `_turn`: the connection takes one statement at a time, and rounds see whole changes."""

    notifier: Notifier | None = None
    """None: nobody is sent anything."""

    def __init__(self, bus: Bus, ledger: Ledger, rules: RuleSet, *, counted: asyncio.Event, retain_seconds: float) -> None:
        self._bus, self._given, self._retain = bus, rules, retain_seconds
        self._hearing, self._turn = Hearing(bus, ledger, counted), asyncio.Lock()
        self._alerts, self._set = Alerts(), rules
        self._rules: tuple[Rule, ...] = ()
        self._silences: list[Silence] = []
        self._untold: list[Alert] = []
        self._record: AlertRecord | None = None

    @property
    def alerts(self) -> Iterable[Alert]:
        """Those that are over among them, for as long as a cooldown may be."""
        return self._alerts.all

    @property
    def samples(self) -> Samples:
        return self._hearing.samples

    async def take_up(self, record: AlertRecord) -> None:
        """From the rows: how alerts stand, and what of it the bus has not been told."""
        self._record = record
        stored = await record.rules()
        if stored is not None:
            self._set = RuleSet(alerts=dict(stored), source=RuleSource.STORED)
            if self._given.source is RuleSource.FILE:
                logger.warning("rules_of_the_file_do_not_hold", reason="others were put", next="hive alerts rules --reset")
        self._alerts = Alerts(await record.known())
        for alert in await record.untold():
            if await is_told(self._bus, alert):
                await record.told(alert)
            else:
                self._untold.append(alert)
        self._silences = await record.silences(now_utc())
        self._use(self._set)
        await self._hearing.start()

    async def close(self) -> None:
        await self._hearing.close()

    async def run(self) -> None:
        """Until the database is away: the lock is lost with its session, and another may have it. DatabaseUnavailable."""
        logger.info("alerts_are_watched", rules=len(self._rules), active=len(self._alerts.active))
        forgotten = asked = float("-inf")
        while True:
            if monotonic() - asked >= ALIVE_SECONDS:
                asked = monotonic()
                async with self._turn:
                    await self._rows.alive()
            if monotonic() - forgotten >= FORGET_SECONDS:
                forgotten = monotonic()
                async with self._turn:
                    await self._rows.forget(self._retain)
                if self.notifier is not None:
                    await self.notifier.forget()
            await self.round(now_utc())
            with suppress(TimeoutError):
                async with asyncio.timeout(ROUND_SECONDS):
                    await self._hearing.changed.wait()

    async def round(self, now: datetime) -> None:
        self._hearing.changed.clear()
        self._hearing.look(now.timestamp())
        async with self._turn:
            silences = [*self._silences, *self._hearing.resting(now)]
            await self._keep(self._alerts.judge(self._rules, self._verdicts(now.timestamp()), silences, now))

    async def listed(self, asked: ListAlerts) -> AlertList:
        async with self._turn:
            alerts = await self._rows.listed(asked)
        return AlertList(alerts=tuple(alerts), groups=grouped(self._alerts.active))

    async def acknowledge(self, alert_id: UUID, by: str) -> Alert:
        """NotFound, Conflict."""
        async with self._turn:
            before = {alert.id: alert for alert in self._alerts.active}
            alert = self._alerts.acknowledge(alert_id, by, now_utc())
            if alert != before[alert_id]:
                try:
                    await self._save([alert])
                except BaseException:
                    self._alerts.put_back(before[alert_id])
                    raise
                await self._tell_all()
        return alert

    @property
    def rules(self) -> RuleSet:
        return self._set

    async def put_rules(self, wanted: PutRules, by: str) -> RuleSet:
        """InvalidRequest for a condition that cannot be read: then all stay as they are."""
        async with self._turn:
            await self._put(wanted.alerts, by)
        self._hearing.changed.set()
        return self._set

    async def change_rule(self, wanted: ChangeRule, by: str) -> RuleSet:
        """InvalidRequest for a condition that cannot be read; Conflict where the rule is not as its writer saw it."""
        async with self._turn:
            await self._put(changed(self._set.alerts, wanted), by)
        self._hearing.changed.set()
        return self._set

    async def reset_rules(self) -> RuleSet:
        """Back to those of the file as this process has read it, or to Hive's own."""
        async with self._turn:
            await self._rows.reset_rules()
            self._use(self._given)
        self._hearing.changed.set()
        return self._set

    async def _put(self, rules: Mapping[str, AlertRule], by: str) -> None:
        ready(rules)
        await self._rows.put_rules(rules, by)
        self._use(RuleSet(alerts=dict(rules), source=RuleSource.STORED))

    @property
    def silences(self) -> tuple[Silence, ...]:
        return tuple(silence for silence in self._silences if silence.ends_at > now_utc())

    async def silence(self, wanted: CreateSilence, by: str) -> Silence:
        """InvalidRequest for a time that is no use, or for one that names nothing."""
        return await self._silence(planned(wanted, by, now_utc()))

    async def end_silence(self, silence_id: UUID) -> Silence:
        """NotFound for one that neither holds nor is planned."""
        found = next((silence for silence in self.silences if silence.id == silence_id), None)
        if found is None:
            raise NotFound(f"There is no silence {silence_id} that holds or is planned. `hive alerts silences` lists them.")
        now = now_utc()
        return await self._silence(found.model_copy(update={"starts_at": min(found.starts_at, now), "ends_at": now}))

    async def _silence(self, silence: Silence) -> Silence:
        async with self._turn:
            await self._rows.save_silence(silence)
            others = [other for other in self.silences if other.id != silence.id]
            self._silences = sorted([*others, silence], key=lambda each: each.ends_at)
        self._hearing.changed.set()
        return silence

    @property
    def _rows(self) -> AlertRecord:
        assert self._record is not None, "taken up"  # noqa: S101
        return self._record

    def _use(self, rules: RuleSet) -> None:
        """All are shown and kept; one that this version cannot read is not watched, and that is said."""
        good, bad = readable(rules.alerts)
        for name, reason in bad.items():
            logger.error("rule_not_watched", rule=name, reason=reason, next="change it: hive alerts rules")
        before, made = {rule.name: rule.written for rule in self._rules}, ready(good)
        self._alerts.begin_anew([rule.name for rule in made if before.get(rule.name) != rule.written])
        self._set, self._rules = rules, made
        self._hearing.samples.keep(windows(self._rules))

    def _verdicts(self, at: float) -> dict[AlertKey, Verdict]:
        found, samples = dict[AlertKey, Verdict](), self._hearing.samples
        for rule in self._rules:
            for entity in samples.keys(rule.scope):
                holds = rule.condition.holds(samples, (rule.scope, entity), at)
                values = {} if holds is None else rule.condition.values(samples, (rule.scope, entity), at)
                found[rule.name, entity] = Verdict(holds, values)
        return found

    async def _keep(self, changed: list[Alert]) -> None:
        """The row is first: who takes over knows what fires, and tells what was not told yet."""
        if changed:
            await self._save(changed)
        await self._tell_all()

    async def _save(self, changed: list[Alert]) -> None:
        notices = self.notifier.notices(changed) if self.notifier is not None else ()
        await self._rows.save(changed, notices)
        self._untold += changed
        if self.notifier is not None:
            self.notifier.changed()
        for alert in changed:
            logger.info("alert", rule=alert.rule, entity=alert.entity, state=alert.state, reason=alert.reason)

    async def _tell_all(self) -> None:
        while self._untold:
            try:
                await tell(self._bus, self._untold[0])
            except HiveError as error:
                logger.warning("alerts_wait", count=len(self._untold), reason=error.message)
                return
            await self._rows.told(self._untold.pop(0))
